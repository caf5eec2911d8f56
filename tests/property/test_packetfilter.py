from __future__ import annotations

import ipaddress
from dataclasses import replace
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from aclkit.addresses import Address, AddressSet, Family, parse_address, parse_wire
from aclkit.evaluator.packetfilter import PacketFilter, PacketKind, Reason
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange

# Few addresses, ports and protocols, so that rules and packets meet.
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.0.200", "fd00::1", "fd00::2", "169.254.169.254")
TOKENS = (
    *ADDRESSES,
    "10.0.0.0/30",
    "10.0.0.0/24",
    "10.0.0.2-10.0.0.255",
    "fd00::/64",
    "fd00::2-fd00::ffff",
    "*",
)
PORTS = (0, 1, 22, 65534, 65535)
PROTOCOLS = (0, 1, 6, 17, 44, 47, 58, 99, 132, 255)

packets = st.tuples(
    st.sampled_from(ADDRESSES).map(parse_address),
    st.sampled_from(ADDRESSES).map(parse_address),
    st.sampled_from(PROTOCOLS),
    st.sampled_from(PORTS),
    st.sampled_from(PacketKind),
)
port_ranges = st.just(PortRange(0, 65535)) | st.tuples(
    st.sampled_from(PORTS), st.sampled_from(PORTS)
).map(lambda pair: PortRange(min(pair), max(pair)))
sources = st.lists(st.sampled_from(TOKENS), max_size=3).map(tuple)
port_rules = st.builds(
    FilterRule,
    sources,
    st.lists(
        st.builds(NetPortRange, st.sampled_from(TOKENS), port_ranges), min_size=1, max_size=3
    ).map(tuple),
    st.lists(st.sampled_from(PROTOCOLS), max_size=2).map(tuple),
)
values = st.none() | st.lists(st.integers(0, 3), max_size=2).map(tuple)
grants = st.builds(
    CapGrant,
    st.lists(
        st.sampled_from(["10.0.0.1/32", "10.0.0.0/24", "fd00::1/128"]), min_size=1, max_size=2
    ).map(tuple),
    st.dictionaries(st.sampled_from(["x", "y"]), values, max_size=2),
)
cap_rules = st.builds(lambda src, grant: FilterRule(src, cap_grant=(grant,)), sources, grants)
rule_lists = st.lists(port_rules, max_size=5)
local_sets = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=4).map(
    lambda tokens: AddressSet.of(map(parse_wire, tokens))
)

Packet = tuple[Address, Address, int, int, PacketKind]


def passes(rules: list[FilterRule], local: AddressSet, packet: Packet) -> bool:
    src, dst, proto, port, kind = packet
    return PacketFilter(rules, local).check(src, dst, proto, port, kind=kind).accept


@given(rule_lists, local_sets, packets, st.randoms(use_true_random=False))
def test_order_and_repetition_of_rules_do_not_matter(
    rules: list[FilterRule], local: AddressSet, packet: Packet, random: Random
) -> None:
    shuffled = rules + random.choices(rules, k=3) if rules else []
    random.shuffle(shuffled)
    assert passes(shuffled, local, packet) == passes(rules, local, packet)


@given(rule_lists, port_rules | cap_rules, local_sets, packets)
def test_adding_a_rule_never_takes_access_away(
    rules: list[FilterRule], added: FilterRule, local: AddressSet, packet: Packet
) -> None:
    assert passes([*rules, added], local, packet) >= passes(rules, local, packet)


@given(rule_lists, local_sets, packets)
def test_rules_are_a_union(rules: list[FilterRule], local: AddressSet, packet: Packet) -> None:
    alone = [passes([rule], local, packet) for rule in rules]
    assert passes(rules, local, packet) == (any(alone) or passes([], local, packet))


@given(rule_lists, local_sets, packets)
def test_the_rule_that_is_named_is_enough(
    rules: list[FilterRule], local: AddressSet, packet: Packet
) -> None:
    src, dst, proto, port, kind = packet
    decision = PacketFilter(rules, local).check(src, dst, proto, port, kind=kind)
    if decision.rule is None:
        assert decision.accept == passes([], local, packet)
        return
    alone = PacketFilter([rules[decision.rule]], local).check(src, dst, proto, port, kind=kind)
    assert alone == replace(decision, rule=0)


@given(port_rules, local_sets, packets)
def test_splitting_a_rule_into_its_parts_changes_nothing(
    rule: FilterRule, local: AddressSet, packet: Packet
) -> None:
    parts = [
        FilterRule((src,), (dst,), rule.ip_proto) for src in rule.src_ips for dst in rule.dst_ports
    ]
    assert passes(parts, local, packet) == passes([rule], local, packet)


@given(rule_lists, local_sets, packets)
def test_the_filter_decides_like_the_steps_written_out_one_by_one(
    rules: list[FilterRule], local: AddressSet, packet: Packet
) -> None:
    assert passes(rules, local, packet) == spelled_out(rules, local, packet)


def spelled_out(rules: list[FilterRule], local: AddressSet, packet: Packet) -> bool:
    """The steps again, slowly, over text and the standard library's addresses."""
    source, destination, proto, port, kind = packet
    src, dst = ipaddress.ip_address(str(source)), ipaddress.ip_address(str(destination))
    if src.version != dst.version:
        return False
    if kind is PacketKind.LATER_FRAGMENT:
        return not dst.is_multicast and (not dst.is_link_local or str(dst) == "169.254.169.254")
    if proto in (0, 255) or destination not in local:
        return False
    icmp = 1 if dst.version == 4 else 58
    if proto == 99 or (kind is PacketKind.REPLY and proto in (6, 17, 132, icmp)):
        return True
    for rule in rules:
        protocols = rule.ip_proto or (1, 6, 17, 58)
        if not any(covers(token, src) for token in rule.src_ips):
            continue
        for each in rule.dst_ports:
            if not covers(each.ip, dst):
                continue
            if proto == icmp:
                return True
            if proto in (6, 17, 132):
                fits = each.ports.first <= port <= each.ports.last
            else:
                fits = (each.ports.first, each.ports.last) == (0, 65535)
            if fits and proto in protocols:
                return True
    return False


def covers(token: str, address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> bool:
    if token == "*":
        return True
    if "-" in token:
        first, last = map(ipaddress.ip_address, token.split("-"))
        return first.version == address.version and int(first) <= int(address) <= int(last)
    return address in ipaddress.ip_network(token)


@given(st.lists(cap_rules, max_size=4), st.sampled_from(ADDRESSES), st.sampled_from(ADDRESSES))
def test_capabilities_are_the_concatenation_over_single_rules(
    rules: list[FilterRule], peer: str, own: str
) -> None:
    peers, owns = [parse_address(peer)], [parse_address(own)]
    whole = PacketFilter(rules, AddressSet.empty()).capabilities(peers, owns)
    parts = [PacketFilter([r], AddressSet.empty()).capabilities(peers, owns) for r in rules]
    for name in {name for part in parts for name in part} | set(whole):
        lists = [part[name] for part in parts if name in part]
        given_lists = [value for value in lists if value is not None]
        expected = sum(given_lists, ()) if given_lists else None
        assert whole[name] == expected


@given(rule_lists, local_sets, packets)
def test_ping_is_no_more_than_some_rule_for_the_addresses(
    rules: list[FilterRule], local: AddressSet, packet: Packet
) -> None:
    src, dst, _, _, _ = packet
    icmp = 1 if dst.family is Family.V4 else 58
    ping = PacketFilter(rules, local).check(src, dst, icmp)
    if any(passes(rules, local, (src, dst, 6, port, PacketKind.OPENING)) for port in PORTS):
        assert ping.reason in (Reason.RULE, Reason.ICMP_ANY_RULE)
    assert ping.accept == (ping.rule is not None)
