"""The button that leads to the sign-in service, where one is set up."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django import template
from django.urls import reverse

from accounts.proconnect.configuration import Provider, provider

register = template.Library()


@register.simple_tag
def sign_in_service() -> Provider | None:
    """None where there is none: then a page shows the local sign-in alone."""
    return provider()


@register.inclusion_tag("accounts/_sign_in_service.html")
def sign_in_button(service: Provider, next_path: str | None = None, level: str = "") -> dict[str, Any]:
    asked = {name: value for name, value in (("next", next_path), ("level", level)) if value}
    address = reverse("proconnect:sign_in")
    return {"service": service, "address": f"{address}?{urlencode(asked)}" if asked else address}
