"""What a stranger sends to the doors of passkeys: each gets a refusal, none an error of ours, and nobody is let in."""

from __future__ import annotations

import base64
import json

import pytest
from django.test import Client

from accounts.factors.tests.conftest import add_app, by_password
from accounts.models import User

pytestmark = pytest.mark.django_db

SIGN_IN = "/accounts/security/passkeys/sign-in/"


def handle(pk: object) -> str:
    return base64.urlsafe_b64encode(str(pk).encode()).decode().rstrip("=")


def assertion(**response: object) -> dict[str, object]:
    told = {"clientDataJSON": handle("{}"), "authenticatorData": handle("x" * 37), "signature": handle("s"), **response}
    return {"id": handle("k"), "rawId": handle("k"), "type": "public-key", "response": told}


CREDENTIALS = [
    "",
    "null",
    "[]",
    "{}",
    "1",
    '"x"',
    "{" * 10_000,
    "[" * 100_000,
    json.dumps({"id": 1, "rawId": [], "type": {}, "response": 5}),
    json.dumps({"response": {"userHandle": None}}),
    json.dumps(assertion()),
    json.dumps(assertion(userHandle=None)),
    json.dumps(assertion(userHandle=5)),
    json.dumps(assertion(userHandle="é")),
    json.dumps(assertion(userHandle="!")),
    json.dumps(assertion(userHandle=handle("x"))),
    json.dumps(assertion(userHandle=handle("9" * 40))),
    json.dumps(assertion(userHandle=handle("\0"))),
    json.dumps(assertion(userHandle=base64.urlsafe_b64encode(b"\xff\xfe").decode())),
    json.dumps(assertion(userHandle=handle(1), clientDataJSON=handle("["), authenticatorData="")),
    json.dumps(assertion(userHandle=handle(1), clientDataJSON=handle("[]"))),
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_whatever_stands_in_for_a_passkey_is_refused(credential: str, boss: User) -> None:
    client = Client()
    assert client.get(SIGN_IN, headers={"accept": "application/json"}).status_code == 200
    answer = client.post(SIGN_IN, {"credential": credential})
    assert (answer.status_code, answer["Location"]) == (302, "/accounts/login/")
    real = credential.replace(handle(1), handle(boss.pk))
    client.post(SIGN_IN, {"credential": real})
    assert client.get("/accounts/profile/").status_code == 302


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_whatever_stands_in_for_a_new_passkey_is_refused(credential: str, boss: User) -> None:
    client = by_password()
    client.get("/accounts/security/passkeys/add/")
    assert client.post("/accounts/security/passkeys/add/", {"name": "x", "credential": credential}).status_code == 200
    add_app(client)
    waiting = by_password()
    assert waiting.post("/accounts/security/code/", {"credential": credential}).status_code == 200
    assert client.post("/accounts/security/confirm/passkey/", {"credential": credential}).status_code == 302


def test_lesson_20_each_form_of_a_factor_asks_for_the_token_against_forgery(boss: User) -> None:
    """Nextcloud's forged sign-ins: another site must neither sign somebody in, nor add or take a factor."""
    client = Client(enforce_csrf_checks=True)
    for path in ("code/", "confirm/", "confirm/code/", "app/add/", "app/remove/", "passkeys/add/", "passkeys/sign-in/"):
        assert client.post(f"/accounts/security/{path}", {"code": "1"}).status_code == 403, path


def test_a_passkey_of_somebody_else_cannot_be_removed(boss: User) -> None:
    from allauth.mfa.models import Authenticator

    theirs = Authenticator.objects.create(
        user=User.objects.create_user("eve@culture.example"), type="webauthn", data={}
    )
    client = by_password()
    path = f"/accounts/security/passkeys/{theirs.pk}/remove/"
    assert client.get(path).status_code == client.post(path).status_code == 404
    assert Authenticator.objects.filter(pk=theirs.pk).exists()
