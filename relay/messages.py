"""LiveKit messages that more than one file sends."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from livekit.protocol import models, rtc

from relay import clock, turn

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.room import Room

# Clients compare it: RPC from 1.8.0, no rid-simulcast of VP9 up to 1.13.6 (livekit-protocol B.2).
SERVER_VERSION = "1.13.5"
PROTOCOL = 17
PING_INTERVAL_SECONDS = 5
PING_TIMEOUT_SECONDS = 15
PUBLISH_CODECS = ("video/VP8", "video/H264", "audio/opus")

Reason = models.DisconnectReason
Action = rtc.LeaveRequest


def server_info(node_id: str) -> models.ServerInfo:
    return models.ServerInfo(
        edition=models.ServerInfo.Standard,
        version=SERVER_VERSION,
        protocol=PROTOCOL,
        node_id=node_id,
        debug_info="embedded relay",
    )


def ice_servers(participant: Participant) -> list[rtc.ICEServer]:
    """By sid, which no two joins share: all connection tests have the same two identities."""
    settings = participant.context.settings
    expires_at = clock.wall() + (turn.TEST_SECONDS if participant.gives_way else turn.CALL_SECONDS)
    fields = turn.ice_server(settings.turn_urls, settings.turn_secret, participant.sid, expires_at=expires_at)
    return [rtc.ICEServer(**fields)] if fields else []  # type: ignore[arg-type]  # the stub cannot know the keys


def join(participant: Participant, others: Iterable[models.ParticipantInfo]) -> rtc.SignalResponse:
    """The first message of a fresh session (livekit-protocol B.2)."""
    room, permission, context = participant.room, participant.permission, participant.context
    info = server_info(context.node_id)
    return rtc.SignalResponse(
        join=rtc.JoinResponse(
            room=room.info(),
            participant=participant.info(),
            other_participants=others,
            server_version=info.version,
            server_info=info,
            ice_servers=ice_servers(participant),
            subscriber_primary=participant.is_subscriber_primary,
            ping_interval=PING_INTERVAL_SECONDS,
            ping_timeout=PING_TIMEOUT_SECONDS,
            sif_trailer=room.sif_trailer,
            enabled_publish_codecs=[models.Codec(mime=mime) for mime in PUBLISH_CODECS],
            fast_publish=permission.can_publish,
        )
    )


def reconnect(participant: Participant) -> rtc.SignalResponse:
    """The first message of a resumed session."""
    context = participant.context
    return rtc.SignalResponse(
        reconnect=rtc.ReconnectResponse(ice_servers=ice_servers(participant), server_info=server_info(context.node_id))
    )


def leave(reason: int, action: int) -> rtc.SignalResponse:
    """`leave`; clients before protocol 13 look at `can_reconnect` only."""
    request = rtc.LeaveRequest(can_reconnect=action != Action.DISCONNECT)
    request.reason = reason  # type: ignore[assignment]  # the stub wants the enum's class
    request.action = action  # type: ignore[assignment]  # as above
    return rtc.SignalResponse(leave=request)


def reason_name(reason: int) -> str:
    """For logs. Clients choose the number in their own `leave`, so it may be of the future, or nonsense."""
    return Reason.Name(reason) if reason in Reason.values() else str(reason)


def update(participants: Iterable[models.ParticipantInfo]) -> rtc.SignalResponse:
    return rtc.SignalResponse(update=rtc.ParticipantUpdate(participants=participants))


def room_update(room: Room) -> rtc.SignalResponse:
    return rtc.SignalResponse(room_update=rtc.RoomUpdate(room=room.info()))
