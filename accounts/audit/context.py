"""From where the present request comes, for the entries that are written meanwhile: address, id, application."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

import structlog
from django.http import HttpRequest, HttpResponse

_address: ContextVar[str] = ContextVar("audit_address", default="")
_application: ContextVar[str] = ContextVar("audit_application", default="")


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


@contextmanager
def of_an_application() -> Iterator[None]:
    """Of a request by a program: which one it is, `set_application` says once it is known."""
    token = _application.set("")
    try:
        yield
    finally:
        _application.reset(token)


def set_application(name: str) -> None:
    _application.set(name)


def application() -> str:
    """Empty where people act themselves."""
    return _application.get()
