"""What a program reads where something is refused: always the same shape, with what, where and the remedy.

    {"code": "invalid", "message": "…", "where": "body", "remedy": "…", "details": […], "request_id": "…"}

`code` is for programs and stays; the texts are for people and in the language that was asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import structlog
from django.core.exceptions import PermissionDenied
from django.core.signals import got_request_exception
from django.http import Http404
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from rest_framework import exceptions, serializers
from rest_framework.response import Response

from accounts.audit import context

log = structlog.get_logger(__name__)

_REMEDIES: Mapping[str, str | Promise] = {
    "token_missing": _("Send the header “Authorization: Bearer” followed by a token that an administrator gave you."),
    "token_malformed": _("Copy the token again, whole: it begins with visio_ and has 60 characters."),
    "token_unknown": _("Compare it with the token that you were given, or ask an administrator for a new one."),
    "token_revoked": _("Ask an administrator for a new token."),
    "token_expired": _("Ask an administrator for a new token."),
    "owner_suspended": _("Ask an administrator for a token of somebody whose account works."),
    "scope_missing": _("Ask an administrator for a token with this scope."),
    "may_not_open_rooms": _("Ask those who laid it down to allow it."),
    "not_found": _("Compare the address with docs/api.md. What the token’s owner may not see is not there for it."),
    "method_not_allowed": _("The header Allow names the methods of this address."),
    "not_acceptable": _("Accept application/json."),
    "unsupported_media_type": _("Send JSON, with the header “Content-Type: application/json”."),
    "malformed": _("Send one JSON object, in UTF-8."),
    "too_large": _("Send less."),
    "invalid": _("Correct what “details” names, and send it again."),
    "throttled": _("Wait as long as the header Retry-After says, and ask less often."),
    "idempotency_conflict": _("Use a new key for a new wish, or send what was sent with it the first time."),
    "failed": _("Try again. If it fails again, give an administrator the request_id."),
}


class ApiError(Exception):
    """`status` and `code` as documented; `where` is the header, body, query or path that is wrong."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        *,
        where: str = "",
        remedy: str = "",
        details: list[Detail] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.message = message
        self.where = where
        self.remedy = remedy or str(_REMEDIES.get(code) or _REMEDIES["failed"])
        self.details = details or []
        self.headers = dict(headers or {})

    def answer(self) -> Response:
        return Response(
            {
                "code": self.code,
                "message": self.message,
                "where": self.where,
                "remedy": self.remedy,
                "details": [asdict(detail) for detail in self.details],
                "request_id": context.request_id(),
            },
            status=self.status,
            headers=self.headers,
        )


@dataclass(frozen=True, slots=True)
class Detail:
    """One thing that is wrong. `where` is its place, as `body.name` or `query.limit`."""

    where: str
    code: str
    message: str


def not_found() -> ApiError:
    """The same where it is missing and where the owner may not see it."""
    return ApiError(404, "not_found", gettext("There is nothing here that you may see."), where="path")


def invalid(errors: Any, *, where: str) -> ApiError:
    """Of a serializer's or form's errors, by the names of fields."""
    message = gettext("Something in the request is not right.")
    return ApiError(400, "invalid", message, where=where, details=list(_details(errors, where)))


def error_of(exc: Exception) -> ApiError | None:
    """What is said of any exception; None for one that is a mistake of ours."""
    if isinstance(exc, ApiError):
        return exc
    if isinstance(exc, Http404 | exceptions.NotFound):
        return not_found()
    if isinstance(exc, exceptions.ValidationError):
        return invalid(exc.detail, where="body")
    if isinstance(exc, PermissionDenied | exceptions.PermissionDenied):
        return ApiError(403, "scope_missing", gettext("This token may not do that."))
    if isinstance(exc, exceptions.APIException):
        return _of_the_framework(exc)
    return None


def answer_to(exc: Exception, told: dict[str, Any]) -> Response:
    """The framework's EXCEPTION_HANDLER: the API's outer edge."""
    error = error_of(exc)
    if error is None:
        log.error("api_failed", exc_info=exc)
        got_request_exception.send(sender=type(told.get("view")), request=told.get("request"))
        error = ApiError(500, "failed", gettext("Something went wrong on our side. It is in the log."))
    return error.answer()


@dataclass(frozen=True, slots=True)
class _Framework:
    code: str
    where: str
    text: str | Promise


_FRAMEWORK: Mapping[int, _Framework] = {
    400: _Framework("malformed", "body", _("The body is not understood.")),
    405: _Framework("method_not_allowed", "method", _("This address does not know this method.")),
    406: _Framework("not_acceptable", "header.Accept", _("Answers are JSON, and nothing else.")),
    415: _Framework("unsupported_media_type", "header.Content-Type", _("The body must be JSON.")),
}


def _of_the_framework(exc: exceptions.APIException) -> ApiError | None:
    known = _FRAMEWORK.get(exc.status_code)
    if known is None:
        return None
    return ApiError(exc.status_code, known.code, str(known.text), where=known.where)


def _details(errors: Any, where: str) -> Iterator[Detail]:
    if isinstance(errors, Mapping):
        for name, inner in errors.items():
            yield from _details(inner, where if name in ("non_field_errors", "__all__") else f"{where}.{name}")
    elif isinstance(errors, list | tuple):
        for number, inner in enumerate(errors):
            is_leaf = not isinstance(inner, Mapping | list | tuple)
            yield from _details(inner, where if is_leaf else f"{where}[{number}]")
    else:
        yield Detail(where=where, code=str(getattr(errors, "code", None) or "invalid"), message=str(errors))


class DetailSerializer(serializers.Serializer[Any]):
    where = serializers.CharField(help_text="Such as `body.name` or `query.limit`.")
    code = serializers.CharField()
    message = serializers.CharField()


class ErrorSerializer(serializers.Serializer[Any]):
    """What a refusal says."""

    code = serializers.CharField(help_text="For programs; it stays.")
    message = serializers.CharField(help_text="What is wrong, for people.")
    where = serializers.CharField(help_text="The part of the request that is wrong; empty for none.")
    remedy = serializers.CharField(help_text="What to do about it.")
    details = DetailSerializer(many=True, help_text="Each thing that is wrong, where there may be several.")
    request_id = serializers.CharField(help_text="By which an administrator finds the request in the log.")
