"""What of the sign-in service's settings cannot work: each names the variable and the remedy."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from accounts.proconnect.configuration import ALGORITHMS, CLAIMS, PROCONNECT, is_configured
from accounts.siret import is_siret

_MIN_SECRET_BYTES = 32


@register("visio")
def check_sign_in_service(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """Nothing where `OIDC_ISSUER` is not set, but for what was set in vain."""
    if not is_configured():
        return list(_in_vain())
    return [*_addresses(), *_credentials(), *_words(), *_numbers()]


def _in_vain() -> Iterator[CheckMessage]:
    if settings.OIDC_CLIENT_ID or settings.OIDC_CLIENT_SECRET:
        yield checks.Warning(
            "OIDC_CLIENT_ID or OIDC_CLIENT_SECRET is set without OIDC_ISSUER: nobody can sign in by it.",
            hint="Set OIDC_ISSUER, for instance https://auth.agentconnect.gouv.fr/api/v2, or remove both.",
            id="visio.W030",
        )


def _addresses() -> Iterator[CheckMessage]:
    for name in ("OIDC_ISSUER", "OIDC_DISCOVERY_URL"):
        url = getattr(settings, name)
        if not url and name == "OIDC_DISCOVERY_URL":
            continue
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
            yield Error(
                f"{name}={url} is no address.",
                hint=f"Set {name} to what the service's registration says, letter by letter.",
                id="visio.E030",
            )
        elif parts.scheme == "http" and not _is_loopback(parts.hostname):
            yield Error(
                f"{name}={url} is not encrypted: whoever stands between could be anybody here.",
                hint=f"Set {name} to https://….",
                id="visio.E031",
            )


def _credentials() -> Iterator[CheckMessage]:
    for name in ("OIDC_CLIENT_ID", "OIDC_CLIENT_SECRET"):
        if not getattr(settings, name):
            yield Error(
                f"OIDC_ISSUER is set without {name}.",
                hint=f"Set {name} to what the service gave you when this portal was registered there.",
                id="visio.E032",
            )
    if settings.OIDC_SIGN_ALGORITHM not in ALGORITHMS:
        yield Error(
            f"OIDC_SIGN_ALGORITHM={settings.OIDC_SIGN_ALGORITHM} is none of {', '.join(ALGORITHMS)}.",
            hint="Set OIDC_SIGN_ALGORITHM to the one that was chosen at the registration, for id_token and userinfo.",
            id="visio.E033",
        )
    elif settings.OIDC_SIGN_ALGORITHM == "HS256" and 0 < len(settings.OIDC_CLIENT_SECRET) < _MIN_SECRET_BYTES:
        yield Error(
            "OIDC_SIGN_ALGORITHM=HS256 signs with OIDC_CLIENT_SECRET, which is shorter than 32 characters.",
            hint="Register RS256 or ES256 and set OIDC_SIGN_ALGORITHM to it, or get a longer OIDC_CLIENT_SECRET.",
            id="visio.E034",
        )


def _words() -> Iterator[CheckMessage]:
    for pair in settings.OIDC_CLAIMS:
        ours, _, theirs = pair.partition("=")
        if ours not in CLAIMS or not theirs:
            yield Error(
                f"OIDC_CLAIMS: {pair!r} is not ours=theirs, or ours is none of {', '.join(CLAIMS)}.",
                hint="For instance OIDC_CLAIMS=family_name=usual_name,organisation=organization_label.",
                id="visio.E035",
            )
    if "openid" not in settings.OIDC_SCOPES.split():
        yield Error(
            f"OIDC_SCOPES={settings.OIDC_SCOPES} lacks openid.",
            hint="Begin OIDC_SCOPES with openid; scopes are separated by spaces.",
            id="visio.E036",
        )
    for siret in settings.OIDC_ALLOWED_SIRETS:
        if not is_siret(siret):
            yield Error(
                f"OIDC_ALLOWED_SIRETS: {siret!r} is no SIRET.",
                hint="Correct it in OIDC_ALLOWED_SIRETS: fourteen digits, the last of which fits the others.",
                id="visio.E037",
            )
    if settings.OIDC_PROVIDER_NAME == PROCONNECT and not settings.OIDC_ACR_VALUES:
        yield checks.Warning(
            "OIDC_ACR_VALUES is empty: any sign-in at ProConnect will do, however weak.",
            hint="Leave OIDC_ACR_VALUES away for the default, or list every level that you accept.",
            id="visio.W031",
        )
    if not settings.SUPPORT_CONTACT:
        yield checks.Warning(
            "SUPPORT_CONTACT is empty: who is refused at the sign-in is not told whom to ask.",
            hint="Set SUPPORT_CONTACT to an e-mail address, a telephone number or the address of a form.",
            id="visio.W032",
        )


def _numbers() -> Iterator[CheckMessage]:
    if not 1 <= settings.OIDC_TIMEOUT_SECONDS <= 30:
        yield Error(
            f"OIDC_TIMEOUT_SECONDS={settings.OIDC_TIMEOUT_SECONDS} is not 1 to 30.",
            hint="Leave OIDC_TIMEOUT_SECONDS away for 5: people wait so long, and each holds one of HTTP_CONCURRENCY.",
            id="visio.E038",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
