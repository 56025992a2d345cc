package main

import (
	"bytes"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync/atomic"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media"
	"github.com/pion/webrtc/v4/pkg/media/ivfreader"

	lksdk "github.com/livekit/server-sdk-go/v2"
	"github.com/livekit/server-sdk-go/v2/pkg/oggreader"
)

// Participant 20's test card and tone (meetings/testcard.py), made by make_media.py.
var (
	//go:embed media/participant-20.ivf
	cardIVF []byte
	//go:embed media/participant-20.ogg
	toneOGG []byte
)

// Packets of the tone that are played: four seconds are whole periods of it, and the encoder has settled by then, so that
// the loop's seam is not heard.
const toneFirst, toneLength = 25, 200

// loop plays encoded frames again and again; a PLI moves it on to the next key frame.
type loop struct {
	lksdk.BaseSampleProvider
	frames      [][]byte
	interval    time.Duration
	isKey       func(frame []byte) bool
	next        int // used by the SDK's one writer only
	keyRequests atomic.Int64
}

func (l *loop) NextSample(context.Context) (media.Sample, error) {
	if l.keyRequests.Swap(0) > 0 {
		for !l.isKey(l.frames[l.next]) {
			l.next = (l.next + 1) % len(l.frames)
		}
	}
	frame := l.frames[l.next]
	l.next = (l.next + 1) % len(l.frames)
	return media.Sample{Data: frame, Duration: l.interval}, nil
}

func (l *loop) onRTCP(packet rtcp.Packet) {
	switch packet.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		l.keyRequests.Add(1)
	}
}

// speech is the loop of the tone; levels make the participant an active speaker.
type speech struct{ *loop }

// CurrentAudioLevel is what RFC 6464 sends: 20 dB under full scale.
func (speech) CurrentAudioLevel() uint8 { return 20 }

func newCard() (*lksdk.LocalTrack, *loop, error) {
	frames, interval, err := readIVF(cardIVF)
	if err != nil {
		return nil, nil, err
	}
	l := &loop{frames: frames, interval: interval, isKey: func(frame []byte) bool { return frame[0]&1 == 0 }}
	track, err := lksdk.NewLocalTrack(
		webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, lksdk.WithRTCPHandler(l.onRTCP))
	return track, l, err
}

func newTone() (*lksdk.LocalTrack, speech, error) {
	frames, err := readOGG(toneOGG)
	if err != nil {
		return nil, speech{}, err
	}
	l := &loop{frames: frames, interval: 20 * time.Millisecond, isKey: func([]byte) bool { return true }}
	track, err := lksdk.NewLocalTrack(webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeOpus, ClockRate: 48000, Channels: 2})
	return track, speech{l}, err
}

func readIVF(file []byte) (frames [][]byte, interval time.Duration, err error) {
	reader, header, err := ivfreader.NewWith(bytes.NewReader(file))
	if err != nil {
		return nil, 0, err
	}
	interval = time.Second * time.Duration(header.TimebaseNumerator) / time.Duration(header.TimebaseDenominator)
	for {
		frame, _, err := reader.ParseNextFrame()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, 0, err
		}
		frames = append(frames, frame)
	}
	if len(frames) == 0 || frames[0][0]&1 != 0 {
		return nil, 0, fmt.Errorf("the card has %d frames, or does not begin with a key frame", len(frames))
	}
	return frames, interval, nil
}

func readOGG(file []byte) (frames [][]byte, err error) {
	reader, _, err := oggreader.NewOggReader(bytes.NewReader(file))
	if err != nil {
		return nil, err
	}
	for {
		packet, err := reader.ReadPacket()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(packet, []byte("OpusTags")) { // the file's second header
			frames = append(frames, packet)
		}
	}
	if len(frames) < toneFirst+toneLength {
		return nil, fmt.Errorf("the tone has only %d packets", len(frames))
	}
	return frames[toneFirst : toneFirst+toneLength], nil
}
