"""The code that a person came back with becomes what the provider knows of them: two requests, and every check.

The libraries do the requests (mozilla-django-oidc, django-lasuite); what they let pass is refused here: another
audience or issuer, an expired token, another algorithm, another person in the userinfo, JSON where a signed answer was
registered. Each refusal has a code of its own. No token is ever written to the log.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import jwt
import requests
from django.core.exceptions import SuspiciousOperation
from lasuite.oidc_login.backends import OIDCAuthenticationBackend

from accounts.proconnect.configuration import Provider, callback_url
from accounts.proconnect.discovery import Endpoints, endpoints, signing_key
from accounts.proconnect.refusals import ProviderUnavailable, SignInRefused
from accounts.proconnect.states import Journey

# Two clocks that are both right differ by less.
_LEEWAY_SECONDS = 30
_MAX_SUB = 255  # OpenID Connect Core, 2
_REGISTERED = ("iss", "aud", "sub", "iat")


@dataclass(frozen=True, slots=True)
class Told:
    """What the provider says of who has just signed in, all of it verified. `id_token` is needed at the sign-out."""

    sub: str
    acr: str
    amr: tuple[str, ...]
    claims: Mapping[str, Any]
    id_token: str


def redeem(provider: Provider, code: str, journey: Journey) -> Told:
    """Asks the network. Raises `SignInRefused`, `ProviderUnavailable`."""
    try:
        return StrictBackend(provider, endpoints(provider)).redeem(code, journey)
    except requests.Timeout as error:
        raise ProviderUnavailable("timeout") from error
    except requests.HTTPError as error:
        raise _refusal_of(error) from error
    except requests.JSONDecodeError as error:
        raise SignInRefused("token.format") from error
    except requests.RequestException as error:
        raise ProviderUnavailable("unavailable") from error


class StrictBackend(OIDCAuthenticationBackend):  # type: ignore[misc]  # the libraries ship no types
    """One person's exchange. It is no entry of AUTHENTICATION_BACKENDS: it is handed a journey, never a request."""

    def __init__(self, provider: Provider, found: Endpoints) -> None:
        self.provider = provider
        self.found = found
        self._values = {
            "OIDC_OP_TOKEN_ENDPOINT": found.token,
            "OIDC_OP_USER_ENDPOINT": found.userinfo,
            "OIDC_OP_JWKS_ENDPOINT": found.jwks,
            "OIDC_RP_CLIENT_ID": provider.client_id,
            "OIDC_RP_CLIENT_SECRET": provider.client_secret,
            "OIDC_RP_SIGN_ALGO": provider.algorithm,
            # By its content type (AUTO) whoever stands between could choose the answer that is not signed.
            "OIDC_OP_USER_ENDPOINT_FORMAT": "JWT" if provider.has_signed_userinfo else "JSON",
            "OIDC_TIMEOUT": provider.timeout_seconds,
            "OIDC_TOKEN_USE_BASIC_AUTH": False,
            "OIDC_VERIFY_SSL": True,
        }
        super().__init__()

    def get_settings(self, attr: str, *args: Any) -> Any:
        """From our own settings and nowhere else: the libraries' names in settings.py would switch checks off."""
        if attr in self._values:
            return self._values[attr]
        return args[0] if args else None

    def authenticate(self, request: Any, **kwargs: Any) -> None:
        """The libraries' way in, which takes state and code from any request: closed."""

    def redeem(self, code: str, journey: Journey) -> Told:
        answer = self.get_token(
            {
                "client_id": self.provider.client_id,
                "client_secret": self.provider.client_secret,
                "grant_type": "authorization_code",
                "code": code,
                "redirect_uri": callback_url(),
                **({"code_verifier": journey.code_verifier} if self.provider.uses_pkce else {}),
            }
        )
        id_token, access_token = _text_of(answer, "id_token"), _text_of(answer, "access_token")
        payload = self.verify_token(id_token, nonce=journey.nonce)
        acr = payload.get("acr")
        acr = acr if isinstance(acr, str) else ""
        if journey.acr_values and acr not in journey.acr_values:
            raise SignInRefused("acr")
        claims = self.get_userinfo(access_token, id_token, payload)
        amr = payload.get("amr")
        words = tuple(str(word) for word in amr) if isinstance(amr, list) else ()
        return Told(sub=payload["sub"], acr=acr, amr=words, claims=claims, id_token=id_token)

    def get_userinfo(self, access_token: str, id_token: str, payload: Mapping[str, Any]) -> dict[str, Any]:
        try:
            info = super().get_userinfo(access_token, id_token, payload)
        except SuspiciousOperation as error:  # no JSON
            raise SignInRefused("userinfo.format") from error
        if not isinstance(info, dict):
            raise SignInRefused("userinfo.format")
        # OpenID Connect Core, 5.3.2: else another person's answer could be put in the place of this one's.
        if info.get("sub") != payload["sub"]:
            raise SignInRefused("userinfo.sub")
        return info

    def verify_token(self, token: str, **kwargs: Any) -> dict[str, Any]:
        """An id_token where `nonce` is given, else a signed userinfo. Raises `SignInRefused`."""
        is_id_token = "nonce" in kwargs
        kind = "token" if is_id_token else "userinfo"
        try:
            payload = self._decode(token, required=[*_REGISTERED, "exp"] if is_id_token else list(_REGISTERED))
        except jwt.InvalidTokenError as error:
            raise SignInRefused(f"{kind}.{_name_of(error)}") from error
        audience = payload["aud"]
        several = isinstance(audience, list) and len(audience) > 1
        if payload.get("azp", None if several else self.provider.client_id) != self.provider.client_id:
            raise SignInRefused(f"{kind}.azp")
        if not isinstance(payload["sub"], str) or not 0 < len(payload["sub"]) <= _MAX_SUB:
            raise SignInRefused(f"{kind}.sub")
        if is_id_token and (not kwargs["nonce"] or payload.get("nonce") != kwargs["nonce"]):
            raise SignInRefused("token.nonce")
        return payload

    def _decode(self, token: str, *, required: list[str]) -> dict[str, Any]:
        payload: dict[str, Any] = jwt.decode(
            token,
            self._key(token),
            algorithms=[self.provider.algorithm],  # never the header's word
            audience=self.provider.client_id,
            issuer=self.provider.issuer,
            leeway=_LEEWAY_SECONDS,
            options={"require": required},
        )
        return payload

    def _key(self, token: str) -> Any:
        """Raises `jwt.InvalidTokenError`, `SignInRefused`, `ProviderUnavailable`."""
        header = jwt.get_unverified_header(token)
        if header.get("alg") != self.provider.algorithm:
            raise jwt.InvalidAlgorithmError
        if self.provider.algorithm.startswith("HS"):
            return self.provider.client_secret
        kid = header.get("kid")
        if not isinstance(kid, str) or not kid:
            raise SignInRefused("token.kid")
        public = signing_key(self.provider, self.found.jwks, kid)
        if public.get("alg", self.provider.algorithm) != self.provider.algorithm:
            raise SignInRefused("token.kid")
        try:
            return jwt.PyJWK(public, algorithm=self.provider.algorithm).key
        except jwt.PyJWTError as error:
            raise SignInRefused("token.kid") from error


# From the narrowest to the widest: each is an InvalidTokenError.
_NAMES: tuple[tuple[type[Exception], str], ...] = (
    (jwt.InvalidSignatureError, "signature"),
    (jwt.InvalidAlgorithmError, "alg"),
    (jwt.ExpiredSignatureError, "exp"),
    (jwt.InvalidAudienceError, "aud"),
    (jwt.InvalidIssuerError, "iss"),
    (jwt.ImmatureSignatureError, "iat"),
    (jwt.InvalidIssuedAtError, "iat"),
    (jwt.MissingRequiredClaimError, "missing"),
)


def _name_of(error: jwt.InvalidTokenError) -> str:
    if isinstance(error, jwt.MissingRequiredClaimError):
        return str(error.claim)
    return next((name for kind, name in _NAMES if isinstance(error, kind)), "format")


def _text_of(answer: Any, name: str) -> str:
    value = answer.get(name) if isinstance(answer, dict) else None
    if not isinstance(value, str) or not value:
        raise SignInRefused("token.format")
    return value


def _refusal_of(error: requests.HTTPError) -> SignInRefused:
    if error.response is None:
        return ProviderUnavailable("unavailable")
    status = error.response.status_code
    if status >= 500 or status == 429:
        return ProviderUnavailable("unavailable")
    try:
        said = error.response.json()
    except ValueError:
        said = None
    code = said.get("error") if isinstance(said, dict) else None
    if code == "invalid_client" or status == 401:
        return SignInRefused("invalid_client")
    # invalid_grant: the code is too old, used already, or another's.
    return SignInRefused("code")
