"""The way into a room: entering, waiting, being let in or not, leaving.

    (no row) → waiting → admitted → left → waiting or admitted → …
                  ↓          ↓
               denied     removed

Every step is an UPDATE that names the state it starts from, and looks at the number of rows it changed: of two people
who press at once, one wins and the other hears so.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import structlog
from django.db import IntegrityError, transaction
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from accounts.names import clean_name
from meetings import media, outbox
from meetings.access import Visitor
from meetings.models import Attendance, Participant, Room
from meetings.models.participant import NAME_MAX_LENGTH, Role, State
from meetings.refusals import BadName, Closed, Conflict, Denied, Locked, Refused, Removed, TooManyRequests

# Who left by mistake comes straight back; later the host is asked again.
REJOIN_SECONDS = 600
# The host's list stays usable, and a flood from many addresses ends here.
MAX_WAITING = 200
# Who was let in and still checks devices while the call ends around them keeps the admission.
_DEVICE_CHECK_SECONDS = 600

audit = structlog.get_logger("audit")


def enter_room(room: Room, *, visitor: Visitor, name: str) -> Participant:
    """The visitor's row, waiting or admitted. The name of a signed-in person is that of their account.

    Raises `Closed`, `Locked`, `Removed`, `Denied`, `BadName`, `TooManyRequests`, `Conflict`.
    """
    if room.is_closed:
        raise Closed
    shown_name = clean_name(visitor.user.display_name if visitor.user else name, max_length=NAME_MAX_LENGTH)
    if not shown_name:
        raise BadName
    try:
        with transaction.atomic():
            return _enter(room, visitor=visitor, name=shown_name)
    except IntegrityError:
        # Two requests of one browser (a double click): the other one has made the row.
        with transaction.atomic():
            return _enter(room, visitor=visitor, name=shown_name)


def expected_state(room: Room, *, visitor: Visitor) -> State | None:
    """What `enter_room` would answer now: waiting, admitted, or None for a refusal. Changes nothing."""
    try:
        if room.is_closed:
            raise Closed
        _refuse_banned(room, visitor)
        return _next_state(own_row(room, visitor), room, visitor)
    except Refused:
        return None


def own_row(room: Room, visitor: Visitor) -> Participant | None:
    rows = Participant.objects.select_related("room", "user").filter(room=room)
    return rows.filter(session_key_hash=visitor.session_key_hash).first()


def place_in_queue(own: Participant) -> tuple[int, int] | None:
    """Which one of how many who wait, in the order of asking; None for who does not wait. One query."""
    queue = Participant.objects.filter(room=own.room).waiting().in_order_of_asking()
    keys = list(queue.values_list("pk", flat=True))
    return (keys.index(own.pk) + 1, len(keys)) if own.pk in keys else None


def admit(target: Participant, *, acting: Participant) -> None:
    """Lets a waiting person in. Raises `Conflict` if they no longer wait (and are not in already)."""
    now = timezone.now()
    with transaction.atomic():
        if not _step(target, [State.WAITING], state=State.ADMITTED, admitted_at=now, ended_at=None):
            return _unless_already(target, State.ADMITTED)
        _log("participant_admitted", target, acting)
        outbox.notify_room(target.room)
    return None


def deny(target: Participant, *, acting: Participant) -> None:
    """Refuses a waiting person until the call is over. Raises `Conflict` if they no longer wait."""
    with transaction.atomic():
        if not _step(target, [State.WAITING], state=State.DENIED, ended_at=timezone.now()):
            return _unless_already(target, State.DENIED)
        _log("participant_denied", target, acting)
        outbox.notify_room(target.room)
    return None


def admit_all(*, acting: Participant) -> int:
    """Lets in everybody who waits now; how many that were."""
    room = acting.room
    with transaction.atomic():
        waiting = list(Participant.objects.filter(room=room).waiting().values_list("identity", flat=True))
        count = (
            Participant.objects.filter(room=room, identity__in=waiting)
            .waiting()
            .update(state=State.ADMITTED, admitted_at=timezone.now(), ended_at=None)
        )
        if count:
            audit.info("all_admitted", room=room.media_name, participants=waiting, by=acting.identity)
            outbox.notify_room(room)
    return count


def leave(own: Participant) -> None:
    """Takes the person out of lobby or call. Their media ends too, should another tab still be in."""
    with transaction.atomic():
        if not _step(own, [State.WAITING, State.ADMITTED], state=State.LEFT, ended_at=timezone.now()):
            return
        outbox.notify_room(own.room)
        transaction.on_commit(lambda: media.remove_participant(own.room.media_name, own.identity))


def end_admissions(room: Room, *, ended_at: datetime | None = None) -> int:
    """Called when the engine says that a call is over: whoever was in it must be let in again next time.

    Otherwise the visitor of ten o'clock would walk into the meeting of eleven. Who was let in after `ended_at` belongs
    to the next call: the engine's word may come late. Says how many admissions ended.
    """
    now = timezone.now()
    ended_at = ended_at or now
    came_in = Attendance.objects.filter(participant=OuterRef("pk"), joined_at__gte=OuterRef("admitted_at"))
    checking_devices = Q(admitted_at__gt=now - timedelta(seconds=_DEVICE_CHECK_SECONDS)) & ~Exists(came_in)
    with transaction.atomic():
        inside = Participant.objects.filter(room=room, admitted_at__lte=ended_at).admitted().exclude(checking_devices)
        over = list(inside.values_list("pk", flat=True))
        count = Participant.objects.filter(pk__in=over, state=State.ADMITTED).update(
            state=State.LEFT, ended_at=ended_at
        )
        Participant.objects.filter(room=room, state=State.DENIED, ended_at__lte=ended_at).update(state=State.LEFT)
        later = Q(call_ended_at__isnull=True) | Q(call_ended_at__lt=ended_at)
        Room.objects.filter(later, pk=room.pk).update(call_ended_at=ended_at)
        if count:
            outbox.notify_room(room)
    return count


def _enter(room: Room, *, visitor: Visitor, name: str) -> Participant:
    own = own_row(room, visitor)
    _refuse_banned(room, visitor)
    state = _next_state(own, room, visitor)
    if own is None:
        return _create(room, visitor=visitor, name=name, state=state)
    if own.is_admitted and state == State.ADMITTED and _is_fresh(own, room, visitor):
        return own
    if own.state == State.WAITING and state == State.WAITING:
        return _rename(own, name)
    return _come_back(own, room, visitor=visitor, name=name, state=state)


def _next_state(own: Participant | None, room: Room, visitor: Visitor) -> State:
    """Where the way into the room leads from here. Raises `Locked`, `TooManyRequests`."""
    if own is None:
        return _entry_state(room, visitor)
    if own.is_admitted and _is_fresh(own, room, visitor):
        return State.ADMITTED
    if own.state == State.WAITING and not visitor.owns(room) and room.has_lobby:
        return State.WAITING
    return _returning_state(own, room, visitor)


def _refuse_banned(room: Room, visitor: Visitor) -> None:
    """Refuses who was removed or denied, by account or browser, whatever they call themselves now."""
    if visitor.owns(room):
        return
    same_person = Q(session_key_hash__in=[visitor.session_key_hash, visitor.guest_key_hash])
    if visitor.user is not None:
        same_person |= Q(user=visitor.user)
    states = set(Participant.objects.filter(same_person, room=room).values_list("state", flat=True))
    if State.REMOVED in states:
        raise Removed
    if State.DENIED in states:
        raise Denied


def _create(room: Room, *, visitor: Visitor, name: str, state: State) -> Participant:
    own = Participant.objects.create(
        room=room,
        user=visitor.user,
        session_key_hash=visitor.session_key_hash,
        name=name,
        role=Role.HOST if visitor.owns(room) else Role.PARTICIPANT,
        state=state,
        admitted_at=timezone.now() if state == State.ADMITTED else None,
    )
    own.room = room
    audit.info("participant_entered", room=room.media_name, participant=own.identity, state=str(state))
    outbox.notify_room(room)
    return own


def _come_back(own: Participant, room: Room, *, visitor: Visitor, name: str, state: State) -> Participant:
    """From left (or an admission too old) to waiting or admitted."""
    now = timezone.now()
    values: dict[str, Any] = {"state": state, "name": name, "ended_at": None}
    values["admitted_at" if state == State.ADMITTED else "asked_at"] = now
    if visitor.owns(room):
        values["role"] = Role.HOST
    elif state == State.WAITING:
        values["role"] = Role.PARTICIPANT  # the host of this call decides anew who moderates it
    if not _step(own, [State(own.state)], **values):
        raise Conflict
    own.refresh_from_db()
    own.room = room
    audit.info("participant_entered", room=room.media_name, participant=own.identity, state=str(state))
    outbox.notify_room(room)
    return own


def _returning_state(own: Participant, room: Room, visitor: Visitor) -> State:
    left_just_now = (
        own.state == State.LEFT
        and own.ended_at is not None
        and own.ended_at > timezone.now() - timedelta(seconds=REJOIN_SECONDS)
        and not room.is_locked
    )
    if left_just_now and _is_fresh(own, room, visitor):
        return State.ADMITTED
    return _entry_state(room, visitor)


def _entry_state(room: Room, visitor: Visitor) -> State:
    """Where somebody new to this call goes. Raises `Locked`, `TooManyRequests`."""
    if visitor.owns(room):
        return State.ADMITTED
    if room.is_locked:
        raise Locked
    if not room.has_lobby:
        return State.ADMITTED
    if Participant.objects.filter(room=room).waiting().count() >= MAX_WAITING:
        raise TooManyRequests
    return State.WAITING


def _is_fresh(own: Participant, room: Room, visitor: Visitor) -> bool:
    """Whether the row's admission still counts: of this call, and not of another day."""
    if own.admitted_at is None:
        return False
    if visitor.owns(room):
        return True
    if room.call_ended_at is not None and own.admitted_at <= room.call_ended_at and not own.is_admitted:
        return False  # (`end_admissions` leaves those admitted who are still on their way in)
    return not own.is_stale


def _rename(own: Participant, name: str) -> Participant:
    """A waiting person came back, perhaps with another name."""
    if own.name != name and _step(own, [State.WAITING], name=name):
        outbox.notify_room(own.room)
    own.name = name
    return own


def _step(participant: Participant, start: list[State], **values: Any) -> bool:
    return bool(Participant.objects.filter(pk=participant.pk, state__in=start).update(**values))


def _unless_already(target: Participant, wanted: State) -> None:
    """Pressed twice, or by two hosts: fine if the wish is fulfilled. Raises `Conflict` otherwise."""
    target.refresh_from_db(fields=["state"])
    if target.state != wanted:
        raise Conflict


def _log(event: str, target: Participant, acting: Participant) -> None:
    audit.info(event, room=target.room.media_name, participant=target.identity, by=acting.identity)
