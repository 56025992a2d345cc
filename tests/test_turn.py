"""The TURN server of docs/operators.md leads to the relay and nowhere else, and for whom we say."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aioice import stun
from aioice.turn import UDP_TRANSPORT, TurnClientUdpProtocol

from relay import turn
from tests.calls import wait_until
from tests.turn_server import SECRET, turn_server

pytestmark = pytest.mark.calls

RELAY = "192.0.2.9"
IPV4, IPV6 = 0x01000000, 0x02000000
FAMILY = "REQUESTED-ADDRESS-FAMILY"


@pytest.fixture
def port(tmp_path: Path) -> Iterator[int]:
    with turn_server(tmp_path, "127.0.0.1", "::1", relay_address=RELAY) as listening:
        yield listening


@pytest.fixture(autouse=True)
def address_families(monkeypatch: pytest.MonkeyPatch) -> None:
    """RFC 8656 §18.7, which aioice itself never asks for."""
    monkeypatch.setitem(stun.ATTRIBUTES_BY_NAME, FAMILY, (0x0017, FAMILY, stun.pack_unsigned, stun.unpack_unsigned))


class Person(TurnClientUdpProtocol):
    """Who asks a TURN server, one request after the other."""

    async def allocate(self, family: int = IPV4) -> int:
        return await self._ask(
            stun.Method.ALLOCATE, {"LIFETIME": 600, "REQUESTED-TRANSPORT": UDP_TRANSPORT, FAMILY: family}
        )

    async def prolong(self) -> int:
        return await self._ask(stun.Method.REFRESH, {"LIFETIME": 600})

    async def permit(self, address: str) -> int:
        return await self._ask(stun.Method.CREATE_PERMISSION, {"XOR-PEER-ADDRESS": (address, 7882)})

    async def _ask(self, method: stun.Method, attributes: dict[str, object]) -> int:
        """200, or the server's error."""
        try:
            await self.request_with_retry(stun.Message(method, stun.Class.REQUEST, attributes=attributes))
        except stun.TransactionFailed as refused:
            return refused.response.error_code or 0
        return 200


@asynccontextmanager
async def person(port: int, name: str = "alice", *, expires_at: float | None = None) -> AsyncIterator[Person]:
    user, password = turn.credentials(SECRET, name, expires_at=expires_at or time.time() + 600)
    server = ("127.0.0.1", port)
    transport, protocol = await asyncio.get_running_loop().create_datagram_endpoint(
        lambda: Person(server, user, password, 600, 500), remote_addr=server
    )
    try:
        yield protocol
    finally:
        transport.close()


async def test_it_leads_to_the_relay_and_nowhere_else(port: int) -> None:
    async with person(port) as alice:
        assert await alice.allocate() == 200
        assert await alice.permit(RELAY) == 200
        for elsewhere in ("192.0.2.8", "203.0.113.1", "10.0.0.1", "169.254.169.254", "127.0.0.1", "0.0.0.0"):  # noqa: S104  a peer's
            assert await alice.permit(elsewhere) == 403, elsewhere


async def test_nor_by_ipv6(port: int) -> None:
    async with person(port) as alice:
        assert await alice.allocate(IPV6) == 200
        for elsewhere in ("2001:db8::1", "fd00::1", "fe80::1", "::1", "::ffff:203.0.113.1"):
            assert await alice.permit(elsewhere) == 403, elsewhere


async def test_one_person_has_twelve_ways_and_another_has_their_own(port: int) -> None:
    async with person(port, "bob") as bob:
        answers = []
        for number in range(13):
            async with person(port, expires_at=time.time() + 600 + number) as alice:
                answers.append(await alice.allocate())
        assert answers == [200] * 12 + [486]
        assert await bob.allocate() == 200


async def test_an_allocation_goes_on_after_its_password_is_over_and_no_new_one_is_made(port: int) -> None:
    expires_at = int(time.time()) + 2
    async with person(port, expires_at=expires_at) as alice, person(port, expires_at=expires_at) as late:
        assert await alice.allocate() == 200
        await wait_until(lambda: time.time() > expires_at + 1, lambda: "the clock")
        assert await late.allocate() == 401
        assert await alice.prolong() == 200
        assert await alice.permit(RELAY) == 200
