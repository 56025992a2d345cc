"""Data channels against peers that mean harm: no input makes the association work or remember without bound."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiortc import rtcsctptransport as aiortc_sctp
from aiortc.rtcdatachannel import RTCDataChannel, RTCDataChannelParameters
from aiortc.rtcsctptransport import Chunk, DataChunk, ForwardTsnChunk, SackChunk
from google_crc32c import value as crc32c

from relay import clock
from relay.allowance import Allowance
from relay.datachannel import MAX_CHANNELS, MAX_PIECES, MAX_STREAMS, MESSAGE_COST_BYTES, RELIABLE
from relay.tests.rtc_client import Client
from relay.tests.test_transport import World
from relay.timeshares import Share

BINARY, OPEN = 53, 50  # payload protocols of WebRTC
WINDOW_BYTES = 1 << 20  # what aiortc offers a peer
MIDDLE, WHOLE, UNORDERED = 0, 3, 4  # flags of a DATA chunk


class Pair:
    """A client with its association, and what the relay got from it."""

    def __init__(self, world: World, client: Client) -> None:
        self.world = world
        self.client = client
        self.got: list[bytes] = []
        client.transport.channels.on_message = lambda label, data: self.got.append(data)
        self.sctp = client.channels._sctp
        self.other = client.transport.channels._sctp

    async def inject(self, *chunks: Chunk) -> None:
        """One SCTP packet, made by hand."""
        head = struct.pack("!HHL", 5000, 5000, self.sctp._remote_verification_tag)
        body = b"".join(bytes(chunk) for chunk in chunks)
        checksum = crc32c(head + bytes(4) + body)
        await self.client.dtls._send_data(head + struct.pack("<L", checksum) + body)

    async def until(self, condition: Callable[[], bool]) -> None:
        await self.client.until(condition)

    @property
    def errors(self) -> int:
        return self.world.metrics.sctp_errors

    async def assert_alive(self, text: bytes = b"still here") -> None:
        assert self.client.channels.send(RELIABLE, text)
        await self.until(lambda: text in self.got)


def data(tsn: int, *, stream: int = 1, flags: int = WHOLE, protocol: int = BINARY, payload: bytes = b"x") -> DataChunk:
    chunk = DataChunk(flags=flags)
    chunk.tsn, chunk.stream_id, chunk.stream_seq, chunk.protocol = tsn & 0xFFFFFFFF, stream, 0, protocol
    chunk.user_data = payload
    return chunk


def sack(cumulative: int, gaps: list[tuple[int, int]]) -> SackChunk:
    chunk = SackChunk()
    chunk.cumulative_tsn, chunk.advertised_rwnd = cumulative & 0xFFFFFFFF, 1 << 20
    chunk.gaps = gaps
    return chunk


@pytest.fixture
async def pair() -> AsyncIterator[Callable[[], Awaitable[Pair]]]:
    worlds: list[World] = []

    async def make() -> Pair:
        world = World(("127.0.0.1",))
        worlds.append(world)
        await world.ports.open()
        client = await world.client(sctp=True)
        made = Pair(world, client)
        await made.until(lambda: client.channels.is_open and client.transport.channels.is_open)
        return made

    yield make
    for world in worlds:
        for transport in world.transports:
            await transport.close()
        for client in world.clients:
            await client.close()
        await world.ports.close()


MakePair = Callable[[], Awaitable[Pair]]


@pytest.mark.parametrize(
    ("ahead", "gaps"),
    [
        (0, [(1, 65535)] * 280),  # 18 million numbers to walk through: aiortc took 3 s for this one packet
        (0, [(1, 65535)]),
        (0, [(5, 2)]),
        (1000, []),  # acknowledges what was never sent
        (1 << 30, [(1, 65535)]),
    ],
)
async def test_a_sack_of_what_was_never_sent_is_an_error_and_costs_nothing(
    ahead: int, gaps: list[tuple[int, int]], pair: MakePair
) -> None:
    one = await pair()
    started = clock.now()
    await one.inject(sack(one.other._last_sacked_tsn + ahead, gaps))
    await one.until(lambda: one.errors == 1)
    assert clock.now() - started < 1.0
    await one.assert_alive()


async def test_true_gaps_are_understood_and_what_is_missing_comes_again(pair: MakePair) -> None:
    one = await pair()
    received: list[bytes] = []
    one.client.channels.on_message = lambda label, payload: received.append(payload)
    lost = iter([True, False, True])
    receive = one.client.flow.receive
    one.client.flow.receive = (  # type: ignore[method-assign]  # the network in between loses some
        lambda datagram: None if next(lost, False) else receive(datagram)
    )
    sent = [bytes((number,)) * 1000 for number in range(20)]
    for payload in sent:
        assert one.client.transport.channels.send(RELIABLE, payload)
    await one.until(lambda: len(received) == len(sent))
    assert received == sent
    assert one.errors == 0


@pytest.mark.parametrize("flags", [MIDDLE, MIDDLE | UNORDERED, 2, 2 | UNORDERED])
async def test_pieces_without_end_close_the_association_and_not_the_peer(flags: int, pair: MakePair) -> None:
    one = await pair()
    one.other.time = Share(Allowance(1e6, 1e6, clock.now()))  # on a busy machine they take long, and would not be heard
    first = one.sctp._local_tsn + 2
    for packet in range(2 * MAX_PIECES // 40):  # some may be lost
        if not one.client.transport.channels.is_open:
            break
        await one.inject(*(data(first + 2 * (40 * packet + n), flags=flags) for n in range(40)))
        await asyncio.sleep(0)
    await one.until(lambda: not one.client.transport.channels.is_open)
    assert len(one.other._sack_misordered) <= MAX_PIECES + 40
    assert one.client.transport.state.value == "connected", "media goes on"


async def test_streams_and_channels_are_few(pair: MakePair) -> None:
    one = await pair()
    tsn = one.sctp._local_tsn
    announce = struct.pack("!BBHLHH", 3, 0, 0, 0, 1, 0) + b"x"
    for number in range(3 * MAX_STREAMS):
        await one.inject(data(tsn + number, stream=100 + 2 * number, protocol=OPEN, payload=announce))
    await one.until(lambda: one.errors >= 2 * MAX_STREAMS)
    assert len(one.other._data_channels) <= MAX_CHANNELS
    assert len(one.other._inbound_streams) <= MAX_STREAMS
    forward = ForwardTsnChunk()
    forward.cumulative_tsn, forward.streams = one.other._last_received_tsn or 0, [(n, 0) for n in range(200)]
    forward.cumulative_tsn = (forward.cumulative_tsn + 1) & 0xFFFFFFFF
    before = one.errors
    await one.inject(forward)
    await one.until(lambda: one.errors > before)
    assert len(one.other._inbound_streams) <= MAX_STREAMS


async def test_an_association_that_takes_too_much_time_is_not_heard_for_a_while(
    pair: MakePair, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = await pair()
    now = clock.now()
    one.other.time.spend(1.5, now)  # as if its packets had taken so long
    assert one.client.channels.send(RELIABLE, b"later")
    await one.until(lambda: one.world.metrics.sctp_throttled > 0)
    assert one.got == []
    one.other.time.spend(-1.5, clock.now())
    await one.until(lambda: one.got == [b"later"])


async def test_held_messages_wait_with_the_sender_and_come_in_order(pair: MakePair) -> None:
    one = await pair()
    channels = one.client.transport.channels
    channels.hold(0.3)
    sent = [number.to_bytes(2, "big") * 15_000 for number in range(60)]  # 1.8 MB: more than the window
    for payload in sent:
        assert one.client.channels.send(RELIABLE, payload)
    await one.until(lambda: one.other.withheld_bytes > 100_000)
    assert one.got == []
    await one.client.until(lambda: len(one.got) == len(sent), seconds=20.0)
    assert one.got == sent
    assert one.other.withheld_bytes == 0


async def test_who_sends_into_a_full_window_is_not_kept(pair: MakePair) -> None:
    """aiortc, which plays the client, heeds no window: a peer that means harm."""
    one = await pair()
    one.client.transport.channels.hold(60.0)
    for _ in range(60):
        assert one.client.channels.send(RELIABLE, bytes(60_000))
    await one.until(lambda: one.world.metrics.sctp_throttled > 0)
    assert one.other.withheld_bytes <= 1 << 20
    assert one.client.transport.channels.is_open


async def test_messages_of_no_bytes_fill_the_window_too(pair: MakePair) -> None:
    one = await pair()
    one.client.transport.channels.hold(60.0)
    for _ in range(WINDOW_BYTES // MESSAGE_COST_BYTES + 100):
        one.client.transport.channels._on_data(RELIABLE, b"")
    assert one.client.channels.send(RELIABLE, b"one more")
    await one.until(lambda: one.world.metrics.sctp_throttled > 0)
    assert b"one more" not in [message for _, message in one.client.transport.channels._waiting]


async def test_what_somebody_sends_without_the_right_is_not_kept(pair: MakePair) -> None:
    one = await pair()
    may_send = False
    channels = one.client.transport.channels
    channels.accepts = lambda: may_send
    channels.hold(60.0)
    for _ in range(20):
        assert one.client.channels.send(RELIABLE, bytes(1000))
    await one.until(lambda: one.world.metrics.data_in == 20)
    assert (one.other.withheld_bytes, len(channels._waiting)) == (0, 0)
    may_send = True
    assert one.client.channels.send(RELIABLE, b"now")
    await one.until(lambda: len(channels._waiting) == 1)


async def test_a_channel_that_only_calls_itself_reliable_is_held_all_the_same(pair: MakePair) -> None:
    one = await pair()
    channel = one.client.transport.channels._channels[RELIABLE]
    assert isinstance(channel, RTCDataChannel)
    unreliable = RTCDataChannelParameters(label=RELIABLE, maxRetransmits=0, id=channel.id)
    channel._RTCDataChannel__parameters = unreliable  # type: ignore[attr-defined]  # as its peer would have opened it
    one.client.transport.channels.hold(60.0)
    assert one.client.channels.send(RELIABLE, b"hurry")
    await one.until(lambda: one.other.withheld_bytes == 5 + MESSAGE_COST_BYTES)
    assert one.got == []


def test_the_library_still_has_what_is_replaced() -> None:
    """`_Sctp` overrides private methods: a new aiortc that renames one would silently lose the bound."""
    replaced = {"_handle_data", "_get_inbound_stream", "_receive_data_chunk", "_mark_received"}
    replaced |= {"_receive_sack_chunk", "_data_channel_receive", "_send_sack", "_send_chunk"}
    assert replaced <= set(vars(aiortc_sctp.RTCSctpTransport))
