"""The worker's sockets: one UDP and one TCP per advertised address, never a wildcard. Who sent it decides whose it is.

UDP is read by recvmmsg into receive slots, up to `drain` datagrams at a time, and everything queued is sent before the
next read: that bounds the time that a packet waits. TCP (RFC 6544 passive, RFC 4571 framing) is for networks that block
UDP.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import struct
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from relay import clock, stun
from relay.allowance import Turns
from relay.batch import SLOT_BYTES, ffi, libc
from relay.config import Address, Settings
from relay.errors import ProtocolError
from relay.link import Path
from relay.metrics import Metrics
from relay.router import ReceiveSlot, Router
from relay.strangers import MAX_STRANGERS, Strangers
from relay.stun import Check

if TYPE_CHECKING:
    from relay.transport import Transport

logger = logging.getLogger(__name__)

_NAME_BYTES = 28  # a sockaddr_in6; a sockaddr_in is 16
_MESSAGE_WORDS = 16  # an mmsghdr is 64 bytes
_LENGTH_WORD = 14
_FLAGS_WORD = 12
_MSG_TRUNC = 0x20
# After so many full drains the loop gets its turn: timers and TCP must not starve.
MAX_DRAINS = 4
# Video is dropped above the first bound (a second of 1 Mbit/s), the connection above the second.
TCP_VIDEO_BUFFER_BYTES = 128 << 10
TCP_BUFFER_BYTES = 512 << 10
# Left unsent inside the kernel, where we could not drop it any more.
TCP_UNSENT_BYTES = 64 << 10
MAX_TCP_FRAME_BYTES = SLOT_BYTES - 64
# How long a connection may take to show a valid check, and how many messages that are none.
TCP_STRANGER_SECONDS = 10.0
TCP_STRANGER_TRIES = 16
# A handshake takes a few round trips; sixteen peers that never answer must not keep everybody out for longer.
HANDSHAKE_TURN_SECONDS = 2.0
KERNEL_DROPS_INTERVAL_SECONDS = 5.0
_TCP_NOTSENT_LOWAT = 25
_SO_FORCE = {socket.SO_RCVBUF: 33, socket.SO_SNDBUF: 32}
_UDP_PREFERENCE, _TCP_PREFERENCE = 126, 90  # RFC 8445 5.1.2.2 host; RFC 6544 4.2 lower for TCP


class Candidate(NamedTuple):
    """One host candidate of ours."""

    protocol: str  # "udp" or "tcp"
    address: str
    port: int
    priority: int
    tcp_type: str | None


class Ports:
    """All sockets of the worker, and the peers behind them."""

    def __init__(self, settings: Settings, router: Router, metrics: Metrics) -> None:
        self.settings = settings
        self.router = router
        self.metrics = metrics
        self.candidates: tuple[Candidate, ...] = ()
        self.by_ufrag: dict[str, Transport] = {}
        self.handshakes = Turns(settings.handshakes, HANDSHAKE_TURN_SECONDS)
        self.strangers = Strangers()
        self._udp: list[UdpPort] = []
        self._servers: list[asyncio.Server] = []
        self._connections: set[TcpConnection] = set()
        self._timer: asyncio.TimerHandle | None = None
        self._drops_before = 0
        self.slot = ReceiveSlot()  # for TCP: one frame at a time

    async def open(self) -> None:
        """Binds everything. Raises OSError naming address and port."""
        candidates: list[Candidate] = []
        try:
            for place, address in enumerate(self.settings.addresses):
                udp, tcp = _bind(address, self.settings.port)
                self._udp.append(UdpPort(self, udp))
                server = await asyncio.get_running_loop().create_server(
                    lambda: TcpConnection(self), sock=tcp, backlog=MAX_STRANGERS
                )
                self._servers.append(server)
                port = address.advertised_port or udp.getsockname()[1]
                low = (65535 - place) << 8 | 255
                candidates.append(Candidate("udp", address.advertised, port, _UDP_PREFERENCE << 24 | low, None))
                candidates.append(Candidate("tcp", address.advertised, port, _TCP_PREFERENCE << 24 | low, "passive"))
        except OSError:
            await self.close()
            raise
        self.candidates = tuple(candidates)
        for port_ in self._udp:
            port_.start(self.settings.socket_buffer_bytes)
        self._drops_before = sum(port_.kernel_drops() for port_ in self._udp)
        self._watch_drops()

    async def close(self) -> None:
        """Closes every socket."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for port in self._udp:
            port.close()
        self._udp.clear()
        for server in self._servers:
            server.close()
        for connection in list(self._connections):
            connection.abort()
        for server in self._servers:
            await server.wait_closed()
        self._servers.clear()

    def _watch_drops(self) -> None:
        drops = sum(port.kernel_drops() for port in self._udp)
        self.metrics.kernel_drops += max(0, drops - self._drops_before)
        self._drops_before = drops
        self._timer = asyncio.get_running_loop().call_later(KERNEL_DROPS_INTERVAL_SECONDS, self._watch_drops)

    # ---------------------------------------------------------------- ICE

    def answer(self, data: bytes, address: bytes, port: int) -> tuple[Transport, Check, bytes] | None:
        """The peer that a valid check is for, and the answer to send. None (and a counter) for anything else."""
        metrics = self.metrics
        metrics.stun_in += 1
        try:
            check = stun.parse_check(data)
        except ProtocolError:
            metrics.malformed += 1
            return None
        transport = self.by_ufrag.get(check.local_ufrag) if check is not None else None
        password = transport.password(check.local_ufrag) if transport is not None and check is not None else None
        if check is None or transport is None or password is None or not stun.verify(data, check, password):
            metrics.stun_rejected += 1
            return None
        if check.is_controlled:
            # Both controlled: the other end must change its role, and asks again.
            return transport, check, stun.role_conflict(check, password)
        return transport, check, stun.success(check, address, port, password)

    def forget_path(self, path: Path) -> None:
        """Nothing is accepted from this 5-tuple any more."""
        for port in self._udp:
            port.forget(path)
        if path.stream is not None:
            path.stream.close()

    def send_plain(self, path: Path, data: bytes) -> bool:
        """Sends a datagram as it is (STUN, DTLS)."""
        if path.stream is not None:
            return bool(path.stream.send_frame(memoryview(data), is_droppable=False))
        if libc.sendto(path.fd, data, len(data), 0, path.name, path.name_length) < 0:
            self.metrics.send_blocked += ffi.errno == errno.EAGAIN
            return False
        return True

    def on_datagram(self, path: Path, slot: ReceiveSlot, length: int) -> bool:
        """DTLS, RTP or RTCP from a validated path. True when it was RTP, which waits for `router.flush`."""
        first = slot.packet[0]
        if 127 < first < 192:
            if length < 8:
                self.metrics.malformed += 1
            elif 191 < slot.packet[1] < 224:
                self.router.on_rtcp(path.link, slot, length)
            else:
                self.router.on_rtp(path.link, slot, length)
                return True
        elif 19 < first < 64:
            path.link.flow.receive(bytes(slot.packet[:length]))  # type: ignore[attr-defined]  # a Transport, always
        else:
            self.metrics.malformed += 1
        return False

    def add_connection(self, connection: TcpConnection) -> None:
        """Called by `TcpConnection`."""
        self._connections.add(connection)

    def remove_connection(self, connection: TcpConnection) -> None:
        """Called by `TcpConnection`."""
        self._connections.discard(connection)


def _bind(address: Address, port: int) -> tuple[socket.socket, socket.socket]:
    """A UDP and a TCP socket on the same port of `address`; any port that is free in both when `port` is 0."""
    family = socket.AF_INET6 if ":" in address.bind else socket.AF_INET
    for attempt in range(20):
        udp = socket.socket(family, socket.SOCK_DGRAM)
        tcp = socket.socket(family, socket.SOCK_STREAM)
        try:
            if family == socket.AF_INET6:
                udp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
                tcp.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            udp.setblocking(False)
            tcp.setblocking(False)
            udp.bind((address.bind, port))
            tcp.bind((address.bind, udp.getsockname()[1]))
        except OSError as error:
            udp.close()
            tcp.close()
            if port or error.errno != errno.EADDRINUSE or attempt == 19:
                raise OSError(error.errno, f"cannot bind {address.bind} port {port}: {error.strerror}") from error
        else:
            return udp, tcp
    raise AssertionError("unreachable")


class UdpPort:
    """One UDP socket: reads by recvmmsg, knows the validated remote addresses."""

    def __init__(self, ports: Ports, sock: socket.socket) -> None:
        self._ports = ports
        self._socket = sock
        self._fd = sock.fileno()
        self._inode = 0
        self._is_ipv6 = sock.family == socket.AF_INET6
        self._key_bytes = _NAME_BYTES if self._is_ipv6 else 8
        self._paths: dict[bytes, Path] = {}
        self._drain = ports.settings.drain
        self._slots = [ReceiveSlot() for _ in range(self._drain)]
        self._names = ffi.new("char[]", _NAME_BYTES * self._drain)
        self._iovecs = ffi.new("struct iovec[]", self._drain)
        self._messages = ffi.new("struct mmsghdr[]", self._drain)
        self._name_view = memoryview(ffi.buffer(self._names)).cast("B")
        self._words = memoryview(ffi.buffer(self._messages)).cast("I")
        for place, slot in enumerate(self._slots):
            self._iovecs[place].base = ffi.cast("void *", int(_address_of(slot.pointer)))
            self._iovecs[place].len = SLOT_BYTES
            header = self._messages[place].hdr
            header.name = self._names + _NAME_BYTES * place
            header.namelen = _NAME_BYTES
            header.iov = self._iovecs + place
            header.iovlen = 1

    def start(self, buffer_bytes: int) -> None:
        """Sizes the buffers and begins to read."""
        for option, name in ((socket.SO_RCVBUF, "rmem_max"), (socket.SO_SNDBUF, "wmem_max")):
            _size_buffer(self._socket, option, name, buffer_bytes)
        try:
            self._inode = FilePath(f"/proc/self/fd/{self._fd}").stat().st_ino
        except OSError:  # no /proc: drops of the kernel are not counted
            self._inode = 0
        asyncio.get_running_loop().add_reader(self._fd, self._read)

    def close(self) -> None:
        """Stops reading and closes."""
        if self._socket.fileno() >= 0:
            asyncio.get_running_loop().remove_reader(self._fd)
            self._socket.close()
        self._paths.clear()

    def kernel_drops(self) -> int:
        """Datagrams that the kernel dropped because we did not read in time."""
        try:
            lines = FilePath("/proc/net/udp6" if self._is_ipv6 else "/proc/net/udp").read_text().splitlines()
        except OSError:
            return 0
        wanted = str(self._inode)
        for line in lines[1:]:
            fields = line.split()
            if len(fields) > 12 and fields[9] == wanted:
                return int(fields[12])
        return 0

    def forget(self, path: Path) -> None:
        """Nothing is accepted from it any more."""
        for key in [k for k, known in self._paths.items() if known is path]:
            del self._paths[key]

    def _read(self) -> None:
        metrics = self._ports.metrics
        metrics.wakeups += 1
        for _ in range(MAX_DRAINS):
            count = libc.recvmmsg(self._fd, self._messages, self._drain, socket.MSG_DONTWAIT, ffi.NULL)
            if count <= 0:
                return
            started = clock.now_ns()
            router = self._ports.router
            router.begin(started)
            media = 0
            for place in range(count):
                media += self._take(place)
            if media:
                router.flush()
                metrics.latency.add((clock.now_ns() - started) // 1000, media)
            if count < self._drain:
                return

    def _take(self, place: int) -> bool:
        """One datagram. True when it was RTP."""
        words = self._words
        at = place * _MESSAGE_WORDS
        length = words[at + _LENGTH_WORD]
        if words[at + _FLAGS_WORD] & _MSG_TRUNC or not length:
            self._ports.metrics.malformed += 1
            return False
        slot = self._slots[place]
        start = place * _NAME_BYTES
        key = bytes(self._name_view[start : start + self._key_bytes])
        if slot.packet[0] < 4:
            self._on_stun(key, start, bytes(slot.packet[:length]))
            return False
        path = self._paths.get(key)
        if path is None:
            self._ports.metrics.packets_unroutable += 1
            return False
        return self._ports.on_datagram(path, slot, length)

    def _on_stun(self, key: bytes, start: int, data: bytes) -> None:
        port = int.from_bytes(key[2:4], "big")
        packed = key[8:24] if self._is_ipv6 else key[4:8]
        found = self._ports.answer(data, packed, port)
        if found is None:
            return
        transport, check, response = found
        path = self._paths.get(key)
        if path is None or path.link is not transport:
            path = self._new_path(transport, start, packed, port)
        self._ports.send_plain(path, response)
        if not check.is_controlled:
            self._paths[key] = path
            transport.on_check(path, check)

    def _new_path(self, transport: Transport, start: int, packed: bytes, port: int) -> Path:
        size = _NAME_BYTES if self._is_ipv6 else 16
        host = socket.inet_ntop(socket.AF_INET6 if self._is_ipv6 else socket.AF_INET, packed)
        path = Path(transport, f"[{host}]:{port}" if self._is_ipv6 else f"{host}:{port}")
        path.fd = self._fd
        path.name = ffi.new("char[]", bytes(self._name_view[start : start + size]))
        path.name_pointer = int(ffi.cast("uintptr_t", path.name))
        path.name_length = size
        return path


def _address_of(pointer: Any) -> int:
    from pylibsrtp._binding import ffi as srtp_ffi  # type: ignore[import-not-found]  # a compiled module

    return int(srtp_ffi.cast("uintptr_t", pointer))


def _size_buffer(sock: socket.socket, option: int, name: str, wanted: int) -> None:
    for force in (_SO_FORCE[option], option):  # the forced form needs CAP_NET_ADMIN and ignores the sysctl
        try:
            sock.setsockopt(socket.SOL_SOCKET, force, wanted)
            break
        except PermissionError:
            continue
    got = sock.getsockopt(socket.SOL_SOCKET, option) // 2  # the kernel doubles it for its own use
    if got < wanted:
        logger.warning("UDP buffer is %d bytes, not %d: run `sysctl -w net.core.%s=%d`", got, wanted, name, wanted)


class TcpConnection(asyncio.Protocol):
    """One client over TCP: frames of 16-bit length and datagram."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._path: Path | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._peer: tuple[str, int] = ("", 0)
        self._tries = 0  # messages while a stranger

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's TCP transports have asyncio's methods, not its base class.
        self._transport = transport = cast(asyncio.Transport, transport)
        ports = self._ports
        ports.add_connection(self)
        peer = transport.get_extra_info("peername")
        # No name: it was reset before we accepted it. After an error here nobody would call connection_lost, and the
        # stranger's place would be taken for ever.
        if peer is None:
            ports.metrics.tcp_refused += 1
            transport.abort()
            return
        ports.metrics.tcp_opened += 1
        self._peer = peer[:2]
        turned_away = ports.strangers.admit(self, self._peer[0])
        if turned_away is not None:
            ports.metrics.tcp_refused += 1
            turned_away.abort()
        sock = transport.get_extra_info("socket")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, TCP_UNSENT_BYTES)
        except OSError:  # an old kernel: more is buffered, nothing breaks
            logger.debug("no TCP_NOTSENT_LOWAT")
        self._timer = asyncio.get_running_loop().call_later(TCP_STRANGER_SECONDS, self.abort)

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer
        buffer += data
        at = 0
        while len(buffer) - at >= 2:
            length = buffer[at] << 8 | buffer[at + 1]
            if not length or length > MAX_TCP_FRAME_BYTES:
                self._ports.metrics.malformed += 1
                self.abort()
                return
            if len(buffer) - at - 2 < length:
                break
            self._on_frame(buffer[at + 2 : at + 2 + length])
            at += 2 + length
            if self._path is None and self._tires():
                return
        del buffer[:at]

    def _tires(self) -> bool:
        """Whether a stranger has sent enough that is no valid check. Its check is the first thing a client sends."""
        self._tries += 1
        if self._tries < TCP_STRANGER_TRIES:
            return False
        self.abort()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        self._no_stranger()
        self._transport = None
        self._ports.remove_connection(self)
        path, self._path = self._path, None
        if path is not None:
            path.link.on_path_lost(path)  # type: ignore[attr-defined]  # a Transport, always

    def send_frame(self, datagram: memoryview, *, is_droppable: bool) -> bool:
        """Sends one datagram. Above the bounds video is dropped, then the connection."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return False
        waiting = transport.get_write_buffer_size()
        if waiting > TCP_VIDEO_BUFFER_BYTES:
            if waiting > TCP_BUFFER_BYTES:
                self._ports.metrics.tcp_dropped += 1
                self.abort()
                return False
            if is_droppable:
                self._ports.metrics.tcp_dropped += 1
                downlink = self._path.link.downlink if self._path is not None else None
                if downlink is not None:
                    downlink.on_blocked(clock.now())
                return False
        transport.write(struct.pack("!H", len(datagram)) + datagram)
        return True

    def close(self) -> None:
        """Closes after what was written."""
        self._path = None
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """Closes at once."""
        if self._transport is not None:
            self._transport.abort()

    def _no_stranger(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._ports.strangers.forget(self)

    def _on_frame(self, frame: bytearray) -> None:
        ports = self._ports
        if frame[0] < 4:
            self._on_stun(bytes(frame))
            return
        if self._path is None:
            ports.metrics.packets_unroutable += 1
            return
        slot = ports.slot
        length = len(frame)
        slot.packet[:length] = frame
        started = clock.now_ns()
        ports.router.begin(started)
        if ports.on_datagram(self._path, slot, length):
            ports.router.flush()
            ports.metrics.latency.add((clock.now_ns() - started) // 1000)

    def _on_stun(self, data: bytes) -> None:
        host, port = self._peer
        is_ipv6 = ":" in host
        packed = socket.inet_pton(socket.AF_INET6 if is_ipv6 else socket.AF_INET, host.partition("%")[0])
        found = self._ports.answer(data, packed, port)
        if found is None:
            return
        transport, check, response = found
        self.send_frame(memoryview(response), is_droppable=False)
        if check.is_controlled:
            return
        if self._path is None or self._path.link is not transport:
            self._path = Path(transport, f"[{host}]:{port}" if is_ipv6 else f"{host}:{port}")
            self._path.stream = self
            self._no_stranger()
        transport.on_check(self._path, check)
