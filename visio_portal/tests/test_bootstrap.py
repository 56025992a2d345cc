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


def test_a_secret_that_is_exported_and_empty_counts_as_missing(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET_KEY", "")
    monkeypatch.setenv("LIVEKIT_API_SECRET", "exported")
    bootstrap.step_secrets(bootstrap.Progress(1))
    assert set(secrets_of(tmp_path / ".env")) == {"SECRET_KEY", "LIVEKIT_API_KEY"}
    # Else the empty one would win over the file's, when the portal starts.
    assert "SECRET_KEY" not in bootstrap.tool_environment()
    assert bootstrap.tool_environment()["LIVEKIT_API_SECRET"] == "exported"


def test_a_file_of_secrets_that_others_can_read_is_closed_to_them(
    bootstrap: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    env = tmp_path / ".env"
    env.write_text("SECRET_KEY=a\nLIVEKIT_API_KEY=b\nLIVEKIT_API_SECRET=c\n")
    env.chmod(0o644)
    bootstrap.step_secrets(bootstrap.Progress(1))
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    assert ".env was open to others (mode 0644)" in capsys.readouterr().err
    bootstrap.step_secrets(bootstrap.Progress(1))
    assert capsys.readouterr().err == "[1/1] Secrets in .env … unchanged\n"


def test_somebody_elses_open_file_is_named_and_left(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    env = tmp_path / ".env"
    env.touch(0o644)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: env.stat().st_uid + 1)
    assert "only its owner can change that" in bootstrap.tighten(env)
    assert stat.S_IMODE(env.stat().st_mode) == 0o644


APT = """#!/bin/sh
echo "$@" >> "$0.asked"
case "$*" in
*--print-uris*)
    echo "'http://deb.example/g.deb' gettext_1.deb 1500000 MD5Sum:0"
    echo "'http://deb.example/c.deb' coturn_1.deb 700000 SHA256:0" ;;
*) exit 100 ;;
esac
"""


def test_without_rights_the_size_and_the_exact_line_are_printed(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path / "bin" / "apt-get", APT)
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/bin")  # no sudo
    monkeypatch.setattr(bootstrap.shutil, "which", lambda name, **_: name if name == "apt-get" else None)
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000)
    with pytest.raises(bootstrap.SetupError) as stopped:
        bootstrap.install_packages(["gettext", "coturn"], bootstrap.Progress(1))
    line = "sudo apt-get update && sudo apt-get install -y --no-install-recommends gettext coturn"
    assert line in str(stopped.value)
    assert "gettext, coturn (2.2 MB to download)" in str(stopped.value)
    asked = (tmp_path / "bin" / "apt-get.asked").read_text().splitlines()
    assert len(asked) == 1, "nothing was installed"


STALE_APT = """#!/bin/sh
case "$*" in
*--print-uris*) ;;
*update*) echo "$@" >> "$0.asked" ;;
*) echo "$@" >> "$0.asked"; grep -q update "$0.asked" || exit 100 ;;
esac
"""


@pytest.mark.parametrize("prefix", ["", "sudo "])
def test_package_lists_are_brought_up_to_date_first_and_what_is_shown_is_what_runs(
    prefix: str,
    bootstrap: ModuleType,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    apt = program(tmp_path / "bin" / "apt-get", STALE_APT)
    program(tmp_path / "bin" / "sudo", f'#!/bin/sh\necho "sudo $@" >> "{tmp_path}/shown"\nexec "$@"\n')
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setattr(bootstrap.os, "geteuid", lambda: 1000 if prefix else 0)
    monkeypatch.setattr(bootstrap.sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda _: "y")
    bootstrap.install_packages(["gettext"], bootstrap.Progress(1))
    install = "install -y --no-install-recommends gettext"
    assert apt.with_name("apt-get.asked").read_text().splitlines() == ["update", install]
    if prefix:
        shown = " && ".join((tmp_path / "shown").read_text().splitlines())
        assert shown == f"sudo apt-get update && sudo apt-get {install}"
        assert shown in capfd.readouterr().err


def program(path: Path, text: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)
    return path


def test_interrupted_packages_of_the_front_end_are_installed_again(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stamp is that of an earlier, finished run, whose folder has been removed since."""
    monkeypatch.setattr(bootstrap, "VENV", tmp_path / "venv")
    (tmp_path / "package.json").touch()
    (tmp_path / "package-lock.json").touch()
    npm = tmp_path / "venv" / "bin" / "npm"
    program(npm, "#!/bin/sh\nmkdir -p node_modules; echo run >> runs\n")
    bootstrap.step_node(bootstrap.Progress(1))
    bootstrap.step_node(bootstrap.Progress(1))
    assert (tmp_path / "runs").read_text() == "run\n"

    (tmp_path / "node_modules").rmdir()
    program(npm, "#!/bin/sh\nmkdir node_modules; kill -KILL $$\n")
    with pytest.raises(bootstrap.SetupError, match="npm ci"):
        bootstrap.step_node(bootstrap.Progress(1))

    program(npm, "#!/bin/sh\necho run >> runs\n")
    bootstrap.step_node(bootstrap.Progress(1))
    assert (tmp_path / "runs").read_text() == "run\nrun\n"


PIP = """#!/bin/sh
await() {
    for _ in $(/usr/bin/seq 3000); do
        [ -e "$1" ] && return
        /bin/sleep 0.01
    done
    exit 9
}
echo "Collecting aiortc"
echo "  Downloading aiortc-1.0-py3-none-any.whl (12.5 MB)"
await seen-download
echo "Installing collected packages: aiortc"
await seen-install
exit "$(cat code)"
"""


def pip_that_waits(bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> list[str]:
    """What was said. The programme ends when somebody was told of its download and of its installation."""
    monkeypatch.setattr(bootstrap, "PYTHON", program(tmp_path / "python", PIP))
    monkeypatch.setattr(bootstrap, "PULSE_SECONDS", 0.01)
    (tmp_path / "code").write_text(str(code))
    said: list[str] = []

    def say(text: str, end: str = "\n") -> None:
        said.append(text + end)
        if "12 MB  aiortc-1.0-py3-none-any.whl" in text:
            (tmp_path / "seen-download").touch()
        if "being installed" in text:
            (tmp_path / "seen-install").touch()

    monkeypatch.setattr(bootstrap.Progress, "say", staticmethod(say))
    return said


def test_what_pip_is_doing_is_said_also_where_output_is_no_terminal(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = pip_that_waits(bootstrap, tmp_path, monkeypatch, 0)
    assert bootstrap.pip_install("requirements.txt", bootstrap.Progress(1)) == "12 MB"
    assert all(line == "" or line.endswith("\n") for line in said), "lines of their own, not one that is rewritten"


def test_pips_last_words_are_in_the_error(
    bootstrap: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pip_that_waits(bootstrap, tmp_path, monkeypatch, 3)
    with pytest.raises(bootstrap.SetupError, match=r"could not install(.|\n)*Installing collected packages: aiortc"):
        bootstrap.pip_install("requirements.txt", bootstrap.Progress(1))


@pytest.mark.parametrize(
    ("goal", "requirements", "has_browsers"),
    [
        ("set-up", "requirements.txt", False),
        ("run", "requirements.txt", False),
        ("fast", "requirements-dev.txt", False),
        ("test", "requirements-dev.txt", True),
    ],
)
def test_a_machine_that_only_serves_gets_no_tools_of_developers(
    goal: str, requirements: str, has_browsers: bool, bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted: list[object] = []
    for step in ("node", "front_end", "secrets", "languages", "static"):
        monkeypatch.setattr(bootstrap, f"step_{step}", lambda _: None)
    monkeypatch.setattr(bootstrap, "step_system", lambda _, packages: wanted.append("chromium" in packages))
    monkeypatch.setattr(bootstrap, "step_python", lambda _, file: wanted.append(file))
    monkeypatch.setattr(bootstrap.os, "chdir", lambda _: None)
    monkeypatch.setattr(bootstrap.os, "execve", lambda *_: wanted.append("serves"))
    assert bootstrap.main([goal]) == 0
    assert wanted == [has_browsers, requirements, *(["serves"] if goal == "run" else [])]


def test_the_script_needs_nothing_installed() -> None:
    """-I -S: no site-packages, no environment."""
    command = [sys.executable, "-I", "-S", str(REPOSITORY / "deploy" / "bootstrap.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "bootstrap.py run" in done.stderr


def test_continuous_integration_runs_make_test_and_nothing_else(tmp_path: Path) -> None:
    program(tmp_path / "make", f'#!/bin/sh\necho "$PWD $@" >> "{tmp_path}/run"\n')
    subprocess.run([REPOSITORY / ".ci" / "run"], env={"PATH": f"{tmp_path}:/usr/bin:/bin"}, check=True)
    assert (tmp_path / "run").read_text() == f"{REPOSITORY} test\n"
    rule = subprocess.run(["make", "-n", "test"], cwd=REPOSITORY, capture_output=True, text=True, check=True).stdout
    assert rule.index("bootstrap.py test") < rule.index("mypy") < rule.index("lint-imports") < rule.index("pytest")


def test_requirements_are_pinned_exactly() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        for line in (REPOSITORY / name).read_text().splitlines():
            requirement = line.split("#")[0].strip()
            assert not requirement or requirement.startswith("-r ") or "==" in requirement, f"{name}: {line}"
