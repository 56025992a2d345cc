"""What must never reach the log, by whatever way it comes."""

from __future__ import annotations

import logging
import re
import subprocess
import sys
from pathlib import Path

import pytest
import structlog
from django.test import Client
from django.urls import reverse

from visio_portal import logs

JWT = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ2aXNpbyJ9.c2lnbmF0dXJl"
SECRET = "Zk3_xVJb7sQpLw9tYc2mNd4fRg8hTj1aZk3-xVJb7sQ"
ONE_TIME = "Zk3-xVJb7sQpLw9tYc2mNd4fRg8hTj1a"

TEXTS = [
    (f"GET /rtc?access_token={JWT}&sdk=js", [JWT, "access_token=e", "sdk=js"]),
    (f"connecting to wss://host/rtc?access_token={JWT}", [JWT]),
    (f"Authorization: Bearer {JWT}", [JWT]),
    ("callback /accounts/callback?code=abc123&state=xyz", ["abc123", "xyz"]),
    ("postgres://visio:hunter22@db/visio is away", ["hunter22"]),
    ("login failed: password='hunter22'", ["hunter22"]),
    ('{"api_secret": "hunter22"}', ["hunter22"]),
    (f"bad signature of {JWT}", [JWT]),
    (f"no row fits 'visio_abcde12345_{SECRET}'", [SECRET]),
    ("Set-Cookie: visio_session=hunter22; Path=/", ["hunter22"]),
]


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Everything our handler renders, for every logger."""
    written: list[str] = []
    handler = next(
        found
        for found in logging.getLogger().handlers
        if isinstance(found.formatter, structlog.stdlib.ProcessorFormatter)
    )

    class Sink:
        def write(self, text: str) -> None:
            written.append(text)

        def flush(self) -> None:
            pass

    assert isinstance(handler, logging.StreamHandler)
    monkeypatch.setattr(handler, "stream", Sink())
    return written


@pytest.mark.parametrize(("text", "secrets"), TEXTS, ids=[text[:24] for text, _ in TEXTS])
def test_a_secret_in_a_message_is_cut_out(text: str, secrets: list[str], lines: list[str]) -> None:
    logging.getLogger("some.library").warning("%s", text)
    structlog.get_logger("ours").warning(text)
    structlog.get_logger("ours").warning("event", detail=text, deep={"inner": [text]})
    assert len(lines) >= 3
    for secret in secrets:
        assert secret not in "".join(lines)


def test_a_secret_in_a_field_or_a_traceback_is_cut_out(lines: list[str]) -> None:
    structlog.get_logger("ours").warning("event", token="hunter22", csrf_token="hunter22", sdp="v=0 hunter22")
    logging.getLogger("other").warning("event", extra={"api_key": "hunter22"})
    try:
        raise ValueError(f"no such token: {JWT}")
    except ValueError:
        logging.getLogger("some.library").exception("failed")
    joined = "".join(lines)
    assert "Traceback" in joined
    assert "hunter22" not in joined
    assert JWT not in joined


def test_ordinary_words_stay_readable() -> None:
    for text in (
        "relay-0 ended (SIGKILL) after 3.2 s",
        "applying 44 database migrations",
        "is it full? yes",
        "a/b 12:30",
    ):
        assert logs.redact_text(text) == text


def test_a_one_time_link_in_a_path_is_cut_out(lines: list[str]) -> None:
    logging.getLogger("some.library").warning("Not Found: /accounts/invitation/%s/", ONE_TIME)
    assert ONE_TIME not in "".join(lines)


@pytest.mark.django_db
def test_a_request_is_one_line_with_its_route_and_neither_path_nor_query(client: Client, lines: list[str]) -> None:
    response = client.get("/r/abc-defg-hij?secret=hunter22", headers={"accept-language": "en"})
    ours = [line for line in lines if "visio_portal.request" in line]
    assert len(ours) == 1
    assert "r/<str:slug>" in ours[0]
    assert response["X-Request-Id"] in ours[0]
    assert "abc-defg-hij" not in "".join(lines)
    assert "hunter22" not in "".join(lines)


@pytest.mark.django_db
def test_djangos_own_lines_name_no_path(client: Client, lines: list[str]) -> None:
    logging.getLogger("django.request").error(
        "Internal Server Error: %s", "/r/abc-defg-hij", extra={"request": "<ASGIRequest: GET '/r/abc-defg-hij'>"}
    )
    assert "Internal Server Error" in "".join(lines)
    assert "abc-defg-hij" not in "".join(lines)


@pytest.mark.parametrize("level", ["WARNING", "ERROR", "CRITICAL"])
def test_who_did_what_is_written_however_quiet_the_log_is(level: str) -> None:
    program = f"""
import structlog
from visio_portal import logs
logs.configure(level={level!r}, json=False)
structlog.get_logger("audit").info("removed", by="alice")
structlog.get_logger("ours").info("chatter")
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert "removed" in done.stderr
    assert "chatter" not in done.stderr


def test_the_documented_proxy_logs_no_address_that_holds_a_token() -> None:
    operators = (Path(__file__).parent.parent.parent / "docs" / "operators.md").read_text(encoding="utf-8")
    block = operators.partition("```nginx")[2].partition("```")[0]
    [(silent, rules)] = re.findall(r"location ~ (\S+) \{ ([^}]*access_log off;[^}]*) \}", block)
    assert "error_log /dev/null" in rules, "which has whole request lines"
    for path in (reverse("accounts:invitation"), "/rtc", "/rtc/validate", "/rtc/v1"):
        assert re.search(silent, path), path
    for path in (reverse("meetings:call", args=["abc-defg-hij"]), "/rtcx", reverse("accounts:profile")):
        assert not re.search(silent, path), path
