"""The Content-Security-Policy of `settings.py`, with the address of the media plane that this page is given."""

from __future__ import annotations

from http import HTTPStatus

from csp.middleware import CSPMiddleware, PolicyParts
from django.conf import settings
from django.core.exceptions import DisallowedHost
from django.http import HttpRequest, HttpResponseBase

from meetings.own_address import websocket_url

# Blur and the noise filter are WebAssembly, served by this portal; a page that needs none may run none.
_WASM_PAGE = "meetings:call"
_WASM = "'wasm-unsafe-eval'"


class PolicyMiddleware(CSPMiddleware):
    """django-csp's, extended as it provides for."""

    def get_policy_parts(
        self, request: HttpRequest, response: HttpResponseBase, report_only: bool = False
    ) -> PolicyParts:
        parts: PolicyParts = super().get_policy_parts(request, response, report_only)
        page = request.resolver_match
        if page is not None and page.view_name == _WASM_PAGE and response.status_code == HTTPStatus.OK:
            _add(parts, "script-src", _WASM)
        try:
            address = websocket_url(request)
        except DisallowedHost:
            return parts  # the answer is 400 and asks for nothing
        is_new = not report_only and address != settings.LIVEKIT_PUBLIC_URL
        if is_new and "[" not in address:  # the grammar has no IPv6 addresses; 'self' stands for it
            _add(parts, "connect-src", address)
        return parts


def _add(parts: PolicyParts, directive: str, source: str) -> None:
    update = dict(parts.update or {})
    update[directive] = [*update.get(directive, ()), source]
    parts.update = update
