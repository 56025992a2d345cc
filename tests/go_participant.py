"""One participant on LiveKit's Go SDK (tests/go_client): its own card and tone, and files of what it received."""

import asyncio
import contextlib
import json
import os
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.audio.resampler import AudioResampler

from bench import gobuild
from meetings.testcard import TONE_SAMPLE_RATE, TONE_WINDOW_SAMPLES, hear_tones, read_card

NUMBER = 20  # of the card and the tone in tests/go_client/media
_MODULE = gobuild.ROOT / "tests" / "go_client"
_LEAVES_WITHIN_SECONDS = 15


def build() -> Path:
    """The program's binary; Go's cache makes all but the first build quick."""
    return gobuild.build(_MODULE, "go_client")


class GoParticipant:
    """`join()`, then `events`, `media()` and commands; `leave()` at the end, whatever happened."""

    number = NUMBER

    def __init__(self, folder: Path, *, publish: str = "audio,video") -> None:
        self.events: list[dict[str, Any]] = []
        self._folder = folder
        self._publish = publish
        self._media: dict[str, dict[str, Any]] = {}
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None

    async def join(self, url: str, token: str) -> None:
        """Starts the participant. Whether it got in is an event: "connected" or "failed"."""
        binary = await asyncio.to_thread(build)
        self._folder.mkdir(parents=True, exist_ok=True)
        arguments = ["-url", url, "-publish", self._publish, "-record", str(self._folder)]
        self._process = await asyncio.create_subprocess_exec(
            binary,
            *arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "LIVEKIT_TOKEN": token},
        )
        self._reader = asyncio.create_task(self._read(self._process))

    @property
    def identity(self) -> str:
        return next(str(event["identity"]) for event in self.events if event["event"] == "connected")

    def names(self) -> list[str]:
        """The names of its events, in their order."""
        return [str(event["event"]) for event in self.events]

    def media(self, identity: str, kind: str) -> dict[str, Any]:
        """The newest counts of a remote track ("audio" or "video"): packets, frames, key_frames, missing, repeated."""
        return next(
            (
                media
                for media in reversed(self._media.values())
                if (media["identity"], media["kind"]) == (identity, kind)
            ),
            {},
        )

    async def do(self, command: str, /, **fields: object) -> None:
        """Sends one command; tests/go_client/command.go has them all."""
        assert self._process is not None, "not joined"
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"do": command, **fields}).encode() + b"\n")
        await self._process.stdin.drain()

    async def leave(self) -> None:
        """Leaves the room and ends the process. Never raises for one that has ended by itself."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            await asyncio.wait_for(self._process.wait(), _LEAVES_WITHIN_SECONDS)
        except TimeoutError:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            await self._process.wait()
            raise AssertionError(f"the Go participant did not leave within {_LEAVES_WITHIN_SECONDS} s") from None
        finally:
            if self._reader is not None:
                await self._reader

    def saw(self, identity: str) -> tuple[set[int], set[int]]:
        """Whose cards the pictures of a participant showed, and their counters. After `leave`."""
        numbers, counters = set[int](), set[int]()
        for path in self._folder.glob(f"{identity}-*.ivf"):
            with av.open(path) as container:
                for frame in container.decode(video=0):
                    planes = frame.to_ndarray(format="yuv420p").astype(np.uint8).ravel()
                    card = read_card(planes, frame.width, frame.height)
                    assert card is not None, f"an unreadable picture in {path.name}, frame {frame.pts}"
                    numbers.add(card.number)
                    counters.add(card.counter)
        return numbers, counters

    def heard(self, identity: str) -> set[int]:
        """Whose tones the sound of a participant carried. After `leave`."""
        numbers = set[int]()
        resampler = AudioResampler(format="s16", layout="mono", rate=TONE_SAMPLE_RATE)
        for path in self._folder.glob(f"{identity}-*.ogg"):
            with av.open(path) as container:
                frames = [resampled for frame in container.decode(audio=0) for resampled in resampler.resample(frame)]
            samples = np.concatenate([frame.to_ndarray().ravel() for frame in frames]).astype(np.int16)
            for start in range(0, samples.size - TONE_WINDOW_SAMPLES, TONE_WINDOW_SAMPLES):
                numbers |= hear_tones(samples[start : start + TONE_WINDOW_SAMPLES])
        return numbers

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            event = json.loads(line)
            if event["event"] == "media":
                self._media[event["sid"]] = event
            else:
                self.events.append(event)
