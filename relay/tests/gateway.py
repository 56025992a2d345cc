"""A stand-in for the portal's web process: websockets of stock clients to a real worker over its local socket.

It checks tokens, answers `/rtc/v1` with 404 as web does, acknowledges events, and can cut a client's websocket.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import struct
import sys
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web
from livekit import api, rtc
from livekit.api.access_token import Claims
from livekit.protocol.webhook import WebhookEvent

from relay import wire
from relay.errors import Refused
from relay.wire import Frame, Kind

KEY, SECRET = "devkey", "a-secret-of-the-tests-32-bytes-long!"
PATIENCE_SECONDS = 20.0  # a ceiling, never an expected wait
CORS = {"Access-Control-Allow-Origin": "*"}


def token(identity: str, room: str, **grants: Any) -> str:
    """An access token as an application makes it."""
    video = api.VideoGrants(room_join=True, room=room, **grants)
    return api.AccessToken(KEY, SECRET).with_identity(identity).with_name(identity.title()).with_grants(video).to_jwt()


class WorkerProcess:
    """`python -m relay.worker` with a pipe that ends it when the test does."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.socket = directory / "relay.sock"
        self.log = directory / "relay.log"
        self._environment = environment
        self._process: asyncio.subprocess.Process | None = None
        self._pipe = -1

    @property
    def process(self) -> asyncio.subprocess.Process:
        assert self._process is not None
        return self._process

    async def start(self) -> None:
        read_end, self._pipe = os.pipe()
        environment = {
            **os.environ,
            "RELAY_SOCKET": str(self.socket),
            "RELAY_PORT": "0",
            "RELAY_ADDRESSES": "127.0.0.1",
            "RELAY_ALIVE_FD": str(read_end),
            **self._environment,
        }
        with self.log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "relay.worker",
                env=environment,
                pass_fds=[read_end],
                stdout=log,
                stderr=log,
                cwd=Path(__file__).parents[2],
            )
        os.close(read_end)

    async def connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """A connection to its socket, as soon as it listens."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while True:
                try:
                    return await asyncio.open_unix_connection(self.socket)
                except (FileNotFoundError, ConnectionRefusedError):
                    assert self.process.returncode is None, self.log.read_text()
                    await asyncio.sleep(0.05)

    def let_go(self) -> None:
        """As the supervisor's death: the pipe closes."""
        if self._pipe >= 0:
            os.close(self._pipe)
            self._pipe = -1

    async def stop(self) -> int:
        """Ends it; its exit status."""
        self.let_go()
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.process.wait()


class Gateway:
    """Web, as far as the relay can tell."""

    def __init__(self, worker: WorkerProcess) -> None:
        self.worker = worker
        self.url = ""
        self.events: list[WebhookEvent] = []
        self.signals: list[tuple[str, str, bytes]] = []  # (identity, "in" or "out", message)
        self.acknowledges = True
        self._numbers = itertools.count(1)
        self._queues: dict[int, asyncio.Queue[Frame]] = {}
        self._sockets: dict[str, web.WebSocketResponse] = {}
        self._replies: dict[int, asyncio.Future[bytes]] = {}
        self._changed = asyncio.Condition()
        self._reader: asyncio.StreamReader | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._reading: asyncio.Task[None] | None = None
        self._runner: web.AppRunner | None = None

    async def start(self) -> None:
        await self.connect()
        app = web.Application()
        app.add_routes(
            [
                web.get("/rtc", self._rtc),
                web.get("/rtc/validate", self._validate),
                web.get("/rtc/v1", self._not_found),
                web.get("/rtc/v1/validate", self._not_found),
            ]
        )
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        assert self._runner.addresses
        self.url = f"ws://127.0.0.1:{self._runner.addresses[0][1]}"

    async def connect(self) -> None:
        """(Re)connects the link."""
        self._reader, self._writer = await self.worker.connect()
        self._writer.write(wire.pack_json(Kind.HELLO, {"version": wire.VERSION, "events": True}))
        self._reading = asyncio.create_task(self._read(self._reader))

    async def disconnect(self) -> None:
        """As a restart of web: the link and every websocket go."""
        assert self._writer is not None
        assert self._reading is not None
        self._writer.close()
        self._reading.cancel()
        await asyncio.gather(self._reading, return_exceptions=True)
        for socket in list(self._sockets.values()):
            await socket.close()

    async def stop(self) -> None:
        await self.disconnect()
        if self._runner is not None:
            await self._runner.cleanup()

    async def call(self, method: str, request: bytes = b"") -> bytes:
        """The answer to an API call. Raises `Refused`."""
        number = next(self._numbers)
        reply = self._replies[number] = asyncio.get_running_loop().create_future()
        self._send(wire.pack(Kind.CALL, request=number, payload=method.encode() + b"\0" + request))
        async with asyncio.timeout(PATIENCE_SECONDS):
            answer: bytes = await reply
            return answer

    async def status(self) -> dict[str, Any]:
        answer: dict[str, Any] = json.loads(await self.call("Relay.Status"))
        return answer

    async def wait_for_counter(self, name: str) -> None:
        """Waits until the worker has counted something."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not (await self.status())["counters"].get(name):  # noqa: ASYNC110  # counters are asked for, not sent
                await asyncio.sleep(0.05)

    async def cut(self, identity: str) -> None:
        """Closes a client's websocket without a word."""
        await self._sockets[identity].close()

    async def wait_for_event(self, name: str, count: int = 1) -> WebhookEvent:
        """The newest event called `name`, once there are `count` of them."""
        async with asyncio.timeout(PATIENCE_SECONDS), self._changed:
            await self._changed.wait_for(lambda: sum(event.event == name for event in self.events) >= count)
        return next(event for event in reversed(self.events) if event.event == name)

    # Link

    def _send(self, frame: bytes) -> None:
        assert self._writer is not None
        self._writer.write(frame)

    async def _read(self, reader: asyncio.StreamReader) -> None:
        while True:
            try:
                frame = await wire.read_frame(reader)
            except (asyncio.IncompleteReadError, ConnectionError):
                return
            if frame.kind in (Kind.REPLY, Kind.ERROR):
                self._settle(frame)
            elif frame.kind is Kind.EVENT:
                await self._take_event(frame.payload)
            elif frame.session in self._queues:
                self._queues[frame.session].put_nowait(frame)

    def _settle(self, frame: Frame) -> None:
        reply = self._replies.pop(frame.request)
        if reply.cancelled():
            return
        if frame.kind is Kind.REPLY:
            reply.set_result(frame.payload)
        else:
            problem = frame.json()
            reply.set_exception(Refused(problem["code"], problem["msg"]))

    async def _take_event(self, payload: bytes) -> None:
        async with self._changed:
            event = WebhookEvent.FromString(payload[8:])
            if all(known.id != event.id for known in self.events):
                self.events.append(event)
            self._changed.notify_all()
        if self.acknowledges:
            self._send(wire.pack(Kind.ACK, payload=struct.pack("!Q", *struct.unpack("!Q", payload[:8]))))

    # Websockets

    async def _rtc(self, request: web.Request) -> web.StreamResponse:
        claims = self._claims(request)
        query = dict(request.query)
        query.pop("access_token", None)
        number = int.from_bytes(os.urandom(8))
        queue = self._queues[number] = asyncio.Queue()
        self._send(wire.pack_json(Kind.OPEN, _open(claims, query), session=number))
        answer = await queue.get()
        if answer.kind is Kind.REFUSED:
            problem = answer.json()
            return web.Response(status=problem["status"], text=problem["reason"], headers=CORS)
        socket = web.WebSocketResponse(max_msg_size=2 << 20)
        await socket.prepare(request)
        self._sockets[claims.identity] = socket
        sending = asyncio.create_task(self._forward(claims.identity, socket, queue))
        async for message in socket:
            if message.type is WSMsgType.BINARY:
                self.signals.append((claims.identity, "in", message.data))
                self._send(wire.pack(Kind.SIGNAL, session=number, payload=message.data))
        sending.cancel()
        del self._queues[number]
        self._send(wire.pack_json(Kind.CLOSE, {"reason": "closed"}, session=number))
        return socket

    async def _forward(self, identity: str, socket: web.WebSocketResponse, queue: asyncio.Queue[Frame]) -> None:
        while True:
            frame = await queue.get()
            if frame.kind is Kind.CLOSE:
                await socket.close()
                return
            self.signals.append((identity, "out", frame.payload))
            await socket.send_bytes(frame.payload)

    async def _validate(self, request: web.Request) -> web.Response:
        self._claims(request)
        return web.Response(text="success", headers=CORS)

    async def _not_found(self, _request: web.Request) -> web.Response:
        return web.Response(status=404, text="not found", headers=CORS)

    @staticmethod
    def _claims(request: web.Request) -> Claims:
        header = request.headers.get("Authorization", "")
        jwt = header.removeprefix("Bearer ") or request.query.get("access_token", "")
        try:
            return api.TokenVerifier(KEY, SECRET).verify(jwt)
        except Exception as error:  # the verifier's library has a class for each of its reasons
            raise web.HTTPUnauthorized(text=str(error), headers=CORS) from error


def _open(claims: Claims, query: dict[str, str]) -> dict[str, Any]:
    grants = claims.video
    assert grants is not None
    names = {
        "canPublish": grants.can_publish,
        "canSubscribe": grants.can_subscribe,
        "canPublishData": grants.can_publish_data,
        "canPublishSources": grants.can_publish_sources,
        "canUpdateOwnMetadata": grants.can_update_own_metadata,
        "hidden": grants.hidden,
    }
    return {
        "room": grants.room,
        "identity": claims.identity,
        "name": claims.name,
        "kind": claims.kind or "standard",
        "grants": {name: value for name, value in names.items() if value is not None},
        "client": query,
        "auto_subscribe": query.get("auto_subscribe", "1") not in ("0", "false"),
        "adaptive_stream": query.get("adaptive_stream") in ("1", "true"),
        "reconnect": query.get("reconnect") == "1",
        "sid": query.get("sid", ""),
    }


class Person:
    """A participant with the Python SDK, default options, who remembers what it saw and heard."""

    def __init__(self, gateway: Gateway, identity: str, room: str = "council", **grants: Any) -> None:
        self.identity = identity
        self.room = rtc.Room()
        self.frames: dict[str, int] = {}  # video frames by publisher
        self.colours: dict[str, int] = {}  # the last frame's luma by publisher
        self.loudness: dict[str, int] = {}  # the loudest sample by publisher, of audio
        self.audio_frames: dict[str, int] = {}
        self.data: list[rtc.DataPacket] = []
        self.happened: list[tuple[str, tuple[Any, ...]]] = []
        self._gateway = gateway
        self._room_name = room
        self._grants = grants
        self._tasks: set[asyncio.Task[None]] = set()
        self._changed = asyncio.Condition()

    async def join(self) -> Person:
        self.room.on("track_subscribed", self._subscribed)
        self.room.on("data_received", self._data)
        for name in (
            "participant_connected",
            "participant_disconnected",
            "track_published",
            "track_unpublished",
            "track_unsubscribed",
            "track_muted",
            "track_unmuted",
            "local_track_subscribed",
            "disconnected",
            "reconnecting",
            "reconnected",
            "participant_metadata_changed",
            "room_metadata_changed",
            "active_speakers_changed",
            "connection_quality_changed",
            "participant_permissions_changed",
        ):
            self.room.on(name, self._recorder(name))
        jwt = token(self.identity, self._room_name, **self._grants)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.room.connect(self._gateway.url, jwt)
        return self

    async def leave(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        async with asyncio.timeout(PATIENCE_SECONDS):
            await self.room.disconnect()

    async def publish_tone(self) -> rtc.LocalTrackPublication:
        """A microphone with a loud tone."""
        source = rtc.AudioSource(48000, 1)
        track = rtc.LocalAudioTrack.create_audio_track("mic", source)
        self._keep(self._play(source))
        return await self._publish(track, rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE))

    async def publish_colour(self, luma: int, *, simulcast: bool = True) -> rtc.LocalTrackPublication:
        """A camera that shows one shade of grey."""
        source = rtc.VideoSource(1280, 720)
        track = rtc.LocalVideoTrack.create_video_track("cam", source)
        self._keep(self._paint(source, luma))
        options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=simulcast)
        return await self._publish(track, options)

    async def until(self, condition: Any, what: str) -> None:
        """Waits until `condition()` holds; fails with `what` did not happen."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not condition():  # noqa: ASYNC110  # the SDK's state has no event of ours
                    await asyncio.sleep(0.05)
        except TimeoutError:
            names = [name for name, _ in self.happened]
            raise AssertionError(f"{self.identity}: {what} did not happen; {self.frames=} {names=}") from None

    def count(self, name: str) -> int:
        return sum(1 for known, _ in self.happened if known == name)

    async def sees(self, identity: str, luma: int | None = None) -> None:
        """Waits for new video frames of somebody, of the right shade."""
        before = self.frames.get(identity, 0)
        await self.until(
            lambda: (
                self.frames.get(identity, 0) > before + 2
                and (luma is None or abs(self.colours.get(identity, 0) - luma) < 12)
            ),
            f"seeing {identity}",
        )

    async def hears(self, identity: str) -> None:
        """Waits for loud audio of somebody."""
        self.loudness.pop(identity, None)
        await self.until(lambda: self.loudness.get(identity, 0) > 2000, f"hearing {identity}")

    async def _publish(
        self, track: rtc.LocalAudioTrack | rtc.LocalVideoTrack, options: rtc.TrackPublishOptions
    ) -> rtc.LocalTrackPublication:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.room.local_participant.publish_track(track, options)

    def _recorder(self, name: str) -> Any:
        return lambda *arguments: self.happened.append((name, arguments))

    def _data(self, packet: rtc.DataPacket) -> None:
        self.data.append(packet)

    def _subscribed(self, track: rtc.Track, _publication: Any, participant: rtc.RemoteParticipant) -> None:
        self.happened.append(("track_subscribed", (track, participant)))
        if track.kind == rtc.TrackKind.KIND_VIDEO:
            self._keep(self._watch(rtc.VideoStream(track), participant.identity))
        else:
            self._keep(self._listen(rtc.AudioStream(track), participant.identity))

    def _keep(self, coroutine: Any) -> None:
        task = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _watch(self, stream: rtc.VideoStream, identity: str) -> None:
        async for event in stream:
            frame = event.frame.convert(rtc.VideoBufferType.I420)
            self.frames[identity] = self.frames.get(identity, 0) + 1
            self.colours[identity] = frame.data[frame.width * (frame.height // 2) + frame.width // 2]

    async def _listen(self, stream: rtc.AudioStream, identity: str) -> None:
        async for event in stream:
            samples = memoryview(event.frame.data).cast("B").cast("h")
            self.audio_frames[identity] = self.audio_frames.get(identity, 0) + 1
            self.loudness[identity] = max(self.loudness.get(identity, 0), max(samples, default=0))

    @staticmethod
    async def _play(source: rtc.AudioSource) -> None:
        # 480 samples hold five periods of 500 Hz: each frame is the same.
        frame = rtc.AudioFrame.create(48000, 1, 480)
        for index in range(480):
            frame.data[index] = 8000 if index % 96 < 48 else -8000
        while True:
            await source.capture_frame(frame)

    @staticmethod
    async def _paint(source: rtc.VideoSource, luma: int) -> None:
        picture = bytes([luma]) * (1280 * 720) + bytes([128]) * (1280 * 720 // 2)
        frame = rtc.VideoFrame(1280, 720, rtc.VideoBufferType.I420, picture)
        while True:
            source.capture_frame(frame)
            await asyncio.sleep(0.05)
