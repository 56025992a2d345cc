"""People, rooms and past calls to look at: for newcomers, trainings and screenshots. `manage.py demo` is its only user.

Everybody invented here has an address at `DEMO_DOMAIN`, which exists nowhere: by it they are found and removed again.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.models import User
from accounts.services.invitations import create_invitation
from meetings.models import Attendance, CallReport, CallSession, ChatMessage, Participant, Room
from meetings.models.participant import Role, State

DEMO_DOMAIN = "demo.example"


@dataclass(frozen=True, slots=True)
class _Person:
    address: str
    first_name: str
    last_name: str

    @property
    def email(self) -> str:
        return f"{self.address}@{DEMO_DOMAIN}"


# The first three host; their rooms and chats are in their language.
CLAIRE = _Person("claire.lefevre", "Claire", "Lefèvre")
JAMES = _Person("james.whitfield", "James", "Whitfield")
JUERGEN = _Person("juergen.weiss", "Jürgen", "Weiß")
PEOPLE = (
    CLAIRE,
    JAMES,
    JUERGEN,
    _Person("anais.nguyen", "Anaïs", "Nguyễn"),
    _Person("fatima.benali", "Fatima", "Benali"),
    _Person("marc-antoine.dupont", "Marc-Antoine", "Dupont de la Tour"),
    _Person("zoe.brown", "Zoë", "Brown"),
    _Person("sean.oconnor", "Seán", "O’Connor"),
    _Person("katharina.mueller", "Katharina", "Müller-Schröder"),
    _Person("piotr.wisniewski", "Piotr", "Wiśniewski"),
)
# Without accounts.
GUESTS = ("Paul Girard (cabinet Girard & Associés)", "Ingrid Sørensen", "María José Núñez")

ROOMS: dict[_Person, tuple[str, ...]] = {
    CLAIRE: (
        "Comité budgétaire",
        "Point hebdomadaire de l’équipe",
        "Entretiens de recrutement",
        "Cellule de crise",
        "Comité de pilotage de la dématérialisation des marchés publics",
    ),
    JAMES: ("Weekly stand-up", "Digital services board", "Visitors from other administrations"),
    JUERGEN: ("Haushaltsausschuss", "Wöchentliche Teamrunde", "Krisenstab"),
}
_CHATS: dict[_Person, tuple[str, ...]] = {
    CLAIRE: (
        "Bonjour à tous !",
        "Le compte rendu de la dernière fois est validé ?",
        "Oui, avec les remarques d’Anaïs.",
        "Merci, je partage mon écran.",
    ),
    JAMES: ("Good morning!", "Can everybody hear me?", "Loud and clear.", "Slides are on their way."),
    JUERGEN: (
        "Guten Morgen!",
        "Das Protokoll ist verschickt.",
        "Danke, ist angekommen.",
        "Ich teile meinen Bildschirm.",
    ),
}
CALLS_PER_ROOM = 4
_JUST_OVER = timedelta(minutes=40)  # since the beginning of a call of 35 minutes


@dataclass(frozen=True, slots=True)
class Made:
    """How much was added, and the link by which each host signs in (once, then with the password they choose)."""

    people: int
    rooms: int
    calls: int
    links: dict[str, str]


def has_real_data() -> bool:
    """Whether others work here already: more than the one administrator, or calls outside the demonstration."""
    people = User.objects.exclude(email__endswith=f"@{DEMO_DOMAIN}").exclude(last_login=None)
    calls = CallSession.objects.exclude(room__owner__email__endswith=f"@{DEMO_DOMAIN}")
    return people.count() > 1 or calls.exists()


def fill() -> Made:
    """Adds what is missing of the demonstration; what is there already stays as it is."""
    with transaction.atomic():
        before = _counts()
        users = {person: _ensure_person(person) for person in PEOPLE}
        for host, names in ROOMS.items():
            for name in names:
                room, _ = Room.objects.get_or_create(owner=users[host], name=name, closed_at=None)
                _ensure_calls(room, host, users)
        after = _counts()
        links = {users[host].display_name: create_invitation(host.email) for host in ROOMS}
    people, rooms, calls = (now - then for now, then in zip(after, before, strict=True))
    return Made(people=people, rooms=rooms, calls=calls, links=links)


def remove() -> int:
    """Deletes all of it, what was done in the demonstration's rooms meanwhile included. How many people that were."""
    with transaction.atomic():
        rooms = Room.objects.filter(owner__email__endswith=f"@{DEMO_DOMAIN}")
        CallReport.objects.filter(participant__room__in=rooms).delete()
        rooms.delete()
        people = User.objects.filter(email__endswith=f"@{DEMO_DOMAIN}")
        count = people.count()
        people.delete()
    return count


def _counts() -> tuple[int, int, int]:
    of_demo = {"owner__email__endswith": f"@{DEMO_DOMAIN}"}
    return (
        User.objects.filter(email__endswith=f"@{DEMO_DOMAIN}").count(),
        Room.objects.filter(**of_demo).count(),
        CallSession.objects.filter(room__owner__email__endswith=f"@{DEMO_DOMAIN}").count(),
    )


def _ensure_person(person: _Person) -> User:
    found = User.objects.filter(email=person.email).first()
    return found or User.objects.create_user(person.email, first_name=person.first_name, last_name=person.last_name)


def _ensure_calls(room: Room, host: _Person, users: dict[_Person, User]) -> None:
    """Some weekly calls that are over, unless the room has had any."""
    if room.calls.exists():
        return
    chance = random.Random(room.name)  # noqa: S311  the same calls each time, nothing secret
    rows = _participants(room, host, users, chance)
    is_first = room.name == ROOMS[host][0]
    today = timezone.localtime().replace(hour=10, minute=0, second=0, microsecond=0)
    for week in range(CALLS_PER_ROOM, 0, -1):
        started_at = today - timedelta(days=7 * week - chance.randrange(3), minutes=15 * chance.randrange(8))
        if week == 1 and is_first:  # so that something has happened today
            started_at = timezone.localtime() - _JUST_OVER
        call = _make_call(room, started_at, week)
        for row in rows:
            _make_stay(call, row, chance)
        if week == 1:
            _cut_off(call, rows[-1])
        _make_chat(call, rows, _CHATS[host])
    Room.objects.filter(pk=room.pk).update(
        call_ended_at=CallSession.objects.filter(room=room).latest("ended_at").ended_at
    )


def _participants(room: Room, host: _Person, users: dict[_Person, User], chance: random.Random) -> list[Participant]:
    others = chance.sample([person for person in PEOPLE if person != host], 4)
    names: list[tuple[str, User | None, Role]] = [(users[host].display_name, users[host], Role.HOST)]
    names += [(users[person].display_name, users[person], Role.PARTICIPANT) for person in others]
    names.append((chance.choice(GUESTS), None, Role.PARTICIPANT))
    return [
        Participant.objects.create(
            room=room, user=user, name=name, role=role, state=State.LEFT, session_key_hash=_digest(room, name)
        )
        for name, user, role in names
    ]


def _make_call(room: Room, started_at: datetime, week: int) -> CallSession:
    ended_at = started_at + timedelta(minutes=30 + 5 * week)
    return CallSession.objects.create(
        room=room,
        sid=f"RM_demo_{room.id.hex[:12]}_{week}",
        started_at=started_at,
        ended_at=ended_at,
        last_seen_at=ended_at,
    )


def _make_stay(call: CallSession, row: Participant, chance: random.Random) -> None:
    if call.ended_at is None:
        raise ValueError("calls of the demonstration are over")
    joined_at = call.started_at + timedelta(seconds=chance.randrange(240))
    left_at = call.ended_at - timedelta(seconds=chance.randrange(30))
    stay = Attendance.objects.create(
        participant=row,
        call=call,
        sid=f"PA_{_digest(call.room, call.sid + row.identity)[:20]}",
        joined_at=joined_at,
        left_at=left_at,
        last_seen_at=left_at,
        reason="client_initiated",
    )
    CallReport.objects.create(
        participant=row,
        attendance=stay,
        began_at=joined_at,
        ended_at=left_at,
        reported_at=left_at,
        reason="left",
        browser=chance.choice(("Firefox 128", "Chrome 130", "Edge 130", "Safari 17")),
        path=chance.choice(("udp", "udp", "udp", "tcp")),
        loss_percent=round(chance.uniform(0, 1.5), 1),
        rtt_ms=chance.randrange(12, 90),
        reconnects=0,
        join_ms=chance.randrange(400, 1500),
        rating=chance.choice(("", "", "good", "good", "middling")),  # most say nothing
    )


def _cut_off(call: CallSession, row: Participant) -> None:
    """Turns a stay into one whose network failed: what an administrator looks for among the departures."""
    cut_at = call.started_at + timedelta(minutes=14)
    stays = Attendance.objects.filter(participant=row, call=call)
    stays.update(left_at=cut_at, last_seen_at=cut_at, reason="connection_timeout")
    CallReport.objects.filter(attendance__in=stays).update(
        ended_at=cut_at,
        reported_at=cut_at + timedelta(seconds=20),
        reason="unreachable",
        rating="",  # who is cut off is not asked
        path="tcp",
        loss_percent=11.5,
        rtt_ms=640,
        reconnects=3,
    )


def _make_chat(call: CallSession, rows: list[Participant], lines: tuple[str, ...]) -> None:
    for number, (row, text) in enumerate(_spoken(rows, lines)):
        ChatMessage.objects.create(
            room=call.room,
            author=row,
            name=row.name,
            role=row.role,
            text=text,
            key=f"{call.sid[-14:]}-{number}",
            sent_at=call.started_at + timedelta(minutes=5 + 3 * number),
        )


def _spoken(rows: list[Participant], lines: tuple[str, ...]) -> Iterator[tuple[Participant, str]]:
    for number, text in enumerate(lines):
        yield rows[number % len(rows)], text


def _digest(room: Room, text: str) -> str:
    return hashlib.sha256(f"{room.id.hex}\0{text}".encode()).hexdigest()
