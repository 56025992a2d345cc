import django.core.validators
import django.db.models.deletion
import django.utils.timezone
import uuid
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0012_merging"),
    ]

    operations = [
        migrations.CreateModel(
            name="HrDuty",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "source",
                    models.CharField(
                        max_length=40,
                        validators=[django.core.validators.RegexValidator("^[\\w.-]{1,40}\\Z")],
                        verbose_name="source",
                    ),
                ),
                (
                    "granted_at",
                    models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="granted at"),
                ),
                (
                    "user",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="hr_duties",
                        to=settings.AUTH_USER_MODEL,
                        verbose_name="person",
                    ),
                ),
            ],
            options={
                "verbose_name": "HR duty",
                "verbose_name_plural": "HR duties",
                "ordering": ["source"],
                "constraints": [models.UniqueConstraint(fields=("user", "source"), name="hr_duty_once_a_source")],
            },
        ),
        migrations.CreateModel(
            name="HrFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                ("source", models.CharField(max_length=40, verbose_name="source")),
                ("file_name", models.CharField(max_length=200, verbose_name="file")),
                ("size_bytes", models.PositiveBigIntegerField()),
                ("digest", models.CharField(max_length=64)),
                ("is_full", models.BooleanField(default=False, verbose_name="full")),
                ("max_leavers", models.FloatField(default=2.0)),
                ("language", models.CharField(blank=True, max_length=10)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("looking", "Being looked at"),
                            ("ready", "Waits for your decision"),
                            ("refused", "Refused"),
                            ("applying", "Being applied"),
                            ("applied", "Applied"),
                        ],
                        default="looking",
                        max_length=8,
                        verbose_name="state",
                    ),
                ),
                ("trouble", models.TextField(blank=True)),
                ("found", models.JSONField(default=dict)),
                ("done", models.JSONField(default=dict)),
                ("uploaded_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="uploaded at")),
                (
                    "confirmed_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="accounts.provisioningrun",
                    ),
                ),
                (
                    "uploaded_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "uploaded HR file",
                "verbose_name_plural": "uploaded HR files",
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["looking", "ready", "refused", "applying", "applied"])),
                        name="hr_file_state_is_known",
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HrUndo",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("public_id", models.UUIDField(default=uuid.uuid4, editable=False, unique=True)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("ordered", "Being taken back"),
                            ("done", "Taken back"),
                            ("refused", "Not taken back"),
                        ],
                        default="ordered",
                        max_length=7,
                        verbose_name="state",
                    ),
                ),
                ("trouble", models.TextField(blank=True)),
                ("language", models.CharField(blank=True, max_length=10)),
                ("left", models.PositiveIntegerField(default=0)),
                ("ordered_at", models.DateTimeField(default=django.utils.timezone.now, verbose_name="ordered at")),
                (
                    "ordered_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "run",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="undo_orders",
                        to="accounts.provisioningrun",
                    ),
                ),
            ],
            options={
                "verbose_name": "order to undo an import",
                "verbose_name_plural": "orders to undo imports",
                "ordering": ["-pk"],
                "constraints": [
                    models.CheckConstraint(
                        condition=models.Q(("state__in", ["ordered", "done", "refused"])), name="hr_undo_state_is_known"
                    ),
                    models.UniqueConstraint(
                        condition=models.Q(("state", "ordered")), fields=("run",), name="hr_undo_ordered_once_a_run"
                    ),
                ],
            },
        ),
    ]
