"""A small sign-in service with keys of its own that answers as it is told to: also what no honest one would.

It speaks the same HTTP as ProConnect. A test sets `forge` (changes of the id_token), `info` (of the userinfo) or one of
the faults, and drives a browser through the portal's own addresses with `Visit`.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, parse_qsl, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from django.http import HttpResponse
from django.test import Client

CLIENT_ID = "portal"
CLIENT_SECRET = "0123456789" * 4
MARIE = {
    "sub": "marie",
    "given_name": "Marie",
    "usual_name": "Durand",
    "email": "marie.durand@culture.example",
    "siret": "13002526500013",
    "idp_id": "idp-culture",
    "uid": "u-1",
    "organization_label": "Culture",
    "roles": ["agent_public"],
}
# Made once: a 2048-bit key takes a tenth of a second.
_RSA = {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in ("first", "second")}
_EC = ec.generate_private_key(ec.SECP256R1())


@dataclass
class HostileProvider:
    """Honest until told otherwise. Changes of None take the claim away."""

    algorithm: str = "RS256"
    kid: str = "first"
    published: tuple[str, ...] = ("first",)
    signed_with: str | None = None  # another key than `kid` names
    header: dict[str, Any] = field(default_factory=dict)
    person: dict[str, Any] = field(default_factory=lambda: dict(MARIE))
    acr: str | None = "eidas1"
    forge: dict[str, Any] = field(default_factory=dict)
    info: dict[str, Any] = field(default_factory=dict)
    info_is_json: bool = False
    issuer_said: str | None = None
    is_down: bool = False
    slow_path: str = ""
    token_answer: tuple[int, Any] | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    journeys: dict[str, dict[str, str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.free = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}/api/v2"

    @contextmanager
    def running(self) -> Iterator[HostileProvider]:
        thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self.free.set()
            self._server.shutdown()
            self._server.server_close()
            thread.join()

    def code_for(self, query: dict[str, str]) -> str:
        """What the person's browser is given at the authorization endpoint."""
        code = secrets.token_hex(8)
        self.journeys[code] = query
        return code

    def times_asked(self, path: str) -> int:
        return sum(1 for asked, _ in self.asked if asked.endswith(path))

    def sign(self, payload: dict[str, Any], changes: dict[str, Any]) -> str:
        said = {name: value for name, value in (payload | changes).items() if value is not None}
        header = {"kid": self.kid, **self.header}
        return jwt.encode(said, self._private(), algorithm=self.algorithm, headers=header)

    def _private(self) -> Any:
        if self.algorithm == "none":
            return None
        if self.algorithm == "HS256":
            return CLIENT_SECRET
        return _EC if self.algorithm == "ES256" else _RSA[self.signed_with or self.kid]

    def _claims(self) -> dict[str, Any]:
        now = int(time.time())
        return {"iss": self.issuer, "aud": CLIENT_ID, "sub": self.person["sub"], "iat": now, "exp": now + 3600}

    def _answer(self, path: str, form: dict[str, str]) -> tuple[int, str, str]:
        self.asked.append((path, form))
        if self.slow_path and path.endswith(self.slow_path):
            self.free.wait(20)
        if self.is_down:
            return 503, "text/plain", "down"
        if path.endswith("/openid-configuration"):
            return _json(200, self._discovery())
        if path.endswith("/jwks"):
            return _json(200, {"keys": [self._public(name) for name in self.published] + [_ec_jwk()]})
        if path.endswith("/token"):
            return self._token(form)
        info = self._claims() | self.person
        if self.info_is_json:
            return _json(200, {name: value for name, value in (info | self.info).items() if value is not None})
        return 200, "application/jwt", self.sign(info, self.info)

    def _token(self, form: dict[str, str]) -> tuple[int, str, str]:
        if self.token_answer is not None:
            return _json(*self.token_answer)
        journey = self.journeys.pop(form.get("code", ""), None)
        if journey is None or form.get("client_secret") != CLIENT_SECRET:
            return _json(400, {"error": "invalid_grant"})
        if "code_challenge" in journey and journey["code_challenge"] != _s256(form.get("code_verifier", "")):
            return _json(400, {"error": "invalid_grant"})
        payload = self._claims() | {"nonce": journey.get("nonce"), "acr": self.acr, "amr": ["pwd"]}
        return _json(
            200, {"id_token": self.sign(payload, self.forge), "access_token": "a" * 20, "token_type": "Bearer"}
        )

    def _discovery(self) -> dict[str, Any]:
        at = self.issuer
        return {
            "issuer": self.issuer_said or at,
            "authorization_endpoint": f"{at}/authorize",
            "token_endpoint": f"{at}/token",
            "userinfo_endpoint": f"{at}/userinfo",
            "jwks_uri": f"{at}/jwks",
            "end_session_endpoint": f"{at}/session/end",
        }

    def _public(self, name: str) -> dict[str, Any]:
        public = jwt.algorithms.RSAAlgorithm.to_jwk(_RSA[name].public_key(), as_dict=True)
        return {**public, "kid": name, "use": "sig", "alg": "RS256"}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self._respond({})

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"])).decode()
                self._respond(dict(parse_qsl(body)))

            def _respond(self, form: dict[str, str]) -> None:
                status, kind, text = provider._answer(urlsplit(self.path).path, form)
                body = text.encode()
                try:
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(body)))
                    self.end_headers()
                    self.wfile.write(body)
                except OSError:  # who waited for a slow answer has gone
                    pass

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  the base class's name
                pass

        return Handler


@dataclass
class Visit:
    """A browser that goes to the provider and comes back."""

    provider: HostileProvider
    client: Client = field(default_factory=Client)
    state: str = ""

    def start(self, query: str = "") -> dict[str, str]:
        """What the provider is asked with."""
        answer = self.client.get(f"/accounts/proconnect/{query}")
        assert answer.status_code == 302, answer.content
        sent = {name: values[0] for name, values in parse_qs(urlsplit(answer["Location"]).query).items()}
        self.state = sent["state"]
        return sent

    def back(self, **query: str) -> HttpResponse:
        return self.client.get("/accounts/proconnect/callback/", query)  # type: ignore[return-value]  # the client's own kind

    def sign_in(self, query: str = "") -> HttpResponse:
        sent = self.start(query)
        return self.back(code=self.provider.code_for(sent), state=self.state)

    @property
    def is_signed_in(self) -> bool:
        return "_auth_user_id" in self.client.session


def _json(status: int, value: Any) -> tuple[int, str, str]:
    return status, "application/json", json.dumps(value)


def _s256(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()


def _ec_jwk() -> dict[str, Any]:
    public = jwt.algorithms.ECAlgorithm.to_jwk(_EC.public_key(), as_dict=True)
    return {**public, "kid": "ec", "use": "sig", "alg": "ES256"}
