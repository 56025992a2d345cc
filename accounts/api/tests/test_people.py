"""People through the API: a token sees whom its owner may see, page by page."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.utils import timezone

from accounts import people_in_sight
from accounts.api.tests.callers import Program, json_of, program
from accounts.managers.reach import reach_of
from accounts.models import Membership, Organisation, User
from accounts.models.organisation import MembershipRole
from accounts.models.user import placeholder_email

NAMES = ("ministry", "office", "elsewhere", "past", "nowhere")


@pytest.fixture
def tree(db: None) -> dict[str, User]:
    """A person in the ministry, one in its office, one of another ministry, one who left the office, one of none."""
    ministry = Organisation.objects.create(name="Ministry", siret="11000401500013")
    office = Organisation.objects.create(name="Office", parent=ministry)
    other = Organisation.objects.create(name="Other ministry")
    people = {name: User.objects.create_user(f"{name}@culture.example", first_name=name.title()) for name in NAMES}
    belongs(people["ministry"], ministry)
    belongs(people["office"], office)
    belongs(people["elsewhere"], other)
    yesterday = timezone.localdate() - timedelta(days=1)
    belongs(people["past"], office, until_on=yesterday, from_on=yesterday)
    return people


def belongs(person: User, organisation: Organisation, **fields: Any) -> Membership:
    return Membership.objects.create(user=person, organisation=organisation, **fields)


def owner(kind: str) -> User:
    """Somebody who may see more or less."""
    user = User.objects.create_user("owner@culture.example", first_name="Owner")
    roles = {
        "manager": ("Ministry", MembershipRole.MANAGER),
        "administrator": ("Office", MembershipRole.ADMINISTRATOR),
        "member": ("Ministry", MembershipRole.MEMBER),
        "manager of before": ("Ministry", MembershipRole.MANAGER),
    }
    if kind in roles:
        name, role = roles[kind]
        yesterday = timezone.localdate() - timedelta(days=1)
        period = {"from_on": yesterday, "until_on": yesterday} if kind == "manager of before" else {}
        belongs(user, Organisation.objects.get(name=name), role=role, **period)
    user.is_staff = kind.startswith(("clerk", "reader", "superuser"))
    user.is_superuser = kind == "superuser"
    user.save()
    if kind in ("reader", "reader who is no staff any more"):
        user.user_permissions.add(Permission.objects.get(codename="view_user"))
    if kind == "reader who is no staff any more":
        User.objects.filter(pk=user.pk).update(is_staff=False)
    return user


# Whom they see, beside themselves.
SEEN: dict[str, tuple[str, ...]] = {
    "anybody": (),
    "member": (),
    "manager": ("ministry", "office"),
    "administrator": ("office",),
    "manager of before": (),
    "clerk": (),
    "reader": NAMES,
    "reader who is no staff any more": (),
    "superuser": NAMES,
}


@pytest.mark.parametrize("kind", SEEN)
def test_a_token_sees_whom_its_owner_may_see_and_nobody_else(tree: dict[str, User], kind: str) -> None:
    caller = program(owner(kind), "people:read")
    listed = {row["email"].partition("@")[0] for row in json_of(caller.get("people"))["results"]}
    assert listed == {"owner", *SEEN[kind]}
    for name, person in tree.items():
        answer = caller.get(f"people/{person.public_id}")
        assert answer.status_code == (200 if name in SEEN[kind] else 404)


@pytest.mark.parametrize(("closed", "seen"), [("Ministry", {"office"}), ("Office", {"ministry"})])
@pytest.mark.parametrize("many", [5000, 1])
def test_nobody_is_seen_by_what_is_closed(
    tree: dict[str, User], closed: str, seen: set[str], many: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(people_in_sight, "MANY", many)
    manager = owner("manager")
    belongs(manager, Organisation.objects.get(name="Office"), role=MembershipRole.MANAGER)
    Organisation.objects.filter(name=closed).update(closed_on=timezone.localdate())
    listed = {
        row["email"].partition("@")[0] for row in json_of(program(manager, "people:read").get("people"))["results"]
    }
    assert listed == {"owner", *seen}
    assert set(people_in_sight.people_visible_to(manager)) == set(reach_of(manager).people())


@pytest.mark.parametrize("kind", ["manager", "administrator"])
def test_who_manages_many_sees_the_same_as_who_manages_few(
    tree: dict[str, User], kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    person = owner(kind)
    few = set(people_in_sight.people_visible_to(person).values_list("pk", flat=True))
    monkeypatch.setattr(people_in_sight, "MANY", 1)
    assert set(people_in_sight.people_visible_to(person).values_list("pk", flat=True)) == few


def test_a_person_who_may_not_be_seen_and_one_who_is_not_there_are_the_same(tree: dict[str, User]) -> None:
    caller = program(owner("anybody"), "people:read")
    there = json_of(caller.get(f"people/{tree['office'].public_id}"))
    missing = json_of(caller.get("people/6b0c3c3e-0000-4000-8000-000000000000"))
    assert {**there, "request_id": ""} == {**missing, "request_id": ""}


def test_it_says_where_they_work_today_and_no_internal_number(tree: dict[str, User]) -> None:
    caller = program(owner("superuser"), "people:read")
    said = json_of(caller.get(f"people/{tree['ministry'].public_id}"))
    ministry = Organisation.objects.get(name="Ministry")
    assert said["organisations"] == [
        {"organisation": str(ministry.public_id), "name": "Ministry", "siret": "11000401500013", "role": "member"}
    ]
    assert said["id"] == str(tree["ministry"].public_id)
    assert json_of(caller.get(f"people/{tree['past'].public_id}"))["organisations"] == []


def test_an_account_without_an_address_of_its_own_shows_none(db: None, boss: User) -> None:
    person = User.objects.create_user("x@culture.example")
    User.objects.filter(pk=person.pk).update(email=placeholder_email(person.public_id))
    assert json_of(program(boss, "people:read").get(f"people/{person.public_id}"))["email"] is None


def test_people_are_found_by_how_their_name_begins_and_by_whether_the_account_works(
    tree: dict[str, User], boss: User
) -> None:
    User.objects.filter(email="office@culture.example").update(is_active=False)
    caller = program(boss, "people:read")

    def emails(query: str) -> list[str]:
        return sorted(row["email"].partition("@")[0] for row in json_of(caller.get(f"people?{query}"))["results"])

    assert emails("q=Off") == ["office"]
    assert emails("q=ffice") == []
    assert emails("is_active=false") == ["office"]
    assert emails("q=el&is_active=true") == ["elsewhere"]


def walk(caller: Program, path: str) -> list[list[str]]:
    """The ids, page by page."""
    pages, address = [], path
    while address:
        said = json_of(caller.get(address))
        pages.append([row["id"] for row in said["results"]])
        address = said["next"]
    return pages


def test_pages_hold_everybody_once_also_where_people_come_and_go_meanwhile(db: None, boss: User) -> None:
    User.objects.bulk_create(User(email=f"p{number}@culture.example") for number in range(9))
    caller = program(boss, "people:read")
    pages = walk(caller, "people?limit=4")
    assert [len(page) for page in pages] == [4, 4, 2]
    everybody = [identity for page in pages for identity in page]
    assert sorted(everybody) == sorted(str(key) for key in User.objects.values_list("public_id", flat=True))
    first = json_of(caller.get("people?limit=4"))
    User.objects.filter(public_id=first["results"][0]["id"]).exclude(pk=boss.pk).delete()
    rest = [identity for page in walk(caller, first["next"]) for identity in page]
    assert [row["id"] for row in first["results"]] + rest == everybody


def test_a_page_costs_the_same_however_many_people_there_are(
    db: None, boss: User, django_assert_num_queries: Any
) -> None:
    caller = program(boss, "people:read")
    caller.get("token")  # the use of the token is noted here
    # Token, people, memberships with their organisations.
    with django_assert_num_queries(3):
        caller.get("people")
    ministry = Organisation.objects.create(name="Ministry")
    for number in range(20):
        belongs(User.objects.create_user(f"p{number}@culture.example"), ministry)
    with django_assert_num_queries(3):
        assert len(json_of(caller.get("people"))["results"]) == 21
