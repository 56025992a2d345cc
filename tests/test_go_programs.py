"""The Go programs of the benchmarks and tests: formatted, vetted, and their own tests pass."""

import os
import subprocess
from pathlib import Path

import pytest

from bench import gobuild

pytestmark = pytest.mark.calls  # a first compilation of LiveKit's SDK takes a minute

MODULES = ("bench/generator", "tests/go_client")


def go(module: str, *arguments: str) -> str:
    environment = {**os.environ, "CGO_ENABLED": "0", "GOTOOLCHAIN": "local", "GOFLAGS": "-mod=readonly"}
    done = subprocess.run(
        [*arguments], cwd=gobuild.ROOT / module, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(arguments)} in {module}:\n{done.stdout}{done.stderr}"
    return done.stdout


@pytest.mark.parametrize("module", MODULES)
def test_go_code_is_formatted(module: str) -> None:
    gofmt = Path(go(module, gobuild.go_tool(), "env", "GOROOT").strip()) / "bin" / "gofmt"
    assert go(module, str(gofmt), "-l", ".") == ""


@pytest.mark.parametrize("module", MODULES)
def test_go_code_passes_vet_and_its_own_tests(module: str) -> None:
    go(module, gobuild.go_tool(), "vet", "./...")
    go(module, gobuild.go_tool(), "test", "./...")


@pytest.mark.parametrize("module", [*MODULES, "bench/livekit_server"])
def test_checksums_of_all_modules_are_committed(module: str) -> None:
    go(module, gobuild.go_tool(), "list", "-deps", "tool" if module.endswith("livekit_server") else "./...")
