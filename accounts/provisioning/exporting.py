"""Everybody as CSV: by HR record, then those without one. Its own columns can be imported again."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from typing import Any, Protocol

from django.db.models import Q

from accounts.models import Employment, Organisation, User
from accounts.provisioning.reports import safe_cell
from accounts.provisioning.state import iso, memberships_of

_CHUNK = 2000
COLUMNS = (
    "hr_id",
    "email",
    "first_name",
    "last_name",
    "organisation",
    "siret",
    "manager_hr_id",
    "arrives_on",
    "leaves_on",
    "status",
    # Not read by an import: what the portal knows besides.
    "source",
    "sign_in_address",
    "is_active",
    "is_administrator",
    "memberships",
    "public_id",
)


class Out(Protocol):
    def write(self, text: str, /) -> object: ...


def export(out: Out, *, source: str = "") -> int:
    """Writes all (of one source); how many rows. The same people give the same bytes."""
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow(COLUMNS)
    organisations = {
        pk: (key or f"#{public_id}", siret)
        for pk, key, public_id, siret in Organisation.objects.values_list("pk", "external_id", "public_id", "siret")
    }
    count = 0
    for rows in _employed(source):
        count += len(rows)
        _write(writer, rows, organisations)
    for rows in () if source else _without_record():
        count += len(rows)
        _write(writer, rows, organisations)
    return count


_OF_USER = ("pk", "email", "is_active", "is_staff", "is_superuser", "public_id")


def _employed(source: str) -> Iterator[list[tuple[Any, ...]]]:
    """In the order of the key's own index: a chunk costs the same at the end as at the beginning."""
    records = Employment.objects.order_by("source", "hr_id").values_list(
        "hr_id",
        "email",
        "user__first_name",
        "user__last_name",
        "organisation_id",
        "manager_hr_id",
        "arrives_on",
        "leaves_on",
        "status",
        "source",
        *(f"user__{name}" for name in _OF_USER),
    )
    if source:
        records = records.filter(source=source)
    behind = Q()
    while rows := list(records.filter(behind)[:_CHUNK]):
        yield rows
        last = rows[-1]
        behind = Q(source__gt=last[9]) | Q(source=last[9], hr_id__gt=last[0])


def _without_record() -> Iterator[list[tuple[Any, ...]]]:
    people = User.objects.filter(employments=None).order_by("pk")
    after = 0
    while rows := list(people.filter(pk__gt=after).values_list("first_name", "last_name", *_OF_USER)[:_CHUNK]):
        yield [("", "", first, last, None, "", None, None, "", "", *rest) for first, last, *rest in rows]
        after = rows[-1][2]


def _write(writer: Any, rows: Sequence[tuple[Any, ...]], organisations: dict[int, tuple[str, str]]) -> None:
    memberships = memberships_of([row[10] for row in rows])
    for row in rows:
        hr_id, hr_email, first, last, organisation_id, manager, arrives, leaves, status, source, *of_user = row
        pk, email, is_active, is_staff, is_superuser, public_id = of_user
        key, siret = organisations.get(organisation_id, ("", ""))
        periods = "|".join(
            f"{organisations[org][0]} {role} {begins}/{ends} {of}".strip()
            for of, (_pk, org, role, begins, ends) in memberships.get(pk, [])
        )
        cells = (hr_id, hr_email, first, last, key, siret, manager, iso(arrives), iso(leaves), status, source)
        rest = (email, int(is_active), int(is_staff or is_superuser), periods, public_id)
        writer.writerow([safe_cell(cell) for cell in (*cells, *rest)])
