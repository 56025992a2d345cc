"""Offers and answers of clients: text to fields (RFC 8866, 8829, 8843, 8853). No I/O; `sdpwriter` writes ours.

Only what stock clients send and what the relay does is kept; a line that is not understood is skipped. Everything that
is ever echoed (mids, rids, payload types, extension ids) is checked here against its grammar, so that no text of a
client reaches another line of an answer.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from relay.errors import ProtocolError

# Chromium's offers grow by about 5 kB a video section; a page that publishes or receives a hundred stays below this.
MAX_SDP_BYTES = 1 << 20
MAX_SECTIONS = 256
# They hold for each section, and are read for each: 2,000 of them with 250 sections stopped the worker for 3 s.
MAX_SESSION_ATTRIBUTES = 64
# Chromium offers about 45 payload types in a video section.
MAX_CODECS_PER_SECTION = 128
MAX_RIDS = 8

EXTENSIONS = {
    "urn:ietf:params:rtp-hdrext:sdes:mid": "mid",
    "urn:ietf:params:rtp-hdrext:sdes:rtp-stream-id": "rid",
    "urn:ietf:params:rtp-hdrext:sdes:repaired-rtp-stream-id": "repaired-rid",
    "urn:ietf:params:rtp-hdrext:ssrc-audio-level": "audio-level",
    "http://www.ietf.org/id/draft-holmer-rmcat-transport-wide-cc-extensions-01": "transport-cc",
    "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time": "abs-send-time",
    "urn:3gpp:video-orientation": "orientation",
}
EXTENSION_URIS = {name: uri for uri, name in EXTENSIONS.items()}
# Codecs that the relay forwards. RED is not among them until it can be unpacked for those who do not take it.
_MEDIA_CODECS = {"audio": ("opus",), "video": ("vp8", "h264")}

_TOKEN = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`{|}~]{1,64}")  # RFC 8866 token
_RID = re.compile(r"[A-Za-z0-9_-]{1,32}")
_ICE = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")  # RFC 8839 ice-char; = _ - seen in the wild
_FINGERPRINT = re.compile(r"([A-Za-z0-9-]{1,20}) ([0-9A-Fa-f]{2}(?::[0-9A-Fa-f]{2}){15,127})")
_DIRECTIONS = {"sendrecv", "sendonly", "recvonly", "inactive"}


@dataclass(frozen=True, slots=True)
class Codec:
    """One payload type of a section. `name` is lower case; `fmtp` and `feedback` are as the other end wrote them."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    feedback: tuple[str, ...] = ()

    @property
    def parameters(self) -> dict[str, str]:
        """`fmtp` as a mapping, keys in lower case."""
        pairs = (part.strip().partition("=") for part in self.fmtp.split(";") if part.strip())
        return {key.strip().lower(): value.strip() for key, _, value in pairs}


@dataclass(slots=True)
class Section:
    """One m-line with what belongs to it."""

    kind: str  # "audio" | "video" | "application" | anything else a client may offer
    port: int
    profile: str
    formats: tuple[str, ...]
    mid: str = ""
    direction: str = "sendrecv"
    codecs: dict[int, Codec] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)  # short name -> id
    stream_id: str = ""
    track_id: str = ""
    ssrcs: tuple[int, ...] = ()
    rtx_ssrcs: dict[int, int] = field(default_factory=dict)  # rtx ssrc -> media ssrc
    rids: tuple[str, ...] = ()  # in the order of a=simulcast
    ice_ufrag: str = ""
    ice_pwd: str = ""
    setup: str = ""
    fingerprints: tuple[tuple[str, str], ...] = ()

    @property
    def is_media(self) -> bool:
        return self.kind in _MEDIA_CODECS

    @property
    def is_sending(self) -> bool:
        return self.port != 0 and self.direction in ("sendrecv", "sendonly")

    @property
    def is_receiving(self) -> bool:
        return self.port != 0 and self.direction in ("sendrecv", "recvonly")

    def rtx_of(self, payload_type: int) -> int | None:
        """The RTX payload type that repairs `payload_type`."""
        for codec in self.codecs.values():
            if codec.name == "rtx" and codec.parameters.get("apt") == str(payload_type):
                return codec.payload_type
        return None

    def choose_codec(self, preferred: str = "") -> Codec | None:
        """The codec to receive: `preferred` if the section has it, else the first one that the relay forwards."""
        usable = [codec for codec in self.codecs.values() if self._is_usable(codec)]
        return next((codec for codec in usable if codec.name == preferred), usable[0] if usable else None)

    def _is_usable(self, codec: Codec) -> bool:
        if codec.name not in _MEDIA_CODECS.get(self.kind, ()):
            return False
        # Mode 0 is offered for old hardware; every client also offers mode 1, and only that has fragmented frames.
        return codec.name != "h264" or codec.parameters.get("packetization-mode") == "1"


@dataclass(slots=True)
class Description:
    """A parsed offer or answer."""

    sections: list[Section]
    bundle: tuple[str, ...]
    has_mixed_extensions: bool

    @property
    def transport_section(self) -> Section:
        """The section whose ICE and DTLS parameters count (everything is bundled)."""
        return next((section for section in self.sections if section.ice_ufrag), self.sections[0])


# Parsing ------------------------------------------------------------------------------------------------------


def parse(text: str) -> Description:
    """The fields of an offer or answer. Raises `ProtocolError` when it is not one that can be answered."""
    if len(text) > MAX_SDP_BYTES:
        raise ProtocolError(f"SDP of {len(text)} characters, at most {MAX_SDP_BYTES}")
    head, bodies = _split(text)
    if not bodies:
        raise ProtocolError("SDP without a media section")
    if len(bodies) > MAX_SECTIONS:
        raise ProtocolError(f"SDP with {len(bodies)} sections, at most {MAX_SECTIONS}")
    session = _attributes(head)
    if len(session) > MAX_SESSION_ATTRIBUTES:
        raise ProtocolError(f"SDP with {len(session)} session attributes, at most {MAX_SESSION_ATTRIBUTES}")
    sections = [_parse_section(lines, session) for lines in bodies]
    _require_transport(sections)
    _require_distinct_mids(sections)
    bundle = next((value.split()[1:] for name, value in session if name == "group" and value.startswith("BUNDLE")), [])
    return Description(
        sections=sections,
        bundle=tuple(bundle),
        has_mixed_extensions=any(name == "extmap-allow-mixed" for name, _ in session),
    )


def _split(text: str) -> tuple[list[str], list[list[str]]]:
    """The session's lines and those of each section. Only CR and LF end a line: splitlines() knows more of them."""
    head: list[str] = []
    bodies: list[list[str]] = []
    for raw in text.replace("\r", "\n").split("\n"):
        line = raw.strip()
        if line.startswith("m="):
            bodies.append([])
        if line:
            (bodies[-1] if bodies else head).append(line)
    if not head or head[0] != "v=0":
        raise ProtocolError("SDP does not begin with v=0")
    return head, bodies


def _attributes(lines: Iterable[str]) -> list[tuple[str, str]]:
    found = []
    for line in lines:
        if line.startswith("a="):
            name, _, value = line[2:].partition(":")
            found.append((name, value))
    return found


def _parse_section(lines: Sequence[str], session: Sequence[tuple[str, str]]) -> Section:
    section = _parse_media_line(lines[0])
    attributes = _attributes(lines[1:])
    section.codecs = _parse_codecs(section, attributes)
    fingerprints: list[tuple[str, str]] = []
    for name, value in (*session, *attributes):
        if name == "ice-ufrag":
            section.ice_ufrag = _checked(_ICE, value, "ice-ufrag")
        elif name == "ice-pwd":
            section.ice_pwd = _checked(_ICE, value, "ice-pwd")
        elif name == "setup":
            section.setup = value.strip()
        elif name == "fingerprint":
            fingerprints.append(_parse_fingerprint(value))
        elif name in _DIRECTIONS:
            section.direction = name
    section.fingerprints = tuple(dict.fromkeys(fingerprints))
    ssrcs: dict[int, None] = {}
    for name, value in attributes:
        if name == "mid":
            section.mid = _checked(_TOKEN, value, "mid")
        elif name == "bundle-only" and section.port == 0:
            section.port = 9  # RFC 8843: port 0 here means "only with the bundle", not "refused" (Firefox, max-bundle)
        elif name == "msid":
            section.stream_id, _, section.track_id = value[:512].partition(" ")
        elif name == "extmap":
            _parse_extension(section, value)
        elif name == "ssrc":
            ssrcs[_number(value.partition(" ")[0], 0xFFFFFFFF, "ssrc")] = None
        elif name == "ssrc-group":
            _parse_ssrc_group(section, value)
    section.ssrcs = tuple(ssrc for ssrc in ssrcs if ssrc not in section.rtx_ssrcs)
    section.rids = _parse_rids(attributes)
    return section


def _parse_media_line(line: str) -> Section:
    words = line[2:].split()
    if len(words) < 4:
        raise ProtocolError("m-line with fewer than four words")
    kind, port, profile = words[0], words[1].partition("/")[0], words[2]
    for word in (kind, *profile.split("/"), *words[3:]):
        _checked(_TOKEN, word, "m-line word")
    if len(words) - 3 > MAX_CODECS_PER_SECTION:
        raise ProtocolError(f"section with {len(words) - 3} formats, at most {MAX_CODECS_PER_SECTION}")
    return Section(kind=kind, port=_number(port, 65535, "port"), profile=profile, formats=tuple(words[3:]))


def _parse_codecs(section: Section, attributes: Sequence[tuple[str, str]]) -> dict[int, Codec]:
    """The codecs in the order of the m-line, which is the order of preference."""
    if not section.is_media:
        return {}
    maps: dict[int, tuple[str, int, int]] = {}
    formats: dict[int, str] = {}
    feedback: dict[str, list[str]] = {}
    for name, value in attributes:
        head, _, rest = value.partition(" ")
        if name == "rtpmap":
            maps[_number(head, 127, "payload type")] = _parse_rtpmap(rest)
        elif name == "fmtp":
            formats[_number(head, 127, "payload type")] = rest.strip()
        elif name == "rtcp-fb":
            feedback.setdefault(head, []).append(rest.strip())
    codecs = {}
    for word in section.formats:
        payload_type = _number(word, 127, "payload type")
        if payload_type in maps:
            name, clock_rate, channels = maps[payload_type]
            wanted = (*feedback.get(word, ()), *feedback.get("*", ()))
            codecs[payload_type] = Codec(
                payload_type, name, clock_rate, channels, formats.get(payload_type, ""), tuple(wanted)
            )
    return codecs


def _parse_rtpmap(value: str) -> tuple[str, int, int]:
    parts = value.strip().split("/")
    if len(parts) < 2:
        raise ProtocolError("rtpmap without a clock rate")
    name = _checked(_TOKEN, parts[0], "codec name").lower()
    return name, _number(parts[1], 0xFFFFFFFF, "clock rate"), _number(parts[2], 255, "channels") if parts[2:] else 1


def _parse_fingerprint(value: str) -> tuple[str, str]:
    match = _FINGERPRINT.fullmatch(value.strip())
    if match is None:
        raise ProtocolError("malformed fingerprint")
    return match[1].lower(), match[2].upper()


def _parse_extension(section: Section, value: str) -> None:
    head, _, rest = value.partition(" ")
    name = EXTENSIONS.get(rest.split(" ")[0])
    if name is not None:
        number = _number(head.partition("/")[0], 255, "extension id")
        if not 1 <= number <= 255 or number == 15:
            raise ProtocolError(f"extension id {number}")
        section.extensions[name] = number


def _parse_ssrc_group(section: Section, value: str) -> None:
    words = value.split()
    if words and words[0] == "FID" and len(words) == 3:
        media, rtx = (_number(word, 0xFFFFFFFF, "ssrc") for word in words[1:])
        section.rtx_ssrcs[rtx] = media


def _parse_rids(attributes: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """The rids that the other end sends, in its order; () when it sends one encoding."""
    sent = {value.split()[0] for name, value in attributes if name == "rid" and value.split()[1:2] == ["send"]}
    for rid in sent:
        _checked(_RID, rid, "rid")
    order: list[str] = []
    for name, value in attributes:
        words = value.split()
        if name == "simulcast" and "send" in words[:-1]:
            for stream in words[words.index("send") + 1].split(";"):
                rid = stream.split(",")[0].lstrip("~")  # alternatives and "starts paused" change nothing for us
                if rid in sent and rid not in order:
                    order.append(rid)
                if len(order) > MAX_RIDS:
                    raise ProtocolError(f"more than {MAX_RIDS} simulcast layers")
    return tuple(order)


def _require_transport(sections: Sequence[Section]) -> None:
    carriers = [section for section in sections if section.ice_ufrag]
    if not carriers or not carriers[0].ice_pwd:
        raise ProtocolError("SDP without ICE credentials")
    if not carriers[0].fingerprints:
        raise ProtocolError("SDP without a fingerprint")


def _require_distinct_mids(sections: Sequence[Section]) -> None:
    mids = [section.mid for section in sections]
    if "" in mids or len(set(mids)) != len(mids):
        raise ProtocolError("SDP with missing or repeated mids")


def _checked(pattern: re.Pattern[str], value: str, what: str) -> str:
    value = value.strip()
    if pattern.fullmatch(value) is None:
        raise ProtocolError(f"malformed {what}")
    return value


def _number(word: str, highest: int, what: str) -> int:
    word = word.strip()
    if not (word.isascii() and word.isdigit() and len(word) <= 10) or int(word) > highest:
        raise ProtocolError(f"malformed {what}")
    return int(word)
