"""The project as a Django app, so that its checks and commands are found."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as admin_apps


class VisioPortalConfig(AppConfig):
    default = True  # of the two here
    name = "visio_portal"

    def ready(self) -> None:
        from visio_portal import checks  # noqa: F401  registers the system checks


class PortalAdminConfig(admin_apps.AdminConfig):
    """Django's administration with our start page."""

    default = False
    default_site = "visio_portal.admin_site.PortalAdminSite"
