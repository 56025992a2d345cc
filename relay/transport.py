"""One peer connection's transport: ICE-lite, DTLS, SRTP keys, data channels. Sockets are in `ports.py`."""

from __future__ import annotations

import asyncio
import logging
import secrets
import string
from collections.abc import Callable, Sequence
from enum import Enum

from aiortc.rtcdtlstransport import RTCDtlsFingerprint, RTCDtlsParameters
from OpenSSL import SSL

from relay import clock, dtls
from relay.datachannel import DataChannels
from relay.errors import ProtocolError
from relay.link import Link, Path
from relay.ports import Candidate, Ports
from relay.stun import Check
from relay.timeshares import PersonShares

__all__ = ["Candidate", "Ports", "Transport", "TransportState"]

logger = logging.getLogger(__name__)

# From the first valid check on. libwebrtc gives up after about 30 s of silence, our clients after 15.
HANDSHAKE_SECONDS = 15.0
# A client has a few addresses and a few networks; more paths than this are somebody's experiment.
MAX_PATHS = 16
# ICE generations beside the nominated one: what a client was told last, and once before, should that be on its way.
NEWEST_GENERATIONS = 2
_ALPHABET = string.ascii_letters + string.digits


class TransportState(Enum):
    """Life of a transport. Only CONNECTED carries media."""

    NEW = "new"
    CONNECTED = "connected"
    FAILED = "failed"
    CLOSED = "closed"


class Transport(Link):
    """ICE-lite + DTLS + SRTP + SCTP of one peer connection. `on_state` hears CONNECTED, then FAILED or CLOSED."""

    def __init__(self, ports: Ports, label: str, *, on_state: Callable[[TransportState], None]) -> None:
        super().__init__()
        self.label = label
        self.state = TransportState.NEW
        self.last_check_at = 0.0
        self.fingerprint = dtls.fingerprint()
        self.local_ufrag = self.local_pwd = ""
        self._ports = ports
        self._router = ports.router
        self._on_state = on_state
        self._passwords: dict[str, bytes] = {}  # by ufrag, oldest first: see `restart_ice`
        self._nominated_ufrag = ""
        self._paths: list[Path] = []
        self._is_reachable = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._closing = False
        self.flow = dtls.Flow(ports.metrics)
        self._dtls = dtls.Dtls(self.flow, self._on_keys)
        self._dtls.on("statechange", self._on_dtls_state)
        self.channels = DataChannels(self._dtls, ports.metrics)
        self.restart_ice()

    @property
    def path(self) -> str:
        """ "udp" or "tcp", empty before the first valid check."""
        selected = self.selected
        return "" if selected is None else ("udp" if selected.fd >= 0 else "tcp")

    @property
    def remote_address(self) -> str:
        """The peer's address and port on the selected path."""
        return self.selected.address if self.selected is not None else ""

    def share_time(self, shares: PersonShares) -> None:
        """Counts what the peer costs in `shares`, which are a person's and outlive this connection."""
        self.rtcp_time = shares.rtcp
        self.channels.share_time(shares.sctp)

    # ---------------------------------------------------------------- ICE

    def restart_ice(self) -> None:
        """A new ufrag and password. The old ones are honoured until a pair of the new ones is nominated, as far as
        they are in use or among the newest."""
        self.local_ufrag = "".join(secrets.choice(_ALPHABET) for _ in range(12))
        self.local_pwd = "".join(secrets.choice(_ALPHABET) for _ in range(24))
        self._passwords[self.local_ufrag] = self.local_pwd.encode()
        self._ports.by_ufrag[self.local_ufrag] = self
        others = [ufrag for ufrag in self._passwords if ufrag != self._nominated_ufrag]
        self._forget_generations(others[:-NEWEST_GENERATIONS])

    def password(self, ufrag: str) -> bytes | None:
        """The password of one of our ufrags."""
        return self._passwords.get(ufrag)

    def on_check(self, path: Path, check: Check) -> None:
        """A valid check came over `path`: it may carry DTLS and media from now on."""
        self.last_check_at = clock.now()
        if path not in self._paths:
            self._paths.append(path)
            if len(self._paths) > MAX_PATHS:
                oldest = next(p for p in self._paths if p is not self.selected and p is not path)
                self._paths.remove(oldest)
                self._ports.forget_path(oldest)
        if check.use_candidate:
            self._nominated_ufrag = check.local_ufrag
            if check.local_ufrag == self.local_ufrag and len(self._passwords) > 1:
                self._forget_generations([ufrag for ufrag in self._passwords if ufrag != self.local_ufrag])
        if self.selected is None or (check.use_candidate and path is not self.selected):
            self._select(path)

    def _forget_generations(self, ufrags: Sequence[str]) -> None:
        for ufrag in ufrags:
            del self._passwords[ufrag]
            self._ports.by_ufrag.pop(ufrag, None)

    def on_path_lost(self, path: Path) -> None:
        """A TCP connection ended. Another path is used when there is one; the client nominates a better one later."""
        if path in self._paths:
            self._paths.remove(path)
        if self.selected is path:
            self.selected = None
            self._router.path_changed()
            if self._paths:
                self._select(self._paths[-1])

    def _select(self, path: Path) -> None:
        self.selected = path
        self.flow.send = lambda data: self._ports.send_plain(path, data)
        self._router.path_changed()
        self._is_reachable.set()

    # ---------------------------------------------------------------- DTLS

    def start(self, *, fingerprints: Sequence[tuple[str, str]], remote_setup: str, sctp: bool) -> None:
        """Begins the handshake when the peer is reachable. Idempotent. Raises `ProtocolError` without a fingerprint.

        An answer of `setup:passive`, as pion gives to an ICE-lite offer, makes us the DTLS client.
        """
        if self._task is not None or self._closing:
            return
        if not fingerprints:
            raise ProtocolError("no DTLS fingerprint")
        self._dtls._set_role("client" if remote_setup == "passive" else "server")
        parameters = RTCDtlsParameters(fingerprints=[RTCDtlsFingerprint(a, v) for a, v in fingerprints])
        self._task = asyncio.get_running_loop().create_task(self._connect(parameters, sctp), name=f"dtls {self.label}")

    async def _connect(self, parameters: RTCDtlsParameters, sctp: bool) -> None:
        await self._is_reachable.wait()
        try:
            async with asyncio.timeout(HANDSHAKE_SECONDS):
                if self._dtls._role == "server":
                    await self.flow.has_arrived.wait()
                async with self._ports.handshakes.one():
                    await self._dtls.start(parameters)
                if self._dtls.state == "connected" and sctp:
                    await self.channels.start()
        except TimeoutError:
            logger.info("DTLS handshake timed out: transport=%s", self.label)
        except (ConnectionError, SSL.Error) as error:
            logger.info("DTLS handshake failed: transport=%s error=%s", self.label, type(error).__name__)
        except Exception:  # the task's outer edge: whatever aiortc raises ends this peer only
            logger.exception("DTLS handshake failed: transport=%s", self.label)
        if self._dtls.state == "connected" and self.tx is not None:
            self._ports.metrics.handshakes += 1
            self._enter(TransportState.CONNECTED)
        else:
            self._ports.metrics.handshakes_failed += 1
            self._enter(TransportState.FAILED)

    def _on_keys(self, rx: object, tx: object, sessions: tuple[object, ...]) -> None:
        if not self._closing:
            self.rx, self.tx, self.sessions = rx, tx, sessions
            self._router.path_changed()

    def _on_dtls_state(self) -> None:
        if self._dtls.state == "closed" and not self._closing:
            self._enter(TransportState.CLOSED)

    def _enter(self, state: TransportState) -> None:
        if self._closing or state is self.state or self.state in (TransportState.FAILED, TransportState.CLOSED):
            return
        self.state = state
        self._on_state(state)

    async def close(self) -> None:
        """Ends everything; nothing leaves afterwards but the DTLS alert. Never raises."""
        if self._closing:
            return
        self._closing = True
        self.state = TransportState.CLOSED
        self._router.forget_link(self)
        for ufrag in self._passwords:
            self._ports.by_ufrag.pop(ufrag, None)
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        # SCTP first, then DTLS: its timers would send on a closed one.
        for stop in (self.channels.stop, self._dtls.stop):
            try:
                await stop()
            except (ConnectionError, SSL.Error) as error:
                logger.debug("closing: transport=%s error=%s", self.label, type(error).__name__)
            except Exception:  # closing must reach its end
                logger.exception("closing: transport=%s", self.label)
        self.flow.send = None
        self.flow.close()
        for path in self._paths:
            self._ports.forget_path(path)
        self._paths.clear()
        self.rx = self.tx = None
        self.sessions = ()
