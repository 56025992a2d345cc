"""One measurement: an engine, one case of the load generator, one JSON line."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench import gobuild, processes
from bench.engines import Engine, Latency

CASES = ("audio", "video", "all", "large")
MAX_LOSS = 0.001
# Beyond the window: joins, first packets (60 s at most), warm-up and the settling time of the generator.
_SLACK_SECONDS = 150.0


class GeneratorError(Exception):
    """The generator could not make the measurement."""


@dataclass(slots=True)
class _Window:
    """The engine's figures between window_start and window_end."""

    cpu_before: float = 0.0
    cpu_s: float = 0.0
    rss_mb: float = 0.0
    latency: Latency | None = None


def build_generator() -> Path:
    """The load generator's binary."""
    return gobuild.build(gobuild.ROOT / "bench" / "generator", "generator")


def measure(
    engine: Engine, generator: Path, case: str, *, seconds: float, extra: tuple[str, ...] = ()
) -> dict[str, Any]:
    """The figures of one case as the JSON line has them. The engine is running. Raises `GeneratorError`."""
    window = _Window()
    result: dict[str, Any] = {}
    pids = engine.pids()
    for line in _run_generator(engine, generator, case, seconds, extra):
        if line["event"] == "window_start":
            engine.begin_window()
            window.cpu_before = processes.cpu_seconds(pids)
        elif line["event"] == "window_end":
            window.cpu_s = processes.cpu_seconds(pids) - window.cpu_before
            window.rss_mb = processes.rss_mb(pids)
            window.latency = engine.latency()
        else:
            result = line
    if not result:
        raise GeneratorError("the generator ended without a result")
    return summarize(case, engine.name, result, window.cpu_s, window.rss_mb, window.latency or Latency())


def summarize(
    case: str, engine: str, result: dict[str, Any], cpu_s: float, rss_mb: float, latency: Latency
) -> dict[str, Any]:
    """The JSON line. `valid` is False when the figures describe a server that did not do its work."""
    received = result["received"]
    line: dict[str, Any] = {
        "case": case,
        "engine": engine,
        "pps_in": result["pps_in"],
        "pps_out": result["pps_out"],
        "cpu_s": round(cpu_s, 2),
        "pps_out_per_cpu_s": round(received / cpu_s) if cpu_s else None,
        "latency_p50_ms": latency.p50_ms,
        "latency_p99_ms": latency.p99_ms,
        "loss": result["loss"],
        "rss_mb": rss_mb,
        "valid": result["loss"] <= MAX_LOSS and result["duplicates"] == 0 and received > 0,
        "seconds": result["seconds"],
    }
    copied = ("duplicates", "resent_in_vain", "unwanted", "reconnects", "plis", "generator_cpu_s")
    line |= {name: result[name] for name in copied}
    line |= {"delay_p50_ms": result["delay_p50_ms"], "delay_p99_ms": result["delay_p99_ms"]}
    line["load_average"] = round(os.getloadavg()[0], 2)
    if latency.reason:
        line["reason"] = latency.reason
    return line


def failed(case: str, engine: str, reason: str) -> dict[str, Any]:
    """The line of a measurement that could not be made."""
    names = ("pps_in", "pps_out", "cpu_s", "pps_out_per_cpu_s", "latency_p50_ms", "latency_p99_ms", "loss", "rss_mb")
    return {"case": case, "engine": engine, **dict.fromkeys(names), "valid": False, "reason": reason}


def _run_generator(
    engine: Engine, generator: Path, case: str, seconds: float, extra: tuple[str, ...]
) -> Iterator[dict[str, Any]]:
    """The generator's lines as it prints them."""
    environment = {**os.environ, "LIVEKIT_API_KEY": engine.api_key, "LIVEKIT_API_SECRET": engine.api_secret}
    command = [str(generator), "-url", engine.url, "-case", case, "-seconds", f"{seconds:g}", *extra]
    with subprocess.Popen(
        ["timeout", f"{seconds + _SLACK_SECONDS:g}", *command],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        text=True,
    ) as process:
        try:
            if process.stdout is None or process.stderr is None:
                raise GeneratorError("no pipe to the generator")
            for line in process.stdout:
                yield json.loads(line)
            errors = process.stderr.read()
            if process.wait():
                last = errors.strip().splitlines()[-1:] or [f"exit code {process.returncode}"]
                raise GeneratorError(last[0])
        finally:
            if process.poll() is None:  # our side failed: `timeout` passes the signal on
                process.terminate()
