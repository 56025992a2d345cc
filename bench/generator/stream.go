package main

import (
	"context"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

const (
	// Media bytes per video packet: 1,200 with RTP header and SRTP tag stays under every path's MTU, like browsers do.
	videoPayloadSize = 1150
	keyFrameEvery    = 4 * time.Second
	// A key frame is about this many times a delta frame in low-motion camera video.
	keyFrameFactor = 4
	// A sender answers at most one PLI per 300 ms, as libwebrtc does.
	keyFrameThrottle = 300 * time.Millisecond
)

// stream is one layer of one track while it is sent.
//
// The SDK drops samples of a layer that nobody wants (dynacast), but writes samples, not packets, and a subscriber can
// only count packets that carry a header each. So the stream is the SDK's sample source *and* its "encryptor": the SDK
// calls EncryptFrame only for a sample that it would send, which tells the next NextSample to send the frame as packets.
type stream struct {
	lksdk.BaseSampleProvider
	run    *run
	track  *lksdk.LocalTrack
	layer  layer
	source uint16
	video  bool

	isWanted     atomic.Bool
	keyRequested atomic.Bool
	plis         atomic.Int64

	// used by the SDK's one writer goroutine only
	rtpHeader  rtp.Header
	counter    uint32
	pictureID  uint16
	deltaBytes int
	lastKey    time.Time
	level      uint8

	mu    sync.Mutex // guards the window's counts below
	first uint32
	next  uint32 // one past the last packet of the window; 0 when none was sent in it
}

func newStream(r *run, source uint16, l layer, simulcastID string) (*stream, error) {
	s := &stream{run: r, layer: l, source: source, video: l.width > 0, level: uint8(20 + rand.IntN(15))}
	capability := webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2}
	options := []lksdk.LocalTrackOptions{lksdk.WithFrameEncryptor(s)}
	if s.video {
		capability = webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}
		options = append(options, lksdk.WithRTCPHandler(s.onRTCP))
	}
	if simulcastID != "" {
		options = append(options, lksdk.WithSimulcast(simulcastID, l.protocol()))
	}
	track, err := lksdk.NewLocalTrack(capability, options...)
	if err != nil {
		return nil, err
	}
	s.track = track
	s.rtpHeader = rtp.Header{Version: 2, SequenceNumber: uint16(rand.Uint32()), Timestamp: rand.Uint32()}
	s.pictureID = uint16(rand.Uint32())
	// n frames of which one is keyFrameFactor times as large give the layer's bit rate.
	frames := int(keyFrameEvery / l.interval)
	s.deltaBytes = l.kbps * 1000 / 8 * int(keyFrameEvery/time.Second) / (frames - 1 + keyFrameFactor)
	return s, nil
}

// NextSample is called by the SDK once per frame interval.
func (s *stream) NextSample(context.Context) (media.Sample, error) {
	if s.isWanted.Swap(false) {
		if s.video {
			s.sendFrame()
		} else {
			s.sendAudio()
		}
	}
	return media.Sample{Data: []byte{0}, Duration: s.layer.interval}, nil
}

// EncryptFrame notes that the layer is wanted. Without data the SDK sends nothing itself.
func (s *stream) EncryptFrame([]byte) ([]byte, error) {
	s.isWanted.Store(true)
	return nil, nil
}

func (s *stream) onRTCP(packet rtcp.Packet) {
	switch packet.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		s.plis.Add(1)
		s.keyRequested.Store(true)
	}
}

func (s *stream) sendAudio() {
	b := make([]byte, s.layer.kbps*1000/8/s.layer.fps)
	b[0] = 0xf8
	s.write(b, opusTOC, true, &lksdk.SampleWriteOptions{AudioLevel: &s.level})
	s.rtpHeader.Timestamp += 48000 / uint32(s.layer.fps)
}

func (s *stream) sendFrame() {
	now := time.Now()
	since := now.Sub(s.lastKey)
	key := since >= keyFrameEvery || (s.keyRequested.Load() && since >= keyFrameThrottle)
	left := s.deltaBytes
	if key {
		s.keyRequested.Store(false)
		s.lastKey = now
		left *= keyFrameFactor
	}
	for first := true; first || left > 0; first = false {
		size := min(left, videoPayloadSize)
		left -= size
		b := make([]byte, vp8DescriptorSize+max(size, vp8KeyTag+headerSize))
		at := putVP8(b, s.layer, s.pictureID, first, key)
		s.write(b, at, left <= 0, nil)
	}
	s.pictureID++
	s.rtpHeader.Timestamp += 90000 / uint32(s.layer.fps)
}

// write puts our header at b[at:] and sends b as one RTP packet.
func (s *stream) write(b []byte, at int, marker bool, options *lksdk.SampleWriteOptions) {
	now := s.run.now()
	header{s.source, s.layer.index, s.counter, now}.put(b[at:])
	s.note(now)
	s.rtpHeader.Marker = marker && s.video
	packet := &rtp.Packet{Header: s.rtpHeader, Payload: b}
	if err := s.track.WriteRTP(packet, options); err != nil {
		s.run.writeErrors.Add(1) // the packet counts as sent, so that a failing sender shows as loss
	}
	s.rtpHeader.SequenceNumber++
	s.counter++
}

// note counts the packet when it is sent inside the measured window.
func (s *stream) note(now int64) {
	if !s.run.window.holds(now) {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.next == 0 {
		s.first = s.counter
	}
	s.next = s.counter + 1
}

// sent is the range of counters sent inside the window.
func (s *stream) sent() (first, next uint32) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.first, s.next
}
