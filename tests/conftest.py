"""Fixtures of the tests that cross parts: one running portal for all, people, and its log beside each failure."""

import asyncio
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from pathlib import Path

import pytest

from tests.people import ALICE, Person
from tests.portal import Portal


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal that all tests share which do not kill or starve it."""
    yield from _running(Portal(tmp_path_factory.mktemp("portal")))


@pytest.fixture
def own_portal(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals for one test alone, with settings of its own: `own_portal(workers=1, environment={…})`."""
    started: list[Portal] = []

    def start(**options: object) -> Portal:
        portal = Portal(tmp_path / f"portal-{len(started)}", **options)  # type: ignore[arg-type]  # Portal's own
        started.append(portal)
        portal.start()
        _sign_up(portal)
        return portal

    yield start
    for portal in started:
        portal.stop()


@pytest.fixture
async def alice(portal: Portal) -> AsyncIterator[Person]:
    """A signed-in person, who creates rooms."""
    async with Person(portal, "Alice Martin") as person:
        await person.sign_in(ALICE)
        yield person


@pytest.fixture
async def bob(portal: Portal) -> AsyncIterator[Person]:
    """A guest."""
    async with Person(portal, "Bob Petit") as person:
        yield person


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Portal) and value.log_path.exists():
                report.sections.append((f"log of {value.url}", value.log()))
    return report


def _running(portal: Portal) -> Iterator[Portal]:
    portal.start()
    _sign_up(portal)
    yield portal
    portal.stop()


def _sign_up(portal: Portal) -> None:
    async def accept() -> None:
        async with Person(portal, "Alice Martin") as person:
            await person.accept(portal.manage("invite", ALICE))

    asyncio.run(accept())
