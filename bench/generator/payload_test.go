package main

import (
	"bytes"
	"testing"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
)

func TestEveryFragmentOfAFrameCarriesItsHeaderWhereAReceiverLooksForIt(t *testing.T) {
	for _, c := range []struct{ first, key bool }{{true, true}, {true, false}, {false, true}, {false, false}} {
		b := make([]byte, 200)
		at := putVP8(b, simulcast[1], 0xffff, c.first, c.key)
		header{source: 7, layer: 1, counter: 4_000_000_000, sentNS: 1 << 40}.put(b[at:])
		found, err := vp8Offset(b)
		if err != nil {
			t.Fatal(err)
		}
		h, ok := parseHeader(b[found:])
		if !ok || h != (header{7, 1, 4_000_000_000, 1 << 40}) {
			t.Errorf("first %v, key %v: %+v at %d instead of %d", c.first, c.key, h, found, at)
		}
	}
}

func TestAnIndependentParserReadsOurVP8(t *testing.T) {
	b := make([]byte, 100)
	putVP8(b, simulcast[2], 300, true, true)
	var packet codecs.VP8Packet
	frame, err := packet.Unmarshal(b)
	if err != nil {
		t.Fatal(err)
	}
	if packet.S != 1 || packet.PID != 0 || packet.PictureID != 300 {
		t.Errorf("descriptor %+v", packet)
	}
	if frame[0]&1 != 0 || !bytes.Equal(frame[3:10], []byte{0x9d, 1, 0x2a, 0x00, 0x05, 0xd0, 0x02}) {
		t.Errorf("key frame of 1280x720 begins with % x", frame[:10])
	}
}

func TestTheHeaderIsFoundBehindADescriptorThatTheServerRewrote(t *testing.T) {
	payload := make([]byte, 20, 64)
	header{source: 3, counter: 9}.put(payload)
	for _, descriptor := range [][]byte{
		{0x00},                               // no extension
		{0x80, 0x80, 0x11},                   // 7-bit picture id
		{0x80, 0x80, 0x91, 0x22},             // 15-bit picture id
		{0x80, 0xc0, 0x91, 0x22, 0x05},       // and TL0PICIDX
		{0x80, 0xf0, 0x91, 0x22, 0x05, 0x60}, // and TID, KEYIDX
	} {
		b := append(bytes.Clone(descriptor), payload...)
		at, err := vp8Offset(b)
		if err != nil || at != len(descriptor) {
			t.Errorf("% x: offset %d, %v", descriptor, at, err)
		}
	}
}

func TestTruncatedPacketsAreErrorsNotCrashes(t *testing.T) {
	packet := rtp.Packet{Header: rtp.Header{Version: 2, PayloadType: 96, CSRC: []uint32{1, 2}}, Payload: make([]byte, 40)}
	if err := packet.SetExtension(4, []byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	putVP8(packet.Payload, simulcast[0], 1, true, true)
	whole, err := packet.Marshal()
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		payload, err := rtpPayload(whole[:n])
		if err != nil {
			continue
		}
		if at, err := vp8Offset(payload); err == nil && len(payload) >= at {
			parseHeader(payload[at:])
		}
	}
	payload, err := rtpPayload(whole)
	if err != nil || len(payload) != 40 {
		t.Errorf("payload of %d bytes, %v", len(payload), err)
	}
}

func TestDuplicatesAreNotNew(t *testing.T) {
	f := &flow{}
	for _, counter := range []uint32{5, 700, 6, 0} {
		if !f.mark(header{counter: counter}) {
			t.Errorf("packet %d is not new", counter)
		}
	}
	if f.mark(header{counter: 700}) {
		t.Error("packet 700 is new a second time")
	}
	if !f.mark(header{counter: 700, layer: 2}) {
		t.Error("packet 700 of another layer is not new")
	}
	if n := f.received(0, 5, 700); n != 2 {
		t.Errorf("%d packets in [5, 700)", n)
	}
}

func TestQuantilesAreAtMostOneBucketTooHigh(t *testing.T) {
	var h histogram
	for i := int64(1); i <= 1000; i++ {
		h.add(i * 100_000) // 0.1 to 100 ms
	}
	for q, want := range map[float64]float64{0.5: 50, 0.99: 99} {
		if got := h.quantileMS(q); got < want || got > want*1.06 {
			t.Errorf("quantile %v: %v ms, expected %v", q, got, want)
		}
	}
}

func TestOnlyLoopbackAddressesAreLoaded(t *testing.T) {
	for address, allowed := range map[string]bool{
		"ws://127.0.0.1:8000": true, "ws://[::1]:8000": true, "ws://localhost:1": true,
		"ws://192.0.2.1:8000": false, "wss://visio.example.org": false, "ws://10.0.0.1": false,
	} {
		if err := checkLoopback(address); (err == nil) != allowed {
			t.Errorf("%s: %v", address, err)
		}
	}
}
