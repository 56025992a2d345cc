"""What one participant may do. Built from a token's video grant or by the server API; enforced by `participant`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from livekit.protocol import models

_SOURCES = {
    "camera": models.TrackSource.CAMERA,
    "microphone": models.TrackSource.MICROPHONE,
    "screen_share": models.TrackSource.SCREEN_SHARE,
    "screen_share_audio": models.TrackSource.SCREEN_SHARE_AUDIO,
}
_UNKNOWN = models.TrackSource.UNKNOWN
# LiveKit's server believes any pair, and a camera that calls itself a microphone passes a list of sources.
_SOURCES_OF_TYPE: Mapping[int, tuple[int, ...]] = {
    models.TrackType.AUDIO: (_UNKNOWN, models.TrackSource.MICROPHONE, models.TrackSource.SCREEN_SHARE_AUDIO),
    models.TrackType.VIDEO: (_UNKNOWN, models.TrackSource.CAMERA, models.TrackSource.SCREEN_SHARE),
}


@dataclass(frozen=True, slots=True)
class Permission:
    """Rights of a participant in its room. An empty `sources` allows all of them, as in LiveKit."""

    can_publish: bool = True
    can_subscribe: bool = True
    can_publish_data: bool = True
    can_update_metadata: bool = False
    hidden: bool = False
    recorder: bool = False
    agent: bool = False
    can_subscribe_metrics: bool = False
    sources: frozenset[int] = frozenset()

    def may_publish_source(self, source: int) -> bool:
        return self.can_publish and (not self.sources or source in self.sources)

    def may_publish(self, kind: int, source: int) -> bool:
        """Whether a new track of this type may come from this source. A list of sources also forbids an unknown one."""
        return self.may_publish_source(source) and source in _SOURCES_OF_TYPE.get(kind, ())

    @classmethod
    def from_grants(cls, grants: Mapping[str, Any]) -> Permission:
        """The rights in a `video` grant (livekit-protocol A.3: absent publish and subscribe rights are granted)."""
        can_publish = grants.get("canPublish", True) is not False
        data = grants.get("canPublishData")
        sources = grants.get("canPublishSources") or ()
        known = frozenset(int(_SOURCES[name]) for name in sources if name in _SOURCES)
        return cls(
            can_publish=can_publish and (not sources or bool(known)),  # only unknown sources: none, rather than all
            can_subscribe=grants.get("canSubscribe", True) is not False,
            can_publish_data=can_publish if data is None else data is True,
            can_update_metadata=grants.get("canUpdateOwnMetadata") is True,
            hidden=grants.get("hidden") is True,
            recorder=grants.get("recorder") is True,
            agent=grants.get("agent") is True,
            can_subscribe_metrics=grants.get("canSubscribeMetrics") is True,
            sources=known,
        )

    @classmethod
    def from_message(cls, message: models.ParticipantPermission) -> Permission:
        return cls(
            can_publish=message.can_publish,
            can_subscribe=message.can_subscribe,
            can_publish_data=message.can_publish_data,
            can_update_metadata=message.can_update_metadata,
            hidden=message.hidden,
            recorder=message.recorder,
            agent=message.agent,
            can_subscribe_metrics=message.can_subscribe_metrics,
            sources=frozenset(message.can_publish_sources),
        )

    def message(self) -> models.ParticipantPermission:
        return models.ParticipantPermission(
            can_publish=self.can_publish,
            can_subscribe=self.can_subscribe,
            can_publish_data=self.can_publish_data,
            can_update_metadata=self.can_update_metadata,
            hidden=self.hidden,
            recorder=self.recorder,
            agent=self.agent,
            can_subscribe_metrics=self.can_subscribe_metrics,
            can_publish_sources=sorted(self.sources),  # type: ignore[arg-type]  # numbers, also of future sources
        )
