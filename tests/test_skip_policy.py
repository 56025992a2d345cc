"""A test that stops running fails the run, unless somebody wrote down why."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conftest import ALLOWED, allowed_patterns, refused_skips
from tests.conftest import EMBEDDED_ONLY

REPOSITORY = Path(__file__).resolve().parent.parent
PASSES = "def test_one(): pass\n"
SKIPS = "import pytest\n@pytest.mark.skip(reason='not today')\ndef test_two(): pass\n"


def run(folder: Path, *, allowed: str) -> subprocess.CompletedProcess[str]:
    (folder / "tests").mkdir()
    (folder / "tests" / "allowed_skips.txt").write_text(allowed)
    (folder / "conftest.py").write_text((REPOSITORY / "conftest.py").read_text())
    (folder / "test_it.py").write_text(PASSES + SKIPS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(folder)]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_a_skip_without_permission_fails_the_run_and_is_named(tmp_path: Path) -> None:
    done = run(tmp_path, allowed="")
    assert done.returncode == 1
    assert "test_it.py::test_two: Skipped: not today" in done.stdout
    assert done.stdout.splitlines()[-1].startswith("1 passed, 1 skipped")


def test_a_skip_with_a_reason_is_fine(tmp_path: Path) -> None:
    done = run(tmp_path, allowed="test_it.py::test_two: needs hardware that no machine of ours has\n")
    assert done.returncode == 0, done.stdout


def test_a_permission_needs_a_reason() -> None:
    with pytest.raises(ValueError, match="is not `pattern: reason`"):
        allowed_patterns("tests/test_reach.py::*\n")


def test_patterns_fit_whole_ids() -> None:
    skipped = {"tests/test_a.py::test_x[1]": "why", "tests/test_b.py::test_x": "why"}
    assert refused_skips(skipped, ["tests/test_a.py::*"]) == {"tests/test_b.py::test_x": "why"}


def test_the_file_of_permissions_is_in_order() -> None:
    allowed_patterns(ALLOWED.read_text())


def test_what_runs_with_the_embedded_relay_only_is_named_with_a_reason_and_exists() -> None:
    for pattern in allowed_patterns(EMBEDDED_ONLY.read_text()):
        path, _, function = pattern.partition("::")
        text = (REPOSITORY / path).read_text()
        assert function == "*" or f"def {function}(" in text, f"{pattern} fits no test"
