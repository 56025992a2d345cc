"""Jobs: `enqueue` in any app, `@job` in its tasks.py."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _


class JobsConfig(AppConfig):
    name = "jobs"
    default_auto_field = "django.db.models.BigAutoField"
    verbose_name = _("Background jobs")

    def ready(self) -> None:
        autodiscover_modules("tasks")
