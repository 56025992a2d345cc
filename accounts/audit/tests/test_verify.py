"""Whoever changes, removes, inserts or moves entries is found, and the first of them is named."""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from pytest_django import Settings

from accounts.audit import chain, retention, triggers
from accounts.audit.parties import SERVER
from accounts.audit.record import record
from accounts.audit.verify import Broken, Fault, verify
from accounts.models import AuditEntry, AuditHead

pytestmark = pytest.mark.django_db

COUNT = 12
Write = Callable[[int], None]


def sql(statement: str, *values: Any) -> None:
    """As somebody with the database's password would; the tests' database has no triggers (test_triggers has)."""
    with connection.cursor() as cursor:
        cursor.execute(statement, list(values))


def rewrite(seq: int, **changes: str) -> None:
    """Changes an entry and computes its hash anew, which needs no key."""
    row = dict(AuditEntry.objects.filter(seq=seq).values(*chain.STORED).get()) | changes
    hash_ = chain.digest(row["previous_hash"], tuple(row[name] for name in chain.COLUMNS))
    for name, value in {**changes, "hash": hash_}.items():
        sql(f'UPDATE accounts_auditentry SET "{name}" = %s WHERE seq = %s', value, seq)  # noqa: S608  our own columns


def move(seq: int, to: int) -> None:
    sql("UPDATE accounts_auditentry SET seq = %s WHERE seq = %s", to, seq)


def change(*seqs: int) -> None:
    for seq in seqs:
        sql("UPDATE accounts_auditentry SET actor_label = 'Eve' WHERE seq = %s", seq)


def remove(*seqs: int) -> None:
    for seq in seqs:
        sql("DELETE FROM accounts_auditentry WHERE seq = %s", seq)


def remove_and_close_the_gap(seq: int) -> None:
    remove(seq)
    for later in range(seq + 1, COUNT + 1):
        move(later, later - 1)


def insert(at: int) -> None:
    """A forged entry, with hashes that fit what is before it; what follows makes room."""
    for later in range(COUNT, at - 1, -1):
        move(later, later + 1)
    row = dict(AuditEntry.objects.filter(seq=at - 1).values(*chain.STORED).get())
    row |= {"previous_hash": row["hash"], "seq": at, "actor_label": "Eve"}
    row["hash"] = chain.digest(row["previous_hash"], tuple(row[name] for name in chain.COLUMNS))
    row["at"] = connection.ops.adapt_datetimefield_value(row["at"])
    names, marks = ", ".join(f'"{name}"' for name in row), ", ".join(["%s"] * len(row))
    sql(f"INSERT INTO accounts_auditentry ({names}) VALUES ({marks})", *row.values())  # noqa: S608  our own columns


def exchange(one: int, other: int) -> None:
    move(one, 1000)
    move(other, one)
    move(1000, other)


def turn(*seqs: int) -> None:
    """Each to the place of the next."""
    for seq in seqs:
        move(seq, seq + 1000)
    for seq, to in zip(seqs, [*seqs[1:], seqs[0]], strict=True):
        move(seq + 1000, to)


def rewrite_from(seq: int) -> None:
    """All hashes from there on, and the end of the log: what only the missing key betrays."""
    rewrite(seq, actor_label="Eve")
    for later in range(seq + 1, COUNT + 1):
        rewrite(later, previous_hash=AuditEntry.objects.get(seq=later - 1).hash)
    sql("UPDATE accounts_audithead SET hash = %s", AuditEntry.objects.get(seq=COUNT).hash)


def cut_short(seq: int) -> None:
    """The newest go, and the end of the log says so."""
    remove(*range(seq, COUNT + 1))
    sql("UPDATE accounts_audithead SET seq = %s, hash = %s", seq - 1, AuditEntry.objects.get(seq=seq - 1).hash)


def forge_anchor(seq: int) -> None:
    hash_ = AuditEntry.objects.get(seq=seq).hash
    now = connection.ops.adapt_datetimefield_value(AuditEntry.objects.get(seq=seq).at)
    remove(*range(1, seq + 1))
    insert = "INSERT INTO accounts_auditanchor (seq, hash, at, signature) VALUES (%s, %s, %s, %s)"
    sql(insert, seq, hash_, now, "f" * 64)


TAMPERING: dict[str, tuple[Callable[[], None], Fault, int]] = {
    "an entry changed": (lambda: change(5), Fault.CHANGED, 5),
    "two changed, the first is named": (lambda: change(9, 4), Fault.CHANGED, 4),
    "the first one changed": (lambda: change(1), Fault.CHANGED, 1),
    "the last one changed": (lambda: change(COUNT), Fault.CHANGED, COUNT),
    "changed with its hash": (lambda: rewrite(5, actor_label="Eve"), Fault.CHANGED, 5),
    "the first changed with its hash": (lambda: rewrite(1, actor_label="Eve"), Fault.CHANGED, 1),
    "the last changed with its hash": (lambda: rewrite(COUNT, actor_label="Eve"), Fault.CHANGED, COUNT),
    "a time changed": (lambda: sql("UPDATE accounts_auditentry SET at = '2020-01-01' WHERE seq = 5"), Fault.CHANGED, 5),
    "a value changed": (lambda: sql("UPDATE accounts_auditentry SET after = '{}' WHERE seq = 5"), Fault.CHANGED, 5),
    "a request's id changed": (
        lambda: sql("UPDATE accounts_auditentry SET request_id = 'x' WHERE seq = 5"),
        Fault.CHANGED,
        5,
    ),
    "one removed": (lambda: remove(5), Fault.REMOVED, 5),
    "several removed": (lambda: remove(5, 6, 7), Fault.REMOVED, 5),
    "the first removed": (lambda: remove(1), Fault.REMOVED, 1),
    "the last removed": (lambda: remove(COUNT), Fault.REMOVED, COUNT),
    "all removed": (lambda: remove(*range(1, COUNT + 1)), Fault.REMOVED, 1),
    "removed, and the gap closed": (lambda: remove_and_close_the_gap(5), Fault.REMOVED, 5),
    "the newest removed, and the end set back": (lambda: cut_short(9), Fault.END_NOT_SIGNED, 8),
    "one inserted": (lambda: insert(5), Fault.INSERTED, 5),
    "one inserted behind the end": (lambda: insert(COUNT + 1), Fault.INSERTED, COUNT + 1),
    "two neighbours exchanged": (lambda: exchange(5, 6), Fault.REORDERED, 5),
    "two others exchanged": (lambda: exchange(3, 9), Fault.REORDERED, 3),
    "three turned round": (lambda: turn(4, 5, 6), Fault.REORDERED, 4),
    "all written anew from one on": (lambda: rewrite_from(5), Fault.END_NOT_SIGNED, COUNT),
    "the end removed": (lambda: sql("DELETE FROM accounts_audithead"), Fault.REMOVED, 0),
    "the end unsigned": (lambda: sql("UPDATE accounts_audithead SET signature = ''"), Fault.END_NOT_SIGNED, COUNT),
    "a cut that we did not make": (lambda: forge_anchor(5), Fault.ANCHOR_NOT_SIGNED, 5),
}


@pytest.mark.parametrize("name", TAMPERING)
def test_tampering_is_found_and_the_first_entry_named(name: str, write: Write) -> None:
    tamper, fault, seq = TAMPERING[name]
    write(COUNT)
    verify()
    tamper()
    with pytest.raises(Broken) as broken:
        verify()
    assert (broken.value.fault, broken.value.seq) == (fault, seq), str(broken.value)
    assert str(seq) in str(broken.value) or seq == 0


@pytest.mark.parametrize("name", ["an entry changed", "removed, and the gap closed", "one inserted", "one removed"])
def test_it_is_found_behind_a_cut_too(name: str, write: Write) -> None:
    tamper, fault, seq = TAMPERING[name]
    write(COUNT)
    anchor_at(3)
    verify()
    tamper()
    with pytest.raises(Broken) as broken:
        verify()
    assert (broken.value.fault, broken.value.seq) == (fault, seq)


def anchor_at(seq: int) -> None:
    retention._insert_anchor(seq, AuditEntry.objects.get(seq=seq).hash)
    list(retention.sweep())


def test_a_forged_end_stays_known_after_the_portal_went_on_writing(write: Write) -> None:
    write(COUNT)
    rewrite_from(5)
    write(3)  # signs the end anew, as the portal does
    with pytest.raises(Broken) as broken:
        verify()
    assert (broken.value.fault, broken.value.seq) == (Fault.END_NOT_SIGNED, COUNT)


def test_an_end_that_was_taken_away_is_made_again_in_doubt(write: Write) -> None:
    write(COUNT)
    sql("DELETE FROM accounts_audithead")
    write(1)
    assert AuditEntry.objects.count() == COUNT + 1
    with pytest.raises(Broken) as broken:
        verify()
    assert broken.value.fault == Fault.END_NOT_SIGNED


def test_an_empty_log_is_whole() -> None:
    assert (verify().count, verify().last) == (0, 0)


def run(*arguments: str) -> tuple[int, str]:
    out = io.StringIO()
    try:
        call_command("verify_audit", *arguments, stdout=out, stderr=io.StringIO())
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_the_command_says_what_to_note_and_ends_with_0(write: Write, protected: None) -> None:
    write(COUNT)
    code, text = run()
    assert code == 0
    assert f"{COUNT} entries, 1 to {COUNT}" in text
    assert f"{COUNT}:{AuditHead.objects.get().hash}" in text
    facts = json.loads(run("--json")[1])
    assert (facts["state"], facts["last"]) == ("whole", COUNT)


def test_the_command_ends_with_1_and_names_the_first_fault(write: Write, protected: None) -> None:
    write(COUNT)
    triggers.drop(connection)
    change(7)
    code, text = run("--json")
    assert (code, json.loads(text)["state"], json.loads(text)["entry"]) == (1, "changed", 7)
    assert run()[1] == "Entry 7 was changed.\n"


def test_the_command_ends_with_2_where_the_triggers_are_missing_and_makes_them(write: Write) -> None:
    write(COUNT)
    code, text = run()
    assert code == 2
    assert "audit_entry_stays" in text
    assert run("--mend-triggers")[0] == 0
    triggers.drop(connection)


def test_what_was_noted_elsewhere_is_compared(write: Write) -> None:
    write(COUNT)
    good = AuditEntry.objects.get(seq=5).hash
    verify(noted=(5, good[:16]))
    for number, hash_ in ((5, "0" * 16), (COUNT + 1, good)):  # another log, or one that was put back
        with pytest.raises(Broken) as broken:
            verify(noted=(number, hash_))
        assert broken.value.fault == Fault.NOT_AS_NOTED


def test_a_new_secret_key_with_the_old_one_as_fallback_is_no_fault(write: Write, settings: Settings) -> None:
    write(COUNT)
    old, settings.SECRET_KEY = settings.SECRET_KEY, "another-" + "2" * 40
    settings.SECRET_KEY_FALLBACKS = [old]
    verify()
    write(1)
    settings.SECRET_KEY_FALLBACKS = []
    assert verify().last == COUNT + 1


def test_without_the_old_key_the_log_can_be_signed_anew_if_it_is_whole(write: Write, settings: Settings) -> None:
    write(COUNT)
    anchor_at(3)
    settings.SECRET_KEY = "another-" + "2" * 40
    assert run("--json")[0] == 1
    record("signed_out", actor=SERVER)
    change(8)
    assert json.loads(run("--json", "--sign")[1])["entry"] == 8
    sql("UPDATE accounts_auditentry SET actor_label = '' WHERE seq = 8")
    assert json.loads(run("--json", "--sign")[1])["state"] == "unprotected"
    assert AuditEntry.objects.filter(action="audit_signed").count() == 1
    verify()
