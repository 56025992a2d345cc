"""Makes the Go participant's fixtures in `media/`: its own test card and tone, encoded, since Go has no encoder.

    python tests/go_client/make_media.py

Needs ffmpeg with libvpx and libopus (Debian's has both). The committed files were made by this script with ffmpeg 5.1.
"""

import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))  # run as a script, not as a module

from meetings.testcard import Card, make_tone, render_card

NUMBER = 20
WIDTH, HEIGHT, FRAMES_PER_SECOND = 320, 192, 15
SECONDS = 4
MEDIA = Path(__file__).parent / "media"


def main() -> None:
    MEDIA.mkdir(exist_ok=True)
    frames = (render_card(Card(NUMBER, counter), WIDTH, HEIGHT) for counter in range(SECONDS * FRAMES_PER_SECOND))
    picture = ["-f", "rawvideo", "-pix_fmt", "yuv420p", "-s", f"{WIDTH}x{HEIGHT}", "-r", str(FRAMES_PER_SECOND)]
    # A key frame each second: who joins late waits no longer than that.
    vp8 = ["-c:v", "libvpx", "-b:v", "150k", "-g", str(FRAMES_PER_SECOND), "-deadline", "good", "-auto-alt-ref", "0"]
    _encode([*picture, "-i", "-"], vp8, b"".join(frame.tobytes() for frame in frames), "participant-20.ivf")
    # One second more: the participant loops over the middle, where the encoder has settled and the seam is not heard.
    tone = make_tone(NUMBER, 48_000, 0, 48_000 * (SECONDS + 1)).tobytes()
    opus = ["-c:a", "libopus", "-b:a", "24k", "-frame_duration", "20"]
    _encode(["-f", "s16le", "-ar", "48000", "-ac", "1", "-i", "-"], opus, tone, "participant-20.ogg")


def _encode(source: list[str], codec: list[str], raw: bytes, name: str) -> None:
    command = ["ffmpeg", "-v", "error", "-y", *source, *codec, "-fflags", "+bitexact", str(MEDIA / name)]
    subprocess.run(command, input=raw, check=True)


if __name__ == "__main__":
    main()
