"""The cast of all tests: Alice hosts, Bob moderates, Charlie is invited, Dana is from elsewhere, Eve has no account.

Each has a browser (a Django test client with a session of its own) and comes through the outer door: HTTP. Orders to
the media engine go to `FakeEngine`, a small server that speaks LiveKit's API and remembers what it was told.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.contrib.sessions.backends.db import SessionStore
from django.http import HttpResponse
from django.test import Client, TestCase
from django.utils import timezone
from livekit import api
from livekit.protocol.models import ParticipantInfo, TrackInfo, TrackSource
from livekit.protocol.room import ListParticipantsResponse

from accounts.assurance import acr_of
from accounts.models import User
from meetings.access import Visitor
from meetings.models import Participant, Room
from meetings.models.participant import Role, State

PASSWORD = "a long password for tests"  # noqa: S105  of people who exist in tests only

_SESSION_SECRET = "visitor_secret"  # noqa: S105  the session's key for it


@dataclass
class Person:
    """Somebody with a browser; `user` is None for Eve."""

    name: str
    user: User | None = None
    client: Client = field(default_factory=Client)

    @property
    def signed_in(self) -> User:
        assert self.user is not None, f"{self.name} has no account"
        return self.user

    @property
    def visitor(self) -> Visitor:
        session = self._session()
        return Visitor(
            user=self.user, secret=session.get(_SESSION_SECRET, ""), acr=acr_of(session) if self.user else ""
        )

    @property
    def cookie(self) -> str:
        """The Cookie header of this browser."""
        return "; ".join(f"{name}={morsel.value}" for name, morsel in self.client.cookies.items())

    def sits(self, room: Room, *, state: State = State.ADMITTED, role: Role = Role.PARTICIPANT) -> Participant:
        """A row in `room` that belongs to this very browser, without the way there."""
        session = self._session()
        session[_SESSION_SECRET] = f"secret of {self.name}"
        session.save()
        self.client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
        return Participant.objects.create(
            room=room,
            user=self.user,
            session_key_hash=self.visitor.session_key_hash,
            name=self.name,
            role=role,
            state=state,
            admitted_at=timezone.now() if state == State.ADMITTED else None,
        )

    def get(self, path: str) -> HttpResponse:
        return self.client.get(path)  # type: ignore[return-value]  # the client's own kind of HttpResponse

    def post(self, path: str, data: dict[str, Any] | None = None) -> HttpResponse:
        """A form; what waits for the commit is done, although the test's transaction never commits."""
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.client.post(path, data or {})  # type: ignore[return-value]  # see get

    def call(self, room: Room | str, act: str, body: Any = None) -> HttpResponse:
        """A call of the JSON API: `call(room, "enter", {"name": "Eve"})`."""
        slug = room if isinstance(room, str) else room.slug
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.client.post(  # type: ignore[return-value]  # see get
                f"/api/rooms/{slug}/{act}", json.dumps(body or {}), content_type="application/json"
            )

    def beacon(self, room: Room, body: Any, *, origin: str = "http://testserver") -> HttpResponse:
        """The page's report at leaving: no header of ours, and the Origin that a browser adds."""
        return self.client.post(  # type: ignore[return-value]  # see get
            f"/api/rooms/{room.slug}/report",
            body if isinstance(body, str | bytes) else json.dumps(body),
            content_type="application/json",
            headers={"origin": origin} if origin else {},
        )

    def state(self, room: Room) -> HttpResponse:
        return self.get(f"/api/rooms/{room.slug}/state")

    def _session(self) -> SessionBase:
        return self.client.session


@dataclass
class Cast:
    alice: Person
    bob: Person
    charlie: Person
    dana: Person
    eve: Person

    def __getitem__(self, name: str) -> Person:
        person: Person = getattr(self, name)
        return person


PEOPLE = ("alice", "bob", "charlie", "dana", "eve")


def make_cast() -> Cast:
    """All five; everybody but Eve has an account and is signed in."""
    return Cast(
        alice=_signed_in("Alice", "Martin", "alice@culture.example"),
        bob=_signed_in("Bob", "Durand", "bob@culture.example"),
        charlie=_signed_in("Charlie", "Petit", "charlie@culture.example"),
        dana=_signed_in("Dana", "Roux", "dana@finances.example"),
        eve=Person("Eve"),
    )


def _signed_in(first: str, last: str, email: str) -> Person:
    user = User.objects.create_user(email, PASSWORD, first_name=first, last_name=last)
    person = Person(user.display_name, user)
    # What signing in leaves behind, in one query instead of nine: the cast is made hundreds of times.
    session = SessionStore()
    session[SESSION_KEY] = str(user.pk)
    session[BACKEND_SESSION_KEY] = "django.contrib.auth.backends.ModelBackend"
    session[HASH_SESSION_KEY] = user.get_session_auth_hash()
    session.save()
    person.client.cookies[settings.SESSION_COOKIE_NAME] = session.session_key or ""
    return person


@dataclass
class Order:
    """What the engine was told: LiveKit's method name and its request."""

    method: str
    request: Any


class FakeEngine:
    """Speaks `/twirp/livekit.RoomService/…` on loopback; `orders` is what came, `error` what it answers instead."""

    _REQUESTS: dict[str, Any] = {  # noqa: RUF012  a constant table
        "RemoveParticipant": api.RoomParticipantIdentity,
        "GetParticipant": api.RoomParticipantIdentity,
        "MutePublishedTrack": api.MuteRoomTrackRequest,
        "UpdateParticipant": api.UpdateParticipantRequest,
        "DeleteRoom": api.DeleteRoomRequest,
        "ListParticipants": api.ListParticipantsRequest,
        "SendData": api.SendDataRequest,
    }

    def __init__(self) -> None:
        self.orders: list[Order] = []
        self.error: tuple[int, str] | None = None
        self.present: list[ParticipantInfo] = []  # who is in the call, for ListParticipants
        self.sends = _everything_on()  # what each of them sends, for GetParticipant
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"ws://127.0.0.1:{self._server.server_address[1]}"

    def told(self, method: str) -> list[Any]:
        return [order.request for order in self.orders if order.method == method]

    @contextmanager
    def running(self) -> Iterator[FakeEngine]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def _answer(self, method: str, body: bytes) -> tuple[int, str, bytes]:
        self.orders.append(Order(method, self._REQUESTS[method].FromString(body)))
        if self.error is not None:
            status, code = self.error
            return status, "application/json", json.dumps({"code": code, "msg": code}).encode()
        if method == "ListParticipants":
            body = ListParticipantsResponse(participants=self.present).SerializeToString()
        else:
            body = ParticipantInfo(tracks=self.sends).SerializeToString() if method == "GetParticipant" else b""
        return 200, "application/protobuf", body

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        engine = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                status, kind, answer = engine._answer(self.path.rpartition("/")[2], body)
                self.send_response(status)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
                pass

        return Handler


def _everything_on() -> list[TrackInfo]:
    """One track from every source."""
    sources = (
        TrackSource.MICROPHONE,
        TrackSource.CAMERA,
        TrackSource.SCREEN_SHARE,
        TrackSource.SCREEN_SHARE_AUDIO,
    )
    return [TrackInfo(sid=f"TR_{source}", source=source) for source in sources]
