"""What is put to the client: random rules and packets, and rules compiled from random policies.

A `Sample` is plain data, as the Go program reads it. Addresses and ports of packets are drawn from
those that the rules name and from their neighbours, where two filters would differ.
"""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

import aclkit
from tests.property.strategies import ALL, policies, tailnets

JSON = dict[str, Any]

ADDRESSES = [
    *("100.64.0.9", "100.64.0.10", "100.115.92.1", "10.33.7.7", "10.33.0.0", "10.33.255.255"),
    *("203.0.113.7", "0.0.0.0", "255.255.255.255", "127.0.0.1", "224.0.0.1", "169.254.0.1"),
    *("169.254.169.254", "fd7a:115c:a1e0::9", "fd7a:115c:a1e0::a", "fd00::5", "2001:db8::7"),
    *("::", "::1", "fe80::1", "ff02::1", "::ffff:10.33.7.7", "::ffff:169.254.0.1"),
    "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
]
UNREADABLE = ["10.33.7.7/16", "10.0.0.9-10.0.0.1", "fd00::1/64", "10.33.7", "host", ""]
CAPABILITIES = ["is-drinker", "https://brew.example/cap/tap"]
PROTOCOLS = [0, 1, 2, 4, 6, 17, 44, 47, 50, 58, 99, 132, 133, 255]
IPV6_FRAGMENT = 44  # on IPv6 no protocol, but the mark of a fragment
PORTS = [0, 1, 22, 53, 80, 443, 65534, 65535]
KINDS = ["opening"] * 8 + ["reply", "error", "later-fragment"]


@dataclass(frozen=True, slots=True)
class Sample:
    """The filter of one node, and what comes in at it.

    Attributes:
        origin: `random`, or `compiled` from a policy.
        local: the node's addresses and routes, as prefixes.
        caps: the peers that hold each capability.
        packets: with `src`, `dst`, `proto`, `port` and `kind`.
        pairs: a peer and an address of the node each; what is granted to it there?
    """

    origin: str
    rules: list[JSON]
    local: list[str]
    packets: list[JSON]
    caps: dict[str, list[str]] = field(default_factory=dict)
    pairs: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class World:
    """All that one policy compiles to: the netmap of every node, and samples of their filters."""

    netmaps: list[JSON]
    samples: list[Sample]


# Random rules


def random_sample(random: Random, packets: int) -> Sample:
    """Return rules that no policy would compile to, and *packets* packets."""
    rules = [random_rule(random) for _ in range(random.randint(1, 6))]
    local = [random_prefix(random) for _ in range(random.randint(1, 4))]
    local += random.choice([[], ["0.0.0.0/0", "::/0"]])
    around = landmarks(rules, local)
    return Sample(
        "random",
        rules,
        local,
        [random_packet(random, around, ports_of(rules)) for _ in range(packets)],
        {name: random.sample(around, min(3, len(around))) for name in CAPABILITIES},
        [random_pair(random, around) for _ in range(4)],
    )


def random_rule(random: Random) -> JSON:
    sources = [random_token(random) for _ in range(random.randint(0, 3))]
    if random.randrange(6) == 0:
        sources.append(f"cap:{random.choice(CAPABILITIES)}")
    rule: JSON = {"SrcIPs": sources}
    if random.randrange(8) == 0:
        # One for each family: where Dsts overlap, the module gives the values once for each.
        prefixes = [random_prefix(random) for _ in range(random.randint(1, 2))]
        dsts = list({":" in prefix: prefix for prefix in prefixes}.values())
        names = random.sample(CAPABILITIES, random.randint(1, 2))
        values = {name: random.choice([None, [], [1], [{"x": [True]}, "y"]]) for name in names}
        return rule | {"CapGrant": [{"Dsts": dsts, "CapMap": values}]}
    rule["DstPorts"] = [
        {"IP": random_token(random), "Ports": random_ports(random)}
        for _ in range(random.randint(1, 3))
    ]
    protocols = random.choices([*PROTOCOLS, 6, 6, 17, 256, -1], k=random.choice([0, 0, 1, 1, 2]))
    return rule | ({"IPProto": protocols} if protocols else {})


def random_token(random: Random) -> str:
    kind = random.randrange(20)
    if kind == 0:
        return random.choice(UNREADABLE)
    if kind <= 3:
        return "*"
    if kind <= 8:
        return random.choice(ADDRESSES)
    if kind <= 15:
        return random_prefix(random)
    one, other = map(ipaddress.ip_address, random_pair(random, ADDRESSES))
    first, last = sorted((one, other), key=int)
    return f"{first}-{last}"


def random_prefix(random: Random) -> str:
    address = ipaddress.ip_address(random.choice(ADDRESSES))
    widest = address.max_prefixlen
    length = random.choice([0, 8, widest, random.randint(0, widest)])
    return str(ipaddress.ip_network(f"{address}/{length}", strict=False))


def random_ports(random: Random) -> JSON:
    first, last = sorted(random.choices(PORTS, k=2))
    return random.choice([{"First": 0, "Last": 65535}, {"First": first, "Last": last}])


# Rules compiled from random policies


def compiled_worlds(count: int, random: Random, packets: int) -> Iterator[World]:
    """Yield what *count* random policies with all features compile to, for random tailnets."""
    drawn: list[tuple[JSON, JSON]] = []

    @seed(random.getrandbits(64))
    @settings(
        max_examples=count,
        database=None,
        derandomize=False,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(tailnets().flatmap(lambda t: policies(t, features=ALL).map(lambda p: (p, t))))
    def draw(world: tuple[JSON, JSON]) -> None:
        drawn.append(world)

    draw()
    for policy, tailnet in drawn:
        yield compiled_world(policy, tailnet, random, packets)


def compiled_world(policy: JSON, tailnet: JSON, random: Random, packets: int) -> World:
    loaded = aclkit.load_policy(json.dumps(policy))
    compiled = aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))
    world = World([], [])
    names = [node["name"] for node in tailnet["nodes"]]
    own = {name: compiled.netmap(name).addresses for name in names}
    peers = [prefix.partition("/")[0] for prefixes in own.values() for prefix in prefixes]
    for name in names:
        netmap = compiled.netmap(name).to_dict()
        world.netmaps.append(netmap)
        rules = netmap["packet_filter_rules"]
        if not rules:
            continue
        number = compiled.node_number(name)
        routes = [str(route) for route in compiled.rules.class_of(number).signature.routes]
        local = [*own[name], *(text if "/" in text else single(text) for text in routes)]
        around = [*landmarks(rules, local), *peers, *peers]
        mine = [prefix.partition("/")[0] for prefix in own[name]]
        world.samples.append(
            Sample(
                "compiled",
                rules,
                local,
                [
                    random_packet(random, around, ports_of(rules), mine if n % 2 else around)
                    for n in range(packets)
                ],
                pairs=[(peer, own) for peer in peers for own in mine if same_family(peer, own)],
            )
        )
    return world


def single(address: str) -> str:
    return f"{address}/{128 if ':' in address else 32}"


# Packets


def random_packet(
    random: Random, around: list[str], ports: list[int], targets: list[str] | None = None
) -> JSON:
    """Return a packet from somewhere *around* to somewhere among *targets*, mostly one family."""
    dst = random.choice(targets or around)
    sources = [text for text in around if same_family(text, dst)]
    src = random.choice(around if not sources or random.randrange(20) == 0 else sources)
    icmp = 58 if ":" in dst else 1
    protocols = [6, 6, 6, 6, 17, 17, icmp, icmp, icmp, 132, *PROTOCOLS, random.randrange(256)]
    proto = random.choice(protocols)
    return {
        "src": src,
        "dst": dst,
        "proto": 6 if proto == IPV6_FRAGMENT and ":" in dst else proto,
        "port": random.choice(ports),
        "kind": random.choice(KINDS),
    }


def random_pair(random: Random, around: list[str]) -> tuple[str, str]:
    own = random.choice(around)
    return random.choice([text for text in around if same_family(text, own)]), own


def same_family(one: str, other: str) -> bool:
    return (":" in one) == (":" in other)


def landmarks(rules: list[JSON], local: list[str]) -> list[str]:
    """Return both ends of every address text, the addresses next to them, and some others."""
    tokens = [token for rule in rules for token in rule["SrcIPs"]]
    tokens += [dst["IP"] for rule in rules for dst in rule.get("DstPorts", ())]
    found: dict[str, None] = dict.fromkeys(ADDRESSES)
    for token in [*tokens, *local]:
        try:
            ends = [
                ipaddress.ip_network(text, strict=False)
                for text in ((token, token) if "-" not in token else token.split("-"))
            ]
        except ValueError:
            continue
        for end in (ends[0][0], ends[-1][-1]):
            for number in (int(end) - 1, int(end), int(end) + 1):
                if 0 <= number < 2**end.max_prefixlen:
                    found[str(type(end)(number))] = None
    return list(found)


def ports_of(rules: list[JSON]) -> list[int]:
    """Return the ports that the rules name, their neighbours, and 22."""
    ranges = [dst["Ports"] for rule in rules for dst in rule.get("DstPorts", ())]
    named = [end for each in ranges for end in (each["First"], each["Last"])]
    around = {port + step for port in named for step in (-1, 0, 1)} | {22}
    return sorted(port for port in around if 0 <= port <= 65535)
