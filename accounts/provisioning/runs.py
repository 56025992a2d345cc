"""One run at a time, each with a name: begun, gone on with after a kill, ended."""

from __future__ import annotations

import fcntl
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date

from django.conf import settings
from django.db import connection, transaction
from django.utils import timezone

from accounts.audit.parties import Party
from accounts.audit.record import record
from accounts.models import ProvisioningRun
from accounts.models.provisioning import RunKind, RunState

# Any number that nothing else in this database locks.
_ADVISORY_LOCK = 7_310_250_000


class Busy(Exception):
    """Another run is going on."""


@contextmanager
def only_one() -> Iterator[None]:
    """Raises `Busy`. Whatever ends the process gives the lock back: kill -9 as well."""
    folder = settings.DATA_DIR / "provisioning"
    folder.mkdir(mode=0o700, exist_ok=True)
    with (folder / "lock").open("a") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        with _advisory_lock():  # several machines may share a database, and not a folder
            yield


@contextmanager
def _advisory_lock() -> Iterator[None]:
    if connection.vendor != "postgresql":
        yield
        return
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_ADVISORY_LOCK])
        if cursor.fetchone() != (True,):
            raise Busy
    try:
        yield
    finally:
        if connection.connection is not None and not connection.connection.closed:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_ADVISORY_LOCK])


def begin(
    kind: RunKind, source: str, *, file_name: str = "", fingerprint: str = "", actor: Party
) -> tuple[ProvisioningRun, bool]:
    """The run, and whether it is an interrupted one that goes on: that of the same file with the same options."""
    with transaction.atomic():
        if fingerprint and (found := interrupted(source, fingerprint)) is not None:
            return found, True
        run = create(kind, source, file_name=file_name, fingerprint=fingerprint, actor=actor)
        record_beginning(run, actor=actor)
    return run, False


def create(kind: RunKind, source: str, *, file_name: str = "", fingerprint: str = "", actor: Party) -> ProvisioningRun:
    """Without its entry, for those who record all at the end."""
    return ProvisioningRun.objects.create(
        key=_next_key(timezone.localdate()),
        kind=kind,
        source=source,
        file_name=file_name[:200],
        fingerprint=fingerprint,
        actor=actor.label or actor.kind,
    )


def record_beginning(run: ProvisioningRun, *, actor: Party) -> None:
    after = {"source": run.source, "file": run.file_name, "kind": run.kind}
    record("provisioning_began", actor=actor, target=party_of_run(run), after=after)


def interrupted(source: str, fingerprint: str) -> ProvisioningRun | None:
    """A run of this file that never ended. Whoever asks has the lock: it runs no more."""
    return ProvisioningRun.objects.filter(state=RunState.RUNNING, source=source, fingerprint=fingerprint).first()


def add_counts(run: ProvisioningRun, more: Counter[str]) -> None:
    """In the transaction of the batch that it counts."""
    run.counts = json.dumps(Counter(run.counted) + more, sort_keys=True)
    run.save(update_fields=["counts"])


def end(run: ProvisioningRun, *, actor: Party) -> None:
    with transaction.atomic():
        run.state, run.finished_at = RunState.DONE, timezone.now()
        run.save(update_fields=["state", "finished_at"])
        record("provisioning_ended", actor=actor, target=party_of_run(run), after=run.counted)


def party_of_run(run: ProvisioningRun) -> Party:
    return Party("import", run.key, f"{run.source} {run.key}")


def _next_key(day: date) -> str:
    """The day and a number: of all rows, so that the number of one that was deleted is not given again on that day."""
    begins = f"{day.isoformat()}-"
    keys = ProvisioningRun.objects.filter(key__startswith=begins).values_list("key", flat=True)
    return f"{begins}{max((int(key.removeprefix(begins)) for key in keys), default=0) + 1}"
