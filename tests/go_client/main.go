// Command go_client is one participant on LiveKit's Go SDK, for tests that let different SDKs meet in a room.
//
// It prints JSON lines: events as they come, and every half second what it received of each remote track. It reads JSON
// lines from stdin ({"do": "mute", "kind": "audio"}, command.go) and leaves at {"do": "leave"} or at stdin's end, so
// that it never outlives its test. The token comes from LIVEKIT_TOKEN.
package main

import (
	"bufio"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/go-logr/logr"
	"github.com/pion/webrtc/v4"

	"github.com/livekit/protocol/livekit"
	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

const (
	mediaInterval = 500 * time.Millisecond
	// A forgotten participant ends by itself.
	longestLife = 10 * time.Minute
)

// participant is the one of this process.
type participant struct {
	room   *lksdk.Room
	record string
	gone   chan struct{}
	once   sync.Once

	mu       sync.Mutex
	received []*received
	local    map[string]*lksdk.LocalTrackPublication // by kind
	output   *json.Encoder
}

func main() {
	url := flag.String("url", "ws://127.0.0.1:8000", "server")
	publish := flag.String("publish", "audio,video", "what to publish")
	record := flag.String("record", "", "folder for what is received: <identity>-<sid>.ivf and .ogg")
	verbose := flag.Bool("verbose", false, "the SDK's log on stderr")
	flag.Parse()
	if !*verbose {
		lksdk.SetLogger(logger.LogRLogger(logr.Discard()))
	}
	p := &participant{
		record: *record, gone: make(chan struct{}), local: map[string]*lksdk.LocalTrackPublication{}, output: json.NewEncoder(os.Stdout),
	}
	if err := p.run(*url, os.Getenv("LIVEKIT_TOKEN"), *publish); err != nil {
		p.emit(map[string]any{"event": "failed", "reason": err.Error()})
		os.Exit(1)
	}
}

func (p *participant) run(url, token, publish string) error {
	room, err := lksdk.ConnectToRoomWithToken(url, token, p.callback(), lksdk.WithDisableRegionDiscovery())
	if err != nil {
		return err
	}
	p.room = room
	defer p.end()
	p.emit(map[string]any{"event": "connected", "sid": room.LocalParticipant.SID(), "identity": room.LocalParticipant.Identity()})
	for kind := range strings.SplitSeq(publish, ",") {
		if kind == "" {
			continue
		}
		if err := p.publish(kind); err != nil {
			return err
		}
	}
	go p.readCommands()
	life := time.After(longestLife)
	ticks := time.NewTicker(mediaInterval)
	defer ticks.Stop()
	for {
		select {
		case <-ticks.C:
			p.reportMedia()
		case <-p.gone:
			return nil
		case <-life:
			return fmt.Errorf("still here after %s", longestLife)
		}
	}
}

// leave ends run. It may be called from anywhere and more than once.
func (p *participant) leave() { p.once.Do(func() { close(p.gone) }) }

func (p *participant) end() {
	p.room.Disconnect()
	p.reportMedia()
	for _, r := range p.received {
		if err := r.close(); err != nil {
			p.emit(map[string]any{"event": "failed", "reason": err.Error()})
		}
	}
	p.emit(map[string]any{"event": "left"})
}

func (p *participant) publish(kind string) error {
	var track *lksdk.LocalTrack
	var provider lksdk.SampleProvider
	var err error
	options := &lksdk.TrackPublicationOptions{Name: kind}
	switch kind {
	case "audio":
		track, provider, err = newTone()
		options.Source = livekit.TrackSource_MICROPHONE
	case "video":
		track, provider, err = newCard()
		options.Source, options.VideoWidth, options.VideoHeight = livekit.TrackSource_CAMERA, 320, 192
	default:
		return fmt.Errorf("publish %q: audio or video", kind)
	}
	if err != nil {
		return err
	}
	publication, err := p.room.LocalParticipant.PublishTrack(track, options)
	if err != nil {
		return fmt.Errorf("publish %s: %w", kind, err)
	}
	p.mu.Lock()
	p.local[kind] = publication
	p.mu.Unlock()
	p.emit(map[string]any{"event": "published", "kind": kind, "sid": publication.SID()})
	return track.StartWrite(provider, nil)
}

func (p *participant) callback() *lksdk.RoomCallback {
	of := func(event string, who lksdk.Participant, publication lksdk.TrackPublication) {
		line := map[string]any{"event": event, "identity": who.Identity()}
		if publication != nil {
			line["sid"], line["kind"] = publication.SID(), string(publication.Kind())
		}
		p.emit(line)
	}
	return &lksdk.RoomCallback{
		OnParticipantConnected:    func(who *lksdk.RemoteParticipant) { of("participant_connected", who, nil) },
		OnParticipantDisconnected: func(who *lksdk.RemoteParticipant) { of("participant_disconnected", who, nil) },
		OnReconnecting:            func() { p.emit(map[string]any{"event": "reconnecting"}) },
		OnReconnected:             func() { p.emit(map[string]any{"event": "reconnected"}) },
		OnActiveSpeakersChanged: func(speakers []lksdk.Participant) {
			identities := []string{}
			for _, speaker := range speakers {
				identities = append(identities, speaker.Identity())
			}
			p.emit(map[string]any{"event": "active_speakers", "identities": identities})
		},
		OnDisconnectedWithReason: func(reason lksdk.DisconnectionReason) {
			p.emit(map[string]any{"event": "disconnected", "reason": string(reason)})
			p.leave()
		},
		ParticipantCallback: lksdk.ParticipantCallback{
			OnTrackPublished: func(pub *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) { of("track_published", who, pub) },
			OnTrackUnpublished: func(pub *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
				of("track_unpublished", who, pub)
			},
			OnTrackMuted:   func(pub lksdk.TrackPublication, who lksdk.Participant) { of("track_muted", who, pub) },
			OnTrackUnmuted: func(pub lksdk.TrackPublication, who lksdk.Participant) { of("track_unmuted", who, pub) },
			OnTrackUnsubscribed: func(_ *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
				of("track_unsubscribed", who, pub)
			},
			OnTrackSubscribed: func(track *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
				of("track_subscribed", who, pub)
				p.receive(track, pub, who)
			},
			OnDataPacket: func(data lksdk.DataPacket, params lksdk.DataReceiveParams) {
				if user, ok := data.(*lksdk.UserDataPacket); ok {
					p.emit(map[string]any{"event": "data", "identity": params.SenderIdentity, "topic": user.Topic, "text": string(user.Payload)})
				}
			},
		},
	}
}

func (p *participant) receive(track *webrtc.TrackRemote, pub *lksdk.RemoteTrackPublication, who *lksdk.RemoteParticipant) {
	r, err := newReceived(who.Identity(), pub.SID(), p.record, track)
	if err != nil {
		p.emit(map[string]any{"event": "failed", "reason": err.Error()})
		return
	}
	p.mu.Lock()
	p.received = append(p.received, r)
	p.mu.Unlock()
	go func() {
		if err := r.read(track, func() { who.WritePLI(track.SSRC()) }); err != nil {
			p.emit(map[string]any{"event": "failed", "reason": fmt.Sprintf("%s of %s: %s", r.Kind, r.Identity, err)})
		}
	}()
}

func (p *participant) reportMedia() {
	p.mu.Lock()
	all := append([]*received(nil), p.received...)
	p.mu.Unlock()
	for _, r := range all {
		line := r.snapshot()
		p.emit(&line)
	}
}

func (p *participant) readCommands() {
	defer p.leave()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var c command
		err := json.Unmarshal(lines.Bytes(), &c)
		if err == nil {
			err = p.do(c)
		}
		if err != nil {
			p.emit(map[string]any{"event": "failed", "reason": fmt.Sprintf("%s: %s", lines.Text(), err)})
		}
		if c.Do == "leave" {
			return
		}
	}
}

// emit prints one line. Callbacks come from several goroutines.
func (p *participant) emit(line any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	// A closed stdout means that the test is gone; stdin's end then ends this process.
	_ = p.output.Encode(line)
}
