"""The way into a room: entering, waiting, being let in or not, leaving.

    (no row) → waiting → admitted → left → waiting or admitted → …
                  ↓          ↓
               denied     removed

Every step is an UPDATE that names the state it starts from, and looks at the number of rows it changed: of two people
who press at once, one wins and the other hears so.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import IntegrityError, transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.functions import Coalesce
from django.utils import timezone
from django.utils.crypto import salted_hmac

from accounts.audit.parties import Party, person
from accounts.audit.record import record
from accounts.names import clean_name
from accounts.rate_limits import is_allowed
from meetings import house_rules, media, outbox
from meetings.access import Visitor
from meetings.audit_words import actor_of, participant_party, room_party
from meetings.models import Attendance, CallSession, Participant, Room
from meetings.models.participant import ADMISSION_HOURS, NAME_MAX_LENGTH, PRESENCE_SECONDS, UNSEEN_SECONDS, Role, State
from meetings.refusals import (
    BadName,
    Closed,
    Conflict,
    Denied,
    ForeignDomain,
    Locked,
    NoGuests,
    Refused,
    Removed,
    RoomFull,
    StepUpNeeded,
    TooManyRequests,
)

# Who left by mistake comes straight back; later the host is asked again.
REJOIN_SECONDS = 600
# The host's list stays usable, and a flood from many addresses ends here.
MAX_WAITING = 200
# The last of these are for people with an account: whoever sends guests, the portal's own get to the host.
PLACES_FOR_ACCOUNTS = 50
# Once half of the places are taken, of guests from one network no more than that: nobody keeps a room's guests out by
# asking again and again. Before that a ministry behind one address is not counted.
MAX_WAITING_FROM_ONE_SOURCE = 40
# A page that sleeps so long and wakes up has kept its place; after that the person is asked whether they still want in.
_ASLEEP_SECONDS = 3600
# One write for each who waits in so many seconds, however often their page asks.
_NOTE_SECONDS = 30
# Who was let in and still checks devices while the call ends around them keeps the admission.
_DEVICE_CHECK_SECONDS = 600
# Refusals of one network at one door: more of them in a minute say nothing new.
_REFUSALS_PER_MINUTE = 3
# What somebody decided or laid down about who comes in; the rest is about one request.
_DECIDED = (Locked, Removed, Denied, NoGuests, ForeignDomain, StepUpNeeded, RoomFull)


def enter_room(room: Room, *, visitor: Visitor, name: str, source: str = "") -> Participant:
    """The visitor's row, waiting or admitted. The name of a signed-in person is that of their account.

    `source` is the network that they ask from ("" where that is not known, and then not limited).
    Raises `Closed`, `Locked`, `Removed`, `Denied`, `BadName`, `TooManyRequests`, `Conflict`, and what the owner's
    organisation lays down: `NoGuests`, `ForeignDomain`, `StepUpNeeded`, `RoomFull`.
    """
    if room.is_closed:
        raise Closed
    shown_name = clean_name(visitor.user.display_name if visitor.user else name, max_length=NAME_MAX_LENGTH)
    if not shown_name:
        raise BadName
    try:
        try:
            with transaction.atomic():
                return _enter(room, visitor=visitor, name=shown_name, source=source)
        except IntegrityError:
            # Two requests of one browser (a double click): the other one has made the row.
            with transaction.atomic():
                return _enter(room, visitor=visitor, name=shown_name, source=source)
    except _DECIDED as refusal:
        _log_refusal(refusal, room, visitor, shown_name, source)
        raise


@dataclass(frozen=True, slots=True)
class Expected:
    """`state`: waiting, admitted, or None for a refusal; `own`: the row, if any. `refusal`: if somebody decided so."""

    state: State | None = None
    own: Participant | None = None
    refusal: Refused | None = None


def expected(room: Room, *, visitor: Visitor) -> Expected:
    """What `enter_room` would answer now. Changes nothing, and nothing of it is kept."""
    try:
        if room.is_closed:
            raise Closed
        _refuse_banned(room, visitor)
        maximum = house_rules.check_entry(room, visitor)
        own = own_row(room, visitor)
        state = _next_state(own, room, visitor)
        if state == State.ADMITTED and not visitor.owns(room):
            house_rules.check_free_place(room, maximum, own)
    except _DECIDED as refusal:
        return Expected(refusal=refusal)
    except Refused:
        return Expected()
    return Expected(state, own)


def own_row(room: Room, visitor: Visitor) -> Participant | None:
    rows = Participant.objects.select_related("room", "user").filter(room=room)
    return rows.filter(session_key_hash=visitor.session_key_hash).first()


def place_in_queue(own: Participant) -> tuple[int, int] | None:
    """Which one of how many who wait, in the order of asking; None for who does not wait. One query."""
    queue = Participant.objects.filter(room=own.room).waiting().in_order_of_asking()
    keys = list(queue.values_list("pk", flat=True))
    return (keys.index(own.pk) + 1, len(keys)) if own.pk in keys else None


def keep_waiting(own: Participant) -> None:
    """The page of somebody who waits has just been here. A page that slept has kept its place, if there is room."""
    now = timezone.now()
    if own.state != State.WAITING or own.seen_at > now - timedelta(seconds=_NOTE_SECONDS):
        return
    was_in_lobby = own.is_in_lobby
    if not was_in_lobby and _is_full(own.room, own.asked_from, has_account=own.user_id is not None):
        if _step(own, [State.WAITING], state=State.LEFT, ended_at=own.seen_at):
            own.state = State.LEFT
        return
    with transaction.atomic():
        if _step(own, [State.WAITING], seen_at=now):
            own.seen_at = now
            if not was_in_lobby:
                outbox.notify_room(own.room)


def forget_who_went(*, before: datetime | None = None, room: Room | None = None) -> int:
    """Whose page has not been in the lobby since `before` (an hour ago) waits no more. How many that were."""
    before = before or timezone.now() - timedelta(seconds=_ASLEEP_SECONDS)
    rows = Participant.objects.filter(state=State.WAITING, seen_at__lt=before)
    return (rows.filter(room=room) if room else rows).update(state=State.LEFT, ended_at=F("seen_at"))


def end_stale_admissions() -> int:
    """An admission of another day (`Participant.is_stale`) ends, the owner's too, as of when they were last there.

    Nobody may have said so: they never came in, or their call ended without a word. How many that were.
    """
    now = timezone.now()
    stays = Attendance.objects.filter(participant=OuterRef("pk"))
    still_in = stays.filter(last_seen_at__gt=now - timedelta(seconds=PRESENCE_SECONDS))
    stale = Participant.objects.filter(admitted_at__lt=now - timedelta(hours=ADMISSION_HOURS)).admitted()
    last_seen_at = stays.order_by("-last_seen_at").values("last_seen_at")[:1]
    return stale.exclude(Exists(still_in)).update(
        state=State.LEFT, ended_at=Coalesce(Subquery(last_seen_at), F("admitted_at"))
    )


def admit(target: Participant, *, acting: Participant) -> None:
    """Lets a waiting person in. Raises `Conflict` if they no longer wait (and are not in already), `RoomFull`."""
    now = timezone.now()
    maximum = house_rules.most_people(target.room)
    with transaction.atomic():
        if not _step(target, [State.WAITING], state=State.ADMITTED, admitted_at=now, ended_at=None):
            return _unless_already(target, State.ADMITTED)
        _keep_to(maximum, target)
        outbox.notify_room(target.room)
        _log("participant_admitted", target, acting)
    return None


def deny(target: Participant, *, acting: Participant) -> None:
    """Refuses a waiting person until the call is over. Raises `Conflict` if they no longer wait."""
    with transaction.atomic():
        if not _step(target, [State.WAITING], state=State.DENIED, ended_at=timezone.now()):
            return _unless_already(target, State.DENIED)
        outbox.notify_room(target.room)
        _log("participant_denied", target, acting)
    return None


def admit_all(*, acting: Participant) -> int:
    """Lets in everybody who waits now, as far as there are places; how many that were. Raises `RoomFull` if none."""
    room = acting.room
    maximum = house_rules.most_people(room)
    with transaction.atomic():
        queue = Participant.objects.filter(room=room).waiting().in_order_of_asking()
        # (Whoever is let in twice at once waits for the other's end: people's rows before the room's.)
        waiting = list(queue.select_for_update().values_list("identity", flat=True))
        if maximum is not None and waiting:
            house_rules.take_turns(room, maximum)
            waiting = waiting[: max(0, maximum - house_rules.places_taken(room).count())]
            if not waiting:
                raise RoomFull
        count = (
            Participant.objects.filter(room=room, identity__in=waiting)
            .waiting()
            .update(state=State.ADMITTED, admitted_at=timezone.now(), ended_at=None)
        )
        if count:
            outbox.notify_room(room)
            record(
                "all_admitted",
                actor=actor_of(acting),
                target=room_party(room),
                after={"count": count, "participants": waiting},
                scope=room.media_name,
                participants=waiting,
            )
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
        # Whose page is there goes on waiting, for the next call.
        forget_who_went(room=room, before=now - timedelta(seconds=UNSEEN_SECONDS))
        later = Q(call_ended_at__isnull=True) | Q(call_ended_at__lt=ended_at)
        Room.objects.filter(later, pk=room.pk).update(call_ended_at=ended_at)
        if count:
            outbox.notify_room(room)
    return count


def _enter(room: Room, *, visitor: Visitor, name: str, source: str) -> Participant:
    _refuse_banned(room, visitor)
    maximum = house_rules.check_entry(room, visitor)
    own, has_come = _step_in(room, visitor=visitor, name=name, source=source)
    if own.acr != visitor.acr and _step(own, [State(own.state)], acr=visitor.acr):
        own.acr = visitor.acr  # signed in again meanwhile, more strongly or less
    if own.is_admitted:
        _keep_to(maximum, own)
    if has_come:
        _log_entry(own, room, State(own.state))  # last: see `accounts/audit/record.py`
    return own


def _keep_to(maximum: int | None, own: Participant) -> None:
    """After somebody was let in, in the same transaction: raises `RoomFull` where there is no place for them."""
    house_rules.take_turns(own.room, maximum)
    house_rules.check_place(own, maximum)


def _step_in(room: Room, *, visitor: Visitor, name: str, source: str) -> tuple[Participant, bool]:
    """The row, and whether anything became of asking."""
    own = own_row(room, visitor)
    asked_from = _trace(room, visitor, source)
    state = _next_state(own, room, visitor, asked_from)
    if own is None:
        return _create(room, visitor=visitor, name=name, state=state, asked_from=asked_from), True
    if own.is_admitted and state == State.ADMITTED and _is_fresh(own, room, visitor):
        return own, False
    if own.is_in_lobby and state == State.WAITING:
        return _rename(own, name), False
    return _come_back(own, room, visitor=visitor, name=name, state=state, asked_from=asked_from), True


def _next_state(own: Participant | None, room: Room, visitor: Visitor, asked_from: str = "") -> State:
    """Where the way into the room leads from here. Raises `Locked`, `TooManyRequests`."""
    if own is None:
        return _entry_state(room, visitor, asked_from)
    if own.is_admitted and _is_fresh(own, room, visitor):
        return State.ADMITTED
    if own.is_in_lobby and not visitor.owns(room) and room.has_lobby:
        return State.WAITING
    if _comes_straight_back(own, room, visitor):
        return State.ADMITTED
    return _entry_state(room, visitor, asked_from)


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


def _create(room: Room, *, visitor: Visitor, name: str, state: State, asked_from: str) -> Participant:
    own = Participant.objects.create(
        room=room,
        user=visitor.user,
        session_key_hash=visitor.session_key_hash,
        name=name,
        role=Role.HOST if visitor.owns(room) else Role.PARTICIPANT,
        state=state,
        asked_from=asked_from,
        acr=visitor.acr,
        admitted_at=timezone.now() if state == State.ADMITTED else None,
    )
    own.room = room
    outbox.notify_room(room)
    return own


def _come_back(
    own: Participant, room: Room, *, visitor: Visitor, name: str, state: State, asked_from: str
) -> Participant:
    """From left (or an admission too old, or a page that had gone) to waiting or admitted."""
    now = timezone.now()
    values: dict[str, Any] = {"state": state, "name": name, "ended_at": None, "seen_at": now, "asked_from": asked_from}
    if state == State.WAITING:
        values |= {"asked_at": now, "admitted_at": None}  # else leaving the lobby would be a way round it
    else:
        values["admitted_at"] = now
    if visitor.owns(room):
        values["role"] = Role.HOST
    elif state == State.WAITING or not _is_of_this_call(own, room, visitor):
        values["role"] = Role.PARTICIPANT  # the host of this call decides anew who moderates it
    if not _step(own, [State(own.state)], **values):
        raise Conflict
    own.refresh_from_db()
    own.room = room
    outbox.notify_room(room)
    return own


def _comes_straight_back(own: Participant, room: Room, visitor: Visitor) -> bool:
    return not room.is_locked and _left_just_now(own) and _is_fresh(own, room, visitor)


def _left_just_now(own: Participant) -> bool:
    just_now = timezone.now() - timedelta(seconds=REJOIN_SECONDS)
    return own.state == State.LEFT and own.ended_at is not None and own.ended_at > just_now


def _is_of_this_call(own: Participant, room: Room, visitor: Visitor) -> bool:
    """Whether who comes back was let into the call that goes on, or into the one that they left just now."""
    if not _is_fresh(own, room, visitor):
        return False
    return _left_just_now(own) or CallSession.objects.filter(room=room, ended_at=None).exists()


def _entry_state(room: Room, visitor: Visitor, asked_from: str = "") -> State:
    """Where somebody new to this call goes. Raises `Locked`, `TooManyRequests`."""
    if visitor.owns(room):
        return State.ADMITTED
    if room.is_locked:
        raise Locked
    if not room.has_lobby:
        return State.ADMITTED
    if _is_full(room, asked_from, has_account=visitor.user is not None):
        raise TooManyRequests
    return State.WAITING


def _is_full(room: Room, asked_from: str, *, has_account: bool) -> bool:
    """Whether the lobby takes nobody more, no more guests, or no more guests of this network. One query."""
    networks = list(Participant.objects.filter(room=room).waiting().values_list("asked_from", flat=True))
    if len(networks) >= MAX_WAITING - (0 if has_account else PLACES_FOR_ACCOUNTS):
        return True
    from_here = networks.count(asked_from) if asked_from else 0
    return len(networks) >= MAX_WAITING // 2 and from_here >= MAX_WAITING_FROM_ONE_SOURCE


def _trace(room: Room, visitor: Visitor, source: str) -> str:
    """What a guest's network is counted by. Who has an account is no flood: a ministry may sit behind one address."""
    if visitor.user is not None or not source:
        return ""
    return salted_hmac(f"meetings.lobby.{room.pk}", source, algorithm="sha256").hexdigest()[:32]


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
    keep_waiting(own)
    if own.name != name and _step(own, [State.WAITING], name=name):
        outbox.notify_room(own.room)
    own.name = name
    return own


def _step(participant: Participant, start: list[State], **values: Any) -> bool:
    return bool(Participant.objects.filter(pk=participant.pk, state__in=start).update(**values))


def _log_entry(own: Participant, room: Room, state: State) -> None:
    record(
        "participant_entered",
        actor=actor_of(own),
        target=room_party(room),
        after={"state": str(state), "role": own.role, "participant": own.identity},
        scope=room.media_name,
        participant=own.identity,
        state=str(state),
    )


def _log_refusal(refusal: Refused, room: Room, visitor: Visitor, name: str, source: str) -> None:
    """Outside of the transaction, which the refusal has rolled back."""
    if not is_allowed("audit-entry", str(room.pk), source, refusal.code, per_minute=_REFUSALS_PER_MINUTE):
        return
    who = person(visitor.user) if visitor.user else Party("participant", label=name)
    record(
        "entry_refused",
        actor=who,
        target=room_party(room),
        after={"reason": refusal.code},
        scope=room.media_name,
        reason=refusal.code,
    )


def _unless_already(target: Participant, wanted: State) -> None:
    """Pressed twice, or by two hosts: fine if the wish is fulfilled. Raises `Conflict` otherwise."""
    target.refresh_from_db(fields=["state"])
    if target.state != wanted:
        raise Conflict


def _log(event: str, target: Participant, acting: Participant) -> None:
    room = target.room.media_name
    record(event, actor=actor_of(acting), target=participant_party(target), scope=room, room=room)
