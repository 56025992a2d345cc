from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AccountsConfig(AppConfig):
    name = "accounts"
    verbose_name = _("People")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from accounts.audit import sign_in
        from accounts.browsers import sessions
        from accounts.factors import notes
        from accounts.proconnect import checks as _checks  # noqa: F401  registers them

        sign_in.connect()
        sessions.connect()
        notes.connect()
