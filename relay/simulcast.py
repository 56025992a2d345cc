"""Continuous numbers of a layer (drops leave no hole) and of a down track (over a switch), and the choice of layer.

Pure arithmetic on the wrap-around circles; the only state is that of one layer or of one down track.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

# A jump this long is a restart of the sender, not loss: asking for the packets again would flood it.
MAX_GAP = 256
# As many late packets in a row mean that the sender started anew below its old numbers.
RESTART_AFTER = 32
# Missing packets remembered per layer; older ones are given up.
MAX_MISSING = 512
# livekit-protocol.md D.2: a layer that covers nine tenths of the size asked for is good enough.
SIZE_TOLERANCE = 0.9


class Layer(NamedTuple):
    """One simulcast layer as announced by the publisher. `quality`: 0 low, 1 medium, 2 high."""

    quality: int
    rid: str
    width: int
    height: int
    bitrate_bps: int


class Missing:
    """A packet that has not come: its continuous number, and how often we asked."""

    __slots__ = ("next_at", "number", "since", "tries")

    def __init__(self, number: int, since: float, next_at: float) -> None:
        self.number = number
        self.since = since
        self.next_at = next_at
        self.tries = 0


class IncomingNumbers:
    """Gives each packet of one incoming SSRC its continuous number: packets dropped on purpose leave no hole.

    `highest` counts the sender's packets beyond 16 bits; `highest - shift` is the number of the last one forwarded.
    """

    __slots__ = ("first", "highest", "is_restarted", "late_in_a_row", "missing", "shift")

    def __init__(self) -> None:
        self.first = -1
        self.highest = -1
        self.shift = 0
        self.missing: dict[int, Missing] = {}
        self.late_in_a_row = 0
        self.is_restarted = False  # set when a gap was closed up: a video decoder needs a key frame

    @property
    def last_number(self) -> int:
        """The continuous number of the last packet that was not dropped."""
        return self.highest - self.shift

    def receive(self, sequence: int, now: float) -> int:
        """The continuous number of the packet `sequence`, or -1 when it is a duplicate or hopelessly late.

        Every number below it that was not seen is reserved for its packet, which may still come.
        """
        if self.first < 0:
            # One turn up, so that packets from before the first one seen stay positive.
            self.first = self.highest = sequence + 0x10000
            return self.highest
        ahead = (sequence - self.highest) & 0xFFFF
        if ahead == 1:
            self.highest += 1
            self.late_in_a_row = 0
            return self.highest - self.shift
        if 0 < ahead < 0x8000:
            return self._skip(ahead, now)
        return self._late(self.highest - ((self.highest - sequence) & 0xFFFF))

    def is_needless(self, sequence: int) -> bool:
        """Whether a repair of this packet repairs nothing. libwebrtc sends old packets again to probe the link: many in
        a row, which would look like a sender that started anew."""
        if self.first < 0:
            return True
        behind = (self.highest - sequence) & 0xFFFF
        return behind < 0x8000 and self.highest - behind not in self.missing

    def drop_last(self) -> None:
        """The packet just received is not forwarded: the next one takes its number."""
        self.shift += 1

    def close_gaps(self) -> None:
        """Nothing that is missing now will be forwarded (the layer was silent on purpose)."""
        self.missing.clear()

    def suppress(self, sequence: int) -> None:
        """Passes over the packet and over everything missing before it; used while nothing is forwarded."""
        if self.first < 0:
            self.first = self.highest = sequence + 0x10000
            self.shift = 1
            return
        ahead = (sequence - self.highest) & 0xFFFF
        if 0 < ahead < 0x8000:
            self.highest += ahead
            self.shift += ahead
            self.late_in_a_row = 0
        else:
            self.late_in_a_row += 1
            if self.late_in_a_row >= RESTART_AFTER:
                self._restart(sequence)
                self.shift += 1

    def resume(self, sequence: int) -> int:
        """The number of the first packet after a silence: what is missing before it was not meant to be forwarded."""
        last = self.highest - self.shift
        self.suppress(sequence)
        if self.first >= 0 and self.highest & 0xFFFF == sequence:
            self.shift = self.highest - last - 1
            return last + 1
        return -1

    def _skip(self, ahead: int, now: float) -> int:
        if ahead > MAX_GAP:
            self.missing.clear()
            self.shift += ahead - 1
            self.first += ahead - 1  # not counted as loss
            self.highest += ahead
            self.late_in_a_row = 0
            self.is_restarted = True
            return self.highest - self.shift
        missing = self.missing
        if len(missing) + ahead > MAX_MISSING:
            missing.clear()
            self.is_restarted = True
        for number in range(self.highest + 1, self.highest + ahead):
            missing[number] = Missing(number - self.shift, now, now + 0.02)
        self.highest += ahead
        self.late_in_a_row = 0
        return self.highest - self.shift

    def _late(self, extended: int) -> int:
        awaited = self.missing.pop(extended, None)
        if awaited is not None:
            self.late_in_a_row = 0
            return awaited.number
        self.late_in_a_row += 1
        if self.late_in_a_row < RESTART_AFTER:
            return -1
        self._restart(extended & 0xFFFF)
        return self.highest - self.shift

    def _restart(self, sequence: int) -> None:
        """The sender began anew at `sequence`: its numbers go on after ours."""
        last = self.highest - self.shift
        before = self.highest
        self.highest = ((before >> 16) + 2 << 16) + sequence
        self.first += self.highest - before - 1
        self.shift = self.highest - last - 1
        self.missing.clear()
        self.late_in_a_row = 0
        self.is_restarted = True


class Numbers:
    """What is added to a layer's numbers for one down track, from `first_sequence` on."""

    __slots__ = (
        "end_sequence",
        "first_number",
        "first_sequence",
        "picture_id",
        "sequence",
        "stream",
        "timestamp",
        "tl0",
    )

    def __init__(self, stream: Any, first_number: int) -> None:
        self.stream = stream
        self.first_number = first_number  # the layer's continuous number of the first packet sent
        self.first_sequence = first_number & 0xFFFF
        self.end_sequence = -1  # the first of ours that is padding after it; -1 while none is
        self.sequence = 0
        self.timestamp = 0
        self.picture_id = 0
        self.tl0 = 0


class Sent(NamedTuple):
    """The last packet that a down track sent, in its own numbers, and when."""

    sequence: int
    timestamp: int
    picture_id: int
    tl0: int
    at: float


def continue_from(
    numbers: Numbers, sent: Sent, *, timestamp: int, elapsed_ticks: int, picture_id: int, tl0: int
) -> None:
    """Sets `numbers` so that the packet that it starts with follows `sent`.

    `elapsed_ticks` is the time since `sent` in the codec's clock: what the new timestamp is ahead, at least one.
    """
    numbers.first_sequence = (sent.sequence + 1) & 0xFFFF
    numbers.sequence = (sent.sequence + 1 - numbers.first_number) & 0xFFFF
    numbers.timestamp = (sent.timestamp + max(1, elapsed_ticks) - timestamp) & 0xFFFFFFFF
    numbers.picture_id = (sent.picture_id + 1 - picture_id) & 0x7FFF
    numbers.tl0 = (sent.tl0 + 1 - tl0) & 0xFF


def quality_for_size(layers: Sequence[Layer], width: int, height: int) -> int | None:
    """The lowest quality whose shorter side covers that of `width` x `height`; None when the sizes are not known."""
    sized = sorted((layer for layer in layers if layer.width and layer.height), key=lambda layer: layer.quality)
    if not sized or not width or not height:
        return None
    wanted = min(width, height) * SIZE_TOLERANCE
    for layer in sized:
        if min(layer.width, layer.height) >= wanted:
            return layer.quality
    return sized[-1].quality


def choose_layer(layers: Sequence[Layer], live: Sequence[str], quality: int) -> str | None:
    """The live rid for `quality`: that layer, else the best below it, else the lowest above it. None when none lives.

    A live rid that was never announced ranks by its place in `live` (low to high).
    """
    if not live:
        return None
    ranks = {layer.rid: layer.quality for layer in layers}
    ranked = sorted((ranks.get(rid, place), rid) for place, rid in enumerate(live))
    below = [rid for rank, rid in ranked if rank <= quality]
    return below[-1] if below else ranked[0][1]
