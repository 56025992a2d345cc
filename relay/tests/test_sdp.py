"""Offers of real clients, and everything that only looks like one."""

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from relay import sdp, sdpwriter
from relay.errors import ProtocolError
from relay.tests.stage import answer_to, offer_of

DATA = Path(__file__).parent / "data"
RECORDED = sorted(path.name for path in DATA.glob("*.sdp"))
TRANSPORT = sdpwriter.TransportLines(
    "ufrag", "password", ("sha-256", ":".join(["AB"] * 32)), ("1 1 udp 2130706431 192.0.2.1 7882 typ host",)
)


def recorded(name: str) -> sdp.Description:
    return sdp.parse((DATA / name).read_bytes().decode())


def answered(offer: sdp.Description) -> str:
    answers = {s.mid: sdpwriter.UplinkAnswer(s.choose_codec()) for s in offer.sections if s.is_media}
    return sdpwriter.write_answer(offer, TRANSPORT, answers, version=1, setup="passive")


@pytest.mark.parametrize("name", RECORDED)
def test_every_recorded_offer_is_answered_section_by_section(name: str) -> None:
    offer = recorded(name)

    answer = sdp.parse(answered(offer))

    assert [s.mid for s in answer.sections] == [s.mid for s in offer.sections]
    assert [s.kind for s in answer.sections] == [s.kind for s in offer.sections]
    assert all(section.port for section in answer.sections)
    assert answer.bundle == tuple(s.mid for s in offer.sections)
    for ours, theirs in zip(answer.sections, offer.sections, strict=True):
        assert set(ours.codecs) <= set(theirs.codecs), "payload types are the client's"
        assert {name: theirs.extensions[name] for name in ours.extensions} == ours.extensions
        expected = "recvonly" if theirs.is_sending else "inactive"
        assert ours.direction == (expected if theirs.is_media else "sendrecv")


@pytest.mark.parametrize("name", ["chromium-simulcast.sdp", "firefox-simulcast.sdp"])
def test_simulcast_is_echoed_so_that_browsers_send_all_layers(name: str) -> None:
    text = answered(recorded(name))

    assert "a=simulcast:recv q;h;f\r\n" in text
    for rid in "qhf":
        assert f"a=rid:{rid} recv\r\n" in text


def test_python_sections_that_only_receive_are_answered_as_inactive() -> None:
    """Its offers keep the receiving sections of the single-connection attempt."""
    offer = recorded("python-audio-video.sdp")

    sending = [s.kind for s in offer.sections if s.is_media and s.is_sending]
    assert sending == ["audio", "video"]
    assert sum(1 for s in offer.sections if s.is_media) > 2
    assert answered(offer).count("a=inactive") == sum(1 for s in offer.sections if s.is_media) - 2


def test_pion_simulcast_is_understood() -> None:
    video = next(s for s in recorded("pion-simulcast.sdp").sections if s.kind == "video")

    assert video.rids == ("q", "h")
    assert video.track_id == "TR-video-cid"


def test_firefox_bundle_only_sections_are_not_refused() -> None:
    offer = recorded("firefox-simulcast.sdp")

    assert [(s.kind, s.is_sending) for s in offer.sections if s.is_media] == [("audio", True), ("video", True)]
    assert " 0 UDP" not in answered(offer)


def test_firefox_ssrcs_come_without_their_rtx_partners() -> None:
    video = next(s for s in recorded("firefox-simulcast.sdp").sections if s.kind == "video")

    assert len(video.ssrcs) == 3
    assert set(video.rtx_ssrcs.values()) == set(video.ssrcs)


def test_the_first_codec_that_we_forward_wins_and_a_preference_beats_it() -> None:
    video = next(s for s in recorded("chromium-simulcast.sdp").sections if s.kind == "video")

    assert video.choose_codec() == video.codecs[96]
    preferred = video.choose_codec("h264")
    assert preferred is not None
    assert preferred.parameters["packetization-mode"] == "1"


def test_an_answer_names_one_codec_with_its_rtx_and_feedback() -> None:
    text = answered(recorded("chromium-simulcast.sdp"))

    assert "m=video 9 UDP/TLS/RTP/SAVPF 96 97\r\n" in text
    assert "a=fmtp:97 apt=96\r\n" in text
    for entry in ("goog-remb", "transport-cc", "ccm fir", "nack", "nack pli"):
        assert f"a=rtcp-fb:96 {entry}\r\n" in text


def test_opus_is_answered_with_dtx_and_fec_and_stereo_only_when_wanted() -> None:
    offer = recorded("chromium-simulcast.sdp")
    audio = next(s for s in offer.sections if s.kind == "audio")
    codec = audio.choose_codec()

    plain = sdpwriter.write_answer(
        offer, TRANSPORT, {audio.mid: sdpwriter.UplinkAnswer(codec)}, version=1, setup="passive"
    )
    music = sdpwriter.write_answer(
        offer,
        TRANSPORT,
        {audio.mid: sdpwriter.UplinkAnswer(codec, with_dtx=False, is_stereo=True)},
        version=1,
        setup="passive",
    )

    assert "a=fmtp:111 minptime=10;useinbandfec=1;usedtx=1\r\n" in plain
    assert "a=fmtp:111 minptime=10;useinbandfec=1;stereo=1;maxaveragebitrate=510000\r\n" in music


def test_a_section_without_a_codec_of_ours_is_refused_and_leaves_the_bundle() -> None:
    text = offer_of([("video", "0", "cam", True)]).replace("VP8/90000", "VP9/90000").replace("H264/90000", "AV1/90000")
    answer = sdp.parse(answered(sdp.parse(text)))

    assert answer.sections[0].port == 0
    assert answer.bundle == ("data",)


def test_red_is_not_accepted_while_it_cannot_be_forwarded_to_everybody() -> None:
    assert " red/" not in answered(recorded("chromium-simulcast.sdp"))


def test_our_offer_survives_our_own_parser() -> None:
    codec = sdpwriter.DownlinkCodec(96, "vp8", 90000)
    sections = [
        sdpwriter.DownlinkSection(
            "1", "audio", sdpwriter.DownlinkCodec(111, "opus", 48000, 2, "useinbandfec=1"), "PA_a|TR_b TR_b", "PA_a", 7
        ),
        sdpwriter.DownlinkSection("2", "video", codec, "PA_a|TR_c TR_c", "PA_a", 8),
        sdpwriter.DownlinkSection("3", "video", codec),
    ]

    offer = sdp.parse(sdpwriter.write_offer(TRANSPORT, sections, version=4))

    assert offer.bundle == ("0", "1", "2", "3")
    assert [(s.stream_id, s.track_id, s.ssrcs) for s in offer.sections[1:]] == [
        ("PA_a|TR_b", "TR_b", (7,)),
        ("PA_a|TR_c", "TR_c", (8,)),
        ("", "", ()),
    ]
    assert offer.sections[3].direction == "inactive"
    assert offer.sections[1].extensions == {"abs-send-time": 2, "transport-cc": 3, "audio-level": 4}


def test_an_answer_of_a_client_tells_what_it_receives() -> None:
    codec = sdpwriter.DownlinkCodec(96, "vp8", 90000)
    offer = sdpwriter.write_offer(
        TRANSPORT, [sdpwriter.DownlinkSection("1", "video", codec, "a|b b", "a", 8)], version=1
    )

    answer = sdp.parse(answer_to(offer))

    assert answer.sections[1].is_receiving
    assert answer.transport_section.setup == "active"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "v=0"),
        ("v=0\r\n", "without a media section"),
        ("v=0\r\nm=audio 9\r\n", "four words"),
        (offer_of([("audio", "a b", "x", True)]), "malformed mid"),
        (offer_of([("audio", "data", "x", True)]), "repeated mids"),
        (offer_of([]).replace("a=ice-pwd", "a=nothing"), "ICE credentials"),
        (offer_of([]).replace("a=fingerprint", "a=nothing"), "fingerprint"),
        (offer_of([("video", "0", "x", True)]).replace("96 97 102", "96 97 999"), "payload type"),
        ("v=0\r\n" + "m=audio 9 RTP 1\r\n" * 300, "300 sections"),
        ("v=0\r\n" + "a" * (2 << 20), "characters"),
    ],
)
def test_a_malformed_offer_is_named(text: str, reason: str) -> None:
    with pytest.raises(ProtocolError, match=reason):
        sdp.parse(text)


def test_a_client_cannot_write_lines_of_ours() -> None:
    """Whatever stands in the fields that are echoed, the answer has as many sections as the offer."""
    text = offer_of([("video", "0", "x", True)])
    for hostile in ("a=rid:q\x0bm=x send", "a=mid:0\x85m=audio 1 x 0", "a=simulcast:send q\u2028a=x"):
        answer = answered(
            sdp.parse(text.replace("a=rtcp-mux", f"a=rtcp-mux\r\n{hostile}") if "mid" not in hostile else text)
        )
        assert len([line for line in answer.splitlines() if line.startswith("m=")]) == 2


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(RECORDED), st.data())
def test_damaged_offers_are_answered_or_refused_and_nothing_else(name: str, data: st.DataObject) -> None:
    lines = (DATA / name).read_bytes().decode().split("\r\n")
    for _ in range(data.draw(st.integers(1, 6))):
        index = data.draw(st.integers(0, len(lines) - 1))
        action = data.draw(st.sampled_from(["drop", "repeat", "cut", "noise", "swap"]))
        if action == "drop" and len(lines) > 1:
            del lines[index]
        elif action == "repeat":
            lines.insert(index, lines[index])
        elif action == "cut":
            lines[index] = lines[index][: data.draw(st.integers(0, len(lines[index])))]
        elif action == "noise":
            at = data.draw(st.integers(0, len(lines[index])))
            lines[index] = lines[index][:at] + data.draw(st.text(max_size=5)) + lines[index][at:]
        else:
            other = data.draw(st.integers(0, len(lines) - 1))
            lines[index], lines[other] = lines[other], lines[index]
    try:
        offer = sdp.parse("\r\n".join(lines))
        text = answered(offer)
    except ProtocolError:
        return
    assert text.count("\r\nm=") == len(offer.sections)
    assert text.isascii()


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=400))
def test_no_text_crashes_the_parser(text: str) -> None:
    for candidate in (text, "v=0\r\n" + text, offer_of([("audio", "0", text, True)])):
        try:
            sdp.parse(candidate)
        except ProtocolError:
            continue


def test_what_holds_for_every_section_is_little() -> None:
    """2,000 session attributes with 250 sections: 300 kB of text that took 3 s to read."""
    text = offer_of([("audio", "0", "mic", True)])
    head, _, rest = text.partition("m=")
    line = next(line for line in text.split("\r\n") if line.startswith("a=fingerprint"))
    assert sdp.parse(head + f"{line}\r\n" * 20 + "m=" + rest).sections
    with pytest.raises(ProtocolError, match="session attributes"):
        sdp.parse(head + f"{line}\r\n" * 2000 + "m=" + rest)


def test_layers_are_counted_while_they_are_read() -> None:
    rids = [f"r{number}" for number in range(5000)]
    lines = "".join(f"a=rid:{rid} send\r\n" for rid in rids) + f"a=simulcast:send {';'.join(rids)}\r\n"
    with pytest.raises(ProtocolError, match="simulcast layers"):
        sdp.parse(offer_of([("video", "0", "camera", True)]) + lines)
