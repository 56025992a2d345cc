package main

import (
	"fmt"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/livekit/protocol/auth"
	"github.com/livekit/protocol/livekit"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

const connectTimeout = 20 * time.Second

func (l layer) protocol() *livekit.VideoLayer {
	return &livekit.VideoLayer{Quality: l.quality, Width: l.width, Height: l.height, Bitrate: uint32(l.kbps * 1000)}
}

func (r *run) join(identity string, callback *lksdk.RoomCallback, autoSubscribe bool) (*lksdk.Room, error) {
	grant := &auth.VideoGrant{RoomJoin: true, Room: r.room}
	token, err := auth.NewAccessToken(r.apiKey, r.apiSecret).
		SetVideoGrant(grant).SetIdentity(identity).SetName(identity).SetValidFor(time.Hour).ToJWT()
	if err != nil {
		return nil, err
	}
	room, err := lksdk.ConnectToRoomWithToken(r.url, token, callback,
		lksdk.WithAutoSubscribe(autoSubscribe), lksdk.WithConnectTimeout(connectTimeout), lksdk.WithDisableRegionDiscovery())
	if err != nil {
		return nil, fmt.Errorf("%s: %w", identity, err)
	}
	return room, nil
}

// publisher sends the tracks of one participant and subscribes to nothing.
type publisher struct {
	room    *lksdk.Room
	streams []*stream
}

func (r *run) startPublisher(index int) (*publisher, error) {
	room, err := r.join(fmt.Sprintf("publisher-%d", index), r.callback(nil), false)
	if err != nil {
		return nil, err
	}
	p := &publisher{room: room}
	if r.bench.audio {
		if err := p.publish(r, uint16(2*index), []layer{opus}); err != nil {
			return p, err
		}
	}
	if r.bench.video != nil {
		if err := p.publish(r, uint16(2*index+1), r.bench.video); err != nil {
			return p, err
		}
	}
	return p, nil
}

// publish sends one track of one or more layers. Its source number is what receivers know it by.
func (p *publisher) publish(r *run, source uint16, layers []layer) error {
	simulcastID := ""
	if len(layers) > 1 {
		simulcastID = fmt.Sprintf("simulcast-%d", source)
	}
	var tracks []*lksdk.LocalTrack
	var streams []*stream
	for _, l := range layers {
		s, err := newStream(r, source, l, simulcastID)
		if err != nil {
			return err
		}
		streams, tracks = append(streams, s), append(tracks, s.track)
	}
	top := layers[len(layers)-1]
	options := &lksdk.TrackPublicationOptions{Name: fmt.Sprintf("source-%d", source), VideoWidth: int(top.width), VideoHeight: int(top.height)}
	var err error
	if simulcastID != "" {
		_, err = p.room.LocalParticipant.PublishSimulcastTrack(tracks, options)
	} else {
		_, err = p.room.LocalParticipant.PublishTrack(tracks[0], options)
	}
	if err != nil {
		return fmt.Errorf("publish source %d: %w", source, err)
	}
	p.streams = append(p.streams, streams...)
	for _, s := range streams {
		if err := s.track.StartWrite(s, nil); err != nil {
			return err
		}
	}
	return nil
}

// subscriber receives every track and asks for the case's layer of each video.
type subscriber struct {
	room *lksdk.Room

	mu    sync.Mutex
	flows map[uint16]*flow // by source, once its first packet arrived
}

func (r *run) startSubscriber(index int) (*subscriber, error) {
	s := &subscriber{flows: map[uint16]*flow{}}
	callback := r.callback(func(track *webrtc.TrackRemote, publication *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		if track.Kind() == webrtc.RTPCodecTypeVideo {
			if err := publication.SetVideoQuality(r.bench.wanted); err != nil {
				r.fail(fmt.Errorf("ask for a layer: %w", err))
			}
		}
		f := &flow{}
		go f.read(r, track, func(source uint16) { s.add(r, source, f) })
	})
	room, err := r.join(fmt.Sprintf("subscriber-%d", index), callback, true)
	s.room = room
	return s, err
}

func (s *subscriber) add(r *run, source uint16, f *flow) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.flows[source] != nil {
		r.fail(fmt.Errorf("source %d was subscribed twice: a participant came back or a track was renewed", source))
	}
	s.flows[source] = f
}

// isReceiving reports whether a packet of the layer asked for arrived from every source.
func (s *subscriber) isReceiving(streams []*stream) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, wanted := range streams {
		f := s.flows[wanted.source]
		if f == nil || f.received(wanted.layer.index, 0, ^uint32(0)) == 0 {
			return false
		}
	}
	return true
}

func (r *run) callback(onTrack func(*webrtc.TrackRemote, *lksdk.RemoteTrackPublication, *lksdk.RemoteParticipant)) *lksdk.RoomCallback {
	return &lksdk.RoomCallback{
		ParticipantCallback: lksdk.ParticipantCallback{OnTrackSubscribed: onTrack},
		OnReconnecting:      func() { r.reconnects.Add(1) },
		OnDisconnectedWithReason: func(reason lksdk.DisconnectionReason) {
			if !r.ending.Load() {
				r.fail(fmt.Errorf("disconnected: %s", reason))
			}
		},
	}
}
