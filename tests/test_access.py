from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

import aclkit
from aclkit.addresses import parse_address
from aclkit.analysis.destinations import Kind, joined, reach_of
from aclkit.analysis.sources import who_can
from aclkit.compiled import CompiledPolicy
from aclkit.evaluator.sides import UnknownSideError
from tests.steps import steps

ROUTES = ["0.0.0.0/0", "::/0"]
POLICY: dict[str, Any] = {
    "groups": {"group:eng": ["alice@example.com", "bob@example.com"]},
    "tagOwners": {"tag:web": [], "tag:db": [], "tag:router": [], "tag:exit": []},
    "hosts": {"lan": "10.1.0.0/16"},
    "postures": {"posture:linux": ["node:os == 'linux'"]},
    "grants": [
        {"src": ["group:eng"], "dst": ["tag:web"], "ip": ["tcp:22", "tcp:443"]},
        {"src": ["group:eng"], "dst": ["tag:db"], "ip": ["tcp:22"],
         "srcPosture": ["posture:linux"]},
        {"src": ["autogroup:member"], "dst": ["autogroup:self"], "ip": ["*"]},
        {"src": ["tag:web"], "dst": ["lan"], "ip": ["tcp:80"]},
        {"src": ["bob@example.com"], "dst": ["autogroup:internet"], "ip": ["*"]},
        {"src": ["lan"], "dst": ["tag:web"], "ip": ["tcp:443"]},
        {"src": ["alice@example.com"], "dst": ["100.64.0.21"], "ip": ["tcp:5432", "udp:53"]},
        {"src": ["tag:db"], "dst": ["tag:db"], "ip": ["tcp:7000-7002", "tcp:7003"]},
    ],
}  # fmt: skip


def node(name: str, number: int, owner: str, **more: object) -> dict[str, Any]:
    owned = {"tags": [owner]} if owner.startswith("tag:") else {"user": f"{owner}@example.com"}
    return {"name": name, "addresses": [f"100.64.0.{number}"], **owned, **more}


TAILNET: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [{"login": f"{name}@example.com"} for name in ("alice", "bob", "carol")],
    "nodes": [
        node("laptop", 1, "alice", posture={"node:os": "linux"}),
        node("phone", 2, "alice", posture={"node:os": "ios"}),
        node("desk", 3, "bob", posture={"node:os": "linux"}),
        node("visitor", 4, "carol"),
        node("web-1", 11, "tag:web"),
        node("web-2", 12, "tag:web"),
        node("db-1", 21, "tag:db"),
        node("db-2", 22, "tag:db"),
        node("router", 31, "tag:router",
             advertised_routes=["10.1.0.0/16"], approved_routes=["10.1.0.0/16"]),
        node("exit", 41, "tag:exit", advertised_routes=ROUTES, approved_routes=ROUTES),
    ],
}  # fmt: skip


def compiled(policy: dict[str, Any], tailnet: dict[str, Any]) -> CompiledPolicy:
    loaded = aclkit.load_policy(json.dumps(policy))
    return aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))


@pytest.fixture(scope="module")
def network() -> CompiledPolicy:
    return compiled(POLICY, TAILNET)


def test_sources_are_told_by_the_selectors_of_the_rules(network: CompiledPolicy) -> None:
    answer = who_can(network, "tag:web", 443)
    assert [row.selector for row in answer.rows] == ["group:eng", "lan"]
    group, lan = answer.rows
    assert group.devices.names() == ("desk", "laptop", "phone")
    assert group.devices.by_user() == {"alice@example.com": 2, "bob@example.com": 1}
    assert (group.reached, group.of) == (2, 2)
    assert [(rule.section, rule.index) for rule in group.rules] == [("grants", 0)]
    assert not lan.devices
    assert lan.addresses.ranges() == ("10.1.0.0/16",)
    assert lan.routers == ("router",)
    assert answer.devices.names() == group.devices.names()


def test_a_posture_lets_some_devices_of_a_source_in(network: CompiledPolicy) -> None:
    (row,) = who_can(network, "tag:db", 22).rows
    assert row.devices.names() == ("desk", "laptop")
    assert row.named == 3


def test_some_devices_of_the_destination_may_be_reached(network: CompiledPolicy) -> None:
    (row,) = who_can(network, "tag:db", 5432).rows
    assert (row.selector, row.reached, row.of) == ("alice@example.com", 1, 2)


def test_a_device_is_not_asked_to_reach_itself(network: CompiledPolicy) -> None:
    assert who_can(network, "db-1", 7000).devices.names() == ("db-2",)
    assert who_can(network, "tag:db", 7000).devices.names() == ("db-1", "db-2")
    assert who_can(network, "laptop", 80).devices.names() == ("phone",)
    assert who_can(network, "visitor", 80).rows == ()
    assert reach_of(network, "db-1").devices.names() == ("db-2",)


def test_autogroup_self_is_marked_as_such(network: CompiledPolicy) -> None:
    (row,) = who_can(network, "autogroup:member", 80).rows
    assert row.own
    assert row.devices.names() == ("laptop", "phone")
    own = [row for row in reach_of(network, "alice@example.com").rows if row.kind is Kind.OWN]
    assert [row.devices.names() for row in own] == [("laptop", "phone")]


def test_a_subnet_is_reached_through_its_router(network: CompiledPolicy) -> None:
    (row,) = who_can(network, "10.1.2.0/24", 80).rows
    assert (row.selector, row.ways) == ("tag:web", ("router",))
    assert row.devices.names() == ("web-1", "web-2")
    (reached,) = reach_of(network, "tag:web").rows
    assert (reached.kind, reached.selector) == (Kind.SUBNET, "lan")
    assert [(way.router, str(way.addresses)) for way in reached.ways] == [("router", "10.1.0.0/16")]
    assert reached.ports == {6: ((80, 80),)}


def test_the_internet_is_reached_through_exit_nodes(network: CompiledPolicy) -> None:
    (row,) = who_can(network, "autogroup:internet", 443).rows
    assert row.reached == row.of - 1 > 1, "the desk has no IPv6 address"
    assert (row.devices.names(), row.ways) == (("desk",), ("exit",))
    (reached,) = [r for r in reach_of(network, "desk").rows if r.kind is Kind.INTERNET]
    assert [way.router for way in reached.ways] == ["exit"]


def test_prefixes_that_no_rule_tells_apart_are_all_counted() -> None:
    ipset = ["10.1.0.0/16", "10.3.0.0/16"]
    rules = [
        {"src": ["alice@example.com"], "dst": ["ipset:lan"], "ip": ["*"]},
        {"src": ["ipset:lan"], "dst": ["alice@example.com"], "ip": ["*"]},
    ]
    policy = {"ipsets": {"ipset:lan": ipset}, "tagOwners": {"tag:router": []}, "grants": rules}
    around = {"advertised_routes": ["10.0.0.0/8"], "approved_routes": ["10.0.0.0/8"]}
    nodes = [
        node("router", 1, "tag:router", **around),
        node("laptop", 2, "alice"),
    ]
    network = compiled(policy, {"nodes": nodes})
    (row,) = who_can(network, "ipset:lan", 22).rows
    assert (row.reached, row.of) == (2, 2)
    (back,) = reach_of(network, "ipset:lan").rows
    assert (back.sources, back.of) == (2, 2)


def test_addresses_behind_a_router_reach_too(network: CompiledPolicy) -> None:
    (row,) = reach_of(network, "10.1.2.3").rows
    assert row.devices.names() == ("web-1", "web-2")
    assert row.ports == {6: ((443, 443),)}
    assert reach_of(network, "192.0.2.1").rows == ()


def test_of_two_routes_around_an_address_the_narrower_counts() -> None:
    owners: dict[str, list[str]] = {"tag:a": [], "tag:wide": [], "tag:narrow": []}
    grants = [
        {"src": ["tag:a"], "dst": ["10.0.0.0/8"], "ip": ["tcp:80"]},
        {"src": ["10.1.0.0/16"], "dst": ["tag:a"], "ip": ["tcp:22"]},
    ]
    routes = {"wide": "10.0.0.0/8", "narrow": "10.1.0.0/16"}
    nodes = [node("a", 1, "tag:a")]
    for number, (name, route) in enumerate(routes.items(), 2):
        more = {"advertised_routes": [route], "approved_routes": [route]}
        nodes.append(node(name, number, f"tag:{name}", **more))
    network = compiled({"tagOwners": owners, "grants": grants}, {"nodes": nodes})
    assert who_can(network, "10.1.2.3", 80).rows[0].ways == ("narrow",)
    assert who_can(network, "10.2.2.3", 80).rows[0].ways == ("wide",)
    assert who_can(network, "a", 22).rows[0].routers == ("narrow",)
    ways = {way.router: way.addresses for way in reach_of(network, "a").rows[0].ways}
    inner, outer = parse_address("10.1.2.3"), parse_address("10.2.2.3")
    assert [name for name, addresses in ways.items() if inner in addresses] == ["narrow"]
    assert [name for name, addresses in ways.items() if outer in addresses] == ["wide"]


def test_ports_of_several_rules_are_joined(network: CompiledPolicy) -> None:
    (row,) = reach_of(network, "db-1").rows
    assert row.ports == {6: ((7000, 7003),)}
    assert joined([(80, 90), (22, 22), (91, 95), (10, 5), (85, 86)]) == ((22, 22), (80, 95))


def test_a_port_of_one_protocol_is_none_of_another(network: CompiledPolicy) -> None:
    row = next(r for r in reach_of(network, "laptop").rows if r.selector == "100.64.0.21")
    assert row.ports == {6: ((5432, 5432),), 17: ((53, 53),)}
    assert row.opens(6, 5432)
    assert not row.opens(6, 53)


def test_a_source_of_several_devices_says_how_many_get_through(network: CompiledPolicy) -> None:
    row = next(r for r in reach_of(network, "group:eng").rows if r.selector == "tag:db")
    assert (row.sources, row.of) == (2, 3)


def test_a_service_is_reached_on_the_devices_that_serve_it() -> None:
    policy = {"grants": [{"src": ["tag:a"], "dst": ["svc:wiki"], "ip": ["tcp:443"]}],
              "tagOwners": {"tag:a": [], "tag:b": []}}  # fmt: skip
    service = {"name": "svc:wiki", "addresses": ["100.64.9.9"], "hosts": ["b"]}
    nodes = [node("a", 1, "tag:a"), node("b", 2, "tag:b")]
    network = compiled(policy, {"nodes": nodes, "services": [service]})
    (row,) = reach_of(network, "a").rows
    assert (row.kind, row.selector) == (Kind.SERVICE, "svc:wiki")
    assert [(way.router, str(way.addresses)) for way in row.ways] == [("b", "100.64.9.9")]
    (source,) = who_can(network, "svc:wiki", 443).rows
    assert (source.devices.names(), source.ways) == (("a",), ("b",))


def test_nobody_and_nothing_are_answers(network: CompiledPolicy) -> None:
    assert who_can(network, "exit", 22).rows == ()
    assert reach_of(network, "router").rows == ()


def test_what_is_no_name_and_no_port_is_refused(network: CompiledPolicy) -> None:
    with pytest.raises(UnknownSideError, match="`nope`"):
        who_can(network, "nope", 22)
    with pytest.raises(UnknownSideError, match="`nope`"):
        reach_of(network, "nope")
    with pytest.raises(ValueError, match="65536 is not a port"):
        who_can(network, "web-1", 65536)
    with pytest.raises(ValueError, match="unknown protocol `tpc`"):
        who_can(network, "web-1", 22, "tpc")


def crowd(of_each: int) -> CompiledPolicy:
    """The network with so many devices in place of each user's and each server."""
    nodes: list[dict[str, Any]] = []
    for each in TAILNET["nodes"]:
        copies = 1 if "advertised_routes" in each else of_each
        for copy in range(copies):
            number = len(nodes) + 1
            address = f"100.70.{number // 250}.{number % 250 + 1}"
            nodes.append({**each, "name": f"{each['name']}-{copy}", "addresses": [address]})
    return compiled(POLICY, {**TAILNET, "nodes": nodes})


@pytest.mark.parametrize(
    "ask",
    [
        lambda network: who_can(network, "tag:db", 22),
        lambda network: who_can(network, "*", 443),
        lambda network: who_can(network, "autogroup:member", 80),
        lambda network: who_can(network, "10.1.2.3", 80),
        lambda network: [len(row.devices) for row in who_can(network, "tag:web", 443).rows],
        lambda network: reach_of(network, "group:eng"),
        lambda network: reach_of(network, "*"),
        lambda network: [len(row.devices) for row in reach_of(network, "tag:web").rows],
    ],
)
def test_the_work_does_not_grow_with_the_nodes_of_a_class(
    ask: Callable[[CompiledPolicy], object],
) -> None:
    few, many = crowd(3), crowd(60)
    classes = [len(network.rules.classes.classes) for network in (few, many)]
    assert classes[0] == classes[1]
    assert len(many.rules.nodes) > 15 * len(few.rules.nodes)
    for network in (few, many):
        ask(network)  # what is kept from one question to the next is there now
    assert steps(lambda: ask(many)) == steps(lambda: ask(few))
