"""LiveKit's own browser SDK, unchanged, without our page: in both of its modes."""

from pathlib import Path

import pytest

from meetings.probe import Probe
from tests.calls import leave_all, wait_until
from tests.portal import ROOT, Portal
from tests.screens import chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

SDK = ROOT / "node_modules" / "livekit-client" / "dist" / "livekit-client.umd.js"
JOIN = """
async ([url, token, options]) => {
  const room = new LivekitClient.Room(options);
  room.on("trackSubscribed", (track, publication, participant) => {
    const tile = document.createElement("div");
    tile.dataset.identity = participant.identity;
    tile.append(track.attach());
    document.body.append(tile);
  });
  await room.connect(url, token);
  await room.localParticipant.enableCameraAndMicrophone();
}
"""


@pytest.mark.parametrize("options", [{}, {"singlePeerConnection": False}], ids=["default", "two-peer-connections"])
async def test_stock_livekit_client_calls_the_python_sdk(
    portal: Portal, tmp_path: Path, options: dict[str, bool]
) -> None:
    room = f"stock-{len(options)}"
    probe = Probe(4)
    async with chromium(5, portal, tmp_path) as screen:
        # By default the SDK asks for /rtc/v1 first, is told 404, and falls back: the browser notes that on the console.
        screen.tolerated += [r"/rtc/v1", r"status of 404"]
        await screen.page.add_init_script(path=SDK)
        await screen.goto("/legal/")
        try:
            await probe.join(portal.engine_url, portal.token(room, "python"))
            await screen.page.evaluate(JOIN, [portal.engine_url, portal.token(room, "browser"), options])
            await wait_until(
                lambda: probe.sees() == {"browser": {5}} == probe.hears(), lambda: (probe.sees(), probe.hears())
            )

            async def browser_meets() -> bool:
                seen, heard = await screen.report()
                return {number for number, _ in seen.get("python", ())} == {4} == heard

            await wait_until(browser_meets, lambda: "the browser does not see or hear participant 4")
        finally:
            await leave_all([probe])
