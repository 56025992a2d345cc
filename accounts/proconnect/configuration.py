"""The settings of sign-in by OpenID Connect, as one value."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from django.conf import settings
from django.urls import reverse

PROCONNECT = "ProConnect"
# What we know of a person, and by which names ProConnect says it.
CLAIMS = ("email", "given_name", "family_name", "siret", "idp_id", "uid", "organisation", "roles")
ALGORITHMS = ("RS256", "ES256", "HS256")


@dataclass(frozen=True, slots=True)
class Provider:
    """`claims`: of ours, by which name they say it. Empty tuples allow everybody."""

    name: str
    issuer: str
    discovery_url: str
    client_id: str
    client_secret: str
    algorithm: str
    has_signed_userinfo: bool
    has_verified_emails: bool
    uses_pkce: bool
    scopes: str
    claims: Mapping[str, str]
    acr_values: tuple[str, ...]
    timeout_seconds: int
    creates_accounts: bool
    email_domains: tuple[str, ...]
    identity_providers: tuple[str, ...]
    sirets: tuple[str, ...]
    roles: tuple[str, ...]

    @property
    def is_proconnect(self) -> bool:
        return self.name == PROCONNECT

    @property
    def cache_key(self) -> str:
        """Of this issuer's documents: caches are shared by portals, and a changed setting is another provider."""
        return hashlib.sha256(f"{self.issuer}\0{self.discovery_url}".encode()).hexdigest()[:32]


def is_configured() -> bool:
    return bool(settings.OIDC_ISSUER)


def provider() -> Provider | None:
    """None where nobody set one up."""
    if not is_configured():
        return None
    issuer = str(settings.OIDC_ISSUER)
    return Provider(
        name=settings.OIDC_PROVIDER_NAME,
        issuer=issuer,
        discovery_url=settings.OIDC_DISCOVERY_URL or f"{issuer.rstrip('/')}/.well-known/openid-configuration",
        client_id=settings.OIDC_CLIENT_ID,
        client_secret=settings.OIDC_CLIENT_SECRET,
        algorithm=settings.OIDC_SIGN_ALGORITHM,
        has_signed_userinfo=settings.OIDC_SIGNED_USERINFO,
        has_verified_emails=settings.OIDC_VERIFIED_EMAILS,
        uses_pkce=settings.OIDC_PKCE,
        scopes=settings.OIDC_SCOPES,
        claims=claim_names(settings.OIDC_CLAIMS),
        acr_values=tuple(settings.OIDC_ACR_VALUES),
        timeout_seconds=settings.OIDC_TIMEOUT_SECONDS,
        creates_accounts=settings.OIDC_CREATES_ACCOUNTS,
        email_domains=tuple(domain.lower().removeprefix("@") for domain in settings.OIDC_ALLOWED_EMAIL_DOMAINS),
        identity_providers=tuple(settings.OIDC_ALLOWED_IDENTITY_PROVIDERS),
        sirets=tuple(settings.OIDC_ALLOWED_SIRETS),
        roles=tuple(settings.OIDC_ALLOWED_ROLES),
    )


def claim_names(pairs: list[str]) -> dict[str, str]:
    """`ours=theirs` pairs; what is not named is called the same over there. (`checks.py` finds what is no pair.)"""
    named = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
    return {name: named.get(name, name) for name in CLAIMS}


def callback_url() -> str:
    """What is registered at the provider, to the last character: made of PORTAL_URL, never of what a request says."""
    return str(settings.PORTAL_URL) + reverse("proconnect:callback")


def signed_out_url() -> str:
    return str(settings.PORTAL_URL) + reverse("proconnect:signed_out")
