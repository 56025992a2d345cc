"""System checks: each names the variable and the remedy. `serve` refuses to start on an error."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.core import checks
from django.core.checks import CheckMessage, Error, register

from visio_portal import addresses

MIN_SECRET_LENGTH = 32
# What people leave in a file that they copied from somewhere.
_WELL_KNOWN = ("change", "django-insecure", "secret", "devkey", "example", "default", "password", "insecure", "xxx")


@register("visio")
def check_settings(app_configs: Any, **kwargs: Any) -> list[CheckMessage]:
    """All of the checks below, in the order of settings.py."""
    return [*secrets(), *listening(), *tls(), *proxies(), *media_plane(), *relay(), *limits()]


def secrets() -> Iterator[CheckMessage]:
    """No secret has a default: `make run` makes them."""
    remedy = "Run `make run`, which writes one to .env, or set one of 48 random characters yourself."
    values = {"SECRET_KEY": _secret_key(), "LIVEKIT_API_SECRET": settings.LIVEKIT_API_SECRET}
    for name, value in values.items():
        if not value:
            yield Error(f"{name} is empty.", hint=remedy, id="visio.E001")
        elif len(value) < MIN_SECRET_LENGTH:
            yield Error(f"{name} is shorter than {MIN_SECRET_LENGTH} characters.", hint=remedy, id="visio.E002")
        elif value.lower().startswith(_WELL_KNOWN) or len(set(value)) < 8:
            yield Error(f"{name} looks like an example's.", hint=remedy, id="visio.E003")
    if not settings.LIVEKIT_API_KEY:
        yield Error("LIVEKIT_API_KEY is empty.", hint="Set it to any name, for instance `visio`.", id="visio.E001")


def _secret_key() -> str:
    try:
        return str(settings.SECRET_KEY)
    except Exception:  # noqa: BLE001  Django's ImproperlyConfigured: it refuses to hand out an empty one
        return ""


def listening() -> Iterator[CheckMessage]:
    """Addresses that people and browsers can use."""
    parts = urlsplit(settings.PORTAL_URL)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.path or parts.query:
        yield Error(
            f"PORTAL_URL={settings.PORTAL_URL} is not scheme://host[:port].",
            hint="For instance PORTAL_URL=https://visio.example.org, without a path.",
            id="visio.E004",
        )
    elif parts.scheme == "http" and not addresses.is_loopback(parts.hostname):
        yield Error(
            f"PORTAL_URL={settings.PORTAL_URL} is plain HTTP: browsers give no microphone there.",
            hint="Use https:// (unset PORTAL_URL and set DOMAIN, or put a proxy in front and set TRUSTED_PROXIES).",
            id="visio.E005",
        )
    if not 0 < settings.PORT < 65536:
        yield Error(f"PORT={settings.PORT} is no port.", hint="Set PORT to 1 to 65535.", id="visio.E006")


def tls() -> Iterator[CheckMessage]:
    """Certificate files come in pairs and can be read."""
    files = {"TLS_CERT_FILE": settings.TLS_CERT_FILE, "TLS_KEY_FILE": settings.TLS_KEY_FILE}
    if any(files.values()) and not all(files.values()):
        yield Error(
            "Only one of TLS_CERT_FILE and TLS_KEY_FILE is set.",
            hint="Set both, or none for a certificate of the portal's own authority.",
            id="visio.E007",
        )
    for name, value in files.items():
        if value and not _is_readable(Path(value)):
            yield Error(
                f"{name}={value} cannot be read.",
                hint=f"Correct {name}, or let this user read the file.",
                id="visio.E008",
            )
    if settings.SERVES_TLS and not settings.IS_HTTPS:
        yield Error(
            f"The portal serves HTTPS (HOST, DOMAIN or TLS_CERT_FILE say so), but PORTAL_URL={settings.PORTAL_URL}.",
            hint="Set PORTAL_URL to https://…, or TRUSTED_PROXIES if a proxy does the HTTPS.",
            id="visio.E009",
        )


def _is_readable(path: Path) -> bool:
    try:
        with path.open("rb"):
            return True
    except OSError:
        return False


def proxies() -> Iterator[CheckMessage]:
    """Proxies are addresses or networks, and are not the whole world."""
    for entry in settings.TRUSTED_PROXIES:
        try:
            network = ipaddress.ip_network(entry, strict=False)
        except ValueError:
            yield Error(
                f"TRUSTED_PROXIES: {entry!r} is no address or network.",
                hint="For instance TRUSTED_PROXIES=127.0.0.1,10.0.0.0/24.",
                id="visio.E010",
            )
            continue
        if network.prefixlen == 0:
            yield Error(
                f"TRUSTED_PROXIES={entry} believes everybody's X-Forwarded-For.",
                hint="Name the proxy's own address.",
                id="visio.E011",
            )
    if settings.TRUSTED_PROXIES and not settings.IS_HTTPS:
        yield checks.Warning(
            f"TRUSTED_PROXIES is set, but PORTAL_URL={settings.PORTAL_URL} is not https.",
            hint="Set PORTAL_URL to the address that people use.",
            id="visio.W001",
        )


def media_plane() -> Iterator[CheckMessage]:
    """The cluster's addresses, TURN, webhooks."""
    for name in ("LIVEKIT_URL", "LIVEKIT_PUBLIC_URL"):
        url = getattr(settings, name)
        if urlsplit(url).scheme not in ("ws", "wss", "http", "https") or not addresses.host_of(url):
            yield Error(
                f"{name}={url} is no URL.", hint=f"For instance {name}=wss://livekit.example.org.", id="visio.E013"
            )
    if settings.IS_HTTPS and urlsplit(settings.LIVEKIT_PUBLIC_URL).scheme in ("ws", "http"):
        yield Error(
            f"LIVEKIT_PUBLIC_URL={settings.LIVEKIT_PUBLIC_URL} is not encrypted: browsers refuse it on https pages.",
            hint="Set LIVEKIT_PUBLIC_URL to wss://….",
            id="visio.E014",
        )
    for url in settings.TURN_URLS:
        if not url.startswith(("turn:", "turns:")):
            yield Error(
                f"TURN_URLS: {url!r} does not begin with turn: or turns:.",
                hint="For instance turn:turn.example.org:3478?transport=udp.",
                id="visio.E015",
            )
    if settings.TURN_URLS and not settings.TURN_SECRET:
        yield Error(
            "TURN_URLS is set without TURN_SECRET.",
            hint="Set TURN_SECRET to coturn's static-auth-secret.",
            id="visio.E016",
        )
    for url in settings.WEBHOOK_URLS:
        if urlsplit(url).scheme not in ("http", "https") or not addresses.host_of(url):
            yield Error(f"WEBHOOK_URLS: {url!r} is no http(s) URL.", hint="Correct or remove it.", id="visio.E017")


def relay() -> Iterator[CheckMessage]:
    """The relay's addresses can be reached by those who can reach the portal."""
    if not settings.EMBEDDED_RELAY:
        return
    if not 1 <= settings.RELAY_WORKERS <= 1000:
        yield Error(f"RELAY_WORKERS={settings.RELAY_WORKERS}.", hint="Set it to 1 or more.", id="visio.E018")
    if not 0 <= settings.RELAY_PORT <= 65535 - settings.RELAY_WORKERS:
        yield Error(
            f"RELAY_PORT={settings.RELAY_PORT} leaves no room for {settings.RELAY_WORKERS} ports.",
            hint="Choose one below 65000 (0 takes any free ones, which no firewall knows).",
            id="visio.E019",
        )
    if settings.RELAY_LOUDEST_AUDIO < 1:
        yield Error("RELAY_LOUDEST_AUDIO is below 1.", hint="Set it to 8, or leave it away.", id="visio.E020")
    advertised = []
    for entry in settings.RELAY_ADDRESSES:
        bound, _, shown = entry.partition("=")
        if not _is_address(bound) or (shown and not _is_address(_without_port(shown))):
            yield Error(
                f"RELAY_ADDRESSES: {entry!r} is not bind[=advertised[:port]] with numeric addresses.",
                hint="For instance RELAY_ADDRESSES=10.0.0.5=203.0.113.5.",
                id="visio.E021",
            )
        else:
            advertised.append(_without_port(shown or bound))
    candidates = advertised or [found for found in (addresses.primary_address(),) if found]
    host = addresses.host_of(settings.PORTAL_URL)
    if not addresses.is_public(host) or not candidates or any(map(addresses.is_public, candidates)):
        return
    offer = f"PORTAL_URL={settings.PORTAL_URL} is public, but the relay offers only private addresses"
    if settings.TURN_URLS:
        yield checks.Warning(
            f"{offer} ({', '.join(candidates)}): people outside are in calls by TURN alone.",
            hint="Set RELAY_ADDRESSES=private=public where your firewall forwards RELAY_PORT (UDP and TCP).",
            id="visio.W002",
        )
    else:
        yield Error(
            f"{offer} ({', '.join(candidates)}): nobody outside could hear or see anything.",
            hint="Set RELAY_ADDRESSES=private=public, the address that your firewall forwards RELAY_PORT from "
            "(UDP and TCP); or TURN_URLS, whose server reaches them.",
            id="visio.E022",
        )


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return False
    return True


def _without_port(text: str) -> str:
    text = text.strip()
    if text.startswith("["):
        return text[1:].partition("]")[0]
    return text.partition(":")[0] if text.count(":") == 1 else text


def limits() -> Iterator[CheckMessage]:
    """Numbers within sense, words among the known."""
    if settings.HTTP_CONCURRENCY < 4:
        yield Error("HTTP_CONCURRENCY is below 4.", hint="Set it to 32, or leave it away.", id="visio.E023")
    for name in ("CHAT_RETENTION_DAYS", "REPORT_RETENTION_DAYS", "MAIL_RETENTION_DAYS", "HR_FILE_RETENTION_DAYS"):
        if getattr(settings, name) < 0:
            yield Error(f"{name} is negative.", hint="Set it to 0 or more days.", id="visio.E028")
    if settings.AUDIT_RETENTION_DAYS < 1:
        text = "AUDIT_RETENTION_DAYS is below 1."
        yield Error(text, hint="Set it to the days that your rules say; 365 is the default.", id="visio.E029")
    if settings.LOG_LEVEL not in ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"):
        yield Error(f"LOG_LEVEL={settings.LOG_LEVEL} is unknown.", hint="Set it to INFO.", id="visio.E024")
    if settings.LOG_FORMAT not in ("text", "json"):
        yield Error(f"LOG_FORMAT={settings.LOG_FORMAT} is unknown.", hint="Set it to text or json.", id="visio.E025")
    if settings.WARM_STANDBY not in ("true", "false"):
        yield Error(
            f"WARM_STANDBY={settings.WARM_STANDBY} is unknown.", hint="Set it to true or false.", id="visio.E027"
        )
    if settings.DEBUG and not addresses.is_loopback(addresses.host_of(settings.PORTAL_URL)):
        yield Error(
            "DEBUG is on for other machines.", hint="Remove DEBUG: its error pages show secrets.", id="visio.E026"
        )
