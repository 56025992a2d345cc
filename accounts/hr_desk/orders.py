"""What HR orders on its pages: a file to be looked at, applied, deleted; a run to be taken back. Jobs do the work."""

from __future__ import annotations

import uuid
from collections.abc import Iterable

from django.db import IntegrityError, transaction
from django.utils.translation import get_language

from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.hr_desk import storage
from accounts.models import HrFile, HrUndo, ProvisioningRun, User
from accounts.models.hr_file import HrFileState
from accounts.models.provisioning import RunState
from accounts.provisioning.runs import party_of_run
from jobs.models import Job, State
from jobs.queue import enqueue

LOOK, APPLY, UNDO = "accounts.look_at_hr_file", "accounts.apply_hr_file", "accounts.undo_import"
# What one source may have lying here at once.
MAX_FILES = 20


class NotNow(Exception):
    """It is not in a state for that any more: somebody else decided, or this is a second click."""


def is_full(source: str) -> bool:
    return HrFile.objects.filter(source=source).count() >= MAX_FILES


def receive(
    pieces: Iterable[bytes], *, name: str, source: str, is_full: bool, max_leavers: float, acting_user: User
) -> HrFile:
    """Keeps the file and has it looked at. Raises `storage.TooLarge`. The form has said that the person may."""
    key = uuid.uuid4()
    size, digest = storage.keep(key, pieces)
    with transaction.atomic():
        file = HrFile.objects.create(
            public_id=key,
            source=source,
            file_name=name[:200],
            size_bytes=size,
            digest=digest,
            is_full=is_full,
            max_leavers=max_leavers,
            language=get_language() or "",
            uploaded_by=acting_user,
        )
        _order(LOOK, file.public_id, acting_user)
        told = {"source": source, "file": file.file_name, "sha256": digest, "full": is_full, "max_leavers": max_leavers}
        record("hr_file_uploaded", actor=person(acting_user), target=party_of_file(file), after=told)
    return file


def confirm(file: HrFile, *, acting_user: User) -> None:
    """Has exactly this file applied. Raises `NotNow`."""
    with transaction.atomic():
        # Of two people who decide at once, one does.
        waiting = HrFile.objects.filter(pk=file.pk, state=HrFileState.READY)
        if not waiting.update(state=HrFileState.APPLYING, confirmed_by=acting_user):
            raise NotNow
        _order(APPLY, file.public_id, acting_user)
        record(
            "hr_file_confirmed", actor=person(acting_user), target=party_of_file(file), after={"sha256": file.digest}
        )


def discard(file: HrFile, *, acting_user: User) -> None:
    """Throws file and reports away. Raises `NotNow` while a job is at it, and where one began to apply it."""
    with transaction.atomic():
        at_work = [state for state in HrFileState if state.is_at_work]
        if job_of(LOOK, file.public_id) is None:  # it ended before it had looked: nothing came of the file
            at_work.remove(HrFileState.LOOKING)
        if not HrFile.objects.filter(pk=file.pk).exclude(state__in=at_work).delete()[0]:
            raise NotNow
        record("hr_file_deleted", actor=person(acting_user), target=party_of_file(file))
        transaction.on_commit(lambda: storage.remove(file.public_id))


def order_undo(run: ProvisioningRun, *, acting_user: User) -> HrUndo:
    """Raises `NotNow`."""
    try:
        with transaction.atomic():
            if not ProvisioningRun.objects.filter(pk=run.pk).exclude(state=RunState.UNDONE).exists():
                raise NotNow
            undo = HrUndo.objects.create(run=run, language=get_language() or "", ordered_by=acting_user)
            _order(UNDO, undo.public_id, acting_user)
            record("provisioning_undo_ordered", actor=person(acting_user), target=party_of_run(run))
    except IntegrityError as error:  # ordered already
        raise NotNow from error
    return undo


def try_again(kind: str, key: uuid.UUID, *, acting_user: User) -> None:
    """After a job that was given up or cancelled. One that is still at work stays the only one."""
    _order(kind, key, acting_user)


def job_of(kind: str, key: uuid.UUID) -> Job | None:
    """The one that is at it; None where it was given up or cancelled."""
    ended_early = [State.DEAD, State.CANCELLED]
    return Job.objects.filter(idempotency_key=_job_key(kind, key)).exclude(state__in=ended_early).first()


def party_of_file(file: HrFile) -> Party:
    return Party("hr_file", str(file.public_id), f"{file.source} {file.file_name}")


def _order(kind: str, key: uuid.UUID, acting_user: User) -> None:
    told = {"key": str(key), "person": acting_user.pk}
    enqueue(kind, told, idempotency_key=_job_key(kind, key), until_done=True)


def _job_key(kind: str, key: uuid.UUID) -> str:
    return f"{kind}-{key}"
