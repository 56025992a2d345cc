"""The Content-Security-Policy of `settings.py`, with the address of the media plane that this page is given."""

from __future__ import annotations

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from meetings.own_address import websocket_url


class PolicyMiddleware(CSPMiddleware):
    """django-csp's, extended as it provides for."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        try:
            address = websocket_url(request)
        except DisallowedHost:
            return parts  # the answer is 400 and asks for nothing
        is_new = not report_only and address != settings.LIVEKIT_PUBLIC_URL
        if is_new and "[" not in address:  # the grammar has no IPv6 addresses; 'self' stands for it
            update = dict(parts.update or {})
            update["connect-src"] = [*update.get("connect-src", ()), address]
            parts.update = update
        return parts
