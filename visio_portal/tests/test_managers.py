"""Managers and the pages of their organisation: who sees whom, who may do what to whom, and nothing for anybody else.

The tree: Culture › Museums › Louvre, Culture › Archives, and Finances beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from accounts.models import (
    AuditEntry,
    BrowserSession,
    Employment,
    HrDuty,
    Membership,
    Organisation,
    Policy,
    SignInIdentity,
    User,
)
from accounts.services.invitations import accept_invitation
from meetings.models import Room

pytestmark = pytest.mark.django_db

ACTS = ("link", "sign-out", "suspend", "reactivate")
# Whom everybody below meets. ("role": what their membership is, in the organisation that is named.)
PEOPLE = {
    "ada": ("culture", "administrator"),  # administers the ministry
    "mona": ("museums", "manager"),
    "max": ("museums", "manager"),
    "anna": ("museums", "administrator"),
    "lou": ("louvre", "member"),
    "lea": ("louvre", "manager"),
    "arthur": ("archives", "member"),
    "fred": ("finances", "member"),
    "fiona": ("finances", "manager"),
}


@dataclass
class Ministry:
    organisations: dict[str, Organisation]
    people: dict[str, User]

    def __getitem__(self, name: str) -> User:
        return self.people[name]

    def place(self, name: str) -> str:
        return str(self.organisations[name].public_id)

    def browser(self, name: str) -> Client:
        """Of who signed in with a second factor."""
        client = Client()
        client.force_login(self.people[name], "django.contrib.auth.backends.ModelBackend")
        session = client.session
        session["oidc"] = {"acr": "eidas2"}
        session.save()
        return client

    def page(self, name: str) -> str:
        return f"/organisation/people/{self.people[name].public_id}/"

    def acts(self, manager: str, person: str) -> set[str]:
        """What the page offers; each that it does not offer is refused, whichever way it is asked for."""
        client = self.browser(manager)
        page = client.get(self.page(person))
        text = page.content.decode() if page.status_code == 200 else ""
        offered = {act for act in ACTS if f'href="{self.page(person)}{act}/"' in text}
        for act in ACTS:
            assert client.get(f"{self.page(person)}{act}/").status_code == (200 if act in offered else 404)
            if act not in offered:
                assert client.post(f"{self.page(person)}{act}/").status_code == 404
        return offered

    def give_role(self, manager: str, person: str, place: str, role: str) -> int:
        address = f"{self.page(person)}role/{self.place(place)}/"
        return self.browser(manager).post(address, {"role": role}).status_code


@pytest.fixture
def ministry() -> Ministry:
    cache.clear()
    made: dict[str, Organisation] = {}
    for name, parent in (("culture", ""), ("museums", "culture"), ("louvre", "museums"), ("archives", "culture")):
        made[name] = Organisation.objects.create(name=name.title(), parent=made.get(parent))
    made["finances"] = Organisation.objects.create(name="Finances")
    people = {}
    for name, (place, role) in PEOPLE.items():
        people[name] = User.objects.create_user(f"{name}@example.org", first_name=name.title(), last_name="Martin")
        _joins(people[name], made[place], role)
    return Ministry(made, people)


def _joins(person: User, organisation: Organisation, role: str = "member", **period: Any) -> Membership:
    begun = {"from_on": timezone.localdate() - timedelta(days=30), **period}
    return Membership.objects.create(user=person, organisation=organisation, role=role, **begun)


def _names_on(page: Any) -> set[str]:
    text = page.content.decode().partition('data-testid="people"')[2]
    return {name for name in PEOPLE if f"{name}@example.org" in text}


WHOM_THEY_SEE = {
    "ada": {"ada", "mona", "max", "anna", "lou", "lea", "arthur"},
    "mona": {"mona", "max", "anna", "lou", "lea"},
    "lea": {"lou", "lea"},
    "fiona": {"fred", "fiona"},
    "lou": set(),
}


@pytest.mark.parametrize("manager", WHOM_THEY_SEE)
def test_a_manager_sees_the_people_of_what_they_lead_and_nobody_else(manager: str, ministry: Ministry) -> None:
    client = ministry.browser(manager)
    seen: set[str] = set()
    for name in ministry.organisations:
        page = client.get(f"/organisation/{ministry.place(name)}/people/")
        seen |= _names_on(page) if page.status_code == 200 else set()
    assert seen == WHOM_THEY_SEE[manager]
    for person in PEOPLE:
        assert client.get(ministry.page(person)).status_code == (200 if person in seen else 404), person


@pytest.mark.parametrize(
    ("manager", "places"),
    [
        ("ada", {"culture", "museums", "louvre", "archives"}),
        ("mona", {"museums", "louvre"}),
        ("lea", {"louvre"}),
        ("fiona", {"finances"}),
        ("arthur", set()),
    ],
)
def test_each_page_of_an_organisation_is_there_for_who_leads_it_and_missing_for_others(
    manager: str, places: set[str], ministry: Ministry
) -> None:
    client = ministry.browser(manager)
    for name in ministry.organisations:
        for page in ("", "people/", "people/add/", "policies/"):
            status = client.get(f"/organisation/{ministry.place(name)}/{page}").status_code
            assert status == (200 if name in places else 404), (name, page)
    assert client.get("/organisation/").status_code == (302 if places else 404)
    assert ('href="/organisation/"' in client.get("/").content.decode()) is bool(places)


def test_who_is_not_signed_in_is_asked_to_and_told_nothing(ministry: Ministry) -> None:
    for path in ("/organisation/", ministry.page("lou"), f"{ministry.page('lou')}suspend/"):
        assert Client().get(path)["Location"].startswith("/accounts/login/")
        assert Client().post(path).status_code in (302, 405)
    assert User.objects.get(pk=ministry["lou"].pk).is_active


ALL = {"link", "sign-out", "suspend"}
NONE: set[str] = set()
WHO_ACTS_ON_WHOM = [
    ("ada", "anna", ALL),
    ("ada", "arthur", ALL),
    ("ada", "lou", ALL),
    ("ada", "fred", NONE),  # of another ministry
    ("ada", "ada", NONE),  # oneself
    ("mona", "lou", ALL),
    ("mona", "lea", ALL),
    ("mona", "max", ALL),  # a manager as oneself
    ("mona", "anna", NONE),  # an administrator is higher
    ("mona", "ada", NONE),  # above
    ("mona", "arthur", NONE),  # beside
    ("anna", "mona", ALL),
    ("lea", "lou", ALL),
    ("lea", "mona", NONE),
    ("lou", "lea", NONE),  # no manager at all
    ("fiona", "lou", NONE),
]


@pytest.mark.parametrize(("manager", "person", "acts"), WHO_ACTS_ON_WHOM)
def test_who_may_do_what_to_whom(manager: str, person: str, acts: set[str], ministry: Ministry) -> None:
    assert ministry.acts(manager, person) == acts


def _is_staff(ministry: Ministry) -> None:
    User.objects.filter(pk=ministry["lou"].pk).update(is_staff=True)


def _is_superuser(ministry: Ministry) -> None:
    User.objects.filter(pk=ministry["lou"].pk).update(is_superuser=True)


def _works_elsewhere(ministry: Ministry) -> None:
    finances = ministry.organisations["finances"]
    Employment.objects.create(user=ministry["lou"], source="hr", hr_id="1", organisation=finances)


def _belongs_elsewhere_longer(ministry: Ministry) -> None:
    _joins(ministry["lou"], ministry.organisations["finances"], from_on=date(2020, 1, 1))


def _belongs_elsewhere_as_well(ministry: Ministry) -> None:
    _joins(ministry["lou"], ministry.organisations["finances"])


def _leads_elsewhere_from_tomorrow(ministry: Ministry) -> None:
    tomorrow = timezone.localdate() + timedelta(days=1)
    _joins(ministry["lou"], ministry.organisations["finances"], "manager", from_on=tomorrow)


def _signs_in_by_a_service(ministry: Ministry) -> None:
    SignInIdentity.objects.create(user=ministry["lou"], issuer="https://idp.example", sub="1")


def _brings_hr_files(ministry: Ministry) -> None:
    HrDuty.objects.create(user=ministry["lou"], source="hr")


def _left_elsewhere(ministry: Ministry) -> None:
    finances = ministry.organisations["finances"]
    _joins(ministry["lou"], finances, "manager", from_on=date(2020, 1, 1), until_on=date(2021, 1, 1))
    Employment.objects.create(user=ministry["lou"], source="hr", hr_id="1", organisation=finances, status="left")


@pytest.mark.parametrize(
    ("what", "acts"),
    [
        (_is_staff, NONE),
        (_is_superuser, NONE),
        (_works_elsewhere, NONE),
        (_belongs_elsewhere_longer, NONE),
        (_belongs_elsewhere_as_well, {"sign-out", "suspend"}),
        (_leads_elsewhere_from_tomorrow, NONE),
        (_brings_hr_files, NONE),
        (_signs_in_by_a_service, {"sign-out", "suspend"}),
        (_left_elsewhere, ALL),
    ],
)
def test_what_hangs_on_an_account_elsewhere_keeps_managers_from_it(
    what: Any, acts: set[str], ministry: Ministry
) -> None:
    what(ministry)
    assert ministry.acts("mona", "lou") == acts


def _ended(ministry: Ministry) -> None:
    yesterday = timezone.localdate() - timedelta(days=1)
    Membership.objects.filter(user=ministry["mona"]).update(until_on=yesterday)


def _not_begun(ministry: Ministry) -> None:
    Membership.objects.filter(user=ministry["mona"]).update(from_on=timezone.localdate() + timedelta(days=1))


def _member(ministry: Ministry) -> None:
    Membership.objects.filter(user=ministry["mona"]).update(role="member")


def _closed(ministry: Ministry) -> None:
    Organisation.objects.filter(name="Museums").update(closed_on=timezone.localdate())


def _suspended(ministry: Ministry) -> None:
    User.objects.filter(pk=ministry["mona"].pk).update(is_active=False)


@pytest.mark.parametrize("what", [_ended, _not_begun, _member, _closed, _suspended])
def test_a_right_that_is_gone_is_gone_in_a_session_that_goes_on(what: Any, ministry: Ministry) -> None:
    client = ministry.browser("mona")
    assert client.get(ministry.page("lou")).status_code == 200
    what(ministry)
    # Suspended: nobody is signed in any more.
    assert client.get(ministry.page("lou")).status_code == (302 if what is _suspended else 404)
    assert client.post(f"{ministry.page('lou')}suspend/").status_code == (302 if what is _suspended else 404)
    assert User.objects.get(pk=ministry["lou"].pk).is_active


def test_whose_membership_is_over_or_to_come_or_in_a_closed_part_is_not_seen(ministry: Ministry) -> None:
    Organisation.objects.filter(name="Louvre").update(closed_on=date(2026, 1, 1))
    Membership.objects.filter(user=ministry["max"]).update(until_on=timezone.localdate() - timedelta(days=1))
    Membership.objects.filter(user=ministry["anna"]).update(from_on=timezone.localdate() + timedelta(days=1))
    client = ministry.browser("mona")
    assert _names_on(client.get(f"/organisation/{ministry.place('museums')}/people/")) == {"mona"}
    for name in ("lou", "max", "anna"):
        assert client.get(ministry.page(name)).status_code == 404
    assert client.get(f"/organisation/{ministry.place('louvre')}/").status_code == 404


ROLES = [
    ("mona", "lou", "louvre", "manager", 302),
    ("mona", "lea", "louvre", "member", 302),
    ("mona", "lou", "louvre", "administrator", 400),  # not theirs to give
    ("mona", "lou", "louvre", "emperor", 400),
    ("mona", "anna", "museums", "member", 404),  # nor to take
    ("mona", "mona", "museums", "member", 404),
    ("anna", "lou", "louvre", "administrator", 302),
    ("anna", "mona", "museums", "administrator", 302),
    ("anna", "anna", "museums", "member", 404),
    ("ada", "anna", "museums", "member", 302),
    ("lea", "mona", "museums", "member", 404),
    ("mona", "lou", "museums", "manager", 404),  # they are no member there
    ("fiona", "lou", "louvre", "manager", 404),
    ("lou", "lea", "louvre", "member", 404),
]


@pytest.mark.parametrize(("manager", "person", "place", "role", "status"), ROLES)
def test_who_gives_which_role_to_whom(
    manager: str, person: str, place: str, role: str, status: int, ministry: Ministry
) -> None:
    before = Membership.objects.get(user=ministry[person])
    assert ministry.give_role(manager, person, place, role) == status
    after = Membership.objects.get(user=ministry[person])
    assert after.role == (role if status == 302 else before.role)
    entries = list(AuditEntry.objects.filter(action="member_role_changed"))
    if status != 302:
        assert entries == []
        return
    [entry] = entries
    assert (entry.actor_id, entry.object_id) == (str(ministry[manager].public_id), str(ministry[person].public_id))
    assert (entry.values_before, entry.values_after) == ({"role": before.role}, {"role": role})
    assert entry.scope == ministry.place(place)


@pytest.mark.parametrize("rank", ["is_staff", "is_superuser"])
def test_nobody_of_the_portals_administration_gets_a_role_from_a_manager(rank: str, ministry: Ministry) -> None:
    User.objects.filter(pk=ministry["lou"].pk).update(**{rank: True})
    assert ministry.give_role("anna", "lou", "louvre", "manager") == 404


def test_who_is_suspended_is_out_and_in_again_by_a_manager_who_reaches_as_far(ministry: Ministry) -> None:
    room = Room.objects.create(owner=ministry["lou"], name="Budget")
    theirs = ministry.browser("lou")
    assert theirs.get("/rooms/").status_code == 200
    _note_session(theirs, ministry["lou"])
    page = f"{ministry.page('lou')}suspend/"
    client = ministry.browser("mona")
    assert "Lou Martin" in client.get(page).content.decode()
    assert User.objects.get(pk=ministry["lou"].pk).is_active  # asking does nothing
    assert client.post(page)["Location"] == ministry.page("lou")
    assert theirs.get("/rooms/").status_code == 302
    assert not User.objects.get(pk=ministry["lou"].pk).is_active
    room.refresh_from_db()
    assert room.owner != ministry["lou"]
    entry = AuditEntry.objects.get(action="person_suspended")
    assert (entry.actor_id, entry.scope) == (str(ministry["mona"].public_id), ministry.place("museums"))
    # Lea leads only a part of what Mona acted for.
    assert ministry.acts("lea", "lou") == NONE
    assert ministry.acts("max", "lou") == {"reactivate"}
    assert ministry.browser("ada").post(f"{ministry.page('lou')}reactivate/").status_code == 302
    assert User.objects.get(pk=ministry["lou"].pk).is_active
    assert AuditEntry.objects.get(action="person_reactivated").actor_id == str(ministry["ada"].public_id)
    assert ministry.acts("mona", "lou") == ALL


def test_whom_others_suspended_no_manager_lets_in_again(ministry: Ministry) -> None:
    User.objects.filter(pk=ministry["lou"].pk).update(is_active=False)
    assert ministry.acts("mona", "lou") == NONE
    User.objects.filter(pk=ministry["lou"].pk).update(is_active=True)
    ministry.browser("mona").post(f"{ministry.page('lou')}suspend/")
    # Let in by an administrator of the portal, and suspended by one: that is the last word.
    boss = User.objects.create_superuser("boss@example.org")
    office = Client()
    office.force_login(boss, "django.contrib.auth.backends.ModelBackend")
    path = f"/admin/accounts/user/{ministry['lou'].pk}/change/"
    for is_active in ("on", ""):
        _save(office, path, is_active)
    assert not User.objects.get(pk=ministry["lou"].pk).is_active
    assert ministry.acts("mona", "lou") == NONE


def _save(office: Client, path: str, is_active: str) -> None:
    form = office.get(path).context["adminform"].form
    fields = {name: form.initial.get(name) or "" for name in ("email", "first_name", "last_name")}
    sets: dict[str, Any] = {}
    for formset in office.get(path).context["inline_admin_formsets"]:
        prefix = formset.formset.prefix
        count = formset.formset.initial_form_count()
        sets |= {f"{prefix}-TOTAL_FORMS": count, f"{prefix}-INITIAL_FORMS": count}
        for row in formset.formset.initial_forms:
            sets |= {f"{row.prefix}-{name}": row[name].value() or "" for name in row.fields}
    answer = office.post(path, {**fields, **sets, **({"is_active": is_active} if is_active else {})})
    assert answer.status_code == 302, answer.context["errors"]


def test_signing_out_ends_every_browser_and_says_how_many(ministry: Ministry) -> None:
    theirs = ministry.browser("lou")
    _note_session(theirs, ministry["lou"])
    answer = ministry.browser("mona").post(f"{ministry.page('lou')}sign-out/", follow=True)
    assert "1 navigateur" in answer.content.decode()
    assert theirs.get("/rooms/").status_code == 302
    entry = AuditEntry.objects.get(action="sessions_ended")
    assert (entry.actor_id, entry.object_id) == (str(ministry["mona"].public_id), str(ministry["lou"].public_id))


def _note_session(client: Client, person: User) -> None:
    """As in the list of their browsers."""
    key = client.cookies["visio_session"].value
    assert Session.objects.filter(session_key=key).exists()
    BrowserSession.objects.create(user=person, session_key=key)


def test_a_link_is_shown_once_and_opens_the_account(ministry: Ministry) -> None:
    answer = ministry.browser("mona").post(f"{ministry.page('lou')}link/")
    assert answer.status_code == 200
    assert "no-store" in answer["Cache-Control"]
    link = answer.content.decode().partition('data-testid="link">')[2].partition("<")[0]
    token = link.partition("?token=")[2]
    opened = accept_invitation(token, password="un bien long secret", first_name="Lou", last_name="Martin")
    assert opened == ministry["lou"]
    assert AuditEntry.objects.get(action="invited").actor_id == str(ministry["mona"].public_id)


def test_a_person_who_is_added_is_a_member_from_today_and_gets_a_link(ministry: Ministry) -> None:
    page = f"/organisation/{ministry.place('louvre')}/people/add/"
    answer = ministry.browser("mona").post(page, {"email": " New@Example.org ", "first_name": "Noa"})
    assert "/accounts/invitation/?token=" in answer.content.decode()
    person = User.objects.get(email="new@example.org")
    membership = Membership.objects.get(user=person)
    assert (membership.organisation.name, membership.role) == ("Louvre", "member")
    assert membership.from_on == timezone.localdate()
    assert (person.is_staff, person.is_superuser, person.has_usable_password()) == (False, False, False)
    assert AuditEntry.objects.get(action="person_added").actor_id == str(ministry["mona"].public_id)


@pytest.mark.parametrize("name", ["fred", "lou", "ada"])
def test_an_account_that_is_there_is_never_taken_in(name: str, ministry: Ministry) -> None:
    page = f"/organisation/{ministry.place('louvre')}/people/add/"
    before = Membership.objects.count()
    answer = ministry.browser("mona").post(page, {"email": f"{name.upper()}@example.org"})
    assert answer.status_code == 400
    assert "token=" not in answer.content.decode()
    assert Membership.objects.count() == before


def test_reading_needs_no_second_factor_and_each_act_does(ministry: Ministry) -> None:
    client = Client()
    client.force_login(ministry["mona"], "django.contrib.auth.backends.ModelBackend")
    assert client.get(ministry.page("lou")).status_code == 200
    role = f"role/{ministry.place('louvre')}/"
    paths = [f"{ministry.page('lou')}{act}" for act in ("suspend/", "link/", "sign-out/", role)]
    for path in [*paths, f"/organisation/{ministry.place('louvre')}/people/add/"]:
        assert client.get(path)["Location"] == "/accounts/security/", path
        assert client.post(path, {"role": "manager", "email": "a@b.example"})["Location"] == "/accounts/security/"
    assert User.objects.get(pk=ministry["lou"].pk).is_active
    assert AuditEntry.objects.filter(action="sign_in_refused").exists()


def test_acts_of_one_manager_are_limited(ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.rate_limits.WINDOW_SECONDS", 10**8)
    client = ministry.browser("mona")
    answers = [client.post(f"{ministry.page('lou')}link/").status_code for _ in range(21)]
    assert answers == [200] * 20 + [429]


def test_people_are_found_by_how_they_begin_and_read_page_by_page(ministry: Ministry) -> None:
    louvre = ministry.organisations["louvre"]
    made = User.objects.bulk_create([User(email=f"p{n:03}@example.org", last_name=f"Zola{n:03}") for n in range(120)])
    Membership.objects.bulk_create([Membership(user=one, organisation=louvre) for one in made])
    client = ministry.browser("mona")
    page = f"/organisation/{ministry.place('museums')}/people/"
    assert _names_on(client.get(f"{page}?q=mo")) == {"mona"}
    assert _names_on(client.get(f"{page}?q=fre")) == set()
    assert client.get(f"{page}?q=%00").status_code == 200
    query, seen = "q=zola", []
    while query:
        answer = client.get(f"{page}?{query}")
        seen += [row.person.email for row in answer.context["page"].rows]
        query = answer.context["next_query"] if answer.context["page"].after else ""
    assert seen == [one.email for one in made]


def test_a_page_costs_the_same_however_many_people_there_are(
    ministry: Ministry, django_assert_max_num_queries: Any
) -> None:
    client = ministry.browser("mona")
    louvre = ministry.organisations["louvre"]
    made = User.objects.bulk_create([User(email=f"p{n:04}@example.org") for n in range(300)])
    Membership.objects.bulk_create([Membership(user=one, organisation=louvre) for one in made])
    for path in (f"/organisation/{ministry.place('museums')}/people/", f"/organisation/{ministry.place('museums')}/"):
        with django_assert_max_num_queries(16):
            assert client.get(path).status_code == 200


@pytest.mark.parametrize("few", [0, 5_000])
def test_many_and_few_are_listed_alike(few: int, ministry: Ministry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.managers.directory._FEW", few)
    client = ministry.browser("ada")
    assert _names_on(client.get(f"/organisation/{ministry.place('museums')}/people/")) == WHOM_THEY_SEE["mona"]


def test_the_overview_shows_the_tree_from_the_manager_down(ministry: Ministry) -> None:
    text = ministry.browser("mona").get(f"/organisation/{ministry.place('louvre')}/").content.decode()
    assert ministry.place("museums") in text
    assert ministry.place("culture") not in text
    tree = ministry.browser("ada").get(f"/organisation/{ministry.place('culture')}/").context["tree"]
    assert [(one.organisation.name, one.level) for one in tree.branches] == [
        ("Archives", 1),
        ("Museums", 1),
        ("Louvre", 2),
    ]


def test_usage_counts_the_rooms_of_ones_own_people_alone(ministry: Ministry) -> None:
    for name in ("lou", "mona", "arthur", "fred"):
        Room.objects.create(owner=ministry[name], name=name)
    page = ministry.browser("mona").get(f"/organisation/{ministry.place('museums')}/")
    assert {row.name: row.rooms for row in page.context["rows"]} == {"Museums": 1, "Louvre": 1}
    assert page.context["total"].rooms == 2
    page = ministry.browser("ada").get(f"/organisation/{ministry.place('culture')}/")
    assert {row.name: row.rooms for row in page.context["rows"]} == {"Museums": 2, "Archives": 1}


def test_policies_are_read_with_who_laid_them_down_and_not_written(ministry: Ministry) -> None:
    Policy.objects.create(organisation=Organisation.objects.get(name="Culture"), max_participants=40)
    client = ministry.browser("mona")
    page = f"/organisation/{ministry.place('louvre')}/policies/"
    rows = {name: (value, origin) for name, _, value, origin in client.get(page).context["rows"]}
    assert rows["max_participants"] == ("40", "Culture")
    assert client.post(page, {"max_participants": 400}).status_code == 405
