"""Peers over real loopback sockets: ICE, DTLS, SRTP, data channels, over UDP, TCP and IPv6."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import uvloop
from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters

from relay import rtcp, stun
from relay.config import Address, Settings
from relay.datachannel import LOSSY, MAX_MESSAGE_BYTES, RELIABLE
from relay.metrics import Metrics
from relay.ports import HANDSHAKE_TURN_SECONDS, TCP_STRANGER_TRIES, TcpConnection
from relay.router import DownTrack, Router, UpSection, UpTrack
from relay.strangers import MAX_OF_ONE_SOURCE, MAX_STRANGERS, source_of
from relay.tests.rtc_client import Client, rtp_packet, vp8_payload
from relay.transport import Ports, Transport, TransportState


def has_ipv6() -> bool:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
    except OSError:
        return False
    return True


class World:
    """A worker's media half and clients around it."""

    def __init__(self, addresses: tuple[str, ...], **settings: object) -> None:
        self.metrics = Metrics()
        bound = tuple(Address(a, a) for a in addresses)
        self.settings = Settings(addresses=bound, **settings)  # type: ignore[arg-type]  # as each test names them
        self.router = Router(self.settings, self.metrics)
        self.ports = Ports(self.settings, self.router, self.metrics)
        self.states: list[TransportState] = []
        self.clients: list[Client] = []
        self.transports: list[Transport] = []

    def transport(self) -> Transport:
        made = Transport(self.ports, "test", on_state=self.states.append)
        self.transports.append(made)
        return made

    async def client(self, protocol: str = "udp", address: str = "127.0.0.1", **options: object) -> Client:
        transport = self.transport()
        candidate = next(c for c in self.ports.candidates if c.protocol == protocol and c.address == address)
        role = "server" if options.get("remote_setup") == "passive" else "client"
        client = Client(transport, candidate, role=role)
        self.clients.append(client)
        if options.get("sctp"):
            transport.channels.create()
        await client.connect(**options)  # type: ignore[arg-type]  # passed on as they came
        return client

    def publish(self, client: Client, kind: str, **section: object) -> UpTrack:
        mime = "audio/opus" if kind == "audio" else "video/vp8"
        track = UpTrack(
            self.router,
            client.transport,
            kind=kind,
            mime_type=mime,
            on_first_packet=lambda: None,
            on_wanted=lambda wanted: None,
            cname="alice",
        )
        number = 111 if kind == "audio" else 96
        old = client.transport.sections
        mid, types = str(len(old)), {number: mime}
        new = UpSection(mid=mid, track=track, payload_types=types, **section)  # type: ignore[arg-type]  # passed on
        self.router.set_sections(client.transport, [*old, new])
        return track

    def subscribe(self, track: UpTrack, client: Client) -> DownTrack:
        down = DownTrack(
            track,
            client.transport,
            payload_type=111 if track.kind == "audio" else 96,
            extensions={"abs-send-time": 2, "audio-level": 4},
            on_paused=lambda paused: None,
        )
        down.start()
        return down


@pytest.fixture
async def make_world() -> AsyncIterator[Callable[..., Awaitable[World]]]:
    worlds: list[World] = []

    async def make(*addresses: str, **settings: object) -> World:
        world = World(addresses or ("127.0.0.1",), **settings)
        worlds.append(world)
        await world.ports.open()
        return world

    yield make
    for world in worlds:
        for transport in world.transports:
            await transport.close()
        for client in world.clients:
            await client.close()
        await world.ports.close()
        await asyncio.sleep(0)


MakeWorld = Callable[..., Awaitable[World]]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_audio_goes_from_one_peer_to_two_others(make_world: MakeWorld, protocol: str) -> None:
    world = await make_world()
    alice, bob, carol = [await world.client(protocol) for _ in range(3)]
    track = world.publish(alice, "audio")
    world.subscribe(track, bob)
    world.subscribe(track, carol)
    for number in range(20):
        alice.send_rtp(rtp_packet(5, 65530 + number, 960 * number, b"sound%d" % number, payload_type=111))
    for client in (bob, carol):
        await client.until(lambda client=client: len(client.rtp) == 20)  # type: ignore[misc]  # binds the client
        assert [p[28:] for p in client.rtp] == [b"sound%d" % n for n in range(20)]
        sequences = [int.from_bytes(p[2:4], "big") for p in client.rtp]
        assert all((b - a) & 0xFFFF == 1 for a, b in itertools.pairwise(sequences))
        assert {int.from_bytes(p[8:12], "big") for p in client.rtp} == {track.ssrc}
    assert world.metrics.packets_in == 20
    assert world.metrics.packets_out == 40
    assert world.metrics.latency.count == 20


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 here")
@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_peers_meet_over_ipv6_and_ipv4_at_once(make_world: MakeWorld, protocol: str) -> None:
    world = await make_world("127.0.0.1", "::1")
    six = await world.client(protocol, "::1")
    four = await world.client("udp")
    other = await world.client("tcp")
    assert six.transport.path == protocol
    assert six.transport.remote_address.startswith("[::1]:")
    track = world.publish(four, "audio")
    world.subscribe(track, six)
    world.subscribe(track, other)
    four.send_rtp(rtp_packet(5, 1, 2, b"hello", payload_type=111))
    await six.until(lambda: bool(six.rtp))
    await other.until(lambda: bool(other.rtp))
    assert six.rtp[0][28:] == other.rtp[0][28:] == b"hello"
    answer = six.responses[-1]
    assert answer[:2] == b"\x01\x01"


async def test_we_are_the_dtls_client_when_the_peer_answers_passive(make_world: MakeWorld) -> None:
    world = await make_world()
    client = await world.client(remote_setup="passive")
    assert client.transport.state is TransportState.CONNECTED
    assert world.states == [TransportState.CONNECTED]


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_data_channels_carry_messages_both_ways(make_world: MakeWorld, protocol: str) -> None:
    world = await make_world()
    opened: list[bool] = []
    got: list[tuple[str, bytes]] = []
    transport = world.transport()
    transport.channels.on_open = lambda: opened.append(True)
    transport.channels.on_message = lambda label, data: got.append((label, data))
    transport.channels.create()
    client = Client(transport, next(c for c in world.ports.candidates if c.protocol == protocol))
    world.clients.append(client)
    heard: list[tuple[str, bytes]] = []
    client.channels.on_message = lambda label, data: heard.append((label, data))
    await client.connect(sctp=True)
    await client.until(lambda: bool(opened) and client.channels.is_open)
    assert transport.channels.send(RELIABLE, b"a" * MAX_MESSAGE_BYTES)
    assert transport.channels.send(LOSSY, b"quick")
    assert not transport.channels.send(RELIABLE, b"a" * (MAX_MESSAGE_BYTES + 1))
    assert not transport.channels.send("other", b"a")
    assert client.channels.send(RELIABLE, b"back")
    await client.until(lambda: len(heard) == 2 and len(got) == 1)
    assert got == [(RELIABLE, b"back")]
    assert sorted(label for label, _ in heard) == [LOSSY, RELIABLE]


async def test_lossy_data_is_dropped_and_reliable_data_overflows_when_the_peer_does_not_read(
    make_world: MakeWorld,
) -> None:
    world = await make_world()
    client = await world.client(sctp=True)
    channels = client.transport.channels
    await client.until(lambda: channels.is_open)
    overflowed: list[bool] = []
    channels.on_overflow = lambda: overflowed.append(True)
    client.flow.receive = lambda datagram: None  # type: ignore[method-assign]  # the peer hangs
    assert not all(channels.send(LOSSY, bytes(1000)) for _ in range(200))
    assert not all(channels.send(RELIABLE, bytes(60_000)) for _ in range(100))
    assert not channels.send(RELIABLE, bytes(60_000))
    assert overflowed == [True]
    assert world.metrics.data_dropped >= 3


async def test_a_check_with_a_wrong_password_or_unknown_ufrag_gets_no_answer(make_world: MakeWorld) -> None:
    world = await make_world()
    client = Client(world.transport(), world.ports.candidates[0])
    world.clients.append(client)
    await client.open()
    client.send(stun.request(bytes(12), f"{client.transport.local_ufrag}:x", b"wrong"))
    client.send(stun.request(bytes(12), "nobody:x", client.transport.local_pwd.encode()))
    await client.check()
    assert len(client.responses) == 1
    assert world.metrics.stun_rejected == 2
    assert client.transport.last_check_at > 0


async def test_ice_restart_honours_the_old_password_until_the_new_pair_is_nominated(make_world: MakeWorld) -> None:
    world = await make_world()
    client = await world.client()
    transport = client.transport
    old = (transport.local_ufrag, transport.local_pwd)
    transport.restart_ice()
    assert transport.local_ufrag != old[0]
    await client.check(ufrag=old[0], password=old[1])
    second = Client(transport, world.ports.candidates[0])
    world.clients.append(second)
    await second.open()
    await second.check(nominate=False)
    await client.check(ufrag=old[0], password=old[1])
    before = transport.remote_address
    await second.check(nominate=True)
    assert transport.remote_address != before
    rejected = world.metrics.stun_rejected
    client.send(stun.request(bytes(12), f"{old[0]}:x", old[1].encode()))
    await second.check()
    assert world.metrics.stun_rejected == rejected + 1


async def test_restarts_without_end_keep_the_pair_in_use_and_the_newest(make_world: MakeWorld) -> None:
    world = await make_world()
    client = await world.client()
    transport = client.transport
    await client.check(nominate=True)
    told = [(transport.local_ufrag, transport.local_pwd)]
    for _ in range(50):
        transport.restart_ice()
        told.append((transport.local_ufrag, transport.local_pwd))
    assert len(world.ports.by_ufrag) == 3
    for ufrag, password in (told[0], told[-2], told[-1]):
        await client.check(ufrag=ufrag, password=password, nominate=False)
    client.send(stun.request(bytes(12), f"{told[-3][0]}:x", told[-3][1].encode()))
    await client.check(nominate=False)
    assert world.metrics.stun_rejected == 1


async def test_a_peer_moves_from_udp_to_tcp_when_it_nominates_it(make_world: MakeWorld) -> None:
    world = await make_world()
    alice = await world.client()
    bob = await world.client()
    track = world.publish(alice, "audio")
    world.subscribe(track, bob)
    bridge = Client(bob.transport, next(c for c in world.ports.candidates if c.protocol == "tcp"))
    bridge.dtls = bob.dtls
    await bridge.open()
    await bridge.check(nominate=True)
    assert bob.transport.path == "tcp"
    alice.send_rtp(rtp_packet(5, 1, 2, b"over tcp", payload_type=111))
    await bridge.until(lambda: bool(bridge.rtp))
    assert bridge.rtp[0][28:] == b"over tcp"
    assert not bob.rtp
    bridge._end.close()
    await bob.until(lambda: bob.transport.path == "udp")


async def test_a_peer_that_believes_to_be_controlled_is_told_to_change_its_role(make_world: MakeWorld) -> None:
    world = await make_world()
    client = Client(world.transport(), world.ports.candidates[0])
    world.clients.append(client)
    await client.open()
    controlled = struct.pack("!HHQ", 0x8029, 8, 7)
    transport = client.transport
    client.send(stun.request(bytes(12), f"{transport.local_ufrag}:x", transport.local_pwd.encode(), extra=controlled))
    await client.until(lambda: bool(client.responses))
    assert client.responses[0][:2] == b"\x01\x11"
    assert transport.path == ""


async def test_nothing_is_taken_from_an_address_without_a_valid_check(make_world: MakeWorld) -> None:
    world = await make_world()
    alice = await world.client()
    world.publish(alice, "audio")
    stranger = Client(alice.transport, world.ports.candidates[0])
    world.clients.append(stranger)
    await stranger.open()
    stranger.send(alice.dtls._tx_srtp.protect(rtp_packet(5, 1, 2, b"x", payload_type=111)))
    stranger.send(b"\x16\xfe\xfd" + bytes(20))
    await alice.check()
    assert world.metrics.packets_unroutable == 2
    assert world.metrics.packets_in == 0


@pytest.mark.parametrize("protocol", ["udp", "tcp"])
async def test_garbage_is_counted_and_the_call_goes_on(make_world: MakeWorld, protocol: str) -> None:
    world = await make_world()
    alice = await world.client(protocol, sctp=True)
    bob = await world.client()
    track = world.publish(alice, "audio")
    world.subscribe(track, bob)
    packet = rtp_packet(5, 1, 2, b"x" * 30, payload_type=111, extensions={1: b"0"})
    protected = alice.dtls._tx_srtp.protect(packet)
    for whole in (
        protected,
        alice.dtls._tx_srtp.protect_rtcp(rtcp.pack_pli(1, 2)),
        stun.request(bytes(12), "a:b", b"c"),
        b"\x16\xfe\xfd" + bytes(60),
        b"\x17\xfe\xfd" + bytes(60),
        bytes((70,)) * 20,
    ):
        for length in range(1, len(whole)):
            alice.send(whole[:length])
        # The socket holds more than this, but a slow machine should not lose the check below.
        await alice.check()
    # Well protected, but not RTCP and SCTP inside. (libsrtp protects no malformed RTP header.)
    compound = rtcp.pack_receiver_report(1, []) + rtcp.pack_nack(1, track.ssrc, [1, 5]) + rtcp.pack_remb(1, 10, [2])
    for length in range(8, len(compound)):
        alice.send_rtcp(compound[:length])
    for length in range(1, 80):
        assert alice.dtls._ssl is not None
        alice.dtls._ssl.send(bytes(length))
        await alice.dtls._write_ssl()
    await alice.check()
    bob.rtp.clear()
    alice.send_rtp(rtp_packet(6, 1, 2, b"still here", payload_type=111))
    await bob.until(lambda: any(p[28:] == b"still here" for p in bob.rtp))
    assert world.metrics.malformed > 20
    assert world.metrics.unprotect_failed > 20
    assert alice.transport.state is TransportState.CONNECTED


async def test_nothing_leaves_after_a_peer_or_a_track_is_closed(make_world: MakeWorld) -> None:
    world = await make_world()
    alice, bob, carol = [await world.client() for _ in range(3)]
    track = world.publish(alice, "audio")
    world.subscribe(track, bob)
    down = world.subscribe(track, carol)
    alice.send_rtp(rtp_packet(5, 1, 2, b"1", payload_type=111))
    await bob.until(lambda: bool(bob.rtp) and bool(carol.rtp))
    await bob.transport.close()
    assert bob.transport.tx is None
    alice.send_rtp(rtp_packet(5, 2, 2, b"2", payload_type=111))
    await carol.until(lambda: len(carol.rtp) == 2)
    down.stop()
    down.stop()
    track.close()
    alice.send_rtp(rtp_packet(5, 3, 2, b"3", payload_type=111))
    await alice.check()
    assert len(bob.rtp) == 1
    assert len(carol.rtp) == 2
    await alice.transport.close()
    await alice.transport.close()
    assert world.states == [TransportState.CONNECTED] * 3  # our own close is not reported


async def test_the_peer_closing_its_dtls_is_reported(make_world: MakeWorld) -> None:
    world = await make_world()
    client = await world.client(sctp=True)
    await client.close()
    await client.until(lambda: world.states[-1] is TransportState.CLOSED)


async def test_a_wrong_fingerprint_fails_the_transport(make_world: MakeWorld) -> None:
    world = await make_world()
    transport = world.transport()
    client = Client(transport, world.ports.candidates[0])
    world.clients.append(client)
    await client.open()
    transport.start(fingerprints=[("sha-256", ":".join(["00"] * 32))], remote_setup="active", sctp=False)
    await client.check()
    handshake = asyncio.ensure_future(client.dtls.start(parameters_of(transport)))
    await client.until(lambda: transport.state is TransportState.FAILED)
    await asyncio.gather(handshake)
    assert transport.tx is None
    assert world.metrics.handshakes_failed == 1


async def test_peers_that_stall_in_the_handshake_keep_nobody_out(make_world: MakeWorld) -> None:
    world = await make_world(handshakes=2)
    fingerprints = [("sha-256", ":".join(["AB"] * 32))]
    for _ in range(2):
        stalled = Client(world.transport(), world.ports.candidates[0])
        world.clients.append(stalled)
        await stalled.open()
        stalled.transport.start(fingerprints=fingerprints, remote_setup="active", sctp=False)
        await stalled.check()
        stalled.send(b"\x16" + bytes(20))  # looks like a first message, and nothing follows
        await stalled.until(lambda: world.metrics.dtls_in > 0)
    honest = await asyncio.wait_for(world.client(), HANDSHAKE_TURN_SECONDS + 8)
    assert honest.transport.state is TransportState.CONNECTED
    assert world.metrics.handshakes == 1
    assert world.metrics.handshakes_failed == 0, "the stalled ones still have their own time"


def parameters_of(transport: Transport) -> RTCDtlsParameters:
    return RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(*transport.fingerprint)])


async def test_a_tcp_connection_with_a_frame_of_no_or_too_much_length_is_closed(make_world: MakeWorld) -> None:
    world = await make_world()
    candidate = next(c for c in world.ports.candidates if c.protocol == "tcp")
    for frame in (b"\0\0", b"\xff\xff"):
        reader, writer = await asyncio.open_connection(candidate.address, candidate.port)
        writer.write(frame)
        with contextlib.suppress(ConnectionResetError):  # the other way to see that it is closed
            assert await reader.read() == b""
        writer.close()
    assert world.metrics.malformed == 2
    assert len(world.ports.strangers) == 0


def test_connections_reset_before_they_are_accepted_take_no_place() -> None:
    async def knock() -> None:
        world = World(("127.0.0.1",))
        await world.ports.open()
        tcp = next(c for c in world.ports.candidates if c.protocol == "tcp")
        for _ in range(MAX_STRANGERS + 10):
            with socket.socket() as client:
                client.connect((tcp.address, tcp.port))
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # close() resets
            await asyncio.sleep(0)  # the kernel's queue of connections is short
        reader, writer = await asyncio.open_connection(tcp.address, tcp.port)
        writer.write(b"\0\0")  # a frame of no length, which is answered by closing
        assert await asyncio.wait_for(reader.read(), 5) == b""
        writer.close()
        assert world.metrics.malformed == 1, "the one that came properly was not listened to"
        await world.ports.close()

    uvloop.run(knock())  # the worker's own loop: only its transports have no peer's name then


class Crowd:
    """TCP connections that say nothing, from loopback addresses of their own."""

    def __init__(self, world: World) -> None:
        self._world = world
        candidate = next(c for c in world.ports.candidates if c.protocol == "tcp")
        self._to = (candidate.address, candidate.port)
        self.sockets: list[socket.socket] = []

    async def comes(self, count: int, source: str) -> None:
        for _ in range(count):
            before = self._world.metrics.tcp_opened
            one = socket.socket()
            self.sockets.append(one)
            one.bind((source, 0))
            one.connect(self._to)
            one.setblocking(False)
            while self._world.metrics.tcp_opened == before:  # noqa: ASYNC110  accepted in the loop's next turns
                await asyncio.sleep(0)

    async def closed(self) -> list[int]:
        """The places of those that were turned away."""
        for _ in range(10):
            await asyncio.sleep(0)
        return [place for place, one in enumerate(self.sockets) if _is_closed(one)]

    def goes(self) -> None:
        for one in self.sockets:
            one.close()


def _is_closed(one: socket.socket) -> bool:
    try:
        return one.recv(1) == b""
    except BlockingIOError:
        return False
    except ConnectionResetError:
        return True


@pytest.fixture
async def crowd_at(make_world: MakeWorld) -> AsyncIterator[Callable[[World], Crowd]]:
    crowds: list[Crowd] = []

    def make(world: World) -> Crowd:
        crowds.append(Crowd(world))
        return crowds[-1]

    yield make
    for crowd in crowds:
        crowd.goes()


async def test_one_address_cannot_hold_all_places_at_the_door(
    make_world: MakeWorld, crowd_at: Callable[[World], Crowd]
) -> None:
    world = await make_world()
    crowd = crowd_at(world)
    await crowd.comes(MAX_OF_ONE_SOURCE, "127.0.0.2")
    await crowd.comes(2, "127.0.0.3")
    assert await crowd.closed() == []
    await crowd.comes(3, "127.0.0.2")
    assert await crowd.closed() == [0, 1, 2], "not the oldest of the same address"
    assert len(world.ports.strangers) == MAX_OF_ONE_SOURCE + 2
    assert world.metrics.tcp_refused == 3


async def test_a_full_door_lets_a_client_in_and_the_oldest_stranger_go(
    make_world: MakeWorld, crowd_at: Callable[[World], Crowd]
) -> None:
    world = await make_world()
    crowd = crowd_at(world)
    for number in range(MAX_STRANGERS // MAX_OF_ONE_SOURCE):
        await crowd.comes(MAX_OF_ONE_SOURCE, f"127.0.1.{number}")
    assert await crowd.closed() == []
    client = await world.client("tcp")
    assert client.transport.state is TransportState.CONNECTED
    assert await crowd.closed() == [0]
    crowd.goes()
    while len(world.ports.strangers):  # noqa: ASYNC110  they leave in the loop's next turns
        await asyncio.sleep(0)
    assert client.transport.path == "tcp", "who has shown a check is no stranger"


@pytest.mark.parametrize("frame", [b"\x00\x01\x00\x00" + bytes(16), b"\x16" + bytes(30), b"\x80" + bytes(30)])
async def test_a_stranger_that_talks_without_a_check_is_closed(frame: bytes, make_world: MakeWorld) -> None:
    world = await make_world()
    tcp = next(c for c in world.ports.candidates if c.protocol == "tcp")
    reader, writer = await asyncio.open_connection(tcp.address, tcp.port)
    writer.write((struct.pack("!H", len(frame)) + frame) * TCP_STRANGER_TRIES)
    with contextlib.suppress(ConnectionResetError):  # the other way to see that it is closed
        assert await asyncio.wait_for(reader.read(), 5) == b""
    writer.close()
    assert world.metrics.dtls_in == 0
    assert len(world.ports.strangers) == 0


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("2001:db8:1:2::1", "2001:db8:1:2::"),
        ("2001:db8:1:3::1", "2001:db8:1:3::"),
        ("fe80::1%eth0", "fe80::"),
    ],
)
def test_a_source_is_an_address_or_a_network_of_ipv6(address: str, source: str) -> None:
    assert source_of(address) == source


async def test_a_slow_tcp_peer_loses_video_before_audio_and_then_its_connection(make_world: MakeWorld) -> None:
    world = await make_world()
    client = await world.client("tcp")
    stream = client.transport.selected.stream if client.transport.selected else None
    assert isinstance(stream, TcpConnection)
    client._end.pause_reading()
    big = memoryview(bytes(1200))
    dropped_video_at = next(n for n in range(20_000) if not stream.send_frame(big, is_droppable=True))
    assert dropped_video_at > 50
    assert stream.send_frame(big, is_droppable=False)
    assert not all(stream.send_frame(big, is_droppable=False) for _ in range(1000))
    assert world.metrics.tcp_dropped >= 2
    await client.until(lambda: client.transport.path == "")


async def test_the_port_is_the_one_that_was_asked_for_and_a_taken_one_is_named(make_world: MakeWorld) -> None:
    world = await make_world()
    port = world.ports.candidates[0].port
    assert {c.port for c in world.ports.candidates} == {port}
    taken = Ports(Settings(port=port), world.router, world.metrics)
    with pytest.raises(OSError, match=f"127.0.0.1 port {port}"):
        await taken.open()


async def test_a_candidate_shows_the_advertised_address(make_world: MakeWorld) -> None:
    world = await make_world()
    settings = Settings(addresses=(Address("127.0.0.1", "203.0.113.9", 4000),))
    ports = Ports(settings, world.router, world.metrics)
    await ports.open()
    try:
        assert [(c.address, c.port, c.protocol) for c in ports.candidates] == [
            ("203.0.113.9", 4000, "udp"),
            ("203.0.113.9", 4000, "tcp"),
        ]
        assert ports.candidates[0].priority > ports.candidates[1].priority
    finally:
        await ports.close()


async def send_frames(world: World, alice: Client, frames: int) -> None:
    """Key frames of five packets of unequal length, each frame in one drain of the relay."""
    for frame in range(frames):
        for place, size in enumerate((1000, 970, 1010, 990, 300)):
            payload = vp8_payload(frame, frame, key=True, size=size, start=place == 0)
            alice.send_rtp(rtp_packet(9, 5 * frame + place, 3000 * frame, payload, payload_type=96, marker=place == 4))
        await asyncio.sleep(0)


@pytest.mark.parametrize("mode", ["gso", "sendmmsg", "sendto"])
async def test_video_arrives_whole_by_each_way_of_sending(make_world: MakeWorld, mode: str) -> None:
    world = await make_world("127.0.0.1", send_mode=mode)
    alice, bob, carol = await world.client(), await world.client(), await world.client("tcp")
    track = world.publish(alice, "video")
    world.subscribe(track, bob)
    world.subscribe(track, carol)
    await send_frames(world, alice, 20)
    for client in (bob, carol):
        await client.until(lambda client=client: len(client.rtp) == 100)  # type: ignore[misc]  # binds the client
        sequences = [int.from_bytes(p[2:4], "big") for p in client.rtp]
        assert sequences == list(range(sequences[0], sequences[0] + 100))
        lengths = [len(p) - 28 - (p[-1] if p[0] & 32 else 0) for p in client.rtp]
        assert lengths[:5] == [1006, 976, 1016, 996, 306]
    assert world.router.batch.has_gso is (mode == "gso")
    assert bool(world.metrics.gso_runs) is (mode == "gso")
    assert not world.metrics.send_failed


async def test_a_kernel_that_refuses_gso_is_served_by_sendmmsg(make_world: MakeWorld) -> None:
    world = await make_world("127.0.0.1", send_mode="gso")
    alice, bob = await world.client(), await world.client()
    track = world.publish(alice, "video")
    world.subscribe(track, bob)
    # Without checksums the kernel refuses segmentation offload (EINVAL): the same answer as where there is none.
    world.ports._udp[0]._socket.setsockopt(socket.SOL_SOCKET, 11, 1)
    await send_frames(world, alice, 20)
    await bob.until(lambda: len(bob.rtp) == 100)
    assert not world.router.batch.has_gso
    assert not world.metrics.send_failed


async def test_simulcast_layers_are_told_apart_and_switched_without_a_seam(make_world: MakeWorld) -> None:
    world = await make_world()
    alice, bob = await world.client(), await world.client()
    track = world.publish(alice, "video", rids=("q", "h"), extensions={"mid": 1, "rid": 2})
    down = world.subscribe(track, bob)
    down.set_wanted(disabled=False, quality=0)

    def send(rid: bytes, ssrc: int, number: int, *, key: bool) -> None:
        alice.send_rtp(
            rtp_packet(
                ssrc,
                number,
                3000 * number,
                vp8_payload(number, number, key=key),
                payload_type=96,
                marker=True,
                extensions={1: b"0", 2: rid},
            )
        )

    send(b"q", 10, 500, key=True)
    send(b"h", 11, 9000, key=True)
    await bob.until(lambda: len(bob.rtp) == 1)
    assert (down.current_layer, track.live_layers) == ("q", ("q", "h"))
    down.set_wanted(disabled=False, quality=1)
    await alice.until(lambda: any(p[1] == rtcp.PSFB and p[8:12] == b"\0\0\0\x0b" for p in alice.rtcp))
    send(b"h", 11, 9001, key=False)
    send(b"q", 10, 501, key=False)
    await bob.until(lambda: len(bob.rtp) == 2)
    send(b"h", 11, 9002, key=True)
    send(b"q", 10, 502, key=False)
    send(b"h", 11, 9003, key=False)
    await bob.until(lambda: len(bob.rtp) == 4)
    assert down.current_layer == "h"
    sequences = [int.from_bytes(p[2:4], "big") for p in bob.rtp]
    assert [s - sequences[0] for s in sequences] == [0, 1, 2, 3]
    pictures = [int.from_bytes(p[30:32], "big") & 0x7FFF for p in bob.rtp]
    assert [p - pictures[0] for p in pictures] == [0, 1, 2, 3]
