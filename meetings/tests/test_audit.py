"""What hosts, moderators and guests do in rooms is in the audit log: who, from where, to whom, what it was before."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.audit.verify import verify
from accounts.models import AuditEntry, User
from accounts.tests.plans import plan_of, read_whole
from meetings.models import ChatMessage, Participant, Room
from meetings.models.participant import State
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine, Person

pytestmark = pytest.mark.django_db


def on(meeting: Meeting, act: str, body: Any = None, *, by: str = "bob", whom: str = "charlie") -> Any:
    """A moderator's act about a participant."""
    target = getattr(meeting, whom).identity
    return meeting.cast[by].call(meeting.room, f"participants/{target}/{act}", body)


def in_room(meeting: Meeting, act: str, body: Any = None, *, by: str = "bob") -> Any:
    return meeting.cast[by].call(meeting.room, act, body)


def settings_of(meeting: Meeting, **changes: Any) -> Any:
    form = {"name": "Cabinet", "has_lobby": "on", "lobby_message": "Un secret d’État", **changes}
    return meeting.cast.alice.post(f"/rooms/{meeting.room.slug}/settings", form)


def waits(meeting: Meeting) -> None:
    """Dana asks to enter."""
    Participant.objects.filter(name=meeting.cast.dana.name).delete()
    meeting.dana = meeting.cast.dana.sits(meeting.room, state=State.WAITING)  # type: ignore[attr-defined]  # for `on`


def with_dana(act: str) -> Callable[[Meeting], Any]:
    def acts(meeting: Meeting) -> Any:
        waits(meeting)
        return on(meeting, act, whom="dana")

    return acts


def all_in(meeting: Meeting) -> Any:
    waits(meeting)
    return in_room(meeting, "admit_all")


def deletes_a_message(meeting: Meeting) -> Any:
    in_room(meeting, "messages", {"text": "Un secret d’État", "key": "k1"}, by="charlie")
    return in_room(meeting, f"messages/{ChatMessage.objects.get().pk}/delete")


def lowers(act: str) -> Callable[[Meeting], Any]:
    def acts(meeting: Meeting) -> Any:
        in_room(meeting, "hand", {"isRaised": True}, by="charlie")
        return on(meeting, "lower_hand") if act == "lower_hand" else in_room(meeting, act)

    return acts


def is_forgiven(meeting: Meeting) -> Any:
    on(meeting, "remove")
    return meeting.cast.alice.post(f"/rooms/{meeting.room.slug}/participants/{meeting.charlie.identity}/forgive")


def is_refused_after_removal(meeting: Meeting) -> Any:
    on(meeting, "remove")
    return in_room(meeting, "enter", {"name": "Charlie"}, by="charlie")


def is_refused_by_the_lock(meeting: Meeting) -> Any:
    in_room(meeting, "lock")
    return in_room(meeting, "enter", {"name": "Dana"}, by="dana")


# name: what is done, the action, who did it, its object ("room" or a person), before, after
ACTS: dict[str, tuple[Callable[[Meeting], Any], str, str, str, dict[str, Any], dict[str, Any]]] = {
    "remove": (lambda m: on(m, "remove"), "participant_removed", "bob", "charlie", {"state": "admitted"}, {}),
    "forgive": (is_forgiven, "participant_forgiven", "alice", "charlie", {}, {}),
    "mute": (
        lambda m: on(m, "mute", {"source": "camera"}),
        "participant_muted",
        "bob",
        "charlie",
        {},
        {"source": "camera"},
    ),
    "mute others": (lambda m: in_room(m, "mute_others"), "others_muted", "bob", "room", {}, {}),
    "role": (
        lambda m: on(m, "role", {"role": "moderator"}, by="alice"),
        "role_changed",
        "alice",
        "charlie",
        {"role": "participant"},
        {"role": "moderator"},
    ),
    "lock": (lambda m: in_room(m, "lock"), "room_locked", "bob", "room", {}, {}),
    "unlock": (
        lambda m: (in_room(m, "lock"), in_room(m, "unlock"))[1],
        "room_unlocked",
        "bob",
        "room",
        {},
        {},
    ),
    "end": (lambda m: in_room(m, "end"), "call_ended", "bob", "room", {}, {}),
    "admit": (with_dana("admit"), "participant_admitted", "bob", "dana", {}, {}),
    "deny": (with_dana("deny"), "participant_denied", "bob", "dana", {}, {}),
    "message in the lobby": (
        lambda m: in_room(m, "lobby_message", {"text": "Un secret d’État"}),
        "lobby_message_changed",
        "bob",
        "room",
        {},
        {"lobby_message_length": 16},
    ),
    "delete a message": (deletes_a_message, "message_deleted", "bob", "charlie", {}, {"number": 0}),
    "lower a hand": (lowers("lower_hand"), "hand_lowered", "bob", "charlie", {}, {}),
    "lower hands": (lowers("lower_hands"), "hands_lowered", "bob", "room", {}, {}),
    "settings": (
        settings_of,
        "room_changed",
        "alice",
        "room",
        {"name": "Budget committee", "lobby_message_length": 0},
        {"name": "Cabinet", "lobby_message_length": 16},
    ),
    "close": (
        lambda m: m.cast.alice.post(f"/rooms/{m.room.slug}/close"),
        "room_closed",
        "alice",
        "room",
        {},
        {},
    ),
    "refused after removal": (
        is_refused_after_removal,
        "entry_refused",
        "charlie",
        "room",
        {},
        {"reason": "removed"},
    ),
    "refused by the lock": (is_refused_by_the_lock, "entry_refused", "dana", "room", {}, {"reason": "locked"}),
    "moderates without being one": (
        lambda m: in_room(m, "lock", by="charlie"),
        "act_refused",
        "charlie",
        "room",
        {},
        {"act": "lock"},
    ),
}


@pytest.mark.parametrize("name", ACTS)
def test_each_act_in_a_room_is_an_entry(name: str, meeting: Meeting, engine: FakeEngine) -> None:
    act, action, actor, target, before, after = ACTS[name]
    answer = act(meeting)
    assert answer.status_code < 500
    entry = AuditEntry.objects.filter(action=action).get()
    assert entry.actor_id == str(meeting.cast[actor].signed_in.public_id)
    wanted = meeting.room.media_name if target == "room" else getattr(meeting, target).identity
    assert (entry.object_id, entry.scope, entry.address) == (wanted, meeting.room.media_name, "127.0.0.1")
    if "number" in after:
        after = {"number": ChatMessage.objects.get().pk}
    assert (entry.values_before, entry.values_after) == (before, after)
    verify()


def test_all_who_are_let_in_are_named(meeting: Meeting, engine: FakeEngine) -> None:
    all_in(meeting)
    entry = AuditEntry.objects.get(action="all_admitted")
    assert entry.values_after == {"count": 1, "participants": [meeting.dana.identity]}  # type: ignore[attr-defined]  # see waits


def test_a_guest_is_named_as_they_called_themselves(meeting: Meeting, engine: FakeEngine) -> None:
    answer: Any = meeting.cast.eve.call(meeting.room, "enter", {"name": "Ève Invitée"})
    entry = AuditEntry.objects.get(action="participant_entered")
    identity = answer.json()["participant"]["identity"]
    assert (entry.actor_type, entry.actor_id, entry.actor_label) == ("participant", identity, "Ève Invitée")
    assert entry.values_after == {"state": "waiting", "role": "participant", "participant": identity}


def test_a_new_room_is_an_entry(meeting: Meeting, engine: FakeEngine) -> None:
    meeting.cast.alice.post("/rooms/new", {"name": "Autre"})
    entry = AuditEntry.objects.get(action="room_created")
    assert (entry.actor_label, entry.object_label) == ("Alice Martin", "Autre")


def test_entering_costs_one_entry_and_few_statements(meeting: Meeting, engine: FakeEngine) -> None:
    def statements(person: Person, name: str) -> list[str]:
        with CaptureQueriesContext(connection) as queries:
            person.call(meeting.room, "enter", {"name": name})
        return [query["sql"] for query in queries.captured_queries if "audit" in query["sql"]]

    own = statements(meeting.cast.eve, "Eve")
    assert [sql.split()[0] for sql in own] == ["SELECT", "INSERT", "UPDATE"]  # the end, the entry, the end
    assert statements(meeting.cast.eve, "Eve") == []  # they wait already: nothing happened


def test_trying_again_and_again_fills_no_log(meeting: Meeting, engine: FakeEngine) -> None:
    in_room(meeting, "lock")
    for _ in range(10):
        in_room(meeting, "enter", {"name": "Dana"}, by="dana")
        in_room(meeting, "unlock", by="charlie")
    assert AuditEntry.objects.filter(action="entry_refused").count() == 3
    assert AuditEntry.objects.filter(action="act_refused").count() == 3


def test_no_link_no_message_and_no_speech_is_kept(meeting: Meeting, engine: FakeEngine) -> None:
    nameless = Room.objects.create(owner=meeting.cast.alice.signed_in)
    for act, *_ in ACTS.values():
        ChatMessage.objects.all().delete()
        Room.objects.update(closed_at=None, call_ended_at=None, is_locked=False)
        Participant.objects.update(state=State.ADMITTED, admitted_at=timezone.now(), ended_at=None)
        act(meeting)
    Room.objects.update(closed_at=None)
    all_in(meeting)
    meeting.cast.alice.post(f"/rooms/{nameless.slug}/close")
    office = Client()
    boss = meeting.cast.alice.signed_in
    boss.is_staff = boss.is_superuser = True
    boss.save()
    office.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    office.post(f"/admin/meetings/room/{nameless.pk}/change/", {"name": "", "has_lobby": ""})
    text = "\n".join(str(row) for row in AuditEntry.objects.values_list())
    assert AuditEntry.objects.count() > 20
    assert AuditEntry.objects.filter(action="admin_changed").exists()
    kept = [secret for secret in ("secret", nameless.slug, meeting.room.slug, "csrf") if secret in text.lower()]
    assert kept == []


def listed(office: Client, words: str) -> set[str]:
    """The actions of the entries that are found."""
    page = office.get("/admin/accounts/auditentry/", {"q": words}, headers={"accept-language": "en"})
    assert page.status_code == 200
    return {entry.action for entry in page.context["cl"].result_list}


@pytest.fixture
def office(meeting: Meeting) -> Client:
    client = Client()
    boss = User.objects.create_superuser("boss@culture.example")
    client.force_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    return client


def test_a_room_is_found_in_the_log_by_its_link_its_code_and_its_name(meeting: Meeting, office: Client) -> None:
    alice = meeting.cast.alice
    for name in ("Treasury board", "", "Other"):
        alice.post("/rooms/new", {"name": name})
    board, nameless = Room.objects.get(name="Treasury board"), Room.objects.get(name="")
    alice.post(f"/rooms/{board.slug}/close")
    for words in (board.slug, board.slug.upper(), f"https://visio.example/r/{board.slug}", "treasury", board.pk.hex):
        assert listed(office, words) == {"room_created", "room_closed"}, words
    assert listed(office, nameless.slug) == {"room_created"}
    closing = AuditEntry.objects.get(action="room_closed")
    assert listed(office, closing.request_id) == {"room_closed"}
    today = f"{timezone.localtime():%Y-%m-%d}"
    assert listed(office, f"{today} Treasury") == {"room_created", "room_closed"}
    assert listed(office, "2020-02-29 Treasury") == listed(office, "zzz-zzzz-zzz") == set()


def test_the_log_says_what_a_room_is_called_and_never_its_link(meeting: Meeting, office: Client) -> None:
    alice = meeting.cast.alice
    for name in ("Treasury board", ""):
        alice.post("/rooms/new", {"name": name})
    board, nameless = Room.objects.get(name="Treasury board"), Room.objects.get(name="")
    Room.objects.filter(pk=board.pk).update(name="Renamed since")
    page = office.get("/admin/accounts/auditentry/?action=room_created", headers={"accept-language": "en"})
    text = page.content.decode()
    cells = re.findall(r'<td class="field-(whom|where)">([^<]+)<', text)
    assert ("whom", "Treasury board") in cells  # as it was called then
    assert ("where", "Renamed since") in cells
    name = f"Room of Alice Martin ({timezone.localtime():%Y-%m-%d})"
    assert cells.count(("where", name)) == 1
    assert ("whom", name) in cells  # where the log had a piece of the id
    for secret in (board.slug, nameless.slug, nameless.media_name[:8]):
        assert f">{secret}" not in text
    entry = AuditEntry.objects.filter(action="room_created", scope=board.media_name).get()
    detail = office.get(f"/admin/accounts/auditentry/{entry.pk}/change/", headers={"accept-language": "en"})
    assert f"Room created · {timezone.localtime(entry.at):%Y-%m-%d %H:%M:%S}" in detail.content.decode()
    assert "Renamed since" in detail.content.decode()


def test_a_page_of_the_log_costs_the_same_however_many_rooms_it_names(meeting: Meeting, office: Client) -> None:
    def cost() -> int:
        with CaptureQueriesContext(connection) as queries:
            office.get("/admin/accounts/auditentry/")
        return len(queries)

    meeting.cast.alice.post("/rooms/new")
    before = cost()
    for _ in range(20):
        meeting.cast.alice.post("/rooms/new")
    assert cost() == before <= 8


def test_a_code_is_found_by_indexes_however_long_the_log_is(meeting: Meeting, office: Client) -> None:
    meeting.cast.alice.post("/rooms/new")
    room = Room.objects.exclude(pk=meeting.room.pk).get()
    for words in (room.slug, f"/r/{room.slug}", room.pk.hex, "alice@culture.example"):
        with CaptureQueriesContext(connection) as queries:
            office.get("/admin/accounts/auditentry/", {"q": words})
        asked = [query["sql"] for query in queries if 'FROM "accounts_auditentry"' in query["sql"]]
        assert asked
        for sql in asked:
            plan = plan_of(sql)
            assert not read_whole(plan, "accounts_auditentry"), (words, sql, plan)
