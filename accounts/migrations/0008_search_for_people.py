import django.db.models.functions.text
from django.db import migrations, models

# PostgreSQL's LIKE goes by an index of this kind only; `istartswith` compares UPPER(…).
_PREFIXES = {
    "user_prefix_email": ("accounts_user", "email"),
    "user_prefix_first_name": ("accounts_user", "first_name"),
    "user_prefix_last_name": ("accounts_user", "last_name"),
    "organisation_prefix_name": ("accounts_organisation", "name"),
}


def make(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name, (table, column) in _PREFIXES.items():
            schema_editor.execute(f"CREATE INDEX {name} ON {table} (UPPER({column}::text) text_pattern_ops)")


def unmake(apps, schema_editor):
    if schema_editor.connection.vendor == "postgresql":
        for name in _PREFIXES:
            schema_editor.execute(f"DROP INDEX {name}")


class Migration(migrations.Migration):
    """People are found by how their name or address begins, also among a quarter of a million."""

    dependencies = [
        ("accounts", "0006_provisioning"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="user",
            index=models.Index(django.db.models.functions.text.Lower("first_name"), name="user_by_first_name"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(django.db.models.functions.text.Lower("last_name"), name="user_by_last_name"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(condition=models.Q(("is_staff", True)), fields=["email"], name="user_staff"),
        ),
        migrations.AddIndex(
            model_name="user",
            index=models.Index(condition=models.Q(("is_active", False)), fields=["email"], name="user_suspended"),
        ),
        migrations.RunPython(make, unmake),
    ]
