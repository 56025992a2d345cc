import django.utils.timezone
from django.db import migrations, models


def who_waits_asked_when_their_row_was_made(apps, schema_editor):
    participants = apps.get_model("meetings", "Participant").objects
    participants.filter(state="waiting").update(asked_at=models.F("created_at"))


class Migration(migrations.Migration):
    dependencies = [
        ("meetings", "0007_chat_message"),
    ]

    operations = [
        migrations.AddField(
            model_name="room",
            name="lobby_message",
            field=models.CharField(blank=True, max_length=300, verbose_name="message in the lobby"),
        ),
        migrations.AddField(
            model_name="participant",
            name="asked_at",
            field=models.DateTimeField(default=django.utils.timezone.now, editable=False, verbose_name="asked at"),
        ),
        migrations.RunPython(who_waits_asked_when_their_row_was_made, migrations.RunPython.noop, elidable=True),
    ]
