package main

import (
	"encoding/binary"
	"net/netip"
)

const (
	icmp4    = 1
	tcp      = 6
	udp      = 17
	fragment = 44
	icmp6    = 58
	sctp     = 132

	// Answers have a port of their own, so that no other packet belongs to their flow.
	openingPort = 12345
	answerPort  = 54321

	// Of later fragments, in blocks of eight bytes: far behind the headers of any protocol.
	fragmentOffset = 200
)

// packetFields are what the filter looks at. Kind is opening, reply, error or later-fragment.
type packetFields struct {
	Src, Dst netip.Addr
	Proto    uint8
	Port     uint16
	Kind     string
}

func (p packetFields) isAnswer() bool { return p.Kind == "reply" || p.Kind == "error" }

// bytes returns the packet as it comes off the wire. Checksums are not looked at and stay zero.
func (p packetFields) bytes() []byte {
	payload := p.payload()
	if p.Src.Is4() {
		header := make([]byte, 20)
		header[0] = 4<<4 | 5
		binary.BigEndian.PutUint16(header[2:], uint16(len(header)+len(payload)))
		if p.Kind == "later-fragment" {
			binary.BigEndian.PutUint16(header[6:], fragmentOffset)
		}
		header[8] = 64
		header[9] = p.Proto
		copy(header[12:], p.Src.AsSlice())
		copy(header[16:], p.Dst.AsSlice())
		return append(header, payload...)
	}
	header := make([]byte, 40)
	header[0] = 6 << 4
	header[6] = p.Proto
	if p.Kind == "later-fragment" {
		header[6] = fragment
		extension := make([]byte, 8)
		extension[0] = p.Proto
		binary.BigEndian.PutUint16(extension[2:], fragmentOffset<<3)
		payload = append(extension, payload...)
	}
	binary.BigEndian.PutUint16(header[4:], uint16(len(payload)))
	header[7] = 64
	copy(header[8:], p.Src.AsSlice())
	copy(header[24:], p.Dst.AsSlice())
	return append(header, payload...)
}

// payload returns a header of the packet's protocol, long enough for all of them.
func (p packetFields) payload() []byte {
	b := make([]byte, 24)
	source := uint16(openingPort)
	if p.isAnswer() {
		source = answerPort
	}
	binary.BigEndian.PutUint16(b[0:], source)
	binary.BigEndian.PutUint16(b[2:], p.Port)
	switch p.Proto {
	case tcp:
		const syn, ack = 0x02, 0x10
		b[12] = 5 << 4
		b[13] = syn
		if p.isAnswer() {
			b[13] = syn | ack
		}
	case icmp4:
		b[0], b[1] = map[string]byte{"opening": 8, "reply": 0, "error": 3}[p.Kind], 0
	case icmp6:
		b[0], b[1] = map[string]byte{"opening": 128, "reply": 129, "error": 1}[p.Kind], 0
	}
	return b
}
