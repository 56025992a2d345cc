"""People, organisations and memberships in the administration are found by how they begin, by indexes."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from accounts.models import Membership, Organisation, User
from accounts.tests.plans import plan_of, read_whole, sorted_apart
from accounts.tests.test_admin import client_of
from accounts.tests.test_organisations import branch

pytestmark = pytest.mark.django_db
PAGES = "/admin/accounts"


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("boss@culture.example", "un bien long secret"))


@pytest.fixture
def office() -> Organisation:
    """Of Nina and Noah; Zoë is elsewhere."""
    *_, office = branch("Ministry", "Office 100% of seals")
    (other,) = branch("Other")
    people = (
        ("Nina", "Neuve", "nina.neuve", office),
        ("Noah", "de La_Tour", "noah.tour", office),
        ("Zoë", "Petit", "zoe", other),
    )
    for first, last, name, where in people:
        user = User.objects.create_user(f"{name}@culture.example", first_name=first, last_name=last)
        Membership.objects.create(user=user, organisation=where)
    return office


def found(client: Client, place: str, words: str) -> list[str]:
    page: Any = client.get(f"{PAGES}/{place}/", {"q": words})
    assert page.status_code == 200
    rows = page.context["cl"].result_list
    return sorted(row.first_name if place == "user" else row.user.first_name for row in rows)


@pytest.mark.parametrize(
    ("words", "people"),
    [
        ("nin", ["Nina"]),
        ("NEUVE", ["Nina"]),
        ("n", ["Nina", "Noah"]),
        ("nina neu", ["Nina"]),
        ("nina petit", []),
        ("nina.neuve@culture", ["Nina"]),
        ("Nina.Neuve@Culture.example", ["Nina"]),
        ("ina", []),
        ("%", []),
        ("_", []),
        ("de noah", ["Noah"]),
        ("zo", ["Zoë"]),
        ("culture.example", []),
    ],
)
@pytest.mark.usefixtures("office")
def test_people_are_found_by_how_name_or_address_begins(words: str, people: list[str], boss: Client) -> None:
    assert found(boss, "user", words) == people


@pytest.mark.usefixtures("office")
def test_memberships_are_found_by_person_and_by_organisation(boss: Client) -> None:
    for words, people in (
        ("nina", ["Nina"]),
        ("office 100%", ["Nina", "Noah"]),
        ("other", ["Zoë"]),
        ("nina neuve", ["Nina"]),
        ("seals", []),
    ):
        assert found(boss, "membership", words) == people, words


@pytest.mark.usefixtures("office")
def test_where_a_person_is_chosen_the_same_is_found(boss: Client) -> None:
    query = {"app_label": "accounts", "model_name": "membership", "field_name": "user", "term": "neuv"}
    answer: Any = boss.get("/admin/autocomplete/", query)
    assert [one["text"] for one in answer.json()["results"]] == ["nina.neuve@culture.example"]


@pytest.mark.usefixtures("office")
def test_memberships_are_filtered_by_who_made_them(boss: Client) -> None:
    Membership.objects.filter(user__first_name="Zoë").update(source="sirh")
    for made_by, people in (("hand", ["Nina", "Noah"]), ("import", ["Zoë"])):
        page: Any = boss.get(f"{PAGES}/membership/", {"by": made_by})
        assert sorted(row.user.first_name for row in page.context["cl"].result_list) == people


def statements(client: Client, path: str, query: dict[str, str]) -> list[str]:
    """What a page asks. Their number is the same however many rows there are."""
    with CaptureQueriesContext(connection) as queries:
        assert client.get(path, query).status_code == 200
    assert len(queries) <= 9
    return [one["sql"] for one in queries.captured_queries if one["sql"].startswith("SELECT")]


@pytest.mark.parametrize("place", ["user", "membership"])
@pytest.mark.usefixtures("office")
def test_no_list_and_no_search_reads_all_people(place: str, boss: Client) -> None:
    for sql in statements(boss, f"{PAGES}/{place}/", {}):
        # A page is taken from an index in its order; only the number of all is counted, without a join.
        assert "JOIN" not in sql or "COUNT(" not in sql
        plan = plan_of(sql)
        assert not sorted_apart(plan), (sql, plan)
    for words in ("nina", "nina neuve", "nina.neuve@culture.example"):
        for sql in statements(boss, f"{PAGES}/{place}/", {"q": words}):
            plan = plan_of(sql)
            assert not read_whole(plan, "accounts_user", "accounts_membership"), (sql, plan)
