from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class MeetingsConfig(AppConfig):
    name = "meetings"
    verbose_name = _("Meetings")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from meetings import audit_words  # noqa: F401  registers the words of the audit log
        from meetings.api import scopes  # noqa: F401  registers them
        from meetings.services import leavers, merging

        leavers.connect()
        merging.register()
