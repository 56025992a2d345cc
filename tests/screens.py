"""Browsers as people use the portal: the real page, driven by its buttons, seen and heard through its media elements.

Chromium runs under Playwright, Firefox ESR under `browser/firefox.mjs`. Each sends its own test card and tone. A
browser that complained on its console (a breach of the CSP included) or asked another host for anything fails its test.
"""

import asyncio
import json
import os
import re
import wave
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Page, async_playwright

from meetings.testcard import Card, make_tone, render_card
from tests.calls import CEILING_SECONDS, wait_until
from tests.portal import ROOT, Portal

BROWSER = ROOT / "tests" / "browser"
CHROMIUM = "/usr/bin/chromium"
FLAGS = (
    "--no-sandbox",
    "--use-fake-device-for-media-stream",
    "--autoplay-policy=no-user-gesture-required",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--allow-loopback-in-peer-connection",
)
_PERMISSIONS = ["camera", "microphone", "clipboard-read", "clipboard-write"]
_WIDTH, _HEIGHT, _FRAMES_PER_SECOND, _FRAMES = 640, 360, 10, 40
_SAMPLE_RATE = 48_000


class Screen(ABC):
    """One person's browser. `number` chooses the test card and tone it sends."""

    def __init__(self, number: int, portal: Portal) -> None:
        self.number = number
        self.url = portal.url
        # Where the media engine is another server, the portal's own settings say so.
        self.hosts = {urlsplit(portal.url).netloc, urlsplit(portal.engine_url).netloc}
        self.tolerated: list[str] = []  # regular expressions of complaints that a test provokes itself

    # --- what a browser can do

    @abstractmethod
    async def goto(self, path: str) -> None: ...

    @abstractmethod
    async def evaluate(self, expression: str) -> Any: ...

    @abstractmethod
    async def click(self, selector: str) -> None: ...

    @abstractmethod
    async def fill(self, selector: str, text: str) -> None: ...

    @abstractmethod
    async def wait_for(self, selector: str) -> None: ...

    @abstractmethod
    async def screenshot(self, path: Path) -> None: ...

    @abstractmethod
    async def problems(self) -> tuple[list[str], list[str]]:
        """Complaints of the console, and every address that was asked."""

    # --- what a person does with it

    async def press(self, test_id: str) -> None:
        await self.click(f'[data-testid="{test_id}"]')

    async def shows(self, test_id: str) -> None:
        await self.wait_for(f'[data-testid="{test_id}"]')

    async def sign_in(self, email: str, password: str) -> None:
        await self.give_password(email, password)
        await self.is_signed_in(email)

    async def give_password(self, email: str, password: str) -> None:
        await self.goto("/accounts/login/")
        await self.fill('input[name="login"]', email)
        await self.fill('input[name="password"]', password)
        await self.click('form:has([name="password"]) [type="submit"]')

    async def is_signed_in(self, email: str) -> None:
        await wait_until(lambda: self.evaluate("location.pathname === '/'"), lambda: f"{email} was not signed in")

    async def meet_now(self) -> str:
        """Creates a room from the home page; its slug."""
        await self.goto("/")
        await self.click('form[action="/rooms/new"] [type="submit"]')
        await self.shows("device-check")
        return str(await self.evaluate("location.pathname")).removeprefix("/r/")

    async def ask_to_enter(self, slug: str, name: str = "") -> None:
        """Opens the link, types a name where one is asked for, and presses Join."""
        await self.goto(f"/r/{slug}")
        await self.shows("device-check")
        if name:
            await self.fill('[data-testid="name-input"]', name)
        await self.press("join-button")

    async def identity(self) -> str:
        path = "location.pathname.replace('/r/', '/api/rooms/') + '/state'"
        return str(
            await self.evaluate(f"fetch({path}).then((answer) => answer.json()).then(({{ me }}) => me.identity)")
        )

    # --- what a person sees and hears

    async def forget(self) -> None:
        await self.evaluate("probe.forget()")

    async def report(self) -> tuple[dict[str, set[tuple[int, int]]], set[int]]:
        """By the owner of each tile: whose card and which frame were shown; and the tones that were heard.

        The tile of somebody's shared screen is `screen_of(identity)`.
        """
        report = await self.evaluate("probe.report()")
        seen: dict[str, set[tuple[int, int]]] = {}
        for sighting in report["sightings"]:
            identity, is_screen = sighting["identity"], sighting["source"] == "screen_share"
            owner = screen_of(identity) if is_screen else identity
            seen.setdefault(owner, set()).add((sighting["number"], sighting["counter"]))
        return seen, set(report["tones"])

    async def widths_of(self, identity: str) -> list[int]:
        """Of the pictures of one camera since `forget`, as they came."""
        report = await self.evaluate("probe.report()")
        return [sighting["width"] for sighting in report["sightings"] if sighting["identity"] == identity]

    async def assert_unblemished(self) -> None:
        """No complaint on the console, no request to another host."""
        complaints, addresses = await self.problems()
        unexpected = [text for text in complaints if not any(re.search(known, text) for known in self.tolerated)]
        assert not unexpected, f"browser {self.number} complained: {unexpected}"
        asked = [parts for parts in map(urlsplit, addresses) if parts.scheme in _NETWORK]
        foreign = [f"{parts.netloc}{parts.path}" for parts in asked if parts.netloc not in self.hosts]
        assert not foreign, f"browser {self.number} asked other hosts: {foreign}"


_NETWORK = ("http", "https", "ws", "wss")


def screen_of(identity: str) -> str:
    """The owner of a tile that shows somebody's shared screen."""
    return f"{identity}'s screen"


async def assert_meets(
    screen: Screen,
    others: Mapping[str, int],
    *,
    screens: Mapping[str, int] | None = None,
    sound: bool = True,
    pictures: bool = True,
) -> None:
    """From now on this screen shows and plays exactly `others` (identity → number), and its own picture as its own.

    `screens` are the shared screens that it shows, too: identity → number of the card in the shared window.
    """
    own = await screen.identity()
    shown = {**others, **{screen_of(identity): number for identity, number in (screens or {}).items()}}
    await screen.forget()
    last: object = None

    async def meets() -> bool:
        nonlocal last
        last = seen, heard = await screen.report()
        for identity, sightings in seen.items():
            expected = {**shown, own: screen.number}.get(identity)
            strangers = {number for number, _ in sightings} - {expected}
            assert not strangers, f"browser {screen.number} showed {strangers} in the tile of {identity}: {seen}"
        strange = heard - set(others.values())
        assert not strange, f"browser {screen.number} played {strange}"
        hears = not sound or heard == set(others.values())
        sees = not pictures or all(len(seen.get(identity, ())) >= 3 for identity in shown)
        return hears and sees

    await wait_until(meets, lambda: f"browser {screen.number}: {last}, wanted {shown}")


async def assert_screens_meet(screens: Sequence[Screen]) -> None:
    """Everyone of `screens` gets exactly the others."""
    numbers = {await screen.identity(): screen.number for screen in screens}
    for screen in screens:
        others = {identity: number for identity, number in numbers.items() if number != screen.number}
        await assert_meets(screen, others)


async def assert_gone(screen: Screen, identity: str) -> None:
    """What is under way may still arrive; then, for two seconds of the screen's own picture, nothing of that person."""
    own = await screen.identity()

    async def is_gone() -> bool:
        report = await screen.evaluate("probe.report()")
        owners = [sighting["identity"] for sighting in report["sightings"]]
        if identity in owners or report["tones"]:
            await screen.forget()
        return identity not in owners and not report["tones"] and owners.count(own) >= 20

    await screen.forget()
    await wait_until(is_gone, lambda: f"{identity} is still seen or heard")


class ChromiumScreen(Screen):
    def __init__(self, number: int, portal: Portal, page: Page) -> None:
        super().__init__(number, portal)
        self.page = page
        self._complaints: list[str] = []
        self._addresses: list[str] = []
        page.set_default_timeout(CEILING_SECONDS * 1000)
        page.on("console", lambda line: self._complaints.append(line.text) if line.type == "error" else None)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", lambda request: self._addresses.append(request.url))
        page.on("websocket", lambda socket: self._addresses.append(socket.url))

    async def goto(self, path: str) -> None:
        await self.page.goto(self.url + path)

    async def is_signed_in(self, email: str) -> None:
        # Asked of a page that is being left, it would be no answer but an error.
        await self.page.wait_for_url(lambda address: urlsplit(address).path == "/")

    async def evaluate(self, expression: str) -> Any:
        return await self.page.evaluate(expression)

    async def click(self, selector: str) -> None:
        await self.page.click(selector)

    async def fill(self, selector: str, text: str) -> None:
        await self.page.fill(selector, text)

    async def wait_for(self, selector: str) -> None:
        await self.page.wait_for_selector(selector)

    async def screenshot(self, path: Path) -> None:
        await self.page.screenshot(path=path)

    async def problems(self) -> tuple[list[str], list[str]]:
        return self._complaints, self._addresses

    async def show_as(self, width: int, height: int, scheme: str) -> None:
        """The page as it is, in a window of this size and in this colour scheme."""
        await self.page.set_viewport_size({"width": width, "height": height})
        await self.page.emulate_media(color_scheme="dark" if scheme == "dark" else "light")
        # The call page reads the scheme once, at its start; so does a page without DSFR's script.
        await self.page.evaluate("(scheme) => document.documentElement.setAttribute('data-fr-theme', scheme)", scheme)


class FirefoxScreen(Screen):
    def __init__(self, number: int, portal: Portal, process: asyncio.subprocess.Process) -> None:
        super().__init__(number, portal)
        self._process = process

    async def goto(self, path: str) -> None:
        await self.order("goto", url=self.url + path)

    async def evaluate(self, expression: str) -> Any:
        return await self.order("evaluate", expression=expression)

    async def click(self, selector: str) -> None:
        await self.order("click", selector=selector)

    async def fill(self, selector: str, text: str) -> None:
        await self.order("fill", selector=selector, text=text)

    async def wait_for(self, selector: str) -> None:
        await self.order("wait", selector=selector)

    async def screenshot(self, path: Path) -> None:
        await self.order("screenshot", path=str(path))

    async def problems(self) -> tuple[list[str], list[str]]:
        found = await self.order("problems")
        return found["complaints"], found["requests"]

    async def order(self, command: str, **arguments: str) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}).encode() + b"\n")
        await self._process.stdin.drain()
        return (await self.answer())["result"]

    async def answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = await asyncio.wait_for(self._process.stdout.readline(), 2 * CEILING_SECONDS)
        assert line, "Firefox's driver has ended"
        answer: dict[str, Any] = json.loads(line)
        assert "error" not in answer, answer["error"]
        return answer


@asynccontextmanager
async def chromium(
    number: int,
    portal: Portal,
    media: Path,
    *,
    shares: str = "",
    flags: Sequence[str] = (),
    locale: str = "fr-FR",
    film: Path | None = None,
) -> AsyncIterator[ChromiumScreen]:
    """A Chromium of its own, since the files of its fake devices are flags of the process.

    `shares` is the title of the window that it picks when its person shares something; `film` is what its camera sees
    instead of the test card.
    """
    card, sound = fake_devices(number, media)
    picture = film or card
    files = (f"--use-file-for-fake-video-capture={picture}", f"--use-file-for-fake-audio-capture={sound}")
    async with async_playwright() as playwright:
        asking = f"--auto-select-tab-capture-source-by-title={shares}" if shares else "--use-fake-ui-for-media-stream"
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*FLAGS, asking, *files, *flags])
        context = await browser.new_context(locale=locale, ignore_https_errors=True, permissions=_PERMISSIONS)
        await context.add_init_script(path=BROWSER / "media.js")
        screen = ChromiumScreen(number, portal, await context.new_page())
        try:
            async with _explained(screen, media):
                yield screen
                await screen.assert_unblemished()
        finally:
            await browser.close()


@asynccontextmanager
async def firefox(number: int, portal: Portal, media: Path) -> AsyncIterator[FirefoxScreen]:
    """Firefox ESR over WebDriver BiDi."""
    process = await asyncio.create_subprocess_exec(
        "node",
        str(BROWSER / "firefox.mjs"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=16 << 20,  # a report of sightings is one line
        cwd=ROOT,
        env={**os.environ, "NUMBER": str(number), "PATH": f"{ROOT / '.venv' / 'bin'}:{os.environ['PATH']}"},
    )
    screen = FirefoxScreen(number, portal, process)
    try:
        await screen.answer()
        await screen.order("prepare", script=str(BROWSER / "media.js"))
        async with _explained(screen, media):
            yield screen
            await screen.assert_unblemished()
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


@asynccontextmanager
async def _explained(screen: Screen, folder: Path) -> AsyncIterator[None]:
    """Puts what the person had before their eyes beside a failure."""
    try:
        yield
    except Exception as error:
        picture = folder / f"failed-{screen.number}.png"
        complaints, _ = await screen.problems()
        try:
            text = str(await screen.evaluate("location.href + '\\n' + document.body.innerText"))
        except PlaywrightError as unseen:  # it is on its way to another page
            text = str(unseen)
        await screen.screenshot(picture)
        error.add_note(f"browser {screen.number} showed {picture}:\n{text[:1500]}\ncomplaints: {complaints}")
        raise


@lru_cache
def fake_devices(number: int, directory: Path) -> tuple[Path, Path]:
    """A camera film of test cards, and a microphone's tone: in syllables, so that no noise filter takes it away."""
    film, sound = directory / f"{number}.y4m", directory / f"{number}.wav"
    with film.open("wb") as file:
        file.write(b"YUV4MPEG2 W%d H%d F%d:1 Ip A1:1 C420jpeg\n" % (_WIDTH, _HEIGHT, _FRAMES_PER_SECOND))
        for counter in range(_FRAMES):
            file.write(b"FRAME\n" + render_card(Card(number, counter), _WIDTH, _HEIGHT).tobytes())
    syllables = np.repeat((1, 0, 1, 0), (19_200, 4_800, 19_200, 4_800))
    samples = make_tone(number, _SAMPLE_RATE, 0, _SAMPLE_RATE) * syllables
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(_SAMPLE_RATE)
        file.writeframes(samples.astype("<i2").tobytes())
    return film, sound
