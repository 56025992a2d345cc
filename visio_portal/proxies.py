"""Whose word about the client's address and scheme is believed: only that of TRUSTED_PROXIES.

Works on the ASGI scope, so that pages, websockets and the engine's endpoints all see the same client.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(text.strip().strip("[]"))
    except ValueError:
        return None
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped  # a dual-stack socket names IPv4 clients so
    return address


def is_trusted(text: str, networks: Sequence[Network]) -> bool:
    """Whether the address is of one of the networks. Text that is no address never is."""
    address = _address(text)
    return address is not None and any(address in network for network in networks)


def forwarded_client(chain: Sequence[str], peer: str, networks: Sequence[Network]) -> str:
    """The client behind `peer`: the last address of X-Forwarded-For that is no trusted proxy itself.

    Entries further left were written by the client, who may write what he likes.
    """
    client = peer
    for entry in reversed(chain):
        if not is_trusted(client, networks):
            break
        if _address(entry) is None:
            break
        client = str(_address(entry))
    return client


def resolve(scope: dict[str, Any], networks: Sequence[Network]) -> dict[str, Any]:
    """`scope` with the real client and scheme; the forwarding headers are removed, whoever sent them."""
    headers = scope.get("headers", [])
    forwarded = {name: value.decode("latin1") for name, value in headers if name.startswith(b"x-forwarded-")}
    peer = scope["client"][0] if scope.get("client") else ""
    resolved = dict(scope)
    resolved["headers"] = [(name, value) for name, value in headers if not name.startswith(b"x-forwarded-")]
    if not networks or not is_trusted(peer, networks):
        return resolved
    chain = [entry for entry in forwarded.get(b"x-forwarded-for", "").split(",") if entry.strip()]
    resolved["client"] = [forwarded_client(chain, peer, networks), scope["client"][1]]
    scheme = forwarded.get(b"x-forwarded-proto", "").strip().lower()
    if scheme in ("http", "https"):
        is_websocket = scope["type"] == "websocket"
        resolved["scheme"] = {"http": "ws", "https": "wss"}[scheme] if is_websocket else scheme
    return resolved
