"""Two synthetic participants in a temporary room: does this portal carry a call, how quickly, and by which path?"""

from __future__ import annotations

import asyncio
import secrets
import time
from dataclasses import asdict, dataclass, replace

from livekit import api, rtc

from meetings.probe import Losses, Probe

PATIENCE_SECONDS = 30.0  # for each step; a portal that needs more is not usable
MEASURED_SECONDS = 5.0  # of media, for the loss
_FRESH_FRAMES = 5


class SelfTestFailed(Exception):
    """The call did not work. The text says which step, for an administrator."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What one participant experienced. Times in seconds from the start of its join."""

    participant: str
    join_seconds: float
    first_sound_seconds: float
    first_frame_seconds: float
    loss: float
    path: str

    def as_json(self) -> dict[str, object]:
        return asdict(self)


async def run_selftest(url: str, api_key: str, api_secret: str) -> list[Measured]:
    """Joins, talks, measures and leaves. Raises `SelfTestFailed`."""
    room = f"selftest-{secrets.token_hex(8)}"
    probes = [Probe(1), Probe(2)]
    try:
        for probe in probes:
            await _join(probe, url, _token(api_key, api_secret, room, f"selftest-{probe.number}"))
        await _wait_for_media(probes)
        before = [await probe.losses() for probe in probes]
        await asyncio.sleep(MEASURED_SECONDS)
        return [await _measure(probe, losses) for probe, losses in zip(probes, before, strict=True)]
    finally:
        await asyncio.gather(*(probe.leave() for probe in probes))


async def _join(probe: Probe, url: str, token: str) -> None:
    try:
        await asyncio.wait_for(probe.join(url, token), PATIENCE_SECONDS)
    except rtc.ConnectError as error:
        raise SelfTestFailed(f"Participant {probe.number} could not join at {url}: {error.message}") from error
    except TimeoutError as error:
        raise SelfTestFailed(f"Participant {probe.number} did not join within {PATIENCE_SECONDS:.0f} s.") from error


async def _wait_for_media(probes: list[Probe]) -> None:
    deadline = time.monotonic() + PATIENCE_SECONDS
    while missing := _missing(probes):
        if time.monotonic() > deadline:
            raise SelfTestFailed(f"After {PATIENCE_SECONDS:.0f} s still missing: {', '.join(missing)}.")
        await asyncio.sleep(0.05)


def _missing(probes: list[Probe]) -> list[str]:
    """What should have arrived and has not, or has under a wrong name."""
    missing = []
    for probe, other in zip(probes, reversed(probes), strict=True):
        if probe.hears() != {other.identity: {other.number}}:
            missing.append(f"sound of participant {other.number} at participant {probe.number}")
        if probe.sees() != {other.identity: {other.number}} or len(probe.counters(other.identity)) < _FRESH_FRAMES:
            missing.append(f"pictures of participant {other.number} at participant {probe.number}")
    return missing


async def _measure(probe: Probe, before: Losses) -> Measured:
    after = await probe.losses()
    window = replace(
        after,
        packets_received=after.packets_received - before.packets_received,
        packets_lost=after.packets_lost - before.packets_lost,
    )
    if not window.packets_received:
        raise SelfTestFailed(f"Participant {probe.number} received nothing for {MEASURED_SECONDS:.0f} s.")
    return Measured(
        participant=probe.identity,
        join_seconds=round(probe.joined_after or 0.0, 3),
        first_sound_seconds=round(probe.first_sound_after or 0.0, 3),
        first_frame_seconds=round(probe.first_frame_after or 0.0, 3),
        loss=round(window.loss, 5),
        path=await probe.path(),
    )


def _token(api_key: str, api_secret: str, room: str, identity: str) -> str:
    grants = api.VideoGrants(room_join=True, room=room)
    return api.AccessToken(api_key, api_secret).with_identity(identity).with_grants(grants).to_jwt()
