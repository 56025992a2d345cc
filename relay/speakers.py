"""Active speakers of a room from the levels that clients write into their audio packets (RFC 6464).

As LiveKit does it (livekit-protocol D.4): in each window of 400 ms a participant speaks when enough of its frames were
loud; the level is the loudest one, lowered for a short burst, smoothed, and rounded up to eighths.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.router import Loudness

WINDOW_SECONDS = 0.4
# 20 ms frames; DTX leaves most of them out, so the share is of the window and not of what arrived.
FRAMES_PER_WINDOW = 20
MIN_ACTIVE_SHARE = 0.4
SMOOTHING = 2 / (2 + 1)
STEPS = 8
SILENT = 127


def window_level(heard: Loudness) -> float:
    """0.0 (not speaking) to 1.0 for one window of one track."""
    share = min(1.0, heard.active_frames / FRAMES_PER_WINDOW)
    if share < MIN_ACTIVE_SHARE or heard.loudest >= SILENT:
        return 0.0
    decibels = heard.loudest - 20 * math.log10(share)
    return float(10 ** (-decibels / 20))


class ActiveSpeakers:
    """Who speaks now, and what clients were last told."""

    def __init__(self) -> None:
        self._smoothed: dict[str, float] = {}  # by participant sid
        self._told: dict[str, float] = {}

    def tick(self, participants: Iterable[Participant]) -> rtc.SignalResponse | None:
        """Takes the last window from all audio tracks. The message to send, or None when nothing changed."""
        now: dict[str, float] = {}
        for participant in participants:
            level = self._smooth(participant)
            if level > 0 and not participant.is_hidden:
                now[participant.sid] = level
        return self._tell(now)

    def greet(self, newcomer: Participant) -> None:
        """Tells a newcomer, or one who is back, who speaks."""
        if self._told:
            newcomer.send(_message(self._told, ()))

    def forget(self, participant_sid: str) -> None:
        """The participant has left; its departure tells the clients enough."""
        self._smoothed.pop(participant_sid, None)
        self._told.pop(participant_sid, None)

    def _smooth(self, participant: Participant) -> float:
        meters = [
            track.up.loudness.take()
            for track in participant.publishing.tracks.values()
            if track.kind == "audio" and track.up is not None
        ]
        level = max((window_level(heard) for heard in meters), default=0.0)
        previous = self._smoothed.get(participant.sid, 0.0)
        smoothed = previous + (level - previous) * SMOOTHING
        rounded = math.ceil(smoothed * STEPS) / STEPS if level > 0 else 0.0
        self._smoothed[participant.sid] = smoothed if level > 0 else 0.0
        return min(1.0, rounded)

    def _tell(self, now: dict[str, float]) -> rtc.SignalResponse | None:
        if now == self._told:
            return None
        ended = [sid for sid in self._told if sid not in now]
        self._told = now
        return _message(now, ended)


def _message(active: dict[str, float], ended: Iterable[str]) -> rtc.SignalResponse:
    """All who speak, for clients that take the list as the whole, and those who fell silent, for the others."""
    loudest_first = sorted(active.items(), key=lambda entry: -entry[1])
    speakers = [models.SpeakerInfo(sid=sid, level=level, active=True) for sid, level in loudest_first]
    speakers += [models.SpeakerInfo(sid=sid, level=0, active=False) for sid in ended]
    return rtc.SignalResponse(speakers_changed=rtc.SpeakersChanged(speakers=speakers))
