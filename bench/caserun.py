"""One case of a benchmark that drives the portal with the tests' harness: run, printed as a JSON line, returned."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

Options = TypeVar("Options")
Case = Callable[[Path, Options], Coroutine[Any, Any, dict[str, Any]]]


def run_case(name: str, case: Case[Options], options: Options) -> dict[str, Any]:
    """The line of `case`, which gets a folder of its own; not valid, and why, where something did not happen."""
    with tempfile.TemporaryDirectory() as folder:
        line: dict[str, Any] = {"case": name}
        try:
            line |= asyncio.run(case(Path(folder), options))
        except AssertionError as failure:  # the harness' own words: what did not happen in time
            line |= {"valid": False, "reason": str(failure)[:2000]}
    print(json.dumps(line), flush=True)
    return line
