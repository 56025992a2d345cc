"""One log stream for every process: structured lines without tokens, secrets, query strings or speech.

Both `structlog.get_logger()` and the standard library's loggers end here. Redaction is the last step before the
line is rendered, so it sees interpolated messages and tracebacks of libraries, too.
"""

from __future__ import annotations

import logging
import logging.config
import os
import re
import secrets
import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import structlog
from structlog.typing import EventDict, Processor

if TYPE_CHECKING:
    from django.http import HttpRequest, HttpResponse

REDACTED = "[redacted]"
_SENSITIVE = r"token|secret|password|passwd|authorization|cookie|api_?key|csrf|session_?key|credential|sdp|candidate"
_SENSITIVE_NAME = re.compile(_SENSITIVE, re.IGNORECASE)
_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    # Tokens of the API, wherever they stand: what is left finds the row.
    (re.compile(r"\b(visio_[a-z0-9]{10}_)[\w-]{43}"), rf"\1{REDACTED}"),
    # JSON Web Tokens, wherever they stand.
    (re.compile(r"eyJ[\w-]{5,}\.[\w-]*\.?[\w-]*"), REDACTED),
    (re.compile(r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{8,}"), rf"\1 {REDACTED}"),
    # A query string, in a path or a URL.
    (re.compile(r"(?<=[\w/])\?[\w.~%-]+=[^\s\"'<>]*"), f"?{REDACTED}"),
    # user:password@ in a URL.
    (re.compile(r"(\w+://[^\s/:@]*):[^\s/@]+@"), rf"\1:{REDACTED}@"),
    (re.compile(rf"(?i)\b([\w-]*(?:{_SENSITIVE})[\w-]*[\"']?\s*[=:]\s*[\"']?)[^\s&\"',;)]+"), rf"\1{REDACTED}"),
)
# One-time links carry their token in the path: no segment this long is anything else there.
_LONG_SEGMENT = re.compile(r"(?<=/)[\w~:=-]{20,}(?=[/\s?\"']|$)")

_TRAILING_PATH = re.compile(r":? (?:https?://|/)\S*")


def redact_text(text: str) -> str:
    """`text` without anything that opens a door."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def _redact_value(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, dict):
        return {
            key: REDACTED if _SENSITIVE_NAME.search(str(key)) else _redact_value(item) for key, item in value.items()
        }
    if isinstance(value, list | tuple | set):
        return [_redact_value(item) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return redact_text(str(value))


def redact(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Structlog processor: see the module's docstring."""
    for key, value in event.items():
        if key != "event" and _SENSITIVE_NAME.search(key):
            event[key] = REDACTED
        elif key in ("exception", "stack"):
            event[key] = redact_text(str(value))  # paths of our own files stay readable
        else:
            cleaned = _redact_value(value)
            event[key] = _LONG_SEGMENT.sub(REDACTED, cleaned) if isinstance(cleaned, str) else cleaned
    return event


def _without_path(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Django's own lines about requests end in the path, and carry the request: the request line below is enough."""
    if str(event.get("logger", "")).startswith("django."):
        event.pop("request", None)
        event["event"] = _TRAILING_PATH.sub("", str(event.get("event", "")))
    return event


def _process_name(_logger: Any, _method: str, event: EventDict) -> EventDict:
    event.setdefault("process", os.environ.get("VISIO_PROCESS", "manage"))
    return event


def configure(*, level: str, json: bool) -> None:
    """Sends all loggers to standard error. `level` is one of logging's names, an unknown one counts as INFO."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.ExtraAdder(),
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _process_name,
    ]
    renderer: Processor = (
        structlog.processors.JSONRenderer()
        if json
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    final: list[Processor] = [
        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
        structlog.processors.format_exc_info,
        _without_path,
        redact,
        renderer,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(foreign_pre_chain=shared, processors=final)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    for old in [h for h in root.handlers if isinstance(h.formatter, structlog.stdlib.ProcessorFormatter)]:
        root.removeHandler(old)
    root.addHandler(handler)
    known = logging.getLevelNamesMapping()
    root.setLevel(known.get(level, logging.INFO))
    for name, own_level in _LIBRARY_LEVELS.items():
        logging.getLogger(name).setLevel(max(own_level, root.level))
    logging.getLogger(_AUDIT).setLevel(logging.INFO)
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


# Who did what to whom is no matter of taste: kept at whatever LOG_LEVEL.
_AUDIT = "audit"
# What these say at INFO is either noise or a request line with its query string.
_LIBRARY_LEVELS = {
    "daphne": logging.WARNING,
    "asyncio": logging.WARNING,
    "aioice": logging.WARNING,
    "aiortc": logging.WARNING,
    "httpx": logging.WARNING,
    "httpcore": logging.WARNING,
    "django.request": logging.ERROR,  # 4xx: the request line below says it without the path
    "django.server": logging.ERROR,
    "fontTools": logging.ERROR,
}


class RequestLogMiddleware:
    """One line a request, with the route and never the path: a path may hold a one-time token or a room's link."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response
        self.logger = structlog.get_logger("visio_portal.request")

    def __call__(self, request: HttpRequest) -> HttpResponse:
        request_id = secrets.token_hex(6)
        started = time.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            response = self.get_response(request)
            response["X-Request-Id"] = request_id
            match = request.resolver_match
            if match is not None or response.status_code >= 400:  # files that whitenoise serves have no route
                self.logger.info(
                    "request",
                    method=request.method,
                    route=match.route if match else "-",
                    status=response.status_code,
                    ms=round((time.monotonic() - started) * 1000),
                )
        return response
