"""`PolicyEngine`: what it takes and refuses, what it says of changes, and who may wait for whom."""

from __future__ import annotations

import asyncio
import gc
import itertools
import json
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import pytest

import aclkit
from aclkit.addresses import parse_address, parse_prefix
from aclkit.affected import Kind
from aclkit.engine import Change, PolicyEngine
from aclkit.subscription import Closed
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    ServiceChanged,
    ServiceLeft,
    UserChanged,
    UserJoined,
    UserLeft,
)
from aclkit.tailnet.model import Node, Role, Service, Tailnet, UnknownNameError, User

ANN, BEN = "ann@example.com", "ben@example.com"
TAILNET: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [{"login": ANN, "role": "owner"}, {"login": BEN}],
    "groups": {"group:sre@example.com": [ANN]},
    "nodes": [
        {"name": "laptop", "user": ANN, "addresses": ["100.64.0.1"], "created": 1},
        {"name": "phone", "user": BEN, "addresses": ["100.64.0.2"], "created": 2},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.3"], "created": 3},
        {
            "name": "gate",
            "tags": ["tag:gate"],
            "addresses": ["100.64.0.4"],
            "advertised_routes": ["10.0.0.0/16"],
            "approved_routes": ["10.0.0.0/16"],
            "created": 4,
        },
    ],
}
POLICY: dict[str, Any] = {
    "tagOwners": {"tag:db": [ANN], "tag:gate": [ANN], "tag:web": [ANN]},
    "acls": [
        {"action": "accept", "src": ["group:sre@example.com"], "dst": ["tag:db:5432"]},
        {"action": "accept", "src": [BEN], "dst": ["10.0.0.0/16:443"]},
    ],
    "ssh": [{"action": "accept", "src": [ANN], "dst": ["tag:db"], "users": ["root"]}],
    "nodeAttrs": [{"target": ["tag:db"], "attr": ["custom:backup"]}],
}
TEXT = json.dumps(POLICY)
FAILING = json.dumps({**POLICY, "tests": [{"src": BEN, "accept": ["tag:db:5432"]}]})


def engine(policy: str = TEXT, **options: Any) -> PolicyEngine:
    return PolicyEngine(policy, Tailnet.from_dict(TAILNET), **options)


def node_of(engine: PolicyEngine, name: str) -> Node:
    number = engine.snapshot.roster.number_of(name)
    assert number is not None
    return engine.snapshot.roster.nodes[number]


def new_node(name: str = "web-1", address: str = "100.64.0.9", **parts: Any) -> Node:
    identity = {} if "user" in parts else {"tags": ("tag:web",)}
    return Node(name, addresses=(parse_address(address),), **(identity | parts))


def affected(change: Change) -> dict[str, set[str]]:
    """Whom a change concerns, without the kinds in which that is nobody."""
    found = {kind.value: set(change.affected(kind)) for kind in Kind}
    return {kind: names for kind, names in found.items() if names}


# Versions and what stays.


def test_the_first_state_has_version_1() -> None:
    held = engine()
    assert held.version == held.snapshot.version == 1
    assert affected(held.first) == {}
    assert held.first.accepted


def test_every_change_that_is_made_counts_one_version() -> None:
    held = engine()
    assert held.apply(NodeJoined(new_node())).version == 2
    assert held.set_policy("{}").version == 3
    assert held.set_tailnet(Tailnet.from_dict(TAILNET)).version == 4
    assert held.version == 4


def test_a_snapshot_never_changes() -> None:
    held = engine()
    before = held.snapshot
    shown = before.compiled.netmap("db-1").to_dict()
    held.apply(NodeLeft("laptop"), NodeJoined(new_node()))
    held.set_policy("{}")
    assert before.compiled.netmap("db-1").to_dict() == shown
    assert [node.name for node in before.roster.nodes.values()] == [
        node["name"] for node in TAILNET["nodes"]
    ]
    assert before.version == 1


def test_a_snapshot_can_be_sent_to_another_process() -> None:
    held = engine()
    held.apply(NodeJoined(new_node()))
    copy = pickle.loads(pickle.dumps(held.snapshot))
    assert copy.version == 2
    for node in held.snapshot.roster.nodes.values():
        expected = held.snapshot.compiled.netmap(node.name).to_dict()
        assert copy.compiled.netmap(node.name).to_dict() == expected
    assert copy.compiled.reaches("laptop", "db-1", 5432)
    assert copy.roster.by_id == held.snapshot.roster.by_id


def test_what_engines_hold_can_be_told_from_their_text() -> None:
    held = engine()
    assert repr(held.snapshot) == "<Snapshot 1: <Roster: 2 users, 4 nodes>>"
    assert repr(held.apply(NodeLeft("phone"))) == "<Change to version 2>"


# Policies.


def test_a_policy_that_is_refused_changes_nothing() -> None:
    held = engine()
    before = held.snapshot
    change = held.set_policy('{"acls": [{"action": "accept", "src": ["group:x"], "dst": ["*:*"]}]}')
    assert not change.accepted
    assert [found.code for found in change.diagnostics] == ["undefined-group"]
    assert change.refusal
    assert change.version == 1
    assert affected(change) == {}
    assert held.snapshot is before


@pytest.mark.parametrize("text", ["", "{", b"\xff", '{"acls": 1}'])
def test_what_is_no_policy_is_refused_and_not_raised(text: str | bytes) -> None:
    held = engine()
    before = held.snapshot
    change = held.set_policy(text)
    assert not change.accepted
    assert change.diagnostics
    assert held.snapshot is before


def test_a_policy_over_a_limit_is_refused() -> None:
    held = engine(limits=aclkit.Limits(bytes=2_000))
    change = held.set_policy("// " + "x" * 2_000 + "\n{}")
    assert not change.accepted
    assert change.diagnostics[0].code.startswith("limit-")


def test_failing_tests_refuse_a_policy_unless_asked_otherwise() -> None:
    held = engine()
    before = held.snapshot
    change = held.set_policy(FAILING)
    assert not change.accepted
    assert change.refusal == "test(s) failed"
    assert [result.passed for result in change.tests] == [False]
    assert held.snapshot is before


def test_failing_tests_can_be_a_warning() -> None:
    held = engine()
    change = held.set_policy(FAILING, tests="warn")
    assert change.accepted
    assert change.refusal is None
    assert [result.passed for result in change.tests] == [False]
    assert held.version == 2


def test_tests_can_be_left_out() -> None:
    held = engine()
    change = held.set_policy(FAILING, tests="skip")
    assert change.accepted
    assert change.tests == ()


def test_an_engine_is_never_without_a_policy() -> None:
    with pytest.raises(aclkit.PolicyError, match="undefined group `group:x`"):
        engine('{"acls": [{"action": "accept", "src": ["group:x"], "dst": ["*:*"]}]}')


def test_an_engine_can_refuse_to_start_with_failing_tests() -> None:
    with pytest.raises(aclkit.PolicyError, match="test"):
        engine(FAILING, tests="reject")


def test_an_engine_starts_with_failing_tests_and_says_so() -> None:
    held = engine(FAILING)
    assert [result.passed for result in held.first.tests] == [False]


def test_a_dry_run_tells_what_would_be_and_does_nothing() -> None:
    held = engine()
    before = held.snapshot
    text = json.dumps({**POLICY, "ssh": []})
    tried = held.set_policy(text, dry_run=True)
    assert tried.accepted
    assert tried.version == 1
    assert "db-1" in tried.affected("ssh_rules")
    assert not tried.exact
    assert held.snapshot is before
    assert affected(held.set_policy(text)) == affected(tried)


def test_a_dry_run_of_a_bad_policy_is_not_accepted() -> None:
    held = engine()
    assert not held.set_policy(FAILING, dry_run=True).accepted
    assert not held.set_policy("{", dry_run=True).accepted


def test_warnings_of_a_policy_are_told() -> None:
    text = json.dumps({**POLICY, "groups": {"group:new": ["eve@example.com"]}})
    assert "unknown-user" in {found.code for found in engine().set_policy(text).diagnostics}


def test_the_same_policy_again_concerns_nobody() -> None:
    assert affected(engine().set_policy(TEXT)) == {}


def test_an_engine_speaks_the_language_of_its_target() -> None:
    held = engine('{"acls": []}', target="headscale@0.29")
    change = held.set_policy('{"acls": [], "postures": {"posture:x": ["node:os == \'linux\'"]}}')
    assert not change.accepted


# What changes concern whom.


def test_a_policy_edit_concerns_those_whose_output_differs() -> None:
    edited = {**POLICY, "nodeAttrs": [], "acls": POLICY["acls"][1:]}
    change = engine().set_policy(json.dumps(edited))
    found = affected(change)
    assert "db-1" in found["capabilities"]
    assert "db-1" in found["packet_filter"]
    assert {"db-1", "laptop"} <= found["peers"]
    assert "ssh_rules" not in found
    assert not change.exact


def test_an_engine_tells_how_big_the_filters_are() -> None:
    held = engine()
    rules = held.snapshot.compiled.netmap("db-1").packet_filter_rules
    written = json.dumps([rule.to_dict() for rule in rules], separators=(",", ":"))
    assert dict(held.stats().largest)["db-1"] == len(written)
    held.set_policy('{"acls": []}')
    assert dict(held.stats().largest)["db-1"] == len("[]")


def test_primaries_are_elected_alike_beyond_the_numbers_that_small_sets_keep_in_order() -> None:
    """A persistent map hands out large numbers in no order; the first router is the primary."""
    nodes: list[dict[str, Any]] = [
        {"name": f"node-{n}", "user": "ann@example.com", "created": n,
         "addresses": [f"100.64.1.{n + 1}"]}
        for n in range(40)
    ]  # fmt: skip
    for number in (2, 33):
        nodes[number] |= {"advertised_routes": ["10.0.0.0/16"], "approved_routes": ["10.0.0.0/16"]}
    tailnet = aclkit.Tailnet.from_dict({"nodes": nodes})
    held = PolicyEngine('{"acls": []}', tailnet)
    assert held.snapshot.compiled.primary_routes("node-2") == ("10.0.0.0/16",)
    assert held.snapshot.compiled.primary_routes("node-33") == ()


def test_a_node_that_joins_is_concerned_in_every_kind() -> None:
    change = engine().apply(NodeJoined(new_node()))
    assert change.exact
    assert affected(change) == {kind.value: {"web-1"} for kind in Kind}


def test_a_node_that_left_is_not_told_but_its_peers_are() -> None:
    change = engine().apply(NodeLeft("laptop"))
    assert change.exact
    assert affected(change) == {
        "packet_filter": {"db-1"},
        "peers": {"db-1"},
        "ssh_rules": {"db-1"},
    }


def test_other_tags_concern_whoever_they_open() -> None:
    held = engine()
    change = held.apply(NodeChanged(replace(node_of(held, "db-1"), tags=("tag:web",))))
    assert change.exact
    assert affected(change) == {
        "packet_filter": {"db-1"},
        "peers": {"db-1", "laptop"},
        "ssh_rules": {"db-1"},
        "capabilities": {"db-1"},
    }


def test_a_router_that_goes_offline_takes_its_route_along() -> None:
    held = engine()
    change = held.apply(NodeChanged(replace(node_of(held, "gate"), online=False)))
    assert affected(change)["routes"] == {"gate", "phone"}


def subnet(name: str, address: str, route: str, **parts: Any) -> Node:
    """A router of one approved subnet."""
    routes = (parse_prefix(route),)
    node = new_node(name, address, **parts)
    return replace(node, advertised_routes=routes, approved_routes=routes)


def everything(held: PolicyEngine) -> dict[str, Any]:
    """What each node is sent; the engine must send what a fresh compile does."""
    snapshot = held.snapshot
    fresh = aclkit.compile_policy(snapshot.policy, snapshot.roster.tailnet)
    sent = {node.name: fresh.netmap(node.name).to_dict() for node in snapshot.roster.tailnet.nodes}
    for name, netmap in sent.items():
        assert snapshot.compiled.netmap(name).to_dict() == netmap
    return sent


def test_a_router_that_joins_leaves_or_changes_hands_concerns_exactly_who_sees_its_route() -> None:
    held = engine()
    second = subnet("gate-2", "100.64.0.9", "10.0.0.0/16", created=5)
    change = held.apply(NodeJoined(second))
    assert change.exact
    assert set(change.affected("routes")) == {"gate-2"}
    change = held.apply(NodeLeft("gate"))
    assert change.exact
    assert set(change.affected("routes")) == {"gate-2", "phone"}
    change = held.apply(NodeChanged(replace(second, tags=(), user=BEN)))
    assert change.exact
    assert affected(change) == {"packet_filter": {"gate-2"}}
    change = held.apply(NodeLeft("gate-2"))
    assert change.exact
    assert set(change.affected("routes")) == {"phone"}


def test_who_is_shown_no_ipv4_is_not_told_that_a_peer_has_it_again() -> None:
    nodes = [{"name": "a", "user": ANN}, {"name": "b", "user": ANN}, {"name": "c", "user": BEN}]
    addresses = [[f"100.64.0.{place}", f"fd7a:115c:a1e0::{place}"] for place in (1, 2, 3)]
    tailnet = {"nodes": [n | {"addresses": a} for n, a in zip(nodes, addresses, strict=True)]}
    attributes = [{"target": [ANN], "attr": ["disable-ipv4"]}]
    policy = {"tagOwners": {"tag:web": [ANN]}, "nodeAttrs": attributes}
    held = PolicyEngine(json.dumps(policy), Tailnet.from_dict(tailnet))
    before = everything(held)
    change = held.apply(NodeChanged(replace(node_of(held, "b"), tags=("tag:web",), user=None)))
    assert change.exact
    assert before["a"]["peers"] == everything(held)["a"]["peers"]
    assert set(change.affected("peers")) == {"b", "c"}
    assert set(change.affected("capabilities")) == {"b"}


INSIDE: dict[str, Any] = {
    "users": [{"login": ANN}, {"login": BEN}],
    "groups": {"group:sre@example.com": [ANN]},
    "nodes": [
        {"name": "inside", "user": ANN, "addresses": ["10.0.0.1"], "created": 1},
        {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.2"], "created": 2},
        {
            "name": "gate",
            "user": BEN,
            "addresses": ["100.64.0.3"],
            "advertised_routes": ["10.0.0.0/24"],
            "approved_routes": ["10.0.0.0/24"],
            "created": 3,
        },
    ],
}
"""A tailnet with a node inside of a subnet that another one routes."""


def opened(src: str, dst: str) -> str:
    rule = {"action": "accept", "src": [src], "dst": [dst]}
    return json.dumps({"tagOwners": {"tag:web": [ANN]}, "acls": [rule]})


def test_a_group_edit_concerns_who_was_open_to_a_subnet_for_a_member_inside_of_it() -> None:
    held = PolicyEngine(opened("group:sre@example.com", "tag:web:22"), Tailnet.from_dict(INSIDE))
    assert everything(held)["web"]["peers"][1]["routes"] == ["10.0.0.0/24"]
    change = held.apply(GroupChanged("group:sre@example.com", (BEN,)))
    assert everything(held)["web"]["peers"] != []
    assert change.exact
    assert set(change.affected("routes")) == {"web"}


def test_the_last_router_of_a_subnet_may_leave_while_a_node_is_inside_of_it() -> None:
    held = PolicyEngine(opened("*", f"{ANN}:22"), Tailnet.from_dict(INSIDE))
    change = held.apply(NodeLeft("gate"))
    assert set(change.affected("peers")) == {"inside"}
    everything(held)
    held.apply(NodeJoined(subnet("gate-2", "100.64.0.9", "10.0.0.0/24", user=BEN)))
    everything(held)


def test_a_router_that_was_away_takes_no_route_along_when_it_leaves() -> None:
    other = {**INSIDE["nodes"][1], "name": "lan", "addresses": ["100.64.0.4"]}
    routes = ["10.9.0.0/24"]
    other |= {"advertised_routes": routes, "approved_routes": routes, "created": 4}
    gate = {**INSIDE["nodes"][2], "online": False}
    gate["advertised_routes"] = gate["approved_routes"] = [*gate["approved_routes"], *routes]
    tailnet = {**INSIDE, "nodes": [*INSIDE["nodes"][:2], gate, other]}
    held = PolicyEngine("{}", Tailnet.from_dict(tailnet))
    change = held.apply(NodeLeft("gate"))
    everything(held)
    assert change.exact
    assert set(change.affected("routes")) == set()


def test_a_second_router_is_a_source_for_the_node_inside_of_its_subnet() -> None:
    held = PolicyEngine(opened(ANN, "tag:web:22"), Tailnet.from_dict(INSIDE))
    change = held.apply(NodeJoined(subnet("gate-2", "100.64.0.9", "10.0.0.0/24", user=BEN)))
    assert change.exact
    assert set(change.affected("peers")) == {"gate-2", "web"}
    assert [peer["name"] for peer in everything(held)["web"]["peers"]] == [
        "inside", "gate", "gate-2",
    ]  # fmt: skip


def test_an_exit_node_that_joins_is_sent_what_its_headscale_sends_exit_nodes() -> None:
    policy = {"acls": [{"action": "accept", "src": ["*"], "dst": ["203.0.113.0/24:443"]}]}
    held = PolicyEngine(json.dumps(policy), Tailnet.from_dict(TAILNET), target="headscale@0.30")
    exits = (parse_prefix("0.0.0.0/0"), parse_prefix("::/0"))
    held.apply(
        NodeJoined(replace(new_node(user=ANN), advertised_routes=exits, approved_routes=exits))
    )
    assert everything(held)["web-1"]["packet_filter_rules"]


def test_a_service_comes_and_goes_and_its_host_may_have_another_name() -> None:
    rule = {"action": "accept", "src": [BEN], "dst": ["svc:wiki:443"]}
    held = engine(json.dumps({**POLICY, "acls": [rule]}))
    wiki = Service("svc:wiki", (), (parse_address("100.64.9.9"),), ("DB-1",))
    change = held.apply(ServiceChanged(wiki))
    assert not change.exact
    assert everything(held)["db-1"]["packet_filter_rules"]
    change = held.apply(NodeChanged(replace(node_of(held, "db-1"), name="db-2")))
    assert everything(held)["db-2"]["packet_filter_rules"]
    assert held.snapshot.roster.services[0].hosts == ("db-2",)
    held.apply(NodeLeft("db-1"), NodeJoined(new_node("db-2")))
    assert not everything(held)["db-2"]["packet_filter_rules"]
    held.apply(ServiceChanged(replace(wiki, hosts=("db-2",))))
    assert everything(held)["db-2"]["packet_filter_rules"]
    held.apply(ServiceLeft("svc:wiki"))
    assert not everything(held)["db-2"]["packet_filter_rules"]


def test_a_group_of_a_provider_means_nothing_to_headscale_and_may_change_twice() -> None:
    held = PolicyEngine("{}", Tailnet.from_dict(TAILNET), target="headscale@0.30")
    for members in ((BEN,), (ANN,), None):
        assert affected(held.apply(GroupChanged("group:sre@example.com", members))) == {}


def test_the_first_router_stays_first_whatever_else_changes() -> None:
    held = engine()
    gate = node_of(held, "gate")
    routers = [
        replace(
            gate,
            name=f"gate-{number}",
            id=f"gate-{number}",
            created=10 + number,
            addresses=(parse_address(f"100.65.0.{number}"),),
        )
        for number in range(70)
    ]
    held.apply(*map(NodeJoined, routers))
    held.apply(NodeLeft("gate"), NodeLeft("gate-0"))
    held.set_policy(json.dumps({**POLICY, "ssh": []}))
    assert held.snapshot.compiled.primary_routes("gate-1") == ("10.0.0.0/16",)


def test_another_time_of_creation_concerns_those_who_see_peers_in_another_order() -> None:
    held = engine("{}")
    change = held.apply(NodeChanged(replace(node_of(held, "laptop"), created=9)))
    assert {"phone", "db-1", "gate"} <= set(change.affected("peers"))


def test_members_of_a_group_are_told() -> None:
    held = engine()
    change = held.apply(GroupChanged("group:sre@example.com", (ANN, BEN)))
    assert change.exact
    assert affected(change) == {"packet_filter": {"db-1"}, "peers": {"db-1", "phone"}}


def test_a_group_that_the_policy_defines_is_not_the_identity_providers() -> None:
    name = "group:sre@example.com"
    rule = {"action": "accept", "src": ["group:own"], "dst": ["tag:db:22"]}
    held = engine(json.dumps({**POLICY, "groups": {"group:own": [BEN]}, "acls": [rule]}))
    assert affected(held.apply(GroupChanged(name, (BEN,)))) == {}


def test_the_members_of_an_affected_set_are_counted_and_found_by_name() -> None:
    held = engine()
    peers = held.apply(NodeLeft("laptop")).affected("peers")
    assert len(peers) == 1
    assert "db-1" in peers
    assert "laptop" not in peers
    assert not peers.__contains__(3)
    assert list(peers) == ["db-1"]
    with pytest.raises(ValueError, match="is no kind of output"):
        held.first.affected("weather")


def test_changes_joined_cover_what_each_concerned() -> None:
    held = engine()
    first = held.apply(NodeJoined(new_node()))
    second = held.apply(GroupChanged("group:sre@example.com", ()))
    joined = first.then(second)
    assert joined.version == 3
    assert not joined.exact
    for kind in Kind:
        assert set(first.affected(kind)) | set(second.affected(kind)) <= set(joined.affected(kind))


# Changes of the tailnet: all or none.


def test_users_come_change_and_go() -> None:
    held = engine()
    held.apply(
        UserJoined(User("eve@example.com", "eve")), NodeJoined(new_node(user="eve@example.com"))
    )
    held.apply(UserChanged(User("eve@example.com", "Eve", Role.ADMIN)))
    assert held.snapshot.roster.by_login["eve@example.com"].role is Role.ADMIN
    held.apply(NodeLeft("web-1"), UserLeft("eve@example.com"))
    assert "eve@example.com" not in held.snapshot.roster.by_login


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (NodeJoined(new_node("LAPTOP")), "tailnet-duplicate-name"),
        (NodeJoined(new_node(id="laptop")), "tailnet-duplicate-id"),
        (NodeJoined(new_node(address="100.64.0.1")), "tailnet-duplicate-address"),
        (NodeJoined(new_node(user="eve@example.com")), "tailnet-unknown-user"),
        (NodeJoined(new_node(user=ANN, tags=("tag:web",))), "tailnet-user-and-tags"),
        (NodeJoined(new_node(tags=())), "tailnet-no-identity"),
        (NodeJoined(Node("bare", tags=("tag:web",))), "tailnet-no-address"),
        (NodeLeft("nobody"), "tailnet-unknown-node"),
        (NodeChanged(new_node()), "tailnet-unknown-node"),
        (UserJoined(User(ANN, "ann")), "tailnet-duplicate-login"),
        (UserChanged(User("eve@example.com", "eve")), "tailnet-unknown-user"),
        (UserLeft("eve@example.com"), "tailnet-unknown-user"),
        (UserLeft(BEN), "tailnet-user-with-nodes"),
    ],
)
def test_a_change_that_contradicts_the_tailnet_stops_all_of_them(change: Any, code: str) -> None:
    held = engine()
    before = held.snapshot
    with pytest.raises(aclkit.TailnetError) as raised:
        held.apply(GroupChanged("group:sre@example.com", (BEN,)), change)
    (found,) = raised.value.diagnostics
    assert (found.code, found.primary.path) == (code, "changes[1]")
    assert held.snapshot is before
    assert held.snapshot.roster.groups["group:sre@example.com"] == (ANN,)


def test_all_that_is_wrong_with_several_changes_is_told_at_once() -> None:
    with pytest.raises(aclkit.TailnetError) as raised:
        engine().apply(NodeLeft("nobody"), NodeLeft("phone"), UserLeft("eve@example.com"))
    paths = [found.primary.path for found in raised.value.diagnostics]
    assert paths == ["changes[0]", "changes[2]"]


def test_a_later_change_may_build_on_an_earlier_one() -> None:
    held = engine()
    node = new_node()
    change = held.apply(NodeJoined(node), NodeChanged(replace(node, tags=("tag:db",))))
    assert change.version == 2
    assert held.snapshot.compiled.reaches("laptop", "web-1", 5432)


def test_a_node_that_joins_and_leaves_at_once_was_never_there() -> None:
    held = engine()
    assert affected(held.apply(NodeJoined(new_node()), NodeLeft("web-1"))) == {}
    with pytest.raises(UnknownNameError):
        held.snapshot.compiled.netmap("web-1")


def test_a_tailnet_that_the_policy_cannot_be_used_with_is_refused() -> None:
    login = {**POLICY["ssh"][0], "users": ["localpart:*@example.com"]}
    held = engine(json.dumps({**POLICY, "ssh": [login]}))
    before = held.snapshot
    with pytest.raises(aclkit.PolicyError):
        held.set_tailnet(Tailnet.from_dict({**TAILNET, "domains": ["elsewhere.test"]}))
    assert held.snapshot is before


def test_another_tailnet_concerns_its_new_nodes_in_every_kind() -> None:
    moved = {**TAILNET["nodes"][0], "name": "desktop"}
    tailnet = Tailnet.from_dict({**TAILNET, "nodes": [moved, *TAILNET["nodes"][1:]]})
    change = engine().set_tailnet(tailnet)
    assert all("desktop" in change.affected(kind) for kind in Kind)
    assert all("laptop" not in change.affected(kind) for kind in Kind)


# Subscriptions.


def test_a_subscriber_gets_every_change_in_order() -> None:
    held = engine()
    changes = held.subscribe()
    made = [held.apply(NodeLeft("phone")), held.set_policy("{}")]
    assert len(changes) == 2
    assert [changes.get(), changes.get()] == made
    assert len(changes) == 0


def test_a_refused_policy_a_dry_run_and_a_failed_change_are_no_news() -> None:
    held = engine()
    changes = held.subscribe()
    held.set_policy("{")
    held.set_policy("{}", dry_run=True)
    with pytest.raises(aclkit.TailnetError):
        held.apply(NodeLeft("nobody"))
    with pytest.raises(TimeoutError):
        changes.get(timeout=0)


def test_a_slow_subscriber_gets_changes_joined_and_none_is_lost() -> None:
    held = engine()
    changes = held.subscribe(limit=2)
    made = [
        held.apply(NodeLeft("phone")),
        held.apply(NodeLeft("laptop")),
        held.apply(NodeJoined(new_node())),
        held.set_policy("{}"),
    ]
    assert len(changes) == 2
    got = [changes.get(), changes.get()]
    assert [change.version for change in got] == [4, 5]
    assert not got[0].exact
    for kind in Kind:
        told = set(got[0].affected(kind)) | set(got[1].affected(kind))
        # Who is gone by now need not be told any more.
        assert set().union(*(change.affected(kind) for change in made)) - told <= {
            "phone",
            "laptop",
        }


def test_changes_joined_do_not_name_who_is_gone() -> None:
    held = engine()
    changes = held.subscribe(limit=1)
    held.apply(GroupChanged("group:sre@example.com", (ANN, BEN)))
    held.apply(NodeLeft("phone"))
    assert "phone" not in changes.get().affected("peers")


def test_changes_joined_keep_what_was_found_in_a_policy() -> None:
    held = engine()
    changes = held.subscribe(limit=1)
    held.set_policy(FAILING, tests="warn")
    held.apply(NodeLeft("phone"))
    assert [result.passed for result in changes.get().tests] == [False]


def test_a_subscription_holds_one_change_at_least() -> None:
    with pytest.raises(ValueError, match="one item at least"):
        engine().subscribe(limit=0)


def test_a_closed_subscription_gives_what_it_has_and_then_ends() -> None:
    held = engine()
    changes = held.subscribe()
    held.apply(NodeLeft("phone"))
    changes.close()
    changes.close()
    held.apply(NodeLeft("laptop"))
    assert changes.get().version == 2
    with pytest.raises(Closed):
        changes.get()
    with pytest.raises(Closed):
        asyncio.run(changes.next())


def test_a_thread_that_waits_is_woken_by_a_change_and_by_the_end() -> None:
    held = engine()
    changes = held.subscribe()
    got: list[int] = []

    def read() -> None:
        try:
            while True:
                got.append(changes.get(timeout=30).version)
        except Closed:
            got.append(0)

    reader = Thread(target=read)
    reader.start()
    held.apply(NodeLeft("phone"))
    held.apply(NodeLeft("laptop"))
    changes.close()
    reader.join(30)
    assert got == [2, 3, 0]


def test_a_coroutine_that_waits_is_woken_by_a_change() -> None:
    held = engine()
    changes = held.subscribe()

    async def story() -> int:
        waiting = asyncio.create_task(changes.next())
        await asyncio.sleep(0)
        await held.apply_async(NodeLeft("phone"))
        return (await waiting).version

    assert asyncio.run(story()) == 2


def test_a_reader_that_gave_up_leaves_nothing_behind() -> None:
    held = engine()
    changes = held.subscribe()

    async def give_up() -> None:
        for _ in range(3):
            waiting = asyncio.create_task(changes.next())
            await asyncio.sleep(0)
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(give_up())  # its loop is closed now
    assert held.apply(NodeLeft("phone")).version == 2
    assert changes.get(timeout=0).version == 2


def test_a_reader_whose_event_loop_was_torn_down_does_not_stop_a_writer() -> None:
    held = engine()
    changes, others = held.subscribe(), held.subscribe()
    loop = asyncio.new_event_loop()
    waiting = loop.create_task(changes.next())
    loop.run_until_complete(asyncio.sleep(0))
    waiting._log_destroy_pending = False  # type: ignore[attr-defined]
    loop.close()
    assert held.apply(NodeLeft("phone")).version == 2
    assert others.get(timeout=0).version == changes.get(timeout=0).version == 2


# Without blocking the event loop.


class Gate(dict[str, Any]):
    """Posture attributes that a reader has to wait for."""

    def __init__(self) -> None:
        super().__init__({"node:os": "linux"})
        self.reached, self.opened = Event(), Event()

    def get(self, name: str, default: Any = None) -> Any:
        self.reached.set()
        assert self.opened.wait(30), "whoever should open the gate is blocked"
        return super().get(name, default)

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self.get(name) is not None

    def __iter__(self) -> Iterator[str]:
        # With one of its own, a copy asks for each value, as any reader does.
        return super().__iter__()


POSTURED = json.dumps(
    {
        **POLICY,
        "postures": {"posture:linux": ["node:os == 'linux'"]},
        "acls": [{**POLICY["acls"][0], "srcPosture": ["posture:linux"]}],
    }
)


def gated(gate: Mapping[str, Any]) -> Tailnet:
    first, *others = Tailnet.from_dict(TAILNET).nodes
    return replace(Tailnet.from_dict(TAILNET), nodes=(replace(first, posture=gate), *others))


@pytest.mark.parametrize("way", ["apply", "set_tailnet", "set_policy"])
def test_the_event_loop_runs_on_while_an_engine_works(way: str) -> None:
    gate = Gate()
    tailnet = gated(gate)
    held = engine(POSTURED)
    if way == "set_policy":
        held = PolicyEngine(TEXT, tailnet)
        gate.reached.clear()

    async def story() -> Change:
        if way == "apply":
            work = asyncio.create_task(held.apply_async(NodeChanged(tailnet.nodes[0])))
        elif way == "set_tailnet":
            work = asyncio.create_task(held.set_tailnet_async(tailnet))
        else:
            work = asyncio.create_task(held.set_policy_async(POSTURED))
        assert await asyncio.to_thread(gate.reached.wait, 30)
        assert not work.done()
        assert held.snapshot.compiled.netmap("db-1").name == "db-1"
        assert held.version == 1
        gate.opened.set()
        return await work

    assert asyncio.run(story()).version == held.version == 2


def test_writers_wait_for_each_other_and_readers_for_nobody() -> None:
    gate = Gate()
    held = engine(POSTURED)
    first = Thread(target=held.set_tailnet, args=(gated(gate),))
    second = Thread(target=held.apply, args=(NodeLeft("phone"),))
    first.start()
    assert gate.reached.wait(30)
    second.start()
    assert held.snapshot.version == 1
    gate.opened.set()
    first.join(30)
    second.join(30)
    assert held.version == 3
    assert held.snapshot.roster.number_of("phone") is None


def test_a_list_of_ones_own_devices_gives_its_place_back_when_another_list_leaves_it() -> None:
    people = ["bob@example.com", "carol@example.org", "dave@example.org"]
    router = {"name": "router", "tags": ["tag:router"], "addresses": ["100.64.0.1"], "created": 1}
    devices = [
        {"name": f"of-{login[0]}", "user": login, "addresses": [f"100.64.0.{at}"], "created": at}
        for at, login in enumerate(people[:2], 2)
    ]
    policy = {
        "tagOwners": {"tag:router": []},
        "acls": [
            {"action": "accept", "src": ["*"], "proto": "udp", "dst": ["autogroup:self:22"]},
            {"action": "accept", "src": ["*"], "dst": ["autogroup:self:1-65535"]},
        ],
        "grants": [{"src": ["user:*@example.org"], "dst": ["tag:router"], "ip": ["udp:53", "*"]}],
    }
    tailnet = {
        "domains": ["example.com", "example.org"],
        "users": [{"login": login} for login in people],
        "nodes": [router, *devices],
    }
    for rules in itertools.permutations(policy["acls"]):
        held = PolicyEngine(json.dumps({**policy, "acls": rules}), Tailnet.from_dict(tailnet))
        before = everything(held)
        change = held.apply(NodeChanged(replace(node_of(held, "of-b"), user=people[2])))
        now = everything(held)
        parts = "packet_filter_rules"
        concerned = {name for name in now if now[name][parts] != before[name][parts]}
        assert set(change.affected("packet_filter")) == concerned


def test_capabilities_by_way_of_a_router_change_no_filter() -> None:
    grant = {
        "src": [BEN],
        "dst": ["10.0.0.0/16"],
        "app": {"x.example/cap": []},
        "via": ["tag:gate"],
    }
    held = engine(json.dumps({**POLICY, "acls": [], "grants": [grant]}))
    change = held.apply(NodeJoined(new_node("tablet", "100.64.0.9", user=BEN)))
    assert change.exact
    assert set(change.affected("packet_filter")) == {"tablet"}
    assert "gate" in change.affected("peers")


def test_a_device_that_is_no_source_of_a_companion_is_told_of_by_it_all_the_same() -> None:
    policy = {
        "postures": {"posture:managed": ["custom:managed == true"]},
        "tagOwners": {"tag:web": []},
        "grants": [
            {
                "src": [BEN],
                "srcPosture": ["posture:managed"],
                "dst": ["autogroup:self"],
                "app": {"tailscale.com/cap/drive": []},
            }
        ],
    }
    managed = replace(new_node("tablet", "100.64.0.9", user=BEN), posture={"custom:managed": True})
    held = engine(json.dumps(policy))
    held.apply(NodeJoined(managed))
    before = everything(held)
    change = held.apply(NodeChanged(replace(node_of(held, "phone"), tags=("tag:web",), user=None)))
    now = everything(held)
    parts = "packet_filter_rules"
    concerned = {name for name in now if now[name][parts] != before[name][parts]}
    assert "tablet" in concerned
    assert set(change.affected("packet_filter")) == concerned


def test_a_way_by_a_router_changes_its_place_with_a_list_that_it_had_in_common() -> None:
    policy = {
        "tagOwners": {"tag:db": [], "tag:gate": [], "tag:web": []},
        "grants": [
            {"src": ["group:sre@example.com"], "dst": ["tag:db"], "ip": ["22"]},
            {"src": ["tag:db"], "dst": ["10.0.0.0/16"], "ip": ["22"]},
            {"src": [ANN], "dst": ["10.0.0.0/16"], "ip": ["22"], "via": ["tag:gate"]},
        ],
    }
    held = engine(json.dumps(policy))
    before = everything(held)
    change = held.apply(GroupChanged("group:sre@example.com", (ANN, BEN)))
    now = everything(held)
    parts = "packet_filter_rules"
    assert before["gate"][parts] == now["gate"][parts][::-1] != now["gate"][parts]
    concerned = {name for name in now if now[name][parts] != before[name][parts]}
    assert set(change.affected("packet_filter")) == concerned


def test_a_snapshot_is_the_same_in_a_process_with_other_hashes_of_texts() -> None:
    held = engine(
        json.dumps(
            {
                "hosts": {"printer": "192.0.2.9"},
                "acls": [
                    {"action": "accept", "src": ["printer"], "dst": [f"*:{port}"]}
                    for port in (631, 9100)
                ],
            }
        )
    )
    sent = held.snapshot.compiled.netmap("laptop").to_dict()
    script = (
        "import json, pickle, sys;"
        "snapshot = pickle.loads(sys.stdin.buffer.read());"
        "print(json.dumps(snapshot.compiled.netmap('laptop').to_dict()))"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", script],
            input=pickle.dumps(held.snapshot),
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            check=True,
        )
        assert json.loads(done.stdout) == json.loads(json.dumps(sent))


@pytest.mark.parametrize("tests", ["Reject", "no", None, True])
def test_a_slip_in_what_failing_tests_do_lets_no_policy_in(tests: Any) -> None:
    held = engine()
    before = held.snapshot
    with pytest.raises(ValueError, match='there are "reject", "warn", "skip"'):
        held.set_policy(FAILING, tests=tests)
    assert held.snapshot is before
    with pytest.raises(ValueError, match="is no choice"):
        engine(tests=tests)


def test_an_engine_says_where_the_policy_that_it_refuses_is_wrong() -> None:
    with pytest.raises(aclkit.PolicyError) as refused:
        engine('{"acls": [', filename="net.hujson", target="headscale@0.29")
    assert str(refused.value).startswith("net.hujson:1:")
    assert refused.value.target == "headscale@0.29"


def test_an_unknown_kind_of_output_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(ValueError, match="'filters' is no kind of output; there are packet_filter"):
        engine().first.affected("filters")


def test_the_faults_of_changes_stand_in_the_order_of_the_changes() -> None:
    held = engine()
    changes = [NodeLeft(f"nobody-{number}") for number in range(12)]
    with pytest.raises(aclkit.TailnetError) as refused:
        held.apply(*changes)
    paths = [each.primary.path for each in refused.value.diagnostics]
    assert paths == [f"changes[{number}]" for number in range(12)]


def test_whoever_subscribes_does_not_wait_for_a_writer() -> None:
    held = engine()
    with held._writing:
        waiting = Thread(target=lambda: held.subscribe().close())
        waiting.start()
        waiting.join(timeout=10)
        assert not waiting.is_alive()


def test_async_changes_are_made_in_the_order_of_the_calls() -> None:
    held = engine()

    async def storm() -> list[Change]:
        joining = (
            held.apply_async(NodeJoined(new_node(f"n-{at}", f"100.64.1.{at}", user=BEN)))
            for at in range(40)
        )
        return await asyncio.gather(*joining)

    assert [change.version for change in asyncio.run(storm())] == list(range(2, 42))


def test_a_subscription_is_read_to_its_end_in_a_loop_and_closed_by_with() -> None:
    held = engine()

    async def read() -> list[int]:
        with held.subscribe() as changes:
            held.apply(NodeLeft("phone"))
            held.apply(NodeLeft("laptop"))
        held.apply(NodeLeft("gate"))
        assert repr(changes) == "<Subscription: closed, 2 waiting>"
        return [change.version async for change in changes]

    assert asyncio.run(read()) == [2, 3]


def test_engines_and_changes_say_in_short_what_they_are() -> None:
    held = engine()
    assert repr(held) == "<PolicyEngine: <Snapshot 1: <Roster: 2 users, 4 nodes>>>"
    assert repr(held.set_policy("[")) == "<Change refused at version 1>"


class Collected:
    """The generations that the garbage collector looked at, one after the other."""

    def __init__(self) -> None:
        self.generations: list[int] = []

    def note(self, phase: str, about: dict[str, int]) -> None:
        if phase == "start":
            self.generations.append(about["generation"])


def large_policy(rules: int) -> str:
    acls = [{"action": "accept", "src": ["*"], "dst": [f"*:{port}"]} for port in range(1, rules)]
    return json.dumps({"acls": acls})


def test_the_garbage_collector_rests_while_a_policy_is_read_and_does_not_start_with_it() -> None:
    held, collected = engine(), Collected()
    text = large_policy(2_000)
    gc.collect()
    gc.callbacks.append(collected.note)
    try:
        young = gc.get_count()[0]
        assert held.set_policy(text).accepted
        assert gc.isenabled()
        assert gc.get_count()[0] <= young + gc.get_threshold()[0]
    finally:
        gc.callbacks.remove(collected.note)
    assert collected.generations == []


def test_a_garbage_collector_that_was_off_stays_off() -> None:
    held = engine()
    gc.disable()
    try:
        assert held.set_policy(large_policy(10)).accepted
        assert not gc.isenabled()
    finally:
        gc.enable()


def test_objects_that_were_taken_from_the_garbage_collector_stay_where_they_are() -> None:
    held = engine()
    gc.collect()
    gc.freeze()
    try:
        frozen = gc.get_freeze_count()
        assert held.set_policy(large_policy(10)).accepted
        assert 0.9 * frozen < gc.get_freeze_count() <= frozen
    finally:
        gc.unfreeze()


def test_the_garbage_collector_is_on_again_after_a_policy_that_is_refused() -> None:
    held = engine()
    assert not held.set_policy('{"acls": [').accepted
    assert gc.isenabled()
