"""The audit log in the administration: found, filtered, exported whole and harmless, changed by nobody."""

from __future__ import annotations

import csv
import io
import json
from datetime import datetime
from typing import Any

import pytest
from asgiref.sync import sync_to_async
from django.contrib import admin
from django.db import connections
from django.forms import inlineformset_factory
from django.test import AsyncClient, Client

from accounts.admin import PersonForm
from accounts.audit import chain, export
from accounts.audit.admin_acts import AuditedAdmin, _diff
from accounts.audit.parties import SERVER, Party, person
from accounts.audit.record import Entry, record, record_many
from accounts.models import AuditEntry, Invitation, User
from accounts.services.invitations import create_invitation

pytestmark = pytest.mark.django_db

LIST = "/admin/accounts/auditentry/"
FORMULAS = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1", "＝1", '=cmd|"/c calc"!A1', "\r=1"]


def read(client: Client, path: str) -> str:
    answer: Any = client.get(path)
    assert answer.status_code == 200
    return b"".join(answer.streaming_content).decode()


def test_it_is_read_and_changed_by_nobody(office: Client, alice: User) -> None:
    seq = record("name_changed", actor=person(alice), target=person(alice), before={"first_name": "<b>Al</b>"})
    page = office.get(f"{LIST}{seq}/change/")
    assert "&lt;b&gt;Al&lt;/b&gt;" in page.content.decode()
    assert office.post(f"{LIST}{seq}/change/", {"action": "signed_in"}).status_code == 403
    assert office.post(f"{LIST}{seq}/delete/", {"post": "yes"}).status_code == 403
    assert office.get(f"{LIST}add/").status_code == 403
    assert "delete_selected" not in office.get(LIST).content.decode()


def test_a_policys_change_is_told_as_its_form_calls_it_and_exported_as_it_is_kept(office: Client) -> None:
    target = Party("organisation", "x", "Ministry")
    before, after = {"room_creation": "managers", "max_participants": None}, {"room_creation": "of another version"}
    seq = record("policy_changed", actor=SERVER, target=target, before=before, after=after)
    page = office.get(f"{LIST}{seq}/change/", headers={"accept-language": "en"}).content.decode()
    for line in (
        "<dt>who may open rooms</dt><dd>Managers and administrators</dd>",
        "<dt>most people in a room</dt><dd>–</dd>",
        "<dt>who may open rooms</dt><dd>of another version</dd>",
    ):
        assert line in page
    (line,) = [json.loads(text) for text in read(office, f"{LIST}export/jsonl/?action=policy_changed").splitlines()]
    assert (line["action"], line["before"]) == ("policy_changed", before)


def test_only_who_may_view_it_does(client: Client, alice: User) -> None:
    User.objects.filter(pk=alice.pk).update(is_staff=True)
    alice.refresh_from_db()
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    for path in (LIST, f"{LIST}export/csv/", f"{LIST}export/jsonl/"):
        assert client.get(path).status_code == 403


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=alice@culture.example", ["name_changed", "signed_out"]),
        ("q=Alice", ["name_changed", "signed_out"]),
        ("q=room-7", ["password_changed"]),
        ("q=192.0.2.1", []),
        ("action=signed_out", ["signed_out"]),
        ("by=server", ["password_changed"]),
        ("q=Alice&action=name_changed", ["name_changed"]),
        ("at__gte=2999-01-01T00:00:00Z", []),
    ],
)
def test_it_is_searched_and_filtered_and_the_export_is_what_is_shown(
    query: str, found: list[str], office: Client, alice: User, boss: User
) -> None:
    record("name_changed", actor=person(boss), target=person(alice))
    record("signed_out", actor=person(alice))
    record("password_changed", actor=SERVER, scope="room-7")
    # The page's own sign-in is by the boss.
    page: Any = office.get(f"{LIST}?{query}")
    assert sorted(entry.action for entry in page.context["cl"].result_list) == found
    lines = [json.loads(line) for line in read(office, f"{LIST}export/jsonl/?{query}").splitlines()]
    assert sorted(line["action"] for line in lines) == found


def test_the_chain_can_be_computed_again_from_json_lines(office: Client, alice: User) -> None:
    record_many(
        Entry("admin_changed", person(alice), Party("person", "x", label), {"b": 1}, {"é": [None, True, "«"]})
        for label in (*FORMULAS, "plain", "Zoë 🙂", 'quo"te;', "two\nlines")
    )
    previous = chain.GENESIS
    lines = read(office, f"{LIST}export/jsonl/").splitlines()
    for line in map(json.loads, lines):
        content = [line[name] for name in chain.COLUMNS]
        for place in (chain.COLUMNS.index("before"), chain.COLUMNS.index("after")):
            value = content[place]
            dumped = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
            content[place] = "" if value is None else dumped
        assert line["previous_hash"] == previous
        assert chain.digest(previous, tuple(content)) == line["hash"]
        previous = line["hash"]
    assert len(lines) == AuditEntry.objects.count()
    assert json.loads(lines[-1])["action"] == "audit_exported"  # itself, last


def test_csv_holds_the_same_and_no_formula(office: Client, alice: User) -> None:
    labels = [*FORMULAS, "plain", 'quo"te;', "two\nlines"]
    record_many(Entry("admin_changed", SERVER, Party("person", "x", label)) for label in labels)
    text = read(office, f"{LIST}export/csv/")
    assert text.startswith("\ufeffseq;at;action;")
    rows = list(csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), delimiter=";"))
    stored = {str(entry.seq): entry for entry in AuditEntry.objects.all()}
    assert [row["seq"] for row in rows] == sorted(stored, key=int)
    for row in rows:
        entry = stored[row["seq"]]
        assert datetime.fromisoformat(row["at"]) == entry.at
        assert row["object_label"].removeprefix("'") == entry.object_label
        assert (row["hash"], row["before"]) == (entry.hash, entry.before)
    shown = [row["object_label"] for row in rows if row["action"] == "admin_changed"]
    assert shown == [*(f"'{label}" for label in FORMULAS), "plain", 'quo"te;', "two\nlines"]


def test_an_export_is_an_entry_itself(office: Client, boss: User) -> None:
    read(office, f"{LIST}export/csv/?action=signed_in")
    entry = AuditEntry.objects.filter(action="audit_exported").get()
    assert (entry.actor_id, entry.values_after) == (
        str(boss.public_id),
        {"filters": {"action": "signed_in"}, "format": "csv"},
    )
    assert office.get(f"{LIST}export/xlsx/").status_code == 404
    assert office.post(f"{LIST}export/csv/").status_code == 405


def test_it_is_streamed_by_chunks(office: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(export, "_CHUNK", 10)
    record_many(Entry("admin_changed", SERVER) for _ in range(35))
    last = AuditEntry.objects.order_by("-seq")[0].seq
    pieces = list(export.chunks(AuditEntry.objects.all(), last, export.json_lines))
    assert [piece.count("\n") for piece in pieces] == [0, 10, 10, 10, 6]  # with the office's sign-in


@pytest.mark.django_db(transaction=True)
async def test_it_is_streamed_by_chunks_under_asgi_too(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the product runs: Django would read a synchronous iterator to its end before it sends anything."""
    monkeypatch.setattr(export, "_CHUNK", 10)
    client = AsyncClient()
    await client.aforce_login(boss, backend="django.contrib.auth.backends.ModelBackend")
    await sync_to_async(record_many)([Entry("admin_changed", SERVER) for _ in range(25)])
    answer: Any = await client.get(f"{LIST}export/csv/?action=admin_changed")
    pieces = [piece.decode() async for piece in answer.streaming_content]
    assert [piece.count("\n") for piece in pieces] == [1, 10, 10, 5]
    entry = await AuditEntry.objects.aget(action="audit_exported")
    assert (entry.address, entry.request_id) == ("127.0.0.1", answer["X-Request-Id"])
    await sync_to_async(connections.close_all)()  # of that thread


def test_the_list_costs_the_same_however_long_the_log_is(office: Client, django_assert_max_num_queries: Any) -> None:
    record_many(Entry("admin_changed", SERVER) for _ in range(300))
    with django_assert_max_num_queries(9):
        office.get(LIST)


def test_whatever_is_registered_writes_the_log() -> None:
    assert [name for name, found in admin.site._registry.items() if not isinstance(found, AuditedAdmin)] == []


def test_who_reads_the_text_of_a_mail_is_in_the_log_and_its_text_is_not(office: Client, boss: User) -> None:
    from jobs.models import Mail

    mail = Mail.objects.create(to="bob@example.org", subject="Access", content={"text": "S3cret link"})
    chosen = {"action": "read", "_selected_action": [mail.pk]}
    assert "S3cret link" in office.post("/admin/jobs/mail/", chosen).content.decode()
    entry = AuditEntry.objects.filter(action="admin_acted").get()
    assert (entry.actor_id, entry.object_type) == (str(boss.public_id), "mail")
    assert entry.values_after == {"action": "read", "count": 1, "ids": [str(mail.pk)]}
    assert "S3cret" not in f"{entry.values_before} {entry.values_after} {entry.object_label}"


def test_a_deletion_and_an_action_in_the_administration_are_entries(office: Client, boss: User) -> None:
    from jobs.models import Job, State  # jobs know nothing of the log, and are in it all the same

    job = Job.objects.create(kind="tests.note", max_attempts=1, state=State.DEAD, payload={"secret": "S3cret"})
    chosen = {"_selected_action": [job.pk]}
    office.post("/admin/jobs/job/", {"action": "run_again", **chosen})
    entry = AuditEntry.objects.filter(action="admin_acted").get()
    assert (entry.actor_id, entry.object_type) == (str(boss.public_id), "job")
    assert entry.values_after == {"action": "run_again", "count": 1, "ids": [str(job.pk)]}
    office.post("/admin/jobs/job/", {"action": "delete_selected", **chosen})  # asks first
    assert not AuditEntry.objects.filter(action="admin_deleted").exists()
    office.post("/admin/jobs/job/", {"action": "delete_selected", "post": "yes", **chosen})
    entry = AuditEntry.objects.filter(action="admin_deleted").get()
    assert (entry.object_id, entry.values_before["kind"]) == (str(job.pk), "tests.note")
    assert "S3cret" not in entry.before


def test_rows_beside_a_form_are_told_with_their_values_too(alice: User) -> None:
    create_invitation(alice.email)
    create_invitation(alice.email)
    kept, gone = alice.invitations.order_by("pk")
    formset_of = inlineformset_factory(User, Invitation, fk_name="user", fields=("expires_at",), extra=1)
    data: dict[str, Any] = {"email": alice.email, "first_name": "Alix", "last_name": "Martin"}
    data |= {"invitations-TOTAL_FORMS": "3", "invitations-INITIAL_FORMS": "2", "invitations-2-expires_at": "2999-03-01"}
    data |= {"invitations-0-id": kept.pk, "invitations-0-expires_at": "2999-01-01 00:00"}
    data |= {"invitations-1-id": gone.pk, "invitations-1-expires_at": "2999-01-01 00:00", "invitations-1-DELETE": "on"}
    form, formset = (
        PersonForm(data, instance=alice),
        formset_of(data, instance=alice, queryset=alice.invitations.order_by("pk")),
    )
    assert form.is_valid()
    assert formset.is_valid(), formset.errors
    before, after = _diff(form, [formset], add=False)
    assert before["first_name"] == "Alice"
    assert before[f"invitation {kept.pk}"] == {"expires_at": kept.expires_at}
    assert before[f"invitation {gone.pk}"]["expires_at"] == gone.expires_at
    assert f"invitation {gone.pk}" not in after
    assert [name for name in after if name.startswith("invitation")] == [f"invitation {kept.pk}", "invitation "]
    assert after[f"invitation {kept.pk}"]["expires_at"].year == 2999
