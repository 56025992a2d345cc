"""Which certificate the web server uses: the administrator's, or one of our own authority."""

from __future__ import annotations

import socket
from pathlib import Path

from django.conf import settings

from visio_portal import addresses, authority
from visio_portal.authority import TlsFiles


def folder() -> Path:
    """Where our own authority keeps its files."""
    return Path(settings.DATA_DIR) / "tls"


def uses_own_authority() -> bool:
    """True where people must be told to trust our authority."""
    return bool(settings.SERVES_TLS and not settings.TLS_CERT_FILE)


def ensure_files(*, keeps_authority: bool = True) -> TlsFiles:
    """The certificate and key to serve with; our own are made or renewed where need be.

    Only a start of the whole portal (`keeps_authority=False`) makes a new authority for names that have changed, and
    none does for an address that only the network gave.
    """
    if settings.TLS_CERT_FILE:
        return TlsFiles(Path(settings.TLS_CERT_FILE), Path(settings.TLS_KEY_FILE), Path())
    return authority.ensure(
        folder(), certificate_hosts(), detected=detected_addresses(), keeps_authority=keeps_authority
    )


def certificate_hosts() -> list[str]:
    """The names under which a browser must be able to come: PORTAL_URL's, DOMAIN, the listening address, loopback."""
    hosts = [addresses.host_of(settings.PORTAL_URL)]
    if settings.DOMAIN:
        hosts.append(settings.DOMAIN)
    if settings.HOST not in addresses.WILDCARDS:
        hosts.append(settings.HOST)
    return [*hosts, "localhost", "127.0.0.1", "::1"]


def detected_addresses() -> list[str]:
    """This machine's own, where the portal listens on all: they are another's after the next lease."""
    if settings.HOST not in addresses.WILDCARDS:
        return []
    families = (socket.AF_INET, socket.AF_INET6)
    return [address for family in families if (address := addresses.primary_address(family))]
