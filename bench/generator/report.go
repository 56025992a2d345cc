package main

import "math"

// report is the last line that the generator prints. Counts are of packets whose send time is inside the window.
type report struct {
	Event       string  `json:"event"`
	Case        string  `json:"case"`
	Seconds     float64 `json:"seconds"`
	Publishers  int     `json:"publishers"`
	Subscribers int     `json:"subscribers"`
	Sent        int     `json:"sent"`     // by publishers, all layers
	Expected    int     `json:"expected"` // sent of wanted layers times subscribers
	Received    int     `json:"received"` // distinct
	PPSIn       float64 `json:"pps_in"`
	PPSOut      float64 `json:"pps_out"`
	Loss        float64 `json:"loss"` // fraction of expected
	Duplicates  int     `json:"duplicates"`
	Resent      int     `json:"resent_in_vain"`
	Unwanted    int     `json:"unwanted"` // distinct packets of layers that nobody asked for
	Foreign     int     `json:"foreign"`
	Malformed   int     `json:"malformed"`
	PLIs        int64   `json:"plis"` // since the start
	WriteErrors int64   `json:"write_errors"`
	Reconnects  int64   `json:"reconnects"`
	CPUSeconds  float64 `json:"generator_cpu_s"`
	DelayP50MS  float64 `json:"delay_p50_ms"` // publisher's write to subscriber's read
	DelayP99MS  float64 `json:"delay_p99_ms"`
}

func (r *run) report() report {
	seconds := float64(r.window.end.Load()-r.window.start.Load()) / 1e9
	out := report{
		Event: "result", Case: r.bench.name, Seconds: seconds, Publishers: len(r.publishers), Subscribers: len(r.subscribers),
		WriteErrors: r.writeErrors.Load(), Reconnects: r.reconnects.Load(), CPUSeconds: round(r.cpuSeconds, 2),
	}
	for _, s := range r.streams() {
		first, next := s.sent()
		out.Sent += int(next - first)
		out.PLIs += s.plis.Load()
		r.countStream(&out, s, first, next)
	}
	var delay histogram
	for _, sub := range r.subscribers {
		sub.mu.Lock()
		for _, f := range sub.flows {
			f.mu.Lock()
			delay.merge(&f.delay)
			out.Duplicates += f.duplicate
			out.Resent += f.resent
			out.Foreign += f.foreign
			out.Malformed += f.malformed
			f.mu.Unlock()
		}
		sub.mu.Unlock()
	}
	out.PPSIn = round(float64(out.Sent)/seconds, 1)
	out.PPSOut = round(float64(out.Received)/seconds, 1)
	if out.Expected > 0 {
		out.Loss = round(1-float64(out.Received)/float64(out.Expected), 6)
	} else {
		out.Loss = 1
	}
	out.DelayP50MS, out.DelayP99MS = round(delay.quantileMS(0.5), 3), round(delay.quantileMS(0.99), 3)
	return out
}

// countStream adds what every subscriber received of one layer, to `Received` or to `Unwanted`.
func (r *run) countStream(out *report, s *stream, first, next uint32) {
	isWanted := !s.video || s.layer.index == r.bench.wantedLayer()
	if isWanted {
		out.Expected += int(next-first) * len(r.subscribers)
	}
	for _, sub := range r.subscribers {
		sub.mu.Lock()
		f := sub.flows[s.source]
		sub.mu.Unlock()
		if f == nil {
			continue
		}
		if n := f.received(s.layer.index, first, next); isWanted {
			out.Received += n
		} else {
			out.Unwanted += n
		}
	}
}

func round(value float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(value*scale) / scale
}
