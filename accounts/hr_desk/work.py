"""What the jobs of HR's pages do, each of which may run twice: look at a file, apply it, take a run back, forget.

A file that is refused has done its job: only what nobody foresaw fails one.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.utils import timezone, translation
from django.utils.formats import number_format
from django.utils.translation import gettext as _

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.hr_desk import storage
from accounts.hr_desk.orders import APPLY, UNDO, job_of, party_of_file
from accounts.hr_desk.reasons import in_words
from accounts.hr_desk.rights import runs_visible_to
from accounts.hr_desk.watching import JobWatcher
from accounts.models import HrDuty, HrFile, HrUndo, ProvisioningRun, User
from accounts.models.hr_file import HrFileState, HrUndoState
from accounts.models.provisioning import RunState
from accounts.provisioning import importing, undoing
from accounts.provisioning.importing import Options, Outcome, TooManyLeavers
from accounts.provisioning.problems import FileRefused
from accounts.provisioning.reports import CsvReport
from accounts.provisioning.runs import Busy
from jobs.queue import Postponed
from jobs.worker import Work

_LOOK_AGAIN_AFTER = timedelta(seconds=15)


class _Withdrawn(Exception):
    """Whoever ordered it may not any more."""


def look(work: Work) -> None:
    file = HrFile.objects.filter(public_id=work.payload["key"], state=HrFileState.LOOKING).first()
    if file is None:
        return  # an attempt before this one came to the end
    with translation.override(file.language or settings.LANGUAGE_CODE):
        errors = storage.report_of(file.public_id, storage.ERRORS)
        watcher = JobWatcher(work, problems=errors, changes=storage.report_of(file.public_id, storage.CHANGES))
        trouble, outcome = "", Outcome()
        try:
            _acting(work, file.source)
            outcome = importing.look(str(storage.path_of(file.public_id)), io.BytesIO(), _options(file), watcher)
        except (FileRefused, TooManyLeavers, _Withdrawn) as error:
            trouble = _words(error)
        finally:
            watcher.close()
        changes = watcher.changes.count if watcher.changes else 0
        found = {**_facts(outcome), "errors": watcher.problems.count, "changes": changes}
        _end(file, HrFileState.REFUSED if trouble else HrFileState.READY, trouble=trouble, found=found)


def apply(work: Work) -> None:
    file = HrFile.objects.filter(public_id=work.payload["key"], state=HrFileState.APPLYING).first()
    if file is None:
        return
    with translation.override(file.language or settings.LANGUAGE_CODE):
        if file.run is not None and file.run.state != RunState.RUNNING:
            _end(file, HrFileState.APPLIED, done={"counts": file.run.counted})  # killed before it could say so
            return
        watcher = _Applying(file, work)
        trouble, outcome = "", Outcome()
        try:
            acting = _acting(work, file.source)
            path = str(storage.path_of(file.public_id))
            outcome = importing.apply(path, io.BytesIO(), _options(file), watcher, actor=person(acting))
        except (FileRefused, TooManyLeavers, _Withdrawn) as error:
            trouble = _words(error)
            if file.run is not None:
                trouble += " " + _("The part that was applied before is the import %(run)s.") % {"run": file.run.key}
        except Busy:
            raise Postponed(timezone.now() + _LOOK_AGAIN_AFTER, "another import is going on") from None
        finally:
            watcher.close()
        done = {**_facts(outcome), "errors": watcher.problems.count}
        _end(file, HrFileState.REFUSED if trouble else HrFileState.APPLIED, trouble=trouble, done=done)


def undo(work: Work) -> None:
    order = HrUndo.objects.filter(public_id=work.payload["key"], state=HrUndoState.ORDERED).first()
    if order is None:
        return
    with translation.override(order.language or settings.LANGUAGE_CODE):
        watcher = JobWatcher(work, problems=storage.report_of(order.public_id, storage.ERRORS))
        trouble = ""
        left: list[tuple[str, str]] = []
        try:
            if order.run.state != RunState.UNDONE:  # else an attempt before this one did it
                acting = _acting(work, order.run.source)
                if not runs_visible_to(acting).filter(pk=order.run.pk).exists():
                    raise _Withdrawn
                left = undoing.undo(order.run.key, watcher, actor=person(acting)).left
        except (undoing.NotUndoable, _Withdrawn) as error:
            trouble = _words(error)
        except Busy:
            trouble = _("Another import is going on. Nothing was changed: undo this one again when it has ended.")
        finally:
            watcher.close()
        report = CsvReport(storage.report_of(order.public_id, storage.LEFT), [_("HR id"), _("reason")])
        for hr_id, reason in left:
            report.add(hr_id, in_words(reason))
        report.close()
        state = HrUndoState.REFUSED if trouble else HrUndoState.DONE
        HrUndo.objects.filter(pk=order.pk).update(state=state, trouble=trouble, left=len(left))


def forget(work: Work) -> None:
    """After HR_FILE_RETENTION_DAYS; what a job is still at, when it is done."""
    before = timezone.now() - timedelta(days=settings.HR_FILE_RETENTION_DAYS)
    for file in HrFile.objects.filter(uploaded_at__lt=before):
        if file.in_state is HrFileState.APPLYING and job_of(APPLY, file.public_id) is not None:
            continue
        storage.remove(file.public_id)
        file.delete()
        work.report(30)
    for order in HrUndo.objects.filter(ordered_at__lt=before):
        if order.state == HrUndoState.ORDERED and job_of(UNDO, order.public_id) is not None:
            continue
        storage.remove(order.public_id)
        order.delete()
        work.report(60)
    keys = (*HrFile.objects.values_list("public_id", flat=True), *HrUndo.objects.values_list("public_id", flat=True))
    for stray in storage.strays({str(key) for key in keys}, timezone.now() - timedelta(days=1)):
        storage.remove(stray)


class _Applying(JobWatcher):
    """Notes the run's name as soon as it has one: whoever comes after a kill goes on with it."""

    def __init__(self, file: HrFile, work: Work) -> None:
        super().__init__(work, problems=storage.report_of(file.public_id, storage.REFUSED_ROWS))
        self.file = file

    def began(self, run: ProvisioningRun) -> None:
        self.file.run = run
        self.file.save(update_fields=["run"])


def _options(file: HrFile) -> Options:
    return Options(
        source=file.source,
        is_full=file.is_full,
        max_leavers=file.max_leavers,
        file_name=file.file_name,
        digest=file.digest,
    )


def _acting(work: Work, source: str) -> User:
    """Who ordered it, and may still do so. Raises `_Withdrawn`."""
    acting = User.objects.filter(pk=work.payload["person"]).first()
    if acting is None or source not in HrDuty.objects.sources_of(acting):
        raise _Withdrawn
    return acting


def _words(error: Exception) -> str:
    if isinstance(error, TooManyLeavers):
        text = _(
            "%(leavers)d of %(people)d people (%(percent)s %%) are missing from the file or gone by it: "
            "nothing was changed. If that is right, upload it again with a higher limit."
        )
        share = number_format(error.percent, 1)
        return text % {"leavers": error.leavers, "people": error.base, "percent": share}
    if isinstance(error, _Withdrawn):
        return _("The person who ordered this may no longer do so. Nothing was changed.")
    return str(error)


def _facts(outcome: Outcome) -> dict[str, Any]:
    return {
        "rows": outcome.rows,
        "counts": {name: count for name, count in outcome.counts.items() if count},
        "leavers": outcome.leavers,
        "withheld": outcome.leavers_withheld,
        "nameless": outcome.nameless,
        "ignored": outcome.ignored_columns[:50],
    }


def _end(
    file: HrFile,
    state: HrFileState,
    *,
    trouble: str = "",
    found: Mapping[str, Any] | None = None,
    done: Mapping[str, Any] | None = None,
) -> None:
    """The state with its entry. Of who is in it nothing is needed any more but by a file that waits."""
    values: dict[str, Any] = {"state": state, "trouble": trouble}
    values |= {name: value for name, value in (("found", found), ("done", done)) if value is not None}
    with transaction.atomic():
        HrFile.objects.filter(pk=file.pk).update(**values)
        action = {
            HrFileState.READY: "hr_file_previewed",
            HrFileState.REFUSED: "hr_file_refused",
            HrFileState.APPLIED: "hr_file_applied",
        }[state]
        facts = (done if done is not None else found) or {}
        told = {"counts": facts.get("counts", {}), "run": file.run.key if file.run else "", "trouble": trouble}
        record(action, actor=person(file.confirmed_by or file.uploaded_by), target=party_of_file(file), after=told)
    if state is not HrFileState.READY:
        storage.remove_file(file.public_id)
