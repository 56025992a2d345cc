"""`manage.py demo`: it can be run twice, leaves no trace when removed, and asks before it joins real people."""

from __future__ import annotations

import re
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.utils import timezone

from accounts.models import User
from meetings.models import Attendance, CallReport, CallSession, ChatMessage, Participant, Room
from visio_portal.testing import Cast

pytestmark = pytest.mark.django_db

MODELS = (User, Room, Participant, CallSession, Attendance, CallReport, ChatMessage)


def run(*arguments: str) -> str:
    output = StringIO()
    call_command("demo", *arguments, stdout=output)
    return output.getvalue()


def rows() -> list[int]:
    return [model.objects.count() for model in MODELS]


def test_running_it_again_adds_nothing() -> None:
    run()
    first = rows()
    assert all(first)
    assert "Added: 0 people, 0 rooms, 0 past calls." in run()
    assert rows() == first


def test_an_administrator_finds_a_real_cut_among_the_departures() -> None:
    run()
    administrator = Client()
    administrator.force_login(User.objects.create_superuser("root@culture.example"))
    page = administrator.get("/admin/meetings/callreport/?end=cut")
    found = list(page.context["cl"].result_list)
    assert len(found) == Room.objects.count()
    assert all(row.began_at < row.ended_at == row.attendance.left_at for row in found)
    assert "La connexion au réseau a été perdue" in page.content.decode()


def test_something_has_happened_just_now() -> None:
    run()
    now = timezone.now()
    recent = CallReport.objects.filter(ended_at__range=(now - timedelta(minutes=40), now))
    assert recent.count() > 12
    assert recent.ended_badly().count() == 3


def test_removing_it_leaves_nothing_and_touches_nobody_else(cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in, name="Comité budgétaire")
    before = rows()
    run()
    assert rows() != before
    run("--remove")
    assert rows() == before
    assert list(Room.objects.all()) == [room]


def test_its_links_sign_in_and_no_password_is_known_before() -> None:
    output = run()
    assert not any(user.has_usable_password() for user in User.objects.all())
    link = re.search(r"Claire Lefèvre: \S+?(/accounts/invitation/\?token=\S+)", output)
    assert link
    browser = Client()
    browser.get(link.group(1))
    password = "un bien long secret"
    fields = {"new_password1": password, "new_password2": password, "first_name": "Claire", "last_name": "Lefèvre"}
    assert browser.post("/accounts/invitation/", fields).status_code == 302
    assert "Comité budgétaire" in browser.get("/rooms/").content.decode()


def test_a_portal_in_use_is_left_alone_without_yes(cast: Cast) -> None:
    User.objects.update(last_login=timezone.now())
    before = rows()
    with pytest.raises(CommandError, match="--yes"):
        run()
    assert rows() == before
    run("--yes")
    assert rows() != before


def test_a_call_that_was_held_is_real_data(cast: Cast) -> None:
    room = Room.objects.create(owner=cast.alice.signed_in)
    now = timezone.now()
    CallSession.objects.create(room=room, sid="RM_1", started_at=now, last_seen_at=now)
    with pytest.raises(CommandError):
        run()


def test_past_calls_are_over() -> None:
    run()
    assert not CallSession.objects.filter(ended_at=None).exists()
    assert not Attendance.objects.filter(left_at=None).exists()
    assert not Participant.objects.present().exists()
