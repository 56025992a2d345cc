"""The database itself refuses to change the audit log, whoever asks: on SQLite and on PostgreSQL.

Entries may be deleted only up to an anchor, which `retention.cut` writes first, signed. The head moves forward only.
A migration that lets Django make one of these tables anew on SQLite must call `create` at its end: the copy has no
triggers. `missing` names those that are not there; `verify_audit` looks.
"""

from __future__ import annotations

from django.db.backends.base.base import BaseDatabaseWrapper

_ENTRY, _ANCHOR, _HEAD = "accounts_auditentry", "accounts_auditanchor", "accounts_audithead"
_REFUSAL = "the audit log is append-only"

# name: (table, event, condition under which it is refused)
_RULES: dict[str, tuple[str, str, str]] = {
    "audit_entry_stays": (_ENTRY, "UPDATE", ""),
    "audit_entry_kept": (_ENTRY, "DELETE", "OLD.seq > COALESCE((SELECT MAX(seq) FROM accounts_auditanchor), 0)"),
    "audit_anchor_stays": (_ANCHOR, "UPDATE", ""),
    "audit_anchor_kept": (_ANCHOR, "DELETE", ""),
    "audit_head_forward": (_HEAD, "UPDATE", "NEW.seq < OLD.seq OR NEW.id <> OLD.id"),
    "audit_head_kept": (_HEAD, "DELETE", ""),
}
# SQLite's INSERT OR REPLACE deletes without asking the triggers of DELETE.
_ONLY_SQLITE = {
    "audit_entry_new": (_ENTRY, "INSERT", "EXISTS (SELECT 1 FROM accounts_auditentry WHERE seq = NEW.seq)"),
    "audit_anchor_new": (_ANCHOR, "INSERT", "EXISTS (SELECT 1 FROM accounts_auditanchor WHERE id = NEW.id)"),
    "audit_head_new": (_HEAD, "INSERT", "EXISTS (SELECT 1 FROM accounts_audithead WHERE id = NEW.id)"),
}


def create(connection: BaseDatabaseWrapper) -> None:
    drop(connection)
    statements = _for_postgresql() if connection.vendor == "postgresql" else _for_sqlite()
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def drop(connection: BaseDatabaseWrapper) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "postgresql":
            for name, (table, _event, _condition) in _RULES.items():
                cursor.execute(f"DROP TRIGGER IF EXISTS {name} ON {table}")
                cursor.execute(f"DROP FUNCTION IF EXISTS {name}()")
            for table in (_ENTRY, _ANCHOR, _HEAD):
                cursor.execute(f"DROP TRIGGER IF EXISTS audit_truncate ON {table}")
            cursor.execute("DROP FUNCTION IF EXISTS audit_truncate()")
        else:
            for name in (*_RULES, *_ONLY_SQLITE):
                cursor.execute(f"DROP TRIGGER IF EXISTS {name}")


def missing(connection: BaseDatabaseWrapper) -> list[str]:
    """The names of those that are not there, or are switched off."""
    if connection.vendor == "postgresql":
        wanted = {*_RULES, "audit_truncate"}
        query = "SELECT tgname FROM pg_trigger WHERE NOT tgisinternal AND tgenabled <> 'D'"
    else:
        wanted = {*_RULES, *_ONLY_SQLITE}
        query = "SELECT name FROM sqlite_master WHERE type = 'trigger'"
    with connection.cursor() as cursor:
        cursor.execute(query)
        return sorted(wanted - {row[0] for row in cursor.fetchall()})


def _for_sqlite() -> list[str]:
    return [
        f"CREATE TRIGGER {name} BEFORE {event} ON {table} {f'WHEN {condition}' if condition else ''} "
        f"BEGIN SELECT RAISE(ABORT, '{_REFUSAL}'); END"
        for name, (table, event, condition) in {**_RULES, **_ONLY_SQLITE}.items()
    ]


def _for_postgresql() -> list[str]:
    statements = []
    for name, (table, event, condition) in _RULES.items():
        row = "OLD" if event == "DELETE" else "NEW"
        statements += [
            f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
            f"IF {condition or 'TRUE'} THEN RAISE EXCEPTION '{_REFUSAL}'; END IF; RETURN {row}; END $$",
            f"CREATE TRIGGER {name} BEFORE {event} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()",
        ]
    statements.append(
        "CREATE FUNCTION audit_truncate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{_REFUSAL}'; END $$"
    )
    statements += [
        f"CREATE TRIGGER audit_truncate BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_truncate()"
        for table in (_ENTRY, _ANCHOR, _HEAD)
    ]
    return statements
