"""Compare aclkit with the module that Tailscale publishes: `python -m tests.interop.run`.

- Wire types: every rule and capability map that aclkit renders is decoded into the types of
  `tailcfg`, with unknown fields refused, encoded again, and must be the same JSON value.
- The packet filter: what `wgengine/filter` makes of a packet, of unreadable address texts and of
  capabilities must be what `aclkit.evaluator.packetfilter` makes of them.

Needs Go; without it the comparison is skipped, and says so. The first run downloads the module.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from collections import Counter
from random import Random
from typing import Any

from aclkit.addresses import AddressSet, parse_address, parse_prefix
from aclkit.evaluator.packetfilter import PacketFilter, PacketKind
from aclkit.tailcfg import FilterRule
from tests.interop.client import Client, module_version, running_client
from tests.interop.samples import JSON, Sample, compiled_worlds, random_sample

PACKETS_PER_SAMPLE = 100
WORLDS_AT_ONCE = 100
SHOWN_DISAGREEMENTS = 5

NAMES = {1: "ICMP", 58: "ICMP", 6: "TCP", 17: "UDP", 132: "SCTP"}
KINDS = {
    "opening": PacketKind.OPENING,
    "reply": PacketKind.REPLY,
    "error": PacketKind.REPLY,
    "later-fragment": PacketKind.LATER_FRAGMENT,
}


class Comparison:
    """What has been compared so far, and where the two disagreed."""

    def __init__(self, client: Client) -> None:
        self.packets: Counter[str] = Counter()
        self.protocols: Counter[str] = Counter()
        self.wire: Counter[str] = Counter()
        self.granted = 0
        self.filters = 0
        self.accepted = 0
        self.disagreements: list[JSON] = []
        self._client = client

    def compare_filter(self, sample: Sample) -> None:
        """Put one node's filter and its packets to both."""
        question: JSON = {"rules": sample.rules, "local": sample.local, "caps": sample.caps}
        theirs = self._client.ask(
            {"filter": question | {"packets": sample.packets, "pairs": sample.pairs}}
        )
        ours = PacketFilter(
            [FilterRule.from_dict(rule) for rule in sample.rules],
            AddressSet.of(map(parse_prefix, sample.local)),
            peer_caps={
                name: AddressSet.of(map(parse_address, holders))
                for name, holders in sample.caps.items()
            },
        )
        for packet, verdict in zip(sample.packets, theirs["accepted"], strict=True):
            accepted = verdict == "1"
            self._agree(lets_in(ours, packet), accepted, question, packet)
            self.packets[sample.origin] += 1
            self.protocols[f"{NAMES.get(packet['proto'], 'other')} {family(packet['dst'])}"] += 1
            self.accepted += accepted
        for (peer, own), granted in zip(sample.pairs, theirs["granted"], strict=True):
            values = ours.capabilities([parse_address(peer)], [parse_address(own)])
            self._agree(values, granted or {}, question, [peer, own])
        self._agree(bool(ours.unreadable), theirs["unreadable"], question, "unreadable")
        self.granted += len(sample.pairs)
        self.filters += 1

    def compare_wire(self, netmap: JSON) -> None:
        """Send all that a node is sent through the types of the wire."""
        values = [("FilterRule", rule) for rule in netmap["packet_filter_rules"]]
        values += [("SSHRule", rule) for rule in netmap["ssh_rules"]]
        values.append(("NodeCapMap", netmap["cap_map"]))
        for peer in netmap["peers"]:
            values.append(("NodeCapMap", peer["cap_map"]))
            values.append(("PeerCapMap", peer["granted_caps"]))
        answers = self._client.ask({"wire": [{"type": t, "value": value} for t, value in values]})
        for (name, value), answer in zip(values, answers, strict=True):
            self._agree({"value": value}, answer, {"type": name}, "wire")
            self.wire[name] += 1

    def _agree(self, ours: object, theirs: object, question: JSON, of: object) -> None:
        if canonical(ours) != canonical(theirs):
            found = {"of": of, "aclkit": ours, "module": theirs, "question": question}
            self.disagreements.append(found)


def lets_in(packet_filter: PacketFilter, packet: JSON) -> bool:
    return packet_filter.check(
        parse_address(packet["src"]),
        parse_address(packet["dst"]),
        packet["proto"],
        packet["port"],
        kind=KINDS[packet["kind"]],
    ).accept


def canonical(value: object) -> str:
    """Return the one text of a JSON value; unlike `==` it tells true from 1."""
    return json.dumps(value, sort_keys=True)


def family(address: str) -> str:
    return "IPv6" if ":" in address else "IPv4"


def compare(client: Client, pairs: int, random: Random) -> Comparison:
    """Compare at least *pairs* packets, half of them at random rules, half at compiled ones."""
    comparison = Comparison(client)
    while comparison.packets["random"] < pairs / 2:
        comparison.compare_filter(random_sample(random, PACKETS_PER_SAMPLE))
    while comparison.packets["compiled"] < pairs / 2:
        for world in compiled_worlds(WORLDS_AT_ONCE, random, PACKETS_PER_SAMPLE):
            for netmap in world.netmaps:
                comparison.compare_wire(netmap)
            for sample in world.samples:
                comparison.compare_filter(sample)
    return comparison


def report(comparison: Comparison, seconds: float) -> None:
    total = comparison.packets.total()
    origins = ", ".join(f"{count} {name}" for name, count in comparison.packets.items())
    protocols = ", ".join(f"{n} {name}" for name, n in sorted(comparison.protocols.items()))
    wire = ", ".join(f"{count} {name}" for name, count in sorted(comparison.wire.items()))
    print(f"packets       {total} ({origins}) at {comparison.filters} filters")
    print(f"              {protocols}")
    print(f"              {comparison.accepted / total:.0%} let in")
    print(f"capabilities  {comparison.granted} pairs of a peer and an address")
    print(f"wire values   {comparison.wire.total()} ({wire})")
    print(f"disagreements {len(comparison.disagreements)}")
    print(f"{seconds:.0f} s")
    for found in comparison.disagreements[:SHOWN_DISAGREEMENTS]:
        print(json.dumps(found, indent=1))


def main(arguments: list[str] | None = None) -> int:
    """Run the comparison; return the exit status, 1 where the two disagree."""
    parser = argparse.ArgumentParser(prog="python -m tests.interop.run", description=__doc__)
    parser.add_argument("--pairs", type=int, default=200_000, help="packets to compare, at least")
    parser.add_argument("--seed", type=int, default=1)
    options: Any = parser.parse_args(arguments)
    if shutil.which("go") is None:
        print("interop: skipped, since Go is not installed")
        return 0
    print(f"aclkit against tailscale.com {module_version()}, seed {options.seed}")
    started = time.perf_counter()
    with running_client() as client:
        comparison = compare(client, options.pairs, Random(options.seed))
    report(comparison, time.perf_counter() - started)
    return 1 if comparison.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
