"""People as the portal's HTTP API meets them: what a browser would send, without a browser."""

import asyncio
import re
import secrets
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from accounts.factors.tests.codes import code_of, secret_on
from tests.portal import Portal

ALICE = "alice@example.org"  # the host
PASSWORD = "un mot de passe de test " + secrets.token_hex(4)


@dataclass(frozen=True, slots=True)
class Entrance:
    """What the portal gives an admitted person's client."""

    url: str
    token: str


class Person:
    """One browser session. `async with` closes its connections."""

    def __init__(self, portal: Portal, name: str) -> None:
        self.portal = portal
        self.name = name
        self.identity = ""
        self.http = httpx.AsyncClient(base_url=portal.url, timeout=30, verify=False)  # noqa: S501  own authority

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.http.aclose()

    async def accept(self, invitation: str) -> None:
        """Opens a one-time link, sets a password, and is signed in."""
        page = await self.http.get(_path(invitation), follow_redirects=True)
        first, _, last = self.name.partition(" ")
        fields = {"new_password1": PASSWORD, "new_password2": PASSWORD, "first_name": first, "last_name": last or first}
        answer = await self._submit(page.url.path, fields)
        assert answer.status_code == 302, f"invitation: {answer.status_code} {answer.text[:500]}"

    async def add_app(self) -> str:
        """Sets up an authenticator app as second factor; its secret."""
        path = "/accounts/security/app/add/"
        secret = secret_on((await self.http.get(path)).text)
        answer = await self._submit(path, {"code": code_of(secret)})
        assert answer.status_code == 302, f"authenticator app: {answer.status_code} {answer.text[:500]}"
        return secret

    async def sign_in(self, email: str) -> None:
        await self.http.get("/accounts/login/")
        answer = await self._submit("/accounts/login/", {"login": email, "password": PASSWORD})
        assert answer.status_code == 302, f"sign-in: {answer.status_code} {answer.text[:500]}"

    async def create_room(self, name: str = "") -> str:
        """The slug of a new room of this signed-in person."""
        await self.http.get("/")
        answer = await self._submit("/rooms/new", {"name": name})
        assert answer.status_code == 302, f"new room: {answer.status_code} {answer.text[:500]}"
        found = re.fullmatch(r"/r/([a-z-]+)", answer.headers["location"])
        assert found, f"new room led to {answer.headers['location']}"
        return found.group(1)

    async def enter(self, slug: str) -> str:
        """Opens the room's page and asks to enter; "waiting" or "admitted"."""
        await self.http.get(f"/r/{slug}")
        answer = await self.call(slug, "enter", {"name": self.name})
        assert answer.status_code == 200, f"enter: {answer.status_code} {answer.text[:500]}"
        self.identity = answer.json()["participant"]["identity"]
        return str(answer.json()["state"])

    async def entrance(self, slug: str) -> Entrance:
        answer = await self.call(slug, "token")
        assert answer.status_code == 200, f"token: {answer.status_code} {answer.text[:500]}"
        return Entrance(answer.json()["url"], answer.json()["token"])

    async def state(self, slug: str) -> dict[str, Any]:
        answer = await self.http.get(f"/api/rooms/{slug}/state")
        assert answer.status_code == 200, f"state: {answer.status_code} {answer.text[:500]}"
        state: dict[str, Any] = answer.json()
        return state

    async def moderate(
        self, slug: str, target: "Person | str", action: str, body: dict[str, str] | None = None
    ) -> None:
        identity = target if isinstance(target, str) else target.identity
        answer = await self.call(slug, f"participants/{identity}/{action}", body)
        assert answer.status_code == 204, f"{action}: {answer.status_code} {answer.text[:500]}"

    async def forgive(self, slug: str, identity: str) -> None:
        """Lifts a removal, as the button in the room's settings does."""
        answer = await self._submit(f"/rooms/{slug}/participants/{identity}/forgive", {})
        assert answer.status_code == 302, f"forgive: {answer.status_code} {answer.text[:500]}"

    async def call(self, slug: str, what: str, body: dict[str, Any] | None = None) -> httpx.Response:
        """POST to the call page's API with the CSRF header, whatever the answer is."""
        return await self.http.post(f"/api/rooms/{slug}/{what}", json=body or {}, headers=self._csrf())

    async def _submit(self, path: str, fields: dict[str, str]) -> httpx.Response:
        return await self.http.post(path, data=fields, headers=self._csrf())

    def _csrf(self) -> dict[str, str]:
        return {"X-CSRFToken": self.http.cookies.get("visio_csrf") or "", "Referer": self.portal.url + "/"}


async def sign_up(portal: Portal) -> None:
    """Makes Alice's account, as an administrator and she herself would."""
    async with Person(portal, "Alice Martin") as alice:
        await alice.accept(await asyncio.to_thread(portal.manage, "invite", ALICE))


def _path(url: str) -> str:
    parts = urlsplit(url.strip())
    return f"{parts.path}?{parts.query}"
