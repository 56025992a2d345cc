"""A weak network in user space (not every kernel has netem): a UDP forwarder that holds back, delays and loses.

It stands in as the advertised address of the relay (`RELAY_ADDRESSES`: bind=advertised): clients send to it, it sends
on from a socket of its own per client, so that the relay still tells the clients apart.
"""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

_DATAGRAM_OVERHEAD_BYTES = 28  # IPv4 and UDP headers count on the wire, too


@dataclass(frozen=True, slots=True)
class Profile:
    """One direction of a link. Rate 0 is unlimited."""

    rate_bps: int = 0
    delay_seconds: float = 0.0
    jitter_seconds: float = 0.0
    loss: float = 0.0
    queue_seconds: float = 0.3  # a home router's buffer; what would wait longer is dropped


@dataclass(slots=True)
class Link:
    """Decides for each datagram of one direction when it arrives, if at all. Knows no clock and no socket."""

    profile: Profile
    random: random.Random
    sent: int = 0
    lost: int = 0
    overflowed: int = 0
    _free_at: float = field(default=0.0, repr=False)

    def arrival(self, size_bytes: int, now: float) -> float | None:
        """The time at which a datagram handed over now comes out, or None where the link swallows it."""
        profile = self.profile
        if self.random.random() < profile.loss:
            self.lost += 1
            return None
        through = now
        if profile.rate_bps:
            start = max(now, self._free_at)
            if start - now > profile.queue_seconds:
                self.overflowed += 1
                return None
            through = start + (size_bytes + _DATAGRAM_OVERHEAD_BYTES) * 8 / profile.rate_bps
            self._free_at = through
        self.sent += 1
        return through + profile.delay_seconds + self.random.random() * profile.jitter_seconds


@dataclass(slots=True)
class Flow:
    """One client: its way to the relay and back."""

    up: Link
    down: Link
    upstream: asyncio.DatagramTransport | None = None
    waiting: list[bytes] = field(default_factory=list)


class Shaper:
    """`await Shaper.open(...)`; then `up` and `down` are the profiles of clients seen from now on."""

    def __init__(self, relay: tuple[str, int], seed: int) -> None:
        self.up = self.down = Profile()
        self.flows: dict[tuple[str, int], Flow] = {}
        self._relay = relay
        self._seed = seed
        self._loop = asyncio.get_running_loop()
        self._front: asyncio.DatagramTransport | None = None
        self._opening: set[asyncio.Task[None]] = set()  # the loop itself holds tasks only weakly

    @classmethod
    async def open(cls, *, port: int, relay: tuple[str, int], seed: int = 1) -> "Shaper":
        """Listens on 127.0.0.1:`port` and forwards to the relay's bound address."""
        shaper = cls(relay, seed)
        shaper._front, _ = await shaper._loop.create_datagram_endpoint(
            lambda: _Receiver(shaper._from_client), local_addr=("127.0.0.1", port)
        )
        return shaper

    @property
    def port(self) -> int:
        assert self._front is not None, "open() first"
        return int(self._front.get_extra_info("sockname")[1])

    def reshape(self, *, up: Profile, down: Profile) -> None:
        """Changes the link of every client, present and future."""
        self.up, self.down = up, down
        for flow in self.flows.values():
            flow.up.profile, flow.down.profile = up, down

    def close(self) -> None:
        if self._front is not None:
            self._front.close()
        for flow in self.flows.values():
            if flow.upstream is not None:
                flow.upstream.close()

    def _from_client(self, data: bytes, client: tuple[str, int]) -> None:
        flow = self.flows.get(client)
        if flow is None:
            flow = self.flows[client] = self._new_flow()
            task = self._loop.create_task(self._connect(flow, client))
            self._opening.add(task)
            task.add_done_callback(self._opening.discard)
        arrival = flow.up.arrival(len(data), self._loop.time())
        if arrival is not None:
            self._loop.call_at(arrival, self._to_relay, flow, data)

    def _new_flow(self) -> Flow:
        seed = f"{self._seed}/{len(self.flows)}"
        return Flow(Link(self.up, random.Random(seed + "up")), Link(self.down, random.Random(seed + "down")))

    async def _connect(self, flow: Flow, client: tuple[str, int]) -> None:
        def back(data: bytes, _: tuple[str, int]) -> None:
            arrival = flow.down.arrival(len(data), self._loop.time())
            if arrival is not None:
                self._loop.call_at(arrival, self._to_client, data, client)

        flow.upstream, _ = await self._loop.create_datagram_endpoint(lambda: _Receiver(back), remote_addr=self._relay)
        for data in flow.waiting:
            flow.upstream.sendto(data)
        flow.waiting.clear()

    def _to_client(self, data: bytes, client: tuple[str, int]) -> None:
        if self._front is not None and not self._front.is_closing():  # what was on its way is lost at the end
            self._front.sendto(data, client)

    def _to_relay(self, flow: Flow, data: bytes) -> None:
        if flow.upstream is None:
            flow.waiting.append(data)
        elif not flow.upstream.is_closing():
            flow.upstream.sendto(data)


class _Receiver(asyncio.DatagramProtocol):
    def __init__(self, receive: Callable[[bytes, tuple[str, int]], None]) -> None:
        self._receive = receive

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._receive(data, addr)
