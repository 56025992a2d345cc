// Command generator puts one LiveKit-speaking server under a bounded load and reports what subscribers received.
//
// It prints JSON lines: {"event":"window_start"} and {"event":"window_end"} when the measured window begins and ends,
// then one {"event":"result", ...} (report.go). With -people it holds a meeting instead (meeting.go). Keys come from
// LIVEKIT_API_KEY and LIVEKIT_API_SECRET. Exit codes: 0 the measurement was made, whatever its figures; 1 it was not,
// with the reason on stderr.
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/url"
	"os"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"

	"github.com/livekit/protocol/logger"
	lksdk "github.com/livekit/server-sdk-go/v2"
)

const (
	joinsAtOnce  = 4
	readyTimeout = 60 * time.Second
	// Packets on their way at the window's end, retransmissions included.
	settleTime = 1500 * time.Millisecond
)

// run is one measurement.
type run struct {
	url, apiKey, apiSecret, room string
	bench                        benchCase
	started                      time.Time
	window                       window
	publishers                   []*publisher
	subscribers                  []*subscriber
	writeErrors, reconnects      atomic.Int64
	ending                       atomic.Bool
	profile                      string
	cpuSeconds                   float64    // this process, over the window
	failure                      chan error // the first one counts
}

func main() {
	if err := command(); err != nil {
		fmt.Fprintln(os.Stderr, "generator:", err)
		os.Exit(1)
	}
}

func command() error {
	address := flag.String("url", "ws://127.0.0.1:8000", "server, on this machine")
	name := flag.String("case", "audio", "audio, video, all or large")
	seconds := flag.Float64("seconds", 40, "measured window")
	// Servers tell publishers to stop unused layers 5 s after they became unused.
	warmUp := flag.Float64("warm-up", 8, "seconds between the first packets of all tracks and the window")
	room := flag.String("room", fmt.Sprintf("bench-%d", time.Now().UnixNano()), "room name")
	verbose := flag.Bool("verbose", false, "the SDK's log on stderr")
	kbps := flag.Int("kbps", 0, "another bit rate for videos without simulcast")
	profile := flag.String("cpu-profile", "", "write a CPU profile of the window to this file")
	people := flag.Int("people", 0, "instead of a case: so many who talk and hear each other, until stdin closes")
	flag.Parse()

	bench, err := findCase(*name)
	if err != nil {
		return err
	}
	if *kbps > 0 && len(bench.video) == 1 {
		bench.video = single720p(*kbps)
	}
	if err := checkLoopback(*address); err != nil {
		return err
	}
	if !*verbose {
		lksdk.SetLogger(logger.LogRLogger(logr.Discard()))
	}
	// Collecting seldom makes room for packets: a heap of a few hundred MB at most, measured 7 % less CPU.
	debug.SetGCPercent(800)
	r := &run{
		url: *address, apiKey: os.Getenv("LIVEKIT_API_KEY"), apiSecret: os.Getenv("LIVEKIT_API_SECRET"), room: *room,
		bench: bench, started: time.Now(), failure: make(chan error, 1),
	}
	if *people > 0 {
		return r.meet(*people)
	}
	defer r.close()
	if err := r.start(); err != nil {
		return err
	}
	r.profile = *profile
	return r.measure(time.Duration(*warmUp*float64(time.Second)), time.Duration(*seconds*float64(time.Second)))
}

// checkLoopback refuses any server that is not on this machine: this program is a load.
func checkLoopback(address string) error {
	parsed, err := url.Parse(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(parsed.Hostname()); parsed.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("%s is not a loopback address", parsed.Hostname())
	}
	return nil
}

func (r *run) now() int64 { return int64(time.Since(r.started)) }

// fail ends the measurement; later failures are consequences of the first.
func (r *run) fail(err error) {
	select {
	case r.failure <- err:
	default:
	}
}

// start joins the subscribers, then the publishers, a few at a time: how fast people may join is another benchmark.
func (r *run) start() error {
	r.subscribers = make([]*subscriber, r.bench.subscribers)
	r.publishers = make([]*publisher, r.bench.publishers)
	err := inParallel(len(r.subscribers), func(i int) (err error) {
		r.subscribers[i], err = r.startSubscriber(i)
		return err
	})
	if err != nil {
		return err
	}
	return inParallel(len(r.publishers), func(i int) (err error) {
		r.publishers[i], err = r.startPublisher(i)
		return err
	})
}

func inParallel(n int, do func(i int) error) error {
	slots := make(chan struct{}, joinsAtOnce)
	failures := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		slots <- struct{}{}
		group.Go(func() {
			defer func() { <-slots }()
			failures[i] = do(i)
		})
	}
	group.Wait()
	return errors.Join(failures...)
}

func (r *run) measure(warmUp, duration time.Duration) error {
	if err := r.waitUntilReceiving(); err != nil {
		return err
	}
	if err := r.wait(warmUp); err != nil {
		return err
	}
	start := r.now() + int64(50*time.Millisecond)
	r.window.set(start, start+int64(duration))
	if err := r.wait(time.Duration(start - r.now())); err != nil {
		return err
	}
	emit(map[string]any{"event": "window_start"})
	before := cpuSeconds()
	stop, err := startProfile(r.profile)
	if err != nil {
		return err
	}
	if err := r.wait(time.Duration(start + int64(duration) - r.now())); err != nil {
		return err
	}
	emit(map[string]any{"event": "window_end"})
	r.cpuSeconds = cpuSeconds() - before
	stop()
	if err := r.wait(settleTime); err != nil {
		return err
	}
	emit(r.report())
	return nil
}

// wait returns after d, or at once with the failure.
func (r *run) wait(d time.Duration) error {
	select {
	case err := <-r.failure:
		return err
	case <-time.After(d):
		return nil
	}
}

// waitUntilReceiving returns once every subscriber gets the layer it asked for from every source.
func (r *run) waitUntilReceiving() error {
	var wanted []*stream
	for _, s := range r.streams() {
		if !s.video || s.layer.index == r.bench.wantedLayer() {
			wanted = append(wanted, s)
		}
	}
	for deadline := time.Now().Add(readyTimeout); ; {
		ready := 0
		for _, sub := range r.subscribers {
			if sub.isReceiving(wanted) {
				ready++
			}
		}
		if ready == len(r.subscribers) {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("only %d of %d subscribers receive all %d tracks after %s; %s", ready, len(r.subscribers), len(wanted),
				readyTimeout, r.missing(wanted))
		}
		if err := r.wait(100 * time.Millisecond); err != nil {
			return err
		}
	}
}

// missing says of what kind the tracks are that do not arrive.
func (r *run) missing(wanted []*stream) string {
	var audio, video int
	for _, s := range wanted {
		for _, sub := range r.subscribers {
			if sub.isReceiving([]*stream{s}) {
				continue
			}
			if s.video {
				video++
			} else {
				audio++
			}
		}
	}
	return fmt.Sprintf("missing: %d audio and %d video tracks; reconnects: %d", audio, video, r.reconnects.Load())
}

func (r *run) streams() []*stream {
	var all []*stream
	for _, p := range r.publishers {
		all = append(all, p.streams...)
	}
	return all
}

func (r *run) close() {
	r.ending.Store(true)
	for _, p := range r.publishers {
		if p != nil && p.room != nil {
			p.room.Disconnect()
		}
	}
	for _, s := range r.subscribers {
		if s != nil && s.room != nil {
			s.room.Disconnect()
		}
	}
}

func emit(line any) {
	// Encoding our own plain values cannot fail, and a closed stdout means that nobody is left to tell.
	_ = json.NewEncoder(os.Stdout).Encode(line)
}
