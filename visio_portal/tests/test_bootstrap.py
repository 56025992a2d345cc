"""The set-up script: secrets, stamps, packages. Its steps as a whole are what `make test` begins with."""

from __future__ import annotations

import importlib.util
import stat
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent.parent


@pytest.fixture
def bootstrap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, at work in an empty folder."""
    spec = importlib.util.spec_from_file_location("bootstrap_under_test", REPOSITORY / "deploy" / "bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    monkeypatch.setattr(module, "ROOT", tmp_path)
    monkeypatch.setattr(module, "STAMPS", tmp_path / "stamps")
    for name in module.SECRETS:
        monkeypatch.delenv(name, raising=False)
    return module


def secrets_of(file: Path) -> dict[str, str]:
    return dict(line.split("=", 1) for line in file.read_text().splitlines() if "=" in line)


def test_secrets_are_made_once_for_the_owner_only(bootstrap: ModuleType, tmp_path: Path) -> None:
    env = tmp_path / ".env"
    bootstrap.step_secrets(bootstrap.Progress(1))
    first = secrets_of(env)
    assert set(first) == {"SECRET_KEY", "LIVEKIT_API_KEY", "LIVEKIT_API_SECRET"}
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    bootstrap.step_secrets(bootstrap.Progress(1))
    assert secrets_of(env) == first
    env.unlink()
    bootstrap.step_secrets(bootstrap.Progress(1))
    assert not set(secrets_of(env).values()) & set(first.values())


def test_what_an_administrator_wrote_stays_and_only_gaps_are_filled(bootstrap: ModuleType, tmp_path: Path) -> None:
    env = tmp_path / ".env"
    env.write_text("# mine\nSECRET_KEY=own\nLIVEKIT_API_SECRET=\nHOST=::")
    env.chmod(0o644)
    bootstrap.step_secrets(bootstrap.Progress(1))
    text = env.read_text()
    assert text.startswith("# mine\nSECRET_KEY=own\nHOST=::\n")
    assert len(secrets_of(env)["LIVEKIT_API_SECRET"]) >= 32
    assert stat.S_IMODE(env.stat().st_mode) == 0o600


def test_a_step_is_repeated_only_when_its_inputs_change(bootstrap: ModuleType, tmp_path: Path) -> None:
    source = tmp_path / "a.po"
    source.write_text("one")
    value = bootstrap.digest([source])
    assert not bootstrap.is_current("languages", value)
    bootstrap.remember("languages", value)
    assert bootstrap.is_current("languages", bootstrap.digest([source]))
    source.write_text("two")
    assert not bootstrap.is_current("languages", bootstrap.digest([source]))


def test_without_rights_the_exact_line_is_printed(bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name, **_: "/usr/bin/apt-get" if name == "apt-get" else None)
    with pytest.raises(bootstrap.SetupError) as stopped:
        bootstrap.install_packages(["gettext", "coturn"], bootstrap.Progress(1))
    line = "sudo apt-get update && sudo apt-get install -y --no-install-recommends gettext coturn"
    assert line in str(stopped.value)


def test_the_script_needs_nothing_installed() -> None:
    """-I -S: no site-packages, no environment."""
    command = [sys.executable, "-I", "-S", str(REPOSITORY / "deploy" / "bootstrap.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bootstrap.py run" in done.stderr


def test_requirements_are_pinned_exactly() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (REPOSITORY / name).read_text().splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or requirement.startswith("-r ") or "==" in requirement, f"{name}: {line}"
