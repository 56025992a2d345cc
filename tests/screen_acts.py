"""What hosts and guests do in the page, step by step, and what must hold after each step."""

from tests.calls import wait_until
from tests.people import ALICE, PASSWORD
from tests.screens import Screen, assert_gone, assert_meets, assert_screens_meet


async def host_opens_a_room(host: Screen) -> str:
    await host.sign_in(ALICE, PASSWORD)
    slug = await host.meet_now()
    await host.press("join-button")
    await host.shows("call-stage")
    return slug


async def guest_is_admitted(host: Screen, guest: Screen, slug: str, name: str) -> None:
    await guest.ask_to_enter(slug, name)
    await guest.shows("lobby-waiting")
    await host.press("notice-admit")
    await guest.shows("call-stage")


async def mute_and_unmute(speaker: Screen, listener: Screen) -> None:
    own, other = await speaker.identity(), await listener.identity()
    await speaker.press("mic-button")
    await speaker.press("camera-button")
    await assert_gone(listener, own)
    await assert_meets(speaker, {other: listener.number})
    await speaker.press("mic-button")
    await speaker.press("camera-button")
    await assert_screens_meet([speaker, listener])


async def cut_the_websocket(screen: Screen, everyone: list[Screen]) -> None:
    # livekit-client writes on while the cut reaches it.
    screen.tolerated.append("WebSocket is already in CLOSING or CLOSED state")
    assert await screen.evaluate("probe.cut('/rtc')") == 1
    await wait_until(lambda: screen.evaluate("probe.opened('/rtc') === 2"), lambda: "no new websocket")
    await assert_screens_meet(everyone)
