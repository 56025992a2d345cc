"""Whom the portal believes about a client's address."""

from __future__ import annotations

import ipaddress
from typing import Any

import pytest

from visio_portal import proxies

NETWORKS = [ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("::1/128")]


def resolve(peer: str, *, kind: str = "http", networks: list[Any] = NETWORKS, **headers: str) -> dict[str, Any]:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": kind, "client": [peer, 1234], "scheme": "ws" if kind == "websocket" else "http", "headers": pairs}
    return proxies.resolve(scope, networks)


@pytest.mark.parametrize(
    ("peer", "forwarded", "client"),
    [
        ("10.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("10.0.0.1", "6.6.6.6, 203.0.113.7", "203.0.113.7"),  # the client wrote the first one
        ("10.0.0.1", "6.6.6.6, 203.0.113.7, 10.0.0.2", "203.0.113.7"),  # two proxies of ours
        ("10.0.0.1", "6.6.6.6, nonsense", "10.0.0.1"),
        ("10.0.0.1", "", "10.0.0.1"),
        ("::ffff:10.0.0.1", "203.0.113.7", "203.0.113.7"),  # a dual-stack socket
        ("::1", "2001:db8::7", "2001:db8::7"),
        ("203.0.113.9", "1.2.3.4", "203.0.113.9"),  # no proxy of ours
    ],
)
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(peer: str, forwarded: str, client: str) -> None:
    assert resolve(peer, x_forwarded_for=forwarded)["client"][0] == client


def test_the_scheme_of_a_trusted_proxy_counts_and_a_strangers_does_not() -> None:
    assert resolve("10.0.0.1", x_forwarded_proto="https")["scheme"] == "https"
    assert resolve("10.0.0.1", kind="websocket", x_forwarded_proto="https")["scheme"] == "wss"
    assert resolve("203.0.113.9", x_forwarded_proto="https")["scheme"] == "http"
    assert resolve("10.0.0.1", x_forwarded_proto="gopher")["scheme"] == "http"


def test_without_proxies_nothing_is_believed_and_the_headers_are_gone() -> None:
    scope = resolve("10.0.0.1", networks=[], x_forwarded_for="1.2.3.4", x_forwarded_host="evil.example", host="ours")
    assert scope["client"][0] == "10.0.0.1"
    assert scope["headers"] == [(b"host", b"ours")]
