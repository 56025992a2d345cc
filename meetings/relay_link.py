"""The web process's end of the local sockets to the relay workers (relay/README.md, "Link").

One `RelayLink` per slot connects, says HELLO, carries the sessions (`/rtc` websockets), calls and events, and comes
back after its worker did. `RelayLinks` holds them all and knows which room belongs where. Everything runs on the web
process's event loop; `relay_probe.py` is for other processes.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import logging
import secrets
import struct
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from google.protobuf.message import DecodeError
from livekit.protocol import room as room_proto
from livekit.protocol.webhook import WebhookEvent

from meetings.engine_errors import Denied, EngineError, Unavailable
from meetings.placement import slots_of
from relay import wire
from relay.errors import ProtocolError
from relay.wire import Frame, Kind

logger = logging.getLogger(__name__)

CALL_SECONDS = 5.0
# An upgrade waits so long for its worker: a restart takes 1-2 s, and clients give a websocket 5 s to open.
HOLD_SECONDS = 4.0
HELLO_SECONDS = 5.0
# Websockets stay open so long without a worker. Clients that hear nothing for 15 s (ping time-out) leave by themselves.
ORPHAN_SECONDS = 30.0
# The first tries come quickly, since a restarted worker's rooms wait for it.
BACK_OFF_SECONDS = (0.05, 0.1, 0.1, 0.2, 0.2, 0.25, 0.5, 1.0)
MISMATCH_RETRY_SECONDS = 5.0
STATUS_SECONDS = 5.0
# What may wait towards one client: some seconds of a large meeting. Beyond, the client is too slow to follow.
SESSION_MESSAGES = 500
SESSION_BYTES = 4 << 20
CALLS_IN_FLIGHT = 256
# A worker keeps 10,000 events; more than that on one link means that it sends some twice.
EVENTS_WAITING = 10_000
WRITE_BUFFER_BYTES = 1 << 20
# How long an event waits for a database that cannot take it; the last one repeats.
EVENT_RETRY_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)

_SEQUENCE = struct.Struct("!Q")


class End(Enum):
    """Why a session's messages stopped."""

    CLOSED = "closed by the relay"
    OVERFLOW = "the client does not keep up"
    WORKER_RESTARTED = "the worker died and is back, without its rooms"
    LINK_RESTORED = "the link broke and is back, the worker kept its rooms"
    WORKER_GONE = "the worker did not come back"


class LinkState(Enum):
    DOWN = "down"
    UP = "up"
    MISMATCH = "other version"


@dataclass(frozen=True, slots=True)
class Event:
    """One event of a worker. It is acknowledged when its handler returned."""

    sequence: int
    message: WebhookEvent


EventHandler = Callable[[WebhookEvent], Awaitable[None]]
LinkHandler = Callable[["RelayLink"], None]


class Session:
    """One client websocket as the link sees it."""

    def __init__(self, link: RelayLink, number: int) -> None:
        self.number = number
        self.is_lost = False
        self._link = link
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self._end: End | None = None
        self._changed = asyncio.Event()
        self.answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    async def receive(self) -> bytes | End:
        """The next message for the client, or why there is none any more (after all that came before)."""
        while not self._waiting:
            if self._end is not None:
                return self._end
            self._changed.clear()
            await self._changed.wait()
        message = self._waiting.popleft()
        self._waiting_bytes -= len(message)
        return message

    async def send(self, message: bytes) -> None:
        """Pass a client's message on. While the worker is away it is dropped: its room is gone, too."""
        if self.is_lost or self._end is not None:
            self._link.counters["client_messages_without_worker"] += 1
            return
        await self._link.send(wire.pack(Kind.SIGNAL, session=self.number, payload=message))

    def close(self, reason: str) -> None:
        """The websocket is gone. The participant stays resumable for a while."""
        self._link.forget(self, reason)

    def put(self, message: bytes) -> None:
        if self._end is not None:
            return
        if len(self._waiting) >= SESSION_MESSAGES or self._waiting_bytes + len(message) > SESSION_BYTES:
            self._link.counters["sessions_overflowed"] += 1
            self._waiting.clear()
            self.finish(End.OVERFLOW)
            return
        self._waiting.append(message)
        self._waiting_bytes += len(message)
        self._changed.set()

    def finish(self, end: End) -> None:
        if self._end is None:
            self._end = end
            self._changed.set()


class RelayLink:
    """One slot's socket: up, down, or spoken by a worker of another version."""

    def __init__(
        self, slot: int, path: Path, *, on_event: EventHandler, on_up: LinkHandler, on_down: LinkHandler
    ) -> None:
        self.slot = slot
        self.path = path
        self.state = LinkState.DOWN
        self.is_draining = False
        self.instance = ""  # of the worker; another one after it died
        self.counters: Counter[str] = Counter()
        self._on_event = on_event
        self._on_up = on_up
        self._on_down = on_down
        self._writer: asyncio.StreamWriter | None = None
        self._sessions: dict[int, Session] = {}
        self._calls: dict[int, asyncio.Future[bytes]] = {}
        self._requests = itertools.count(1)
        self._up = asyncio.Event()
        self._events: asyncio.Queue[Event] = asyncio.Queue(EVENTS_WAITING)

    # --- what the rest of the web process asks ---

    async def open(self, document: Mapping[str, Any], *, hold_seconds: float = HOLD_SECONDS) -> Session:
        """A session for a client that was admitted. Raises `Denied`: the worker's answer, or 503 after the hold."""
        try:
            async with asyncio.timeout(hold_seconds):
                return await self._open(document)
        except TimeoutError:
            self.counters["upgrades_timed_out"] += 1
            raise Denied(503, "the media server is starting, try again") from None

    async def call(self, method: str, payload: bytes, *, seconds: float = CALL_SECONDS) -> bytes:
        """The worker's answer to an API call. Raises `EngineError` (its refusal) or `Unavailable`."""
        if self.state is not LinkState.UP:
            raise Unavailable(f"relay {self.slot} is {self.state.value}")
        if len(self._calls) >= CALLS_IN_FLIGHT:
            self.counters["calls_over_bound"] += 1
            raise Unavailable(f"relay {self.slot} has {CALLS_IN_FLIGHT} calls in flight")
        request = next(self._requests) & 0xFFFFFFFF
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._calls[request] = answer
        try:
            async with asyncio.timeout(seconds):
                await self.send(wire.pack(Kind.CALL, request=request, payload=method.encode() + b"\0" + payload))
                return await answer
        except TimeoutError:
            self.counters["calls_timed_out"] += 1
            raise Unavailable(f"relay {self.slot} did not answer {method} in {seconds:g} s") from None
        except ProtocolError as error:
            raise EngineError("resource_exhausted", str(error)) from error
        finally:
            del self._calls[request]
            _discard(answer)

    async def events_settled(self) -> None:
        """Returns when every event received so far is handled."""
        await self._events.join()

    # --- what a session asks ---

    async def send(self, frame: bytes) -> None:
        """Write, and wait while the worker is slow to read: that is how back-pressure reaches the client."""
        writer = self._writer
        if writer is None:
            self.counters["frames_without_link"] += 1
            return
        writer.write(frame)
        try:
            await writer.drain()
        except ConnectionError:
            self.counters["frames_without_link"] += 1  # the reader notices the end and calls `_lose`

    def forget(self, session: Session, reason: str) -> None:
        if self._sessions.pop(session.number, None) is None or session.is_lost or self._writer is None:
            return
        self._writer.write(wire.pack_json(Kind.CLOSE, {"reason": reason}, session=session.number))

    # --- connecting ---

    async def run(self) -> None:
        """Keeps the link up until cancelled."""
        handling = asyncio.create_task(self._handle_events(), name=f"relay-{self.slot}-events")
        try:
            failures = 0
            while True:
                try:
                    was_up = await self._connect_and_read()
                except Exception:  # a bug in reading one frame must not end the slot for good
                    logger.exception("relay link failed", extra={"slot": self.slot})
                    was_up = False
                failures = 0 if was_up else failures
                wait = BACK_OFF_SECONDS[min(failures, len(BACK_OFF_SECONDS) - 1)]
                await asyncio.sleep(MISMATCH_RETRY_SECONDS if self.state is LinkState.MISMATCH else wait)
                failures += 1
        finally:
            handling.cancel()
            self._lose()

    async def _connect_and_read(self) -> bool:
        """One life of the link. Returns whether it ever was up."""
        try:
            reader, writer = await asyncio.open_unix_connection(self.path)
        except OSError:
            self._set_state(LinkState.DOWN)
            return False
        writer.transport.set_write_buffer_limits(high=WRITE_BUFFER_BYTES)
        was_up = False
        try:
            writer.write(
                wire.pack_json(
                    Kind.HELLO,
                    {"version": wire.VERSION, "instance": _OWN_INSTANCE, "slot": self.slot, "rooms": 0, "events": True},
                )
            )
            async with asyncio.timeout(HELLO_SECONDS):
                hello = await wire.read_frame(reader)
            was_up = self._greet(hello, writer)
            while was_up:
                self._take(await wire.read_frame(reader))
        except (OSError, EOFError, TimeoutError) as error:
            logger.info("relay link ended", extra={"slot": self.slot, "error": type(error).__name__})
        except ProtocolError as error:
            self.counters["bad_frames"] += 1
            logger.warning("relay link ended on a bad frame", extra={"slot": self.slot, "error": str(error)})
        finally:
            if was_up:
                self._lose()
                self._on_down(self)
            writer.close()
        return was_up

    def _greet(self, hello: Frame, writer: asyncio.StreamWriter) -> bool:
        if hello.kind is not Kind.HELLO:
            raise ProtocolError(f"expected HELLO, received {hello.kind.name}")
        document = _document(hello)
        if document.get("version") != wire.VERSION:
            if self.state is not LinkState.MISMATCH:
                logger.warning(
                    "relay worker speaks another version; it is restarted once it holds no room",
                    extra={"slot": self.slot, "theirs": document.get("version"), "ours": wire.VERSION},
                )
            self._set_state(LinkState.MISMATCH)
            return False
        instance = str(document.get("instance", ""))
        is_same_worker = bool(instance) and instance == self.instance
        self.instance, self._writer = instance, writer
        self.is_draining = document.get("draining") is True
        self._restore(End.LINK_RESTORED if is_same_worker else End.WORKER_RESTARTED)
        self._set_state(LinkState.UP)
        self._on_up(self)
        return True

    def _restore(self, end: End) -> None:
        """Tell the clients that outlived the link what they have to do."""
        for session in [session for session in self._sessions.values() if session.is_lost]:
            del self._sessions[session.number]
            session.finish(end)

    def _lose(self) -> None:
        """The link broke: calls fail, upgrades try again, open websockets wait for the worker's return."""
        self._writer = None
        self.is_draining = False  # who is down for a moment keeps its rooms: they wait for it
        self._set_state(LinkState.DOWN)
        for call in self._calls.values():
            if not call.done():
                call.set_exception(Unavailable(f"relay {self.slot} went away"))
        while not self._events.empty():  # a new link sends them again
            self._events.get_nowait()
            self._events.task_done()
        newly_lost = [session for session in self._sessions.values() if not session.is_lost]
        for session in newly_lost:
            session.is_lost = True
            if not session.answer.done():
                session.answer.set_exception(Unavailable(f"relay {self.slot} went away"))
        if newly_lost:
            asyncio.get_running_loop().call_later(ORPHAN_SECONDS, self._give_up, newly_lost)

    def _give_up(self, sessions: list[Session]) -> None:
        for session in sessions:
            if self._sessions.pop(session.number, None) is not None:
                session.finish(End.WORKER_GONE)

    def _set_state(self, state: LinkState) -> None:
        if state is not self.state:
            logger.info("relay link", extra={"slot": self.slot, "state": state.value})
        self.state = state
        if state is LinkState.UP:
            self._up.set()
        else:
            self._up.clear()

    async def _open(self, document: Mapping[str, Any]) -> Session:
        while True:
            await self._up.wait()
            session = Session(self, secrets.randbits(63) + 1)
            self._sessions[session.number] = session
            try:
                await self.send(wire.pack_json(Kind.OPEN, document, session=session.number))
                await session.answer
            except Unavailable:  # the worker died meanwhile: wait for the next one
                self._sessions.pop(session.number, None)
            except BaseException:  # refused, timed out or cancelled: a late OPENED must find the door closed again
                self.forget(session, "the client is gone")
                raise
            else:
                return session
            finally:
                _discard(session.answer)

    # --- reading ---

    def _take(self, frame: Frame) -> None:
        handler = getattr(self, f"_take_{frame.kind.name.lower()}", None)
        if handler is None:
            raise ProtocolError(f"{frame.kind.name} does not travel from the relay to web")
        handler(frame)

    def _take_opened(self, frame: Frame) -> None:
        session = self._session_of(frame)
        if session is not None and not session.answer.done():
            session.answer.set_result(None)

    def _take_refused(self, frame: Frame) -> None:
        document = _document(frame)
        status = document.get("status")
        if not isinstance(status, int) or not 400 <= status <= 599:
            status = 503
        session = self._session_of(frame)
        if session is None:
            return
        del self._sessions[session.number]
        if not session.answer.done():
            session.answer.set_exception(Denied(status, str(document.get("reason", ""))))

    def _take_signal(self, frame: Frame) -> None:
        session = self._session_of(frame)
        if session is not None:
            session.put(frame.payload)

    def _take_close(self, frame: Frame) -> None:
        session = self._session_of(frame)
        if session is not None:
            del self._sessions[session.number]
            session.finish(End.CLOSED)

    def _take_reply(self, frame: Frame) -> None:
        call = self._call_of(frame)
        if call is not None:
            call.set_result(frame.payload)

    def _take_error(self, frame: Frame) -> None:
        document = _document(frame)
        call = self._call_of(frame)
        if call is not None:
            call.set_exception(EngineError(str(document.get("code", "internal")), str(document.get("msg", ""))))

    def _take_event(self, frame: Frame) -> None:
        if len(frame.payload) < _SEQUENCE.size:
            raise ProtocolError("EVENT without a sequence number")
        (sequence,) = _SEQUENCE.unpack_from(frame.payload)
        try:
            message = WebhookEvent.FromString(frame.payload[_SEQUENCE.size :])
        except DecodeError as error:
            raise ProtocolError("EVENT that is no WebhookEvent") from error
        try:
            self._events.put_nowait(Event(sequence, message))
        except asyncio.QueueFull:
            # Later ones must not be acknowledged past it: begin again, the worker repeats all of them.
            raise ProtocolError(f"more than {EVENTS_WAITING} events wait") from None

    def _session_of(self, frame: Frame) -> Session | None:
        session = self._sessions.get(frame.session)
        if session is None or session.is_lost:
            self.counters["frames_of_unknown_session"] += 1
            return None
        return session

    def _call_of(self, frame: Frame) -> asyncio.Future[bytes] | None:
        call = self._calls.get(frame.request)
        if call is None or call.done():
            self.counters["answers_without_call"] += 1
            return None
        return call

    async def _handle_events(self) -> None:
        """One event after the other, so that a room's events are handled in the order in which they happened."""
        while True:
            event = await self._events.get()
            instance = self.instance
            try:
                await self._handle(event)
            finally:
                self._events.task_done()
            if self._writer is not None and instance == self.instance:
                self._writer.write(wire.pack(Kind.ACK, payload=_SEQUENCE.pack(event.sequence)))

    async def _handle(self, event: Event) -> None:
        """Returns when the event is committed, or known to be one that our code cannot take."""
        for wait in itertools.chain(EVENT_RETRY_SECONDS, itertools.repeat(EVENT_RETRY_SECONDS[-1])):
            try:
                await self._on_event(event.message)
            except Unavailable as error:
                self.counters["events_retried"] += 1
                logger.warning("event waits for the database", extra={"event_id": event.message.id, "why": str(error)})
                await asyncio.sleep(wait)
            except Exception:  # a bug; all later events of the worker would wait behind this one
                self.counters["events_given_up"] += 1
                logger.exception("event lost", extra={"event_id": event.message.id, "event_name": event.message.event})
                return
            else:
                return


class RelayLinks:
    """The links of all slots, and which of them a room belongs to."""

    def __init__(
        self,
        slots: int,
        run_dir: Path,
        *,
        on_event: EventHandler,
        on_up: LinkHandler = lambda link: None,
        on_down: LinkHandler = lambda link: None,
    ) -> None:
        self.links = [
            RelayLink(slot, run_dir / f"relay-{slot}.sock", on_event=on_event, on_up=on_up, on_down=on_down)
            for slot in range(slots)
        ]
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Needs a running event loop. Returns at once; the links come up by themselves."""
        for link in self.links:
            self._tasks.append(asyncio.create_task(link.run(), name=f"relay-{link.slot}"))
        self._tasks.append(asyncio.create_task(self._watch(), name="relay-status"))

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def home_of(self, room_name: str) -> RelayLink:
        """The room's own slot, whether or not it is drained."""
        return self.links[slots_of(room_name, len(self.links))[0]]

    async def link_of(self, room_name: str) -> RelayLink:
        """The slot that has the room or will have it. A drained one is skipped only for rooms that it does not hold."""
        ranked = [self.links[slot] for slot in slots_of(room_name, len(self.links))]
        for link in ranked:
            if not link.is_draining or await _holds(link, room_name):
                return link
        return ranked[0]

    async def open(self, document: Mapping[str, Any]) -> Session:
        """A session in the document's room. Raises `Denied`."""
        link = await self.link_of(str(document["room"]))
        return await link.open(document)

    async def call(self, room_name: str, method: str, payload: bytes) -> bytes:
        """The answer of the room's worker. Raises `EngineError` or `Unavailable`."""
        return await (await self.link_of(room_name)).call(method, payload)

    async def call_each(self, links: Iterable[RelayLink], method: str, payload: bytes) -> list[bytes]:
        """The answers of these workers. Raises `Unavailable` if one is missing: half an answer would be a wrong one."""
        return await asyncio.gather(*(link.call(method, payload) for link in links))

    async def _watch(self) -> None:
        """Learns which workers are being drained: an operator may ask that of a worker directly."""
        while True:
            await asyncio.sleep(STATUS_SECONDS)
            await asyncio.gather(*(_refresh(link) for link in self.links if link.state is LinkState.UP))


async def _refresh(link: RelayLink) -> None:
    try:
        document = json.loads(await link.call("Relay.Status", b""))
        link.is_draining = document.get("draining") is True
    except (Unavailable, EngineError, ValueError) as error:
        link.counters["status_failed"] += 1
        logger.warning("relay worker gives no status", extra={"slot": link.slot, "error": str(error)})


async def _holds(link: RelayLink, room_name: str) -> bool:
    request = room_proto.ListRoomsRequest(names=[room_name])
    try:
        answer = await link.call("RoomService.ListRooms", request.SerializeToString())
    except (Unavailable, EngineError):
        return True  # one room on two workers would be two rooms
    return bool(room_proto.ListRoomsResponse.FromString(answer).rooms)


def _document(frame: Frame) -> dict[str, Any]:
    document = frame.json()
    if not isinstance(document, dict):
        raise ProtocolError(f"{frame.kind.name} without a JSON object")
    return document


def _discard(future: asyncio.Future[Any]) -> None:
    """Its failure was seen, or nobody waits for it any more."""
    if not future.cancel() and not future.cancelled():
        future.exception()


_OWN_INSTANCE = secrets.token_hex(8)
