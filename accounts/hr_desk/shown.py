"""What HR's pages show, in plain values: the templates ask nothing more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils.translation import gettext as _

from accounts.hr_desk import orders, storage
from accounts.models import HrFile, HrUndo, ProvisioningChange, ProvisioningRun, User
from accounts.models.hr_file import HrFileState, HrUndoState
from accounts.models.provisioning import ChangeKind, RunState
from jobs.models import State

# Of a report, on the page; the rest is in the file.
_ROWS = 20
_COLOURS = {
    HrFileState.LOOKING: "info",
    HrFileState.READY: "new",
    HrFileState.REFUSED: "error",
    HrFileState.APPLYING: "info",
    HrFileState.APPLIED: "success",
}
_RUN_COLOURS = {RunState.RUNNING: "info", RunState.DONE: "success", RunState.UNDONE: "warning"}


def file_in_list(file: HrFile) -> dict[str, Any]:
    return {
        "public_id": file.public_id,
        "name": file.file_name,
        "source": file.source,
        "state": file.in_state.label,
        "colour": _COLOURS[file.in_state],
        "by": _name(file.uploaded_by),
        "at": file.uploaded_at,
    }


def file_on_page(file: HrFile) -> dict[str, Any]:
    """Everything about one file. `phase` is what the page is about; see templates/accounts/hr/file.html."""
    phase = str(file.state)
    shown: dict[str, Any] = {**file_in_list(file), "is_full": file.is_full, "max_leavers": file.max_leavers}
    if file.in_state.is_at_work:
        kind = orders.LOOK if file.in_state is HrFileState.LOOKING else orders.APPLY
        shown["progress"] = progress(kind, file.public_id)
        phase = phase if shown["progress"] else "stuck"
    is_applied = file.in_state is HrFileState.APPLIED
    facts = file.done if is_applied else file.found
    errors = storage.REFUSED_ROWS if is_applied else storage.ERRORS
    return {
        **shown,
        "phase": phase,
        "may_be_deleted": not shown.get("progress") and file.in_state is not HrFileState.APPLYING,
        "trouble": file.trouble,
        "counts": counts_in_words(facts.get("counts", {})),
        "facts": facts,
        "ignored": ", ".join(facts.get("ignored", [])),
        "errors": _report(file.public_id, errors),
        "changes": None if is_applied else _report(file.public_id, storage.CHANGES),
        "run": file.run.key if file.run else "",
        "confirmed_by": _name(file.confirmed_by),
    }


def run_in_list(run: ProvisioningRun) -> dict[str, Any]:
    return {
        "key": run.key,
        "name": run.file_name or run.get_kind_display(),
        "source": run.source,
        "state": RunState(run.state).label,
        "colour": _RUN_COLOURS[RunState(run.state)],
        "by": run.actor,
        "at": run.started_at,
        "counts": counts_in_words(run.counted),
    }


def run_on_page(run: ProvisioningRun) -> dict[str, Any]:
    order = run.undo_orders.order_by("-pk").first()
    shown: dict[str, Any] = {**run_in_list(run), "ended": run.finished_at, "undone": run.undone_at}
    shown["phase"] = "still"
    if order is not None:
        shown |= {"trouble": order.trouble, "left": order.left}
        shown["left_rows"] = _report(order.public_id, storage.LEFT) if order.left else None
        if order.state == HrUndoState.ORDERED:
            shown["progress"] = progress(orders.UNDO, order.public_id)
            shown["phase"] = "undoing" if shown["progress"] else "stuck"
    shown["why_not"] = why_not_undoable(run)
    return shown


def why_not_undoable(run: ProvisioningRun) -> str:
    """In a sentence; "" for a run that can be taken back, as far as can be seen now."""
    if run.state == RunState.UNDONE:
        return _("This import was taken back.")
    changes = ProvisioningChange.objects.filter(run=OuterRef("pk"))
    if not ProvisioningRun.objects.filter(Exists(changes), pk=run.pk).exists():
        return _("There is nothing to take back: it changed nobody, or is too old.")
    later = ProvisioningRun.objects.filter(Exists(changes), source=run.source, pk__gt=run.pk)
    newest = later.exclude(state=RunState.UNDONE).first()
    if newest is not None:
        return _("The import %(run)s came after it, from the same HR system: take that back first.") % {
            "run": newest.key
        }
    return ""


def progress(kind: str, key: UUID) -> dict[str, Any] | None:
    """Of a job; None for one that was given up or cancelled."""
    job = orders.job_of(kind, key)
    if job is None:
        return None
    steps = {"read": _("The file is being read."), "write": _("Changes are being written."), "undo": _("Going back.")}
    if job.state == State.RUNNING:
        return {"percent": job.progress_percent, "step": steps.get(job.step, _("It begins."))}
    # Its turn is not yet: a line of other jobs, another import, or a second try.
    if not job.error:
        return {"percent": 0, "step": _("It waits for its turn.")}
    waits = _("Another import is going on; this one comes next.")
    return {"percent": 0, "step": _("Something failed; it is tried again soon.") if job.attempt else waits}


def counts_in_words(counts: Mapping[str, int]) -> list[tuple[str, int]]:
    names = {**{kind.value: kind.label for kind in ChangeKind}, "unchanged": _("Unchanged"), "refused": _("Wrong rows")}
    known = [(str(names[name]), counts[name]) for name in names if counts.get(name)]
    return known + [(name, count) for name, count in counts.items() if name not in names and count]


def undo_of(run: ProvisioningRun) -> HrUndo | None:
    """The newest order to take this run back."""
    return run.undo_orders.order_by("-pk").first()


def _report(key: UUID, name: str) -> dict[str, Any] | None:
    rows = storage.first_rows(key, name, _ROWS + 2)
    if not rows:
        return None
    return {"name": name, "titles": rows[0], "rows": rows[1 : _ROWS + 1], "is_cut": len(rows) > _ROWS + 1}


def _name(person: User | None) -> str:
    return person.display_name if person is not None else "–"
