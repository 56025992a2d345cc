"""LiveKit's own browser SDK, unchanged, without our page: in both of its modes."""

from pathlib import Path

import pytest

from meetings.probe import Probe, ProbeOptions
from tests.calls import leave_all, wait_until
from tests.portal import ROOT, Portal
from tests.screens import ChromiumScreen, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

SDK = ROOT / "node_modules" / "livekit-client" / "dist" / "livekit-client.umd.js"
JOIN = """
async ([url, token, options]) => {
  const room = new LivekitClient.Room(options);
  room.on("trackSubscribed", (track, publication, participant) => {
    const tile = document.createElement("div");
    tile.dataset.identity = participant.identity;
    tile.dataset.track = publication.trackSid;
    tile.append(track.attach());
    document.body.prepend(tile);
  });
  room.on("trackUnsubscribed", (_, publication) => {
    document.querySelector(`[data-track="${publication.trackSid}"]`).remove();
  });
  await room.connect(url, token);
  await room.localParticipant.enableCameraAndMicrophone();
  window.room = room;
}
"""
SUBSCRIBE = """
(isWanted) => {
  for (const person of room.remoteParticipants.values())
    for (const publication of person.trackPublications.values()) publication.setSubscribed(isWanted);
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
            await _until_meets(screen)
        finally:
            await leave_all([probe])


async def test_what_a_browser_takes_again_is_shown_and_heard_again(portal: Portal, tmp_path: Path) -> None:
    """A section of the connection is used again meanwhile, which libwebrtc's picture does not survive by itself."""
    room = "again"
    probe = Probe(4, ProbeOptions(watch=False, listen=False))
    async with chromium(5, portal, tmp_path) as screen:
        await screen.page.add_init_script(path=SDK)
        await screen.goto("/legal/")
        try:
            await probe.join(portal.engine_url, portal.token(room, "python"))
            options = {"singlePeerConnection": False, "adaptiveStream": True, "dynacast": True}
            await screen.page.evaluate(JOIN, [portal.engine_url, portal.token(room, "browser"), options])
            for _ in range(3):
                await _until_meets(screen)
                await screen.page.evaluate(SUBSCRIBE, False)
                await screen.page.wait_for_selector("[data-identity]", state="detached")
                await screen.page.evaluate(SUBSCRIBE, True)
            await _until_meets(screen)
        finally:
            await leave_all([probe])


async def _until_meets(screen: ChromiumScreen) -> None:
    """From now on the page shows moving pictures of participant 4, and plays their tone."""
    await screen.forget()

    async def meets() -> bool:
        seen, heard = await screen.report()
        pictures = seen.get("python", set())
        return len(pictures) >= 3 and {number for number, _ in pictures} == {4} == heard

    await wait_until(meets, lambda: "the browser does not see or hear participant 4")
