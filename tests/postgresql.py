"""A PostgreSQL server for one test: its own folder, reached by a socket in it, gone at the end."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def postgresql() -> Iterator[str]:
    """The DATABASE_URL of an empty database."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    assert binaries is not None, "PostgreSQL is not installed: sudo apt-get install postgresql"
    with tempfile.TemporaryDirectory(prefix="visio-pg-") as name:  # a socket's path must be short
        home = Path(name)
        as_owner: list[str] = []
        if os.getuid() == 0:  # the server refuses to run as root
            shutil.chown(home, "postgres")
            as_owner = ["runuser", "-u", "postgres", "--"]
        data = home / "data"

        def run(program: str, *arguments: str) -> None:
            command = [*as_owner, str(binaries / program), *arguments]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL, cwd="/", timeout=120)

        run("initdb", "-D", str(data), "-A", "trust", "-U", "visio", "-E", "UTF8", "--locale=C.UTF-8")
        options = f"-k {home} -c listen_addresses='' -c fsync=off"
        run("pg_ctl", "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "start")
        try:
            run("createdb", "-h", str(home), "-U", "visio", "visio")
            yield f"postgres://visio@/visio?host={home}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "-w", "stop")
