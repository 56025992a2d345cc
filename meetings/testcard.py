"""The test card and the tone by which synthetic participants know each other's media.

A card is a picture of 8 × 6 blocks, big enough to survive VP8 at 160 × 90: two rows of the participant's colour, then
one row of bits each for the participant's number, the high and the low byte of the frame counter, and a CRC-8 of these
three. A tone is a sine whose frequency is the participant's number. Whoever decodes a card or a tone knows whose medium
it is, not merely that there is one. `tests/browser/media.js` holds the same code for browsers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Samples = npt.NDArray[np.int16]

COLUMNS, ROWS = 8, 6
COUNTER_MODULUS = 1 << 16
HIGHEST_NUMBER = 31  # its tone (3.5 kHz) still passes a 16 kHz receiver and Opus at voice rates

# Studio-range BT.601. Eight hues at equal saturation: neighbours differ by 60 steps, VP8 moves them by less than 10.
WHITE, BLACK, NEUTRAL = 235, 16, 128
_HUES: tuple[tuple[int, int, int], ...] = tuple(
    (126, round(128 + 80 * np.cos(2 * np.pi * hue / 8)), round(128 + 80 * np.sin(2 * np.pi * hue / 8)))
    for hue in range(8)
)

# Where a bit is neither clearly black nor clearly white the picture is being repaired or scaled too far: not readable.
_DARK_BELOW, _LIGHT_ABOVE = 100, 150
_PALE_BELOW = 40  # of the 80 steps of saturation that are sent

TONE_SAMPLE_RATE = 16_000
TONE_WINDOW_SAMPLES = 1_600  # 100 ms: bins of 10 Hz, every tone sits on one
TONE_AMPLITUDE = 8_000
_TONE_BASE_HZ, _TONE_STEP_HZ = 400, 100
_QUIETEST_TONE = 400.0  # of 32,768: 26 dB under the amplitude that is sent


@dataclass(frozen=True, slots=True)
class Card:
    """What a picture says: whose it is and which frame."""

    number: int
    counter: int


def crc8(data: Sequence[int]) -> int:
    """CRC-8 (polynomial 0x07), so that a half-repaired picture is not taken for another participant's."""
    value = 0
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = ((value << 1) ^ 0x07) & 0xFF if value & 0x80 else value << 1
    return value


def render_card(card: Card, width: int, height: int) -> Bytes:
    """The card as one I420 buffer (Y, U, V planes). Width and height must be multiples of 16."""
    if width % 16 or height % 2:
        raise ValueError(f"a card of {width} × {height} has no whole blocks in its chroma planes")
    rows = _bit_rows(card)
    luma, cb, cr = _HUES[card.number % len(_HUES)]
    y = np.full((ROWS, COLUMNS), luma, np.uint8)
    y[2:] = np.where(rows, WHITE, BLACK)
    y_rows = np.minimum(np.arange(height) * ROWS // height, ROWS - 1)
    full = np.repeat(y, width // COLUMNS, axis=1)[y_rows]
    chroma = np.full((2, height // 2, width // 2), NEUTRAL, np.uint8)
    chroma[:, : height * 2 // ROWS // 2] = np.array((cb, cr), np.uint8)[:, None, None]
    return np.concatenate((full.ravel(), chroma.ravel()))


def read_card(planes: Bytes, width: int, height: int) -> Card | None:
    """What an I420 picture says, or None where it is no undamaged card."""
    if width < COLUMNS * 4 or height < ROWS * 4 or planes.size < width * height * 3 // 2:
        return None
    chroma_width, chroma_height = (width + 1) // 2, (height + 1) // 2
    y = planes[: width * height].reshape(height, width)
    u, v = planes[width * height :][: 2 * chroma_width * chroma_height].reshape(2, chroma_height, chroma_width)
    means = _block_means(y)
    if ((means[2:] > _DARK_BELOW) & (means[2:] < _LIGHT_ABOVE)).any():
        return None
    number, high, low, check = (int(byte) for byte in np.packbits(means[2:] >= _LIGHT_ABOVE, axis=1)[:, 0])
    if crc8((number, high, low)) != check or number > HIGHEST_NUMBER:
        return None
    top = (slice(chroma_height // 12, chroma_height // 4), slice(chroma_width // 8, chroma_width * 7 // 8))
    if _nearest_hue(float(u[top].mean()), float(v[top].mean())) != number % len(_HUES):
        return None
    return Card(number, high << 8 | low)


def tone_hz(number: int) -> int:
    """The frequency of the participant with this number."""
    if not 0 <= number <= HIGHEST_NUMBER:
        raise ValueError(f"participant numbers run from 0 to {HIGHEST_NUMBER}, not {number}")
    return _TONE_BASE_HZ + _TONE_STEP_HZ * number


def make_tone(number: int, sample_rate: int, first_sample: int, count: int) -> Samples:
    """`count` samples of a participant's tone, continuous over successive calls."""
    phase = 2 * np.pi * tone_hz(number) * (first_sample + np.arange(count)) / sample_rate
    return (TONE_AMPLITUDE * np.sin(phase)).astype(np.int16)


def hear_tones(samples: Samples, sample_rate: int = TONE_SAMPLE_RATE) -> frozenset[int]:
    """The participants whose tones are in a window of samples (100 ms or a multiple)."""
    window = _window(samples.size)
    spectrum = np.abs(np.fft.rfft(samples * window))
    hz_per_bin = sample_rate / samples.size
    bins = np.rint((_TONE_BASE_HZ + _TONE_STEP_HZ * np.arange(HIGHEST_NUMBER + 1)) / hz_per_bin).astype(int)
    levels = spectrum[bins]
    # A quarter of the loudest: leakage and Opus' artefacts stay 20 dB below, several speakers of one mix within 6 dB.
    heard = levels > max(_QUIETEST_TONE, float(levels.max()) / 4)
    return frozenset(int(number) for number in np.flatnonzero(heard))


@lru_cache(maxsize=4)
def _window(size: int) -> npt.NDArray[np.float64]:
    """A Hann window scaled so that the spectrum shows the amplitudes of sines."""
    window = np.hanning(size)
    scaled: npt.NDArray[np.float64] = window * (2 / window.sum())
    return scaled


def _bit_rows(card: Card) -> npt.NDArray[np.bool_]:
    if not 0 <= card.number <= HIGHEST_NUMBER:
        raise ValueError(f"participant numbers run from 0 to {HIGHEST_NUMBER}, not {card.number}")
    counter = card.counter % COUNTER_MODULUS
    said = (card.number, counter >> 8, counter & 0xFF)
    return np.unpackbits(np.array([*said, crc8(said)], np.uint8)).reshape(4, 8).astype(bool)


def _block_means(y: Bytes) -> npt.NDArray[np.float64]:
    """Mean of nine points around the middle of each block: edges are where codecs and scalers blur."""
    height, width = y.shape
    offsets = np.array((0.35, 0.5, 0.65))
    rows = ((np.arange(ROWS)[:, None] + offsets) * height / ROWS).astype(int).ravel()
    columns = ((np.arange(COLUMNS)[:, None] + offsets) * width / COLUMNS).astype(int).ravel()
    points = y[np.ix_(rows, columns)].reshape(ROWS, 3, COLUMNS, 3)
    means: npt.NDArray[np.float64] = points.mean(axis=(1, 3))
    return means


def _nearest_hue(cb: float, cr: float) -> int | None:
    """The hue of a colour, or None where it is too pale to have one."""
    if np.hypot(cb - NEUTRAL, cr - NEUTRAL) < _PALE_BELOW:
        return None
    return min(range(len(_HUES)), key=lambda hue: (_HUES[hue][1] - cb) ** 2 + (_HUES[hue][2] - cr) ** 2)
