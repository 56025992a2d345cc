"""Data packets between participants (livekit-protocol D.7): who may send, who gets them, from whom they are.

A packet is parsed once, the sender's identity is written over whatever it claimed, and it is serialised once for all
its receivers. Kinds that this file does not know stay as they were, unknown fields included.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from livekit.protocol import models

from relay import clock
from relay.allowance import Allowance

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.room import Room

RELIABLE = "_reliable"
LOSSY = "_lossy"
# Reliable packets for somebody whose channel is about to open: a greeting, a chat line, a caption's beginning.
MAX_PENDING = 64
MAX_PENDING_BYTES = 256 << 10
# What one sender may cause, counted at each receiver: a chunk and a DTLS record cost us about 0.1 ms, so these are a
# quarter of a core. One to one that is 2 MiB/s, towards 100 people 20 kB/s: chat, captions and RPC stay far below, a
# file takes its time. A small message costs as much as a full record.
RELIABLE_BYTES_PER_SECOND, RELIABLE_BURST_BYTES = 2 << 20, 8 << 20
LOSSY_BYTES_PER_SECOND, LOSSY_BURST_BYTES = 1 << 20, 2 << 20
SMALLEST_COST_BYTES = 1024
# While one of the receivers is behind, as fast as a poor link can take it. Otherwise a flood would cost the slow their
# place in the call, and a receiver that reads nothing could hold a sender up for ever.
BEHIND_BYTES_PER_SECOND = 32 << 10
# SendData retries of the portal within this many calls are recognised.
MAX_NONCES = 1024


class DataRouter:
    """The data packets of one room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._nonces: deque[bytes] = deque(maxlen=MAX_NONCES)

    def receiver(self, sender: Participant) -> Callable[[str, bytes], None]:
        """The callback for the data channels of `sender`."""
        now = clock.now()
        allowances = {
            RELIABLE: Allowance(RELIABLE_BYTES_PER_SECOND, RELIABLE_BURST_BYTES, now),
            LOSSY: Allowance(LOSSY_BYTES_PER_SECOND, LOSSY_BURST_BYTES, now),
        }
        return lambda label, payload: self._receive(sender, allowances, label, payload)

    def send_from_server(self, packet: models.DataPacket, nonce: bytes) -> bool:
        """`RoomService.SendData`. False for a repeated nonce, which is not sent again."""
        if nonce:
            if nonce in self._nonces:
                return False
            self._nonces.append(nonce)
        label = LOSSY if packet.kind == models.DataPacket.LOSSY else RELIABLE
        self._deliver(None, label, packet)
        return True

    def _receive(self, sender: Participant, allowances: Mapping[str, Allowance], label: str, payload: bytes) -> None:
        """Lossy data over the sender's share is dropped, reliable data waits with the sender."""
        counters = self._room.context.counters
        allowance, now = allowances.get(label), clock.now()
        if allowance is None or self._room.participants.get(sender.identity) is not sender:
            counters["data_ignored"] += 1
            return
        if label == LOSSY and allowance.is_spent(now):
            counters["data_over_rate"] += 1
            return
        receivers = self._pass_on(sender, label, payload)
        wait = allowance.spend(max(len(payload), SMALLEST_COST_BYTES) * max(1, len(receivers)), now)
        if label == RELIABLE:
            if any(_is_behind(receiver) for receiver in receivers):
                counters["data_receiver_behind"] += 1
                wait = max(wait, len(payload) / BEHIND_BYTES_PER_SECOND)
            if wait:
                counters["data_held"] += 1
                sender.publisher.transport.channels.hold(wait)

    def _pass_on(self, sender: Participant, label: str, payload: bytes) -> list[Participant]:
        """Checks, signs and delivers a packet. To whom it went."""
        counters = self._room.context.counters
        if not _may_send(sender):  # any more: the message may have waited
            return []
        try:
            packet = models.DataPacket.FromString(payload)
        except DecodeError:
            counters["data_malformed"] += 1
            return []
        if label == RELIABLE and packet.sequence:
            if packet.sequence <= sender.last_sequence:
                counters["data_repeated"] += 1
                return []
            sender.last_sequence = packet.sequence
        kind = packet.WhichOneof("value")
        if kind == "speaker" or (kind == "transcription" and sender.kind != models.ParticipantInfo.AGENT):
            counters["data_forbidden"] += 1
            return []
        _sign(packet, sender)
        return self._deliver(sender, label, packet)

    def _deliver(self, sender: Participant | None, label: str, packet: models.DataPacket) -> list[Participant]:
        identities, sids = set(packet.destination_identities), set(packet.user.destination_sids)
        is_metrics = packet.WhichOneof("value") == "metrics"
        payload = packet.SerializeToString()
        receivers = [
            receiver
            for receiver in self._receivers(identities, sids)
            if receiver is not sender and (not is_metrics or receiver.permission.can_subscribe_metrics)
        ]
        for receiver in receivers:
            if not _send(receiver, label, payload):
                self._room.context.counters["data_undelivered"] += 1
        return receivers

    def _receivers(self, identities: set[str], sids: set[str]) -> Iterable[Participant]:
        people = list(self._room.participants.values())
        if not identities and not sids:
            return people
        return [person for person in people if person.identity in identities or person.sid in sids]


def attach(participant: Participant, on_message: Callable[[str, bytes], None]) -> None:
    """Takes the data channels of a newcomer over."""
    upward = participant.publisher.transport.channels
    upward.on_message, upward.accepts = on_message, lambda: _may_send(participant)
    channels = participant.downward_channels
    if channels is not None:
        channels.on_open = lambda: _send_pending(participant)
        # Who cannot drain what is reliable would only fall further behind. Not from within the sending loop.
        channels.on_overflow = lambda: participant.fail_soon(models.DisconnectReason.MEDIA_FAILURE)


def _may_send(sender: Participant) -> bool:
    if sender.permission.can_publish_data:
        return True
    sender.context.counters["data_forbidden"] += 1
    return False


def _send(receiver: Participant, label: str, payload: bytes) -> bool:
    channels = receiver.downward_channels
    if channels is None:
        return False
    if channels.is_open or label != RELIABLE:
        return channels.send(label, payload)
    pending = receiver.pending_data
    if len(pending) >= MAX_PENDING or sum(map(len, pending)) + len(payload) > MAX_PENDING_BYTES:
        return False
    pending.append(payload)
    return True


def _is_behind(receiver: Participant) -> bool:
    channels = receiver.downward_channels
    return channels is not None and channels.is_behind


def _send_pending(receiver: Participant) -> None:
    channels = receiver.downward_channels
    pending, receiver.pending_data = receiver.pending_data, []
    for payload in pending:
        if channels is None or not channels.send(RELIABLE, payload):
            receiver.context.counters["data_undelivered"] += 1


def _sign(packet: models.DataPacket, sender: Participant) -> None:
    """Writes the sender into the packet, and merges the older places for destinations into the one of today."""
    packet.participant_sid = sender.sid
    if not (packet.participant_identity and _speaks_for_others(packet, sender)):
        packet.participant_identity = sender.identity
    if packet.WhichOneof("value") == "user":
        packet.user.participant_sid = sender.sid
        packet.user.participant_identity = sender.identity
        known = set(packet.destination_identities)
        packet.destination_identities.extend(i for i in packet.user.destination_identities if i not in known)


def _speaks_for_others(packet: models.DataPacket, sender: Participant) -> bool:
    """An agent may name the person whose words it has transcribed or whose text it has generated."""
    if sender.kind != models.ParticipantInfo.AGENT:
        return False
    kind = packet.WhichOneof("value")
    if kind == "stream_header":
        header = packet.stream_header
        return header.WhichOneof("content_header") == "text_header" and header.text_header.generated
    return kind == "transcription" or (kind == "chat_message" and packet.chat_message.generated)
