"""Many rows at once into tables of ours: COPY on PostgreSQL, one prepared statement on SQLite.

`bulk_create` builds a model and some hundred objects of SQL for each row, which is most of the time of an import.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.backends.utils import CursorWrapper
from django.db.models import Model
from django.utils import timezone

# Below that, preparing COPY costs more than it saves.
_COPY_FROM = 50


class Table:
    """A model's table. Columns that `columns` does not name get what a new row of the model has."""

    def __init__(self, model: type[Model], *columns: str) -> None:
        self.model, self.columns = model, columns
        self.name = model._meta.db_table

    def insert(self, cursor: CursorWrapper, rows: Sequence[tuple[Any, ...]]) -> None:
        """`rows` in the order of `columns`, as the database wants them (`stored`)."""
        if not rows:
            return
        defaults = self._defaults()
        names = ", ".join(f'"{name}"' for name in (*self.columns, *defaults))
        rest = tuple(defaults.values())
        if connection.vendor == "postgresql" and len(rows) >= _COPY_FROM:
            with cursor.copy(f'COPY "{self.name}" ({names}) FROM STDIN') as copy:
                for row in rows:
                    copy.write_row((*row, *rest))
            return
        marks = ", ".join(["%s"] * (len(self.columns) + len(rest)))
        query = f'INSERT INTO "{self.name}" ({names}) VALUES ({marks})'  # noqa: S608  our own names
        cursor.executemany(query, [(*row, *rest) for row in rows] if rest else rows)

    def update(self, cursor: CursorWrapper, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
        """`rows`: the columns' new values, then the key."""
        changes = list(rows)
        if connection.vendor == "postgresql" and len(changes) >= _COPY_FROM:
            self._update_together(cursor, columns, changes)
        elif changes:
            assignments = ", ".join(f'"{name}" = %s' for name in columns)
            cursor.executemany(f'UPDATE "{self.name}" SET {assignments} WHERE id = %s', changes)  # noqa: S608  our own names

    def delete(self, cursor: CursorWrapper, keys: Sequence[int]) -> None:
        if keys:
            cursor.executemany(f'DELETE FROM "{self.name}" WHERE id = %s', [(key,) for key in keys])  # noqa: S608  our own table

    def new_keys(self, cursor: CursorWrapper, count: int) -> range | list[int]:
        """Keys that no row has or had: known before the rows are written, so that others can refer to them.

        On SQLite only in a transaction that has the write lock (IMMEDIATE, as ours are).
        """
        if not count:
            return []
        if connection.vendor == "postgresql":
            query = "SELECT nextval(pg_get_serial_sequence(%s, 'id')) FROM generate_series(1, %s)"
            cursor.execute(query, [self.name, count])
            return [row[0] for row in cursor.fetchall()]
        cursor.execute("SELECT seq FROM sqlite_sequence WHERE name = %s", [self.name])
        found = cursor.fetchone()
        first = (found[0] if found else 0) + 1
        return range(first, first + count)

    def _update_together(
        self, cursor: CursorWrapper, columns: Sequence[str], changes: Sequence[tuple[Any, ...]]
    ) -> None:
        """By one statement: PostgreSQL reads and plans each, which takes longer than most rows do."""
        types = {field.column: field.db_type(connection) or "" for field in self.model._meta.concrete_fields}
        # Without a length: a cast would cut silently what the column refuses.
        first = ", ".join(f"%s::{types[name].partition('(')[0]}" for name in (*columns, "id"))
        others = ", ".join(["%s"] * (len(columns) + 1))
        rows = ", ".join([f"({first})", *[f"({others})"] * (len(changes) - 1)])
        assignments = ", ".join(f'"{name}" = new."{name}"' for name in columns)
        names = ", ".join(f'"{name}"' for name in (*columns, "id"))
        new = f"(VALUES {rows}) AS new ({names})"
        query = f'UPDATE "{self.name}" AS old SET {assignments} FROM {new} WHERE old.id = new.id'  # noqa: S608  our own names
        cursor.execute(query, [value for change in changes for value in change])

    def _defaults(self) -> dict[str, Any]:
        fresh = self.model()
        return {
            field.column: field.get_db_prep_save(field.pre_save(fresh, add=True), connection)
            for field in self.model._meta.concrete_fields
            if field.column and field.column not in self.columns and not field.primary_key
        }


def stored_now() -> Any:
    return connection.ops.adapt_datetimefield_value(timezone.now())


def stored_uuid(hexadecimal: str) -> str:
    """SQLite keeps 32 digits; PostgreSQL reads either spelling."""
    return hexadecimal.replace("-", "")
