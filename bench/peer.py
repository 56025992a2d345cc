"""`make bench-peer`: the embedded relay and the real LiveKit server under the same load, alternating.

    python -m bench.peer [--seconds 40] [--case audio] [--rounds 1] …

Builds LiveKit 1.13.5 from its Go module (once; minutes of CPU), then runs each case against one engine after the other,
so that a busy machine disturbs both alike. Same JSON lines as `bench.relay`; ends with 1 when one is not valid.
"""

from __future__ import annotations

import argparse
import sys

from bench.engines import EmbeddedRelay, LiveKit
from bench.gobuild import BuildError
from bench.livekit import build_server
from bench.measure import CASES, build_generator
from bench.relay import add_options, run_case


def main(arguments: list[str] | None = None) -> int:
    """Runs the cases and returns the exit code."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter, allow_abbrev=False
    )
    add_options(parser)
    parser.add_argument("--rounds", type=int, default=1, help="how often each case is run")
    options = parser.parse_args(arguments)
    try:
        generator = build_generator()
        print("building LiveKit, unless it is there: up to eight minutes", file=sys.stderr)
        build_server()
    except BuildError as error:
        print(error, file=sys.stderr)
        return 1
    lines = [
        run_case(engine, generator, case, options)
        for case in options.case or CASES
        for _ in range(options.rounds)
        for engine in (EmbeddedRelay, LiveKit)
    ]
    return 0 if all(line["valid"] for line in lines) else 1


if __name__ == "__main__":
    sys.exit(main())
