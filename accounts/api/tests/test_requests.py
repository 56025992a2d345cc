"""What is wrong is refused in one shape: what, where, remedy. Limits go by address and by token."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import cache

from accounts import rate_limits
from accounts.api import throttles
from accounts.api.pages import Order
from accounts.api.tests.callers import Program, code_of, json_of, program, token_for
from accounts.models import AuditEntry, User

SHAPE = {"code", "message", "where", "remedy", "details", "request_id"}
LONG = "a" * 301


@pytest.mark.parametrize(
    ("method", "path", "headers", "status", "code", "where"),
    [
        ("GET", "nothing", {}, 404, "not_found", "path"),
        ("GET", "people/", {}, 404, "not_found", "path"),
        ("GET", "people/12", {}, 404, "not_found", "path"),
        ("PUT", "people", {}, 405, "method_not_allowed", "method"),
        ("OPTIONS", "people", {}, 405, "method_not_allowed", "method"),
        ("POST", "people", {}, 405, "method_not_allowed", "method"),
        ("GET", "people", {"accept": "text/html"}, 406, "not_acceptable", "header.Accept"),
        ("GET", "people?format=api", {}, 400, "invalid", "query"),
        ("GET", "people?limit=0", {}, 400, "invalid", "query"),
        ("GET", "people?limit=201", {}, 400, "invalid", "query"),
        ("GET", "people?limit=many", {}, 400, "invalid", "query"),
        ("GET", "people?limit=1&limit=2", {}, 400, "invalid", "query"),
        ("GET", "people?q=a", {}, 400, "invalid", "query"),
        ("GET", "people?q=a%00b", {}, 400, "invalid", "query"),
        ("GET", "people?is_active=1", {}, 400, "invalid", "query"),
        ("GET", f"people?cursor={LONG}", {}, 400, "invalid", "query"),
        ("GET", "people?cursor=%21%21", {}, 400, "bad_cursor", "query.cursor"),
        ("GET", "people?cursor=WyJ4Il0", {}, 400, "bad_cursor", "query.cursor"),
        ("GET", "people?cursor=W10", {}, 400, "bad_cursor", "query.cursor"),
        ("GET", "people?cursor=e30", {}, 400, "bad_cursor", "query.cursor"),
        ("GET", "people?cursor=%C3%A9", {}, 400, "bad_cursor", "query.cursor"),
    ],
)
def test_what_is_wrong_is_said_in_one_shape(
    boss: User, method: str, path: str, headers: dict[str, str], status: int, code: str, where: str
) -> None:
    answer = Program(token_for(boss).secret, **headers).send(method, path)
    said = json_of(answer)
    assert (answer.status_code, said["code"], said["where"]) == (status, code, where)
    assert set(said) == SHAPE
    assert said["message"]
    assert said["remedy"]
    assert said["request_id"] == answer.headers["X-Request-Id"]


def test_each_field_that_is_wrong_is_named(boss: User) -> None:
    said = json_of(program(boss).get("people?limit=x&q=a"))
    assert [detail["where"] for detail in said["details"]] == ["query.limit", "query.q"]
    assert all(detail["message"] for detail in said["details"])


def test_texts_are_in_the_language_that_was_asked_for_and_codes_are_not(boss: User) -> None:
    english = Program("", **{"accept-language": "en"}).get("people")
    german = Program("", **{"accept-language": "de"}).get("people")
    assert code_of(english) == code_of(german)
    assert json_of(english)["message"] != json_of(german)["message"]


def test_a_failure_of_ours_is_said_without_what_failed(boss: User, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("the secret cause")

    monkeypatch.setattr(Order, "sorted", fail)
    caller = program(boss)
    caller.client.raise_request_exception = False
    answer = caller.get("people")
    assert (answer.status_code, code_of(answer)) == (500, "failed")
    assert b"secret cause" not in answer.content


def test_nothing_is_cached_and_no_cookie_is_set(boss: User) -> None:
    answer = program(boss).get("people")
    assert "no-store" in answer.headers["Cache-Control"]
    assert not answer.cookies
    assert answer.headers["Content-Type"] == "application/json"


def test_a_token_may_ask_as_often_as_it_was_given_and_another_is_not_held_up(alice: User) -> None:
    busy, other = token_for(alice, requests_per_minute=3), token_for(alice)
    answers = [Program(busy.secret).get("token") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert code_of(answers[-1]) == "throttled"
    assert int(answers[-1].headers["Retry-After"]) > 0
    assert Program(other.secret).get("token").status_code == 200
    [first, *_rest] = AuditEntry.objects.filter(action="api_refused")
    assert first.object_id == str(busy.token.public_id)


def test_who_asks_for_what_the_token_may_not_do_is_counted_too(alice: User) -> None:
    caller = Program(token_for(alice, "people:read", requests_per_minute=2).secret)
    assert [caller.get("rooms").status_code for _ in range(4)] == [403, 403, 429, 429]


def test_no_other_site_may_ask_from_a_browser(alice: User) -> None:
    origin = {"origin": "https://elsewhere.example", "access_control_request_method": "GET"}
    for method in ("OPTIONS", "GET"):
        answer = program(alice).send(method, "people", **origin)
        assert not [name for name in answer.headers if name.lower().startswith("access-control-")]
    assert program(alice).send("OPTIONS", "people", **origin).status_code == 405


def test_an_address_may_ask_so_often_whatever_it_sends(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(throttles.AddressThrottle, "per_minute", 4)
    caller = program(alice)
    tries = [Program("").get("people"), Program("x").get("people"), caller.get("nothing"), caller.get("openapi.json")]
    assert [answer.status_code for answer in tries] == [401, 401, 404, 200]
    for path in ("token", "people", "nothing", "openapi.json"):
        assert caller.get(path).status_code == 429
    elsewhere = caller.client.get("/api/v1/token", REMOTE_ADDR="192.0.2.7")
    assert elsewhere.status_code == 200


def test_the_count_begins_anew_with_the_next_minute(alice: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rate_limits, "WINDOW_SECONDS", 60)
    now = [1_000_020.0]  # the 20th second after a full minute is not needed: 1,000,020 is one
    monkeypatch.setattr(throttles.TokenThrottle, "now", staticmethod(lambda: now[0]))
    caller = Program(token_for(alice, requests_per_minute=1).secret)
    assert caller.get("token").status_code == 200
    refused = caller.get("token")
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "60")
    now[0] += 60
    assert caller.get("token").status_code == 200


def test_refusals_of_one_kind_from_everywhere_fill_no_log(db: None) -> None:
    cache.clear()
    for number in range(70):
        Program("").client.get("/api/v1/token", REMOTE_ADDR=f"192.0.2.{number}")
    assert AuditEntry.objects.filter(action="api_refused").count() == throttles.ALL_REFUSALS_KEPT_PER_MINUTE


def test_neither_session_nor_password_is_a_way_in(alice: User, client: Any) -> None:
    client.force_login(alice, backend="django.contrib.auth.backends.ModelBackend")
    assert client.get("/api/v1/people").status_code == 401
