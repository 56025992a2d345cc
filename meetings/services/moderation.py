"""What hosts and moderators do to a call: each act is a row, an audit entry, and an order that the engine enforces."""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.models import User
from meetings import enforcement, media, outbox
from meetings.audit_words import actor_of, participant_party, room_party
from meetings.models import Participant, Room
from meetings.models.participant import Role, Source, State
from meetings.refusals import BadRequest, Conflict, NotAllowed, NotSending


def remove(target: Participant, *, acting: Participant) -> None:
    """Puts a person out of the call and keeps them out: this browser, and all of their account's.

    Raises `NotAllowed`: nobody removes the room's owner, no moderator a host, nobody themselves.
    """
    _check_rank(target, acting)
    if target.pk == acting.pk:
        raise NotAllowed
    with transaction.atomic():
        rows = Participant.objects.filter(_same_person(target), room=target.room)
        identities = list(rows.values_list("identity", flat=True))
        rows.exclude(state=State.REMOVED).update(state=State.REMOVED, ended_at=timezone.now())
        outbox.notify_room(target.room)
        enforcement.order(target.room)
        _record("participant_removed", actor_of(acting), target, before={"state": target.state})
        # Also where the row was removed before: pressing again repeats an order that the engine did not hear.
        transaction.on_commit(lambda: _remove_from_engine(target.room, identities))


def forgive(target: Participant, *, acting_user: User) -> None:
    """Lets a removed person ask to enter again: for the room's owner, after a slip of the finger."""
    with transaction.atomic():
        Participant.objects.filter(_same_person(target), room=target.room, state=State.REMOVED).update(
            state=State.LEFT, admitted_at=None, role=Role.PARTICIPANT
        )
        _record("participant_forgiven", person(acting_user), target)


def mute(target: Participant, source: str, *, acting: Participant) -> None:
    """Ends the sound or picture of one source at the engine; the person may switch it on again themselves.

    A shared screen ends with its sound. Raises `BadRequest`, `Conflict`, and `NotSending` where nothing was muted.
    """
    if source not in Source.values:
        raise BadRequest
    if not target.is_admitted:
        raise Conflict
    _record("participant_muted", actor_of(acting), target, after={"source": source}, source=source)
    with_it = [Source.SCREEN_SHARE_AUDIO] if source == Source.SCREEN_SHARE else []
    if not media.mute(target.room.media_name, target.identity, source, *with_it):
        raise NotSending


def mute_others(*, acting: Participant) -> int:
    """Everybody's microphone but one's own and the hosts'. How many were on; each may switch it on again."""
    room = acting.room
    others = Participant.objects.filter(room=room).admitted().exclude(pk=acting.pk).exclude(role=Role.HOST)
    record("others_muted", actor=actor_of(acting), target=room_party(room), scope=room.media_name)
    return media.mute_all(room.media_name, set(others.values_list("identity", flat=True)), Source.MICROPHONE)


def change_role(target: Participant, role: str, *, acting: Participant) -> None:
    """Gives or takes moderation. Raises `BadRequest`, `NotAllowed` (the owner stays host, a guest never is one)."""
    if role not in Role.values:
        raise BadRequest
    if target.user_id == target.room.owner_id or (role == Role.HOST and target.user_id is None):
        raise NotAllowed
    if not State(target.state).is_present:
        raise Conflict
    with transaction.atomic():
        # On each of their devices: a demoted person must not stay moderator in another tab.
        rows = Participant.objects.filter(_same_person(target), room=target.room)
        rows.update(role=role)
        outbox.notify_room(target.room)
        enforcement.order(target.room)
        inside = list(rows.admitted().select_related("room"))
        before = {"role": target.role}
        _record("role_changed", actor_of(acting), target, before=before, after={"role": role}, role=role)
        transaction.on_commit(lambda: _update_permissions(inside))


def set_lock(*, acting: Participant, is_locked: bool) -> None:
    """A locked room lets nobody new in, not even into the lobby; who is in may reload."""
    room = acting.room
    with transaction.atomic():
        if not Room.objects.filter(pk=room.pk, is_locked=not is_locked).update(is_locked=is_locked):
            return  # it is so already
        outbox.notify_room(room)
        action = "room_locked" if is_locked else "room_unlocked"
        record(action, actor=actor_of(acting), target=room_party(room), scope=room.media_name)


def end_call(*, acting: Participant) -> None:
    """Ends the call for everybody. The room stays: a new call may start, guests are let in anew."""
    room = acting.room
    now = timezone.now()
    with transaction.atomic():
        rows = Participant.objects.filter(room=room)
        rows.present().update(state=State.LEFT, ended_at=now)
        rows.filter(state=State.DENIED).update(state=State.LEFT)
        Room.objects.filter(pk=room.pk).update(call_ended_at=now)
        outbox.notify_room(room)
        enforcement.order(room)
        record("call_ended", actor=actor_of(acting), target=room_party(room), scope=room.media_name)
        transaction.on_commit(lambda: media.delete_room(room.media_name))


def _record(action: str, actor: Party, target: Participant, **kept: Any) -> None:
    room = target.room.media_name
    record(action, actor=actor, target=participant_party(target), scope=room, room=room, **kept)


def _check_rank(target: Participant, acting: Participant) -> None:
    if target.user_id is not None and target.user_id == target.room.owner_id:
        raise NotAllowed
    if target.role == Role.HOST and acting.role != Role.HOST:
        raise NotAllowed


def _same_person(target: Participant) -> Q:
    """A guest is one browser; an account is each of its devices."""
    return Q(pk=target.pk) if target.user_id is None else Q(user_id=target.user_id)


def _update_permissions(participants: list[Participant]) -> None:
    for participant in participants:
        media.update_permissions(participant)


def _remove_from_engine(room: Room, identities: list[str]) -> None:
    for identity in identities:
        media.remove_participant(room.media_name, identity)
