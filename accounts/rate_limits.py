"""How often one source may try something: counters per action, subject and minute in the cache.

The cache belongs to the web process, or to all of them with Redis. A source is an IPv4 address or an IPv6 /64, since
one IPv6 household or attacker owns a whole /64. Nothing here relies on cookies: who sends none is counted too.
"""

from __future__ import annotations

import contextlib
import hashlib
import ipaddress
import time

from django.core.cache import cache
from django.http import HttpRequest

WINDOW_SECONDS = 60


def source_of(request: HttpRequest) -> str:
    """The network the request came from; proxies that are trusted were taken off before (`proxies.py`)."""
    return source_prefix(request.META.get("REMOTE_ADDR", ""))


def source_prefix(address: str) -> str:
    """`address` itself for IPv4, its /64 for IPv6."""
    try:
        ip = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"  # all unknown ones share one counter
    if isinstance(ip, ipaddress.IPv6Address):
        if ip.ipv4_mapped:
            return str(ip.ipv4_mapped)
        return str(ipaddress.ip_network((ip, 64), strict=False))
    return str(ip)


def is_allowed(action: str, *subjects: str, per_minute: int, minutes: int = 1, now: float | None = None) -> bool:
    """Counts one try of `action` by `subjects`; False once there were more than `per_minute` in this minute, or as many
    as that makes in these `minutes`."""
    limit, seconds = per_minute * minutes, WINDOW_SECONDS * minutes
    key = _key(action, subjects, seconds, now)
    # add() first: it sets the time-out, and does nothing if another request was quicker.
    cache.add(key, 0, timeout=2 * seconds)
    try:
        return cache.incr(key) <= limit
    except ValueError:  # thrown out of a full cache in between: the count starts anew
        cache.set(key, 1, timeout=2 * seconds)
        return limit >= 1


def seconds_left(*, now: float | None = None) -> float:
    """Until the present minute's counts begin anew."""
    return WINDOW_SECONDS - (time.time() if now is None else now) % WINDOW_SECONDS


def give_back(action: str, *subjects: str, minutes: int = 1, now: float | None = None) -> None:
    """Takes one try that succeeded out of the count again. At a window's turn the new one may get it: one try more."""
    key = _key(action, subjects, WINDOW_SECONDS * minutes, now)
    with contextlib.suppress(ValueError):  # nothing is counted there any more
        if cache.get(key, 0) > 0:
            cache.decr(key)


def _key(action: str, subjects: tuple[str, ...], seconds: int, now: float | None) -> str:
    window = int((time.time() if now is None else now) // seconds)
    digest = hashlib.sha256("\0".join(subjects).encode()).hexdigest()[:32]
    return f"limit:{action}:{digest}:{window}"
