"""Health for load balancers: /healthz says that the process answers, /readyz that what it needs does."""

from __future__ import annotations

from django.db import connection
from django.http import HttpRequest, JsonResponse


def readyz(request: HttpRequest) -> JsonResponse:
    """Answers 200 when the database answers, else 503."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return JsonResponse({"ready": True})
