package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
	"github.com/pion/webrtc/v4/pkg/media/oggwriter"
)

// A decoder repeats its request, since the first one or its answer may be lost.
const keyFrameRetry = 500 * time.Millisecond

// received counts what came of one remote track, and writes it to a file that any decoder reads.
type received struct {
	Event     string `json:"event"`
	Identity  string `json:"identity"`
	SID       string `json:"sid"`
	Kind      string `json:"kind"`
	File      string `json:"file,omitempty"`
	Packets   int    `json:"packets"`
	Frames    int    `json:"frames"`
	KeyFrames int    `json:"key_frames"`
	Bytes     int    `json:"bytes"`
	Missing   int    `json:"missing"` // sequence numbers skipped so far and not resent
	Repeated  int    `json:"repeated"`

	mu      sync.Mutex
	seen    map[uint16]int // sequence number -> round, of the last packets
	highest uint64         // extended
	first   uint64
	started bool
	sink    sink
}

// sink writes whole frames, in the order of their packets.
type sink interface {
	write(packet *rtp.Packet) (frame, key bool, err error)
	io.Closer
}

func newReceived(identity, sid, folder string, track *webrtc.TrackRemote) (*received, error) {
	r := &received{Event: "media", Identity: identity, SID: sid, Kind: track.Kind().String(), seen: map[uint16]int{}}
	if folder == "" {
		folder = os.DevNull
	} else {
		r.File = filepath.Join(folder, fmt.Sprintf("%s-%s.%s", identity, sid, map[string]string{"audio": "ogg", "video": "ivf"}[r.Kind]))
		folder = r.File
	}
	file, err := os.Create(folder)
	if err != nil {
		return nil, err
	}
	if r.Kind == "audio" {
		writer, err := oggwriter.NewWith(file, 48000, 2)
		if err != nil {
			return nil, err
		}
		r.sink = &opusFile{writer}
	} else {
		r.sink = &vp8File{file: file, waiting: true}
	}
	return r, nil
}

// read takes packets until the track ends. Like any decoder it asks for a key frame while it has none to begin with.
func (r *received) read(track *webrtc.TrackRemote, requestKeyFrame func()) error {
	var asked time.Time
	for {
		packet, _, err := track.ReadRTP()
		if err != nil {
			return nil // unsubscribed, unpublished or disconnected: an event of its own says which
		}
		if r.needsKeyFrame() && time.Since(asked) > keyFrameRetry {
			asked = time.Now()
			requestKeyFrame()
		}
		if err := r.take(packet); err != nil {
			return err
		}
	}
}

func (r *received) take(packet *rtp.Packet) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(packet.Payload) == 0 {
		return nil // padding
	}
	if !r.count(packet.SequenceNumber) {
		r.Repeated++
		return nil
	}
	r.Packets++
	r.Bytes += len(packet.Payload)
	frame, key, err := r.sink.write(packet)
	if frame {
		r.Frames++
	}
	if key {
		r.KeyFrames++
	}
	return err
}

func (r *received) needsKeyFrame() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	video, ok := r.sink.(*vp8File)
	return ok && video.waiting
}

// count extends the sequence number and reports whether the packet is new.
func (r *received) count(number uint16) bool {
	if !r.started {
		r.started, r.highest = true, 1<<16|uint64(number)
		r.first = r.highest
	}
	extended := r.highest + uint64(int64(int16(number-uint16(r.highest))))
	round := int(extended>>16) + 1
	if r.seen[number] == round {
		return false
	}
	r.seen[number] = round
	r.highest = max(r.highest, extended)
	r.first = min(r.first, extended)
	r.Missing = int(r.highest-r.first) + 1 - (r.Packets + 1)
	return true
}

func (r *received) snapshot() received {
	r.mu.Lock()
	defer r.mu.Unlock()
	return received{
		Event: r.Event, Identity: r.Identity, SID: r.SID, Kind: r.Kind, File: r.File, Packets: r.Packets, Frames: r.Frames,
		KeyFrames: r.KeyFrames, Bytes: r.Bytes, Missing: r.Missing, Repeated: r.Repeated,
	}
}

func (r *received) close() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.sink.Close()
}

type opusFile struct{ *oggwriter.OggWriter }

func (f *opusFile) write(packet *rtp.Packet) (frame, key bool, err error) {
	return true, false, f.WriteRTP(packet)
}

// vp8File writes an IVF file. Its header needs the picture's size, so it begins with the first key frame. A frame with a
// missing packet is left out, as is everything until the next key frame: what is in the file must decode.
type vp8File struct {
	file    *os.File
	frame   []byte
	whole   bool
	key     bool
	next    uint16
	frames  uint64
	waiting bool // for a key frame: at the start and after a damaged frame
}

func (f *vp8File) write(packet *rtp.Packet) (frame, key bool, err error) {
	var vp8 codecs.VP8Packet
	payload, err := vp8.Unmarshal(packet.Payload)
	if err != nil {
		return false, false, fmt.Errorf("not VP8: %w", err)
	}
	if vp8.S == 1 && vp8.PID == 0 {
		f.frame, f.whole, f.key = nil, true, payload[0]&1 == 0
	} else if packet.SequenceNumber != f.next {
		f.whole = false
	}
	f.next = packet.SequenceNumber + 1
	f.frame = append(f.frame, payload...)
	if !packet.Marker {
		return false, false, nil
	}
	if !f.whole || (!f.key && f.waiting) {
		f.waiting = true
		return false, false, nil
	}
	f.waiting = false
	return true, f.key, f.writeFrame()
}

func (f *vp8File) writeFrame() error {
	if f.frames == 0 {
		if err := f.writeHeader(); err != nil {
			return err
		}
	}
	header := binary.LittleEndian.AppendUint32(nil, uint32(len(f.frame)))
	header = binary.LittleEndian.AppendUint64(header, f.frames)
	f.frames++
	_, err := f.file.Write(append(header, f.frame...))
	return err
}

func (f *vp8File) writeHeader() error {
	if len(f.frame) < 10 {
		return fmt.Errorf("a key frame of %d bytes", len(f.frame))
	}
	header := append([]byte("DKIF"), 0, 0, 32, 0)
	header = append(header, "VP80"...)
	header = append(header, f.frame[6:10]...) // width and height, little endian as in the file
	header = binary.LittleEndian.AppendUint32(header, 30)
	header = binary.LittleEndian.AppendUint32(header, 1)
	header = append(header, make([]byte, 8)...) // frame count (unknown) and unused
	_, err := f.file.Write(header)
	return err
}

func (f *vp8File) Close() error { return f.file.Close() }
