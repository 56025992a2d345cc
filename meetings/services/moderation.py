"""What hosts and moderators do to a call: each act is a row, an audit line, and an order that the engine enforces."""

from __future__ import annotations

import structlog
from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from meetings import enforcement, media, outbox
from meetings.models import Participant, Room
from meetings.models.participant import Role, Source, State
from meetings.refusals import BadRequest, Conflict, NotAllowed, NotSending

audit = structlog.get_logger("audit")


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
        audit.info("participant_removed", room=target.room.media_name, participant=target.identity, by=acting.identity)
        outbox.notify_room(target.room)
        enforcement.order(target.room)
        # Also where the row was removed before: pressing again repeats an order that the engine did not hear.
        transaction.on_commit(lambda: _remove_from_engine(target.room, identities))


def forgive(target: Participant, *, acting_user: User) -> None:
    """Lets a removed person ask to enter again: for the room's owner, after a slip of the finger."""
    with transaction.atomic():
        Participant.objects.filter(_same_person(target), room=target.room, state=State.REMOVED).update(
            state=State.LEFT, admitted_at=None, role=Role.PARTICIPANT
        )
        by = str(acting_user.public_id)
        audit.info("participant_forgiven", room=target.room.media_name, participant=target.identity, by=by)


def mute(target: Participant, source: str, *, acting: Participant) -> None:
    """Ends the sound or picture of one source at the engine; the person may switch it on again themselves.

    A shared screen ends with its sound. Raises `BadRequest`, `Conflict`, and `NotSending` where nothing was muted.
    """
    if source not in Source.values:
        raise BadRequest
    if not target.is_admitted:
        raise Conflict
    audit.info(
        "participant_muted",
        room=target.room.media_name,
        participant=target.identity,
        source=source,
        by=acting.identity,
    )
    with_it = [Source.SCREEN_SHARE_AUDIO] if source == Source.SCREEN_SHARE else []
    if not media.mute(target.room.media_name, target.identity, source, *with_it):
        raise NotSending


def mute_others(*, acting: Participant) -> int:
    """Everybody's microphone but one's own and the hosts'. How many were on; each may switch it on again."""
    room = acting.room
    others = Participant.objects.filter(room=room).admitted().exclude(pk=acting.pk).exclude(role=Role.HOST)
    audit.info("others_muted", room=room.media_name, by=acting.identity)
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
        audit.info(
            "role_changed", room=target.room.media_name, participant=target.identity, role=role, by=acting.identity
        )
        outbox.notify_room(target.room)
        enforcement.order(target.room)
        inside = list(rows.admitted().select_related("room"))
        transaction.on_commit(lambda: _update_permissions(inside))


def set_lock(*, acting: Participant, is_locked: bool) -> None:
    """A locked room lets nobody new in, not even into the lobby; who is in may reload."""
    room = acting.room
    with transaction.atomic():
        if not Room.objects.filter(pk=room.pk, is_locked=not is_locked).update(is_locked=is_locked):
            return  # it is so already
        audit.info("room_locked" if is_locked else "room_unlocked", room=room.media_name, by=acting.identity)
        outbox.notify_room(room)


def end_call(*, acting: Participant) -> None:
    """Ends the call for everybody. The room stays: a new call may start, guests are let in anew."""
    room = acting.room
    now = timezone.now()
    with transaction.atomic():
        rows = Participant.objects.filter(room=room)
        rows.present().update(state=State.LEFT, ended_at=now)
        rows.filter(state=State.DENIED).update(state=State.LEFT)
        Room.objects.filter(pk=room.pk).update(call_ended_at=now)
        audit.info("call_ended", room=room.media_name, by=acting.identity)
        outbox.notify_room(room)
        enforcement.order(room)
        transaction.on_commit(lambda: media.delete_room(room.media_name))


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
