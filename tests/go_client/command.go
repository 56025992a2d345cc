package main

import (
	"fmt"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// command is one line of stdin. `Do` decides which other fields count.
type command struct {
	Do    string   `json:"do"`    // mute, unmute, unpublish, publish, data, subscribe, unsubscribe, simulate, leave
	Kind  string   `json:"kind"`  // audio or video: mute, unmute, unpublish, publish
	Text  string   `json:"text"`  // data
	Topic string   `json:"topic"` // data
	To    []string `json:"to"`    // data: identities; empty = everybody
	SID   string   `json:"sid"`   // subscribe, unsubscribe: a remote track
	Lossy bool     `json:"lossy"` // data
	What  string   `json:"what"`  // simulate: signal-reconnect, full-reconnect
}

func (p *participant) do(c command) error {
	switch c.Do {
	case "leave":
		return nil
	case "publish":
		return p.publish(c.Kind)
	case "mute", "unmute", "unpublish":
		return p.change(c)
	case "data":
		return p.room.LocalParticipant.PublishDataPacket(lksdk.UserData([]byte(c.Text)), lksdk.WithDataPublishTopic(c.Topic),
			lksdk.WithDataPublishReliable(!c.Lossy), lksdk.WithDataPublishDestination(c.To))
	case "subscribe", "unsubscribe":
		return p.setSubscribed(c.SID, c.Do == "subscribe")
	case "simulate":
		return p.simulate(c.What)
	}
	return fmt.Errorf("unknown command %q", c.Do)
}

func (p *participant) change(c command) error {
	p.mu.Lock()
	publication := p.local[c.Kind]
	p.mu.Unlock()
	if publication == nil {
		return fmt.Errorf("no %s is published", c.Kind)
	}
	if c.Do == "unpublish" {
		p.mu.Lock()
		delete(p.local, c.Kind)
		p.mu.Unlock()
		return p.room.LocalParticipant.UnpublishTrack(publication.SID())
	}
	publication.SetMuted(c.Do == "mute")
	return nil
}

func (p *participant) setSubscribed(sid string, subscribed bool) error {
	for _, who := range p.room.GetRemoteParticipants() {
		for _, publication := range who.TrackPublications() {
			if remote, ok := publication.(*lksdk.RemoteTrackPublication); ok && remote.SID() == sid {
				return remote.SetSubscribed(subscribed)
			}
		}
	}
	return fmt.Errorf("no remote track %s", sid)
}

func (p *participant) simulate(what string) error {
	scenarios := map[string]lksdk.SimulateScenario{
		"signal-reconnect": lksdk.SimulateSignalReconnect, "full-reconnect": lksdk.SimulateLeaveRequestFullReconnect,
	}
	scenario, ok := scenarios[what]
	if !ok {
		return fmt.Errorf("unknown scenario %q", what)
	}
	p.room.Simulate(scenario)
	return nil
}
