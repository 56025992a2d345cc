"""Policies: what holds for whom, who laid it down, and at what price. Rules as a table; inheritance against a model."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction
from django.utils import timezone, translation
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.django import TestCase

from accounts.models import Membership, Organisation, Policy, User
from accounts.models.organisation import MembershipRole
from accounts.models.policy import RoomCreation, SignInLevel, domains_of
from accounts.policies.enforcement import Forbidden, require_entry, require_room_creation, require_sign_in
from accounts.policies.resolution import OriginKind, policies_of, policies_of_organisation, resolve, smallest
from accounts.policies.table import DEFAULT_RETENTION_DAYS, KINDS
from accounts.services.organisations import Misplaced, move
from accounts.tests.test_organisations import branch

TODAY = timezone.localdate()


def person_in(
    *organisations: Organisation, role: MembershipRole = MembershipRole.MEMBER, email: str = "nina@culture.example"
) -> User:
    person = User.objects.create_user(email)
    Membership.objects.bulk_create(Membership(user=person, organisation=one, role=role) for one in organisations)
    return person


def value(person: User, kind: str) -> Any:
    return getattr(policies_of(person), kind).value


def origin(person: User, kind: str) -> str:
    with translation.override("en"):
        return str(getattr(policies_of(person), kind).origin)


# Each rule: what holds by default, what a ministry lays down, what an office in it lays down instead, and what of the
# two holds for who is in two such organisations at once.
RULES: dict[str, tuple[Any, Any, Any, Any, Any, Any]] = {
    # name: (default, column above, its value, column below, its value, stricter value)
    "room_creation": (
        RoomCreation.EVERYBODY,
        "nobody",
        RoomCreation.NOBODY,
        "managers",
        RoomCreation.MANAGERS,
        "nobody",
    ),
    "guests_allowed": (True, False, False, True, True, False),
    "lobby_default": (True, False, False, True, True, True),
    "recording_allowed": (True, False, False, True, True, False),
    "transcription_allowed": (True, False, False, True, True, False),
    "retention_days": (DEFAULT_RETENTION_DAYS, 30, 30, 90, 90, 30),
    "required_acr": (SignInLevel.ANY, "eidas2", SignInLevel.EIDAS2, "two_factors", SignInLevel.TWO_FACTORS, "eidas2"),
    "email_domains": (
        *(None, "a.example b.example", frozenset({"a.example", "b.example"})),
        *("b.example c.example", frozenset({"b.example", "c.example"}), frozenset({"b.example"})),
    ),
    "max_participants": (None, 20, 20, 500, 500, 20),
}


def test_the_table_is_whole() -> None:
    columns = {field.name for field in Policy._meta.get_fields()} - {"id", "organisation", "updated_at"}
    assert columns == set(KINDS) == set(RULES)


@pytest.mark.django_db
@pytest.mark.parametrize("kind", RULES)
def test_each_rule_comes_from_the_nearest_who_lays_it_down(kind: str) -> None:
    default, above, above_value, below, below_value, _ = RULES[kind]
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    person = person_in(office)
    assert (value(person, kind), origin(person, kind)) == (default, "Default")
    portal = Policy.objects.create(**{kind: below})
    assert (value(person, kind), origin(person, kind)) == (below_value, "The portal")
    row = Policy.objects.create(organisation=ministry, **{kind: above})
    Policy.objects.create(organisation=directorate)  # leaves all open
    assert (value(person, kind), origin(person, kind)) == (above_value, "Ministry")
    Policy.objects.create(organisation=office, **{kind: below})
    assert (value(person, kind), origin(person, kind)) == (below_value, "Office")
    assert getattr(policies_of_organisation(directorate), kind).value == above_value
    # The others of its rules are untouched.
    for other in set(RULES) - {kind}:
        assert (value(person, other), origin(person, other)) == (RULES[other][0], "Default")
    row.delete()
    portal.delete()
    assert getattr(policies_of_organisation(ministry), kind).value == default


@pytest.mark.django_db
@pytest.mark.parametrize("kind", RULES)
def test_of_two_organisations_of_a_person_the_stricter_holds(kind: str) -> None:
    _, one, one_value, other, other_value, strictest = RULES[kind]
    (first,), (second,) = branch("First"), branch("Second")
    person = person_in(first, second)
    Policy.objects.create(organisation=first, **{kind: one})
    Policy.objects.create(organisation=second, **{kind: other})
    assert value(person, kind) == strictest
    said_by = {one_value: "First", other_value: "Second"}
    assert origin(person, kind) == said_by.get(strictest, "First, Second")


@pytest.mark.django_db
def test_who_belongs_to_a_part_is_bound_as_the_part_is() -> None:
    ministry, office = branch("Ministry", "Office")
    person = person_in(ministry, office, role=MembershipRole.ADMINISTRATOR)
    Policy.objects.create(organisation=ministry, recording_allowed=False)
    assert value(person, "recording_allowed") is False
    Policy.objects.create(organisation=office, recording_allowed=True)
    assert value(person, "recording_allowed") is True
    Membership.objects.filter(organisation=office).update(from_on=TODAY - timedelta(9), until_on=TODAY - timedelta(1))
    assert value(person, "recording_allowed") is False


@pytest.mark.django_db
def test_without_an_organisation_the_portal_decides_and_else_all_is_as_it_was() -> None:
    person = User.objects.create_user("nina@culture.example")
    assert {kind: value(person, kind) for kind in RULES} == {kind: rule[0] for kind, rule in RULES.items()}
    branch("Ministry")
    Policy.objects.create(guests_allowed=False)
    assert value(person, "guests_allowed") is False
    with pytest.raises(IntegrityError), transaction.atomic():
        Policy.objects.create(guests_allowed=True)  # there is one portal


@pytest.mark.django_db
def test_an_answer_costs_two_queries_however_deep_the_tree(django_assert_num_queries: Any) -> None:
    deep, wide = branch(*"abcdefghij"), branch(*"klmnop")
    for one in (*deep, *wide):
        Policy.objects.create(organisation=one, max_participants=30)
    person = person_in(deep[-1], wide[-1], deep[2])
    with django_assert_num_queries(2):
        policies_of(person)
    with django_assert_num_queries(1):
        policies_of_organisation(deep[-1])
    with django_assert_num_queries(2):
        require_room_creation(person)
    with django_assert_num_queries(2):
        require_entry(person.pk, None)


# Who may open rooms: (rule, role of the person, whether they may).
MAY_OPEN = [
    ("", "member", True),
    ("everybody", "member", True),
    ("managers", "member", False),
    ("managers", "manager", True),
    ("managers", "administrator", True),
    ("nobody", "member", False),
    ("nobody", "administrator", False),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("rule", "role", "may"), MAY_OPEN)
def test_who_may_open_rooms(rule: str, role: str, may: bool) -> None:
    ministry, office = branch("Ministry", "Office")
    Policy.objects.create(organisation=ministry, room_creation=rule)
    person = person_in(office, role=MembershipRole(role))
    if may:
        require_room_creation(person)
    else:
        with pytest.raises(Forbidden) as refusal:
            require_room_creation(person)
        assert (refusal.value.kind, refusal.value.origin) == ("room_creation", "Ministry")
    superuser = User.objects.create_superuser("boss@culture.example")
    Membership.objects.create(user=superuser, organisation=office)
    require_room_creation(superuser)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("managed", "may"),
    [("Ministry", True), ("Directorate", True), ("Office", True), ("Beside", False), ("Club", False)],
)
def test_a_manager_is_one_where_the_rule_comes_from(managed: str, may: bool) -> None:
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    beside = Organisation.objects.create(name="Beside", parent=ministry)
    (club,) = branch("Club")
    Policy.objects.create(organisation=directorate, room_creation=RoomCreation.MANAGERS)
    person = person_in(office)
    by_name = {one.name: one for one in (ministry, directorate, office, beside, club)}
    Membership.objects.create(
        user=person, organisation=by_name[managed], role=MembershipRole.MANAGER, from_on=TODAY - timedelta(3)
    )
    if may:
        require_room_creation(person)
    else:
        with pytest.raises(Forbidden):
            require_room_creation(person)


# Who may come into a room: (guests allowed, domains, who, the rule that forbids it).
MAY_ENTER = [
    (None, "", "guest", None),
    (None, "", "nina@elsewhere.example", None),
    (False, "", "guest", "guests_allowed"),
    (False, "", "nina@elsewhere.example", None),
    (None, "culture.example", "guest", None),
    (None, "culture.example", "nina@culture.example", None),
    (None, "culture.example", "nina@elsewhere.example", "email_domains"),
    (None, "culture.example", "nina@sub.culture.example", "email_domains"),
    (None, "culture.example", "nina@culture.example.evil.example", "email_domains"),
    (None, "culture.example", "culture.example@evil.example", "email_domains"),
    (None, "culture.example elsewhere.example", "nina@elsewhere.example", None),
    (None, "*", "nina@elsewhere.example", None),
    (False, "culture.example", "owner", None),
]


@pytest.mark.django_db
@pytest.mark.parametrize(("guests", "domains", "who", "forbidden"), MAY_ENTER)
def test_who_may_come_into_a_room(guests: bool | None, domains: str, who: str, forbidden: str | None) -> None:
    (ministry,) = branch("Ministry")
    Policy.objects.create(organisation=ministry, guests_allowed=guests, email_domains=domains)
    owner = person_in(ministry, email="owner@elsewhere.example")
    person = {"guest": None, "owner": owner}.get(who) if who in ("guest", "owner") else User.objects.create_user(who)
    if forbidden is None:
        require_entry(owner.pk, person)
    else:
        with pytest.raises(Forbidden) as refusal:
            require_entry(owner.pk, person)
        assert (refusal.value.kind, refusal.value.origin) == (forbidden, "Ministry")


# What ProConnect may say of a sign-in, and the levels that it reaches.
ACRS: dict[str, set[SignInLevel]] = {
    "": {SignInLevel.ANY},
    "eidas0": {SignInLevel.ANY},
    "eidas1": {SignInLevel.ANY},
    "eidas0-mfa": {SignInLevel.ANY, SignInLevel.TWO_FACTORS},
    "eidas1-mfa": {SignInLevel.ANY, SignInLevel.TWO_FACTORS},
    "eidas2": {SignInLevel.ANY, SignInLevel.TWO_FACTORS, SignInLevel.EIDAS2},
    "eidas3": set(SignInLevel),
    "eidas9": {SignInLevel.ANY},
}


@pytest.mark.django_db
@pytest.mark.parametrize("acr", ACRS)
def test_which_levels_a_sign_in_reaches(acr: str) -> None:
    (ministry,) = branch("Ministry")
    person = person_in(ministry)
    policy = Policy.objects.create(organisation=ministry)
    require_sign_in(person, acr)
    for level in SignInLevel:
        Policy.objects.filter(pk=policy.pk).update(required_acr=level)
        if level in ACRS[acr]:
            require_sign_in(person, acr)
        else:
            with pytest.raises(Forbidden) as refusal:
                require_sign_in(person, acr)
            assert (refusal.value.kind, refusal.value.origin) == ("required_acr", "Ministry")


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("", []),
        ("*", ["*"]),
        ("Culture.gouv.fr", ["culture.gouv.fr"]),
        ("@b.example, a.example;a.example\nc.example", ["a.example", "b.example", "c.example"]),
    ],
)
def test_domains_have_one_spelling(typed: str, kept: list[str]) -> None:
    assert domains_of(typed) == kept


@pytest.mark.parametrize(
    "typed", ["culture", "* a.example", "a..example", "-a.example", "nina@a.example", "<b>.example", "a" * 64 + ".fr"]
)
def test_what_is_no_domain_is_refused(typed: str) -> None:
    with pytest.raises(ValidationError):
        domains_of(typed)


# --- Against a model that walks from parent to parent

COLUMNS: dict[str, st.SearchStrategy[Any]] = {
    "room_creation": st.sampled_from(["", *RoomCreation.values]),
    "guests_allowed": st.sampled_from([None, True, False]),
    "lobby_default": st.sampled_from([None, True, False]),
    "retention_days": st.sampled_from([None, 1, 30, 365]),
    "required_acr": st.sampled_from(["", *SignInLevel.values]),
    "email_domains": st.sampled_from(["", "*", "a.example", "a.example b.example", "b.example c.example"]),
    "max_participants": st.sampled_from([None, 2, 50, 10_000]),
}
laid_down_columns = st.fixed_dictionaries(COLUMNS)


def model_nearest(kind: str, place: int, parents: Sequence[int | None], rows: dict[int | None, dict[str, Any]]) -> Any:
    """The column that holds at a place, and where it stands: None for the portal, -1 for nowhere."""
    here: int | None = place
    while here is not None:
        column = rows.get(here, {}).get(kind)
        if column not in (None, ""):
            return column, here
        here = parents[here]
    column = rows.get(None, {}).get(kind)
    return (column, None) if column not in (None, "") else (None, -1)


def model_is_above(one: int, other: int, parents: Sequence[int | None]) -> bool:
    here = parents[other]
    while here is not None:
        if here == one:
            return True
        here = parents[here]
    return False


def model_value(kind: str, places: list[int], parents: Sequence[int | None], rows: dict[int | None, Any]) -> Any:
    smallest_ones = [one for one in places if not any(model_is_above(one, other, parents) for other in places)]
    found = [model_nearest(kind, one, parents, rows)[0] for one in smallest_ones]
    if not places:
        column = rows.get(None, {}).get(kind)
        found = [column if column != "" else None]
    values = [RULES[kind][0] if column is None else column for column in found]
    match kind:
        case "room_creation":
            return max(values, key=["everybody", "managers", "nobody"].index)
        case "required_acr":
            return max(values, key=["any", "two_factors", "eidas2", "eidas3"].index)
        case "lobby_default":
            return any(values)
        case "guests_allowed":
            return all(values)
        case "retention_days":
            return min(values)
        case "max_participants":
            return min((limit for limit in values if limit is not None), default=None)
        case _:
            sets = [set(text.split()) for text in values if text not in (None, "*")]
            return frozenset.intersection(*map(frozenset, sets)) if sets else None


@st.composite
def trees(draw: st.DrawFn) -> list[int | None]:
    """Of each organisation the number of its parent, which comes before it."""
    size = draw(st.integers(1, 9))
    return [draw(st.sampled_from([None, *range(number)])) for number in range(size)]


@st.composite
def portals(draw: st.DrawFn) -> tuple[list[int | None], dict[int | None, dict[str, Any]], list[int]]:
    parents = draw(trees())
    places = st.sampled_from([None, *range(len(parents))])
    rows = draw(st.dictionaries(places, laid_down_columns, max_size=6))
    belongs = draw(st.lists(st.integers(0, len(parents) - 1), max_size=4, unique=True))
    return parents, rows, belongs


def lineage_in(parents: Sequence[int | None], place: int) -> tuple[int, ...]:
    parent = parents[place]
    return (*(lineage_in(parents, parent) if parent is not None else ()), place)


@settings(deadline=None)
@given(portals())
def test_what_holds_is_what_a_walk_up_the_tree_finds(
    portal: tuple[list[int | None], dict[int | None, dict[str, Any]], list[int]],
) -> None:
    parents, rows, belongs = portal
    organisations = {place: Organisation(pk=place, name=f"O{place}") for place in range(len(parents))}
    policies = {
        place: Policy(organisation=organisations[place] if place is not None else None, **columns)
        for place, columns in rows.items()
    }
    found = resolve([lineage_in(parents, place) for place in belongs], policies)
    for kind in COLUMNS:
        answer = getattr(found, kind)
        assert answer.value == model_value(kind, belongs, parents, rows), kind
        if len(belongs) == 1:
            _, where = model_nearest(kind, belongs[0], parents, rows)
            (said,) = answer.origins
            expected = {None: OriginKind.PORTAL, -1: OriginKind.DEFAULT}.get(where, OriginKind.ORGANISATION)
            assert said.kind == expected
            assert said.organisation_id == (where if expected == OriginKind.ORGANISATION else None)


@settings(deadline=None)
@given(st.lists(st.lists(st.integers(1, 3), max_size=4).map(tuple), max_size=6))
def test_only_the_smallest_are_left_and_each_once(lineages: list[tuple[int, ...]]) -> None:
    left = smallest(lineages)
    assert len(set(left)) == len(left)
    assert all(any(one[: len(each)] == each for one in left) for each in lineages)
    assert not any(one != other and other[: len(one)] == one for one in left for other in left)


class TestThroughTheDatabase(TestCase):
    """The same, with rows, memberships and moves: lineages must say what the parents say."""

    @settings(max_examples=25, deadline=None)
    @given(portals(), st.lists(st.tuples(st.integers(0, 8), st.integers(-1, 8)), max_size=5))
    def test_moves_change_what_holds_as_they_change_the_tree(
        self,
        portal: tuple[list[int | None], dict[int | None, dict[str, Any]], list[int]],
        moves: list[tuple[int, int]],
    ) -> None:
        parents, rows, belongs = portal
        made: list[Organisation] = []
        for number, parent in enumerate(parents):
            above = made[parent] if parent is not None else None
            made.append(Organisation.objects.create(name=f"O{number}", parent=above))
        for place, columns in rows.items():
            Policy.objects.create(organisation=made[place] if place is not None else None, **columns)
        person = person_in(*(made[place] for place in belongs))
        for what, where in moves:
            if what >= len(made) or where >= len(made):
                continue
            into = where if where >= 0 else None
            fits = into is None or not (into == what or model_is_above(what, into, parents))
            target = Organisation.objects.get(pk=made[into].pk) if into is not None else None
            if fits:
                move(Organisation.objects.get(pk=made[what].pk), target, acting_user=None)
                parents[what] = into
            else:
                with pytest.raises(Misplaced):
                    move(Organisation.objects.get(pk=made[what].pk), target, acting_user=None)
        found = policies_of(person)
        for kind in COLUMNS:
            assert getattr(found, kind).value == model_value(kind, belongs, parents, rows), kind
