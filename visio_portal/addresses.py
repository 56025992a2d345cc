"""What the addresses in the settings mean: loopback or not, which URL people use, which one our own processes use."""

from __future__ import annotations

import ipaddress
import socket
from urllib.parse import urlsplit

WILDCARDS = frozenset({"0.0.0.0", "::"})  # noqa: S104  compared with, never bound here


def is_loopback(host: str) -> bool:
    """True for localhost and loopback addresses; False for wildcards, other addresses and names."""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_public(host: str) -> bool:
    """True where `host` is not an address of a private network: a DNS name with a dot, or a global address."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_global
    except ValueError:
        return "." in host and not host.endswith((".localhost", ".local", ".test", ".internal", ".lan", ".home.arpa"))


def primary_address(family: socket.AddressFamily = socket.AF_INET) -> str | None:
    """The address this machine uses towards the default route, or None without one. Sends nothing."""
    target = "192.0.2.1" if family == socket.AF_INET else "2001:db8::1"
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
        except OSError:
            return None
        return str(probe.getsockname()[0])


def bracketed(host: str) -> str:
    """`host` as it stands in a URL."""
    return f"[{host}]" if ":" in host and not host.startswith("[") else host


def url_of(scheme: str, host: str, port: int) -> str:
    """An origin, without the port where it is the scheme's own."""
    default = 443 if scheme in ("https", "wss") else 80
    return f"{scheme}://{bracketed(host)}" + ("" if port == default else f":{port}")


def portal_url(*, host: str, port: int, domain: str, serves_tls: bool) -> str:
    """The URL people use, where PORTAL_URL does not say it."""
    scheme = "https" if serves_tls else "http"
    if domain:
        return url_of(scheme, domain, port)
    if is_loopback(host):
        return url_of(scheme, "localhost", port)
    if host in WILDCARDS:
        family = socket.AF_INET6 if host == "::" else socket.AF_INET
        return url_of(scheme, primary_address(family) or primary_address() or socket.gethostname(), port)
    return url_of(scheme, host, port)


def own_host(host: str) -> str:
    """The address on which our own processes reach the web server that is bound to `host`."""
    if host in WILDCARDS or host == "localhost":
        return "127.0.0.1"
    return host


def host_of(url: str) -> str:
    """The host name in `url`, or an empty string."""
    return urlsplit(url).hostname or ""


def websocket_origin(url: str) -> str:
    """The ws:// or wss:// origin of an http(s) or ws(s) URL, for `connect-src`."""
    parts = urlsplit(url)
    scheme = "wss" if parts.scheme in ("https", "wss") else "ws"
    return f"{scheme}://{parts.netloc}"
