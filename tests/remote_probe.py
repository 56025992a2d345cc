"""A synthetic participant in a process of its own, for another network namespace.

`python -m tests.remote_probe NUMBER URL TOKEN [relay]` joins, sends, and prints what it experiences as JSON lines until
its stdin closes.
"""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from livekit import rtc

from meetings.probe import Probe, ProbeOptions
from tests.calls import CEILING_SECONDS
from tests.portal import ROOT


class RemoteProbe:
    """The near end: the newest report of the participant on the other machine."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.report: dict[str, Any] = {}
        self._process = process
        self._reader = asyncio.create_task(self._read())

    def sees(self) -> dict[str, set[int]]:
        return {identity: set(numbers) for identity, numbers in self.report.get("sees", {}).items()}

    def hears(self) -> dict[str, set[int]]:
        return {identity: set(numbers) for identity, numbers in self.report.get("hears", {}).items()}

    async def leave(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await asyncio.wait_for(self._process.wait(), CEILING_SECONDS)
        await self._reader

    async def _read(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            self.report = json.loads(line)


@asynccontextmanager
async def remote_probe(
    prefix: Sequence[str], number: int, url: str, token: str, *, relay: bool = False, certificate: str = ""
) -> AsyncIterator[RemoteProbe]:
    """Starts a participant by `prefix` (the namespace's command line) and ends it."""
    arguments = [sys.executable, "-m", "tests.remote_probe", str(number), url, token, *(["relay"] if relay else [])]
    process = await asyncio.create_subprocess_exec(
        *prefix,
        *(["env", f"SSL_CERT_FILE={certificate}"] if certificate else []),
        *arguments,
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    probe = RemoteProbe(process)
    try:
        yield probe
    finally:
        await probe.leave()


async def main(number: int, url: str, token: str, *, relay: bool) -> None:
    configuration = rtc.RtcConfiguration()
    if relay:
        configuration.ice_transport_type = rtc.IceTransportType.TRANSPORT_RELAY
    probe = Probe(number, ProbeOptions(room=rtc.RoomOptions(rtc_config=configuration)))
    asked_to_end = asyncio.create_task(asyncio.to_thread(sys.stdin.read))
    try:
        await probe.join(url, token)
        while not asked_to_end.done():
            print(json.dumps(await _report(probe)), flush=True)  # noqa: T201  the other end reads it
            await asyncio.wait([asked_to_end], timeout=0.2)
    except rtc.ConnectError as error:
        print(json.dumps({"error": error.message}), flush=True)  # noqa: T201  as above
        await asked_to_end
    finally:
        await probe.leave()


async def _report(probe: Probe) -> dict[str, object]:
    is_connected = probe.room.isconnected()
    return {
        "sees": {identity: sorted(numbers) for identity, numbers in probe.sees().items()},
        "hears": {identity: sorted(numbers) for identity, numbers in probe.hears().items()},
        "path": await probe.path() if is_connected else "",
        "joined_after": probe.joined_after,
        "first_sound_after": probe.first_sound_after,
        "first_frame_after": probe.first_frame_after,
        "events": probe.event_names(),
    }


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3], relay="relay" in sys.argv[4:]))
