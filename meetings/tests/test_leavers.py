"""Whose account is suspended: out of each call and each browser at once, and their rooms go on with somebody else."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.core.management import call_command
from pytest_django import Settings

from accounts.models import AuditEntry, Employment, Membership, Organisation, User
from accounts.models.employment import EmploymentStatus
from accounts.models.organisation import MembershipRole
from accounts.services.leavers import NoHeir, heir_of, see_off, suspend
from jobs.models import Job
from jobs.worker import Worker
from meetings.models import Participant, Room
from meetings.models.participant import Role, State
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine


def people(meeting: Meeting) -> tuple[User, User, User]:
    return meeting.cast.alice.signed_in, meeting.cast.bob.signed_in, meeting.cast.charlie.signed_in


@pytest.mark.django_db(transaction=True)
def test_a_suspended_person_is_put_out_of_the_call_and_stays_out(meeting: Meeting, engine: FakeEngine) -> None:
    _, bob, _ = people(meeting)
    assert meeting.cast.bob.client.get("/rooms/").status_code == 200
    suspend(bob, acting_user=None)
    [order] = engine.told("RemoveParticipant")
    assert (order.room, order.identity) == (meeting.room.media_name, meeting.bob.identity)
    assert Job.objects.filter(kind="meetings.enforce").exists()  # where the engine did not hear it
    assert Participant.objects.get(pk=meeting.bob.pk).state == State.LEFT
    assert meeting.cast.bob.call(meeting.room, "token").status_code == 403
    assert meeting.cast.bob.client.get("/rooms/").status_code == 302
    assert Participant.objects.get(pk=meeting.charlie.pk).is_admitted


@pytest.mark.django_db(transaction=True)
def test_an_engine_that_is_away_holds_up_no_suspension(meeting: Meeting, engine: FakeEngine) -> None:
    _, bob, _ = people(meeting)
    engine.error = (503, "unavailable")
    suspend(bob, acting_user=None)
    assert not User.objects.get(pk=bob.pk).is_active
    assert Job.objects.filter(kind="meetings.enforce").exists()


@pytest.mark.django_db
def test_rooms_pass_to_the_named_successor_who_hosts_where_they_are_inside(meeting: Meeting) -> None:
    alice, bob, _ = people(meeting)
    closed = Room.objects.create(owner=alice, closed_at=meeting.room.created_at)
    suspend(alice, acting_user=None, heir=bob)
    assert Room.objects.get(pk=meeting.room.pk).owner == bob
    assert Room.objects.get(pk=closed.pk).owner == alice
    assert Participant.objects.get(pk=meeting.bob.pk).role == Role.HOST
    entry = AuditEntry.objects.get(action="room_passed_on")
    assert entry.values_after == {"owner": str(bob.public_id)}
    suspend(alice, acting_user=None, heir=bob)  # again does no harm
    assert AuditEntry.objects.filter(action__in=["room_passed_on", "person_suspended"]).count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("who", ["themselves", "suspended"])
def test_nobody_who_is_not_there_takes_over(who: str, meeting: Meeting) -> None:
    alice, bob, _ = people(meeting)
    User.objects.filter(pk=bob.pk).update(is_active=False)
    bob.refresh_from_db()
    with pytest.raises(NoHeir):
        suspend(alice, acting_user=None, heir=alice if who == "themselves" else bob)
    assert User.objects.get(pk=alice.pk).is_active


@pytest.mark.django_db
def test_else_the_manager_whom_hr_names_and_else_the_nearest_organisations(meeting: Meeting) -> None:
    alice, bob, charlie = people(meeting)
    assert heir_of(alice.pk) is None
    ministry = Organisation.objects.create(name="Ministry")
    office = Organisation.objects.create(name="Office", parent=ministry)
    Membership.objects.create(user=alice, organisation=office, role=MembershipRole.MANAGER)
    Membership.objects.create(user=charlie, organisation=ministry, role=MembershipRole.MANAGER)
    assert heir_of(alice.pk) == charlie
    Employment.objects.create(user=alice, source="sirh", hr_id="1", manager_hr_id="2")
    Employment.objects.create(user=charlie, source="other", hr_id="2")
    manager = Employment.objects.create(user=bob, source="sirh", hr_id="2")
    assert heir_of(alice.pk) == bob
    manager.status = EmploymentStatus.LEFT
    manager.save()
    assert heir_of(alice.pk) == charlie


@pytest.mark.django_db
def test_of_many_who_leave_together_none_becomes_an_heir(meeting: Meeting) -> None:
    alice, bob, charlie = people(meeting)
    User.objects.filter(pk__in=[alice.pk, bob.pk]).update(is_active=False)
    see_off([alice.pk, bob.pk], acting_user=None, heirs={alice.pk: bob.pk})
    assert Room.objects.get(pk=meeting.room.pk).owner == alice  # nobody is known: an administrator decides
    see_off([alice.pk], acting_user=None, heirs={alice.pk: charlie.pk})
    assert Room.objects.get(pk=meeting.room.pk).owner == charlie
    assert not Participant.objects.filter(user__in=[alice, bob]).present().exists()


@pytest.mark.django_db
def test_unticking_active_in_the_administration_does_all_that(meeting: Meeting) -> None:
    alice, bob, _ = people(meeting)
    boss = User.objects.create_superuser("boss@culture.example")
    client = meeting.cast.eve.client
    client.force_login(boss, "django.contrib.auth.backends.ModelBackend")
    path = f"/admin/accounts/user/{alice.pk}/change/"
    inlines = {
        f"{prefix}-{name}": 0
        for prefix in ("memberships", "employments", "identities", "hr_duties")
        for name in ("TOTAL_FORMS", "INITIAL_FORMS", "MIN_NUM_FORMS", "MAX_NUM_FORMS")
    }
    form = {"email": alice.email, "first_name": "Alice", "last_name": "Martin", **inlines}
    refused = client.post(path, {**form, "rooms_pass_to": "nobody@culture.example"})
    assert refused.status_code == 200
    assert User.objects.get(pk=alice.pk).is_active
    assert client.post(path, {**form, "rooms_pass_to": bob.email.upper()}).status_code == 302
    assert not User.objects.get(pk=alice.pk).is_active
    assert Room.objects.get(pk=meeting.room.pk).owner == bob
    assert Participant.objects.get(pk=meeting.alice.pk).state == State.LEFT
    # Whoever was named too late, or not at all, is named afterwards.
    room = Room.objects.create(owner=alice)
    assert client.post(path, {**form, "rooms_pass_to": bob.email}).status_code == 302
    assert Room.objects.get(pk=room.pk).owner == bob


@pytest.mark.django_db
def test_an_import_that_suspends_somebody_does_all_that_even_if_it_dies_after_its_commit(
    meeting: Meeting, tmp_path: Path, settings: Settings
) -> None:
    """Nothing of a commit runs in a test: what puts Alice out is stored with her suspension."""
    settings.DATA_DIR = tmp_path
    alice, bob, _ = people(meeting)
    Employment.objects.create(user=alice, source="sirh", hr_id="1", email=alice.email, manager_hr_id="2")
    Employment.objects.create(user=bob, source="sirh", hr_id="2")
    file = tmp_path / "hr.csv"
    file.write_text(f"Matricule;Courriel;Statut\n1;{alice.email};suspendu\n")
    with pytest.raises(SystemExit, match="0"):
        call_command("provision_users", str(file), "--source=sirh", "--apply", "--max-leavers=100")
    assert not User.objects.get(pk=alice.pk).is_active
    assert Worker().work_once()
    assert Room.objects.get(pk=meeting.room.pk).owner == bob
    assert Participant.objects.get(pk=meeting.alice.pk).state == State.LEFT
