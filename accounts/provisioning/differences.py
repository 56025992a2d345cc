"""What a row changes of what is there. No database here: values in, values out."""

from __future__ import annotations

from typing import Any, NamedTuple

from accounts.models.provisioning import ChangeKind
from accounts.provisioning.rows import EXPECTED, LEFT, PRESENT, SUSPENDED, Row
from accounts.provisioning.state import Current, Period, Values

MEMBER = "member"
# What an entry of the audit log tells of a change; keys and digests say nothing to people.
_TOLD = ("email", "first_name", "last_name", "status", "is_active", "arrives_on", "leaves_on", "manager_hr_id")
_DIGEST_AND_RUN = ("digest", "run")


class Change(NamedTuple):
    """`current` is None for a new account."""

    kind: ChangeKind
    line: int
    hr_id: str
    current: Current | None
    values: Values

    @property
    def deactivates(self) -> bool:
        return self.current is not None and self.current.values.is_active and not self.values.is_active


def status_of(row_status: str, arrives_on: str, leaves_on: str, today: str) -> str:
    if row_status == LEFT or (leaves_on and leaves_on < today):
        return LEFT
    if row_status == SUSPENDED:
        return SUSPENDED
    return EXPECTED if arrives_on > today else PRESENT


def change_of(row: Row, current: Current | None, *, run: str, today: str) -> Change | None:
    """None where nothing is to do: all is as the row says, or it tells of somebody gone whom nobody knows."""
    return _new(row, run, today) if current is None else _changed(row, current, run, today)


def leaving(current: Current, *, run: str, today: str) -> Change | None:
    """Somebody who is missing from a full file. Without a digest, so that they are looked at if they come back."""
    if current.values.status == LEFT or current.is_administrator:
        return None
    values = current.values._replace(status=LEFT, is_active=False, digest="", run=run)
    if not values.leaves_on or values.leaves_on > today:
        values = values._replace(leaves_on=today)
    if values.arrives_on > values.leaves_on:
        values = values._replace(leaves_on=values.arrives_on)
    return Change(ChangeKind.LEFT, 0, current.hr_id, current, values)


def by_date(current: Current, *, run: str, today: str) -> Change | None:
    """What the day brings: those who were expected are there, those whose last day is over have left."""
    values = current.values
    if values.status != LEFT and values.leaves_on and values.leaves_on < today:
        left = values._replace(status=LEFT, is_active=False, run=run)
        return Change(ChangeKind.LEFT, 0, current.hr_id, current, left)
    if values.status == EXPECTED and values.arrives_on <= today:
        there = values._replace(status=PRESENT, is_active=not current.is_locked, run=run)
        return Change(ChangeKind.REACTIVATED, 0, current.hr_id, current, there)
    return None


def _new(row: Row, run: str, today: str) -> Change | None:
    status = status_of(row.status or PRESENT, row.arrives_on or "", row.leaves_on or "", today)
    if status == LEFT:
        return None
    values = Values(
        status,
        row.email,
        row.organisation_id or 0,
        row.manager_hr_id or "",
        row.arrives_on or "",
        row.leaves_on or "",
        row.digest,
        run,
        row.email,
        row.first_name or "",
        row.last_name or "",
        status == PRESENT,
    )
    return Change(ChangeKind.CREATED, row.line, row.hr_id, None, values)


def _changed(row: Row, current: Current, run: str, today: str) -> Change | None:
    old = current.values
    arrives, leaves = _given(row.arrives_on, old.arrives_on), _given(row.leaves_on, old.leaves_on)
    if row.leaves_on is None and old.status == LEFT:
        leaves = ""  # they are back, and the file has no column that says until when
    said = row.status if row.status is not None else (SUSPENDED if old.status == SUSPENDED else PRESENT)
    status = status_of(said, arrives, leaves, today)
    is_active = old.is_active
    if status != PRESENT:
        is_active = False
    elif old.status != PRESENT:
        is_active = not current.is_locked  # who was locked by hand while HR said "present" stays locked
    # Somebody who signs in with another address than HR's keeps it, and so does an administrator: it is their login.
    follows = old.email == old.hr_email or is_freed(old.email)
    email = row.email if follows and not current.is_administrator else old.email
    values = Values(
        status,
        row.email,
        old.organisation_id if row.organisation_id is None else row.organisation_id,
        _given(row.manager_hr_id, old.manager_hr_id),
        arrives,
        leaves,
        row.digest,
        run,
        email,
        _given(row.first_name, old.first_name),
        _given(row.last_name, old.last_name),
        is_active,
    )
    if values._replace(digest=old.digest, run=old.run) == old:
        return None
    return Change(_kind(old, values), row.line, row.hr_id, current, values)


def _given(new: str | None, old: str) -> str:
    return old if new is None else new


def _kind(old: Values, new: Values) -> ChangeKind:
    if new.status == LEFT != old.status:
        return ChangeKind.LEFT
    if old.status in (LEFT, SUSPENDED, EXPECTED) and new.status == PRESENT:
        return ChangeKind.REACTIVATED
    if new.status == SUSPENDED != old.status:
        return ChangeKind.SUSPENDED
    return ChangeKind.MOVED if new.organisation_id != old.organisation_id else ChangeKind.UPDATED


def differing(old: Values, new: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """By name, before and after."""
    names = [name for name, was, is_ in zip(Values._fields, old, new, strict=True) if was != is_]
    return {name: getattr(old, name) for name in names}, {name: getattr(new, name) for name in names}


def told(before: dict[str, Any]) -> dict[str, Any]:
    """Of these values, what the audit log is told."""
    return {name: value for name, value in before.items() if name in _TOLD}


FREED_DOMAIN = "freed.invalid"


def freed_address(public_id: str) -> str:
    """Nobody's address, for an account whose own went to somebody else. `.invalid` exists nowhere (RFC 2606)."""
    return f"{public_id}@{FREED_DOMAIN}"


def is_freed(email: str) -> bool:
    return email.endswith(f"@{FREED_DOMAIN}")


def periods_after(own: list[Period], values: Values, *, is_new: bool, today: str, yesterday: str) -> list[Period]:
    """Memberships of this source as they shall be; new ones have the id 0. `own` are those that are not over.

    A move ends the old one yesterday; one that began today (or is still to begin) is put right instead.
    """
    has_left = values.status == LEFT
    wanted = 0 if has_left else values.organisation_id
    begins = values.arrives_on or today
    kept: list[Period] = []
    goes_on: Period | None = None
    for period in own:
        pk, organisation_id, role, from_on, until_on = period
        if organisation_id == wanted and goes_on is None:
            starts = begins if from_on > today and values.arrives_on else from_on
            goes_on = [pk, organisation_id, role, starts, _end(starts, values.leaves_on)]
            kept.append(goes_on)
        elif from_on <= yesterday:
            last = min(values.leaves_on or yesterday, yesterday) if has_left else yesterday
            kept.append([pk, organisation_id, role, from_on, _end(from_on, min(last, until_on or last))])
    if wanted and goes_on is None:
        starts = begins if is_new else max(begins, today)
        kept.append([0, wanted, MEMBER, starts, _end(starts, values.leaves_on)])
    return kept


def _end(from_on: str, until_on: str) -> str:
    return max(from_on, until_on) if until_on else ""
