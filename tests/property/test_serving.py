"""What a server asks beside maps: equal to what maps and packet filters say."""

from __future__ import annotations

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.addresses import Address, AddressSet, parse_prefix
from aclkit.evaluator.packetfilter import PacketFilter
from aclkit.serving import (
    can_approve_route,
    capabilities,
    client_filter,
    describe,
    peer_map,
    peers_of,
    routes_for_peer,
    unreduced_rules,
)
from tests.property.strategies import ALL, EXIT_ROUTES, ROUTES
from tests.property.test_model import World, boundary_ports, compiled, worlds

FEW = settings().max_examples // 3
SHARED = ALL - {"via", "self"}


def sampled_ports(world: World) -> list[int]:
    ports = boundary_ports(world[0])
    return ports[:: max(1, len(ports) // 8)]


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_node_decides_by_the_unreduced_rules_as_by_its_filter(world: World) -> None:
    policy = compiled(world)
    rules = policy.rules
    ports = sampled_ports(world)
    for number, node in rules.in_order():
        local = AddressSet.of([*rules.addresses(number), *rules.class_of(number).signature.routes])
        whole = PacketFilter(unreduced_rules(policy, node.name), local)
        sent = client_filter(policy, node.name)
        routes = rules.class_of(number).signature.routes
        ends = (Address(r.family, end) for r in routes for end in (r.first, r.last))
        inside = [*rules.addresses(number), *ends]
        for (other, _), dst in itertools.product(rules.in_order(), inside):
            for src in rules.addresses(other):
                for proto, port in itertools.product((1, 6, 17, 47, 58), ports):
                    expected = sent.check(src, dst, proto, port).accept
                    flow = str(src), str(dst), proto, port
                    assert (flow, whole.check(src, dst, proto, port).accept) == (flow, expected)
            peer = rules.addresses(other)
            own = rules.addresses(number)
            assert whole.capabilities(peer, own) == sent.capabilities(peer, own)


@settings(max_examples=FEW)
@given(worlds(SHARED))
def test_the_rules_for_all_are_those_of_each_where_none_is_about_one_node(world: World) -> None:
    policy = compiled(world)
    everything = unreduced_rules(policy)
    for _, node in policy.rules.in_order():
        assert unreduced_rules(policy, node.name) == everything


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_peers_routes_and_capabilities_are_those_of_the_maps(world: World) -> None:
    policy = compiled(world)
    names = [node.name for _, node in policy.rules.in_order()]
    capable = dict(capabilities(policy))
    assert [name for name, _ in peer_map(policy)] == names
    for name, peers in peer_map(policy):
        netmap = policy.netmap(name)
        assert peers == peers_of(policy, name) == tuple(peer.name for peer in netmap.peers)
        shown = {peer.name: peer.routes for peer in netmap.peers}
        for other in names:
            assert routes_for_peer(policy, name, other) == shown.get(other, ())
        assert capable.get(name, ()) == tuple(netmap.cap_map)


@settings(max_examples=FEW)
@given(worlds(ALL), st.sampled_from([*ROUTES, *EXIT_ROUTES, "10.0.0.0/7"]))
def test_a_route_can_be_approved_when_advertising_it_would(world: World, text: str) -> None:
    policy = compiled(world)
    for _, node in policy.rules.in_order():
        asked = can_approve_route(policy, node.name, parse_prefix(text))
        advertised = [n | {"advertised_routes": [text], "approved_routes": []}
                      if n["name"] == node.name else n for n in world[1]["nodes"]]  # fmt: skip
        offering = compiled((world[0], world[1] | {"nodes": advertised}))
        assert asked is (text in offering.auto_approved_routes(node.name))


@settings(max_examples=10)
@given(worlds(ALL))
def test_a_description_counts_what_there_is(world: World) -> None:
    lines = describe(compiled(world)).splitlines()
    assert f"{len(world[1]['nodes'])} nodes" in lines[1]
    assert lines[0] == "target: tailscale"
