"""Invariants against brute force: a path is found exactly where some pair of ends has one."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.addresses import Address, AddressSet, parse_address
from aclkit.analysis.invariants import (
    Ends,
    Path,
    Traffic,
    because_of,
    breaches,
    ends_of,
    others,
)
from aclkit.compiled import CompiledPolicy
from aclkit.evaluator.packetfilter import PacketFilter
from aclkit.evaluator.query import Allowed
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS, PortBounds
from tests.property.strategies import ALL, GROUPS, LOGINS, TAGS, some
from tests.property.test_model import World, boundary_ports, compiled, worlds

FEW = settings().max_examples // 8
WORDS = [
    *(*LOGINS, *TAGS, *GROUPS[:2], "autogroup:member", "autogroup:tagged"),
]
# One address in each route and literal of the strategies, and some that are in none.
FAR = [
    *("10.33.7.7", "10.33.1.1", "10.33.200.1", "10.0.0.1", "10.44.0.1", "192.168.1.5"),
    *("203.0.113.7", "8.8.8.8", "fd00::5", "fd00::ffff", "2001:db8::1", "100.64.1.77"),
]
RANGES = st.sampled_from([(ALL_PORTS,), ((22, 22),), ((80, 443),), ((23, 79), (81, 65535))])
ASKED = st.sampled_from([None, (6,), (17,), (6, 17, 132), (1, 58), (47,)])


def in_ports(port: int, ports: tuple[PortBounds, ...]) -> bool:
    return any(first <= port <= last for first, last in ports)


def flows(world: World, asked: Traffic) -> Iterator[tuple[int, int]]:
    """The protocols and boundary ports of what is asked about."""
    portless = (1, 58, 47, 50) if asked.ports == (ALL_PORTS,) else ()
    everything = (*sorted(PORT_PROTOCOLS), *portless)
    for proto in everything if asked.protocols is None else asked.protocols:
        if proto in PORT_PROTOCOLS:
            edges = {port for bounds in asked.ports for port in bounds} | {0}
            for port in sorted({*boundary_ports(world[0]), *edges}):
                if in_ports(port, asked.ports):
                    yield proto, port
        else:
            yield proto, 0


def traffic(data: st.DataObject) -> Traffic:
    protocols, ports = data.draw(ASKED), data.draw(RANGES)
    if protocols is not None and not PORT_PROTOCOLS.issuperset(protocols):
        ports = (ALL_PORTS,)
    return Traffic(protocols, ports)


def names_of(ends: Ends, fast: CompiledPolicy) -> list[str]:
    return [fast.rules.nodes[number].name for number in sorted(ends.devices)]


def identities(data: st.DataObject, fast: CompiledPolicy) -> list[str]:
    names = [node.name for node in fast.rules.nodes]
    return data.draw(some([*WORDS, *names], 1, 2))


def has_path(world: World, fast: CompiledPolicy, src: Ends, dst: Ends, asked: Traffic) -> bool:
    return any(
        fast.reaches(a, b, port, str(proto))
        for a, b in itertools.product(names_of(src, fast), names_of(dst, fast))
        if a != b
        for proto, port in flows(world, asked)
    )


def is_real(fast: CompiledPolicy, path: Path) -> bool:
    """Whether the answer to a question agrees that the packet of *path* gets through."""
    src, dst = (
        fast.rules.nodes[end].name if isinstance(end, int) else str(end)
        for end in (path.src, path.dst)
    )
    return fast.query(src, dst, path.port, str(path.proto)).allowed is Allowed.ALL


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_devices_have_a_path_exactly_where_a_pair_of_them_has(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    src, dst = (ends_of(identities(data, fast), fast.rules) for _ in range(2))
    asked = traffic(data)
    found = list(breaches(fast, src, dst, asked))
    assert bool(found) is has_path(world, fast, src, dst, asked)
    for path in found:
        assert is_real(fast, path)
        assert path.cell.rule.index == because_of(fast, path).origin.index


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_only_holds_exactly_where_no_other_device_has_a_path(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    allowed, dst = (ends_of(identities(data, fast), fast.rules) for _ in range(2))
    asked = traffic(data)
    rest = others(allowed, fast.rules)
    assert set(names_of(rest, fast)).isdisjoint(names_of(allowed, fast))
    devices = [path for path in breaches(fast, rest, dst, asked) if isinstance(path.src, int)]
    assert bool(devices) is has_path(world, fast, rest, dst, asked)


@settings(max_examples=FEW)
@given(worlds(ALL - {"services"}), st.data())
def test_addresses_have_a_path_exactly_where_a_question_finds_one(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    src = ends_of(identities(data, fast), fast.rules)
    dst = ends_of(["*"], fast.rules)
    dst = Ends({}, {}, dst.addresses)
    asked = traffic(data)
    found = list(breaches(fast, src, dst, asked))
    sampled = [
        (a, address, proto, port)
        for a in names_of(src, fast)
        for address in FAR
        for proto, port in flows(world, asked)
        if fast.query(a, address, port, str(proto)).allowed is Allowed.ALL
        and fast.query(a, address, port, str(proto)).because[0].router != a
    ]
    assert found or not sampled
    for path in found:
        assert isinstance(path.dst, Address)
        assert is_real(fast, path)


@settings(max_examples=FEW)
@given(worlds(ALL - {"services"}), st.data())
def test_an_address_behind_a_router_has_a_path_only_where_the_filter_of_a_device_lets_it_in(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    dst = ends_of(identities(data, fast), fast.rules)
    asked = traffic(data)
    src = Ends({}, {}, AddressSet.everything())
    entered = False
    for number in sorted(dst.devices):
        rules = fast.netmap(fast.rules.nodes[number].name).packet_filter_rules
        own = fast.rules.addresses(number)
        client = PacketFilter(rules, AddressSet.of(own))
        for far in map(parse_address, FAR):
            around = [route for route in fast.rules.primaries if far in route]
            if not around or far in fast.rules.node_with:
                continue
            router = fast.rules.primaries[max(around, key=lambda route: route.bits)]
            entered = entered or any(
                router != number and client.check(far, address, proto, port).accept
                for address in own
                if address.family is far.family
                for proto, port in flows(world, asked)
            )
    found = list(breaches(fast, src, dst, asked))
    assert found or not entered
    for path in found:
        assert isinstance(path.src, Address)
        assert isinstance(path.dst, int)
        rules = fast.netmap(fast.rules.nodes[path.dst].name).packet_filter_rules
        own = fast.rules.addresses(path.dst)
        client = PacketFilter(rules, AddressSet.of(own))
        assert any(
            client.check(path.src, address, path.proto, path.port).accept
            for address in own
            if address.family is path.src.family
        )
