"""The shaper is as weak as asked, no weaker."""

import asyncio
import random
from typing import cast

import pytest

from tests.shaper import Link, Profile, Shaper


def link(**profile: float) -> Link:
    return Link(Profile(**profile), random.Random(1))  # type: ignore[arg-type]  # the rate is given as a float here


def test_a_rate_spreads_a_burst_and_drops_what_would_wait_too_long() -> None:
    slow = link(rate_bps=400_000)
    arrivals = [slow.arrival(972, 10.0) for _ in range(100)]  # 1,000 bytes on the wire: 20 ms each
    came = [arrival for arrival in arrivals if arrival is not None]
    assert came[:3] == pytest.approx([10.02, 10.04, 10.06])
    assert len(came) == 16  # 300 ms of queue
    assert slow.overflowed == 84


def test_a_link_recovers_when_it_has_been_idle() -> None:
    slow = link(rate_bps=400_000)
    for _ in range(100):
        slow.arrival(972, 10.0)
    assert slow.arrival(972, 20.0) == pytest.approx(20.02)


def test_loss_and_jitter_are_those_asked_for_and_the_same_for_the_same_seed() -> None:
    lossy, again = (
        link(loss=0.05, jitter_seconds=0.02, delay_seconds=0.1),
        link(loss=0.05, jitter_seconds=0.02, delay_seconds=0.1),
    )
    arrivals = [lossy.arrival(100, 0.0) for _ in range(10_000)]
    assert 400 < arrivals.count(None) < 600
    assert all(0.1 <= arrival <= 0.12 for arrival in arrivals if arrival is not None)
    assert arrivals == [again.arrival(100, 0.0) for _ in range(10_000)]


async def test_two_clients_reach_the_server_from_two_addresses_and_get_their_own_answers() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_datagram_endpoint(_Echo, local_addr=("127.0.0.1", 0))
    shaper = await Shaper.open(port=0, relay=server[0].get_extra_info("sockname"))
    front = ("127.0.0.1", shaper.port)
    clients = [await loop.create_datagram_endpoint(_Client, remote_addr=front) for _ in range(2)]
    for number, (transport, _) in enumerate(clients):
        transport.sendto(b"from %d" % number)
    answers = [await asyncio.wait_for(protocol.answers.get(), 10) for _, protocol in clients]
    assert [answer.split(b"|")[0] for answer in answers] == [b"from 0", b"from 1"]
    assert answers[0].split(b"|")[1] != answers[1].split(b"|")[1]
    for transport, _ in [*clients, server]:
        transport.close()
    shaper.close()


class _Echo(asyncio.DatagramProtocol):
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.DatagramTransport, transport)

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.transport.sendto(b"%s|%d" % (data, addr[1]), addr)


class _Client(asyncio.DatagramProtocol):
    def __init__(self) -> None:
        self.answers: asyncio.Queue[bytes] = asyncio.Queue()

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self.answers.put_nowait(data)
