"""The fast compiler and the evaluator against the slow reference model."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, seed, settings
from hypothesis import strategies as st

import aclkit
from aclkit.addresses import AddressSet
from aclkit.evaluator.packetfilter import PacketFilter
from tests.property.headscale import VERSIONS, headscale_worlds
from tests.property.strategies import ACLS, ALL, policies, tailnets
from tests.reference_model import Model

PROTOCOLS = (1, 6, 17, 47, 58, 132)

World = tuple[dict[str, Any], dict[str, Any]]


@st.composite
def worlds(draw: st.DrawFn, features: frozenset[str]) -> World:
    tailnet = draw(tailnets())
    return draw(policies(tailnet, features=features)), tailnet


def compiled(world: World, target: str = "tailscale") -> aclkit.CompiledPolicy:
    policy, tailnet = world
    loaded = aclkit.load_policy(json.dumps(policy), target=target)
    return aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))


def boundary_ports(policy: dict[str, Any]) -> list[int]:
    """Every port that a rule names, its neighbours, 1 and 65535."""
    named = {1, 65535}
    entries = [entry for rule in policy.get("acls") or [] for entry in rule.get("dst") or []]
    entries += [entry for grant in policy.get("grants") or [] for entry in grant.get("ip") or []]
    for entry in entries:
        for part in entry.rpartition(":")[2].split(","):
            named.update(int(end) for end in part.split("-") if end.isdecimal())
    around = {port + step for port in named for step in (-1, 0, 1)}
    return sorted(port for port in around if 1 <= port <= 65535)


def plain(netmap: dict[str, Any]) -> dict[str, Any]:
    """A netmap as JSON, with peers by name and their routes in one order."""
    data: dict[str, Any] = json.loads(json.dumps(netmap))
    for peer in data["peers"]:
        peer["routes"].sort()
    data["peers"].sort(key=lambda peer: peer["name"])
    return data


def assert_same_netmaps(world: World, target: str = "tailscale") -> None:
    fast, slow = compiled(world, target), Model(*world, target)
    for node in world[1]["nodes"]:
        name = node["name"]
        expected, actual = plain(slow.netmap(name)), plain(fast.netmap(name).to_dict())
        for part in expected:
            assert (name, part, expected[part]) == (name, part, actual[part])
        assert sorted(slow.auto_approved_routes(name)) == sorted(fast.auto_approved_routes(name))
        assert sorted(slow.primary_routes(name)) == sorted(fast.primary_routes(name))


@given(worlds(ACLS))
def test_the_compiler_renders_acls_as_the_reference_model_does(world: World) -> None:
    assert_same_netmaps(world)


@pytest.mark.parametrize("part", range(8))
def test_the_compiler_renders_every_feature_as_the_reference_model_does(part: int) -> None:
    """More examples in parts, so that they run side by side; the deep profile gives thousands."""

    @seed(part)
    @settings(max_examples=settings().max_examples * 5 // 2)
    @given(worlds(ALL))
    def agree(world: World) -> None:
        assert_same_netmaps(world)

    agree()


@pytest.mark.parametrize("minor", VERSIONS)
def test_the_compiler_renders_each_headscale_as_the_reference_model_does(minor: int) -> None:
    @settings(max_examples=settings().max_examples // 4)
    @given(headscale_worlds(minor))
    def agree(world: World) -> None:
        assert_same_netmaps(world, f"headscale@0.{minor}")

    agree()


@given(worlds(ALL))
def test_nodes_reach_each_other_as_in_the_reference_model(world: World) -> None:
    fast, slow = compiled(world), Model(*world)
    names = [node["name"] for node in world[1]["nodes"]]
    ports = boundary_ports(world[0])
    for src in names:
        for dst in names:
            for proto in PROTOCOLS:
                for port in ports:
                    flow = src, dst, port, proto
                    expected = slow.reaches(src, dst, port, proto)
                    assert (flow, expected) == (flow, fast.reaches(src, dst, port, str(proto)))


@given(worlds(ALL))
def test_the_client_filter_of_the_rendered_rules_decides_as_the_evaluator(world: World) -> None:
    fast = compiled(world)
    tailnet = fast.rules.tailnet
    ports = boundary_ports(world[0])
    for number, node in enumerate(tailnet.nodes):
        own = fast.rules.addresses(number)
        local = AddressSet.of([*own, *fast.rules.class_of(number).signature.routes])
        client = PacketFilter(fast.netmap(node.name).packet_filter_rules, local)
        for other, source in enumerate(tailnet.nodes):
            for proto in PROTOCOLS:
                for port in ports:
                    passed = any(
                        client.check(src, dst, proto, port).accept
                        for src in fast.rules.addresses(other)
                        for dst in own
                        if src.family is dst.family
                    )
                    flow = source.name, node.name, proto, port
                    assert (flow, passed) == (
                        flow,
                        fast.reaches(source.name, node.name, port, str(proto)),
                    )


@given(worlds(ALL))
def test_tests_have_the_verdicts_of_the_reference_model(world: World) -> None:
    policy, tailnet = world
    report = aclkit.check(json.dumps(policy), tailnet=aclkit.Tailnet.from_dict(tailnet))
    slow = Model(policy, tailnet)
    verdicts = [(result.section, result.passed) for result in report.tests]
    expected = [("tests", passed) for passed in slow.test_verdicts()]
    expected += [("sshTests", passed) for passed in slow.ssh_test_verdicts()]
    assert verdicts == expected
