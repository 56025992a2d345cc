"""The project as a Django app, so that its checks and commands are found."""

from __future__ import annotations

from django.apps import AppConfig


class VisioPortalConfig(AppConfig):
    name = "visio_portal"

    def ready(self) -> None:
        from visio_portal import checks  # noqa: F401  registers the system checks
