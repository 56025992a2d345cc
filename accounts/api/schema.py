"""How an address describes itself in the OpenAPI document: its scope, and every refusal that may come."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension
from drf_spectacular.openapi import AutoSchema

from accounts.api.authentication import TokenAuthentication
from accounts.api.errors import ErrorSerializer
from accounts.api.serializers import StrictSerializer, Text

_WORDS = {
    400: "Something in the request is not right.",
    401: "The token is missing, unknown, revoked or expired, or its owner is suspended.",
    403: "The token has not the scope, or the owner may not do that.",
    404: "It does not exist, or the owner may not see it.",
    406: "Answers are JSON, and nothing else.",
    409: "It contradicts what is there.",
    410: "It is closed for good.",
    413: "The body is larger than 64 KiB.",
    415: "The body is not JSON.",
    429: "There were too many requests; `Retry-After` says how long to wait.",
    500: "A failure of the portal's.",
    502: "The media server refused the order.",
    503: "The media server does not answer, or the portal is busy.",
}
# No database takes it.
_NO_NUL = r"^[^\x00]*$"
_ALWAYS = (400, 401, 403, 406, 429, 500, 503)
_WITH_BODY = (409, 413, 415)
_CHANGES = {"POST", "PATCH", "DELETE"}


class Schema(AutoSchema):
    def get_description(self) -> str:  # type: ignore[override]  # as the library has it
        scope = self._scope()
        return f"{super().get_description() or ''}\n\nScope: {f'`{scope}`' if scope else 'none'}.".strip()

    def get_extensions(self) -> dict[str, Any]:
        scope = self._scope()
        return {"x-scope": scope} if scope else {}

    def get_tags(self) -> list[str]:
        return [self._api_view.tag]

    def get_operation_id(self) -> str:
        return f"{self.method.lower()}_{self._api_view.operation}"

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            if str(status) not in bodies:
                body = self._get_response_for_code(ErrorSerializer, str(status))
                bodies[str(status)] = {**body, "description": _WORDS[status]}
        return bodies

    def _map_basic_serializer(self, serializer: Any, direction: Any) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_basic_serializer(serializer, direction)
        return {**schema, "additionalProperties": False} if isinstance(serializer, StrictSerializer) else schema

    def _map_serializer_field(self, field: Any, direction: Any, bypass_extensions: bool = False) -> dict[str, Any]:
        schema: dict[str, Any] = super()._map_serializer_field(field, direction, bypass_extensions)
        return {**schema, "pattern": _NO_NUL} if isinstance(field, Text) else schema

    def _is_list_view(self, serializer: Any = None) -> bool:
        return self.method == "GET" and hasattr(self._api_view, "order")

    def _refusals(self) -> list[int]:
        found = set(_ALWAYS)
        if "{" in self.path:
            found.add(404)
        if self.method in _CHANGES:
            found.update((409, 410, 502))
        if self.method in _CHANGES - {"DELETE"}:
            found.update(_WITH_BODY)
        return sorted(found)

    @property
    def _api_view(self) -> Any:
        """An `ApiView`; to import it here would be a circle."""
        return self.view

    def _scope(self) -> str:
        return str(self._api_view.scopes.get(self.method) or "")


class TokenScheme(OpenApiAuthenticationExtension):
    """The library finds it by `target_class`."""

    target_class = TokenAuthentication
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, Any]:
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token that an administrator of the portal gave to the application.",
        }
