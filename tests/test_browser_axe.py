"""The rules of axe-core on all that people can be shown, on a desk and on a phone, light and dark."""

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe

from tests.portal import Portal
from tests.screens import ChromiumScreen
from tests.tours import TOURS, cast

pytestmark = [pytest.mark.browser, pytest.mark.calls]

RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
# What the dark can break, when all else has been looked at in the light.
RULES_OF_COLOUR = {"runOnly": ["color-contrast", "link-in-text-block"]}
# Details of broken rules alone: a call is going on in the same browser. Of style sheets axe would make copies in the
# page, which its policy forbids; no rule of ours reads them.
_BRIEFLY = {"resultTypes": ["violations"], "preload": {"assets": ["media"]}}
PHONE, DESK = (360, 740), (1280, 800)


@pytest.mark.parametrize("tour", TOURS)
async def test_pages_and_call_break_no_rule_of_axe(portal: Portal, media: Path, tour: str) -> None:
    found: dict[str, object] = {}
    looked_at: list[str] = []

    async def look(screen: ChromiumScreen, view: str) -> None:
        looked_at.append(view)
        found.update({f"{view}, {where}": broken for where, broken in (await _violations(screen)).items()})

    async with cast(portal, media) as people:
        await TOURS[tour].walk(people, look)
    assert looked_at == list(TOURS[tour].views)
    assert not found, "\n".join(f"{where}: {broken}" for where, broken in found.items())


async def _violations(screen: ChromiumScreen) -> dict[str, object]:
    """What is broken, by where: on a phone, on a desk in the dark, on a desk. The stage of a call is dark anyway."""
    # The last click's place may now be a button: DSFR's own colours under the pointer are too pale in the dark.
    await screen.page.mouse.move(0, 0)
    is_stage = await screen.evaluate("document.documentElement.dataset.callStage === 'on'")
    found: dict[str, object] = {}
    for where, size, scheme in (("phone", PHONE, "light"), ("dark", DESK, "dark"), ("desk", DESK, "light")):
        if is_stage and scheme == "dark":
            continue
        await screen.show_as(*size, scheme)
        options = {**(RULES_OF_COLOUR if scheme == "dark" else RULES), **_BRIEFLY}
        results: dict[str, Any] = (await Axe().run(screen.page, options=options)).response
        assert results["passes"], "axe looked at nothing"
        broken = {rule["id"]: [node["html"] for node in rule["nodes"]] for rule in results["violations"]}
        if broken:
            found[where] = broken
    return found
