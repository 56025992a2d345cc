"""`make bench-relay`: what the embedded relay forwards per CPU-second, how fast, and whether anything was lost.

    python -m bench.relay [--seconds 40] [--case audio] …

Starts `manage.py serve` with one relay worker on this machine's loopback address for each case, puts the Go load
generator on it and prints one JSON line per case (bench/README.md). Ends with 1 when a line is not valid.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bench.engines import EmbeddedRelay, Engine
from bench.gobuild import BuildError
from bench.measure import CASES, GeneratorError, build_generator, failed, measure
from bench.processes import ServerError


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases and returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser)
    options = parser.parse_args(arguments)
    try:
        generator = build_generator()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    lines = [run_case(EmbeddedRelay, generator, case, options) for case in options.case or CASES]
    return 0 if all(line["valid"] for line in lines) else 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options that `bench.relay` and `bench.peer` share."""
    parser.add_argument("--case", action="append", choices=CASES, help="only this case; may be repeated")
    parser.add_argument("--seconds", type=float, default=40.0, help="measured window of each case")
    parser.add_argument("--kbps", type=int, default=0, help="another bit rate for videos without simulcast")
    parser.add_argument("--keep", type=Path, help="folder for logs and data (default: a temporary one)")


def run_case(make: Callable[[Path], Engine], generator: Path, case: str, options: argparse.Namespace) -> dict[str, Any]:
    """Starts a fresh engine, measures one case, prints and returns its line."""
    extra = ("-kbps", str(options.kbps)) if options.kbps else ()
    with tempfile.TemporaryDirectory(prefix="visio-bench-") as temporary:
        folder = Path(options.keep or temporary)
        folder.mkdir(parents=True, exist_ok=True)
        engine = make(folder)
        try:
            engine.start()
            line = measure(engine, generator, case, seconds=options.seconds, extra=extra)
        except (ServerError, GeneratorError, BuildError, OSError) as error:
            line = failed(case, engine.name, str(error))
        finally:
            engine.stop()
    print(json.dumps(line), flush=True)
    return line


if __name__ == "__main__":
    sys.exit(main())
