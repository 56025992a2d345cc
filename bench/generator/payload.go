package main

import (
	"encoding/binary"
	"errors"
)

// Every packet carries this header in its media payload, so that a subscriber knows exactly what it received and when
// it was sent, whatever the server did to the RTP header:
//
//	u32 magic | u16 source | u8 layer | u8 zero | u32 counter | i64 nanoseconds since the generator's start
const (
	magic      = 0x5649534f // "VISO": padding and other packets without it are not ours
	headerSize = 20
)

// Bytes of a VP8 payload before our header. RFC 7741: descriptor X|S, I, then a 15-bit picture id.
const (
	vp8DescriptorSize = 4
	vp8DeltaTag       = 3  // frame tag of the first packet of an interframe
	vp8KeyTag         = 10 // frame tag, start code, width and height of the first packet of a key frame
	opusTOC           = 1  // CELT fullband 20 ms mono, one frame
)

var errShort = errors.New("payload shorter than its own headers")

type header struct {
	source  uint16
	layer   uint8
	counter uint32
	sentNS  int64
}

func (h header) put(b []byte) {
	binary.BigEndian.PutUint32(b, magic)
	binary.BigEndian.PutUint16(b[4:], h.source)
	b[6], b[7] = h.layer, 0
	binary.BigEndian.PutUint32(b[8:], h.counter)
	binary.BigEndian.PutUint64(b[12:], uint64(h.sentNS))
}

// parseHeader reads the header at the start of b; ok is false when b is not one of ours.
func parseHeader(b []byte) (h header, ok bool) {
	if len(b) < headerSize || binary.BigEndian.Uint32(b) != magic {
		return header{}, false
	}
	return header{
		source:  binary.BigEndian.Uint16(b[4:]),
		layer:   b[6],
		counter: binary.BigEndian.Uint32(b[8:]),
		sentNS:  int64(binary.BigEndian.Uint64(b[12:])),
	}, true
}

// putVP8 writes descriptor and, in a frame's first packet, the VP8 frame header. It returns where our header goes.
func putVP8(b []byte, l layer, pictureID uint16, first, key bool) int {
	b[0] = 0x80 // X
	if first {
		b[0] |= 0x10 // S
	}
	b[1] = 0x80 // I
	binary.BigEndian.PutUint16(b[2:], 0x8000|pictureID&0x7fff)
	if !first {
		return vp8DescriptorSize
	}
	f := b[vp8DescriptorSize:]
	f[0], f[1], f[2] = 0x10, 0, 0 // show_frame, version 0
	if !key {
		f[0] |= 1
		return vp8DescriptorSize + vp8DeltaTag
	}
	f[3], f[4], f[5] = 0x9d, 0x01, 0x2a
	binary.LittleEndian.PutUint16(f[6:], uint16(l.width))
	binary.LittleEndian.PutUint16(f[8:], uint16(l.height))
	return vp8DescriptorSize + vp8KeyTag
}

// vp8Offset is where our header starts in a received VP8 payload, whose descriptor the server may have rewritten.
func vp8Offset(b []byte) (int, error) {
	if len(b) < 1 {
		return 0, errShort
	}
	n := 1
	if b[0]&0x80 != 0 { // X
		if len(b) < 2 {
			return 0, errShort
		}
		ext := b[1]
		n = 2
		if ext&0x80 != 0 { // I
			if len(b) < 3 {
				return 0, errShort
			}
			n++
			if b[2]&0x80 != 0 {
				n++
			}
		}
		if ext&0x40 != 0 { // L
			n++
		}
		if ext&0x30 != 0 { // T or K
			n++
		}
	}
	if b[0]&0x1f != 0x10 { // not the start (S) of partition 0
		return n, nil
	}
	if len(b) <= n {
		return 0, errShort
	}
	if b[n]&1 == 0 {
		return n + vp8KeyTag, nil
	}
	return n + vp8DeltaTag, nil
}

// rtpPayload is the payload of an RTP packet, without extensions and padding.
func rtpPayload(b []byte) ([]byte, error) {
	if len(b) < 12 {
		return nil, errShort
	}
	n := 12 + 4*int(b[0]&0x0f)
	if b[0]&0x10 != 0 {
		if len(b) < n+4 {
			return nil, errShort
		}
		n += 4 + 4*int(binary.BigEndian.Uint16(b[n+2:]))
	}
	end := len(b)
	if b[0]&0x20 != 0 {
		end -= int(b[len(b)-1])
	}
	if n > end {
		return nil, errShort
	}
	return b[n:end], nil
}
