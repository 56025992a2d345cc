"""Who asks: the owner of the token in the header `Authorization: Bearer …`. Neither cookies nor passwords count."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from rest_framework.authentication import BaseAuthentication
from rest_framework.request import Request

from accounts.api.errors import ApiError
from accounts.models import ApiToken, User
from accounts.services.api_tokens import TokenRefused, check_token

REALM = 'Bearer realm="visio"'
_TEXTS: dict[str, str | Promise] = {
    "token_missing": _("A token is needed here."),
    "token_malformed": _("This is not a token of this portal."),
    "token_unknown": _("No token fits this one."),
    "token_revoked": _("This token was revoked."),
    "token_expired": _("This token has expired."),
    "owner_suspended": _("The account that this token acts for is suspended."),
}


class TokenAuthentication(BaseAuthentication):
    def authenticate(self, request: Request) -> tuple[User, ApiToken]:
        """Raises `ApiError` 401; there is no other way in that could be tried next."""
        header = request.META.get("HTTP_AUTHORIZATION", "")
        scheme, _space, text = header.strip().partition(" ")
        if not header:
            raise refused("token_missing")
        if scheme.lower() != "bearer":
            raise refused("token_malformed")
        try:
            token = check_token(text.strip())
        except TokenRefused as refusal:
            raise refused(refusal.code, refusal.token) from refusal
        return token.owner, token

    def authenticate_header(self, request: Request) -> str:
        return REALM


class NotAuthenticated(ApiError):
    """`token`: whose secret was right, although it opens nothing."""

    token: ApiToken | None = None


def refused(code: str, token: ApiToken | None = None) -> NotAuthenticated:
    challenge = REALM if code == "token_missing" else f'{REALM}, error="invalid_token"'
    headers = {"WWW-Authenticate": challenge}
    error = NotAuthenticated(401, code, str(_TEXTS[code]), where="header.Authorization", headers=headers)
    error.token = token
    return error


def token_of(request: Request | HttpRequest) -> ApiToken:
    token = getattr(request, "auth", None)
    if not isinstance(token, ApiToken):
        raise TypeError("a view that authenticates nobody asks for the token")
    return token
