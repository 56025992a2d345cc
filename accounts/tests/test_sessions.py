"""Sessions go when they have expired."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.contrib.sessions.models import Session
from django.utils import timezone

from accounts import tasks
from jobs.queue import enqueue, kinds
from jobs.worker import Worker

pytestmark = pytest.mark.django_db


def test_expired_sessions_are_deleted_each_night_however_many_and_no_other() -> None:
    now = timezone.now()
    many = 2 * tasks._CHUNK + 1
    Session.objects.bulk_create(
        Session(session_key=f"old-{number}", expire_date=now - timedelta(minutes=1)) for number in range(many)
    )
    Session.objects.create(session_key="young", expire_date=now + timedelta(minutes=1))
    assert kinds["accounts.purge_sessions"].cron
    enqueue("accounts.purge_sessions")
    assert Worker().work_once()
    assert [session.session_key for session in Session.objects.all()] == ["young"]
