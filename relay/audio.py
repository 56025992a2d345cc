"""Audio levels of up tracks (RFC 6464), and which of a room's microphones are forwarded: the loudest few."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from relay.uptrack import UpTrack

SILENT = 127
# LiveKit's `active_level`: a frame at most this many dB below full scale is speech.
ACTIVE_LEVEL = 35
# A newcomer must be this much louder (dB) than the quietest forwarded microphone, or two equal ones would alternate.
MARGIN = 4.0
# A microphone that was just let in stays at least this long: shorter is heard as chopped syllables.
MIN_STAY_SECONDS = 1.0


class Loudness(NamedTuple):
    """What was heard in a window: frames, those that were speech, and the loudest level (0 loud .. 127 silent)."""

    frames: int
    active_frames: int
    loudest: int


class LevelMeter:
    """Collects the levels of one audio track. The router adds a level per packet; two readers take theirs away."""

    __slots__ = ("active_frames", "frames", "loudest", "peak", "smooth")

    def __init__(self) -> None:
        self.frames = 0
        self.active_frames = 0
        self.loudest = SILENT
        self.peak = SILENT  # since the selector's last look
        self.smooth = float(SILENT)

    def add(self, level: int) -> None:
        """One packet's level: 0 (loudest) to 127."""
        self.frames += 1
        if level <= ACTIVE_LEVEL:
            self.active_frames += 1
        if level < self.loudest:
            self.loudest = level
        if level < self.peak:
            self.peak = level

    def take(self) -> Loudness:
        """What was heard since the last call; `loudest` is 127 when nothing was."""
        found = Loudness(self.frames, self.active_frames, self.loudest)
        self.frames = self.active_frames = 0
        self.loudest = SILENT
        return found

    def settle(self) -> float:
        """The smoothed level for the selector: loud at once, quiet only slowly (half a second)."""
        peak, self.peak = self.peak, SILENT
        if peak < self.smooth:
            self.smooth = float(peak)
        else:
            self.smooth += (peak - self.smooth) * 0.2
        return self.smooth


class AudioSelector:
    """Forwards only the `limit` loudest of the tracks added to it (one per room). Others leave no hole."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._tracks: list[UpTrack] = []
        self._since: dict[UpTrack, float] = {}  # the forwarded ones

    @property
    def has_tracks(self) -> bool:
        """Whether any track competes."""
        return bool(self._tracks)

    def add(self, up: UpTrack) -> None:
        """`up` competes from now on; it is forwarded at once when there is room."""
        self._tracks.append(up)
        if len(self._since) < self.limit:
            self._since[up] = float("-inf")
            up.set_selected(True)
        else:
            up.set_selected(False)

    def remove(self, up: UpTrack) -> None:
        """`up` competes no more; the loudest of the others takes its place at the next `advance`."""
        if up in self._tracks:
            self._tracks.remove(up)
        self._since.pop(up, None)

    def advance(self, now: float) -> None:
        """Looks at the levels; call it every 100 ms."""
        levels = {up: up.loudness.settle() if not up.is_muted else float(SILENT) + 1 for up in self._tracks}
        if len(self._tracks) <= len(self._since):
            return
        outside = sorted((up for up in self._tracks if up not in self._since), key=levels.__getitem__)
        for newcomer in outside:
            if len(self._since) < self.limit:
                self._swap(newcomer, None, now)
                continue
            weakest = max(self._since, key=levels.__getitem__)
            if levels[newcomer] + MARGIN > levels[weakest] or now - self._since[weakest] < MIN_STAY_SECONDS:
                break
            self._swap(newcomer, weakest, now)

    def _swap(self, comes: UpTrack, goes: UpTrack | None, now: float) -> None:
        if goes is not None:
            del self._since[goes]
            goes.set_selected(False)
        self._since[comes] = now
        comes.set_selected(True)
