"""People who sit for the screenshots: drawn, since nobody's face is lent to a product, and calmer than a test card."""

from __future__ import annotations

import asyncio
import base64
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from livekit import rtc
from playwright.async_api import Page

from tests.portal import ROOT

FILM, SEAT = (1280, 720), (640, 360)  # of a browser's camera, and of those who only fill the room
_FRAMES_PER_SECOND = 5
_GRAIN, _GRAINS = 5, 4  # steps of luma, and different pictures of it
_ROOMS = ROOT / "frontend" / "backgrounds"


@dataclass(frozen=True, slots=True)
class Look:
    """One drawn person, in front of one of the call page's own backgrounds."""

    name: str
    skin: str
    hair: str
    jacket: str
    shirt: str
    room: str = "office"
    has_long_hair: bool = False
    has_glasses: bool = False


SITTERS = (
    Look("Claire Lefèvre", "#e8bd9d", "#5b3a23", "#26386b", "#f4f4f8", "office", has_long_hair=True),
    Look("Paul Girard", "#f0c9ab", "#8d8d92", "#3d4147", "#cfe0f4", "library", has_glasses=True),
    Look("Fatima Benali", "#c98f66", "#1f1a1c", "#7a2e3a", "#fbeee2", "office", has_long_hair=True),
    Look("Jürgen Weiß", "#efc6a6", "#b98a4a", "#2f5d50", "#ffffff", "blue"),
    Look("Anaïs Nguyễn", "#e5b894", "#17161b", "#54407f", "#f1ecf7", "library", has_long_hair=True, has_glasses=True),
    Look("James Whitfield", "#f2cdb2", "#6b4a2f", "#2b3f63", "#eef2f8", "office", has_glasses=True),
    Look("Seán O’Connor", "#8a5a3c", "#191516", "#1e2a3a", "#e6ecf2", "office"),
)


def portrait(look: Look) -> str:
    """The person as SVG, of the size of a camera's picture."""
    room = (_ROOMS / f"{look.room}.svg").read_text().partition(">")[2].rpartition("</svg>")[0]
    long_hair = f'<path d="M490 300c-30 150-10 250-40 330h380c-30-80-10-180-40-330z" fill="{look.hair}"/>'
    glasses = (
        '<g fill="none" stroke="#2a2a2e" stroke-width="7"><rect x="556" y="300" width="72" height="54" rx="22"/>'
        '<rect x="652" y="300" width="72" height="54" rx="22"/><path d="M628 320h24"/></g>'
    )
    return f"""<svg xmlns="http://www.w3.org/2000/svg" width="1280" height="720" viewBox="0 0 1280 720">
{room}{long_hair if look.has_long_hair else ""}
<path d="M330 720c6-130 90-176 220-196h180c130 20 214 66 220 196z" fill="{look.jacket}"/>
<path d="M560 524l80 120 80-120-30-20h-100z" fill="{look.shirt}"/>
<path d="M584 430h112v96c-20 50-92 50-112 0z" fill="{look.skin}"/>
<path d="M584 452c30 40 82 40 112 0v26c-30 36-82 36-112 0z" fill="#000" opacity=".12"/>
<ellipse cx="640" cy="322" rx="118" ry="146" fill="{look.skin}"/>
<path d="M518 330c-12-130 40-190 122-190s134 60 122 190c-8-50-22-82-40-104-70 8-120-4-150-24-26 24-46 66-54 128z"
 fill="{look.hair}"/>
<g fill="#26211f"><ellipse cx="592" cy="328" rx="9" ry="10"/><ellipse cx="688" cy="328" rx="9" ry="10"/></g>
<g fill="none" stroke="{look.hair}" stroke-width="8" stroke-linecap="round">
<path d="M570 296q22-14 44 0M666 296q22-14 44 0"/></g>
<path d="M640 336q-12 34 4 40" fill="none" stroke="#000" stroke-opacity=".22" stroke-width="6" stroke-linecap="round"/>
<path d="M596 400q44 34 88 0q-44 58-88 0z" fill="#a8484a"/>{glasses if look.has_glasses else ""}
</svg>"""


async def picture(page: Page, look: Look, size: tuple[int, int]) -> bytes:
    """The portrait as one I420 buffer, drawn by a browser."""
    width, height = size
    address = "data:image/svg+xml;base64," + base64.b64encode(portrait(look).encode()).decode()
    pixels = base64.b64decode(await page.evaluate(_DRAW, [address, width, height]))
    return _i420(np.frombuffer(pixels, np.uint8).reshape(height, width, 4)[:, :, :3].astype(np.float32))


def film(frame: bytes, path: Path) -> Path:
    """A camera's film for Chromium, in which the person sits still."""
    head = b"YUV4MPEG2 W%d H%d F10:1 Ip A1:1 C420jpeg\n" % FILM
    path.write_bytes(head + 4 * (b"FRAME\n" + frame))
    return path


async def sit(room: rtc.Room, frame: bytes) -> asyncio.Task[None]:
    """Publishes the picture, and a microphone in which nobody speaks; cancel the task to stop."""
    camera, microphone = rtc.VideoSource(*SEAT), rtc.AudioSource(48_000, 1)
    options = rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_CAMERA, simulcast=False)
    await room.local_participant.publish_track(rtc.LocalVideoTrack.create_video_track("camera", camera), options)
    await room.local_participant.publish_track(
        rtc.LocalAudioTrack.create_audio_track("microphone", microphone),
        rtc.TrackPublishOptions(source=rtc.TrackSource.SOURCE_MICROPHONE),
    )
    return asyncio.get_running_loop().create_task(_send(camera, frame))


async def _send(camera: rtc.VideoSource, frame: bytes) -> None:
    # Some grain: of a picture that never changes an encoder sends next to nothing, and no camera gives such a one.
    noise = np.random.default_rng(1).integers(0, _GRAIN, (_GRAINS, SEAT[0] * SEAT[1]), np.uint8)
    pictures: list[bytes] = []
    for grains in noise:
        grainy = np.frombuffer(frame, np.uint8).copy()
        grainy[: grains.size] = np.minimum(grainy[: grains.size], 255 - _GRAIN) + grains
        pictures.append(grainy.tobytes())
    for picture in itertools.cycle(pictures):
        camera.capture_frame(rtc.VideoFrame(*SEAT, rtc.VideoBufferType.I420, picture))
        await asyncio.sleep(1 / _FRAMES_PER_SECOND)


def _i420(rgb: npt.NDArray[np.float32]) -> bytes:
    """BT.601, studio range, one colour for each block of four pixels."""
    red, green, blue = rgb[:, :, 0], rgb[:, :, 1], rgb[:, :, 2]
    luma = 16 + 0.257 * red + 0.504 * green + 0.098 * blue
    height, width, _ = rgb.shape
    blocks = rgb.reshape(height // 2, 2, width // 2, 2, 3).mean(axis=(1, 3))
    red, green, blue = blocks[:, :, 0], blocks[:, :, 1], blocks[:, :, 2]
    planes = (
        luma,
        128 - 0.148 * red - 0.291 * green + 0.439 * blue,
        128 + 0.439 * red - 0.368 * green - 0.071 * blue,
    )
    return b"".join(np.clip(plane, 0, 255).astype(np.uint8).tobytes() for plane in planes)


_DRAW = """
async ([address, width, height]) => {
  const image = new Image(width, height);
  image.src = address;
  await image.decode();
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d");
  context.drawImage(image, 0, 0, width, height);
  const { data } = context.getImageData(0, 0, width, height);
  let text = "";
  for (let at = 0; at < data.length; at += 32768) text += String.fromCharCode(...data.subarray(at, at + 32768));
  return btoa(text);
}
"""
