"""Fixtures of the tests that cross parts: one running portal for all, people, and its log beside each failure."""

import asyncio
import secrets
from collections.abc import AsyncIterator, Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest

from conftest import allowed_patterns
from tests import livekit_server
from tests.people import ALICE, Person, sign_up
from tests.portal import Portal

EMBEDDED_ONLY = Path(__file__).parent / "embedded_only.txt"


@pytest.fixture(scope="session")
def portal(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Portal]:
    """The portal that all tests share which do not kill or starve it."""
    with _running(Portal(tmp_path_factory.mktemp("portal"))) as started:
        asyncio.run(sign_up(started))
        yield started


@pytest.fixture
def own_portal(tmp_path: Path) -> Iterator[Callable[..., Portal]]:
    """Starts portals for one test alone, with settings of its own: `own_portal(workers=1, environment={…})`."""
    with ExitStack() as stack:

        def start(**options: Any) -> Portal:
            folder = tmp_path / secrets.token_hex(4)
            folder.mkdir()
            return stack.enter_context(_running(Portal(folder, **options)))

        yield start


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


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the films and sounds of fake devices are, made once."""
    return tmp_path_factory.mktemp("media")


@pytest.hookimpl(tryfirst=True)  # before `-m` looks at the markers
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    patterns = allowed_patterns(EMBEDDED_ONLY.read_text())
    for item in items:
        if any(fnmatchcase(item.nodeid, pattern) for pattern in patterns):
            item.add_marker(pytest.mark.embedded)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for value in getattr(item, "funcargs", {}).values():
            if isinstance(value, Portal) and value.log_path.exists():
                report.sections.append((f"log of {value.url}", value.log()))
    return report


@contextmanager
def _running(portal: Portal) -> Iterator[Portal]:
    with livekit_server.engine_of(portal):
        portal.start()
        try:
            yield portal
        finally:
            portal.stop()
