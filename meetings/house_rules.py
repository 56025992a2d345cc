"""What the organisation of a room's owner lays down for it, asked before anybody comes in (`accounts/policies`)."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth.models import AnonymousUser
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts.models import User
from accounts.models.policy import SignInLevel
from accounts.policies.enforcement import Forbidden, require_entry, require_level, require_room_creation
from accounts.policies.resolution import Answer, Policies, policies_of
from accounts.policies.sentences import Sentence, of_ones_rooms, sentence
from meetings.access import Visitor
from meetings.models import Attendance, Participant, Room
from meetings.models.participant import State
from meetings.refusals import ForeignDomain, MayNotOpenRooms, NoGuests, Refused, RoomFull, StepUpNeeded

# Whoever was let in and still checks devices has a place; after that it is somebody else's until they come.
ON_THE_WAY_SECONDS = 600

_REFUSALS: dict[str, type[Refused]] = {"guests_allowed": NoGuests, "email_domains": ForeignDomain}


def check_opening(person: User) -> Policies:
    """What holds for a new room of this person. Two queries. Raises `MayNotOpenRooms`."""
    try:
        return require_room_creation(person)
    except Forbidden as forbidden:
        raise MayNotOpenRooms(str(sentence(forbidden.kind, forbidden.answer))) from forbidden


def why_not_open(person: User | AnonymousUser) -> str:
    """The sentence that stands where the button would be, "" for who may open rooms. Two queries."""
    if not isinstance(person, User):
        return ""
    try:
        check_opening(person)
    except MayNotOpenRooms as forbidden:
        return forbidden.sentence
    return ""


def rules_of(room: Room) -> dict[str, Sentence]:
    """What its owner cannot choose for it, by the names of the rules. Two queries."""
    return {found.kind: found for found in of_ones_rooms(policies_of(room.owner_id))}


def check_entry(room: Room, visitor: Visitor) -> int | None:
    """The most people that the room may hold, None for no limit. Two queries, one more where they signed in too weakly.

    Raises `NoGuests`, `ForeignDomain`, `StepUpNeeded`.
    """
    try:
        policies = require_entry(room.owner_id, visitor.user)
    except Forbidden as forbidden:
        raise _REFUSALS[forbidden.kind] from forbidden
    try:
        _check_level(room, policies, visitor.user, visitor.acr)
    except StepUpNeeded:
        if not _is_inside(Q(participant__room=room, participant__session_key_hash=visitor.session_key_hash)):
            raise
    return policies.max_participants.value


def step_up_for(room: Room, visitor: Visitor) -> StepUpNeeded | None:
    """What the page before the door says to who signed in too weakly, if it lets them in otherwise."""
    try:
        check_entry(room, visitor)
    except StepUpNeeded as needed:
        return needed
    except Refused:
        return None  # the page itself says so
    return None


def level_laid_down(room: Room) -> Answer[SignInLevel]:
    """What the room's host can only make stricter. Two queries."""
    return policies_of(room.owner_id).required_acr


def check_stay(own: Participant, visitor: Visitor) -> None:
    """Before a token for the call is given: the sign-in, and a place. Raises `StepUpNeeded`, `RoomFull`."""
    policies = policies_of(own.room.owner_id)
    try:
        _check_level(own.room, policies, visitor.user, visitor.acr)
    except StepUpNeeded:
        if not _is_inside(Q(participant=own)):
            raise
    check_place(own, policies.max_participants.value)


def reaches_level(own: Participant) -> bool:
    """Whether the sign-in by which they entered is enough, asked at the engine's door. Two queries at most for most."""
    if SignInLevel.EIDAS3.is_reached_by(own.acr):
        return True
    try:
        _check_level(own.room, policies_of(own.room.owner_id), own.user, own.acr)
    except StepUpNeeded:
        return _is_inside(Q(participant=own))
    return True


def _check_level(room: Room, policies: Policies, person: User | None, acr: str) -> None:
    try:
        require_level(policies, person, acr, asked=SignInLevel(room.required_acr))
    except Forbidden as forbidden:
        raise StepUpNeeded(forbidden.value, forbidden.origin) from forbidden


def _is_inside(who: Q) -> bool:
    """A level that is raised meanwhile throws nobody out of the call: it is for who comes in from now on."""
    present = Attendance.objects.filter(who, participant__state=State.ADMITTED)
    return present.filter(left_at=None, call__ended_at=None).exists()


def most_people(room: Room) -> int | None:
    """As `check_entry`, whoever asks."""
    return policies_of(room.owner_id).max_participants.value


def check_place(own: Participant, maximum: int | None) -> None:
    """Raises `RoomFull` where all places but one's own are taken. The owner always has one. One query if limited."""
    if own.user_id is None or own.user_id != own.room.owner_id:
        check_free_place(own.room, maximum, own)


def check_free_place(room: Room, maximum: int | None, own: Participant | None) -> None:
    """As `check_place`, for anybody but the owner, also for whom there is no row yet."""
    if maximum is None:
        return
    taken = places_taken(room)
    if (taken.exclude(pk=own.pk) if own else taken).count() >= maximum:
        raise RoomFull


def take_turns(room: Room, maximum: int | None) -> None:
    """Makes others who come in at this moment wait until this transaction is over, where places are counted.

    After the change of people's rows, never before: everybody locks people first and the room then. A mere row lock, or
    two who have both just inserted theirs would wait for each other.
    """
    if maximum is not None:
        Room.objects.select_for_update(no_key=True).values_list("pk").get(pk=room.pk)


def places_taken(room: Room) -> QuerySet[Participant]:
    """Who is in the call, and who was let in and is on the way."""
    stays = Attendance.objects.filter(participant=OuterRef("pk"))
    is_inside = Exists(stays.filter(left_at=None, call__ended_at=None))
    came_in = Exists(stays.filter(joined_at__gte=OuterRef("admitted_at")))
    is_on_the_way = Q(admitted_at__gt=timezone.now() - timedelta(seconds=ON_THE_WAY_SECONDS)) & ~came_in
    return Participant.objects.filter(room=room).admitted().filter(Q(is_inside) | is_on_the_way)
