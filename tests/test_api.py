"""A program with a token on a running portal: rooms from first to last, and each way of being refused."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from meetings.probe import Probe
from tests.calls import leave_all, wait_until
from tests.people import ALICE, Person
from tests.portal import Portal

pytestmark = pytest.mark.calls

_LEAVER = "leaver-with-a-token@example.org"
_SUSPEND = (
    "from accounts.models import User; from accounts.services.leavers import suspend; "
    f"suspend(User.objects.get(email={_LEAVER!r}), acting_user=None)"
)
_SCOPES = ("rooms:read", "rooms:write", "calls:read", "people:read")


@asynccontextmanager
async def program(portal: Portal, owner: str, *scopes: str, per_minute: int = 6000) -> AsyncIterator[httpx.AsyncClient]:
    """With a token that the administrator's command printed."""
    named = [argument for scope in scopes or _SCOPES for argument in ("--scope", scope)]
    limit = ("--per-minute", str(per_minute))
    printed = await asyncio.to_thread(portal.manage, "give_api_token", "Booking", "--owner", owner, *named, *limit)
    headers = {"Authorization": f"Bearer {printed.strip()}", "Accept-Language": "en"}
    async with httpx.AsyncClient(base_url=f"{portal.url}/api/v1", headers=headers, timeout=30) as client:
        yield client


def refusal(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, str(answer.json()["code"])


async def test_a_room_is_opened_read_changed_and_ended_with_its_call(portal: Portal, alice: Person) -> None:
    async with program(portal, ALICE) as booking:
        wish = {"name": "Budget", "has_lobby": False}
        made = await booking.post("/rooms", json=wish, headers={"Idempotency-Key": "wish-1"})
        assert made.status_code == 201, made.text
        again = await booking.post("/rooms", json=wish, headers={"Idempotency-Key": "wish-1"})
        assert (again.status_code, again.json()["id"]) == (200, made.json()["id"])
        room, link = f"/rooms/{made.json()['id']}", str(made.json()["link"])
        assert link.startswith(f"{portal.url}/r/")
        slug = link.rpartition("/")[2]
        assert made.json()["id"] in [row["id"] for row in (await booking.get("/rooms")).json()["results"]]

        assert await alice.enter(slug) == "admitted"
        entrance = await alice.entrance(slug)
        probe = Probe(1)
        try:
            await probe.join(entrance.url, entrance.token)

            async def is_inside() -> bool:
                return bool((await booking.get(room)).json()["people_inside"] == 1)

            await wait_until(is_inside, probe.event_names)
            [inside] = (await booking.get(f"{room}/participants")).json()["results"]
            assert (inside["identity"], inside["is_in_call"]) == (alice.identity, True)
            [call] = (await booking.get(f"{room}/calls")).json()["results"]
            assert (call["people"], call["ended_at"]) == (1, None)

            changed = await booking.patch(room, json={"name": "Staff", "is_locked": True})
            assert (changed.status_code, changed.json()["name"]) == (200, "Staff")
            assert (await alice.state(slug))["room"]["isLocked"] is True

            assert (await booking.delete(room)).status_code == 204
            await wait_until(lambda: "disconnected" in probe.event_names(), probe.event_names)
        finally:
            await leave_all([probe])
        assert (await booking.get(room)).json()["closed_at"] is not None
        assert (await alice.http.get(f"/r/{slug}")).status_code == 404
        assert refusal(await booking.patch(room, json={"name": "Again"})) == (410, "closed")


async def test_ten_at_once_with_the_same_key_make_one_room(portal: Portal, alice: Person) -> None:
    async with program(portal, ALICE) as booking:
        wish = {"name": "Only one"}
        made = [booking.post("/rooms", json=wish, headers={"Idempotency-Key": "wish-2"}) for _ in range(10)]
        answers = await asyncio.gather(*made)
        assert sorted(answer.status_code for answer in answers) == [200] * 9 + [201]
        rooms = (await booking.get("/rooms", params={"q": "Only one"})).json()["results"]
        assert [room["id"] for room in rooms] == list({answer.json()["id"] for answer in answers})


async def test_people_are_those_whom_the_owner_sees(portal: Portal, alice: Person) -> None:
    async with program(portal, ALICE, "people:read") as directory:
        [herself] = (await directory.get("/people")).json()["results"]
        assert herself["email"] == ALICE
        one = await directory.get(f"/people/{herself['id']}")
        assert one.json() == herself
        assert (await directory.get("/people", params={"q": "alice"})).json()["results"] == [herself]


async def test_each_refusal_says_what_is_wrong(portal: Portal, alice: Person) -> None:
    unknown = f"Bearer visio_{'a' * 10}_{'b' * 43}"
    async with program(portal, ALICE, "rooms:read") as reader, program(portal, ALICE, per_minute=2) as hasty:
        assert refusal(await reader.get("/rooms", headers={"Authorization": ""})) == (401, "token_missing")
        assert refusal(await reader.get("/rooms", headers={"Authorization": unknown})) == (401, "token_unknown")
        assert refusal(await reader.post("/rooms", json={})) == (403, "scope_missing")
        assert refusal(await reader.get("/people")) == (403, "scope_missing")
        nobodys = await reader.get(f"/rooms/{'0' * 8}-0000-4000-8000-{'0' * 12}")
        assert refusal(nobodys) == (404, "not_found")
        assert refusal(await reader.get("/nothing")) == (404, "not_found")
        # With her session in the browser, too, only a token counts.
        assert (await alice.http.get("/api/v1/rooms")).status_code == 401
        answers = [await hasty.get("/token") for _ in range(6)]  # of which a minute's turn leaves two or four
        assert refusal(answers[-1]) == (429, "throttled")
        assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60


async def test_a_body_counts_however_it_comes_and_has_a_bound(portal: Portal, alice: Person) -> None:
    async with program(portal, ALICE) as booking:
        headers = {"Content-Type": "application/json"}
        made = await booking.post("/rooms", content=_pieces(b'{"name": ', b'"In pieces"}'), headers=headers)
        assert (made.status_code, made.json()["name"]) == (201, "In pieces")
        room = f"/rooms/{made.json()['id']}"
        assert (await booking.patch(room, content=_pieces(b'{"name": "B"}'), headers=headers)).json()["name"] == "B"
        for content in (b" " * 100_000, _pieces(*[b" " * 10_000] * 10)):
            assert refusal(await booking.patch(room, content=content, headers=headers)) == (413, "too_large")
        assert (await booking.delete(room)).status_code == 204


async def test_a_suspended_owners_token_is_refused_at_once(portal: Portal) -> None:
    async with Person(portal, "Luc Partant") as leaver:
        await leaver.accept(await asyncio.to_thread(portal.manage, "invite", _LEAVER))
    async with program(portal, _LEAVER) as booking:
        assert (await booking.get("/rooms")).status_code == 200
        await asyncio.to_thread(portal.manage, "shell", "--no-imports", "-c", _SUSPEND)
        assert refusal(await booking.get("/rooms")) == (401, "owner_suspended")
        assert refusal(await booking.post("/rooms", json={"name": "Too late"})) == (401, "owner_suspended")


async def test_no_token_is_in_the_log(portal: Portal) -> None:
    async with program(portal, ALICE) as booking:
        secret = booking.headers["Authorization"][-43:]
        await booking.get("/token")
        await booking.get("/rooms", params={"access_token": booking.headers["Authorization"]})
        await booking.get(f"/rooms/{booking.headers['Authorization']}")
        await booking.get("/rooms", headers={"Authorization": booking.headers["Authorization"] + "x"})
    written = portal.log_path.read_text(errors="replace")
    assert "api_refused" in written
    assert secret not in written


async def _pieces(*parts: bytes) -> AsyncIterator[bytes]:
    """Sent without a length before."""
    for part in parts:
        yield part
