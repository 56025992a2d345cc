"""`make bench-call`: what people feel when processes die, when they join, and when a firewall drops UDP.

    python -m bench.call [--case worker_kill] [--kills 10] [--people 10] …

Starts `manage.py serve` with two relay workers on this machine, calls through it with stock clients (LiveKit's Python
and Go SDKs, Debian's Chromium), and prints one JSON line per case: figures in seconds, `goal` and whether it is reached
(`valid`). Ends with 1 when one is not.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import statistics
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.caserun import run_case
from bench.meeting import meeting
from meetings.probe import Probe, ProbeOptions
from tests.calls import in_room, leave_all, wait_for_media, wait_until
from tests.namespaces import may_make_namespaces, namespace
from tests.people import ALICE, Person
from tests.portal import Portal
from tests.remote_probe import remote_probe
from tests.screens import ChromiumScreen, chromium
from tests.signalling_client import signalling
from visio_portal.endings import STABLE_SECONDS

LOCKED_SECONDS = 10
SPARES = 2  # of web, and of the relay workers


@dataclass(frozen=True, slots=True)
class Options:
    """How much of each case is run."""

    kills: int
    people: int
    joins: int


async def worker_kill(folder: Path, options: Options) -> dict[str, Any]:
    """kill -9 of one worker of two: how long until each person is heard again by everybody."""
    back: list[float] = []
    # All talk at once, and nobody is left out as the ninth loudest.
    everybody = {"RELAY_LOUDEST_AUDIO": str(options.people)}
    with running(Portal(folder, environment=everybody)) as portal:
        async with (
            meeting(portal, portal.room_on(0), options.people) as hit,
            in_room(portal, portal.room_on(1), 2) as spared,
        ):
            await hit.until_heard(0.0)
            await wait_for_media(spared)
            before = await _packets_lost(spared)
            for _ in range(options.kills):
                await asyncio.sleep(STABLE_SECONDS)  # else the supervisor's back-off is measured, too
                killed_at = time.time()
                portal.kill("relay-0")
                back += [at - killed_at for at in await hit.until_heard(killed_at)]
            lost = await _packets_lost(spared) - before
    figures = {"kills": options.kills, "people": options.people, **spread(back), "other_room_packets_lost": lost}
    return {**figures, "goal": {"p95_s": 5.0}, "valid": figures["p95_s"] <= 5.0 and lost == 0}


async def web_kill(folder: Path, options: Options) -> dict[str, Any]:
    """kill -9 of web: how long until everybody's signalling is back, and what of the media was lost meanwhile.

    Then the same people for as long without a kill: what is lost then, the machine loses.
    """
    resumed: list[float] = []
    with running(Portal(folder)) as portal:
        async with in_room(portal, "web-kill", 4) as everyone:
            await wait_for_media(everyone)
            started = time.monotonic()
            before = await _packets_lost(everyone)
            for kill in range(1, options.kills + 1):
                await asyncio.sleep(STABLE_SECONDS)  # as above; meanwhile the next spare has loaded
                killed_at = time.monotonic()
                portal.kill("web")
                await wait_until(
                    lambda kill=kill: all(probe.event_names().count("reconnected") == kill for probe in everyone),
                    lambda: [probe.event_names()[-5:] for probe in everyone],
                )
                resumed += [_last(probe, "reconnected") - killed_at for probe in everyone]
            between = await _packets_lost(everyone)
            rejoined = sum(probe.event_names().count("track_unsubscribed") for probe in everyone)
            window = time.monotonic() - started
            await asyncio.sleep(window)
            after = await _packets_lost(everyone)
    lost, control = between - before, after - between
    figures = {"kills": options.kills, **spread(resumed), "packets_lost": lost, "tracks_lost": rejoined}
    figures |= {"window_s": round(window), "control_packets_lost": control}
    goal = {"packets_lost": 0, "tracks_lost": 0}  # a track is lost where the SDK waited 5 s in vain, and joined anew
    return {**figures, "goal": goal, "valid": lost == 0 and rejoined == 0}


async def database_lock(folder: Path, options: Options) -> dict[str, Any]:
    """A write lock of 10 s on SQLite: the slowest answer to a participant's ping."""
    pongs: list[float] = []
    with running(Portal(folder)) as portal:
        async with signalling(portal.engine_url, portal.token("lock", "pinger")) as client:
            with closing(sqlite3.connect(folder / "portal.sqlite3", isolation_level=None)) as database:
                database.execute("BEGIN IMMEDIATE")
                until = time.monotonic() + LOCKED_SECONDS
                while time.monotonic() < until:
                    pongs.append(await client.ping())
                    await asyncio.sleep(0.05)
                database.execute("ROLLBACK")
    figures = spread(pongs)
    return {"pings": len(pongs), **figures, "goal": {"max_s": 0.5}, "valid": figures["max_s"] <= 0.5}


async def join(folder: Path, options: Options) -> dict[str, Any]:
    """Joins, one after the other, of stock Python participants to a room in which one person talks."""
    joined: list[float] = []
    frames: list[float] = []
    with running(Portal(folder)) as portal:
        async with in_room(portal, "joins", 1):
            for number in range(options.joins):
                probe = Probe(2, ProbeOptions(audio=False, video=False))
                await probe.join(portal.engine_url, portal.token("joins", f"joiner-{number}"))
                await wait_until(lambda probe=probe: probe.first_frame_after, probe.event_names)
                joined.append(probe.joined_after or 0.0)
                frames.append(probe.first_frame_after or 0.0)
                await leave_all([probe])
    return _join_figures(joined, frames)


async def join_chromium(folder: Path, options: Options) -> dict[str, Any]:
    """The same in Chromium, from the click on Join to the stage, and to the first frame of the other person."""
    joined: list[float] = []
    frames: list[float] = []
    with running(Portal(folder)) as portal:
        async with Person(portal, "Alice Martin") as alice, chromium(2, portal, folder) as screen:
            await alice.accept(portal.manage("invite", ALICE))
            slug = await alice.create_room()
            await alice.enter(slug)
            sender, entrance = Probe(1), await alice.entrance(slug)
            await sender.join(entrance.url, entrance.token)
            try:
                await screen.ask_to_enter(slug, "Bob Petit")
                await screen.shows("lobby-waiting")
                await alice.call(slug, "admit_all")
                await screen.shows("call-stage")
                for _ in range(options.joins):
                    to_stage, to_frame = await _click_join(screen, slug)
                    joined.append(to_stage)
                    frames.append(to_frame)
            finally:
                await leave_all([sender])
    return _join_figures(joined, frames)


async def udp_dropped(folder: Path, options: Options) -> dict[str, Any]:
    """A participant whose firewall drops all UDP: how long until sound and pictures flow over TCP."""
    if not may_make_namespaces():
        return {"valid": False, "reason": "network namespaces need root and iproute2"}
    with namespace() as machine:
        machine.drop_udp()
        settings = {"HOST": machine.ours, "RELAY_ADDRESSES": machine.ours}
        with running(Portal(folder, workers=1, environment=settings)) as portal:
            url, certificate = portal.engine_url, str(portal.authority)
            near_token, far_token = portal.token("reach", "near"), portal.token("reach", "far")
            async with remote_probe([], 1, url, near_token, certificate=certificate) as near:
                await wait_until(lambda: near.report, lambda: near.report)
                async with remote_probe(machine.command(), 2, url, far_token, certificate=certificate) as far:
                    await wait_until(
                        lambda: near.hears() == {"far": {2}} and far.report.get("first_frame_after"),
                        lambda: (near.report, far.report),
                    )
                    report = far.report
    figures = {name: round(report[name], 3) for name in ("joined_after", "first_sound_after", "first_frame_after")}
    is_quick = max(figures["first_sound_after"], figures["first_frame_after"]) <= 5.0
    is_tcp = report["path"] == "tcp"
    return {**figures, "path": report["path"], "goal": {"first_frame_after": 5.0}, "valid": is_quick and is_tcp}


CASES: dict[str, Callable[[Path, Options], Coroutine[Any, Any, dict[str, Any]]]] = {
    case.__name__: case for case in (worker_kill, web_kill, database_lock, join, join_chromium, udp_dropped)
}


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases and returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; may be repeated")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--people", type=int, default=10, help="in the room whose worker is killed")
    parser.add_argument("--joins", type=int, default=20)
    chosen = parser.parse_args(arguments)
    options = Options(kills=chosen.kills, people=chosen.people, joins=chosen.joins)
    lines = [run_case(name, CASES[name], options) for name in chosen.case or CASES]
    return 0 if all(line["valid"] for line in lines) else 1


def spread(seconds: Sequence[float]) -> dict[str, float]:
    """Median, 95th percentile and maximum."""
    ordered = sorted(seconds)
    p95 = ordered[min(len(ordered) - 1, round(0.95 * len(ordered)))]
    return {
        "p50_s": round(statistics.median(ordered), 3),
        "p95_s": round(p95, 3),
        "max_s": round(ordered[-1], 3),
    }


@contextmanager
def running(portal: Portal) -> Iterator[Portal]:
    portal.start()
    try:
        while len(portal.spares()) < SPARES:  # their loading would be measured, too
            time.sleep(0.1)
        yield portal
    finally:
        portal.stop()


async def _packets_lost(everyone: Sequence[Probe]) -> int:
    return sum([(await probe.losses()).packets_lost for probe in everyone])


def _last(probe: Probe, name: str) -> float:
    return next(at for at, event, _ in reversed(probe.events) if event == name)


# Evaluated before the click, so its value must not be the promise: that would be waited for.
_WATCH = """
void (window.joined = new Promise((resolve) => {
  let clicked = 0;
  let staged = 0;
  document.addEventListener("click", () => { clicked ||= performance.now(); }, { capture: true });
  const look = () => {
    const video = document.querySelector('[data-testid=tile][data-local=false] video');
    if (clicked && !staged && document.querySelector('[data-testid=call-stage]')) staged = performance.now();
    if (staged && video?.videoWidth > 0 && video.currentTime > 0)
      resolve([(staged - clicked) / 1000, (performance.now() - clicked) / 1000]);
    else requestAnimationFrame(look);
  };
  look();
}));
"""


async def _click_join(screen: ChromiumScreen, slug: str) -> tuple[float, float]:
    await screen.goto(f"/r/{slug}")
    await screen.shows("device-check")
    if await screen.evaluate("document.querySelector('[data-testid=name-input]') !== null"):
        await screen.fill('[data-testid="name-input"]', "Bob Petit")
    await screen.evaluate(_WATCH)
    await screen.press("join-button")
    to_stage, to_frame = await screen.evaluate("window.joined")
    return to_stage, to_frame


def _join_figures(joined: Sequence[float], frames: Sequence[float]) -> dict[str, Any]:
    to_join, to_frame = spread(joined), spread(frames)
    is_quick = to_join["p95_s"] <= 1.0 and to_frame["p95_s"] <= 1.5
    goal = {"join_p95_s": 1.0, "first_frame_p95_s": 1.5}
    figures = {f"join_{name}": value for name, value in to_join.items()}
    figures |= {f"first_frame_{name}": value for name, value in to_frame.items()}
    return {"joins": len(joined), **figures, "goal": goal, "valid": is_quick}


if __name__ == "__main__":
    sys.exit(main())
