"""A relay worker as the link sees it: speaks `relay.wire` on a Unix socket, and does what the test says."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

from livekit.protocol.models import ParticipantInfo, Room
from livekit.protocol.rtc import JoinResponse, SignalResponse
from livekit.protocol.webhook import WebhookEvent

from meetings.relay_link import LinkState, RelayLinks
from relay import wire
from relay.errors import Refused
from relay.wire import Frame, Kind

PATIENCE_SECONDS = 10.0  # a ceiling, never an expected wait

Answer = bytes | Refused | None  # None: silence
JOIN = SignalResponse(
    join=JoinResponse(room=Room(sid="RM_1", name="r"), participant=ParticipantInfo(sid="PA_1", identity="me"))
).SerializeToString()


class FakeWorker:
    """One slot's worker. Answers OPEN with OPENED and a `join`, and each CALL from `answers`."""

    def __init__(self, path: Path, *, instance: str = "first", version: int = wire.VERSION, slot: int = 0) -> None:
        self.path = path
        self.hello: dict[str, Any] = {"version": version, "instance": instance, "slot": slot, "rooms": 0}
        self.answers: dict[str, Callable[[bytes], Answer]] = {"Relay.Status": lambda request: b"{}"}
        self.refusal: dict[str, Any] | None = None  # for every OPEN
        self.is_mute = False  # leaves every OPEN without an answer
        self.sends_join = True
        self.hellos: list[dict[str, Any]] = []
        self.opened: list[tuple[int, dict[str, Any]]] = []
        self.frames: asyncio.Queue[Frame] = asyncio.Queue()  # all but HELLO and CALL
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []
        self._all_writers: list[asyncio.StreamWriter] = []
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> FakeWorker:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._accept, self.path)
        return self

    async def __aexit__(self, *_: object) -> None:
        """As a kill would: the socket is gone and every link is cut."""
        assert self._server is not None
        self._server.close()
        self.cut()
        await self._server.wait_closed()
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)
        for writer in self._all_writers:
            writer.close()  # also of those whose task never began
        await asyncio.gather(*(writer.wait_closed() for writer in self._all_writers), return_exceptions=True)
        self.path.unlink(missing_ok=True)

    def cut(self) -> None:
        for writer in self._writers:
            writer.close()
        self._writers.clear()

    def send(self, frame: bytes) -> None:
        self._writers[-1].write(frame)

    def signal(self, session: int, message: SignalResponse) -> None:
        self.send(wire.pack(Kind.SIGNAL, session=session, payload=message.SerializeToString()))

    def event(self, sequence: int, event: WebhookEvent) -> None:
        self.send(wire.pack(Kind.EVENT, payload=struct.pack("!Q", sequence) + event.SerializeToString()))

    async def next(self, kind: Kind) -> Frame:
        """The next frame of a kind; others before it are dropped."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                frame = await self.frames.get()
                if frame.kind is kind:
                    return frame

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        self._all_writers.append(writer)
        if self._server is None or not self._server.is_serving():  # it connected while the test was ending
            writer.close()
            return
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._serving.discard)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(wire.pack_json(Kind.HELLO, self.hello))
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                self._take(await wire.read_frame(reader), writer)
        writer.close()

    def _take(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        match frame.kind:
            case Kind.HELLO:
                self.hellos.append(frame.json())
            case Kind.CALL:
                self._answer(frame, writer)
            case Kind.OPEN:
                self._open(frame, writer)
                self.frames.put_nowait(frame)
            case _:
                self.frames.put_nowait(frame)

    def _open(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        self.opened.append((frame.session, frame.json()))
        if self.is_mute:
            return
        if self.refusal is not None:
            writer.write(wire.pack_json(Kind.REFUSED, self.refusal, session=frame.session))
            return
        writer.write(wire.pack(Kind.OPENED, session=frame.session))
        if self.sends_join:
            writer.write(wire.pack(Kind.SIGNAL, session=frame.session, payload=JOIN))

    def _answer(self, frame: Frame, writer: asyncio.StreamWriter) -> None:
        method, _, request = frame.payload.partition(b"\0")
        self.frames.put_nowait(frame)
        give = self.answers.get(method.decode())
        answer = give(request) if give else Refused("unimplemented", "not in this test")
        if isinstance(answer, Refused):
            document = {"code": answer.code, "msg": answer.reason}
            writer.write(wire.pack_json(Kind.ERROR, document, request=frame.request))
        elif answer is not None:
            writer.write(wire.pack(Kind.REPLY, request=frame.request, payload=answer))


async def no_events(event: WebhookEvent) -> None:
    raise AssertionError(f"unexpected event {event.event}")


@contextlib.asynccontextmanager
async def running(links: RelayLinks) -> AsyncIterator[RelayLinks]:
    links.start()
    try:
        yield links
    finally:
        await links.stop()


async def until(condition: Callable[[], object]) -> None:
    """Returns when the condition holds: turns of the loop, and a ceiling."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():  # noqa: ASYNC110  the condition is another part's plain state
            await asyncio.sleep(0.005)


async def until_up(links: RelayLinks, slot: int = 0) -> None:
    await until(lambda: links.links[slot].state is LinkState.UP)
