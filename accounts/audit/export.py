"""Entries for others' programs: JSON lines, from which the hashes can be computed again, and CSV for spreadsheets.

Streamed by chunks in the order of the chain, so that a year of entries needs no memory.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

from asgiref.sync import sync_to_async
from django.db.models import QuerySet

from accounts.audit.chain import STORED, stamp
from accounts.models.audit import AuditEntry

_CHUNK = 2000
# What spreadsheets take for the beginning of a formula, full-width spellings included.
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

Row = tuple[Any, ...]
Writer = Callable[[list[Row]], str]


def json_lines(rows: list[Row]) -> str:
    return "".join(f"{json.dumps(_as_object(row), ensure_ascii=False)}\n" for row in rows)


def csv_lines(rows: list[Row]) -> str:
    """Semicolons, as spreadsheets of this continent expect."""
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";")
    writer.writerows([_cell(stamp(value) if name == "at" else value) for name, value in _named(row)] for row in rows)
    return out.getvalue()


def csv_head() -> str:
    return f"\ufeff{';'.join(STORED)}\r\n"


def chunks(entries: QuerySet[AuditEntry], up_to: int, write: Writer, head: str = "") -> Iterator[str]:
    """The text of all `entries` up to that number."""
    yield head
    after = 0
    while rows := _next(entries, after, up_to):
        after = rows[-1][0]
        yield write(rows)


async def async_chunks(entries: QuerySet[AuditEntry], up_to: int, write: Writer, head: str = "") -> AsyncIterator[str]:
    """The same for ASGI, which would read a whole synchronous iterator into memory first."""
    yield head
    after = 0
    while rows := await sync_to_async(_next)(entries, after, up_to):
        after = rows[-1][0]
        yield write(rows)


def _next(entries: QuerySet[AuditEntry], after: int, up_to: int) -> list[Row]:
    return list(entries.filter(seq__gt=after, seq__lte=up_to).order_by("seq").values_list(*STORED)[:_CHUNK])


def _as_object(row: Row) -> dict[str, Any]:
    found = dict(_named(row))
    found["at"] = stamp(found["at"])
    for name in ("before", "after"):
        found[name] = json.loads(found[name]) if found[name] else None
    return found


def _named(row: Row) -> Iterator[tuple[str, Any]]:
    return zip(STORED, row, strict=True)


def _cell(value: object) -> str:
    text = str(value)
    return f"'{text}" if text.lstrip(" ").startswith(_FORMULA) else text
