"""Whether somebody of whom the provider told may come in: complete and sensible claims, and this portal's own rules.

ProConnect filters nobody but people of the private sector, so the rules are asked here. All of them are by what the
provider verified, none by what a person typed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import validate_email

from accounts.models.user import normalise_email
from accounts.names import clean_name
from accounts.proconnect.configuration import Provider
from accounts.proconnect.exchange import Told
from accounts.proconnect.refusals import SignInRefused
from accounts.services.identities import Known
from accounts.siret import is_siret, normalise_siret

_MAX_NAME = 150
_MAX_TEXT = 200


def known_of(provider: Provider, told: Told) -> Known:
    """What we keep of it. Raises `SignInRefused` where something is missing, wrong, or not allowed here."""
    claims = _Claims(provider, told.claims)
    known = Known(
        issuer=provider.issuer,
        sub=told.sub,
        email=_email(claims),
        is_email_verified=provider.has_verified_emails or told.claims.get("email_verified") is True,
        siret=_siret(provider, claims),
        given_name=clean_name(claims.text("given_name"), max_length=_MAX_NAME),
        family_name=clean_name(claims.text("family_name"), max_length=_MAX_NAME),
        organisation=clean_name(claims.text("organisation"), max_length=_MAX_TEXT),
        idp_id=claims.text("idp_id")[:_MAX_TEXT],
        uid=claims.text("uid")[:255],
        acr=told.acr[:100],
    )
    _check_rules(provider, known, claims.words("roles"))
    return known


class _Claims:
    """The provider's claims under our names. What is no text is none."""

    def __init__(self, provider: Provider, said: Mapping[str, Any]) -> None:
        self._names = provider.claims
        self._said = said

    def text(self, name: str) -> str:
        value = self._said.get(self._names[name])
        return value.replace("\x00", "").strip() if isinstance(value, str) else ""

    def words(self, name: str) -> frozenset[str]:
        value = self._said.get(self._names[name])
        if isinstance(value, str):
            return frozenset(value.split())
        return frozenset(word for word in value if isinstance(word, str)) if isinstance(value, list) else frozenset()


def _email(claims: _Claims) -> str:
    email = normalise_email(claims.text("email"))
    if not email:
        raise SignInRefused("claim.email")
    try:
        validate_email(email)
    except ValidationError as error:
        raise SignInRefused("claim.email") from error
    return email


def _siret(provider: Provider, claims: _Claims) -> str:
    """ProConnect always says one; of another provider's, an empty one only attaches to no account."""
    siret = normalise_siret(claims.text("siret"))
    if (siret or provider.is_proconnect) and not is_siret(siret):
        raise SignInRefused("claim.siret")
    return siret


def _check_rules(provider: Provider, known: Known, roles: frozenset[str]) -> None:
    is_allowed = (
        (not provider.email_domains or known.email.rpartition("@")[2] in provider.email_domains)
        and (not provider.identity_providers or known.idp_id in provider.identity_providers)
        and (not provider.sirets or known.siret in provider.sirets)
        and (not provider.roles or not roles.isdisjoint(provider.roles))
    )
    if not is_allowed:
        raise SignInRefused("not_allowed")
