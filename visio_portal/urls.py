"""The portal's addresses. Websockets, /rtc and /twirp are routed in asgi.py."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path

from visio_portal import health, trust

urlpatterns = [
    path("readyz", health.readyz, name="readyz"),
    path("trust", trust.page, name="trust"),
    path("trust/authority.crt", trust.certificate, name="trust_certificate"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("accounts/proconnect/", include("accounts.proconnect.urls")),
    path("accounts/", include("accounts.urls")),
    path("organisation/", include("visio_portal.organisation.urls")),
    path("api/v1/", include("visio_portal.api_urls")),
    path("", include("meetings.urls")),
]
