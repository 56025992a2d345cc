"""Picture and sound as people set them: backgrounds, noise filter, holding to talk, hints and their repair."""

import base64
import json
import wave
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from meetings.testcard import Card, render_card
from tests.calls import wait_until
from tests.people import ALICE, PASSWORD
from tests.portal import Portal
from tests.screen_acts import guest_is_admitted, host_opens_a_room
from tests.screens import ChromiumScreen, assert_meets, assert_screens_meet, chromium

pytestmark = [pytest.mark.browser, pytest.mark.calls]

PREFERENCES = "visio.preferences.1"
# TensorFlow Lite writes this to the console as an error, although nothing is wrong.
CHATTER = r"^INFO: Created TensorFlow Lite XNNPACK delegate for CPU\.$"


@asynccontextmanager
async def two_people(
    portal: Portal,
    media: Path,
    *,
    name: str = "Bob Petit",
    flags: Sequence[str] = (),
    shares: str = "",
    script: str = "",
) -> AsyncIterator[tuple[ChromiumScreen, ChromiumScreen]]:
    """Host and guest in one call. The guest's browser has `flags`, and runs `script` before the page's own."""
    async with chromium(1, portal, media) as host, chromium(2, portal, media, flags=flags, shares=shares) as guest:
        guest.tolerated.append(CHATTER)
        await host.page.add_init_script(_COUNTS_VIDEO)
        await guest.page.add_init_script(script or "0")
        slug = await host_opens_a_room(host)
        await guest_is_admitted(host, guest, slug, name)
        yield host, guest


# --- picture


async def test_a_remembered_blur_is_on_before_the_first_frame_and_can_be_changed_in_the_call(
    portal: Portal, media: Path
) -> None:
    film = _film(media, 160, 96)  # small: this machine draws without a graphics card
    async with two_people(portal, media, flags=film, script=_remembers(background="blur-strong")) as (host, guest):
        sender = await guest.identity()
        await _shows_pictures_of(host, sender, least=5)
        seen, _ = await host.report()
        assert sender not in seen, f"the guest's bare picture was shown: {seen[sender]}"
        await _choose_background(guest, "picture-blue")
        await _is_blue(host, sender)
        # Off and on again, the effect is still there before the picture is.
        await host.forget()
        await _press_and_wait(guest, "camera-button", "false")
        await _press_and_wait(guest, "camera-button", "true")
        await _is_blue(host, sender)
        seen, _ = await host.report()
        assert sender not in seen, f"the guest's bare picture was shown: {seen[sender]}"
        await _choose_background(guest, "none")
        await assert_meets(host, {sender: guest.number})


async def test_a_machine_that_is_too_slow_turns_the_camera_off_says_so_and_offers_it_bare(
    portal: Portal, media: Path
) -> None:
    async with two_people(portal, media, flags=_film(media, 160, 96), script=_SLOW) as (host, guest):
        sender = await guest.identity()
        await _choose_background(guest, "blur-strong")
        await guest.shows("hint-bare-camera")
        await guest.wait_for('[data-testid="camera-button"][aria-pressed="false"]')
        await guest.wait_for('[data-testid="background-fault"][data-fault="slow"]')
        await host.wait_for(f'[data-testid="tile"][data-identity="{sender}"][data-camera="off"]')
        await guest.press("hint-bare-camera")
        await assert_meets(host, {sender: guest.number})


async def test_a_browser_without_webgl_says_so_in_the_device_check_and_shows_the_bare_picture(
    portal: Portal, media: Path
) -> None:
    async with chromium(1, portal, media, flags=["--disable-3d-apis"]) as host:
        await host.page.add_init_script(_remembers(background="blur-light"))
        await host.sign_in(ALICE, PASSWORD)
        await host.meet_now()
        await host.wait_for('[data-testid="background-fault"][data-fault="unsupported"]')
        await host.press("background-button")
        await host.wait_for('[data-testid="background-chooser"][data-choice="none"]')
        await _preview_moves(host)


async def test_an_own_picture_stays_in_the_browser_and_can_be_removed(portal: Portal, media: Path) -> None:
    async with chromium(1, portal, media, flags=_film(media, 160, 96)) as host:
        host.tolerated.append(CHATTER)
        await host.sign_in(ALICE, PASSWORD)
        await host.meet_now()
        await host.press("background-button")
        asked = len((await host.problems())[1])
        await host.page.set_input_files('[data-testid="background-upload"]', str(_picture(media)))
        await host.wait_for('[data-testid="background-chooser"][data-choice="picture-own"][aria-busy="false"]')
        await _preview_moves(host)
        requests = (await host.problems())[1][asked:]
        sent = [address for address in requests if not address.startswith("data:") and "/static/" not in address]
        assert not sent, f"the browser asked {sent}"
        await host.page.reload()
        await host.press("background-button")
        await host.wait_for('[data-testid="background-chooser"][data-choice="picture-own"]')
        await host.press("background-remove")
        await host.wait_for('[data-testid="background-chooser"][data-choice="none"]')
        assert await host.evaluate("localStorage.getItem('visio.background.1') === null")


# --- microphone


async def test_holding_space_talks_and_speech_while_muted_is_told(portal: Portal, media: Path) -> None:
    async with two_people(portal, media) as (host, guest):
        own, other = await guest.identity(), await host.identity()
        await assert_screens_meet([host, guest])
        await _press_and_wait(guest, "mic-button", "false")
        await guest.shows("muted-speech")  # the fake microphone never stops
        await guest.evaluate("document.querySelector('[data-testid=call-stage]').focus()")
        await guest.page.keyboard.down(" ")
        await guest.wait_for('[data-testid="mic-button"][aria-pressed="true"]')
        await _hears(host, {guest.number})
        await guest.page.keyboard.up(" ")
        await guest.wait_for('[data-testid="mic-button"][aria-pressed="false"]')
        await _hears(host, set())
        # On a control the bar is the control's.
        await guest.evaluate("document.querySelector('[data-testid=people-button]').focus()")
        await guest.page.keyboard.press(" ")
        await guest.shows("people-panel")
        assert await guest.evaluate("document.querySelector('[data-testid=mic-button]').ariaPressed") == "false"
        # Switched off, it does nothing anywhere.
        await _open_settings(guest)
        await guest.click('[data-testid="push-to-talk"]')
        await guest.press("panel-close")
        await guest.evaluate("document.querySelector('[data-testid=call-stage]').focus()")
        await guest.page.keyboard.press(" ")
        assert await guest.evaluate("document.querySelector('[data-testid=mic-button]').ariaBusy") == "false"
        await _press_and_wait(guest, "mic-button", "true")
        await assert_meets(host, {own: guest.number})
        await assert_meets(guest, {other: host.number})


async def test_the_stronger_noise_filter_lets_the_voice_through_and_where_it_cannot_run_people_are_still_heard(
    portal: Portal, media: Path
) -> None:
    async with two_people(portal, media) as (host, guest):
        await _open_settings(guest)
        await guest.click('[data-testid="noise-rnnoise"]')
        await guest.wait_for('[data-testid="noise-filter"][data-running="rnnoise"]')
        await _hears(host, {guest.number})
        await guest.click('[data-testid="noise-browser"]')
        await guest.wait_for('[data-testid="noise-filter"][data-running="browser"]')
        await _hears(host, {guest.number})
        guest.tolerated.append("ERR_FAILED")  # the test's own doing
        await guest.page.route("**/rnnoise*.wasm", lambda route: route.abort())
        await guest.click('[data-testid="noise-rnnoise"]')
        await guest.wait_for('[data-testid="toast"]')
        assert await guest.evaluate("document.querySelector('[data-testid=noise-browser]').checked")
        await _hears(host, {guest.number})


async def test_a_microphone_without_sound_is_told_and_another_device_is_one_click_away(
    portal: Portal, media: Path
) -> None:
    silence = f"--use-file-for-fake-audio-capture={_silence(media)}"
    async with two_people(portal, media, flags=[silence], script=_HIDES_A_MICROPHONE) as (_, guest):
        await guest.shows("dead-microphone")
        await guest.press("hint-reopen")
        await guest.shows("toast")
        await guest.shows("dead-microphone")  # it is as dead as before
        await guest.press("hint-choose")
        await guest.shows("settings-panel")
        await guest.press("panel-close")
        await guest.evaluate("plugIn()")
        await guest.shows("device-hint")
        plugged = await guest.evaluate("pluggedId")
        await guest.press("hint-use-device")
        await wait_until(
            lambda: guest.evaluate(f"JSON.parse(localStorage['{PREFERENCES}']).microphoneId === '{plugged}'"),
            lambda: "the new microphone was not chosen",
        )
        await guest.evaluate("pullOut()")
        await wait_until(
            lambda: guest.evaluate(
                "[...document.querySelectorAll('[data-testid=toast]')].some((t) => /débranché/.test(t.innerText))"
            ),
            lambda: "nobody says that the microphone is gone",
        )


# --- what one hears and sees of the others


async def test_each_person_has_a_volume_and_a_second_device_of_a_person_can_be_silent(
    portal: Portal, media: Path
) -> None:
    async with two_people(portal, media, name="alice  martin") as (host, guest):
        other, own = await guest.identity(), await host.identity()
        await host.shows("twin-hint")
        await host.press("people-button")
        await host.press(f"volume-button-{other}")
        await host.fill(f'[data-testid="volume-{other}"]', "0")
        await _hears(host, set())
        await host.fill(f'[data-testid="volume-{other}"]', "40")
        await _hears(host, {guest.number})
        assert await host.evaluate(f"document.querySelector('audio[data-identity=\"{other}\"]').volume") == 0.4
        await host.press("panel-close")

        await host.press("hint-without-sound")
        await host.shows("sound-off-hint")
        await host.wait_for('[data-testid="mic-button"][aria-pressed="false"]')
        await _hears(host, set())
        await _hears(guest, set())
        await host.press("sound-again")
        await _hears(host, {guest.number})
        await _press_and_wait(host, "mic-button", "true")
        await assert_meets(guest, {own: host.number})


async def test_sound_first_takes_no_picture_and_sends_none_until_one_click_brings_them_back(
    portal: Portal, media: Path
) -> None:
    async with two_people(portal, media) as (host, guest):
        own = await host.identity()
        await assert_screens_meet([host, guest])
        await host.press("more-menu")
        await host.press("sound-first-button")
        await host.wait_for('[data-testid="camera-button"][aria-pressed="false"]')
        await wait_until(
            lambda: host.evaluate("document.querySelectorAll('[data-testid=tile-video]').length === 0"),
            lambda: "a picture is still shown",
        )
        await _hears(host, {guest.number})
        await assert_meets(guest, {own: host.number}, pictures=False)
        received = await _video_bytes(host)
        await _hears(host, {guest.number})
        assert await _video_bytes(host) == received, "pictures still come in"
        await host.press("picture-again")
        await assert_screens_meet([host, guest])


async def test_the_sound_of_a_shared_tab_arrives_and_is_played(portal: Portal, media: Path) -> None:
    """That it is played; headless Chromium is mute, so what is in it cannot be told."""
    title = "Shared tab with sound"
    async with two_people(portal, media, shares=title) as (host, guest):
        window = await guest.page.context.new_page()
        await window.evaluate("([number, title]) => probe.show(number, title)", [7, title])
        await guest.page.bring_to_front()
        await guest.press("share-button")
        await host.shows("share-tile")
        element = "document.querySelector('audio[data-source=screen_share_audio]')"
        plays = f"(({element})?.currentTime ?? 0) > 1 && !({element}).muted && !({element}).paused"
        await wait_until(lambda: host.evaluate(plays), lambda: "the tab's sound is not played")
        await _hears(host, {guest.number})
        await guest.press("share-button")
        await wait_until(lambda: host.evaluate(f"{element} === null"), lambda: "the tab's sound goes on")
        await _hears(host, {guest.number})


# --- steps


def _remembers(**preferences: object) -> str:
    """A script that lays preferences down before the page looks for any."""
    return f"localStorage['{PREFERENCES}'] ??= JSON.stringify({json.dumps(preferences)});"


# Each processed frame takes at least 0.4 s, on any machine.
_SLOW = """
  window.VideoFrame = new Proxy(VideoFrame, {
    construct(kind, options) {
      for (const until = performance.now() + 400; performance.now() < until; );
      return new kind(...options);
    },
  });
"""

# The machine's list of devices without its last microphone, until it is plugged in.
_HIDES_A_MICROPHONE = """
  const all = navigator.mediaDevices.enumerateDevices.bind(navigator.mediaDevices);
  let isPlugged = false;
  navigator.mediaDevices.enumerateDevices = async () => {
    const devices = await all();
    const last = devices.findLast(({ kind }) => kind === "audioinput");
    window.pluggedId = last?.deviceId;
    return isPlugged ? devices : devices.filter((device) => device !== last);
  };
  const change = (plugged) => () => {
    isPlugged = plugged;
    navigator.mediaDevices.dispatchEvent(new Event("devicechange"));
  };
  window.plugIn = change(true);
  window.pullOut = change(false);
"""

_COUNTS_VIDEO = """
  const connections = [];
  window.RTCPeerConnection = class extends RTCPeerConnection {
    constructor(...options) {
      super(...options);
      connections.push(this);
    }
  };
  window.receivedVideo = async () => {
    const reports = await Promise.all(connections.map((connection) => connection.getStats()));
    return reports
      .flatMap((report) => [...report.values()])
      .filter(({ type, kind }) => type === "inbound-rtp" && kind === "video")
      .reduce((sum, { bytesReceived }) => sum + bytesReceived, 0);
  };
"""


async def _open_settings(screen: ChromiumScreen) -> None:
    if await screen.evaluate("!document.querySelector('[data-testid=settings-panel]')"):
        await screen.press("more-menu")
        await screen.press("settings-button")
        await screen.shows("settings-panel")


async def _choose_background(screen: ChromiumScreen, choice: str) -> None:
    await _open_settings(screen)
    await screen.click(f'[data-testid="background-{choice}"]')
    await screen.wait_for(f'[data-testid="background-chooser"][data-choice="{choice}"][aria-busy="false"]')


async def _press_and_wait(screen: ChromiumScreen, test_id: str, pressed: str) -> None:
    await screen.press(test_id)
    await screen.wait_for(f'[data-testid="{test_id}"][aria-pressed="{pressed}"][aria-busy="false"]')


async def _hears(screen: ChromiumScreen, numbers: set[int]) -> None:
    """Exactly these tones, for a whole second of listening."""
    last: set[int] = set()

    async def hears() -> bool:
        await screen.forget()
        await screen.page.wait_for_timeout(1200)  # the time listened to, not a wait for something to happen
        last.clear()
        last.update((await screen.report())[1])
        return last == numbers

    await wait_until(hears, lambda: f"browser {screen.number} hears {last}, wanted {numbers}")


async def _shows_pictures_of(screen: ChromiumScreen, identity: str, *, least: int) -> None:
    """So many pictures of one person are drawn from now on, whatever is on them."""
    video = f"document.querySelector('video[data-identity=\"{identity}\"]')"
    count = f"({video}?.getVideoPlaybackQuality().totalVideoFrames ?? 0)"
    start = await screen.evaluate(count)
    await wait_until(lambda: screen.evaluate(f"{count} >= {start + least}"), lambda: f"no pictures of {identity}")


async def _preview_moves(screen: ChromiumScreen) -> None:
    count = "document.querySelector('[data-testid=preview] video').getVideoPlaybackQuality().totalVideoFrames"
    start = await screen.evaluate(count)
    await wait_until(lambda: screen.evaluate(f"{count} !== {start}"), lambda: "the preview stands still")


async def _video_bytes(screen: ChromiumScreen) -> int:
    """Received so far by all connections of this page."""
    return int(await screen.evaluate("receivedVideo()"))


async def _is_blue(screen: ChromiumScreen, identity: str) -> None:
    """The picture of one person is the blue background (the test card has no person before it)."""
    mean = f"""(() => {{
      const video = document.querySelector('video[data-identity="{identity}"]');
      const canvas = new OffscreenCanvas(32, 18), context = canvas.getContext("2d");
      if (video) context.drawImage(video, 0, 0, 32, 18);
      const {{ data }} = context.getImageData(0, 0, 32, 18);
      const sum = [0, 0, 0];
      for (let at = 0; at < data.length; at += 4) for (let c = 0; c < 3; c++) sum[c] += data[at + c];
      return sum.map((value) => Math.round((value * 4) / data.length));
    }})()"""
    last: list[int] = []

    async def is_blue() -> bool:
        last[:] = await screen.evaluate(mean)
        red, green, blue = last
        return blue > 100 and blue > 1.5 * red and blue > 1.5 * green

    await wait_until(is_blue, lambda: f"the mean colour is {last}")


# --- what the fake devices give


def _film(media: Path, width: int, height: int) -> list[str]:
    """The flag that makes the guest's camera show its test card in this size."""
    path = media / f"{width}x{height}.y4m"
    if not path.exists():
        with path.open("wb") as file:
            file.write(b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % (width, height))
            for counter in range(20):
                file.write(b"FRAME\n" + render_card(Card(2, counter), width, height).tobytes())
    return [f"--use-file-for-fake-video-capture={path}"]


def _silence(media: Path) -> Path:
    path = media / "silence.wav"
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(bytes(2 * 48_000))
    return path


def _picture(media: Path) -> Path:
    """The smallest PNG: one red pixel."""
    path = media / "own.png"
    path.write_bytes(base64.b64decode(_RED_PIXEL))
    return path


_RED_PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg=="
