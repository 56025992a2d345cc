"""System checks: each names the variable and the remedy."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register


@register()
def secrets_are_set(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """No secret has a default: `make run` makes them."""
    found: list[CheckMessage] = []
    if not settings._wrapped.SECRET_KEY:  # type: ignore[attr-defined]  # attribute access raises where it is empty
        found.append(Error("SECRET_KEY is empty.", hint="Run `make run`, which writes one to .env.", id="visio.E001"))
    return found
