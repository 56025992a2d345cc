package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	lksdk "github.com/livekit/server-sdk-go/v2"
)

// meeting is people who all talk and all hear each other, through whatever happens to the server.
type meeting struct {
	run    *run
	mu     sync.Mutex
	people []*publisher
}

// heard is printed with each track on which a listener hears a talker, at its first packet.
type heard struct {
	Event    string  `json:"event"`
	Listener int     `json:"listener"`
	Talker   int     `json:"talker"`
	At       float64 `json:"at"` // seconds since 1970
}

// meet holds a meeting until stdin closes.
func (r *run) meet(people int) error {
	m := &meeting{run: r, people: make([]*publisher, people)}
	defer m.end()
	if err := inParallel(people, m.enter); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() {
		_, err := io.Copy(io.Discard, os.Stdin)
		ended <- err
	}()
	select {
	case err := <-r.failure:
		return err
	case err := <-ended:
		return err
	}
}

// enter joins one person, who hears everybody and sends audio under their own number.
func (m *meeting) enter(number int) error {
	onTrack := func(track *webrtc.TrackRemote, _ *lksdk.RemoteTrackPublication, _ *lksdk.RemoteParticipant) {
		go (&flow{}).read(m.run, track, func(source uint16) {
			now := float64(time.Now().UnixMicro()) / 1e6
			emit(heard{"heard", number, int(source), now})
		})
	}
	room, err := m.run.join(fmt.Sprintf("participant-%d", number), m.run.callback(onTrack), true)
	if err != nil {
		return err
	}
	person := &publisher{room: room}
	m.mu.Lock()
	m.people[number] = person
	m.mu.Unlock()
	return person.publish(m.run, uint16(number), []layer{opus})
}

func (m *meeting) end() {
	m.run.ending.Store(true)
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, person := range m.people {
		if person != nil {
			person.room.Disconnect()
		}
	}
}
