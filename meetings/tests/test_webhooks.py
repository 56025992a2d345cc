"""Webhooks both ways: a LiveKit cluster's events come in signed, and go on to external addresses signed by us."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import socket
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
from livekit.protocol.models import TrackInfo
from livekit.protocol.webhook import WebhookEvent

from jobs.models import Job, State
from jobs.queue import Postponed, job, kinds
from jobs.worker import Work, Worker
from meetings import signals, temporary_rooms, webhook_turns, webhooks_out
from meetings.engine_events import receive_webhook
from meetings.models import CallSession, EngineEvent, WebhookDelivery
from meetings.tests.rows import make_room
from meetings.webhook_turns import AddressSilent

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


@pytest.fixture(autouse=True)
def no_address_is_known() -> Iterator[None]:
    yield
    webhook_turns._addresses.clear()
    webhook_turns._queues.clear()


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
    with pytest.raises(AddressSilent):
        webhooks_out.deliver("http://127.0.0.1:9/", "hall")
    assert WebhookDelivery.objects.count() == 1


def work_off_all() -> None:
    worker = Worker()
    while worker.work_once():
        pass


def test_a_queue_has_one_job_however_many_events_wait_and_however_often_it_is_resumed(receiver: Receiver) -> None:
    for number in range(5):
        happened(f"EV_{number}")
        happened(f"EV_other_{number}", room="another")
    assert webhooks_out.enqueue_waiting() == 2
    assert sorted(job.payload["room"] for job in Job.objects.all()) == ["another", "hall"]
    work_off_all()
    assert len(receiver.taken) == 10
    happened("EV_later")
    work_off_all()
    assert receiver.taken[-1] == ("EV_later", "hall")


def test_an_event_that_comes_in_while_the_job_ends_is_posted_too(receiver: Receiver) -> None:
    happened("EV_0")
    handler = kinds[webhooks_out.JOB_KIND].handler

    def at_work(work: Work) -> None:
        happened("EV_1")  # finds the job, and orders none
        assert Job.objects.count() == 1
        handler(work)
        happened("EV_2")  # the job has looked for the last time
        assert Job.objects.count() == 2

    job(webhooks_out.JOB_KIND)(at_work)
    try:
        assert Worker().work_once()
    finally:
        job(webhooks_out.JOB_KIND, max_attempts=8, is_slow=True)(handler)
    work_off_all()
    assert [event for event, _ in receiver.taken] == ["EV_0", "EV_1", "EV_2"]


def test_a_job_that_was_given_up_holds_up_no_later_one(receiver: Receiver) -> None:
    happened("EV_0")
    Job.objects.update(state=State.DEAD, finished_at=timezone.now())
    assert webhooks_out.enqueue_waiting() == 1
    work_off_all()
    assert receiver.taken == [("EV_0", "hall")]


def test_what_a_dead_job_was_posting_is_taken_up_when_its_claim_is_over(receiver: Receiver) -> None:
    happened("EV_0")
    claimed_until = timezone.now() + timedelta(seconds=30)
    WebhookDelivery.objects.update(claimed_until=claimed_until)
    work_off_all()
    [waiting] = Job.objects.filter(state=State.QUEUED)
    assert (waiting.run_after, receiver.taken) == (claimed_until, [])


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[socket.socket]:
    """An address that takes connections and never answers."""
    monkeypatch.setattr(webhooks_out, "POST_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.setblocking(False)
        settings.WEBHOOK_URLS = [f"http://127.0.0.1:{listener.getsockname()[1]}/"]
        yield listener


def connections_to(listener: socket.socket) -> int:
    found = 0
    with contextlib.suppress(BlockingIOError):
        while True:
            listener.accept()[0].close()
            found += 1
    return found


def test_a_silent_address_costs_one_time_out_however_many_rooms_wait_for_it(silent: socket.socket) -> None:
    for room in range(20):
        happened(f"EV_{room}", room=f"room-{room}")
    work_off_all()
    assert connections_to(silent) == 1
    jobs = list(Job.objects.all())
    assert {(job.state, job.attempt) for job in jobs} == {(State.QUEUED, 0)}
    assert all("ReadTimeout" in job.error for job in jobs)
    assert min(job.run_after for job in jobs) > timezone.now()


def test_a_silent_address_is_tried_again_after_longer_and_longer_pauses(silent: socket.socket) -> None:
    url, pauses = django_settings.WEBHOOK_URLS[0], []
    happened("EV_0")
    for _ in range(9):
        work_off_all()
        [waiting] = Job.objects.all()
        pauses.append(round((waiting.run_after - timezone.now()).total_seconds()))
        webhook_turns._addresses[url].closed_until = None  # it is over
        Job.objects.update(run_after=timezone.now())
    assert pauses == [5, 10, 20, 40, 80, 160, 320, 600, 600]
    assert connections_to(silent) == 9


def test_an_address_that_refuses_leaves_no_dead_jobs_and_each_room_waits_longer_and_longer(receiver: Receiver) -> None:
    for room in range(3):
        happened(f"EV_{room}", room=f"room-{room}")
    receiver.statuses = [500] * 3 * 10
    pauses = []
    for _ in range(10):
        work_off_all()
        jobs = list(Job.objects.all())
        assert {(job.state, job.attempt, job.error) for job in jobs} == {(State.QUEUED, 0, "127.0.0.1 answered 500")}
        pauses.append({round((job.run_after - timezone.now()).total_seconds() / 5) * 5 for job in jobs})
        Job.objects.update(run_after=timezone.now())
    assert [min(found) for found in pauses] == [5, 10, 20, 40, 80, 160, 320, 600, 600, 600]
    work_off_all()
    assert len(receiver.taken) == 3
    assert webhook_turns._queues == {}


def test_a_refused_room_holds_up_no_other_room_of_its_address(receiver: Receiver) -> None:
    happened("EV_0", room="refused")
    happened("EV_1", room="taken")
    receiver.statuses = [400]
    work_off_all()
    assert receiver.taken == [("EV_1", "taken")]


def test_a_busy_room_gives_its_turn_to_the_next_and_goes_on_afterwards(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_out, "POSTS_PER_TURN", 2)
    happened("EV_next", room="next")
    with webhook_turns.turn(receiver.url, "hall"):
        assert Worker().work_once()
    next_job = Job.objects.get()
    assert next_job.run_after > timezone.now()
    for number in range(5):
        happened(f"EV_{number}")
    assert Worker().work_once()
    assert receiver.taken == [("EV_0", "hall"), ("EV_1", "hall")]
    [goes_on] = Job.objects.filter(state=State.QUEUED).exclude(pk=next_job.pk)
    assert goes_on.run_after >= next_job.run_after, "it would always be there first"
    Job.objects.update(run_after=timezone.now())
    work_off_all()
    assert receiver.taken[2] == ("EV_next", "next")
    assert receiver.taken[3:] == [(f"EV_{number}", "hall") for number in (2, 3, 4)]


def test_a_turn_ends_after_some_seconds_too(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(webhooks_out, "TURN_SECONDS", 0.0)
    happened("EV_0")
    happened("EV_1")
    assert webhooks_out.deliver(receiver.url, "hall") == 1
    work_off_all()
    assert receiver.taken == [("EV_0", "hall"), ("EV_1", "hall")]


def test_rooms_that_are_passed_over_come_back_later_and_later_and_not_together() -> None:
    url, pauses = "http://127.0.0.1:9/", []
    with webhook_turns.turn(url, "hall"):
        for _ in range(6):
            now = timezone.now()
            with pytest.raises(Postponed) as postponed, webhook_turns.turn(url, "next"):
                pass
            pauses.append((postponed.value.until - now).total_seconds())
        together = set()
        for number in range(20):
            with pytest.raises(Postponed) as postponed, webhook_turns.turn(url, f"room-{number}"):
                pass
            together.add(round(postponed.value.until.timestamp(), 1))
    assert all(
        0.75 * base <= pause <= 1.3 * base + 1 for pause, base in zip(pauses, (2, 4, 8, 16, 16, 16), strict=True)
    )
    assert len(together) > 3


def test_two_threads_never_post_to_one_address_at_once() -> None:
    with webhook_turns.turn("http://127.0.0.1:9/", "hall"):
        with pytest.raises(Postponed), webhook_turns.turn("http://127.0.0.1:9/", "hall"):
            pass
        with webhook_turns.turn("http://127.0.0.1:10/", "hall"):
            pass
    with webhook_turns.turn("http://127.0.0.1:9/", "hall"):
        pass
    assert webhook_turns._addresses == {}


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


def test_events_of_tracks_are_dropped_before_those_of_people(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(webhooks_out, "WAITING_WITH_TRACKS", 1)
    hall = EngineRoom(sid="RM_1", name="hall")
    for number in range(3):
        track = TrackInfo(sid=f"TR_{number}")
        receive_webhook(WebhookEvent(id=f"EV_track{number}", event="track_published", room=hall, track=track))
    happened("EV_person")
    assert [row.event_id for row in WebhookDelivery.objects.all()] == ["EV_track0", "EV_person"]


def test_connection_tests_are_told_to_no_address(receiver: Receiver) -> None:
    """They are open to strangers, whose events would push out those of calls."""
    happened("EV_test", room=temporary_rooms.new_name(180))
    happened("EV_call", room="hall")
    assert [row.event_id for row in WebhookDelivery.objects.all()] == ["EV_call"]
    assert [row.id for row in EngineEvent.objects.all()] == ["EV_call"], "a row that nobody reads"
