"""Organisations from a file: made, renamed, moved, closed, and all of it undone.

Twelve thousand of them are few: the whole tree is in memory, and one transaction writes what differs. Parents may come
behind their children, and lineages are made anew from the parents, for everything that stands below as well.
"""

from __future__ import annotations

import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, BinaryIO

from django.db import connection, transaction
from django.utils import timezone

from accounts.audit.parties import SERVER, Party
from accounts.audit.record import Entry, record, record_many
from accounts.models import Organisation, ProvisioningChange, ProvisioningRun
from accounts.models.organisation import EXTERNAL_ID_MAX_LENGTH, MAX_DEPTH, NAME_MAX_LENGTH
from accounts.models.provisioning import ChangeKind, RunKind, RunState
from accounts.names import clean_name
from accounts.provisioning import columns, runs
from accounts.provisioning.bulk import Table, stored_now
from accounts.provisioning.importing import Outcome, RowsRefused, TooManyLeavers, Watcher
from accounts.provisioning.plan import percent
from accounts.provisioning.problems import Problem
from accounts.provisioning.reading import open_table
from accounts.provisioning.rows import FORMULA, iso_date
from accounts.provisioning.state import as_json, iso
from accounts.provisioning.undoing import Undone, undoable
from accounts.siret import is_siret, normalise_siret

_COLUMNS = ("name", "siret", "parent_id", "lineage", "closed_on", "updated_at")
_ORGANISATIONS = Table(Organisation, "id", "public_id", "source", "external_id", "created_at", *_COLUMNS)
_CHANGES = Table(ProvisioningChange, "run_id", "line", "kind", "hr_id", "person_id", "employment_id", "before", "after")


@dataclass(frozen=True, slots=True)
class Place:
    """An organisation; `parent` is the row's key above, 0 for none; the date is ISO text, "" for none."""

    pk: int
    public_id: str
    source: str
    key: str
    name: str
    siret: str
    parent: int
    lineage: str
    closed_on: str


@dataclass(frozen=True, slots=True)
class OrganisationRow:
    """Fields that the file lacks are None."""

    line: int
    key: str
    name: str
    siret: str | None
    parent: str | None
    closed_on: str | None


@dataclass(slots=True)
class Difference:
    kind: ChangeKind
    line: int
    before: Place | None
    after: Place


@dataclass(slots=True)
class _Tree:
    """All organisations, those of every source, by their row's key; new ones have negative keys at first."""

    places: dict[int, Place]
    source: str
    by_key: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.by_key = {place.key: pk for pk, place in self.places.items() if place.source == self.source and place.key}


def load(source: str) -> _Tree:
    names = ("pk", "public_id", "source", "external_id", "name", "siret", "parent_id", "lineage", "closed_on")
    places = {}
    for pk, public_id, of, key, name, siret, parent, lineage, closed_on in Organisation.objects.values_list(*names):
        places[pk] = Place(pk, str(public_id), of, key, name, siret, parent or 0, lineage, iso(closed_on))
    return _Tree(places, source)


def look(
    path: str,
    stdin: BinaryIO,
    watcher: Watcher,
    *,
    source: str,
    own_names: Mapping[str, str] | None = None,
    is_full: bool = False,
    max_closed: float = 2.0,
    is_strict: bool = False,
) -> tuple[Outcome, list[Difference], str]:
    """What the file changes, and the file's name. Raises `FileRefused`, `RowsRefused`, `TooManyLeavers`."""
    outcome = Outcome()

    def refuse(problem: Problem) -> None:
        outcome.counts["refused"] += 1
        watcher.problem(problem)

    with open_table(path, stdin) as table:
        found = columns.find_columns(table.header, own_names, columns.ORGANISATIONS)
        outcome.ignored_columns = list(found.ignored)
        watcher.step("read", table.lines)
        rows: dict[str, OrganisationRow] = {}
        named: set[str] = set()
        for line, cells, trouble in table.records:
            outcome.rows += 1
            watcher.progress(1)
            row = Problem(line, "", str(cells[0])[:100], trouble) if trouble else _read(found, line, cells)
            if isinstance(row, Problem):
                key = cells[found.places["key"]].strip() if len(cells) > found.places["key"] else ""
                named.add(key)
                outcome.nameless += not key
                refuse(row)
            elif row.key in rows:
                refuse(Problem(line, found.titles["key"], row.key, "key_twice", rows[row.key].line))
            else:
                rows[row.key] = row
    tree = load(source)
    named |= set(rows)
    differences = _differences(tree, rows, found.titles, refuse)
    # `rows` has lost those that cannot stand where they say.
    outcome.counts["unchanged"] = len(rows) - len(differences)
    if is_full:
        differences += _closed(tree, named, outcome, max_closed)
    if is_strict and outcome.refused:
        raise RowsRefused
    outcome.counts.update(difference.kind.value for difference in differences)
    return outcome, differences, table.name


def apply(
    path: str, stdin: BinaryIO, watcher: Watcher, *, source: str, actor: Party = SERVER, **options: Any
) -> Outcome:
    """Does it, in one transaction. Raises what `look` raises, and `runs.Busy`."""
    with runs.only_one(), transaction.atomic():
        _take_turns()
        outcome, differences, name = look(path, stdin, watcher, source=source, **options)
        run = runs.create(RunKind.ORGANISATIONS, source, file_name=name, actor=actor)
        outcome.run = run.key
        watcher.step("write", len(differences))
        with connection.cursor() as cursor:
            written = _insert_new(cursor, load(source), differences, source)
            entries = _write(cursor, run, written, actor)
        runs.add_counts(run, Counter(difference.kind.value for difference in differences))
        runs.record_beginning(run, actor=actor)
        record_many(entries)
        runs.end(run, actor=actor)
    return outcome


def undo(key: str, watcher: Watcher, *, actor: Party = SERVER) -> Undone:
    """Takes a run back, in one transaction. Raises `NotUndoable` and `runs.Busy`."""
    with runs.only_one(), transaction.atomic():
        _take_turns()
        run = undoable(key, kinds=(RunKind.ORGANISATIONS,))
        undone, tree = Undone(key), load(run.source)
        changes = list(run.changes.order_by("-pk"))
        watcher.step("undo", len(changes))
        restored: dict[int, Place] = {}
        entries = []
        for change in changes:
            watcher.progress(1)
            place = tree.places.get(change.person_id)
            if place is None:
                continue
            if change.kind != ChangeKind.CREATED:
                restored[place.pk] = _as_before(restored.get(place.pk, place), change, undone)
            undone.counts[change.kind] += 1
            after = {"run": key, "undone": change.kind}
            entries.append(Entry("organisation_restored", actor, _party(place), None, after, place.public_id))
        with connection.cursor() as cursor:
            _rewrite(cursor, tree, restored)
            # Children before parents: the last one made is the deepest.
            _delete_created(cursor, [c for c in changes if c.kind == ChangeKind.CREATED], undone)
        run.state, run.undone_at = RunState.UNDONE, timezone.now()
        run.save(update_fields=["state", "undone_at"])
        record_many(entries)
        counts: dict[str, int] = {**undone.counts, "left": len(undone.left)}
        record("provisioning_undone", actor=actor, target=runs.party_of_run(run), after=counts)
    return undone


def _take_turns() -> None:
    """Nobody moves an organisation meanwhile (`services.organisations`). SQLite has one pen anyway."""
    list(Organisation.objects.select_for_update(no_key=True).order_by("pk").values_list("pk"))


def _read(found: columns.Columns, line: int, cells: Any) -> OrganisationRow | Problem:
    if len(cells) <= max(found.places.values()):
        return Problem(line, "", str(cells[0])[:100], "too_few_cells")
    if any(cells[found.width :]):
        return Problem(line, "", str(cells[0])[:100], "too_many_cells")
    cell = {name: cells[place].strip() for name, place in found.places.items()}

    def problem(name: str, code: str) -> Problem:
        return Problem(line, found.titles[name], cell[name][:200], code)

    for name, text in cell.items():
        if "\0" in text:
            return problem(name, "nul")
        if text.startswith(FORMULA):
            return problem(name, "formula")
        if "\ufffd" in text or (name in ("key", "parent") and not text.isprintable()):
            return problem(name, "unseen")
    name = clean_name(cell["name"], max_length=NAME_MAX_LENGTH)
    siret = normalise_siret(cell.get("siret", ""))
    closed_on = iso_date(cell["closed_on"]) if cell.get("closed_on") else ""
    if not cell["key"] or not name:
        return problem("name" if cell["key"] else "key", "missing")
    if len(cell["key"]) > EXTERNAL_ID_MAX_LENGTH:
        return problem("key", "cell_too_long")
    if siret and not is_siret(siret):
        return problem("siret", "siret")
    if closed_on is None:
        return problem("closed_on", "date")
    return OrganisationRow(
        line,
        cell["key"],
        name,
        siret if "siret" in cell else None,
        cell.get("parent"),
        closed_on if "closed_on" in cell else None,
    )


def _differences(
    tree: _Tree, rows: dict[str, OrganisationRow], titles: Mapping[str, str], refuse: Callable[[Problem], None]
) -> list[Difference]:
    """Parents before children. Rows that cannot stand where they say are taken out of `rows`."""
    keys = {
        **tree.by_key,
        **{row.key: -number for number, row in enumerate(rows.values(), 1) if row.key not in tree.by_key},
    }
    _refuse_unplaced(tree, rows, keys, titles, refuse)
    wanted = {keys[row.key]: _wanted(tree, row, keys) for row in rows.values()}
    places = {**tree.places, **wanted}
    found = []
    for row in rows.values():
        before, after = tree.places.get(keys[row.key]), wanted[keys[row.key]]
        if before is None:
            found.append(Difference(ChangeKind.CREATED, row.line, None, after))
        elif before != after:
            kind = ChangeKind.MOVED if before.parent != after.parent else ChangeKind.UPDATED
            found.append(Difference(kind, row.line, before, after))
    return sorted(found, key=lambda one: len(_above(places, one.after.pk)))


def _refuse_unplaced(
    tree: _Tree,
    rows: dict[str, OrganisationRow],
    keys: Mapping[str, int],
    titles: Mapping[str, str],
    refuse: Callable[[Problem], None],
) -> None:
    """Until nothing more falls: a row without its parent takes along the rows below it."""
    while True:
        wanted = {keys[row.key]: _wanted(tree, row, keys) for row in rows.values()}
        places = {**tree.places, **wanted}
        wrong: dict[str, str] = {}
        for row in rows.values():
            if row.parent and row.parent not in rows and row.parent not in tree.by_key:
                wrong[row.key] = "parent_unknown"
            elif len(above := _above(places, keys[row.key])) >= MAX_DEPTH:
                wrong[row.key] = "parent_cycle" if len(set(above)) < len(above) else "too_deep"
        if not wrong:
            return
        for key, code in wrong.items():
            row = rows.pop(key)
            refuse(Problem(row.line, titles.get("parent", "parent"), row.parent or "", code))


def _wanted(tree: _Tree, row: OrganisationRow, keys: Mapping[str, int]) -> Place:
    old = tree.places.get(keys[row.key])
    if old is None:
        parent = keys.get(row.parent or "", 0)
        return Place(
            keys[row.key],
            str(uuid.uuid4()),
            tree.source,
            row.key,
            row.name,
            row.siret or "",
            parent,
            "",
            row.closed_on or "",
        )
    parent = old.parent
    if row.parent:
        parent = keys.get(row.parent, 0)
    elif row.parent == "" and parent in tree.places and tree.places[parent].source == tree.source:
        parent = 0  # whoever stands below one that was made by hand stays there
    siret = old.siret if row.siret is None else row.siret
    return replace(
        old,
        name=row.name,
        siret=siret,
        parent=parent,
        closed_on=old.closed_on if row.closed_on is None else row.closed_on,
    )


def _above(places: Mapping[int, Place], pk: int) -> list[int]:
    """Keys of those above, nearest first; `MAX_DEPTH` of them where there is no end."""
    found: list[int] = []
    while (parent := places[pk].parent if pk in places else 0) and len(found) < MAX_DEPTH:
        found.append(parent)
        pk = parent
    return found


def _closed(tree: _Tree, named: set[str], outcome: Outcome, max_closed: float) -> list[Difference]:
    """Those of the source that a full file does not name are closed today."""
    today = timezone.localdate().isoformat()
    open_ones = [p for p in tree.places.values() if p.source == tree.source and p.key and not p.closed_on]
    missing = [place for place in open_ones if place.key not in named]
    if outcome.nameless:
        outcome.leavers_withheld, missing = len(missing), []
    if percent(len(missing), len(open_ones)) > max_closed:
        raise TooManyLeavers(len(missing), len(open_ones))
    return [Difference(ChangeKind.LEFT, 0, place, replace(place, closed_on=today)) for place in missing]


def _insert_new(cursor: Any, tree: _Tree, differences: list[Difference], source: str) -> list[Difference]:
    """With the keys and lineages that they really have; new rows are in the table."""
    new = [one for one in differences if one.before is None]
    keys = dict(zip((one.after.pk for one in new), _ORGANISATIONS.new_keys(cursor, len(new)), strict=True))

    def real(place: Place) -> Place:
        return replace(place, pk=keys.get(place.pk, place.pk), parent=keys.get(place.parent, place.parent))

    changed = [replace(one, after=real(one.after)) for one in differences]
    places = {**tree.places, **{one.after.pk: one.after for one in changed}}
    now = stored_now()
    rows = []
    for one in changed:
        if one.before is None:
            place = replace(one.after, lineage=_lineage(places, one.after.pk))
            rows.append((place.pk, uuid.UUID(place.public_id).hex, source, place.key, now, *_stored(place, now)))
    _ORGANISATIONS.insert(cursor, rows)
    _rewrite(cursor, tree, {one.after.pk: one.after for one in changed if one.before is not None}, places)
    return changed


def _rewrite(cursor: Any, tree: _Tree, changed: Mapping[int, Place], places: Mapping[int, Place] | None = None) -> None:
    """Writes those that changed, and whose lineage did because of one above."""
    after = places or {**tree.places, **changed}
    now = stored_now()
    rows = []
    for pk, old in tree.places.items():
        place = replace(after[pk], lineage=_lineage(after, pk))
        if place != old:
            rows.append((*_stored(place, now), pk))
    _ORGANISATIONS.update(cursor, _COLUMNS, rows)


def _lineage(places: Mapping[int, Place], pk: int) -> str:
    return "".join(f"{key}/" for key in reversed(_above(places, pk)))


def _stored(place: Place, now: Any) -> tuple[Any, ...]:
    return (place.name, place.siret, place.parent or None, place.lineage, place.closed_on or None, now)


def _told(place: Place) -> dict[str, Any]:
    return {"name": place.name, "siret": place.siret, "parent": place.parent, "closed_on": place.closed_on}


def _write(cursor: Any, run: ProvisioningRun, differences: Iterable[Difference], actor: Party) -> list[Entry]:
    """The changes; the entries for the audit log are returned, to be recorded last."""
    rows, entries = [], []
    for one in differences:
        before, after = _told(one.before) if one.before else {}, _told(one.after)
        if one.before:
            names = [name for name in after if before[name] != after[name]]
            before, after = {name: before[name] for name in names}, {name: after[name] for name in names}
        action = "organisation_created" if one.before is None else "organisation_changed"
        entries.append(Entry(action, actor, _party(one.after), before, after, one.after.public_id))
        rows.append((run.pk, one.line, one.kind.value, one.after.key, one.after.pk, 0, as_json(before), as_json(after)))
    _CHANGES.insert(cursor, rows)
    return entries


def _as_before(place: Place, change: ProvisioningChange, undone: Undone) -> Place:
    """What stands as the run left it is as it was before."""
    before, after, now = change.values_before, change.values_after, _told(place)
    back = {}
    for name, value in before.items():
        if now[name] == after[name]:
            back[name] = value
        elif now[name] != value:
            undone.left.append((change.hr_id, f"{name} was changed since"))
    return replace(place, **back)


def _delete_created(cursor: Any, created: list[ProvisioningChange], undone: Undone) -> None:
    keys = [change.person_id for change in created]
    used: set[int] = set()
    for relation in Organisation._meta.get_fields(include_hidden=True):
        if relation.auto_created and not relation.concrete and (relation.one_to_many or relation.one_to_one):
            model: Any = relation.related_model
            name = relation.field.attname  # type: ignore[union-attr]  # a reverse relation
            rows = model._base_manager.filter(**{f"{name}__in": keys})
            if model is Organisation:
                rows = rows.exclude(pk__in=keys)
            used.update(rows.values_list(name, flat=True))
    # Whoever has something in it keeps what it is part of.
    parents = dict(Organisation.objects.filter(pk__in=keys).values_list("pk", "parent_id"))
    for pk in list(used):
        while (pk := parents.get(pk) or 0) and pk not in used:
            used.add(pk)
    undone.left += [(change.hr_id, "something is in it: it stays") for change in created if change.person_id in used]
    _ORGANISATIONS.delete(cursor, [key for key in keys if key not in used])


def _party(place: Place) -> Party:
    return Party("organisation", place.public_id, place.name)
