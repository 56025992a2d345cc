"""Rooms and stays in calls of an account that is merged into another, and given back."""

from __future__ import annotations

import pytest

from accounts.merging.merging import merge, preview
from accounts.merging.undoing import undo
from accounts.models import AuditEntry, User
from accounts.services.leavers import suspended
from meetings.models import Participant, Room
from meetings.models.participant import Role, State
from meetings.tests.conftest import Meeting
from visio_portal.testing import FakeEngine


def people(meeting: Meeting) -> tuple[User, User]:
    """Alice owns the room, and is Bob."""
    return meeting.cast.alice.signed_in, meeting.cast.bob.signed_in


@pytest.mark.django_db(transaction=True)
def test_rooms_and_stays_go_over_and_the_dead_account_is_out_of_the_call(meeting: Meeting, engine: FakeEngine) -> None:
    alice, bob = people(meeting)
    closed = Room.objects.create(owner=alice, name="Closed", closed_at=meeting.room.created_at)
    shown = {one.name: one for one in preview(alice, bob).moving}
    assert shown["rooms"].going == 2
    assert set(shown["rooms"].examples) == {"Budget committee", "Closed"}
    merge(alice, bob, acting_user=None)
    assert set(Room.objects.filter(owner=bob)) == {meeting.room, closed}
    assert meeting.cast.bob.client.get(f"/rooms/{meeting.room.slug}/settings").status_code == 200
    assert {order.identity for order in engine.told("RemoveParticipant")} == {meeting.alice.identity}
    assert Participant.objects.get(pk=meeting.alice.pk).state == State.LEFT
    assert Participant.objects.get(pk=meeting.bob.pk).role == Role.HOST
    assert set(Participant.objects.filter(user=bob)) == {meeting.alice, meeting.bob}
    assert meeting.cast.alice.client.get("/rooms/").status_code == 302
    assert AuditEntry.objects.get(action="room_passed_on").values_after == {"owner": str(bob.public_id)}


@pytest.mark.django_db(transaction=True)
def test_undoing_gives_them_back_and_puts_out_whoever_came_in(meeting: Meeting, engine: FakeEngine) -> None:
    alice, bob = people(meeting)
    run, _counts = merge(alice, bob, acting_user=None)
    mine = Room.objects.create(owner=bob, name="Made since")
    undone = undo(run.key, acting_user=None)
    assert undone.left == []
    assert Room.objects.get(pk=meeting.room.pk).owner == alice
    assert Room.objects.get(pk=mine.pk).owner == bob
    assert set(Participant.objects.filter(user=bob)) == {meeting.bob}
    assert meeting.bob.identity in {order.identity for order in engine.told("RemoveParticipant")}
    assert Participant.objects.get(pk=meeting.bob.pk).role == Role.PARTICIPANT
    meeting.cast.alice.client.force_login(User.objects.get(pk=alice.pk), "django.contrib.auth.backends.ModelBackend")
    assert meeting.cast.alice.client.get(f"/rooms/{meeting.room.slug}/settings").status_code == 200


@pytest.mark.django_db
def test_a_merge_that_fails_half_way_changes_nothing(meeting: Meeting) -> None:
    alice, bob = people(meeting)

    def fail(**_: object) -> None:
        raise RuntimeError("half-way")

    suspended.connect(fail)
    try:
        with pytest.raises(RuntimeError):
            merge(alice, bob, acting_user=None)
    finally:
        suspended.disconnect(fail)
    alice.refresh_from_db()
    assert (alice.is_active, alice.email) == (True, "alice@culture.example")
    assert Room.objects.get(pk=meeting.room.pk).owner == alice
    assert not AuditEntry.objects.filter(action__startswith="account_").exists()
