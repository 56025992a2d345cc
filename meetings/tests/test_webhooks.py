"""Webhooks both ways: a LiveKit cluster's events come in signed, and go on to external addresses signed by us."""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
from collections.abc import Iterator
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from django.conf import settings as django_settings
from django.test import Client
from django.utils import timezone
from livekit.api import TokenVerifier, WebhookReceiver
from livekit.protocol.models import Room as EngineRoom
from livekit.protocol.webhook import WebhookEvent

from jobs.models import Job
from meetings import signals, webhooks_out
from meetings.engine_events import receive_webhook
from meetings.models import CallSession, EngineEvent, WebhookDelivery
from meetings.tests.rows import make_room

pytestmark = pytest.mark.django_db

PATH = "/webhooks/livekit"


def body_of(room_name: str, event_id: str = "EV_1") -> bytes:
    room = {"sid": "RM_1", "name": room_name, "creationTime": "1790000000"}
    return json.dumps({"event": "room_started", "id": event_id, "createdAt": "1790000000", "room": room}).encode()


def signature(body: bytes, *, secret: str = "", issuer: str = "", lifetime: int = 60) -> str:
    payload = {
        "iss": issuer or django_settings.LIVEKIT_API_KEY,
        "exp": int(time.time()) + lifetime,
        "sha256": base64.b64encode(hashlib.sha256(body).digest()).decode(),
    }
    return jwt.encode(payload, secret or django_settings.LIVEKIT_API_SECRET, "HS256")


def post(client: Client, body: bytes, token: str) -> int:
    headers = {"Authorization": token}
    return client.post(PATH, body, content_type="application/webhook+json", headers=headers).status_code


def test_a_clusters_event_becomes_a_row_once() -> None:
    room = make_room()
    body = body_of(room.media_name)
    client = Client(enforce_csrf_checks=True)
    assert post(client, body, signature(body)) == 200
    assert post(client, body, signature(body)) == 200
    assert CallSession.objects.get().room == room


def test_a_clusters_event_that_our_code_cannot_take_is_kept() -> None:
    def fail(**_: Any) -> None:
        raise RuntimeError("above")

    body = body_of(make_room().media_name)
    signals.call_started.connect(fail)
    try:
        assert post(Client(), body, signature(body)) == 200
    finally:
        signals.call_started.disconnect(fail)
    assert Job.objects.get(kind="meetings.take_event").payload["event"]["id"] == "EV_1"


@pytest.mark.parametrize(
    "token",
    [
        "",
        "nonsense",
        signature(b"another body"),
        signature(body_of("r"), secret="another secret of sufficient length"),
        signature(body_of("r"), issuer="another-key"),
        signature(body_of("r"), lifetime=-120),
        jwt.encode({"iss": "test-key", "exp": 4102444800}, "only-for-tests-" + "1" * 40),
    ],
)
def test_an_event_without_our_signature_is_refused(token: str) -> None:
    assert post(Client(), body_of("r"), token) == 401
    assert not EngineEvent.objects.exists()


def test_a_changed_body_is_refused() -> None:
    body = body_of("r")
    assert post(Client(), body.replace(b"EV_1", b"EV_2"), signature(body)) == 401


@pytest.mark.parametrize("body", [b"\xff\xfe", b"[]", b"{", b'{"event": 5}'])
def test_a_signed_body_that_is_no_event_is_refused(body: bytes) -> None:
    assert post(Client(), body, signature(body)) in (400, 401)


def test_an_event_without_an_id_is_refused() -> None:
    body = b'{"event": "room_started"}'
    assert post(Client(), body, signature(body)) == 400


def test_only_posts_are_taken() -> None:
    assert Client().get(PATH).status_code == 405


class Receiver:
    """An external address: keeps what it gets, and answers as told."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, str]] = []  # event id, room
        self.statuses: list[int] = []  # of the next posts; 200 after them
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                verifier = TokenVerifier(django_settings.LIVEKIT_API_KEY, django_settings.LIVEKIT_API_SECRET)
                event = WebhookReceiver(verifier).receive(body, self.headers["authorization"])  # the stock check
                assert self.headers["content-type"] == "application/webhook+json"
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 200:
                    receiver.taken.append((event.id, event.room.name))
                self.send_response(status)
                self.send_header("content-length", "0")
                if 300 <= status < 400:
                    self.send_header("location", "http://127.0.0.1:9/")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/hook"


@pytest.fixture
def receiver(settings: Any) -> Iterator[Receiver]:
    receiver = Receiver()
    settings.WEBHOOK_URLS = [receiver.url]
    thread = threading.Thread(target=receiver.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()
    thread.join()


def happened(event_id: str, room: str = "hall") -> None:
    receive_webhook(WebhookEvent(id=event_id, event="room_started", room=EngineRoom(sid="RM_1", name=room)))


def test_each_event_is_ordered_to_be_posted_once(receiver: Receiver) -> None:
    happened("EV_1")
    happened("EV_1")
    assert WebhookDelivery.objects.count() == 1
    job = Job.objects.get()
    assert (job.kind, job.payload) == ("meetings.post_webhooks", {"url": receiver.url, "room": "hall"})


def test_without_addresses_nothing_is_kept(settings: Any) -> None:
    settings.WEBHOOK_URLS = []
    happened("EV_1")
    assert not WebhookDelivery.objects.exists()
    assert not Job.objects.exists()


def test_events_are_posted_in_the_order_of_their_room_and_forgotten(receiver: Receiver) -> None:
    for number in range(3):
        happened(f"EV_{number}")
    happened("EV_other", room="another")
    assert webhooks_out.deliver(receiver.url, "hall") == 3
    assert receiver.taken == [("EV_0", "hall"), ("EV_1", "hall"), ("EV_2", "hall")]
    assert [row.event_id for row in WebhookDelivery.objects.all()] == ["EV_other"]


@pytest.mark.parametrize("status", [500, 404, 302])
def test_a_refused_event_stays_first_in_its_queue(status: int, receiver: Receiver) -> None:
    happened("EV_0")
    happened("EV_1")
    receiver.statuses = [200, status]
    with pytest.raises(webhooks_out.DeliveryFailed):
        webhooks_out.deliver(receiver.url, "hall")
    assert receiver.taken == [("EV_0", "hall")]
    assert webhooks_out.deliver(receiver.url, "hall") == 1
    assert receiver.taken == [("EV_0", "hall"), ("EV_1", "hall")]


def test_an_address_that_is_away_loses_nothing(receiver: Receiver, settings: Any) -> None:
    settings.WEBHOOK_URLS = ["http://127.0.0.1:9/"]
    happened("EV_0")
    with pytest.raises(webhooks_out.DeliveryFailed):
        webhooks_out.deliver("http://127.0.0.1:9/", "hall")
    assert WebhookDelivery.objects.count() == 1
    before = Job.objects.count()
    assert webhooks_out.enqueue_waiting() == 1
    assert Job.objects.count() == before + 1


def test_of_two_jobs_on_one_queue_one_works(receiver: Receiver) -> None:
    happened("EV_0")
    now = timezone.now()
    WebhookDelivery.objects.update(claimed_until=now + timedelta(seconds=30))  # the other one is at it
    assert webhooks_out.deliver(receiver.url, "hall") == 0
    assert receiver.taken == []
    WebhookDelivery.objects.update(claimed_until=now - timedelta(seconds=1))  # it died
    assert webhooks_out.deliver(receiver.url, "hall") == 1


def test_events_that_nobody_took_for_days_are_given_up(receiver: Receiver) -> None:
    happened("EV_old")
    WebhookDelivery.objects.update(created_at=timezone.now() - timedelta(days=4))
    happened("EV_new")
    assert webhooks_out.deliver(receiver.url, "hall") == 1
    assert receiver.taken == [("EV_new", "hall")]


def test_a_queue_that_only_grows_is_bounded(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks_out, "WAITING_PER_URL", 2)
    for number in range(4):
        happened(f"EV_{number}")
    assert WebhookDelivery.objects.count() == 2
