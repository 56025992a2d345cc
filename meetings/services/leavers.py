"""Whose account is suspended leaves the calls that they are in, and their rooms pass to somebody who is there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.audit.parties import person
from accounts.audit.record import record
from accounts.models import User
from accounts.services.leavers import called_out, heir_of, suspended
from meetings import enforcement, media, outbox
from meetings.audit_words import participant_party, room_party
from meetings.models import Participant, Room
from meetings.models.participant import Role, State


def connect() -> None:
    suspended.connect(_leave, dispatch_uid="meetings")
    called_out.connect(_put_all_out, dispatch_uid="meetings")


def _leave(*, people: list[int], heirs: Mapping[int, int], acting_user: User | None, **_: Any) -> None:
    """In the transaction of the suspension: each order to the engine goes out after it, and is repeated by a job."""
    actor = person(acting_user)
    # All that is changed below, in the order of who closes a room: people, then rooms, then the audit log.
    list(Participant.objects.filter(room__owner_id__in=people).present().select_for_update(of=("self",)).order_by("pk"))
    list(Participant.objects.filter(user_id__in=people).present().select_for_update(of=("self",)).order_by("pk"))
    list(Room.objects.open().filter(owner_id__in=people).select_for_update(of=("self",)).order_by("pk"))
    _put_all_out(people=people, acting_user=acting_user)
    for owner_id in Room.objects.open().filter(owner_id__in=people).values_list("owner_id", flat=True).distinct():
        heir = User.objects.filter(pk=heirs.get(owner_id, 0), is_active=True).first() or heir_of(owner_id)
        if heir is not None and heir.pk not in people:
            for room in Room.objects.open().filter(owner_id=owner_id):
                pass_on(room, heir)
                told = {"owner": str(heir.public_id)}
                record("room_passed_on", actor=actor, target=room_party(room), after=told, scope=room.media_name)


def _put_all_out(*, people: list[int], acting_user: User | None, **_: Any) -> None:
    present = Participant.objects.filter(user_id__in=people).present().select_related("room")
    for row in list(present.select_for_update(of=("self",))):  # all, before the first entry is recorded
        _put_out(row)
        target = participant_party(row)
        record("participant_removed", actor=person(acting_user), target=target, scope=row.room.media_name)


def _put_out(row: Participant) -> None:
    Participant.objects.filter(pk=row.pk).update(state=State.LEFT, ended_at=timezone.now(), role=Role.PARTICIPANT)
    outbox.notify_room(row.room)
    enforcement.order(row.room)
    room, identity = row.room.media_name, row.identity
    transaction.on_commit(lambda: media.remove_participant(room, identity), robust=True)


def pass_on(room: Room, heir: User) -> None:
    """In the caller's transaction, which also writes the entry."""
    Room.objects.filter(pk=room.pk).update(owner=heir)
    # Whoever is inside already keeps their place, and is the host from now on.
    Participant.objects.filter(room=room, user=heir).update(role=Role.HOST)
    Participant.objects.filter(room=room, user_id=room.owner_id).update(role=Role.PARTICIPANT)
    outbox.notify_room(room)
