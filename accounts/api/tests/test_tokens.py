"""Tokens: given once, kept as a hash, refused with a reason, ended for good; each such act on record."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.contrib.auth.models import Permission
from django.core import serializers
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django import Settings

from accounts.api.tests.callers import Program, code_of, json_of, token_for
from accounts.models import ApiToken, AuditEntry, User
from accounts.services.api_tokens import BadExpiry, BadScopes, NoOwner, give_token, revoke_token
from accounts.services.leavers import see_off_soon, suspend
from jobs.worker import Worker


def entries(action: str) -> list[AuditEntry]:
    return list(AuditEntry.objects.filter(action=action).order_by("seq"))


def test_a_token_opens_the_door_for_its_owner_and_says_what_it_may(alice: User) -> None:
    given = token_for(alice, "rooms:read", "people:read", requests_per_minute=5)
    answer = Program(given.secret).get("token")
    assert answer.status_code == 200
    said = json_of(answer)
    assert said["owner"] == str(alice.public_id)
    assert (said["scopes"], said["requests_per_minute"]) == (["people:read", "rooms:read"], 5)


def test_only_a_hash_of_it_is_kept(alice: User) -> None:
    given = token_for(alice)
    assert re.fullmatch(r"visio_[a-z0-9]{10}_[\w-]{43}", given.secret)
    secret = given.secret.rpartition(f"{given.token.prefix}_")[2]
    stored = serializers.serialize("json", [*ApiToken.objects.all(), *AuditEntry.objects.all()])
    assert secret not in stored
    assert given.token.prefix in stored  # by which an administrator finds it


def test_it_works_after_a_rotation_of_the_servers_key_in_which_nobody_used_it(alice: User, settings: Settings) -> None:
    given = token_for(alice)
    settings.SECRET_KEY, settings.SECRET_KEY_FALLBACKS = (
        "a new key, as rotate_secrets --apply and --finish leave it",
        [],
    )
    assert Program(given.secret).get("token").status_code == 200


@pytest.mark.parametrize(
    ("header", "code"),
    [
        ("", "token_missing"),
        ("Basic YWxpY2U6c2VjcmV0", "token_malformed"),
        ("Bearer", "token_malformed"),
        ("Bearer visio_short_x", "token_malformed"),
        (f"Bearer visio_aaaaaaaaaa_{'é' * 43}", "token_malformed"),
        (f"Bearer visio_aaaaaaaaaa_{'x' * 43}", "token_unknown"),
    ],
)
def test_what_is_no_token_is_refused_with_what_is_wrong_and_the_remedy(db: None, header: str, code: str) -> None:
    answer = Program("", **({"authorization": header} if header else {})).get("token")
    said = json_of(answer)
    assert (answer.status_code, said["code"], said["where"]) == (401, code, "header.Authorization")
    assert said["message"]
    assert said["remedy"]
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_the_prefix_of_another_token_does_not_help(alice: User, boss: User) -> None:
    mine, other = token_for(alice), token_for(boss)
    mixed = f"visio_{other.token.prefix}_{mine.secret[-43:]}"
    assert code_of(Program(mixed).get("token")) == "token_unknown"


def test_a_revoked_one_is_refused_from_the_next_request_on(alice: User) -> None:
    given = token_for(alice)
    caller = Program(given.secret)
    assert caller.get("token").status_code == 200
    assert revoke_token(given.token, acting_user=None)
    assert not revoke_token(given.token, acting_user=None)
    assert code_of(caller.get("token")) == "token_revoked"
    assert len(entries("api_token_revoked")) == 1


def test_an_expired_one_is_refused(alice: User) -> None:
    given = token_for(alice)
    hour_ago = timezone.now() - timedelta(hours=1)
    ApiToken.objects.update(created_at=hour_ago - timedelta(days=1), expires_at=hour_ago)
    assert code_of(Program(given.secret).get("token")) == "token_expired"


def test_it_ends_with_its_owners_suspension_and_does_not_come_back(alice: User) -> None:
    caller = Program(token_for(alice).secret)
    User.objects.filter(pk=alice.pk).update(is_active=False)  # by whatever way
    assert code_of(caller.get("token")) == "owner_suspended"
    User.objects.filter(pk=alice.pk).update(is_active=True)
    assert code_of(caller.get("token")) == "token_revoked"
    [entry] = entries("api_token_revoked")
    assert '"owner_suspended"' in entry.after


def test_whoever_is_suspended_loses_unused_ones_too_with_the_rest_that_they_had_open(alice: User, boss: User) -> None:
    given = token_for(alice)
    suspend(alice, acting_user=boss)
    given.token.refresh_from_db()
    assert given.token.revoked_at is not None
    assert code_of(Program(given.secret).get("token")) == "owner_suspended"
    [entry] = entries("api_token_revoked")
    assert (entry.actor_id, '"owner_suspended"' in entry.after) == (str(boss.public_id), True)


def test_an_import_that_suspends_people_ends_their_tokens_unused_ones_too(alice: User, boss: User) -> None:
    gone, stays = token_for(alice), token_for(boss)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    see_off_soon([alice.pk])  # as imports do
    while Worker().work_once():
        pass
    gone.token.refresh_from_db()
    stays.token.refresh_from_db()
    assert gone.token.revoked_at is not None
    assert stays.token.revoked_at is None


@pytest.mark.parametrize("rank", ["is_staff", "is_superuser"])
def test_what_a_clerk_gave_ends_when_its_owner_rises_and_does_not_come_back(alice: User, rank: str) -> None:
    caller = Program(given_by_clerk(alice))
    assert caller.get("people").status_code == 200
    User.objects.filter(pk=alice.pk).update(**{rank: True})
    assert code_of(caller.get("people")) == "token_revoked"
    User.objects.filter(pk=alice.pk).update(**{rank: False})
    assert code_of(caller.get("people")) == "token_revoked"
    [entry] = entries("api_token_revoked")
    assert '"owner_promoted"' in entry.after


def test_what_a_superuser_the_server_or_the_owner_gave_outlives_the_owners_rise(alice: User, boss: User) -> None:
    in_a_month = timezone.now() + timedelta(days=30)
    by_boss = give_token(name="A", owner=alice, scopes=["people:read"], expires_at=in_a_month, acting_user=boss)
    secrets = [by_boss.secret, token_for(alice).secret, given_by_clerk(None)]
    User.objects.update(is_staff=True)
    assert [Program(secret).get("people").status_code for secret in secrets] == [200, 200, 200]


def given_by_clerk(owner: User | None) -> str:
    """For `owner`, or for the clerk."""
    clerk = User.objects.create_user("clerk@culture.example", is_staff=True)
    clerk.user_permissions.add(Permission.objects.get(codename="add_apitoken"))
    in_a_month = timezone.now() + timedelta(days=30)
    given = give_token(name="B", owner=owner or clerk, scopes=["people:read"], expires_at=in_a_month, acting_user=clerk)
    return given.secret


def test_use_is_noted_to_the_minute_without_a_write_for_each_request(alice: User) -> None:
    given = token_for(alice)
    caller = Program(given.secret)
    caller.get("token")
    given.token.refresh_from_db()
    first = given.token.last_used_at
    assert first is not None
    caller.get("token")
    given.token.refresh_from_db()
    assert given.token.last_used_at == first
    ApiToken.objects.update(last_used_at=first - timedelta(minutes=2))
    caller.get("token")
    given.token.refresh_from_db()
    assert given.token.last_used_at is not None
    assert given.token.last_used_at >= first


def test_giving_revoking_and_refusing_are_on_record_with_owner_and_application(alice: User) -> None:
    given = token_for(alice, "rooms:read")
    Program(given.secret).get("people")
    revoke_token(given.token, acting_user=None)
    Program(given.secret).get("token")
    [made], [revoked], refusals = entries("api_token_created"), entries("api_token_revoked"), entries("api_refused")
    assert str(alice.public_id) in made.after
    assert '"rooms:read"' in made.after
    for entry in (made, revoked, *refusals):
        assert (entry.object_type, entry.object_id) == ("application", str(given.token.public_id))
    assert ['"scope_missing"' in entry.after for entry in refusals] == [True, False]
    # Whose token opens nothing did not act.
    assert [entry.actor_type for entry in refusals] == ["person", "nobody"]


def test_who_tries_again_and_again_fills_no_log(db: None) -> None:
    for _ in range(10):
        Program("x").get("token")
    assert len(entries("api_refused")) == 3


@pytest.mark.parametrize("scopes", [["rooms:fly"], ["rooms:read", "everything"]])
def test_a_scope_that_does_not_exist_is_not_given(alice: User, scopes: list[str]) -> None:
    with pytest.raises(BadScopes):
        token_for(alice, *scopes)


@pytest.mark.parametrize("days", [-1, 0, 367])
def test_none_lasts_for_ever_and_none_is_over_at_once(alice: User, days: int) -> None:
    with pytest.raises(BadExpiry):
        token_for(alice, expires_at=timezone.now() + timedelta(days=days, seconds=-1))


def test_none_is_given_that_acts_for_who_is_suspended(alice: User) -> None:
    alice.is_active = False
    with pytest.raises(NoOwner):
        token_for(alice)


def test_the_command_prints_one_that_works_and_another_revokes_it(alice: User) -> None:
    out, told = StringIO(), StringIO()
    call_command(
        "give_api_token",
        "Booking",
        "--owner",
        "Alice@Culture.example",
        "--scope",
        "people:read",
        stdout=out,
        stderr=told,
    )
    secret = out.getvalue().strip()
    assert "not shown again" in told.getvalue()
    assert Program(secret).get("people").status_code == 200
    out = StringIO()
    call_command("revoke_api_token", secret, stdout=out)
    assert "no longer works" in out.getvalue()
    assert secret[-43:] not in out.getvalue()
    assert code_of(Program(secret).get("people")) == "token_revoked"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["Booking", "--owner", "nobody@x.example", "--scope", "people:read"], "no account"),
        (["Booking", "--owner", "alice@culture.example", "--scope", "people:read", "--days", "900"], "--days"),
        (
            ["Booking", "--owner", "alice@culture.example", "--scope", "people:read", "--per-minute", "0"],
            "--per-minute",
        ),
        (["", "--owner", "alice@culture.example", "--scope", "people:read"], "name"),
        (["Booking", "--owner", "alice@culture.example", "--scope", "rooms:fly"], "rooms:fly"),
    ],
)
def test_the_command_says_what_is_wrong(alice: User, arguments: list[str], said: str) -> None:
    with pytest.raises(CommandError, match=said):
        call_command("give_api_token", *arguments)
    with pytest.raises(CommandError, match="No token begins with"):
        call_command("revoke_api_token", "visio_zzzzzzzzzz")
    assert not ApiToken.objects.exists()
