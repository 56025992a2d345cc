"""Merge proposals in the administration: looked at, merged, undone, declined; by whom, and what they read."""

from __future__ import annotations

import pytest
from django.contrib.auth.models import Permission
from django.test import Client

from accounts.merging.tests.conftest import EMAIL, Pair, signed_in_as
from accounts.models import AuditEntry, Employment, User
from accounts.models.identity import MergeState
from accounts.proconnect.tests.hostile_provider import HostileProvider, Visit

pytestmark = pytest.mark.django_db

SURE = {"same_person": "on"}


def page_of(client: Client, pair: Pair) -> str:
    answer = client.get(f"/admin/accounts/mergeproposal/{pair.proposal.pk}/change/", headers={"accept-language": "en"})
    assert answer.status_code == 200
    return answer.content.decode()


def act(client: Client, pair: Pair, name: str, data: dict[str, str] | None = None) -> str:
    """What the page says afterwards."""
    address = f"/admin/accounts/mergeproposal/{pair.proposal.pk}/{name}/"
    answer = client.post(address, data or {}, headers={"accept-language": "en"})
    assert answer.status_code == 302, answer.content
    return page_of(client, pair)


def clerk(*names: str) -> Client:
    user = User.objects.create_user("clerk@culture.example", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__in=names))
    client = Client()
    client.force_login(user)
    return client


def test_the_page_shows_both_accounts_and_what_would_follow(pair: Pair, boss: Client) -> None:
    listed = boss.get("/admin/accounts/mergeproposal/?state=open").content.decode()
    assert EMAIL in listed
    page = page_of(boss, pair)
    for text in (EMAIL, "Culture", "idp-new", "sirh", "What follows from a merge", "Merge the two accounts"):
        assert text in page
    assert pair.proposal.state == MergeState.OPEN  # to look decides nothing
    assert "sign-in.invalid" not in page


def test_a_click_merges_and_another_one_undoes(pair: Pair, boss: Client, provider: HostileProvider) -> None:
    page = act(boss, pair, "merge", SURE)
    assert "Merged. The run is" in page
    assert "Undo the merge" in page
    assert signed_in_as(pair.visit) is None
    again = Visit(provider)
    again.sign_in()
    assert signed_in_as(again) == pair.known
    entry = AuditEntry.objects.get(action="account_took_over")
    assert entry.actor_label == "boss"
    page = act(boss, pair, "undo")
    assert "both accounts are as before" in page
    assert "Merge the two accounts" in page
    assert signed_in_as(again) is None
    assert pair.proposal.state == MergeState.OPEN


def test_nothing_is_merged_without_the_word_that_it_is_one_person(pair: Pair, boss: Client) -> None:
    assert "Not merged" in act(boss, pair, "merge")
    assert signed_in_as(pair.visit) == pair.fresh
    assert boss.get(f"/admin/accounts/mergeproposal/{pair.proposal.pk}/merge/").status_code == 405


def test_the_second_of_two_administrators_reads_that_it_was_decided(pair: Pair, boss: Client) -> None:
    assert "stay as they are" in act(boss, pair, "separate")
    assert pair.proposal.state == MergeState.DECLINED
    assert "decided on this proposal before" in act(boss, pair, "merge", SURE)
    assert "decided on this proposal before" in act(boss, pair, "separate")
    assert User.objects.get(pk=pair.fresh.pk).is_active
    assert "no merge" in act(boss, pair, "undo")


def test_a_refusal_stands_in_the_place_of_the_button(pair: Pair, boss: Client) -> None:
    Employment.objects.create(user=pair.fresh, source="sirh", hr_id="8")
    page = page_of(boss, pair)
    assert "two people: both accounts have an HR record" in page
    assert "Merge the two accounts" not in page
    assert "Not merged." in act(boss, pair, "merge", SURE)
    assert pair.proposal.state == MergeState.OPEN


def test_who_may_only_look_decides_nothing(pair: Pair, provider: HostileProvider) -> None:
    viewer = clerk("view_mergeproposal")
    assert "Merge the two accounts" not in page_of(viewer, pair)
    for name in ("merge", "separate", "undo"):
        address = f"/admin/accounts/mergeproposal/{pair.proposal.pk}/{name}/"
        assert viewer.post(address, SURE).status_code == 403
        assert pair.visit.client.post(address, SURE).status_code == 302  # to the sign-in
        assert Client().post(address, SURE).status_code == 302
    assert pair.proposal.state == MergeState.OPEN
    User.objects.filter(email="clerk@culture.example").delete()
    stranger = clerk("view_user")
    assert stranger.get(f"/admin/accounts/mergeproposal/{pair.proposal.pk}/change/").status_code == 403
    User.objects.filter(email="clerk@culture.example").delete()
    assert "Merged." in act(clerk("view_mergeproposal", "change_mergeproposal"), pair, "merge", SURE)


def test_what_is_not_there(boss: Client) -> None:
    assert boss.post("/admin/accounts/mergeproposal/4711/merge/", SURE).status_code == 404
    assert boss.get("/admin/accounts/mergeproposal/4711/change/").status_code == 302


def test_the_start_page_leads_there(boss: Client) -> None:
    assert "/admin/accounts/mergeproposal/?state=open" in boss.get("/admin/").content.decode()


def test_names_are_text_and_never_markup(pair: Pair, boss: Client) -> None:
    pair.fresh.identities.update(uid="<b>u</b>", idp_id="<script>")
    User.objects.filter(pk=pair.fresh.pk).update(first_name="<i>Marie</i>")
    page = page_of(boss, pair)
    assert "<b>u" not in page
    assert "<script>" not in page.replace("<script>\n", "")
    assert "<i>Marie" not in page
