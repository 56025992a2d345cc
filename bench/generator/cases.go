package main

import (
	"fmt"
	"time"

	"github.com/livekit/protocol/livekit"
)

// layer is one encoding that a publisher sends: an audio stream, a plain video, or one of three simulcast layers.
type layer struct {
	index    uint8 // place in the payload header and in a receiver's table: 0, or 0-2 from low to high
	quality  livekit.VideoQuality
	width    uint32
	height   uint32
	fps      int
	kbps     int
	interval time.Duration // between two frames
}

func videoLayer(index uint8, quality livekit.VideoQuality, width, height uint32, fps, kbps int) layer {
	return layer{index, quality, width, height, fps, kbps, time.Second / time.Duration(fps)}
}

var (
	// 75 payload bytes each 20 ms = 30 kbit/s, what browsers send for speech by default (24-32 kbit/s).
	opus = layer{fps: 50, kbps: 30, interval: 20 * time.Millisecond}

	// livekit-client's default simulcast ladder of a 720p camera.
	simulcast = []layer{
		videoLayer(0, livekit.VideoQuality_LOW, 320, 180, 15, 150),
		videoLayer(1, livekit.VideoQuality_MEDIUM, 640, 360, 20, 450),
		videoLayer(2, livekit.VideoQuality_HIGH, 1280, 720, 30, 1700),
	}
)

func single720p(kbps int) []layer {
	return []layer{videoLayer(0, livekit.VideoQuality_HIGH, 1280, 720, 30, kbps)}
}

// benchCase says who publishes what and what each subscriber asks for.
type benchCase struct {
	name        string
	publishers  int
	subscribers int
	audio       bool
	video       []layer // of each publisher; nil for none
	wanted      livekit.VideoQuality
}

// cases are the four of the project's goal. A publisher with audio and video is one participant with two tracks.
var cases = []benchCase{
	{name: "audio", publishers: 5, subscribers: 20, audio: true},
	{name: "video", publishers: 3, subscribers: 10, video: single720p(2000), wanted: livekit.VideoQuality_HIGH},
	{name: "all", publishers: 10, subscribers: 10, audio: true, video: simulcast, wanted: livekit.VideoQuality_LOW},
	// A face before a still wall. At 2 Mbit/s two cores carry no server beside this generator (18 µs for each packet).
	{name: "large", publishers: 6, subscribers: 65, video: single720p(800), wanted: livekit.VideoQuality_HIGH},
}

func findCase(name string) (benchCase, error) {
	for _, c := range cases {
		if c.name == name {
			return c, nil
		}
	}
	return benchCase{}, fmt.Errorf("unknown case %q", name)
}

// wantedLayer is the index of the layer that subscribers of this case ask for.
func (c benchCase) wantedLayer() uint8 {
	for _, l := range c.video {
		if l.quality == c.wanted {
			return l.index
		}
	}
	return 0
}
