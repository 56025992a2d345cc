"""A meeting of stock Go participants in one process: all talk, all hear each other, and it says when.

The Go SDK decodes nothing, so that ten people with ninety sounds between them leave the machine to the portal.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from bench.measure import build_generator
from tests.calls import CEILING_SECONDS, wait_until
from tests.portal import Portal


class Meeting:
    """`until_heard` after something happened to the server."""

    def __init__(self, people: int, process: asyncio.subprocess.Process) -> None:
        self._people = range(people)
        self._process = process
        self._newest: dict[tuple[int, int], float] = {}  # (listener, talker) → first packet of their newest track
        self._reader = asyncio.create_task(self._read())

    async def until_heard(self, since: float) -> list[float]:
        """For each person, when the last of all others heard them on a track newer than `since` (`time.time`)."""
        pairs = [(listener, talker) for talker in self._people for listener in self._people if listener != talker]
        await wait_until(
            lambda: all(self._newest.get(pair, 0.0) > since for pair in pairs),
            lambda: ("not heard, (listener, talker):", [p for p in pairs if self._newest.get(p, 0.0) <= since]),
        )
        return [max(at for (_, heard), at in self._newest.items() if heard == talker) for talker in self._people]

    async def end(self) -> None:
        """Raises AssertionError when somebody was put out of the meeting."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        assert await asyncio.wait_for(self._process.wait(), CEILING_SECONDS) == 0, "the generator gave up"
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            heard = json.loads(line)
            self._newest[heard["listener"], heard["talker"]] = heard["at"]


@asynccontextmanager
async def meeting(portal: Portal, room: str, people: int) -> AsyncIterator[Meeting]:
    """People who talk in `room`; they have not heard each other yet."""
    generator = await asyncio.to_thread(build_generator)
    process = await asyncio.create_subprocess_exec(
        *(generator, "-url", portal.engine_url, "-room", room, "-people", str(people)),
        env={**os.environ, **portal.environment},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    held = Meeting(people, process)
    try:
        yield held
    finally:
        await held.end()
