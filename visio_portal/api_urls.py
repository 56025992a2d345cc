"""The API for programs, under /api/v1/: what each app adds, and its description."""

from __future__ import annotations

from django.urls import URLPattern, path, re_path

from accounts.api.urls import urlpatterns as people
from accounts.api.views import NotThere
from meetings.api.urls import urlpatterns as rooms
from visio_portal.api_document import ApiDocument

app_name = "api"

described: list[URLPattern] = [*people, *rooms]
urlpatterns = [
    path("openapi.json", ApiDocument.as_view(), name="document"),
    *described,
    # A program that mistypes gets JSON, and no page.
    re_path(r".*", NotThere.as_view(), name="not_there"),
]
