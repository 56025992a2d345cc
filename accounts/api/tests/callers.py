"""Programs that use the API: a client with a token's header, through the outer door."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from django.http import HttpResponse
from django.test import Client, TestCase
from django.utils import timezone

from accounts.models import User
from accounts.services.api_tokens import Given, give_token


def token_for(owner: User, *scopes: str, name: str = "Room booking", **fields: Any) -> Given:
    fields.setdefault("expires_at", timezone.now() + timedelta(days=30))
    return give_token(name=name, owner=owner, scopes=scopes or ["people:read"], acting_user=None, **fields)


class Program:
    """`secret` is a whole token; "" sends no header."""

    def __init__(self, secret: str, **headers: str) -> None:
        own = {"authorization": f"Bearer {secret}"} if secret else {}
        self.client = Client(headers={"accept-language": "en", **own, **headers})

    def get(self, path: str) -> HttpResponse:
        return self.send("GET", path)

    def send(self, method: str, path: str, body: Any = None, **headers: str) -> HttpResponse:
        """`path` is below /api/v1/, or a whole address. What waits for the commit is done, although the test's
        transaction never commits."""
        address = path if "/api/v1/" in path else f"/api/v1/{path}"
        kind = headers.pop("content_type", "application/json")
        names = {name.replace("_", "-"): value for name, value in headers.items()}
        with TestCase.captureOnCommitCallbacks(execute=True):
            return self.client.generic(  # type: ignore[return-value]  # the client's own kind of HttpResponse
                method, address, b"" if body is None else _bytes(body), content_type=kind, headers=names
            )


def program(owner: User, *scopes: str) -> Program:
    return Program(token_for(owner, *scopes).secret)


def code_of(answer: HttpResponse) -> str:
    return str(answer.json()["code"])  # type: ignore[attr-defined]  # of the client's kind of HttpResponse


def json_of(answer: HttpResponse) -> Any:
    return answer.json()  # type: ignore[attr-defined]  # see code_of


def _bytes(body: Any) -> bytes:
    return body if isinstance(body, bytes) else json.dumps(body).encode()
