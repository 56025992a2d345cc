"""Dumps of the database, consistent while the portal writes, and what loads them again."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

from django.conf import settings

from visio_portal.backup.errors import BackupError, DamagedArchive

_TOOL_OPTIONS = {
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
    "options": "PGOPTIONS",
    "service": "PGSERVICE",
}


def kind() -> str:
    """A key of `archive.DATABASES`."""
    return "sqlite" if settings.DATABASES["default"]["ENGINE"].endswith("sqlite3") else "postgresql"


def sqlite_file() -> Path:
    return Path(settings.DATABASES["default"]["NAME"])


def dump(target: Path) -> None:
    """Writes all of the database as it is at one moment. Writers go on meanwhile."""
    if kind() == "postgresql":
        _tool("pg_dump", "--format=custom", "--no-owner", "--no-privileges", f"--file={target}")
        return
    source = sqlite_file()
    if not source.is_file():
        raise BackupError(f"There is no database at {source}: start the portal once, or check DATABASE_URL.")
    try:
        with closing(sqlite3.connect(source, timeout=60)) as live, closing(sqlite3.connect(target)) as copy:
            live.backup(copy)  # in one step: one reader's view, which in WAL mode stops no writer
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, complete in itself
    except sqlite3.Error as error:
        raise BackupError(f"{source} cannot be copied: {error}.") from error


def check(dumped: Path, database: str) -> None:
    """Raises `DamagedArchive` where the dump is no whole database; of PostgreSQL's only its table of contents is
    read, where the server's tools are there.
    """
    if database == "postgresql":
        if shutil.which("pg_restore"):
            _tool("pg_restore", "--list", str(dumped), error=DamagedArchive)
        return
    try:
        with closing(sqlite3.connect(f"file:{dumped}?mode=ro&immutable=1", uri=True)) as copy:
            answer = copy.execute("PRAGMA integrity_check").fetchone()[0]
            copy.execute("SELECT COUNT(*) FROM django_migrations").fetchone()
    except sqlite3.Error as error:
        raise DamagedArchive(f"The database in the backup cannot be read: {error}.") from error
    if answer != "ok":
        raise DamagedArchive(f"The database in the backup is damaged: {answer}")


def is_empty() -> bool:
    """Whether there is nothing that a restore would replace."""
    if kind() == "sqlite":
        return not sqlite_file().exists() or not sqlite_file().stat().st_size
    counted = _tool("psql", "-XAtc", "SELECT COUNT(*) FROM pg_catalog.pg_tables WHERE schemaname = 'public'")
    return counted.strip() == "0"


def load_postgresql(dumped: Path) -> None:
    """Replaces what is in the database, all or nothing: one transaction. May be repeated."""
    script = dumped.with_suffix(".sql")
    _tool("pg_restore", "--no-owner", "--no-privileges", f"--file={script}", str(dumped))
    try:
        _tool(
            "psql",
            "-Xq",
            "--single-transaction",
            "--set=ON_ERROR_STOP=1",
            # What is not in the backup must go, too: a later migration would find its tables made already.
            "--command=DROP SCHEMA public CASCADE",
            "--command=CREATE SCHEMA public",
            f"--file={script}",
        )
    finally:
        script.unlink(missing_ok=True)


def _tool(name: str, *arguments: str, error: type[BackupError] = BackupError) -> str:
    """Runs one of PostgreSQL's own programs. Passwords go by its environment: arguments are seen by everybody."""
    program = shutil.which(name)
    if program is None:
        raise BackupError(
            f"{name} is not installed: it comes with PostgreSQL (sudo apt-get install postgresql-client), and must not "
            "be older than the server."
        )
    environment = {**os.environ, **_connection()}
    done = subprocess.run(  # noqa: S603  PostgreSQL's program without a shell; no argument is a word of people's
        [program, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = done.stderr.strip().splitlines()
        raise error(f"{name} ended with {done.returncode}: {said[-1] if said else 'it said nothing'}")
    return done.stdout


def _connection() -> dict[str, str]:
    database: dict[str, Any] = settings.DATABASES["default"]
    if kind() == "sqlite":
        return {}
    options: dict[str, Any] = database.get("OPTIONS", {})
    found = {
        "PGHOST": database.get("HOST"),
        "PGPORT": database.get("PORT"),
        "PGUSER": database.get("USER"),
        "PGPASSWORD": database.get("PASSWORD"),
        "PGDATABASE": database["NAME"],
        **{variable: options[name] for name, variable in _TOOL_OPTIONS.items() if options.get(name)},
    }
    return {name: str(value) for name, value in found.items() if value}
