"""A portal on this machine works by each of its names: the page, its policy and the address that it is given agree."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from meetings.tests.conftest import Meeting, cast, engine, meeting, no_limits_from_before

__all__ = ["cast", "engine", "meeting", "no_limits_from_before"]  # fixtures

HOME = "ws://localhost:8000"


@pytest.fixture
def at_home(settings: Any) -> Any:
    settings.PORTAL_URL, settings.LIVEKIT_PUBLIC_URL, settings.EMBEDDED_RELAY = "http://localhost:8000", HOME, True
    settings.ALLOWED_HOSTS = ["localhost", "127.0.0.1", "[::1]", "visio.example.org"]
    return settings


def sources(headers: Any, directive: str) -> list[str]:
    directives: list[str] = headers["content-security-policy"].split("; ")
    return next(d for d in directives if d.startswith(directive + " ")).split()[1:]


def connect_sources(headers: Any) -> list[str]:
    return sources(headers, "connect-src")


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("host", "url", "added"),
    [
        ("localhost:8000", HOME, []),
        ("127.0.0.1:8000", "ws://127.0.0.1:8000", ["ws://127.0.0.1:8000"]),
        ("localhost:9000", "ws://localhost:9000", ["ws://localhost:9000"]),  # through a tunnel
        ("[::1]:8000", "ws://[::1]:8000", []),  # 'self' covers it; a policy cannot name it
        ("visio.example.org", HOME, []),
    ],
)
def test_a_page_opened_by_a_loopback_name_stays_with_that_name(
    host: str, url: str, added: list[str], at_home: Any, meeting: Meeting
) -> None:
    path = f"/api/rooms/{meeting.room.slug}/token"
    own = meeting.cast.charlie.client
    at_home.LIVEKIT_PUBLIC_URL = HOME
    answer = own.post(path, "{}", content_type="application/json", headers={"host": host})
    assert answer.json()["url"] == url
    before = connect_sources(Client().get("/", headers={"host": "localhost:8000"}).headers)
    assert connect_sources(own.get(f"/r/{meeting.room.slug}", headers={"host": host}).headers) == [*before, *added]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("changes", "url"),
    [
        ({"LIVEKIT_PUBLIC_URL": "wss://visio.example.org"}, "wss://visio.example.org"),  # a proxy changed Host
        ({"EMBEDDED_RELAY": False}, HOME),  # a LiveKit server of one's own beside the portal
    ],
)
def test_elsewhere_the_configured_address_is_the_truth(
    changes: dict[str, Any], url: str, at_home: Any, meeting: Meeting
) -> None:
    for name, value in changes.items():
        setattr(at_home, name, value)
    path = f"/api/rooms/{meeting.room.slug}/token"
    headers = {"host": "127.0.0.1:8000"}
    answer = meeting.cast.charlie.client.post(path, "{}", content_type="application/json", headers=headers)
    assert answer.json()["url"] == url


@pytest.mark.django_db
def test_a_host_that_is_not_ours_gets_no_policy_of_its_own(at_home: Any) -> None:
    answer = Client().get("/", headers={"host": "evil.example"})
    assert answer.status_code == 400
    assert "evil" not in answer.headers["content-security-policy"]


@pytest.mark.django_db
def test_only_the_call_page_may_run_webassembly_and_none_may_evaluate_text(at_home: Any, meeting: Meeting) -> None:
    client = meeting.cast.charlie.client
    home = {"host": "localhost:8000"}
    call = sources(client.get(f"/r/{meeting.room.slug}", headers=home).headers, "script-src")
    assert {word for word in call if "unsafe" in word} == {"'wasm-unsafe-eval'"}
    for path in ("/", "/trust", "/accounts/login/", f"/api/rooms/{meeting.room.slug}/state", "/r/no-such-room"):
        page = sources(client.get(path, headers=home).headers, "script-src")
        assert not any("unsafe" in word for word in page), path
