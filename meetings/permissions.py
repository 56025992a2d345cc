"""A video grant as the engine's `ParticipantPermission`, and whether two of them mean the same."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from livekit.protocol.models import ParticipantInfo, ParticipantPermission, TrackInfo, TrackSource

_SOURCES: Mapping[str, TrackSource] = {
    "camera": TrackSource.CAMERA,
    "microphone": TrackSource.MICROPHONE,
    "screen_share": TrackSource.SCREEN_SHARE,
    "screen_share_audio": TrackSource.SCREEN_SHARE_AUDIO,
}


def permission_of(grants: Mapping[str, Any]) -> ParticipantPermission:
    """What a participant with these grants may do (grants: LiveKit's camelCase names, absent = LiveKit's default)."""
    names = grants.get("canPublishSources") or []
    sources = [_SOURCES[name] for name in names if name in _SOURCES]
    # No source means all of them to LiveKit: a list of which we know nothing must not become that.
    may_publish = grants.get("canPublish", True) is True and bool(sources or not names)
    return ParticipantPermission(
        can_subscribe=grants.get("canSubscribe", True) is True,
        can_publish=may_publish,
        can_publish_data=grants.get("canPublishData", may_publish) is True,
        can_publish_sources=sources,
        can_update_metadata=grants.get("canUpdateOwnMetadata") is True,
        can_subscribe_metrics=grants.get("canSubscribeMetrics") is True,
        hidden=grants.get("hidden") is True,
        recorder=grants.get("recorder") is True,
    )


def allows_the_same(left: ParticipantPermission, right: ParticipantPermission) -> bool:
    """Compares what matters between people; sources in any order, flags of programs left out."""
    return _rights(left) == _rights(right)


def tracks_from(participant: ParticipantInfo, source: str) -> list[TrackInfo]:
    """The participant's tracks of one source, named as in a grant: `microphone`, `camera`, `screen_share` …"""
    return [track for track in participant.tracks if track.source == _SOURCES[source]]


def _rights(permission: ParticipantPermission) -> tuple[bool, bool, bool, frozenset[int], bool, bool]:
    return (
        permission.can_subscribe,
        permission.can_publish,
        permission.can_publish_data,
        frozenset(permission.can_publish_sources) if permission.can_publish else frozenset(),
        permission.can_update_metadata,
        permission.hidden,
    )
