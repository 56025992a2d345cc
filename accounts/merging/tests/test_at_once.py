"""Two administrators at once, and whoever signs in meanwhile: one merge, and no account that has half of it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connections, transaction

from accounts.merging.merging import merge
from accounts.merging.refusals import MayNotMerge
from accounts.merging.tests.conftest import Pair, make_pair, signed_in_as
from accounts.merging.undoing import undo
from accounts.models import AuditEntry, ProvisioningRun, SignInIdentity, User
from accounts.proconnect.tests.hostile_provider import HostileProvider, Visit
from accounts.provisioning.undoing import NotUndoable


@pytest.fixture
def apart(transactional_db: None, provider: HostileProvider, folder: None) -> Pair:
    return make_pair(provider)


def in_threads(*acts: Callable[[], Any]) -> list[Any]:
    """What each of them gave back, or raised."""
    answers: list[Any] = [None] * len(acts)
    start = threading.Barrier(len(acts))

    def run(number: int, act: Callable[[], Any]) -> None:
        try:
            start.wait(10)
            answers[number] = act()
        except BaseException as error:  # noqa: BLE001  the test looks at it
            answers[number] = error
        finally:
            connections.close_all()

    threads = [threading.Thread(target=run, args=pair) for pair in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return answers


def test_of_two_administrators_at_once_one_merges_and_the_other_reads_why_not(apart: Pair) -> None:
    def act() -> Any:
        return merge(apart.fresh, apart.known, acting_user=None)

    answers = in_threads(act, act)
    refused = [one for one in answers if isinstance(one, MayNotMerge)]
    assert [one.refusal.code for one in refused] == ["suspended"], answers
    assert ProvisioningRun.objects.count() == 1
    assert AuditEntry.objects.filter(action="account_merged").count() == 1


def test_nor_do_two_merge_each_into_the_other(apart: Pair) -> None:
    answers = in_threads(
        lambda: merge(apart.fresh, apart.known, acting_user=None),
        lambda: merge(apart.known, apart.fresh, acting_user=None),
    )
    assert len([one for one in answers if isinstance(one, MayNotMerge)]) == 1, answers
    assert User.objects.filter(is_active=True).count() == 1


def test_two_who_undo_at_once_undo_once(apart: Pair) -> None:
    run, _counts = merge(apart.fresh, apart.known, acting_user=None)
    answers = in_threads(*[lambda: undo(run.key, acting_user=None)] * 2)
    assert len([one for one in answers if isinstance(one, NotUndoable)]) == 1, answers
    assert AuditEntry.objects.filter(action="account_unmerged").count() == 1
    assert User.objects.filter(is_active=True).count() == 2


def test_whoever_signs_in_during_a_merge_is_in_no_dead_account(apart: Pair, provider: HostileProvider) -> None:
    visit = Visit(provider)

    def come() -> None:
        visit.sign_in()
        connections.close_all()

    coming = threading.Thread(target=come)
    with transaction.atomic():
        merge(apart.fresh, apart.known, acting_user=None)
        coming.start()  # whether it waits for the lock or has not come so far yet, it goes on after this
    coming.join(60)
    assert SignInIdentity.objects.get(sub="marie anew").user == apart.known
    assert SignInIdentity.objects.count() == 2
    assert signed_in_as(visit) == apart.known
    assert User.objects.filter(is_active=True).count() == 1


def test_merging_undoing_and_signing_in_again_and_again_end_well(apart: Pair, provider: HostileProvider) -> None:
    def merge_and_undo() -> None:
        for _ in range(4):
            run, _counts = merge(apart.fresh, apart.known, acting_user=None)
            undo(run.key, acting_user=None)

    def come() -> list[int]:
        return [Visit(provider).sign_in().status_code for _ in range(6)]

    merged, come_in = in_threads(merge_and_undo, come)
    assert merged is None, merged
    assert set(come_in) <= {302, 403}, come_in  # refused where the account was just about to end
    assert SignInIdentity.objects.get(sub="marie anew").user == apart.fresh
    assert SignInIdentity.objects.count() == User.objects.count() == 2
