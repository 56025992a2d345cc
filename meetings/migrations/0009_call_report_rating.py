from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("meetings", "0008_room_lobby_message"),
    ]

    operations = [
        migrations.AddField(
            model_name="callreport",
            name="rating",
            field=models.CharField(
                blank=True,
                choices=[("good", "good"), ("middling", "middling"), ("bad", "bad")],
                max_length=8,
                verbose_name="rating",
            ),
        ),
    ]
