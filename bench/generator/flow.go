package main

import (
	"sync"

	"github.com/pion/interceptor"
	"github.com/pion/webrtc/v4"
)

// flow is what one subscriber received of one source's track. One goroutine reads it; the lock is for the report.
type flow struct {
	mu        sync.Mutex
	seen      [3][]uint64 // per layer: bit n = packet n arrived
	delay     histogram
	duplicate int
	resent    int // duplicates that came as RTX: asked for by NACK and then not needed
	foreign   int // padding and probes
	malformed int
}

// read counts packets of a remote track until it ends.
func (f *flow) read(r *run, track *webrtc.TrackRemote, onSource func(source uint16)) {
	b := make([]byte, 1600)
	known := false
	for {
		n, attributes, err := track.Read(b)
		if err != nil {
			return
		}
		source, ok := f.count(r, b[:n], track.Kind() == webrtc.RTPCodecTypeVideo, attributes)
		if ok && !known {
			known = true
			onSource(source)
		}
	}
}

func (f *flow) count(r *run, packet []byte, video bool, attributes interceptor.Attributes) (uint16, bool) {
	now := r.now()
	f.mu.Lock()
	defer f.mu.Unlock()
	payload, err := rtpPayload(packet)
	at := opusTOC
	if err == nil && video && len(payload) > 0 {
		at, err = vp8Offset(payload)
	}
	if err != nil {
		f.malformed++
		return 0, false
	}
	if len(payload) < at {
		f.foreign++
		return 0, false
	}
	h, ok := parseHeader(payload[at:])
	if !ok || int(h.layer) >= len(f.seen) {
		f.foreign++
		return 0, false
	}
	if f.mark(h) {
		if r.window.holds(h.sentNS) {
			f.delay.add(now - h.sentNS)
		}
	} else if attributes.Get(webrtc.AttributeRtxSsrc) != nil {
		f.resent++
	} else {
		f.duplicate++
	}
	return h.source, true
}

// mark reports whether the packet is new.
func (f *flow) mark(h header) bool {
	word, bit := int(h.counter/64), uint64(1)<<(h.counter%64)
	bits := f.seen[h.layer]
	for word >= len(bits) {
		bits = append(bits, 0)
	}
	f.seen[h.layer] = bits
	if bits[word]&bit != 0 {
		return false
	}
	bits[word] |= bit
	return true
}

// received counts distinct packets of a layer whose counters are in [first, next).
func (f *flow) received(layer uint8, first, next uint32) int {
	f.mu.Lock()
	defer f.mu.Unlock()
	bits, n := f.seen[layer], 0
	for counter := first; counter < next && int(counter/64) < len(bits); counter++ {
		if bits[counter/64]&(1<<(counter%64)) != 0 {
			n++
		}
	}
	return n
}
