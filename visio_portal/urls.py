"""The portal's addresses. Websockets, /rtc and /twirp are routed in asgi.py."""

from __future__ import annotations

import importlib.util

from django.contrib import admin
from django.urls import include, path

from visio_portal import health

urlpatterns = [
    path("readyz", health.readyz, name="readyz"),
    path("admin/", admin.site.urls),
    path("i18n/", include("django.conf.urls.i18n")),
    path("accounts/", include("allauth.account.urls")),
]
# Until both apps have their addresses.
if importlib.util.find_spec("accounts.urls"):
    urlpatterns.insert(0, path("accounts/", include("accounts.urls")))
if importlib.util.find_spec("meetings.urls"):
    urlpatterns.append(path("", include("meetings.urls")))
