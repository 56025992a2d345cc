"""One-time links: the only way to a password, once, for a week, and nothing of the old session is left."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts import rate_limits
from accounts.models import Invitation, User
from accounts.services.invitations import (
    InvitationInvalid,
    MayNotInvite,
    accept_invitation,
    create_invitation,
    ensure_admin,
)

pytestmark = pytest.mark.django_db

EMAIL = "alice@culture.example"
PASSWORD = "un bien long secret"
FORM = {"first_name": "Alice", "last_name": "Martin", "new_password1": PASSWORD, "new_password2": PASSWORD}
PAGE = "/accounts/invitation/"


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}"


def token_of(url: str) -> str:
    return parse_qs(urlsplit(url).query)["token"][0]


def use(client: Client, url: str, **changes: str) -> Any:
    client.get(path_of(url))
    return client.post(PAGE, {**FORM, **changes})


def signed_in_as(client: Client) -> str:
    return str(client.session.get("_auth_user_id", ""))


def test_the_link_sets_the_password_and_signs_in(client: Client) -> None:
    answer = use(client, create_invitation(EMAIL))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    user = User.objects.get(email=EMAIL)
    assert signed_in_as(client) == str(user.pk)
    assert user.check_password(PASSWORD)
    assert user.display_name == "Alice Martin"
    assert not user.is_staff


def test_the_link_works_once(client: Client) -> None:
    url = create_invitation(EMAIL)
    use(client, url)
    answer = Client().get(path_of(url), follow=True)
    assert answer.status_code == 404
    with pytest.raises(InvitationInvalid):
        accept_invitation(token_of(url), password="another long secret", first_name="E", last_name="E")
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_a_second_use_between_look_and_use_is_refused(client: Client) -> None:
    """Two browsers have the page open; the slower one changes nothing."""
    url = create_invitation(EMAIL)
    slow = Client()
    assert slow.get(path_of(url), follow=True).status_code == 200
    use(client, url)
    answer = slow.post(PAGE, {**FORM, "new_password1": "another long secret", "new_password2": "another long secret"})
    assert answer.status_code == 404
    assert signed_in_as(slow) == ""
    assert User.objects.get(email=EMAIL).check_password(PASSWORD)


def test_the_link_lasts_seven_days(client: Client) -> None:
    url = create_invitation(EMAIL)
    invitation = Invitation.objects.get()
    assert invitation.expires_at - invitation.created_at == timedelta(days=7)
    earlier = timezone.now() - timedelta(days=8)
    Invitation.objects.update(created_at=earlier, expires_at=earlier + timedelta(days=7))
    assert use(client, url).status_code == 404
    assert not User.objects.get(email=EMAIL).has_usable_password()


def test_a_new_link_makes_earlier_ones_worthless(client: Client) -> None:
    old, new = create_invitation(EMAIL), create_invitation(EMAIL)
    assert use(client, old).status_code == 404
    assert use(client, new).status_code == 302


def test_the_link_of_a_suspended_person_is_worthless(client: Client) -> None:
    url = create_invitation(EMAIL)
    User.objects.update(is_active=False)
    assert use(client, url).status_code == 404


@pytest.mark.parametrize("token", ["", "x", "x" * 5000, "\x00", "é"])
def test_a_made_up_link_is_worthless(token: str, client: Client) -> None:
    create_invitation(EMAIL)
    assert client.get(PAGE, {"token": token}, follow=True).status_code == 404
    assert client.post(PAGE, FORM).status_code == 404


def test_opening_the_link_spends_nothing_and_takes_the_secret_out_of_the_address(client: Client) -> None:
    url = create_invitation(EMAIL)
    answer = client.get(path_of(url))
    assert (answer.status_code, answer["Location"]) == (302, PAGE)
    assert "no-store" in answer["Cache-Control"]
    page = client.get(PAGE)
    assert page.status_code == 200
    assert token_of(url) not in page.content.decode()
    assert Invitation.objects.usable().count() == 1


def test_the_database_does_not_hold_the_secret() -> None:
    token = token_of(create_invitation(EMAIL))
    assert len(token) >= 43  # 256 bits
    row = Invitation.objects.values().get()
    assert token not in str(row)


def test_the_session_is_new_and_keeps_nothing_of_whoever_was_here(client: Client) -> None:
    bob = User.objects.create_user("bob@culture.example", "another long secret")
    client.force_login(bob, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session["left_behind"] = "of Bob"
    session.save()
    planted = client.cookies["visio_session"].value
    use(client, create_invitation(EMAIL))
    assert client.cookies["visio_session"].value != planted
    assert signed_in_as(client) == str(User.objects.get(email=EMAIL).pk)
    assert "left_behind" not in client.session
    thief = Client()
    thief.cookies["visio_session"] = planted
    assert signed_in_as(thief) == ""


def test_a_new_password_ends_the_sessions_made_with_the_old_one(client: Client) -> None:
    use(client, create_invitation(EMAIL))
    other = Client()
    use(other, create_invitation(EMAIL), new_password1="another long secret", new_password2="another long secret")
    assert client.get("/rooms/").status_code == 302  # to the sign-in page
    assert other.get("/rooms/").status_code == 200


@pytest.mark.parametrize("password", ["short", "123456789012345", "password1234", "alice@culture.example"])
def test_a_weak_password_is_refused_and_the_link_stays(password: str, client: Client) -> None:
    url = create_invitation(EMAIL)
    assert use(client, url, new_password1=password, new_password2=password).status_code == 200
    assert not User.objects.get(email=EMAIL).has_usable_password()
    assert use(client, url).status_code == 302


def test_a_name_of_invisible_characters_is_refused(client: Client) -> None:
    assert use(client, create_invitation(EMAIL), first_name="\u202e\u200b").status_code == 200
    assert not User.objects.get(email=EMAIL).has_usable_password()


def test_tries_are_limited_by_source(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", 10 * 365 * 86_400)  # not in two minutes
    answers = [client.get(PAGE).status_code for _ in range(40)]
    assert answers[0] == 404
    assert answers[-1] == 429
    assert Client(REMOTE_ADDR="192.0.2.9").get(PAGE).status_code == 404


def test_an_address_is_one_person_however_it_is_spelt() -> None:
    create_invitation("Alice@Culture.Example ")
    create_invitation(EMAIL)
    assert list(User.objects.values_list("email", flat=True)) == [EMAIL]


def test_only_a_superuser_makes_or_re_invites_one() -> None:
    boss = User.objects.create_superuser("boss@culture.example", PASSWORD)
    clerk = User.objects.create_user("clerk@culture.example", PASSWORD, is_staff=True)
    nobody = User.objects.create_user("nobody@culture.example", PASSWORD)
    with pytest.raises(MayNotInvite):
        create_invitation("new@culture.example", acting_user=nobody)
    with pytest.raises(MayNotInvite):
        create_invitation("new@culture.example", is_admin=True, acting_user=clerk)
    with pytest.raises(MayNotInvite):
        create_invitation(boss.email, acting_user=clerk)  # would be a way to the boss's account
    assert create_invitation("new@culture.example", acting_user=clerk)
    create_invitation("new@culture.example", is_admin=True, acting_user=boss)
    assert User.objects.get(email="new@culture.example").is_superuser


def test_the_first_administrator_gets_a_link_until_one_can_sign_in(client: Client) -> None:
    first, second = ensure_admin(), ensure_admin()
    assert first
    assert second
    assert first != second  # the older one may have scrolled away; only the newest works
    assert User.objects.count() == 1
    assert use(client, second).status_code == 302
    assert ensure_admin() is None
    # The way on from there: accounts/factors/tests/test_administration.py.
    assert client.get("/admin/")["Location"] == "/accounts/security/"


def test_the_commands_print_the_link_alone(settings: Any) -> None:
    out, err = StringIO(), StringIO()
    call_command("invite", EMAIL, "--admin", stdout=out, stderr=err)
    assert out.getvalue().startswith(f"{settings.PORTAL_URL}/accounts/invitation/?token=")
    assert out.getvalue().count("\n") == 1
    assert User.objects.get(email=EMAIL).is_superuser
    out = StringIO()
    call_command("ensure_admin", stdout=out)
    assert "token=" in out.getvalue()
    with pytest.raises(CommandError):
        call_command("invite", "no address", stdout=out, stderr=err)
