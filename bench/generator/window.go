package main

import (
	"math"
	"sync/atomic"
)

// window is the measured span, in nanoseconds since the generator's start. It is set once, before it begins.
type window struct{ start, end atomic.Int64 }

func (w *window) set(start, end int64) {
	w.end.Store(end)
	w.start.Store(start)
}

func (w *window) holds(ns int64) bool {
	start := w.start.Load()
	return start != 0 && ns >= start && ns < w.end.Load()
}

// histogram counts delays in buckets that grow by 5 %, from 10 µs up to about 3 s.
type histogram [260]uint64

const (
	histogramFloorNS = 10_000
	histogramGrowth  = 1.05
)

func (h *histogram) add(ns int64) {
	index := 0
	if ns > histogramFloorNS {
		index = int(math.Log(float64(ns)/histogramFloorNS) / math.Log(histogramGrowth))
	}
	h[min(index, len(h)-1)]++
}

func (h *histogram) merge(other *histogram) {
	for i, n := range other {
		h[i] += n
	}
}

// quantileMS is the upper edge of the bucket that holds the quantile q, in milliseconds; 0 when nothing was counted.
func (h *histogram) quantileMS(q float64) float64 {
	var total, seen uint64
	for _, n := range h {
		total += n
	}
	for i, n := range h {
		seen += n
		if n > 0 && float64(seen) >= q*float64(total) {
			return histogramFloorNS * math.Pow(histogramGrowth, float64(i+1)) / 1e6
		}
	}
	return 0
}
