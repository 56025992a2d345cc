"""From where the present request comes: its address and its id, for the entries that are written meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar

import structlog
from django.http import HttpRequest, HttpResponse

_address: ContextVar[str] = ContextVar("audit_address", default="")


class AuditMiddleware:
    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        # `proxies.py` has already put the real client's address there.
        token = _address.set(str(request.META.get("REMOTE_ADDR", "")))
        try:
            return self.get_response(request)
        finally:
            _address.reset(token)


def address() -> str:
    """Empty outside of requests."""
    return _address.get()


def request_id() -> str:
    """What the log's lines of this request carry, too; "" outside of requests."""
    return str(structlog.contextvars.get_contextvars().get("request_id", ""))
