"""The API described for programs: OpenAPI 3, made from the very views. It tells nobody's data and needs no token."""

from __future__ import annotations

from functools import cache
from typing import Any, ClassVar

from django.urls import include, path
from django.utils import translation
from drf_spectacular.generators import SchemaGenerator
from rest_framework.request import Request
from rest_framework.response import Response

from accounts.api.views import ApiView


@cache
def document() -> dict[str, Any]:
    from visio_portal import api_urls  # which has the address of this in it

    patterns = [path("api/v1/", include((api_urls.described, "api")))]
    with translation.override("en"):
        made: dict[str, Any] = SchemaGenerator(patterns=patterns).get_schema(request=None, public=True)
    return made


class ApiDocument(ApiView):
    scopes: ClassVar = {"GET": None}
    authentication_classes = ()
    needs_token = False

    def get(self, request: Request) -> Response:
        return Response(document())
