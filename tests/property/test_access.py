"""Who reaches a destination and what a source reaches: equal to asking about each pair."""

from __future__ import annotations

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from aclkit.addresses import Prefix, parse_address
from aclkit.analysis.destinations import Kind, reach_of
from aclkit.analysis.sources import who_can
from aclkit.analysis.ways import Ways
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members
from aclkit.evaluator.query import Allowed
from aclkit.evaluator.sides import UnknownSideError, resolve_side
from tests.property.strategies import ALL, GROUPS, IPV4, IPV6, LOGINS, ROUTES, TAGS
from tests.property.test_model import World, compiled, worlds

FLOWS = (("tcp", 22), ("tcp", 80), ("udp", 53), ("icmp", 0), ("47", 0), ("sctp", 65535))
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "47": 47, "sctp": 132}
IDENTITIES = [*LOGINS, *GROUPS[:2], *TAGS, "autogroup:member", "autogroup:tagged", "*"]
NODES = [f"node-{number}" for number in range(6)]
ELSEWHERE = ["10.33.0.0/16", "10.33.7.7", "10.33.1.1", "10.44.1.0/24", "192.168.1.0/24",
             "8.8.8.8", "fd00::5", "203.0.113.0/24", "2001:db8::1", "10.0.0.0/8"]  # fmt: skip
# Each of these examples asks about every pair; the deep profile still gives them thousands.
FEW = settings().max_examples // 3


def nodes_of(fast: CompiledPolicy, word: str) -> tuple[str, ...]:
    """The devices that a word stands for; a world without such a name is not asked."""
    try:
        side = resolve_side(word, fast.rules)
    except UnknownSideError:
        assume(False)
        raise
    return tuple(fast.rules.nodes[number].name for number in side.nodes)


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*IDENTITIES, *NODES]))
def test_who_reaches_devices_is_who_reaches_one_of_them(world: World, word: str) -> None:
    fast = compiled(world)
    targets = nodes_of(fast, word)
    names = [node.name for node in fast.rules.nodes]
    for proto, port in FLOWS:
        expected = [
            a for a in names if any(fast.reaches(a, b, port, proto) for b in targets if b != a)
        ]
        found = who_can(fast, word, port, proto)
        assert list(found.devices.names()) == expected
        assert len(found.devices) == len(expected)
        for row in found.rows:
            assert row.reached <= row.of
            assert set(row.devices.names()) <= set(expected)


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*IPV4, *IPV6, *ELSEWHERE]))
def test_who_reaches_an_address_is_of_whom_the_question_is_answered_with_yes(
    world: World, word: str
) -> None:
    fast = compiled(world)
    names = [node.name for node in fast.rules.nodes]
    targets = nodes_of(fast, word)
    for proto, port in FLOWS[:4]:
        expected = [
            name
            for name in names
            if targets != (name,)
            and fast.query(name, word, port, proto).allowed is not Allowed.NONE
        ]
        assert list(who_can(fast, word, port, proto).devices.names()) == expected


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*IDENTITIES, *NODES]))
def test_what_is_reached_is_what_one_of_the_devices_reaches(world: World, word: str) -> None:
    fast = compiled(world)
    sources = nodes_of(fast, word)
    names = [node.name for node in fast.rules.nodes]
    found = reach_of(fast, word)
    everything = set[str]()
    for proto, port in FLOWS:
        expected = {
            b for b in names if any(fast.reaches(a, b, port, proto) for a in sources if a != b)
        }
        everything |= expected
        opened = [row for row in found.rows if row.opens(NUMBERS[proto], port)]
        if proto == "icmp":
            continue  # passes by IPv4 alone, and rows do not tell the families apart
        assert {name for row in opened for name in row.devices.names()} == expected
    assert everything <= set(found.devices.names())


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*LOGINS, *TAGS, *NODES]))
def test_the_subnets_that_are_reached_are_those_of_the_question(world: World, word: str) -> None:
    fast = compiled(world)
    nodes_of(fast, word)
    found = reach_of(fast, word)
    for place in ("10.33.7.7", "10.33.1.1", "10.44.1.1", "192.168.1.9", "10.200.0.1", "fd00::5"):
        address = parse_address(place)
        if address in fast.rules.node_with:
            continue
        for proto, port in (("tcp", 22), ("tcp", 80), ("udp", 53)):
            opened = [row for row in found.rows if row.opens(NUMBERS[proto], port)]
            ways = {(row.kind, way) for row in opened for way in row.ways}
            subnets = {way for kind, way in ways if kind is Kind.SUBNET}
            routers = {way.router for way in subnets if address in way.addresses}
            exits = {way.router for kind, way in ways if kind is Kind.INTERNET}
            verdict = fast.query(word, place, port, proto)
            assert {reason.router for reason in verdict.because} <= routers | exits
            if verdict.allowed is Allowed.NONE:
                assert not routers


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*TAGS, "autogroup:member", "*"]))
def test_addresses_behind_a_router_reach_what_the_question_says(world: World, word: str) -> None:
    fast = compiled(world)
    for place in ("10.33.7.7", "10.33.1.1", "10.44.1.1", "192.168.1.9", "fd00::5"):
        address = parse_address(place)
        if address in fast.rules.node_with:
            continue
        found = reach_of(fast, place)
        for proto, port in (("tcp", 22), ("tcp", 80)):
            allowed = fast.query(place, word, port, proto).allowed is not Allowed.NONE
            rows = who_can(fast, word, port, proto).rows
            assert any(address in row.addresses for row in rows) == allowed
            opened = [row for row in found.rows if row.opens(NUMBERS[proto], port)]
            reached = {name for row in opened for name in row.devices.names()}
            assert bool(reached & set(nodes_of(fast, word))) == allowed


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_for_all_classes_at_once_the_routers_are_those_of_each(world: World) -> None:
    fast = compiled(world)
    ways, classes = Ways(fast.rules), fast.rules.classes
    for text in ROUTES:
        route = next((found for found in classes.routes if str(found) == text), None)
        if route is None:
            continue
        assert isinstance(route, Prefix)
        found = {n: router for router, shown in ways.carriers(route) for n in members(shown)}
        for number in range(len(classes.classes)):
            assert found.get(number) == fast.visibility.carrier(number, route)
    for router, shown in ways.exits():
        for number in range(len(classes.classes)):
            seen = fast.visibility.exit_classes(number) >> classes.class_of[router] & 1
            assert shown >> number & 1 == seen
