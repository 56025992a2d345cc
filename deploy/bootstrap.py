"""All the set-up between a clone and a running portal. Needs nothing but Python ≥ 3.11 (and apt for system packages).

    python3 deploy/bootstrap.py set-up  everything that `manage.py serve` needs, and nothing else
    python3 deploy/bootstrap.py run     the same, then runs it
    python3 deploy/bootstrap.py test    the same, and what the whole test suite needs
    python3 deploy/bootstrap.py fast    the same, without browsers and other system packages for tests

Each step remembers a hash of what it depends on (build/stamps), so that a second start does only what changed.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import shlex
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
STAMPS = ROOT / "build" / "stamps"
# A step that has nothing to show says so often that it is still at work: nobody should think that it hangs.
PULSE_SECONDS = 10.0

# Debian package → a file or program that shows it is there, also where it came by another way.
RUN_PACKAGES = {"gettext": "msgfmt"}
TEST_PACKAGES = {
    "chromium": "chromium",
    "firefox-esr": "firefox-esr",
    "coturn": "turnserver",  # calls through a TURN server
    "iproute2": "ip",  # network namespaces
    "iptables": "iptables",
    "postgresql": "pg_ctlcluster",  # backups of a portal on it
}
# Made once, kept for ever. Nothing here has a default.
SECRETS: dict[str, Callable[[], str]] = {
    "SECRET_KEY": lambda: secrets.token_urlsafe(48),
    "LIVEKIT_API_KEY": lambda: "visio" + secrets.token_hex(4),
    "LIVEKIT_API_SECRET": lambda: secrets.token_urlsafe(36),
}


CLEAR_LINE = "\r\x1b[K" if sys.stderr.isatty() else ""


class SetupError(Exception):
    """Set-up cannot go on. The message says what to do."""


class Progress:
    """Numbers the steps and says how long each took. All on standard error: standard output is the portal's."""

    def __init__(self, total: int) -> None:
        self.total = total
        self.number = 0
        self.started = 0.0

    def begin(self, title: str) -> None:
        self.number += 1
        self.started = time.monotonic()
        self.say(f"[{self.number}/{self.total}] {title} … ", end="")

    def unchanged(self) -> None:
        self.say("unchanged")

    def work(self, size: str = "") -> None:
        self.say(size)

    def done(self, result: str = "") -> None:
        seconds = time.monotonic() - self.started
        self.say(f"      done in {seconds:.1f} s" + (f", {result}" if result else ""))

    @staticmethod
    def say(text: str, end: str = "\n") -> None:
        sys.stderr.write(text + end)
        sys.stderr.flush()


class Pulse:
    """While it is entered, says every `PULSE_SECONDS` what is going on; `text` may be changed."""

    def __init__(self, progress: Progress, text: str) -> None:
        self.text = text
        self._progress = progress
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Pulse:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _beat(self) -> None:
        while not self._ended.wait(PULSE_SECONDS):
            seconds = time.monotonic() - self._progress.started
            self._progress.say(f"{CLEAR_LINE}      {seconds:4.0f} s  {self.text}")


# --- Stamps -----------------------------------------------------------------------------------------------------------


def digest(paths: Iterable[Path], *words: str) -> str:
    """One hash over the names and contents of files, and over `words`."""
    total = hashlib.sha256("\0".join(words).encode())
    for path in sorted(paths):
        total.update(str(path).encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def files_below(*folders: Path, pattern: str = "*") -> list[Path]:
    return [path for folder in folders if folder.is_dir() for path in folder.rglob(pattern) if path.is_file()]


def is_current(name: str, value: str) -> bool:
    stamp = STAMPS / name
    return stamp.exists() and stamp.read_text() == value


def forget(pattern: str) -> None:
    """Before a step's work: what is interrupted half-way is not what any stamp says."""
    for stamp in STAMPS.glob(pattern):
        stamp.unlink()


def remember(name: str, value: str) -> None:
    STAMPS.mkdir(parents=True, exist_ok=True)
    (STAMPS / name).write_text(value)


# --- System packages --------------------------------------------------------------------------------------------------


def missing_packages(wanted: dict[str, str]) -> list[str]:
    """Of `wanted`, what this machine lacks."""
    path = os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/sbin"])
    return [package for package, program in wanted.items() if not shutil.which(program, path=path)]


def install_packages(missing: Sequence[str], progress: Progress) -> None:
    """Installs by apt: at once as root, by sudo after a question, else raises with the exact line."""
    # The lists first, always: what old ones name is no longer on the servers.
    commands = [["apt-get", "update"], ["apt-get", "install", "-y", "--no-install-recommends", *missing]]
    with_sudo = [["sudo", *command] for command in commands]
    by_hand = " && ".join(map(shlex.join, with_sudo))
    if not shutil.which("apt-get"):
        raise SetupError(f"Please install these programs first: {', '.join(missing)} (on Debian: {by_hand})")
    if os.geteuid() != 0:
        listed = apt_size(missing) or ", ".join(missing)
        if not (shutil.which("sudo") and sys.stdin.isatty()):
            raise SetupError(f"Missing: {listed}. Please run this line, then start again:\n\n    {by_hand}\n")
        progress.say(f"\n      Missing: {listed}. This would be run:\n\n    {by_hand}\n")
        if input("      Run it now? [y/N] ").strip().lower() not in ("y", "yes", "o", "oui", "j", "ja"):
            raise SetupError("Nothing was installed. Start again when the packages are there.")
        commands = with_sudo
    update, install = commands
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    progress.work(shlex.join(update))
    run(update, environment)
    progress.say(f"      {apt_size(missing) or ', '.join(missing)}")
    run(install, environment)


def apt_size(packages: Sequence[str]) -> str:
    """What apt would download; empty where it cannot say. Asks for addresses only, which needs no rights."""
    command = ["apt-get", "install", "--print-uris", "-qq", "-y", "--no-install-recommends", *packages]
    answer = subprocess.run(  # noqa: S603  our own words
        command, capture_output=True, text=True, check=False, env={**os.environ, "LC_ALL": "C"}
    )
    if answer.returncode:
        return ""
    sizes = re.findall(r"^'[^']+' \S+ (\d+) ", answer.stdout, re.MULTILINE)  # 'address' file size hash
    return f"{', '.join(packages)} ({sum(map(int, sizes)) / 1e6:.1f} MB to download)"


# --- Steps ------------------------------------------------------------------------------------------------------------


def run(command: Sequence[str | Path], environment: dict[str, str] | None = None) -> None:
    """Runs a command with its output on our standard error. Raises `SetupError` when it fails."""
    words = [str(word) for word in command]
    done = subprocess.run(words, cwd=ROOT, env=environment or tool_environment(), stdout=sys.stderr, check=False)  # noqa: S603  our own commands
    if done.returncode:
        raise SetupError(f"This command ended with {done.returncode}: {shlex.join(words)}")


def tool_environment() -> dict[str, str]:
    """The environment of our tools: node, npm and go come from the virtual environment."""
    # A secret that is exported and empty would win over the one in .env.
    outer = {name: value for name, value in os.environ.items() if value or name not in SECRETS}
    return {
        **outer,
        "PATH": os.pathsep.join([str(VENV / "bin"), os.environ.get("PATH", "")]),
        "VIRTUAL_ENV": str(VENV),
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
        "npm_config_fund": "false",
        "npm_config_audit": "false",
        "npm_config_update_notifier": "false",
    }


def step_system(progress: Progress, wanted: dict[str, str]) -> None:
    progress.begin("System packages")
    missing = missing_packages(wanted)
    if not missing:
        progress.unchanged()
        return
    install_packages(missing, progress)
    progress.done()


def step_python(progress: Progress, requirements: str) -> None:
    progress.begin("Python packages")
    wanted = digest(ROOT.glob("requirements*.txt"), requirements, sys.version)
    has_all = any(
        is_current(f"python-{name}", digest(ROOT.glob("requirements*.txt"), name, sys.version))
        for name in _at_least(requirements)
    )
    if PYTHON.exists() and has_all:
        progress.unchanged()
        return
    progress.work()
    if not PYTHON.exists() or not _works():
        make_venv()
    forget("python-*")
    size = pip_install(requirements, progress)
    remember(f"python-{requirements}", wanted)
    progress.done(size)


def _at_least(requirements: str) -> list[str]:
    """The requirement files that hold all of this one."""
    return [requirements] if requirements == "requirements-dev.txt" else [requirements, "requirements-dev.txt"]


def _works() -> bool:
    command = [str(PYTHON), "-c", "import pip, sys; sys.exit(sys.version_info < (3, 11))"]
    return subprocess.run(command, check=False, capture_output=True).returncode == 0  # noqa: S603  our own command


def make_venv() -> None:
    forget("python-*")  # what an earlier environment held
    try:
        run([sys.executable, "-m", "venv", "--clear", VENV], dict(os.environ))
    except SetupError as error:
        raise SetupError("The virtual environment cannot be made: sudo apt-get install python3-venv") from error


def pip_install(requirements: str, progress: Progress) -> str:
    """Installs exactly what is pinned; shows each download with its size, and returns their sum."""
    command = [str(PYTHON), "-m", "pip", "install", "--no-input", "--progress-bar", "off", "-r", requirements]
    total = 0.0
    tail: list[str] = []
    with (
        Pulse(progress, "Looking for packages") as pulse,
        subprocess.Popen(  # noqa: S603  our own command
            command, cwd=ROOT, env=tool_environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        ) as pip,
    ):
        assert pip.stdout is not None
        for line in pip.stdout:
            tail = [*tail[-20:], line]
            if found := re.match(r"\s*(?:Downloading|Using cached) (\S+) \(([\d.]+) (\w+)\)", line):
                total += float(found[2]) * {"bytes": 1e-6, "kB": 1e-3, "MB": 1.0, "GB": 1e3}.get(found[3], 0.0)
                pulse.text = f"{total:.0f} MB  {found[1].split('/')[-1][:70]}"
                if CLEAR_LINE:
                    progress.say(f"{CLEAR_LINE}      {pulse.text}", end="")
            elif line.startswith("Installing"):
                pulse.text = f"{total:.0f} MB are here and are being installed"
    if pip.returncode:
        raise SetupError("pip could not install the packages:\n" + "".join(tail))
    progress.say(CLEAR_LINE, end="")
    return f"{total:.0f} MB"


def step_node(progress: Progress) -> None:
    progress.begin("Front-end packages")
    wanted = digest([ROOT / "package.json", ROOT / "package-lock.json"])
    if is_current("node", wanted) and (ROOT / "node_modules").is_dir():
        progress.unchanged()
        return
    progress.work()
    forget("node")
    with Pulse(progress, "npm downloads what package-lock.json names"):
        # No package's own script is run: what is installed is what the lock file names, nothing else.
        run([VENV / "bin" / "npm", "ci", "--ignore-scripts", "--loglevel", "error"])
    remember("node", wanted)
    progress.done(f"{folder_size_mb(ROOT / 'node_modules')} MB")


def folder_size_mb(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file()) >> 20


def step_front_end(progress: Progress) -> None:
    progress.begin("Call page")
    inputs = [
        *files_below(ROOT / "frontend"),
        ROOT / "package-lock.json",
        ROOT / "package.json",
        ROOT / "tsconfig.json",
    ]
    wanted = digest(inputs)
    if is_current("front-end", wanted) and (ROOT / "build" / "static" / "call").is_dir():
        progress.unchanged()
        return
    progress.work()
    forget("front-end")
    run([VENV / "bin" / "npm", "run", "--silent", "build"])
    remember("front-end", wanted)
    progress.done()


def step_secrets(progress: Progress) -> None:
    progress.begin("Secrets in .env")
    path = ROOT / ".env"
    text = path.read_text() if path.exists() else ""
    present = set(re.findall(r"^[ \t]*(?:export[ \t]+)?(\w+)[ \t]*=[ \t]*\S", text, re.MULTILINE))
    lacking = [name for name in SECRETS if name not in present and not os.environ.get(name)]
    was_open = tighten(path)
    if not lacking:
        if was_open:
            progress.work(was_open)
        else:
            progress.unchanged()
        return
    for name in lacking:
        # An empty line of that name would win over a later one.
        text = re.sub(rf"^[ \t]*(?:export[ \t]+)?{name}[ \t]*=[ \t]*\n?", "", text, flags=re.MULTILINE)
    gap = "\n" if text and not text.endswith("\n") else ""
    write_private(path, text + gap + "".join(f"{name}={SECRETS[name]()}\n" for name in lacking))
    progress.work(", ".join(lacking) + " made" + (f"; {was_open}" if was_open else ""))


def tighten(path: Path) -> str:
    """Takes the rights of others to a file of ours away; returns what to say about it, if anything."""
    if not path.exists():
        return ""
    status = path.stat()
    mode = stat.S_IMODE(status.st_mode)
    if not mode & 0o077:
        return ""
    if status.st_uid != os.geteuid():
        return f"warning: {path} is open to others (mode {mode:04o}), and only its owner can change that"
    path.chmod(0o600)
    return f"{path.name} was open to others (mode {mode:04o}) and is now its owner's alone"


def write_private(path: Path, text: str) -> None:
    """Replaces the file in one step; nobody but its owner can read it at any time."""
    partial = path.with_name(path.name + ".new")
    partial.unlink(missing_ok=True)
    with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text)
    partial.replace(path)


def step_languages(progress: Progress) -> None:
    progress.begin("Languages")
    sources = files_below(ROOT / "locale", pattern="*.po")
    wanted = digest(sources)
    if is_current("languages", wanted) and all(source.with_suffix(".mo").exists() for source in sources):
        progress.unchanged()
        return
    progress.work()
    forget("languages")
    for source in sources:
        run(["msgfmt", "--check-format", "-o", source.with_suffix(".mo"), source])
    remember("languages", wanted)
    progress.done(f"{len(sources)} files")


def step_static(progress: Progress) -> None:
    progress.begin("Static files")
    inputs = files_below(*(folder / "static" for folder in ROOT.iterdir()))  # each app's, and the build's
    code = [ROOT / "requirements.txt", ROOT / "visio_portal" / "static_files.py"]
    wanted = digest([*inputs, *code])
    if is_current("static", wanted) and (ROOT / "build" / "collected" / "staticfiles.json").exists():
        progress.unchanged()
        return
    progress.work()
    forget("static")
    # Needs none of the administrator's settings; a DATA_DIR of its own, since settings.py makes that folder.
    environment = {**tool_environment(), "DATA_DIR": str(ROOT / "build" / "no-data"), "SECRET_KEY": "unused"}
    run([PYTHON, "manage.py", "collectstatic", "--noinput", "--verbosity", "0", "--skip-checks"], environment)
    remember("static", wanted)
    progress.done(f"{folder_size_mb(ROOT / 'build' / 'collected')} MB")


# --- Goals ------------------------------------------------------------------------------------------------------------


def set_up(goal: str) -> None:
    progress = Progress(7)
    packages = {**RUN_PACKAGES, **(TEST_PACKAGES if goal == "test" else {})}
    step_system(progress, packages)
    step_python(progress, "requirements.txt" if goal in ("set-up", "run") else "requirements-dev.txt")
    step_node(progress)
    step_front_end(progress)
    step_secrets(progress)
    step_languages(progress)
    step_static(progress)


def main(arguments: Sequence[str]) -> int:
    if len(arguments) != 1 or arguments[0] not in ("set-up", "run", "test", "fast"):
        sys.stderr.write(__doc__ or "")
        return 2
    if sys.version_info < (3, 11):  # noqa: UP036  nothing has checked it before
        sys.stderr.write(f"Python 3.11 or newer is needed; this is {sys.version.split()[0]}.\n")
        return 1
    try:
        set_up(arguments[0])
    except SetupError as error:
        sys.stderr.write(f"\n{error}\n")
        return 1
    except KeyboardInterrupt:
        sys.stderr.write("\nStopped. Start again: finished steps are not repeated.\n")
        return 130
    if arguments[0] == "run":
        # In this process's place, so that Ctrl-C and signals reach the supervisor itself.
        os.chdir(ROOT)
        os.execve(PYTHON, [str(PYTHON), "manage.py", "serve"], tool_environment())  # noqa: S606  our own command
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
