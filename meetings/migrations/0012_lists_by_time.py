from django.db import migrations, models


class Migration(migrations.Migration):
    """The administration's lists, newest first, without sorting all there is."""

    dependencies = [
        ("meetings", "0011_assurance"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="callsession",
            index=models.Index(fields=["started_at"], name="call_started_at"),
        ),
        migrations.AddIndex(
            model_name="participant",
            index=models.Index(fields=["created_at", "id"], name="participant_created_at"),
        ),
        migrations.AddIndex(
            model_name="room",
            index=models.Index(fields=["created_at", "id"], name="room_created_at"),
        ),
    ]
