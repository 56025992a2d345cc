"""`make screenshots [LANGUAGES="fr en de"]`: each page and state, at desk and phone width, light and dark, by language.

Written to build/screenshots/<language>/<view>-<desk|phone>-<light|dark>.png; the stage of a call is dark in both. The
people are those of `manage.py demo`, drawn. docs/screenshots holds the best of them, copied by hand.
"""

from __future__ import annotations

import asyncio
import re
import shutil
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from livekit import rtc
from playwright.async_api import async_playwright

from tests import sitters
from tests.people import Person
from tests.portal import ROOT, Portal
from tests.screens import CHROMIUM, ChromiumScreen
from tests.tours import TOURS, Cast, Look, cast

FOLDER = ROOT / "build" / "screenshots"
SIZES = {"desk": (1280, 800), "phone": (360, 740)}


@dataclass(frozen=True, slots=True)
class Host:
    """One of the hosts of `manage.py demo`, and the room of theirs that is shown."""

    locale: str
    name: str
    email: str
    room: str


HOSTS = {
    "fr": Host("fr-FR", "Claire Lefèvre", "claire.lefevre@demo.example", "Comité budgétaire"),
    "en": Host("en-GB", "James Whitfield", "james.whitfield@demo.example", "Digital services board"),
    "de": Host("de-DE", "Jürgen Weiß", "juergen.weiss@demo.example", "Haushaltsausschuss"),
}
GUEST = "Paul Girard"


async def main(languages: Sequence[str]) -> None:
    with tempfile.TemporaryDirectory(prefix="visio-screenshots-") as folder:
        portal = Portal(Path(folder), workers=1)
        portal.start()
        try:
            links = await asyncio.to_thread(portal.manage, "demo")
            films, seats = await _pictures()
            for language in languages:
                await _sign_up(portal, HOSTS[language], links)
                await _shoot(portal, Path(folder), language, films, seats)
        finally:
            portal.stop()


async def _shoot(
    portal: Portal, folder: Path, language: str, pictures: dict[str, bytes], seats: dict[str, bytes]
) -> None:
    """All tours in one language."""
    host, target = HOSTS[language], FOLDER / language
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True, exist_ok=True)
    films = tuple(sitters.film(pictures[name], folder / f"{name}.y4m") for name in (host.name, GUEST))
    for name, tour in TOURS.items():
        async with (
            cast(portal, folder, locale=host.locale, films=(films[0], films[1])) as people,
            _company(people, seats),
        ):
            people.email, people.room, people.guest_name = host.email, host.room, GUEST
            await tour.walk(people, _camera(target))
        print(f"{language}: {name}", flush=True)  # noqa: T201  this command's progress


def _camera(target: Path) -> Look:
    async def look(screen: ChromiumScreen, view: str) -> None:
        is_stage = await screen.evaluate("document.documentElement.dataset.callStage === 'on'")
        for size, (width, height) in reversed(SIZES.items()):
            for scheme in ("dark",) if is_stage else ("dark", "light"):
                await screen.show_as(width, height, scheme)
                await screen.page.wait_for_timeout(150)  # what slides in has come to rest
                await screen.page.screenshot(path=target / f"{view}-{size}-{scheme}.png", full_page=not is_stage)

    return look


@asynccontextmanager
async def _company(people: Cast, pictures: dict[str, bytes]) -> AsyncIterator[None]:
    """Meanwhile the others of `sitters` come into each call of the tour that asks for company."""
    async with AsyncExitStack() as stack:

        async def come(cast: Cast, slug: str) -> None:
            inside = {GUEST, "James Whitfield", *(host.name for host in HOSTS.values() if host.email == cast.email)}
            for name in (name for name in pictures if name not in inside):
                person = await stack.enter_async_context(Person(cast.portal, name))
                if await person.enter(slug) == "waiting":
                    await cast.host.press("notice-admit")
                    await cast.host.page.wait_for_selector('[data-testid="waiting-notice"]', state="detached")
                entrance = await person.entrance(slug)
                room = rtc.Room()
                await room.connect(entrance.url, entrance.token, rtc.RoomOptions(auto_subscribe=False))
                stack.push_async_callback(room.disconnect)
                sitting = await sitters.sit(room, pictures[name])
                stack.callback(sitting.cancel)
                await cast.host.wait_for(f'[data-testid="tile"][data-name="{name}"] [data-testid="tile-video"]')

        people.company = come
        yield


async def _pictures() -> tuple[dict[str, bytes], dict[str, bytes]]:
    """By name: what a browser's camera sees, and what those send who only fill the room."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = await browser.new_page()
        found = [
            {look.name: await sitters.picture(page, look, size) for look in sitters.SITTERS}
            for size in (sitters.FILM, sitters.SEAT)
        ]
        await browser.close()
    return found[0], found[1]


async def _sign_up(portal: Portal, host: Host, links: str) -> None:
    found = re.search(rf"{re.escape(host.name)}: (\S+)", links)
    assert found, f"manage.py demo gave no link for {host.name}: {links}"
    async with Person(portal, host.name) as person:
        await person.accept(found.group(1))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:] or list(HOSTS)))
