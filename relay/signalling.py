"""Messages of one client: each member of `SignalRequest`'s oneof has a handler of its name.

A message that is malformed, unknown or out of turn is counted, answered where the protocol says so, and harms nobody
but its sender.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from itertools import chain, islice
from typing import Any

from google.protobuf.message import DecodeError
from livekit.protocol import models, rtc

from relay import clock, sdp
from relay.errors import ProtocolError
from relay.messages import Action, Reason, leave
from relay.participant import Participant, State
from relay.subscription import WantedMedia

logger = logging.getLogger(__name__)

Reasons = rtc.RequestResponse

# Tracks named in one message: twice what the largest room has, far below what 2 MiB could name.
MAX_TRACK_SIDS = 2048
# What it takes to offer a large room's tracks to one participant. It happens later, by the will of another.
OFFER_SECONDS = 0.002
MAX_CHARGE_SECONDS = 0.3


def receive(participant: Participant, payload: bytes) -> None:
    """Handles one frame of the client's websocket, and charges the person with the time that it took."""
    began = clock.cpu()
    try:
        _handle(participant, payload)
    finally:
        participant.shares.signals.spend(clock.cpu() - began, clock.now())


def _handle(participant: Participant, payload: bytes) -> None:
    counters = participant.context.counters
    participant.signal_at = clock.now()
    try:
        request = rtc.SignalRequest.FromString(payload)
    except DecodeError:
        counters["signals_malformed"] += 1
        return
    name = request.WhichOneof("message")
    handler = HANDLERS.get(name or "")
    if name is None or handler is None:
        counters["signals_unknown"] += 1
        return
    handler(participant, getattr(request, name))


# Negotiation --------------------------------------------------------------------------------------------------


def handle_offer(participant: Participant, message: rtc.SessionDescription) -> None:
    try:
        answer = participant.publishing.receive_offer(sdp.parse(message.sdp))
    except ProtocolError as error:
        # Silence would cost the client 15 s before it does the same by itself (livekit-protocol C.2).
        participant.context.counters["offers_invalid"] += 1
        logger.warning("offer refused", extra={**participant.log_fields, "error": str(error)})
        participant.fail(Reason.STATE_MISMATCH)
        return
    reply = rtc.SessionDescription(type="answer", sdp=answer, id=message.id)
    participant.send(rtc.SignalResponse(answer=reply))


def handle_answer(participant: Participant, message: rtc.SessionDescription) -> None:
    peer = participant.subscriber
    try:
        description = sdp.parse(message.sdp)
    except ProtocolError as error:
        participant.context.counters["answers_invalid"] += 1
        logger.warning("answer refused", extra={**participant.log_fields, "error": str(error)})
        participant.fail(Reason.STATE_MISMATCH)
        return
    if peer is None or not peer.receive(description, message.id):
        participant.context.counters["answers_unexpected"] += 1


def handle_trickle(participant: Participant, _message: rtc.TrickleRequest) -> None:
    # The relay is ICE-lite: it answers checks wherever they come from and needs no candidates.
    participant.context.counters["candidates_received"] += 1


# Publishing ---------------------------------------------------------------------------------------------------


def handle_add_track(participant: Participant, message: rtc.AddTrackRequest) -> None:
    participant.publishing.add(message)


def handle_mute(participant: Participant, message: rtc.MuteTrackRequest) -> None:
    if not participant.publishing.mute(message.sid, message.muted):
        _respond(participant, 0, Reasons.NOT_FOUND, "no such track", mute=message)


def handle_update_audio_track(participant: Participant, message: rtc.UpdateLocalAudioTrack) -> None:
    track = participant.publishing.tracks.get(message.track_sid)
    if track is None:
        _respond(participant, 0, Reasons.NOT_FOUND, "no such track", update_audio_track=message)
        return
    del track.info.audio_features[:]
    track.info.audio_features.extend(list(message.features)[:16])
    track.touch()
    participant.changed()


def handle_update_video_track(participant: Participant, message: rtc.UpdateLocalVideoTrack) -> None:
    track = participant.publishing.tracks.get(message.track_sid)
    if track is None:
        _respond(participant, 0, Reasons.NOT_FOUND, "no such track", update_video_track=message)
        return
    track.info.width, track.info.height = message.width, message.height
    track.touch()
    participant.changed()


def handle_subscription_permission(participant: Participant, message: rtc.SubscriptionPermission) -> None:
    publishing = participant.publishing
    try:
        has_changed = publishing.acl.replace(message)
    except ProtocolError:
        participant.context.counters["signals_oversize"] += 1
        return
    if not has_changed:  # clients repeat themselves
        return
    others = [other for other in participant.room.participants.values() if other is not participant]
    renegotiating = sum(other.subscribing.review(publishing.announced) for other in others)
    participant.shares.signals.spend(min(MAX_CHARGE_SECONDS, renegotiating * OFFER_SECONDS), clock.now())


# Subscribing --------------------------------------------------------------------------------------------------


def handle_subscription(participant: Participant, message: rtc.UpdateSubscription) -> None:
    participant.subscribing.update(_track_sids(participant, message), subscribe=message.subscribe)


def handle_track_setting(participant: Participant, message: rtc.UpdateTrackSettings) -> None:
    quality = int(message.quality)
    wanted = WantedMedia(
        disabled=message.disabled or quality == models.VideoQuality.OFF,
        quality=min(max(quality, 0), int(models.VideoQuality.HIGH)),
        width=message.width,
        height=message.height,
        fps=message.fps,
    )
    participant.subscribing.configure(_bounded(participant, message.track_sids), wanted)


def _track_sids(participant: Participant, message: rtc.UpdateSubscription) -> list[str]:
    nested = (sid for tracks in message.participant_tracks for sid in tracks.track_sids)
    return _bounded(participant, chain(message.track_sids, nested))


def _bounded(participant: Participant, track_sids: Iterable[str]) -> list[str]:
    """Each of them once, and at most `MAX_TRACK_SIDS`; the rest is counted and ignored."""
    kept = list(islice(track_sids, MAX_TRACK_SIDS + 1))
    if len(kept) > MAX_TRACK_SIDS:
        participant.context.counters["signals_oversize"] += 1
    return list(dict.fromkeys(kept[:MAX_TRACK_SIDS]))


# The participant itself ---------------------------------------------------------------------------------------


def handle_update_metadata(participant: Participant, message: rtc.UpdateParticipantMetadata) -> None:
    if not participant.permission.can_update_metadata:
        problem = "updating one's own metadata is not allowed"
        _respond(participant, message.request_id, Reasons.NOT_ALLOWED, problem, update_metadata=message)
        return
    try:
        # An empty name or metadata means "not given": clients send only what they change.
        participant.set_properties(
            name=message.name or None, metadata=message.metadata or None, attributes=dict(message.attributes)
        )
    except ProtocolError as error:
        _respond(participant, message.request_id, Reasons.LIMIT_EXCEEDED, str(error), update_metadata=message)
        return
    participant.room.updates.flush()  # some clients wait for the reflected update, others for the response
    _respond(participant, message.request_id, Reasons.OK, "", update_metadata=message)


def handle_ping(participant: Participant, _message: int) -> None:
    participant.pings = True
    participant.send(rtc.SignalResponse(pong=int(clock.wall() * 1000)))


def handle_ping_req(participant: Participant, message: rtc.Ping) -> None:
    participant.pings = True
    participant.rtt_ms = max(0, message.rtt)
    pong = rtc.Pong(last_ping_timestamp=message.timestamp, timestamp=int(clock.wall() * 1000))
    participant.send(rtc.SignalResponse(pong_resp=pong))


def handle_leave(participant: Participant, _message: rtc.LeaveRequest) -> None:
    # Whatever reason it gives: the others of the enum are ours to state, such as a removal.
    participant.room.remove(participant, Reason.CLIENT_INITIATED)


def handle_sync_state(participant: Participant, message: rtc.SyncState) -> None:
    """What a resumed client believes. Reliable data needs no replay: SCTP outlives the websocket."""
    unknown = [entry.track.sid for entry in message.publish_tracks if not _is_published(participant, entry)]
    if unknown:
        participant.context.counters["resumes_mismatched"] += 1
        participant.fail(Reason.STATE_MISMATCH)
        return
    wanted = message.subscription
    participant.subscribing.update(_track_sids(participant, wanted), subscribe=wanted.subscribe)
    participant.subscribing.disable(_bounded(participant, message.track_sids_disabled))


def _is_published(participant: Participant, entry: rtc.TrackPublishedResponse) -> bool:
    return entry.track.sid in participant.publishing.tracks


# Not supported, and said so -----------------------------------------------------------------------------------


def handle_publish_data_track_request(participant: Participant, message: rtc.PublishDataTrackRequest) -> None:
    _respond(participant, 0, Reasons.UNSUPPORTED_TYPE, "no data tracks here", publish_data_track=message)


def handle_unpublish_data_track_request(participant: Participant, message: rtc.UnpublishDataTrackRequest) -> None:
    _respond(participant, 0, Reasons.NOT_FOUND, "no data tracks here", unpublish_data_track=message)


def handle_store_data_blob_request(participant: Participant, message: rtc.StoreDataBlobRequest) -> None:
    _respond(participant, message.request_id, Reasons.UNSUPPORTED_TYPE, "no data blobs here")


def handle_get_data_blob_request(participant: Participant, message: rtc.GetDataBlobRequest) -> None:
    _respond(participant, message.request_id, Reasons.UNSUPPORTED_TYPE, "no data blobs here")


def handle_ignored(participant: Participant, _message: Any) -> None:
    participant.context.counters["signals_ignored"] += 1


# Test scenarios that clients offer (livekit-protocol D.14): each hurts only who asks for it -------------------


def handle_simulate(participant: Participant, message: rtc.SimulateScenario) -> None:
    scenario = message.WhichOneof("scenario")
    if scenario == "leave_request_full_reconnect":
        participant.leave(Reason.UNKNOWN_REASON, Action.RECONNECT)
    elif scenario == "server_leave":
        participant.leave(Reason.SERVER_SHUTDOWN, Action.DISCONNECT)
    elif scenario == "node_failure":
        participant.room.remove(participant, Reason.SERVER_SHUTDOWN)
    elif scenario == "migration":
        participant.send(leave(Reason.MIGRATION, Action.RESUME))
        participant.close_signal("test scenario")
    elif scenario in ("disconnect_signal_on_resume", "disconnect_signal_on_resume_no_messages"):
        participant.drop_next_resume = True
        participant.close_signal("test scenario")
    else:
        participant.context.counters["signals_ignored"] += 1


def _respond(
    participant: Participant, request_id: int, reason: rtc.RequestResponse.Reason, text: str, **request: Any
) -> None:
    response = rtc.RequestResponse(request_id=request_id, reason=reason, message=text, **request)
    participant.send(rtc.SignalResponse(request_response=response))


Handler = Callable[[Participant, Any], None]
_PREFIX = "handle_"
HANDLERS: dict[str, Handler] = {
    name.removeprefix(_PREFIX): handler for name, handler in list(globals().items()) if name.startswith(_PREFIX)
}
# `update_layers` is deprecated; data subscriptions concern data tracks, which nobody can publish.
HANDLERS |= dict.fromkeys(("update_layers", "update_data_subscription"), handle_ignored)

__all__ = ["HANDLERS", "State", "receive"]
