"""Organisations and policies in the admin: what an administrator sees and changes, and that lists stay cheap."""

from __future__ import annotations

import re
from typing import Any

import pytest
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client, TestCase
from django.test.utils import CaptureQueriesContext
from structlog.testing import capture_logs

from accounts.models import Employment, Group, Membership, Organisation, Policy, User
from accounts.models.organisation import MembershipRole
from accounts.tests.test_admin import client_of
from accounts.tests.test_organisations import branch, lineage_by_hand

pytestmark = pytest.mark.django_db

PAGES = "/admin/accounts"
SIRET = "13002526500013"
# The two inlines of an organisation's form, left empty.
NO_INLINES = {
    f"{prefix}-{name}": value
    for prefix in ("policy", "memberships")
    for name, value in (("TOTAL_FORMS", "0"), ("INITIAL_FORMS", "0"))
}


@pytest.fixture
def boss() -> Client:
    return client_of(User.objects.create_superuser("boss@culture.example", "un bien long secret", first_name="B"))


def page(client: Client, path: str) -> str:
    answer = client.get(f"{PAGES}/{path}", headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def in_force(text: str, rule: str) -> str:
    """A line of the table of policies, as people read it."""
    found = re.search(rf'<tr data-rule="{rule}">(.*?)</tr>', text, re.DOTALL)
    assert found, f"{rule} is not shown"
    return " ".join(re.sub(r"<[^>]+>", " ", found[1]).split())


@pytest.mark.parametrize("place", ["organisation", "membership", "group", "policy"])
def test_the_pages_are_for_administrators_only(place: str, boss: Client) -> None:
    someone = client_of(User.objects.create_user("someone@culture.example", "un bien long secret"))
    for path in (f"{place}/", f"{place}/add/"):
        page(boss, path)
        assert someone.get(f"{PAGES}/{path}").status_code in (302, 403)


def test_the_list_shows_where_each_stands_and_finds_by_name_siret_and_key(boss: Client) -> None:
    ministry, directorate, _office = branch("Ministry <b>", "Directorate", "Office of seals")
    Organisation.objects.filter(pk=directorate.pk).update(siret=SIRET, source="sirh", external_id="D-7")
    text = page(boss, "organisation/")
    assert "Ministry &lt;b&gt; › Directorate" in text
    for words, found in (("seals", "Office of seals"), (SIRET[:9], "Directorate"), ("D-7", "Directorate")):
        names = re.findall(r'class="field-name"><a[^>]*>([^<]+)<', page(boss, f"organisation/?q={words}"))
        assert names == [found], words
    assert ministry.pk


@pytest.mark.parametrize("place", ["organisation", "membership", "group", "policy"])
def test_a_list_costs_the_same_however_many_rows_it_has(place: str, boss: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(
            connection,
        ) as queries:
            page(boss, f"{place}/")
        return len(queries)

    def fill(first: int, number: int) -> None:
        for name in range(first, first + number):
            *_, office = branch(f"M{name}", f"D{name}", f"O{name}")
            person = User.objects.create_user(f"p{name}@culture.example")
            Membership.objects.create(user=person, organisation=office)
            Group.objects.create(name=f"G{name}", organisation=office).members.add(person)
            Policy.objects.create(organisation=office, max_participants=20)

    fill(0, 2)
    before = cost()
    fill(2, 20)
    assert cost() == before <= 8


def test_the_page_of_an_organisation_costs_the_same_however_deep_it_stands(boss: Client) -> None:
    shallow, deep = branch("M"), branch(*"abcdefghijkl")
    costs = []
    for one in (shallow[-1], deep[-1]):
        Policy.objects.create(organisation=one, guests_allowed=False)
        with CaptureQueriesContext(connection) as queries:
            page(boss, f"organisation/{one.pk}/change/")
        costs.append(len(queries))
    # The deep one has a parent, whose name its field shows.
    assert costs[1] - costs[0] <= 2


def test_what_is_in_force_is_shown_with_who_laid_it_down(boss: Client) -> None:
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    Policy.objects.create(retention_days=30)
    Policy.objects.create(organisation=ministry, guests_allowed=False, email_domains="b.example a.example")
    Policy.objects.create(organisation=office, max_participants=40, room_creation="managers")
    expected = {
        "guests_allowed": "guests may come into its rooms no Ministry",
        "max_participants": "most people in a room 40 Office",
        "room_creation": "who may open rooms Managers and administrators Office",
        "retention_days": "days that recordings and transcripts are kept 30 days The portal",
        "email_domains": "e-mail domains that may come into its rooms a.example, b.example Ministry",
        "required_acr": "sign-in must reach Any sign-in Default",
    }
    person = User.objects.create_user("nina@culture.example")
    Membership.objects.create(user=person, organisation=office)
    for path in (f"organisation/{office.pk}/change/", f"user/{person.pk}/change/"):
        text = page(boss, path)
        assert {rule: in_force(text, rule) for rule in expected} == expected
        assert f"{PAGES}/organisation/{ministry.pk}/change/" in text
    assert "Default" in in_force(page(boss, f"organisation/{directorate.pk}/change/"), "max_participants")


def test_namesakes_are_told_apart_where_one_is_chosen(boss: Client) -> None:
    for ministry in ("Culture", "Finances"):
        branch(ministry, "Office 1")
    query = "app_label=accounts&model_name=membership&field_name=organisation&term=Office"
    with CaptureQueriesContext(connection) as queries:
        found = boss.get(f"/admin/autocomplete/?{query}").json()["results"]
    assert [one["text"] for one in found] == ["Office 1 (Culture)", "Office 1 (Finances)"]
    assert len(queries) <= 6  # two of them for the reader's second factor


def form_of(organisation: Organisation | None = None, **fields: Any) -> dict[str, Any]:
    blank = {"name": "", "parent": "", "siret": "", "source": "", "external_id": "", "closed_on": ""}
    now = {name: getattr(organisation, name) or "" for name in blank if name != "parent"} if organisation else {}
    parent = {"parent": organisation.parent_id or ""} if organisation else {}
    return {**blank, **now, **parent, **NO_INLINES, **fields}


def test_an_organisation_is_made_and_moved_with_all_that_is_in_it(boss: Client) -> None:
    ministry, directorate, office = branch("Ministry", "Directorate", "Office")
    (other,) = branch("Other")
    form = form_of(name="Cabinet", parent=ministry.pk, siret="130 025 265 00013")
    assert boss.post(f"{PAGES}/organisation/add/", form).status_code == 302
    cabinet = Organisation.objects.get(name="Cabinet")
    assert (cabinet.siret, cabinet.lineage) == (SIRET, ministry.lineage_below)
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        boss.post(f"{PAGES}/organisation/{directorate.pk}/change/", form_of(directorate, parent=other.pk, name="D."))
    assert [line["event"] for line in lines if line["event"].startswith("organisation")] == ["organisation_moved"]
    directorate.refresh_from_db()
    assert (directorate.name, directorate.parent) == ("D.", other)
    assert all(one.lineage == lineage_by_hand(one) for one in Organisation.objects.all())
    assert Organisation.objects.get(pk=office.pk).ancestor_ids == [other.pk, directorate.pk]


@pytest.mark.parametrize("fields", [{"siret": "13002526500014"}, {"siret": "1300"}, {"external_id": "7"}])
def test_what_cannot_be_is_said_at_its_field_and_not_saved(fields: dict[str, Any], boss: Client) -> None:
    answer = boss.post(f"{PAGES}/organisation/add/", form_of(name="X", **fields))
    assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    assert not Organisation.objects.exists()


def test_nothing_is_put_into_itself_by_the_form(boss: Client) -> None:
    ministry, office = branch("Ministry", "Office")
    for parent in (ministry, office):
        answer = boss.post(f"{PAGES}/organisation/{ministry.pk}/change/", form_of(ministry, parent=parent.pk))
        assert (answer.status_code, "errorlist" in answer.content.decode()) == (200, True)
    ministry.refresh_from_db()
    assert ministry.parent is None


def policy_form(organisation: Organisation, policy: Policy | None = None, **rules: Any) -> dict[str, Any]:
    blank = dict.fromkeys(("room_creation", "required_acr", "email_domains", "retention_days", "max_participants"), "")
    flags = ("guests_allowed", "lobby_default", "recording_allowed", "transcription_allowed")
    columns = {**blank, **dict.fromkeys(flags, "unknown"), **rules}
    return {
        **form_of(organisation),
        "policy-TOTAL_FORMS": "1",
        "policy-INITIAL_FORMS": "1" if policy else "0",
        "policy-0-id": policy.pk if policy else "",
        "policy-0-organisation": organisation.pk,
        **{f"policy-0-{name}": value for name, value in columns.items()},
    }


def test_a_policy_is_laid_down_on_the_organisations_page_and_audited(boss: Client) -> None:
    (ministry,) = branch("Ministry")
    path = f"{PAGES}/organisation/{ministry.pk}/change/"
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        boss.post(path, policy_form(ministry, guests_allowed="false", email_domains="B.example, a.example"))
    policy = Policy.objects.get()
    assert (policy.guests_allowed, policy.email_domains, policy.lobby_default) == (False, "a.example b.example", None)
    (line,) = [line for line in lines if line["event"] == "policy_changed"]
    assert line["organisation"] == str(ministry.public_id)
    assert line["changed"] == {"guests_allowed": [None, False], "email_domains": [None, "a.example b.example"]}
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        boss.post(path, policy_form(ministry, policy, guests_allowed="unknown", max_participants="1"))
    policy.refresh_from_db()
    assert policy.guests_allowed is False  # a room for one is refused, and the form as a whole
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        boss.post(path, policy_form(ministry, policy))
    (line,) = [line for line in lines if line["event"] == "policy_changed"]
    assert line["changed"] == {"guests_allowed": [False, None], "email_domains": ["a.example b.example", None]}


def choices_of(text: str, field: str) -> list[str]:
    """What a select of the form offers, as people read it."""
    found = re.search(rf'<select name="{field}".*?</select>', text, re.DOTALL)
    assert found, field
    return re.findall(r"<option[^>]*>([^<]+)<", found[0])


def test_a_rule_that_is_left_open_says_what_holds_then_and_who_says_so(boss: Client) -> None:
    ministry, office = branch("Ministry", "Office")
    Policy.objects.create(retention_days=30, room_creation="managers")
    Policy.objects.create(organisation=ministry, guests_allowed=False, email_domains="a.example")
    own = Policy.objects.create(organisation=office, guests_allowed=True)
    for path, prefix in ((f"organisation/{office.pk}/change/", "policy-0-"), (f"policy/{own.pk}/change/", "")):
        text = page(boss, path)
        assert choices_of(text, f"{prefix}guests_allowed") == ["Inherited: no (Ministry)", "Yes", "No"]
        assert choices_of(text, f"{prefix}room_creation")[0] == "Inherited: Managers and administrators (The portal)"
        assert choices_of(text, f"{prefix}lobby_default")[0] == "Inherited: yes (Default)"
        assert 'placeholder="Inherited: 30 days (The portal)"' in text
        assert 'placeholder="Inherited: a.example (Ministry)"' in text
        assert ">Unknown<" not in text
    # An organisation that lays nothing down yet, the portal itself, and one that is not chosen yet.
    text = page(boss, f"organisation/{branch('New')[-1].pk}/change/")
    assert choices_of(text, "policy-__prefix__-room_creation")[0].endswith("(The portal)")
    text = page(boss, f"policy/{Policy.objects.get(organisation=None).pk}/change/")
    assert choices_of(text, "room_creation")[0] == "Inherited: Everybody (Default)"
    assert choices_of(page(boss, "policy/add/"), "guests_allowed")[0] == "As in the organisation above"


def test_the_list_of_policies_names_what_each_lays_down_and_nothing_else(boss: Client) -> None:
    (ministry,) = branch("Ministry")
    Policy.objects.create(organisation=ministry, guests_allowed=False, max_participants=40)
    text = page(boss, "policy/")
    (rules,) = re.findall(r'<td class="field-what_it_says">(.*?)</td>', text)
    assert rules == "guests may come into its rooms <strong>no</strong><br>most people in a room <strong>40</strong>"
    assert len(re.findall(r'<th scope="col"', text)) <= 4


def test_the_portals_own_policy_has_its_page_and_is_one(boss: Client) -> None:
    form = {"organisation": "", "room_creation": "managers", "required_acr": "", "email_domains": ""}
    flags = dict.fromkeys(("guests_allowed", "lobby_default", "recording_allowed", "transcription_allowed"), "unknown")
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        assert boss.post(f"{PAGES}/policy/add/", {**form, **flags}).status_code == 302
    assert [line["organisation"] for line in lines if line["event"] == "policy_changed"] == ["portal"]
    assert boss.post(f"{PAGES}/policy/add/", {**form, **flags}).status_code == 200
    portal = Policy.objects.get()
    with capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        boss.post(f"{PAGES}/policy/{portal.pk}/delete/", {"post": "yes"})
    assert not Policy.objects.exists()
    assert [line["event"] for line in lines if line["event"].startswith("policy")] == ["policy_changed"]


def test_memberships_stand_on_the_persons_page_and_hr_records_are_read_there(boss: Client) -> None:
    (ministry,) = branch("Ministry")
    person = User.objects.create_user("nina@culture.example", first_name="Nina", last_name="Neuve")
    Employment.objects.create(user=person, source="sirh", hr_id="004211", organisation=ministry)
    path = f"user/{person.pk}/change/"
    text = page(boss, path)
    assert "004211" in text
    assert 'name="employments-0-hr_id"' not in text
    form = {
        "email": person.email,
        "first_name": "Nina",
        "last_name": "Neuve",
        "is_active": "on",
        "memberships-TOTAL_FORMS": "1",
        "memberships-INITIAL_FORMS": "0",
        "memberships-0-organisation": ministry.pk,
        "memberships-0-user": person.pk,
        "memberships-0-role": "manager",
        "memberships-0-from_on": "2026-09-01",
        "memberships-0-until_on": "",
        "employments-TOTAL_FORMS": "0",
        "employments-INITIAL_FORMS": "0",
        "identities-TOTAL_FORMS": "0",
        "identities-INITIAL_FORMS": "0",
        "hr_duties-TOTAL_FORMS": "0",
        "hr_duties-INITIAL_FORMS": "0",
    }
    assert boss.post(f"{PAGES}/{path}", form).status_code == 302
    row = Membership.objects.get()
    assert (row.role, row.source, str(row.from_on)) == (MembershipRole.MANAGER, "", "2026-09-01")
    # Managers are named on the organisation's page, members are not: there may be thousands.
    member = User.objects.create_user("member@culture.example")
    Membership.objects.create(user=member, organisation=ministry)
    text = page(boss, f"organisation/{ministry.pk}/change/")
    assert "nina@culture.example" in text
    assert "member@culture.example" not in text


def test_a_clerk_for_people_lays_nothing_down() -> None:
    clerk = User.objects.create_user("clerk@culture.example", "un bien long secret", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(codename__in=("view_user", "change_user")))
    (ministry,) = branch("Ministry")
    client = client_of(clerk)
    assert client.get(f"{PAGES}/organisation/{ministry.pk}/change/").status_code == 403
    assert client.post(f"{PAGES}/policy/add/", {"room_creation": "nobody"}).status_code == 403
    person = User.objects.create_user("nina@culture.example")
    assert "memberships-TOTAL_FORMS" not in page(client, f"user/{person.pk}/change/")
