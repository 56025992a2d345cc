"""The provider's addresses and public keys: read from its discovery document, kept for ten minutes.

ProConnect serves both documents with `max-age=600`. A key that is not known is asked for at once, but not again and
again: whoever sends tokens with invented key ids must not make us ask the provider each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx
import structlog
from django.core.cache import cache

from accounts.proconnect.configuration import Provider
from accounts.proconnect.refusals import ProviderUnavailable, SignInRefused

_KEPT_SECONDS = 600
# A provider that does not answer is not asked by everybody: each would hold a thread for the whole time-out.
_SILENT_SECONDS = 10
_ROTATION_SECONDS = 10
_MAX_BYTES = 256 * 1024

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """`end_session` is "" where the provider has none."""

    authorization: str
    token: str
    userinfo: str
    jwks: str
    end_session: str


def endpoints(provider: Provider) -> Endpoints:
    """Asks the network where the cache does not know. Raises `ProviderUnavailable`, `SignInRefused`."""
    document = _document(provider, "discovery", provider.discovery_url)
    if document.get("issuer") != provider.issuer:
        # Another's document: its keys would vouch for anybody.
        log.error("oidc_discovery_of_another_issuer", expected=provider.issuer, said=str(document.get("issuer"))[:200])
        raise SignInRefused("discovery.issuer")
    return Endpoints(
        authorization=_endpoint(provider, document, "authorization_endpoint"),
        token=_endpoint(provider, document, "token_endpoint"),
        userinfo=_endpoint(provider, document, "userinfo_endpoint"),
        jwks=_endpoint(provider, document, "jwks_uri"),
        end_session=_endpoint(provider, document, "end_session_endpoint")
        if document.get("end_session_endpoint")
        else "",
    )


def signing_key(provider: Provider, jwks_url: str, kid: str) -> dict[str, Any]:
    """The public key of this id, asked for anew where it is not among those kept. Raises as `endpoints`."""
    found = _key_of(_document(provider, "jwks", jwks_url), kid)
    if found is None and cache.add(f"oidc:rotation:{provider.cache_key}", 1, timeout=_ROTATION_SECONDS):
        found = _key_of(_fetch(provider, "jwks", jwks_url), kid)
    if found is None:
        raise SignInRefused("token.kid")
    return found


def _key_of(document: dict[str, Any], kid: str) -> dict[str, Any] | None:
    keys = document.get("keys")
    fitting = [
        key
        for key in (keys if isinstance(keys, list) else [])
        if isinstance(key, dict) and key.get("kid") == kid and key.get("use", "sig") == "sig"
    ]
    # Two keys of one id are none: which of them signed is not for the token to choose.
    return fitting[0] if len(fitting) == 1 else None


def _endpoint(provider: Provider, document: dict[str, Any], name: str) -> str:
    url = document.get(name)
    if not isinstance(url, str) or not _is_as_safe_as(provider.issuer, url):
        log.error("oidc_discovery_without_endpoint", endpoint=name)
        raise SignInRefused("discovery.endpoint")
    return url


def _is_as_safe_as(issuer: str, url: str) -> bool:
    parts = urlsplit(url)
    return bool(parts.hostname) and (parts.scheme == "https" or parts.scheme == urlsplit(issuer).scheme == "http")


def _document(provider: Provider, what: str, url: str) -> dict[str, Any]:
    kept = cache.get(f"oidc:{what}:{provider.cache_key}")
    return kept if isinstance(kept, dict) else _fetch(provider, what, url)


def _fetch(provider: Provider, what: str, url: str) -> dict[str, Any]:
    silent = f"oidc:silent:{provider.cache_key}"
    if cache.get(silent):
        raise ProviderUnavailable("unavailable")
    try:
        document = _get(url, timeout=provider.timeout_seconds)
    except (httpx.HTTPError, ValueError) as error:
        cache.set(silent, 1, timeout=_SILENT_SECONDS)
        log.warning("oidc_provider_unavailable", document=what, reason=type(error).__name__)
        code = "timeout" if isinstance(error, httpx.TimeoutException) else "unavailable"
        raise ProviderUnavailable(code) from error
    cache.set(f"oidc:{what}:{provider.cache_key}", document, timeout=_KEPT_SECONDS)
    return document


def _get(url: str, *, timeout: int) -> dict[str, Any]:
    """Raises `httpx.HTTPError`, `ValueError`."""
    # No redirect is followed: an address that moved is a setting to change.
    answer = httpx.get(url, timeout=timeout, headers={"accept": "application/json"})
    answer.raise_for_status()
    if answer.is_redirect or len(answer.content) > _MAX_BYTES:
        raise ValueError("no document")
    document = answer.json()
    if not isinstance(document, dict):
        raise ValueError("no object")
    return document
