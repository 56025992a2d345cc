"""Mail by the queue: written with its cause, sent by a job, tried again, kept where the portal cannot send."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from email import message_from_string
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.mail import BadHeaderError, EmailMessage, EmailMultiAlternatives, get_connection
from django.db import transaction
from django.test import Client
from django.utils import timezone

from jobs import leases, mail
from jobs.models import Job, Mail, State
from jobs.tests.conftest import Clock
from jobs.tests.smtp_server import MailServer, mail_server
from jobs.worker import Worker

pytestmark = pytest.mark.django_db

SMTP = "django.core.mail.backends.smtp.EmailBackend"
SECRET = "https://visio.example.org/accounts/invitation/?code=S3cretLink"
ADDRESS = "bob@ministry.example"


@pytest.fixture
def server(settings: Any) -> Iterator[MailServer]:
    with mail_server() as server:
        settings.MAIL_DELIVERY_BACKEND = SMTP
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", server.port
        yield server


def write(**changes: Any) -> None:
    fields = {"subject": "Votre accès", "body": f"Bonjour,\n{SECRET}\n", "to": [ADDRESS]} | changes
    message = EmailMultiAlternatives(**fields)
    message.attach_alternative("<p>Bonjour</p>", "text/html")
    assert get_connection("jobs.mail.QueuedBackend").send_messages([message]) == 1


@pytest.fixture
def now(clock: Clock) -> Clock:
    clock.now = timezone.now() + timedelta(seconds=1)
    return clock


def test_a_mail_is_sent_by_a_job_and_its_text_is_gone_then(server: MailServer, worker: Worker, now: Clock) -> None:
    write()
    assert server.taken == []
    assert worker.work_once()
    [(recipients, text)] = server.taken
    assert recipients == [ADDRESS]
    parts = [part.get_payload(decode=True) for part in message_from_string(text).walk() if not part.is_multipart()]
    assert [SECRET.encode() in parts[0], parts[1]] == [True, b"<p>Bonjour</p>"]
    row = Mail.objects.get()
    assert row.sent_at is not None
    assert row.content == {}
    assert Job.objects.get().state == State.SUCCEEDED


def test_a_mail_is_gone_when_its_cause_is_rolled_back(server: MailServer) -> None:
    with transaction.atomic():
        write()
        assert Job.objects.count() == 1
        transaction.set_rollback(True)
    assert (Mail.objects.count(), Job.objects.count()) == (0, 0)


def test_a_server_that_is_away_gets_it_later_as_the_same_message(
    server: MailServer, worker: Worker, now: Clock
) -> None:
    write()
    server.answer_to_recipient = f"451 greylisted {ADDRESS}"
    assert worker.work_once()
    assert Job.objects.get().state == State.QUEUED
    server.answer_to_recipient = "250 OK"
    key = Mail.objects.get().content["headers"]["Message-ID"]
    now.advance(hours=2)
    assert worker.work_once()
    assert message_from_string(server.taken[-1][1])["Message-ID"] == key


def test_a_mail_that_was_sent_is_not_sent_again(server: MailServer, worker: Worker, now: Clock) -> None:
    write()
    worker.work_once()
    Job.objects.update(state=State.QUEUED)  # the worker was killed before it noted the end
    worker.work_once()
    assert len(server.taken) == 1


def test_no_address_and_no_text_is_in_a_job_or_a_log(
    server: MailServer, worker: Worker, now: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    write()
    for answer in ("451 not now", "550 no such user"):
        server.answer_to_recipient = f"{answer} {ADDRESS}"
        worker.work_once()
        now.advance(hours=2)
    found = Job.objects.get()
    assert found.state == State.DEAD
    for text in (found.error, str(found.payload), found.step, caplog.text, str(Mail.objects.get())):
        assert ADDRESS not in text
        assert "S3cret" not in text


def test_a_line_break_in_a_header_is_its_writers_mistake() -> None:
    with pytest.raises(BadHeaderError):
        write(subject="Hello\nBcc: eve@example.org")
    assert not Mail.objects.exists()


def test_old_mail_is_purged_sent_or_not(settings: Any) -> None:
    settings.MAIL_RETENTION_DAYS = 30
    write()
    write(subject="new")
    Mail.objects.filter(subject="Votre accès").update(created_at=timezone.now() - timedelta(days=31))
    assert mail.purge() == 1
    assert Mail.objects.get().subject == "new"


def test_attachments_are_refused_and_not_lost() -> None:
    message = EmailMessage("Hello", "text", to=[ADDRESS])
    message.attach("a.txt", "x", "text/plain")
    with pytest.raises(ValueError, match="attachments"):
        get_connection("jobs.mail.QueuedBackend").send_messages([message])


LIST = "/admin/jobs/mail/"


@pytest.fixture
def boss(client: Client) -> Client:
    client.force_login(get_user_model().objects.create_superuser(email="boss@example.org", password="x"))
    return client


def act(client: Client, action: str) -> str:
    keys = list(Mail.objects.values_list("pk", flat=True))
    answer = client.post(LIST, {"action": action, "_selected_action": keys}, follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def test_without_a_server_it_is_kept_and_listed_and_read_by_the_action_only(boss: Client, settings: Any) -> None:
    settings.MAIL_DELIVERY_BACKEND = ""
    write()
    assert not Job.objects.exists()
    page = boss.get(LIST).content.decode()
    assert ADDRESS in page
    assert "S3cret" not in page
    detail = boss.get(f"{LIST}{Mail.objects.get().pk}/change/")
    assert detail.status_code == 200
    assert "S3cret" not in detail.content.decode()
    assert "S3cretLink" in act(boss, "read")


def test_who_is_no_superuser_reads_no_text(client: Client) -> None:
    from django.contrib.auth.models import Permission

    clerk = get_user_model().objects.create_user(email="clerk@example.org", password="x", is_staff=True)
    clerk.user_permissions.set(Permission.objects.filter(content_type__app_label="jobs"))
    client.force_login(clerk)
    write()
    assert client.get(LIST).status_code == 200
    assert "S3cret" not in act(client, "read")


def test_what_was_given_up_is_sent_again(boss: Client, server: MailServer, worker: Worker, now: Clock) -> None:
    write()
    server.answer_to_recipient = "550 no"
    worker.work_once()
    assert Job.objects.get().state == State.DEAD
    server.answer_to_recipient = "250 OK"
    act(boss, "send_again")
    now.advance(seconds=30)
    worker.work_once()
    assert len(server.taken) == 1
    assert Mail.objects.get().sent_at is not None


def test_what_was_kept_is_sent_once_there_is_a_server(
    boss: Client, server: MailServer, worker: Worker, now: Clock, settings: Any
) -> None:
    settings.MAIL_DELIVERY_BACKEND = ""
    write()
    act(boss, "send_again")
    assert not Job.objects.exists()
    settings.MAIL_DELIVERY_BACKEND = SMTP
    act(boss, "send_again")
    now.advance(seconds=30)
    worker.work_once()
    assert len(server.taken) == 1


def test_a_dead_job_is_run_again_by_the_button(boss: Client) -> None:
    dead = Job.objects.create(kind="tests.note", max_attempts=1, attempt=1, state=State.DEAD)
    boss.post("/admin/jobs/job/", {"action": "run_again", "_selected_action": [dead.pk]})
    dead.refresh_from_db()
    assert (dead.state, dead.attempt, dead.max_attempts) == (State.QUEUED, 1, 2)


def test_a_job_is_cancelled_by_the_button_and_run_again_by_the_other(boss: Client) -> None:
    waiting = Job.objects.create(kind="tests.note", max_attempts=1)
    for action, state in (("cancel", State.CANCELLED), ("run_again", State.QUEUED)):
        boss.post("/admin/jobs/job/", {"action": action, "_selected_action": [waiting.pk]})
        waiting.refresh_from_db()
        assert waiting.state == state


def test_who_is_at_a_cancelled_attempt_does_not_hold_the_one_that_runs_again(boss: Client) -> None:
    Job.objects.create(kind="tests.note", max_attempts=1)
    minute, now = timedelta(minutes=1), timezone.now()
    cancelled = leases.claim("worker", now, lease=minute)
    assert cancelled is not None
    for action in ("cancel", "run_again"):
        boss.post("/admin/jobs/job/", {"action": action, "_selected_action": [cancelled.pk]})
    next_one = leases.claim("worker", timezone.now(), lease=minute)
    assert next_one is not None
    assert next_one.pk == cancelled.pk
    assert not leases.report(cancelled, 50, "beside it")
    assert not leases.succeed(cancelled, now)
    assert leases.report(next_one, 50, "alone")
