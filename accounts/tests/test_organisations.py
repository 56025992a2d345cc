"""Organisations in their tree: what the database refuses, who counts when, and what a move takes along."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.db.models import ProtectedError
from django.utils import timezone

from accounts.models import Employment, Group, Membership, Organisation, User
from accounts.models.organisation import MAX_DEPTH, MembershipRole
from accounts.services.organisations import Misplaced, check_place, move

pytestmark = pytest.mark.django_db

TODAY = timezone.localdate()


def branch(*names: str) -> list[Organisation]:
    """Each part of the one before it."""
    found: list[Organisation] = []
    for name in names:
        found.append(Organisation.objects.create(name=name, parent=found[-1] if found else None))
    return found


def lineage_by_hand(organisation: Organisation) -> str:
    """As its parents say, one after the other."""
    above: list[int] = []
    one = Organisation.objects.get(pk=organisation.pk)
    while one.parent_id is not None:
        above.insert(0, one.parent_id)
        one = Organisation.objects.get(pk=one.parent_id)
    return "".join(f"{key}/" for key in above)


def test_those_below_are_found_at_any_depth_and_no_namesake_of_their_number() -> None:
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    # A key that begins with the ministry's digits must not look like part of it.
    others = Organisation.objects.bulk_create(Organisation(name=f"Club {number}") for number in range(12))
    Organisation.objects.create(name="Inside a club", parent=others[-1])
    assert set(Organisation.objects.below(ministry)) == {directorate, office}
    assert set(Organisation.objects.within(directorate)) == {directorate, office}
    assert office.ancestor_ids == [ministry.pk, directorate.pk]
    assert list(Organisation.objects.matching("off")) == [office]


def test_whole_levels_are_made_in_bulk() -> None:
    roots = Organisation.objects.bulk_create(
        Organisation(name=f"M{n}", source="hr", external_id=f"M{n}") for n in range(3)
    )
    Organisation.objects.bulk_create(
        Organisation(name="D", source="hr", external_id=f"D{root.pk}", parent=root, lineage=root.lineage_below)
        for root in roots
    )
    assert all(one.lineage == lineage_by_hand(one) for one in Organisation.objects.all())
    again = [Organisation(name="New name", source="hr", external_id="M0")]
    with pytest.raises(IntegrityError), transaction.atomic():
        Organisation.objects.bulk_create(again)


def test_a_move_takes_along_all_that_is_below() -> None:
    ministry, directorate, office, desk = branch("Ministry", "Directorate", "Office", "Desk")
    other, beside = branch("Other", "Beside")
    move(directorate, beside, acting_user=None)
    for one in Organisation.objects.all():
        assert one.lineage == lineage_by_hand(one), one.name
    assert set(Organisation.objects.below(other)) == {beside, directorate, office, desk}
    assert not Organisation.objects.below(ministry).exists()
    move(directorate, None, acting_user=None)
    assert Organisation.objects.get(pk=office.pk).ancestor_ids == [directorate.pk]
    assert directorate.parent is None


def test_nothing_is_put_into_itself() -> None:
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    for parent in (ministry, directorate, office):
        with pytest.raises(Misplaced):
            move(ministry, parent, acting_user=None)
    with pytest.raises(IntegrityError), transaction.atomic():
        Organisation.objects.filter(pk=ministry.pk).update(parent=ministry, lineage=f"{ministry.pk}/")


def test_a_tree_has_a_bottom() -> None:
    deep = branch(*(f"Level {level}" for level in range(MAX_DEPTH)))
    with pytest.raises(Misplaced):
        check_place(Organisation(name="One too deep"), deep[-1])
    _, low = branch("Root", "Low")
    check_place(low, deep[-3])
    with pytest.raises(Misplaced):
        move(low.parent, deep[-2], acting_user=None)  # type: ignore[arg-type]  # it has one


REFUSED: dict[str, dict[str, Any]] = {
    "a key without a source": {"external_id": "42"},
    "a SIRET with a digit missing": {"siret": "1300252650001"},
    "a root with a lineage": {"lineage": "1/"},
}


@pytest.mark.parametrize("fields", REFUSED.values(), ids=REFUSED)
def test_the_database_refuses(fields: dict[str, Any]) -> None:
    with pytest.raises(IntegrityError), transaction.atomic():
        Organisation.objects.create(name="X", **fields)


def test_an_organisation_with_parts_or_people_is_not_deleted() -> None:
    ministry, office = branch("Ministry", "Office")
    person = User.objects.create_user("nina@culture.example")
    Membership.objects.create(user=person, organisation=office)
    for one in (ministry, office):
        with pytest.raises(ProtectedError):
            one.delete()


@pytest.mark.parametrize(
    ("begins", "ends", "counts"),
    [
        (0, None, True),
        (0, 0, True),  # the last day is a whole one
        (-30, 0, True),
        (-30, -1, False),
        (1, None, False),
        (-1, 1, True),
    ],
)
def test_a_membership_counts_from_its_first_to_its_last_day(begins: int, ends: int | None, counts: bool) -> None:
    (ministry,) = branch("Ministry")
    person = User.objects.create_user("nina@culture.example")
    until = TODAY + timedelta(days=ends) if ends is not None else None
    row = Membership.objects.create(
        user=person, organisation=ministry, from_on=TODAY + timedelta(days=begins), until_on=until
    )
    assert (row.is_current, Membership.objects.current().exists()) == (counts, counts)


def test_a_period_has_its_beginning_first_and_no_double() -> None:
    (ministry,) = branch("Ministry")
    person = User.objects.create_user("nina@culture.example")
    start = date(2026, 9, 1)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=person, organisation=ministry, from_on=start, until_on=date(2026, 8, 31))
    Membership.objects.create(user=person, organisation=ministry, from_on=start)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.create(user=person, organisation=ministry, from_on=start, role=MembershipRole.MANAGER)
    with pytest.raises(IntegrityError), transaction.atomic():
        Membership.objects.filter(user=person).update(role="king")


def test_hr_records_are_written_and_rewritten_in_bulk_by_their_key() -> None:
    people = User.objects.bulk_create(User(email=f"p{n}@culture.example", password="!") for n in range(50))
    rows = [Employment(user=one, source="sirh", hr_id=f"{n:06}", digest="a") for n, one in enumerate(people)]
    Employment.objects.bulk_create(rows, batch_size=20)
    keys = dict(Employment.objects.filter(source="sirh").values_list("hr_id", "pk"))
    changed = [
        Employment(user=one, source="sirh", hr_id=f"{n:06}", digest="b", email="reused@culture.example")
        for n, one in enumerate(people[:7])
    ]
    Employment.objects.bulk_create(
        changed,
        update_conflicts=True,
        unique_fields=["source", "hr_id"],
        update_fields=["digest", "email", "updated_at"],
    )
    assert dict(Employment.objects.filter(source="sirh").values_list("hr_id", "pk")) == keys
    assert Employment.objects.filter(digest="b", email="reused@culture.example").count() == 7
    # The same number at another employer is somebody else.
    Employment.objects.create(user=people[0], source="other", hr_id="000000")
    with pytest.raises(IntegrityError), transaction.atomic():
        Employment.objects.create(user=people[1], source="other", hr_id="000000")
    with pytest.raises(IntegrityError), transaction.atomic():
        Employment.objects.create(user=people[1], source="other", hr_id="")


def test_a_group_has_its_name_once_where_it_belongs() -> None:
    (ministry,) = branch("Ministry")
    Group.objects.create(name="Project", organisation=ministry)
    Group.objects.create(name="Project")
    for organisation in (ministry, None):
        with pytest.raises(IntegrityError), transaction.atomic():
            Group.objects.create(name="Project", organisation=organisation)
