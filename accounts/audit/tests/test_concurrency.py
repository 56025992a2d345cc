"""Several who write at once make one chain: no number twice, none left out, whatever is rolled back in between."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
from django.db import connection, connections, transaction

from accounts.audit import triggers
from accounts.audit.parties import SERVER, Party
from accounts.audit.record import Entry, record, record_many
from accounts.audit.verify import verify
from accounts.models import AuditEntry, User

WRITERS, EACH = 4, 12


@pytest.fixture
def protected_for_all(transactional_db: None) -> Iterator[None]:
    triggers.create(connection)
    yield
    triggers.drop(connection)  # before the tables are emptied


def together(*writers: object) -> None:
    failures: list[BaseException] = []
    start = threading.Barrier(len(writers))

    def run(writer: object) -> None:
        try:
            start.wait(10)
            writer()  # type: ignore[operator]  # a function
        except BaseException as error:  # noqa: BLE001  told by the test below
            failures.append(error)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=(writer,)) for writer in writers]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []


def test_writers_at_once_make_one_chain(protected_for_all: None) -> None:
    def one_by_one() -> None:
        for number in range(EACH):
            with transaction.atomic():
                User.objects.create_user(f"{threading.get_ident()}.{number}@culture.example")
                record("invited", actor=SERVER, after={"n": number})
                if number % 3 == 2:
                    transaction.set_rollback(True)

    def in_bulk() -> None:
        for _ in range(3):
            record_many(Entry("admin_changed", SERVER, Party("person", str(number))) for number in range(100))

    together(*[one_by_one] * WRITERS, in_bulk)
    kept = WRITERS * (EACH - EACH // 3)
    assert AuditEntry.objects.filter(action="invited").count() == User.objects.count() == kept
    assert verify().count == kept + 300
    bulk = list(AuditEntry.objects.filter(action="admin_changed").order_by("seq").values_list("seq", flat=True))
    assert all(part[-1] - part[0] == 99 for part in (bulk[:100], bulk[100:200], bulk[200:]))  # each in one piece


def test_the_first_two_entries_of_all_may_come_at_once(protected_for_all: None) -> None:
    """The tables are empty: also the row that says where the chain ends is not there yet."""
    together(*[lambda: record("signed_out", actor=SERVER)] * WRITERS)
    assert verify().count == WRITERS


def test_it_can_be_checked_while_others_write(protected_for_all: None) -> None:
    record_many(Entry("admin_changed", SERVER) for _ in range(50))

    def check() -> None:
        for _ in range(10):
            assert verify().count >= 50

    def write() -> None:
        for _ in range(20):
            record("signed_out", actor=SERVER)

    together(check, write)
    assert verify().count == 70
