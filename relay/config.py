"""The worker's settings: read once from the environment, frozen, with errors that name the variable."""

from __future__ import annotations

import ipaddress
import os
import socket
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# Ports below are the system's; the default is LiveKit's UDP port, which many firewalls already know.
DEFAULT_PORT = 7882
# A documentation address stands for "the internet", a private one for an office network without a way out.
_PROBES = ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET, "10.255.255.255"), (socket.AF_INET6, "2001:db8::1"))
SEND_MODES = ("auto", "gso", "sendmmsg", "sendto")


class SettingsError(ValueError):
    """A variable of the environment is wrong. The message names it; the worker does not start."""


class Address(NamedTuple):
    """Where a socket binds, and what its candidate says. `advertised_port` 0 means the bound port."""

    bind: str
    advertised: str
    advertised_port: int = 0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything a worker may be told from outside."""

    slot: int = 0
    socket: str = ""
    port: int = 0  # of this slot; 0 = any free one
    addresses: tuple[Address, ...] = (Address("127.0.0.1", "127.0.0.1"),)
    loudest_audio: int = 8
    instance: str = ""
    max_bitrate_bps: int = 0  # towards one subscriber; 0 = no limit but the link's
    publisher_bitrate_bps: int = 5_000_000  # what REMB allows a publisher without transport-cc
    drain: int = 16
    send_mode: str = "auto"
    socket_buffer_bytes: int = 4 << 20
    handshakes: int = 16  # in flight: each costs 3-4 ms of CPU, and 30 at once stalled audio by 64 ms
    alive_fd: int = -1  # a pipe that closes when the supervisor ends; -1 = none
    pulse_fd: int = -1  # a pipe that tells the supervisor that the loop turns; -1 = none
    turn_urls: tuple[str, ...] = ()  # turn:host:port?transport=udp, ...
    turn_secret: str = field(default="", repr=False)  # coturn's static-auth-secret
    empty_timeout_seconds: int = 300  # of a room that nobody ever joined
    departure_timeout_seconds: int = 20  # after the last one left


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """The settings in `environment` (default: the process's). Raises `SettingsError`."""
    env = os.environ if environment is None else environment
    slot = _integer(env, "RELAY_SLOT", 0, 0, 1023)
    base = _integer(env, "RELAY_PORT", DEFAULT_PORT, 0, 65535)
    if base and base + slot > 65535:
        raise SettingsError(f"RELAY_PORT={base} and RELAY_SLOT={slot}: the port of the slot is above 65535")
    mode = env.get("RELAY_SEND", "auto").strip().lower() or "auto"
    if mode not in SEND_MODES:
        raise SettingsError(f"RELAY_SEND={mode!r}: expected one of {', '.join(SEND_MODES)}")
    return Settings(
        slot=slot,
        socket=env.get("RELAY_SOCKET", "") or str(Path(tempfile.gettempdir()) / f"relay-{slot}.sock"),
        port=base + slot if base else 0,
        addresses=_addresses(env.get("RELAY_ADDRESSES", "")),
        loudest_audio=_integer(env, "RELAY_LOUDEST_AUDIO", 8, 1, 1000),
        instance=env.get("RELAY_INSTANCE", ""),
        max_bitrate_bps=_integer(env, "RELAY_MAX_BITRATE", 0, 0, 1_000_000_000),
        publisher_bitrate_bps=_integer(env, "RELAY_PUBLISHER_BITRATE", 5_000_000, 100_000, 100_000_000),
        drain=_integer(env, "RELAY_DRAIN", 16, 1, 64),
        send_mode=mode,
        socket_buffer_bytes=_integer(env, "RELAY_SOCKET_BUFFER", 4 << 20, 4096, 1 << 30),
        handshakes=_integer(env, "RELAY_HANDSHAKES", 16, 1, 1000),
        alive_fd=_integer(env, "RELAY_ALIVE_FD", -1, -1, 1 << 20),
        pulse_fd=_integer(env, "RELAY_PULSE_FD", -1, -1, 1 << 20),
        turn_urls=_turn_urls(env),
        turn_secret=env.get("RELAY_TURN_SECRET", ""),
        empty_timeout_seconds=_integer(env, "RELAY_EMPTY_TIMEOUT", 300, 1, 86_400),
        departure_timeout_seconds=_integer(env, "RELAY_DEPARTURE_TIMEOUT", 20, 0, 86_400),
    )


def _turn_urls(env: Mapping[str, str]) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in env.get("RELAY_TURN_URLS", "").split(",") if url.strip())
    for url in urls:
        if not url.startswith(("turn:", "turns:")):
            raise SettingsError(f"RELAY_TURN_URLS: {url!r} does not begin with turn: or turns:")
    if urls and not env.get("RELAY_TURN_SECRET"):
        raise SettingsError("RELAY_TURN_URLS is set without RELAY_TURN_SECRET (coturn's static-auth-secret)")
    return urls


def _integer(env: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = env.get(name, "").strip()
    if not text:
        return default
    try:
        value = int(text)
    except ValueError:
        raise SettingsError(f"{name}={text!r}: expected a whole number") from None
    if not low <= value <= high:
        raise SettingsError(f"{name}={value}: expected {low} to {high}")
    return value


def _addresses(text: str) -> tuple[Address, ...]:
    entries = [entry.strip() for entry in text.split(",") if entry.strip()]
    if not entries:
        return discover()
    found = tuple(_address(entry) for entry in entries)
    if len({address.bind for address in found}) != len(found):
        raise SettingsError(f"RELAY_ADDRESSES={text!r}: the same address twice")
    return found


def _address(entry: str) -> Address:
    bind, equals, advertised = entry.partition("=")
    bound = _ip(entry, bind.strip().removeprefix("[").removesuffix("]"))
    if not equals:
        return Address(bound, bound)
    advertised = advertised.strip()
    port = ""
    if advertised.startswith("["):
        advertised, _, rest = advertised[1:].partition("]")
        port = rest.removeprefix(":")
    elif advertised.count(":") == 1:
        advertised, _, port = advertised.partition(":")
    shown = _ip(entry, advertised)
    if not port:
        return Address(bound, shown)
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"RELAY_ADDRESSES: {entry!r} has no valid port after the advertised address")
    return Address(bound, shown, int(port))


def _ip(entry: str, text: str) -> str:
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        raise SettingsError(
            f"RELAY_ADDRESSES: {entry!r} is not bind[=advertised[:port]] with numeric addresses"
        ) from None
    if address.is_unspecified or address.is_multicast:
        # A wildcard socket answers from the wrong address on a machine with several.
        raise SettingsError(f"RELAY_ADDRESSES: {entry!r} must be one address of this machine")
    return str(address)


def discover(probe: Callable[[int, str], str] | None = None) -> tuple[Address, ...]:
    """The machine's IPv4 and global IPv6 addresses, loopback only if there is nothing else.

    The kernel is asked which source address it would use (a UDP connect sends nothing), and which addresses the
    interfaces carry; link-local ones are left out.
    """
    ask = probe or _source_address
    found: list[str] = []
    for family, target in (
        (socket.AF_INET, "192.0.2.1"),
        (socket.AF_INET, "10.255.255.255"),
        (socket.AF_INET6, "2001:db8::1"),
    ):
        address = ask(family, target)
        if address and address not in found and _is_usable(address):
            found.append(address)
    for address in _interface_addresses() if probe is None else ():
        if address not in found and _is_usable(address):
            found.append(address)
    return tuple(Address(a, a) for a in found or ["127.0.0.1"])


def _is_usable(text: str) -> bool:
    address = ipaddress.ip_address(text)
    return not (address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast)


def _source_address(family: int, target: str) -> str:
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((target, 9))
            return str(probe.getsockname()[0])
        except OSError:  # no route for this family: it has no address to offer
            return ""


def _interface_addresses() -> list[str]:
    """IPv6 addresses of Linux's interfaces; IPv4 ones come by name and are found by `_source_address`."""
    try:
        lines = Path("/proc/net/if_inet6").read_text().splitlines()
    except OSError:  # no IPv6, or not Linux
        return []
    return [str(ipaddress.IPv6Address(bytes.fromhex(line.split()[0]))) for line in lines if line.split()[3] == "00"]
