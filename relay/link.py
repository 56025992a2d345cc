"""The hot path's view of one peer connection: keys, where to send, and what arrives on it.

`transport.Transport` is a `Link` plus ICE, DTLS and SCTP. The router and the batch know only this class, so that tests
and benchmarks can drive them without a handshake.
"""

from __future__ import annotations

import random
from array import array
from typing import TYPE_CHECKING, Any

from relay import clock
from relay.allowance import Allowance
from relay.timeshares import QUIET, Share

if TYPE_CHECKING:
    from relay.bandwidth import LinkEstimate
    from relay.downtrack import DownTrack
    from relay.uptrack import UpSection, UpStream

# A publisher's transport-cc numbers are remembered over this many packets: half a second at 8,000 packets/s.
TWCC_WINDOW = 4096
# Tracks that a subscriber left and may come back to.
MAX_FORMER = 256


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


class Train:
    """Padding packets sent at once to time a link: their transport-cc numbers, and when they came."""

    __slots__ = ("count", "first", "reported", "times_us")

    def __init__(self, first: int, count: int) -> None:
        self.first = first
        self.count = count
        self.reported = 0  # by feedbacks that came
        self.times_us: list[int] = []


class Link:
    """Keys, path, incoming streams and outgoing tracks of one peer connection."""

    def __init__(self) -> None:
        self.rx: Any = None  # raw srtp_t; None until the handshake and after the close
        self.tx: Any = None
        self.sessions: tuple[Any, ...] = ()  # keeps the owners of `rx` and `tx` alive
        self.selected: Path | None = None
        self.rtcp_time = Share(Allowance(*QUIET, clock.now()))
        self.rtcp_ssrc = random.SystemRandom().randrange(1, 1 << 32)
        # as a publisher
        self.streams: dict[int, UpStream] = {}
        self.sections: tuple[UpSection, ...] = ()
        self.transport_cc_id = 0  # id of the extension in what arrives, 0 = none
        self.arrivals = array("q")  # microseconds by transport-cc number, 0 = not seen
        self.twcc_next = self.twcc_high = -1
        self.twcc_feedbacks = 0
        # as a subscriber
        self.downs: dict[int, DownTrack] = {}
        self.former: dict[int, DownTrack] = {}  # stopped ones: a new one of the same SSRC goes on with their numbers
        self.column = -1  # place in the batch's per-subscriber vectors, taken by the first down track
        self.downlink: LinkEstimate | None = None
        self.train: Train | None = None
        self.phase = -1  # which tick of a second looks after it; -1 while none needs to

    def arrived(self, number: int, now_us: int) -> None:
        """Remembers when the packet with this transport-cc number came."""
        high = self.twcc_high
        if high < 0:
            self.arrivals = array("q", bytes(8 * TWCC_WINDOW))
            high = self.twcc_next = self.twcc_high = number + 0x10000
        ahead = (number - high) & 0xFFFF
        if ahead < 0x8000:
            extended = self.twcc_high = high + ahead
            if extended - self.twcc_next >= TWCC_WINDOW:
                self.arrivals = array("q", bytes(8 * TWCC_WINDOW))
                self.twcc_next = extended
        else:
            extended = high - ((high - number) & 0xFFFF)
            if extended < self.twcc_next:
                return  # reported as lost already
        self.arrivals[extended % TWCC_WINDOW] = now_us
