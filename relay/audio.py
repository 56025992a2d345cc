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
# Levels are what senders claim. Louder than this gains nothing, so that nobody who speaks is driven out by loudness.
LOUD = ACTIVE_LEVEL - MARGIN + 1
# A microphone that was just let in stays at least this long: shorter is heard as chopped syllables.
MIN_STAY_SECONDS = 1.0
# When more people speak than can be forwarded, who has waited this long takes the place of who has been silent for as
# long, or else of whoever had theirs longest, and keeps it for a turn. No claim, loud or steady, holds a place for ever
# while somebody else speaks.
WAIT_SECONDS = 1.0
TURN_SECONDS = 8.0
# Behind everybody's first track of a source, also the silent ones: a person's others of that source. Behind all: muted.
_SECOND = 200.0
_MUTED = 500.0


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
    """Forwards only the `limit` loudest of the tracks added to it (one per room). Others leave no hole.

    Each person's microphone has one place, and their shared sound another, however many tracks they publish; more are
    forwarded only while there is room.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._tracks: list[UpTrack] = []
        self._forwarded: dict[UpTrack, float] = {}  # the longest there first; until when each stays in any case
        self._waiting: dict[UpTrack, float] = {}  # who speaks and is not forwarded: since when
        self._left_at: dict[UpTrack, float] = {}  # who was forwarded once
        self._spoke_at: dict[UpTrack, float] = {}  # when each was last as loud as speech
        self._next_turn_at = 0.0

    @property
    def has_tracks(self) -> bool:
        """Whether any track competes."""
        return bool(self._tracks)

    def add(self, up: UpTrack) -> None:
        """`up` competes from now on; it is forwarded at once when there is room."""
        self._tracks.append(up)
        if len(self._forwarded) < self.limit:
            self._let_in(up, float("-inf"))
        else:
            up.set_selected(False)

    def remove(self, up: UpTrack) -> None:
        """`up` competes no more; the loudest of the others takes its place at the next `advance`."""
        if up in self._tracks:
            self._tracks.remove(up)
        self._forwarded.pop(up, None)
        self._waiting.pop(up, None)
        self._left_at.pop(up, None)
        self._spoke_at.pop(up, None)

    def advance(self, now: float) -> None:
        """Looks at the levels; call it every 100 ms."""
        if len(self._tracks) <= len(self._forwarded):
            for up in self._tracks:
                if up.loudness.settle() <= ACTIVE_LEVEL:
                    self._spoke_at[up] = now
            return
        ranks = self._ranks()
        self._spoke_at.update((up, now) for up, rank in ranks.items() if rank <= ACTIVE_LEVEL)
        self._let_the_louder_in(ranks, now)
        self._give_turns(ranks, now)

    def _ranks(self) -> dict[UpTrack, float]:
        """How quiet each track is; at least `_SECOND` for all but one of a competitor, and for who is muted."""
        ranks: dict[UpTrack, float] = {}
        firsts: dict[object, tuple[float, UpTrack]] = {}
        for up in self._tracks:
            level = up.loudness.settle()
            ranks[up] = rank = _MUTED if up.is_muted else max(level, LOUD)
            if up not in self._forwarded:
                rank += MARGIN
            first = firsts.get(up.competitor)
            if first is None or rank < first[0]:
                firsts[up.competitor] = rank, up
        for up in self._tracks:
            if firsts[up.competitor][1] is not up:
                ranks[up] += _SECOND
        return ranks

    def _let_the_louder_in(self, ranks: dict[UpTrack, float], now: float) -> None:
        outside = sorted((up for up in self._tracks if up not in self._forwarded), key=ranks.__getitem__)
        for newcomer in outside:
            if len(self._forwarded) < self.limit:
                self._let_in(newcomer, now + MIN_STAY_SECONDS)
                continue
            weakest = self._weakest(ranks, now)
            if weakest is None or ranks[newcomer] + MARGIN > ranks[weakest]:
                break
            self._put_out(weakest, now)
            self._let_in(newcomer, now + MIN_STAY_SECONDS)

    def _weakest(self, ranks: dict[UpTrack, float], now: float) -> UpTrack | None:
        """Who goes for somebody louder: of those who may, the quietest, and who is silent before who takes breath."""
        may_go = [
            up
            for up, until in self._forwarded.items()
            if now >= until or ranks[up] >= _SECOND or self._is_silent(up, now)
        ]
        return max(may_go, key=lambda up: (ranks[up] >= _SECOND, self._is_silent(up, now), ranks[up]), default=None)

    def _is_silent(self, up: UpTrack, now: float) -> bool:
        """Not only between two sentences. Whoever it is gives way, also in a turn: it would be nobody's."""
        return now - self._spoke_at.get(up, float("-inf")) >= WAIT_SECONDS

    def _goes_for_a_turn(self, now: float) -> UpTrack | None:
        """Who was silent longest; where everybody speaks, who has had the place longest and no turn."""
        silent = [up for up in self._forwarded if self._is_silent(up, now)]
        if silent:
            return min(silent, key=lambda up: self._spoke_at.get(up, float("-inf")))
        return next((up for up, until in self._forwarded.items() if now >= until), None)

    def _give_turns(self, ranks: dict[UpTrack, float], now: float) -> None:
        for up in self._tracks:
            if up in self._forwarded or ranks[up] > ACTIVE_LEVEL:
                self._waiting.pop(up, None)
            else:
                self._waiting.setdefault(up, now)
        ready = [up for up, since in self._waiting.items() if now - since >= WAIT_SECONDS]
        if not ready or now < self._next_turn_at:
            return
        goes = self._goes_for_a_turn(now)
        if goes is None:
            return
        comes = min(ready, key=lambda up: self._left_at.get(up, 0.0))  # heard the longest ago, or never
        del self._waiting[comes]
        self._put_out(goes, now)
        self._let_in(comes, now + TURN_SECONDS)
        # Turns that began together would end together, and nobody could come in between.
        self._next_turn_at = now + TURN_SECONDS / self.limit

    def _let_in(self, up: UpTrack, until: float) -> None:
        self._forwarded[up] = until
        up.set_selected(True)

    def _put_out(self, up: UpTrack, now: float) -> None:
        del self._forwarded[up]
        self._left_at[up] = now
        up.set_selected(False)
