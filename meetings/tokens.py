"""LiveKit access tokens: made for people who were admitted, read at `/rtc`, `/twirp` and the webhook.

A person's token says only who they are and where they go. What they may do there is taken from their row
(`admission.py`); the grants in the token serve a LiveKit cluster, which knows no rows.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import jwt
from django.conf import settings

from meetings.models import Participant

# The page asks for one when the devices are checked, and again for each attempt: it must outlive a slow network only.
# Whoever is in has newer ones from the endpoint (or a cluster) at once and every few minutes.
TOKEN_SECONDS = 600
# The portal signs one for each order that it gives the engine.
SERVICE_TOKEN_SECONDS = 60
# Clocks of two machines may differ so much (LiveKit's own allowance).
LEEWAY_SECONDS = 60
# Kinds of participant that are programs of ours, without a row. "" is how stock clients say standard.
SERVICE_KINDS = frozenset({"agent", "egress"})


class TokenInvalid(Exception):
    """The token is missing, not ours, or out of its time. The text may be shown."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a token says. `grants` is the video grant with LiveKit's camelCase names."""

    identity: str
    name: str = ""
    kind: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    grants: Mapping[str, Any] = field(default_factory=dict)
    room_config: Mapping[str, Any] = field(default_factory=dict)

    @property
    def room(self) -> str:
        room = self.grants.get("room")
        return room if isinstance(room, str) else ""

    @property
    def is_service(self) -> bool:
        """A program of ours, such as the recorder: it has no row."""
        return self.kind in SERVICE_KINDS

    def grants_all(self, *names: str) -> bool:
        """Whether each named grant is there and true. Anything but `true` is no grant."""
        return all(self.grants.get(name) is True for name in names)

    def with_grants(self, grants: Mapping[str, Any], *, name: str) -> Claims:
        return replace(self, grants=grants, name=name)


def verify(token: str) -> Claims:
    """What `token` says, if we signed it and it is in its time. Raises `TokenInvalid`."""
    if not settings.LIVEKIT_API_KEY or not settings.LIVEKIT_API_SECRET:
        raise TokenInvalid("no API key is configured")  # an empty secret would let anybody sign
    try:
        payload = jwt.decode(
            token,
            settings.LIVEKIT_API_SECRET,
            algorithms=["HS256"],
            issuer=settings.LIVEKIT_API_KEY,
            leeway=LEEWAY_SECONDS,
            options={"require": ["exp", "iss"]},
        )
    except jwt.PyJWTError as error:
        raise TokenInvalid("invalid token") from error
    return Claims(
        # `jti` is where tokens of old SDKs carry the identity.
        identity=_text(payload.get("sub")) or _text(payload.get("jti")),
        name=_text(payload.get("name")),
        kind=_text(payload.get("kind")),
        metadata=_text(payload.get("metadata")),
        attributes={key: value for key, value in _mapping(payload.get("attributes")).items() if isinstance(value, str)},
        grants=_mapping(payload.get("video")),
        room_config=_mapping(payload.get("roomConfig")),
    )


def sign(claims: Claims, *, seconds: int) -> str:
    """A token that says `claims` and is valid from now on for `seconds`."""
    now = int(time.time())
    payload = {
        "iss": settings.LIVEKIT_API_KEY,
        "sub": claims.identity,
        "nbf": now,
        "exp": now + seconds,
        "name": claims.name,
        "kind": claims.kind,
        "metadata": claims.metadata,
        "attributes": dict(claims.attributes),
        "video": dict(claims.grants),
        "roomConfig": dict(claims.room_config),
    }
    required = {"iss", "sub", "nbf", "exp", "video"}
    return jwt.encode(
        {name: value for name, value in payload.items() if value or name in required},
        settings.LIVEKIT_API_SECRET,
        algorithm="HS256",
    )


def participant_token(participant: Participant) -> str:
    """The token of one person for their room. The caller has checked that the row is admitted."""
    return sign(
        Claims(
            identity=participant.identity,
            name=participant.name,
            grants=grants_of(participant, participant.room.media_name),
        ),
        seconds=TOKEN_SECONDS,
    )


def service_token(grants: Mapping[str, Any], *, identity: str = "portal") -> str:
    """A short-lived token for an order of the portal itself to the engine."""
    return sign(Claims(identity=identity, grants=grants), seconds=SERVICE_TOKEN_SECONDS)


def grants_of(participant: Participant, room_name: str) -> dict[str, Any]:
    """The video grant that follows from the row. Orders to others go through the portal, never client to client."""
    sources = sorted(participant.may_publish_sources)
    return {
        "roomJoin": True,
        "room": room_name,
        # To LiveKit an empty list of sources means "all of them": nothing allowed must be said otherwise.
        "canPublish": bool(sources),
        "canPublishSources": sources,
        "canSubscribe": True,
        "canPublishData": False,
        "canUpdateOwnMetadata": False,
        "canSubscribeMetrics": False,
        "hidden": False,
        "recorder": False,
        "roomAdmin": False,
    }


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
