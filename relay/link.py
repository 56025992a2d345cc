"""The hot path's view of one peer connection: keys, where to send, and what arrives on it.

`transport.Transport` is a `Link` plus ICE, DTLS and SCTP. The router and the batch know only this class, so that tests
and benchmarks can drive them without a handshake.
"""

from __future__ import annotations

from array import array
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from relay.bandwidth import LinkEstimate
    from relay.router import DownTrack, UpSection

# A publisher's transport-cc numbers are remembered over this many packets: half a second at 8,000 packets/s.
TWCC_WINDOW = 4096


class Path:
    """One validated way to a peer: a UDP 5-tuple (`fd`, `name`) or a TCP connection (`stream`, `fd` = -1)."""

    __slots__ = ("address", "fd", "link", "name", "name_length", "name_pointer", "stream")

    def __init__(self, link: Link, address: str) -> None:
        self.link = link
        self.address = address
        self.fd = -1
        self.name: Any = None  # cffi memory of the sockaddr: keeps `name_pointer` valid
        self.name_pointer = 0
        self.name_length = 0
        self.stream: Any = None  # transport.TcpConnection


class Link:
    """Keys, path, incoming streams and outgoing tracks of one peer connection."""

    def __init__(self) -> None:
        self.rx: Any = None  # raw srtp_t; None until the handshake and after the close
        self.tx: Any = None
        self.sessions: tuple[Any, ...] = ()  # keeps the owners of `rx` and `tx` alive
        self.selected: Path | None = None
        self.streams: dict[int, Any] = {}
        self.sections: tuple[UpSection, ...] = ()
        self.downs: dict[int, DownTrack] = {}
        self.column = -1  # place in the batch's per-subscriber vectors, taken by the first down track
        self.downlink: LinkEstimate | None = None
        # transport-cc towards a publisher: arrival in microseconds by number, 0 = not seen
        self.arrivals = array("q", bytes(0))
        self.twcc_next = -1
        self.twcc_high = -1
        self.twcc_feedbacks = 0
        self.media_ssrc = 0
