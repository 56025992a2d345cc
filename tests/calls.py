"""What the tests assert of a call: everyone sees and hears exactly the others, and never themselves."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager

from meetings.probe import Probe, ProbeOptions
from tests.portal import Portal

CEILING_SECONDS = 30  # of every wait; figures come from the benchmarks


async def wait_until(
    condition: Callable[[], object] | Callable[[], Awaitable[object]], describe: Callable[[], object]
) -> None:
    """Returns once `condition` holds. Fails with what `describe` says when it does not within the ceiling."""
    deadline = time.monotonic() + CEILING_SECONDS
    while True:
        held = condition()
        if isinstance(held, Awaitable):
            held = await held
        if held:
            return
        assert time.monotonic() < deadline, f"not within {CEILING_SECONDS} s: {describe()}"
        await asyncio.sleep(0.05)


def others(probe: Probe, everyone: Sequence[Probe]) -> dict[str, set[int]]:
    """What this participant should see and hear: each other's own card and tone under the other's name."""
    return {other.identity: {other.number} for other in everyone if other is not probe}


async def assert_all_meet(everyone: Sequence[Probe], *, sound: bool = True, pictures: bool = True) -> None:
    """From now on everyone gets new pictures and sound of exactly the others."""
    await wait_for_media(everyone, sound=sound, pictures=pictures)
    for probe in everyone:
        assert_no_stranger(probe, everyone)


async def wait_for_media(everyone: Sequence[Probe], *, sound: bool = True, pictures: bool = True) -> None:
    """New pictures and sound of all the others have come; of somebody who just left, too, perhaps."""
    for probe in everyone:
        probe.forget()
    await wait_until(
        lambda: all(_gets(probe, other, sound, pictures) for probe in everyone for other in everyone),
        lambda: {probe.identity: {"sees": probe.sees(), "hears": probe.hears()} for probe in everyone},
    )


def assert_no_stranger(probe: Probe, everyone: Sequence[Probe]) -> None:
    """Nothing that was decoded since `forget` came under a wrong name, from itself, or from outside."""
    expected = others(probe, everyone)
    for found in (probe.sees(), probe.hears()):
        for identity, numbers in found.items():
            assert numbers == expected.get(identity), f"{probe.identity} got {numbers} from {identity}: {found}"


def _gets(probe: Probe, other: Probe, sound: bool, pictures: bool) -> bool:
    if probe is other:
        return True
    hears = not sound or other.number in probe.hears().get(other.identity, ())
    # Three different frames: a picture that stands still is no video.
    sees = not pictures or (
        other.number in probe.sees().get(other.identity, ()) and len(probe.counters(other.identity)) >= 3
    )
    return hears and sees


@asynccontextmanager
async def in_room(
    portal: Portal, room: str, count: int, options: ProbeOptions | None = None
) -> AsyncIterator[list[Probe]]:
    """`count` raw SDK participants in a room without a row, who leave at the end."""
    probes = [Probe(number, options) for number in range(1, count + 1)]
    try:
        for probe in probes:
            await probe.join(portal.engine_url, portal.token(room, f"participant-{probe.number}"))
        yield probes
    finally:
        await leave_all(probes)


async def leave_all(probes: Sequence[Probe]) -> None:
    await asyncio.gather(*(probe.leave() for probe in probes))
