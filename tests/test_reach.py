"""People on other machines reach the call: over HTTPS, without UDP, through TURN, and by IPv6."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest

from tests.calls import wait_until
from tests.namespaces import Namespace, may_make_namespaces, namespace
from tests.portal import Portal
from tests.remote_probe import RemoteProbe, remote_probe
from tests.turn_server import SECRET, turn_server

pytestmark = [
    pytest.mark.calls,
    pytest.mark.skipif(not may_make_namespaces(), reason="network namespaces need root and iproute2"),
]


@pytest.fixture
def machine() -> Iterator[Namespace]:
    with namespace() as made:
        yield made


async def test_another_machine_reaches_the_call_over_https_and_udp(
    machine: Namespace, own_portal: Callable[..., Portal]
) -> None:
    portal = own_portal(workers=1, environment=_on(machine.ours))
    assert portal.url.startswith("https://")
    await _assert_call(portal, machine, path="udp")


async def test_without_udp_the_call_works_over_tcp(machine: Namespace, own_portal: Callable[..., Portal]) -> None:
    machine.drop_udp()
    portal = own_portal(workers=1, environment=_on(machine.ours))
    await _assert_call(portal, machine, path="tcp")


async def test_a_client_that_may_only_use_turn_gets_through_coturn(
    machine: Namespace, own_portal: Callable[..., Portal], tmp_path: Path
) -> None:
    with turn_server(tmp_path, machine.ours, relay_address=machine.ours) as port:
        turn = {"TURN_URLS": f"turn:{machine.ours}:{port}?transport=udp", "TURN_SECRET": SECRET}
        portal = own_portal(workers=1, environment={**_on(machine.ours), **turn})
        await _assert_call(portal, machine, path="relay", relay=True)


async def test_the_call_works_over_ipv6_alone(machine: Namespace, own_portal: Callable[..., Portal]) -> None:
    portal = own_portal(workers=1, environment=_on(machine.ours_v6))
    await _assert_call(portal, machine, path="udp")


def _on(address: str) -> Mapping[str, str]:
    """Settings of a portal that serves HTTPS at this address of ours, with its own authority."""
    return {"HOST": address, "RELAY_ADDRESSES": address}


async def _assert_call(portal: Portal, machine: Namespace, *, path: str, relay: bool = False) -> None:
    """One participant beside the portal, one on the other machine: both see and hear exactly the other."""
    async with AsyncExitStack() as stack:
        near = await stack.enter_async_context(_join(portal, [], 1, "near"))
        far = await stack.enter_async_context(_join(portal, machine.command(), 2, "far", relay=relay))
        await wait_until(
            lambda: near.sees() == {"far": {2}} == near.hears() and far.sees() == {"near": {1}} == far.hears(),
            lambda: {"near": near.report, "far": far.report},
        )
        assert far.report["path"] == path


def _join(
    portal: Portal, prefix: Sequence[str], number: int, identity: str, *, relay: bool = False
) -> AbstractAsyncContextManager[RemoteProbe]:
    token = portal.token("reach", identity)
    return remote_probe(prefix, number, portal.engine_url, token, relay=relay, certificate=str(portal.authority))
