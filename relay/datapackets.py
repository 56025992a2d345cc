"""Data packets between participants (livekit-protocol D.7): who may send, who gets them, from whom they are.

A packet is parsed once, the sender's identity is written over whatever it claimed, and it is serialised once for all
its receivers. Kinds that this file does not know stay as they were, unknown fields included.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError
from livekit.protocol import models

if TYPE_CHECKING:
    from relay.participant import Participant
    from relay.room import Room

RELIABLE = "_reliable"
LOSSY = "_lossy"
# Reliable packets for somebody whose channel is about to open: a greeting, a chat line, a caption's beginning.
MAX_PENDING = 64
MAX_PENDING_BYTES = 256 << 10
# SendData retries of the portal within this many calls are recognised.
MAX_NONCES = 1024


class DataRouter:
    """The data packets of one room."""

    def __init__(self, room: Room) -> None:
        self._room = room
        self._nonces: deque[bytes] = deque(maxlen=MAX_NONCES)

    def receiver(self, sender: Participant) -> Callable[[str, bytes], None]:
        """The callback for the data channels of `sender`."""
        return lambda label, payload: self._receive(sender, label, payload)

    def send_from_server(self, packet: models.DataPacket, nonce: bytes) -> bool:
        """`RoomService.SendData`. False for a repeated nonce, which is not sent again."""
        if nonce:
            if nonce in self._nonces:
                return False
            self._nonces.append(nonce)
        label = LOSSY if packet.kind == models.DataPacket.LOSSY else RELIABLE
        self._deliver(None, label, packet)
        return True

    def _receive(self, sender: Participant, label: str, payload: bytes) -> None:
        counters = self._room.context.counters
        if self._room.participants.get(sender.identity) is not sender or label not in (RELIABLE, LOSSY):
            counters["data_ignored"] += 1
            return
        if not sender.permission.can_publish_data:
            counters["data_forbidden"] += 1
            return
        try:
            packet = models.DataPacket.FromString(payload)
        except DecodeError:
            counters["data_malformed"] += 1
            return
        if label == RELIABLE and packet.sequence:
            if packet.sequence <= sender.last_sequence:
                counters["data_repeated"] += 1
                return
            sender.last_sequence = packet.sequence
        kind = packet.WhichOneof("value")
        if kind == "speaker" or (kind == "transcription" and sender.kind != models.ParticipantInfo.AGENT):
            counters["data_forbidden"] += 1
            return
        _sign(packet, sender)
        self._deliver(sender, label, packet)

    def _deliver(self, sender: Participant | None, label: str, packet: models.DataPacket) -> None:
        identities, sids = set(packet.destination_identities), set(packet.user.destination_sids)
        is_metrics = packet.WhichOneof("value") == "metrics"
        payload = packet.SerializeToString()
        for receiver in self._receivers(identities, sids):
            if receiver is sender or (is_metrics and not receiver.permission.can_subscribe_metrics):
                continue
            if not _send(receiver, label, payload):
                self._room.context.counters["data_undelivered"] += 1

    def _receivers(self, identities: set[str], sids: set[str]) -> Iterable[Participant]:
        people = list(self._room.participants.values())
        if not identities and not sids:
            return people
        return [person for person in people if person.identity in identities or person.sid in sids]


def attach(participant: Participant, on_message: Callable[[str, bytes], None]) -> None:
    """Takes the data channels of a newcomer over."""
    participant.publisher.transport.channels.on_message = on_message
    channels = participant.downward_channels
    if channels is not None:
        channels.on_open = lambda: _send_pending(participant)
        # Who cannot drain what is reliable would only fall further behind. Not from within the sending loop.
        channels.on_overflow = lambda: participant.fail_soon(models.DisconnectReason.MEDIA_FAILURE)


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
