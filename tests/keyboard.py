"""A person who has no mouse: Tab, letters, Enter, and what a screen reader would say of the place where they are."""

from dataclasses import dataclass
from typing import Any

from playwright.async_api import CDPSession

from tests.calls import wait_until
from tests.screens import ChromiumScreen

MOST_TABS = 60  # further than the end of any page of ours


@dataclass(frozen=True, slots=True)
class Focus:
    """The element that has the focus, as the browser tells it to assistive technology."""

    role: str
    name: str
    pressed: str = ""  # "true" or "false" of a switch


class Keyboard:
    """Drives one Chromium by its keyboard alone."""

    def __init__(self, screen: ChromiumScreen, session: CDPSession) -> None:
        self.screen = screen
        self._session = session

    @classmethod
    async def of(cls, screen: ChromiumScreen) -> "Keyboard":
        return cls(screen, await screen.page.context.new_cdp_session(screen.page))

    async def focus(self) -> Focus:
        found = await self._session.send("Runtime.evaluate", {"expression": "document.activeElement ?? document.body"})
        answer = await self._session.send(
            "Accessibility.getPartialAXTree", {"objectId": found["result"]["objectId"], "fetchRelatives": False}
        )
        node: dict[str, Any] = answer["nodes"][0]
        states = {state["name"]: str(state["value"].get("value", "")) for state in node.get("properties", ())}
        role, name = (str(node.get(field, {}).get("value", "")) for field in ("role", "name"))
        return Focus(role, name, states.get("pressed", ""))

    async def press(self, key: str) -> None:
        await self.screen.page.keyboard.press(key)

    async def write(self, text: str) -> None:
        await self.screen.page.keyboard.type(text)

    async def tab_to(self, role: str, name: str) -> Focus:
        """Tab until there, as one does; the focus must be seen all the way. Fails where Tab never comes by."""
        return await self._walk_to("Tab", role, name)

    async def tab_back_to(self, role: str, name: str) -> Focus:
        """As `tab_to`, the other way."""
        return await self._walk_to("Shift+Tab", role, name)

    async def _walk_to(self, key: str, role: str, name: str) -> Focus:
        passed: list[Focus] = []
        for _ in range(MOST_TABS):
            await self.press(key)
            if await self.screen.evaluate("document.activeElement === document.body"):
                continue  # past the end: the browser's own bar, then the start
            here = await self.focus()
            assert here.name, f"{here} has the focus and no name, after {passed}"
            passed.append(here)
            assert await self.screen.evaluate(_FOCUS_IS_SEEN), f"the focus on {here} is not seen"
            if (here.role, here.name) == (role, name):
                return here
        raise AssertionError(f"{key} never came to {role} {name!r}, only to {passed}")

    async def lands_on(self, role: str, name: str) -> None:
        """By itself the focus comes to this element: after a step nobody is left nowhere."""
        last: list[Focus] = []

        async def is_there() -> bool:
            last[:] = [await self.focus()]
            return (last[0].role, last[0].name) == (role, name)

        await wait_until(is_there, lambda: f"the focus is on {last}, not on {role} {name!r}")

    async def hears(self, words: str) -> None:
        """The live region says so."""
        said = 'document.querySelector("[data-testid=announcer]")?.textContent ?? ""'
        last: list[str] = []

        async def is_said() -> bool:
            last[:] = [str(await self.screen.evaluate(said))]
            return words in last[0]

        await wait_until(is_said, lambda: f"the live region says {last}, not {words!r}")


# Some ring, line or shadow around the element (or around the area that a link of the DSFR spreads to), on the screen.
_FOCUS_IS_SEEN = """
(() => {
  const element = document.activeElement;
  const { width, height } = element.getBoundingClientRect();
  const isMarked = [null, "::before", "::after"].some((part) => {
    const { content, outlineStyle, outlineWidth, boxShadow } = getComputedStyle(element, part);
    const isThere = part === null || content !== "none";
    return isThere && ((outlineStyle !== "none" && parseFloat(outlineWidth) > 0) || boxShadow !== "none");
  });
  return element.matches(":focus-visible") && isMarked && width > 0 && height > 0;
})()
"""
