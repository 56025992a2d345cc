"""The test card and tone are read as what was sent, or not at all."""

from fractions import Fraction

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from meetings.testcard import (
    HIGHEST_NUMBER,
    TONE_WINDOW_SAMPLES,
    Bytes,
    Card,
    hear_tones,
    make_tone,
    read_card,
    render_card,
)

numbers = st.integers(0, HIGHEST_NUMBER)


@given(
    number=numbers,
    counter=st.integers(0, 70_000),
    size=st.sampled_from([(160, 90), (320, 180), (640, 360), (1280, 720)]),
)
def test_a_card_says_whose_picture_it_is_and_which_frame(number: int, counter: int, size: tuple[int, int]) -> None:
    assert read_card(render_card(Card(number, counter), *size), *size) == Card(number, counter % 65_536)


@pytest.mark.parametrize("size", [(160, 90), (320, 180), (640, 360)])
def test_a_card_is_read_after_vp8_at_the_rate_of_a_thumbnail(size: tuple[int, int]) -> None:
    width, height = size
    encoder = av.CodecContext.create("libvpx", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    encoder.width, encoder.height, encoder.pix_fmt = width, height, "yuv420p"
    encoder.time_base, encoder.framerate, encoder.bit_rate = Fraction(1, 15), Fraction(15), 150_000
    encoder.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
    decoder = av.CodecContext.create("vp8", "r")
    assert isinstance(decoder, av.VideoCodecContext)
    seen = []
    for counter in range(250, 280):
        planes = render_card(Card(5, counter), width, height).reshape(height * 3 // 2, width)
        for packet in encoder.encode(av.VideoFrame.from_ndarray(planes, format="yuv420p")):
            seen += [
                read_card(np.asarray(frame.to_ndarray(), np.uint8).ravel(), width, height)
                for frame in decoder.decode(packet)
            ]
    assert seen == [Card(5, counter) for counter in range(250, 250 + len(seen))]
    assert len(seen) >= 20


@given(
    blocks=st.lists(st.tuples(st.integers(2, 5), st.integers(0, 7)), min_size=1, max_size=3, unique=True),
    number=numbers,
)
def test_a_damaged_card_is_not_taken_for_another_one(blocks: list[tuple[int, int]], number: int) -> None:
    picture = render_card(Card(number, 4660), 160, 96)
    luma = picture[: 160 * 96].reshape(96, 160)
    for row, column in blocks:
        luma[row * 16 : row * 16 + 16, column * 20 : column * 20 + 20] ^= 0xFF
    assert read_card(picture, 160, 96) is None


def test_a_card_with_the_colour_of_another_participant_is_refused() -> None:
    picture, other = render_card(Card(1, 7), 160, 96), render_card(Card(2, 7), 160, 96)
    picture[160 * 96 :] = other[160 * 96 :]
    assert read_card(picture, 160, 96) is None


@pytest.mark.parametrize("picture", [np.zeros(160 * 96 * 3 // 2, np.uint8), np.full(160 * 96 * 3 // 2, 128, np.uint8)])
def test_a_black_or_grey_picture_is_no_card(picture: Bytes) -> None:
    # The CRC of nothing is nothing, so a black picture would read as card 0, frame 0, were it not for the colour.
    assert read_card(picture, 160, 96) is None


def test_a_picture_too_small_for_its_blocks_is_no_card() -> None:
    assert read_card(np.zeros(20 * 20 * 2, np.uint8), 20, 20) is None


@given(number=numbers, first_sample=st.integers(0, 10**6))
def test_a_tone_says_whose_sound_it_is(number: int, first_sample: int) -> None:
    assert hear_tones(make_tone(number, 16_000, first_sample, TONE_WINDOW_SAMPLES)) == {number}


@given(chosen=st.sets(numbers, min_size=2, max_size=4))
def test_several_tones_of_one_mix_are_told_apart(chosen: set[int]) -> None:
    mix = sum(make_tone(number, 16_000, 0, TONE_WINDOW_SAMPLES).astype(np.int32) for number in chosen) // len(chosen)
    assert hear_tones(np.asarray(mix, np.int16)) == chosen


def test_silence_and_soft_noise_are_no_tone() -> None:
    noise = np.random.default_rng(1).normal(0, 500, TONE_WINDOW_SAMPLES).astype(np.int16)
    assert hear_tones(np.zeros(TONE_WINDOW_SAMPLES, np.int16)) == frozenset()
    assert hear_tones(noise) == frozenset()


def test_a_tone_continues_over_successive_calls() -> None:
    halves = np.concatenate((make_tone(3, 48_000, 0, 480), make_tone(3, 48_000, 480, 480)))
    assert (halves == make_tone(3, 48_000, 0, 960)).all()
