// Interop asks Tailscale's own module what it makes of wire JSON and of packets.
//
// Each line of standard input is a request, each line of standard output its answer, both JSON.
// A request has one of two fields:
//
//	{"wire": [{"type": "FilterRule", "value": {...}}]}
//	{"filter": {"rules": [...], "local": [...], "caps": {...}, "packets": [...], "pairs": [...]}}
//
// What is asked and what counts as an agreement is decided by run.py.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/netip"
	"os"

	"go4.org/netipx"
	"tailscale.com/net/packet"
	"tailscale.com/tailcfg"
	"tailscale.com/types/logger"
	"tailscale.com/wgengine/filter"
)

type request struct {
	Wire   []wireValue
	Filter *filterQuestion
}

// A wireValue is JSON with the name of the type of tailcfg that it should be.
type wireValue struct {
	Type  string
	Value json.RawMessage
}

// A wireAnswer has the value as the type encodes it again, or why it could not be decoded.
type wireAnswer struct {
	Value any    `json:"value"`
	Error string `json:"error,omitempty"`
}

// A filterQuestion is a node with its rules and what comes in.
type filterQuestion struct {
	Rules   []tailcfg.FilterRule
	Local   []netip.Prefix
	Caps    map[tailcfg.NodeCapability][]netip.Addr // the peers that hold each capability
	Packets []packetFields
	Pairs   [][2]netip.Addr // a peer and an own address, to ask what the one is granted on the other
}

// A filterAnswer has a 1 for each packet that is let in and a 0 for each that is dropped.
type filterAnswer struct {
	Accepted   string               `json:"accepted"`
	Granted    []tailcfg.PeerCapMap `json:"granted"`
	Unreadable bool                 `json:"unreadable"` // some address text was left out
}

func main() {
	log.SetFlags(0)
	in := json.NewDecoder(bufio.NewReader(os.Stdin))
	in.DisallowUnknownFields()
	out := json.NewEncoder(os.Stdout)
	for {
		var asked request
		if err := in.Decode(&asked); err == io.EOF {
			return
		} else if err != nil {
			log.Fatal("request: ", err)
		}
		var answer any
		if asked.Filter != nil {
			answer = decide(asked.Filter)
		} else {
			answers := make([]wireAnswer, len(asked.Wire))
			for i, each := range asked.Wire {
				answers[i] = roundTrip(each)
			}
			answer = answers
		}
		if err := out.Encode(answer); err != nil {
			log.Fatal("answer: ", err)
		}
	}
}

func roundTrip(given wireValue) wireAnswer {
	var target any
	switch given.Type {
	case "FilterRule":
		target = new(tailcfg.FilterRule)
	case "SSHRule":
		target = new(tailcfg.SSHRule)
	case "NodeCapMap":
		target = new(tailcfg.NodeCapMap)
	case "PeerCapMap":
		target = new(tailcfg.PeerCapMap)
	default:
		return wireAnswer{Error: fmt.Sprintf("unknown type %q", given.Type)}
	}
	decoder := json.NewDecoder(bytes.NewReader(given.Value))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(target); err != nil {
		return wireAnswer{Error: err.Error()}
	}
	return wireAnswer{Value: target}
}

func decide(asked *filterQuestion) filterAnswer {
	matches, err := filter.MatchesFromFilterRules(asked.Rules)
	holds := func(peer netip.Addr, capability tailcfg.NodeCapability) bool {
		for _, holder := range asked.Caps[capability] {
			if holder == peer {
				return true
			}
		}
		return false
	}
	var builder netipx.IPSetBuilder
	for _, prefix := range asked.Local {
		builder.AddPrefix(prefix)
	}
	local, localErr := builder.IPSet()
	if localErr != nil {
		log.Fatal("local: ", localErr)
	}
	f := filter.New(matches, holds, local, local, nil, logger.Discard)

	answer := filterAnswer{Unreadable: err != nil, Granted: []tailcfg.PeerCapMap{}}
	accepted := make([]byte, len(asked.Packets))
	for i, fields := range asked.Packets {
		accepted[i] = '0'
		if fields.Src.Is4() == fields.Dst.Is4() && letIn(f, fields) {
			accepted[i] = '1'
		}
	}
	answer.Accepted = string(accepted)
	for _, pair := range asked.Pairs {
		answer.Granted = append(answer.Granted, f.CapsWithValues(pair[0], pair[1]))
	}
	return answer
}

// letIn sends one packet in; ahead of an answer the filter learns of what is answered.
func letIn(f *filter.Filter, fields packetFields) bool {
	var parsed packet.Parsed
	parsed.Decode(fields.bytes())
	if fields.isAnswer() && (fields.Proto == udp || fields.Proto == sctp) {
		sent := parsed
		sent.Src, sent.Dst = parsed.Dst, parsed.Src
		f.UpdateOutboundFlowState(&sent)
	}
	return f.RunIn(&parsed, 0) == filter.Accept
}
