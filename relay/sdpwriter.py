"""Our answers and offers: fields to text. No I/O. Everything echoed of a client was checked by `sdp`."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from relay.sdp import EXTENSION_URIS, Codec, Description, Section

_UPLINK_EXTENSIONS = {
    "audio": {"mid", "audio-level", "transport-cc", "abs-send-time"},
    "video": {"mid", "rid", "repaired-rid", "transport-cc", "abs-send-time", "orientation"},
}
_UPLINK_FEEDBACK = {
    "audio": ("transport-cc", "nack"),
    "video": ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"),
}


@dataclass(frozen=True, slots=True)
class TransportLines:
    """What the relay writes about its end of the connection. `candidates` are the values of a=candidate lines."""

    ice_ufrag: str
    ice_pwd: str
    fingerprint: tuple[str, str]
    candidates: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class UplinkAnswer:
    """How one offered media section is answered: `codec` None refuses it."""

    codec: Codec | None
    with_dtx: bool = True
    is_stereo: bool = False


@dataclass(frozen=True, slots=True)
class DownlinkCodec:
    """The codec of a track towards a subscriber, under the relay's own payload types."""

    payload_type: int
    name: str
    clock_rate: int
    channels: int = 1
    fmtp: str = ""
    rtx_payload_type: int | None = None


@dataclass(frozen=True, slots=True)
class DownlinkSection:
    """One section of an offer to a subscriber. `msid` "" writes it as inactive, `is_dead` as refused for good."""

    mid: str
    kind: str
    codec: DownlinkCodec
    msid: str = ""
    cname: str = ""
    ssrc: int = 0
    rtx_ssrc: int | None = None
    is_dead: bool = False


_AUDIO_FEEDBACK = ("transport-cc", "nack")
_VIDEO_FEEDBACK = ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli")
# Fixed for every subscriber, so that one outgoing header block serves a whole fan-out (README.md).
DOWNLINK_EXTENSIONS = {
    "audio": {"abs-send-time": 2, "transport-cc": 3, "audio-level": 4},
    "video": {"abs-send-time": 2, "transport-cc": 3, "orientation": 5},
}
_SCTP_LINES = ["a=sctp-port:5000", "a=max-message-size:65536"]


def write_answer(
    offer: Description, transport: TransportLines, answers: Mapping[str, UplinkAnswer], *, version: int, setup: str
) -> str:
    """The answer to a publisher's offer. `answers` says by mid what becomes of each media section."""
    accepted = [section.mid for section in offer.sections if _is_accepted(section, answers)]
    lines = _head(accepted, transport, version, offer.has_mixed_extensions)
    for section in offer.sections:
        if section.mid not in accepted:
            lines += _refused_lines(section)
            continue
        lines += _answer_lines(section, answers.get(section.mid))
        lines += _transport_lines(transport, setup, with_candidates=section.mid == accepted[0])
    return "\r\n".join(lines) + "\r\n"


def _is_accepted(section: Section, answers: Mapping[str, UplinkAnswer]) -> bool:
    if section.port == 0 and section.kind != "application":
        return False
    if section.kind == "application":
        return "webrtc-datachannel" in section.formats
    answer = answers.get(section.mid)
    return answer is not None and answer.codec is not None


def _head(mids: Sequence[str], transport: TransportLines, version: int, mixed: bool) -> list[str]:
    lines = ["v=0", f"o=- 1 {version} IN IP4 0.0.0.0", "s=-", "t=0 0", "a=ice-lite"]
    if mids:
        lines.append("a=group:BUNDLE " + " ".join(mids))
    if mixed:
        lines.append("a=extmap-allow-mixed")
    return [*lines, "a=msid-semantic: WMS *", "a=fingerprint:{} {}".format(*transport.fingerprint)]


def _transport_lines(transport: TransportLines, setup: str, *, with_candidates: bool) -> list[str]:
    lines = [f"a=ice-ufrag:{transport.ice_ufrag}", f"a=ice-pwd:{transport.ice_pwd}", f"a=setup:{setup}"]
    if with_candidates:
        # One bundled section is enough; a copy in each would make a room of sixty 30 kB larger per offer.
        lines += [f"a=candidate:{candidate}" for candidate in transport.candidates]
        lines.append("a=end-of-candidates")
    return lines


def _refused_lines(section: Section) -> list[str]:
    return [
        f"m={section.kind} 0 {section.profile} {section.formats[0]}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=inactive",
    ]


def _answer_lines(section: Section, answer: UplinkAnswer | None) -> list[str]:
    if answer is None or answer.codec is None:
        media = f"m=application 9 {section.profile} webrtc-datachannel"
        return [media, "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", *_SCTP_LINES]
    codec = answer.codec
    rtx = section.rtx_of(codec.payload_type)
    formats = f"{codec.payload_type} {rtx}" if rtx is not None else str(codec.payload_type)
    lines = [
        f"m={section.kind} 9 {section.profile} {formats}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=recvonly" if section.is_sending else "a=inactive",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += _codec_lines(codec.payload_type, codec.name, codec.clock_rate, codec.channels, _answer_fmtp(answer))
    wanted = _UPLINK_FEEDBACK[section.kind]
    lines += [f"a=rtcp-fb:{codec.payload_type} {entry}" for entry in wanted if entry in codec.feedback]
    if rtx is not None:
        lines += _codec_lines(rtx, "rtx", codec.clock_rate, 1, f"apt={codec.payload_type}")
    known = _UPLINK_EXTENSIONS[section.kind]
    lines += [
        f"a=extmap:{number} {EXTENSION_URIS[name]}" for name, number in section.extensions.items() if name in known
    ]
    if section.rids:
        # Not echoed, Chromium sends only its first encoding, the lowest.
        lines += [f"a=rid:{rid} recv" for rid in section.rids]
        lines.append("a=simulcast:recv " + ";".join(section.rids))
    return lines


_CODEC_NAMES = {"vp8": "VP8", "h264": "H264"}
# Anything else a client writes there is either its own receive wish or an experiment.
_ECHOED_H264 = ("level-asymmetry-allowed", "packetization-mode", "profile-level-id")


def _codec_lines(payload_type: int, name: str, clock_rate: int, channels: int, fmtp: str) -> list[str]:
    suffix = f"/{channels}" if channels > 1 else ""
    lines = [f"a=rtpmap:{payload_type} {_CODEC_NAMES.get(name, name)}/{clock_rate}{suffix}"]
    return [*lines, f"a=fmtp:{payload_type} {fmtp}"] if fmtp else lines


def _answer_fmtp(answer: UplinkAnswer) -> str:
    codec = answer.codec
    if codec is None or codec.name == "vp8":
        return ""
    if codec.name == "h264":
        return h264_fmtp(codec.parameters)
    fmtp = "minptime=10;useinbandfec=1"
    if answer.with_dtx:
        fmtp += ";usedtx=1"
    # 510 kbit/s is Opus' ceiling and what LiveKit grants a stereo track.
    return fmtp + ";stereo=1;maxaveragebitrate=510000" if answer.is_stereo else fmtp


def h264_fmtp(parameters: Mapping[str, str]) -> str:
    """The H.264 parameters that describe a stream, checked, in a fixed order."""
    kept = {
        name: parameters[name] for name in _ECHOED_H264 if re.fullmatch(r"[0-9A-Fa-f]{1,6}", parameters.get(name, ""))
    }
    return ";".join(f"{name}={value}" for name, value in kept.items())


def write_offer(transport: TransportLines, sections: Sequence[DownlinkSection], *, version: int) -> str:
    """The offer to a subscriber: the data channels as mid 0, then `sections`."""
    alive = [section.mid for section in sections if not section.is_dead]
    lines = _head(["0", *alive], transport, version, mixed=True)
    lines += ["m=application 9 UDP/DTLS/SCTP webrtc-datachannel", "c=IN IP4 0.0.0.0", "a=mid:0", *_SCTP_LINES]
    lines += _transport_lines(transport, "actpass", with_candidates=True)
    for section in sections:
        if section.is_dead:
            lines += _dead_lines(section)
            continue
        lines += _offer_lines(section)
        lines += _transport_lines(transport, "actpass", with_candidates=False)
    return "\r\n".join(lines) + "\r\n"


def _dead_lines(section: DownlinkSection) -> list[str]:
    media = f"m={section.kind} 0 UDP/TLS/RTP/SAVPF {section.codec.payload_type}"
    return [media, "c=IN IP4 0.0.0.0", f"a=mid:{section.mid}", "a=inactive"]


def _offer_lines(section: DownlinkSection) -> list[str]:
    codec = section.codec
    formats = [codec.payload_type, *([codec.rtx_payload_type] if codec.rtx_payload_type is not None else [])]
    lines = [
        f"m={section.kind} 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, formats))}",
        "c=IN IP4 0.0.0.0",
        f"a=mid:{section.mid}",
        "a=sendonly" if section.msid else "a=inactive",
        "a=rtcp-mux",
        "a=rtcp-rsize",
    ]
    lines += _codec_lines(codec.payload_type, codec.name, codec.clock_rate, codec.channels, codec.fmtp)
    feedback = _AUDIO_FEEDBACK if section.kind == "audio" else _VIDEO_FEEDBACK
    lines += [f"a=rtcp-fb:{codec.payload_type} {entry}" for entry in feedback]
    if codec.rtx_payload_type is not None:
        lines += _codec_lines(codec.rtx_payload_type, "rtx", codec.clock_rate, 1, f"apt={codec.payload_type}")
    lines += [f"a=extmap:{number} {EXTENSION_URIS[name]}" for name, number in DOWNLINK_EXTENSIONS[section.kind].items()]
    return [*lines, *_ssrc_lines(section)] if section.msid else lines


def _ssrc_lines(section: DownlinkSection) -> Iterator[str]:
    yield f"a=msid:{section.msid}"
    if section.rtx_ssrc is not None:
        yield f"a=ssrc-group:FID {section.ssrc} {section.rtx_ssrc}"
    for ssrc in (section.ssrc, section.rtx_ssrc):
        if ssrc is not None:
            yield f"a=ssrc:{ssrc} cname:{section.cname}"
            yield f"a=ssrc:{ssrc} msid:{section.msid}"
