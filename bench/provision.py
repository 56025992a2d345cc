"""`make bench-provision`: an HR file of a quarter of a million people, from process start to exit, as JSON lines.

Each case starts `manage.py provision_users` anew on a database of its own, SQLite or a PostgreSQL that is started for
it. `new`: everybody is new, 12,000 organisations are there, 3 % of the rows are faulty. `unchanged`: the same file
again. `monthly`: 4 % of the rows say something new, a quarter of which that somebody is suspended, and 1 % of the
people are missing (--full): just more than the safety stop lets pass unasked. `undo` takes `monthly` back, and what
`export_users` writes is byte for byte what it was. Meanwhile `sign_ins` of `new` try the database's pen as a sign-in
does (SQLite).
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.gobuild import ROOT

SEED = 20261125
ORGANISATIONS = 12_000
FAULTY, CHANGED, LEAVERS = 0.03, 0.04, 0.01
_FIRST = [
    "Anne",
    "Zoé",
    "Luc",
    "Émile",
    "Karim",
    "Inès",
    "Paul",
    "Chloé",
    "Hugo",
    "Noémie",
    "Yanis",
    "Marie",
    "Jean",
    "Léa",
    "Louis",
    "Aïcha",
]
_LAST = [
    "Martin",
    "Bernard",
    "Petit",
    "Durand",
    "Lefèvre",
    "Moreau",
    "Noël",
    "Garcia",
    "Roux",
    "Fontaine",
    "Chevalier",
    "Benoît",
    "Girard",
    "Lambert",
]
_HEADER = "Matricule;Courriel;Prénom;Nom;Service;Responsable;Date d'arrivée;Date de départ;Statut"


def people(rows: int) -> list[list[str]]:
    """Cells of each person; the faulty ones are faulty each time."""
    chance = random.Random(SEED)
    found = []
    for number in range(rows):
        first, last = chance.choice(_FIRST), chance.choice(_LAST)
        email = f"{_plain(first)}.{_plain(last)}.{number}@ministere.example"
        office = f"S{chance.randrange(ORGANISATIONS):05d}"
        arrived = f"{chance.randrange(1, 28):02d}/{chance.randrange(1, 12):02d}/{chance.randrange(1990, 2026)}"
        cells = [f"{number:08d}", email, first, last, office, f"{number // 12:08d}", arrived, "", "actif"]
        if chance.random() < FAULTY:
            place, value = chance.choice([(1, "no address"), (4, "S99999"), (6, "31/02/2020"), (8, "?")])
            cells[place] = value
        found.append(cells)
    return found


def a_month_later(before: list[list[str]]) -> list[list[str]]:
    chance = random.Random(SEED + 1)
    later = []
    for cells in before:
        fate = chance.random()
        if fate < LEAVERS:
            continue
        if fate < LEAVERS + CHANGED:
            kind = chance.randrange(4)
            if kind == 0:
                cells = [*cells[:3], "Nouveau-Nom", *cells[4:]]
            elif kind == 1:
                cells = [*cells[:4], f"S{chance.randrange(ORGANISATIONS):05d}", *cells[5:]]
            elif kind == 2:
                cells = [*cells[:8], "suspendu"]
            else:
                cells = [cells[0], f"nouveau.{cells[1]}", *cells[2:]]
        later.append(cells)
    return later


def write(path: Path, rows: list[list[str]]) -> Path:
    path.write_text("\n".join([_HEADER, *(";".join(cells) for cells in rows)]) + "\n", encoding="utf-8")
    return path


def _plain(name: str) -> str:
    return name.lower().translate(str.maketrans("éèïëî", "eeiei"))


# `time -v` is not everywhere: a small Python waits for the command and asks the kernel.
_WAIT = """
import resource, subprocess, sys
code = subprocess.run(sys.argv[1:]).returncode
print(chr(10) + str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss), file=sys.stderr)
sys.exit(code)
"""


class Bench:
    """One database, and the commands of the portal on it."""

    def __init__(self, database: str, url: str, folder: Path, rows: int) -> None:
        self.database, self.folder, self.rows = database, folder, rows
        self.environment = {
            **os.environ,
            "ENV_FILE": "",
            "DATA_DIR": str(folder / "data"),
            "DATABASE_URL": url,
            "SECRET_KEY": hashlib.sha512(b"bench").hexdigest(),
            "LIVEKIT_API_KEY": "bench",
            "LIVEKIT_API_SECRET": hashlib.sha256(b"bench").hexdigest(),
            "LOG_LEVEL": "WARNING",
        }

    def manage(self, *arguments: str) -> tuple[float, float, int, str]:
        """(seconds, MB of the largest resident set, exit code, what it wrote)."""
        began = time.monotonic()
        done = subprocess.run(
            [sys.executable, "-c", _WAIT, sys.executable, str(ROOT / "manage.py"), *arguments],
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            cwd=ROOT,
        )
        seconds = time.monotonic() - began
        return seconds, int(done.stderr.rsplit("\n", 2)[-2]) / 1024, done.returncode, done.stdout + done.stderr

    def prepare(self) -> None:
        _s, _m, code, said = self.manage("migrate", "--verbosity", "0")
        if code:
            raise SystemExit(said)
        script = (
            "from accounts.models import Organisation as O;"
            "root=O.objects.create(name='Ministry',source='sirh',external_id='M');"
            "O.objects.bulk_create([O(name='Service %d'%n,source='sirh',external_id='S%05d'%n,parent=root,"
            f"lineage=root.lineage_below) for n in range({ORGANISATIONS})],batch_size=500)"
        )
        _s, _m, code, said = self.manage("shell", "-c", script)
        if code:
            raise SystemExit(said)

    def case(self, name: str, *arguments: str, good: tuple[int, ...] = (0, 1), **more: Any) -> dict[str, Any]:
        seconds, rss_mb, code, said = self.manage(*arguments)
        facts: dict[str, Any] = next((json.loads(line) for line in said.splitlines() if line.startswith("{")), {})
        line = {
            "case": name,
            "database": self.database,
            "rows": self.rows,
            "seconds": round(seconds, 2),
            "rows_per_s": round(self.rows / seconds),
            "rss_mb": round(rss_mb),
            "valid": code in good and bool(facts),
            "counts": facts.get("counts"),
            **more,
        }
        if not line["valid"]:
            line["reason"] = said[-2000:]
        line["run"] = facts.get("run", "")
        return line

    def exported(self) -> str:
        path = self.folder / "export.csv"
        _s, _m, code, said = self.manage("export_users", str(path))
        if code:
            raise SystemExit(said)
        return hashlib.sha256(path.read_bytes()).hexdigest()


class Visitors:
    """Who signs in meanwhile: a session row, written as a sign-in writes it, every 0.2 s (SQLite)."""

    def __init__(self, path: Path) -> None:
        self.path, self.failures = path, 0
        self.waits: list[float] = []
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Visitors:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def figures(self) -> dict[str, Any]:
        waits = sorted(self.waits)
        if not waits:
            return {}
        p95 = waits[int(len(waits) * 0.95)]
        return {
            "sign_ins": len(waits),
            "sign_ins_failed": self.failures,
            "sign_in_p95_s": round(p95, 3),
            "sign_in_max_s": round(waits[-1], 3),
        }

    def _run(self) -> None:
        import sqlite3

        number = 0
        while not self._stop.wait(0.2):
            number += 1
            began = time.monotonic()
            connection = sqlite3.connect(self.path, timeout=20, isolation_level=None)
            try:
                connection.execute("BEGIN IMMEDIATE")
                connection.execute(
                    "INSERT INTO django_session VALUES (?, 'x', '2030-01-01 00:00:00')", [f"visitor{number}"]
                )
                connection.execute("COMMIT")
            except sqlite3.OperationalError:
                self.failures += 1
            finally:
                connection.close()
            self.waits.append(time.monotonic() - began)


@contextmanager
def sqlite(folder: Path) -> Iterator[str]:
    yield f"sqlite:///{folder / 'portal.sqlite3'}"


@contextmanager
def postgresql(folder: Path) -> Iterator[str]:
    """A cluster of its own in `folder`, on a socket there; as the user `postgres` where we are root."""
    binaries = max(Path("/usr/lib/postgresql").glob("*/bin"), default=None)
    if binaries is None:
        raise SystemExit("PostgreSQL is not installed: sudo apt-get install postgresql")
    home = folder / "pg"
    home.mkdir()
    prefix: list[str] = []
    if os.getuid() == 0:
        shutil.chown(home, "postgres")
        folder.chmod(0o755)
        prefix = ["runuser", "-u", "postgres", "--"]
    data = home / "data"

    def run(*command: str) -> None:
        subprocess.run([*prefix, *command], check=True, stdout=subprocess.DEVNULL, cwd="/")

    run(str(binaries / "initdb"), "-D", str(data), "-A", "trust", "-U", "visio", "-E", "UTF8", "--locale=C.UTF-8")
    options = f"-k {home} -c listen_addresses='' -c fsync=on"
    run(str(binaries / "pg_ctl"), "-D", str(data), "-o", options, "-l", str(home / "log"), "-w", "start")
    try:
        run(str(binaries / "createdb"), "-h", str(home), "-U", "visio", "visio")
        yield f"postgres://visio@/visio?host={home}"
    finally:
        run(str(binaries / "pg_ctl"), "-D", str(data), "-m", "immediate", "-w", "stop")


DATABASES: dict[str, Callable[[Path], Any]] = {"sqlite": sqlite, "postgresql": postgresql}


def measure(database: str, rows: int) -> Iterator[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with DATABASES[database](folder) as url:
            bench = Bench(database, url, folder, rows)
            bench.prepare()
            everybody = people(rows)
            file = write(folder / "hr.csv", everybody)
            importing = ("--source", "sirh", "--apply", "--json")
            if database == "sqlite":
                with Visitors(folder / "portal.sqlite3") as visitors:
                    line = bench.case("new", "provision_users", str(file), *importing)
                yield line | visitors.figures()
            else:
                yield bench.case("new", "provision_users", str(file), *importing)
            yield bench.case("unchanged", "provision_users", str(file), *importing)
            before = bench.exported()
            later = write(folder / "later.csv", a_month_later(everybody))
            monthly = bench.case("monthly", "provision_users", str(later), *importing, "--full", "--max-leavers", "3")
            yield monthly
            changed = bench.exported() != before
            undone = bench.case("undo", "provision_users", "--undo", monthly["run"], "--json")
            yield undone | {"valid": undone["valid"] and changed and bench.exported() == before}
            audit = bench.case("verify_audit", "verify_audit", "--json", good=(0,))
            yield audit


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=250_000)
    parser.add_argument("--database", choices=DATABASES, action="append")
    options = parser.parse_args()
    valid = True
    for database in options.database or list(DATABASES):
        for line in measure(database, options.rows):
            valid &= line["valid"]
            print(json.dumps(line, ensure_ascii=False), flush=True)
    sys.exit(0 if valid else 1)


if __name__ == "__main__":
    main()
