"""`make bench-page`: what the call page costs the browser it runs in.

    python -m bench.page [--case first_paint] [--minutes 30] [--people 50] …

Starts `manage.py serve` on this machine and opens the page in Debian's Chromium, alone and with programs on LiveKit's
Python SDK as the others. One JSON line per case, with `goal` and whether it is reached (`valid`). Ends with 1 when one
is not.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from livekit import rtc

from bench.call import running, spread
from bench.caserun import run_case
from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.people import ALICE, PASSWORD, Person, sign_up
from tests.portal import ROOT, Portal, descendants
from tests.screens import ChromiumScreen, chromium

FIRST_VIEW_BYTES = 200_000
FIRST_PAINT_SECONDS = 1.0
UPDATES_PER_SECOND = 20
# What a steady page's memory may differ by between the first and the last third: a collector is no clock.
STEADY_GROWTH = 0.1
WARM_UP_SECONDS = 60  # panels that load, codecs that settle
SAMPLE_SECONDS = 10
# Small pictures, and nothing received: fifty clients share the machine with the browser that is measured.
_BLIND = rtc.RoomOptions(auto_subscribe=False)
HEARD = ProbeOptions(width=160, height=96, simulcast=False, watch=False, listen=False, room=_BLIND)
SEEN = replace(HEARD, audio=False)
TALKERS = 3
CALLERS = 3  # beside the browser, in the long call


@dataclass(frozen=True, slots=True)
class Options:
    """How much of each case is run."""

    loads: int
    minutes: float
    people: int
    seconds: int


async def first_view(folder: Path, options: Options) -> dict[str, Any]:
    """Script that must be there before the device check is, gzipped, as the build says."""
    sizes = json.loads((ROOT / "build" / "static" / "call" / "sizes.json").read_text())
    size = int(sizes["firstViewBytes"])
    return {"gz_bytes": size, "goal": {"gz_bytes": FIRST_VIEW_BYTES}, "valid": size <= FIRST_VIEW_BYTES}


async def first_paint(folder: Path, options: Options) -> dict[str, Any]:
    """From the address to the first content, in a browser that has never been here; and to the device check."""
    painted: list[float] = []
    ready: list[float] = []
    with running(Portal(folder)) as portal:
        await sign_up(portal)
        async with Person(portal, "Alice Martin") as alice:
            await alice.sign_in(ALICE)
            slug = await alice.create_room()
        async with chromium(1, portal, folder) as screen:
            for _ in range(options.loads + 1):
                paint, check = await _load(screen, slug)
                painted.append(paint)
                ready.append(check)
    # The first is the browser's own start, too.
    paints, checks = spread(painted[1:]), spread(ready[1:])
    figures = {f"first_paint_{name}": value for name, value in paints.items()}
    figures |= {f"device_check_{name}": value for name, value in checks.items()}
    is_quick = paints["p95_s"] <= FIRST_PAINT_SECONDS
    return {"loads": options.loads, **figures, "goal": {"first_paint_p95_s": FIRST_PAINT_SECONDS}, "valid": is_quick}


async def memory(folder: Path, options: Options) -> dict[str, Any]:
    """The page's heap (after a collection) and its process' memory over a call with pictures, sound and chat."""
    heaps: list[float] = []
    processes: list[float] = []
    with running(Portal(folder, workers=1)) as portal:
        async with _call(portal, folder, CALLERS) as (screen, _):
            session = await screen.page.context.new_cdp_session(screen.page)
            await session.send("Performance.enable")
            await asyncio.sleep(min(WARM_UP_SECONDS, options.minutes * 60 / 5))
            until = time.monotonic() + options.minutes * 60
            while time.monotonic() < until:
                await _live_a_little(screen)
                await session.send("HeapProfiler.collectGarbage")
                metrics = (await session.send("Performance.getMetrics"))["metrics"]
                heaps.append(next(each["value"] for each in metrics if each["name"] == "JSHeapUsedSize") / 1e6)
                processes.append(_renderer_mb())
                await asyncio.sleep(SAMPLE_SECONDS)
    growth = {"heap_growth": _growth(heaps), "process_growth": _growth(processes)}
    figures = {
        "minutes": options.minutes,
        "samples": len(heaps),
        "heap_first_mb": round(heaps[0], 1),
        "heap_last_mb": round(heaps[-1], 1),
        "process_first_mb": round(processes[0]),
        "process_last_mb": round(processes[-1]),
        **growth,
    }
    goal = dict.fromkeys(growth, STEADY_GROWTH)
    return {**figures, "goal": goal, "valid": all(value <= STEADY_GROWTH for value in growth.values())}


async def updates(folder: Path, options: Options) -> dict[str, Any]:
    """Screen updates per second of the page, with everybody publishing, over the pages of the grid."""
    with running(Portal(folder, workers=1)) as portal:
        async with _call(portal, folder, options.people) as (screen, probes):
            await wait_until(
                lambda: screen.evaluate(
                    f"+document.querySelector('[data-testid=people-count]').dataset.count > {options.people}"
                ),
                lambda: f"not all of {len(probes)} people are there",
            )
            await asyncio.sleep(5)
            counted: dict[str, Any] = await screen.evaluate(_COUNT % (options.seconds * 1000))
    median = statistics.median(counted["perSecond"])
    return {
        "people": options.people,
        "tiles": counted["tiles"],
        "seconds": options.seconds,
        "updates_per_s_p50": median,
        "updates_per_s_min": min(counted["perSecond"]),
        "longest_gap_ms": round(counted["longestGapMs"]),
        "video_frames_per_s": round(counted["videoFrames"] / options.seconds, 1),
        "load_average": round(os.getloadavg()[0], 2),
        "goal": {"updates_per_s_p50": UPDATES_PER_SECOND},
        "valid": median >= UPDATES_PER_SECOND,
    }


CASES: dict[str, Callable[[Path, Options], Coroutine[Any, Any, dict[str, Any]]]] = {
    "first_view": first_view,
    "first_paint": first_paint,
    "updates": updates,
    "memory": memory,
}


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="What the call page costs its browser, as JSON lines.")
    parser.add_argument("--case", choices=CASES, action="append", help="may be repeated; without it all")
    parser.add_argument("--loads", type=int, default=10, help="of the page, for its first paint")
    parser.add_argument("--minutes", type=float, default=30, help="of the call whose memory is watched")
    parser.add_argument("--people", type=int, default=50, help="who publish while updates are counted")
    parser.add_argument("--seconds", type=int, default=20, help="for which updates are counted")
    chosen = parser.parse_args(arguments)
    options = Options(loads=chosen.loads, minutes=chosen.minutes, people=chosen.people, seconds=chosen.seconds)
    lines = [run_case(name, CASES[name], options) for name in chosen.case or CASES]
    return 0 if all(line["valid"] for line in lines) else 1


async def _load(screen: ChromiumScreen, slug: str) -> tuple[float, float]:
    """Seconds to the first contentful paint and to the device check, with empty caches."""
    session = await screen.page.context.new_cdp_session(screen.page)
    await session.send("Network.clearBrowserCache")
    await screen.goto(f"/r/{slug}")
    await screen.shows("device-check")
    ready = await screen.evaluate("performance.now()")
    await wait_until(lambda: screen.evaluate(_PAINT), lambda: "nothing was painted")
    paint = await screen.evaluate(_PAINT)
    await session.detach()
    return paint / 1000, ready / 1000


_PAINT = "performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0"

_COUNT = """
new Promise((resolve) => {
  const perSecond = [];
  const videos = [...document.querySelectorAll("[data-testid=tile-video]")];
  const frames = () => videos.reduce((sum, video) => sum + video.getVideoPlaybackQuality().totalVideoFrames, 0);
  const before = frames();
  const begin = performance.now();
  let [last, second, count, longestGapMs] = [begin, begin, 0, 0];
  const step = (now) => {
    longestGapMs = Math.max(longestGapMs, now - last);
    last = now;
    count += 1;
    if (now - second >= 1000) {
      perSecond.push((count * 1000) / (now - second));
      [second, count] = [now, 0];
    }
    if (now - begin < %d) requestAnimationFrame(step);
    else resolve({ perSecond, longestGapMs, videoFrames: frames() - before, tiles: videos.length });
  };
  requestAnimationFrame(step);
}).then((counted) => ({ ...counted, perSecond: counted.perSecond.map((each) => Math.round(each * 10) / 10) }))
"""


@asynccontextmanager
async def _call(portal: Portal, folder: Path, count: int) -> AsyncIterator[tuple[ChromiumScreen, list[Probe]]]:
    """Alice in the browser, and `count` programs who publish, as guests that she admits."""
    await sign_up(portal)
    probes = [Probe(2 + number % 28, HEARD if number < TALKERS else SEEN) for number in range(count)]
    async with chromium(1, portal, folder) as screen, Person(portal, "Alice Martin") as alice:
        await screen.sign_in(ALICE, PASSWORD)
        slug = await screen.meet_now()
        await screen.press("join-button")
        await screen.shows("call-stage")
        await alice.sign_in(ALICE)
        await alice.enter(slug)  # as the same person, who admits the others
        try:
            for number, probe in enumerate(probes):
                await _come_in(portal, alice, slug, f"Guest {number + 1}", probe)
            yield screen, probes
        finally:
            await leave_all(probes)


async def _come_in(portal: Portal, host: Person, slug: str, name: str, probe: Probe) -> None:
    async with Person(portal, name) as guest:
        await guest.enter(slug)
        await host.moderate(slug, guest, "admit")
        entrance = await guest.entrance(slug)
    await probe.join(entrance.url, entrance.token)


async def _live_a_little(screen: ChromiumScreen) -> None:
    """What happens in every meeting: panels open and close, microphones go on and off, the layout changes."""
    await screen.press("people-button")
    await screen.press("panel-close")
    await screen.press("mic-button")
    await screen.press("mic-button")
    for layout in ("layout-speaker", "layout-auto"):
        await screen.press("more-menu")
        await screen.press(layout)


def _renderer_mb() -> float:
    """Resident memory of the largest renderer process below this one."""
    largest = 0.0
    for pid in descendants(os.getpid()):
        try:
            command = Path(f"/proc/{pid}/cmdline").read_bytes()
            pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            continue
        if b"--type=renderer" in command:
            largest = max(largest, pages * os.sysconf("SC_PAGE_SIZE") / 1e6)
    return largest


def _growth(samples: Sequence[float]) -> float:
    """How much more the last third takes than the first, as a share of it."""
    third = max(1, len(samples) // 3)
    first, last = statistics.mean(samples[:third]), statistics.mean(samples[-third:])
    return round(last / first - 1, 3)


if __name__ == "__main__":
    sys.exit(main())
