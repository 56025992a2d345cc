"""A room may ask for a strong sign-in: at each of its doors, without a word to those inside."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.utils import timezone
from pytest_django import Settings

from accounts.models import AuditEntry, Membership, Organisation, Policy
from accounts.models.policy import SignInLevel
from meetings.admission import admitted_participant
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.tests.conftest import Meeting
from visio_portal.testing import Person


def signed_in_with(person: Person, acr: str) -> None:
    """As after the sign-in service has vouched for it."""
    session = person.client.session
    session["oidc"] = {"acr": acr, "amr": [], "id_token": ""}
    session.save()


def ask(room: Room, level: SignInLevel) -> None:
    Room.objects.filter(pk=room.pk).update(required_acr=level, has_lobby=False)


def enters(person: Person, room: Room) -> tuple[int, str]:
    answer: Any = person.call(room, "enter", {"name": person.name})
    body = answer.json()
    return answer.status_code, body.get("state") or body["error"]


def row_of(person: Person, room: Room) -> Participant:
    return Participant.objects.get(room=room, user=person.user)


def comes_in(own: Participant) -> Attendance:
    now = timezone.now()
    call, _ = CallSession.objects.get_or_create(
        room=own.room, ended_at=None, defaults={"sid": "RM_1", "started_at": now, "last_seen_at": now}
    )
    return Attendance.objects.create(participant=own, call=call, sid="PA_1", joined_at=now, last_seen_at=now)


LEVELS = [
    (SignInLevel.ANY, "", True),
    (SignInLevel.ANY, "eidas1", True),
    (SignInLevel.TWO_FACTORS, "", False),
    (SignInLevel.TWO_FACTORS, "eidas1", False),
    (SignInLevel.TWO_FACTORS, "eidas1-mfa", True),
    (SignInLevel.TWO_FACTORS, "local-mfa", True),
    (SignInLevel.EIDAS2, "eidas1-mfa", False),
    (SignInLevel.EIDAS2, "local-mfa", False),
    (SignInLevel.EIDAS2, "eidas2", True),
    (SignInLevel.EIDAS2, "eidas3", True),
    (SignInLevel.EIDAS3, "eidas2", False),
    (SignInLevel.EIDAS3, "eidas3", True),
]


@pytest.mark.parametrize(("level", "acr", "may"), LEVELS)
def test_each_level_lets_in_who_reaches_it(level: SignInLevel, acr: str, may: bool, meeting: Meeting) -> None:
    room, dana = meeting.room, meeting.cast.dana
    ask(room, level)
    signed_in_with(dana, acr)
    before = Participant.objects.count()
    assert enters(dana, room) == ((200, "admitted") if may else (403, "step_up"))
    assert Participant.objects.count() == before + may


def test_a_local_sign_in_with_a_second_factor_is_one(meeting: Meeting) -> None:
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.TWO_FACTORS)
    session = dana.client.session
    session["account_authentication_methods"] = [{"method": "password"}]
    session.save()
    assert enters(dana, room) == (403, "step_up")
    app = Authenticator.objects.create(user=dana.user, type="totp", data={"secret": ""})
    session["account_authentication_methods"] = [
        {"method": "password"},
        {"method": "mfa", "type": "totp", "id": app.pk},
    ]
    session.save()
    assert enters(dana, room) == (200, "admitted")
    session["oidc"] = {"acr": "eidas1"}  # by the service weakly, and here by an app
    session.save()
    assert enters(dana, room) == (200, "admitted")
    ask(room, SignInLevel.EIDAS2)
    assert enters(dana, room) == (403, "step_up")


def test_guests_stay_out_of_a_room_that_asks_and_the_owner_must_sign_in_strongly_too(meeting: Meeting) -> None:
    ask(meeting.room, SignInLevel.EIDAS2)
    assert enters(meeting.cast.eve, meeting.room) == (403, "step_up")
    assert enters(meeting.cast.alice, meeting.room) == (403, "step_up")
    signed_in_with(meeting.cast.alice, "eidas2")
    assert enters(meeting.cast.alice, meeting.room) == (200, "admitted")


def lay_down(meeting: Meeting, level: SignInLevel) -> None:
    ministry = Organisation.objects.create(name="Ministry of Tests")
    Membership.objects.create(user=meeting.cast.alice.signed_in, organisation=ministry)
    Policy.objects.create(organisation=ministry, required_acr=level)


def test_what_is_laid_down_holds_for_people_with_an_account_and_the_host_can_only_ask_for_more(
    meeting: Meeting,
) -> None:
    room, cast = meeting.room, meeting.cast
    ask(room, SignInLevel.ANY)
    lay_down(meeting, SignInLevel.EIDAS2)
    signed_in_with(cast.dana, "eidas1-mfa")
    assert enters(cast.dana, room) == (403, "step_up")
    assert enters(cast.eve, room) == (200, "admitted")  # guests are another rule
    ask(room, SignInLevel.TWO_FACTORS)
    assert enters(cast.dana, room) == (403, "step_up")  # the host's word is laxer, and counts for nothing
    assert enters(Person("Frank"), room) == (403, "step_up")
    signed_in_with(cast.dana, "eidas2")
    assert enters(cast.dana, room) == (200, "admitted")
    ask(room, SignInLevel.EIDAS3)
    assert enters(cast.dana, room) == (403, "step_up")


# --- every door


def test_a_token_is_given_to_who_reaches_the_level_only(meeting: Meeting) -> None:
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.ANY)
    assert enters(dana, room) == (200, "admitted")
    ask(room, SignInLevel.EIDAS2)
    answer: Any = dana.call(room, "token")
    assert (answer.status_code, answer.json()["error"]) == (403, "step_up")
    signed_in_with(dana, "eidas2")
    assert dana.call(room, "token").status_code == 200


def test_the_engines_door_goes_by_the_row(meeting: Meeting) -> None:
    """A token that was given before, `/rtc`, its refresh and the webhook: none of them has a session."""
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.ANY)
    enters(dana, room)
    own = row_of(dana, room)
    assert admitted_participant(room, own.identity) is not None
    ask(room, SignInLevel.EIDAS2)
    room.refresh_from_db()
    assert admitted_participant(room, own.identity) is None
    signed_in_with(dana, "eidas2")
    assert enters(dana, room) == (200, "admitted")
    assert row_of(dana, room).acr == "eidas2"
    assert admitted_participant(room, own.identity) is not None
    ask(room, SignInLevel.ANY)
    lay_down(meeting, SignInLevel.EIDAS3)
    room.refresh_from_db()
    assert admitted_participant(room, own.identity) is None


def test_a_weaker_sign_in_later_is_noted_as_well(meeting: Meeting) -> None:
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.ANY)
    signed_in_with(dana, "eidas2")
    enters(dana, room)
    signed_in_with(dana, "eidas1")
    enters(dana, room)
    assert row_of(dana, room).acr == "eidas1"


def test_who_is_inside_is_not_disturbed_and_who_left_is_asked(meeting: Meeting) -> None:
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.ANY)
    enters(dana, room)
    own = row_of(dana, room)
    stay = comes_in(own)
    ask(room, SignInLevel.EIDAS2)
    room.refresh_from_db()
    assert admitted_participant(room, own.identity) is not None  # the engine refreshes their token
    assert dana.call(room, "token").status_code == 200  # the page comes in again after a cut
    assert enters(dana, room) == (200, "admitted")
    assert dana.get(f"/r/{room.slug}").status_code == 200
    Attendance.objects.filter(pk=stay.pk).update(left_at=timezone.now() + timedelta(seconds=1))
    assert admitted_participant(room, own.identity) is None
    assert dana.call(room, "token").status_code == 403


# --- what people see


def test_the_door_leads_to_a_stronger_sign_in_and_back(meeting: Meeting, settings: Settings) -> None:
    settings.OIDC_ISSUER = "https://proconnect.example/api/v2"
    room, dana = meeting.room, meeting.cast.dana
    ask(room, SignInLevel.EIDAS2)
    answer = dana.get(f"/r/{room.slug}")
    page = answer.content.decode()
    assert answer.status_code == 403
    assert f"/accounts/proconnect/?next=%2Fr%2F{room.slug}&amp;level=eidas2" in page
    assert "no-store" in answer["Cache-Control"]
    assert "call/main.js" not in page
    guest = meeting.cast.eve.get(f"/r/{room.slug}").content.decode()
    assert "level=eidas2" in guest
    signed_in_with(dana, "eidas2")
    assert dana.get(f"/r/{room.slug}").status_code == 200


def test_who_is_kept_out_otherwise_is_not_sent_to_sign_in_first(meeting: Meeting, settings: Settings) -> None:
    room, eve = meeting.room, meeting.cast.eve
    ask(room, SignInLevel.EIDAS2)
    ministry = Organisation.objects.create(name="Ministry of Tests")
    Membership.objects.create(user=meeting.cast.alice.signed_in, organisation=ministry)
    Policy.objects.create(organisation=ministry, guests_allowed=False)
    assert enters(eve, room) == (403, "no_guests")
    assert eve.get(f"/r/{room.slug}").status_code == 200


def choices(page: str) -> list[str]:
    select = page[page.index('id="id_required_acr"') :]
    return [part.split('"')[1] for part in select[: select.index("</select>")].split("<option")[1:]]


def test_the_host_chooses_the_level_in_the_rooms_settings(meeting: Meeting, settings: Settings) -> None:
    room, alice = meeting.room, meeting.cast.alice
    path = f"/rooms/{room.slug}/settings"
    assert choices(alice.get(path).content.decode()) == ["any", "two_factors"]  # more cannot be reached here
    settings.OIDC_ISSUER = "https://proconnect.example/api/v2"
    assert choices(alice.get(path).content.decode()) == ["any", "two_factors", "eidas2", "eidas3"]
    alice.post(path, {"name": "Budget", "required_acr": "eidas2"})
    room.refresh_from_db()
    assert room.required_acr == SignInLevel.EIDAS2
    assert '"required_acr":"eidas2"' in AuditEntry.objects.filter(action="room_changed").latest("seq").after
    alice.post(path, {"name": "Budget"})
    room.refresh_from_db()
    assert room.required_acr == SignInLevel.EIDAS2
    alice.post(path, {"name": "Budget", "required_acr": "nonsense"})
    room.refresh_from_db()
    assert room.required_acr == SignInLevel.EIDAS2


def test_only_stricter_levels_than_what_is_laid_down_are_offered(meeting: Meeting, settings: Settings) -> None:
    settings.OIDC_ISSUER = "https://proconnect.example/api/v2"
    lay_down(meeting, SignInLevel.EIDAS2)
    page = meeting.cast.alice.get(f"/rooms/{meeting.room.slug}/settings").content.decode()
    assert choices(page) == ["any", "eidas3"]
    assert "Ministry of Tests" in page
