"""The worker's end of the local socket: links of web processes come and go, sessions live on them (wire.py).

The worker never waits for web: what a link does not take is kept up to a bound, then the link is dropped, and its
sessions lose their signalling until they resume over the next one.
"""

from __future__ import annotations

import asyncio
import json
import logging
import struct
from collections import deque
from collections.abc import Callable
from typing import Any

from relay import clock, service, signalling, wire
from relay.admission import Frequency, Join, JoinGate
from relay.allowance import Allowance
from relay.errors import ProtocolError, Refused
from relay.messages import Action, Reason
from relay.participant import JoinOptions, Participant
from relay.rooms import Rooms
from relay.wire import Frame, Kind

logger = logging.getLogger(__name__)

# design.md §2.
MAX_OUTBOUND_BYTES = 8 << 20
# Unacknowledged events on their way at once: enough to keep web's database busy, far below the bound above.
EVENT_WINDOW = 256
MAX_LINKS = 32
_SEQUENCE = struct.Struct("!Q")
# What a websocket upgrade is answered with (livekit-protocol A.6). A full room is final, a busy worker is not.
_STATUS = {"unavailable": 503, "invalid_argument": 400}

# What one client may ask of us: a join with a hundred candidates is far below the burst, and reading a 100 kB offer
# costs about as much as a hundred small messages.
SIGNALS_PER_SECOND = 200.0
SIGNALS_BURST = 1000.0
_BYTES_PER_SIGNAL = 1024
# Of one client that has taken its share of the worker's time (`timeshares.py`): they wait for more of it, in order.
MAX_HELD_SIGNALS = 500
MIN_HOLD_SECONDS = 0.01
# The loop's other work, media first, gets its turn after so much of a link's.
TURN_SECONDS = 0.005

Command = Callable[[], dict[str, Any]]


class Session:
    """One client websocket. Belongs to the link that opened it."""

    def __init__(self, link: WebLink, number: int) -> None:
        self._link = link
        self.number = number
        self.participant: Participant | None = None
        self._allowance = Allowance(SIGNALS_PER_SECOND, SIGNALS_BURST, clock.now())
        self._held: deque[bytes] = deque()

    def receive(self, participant: Participant, payload: bytes) -> None:
        """A message of the client: handled now, or when its share of the worker's time allows."""
        may_signal = not self._allowance.spend(1 + len(payload) / _BYTES_PER_SIGNAL, clock.now())
        if not may_signal or len(self._held) >= MAX_HELD_SIGNALS:
            participant.context.counters["signals_flooding"] += 1
            logger.warning("participant floods", extra=participant.log_fields)
            participant.leave(Reason.STATE_MISMATCH, Action.DISCONNECT)
        elif self._held or participant.shares.signals.is_spent(clock.now()):
            participant.context.counters["signals_held"] += 1
            self._held.append(payload)
            if len(self._held) == 1:
                self._wait(participant)
        else:
            _handle(participant, payload)

    def _wait(self, participant: Participant) -> None:
        seconds = max(MIN_HOLD_SECONDS, participant.shares.signals.wait(clock.now()))
        participant.context.later(seconds, lambda: self._go_on(participant))

    def _go_on(self, participant: Participant) -> None:
        """Handles what was held. In debt again after one message, mostly, which leaves the loop to the others."""
        while self._held and self._is_open and not participant.shares.signals.is_spent(clock.now()):
            _handle(participant, self._held.popleft())
        if not self._is_open:
            self._held.clear()
        elif self._held:
            self._wait(participant)

    @property
    def _is_open(self) -> bool:
        return self._link.sessions.get(self.number) is self

    def send(self, payload: bytes) -> None:
        self._link.write(wire.pack(Kind.SIGNAL, session=self.number, payload=payload))

    def close(self, reason: str) -> None:
        """Asks web to close the websocket after what was sent."""
        if self._link.sessions.pop(self.number, None) is not None:
            self._link.write(wire.pack_json(Kind.CLOSE, {"reason": reason}, session=self.number))

    def lost(self) -> None:
        """The websocket, or the whole link, is gone."""
        if self.participant is not None:
            self.participant.detach(self)


def _handle(participant: Participant, payload: bytes) -> None:
    try:
        signalling.receive(participant, payload)
    except Exception:  # a bug met by one participant must not cost the others their link
        logger.exception("signal failed", extra=participant.log_fields)
        participant.context.counters["signals_failed"] += 1


class WebLinks:
    """All links of one worker, and what they may ask of it."""

    def __init__(self, rooms: Rooms, gate: JoinGate, commands: dict[str, Command], greeting: Command) -> None:
        self.rooms = rooms
        self.gate = gate
        self.commands = commands
        self.greeting = greeting
        self.links: list[WebLink] = []
        self.frequency = Frequency()
        rooms.context.events.on_event = self._new_event

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, from its HELLO to its end. The callback of the Unix server."""
        if len(self.links) >= MAX_LINKS:
            logger.error("too many links", extra={"links": len(self.links)})
            writer.close()
            return
        link = WebLink(self, writer)
        self.links.append(link)
        try:
            await link.run(reader)
        except Exception:  # the outer edge of a link's task: it ends, the worker goes on
            logger.exception("link failed")
        finally:
            self.links.remove(link)
            link.lost()
            self._new_event()  # an older web process may take over

    @property
    def events_link(self) -> WebLink | None:
        """The newest link that takes events."""
        return next((link for link in reversed(self.links) if link.takes_events), None)

    def count(self, name: str) -> None:
        self.rooms.context.counters[name] += 1

    async def close(self) -> None:
        for link in list(self.links):
            link.close()

    def _new_event(self) -> None:
        link = self.events_link
        if link is not None:
            link.send_events()


class WebLink:
    """One connection of one web process (or of a tool that only calls)."""

    def __init__(self, links: WebLinks, writer: asyncio.StreamWriter) -> None:
        self._links = links
        self._writer = writer
        self.sessions: dict[int, Session] = {}
        self.takes_events = False
        self._sent_sequence = 0
        self._acknowledged = 0
        self._is_dropped = False
        self._handlers: dict[Kind, Callable[[Frame], None]] = {
            Kind.HELLO: self._handle_hello,
            Kind.OPEN: self._handle_open,
            Kind.SIGNAL: self._handle_signal,
            Kind.CLOSE: self._handle_close,
            Kind.CALL: self._handle_call,
            Kind.ACK: self._handle_ack,
        }

    async def run(self, reader: asyncio.StreamReader) -> None:
        """Reads frames until the end of the connection."""
        self.write(wire.pack_json(Kind.HELLO, self._links.greeting()))
        began = clock.now()
        while not self._is_dropped:
            try:
                if clock.now() - began > TURN_SECONDS:  # frames that are here already are read without a pause
                    await asyncio.sleep(0)
                    began = clock.now()
                frame = await wire.read_frame(reader)
                handler = self._handlers.get(frame.kind)
                if handler is None:
                    raise ProtocolError(f"{frame.kind.name} frame from web")
                handler(frame)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            except ProtocolError as error:
                logger.error("link dropped: bad frame", extra={"error": str(error)})
                self._links.count("links_bad")
                return

    def write(self, frame: bytes) -> None:
        """Queues a frame; drops the link when it holds too much."""
        if self._is_dropped or self._writer.is_closing():
            return
        self._writer.write(frame)
        if self._writer.transport.get_write_buffer_size() > MAX_OUTBOUND_BYTES:
            logger.error("link dropped: web does not read", extra={"sessions": len(self.sessions)})
            self._links.count("links_overflowed")
            self._is_dropped = True
            self._writer.transport.abort()

    def send_events(self) -> None:
        """Sends events until the window is full."""
        for event in self._links.rooms.context.events.after(self._sent_sequence):
            if event.sequence - self._acknowledged > EVENT_WINDOW and self._sent_sequence > self._acknowledged:
                return
            self.write(wire.pack(Kind.EVENT, payload=_SEQUENCE.pack(event.sequence) + event.payload))
            self._sent_sequence = event.sequence

    def lost(self) -> None:
        """The connection is gone: every session on it loses its signalling."""
        self._is_dropped = True
        self.takes_events = False
        sessions, self.sessions = list(self.sessions.values()), {}
        for session in sessions:
            self._links.gate.withdraw(session.number)
            session.lost()
        self._writer.close()

    def close(self) -> None:
        """Ends the connection after what was written."""
        self._writer.close()

    def _handle_hello(self, frame: Frame) -> None:
        hello = frame.json()
        version = hello.get("version") if isinstance(hello, dict) else None
        if version != wire.VERSION:
            raise ProtocolError(f"link version {version!r}, this worker speaks {wire.VERSION}")
        self.takes_events = hello.get("events") is True
        first = next(self._links.rooms.context.events.after(0), None)
        self._acknowledged = self._sent_sequence = first.sequence - 1 if first is not None else 0
        if self._links.events_link is self:
            self.send_events()

    def _handle_open(self, frame: Frame) -> None:
        if not self.takes_events:
            self._refuse(frame.session, 403, "this link may only call")
            return
        try:
            options = JoinOptions.from_json(frame.json())
        except ProtocolError as error:
            self._refuse(frame.session, 400, str(error))
            return
        if not self._links.frequency.may_join(options.room, options.identity, gives_way=options.gives_way):
            self._links.count("joins_too_frequent")
            self._refuse(frame.session, 503, "too many joins of this participant")
            return
        session = Session(self, frame.session)
        self._take_over(session)
        if options.is_reconnect:
            self._begin(session, options)
            return
        join = Join(
            session.number,
            (options.room, options.identity),
            begin=lambda: self._begin(session, options),
            refuse=lambda: self._turn_away(session),
        )
        self._links.gate.submit(join, gives_way=options.gives_way)

    def _take_over(self, session: Session) -> None:
        """A session belongs to the link that opened it last."""
        for link in self._links.links:
            old = link.sessions.pop(session.number, None)
            if old is not None:
                old.lost()
        self.sessions[session.number] = session

    def _begin(self, session: Session, options: JoinOptions) -> str | None:
        """Joins or resumes. The sid of a participant whose handshake begins."""
        if self.sessions.get(session.number) is not session:
            return None
        # OPENED goes first; nothing else of the session can be sent before the room takes it.
        buffered = _BufferedSink(session)
        try:
            participant = self._links.rooms.open(options, buffered)
        except Refused as error:
            self.sessions.pop(session.number, None)
            self._refuse(session.number, _STATUS.get(error.code, 403), error.reason)
            return None
        except Exception:  # a bug met by one join must not cost the others their link
            logger.exception("join failed", extra={"room": options.room})
            self.sessions.pop(session.number, None)
            self._refuse(session.number, 500, "internal error")
            return None
        self.write(wire.pack(Kind.OPENED, session=session.number))
        buffered.release()
        if participant is not None and participant.sink is buffered:
            session.participant = participant
            participant.sink = session
        return participant.sid if participant is not None else None

    def _turn_away(self, session: Session) -> None:
        if self.sessions.get(session.number) is session:
            del self.sessions[session.number]
            self._refuse(session.number, 503, "too many joins at once")

    def _refuse(self, number: int, status: int, reason: str) -> None:
        self._links.count("sessions_refused")
        self.write(wire.pack_json(Kind.REFUSED, {"status": status, "reason": reason}, session=number))

    def _handle_signal(self, frame: Frame) -> None:
        session = self.sessions.get(frame.session)
        if session is None or session.participant is None:
            self._links.count("signals_orphaned")
            return
        session.receive(session.participant, frame.payload)

    def _handle_close(self, frame: Frame) -> None:
        session = self.sessions.pop(frame.session, None)
        self._links.gate.withdraw(frame.session)
        if session is not None:
            session.lost()

    def _handle_call(self, frame: Frame) -> None:
        name, separator, request = frame.payload.partition(b"\0")
        scope, _, method = name.decode("ascii", "replace").partition(".")
        try:
            if not separator:
                raise Refused("invalid_argument", "malformed call")
            answer = self._answer(scope, method, request)
        except Refused as error:
            self._fail_call(frame, error.code, error.reason)
            return
        except Exception:  # a bug met by one call must not cost the sessions of the link
            logger.exception("call failed", extra={"method": method})
            self._fail_call(frame, "internal", "internal error")
            return
        if len(answer) > wire.MAX_PAYLOAD_BYTES:
            self._fail_call(frame, "resource_exhausted", "answer too large")
            return
        self.write(wire.pack(Kind.REPLY, request=frame.request, payload=answer))

    def _answer(self, scope: str, method: str, request: bytes) -> bytes:
        if scope == "RoomService":
            return service.call(self._links.rooms, method, request)
        command = self._links.commands.get(method) if scope == "Relay" else None
        if command is None:
            raise Refused("unimplemented", f"{scope}.{method} is not available")
        return json.dumps(command()).encode()

    def _fail_call(self, frame: Frame, code: str, message: str) -> None:
        self.write(wire.pack_json(Kind.ERROR, {"code": code, "msg": message}, request=frame.request))

    def _handle_ack(self, frame: Frame) -> None:
        if len(frame.payload) != _SEQUENCE.size:
            raise ProtocolError("ACK without a sequence number")
        (sequence,) = _SEQUENCE.unpack(frame.payload)
        if sequence > self._sent_sequence:
            raise ProtocolError("ACK of an event that was not sent")
        self._acknowledged = max(self._acknowledged, sequence)
        self._links.rooms.context.events.acknowledge(sequence)
        self.send_events()


class _BufferedSink:
    """Keeps a session's first messages until it is known that the websocket is accepted."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._kept: list[bytes] = []
        self._close_reason: str | None = None

    def send(self, payload: bytes) -> None:
        self._kept.append(payload)

    def close(self, reason: str) -> None:
        self._close_reason = reason

    def release(self) -> None:
        for payload in self._kept:
            self._session.send(payload)
        if self._close_reason is not None:
            self._session.close(self._close_reason)
