"""Each act is an entry: who, what, from where, what changed. No secrets in it, and with its transaction or not."""

from __future__ import annotations

import re
from typing import Any

import pytest
import structlog
from django.db import transaction
from django.test import Client, TestCase

from accounts.audit import values
from accounts.audit.actions import UnknownAction
from accounts.audit.parties import SERVER, Party, person
from accounts.audit.record import Entry, record, record_many
from accounts.audit.tests.conftest import PASSWORD
from accounts.audit.verify import verify
from accounts.models import AuditEntry, AuditHead, Invitation, User
from accounts.services.invitations import create_invitation

pytestmark = pytest.mark.django_db


def sign_in(client: Client, password: str = PASSWORD, email: str = "alice@culture.example") -> None:
    client.post("/accounts/login/", {"login": email, "password": password})


def told(action: str) -> AuditEntry:
    """The newest entry of this action."""
    entry: AuditEntry = AuditEntry.objects.filter(action=action)[0]
    return entry


def link_of(url: str) -> str:
    return url[url.index("/accounts/") :]


class Acts:
    """What a browser does, by name: each is to leave the entry that the table below says."""

    def __init__(self, alice: User, boss: User, client: Client, office: Client) -> None:
        self.alice, self.boss, self.client, self.office = alice, boss, client, office

    def signs_in(self) -> None:
        sign_in(self.client)

    def mistypes(self) -> None:
        sign_in(self.client, "S3cret-of-Alice")

    def tries_as_nobody(self) -> None:
        sign_in(self.client, "S3cret-of-Alice", "my-password@typed.here")

    def tries_too_often(self) -> None:
        for _ in range(7):
            sign_in(self.client, "S3cret-of-Alice")

    def is_suspended(self) -> None:
        User.objects.filter(pk=self.alice.pk).update(is_active=False)
        sign_in(self.client)

    def signs_out(self) -> None:
        sign_in(self.client)
        self.client.post("/accounts/logout/")

    def changes_name(self) -> None:
        sign_in(self.client)
        self.client.post("/accounts/profile/", {"first_name": "Alix", "last_name": "Martin"})

    def changes_password(self) -> None:
        sign_in(self.client)
        new = "S3cret-of-Alice-anew"
        form = {"oldpassword": PASSWORD, "password1": new, "password2": new}
        assert self.client.post("/accounts/password/change/", form).status_code == 302

    def ends_other_sessions(self) -> None:
        sign_in(self.client)
        self.client.post("/accounts/profile/sign-out-elsewhere/", {"password": PASSWORD})

    def is_invited(self) -> None:
        create_invitation("alice@culture.example", acting_user=self.boss)

    def is_made_superuser(self) -> None:
        create_invitation("alice@culture.example", is_admin=True)

    def accepts(self) -> None:
        self.client.get(link_of(create_invitation("alice@culture.example")))
        new = "S3cret-of-Alice-anew"
        form = {"first_name": "Alice", "last_name": "M", "new_password1": new, "new_password2": new}
        assert self.client.post("/accounts/invitation/", form).status_code == 302

    def is_renamed_by_the_boss(self) -> None:
        form = {"email": self.alice.email, "first_name": "Alix", "last_name": "Martin", "is_active": "on"}
        path = f"/admin/accounts/user/{self.alice.pk}/change/"
        page: Any = self.office.get(path)
        beside = [inline.formset.prefix for inline in page.context["inline_admin_formsets"]]
        form |= {f"{prefix}-{name}_FORMS": "0" for prefix in beside for name in ("TOTAL", "INITIAL")}
        assert self.office.post(path, form | {"is_staff": "on"}).status_code == 302

    def is_added_by_the_boss(self) -> None:
        self.office.post("/admin/accounts/user/add/", {"email": "new@culture.example", "first_name": "N"})

    def gets_a_link_by_an_action(self) -> None:
        self.office.post("/admin/accounts/user/", {"action": "give_link", "_selected_action": [self.alice.pk]})

    def loses_the_link(self) -> None:
        create_invitation("alice@culture.example")
        key = Invitation.objects.usable().get().pk
        self.office.post("/admin/accounts/invitation/", {"action": "revoke", "_selected_action": [key]})


# act: action, actor, target, before, after
ACTS: list[tuple[str, str, str, str, dict[str, Any], dict[str, Any]]] = [
    ("signs_in", "signed_in", "alice", "", {}, {"by": "ModelBackend"}),
    ("mistypes", "sign_in_failed", "nobody", "alice", {}, {}),
    ("tries_as_nobody", "sign_in_failed", "nobody", "", {}, {}),
    ("tries_too_often", "sign_in_refused", "nobody", "", {}, {"reason": "too_many_attempts"}),
    ("is_suspended", "sign_in_refused", "nobody", "alice", {}, {"reason": "suspended"}),
    ("signs_out", "signed_out", "alice", "", {}, {}),
    ("changes_name", "name_changed", "alice", "alice", {"first_name": "Alice"}, {"first_name": "Alix"}),
    ("changes_password", "password_changed", "alice", "alice", {}, {}),
    ("ends_other_sessions", "other_sessions_ended", "alice", "alice", {}, {}),
    ("is_invited", "invited", "boss", "alice", {"is_superuser": False}, {"is_superuser": False}),
    ("is_made_superuser", "invited", "server", "alice", {"is_superuser": False}, {"is_superuser": True}),
    ("accepts", "invitation_accepted", "alice", "alice", {}, {}),
    (
        "is_renamed_by_the_boss",
        "admin_changed",
        "boss",
        "alice",
        {"first_name": "Alice", "is_staff": False},
        {"first_name": "Alix", "is_staff": True},
    ),
    ("gets_a_link_by_an_action", "invited", "boss", "alice", {"is_superuser": False}, {"is_superuser": False}),
    ("loses_the_link", "invitations_revoked", "boss", "alice", {}, {"count": 1}),
]


@pytest.mark.parametrize(("act", "action", "actor", "target", "before", "after"), ACTS, ids=[row[0] for row in ACTS])
def test_each_act_is_an_entry(
    act: str,
    action: str,
    actor: str,
    target: str,
    before: dict[str, Any],
    after: dict[str, Any],
    alice: User,
    boss: User,
    client: Client,
    office: Client,
) -> None:
    ids = {"alice": str(alice.public_id), "boss": str(boss.public_id), "server": "", "nobody": "", "": ""}
    getattr(Acts(alice, boss, client, office), act)()
    entry = told(action)
    assert (entry.actor_id, entry.object_id) == (ids[actor], ids[target])
    assert entry.actor_type == (actor if actor in ("server", "nobody") else "person")
    assert (entry.values_before, entry.values_after) == (before, after)
    verify()


def test_nothing_that_opens_a_door_is_in_any_entry_or_line(
    alice: User, boss: User, client: Client, office: Client
) -> None:
    acts = Acts(alice, boss, client, office)
    links = []
    with structlog.testing.capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        for act in (row[0] for row in ACTS if row[0] != "is_suspended"):
            getattr(acts, act)()
        acts.is_added_by_the_boss()
        links.append(create_invitation("alice@culture.example"))
    text = "\n".join(str(row) for row in AuditEntry.objects.values_list()) + str(lines)
    sessions = [browser.cookies["visio_session"].value for browser in (client, office)]
    hashes = list(Invitation.objects.values_list("token_hash", flat=True))
    stored = list(User.objects.values_list("password", flat=True))
    typed = [PASSWORD, "S3cret-of-Alice", "my-password@typed.here"]
    secrets = [*typed, links[0].partition("token=")[2], *sessions, *hashes, *stored]
    assert AuditEntry.objects.count() > 15
    assert [secret for secret in secrets if secret in text] == []
    # The chain's own hashes are the only long random words.
    assert re.findall(r"token=|eyJ", text) == []


def test_an_entry_says_from_where_and_in_which_request(alice: User, client: Client) -> None:
    answer = client.post("/accounts/login/", {"login": alice.email, "password": PASSWORD}, REMOTE_ADDR="2001:db8::7:1")
    entry = told("signed_in")
    assert (entry.address, entry.request_id) == ("2001:db8::7:1", answer["X-Request-Id"])


def test_the_line_in_the_log_has_ids_and_no_names(alice: User) -> None:
    with structlog.testing.capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        seq = record("name_changed", actor=person(alice), target=person(alice), after={"first_name": "Alix"}, way="x")
    entry = AuditEntry.objects.get(seq=seq)
    assert lines == [
        {
            "event": "name_changed",
            "log_level": "info",
            "by": str(alice.public_id),
            "person": str(alice.public_id),
            "way": "x",
            "entry": seq,
            "chain": entry.hash[:16],
        }
    ]


def test_what_is_rolled_back_leaves_neither_entry_nor_line(alice: User) -> None:
    with structlog.testing.capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        with transaction.atomic():
            record("name_changed", actor=person(alice))
            transaction.set_rollback(True)
        kept = record("signed_out", actor=person(alice))
    assert [entry.action for entry in AuditEntry.objects.all()] == ["signed_out"]
    assert [line["event"] for line in lines] == ["signed_out"]
    assert kept == AuditHead.objects.get().seq == 1
    assert verify().last == 1


def test_an_action_that_nobody_registered_is_a_mistake(db: None) -> None:
    with pytest.raises(UnknownAction):
        record("never_heard_of", actor=SERVER)
    assert not AuditEntry.objects.exists()


def test_many_are_one_piece_of_the_chain_and_one_line(db: None) -> None:
    people = [Party("person", f"id-{number}", f"Nom «{number}» \n\t\\N é") for number in range(300)]
    with structlog.testing.capture_logs() as lines, TestCase.captureOnCommitCallbacks(execute=True):
        count = record_many(Entry("admin_changed", SERVER, who, {"a": None}, {"a": "\\."}) for who in people)
    assert count == 300
    assert [entry.object_label for entry in AuditEntry.objects.order_by("seq")] == [who.label for who in people]
    assert len(lines) == 1
    assert lines[0]["entries"] == {"admin_changed": 300}
    assert (verify().count, record_many([])) == (300, 0)


HOSTILE: list[tuple[Any, Any]] = [
    ({"password": "hunter22"}, {"password": "[hidden]"}),
    ({"api_token": "x", "has_token": True}, {"api_token": "[hidden]", "has_token": True}),
    ({"lobby_message": "come in"}, {"lobby_message": "[hidden]"}),
    ({"lobby_message": ""}, {"lobby_message": ""}),
    ({"lobby_message_length": 7}, {"lobby_message_length": 7}),
    ({"slug": "abc-defg-hij"}, {"slug": "[hidden]"}),
    ({"nested": {"secret": ["a"]}}, {"nested": {"secret": "[hidden]"}}),
    ({"url": "https://v.example/x?token=abc&y=1"}, {"url": "https://v.example/x[hidden]&y=1"}),
    ({"jwt": "it is eyJhbGciOi.eyJzdWIi.c2ln"}, {"jwt": "it is [hidden]"}),
    ({"name": "a\x00b\ud800"}, {"name": "ab?"}),
    ({"name": "x " * 500}, {"name": ("x " * 500)[:199] + "…"}),
    ({"n": 1.5, "d": 10**30}, {"n": "1.5", "d": 10**30}),
    ({"context": "kept", "content": "lost"}, {"context": "kept", "content": "[hidden]"}),
]


@pytest.mark.parametrize(("given", "kept"), HOSTILE, ids=[",".join(row[0]) for row in HOSTILE])
def test_values_are_kept_without_secrets_speech_or_what_no_database_takes(given: Any, kept: Any) -> None:
    assert values.safe(given) == kept


def test_an_entry_keeps_what_people_call_themselves_whatever_it_is(alice: User) -> None:
    alice.first_name = "A\x00" + "é" * 400
    record("signed_out", actor=person(alice))
    assert told("signed_out").actor_label == "A" + "é" * 198 + "…"
    verify()
