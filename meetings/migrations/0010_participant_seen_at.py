import django.utils.timezone
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("meetings", "0009_call_report_rating"),
    ]

    operations = [
        migrations.AddField(
            model_name="participant",
            name="seen_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False),
        ),
        migrations.AddField(
            model_name="participant",
            name="asked_from",
            field=models.CharField(blank=True, default="", editable=False, max_length=32),
        ),
    ]
