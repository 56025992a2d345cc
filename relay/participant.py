"""One participant of a room: who it is, what it may do, its two peer connections and its signalling session."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

from livekit.protocol import models, rtc

from relay import clock, messages, sids
from relay.errors import ProtocolError
from relay.media import DataChannels, TransportState
from relay.messages import Action, Reason
from relay.peer import PublisherPeer, SubscriberPeer
from relay.permissions import Permission
from relay.publishing import Publishing
from relay.subscribing import Subscribing

if TYPE_CHECKING:
    from relay.room import Room

logger = logging.getLogger(__name__)

# design.md §2: a session without signalling lives while ICE checks arrive.
MAX_WITHOUT_SIGNAL_SECONDS = 60.0
MAX_WITHOUT_CHECKS_SECONDS = 15.0
# Browsers and the Rust core ping every 5 s; after this the websocket is a dead one that nobody noticed. The Go SDK
# never pings: whether its websocket lives is web's to find out.
SIGNAL_IDLE_SECONDS = 30.0
# Clients check consent every 2.5 to 5 s (RFC 7675 gives up after 30 s).
MEDIA_IDLE_SECONDS = 30.0
JOIN_SECONDS = 60.0

# livekit-protocol B.8.
MAX_METADATA_BYTES = 64_000
MAX_ATTRIBUTES_BYTES = 64_000
MAX_NAME_BYTES = 256
MAX_IDENTITY_BYTES = 256


class State(IntEnum):
    """LiveKit's participant states; each only ever goes up."""

    JOINING = 0
    JOINED = 1
    ACTIVE = 2
    DISCONNECTED = 3


class SignalSink(Protocol):
    """A client's websocket, as the worker shows it."""

    def send(self, payload: bytes) -> None: ...
    def close(self, reason: str) -> None: ...


@dataclass(frozen=True, slots=True)
class JoinOptions:
    """What web says about a websocket that wants in (`OPEN`)."""

    room: str
    identity: str
    name: str = ""
    metadata: str = ""
    attributes: Mapping[str, str] = field(default_factory=dict)
    kind: int = models.ParticipantInfo.STANDARD
    permission: Permission = field(default_factory=Permission)
    client: Mapping[str, str] = field(default_factory=dict)
    auto_subscribe: bool = True
    adaptive_stream: bool = False
    is_reconnect: bool = False
    sid: str = ""
    room_config: Mapping[str, Any] = field(default_factory=dict)
    gives_way: bool = False  # a connection test, open to anybody: calls come first

    @classmethod
    def from_json(cls, document: Any) -> JoinOptions:
        """Raises `ProtocolError` when a field is missing or of the wrong kind."""
        if not isinstance(document, dict):
            raise ProtocolError("OPEN is not an object")
        grants, client = document.get("grants") or {}, document.get("client") or {}
        attributes, room_config = document.get("attributes") or {}, document.get("room_config") or {}
        if not all(isinstance(part, dict) for part in (grants, client, attributes, room_config)):
            raise ProtocolError("OPEN with a field that is not an object")
        texts = {key: document.get(key) or "" for key in ("room", "identity", "name", "metadata", "sid")}
        if not all(isinstance(text, str) for text in texts.values()):
            raise ProtocolError("OPEN with a field that is not text")
        if not texts["room"] or not texts["identity"] or len(texts["identity"].encode()) > MAX_IDENTITY_BYTES:
            raise ProtocolError("OPEN without a room or a usable identity")
        return cls(
            **texts,
            attributes={str(key): str(value) for key, value in attributes.items()},
            kind=_kind(document.get("kind")),
            permission=Permission.from_grants(grants),
            client={str(key): str(value) for key, value in client.items()},
            auto_subscribe=document.get("auto_subscribe", True) is not False,
            adaptive_stream=document.get("adaptive_stream") is True,
            is_reconnect=document.get("reconnect") is True,
            room_config=room_config,
            gives_way=document.get("gives_way") is True,
        )


def _kind(name: Any) -> int:
    known = models.ParticipantInfo.Kind
    wanted = str(name or "standard").upper()
    is_known = wanted in known.keys()  # noqa: SIM118  protobuf's wrapper is no dict
    return int(known.Value(wanted if is_known else "STANDARD"))


class Participant:
    """A member of a room, from join to leave. Its sid changes with each full join, its identity never."""

    def __init__(self, room: Room, options: JoinOptions, sink: SignalSink) -> None:
        self.room = room
        self.context = room.context
        self.sid = sids.new_sid(sids.PARTICIPANT)
        self.identity = options.identity
        self.name = options.name
        self.metadata = options.metadata
        self.attributes = dict(options.attributes)
        self.kind = options.kind
        self.permission = options.permission
        self.client = options.client
        self.auto_subscribe = options.auto_subscribe
        self.adaptive_stream = options.adaptive_stream
        self.gives_way = options.gives_way
        self.state = State.JOINING
        self.version = 1
        self.is_publisher = False
        self.joined_at = clock.now()
        self.joined_wall = clock.wall()
        self.disconnect_reason: int = Reason.UNKNOWN_REASON
        self.was_active = False
        self.last_sequence = 0  # of its reliable data packets
        self.pending_data: list[bytes] = []  # for it, until its channel opens
        self.rtt_ms = 0
        self.quality: int | None = None
        self.sink: SignalSink | None = sink
        self.signal_at = self.joined_at
        self.pings = False  # whether it ever did
        self.signal_lost_at = 0.0
        self.drop_next_resume = False  # a test scenario (livekit-protocol D.14)
        self._info: tuple[int, models.ParticipantInfo] | None = None
        self.publishing = Publishing(self)
        self.subscribing = Subscribing(self)
        self.is_subscriber_primary = self.permission.can_subscribe
        label = f"{room.sid}/{self.sid}"
        self.publisher = PublisherPeer(self.context.media, f"{label}/pub", self._on_publisher_state)
        self.subscriber: SubscriberPeer | None = None
        if self.permission.can_subscribe:
            self._open_subscriber()
        self._share_time()

    # What it is ------------------------------------------------------------------------------------------------

    def info(self) -> models.ParticipantInfo:
        """LiveKit's picture of the participant; built once a version."""
        if self._info is None or self._info[0] != self.version:
            self._info = (self.version, self._build_info())
        return self._info[1]

    @property
    def is_hidden(self) -> bool:
        return self.permission.hidden

    @property
    def is_dependent(self) -> bool:
        """Agents and recorders do not keep a room open."""
        return self.kind in (models.ParticipantInfo.AGENT, models.ParticipantInfo.EGRESS)

    @property
    def is_recorder(self) -> bool:
        return self.kind == models.ParticipantInfo.EGRESS or self.permission.recorder

    def changed(self) -> None:
        """Something in `info` is new: everybody hears of it in the room's next update."""
        self.version += 1
        self.room.updates.changed(self)

    # Signalling ------------------------------------------------------------------------------------------------

    def send(self, message: rtc.SignalResponse) -> None:
        """Sends one message, or drops it while the client has no websocket: a resume starts from a snapshot."""
        if self.sink is not None:
            self.sink.send(message.SerializeToString())

    def send_bytes(self, payload: bytes) -> None:
        if self.sink is not None:
            self.sink.send(payload)

    def attach(self, sink: SignalSink) -> None:
        """A resumed session's websocket takes the place of the old one."""
        old, self.sink = self.sink, sink
        self.signal_at = clock.now()
        if old is not None and old is not sink:
            old.close("resumed elsewhere")

    def detach(self, sink: SignalSink | None = None) -> None:
        """The websocket is gone. The participant stays resumable."""
        if self.sink is not None and (sink is None or sink is self.sink):
            self.sink = None
            self.signal_lost_at = clock.now()

    def close_signal(self, reason: str) -> None:
        """Closes the websocket after what was sent."""
        if self.sink is not None:
            sink = self.sink
            self.detach()
            sink.close(reason)

    def leave(self, reason: int, action: int) -> None:
        """Tells the client to go, and removes it."""
        self.send(messages.leave(reason, action))
        self.room.remove(self, reason)

    def fail(self, reason: int) -> None:
        """Something between us broke: the client rejoins from the start."""
        if self.state == State.DISCONNECTED:
            return
        logger.info("participant must rejoin", extra={**self.log_fields, "reason": messages.reason_name(reason)})
        self.context.counters["rejoins_asked"] += 1
        self.leave(reason, Action.RECONNECT)

    def fail_soon(self, reason: int) -> None:
        """`fail` in the next turn of the loop: for callbacks in the midst of something."""
        self.context.later(0, lambda: self.fail(reason))

    @property
    def downward_channels(self) -> DataChannels | None:
        """Where data for the client goes: down its primary connection, there it listens (livekit-protocol C.3)."""
        peer = self.subscriber if self.is_subscriber_primary else self.publisher
        return peer.transport.channels if peer is not None else None

    @property
    def log_fields(self) -> dict[str, str]:
        return {"room": self.room.name, "room_sid": self.room.sid, "participant": self.sid}

    # Rights and properties -------------------------------------------------------------------------------------

    def set_permission(self, permission: Permission) -> None:
        """Takes effect in the media path before anybody is told."""
        if permission == self.permission:
            return
        was_hidden = self.is_hidden
        self.permission = permission
        self.publishing.review()
        if permission.can_subscribe and self.subscriber is None:
            self._open_subscriber()
            self.start_subscriber()
        self._share_time()
        self.subscribing.review(self.room.tracks.values())
        if was_hidden != permission.hidden:
            self.room.visibility_changed(self)
        self.changed()

    def set_properties(
        self, *, name: str | None = None, metadata: str | None = None, attributes: Mapping[str, str] | None = None
    ) -> None:
        """An empty attribute value deletes its key. Raises `ProtocolError` over a size limit."""
        merged = {**self.attributes, **(attributes or {})}
        kept = {key: value for key, value in merged.items() if value != ""}
        check_properties(name or "", metadata or "", kept)
        self.name = self.name if name is None else name
        self.metadata = self.metadata if metadata is None else metadata
        self.attributes = kept
        self.changed()

    # Life ------------------------------------------------------------------------------------------------------

    def start_subscriber(self) -> None:
        """The first offer: at once, and without a track too, since the client is connected by it."""
        if self.subscriber is not None:
            self.subscriber.negotiate(delay=0)

    def resume(self) -> None:
        """Gives both connections a chance to find a new path: new credentials for what we offer."""
        if self.subscriber is not None:
            self.subscriber.restart()

    def set_active(self) -> None:
        """The primary connection is up."""
        if self.state == State.JOINED:
            self.state = State.ACTIVE
            self.was_active = True
            self.changed()
            self.room.became_active(self)

    def close(self) -> None:
        """Ends tracks, subscriptions and connections. The room has already told, or will tell, the others."""
        self.subscribing.close()
        self.publishing.close()
        self.state = State.DISCONNECTED
        if self.subscriber is not None:
            self.subscriber.close()
            self.context.spawn(self.subscriber.transport.close())
        self.context.spawn(self.publisher.transport.close())
        self.close_signal("left")

    def tick(self, now: float) -> None:
        """Once a second: everything that waits for something to happen in time."""
        if self._has_gone(now):
            return
        self.publishing.tick(now)
        self.subscribing.tick(now)

    def _has_gone(self, now: float) -> bool:
        checked_at = max(peer.transport.last_check_at for peer in self._peers)
        if self.sink is None:
            without_checks = now - max(checked_at, self.signal_lost_at)
            if now - self.signal_lost_at > MAX_WITHOUT_SIGNAL_SECONDS or without_checks > MAX_WITHOUT_CHECKS_SECONDS:
                self.room.remove(self, Reason.SIGNAL_CLOSE)
        elif self.pings and now - self.signal_at > SIGNAL_IDLE_SECONDS:
            self.context.counters["signals_idle"] += 1
            self.close_signal("idle")
        elif self.state == State.JOINED and now - self.joined_at > JOIN_SECONDS:
            self.fail(Reason.JOIN_FAILURE)
        elif self.state == State.ACTIVE and now - max(checked_at, self.joined_at) > MEDIA_IDLE_SECONDS:
            self.fail(Reason.CONNECTION_TIMEOUT)
        elif self.subscriber is not None and self.subscriber.has_timed_out(now):
            self.context.counters["answers_missing"] += 1
            self.fail(Reason.STATE_MISMATCH)
        return self.state == State.DISCONNECTED

    @property
    def _peers(self) -> list[PublisherPeer | SubscriberPeer]:
        return [self.publisher, *([self.subscriber] if self.subscriber is not None else [])]

    def _open_subscriber(self) -> None:
        self.subscriber = SubscriberPeer(
            self.context.media,
            f"{self.room.sid}/{self.sid}/sub",
            later=self.context.later,
            on_state=self._on_subscriber_state,
            can_signal=lambda: self.sink is not None and self.state != State.JOINING,
            send_offer=self._send_offer,
            is_browser=self.client.get("sdk") == "js",
        )

    def _share_time(self) -> None:
        self.shares = self.context.shares.of(
            self.room.name, self.identity, sends_data=self.permission.can_publish_data, gives_way=self.gives_way
        )
        for peer in self._peers:
            peer.transport.share_time(self.shares)

    def _send_offer(self, text: str, offer_id: int) -> None:
        # Clients look the offer's tracks up in what they were told before (livekit-protocol B.7).
        self.room.updates.flush()
        self.send(rtc.SignalResponse(offer=rtc.SessionDescription(type="offer", sdp=text, id=offer_id)))

    def _on_publisher_state(self, state: TransportState) -> None:
        self._on_state(state, is_primary=not self.is_subscriber_primary)

    def _on_subscriber_state(self, state: TransportState) -> None:
        self._on_state(state, is_primary=self.is_subscriber_primary)

    def _on_state(self, state: TransportState, *, is_primary: bool) -> None:
        if self.state == State.DISCONNECTED:
            return
        if state is TransportState.CONNECTED and is_primary:
            self.set_active()
        elif state is TransportState.FAILED:
            # The handshake: another ICE path would not help, and DTLS does not begin twice.
            self.fail_soon(Reason.JOIN_FAILURE)
        elif state is TransportState.CLOSED and self.sink is None:
            # The client closed its connection, and its websocket before: it is not coming back.
            self.context.later(0, lambda: self.room.remove(self, Reason.SIGNAL_CLOSE))

    def _build_info(self) -> models.ParticipantInfo:
        return models.ParticipantInfo(
            sid=self.sid,
            identity=self.identity,
            name=self.name,
            metadata=self.metadata,
            attributes=self.attributes,
            state=models.ParticipantInfo.State.Name(self.state),
            tracks=[track.info for track in self.publishing.announced],
            permission=self.permission.message(),
            joined_at=int(self.joined_wall),
            joined_at_ms=int(self.joined_wall * 1000),
            version=self.version,
            is_publisher=self.is_publisher,
            kind=models.ParticipantInfo.Kind.Name(self.kind),
            client_protocol=_integer(self.client.get("client_protocol", "")),
            capabilities=_capabilities(self.client.get("capabilities", "")),
            disconnect_reason=self.disconnect_reason,  # type: ignore[arg-type]  # a number: see reason_name
        )


def check_properties(name: str, metadata: str, attributes: Mapping[str, str]) -> None:
    """Raises `ProtocolError` with a text for the person when something is too large."""
    if len(name.encode()) > MAX_NAME_BYTES:
        raise ProtocolError(f"name exceeds {MAX_NAME_BYTES} bytes")
    if len(metadata.encode()) > MAX_METADATA_BYTES:
        raise ProtocolError(f"metadata exceeds {MAX_METADATA_BYTES} bytes")
    if sum(len(key.encode()) + len(value.encode()) for key, value in attributes.items()) > MAX_ATTRIBUTES_BYTES:
        raise ProtocolError(f"attributes exceed {MAX_ATTRIBUTES_BYTES} bytes")


def _integer(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else 0


def _capabilities(text: str) -> list[str]:
    """The client's capabilities, by name or number, as names; unknown ones are left out."""
    known = models.ClientInfo.Capability
    by_number = {str(number): name for name, number in known.items()}
    words = [word.strip() for word in text.split(",")]
    names = [by_number.get(word, word if word.startswith("CAP_") else f"CAP_{word}".upper()) for word in words if word]
    return [name for name in dict.fromkeys(names) if name in by_number.values()][:16]
