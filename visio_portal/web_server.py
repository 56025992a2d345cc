# ruff: noqa: E402  the event loop must be chosen between two imports
"""The web server: Daphne with the limits that a call needs, and HTTPS on the same port.

Importing this file chooses the event loop (uvloop) and installs Twisted's reactor on it: only `run_web` does so.
Each limit is pinned by a raw-socket test in tests/test_web_server.py.
"""

from __future__ import annotations

import asyncio

import uvloop

asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())  # before daphne.server makes its loop

import logging
import os
import socket
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from http.client import responses
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509 import load_pem_x509_certificates
from daphne.http_protocol import HTTPFactory, WebRequest
from daphne.server import Server
from daphne.ws_protocol import WebSocketFactory, WebSocketProtocol
from OpenSSL import crypto
from twisted.internet import defer, interfaces, protocol, reactor, ssl
from twisted.logger import globalLogBeginner
from twisted.protocols.tls import TLSMemoryBIOFactory
from twisted.web import http
from zope.interface import implementer

from visio_portal import proxies
from visio_portal.newcomers import Newcomers, PunctualChannel

logger = logging.getLogger(__name__)

# LiveKit's own limit for a signalling message.
MAX_MESSAGE_BYTES = 2 << 20
# A client that does not read is cut off here; it comes back and resumes.
MAX_UNSENT_BYTES = 4 << 20
# What came since the application last had taken everything. Not a number of messages: a client that joins a room of ten
# sends several hundred candidates at once, and what one read of the socket holds is queued before anybody can take it.
MAX_QUEUED_BYTES = 4 << 20
QUEUED_MESSAGE_BYTES = 256  # what a message costs besides its payload
# Of a form or an API call.
MAX_BODY_BYTES = 8 << 20
# Of a file that HR uploads, with its form: `accounts.hr_desk` says the rest. Anybody may begin one, so few at a time.
UPLOAD_PATH, MAX_UPLOAD_BYTES, MAX_UPLOADS = b"/accounts/hr/", 49 << 20, 4
# A request line carries LiveKit's token and join request in its query string.
MAX_LINE_BYTES = 16 << 10
MAX_HEADER_BYTES = 64 << 10
# /rtc holds an upgrade for up to 4 s while a worker restarts, and a busy machine needs its time.
HANDSHAKE_TIMEOUT_SECONDS = 20
# How long a client that was told to close may take.
CLOSE_TIMEOUT_SECONDS = 5
# How long a connection may stay silent before we know whether it speaks TLS.
SNIFF_TIMEOUT_SECONDS = 10

# Close codes. Autobahn's sendClose() would refuse all but the first one: sendCloseFrame() sends any.
NORMAL_CLOSURE = 1000
INTERNAL_ERROR = 1011
SERVICE_RESTART = 1012
TRY_AGAIN_LATER = 1013
TLS_HANDSHAKE_BYTE = 0x16


@implementer(interfaces.IPushProducer)
class OutboundGate:
    """Told by the transport when its buffer is full or empty again, for one websocket."""

    def __init__(self, websocket: PortalWebSocket) -> None:
        self.websocket = websocket

    def pauseProducing(self) -> None:
        self.websocket.is_blocked = True

    def resumeProducing(self) -> None:
        self.websocket.flush()

    def stopProducing(self) -> None:
        self.websocket.pending.clear()


class PortalWebSocket(WebSocketProtocol):
    """Daphne's websocket with denial by status and bounded queues both ways."""

    def __init__(self) -> None:
        super().__init__()
        self.is_blocked = False
        self.is_overflowed = False
        self.queued_bytes = 0
        self.pending: deque[tuple[bytes, bool]] = deque()
        self.pending_bytes = 0
        self.blocked_bytes = 0  # of the message on which the transport's buffer filled up
        self.denial: dict[str, Any] | None = None

    # --- Outbound

    def onOpen(self) -> None:
        # The transport still reports its buffer to the HTTP channel from which it was taken over.
        self.transport.unregisterProducer()
        self.transport.registerProducer(OutboundGate(self), True)
        super().onOpen()

    def serverSend(self, content: str | bytes, binary: bool = False) -> None:
        if self.state == self.STATE_CONNECTING:
            self.serverAccept()
        if self.is_overflowed:
            return
        payload = content if isinstance(content, bytes) else content.encode()
        if not self.is_blocked:
            self._write(payload, binary)
        elif self.blocked_bytes + self.pending_bytes + len(payload) > MAX_UNSENT_BYTES:
            self._overflow("outbound")
        else:
            self.pending.append((payload, binary))
            self.pending_bytes += len(payload)

    def _write(self, payload: bytes, binary: bool) -> None:
        self.sendMessage(payload, binary)
        if self.is_blocked:
            self.blocked_bytes = len(payload)

    def flush(self) -> None:
        """The transport's buffer is empty again: writes what waited."""
        self.is_blocked = False
        self.blocked_bytes = 0
        while self.pending and not self.is_blocked:
            payload, binary = self.pending.popleft()
            self.pending_bytes -= len(payload)
            self._write(payload, binary)

    # --- Inbound

    def onMessage(self, payload: bytes, isBinary: bool) -> None:
        if self.is_overflowed:
            return
        if self.application_queue.empty():
            self.queued_bytes = 0
        self.queued_bytes += QUEUED_MESSAGE_BYTES + len(payload)
        if self.queued_bytes > MAX_QUEUED_BYTES:
            self._overflow("inbound")
            return
        super().onMessage(payload, isBinary)

    def _overflow(self, direction: str) -> None:
        self.is_overflowed = True
        self.pending.clear()
        self.pending_bytes = 0
        self.server.overflows[direction] += 1
        logger.warning("websocket closed: %s queue is full", direction)
        self.sendCloseFrame(code=TRY_AGAIN_LATER)

    # --- Denial (ASGI extension websocket.http.response) and the end

    def handle_reply(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "websocket.http.response.start":
                self.denial = {"status": message["status"], "headers": list(message.get("headers", [])), "body": b""}
            case "websocket.http.response.body" if self.denial is not None:
                self.denial["body"] += message.get("body", b"")
                if not message.get("more_body", False):
                    self._deny(**self.denial)
            case "websocket.send" if self.state == self.STATE_CLOSED or self.state == self.STATE_CLOSING:
                return
            case _:
                super().handle_reply(message)

    def _deny(self, status: int, headers: Sequence[tuple[bytes, bytes]], body: bytes) -> None:
        if self.state != self.STATE_CONNECTING or not hasattr(self, "handshake_deferred"):
            return
        del self.handshake_deferred
        lines = [f"HTTP/1.1 {status} {responses.get(status, 'Refused')}".encode()]
        skipped = (b"content-length", b"connection")
        lines += [name + b": " + value for name, value in headers if name.lower() not in skipped]
        lines += [b"Content-Length: %d" % len(body), b"Connection: close", b"", body]
        self.sendData(b"\r\n".join(lines))
        self.dropConnection(abort=False)

    def dropConnection(self, abort: bool = False) -> None:
        """Autobahn resets a connection whose ends have closed at once: our close frame could be lost with it, and the
        client would report a failure (1006) where both sides were of one mind.
        """
        has_agreed = self.wasClean and self.state != self.STATE_CLOSED
        super().dropConnection(abort and not has_agreed)
        if has_agreed:  # what a client that does not read leaves in the buffer must not keep the connection for ever
            reactor.callLater(CLOSE_TIMEOUT_SECONDS, self.transport.abortConnection)

    def serverClose(self, code: int | None = None) -> None:
        self.sendCloseFrame(code=NORMAL_CLOSURE if code is None else code)

    def handle_exception(self, exception: BaseException) -> None:
        if self.state == self.STATE_CONNECTING:
            self._deny(500, [], b"")
        elif self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=INTERNAL_ERROR)

    def application_returned(self) -> None:
        """The application is done: a websocket without one would stay open and mute."""
        if self.state == self.STATE_OPEN:
            self.serverClose()

    def close_for_restart(self) -> None:
        """Tells the client that this process goes away: it comes back to the next one."""
        if self.state == self.STATE_OPEN:
            self.sendCloseFrame(code=SERVICE_RESTART)


class PortalWebSocketFactory(WebSocketFactory):
    protocol = PortalWebSocket


class PortalRequest(WebRequest):
    """Daphne's request with a bound on its body, which Twisted would write to disk whatever its size."""

    uploads = 0  # of the whole process
    is_refused = False
    body_bytes = 0
    body_limit = MAX_BODY_BYTES

    def gotLength(self, length: int | None) -> None:
        super().gotLength(length)
        if length is not None and length > MAX_BODY_BYTES and self._begins_upload():
            self.body_limit = MAX_UPLOAD_BYTES
        if length is not None and length > self.body_limit:
            self._refuse_body()

    def _begins_upload(self) -> bool:
        """Takes one of the few places for large bodies, until the request is over in whatever way."""
        if self.channel._path != UPLOAD_PATH or PortalRequest.uploads >= MAX_UPLOADS:
            return False
        PortalRequest.uploads += 1
        self.notifyFinish().addBoth(self._end_upload)
        return True

    def _end_upload(self, _result: object) -> None:
        PortalRequest.uploads -= 1

    def handleContentChunk(self, data: bytes) -> None:
        self.body_bytes += len(data)
        if self.body_bytes > self.body_limit:
            self._refuse_body()
        if not self.is_refused:
            super().handleContentChunk(data)

    def _refuse_body(self) -> None:
        if self.is_refused:
            return
        self.is_refused = True
        self.channel.transport.write(
            b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        )
        self.channel.loseConnection()

    def process(self) -> Any:
        return None if self.is_refused else super().process()


class PortalHTTPFactory(HTTPFactory):
    protocol = PunctualChannel

    def __init__(self, server: WebServer) -> None:
        super().__init__(server)
        self.newcomers = server.newcomers

    def buildProtocol(self, addr: Any) -> Any:
        channel = super().buildProtocol(addr)
        _configure_channel(channel, PortalRequest)
        return channel

    def acceptableProtocols(self) -> list[bytes]:
        return [b"http/1.1"]  # what our channel speaks


def _configure_channel(channel: PunctualChannel, request_factory: type) -> None:
    channel.requestFactory = request_factory
    channel.MAX_LENGTH = MAX_LINE_BYTES
    channel.totalHeadersSize = MAX_HEADER_BYTES


class RedirectRequest(http.Request):
    """Plain HTTP from another machine, on the HTTPS port: sent to the portal's address."""

    def process(self) -> None:
        # A path of ours only: "//host" or a full URL would lead elsewhere.
        path = b"/" + self.uri.lstrip(b"/") if self.uri.startswith(b"/") else b"/"
        self.setResponseCode(308)
        self.setHeader(b"Location", self.channel.factory.portal_url.encode() + path)
        self.setHeader(b"Connection", b"close")
        self.finish()


class RedirectFactory(http.HTTPFactory):
    protocol = PunctualChannel

    def __init__(self, portal_url: str, newcomers: Newcomers) -> None:
        super().__init__()
        self.portal_url = portal_url
        self.newcomers = newcomers

    def buildProtocol(self, addr: Any) -> Any:
        channel = super().buildProtocol(addr)
        _configure_channel(channel, RedirectRequest)
        return channel


class Sniffer(protocol.Protocol):
    """Waits for the first byte: a TLS client, one of our own processes, or a browser that forgot the s in https."""

    def __init__(self, factory: SniffingFactory, addr: Any) -> None:
        self.factory = factory
        self.address = addr
        self.timeout: Any = None

    def connectionMade(self) -> None:
        if self.factory.newcomers.admit(self._peer()):
            self.timeout = reactor.callLater(SNIFF_TIMEOUT_SECONDS, self.transport.abortConnection)
        else:
            self.transport.abortConnection()

    def connectionLost(self, reason: Any = None) -> None:
        self._settle()

    def _settle(self) -> None:
        if self.timeout is not None:
            if self.timeout.active():
                self.timeout.cancel()
            self.timeout = None
            self.factory.newcomers.forget(self._peer())

    def _peer(self) -> str:
        return str(self.transport.getPeer().host)

    def dataReceived(self, data: bytes) -> None:
        if self.timeout is None:
            return  # refused
        self._settle()
        successor = self._choose(data[0]).buildProtocol(self.address)
        self.transport.protocol = successor
        successor.makeConnection(self.transport)
        successor.dataReceived(data)

    def _choose(self, first_byte: int) -> Any:
        if first_byte == TLS_HANDSHAKE_BYTE:
            return self.factory.tls
        # Only a process of this machine has our own address as its source.
        is_own = self._peer() == self.transport.getHost().host
        return self.factory.plain if is_own else self.factory.redirect


class SniffingFactory(protocol.Factory):
    """HTTPS for everybody, plain HTTP for this machine's own processes, a redirect for the rest: on one port."""

    def __init__(self, plain: Any, tls_options: Any, portal_url: str) -> None:
        self.plain = plain
        self.newcomers = plain.newcomers
        self.tls = TLSMemoryBIOFactory(tls_options, False, plain)
        self.redirect = RedirectFactory(portal_url, plain.newcomers)

    def doStart(self) -> None:
        self.tls.doStart()
        self.redirect.doStart()

    def doStop(self) -> None:
        self.tls.doStop()
        self.redirect.doStop()

    def buildProtocol(self, addr: Any) -> Sniffer:
        return Sniffer(self, addr)


def tls_options(certificate_file: Path, key_file: Path) -> ssl.CertificateOptions:
    """The server's side of TLS (1.2 or newer). Raises OSError or ValueError on files that do not fit."""
    chain = [
        crypto.X509.from_cryptography(certificate)
        for certificate in load_pem_x509_certificates(certificate_file.read_bytes())
    ]
    key = crypto.PKey.from_cryptography_key(load_pem_private_key(key_file.read_bytes(), password=None))  # type: ignore[arg-type]  # of the kinds that TLS knows
    return ssl.CertificateOptions(
        privateKey=key,
        certificate=chain[0],
        extraCertChain=chain[1:],
        raiseMinimumTo=ssl.TLSVersion.TLSv1_2,
    )


class WebServer(Server):
    """Daphne's server on our own protocols and endpoints. Keeps no log of requests: logs.py does, without paths."""

    def __init__(
        self,
        application: Any,
        *,
        host: str,
        port: int,
        portal_url: str = "",
        tls: ssl.CertificateOptions | None = None,
        listen_fd: int = -1,
        trusted_proxies: Sequence[proxies.Network] = (),
        background: Sequence[Callable[[], Awaitable[None]]] = (),
        on_ready: Callable[[int], None] | None = None,
    ) -> None:
        super().__init__(
            application,
            endpoints=["own"],  # Daphne refuses none; run() below listens itself
            websocket_timeout=-1,  # a meeting may last longer than a day
            websocket_handshake_timeout=HANDSHAKE_TIMEOUT_SECONDS,
            websocket_connect_timeout=HANDSHAKE_TIMEOUT_SECONDS,
            websocket_max_message_size=MAX_MESSAGE_BYTES,
            websocket_max_frame_size=MAX_MESSAGE_BYTES,
            server_name="",
        )
        self.host = host
        self.port = port
        self.portal_url = portal_url
        self.tls = tls
        self.listen_fd = listen_fd  # of a socket that `serve` listens on, or -1
        self.background = background
        self.on_ready = on_ready
        self.overflows = {"inbound": 0, "outbound": 0}
        self.newcomers = Newcomers(trusted_proxies)
        self.exit_code = 0
        self.tasks: list[asyncio.Task[None]] = []

    def run(self) -> None:
        """Serves until SIGINT or SIGTERM. `exit_code` says whether that was by order."""
        self.connections: dict[Any, dict[str, Any]] = {}
        self.http_factory = PortalHTTPFactory(self)
        self.ws_factory = PortalWebSocketFactory(self, server="")
        self.ws_factory.setProtocolOptions(
            autoPingTimeout=self.ping_timeout,
            allowNullOrigin=True,
            openHandshakeTimeout=HANDSHAKE_TIMEOUT_SECONDS,
            failByDrop=False,  # the client learns why, by a close frame
            closeHandshakeTimeout=CLOSE_TIMEOUT_SECONDS,
            maxMessagePayloadSize=MAX_MESSAGE_BYTES,
            maxFramePayloadSize=MAX_MESSAGE_BYTES,
        )
        globalLogBeginner.beginLoggingTo([_warn_of_failures], redirectStandardIO=False, discardBuffer=True)
        asyncio.set_event_loop(reactor._asyncioEventloop)
        reactor.callWhenRunning(self._start)
        reactor.addSystemEventTrigger("before", "shutdown", self._shut_down)
        reactor.run(installSignalHandlers=True)

    def _start(self) -> None:
        factory = SniffingFactory(self.http_factory, self.tls, self.portal_url) if self.tls else self.http_factory
        try:
            listener = self._listen(factory)
        except OSError as error:
            self._fail(f"cannot listen on {self.host} port {self.port}: {error}")
            return
        except Exception as error:  # noqa: BLE001  Twisted's CannotListenError is no OSError
            self._fail(str(error))
            return
        reactor.callLater(1, self.application_checker)
        reactor.callLater(2, self.timeout_checker)
        for job in self.background:
            self.tasks.append(asyncio.ensure_future(self._run_background(job)))
        if self.on_ready:
            self.on_ready(listener.getHost().port)

    def _listen(self, factory: Any) -> Any:
        if self.listen_fd < 0:
            return reactor.listenTCP(self.port, factory, backlog=512, interface=self._interface())
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        os.set_blocking(self.listen_fd, False)
        return reactor.adoptStreamPort(self.listen_fd, family, factory)

    def _interface(self) -> str:
        return "127.0.0.1" if self.host == "localhost" else self.host.strip("[]")

    def _fail(self, reason: str) -> None:
        logger.critical("web server: %s", reason)
        self.exit_code = 1
        reactor.stop()

    async def _run_background(self, job: Callable[[], Awaitable[None]]) -> None:
        try:
            await job()
        except asyncio.CancelledError:
            raise
        except Exception:
            # The supervisor starts a fresh process, which is safer than a portal without this part.
            logger.exception("a background part of the web process failed")
            self._fail("a background part failed")

    def create_application(self, connection: Any, scope: dict[str, Any]) -> Any:
        if scope["type"] == "websocket":
            is_secure = interfaces.ISSLTransport.providedBy(connection.transport)
            scope["scheme"] = "wss" if is_secure else "ws"
            scope["extensions"] = {"websocket.http.response": {}}
        queue = super().create_application(connection, scope)
        if scope["type"] == "websocket" and queue is not None:
            task: asyncio.Future[None] = self.connections[connection]["application_instance"]
            task.add_done_callback(lambda done: self._websocket_application_done(connection, done))
        return queue

    @staticmethod
    def _websocket_application_done(connection: PortalWebSocket, task: asyncio.Future[None]) -> None:
        if not task.cancelled() and task.exception() is None:
            connection.application_returned()

    def _shut_down(self) -> Any:
        for connection in list(self.connections):
            if isinstance(connection, PortalWebSocket):
                connection.close_for_restart()
        for task in self.tasks:
            task.cancel()
        return self.kill_all_applications()

    def kill_all_applications(self) -> Any:
        instances = [details.get("application_instance") for details in self.connections.values()]
        running = [instance for instance in instances if instance is not None and not instance.done()]
        for instance in running:
            instance.cancel()
        waiting = asyncio.gather(*running, *self.tasks, return_exceptions=True)
        bounded: Any = asyncio.ensure_future(_at_most(waiting, CLOSE_TIMEOUT_SECONDS))
        return defer.Deferred.fromFuture(bounded).addErrback(lambda failure: None)


async def _at_most(work: Awaitable[Any], seconds: float) -> None:
    try:
        async with asyncio.timeout(seconds):
            await work
    except TimeoutError:
        logger.warning("some connections did not end within %s s", seconds)


def _warn_of_failures(event: dict[str, Any]) -> None:
    """Twisted's own log: only unexpected failures are for us (its other lines are noise or carry URLs)."""
    failure = event.get("log_failure")
    if failure is not None:
        logger.error("Twisted: %s", failure.getTraceback())
