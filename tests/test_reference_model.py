"""The reference model against the recordings, against small cases, and against itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.property.strategies import ACLS, ALL, policies, tailnets
from tests.reference_client import admits
from tests.reference_model import Model
from tests.reference_world import assertion_holds, overlap, same_family

JSON = dict[str, Any]

FAMILIES = ["acl", "grant", "issue_3212", "nodeattrs", "policytest", "routes", "ssh", "sshtest"]
# Set by the operator of the recorded tailnet, not by the policy.
OPERATOR_CAPS = {
    "default-auto-update",
    "https://tailscale.com/cap/is-admin",
    "https://tailscale.com/cap/is-owner",
    "https://tailscale.com/cap/file-sharing",
    "https://tailscale.com/cap/ssh",
}

# The recordings


def recorded_tailnet(recording: JSON, *, approved: bool) -> JSON:
    login = {user["name"]: user["email"] for user in recording["users"]}
    nodes = [
        {
            "name": name,
            "addresses": [node["ipv4"], node["ipv6"]],
            "advertised_routes": node.get("routable_ips", []),
            "approved_routes": node.get("approved_routes", []) if approved else None,
            "created": node.get("created"),
            "tags": node.get("tags"),
            "user": login.get(node.get("user")),
        }
        for name, node in recording["nodes"].items()
    ]
    users = [{"login": user["email"], "role": user["role"]} for user in recording["users"]]
    return {"domains": recording["tailnet"]["domains"], "users": users, "nodes": nodes}


def recorded_fields(recording: JSON, name: str) -> Iterator[tuple[str, object]]:
    """What was recorded of one node; the order of peers and of their routes was not."""
    nodes, expect = recording["nodes"], recording["expect"][name]
    own = {peer: [node["ipv4"] + "/32", node["ipv6"] + "/128"] for peer, node in nodes.items()}
    addresses = expect.get("peer_addresses", {})
    yield "packet_filter_rules", expect["packet_filter_rules"]
    yield "ssh_rules", expect.get("ssh_rules", [])
    yield "peers", sorted(expect["peers"])
    yield "peer_routes", {peer: sorted(r) for peer, r in expect.get("peer_routes", {}).items()}
    yield "addresses", expect.get("addresses", own[name])
    yield "peer_addresses", {peer: addresses.get(peer, own[peer]) for peer in expect["peers"]}
    yield "peer_cap_map", expect.get("peer_cap_map", {})
    yield "auto_approved_routes", sorted(nodes[name].get("approved_routes", []))
    yield "primary_routes", sorted(nodes[name].get("primary_routes", []))
    if recording["folder"] == "nodeattrs_results":
        caps = expect.get("self_cap_map", {})
        yield "self_cap_map", {cap: caps[cap] for cap in caps if cap not in OPERATOR_CAPS}
    if recording["folder"] == "grant_results":
        yield "whois_caps", expect.get("whois_caps", {})


def modelled_fields(model: Model, approver: Model, name: str) -> JSON:
    peers = {peer["name"]: peer for peer in model.peers(name)}
    caps = model.cap_map(name)
    return {
        "packet_filter_rules": model.packet_filter_rules(name),
        "ssh_rules": model.ssh_rules(name),
        "peers": sorted(peers),
        "peer_routes": {n: sorted(peer["routes"]) for n, peer in peers.items() if peer["routes"]},
        "addresses": model.addresses(name),
        "peer_addresses": {n: peer["addresses"] for n, peer in peers.items()},
        "peer_cap_map": {n: peer["cap_map"] for n, peer in peers.items() if peer["cap_map"]},
        "auto_approved_routes": sorted(approver.auto_approved_routes(name)),
        "primary_routes": sorted(model.primary_routes(name)),
        "self_cap_map": {cap: caps[cap] for cap in caps if cap not in OPERATOR_CAPS},
        "whois_caps": {
            n: peer["granted_caps"] for n, peer in peers.items() if peer["granted_caps"]
        },
    }


def without_host(value: Any) -> Any:
    """The part of a hold URL that the policy decides, everywhere in *value*."""
    text = json.dumps(value)
    head, *parts = text.split('"holdAndDelegate": "')
    return json.loads(
        head + "".join('"holdAndDelegate": "' + part[part.index("/machine/") :] for part in parts)
    )


def misses(recording: JSON) -> list[tuple[str, str, object, object]]:
    """Where the model differs: field, node, recorded, modelled."""
    policy, response = json.loads(recording["policy"]), recording["response"]
    model = Model(policy, recorded_tailnet(recording, approved=True))
    approver = Model(policy, recorded_tailnet(recording, approved=False))
    accepted = response["code"] == 200
    verdicts = model.test_verdicts() + model.ssh_test_verdicts()
    if all(verdicts) != accepted:
        return [("verdicts", "", response, verdicts)]
    unscored = recording.get("unscored", [])
    found: list[tuple[str, str, object, object]] = []
    for name in recording.get("expect", ()) if accepted else ():
        modelled = modelled_fields(model, approver, name)
        for field, recorded in recorded_fields(recording, name):
            same = json.dumps(without_host(recorded), sort_keys=True) == json.dumps(
                without_host(modelled[field]), sort_keys=True
            )
            if not same and f"expect.{name}.{field}" not in unscored:
                found.append((field, name, recorded, modelled[field]))
    return found


@pytest.mark.parametrize("family", FAMILIES)
def test_the_model_says_what_the_control_plane_said(recordings: Path, family: str) -> None:
    compared = 0
    for path in sorted((recordings / family).glob("*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        response = recording["response"]
        if response["code"] == 200 or response["message"] == "test(s) failed":
            compared += 1
            assert misses(recording) == [], path.stem
    assert compared


# Small cases

ALICE: JSON = {"name": "alice-1", "user": "alice@example.com"}
LAPTOP = ALICE | {"addresses": ["100.64.0.1", "fd7a:115c:a1e0::1"]}
PHONE = ALICE | {"name": "alice-2", "addresses": ["100.64.0.2"]}
BOB: JSON = {"name": "bob-1", "user": "bob@example.com", "addresses": ["100.64.0.3"]}
WEB: JSON = {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.10"]}
ROUTER: JSON = {
    "name": "router",
    "tags": ["tag:router"],
    "addresses": ["100.64.0.20"],
    "advertised_routes": ["10.33.0.0/16"],
    "approved_routes": ["10.33.0.0/16"],
    "created": 2,
}
OLDER_ROUTER = ROUTER | {"name": "older", "addresses": ["100.64.0.21"], "created": 1}


def model(policy: JSON, *nodes: JSON, **more: Any) -> Model:
    logins = [f"{name}@example.com" for name in ("alice", "bob")]
    users = [{"login": login, "role": "member"} for login in logins]
    return Model(policy, {"domains": ["example.com"], "users": users, "nodes": list(nodes)} | more)


def acl(src: list[str], *dst: str, **more: Any) -> JSON:
    return {"action": "accept", "src": src, "dst": list(dst)} | more


def port_rule(src: list[str], *dst: tuple[str, int, int]) -> JSON:
    ports = [{"IP": ip, "Ports": {"First": first, "Last": last}} for ip, first, last in dst]
    return {"SrcIPs": src, "DstPorts": ports}


def test_no_rule_section_opens_all_and_an_empty_one_nothing() -> None:
    assert model({}, BOB, WEB).reaches("bob-1", "web", 22, 6)
    assert not model({"acls": []}, BOB, WEB).reaches("bob-1", "web", 22, 6)


def test_sources_are_sorted_as_text_and_ports_follow_each_address() -> None:
    policy = {"acls": [acl(["alice@example.com", "10.33.7.1"], "tag:web:80,22")]}
    web = WEB | {"addresses": ["fd7a:115c:a1e0::a", "100.64.0.10"]}
    sources = ["10.33.7.1", "100.64.0.1", "100.64.0.2", "fd7a:115c:a1e0::1"]
    ports = [(ip, p, p) for ip in ("100.64.0.10", "fd7a:115c:a1e0::a") for p in (80, 22)]
    rules = model(policy, LAPTOP, PHONE, web).packet_filter_rules("web")
    assert rules == [port_rule(sources, *ports)]


def test_a_rule_that_leaves_nothing_on_a_node_still_holds_its_place() -> None:
    rules = [
        acl(["bob@example.com"], "alice@example.com:1"),
        acl(["tag:router"], "tag:web:2"),
        acl(["bob@example.com"], "tag:web:3"),
    ]
    expected = [
        port_rule(["100.64.0.3"], ("100.64.0.10", 3, 3)),
        port_rule(["100.64.0.20"], ("100.64.0.10", 2, 2)),
    ]
    assert model({"acls": rules}, PHONE, BOB, WEB, ROUTER).packet_filter_rules("web") == expected


def test_autogroup_self_joins_the_devices_of_one_user_only() -> None:
    answers = model({"acls": [acl(["*"], "autogroup:self:*")]}, LAPTOP, PHONE, BOB, WEB)
    assert answers.packet_filter_rules("alice-2") == [
        port_rule(["100.64.0.1", "100.64.0.2", "fd7a:115c:a1e0::1"], ("100.64.0.2", 0, 65535))
    ]
    assert answers.packet_filter_rules("web") == []
    assert answers.reaches("alice-1", "alice-2", 22, 6)
    assert not answers.reaches("alice-1", "bob-1", 22, 6)


def test_a_ping_passes_a_rule_for_a_port_and_another_protocol_needs_all_ports() -> None:
    answers = model({"acls": [acl(["*"], "tag:web:22", proto="tcp")]}, BOB, WEB)
    assert answers.allows("100.64.0.3", "100.64.0.10", 1, 0)
    assert not answers.allows("100.64.0.3", "100.64.0.10", 47, 0)
    some_ports = model({"acls": [acl(["*"], "tag:web:1-65535", proto="47")]}, BOB, WEB)
    assert not some_ports.reaches("bob-1", "web", 0, 47)
    assert model({"acls": [acl(["*"], "*:*", proto="47")]}, BOB, WEB).reaches("bob-1", "web", 0, 47)


def test_the_oldest_router_that_is_online_carries_the_route() -> None:
    policy = {"acls": [acl(["bob@example.com"], "10.33.1.0/24:80")]}
    both = model(policy, BOB, ROUTER, OLDER_ROUTER)
    assert both.primary_routes("older") == ["10.33.0.0/16"]
    assert {p["name"]: p["routes"] for p in both.peers("bob-1")} == {
        "older": ["10.33.0.0/16"],
        "router": [],
    }
    assert both.packet_filter_rules("router") == both.packet_filter_rules("older")
    offline = model(policy, BOB, ROUTER, OLDER_ROUTER | {"online": False})
    assert offline.primary_routes("router") == ["10.33.0.0/16"]


def test_via_steers_a_route_to_the_tagged_router() -> None:
    grant = {"src": ["*"], "dst": ["10.33.0.0/16"], "ip": ["*"], "via": ["tag:west"]}
    west = ROUTER | {"tags": ["tag:west"]}
    answers = model({"grants": [grant]}, BOB, west, OLDER_ROUTER)
    assert {p["name"]: p["routes"] for p in answers.peers("bob-1")} == {"router": ["10.33.0.0/16"]}
    assert answers.packet_filter_rules("older") == []


def test_an_app_grant_has_its_companion_on_the_source() -> None:
    app = {"tailscale.com/cap/drive": [{"access": "ro"}]}
    answers = model(
        {"grants": [{"src": ["tag:web"], "dst": ["tag:router"], "app": app}]}, WEB, ROUTER
    )
    sharer = {"Dsts": ["100.64.0.10/32"], "CapMap": {"tailscale.com/cap/drive-sharer": None}}
    assert answers.packet_filter_rules("router") == [
        {"SrcIPs": ["100.64.0.10"], "CapGrant": [{"Dsts": ["100.64.0.20/32"], "CapMap": app}]}
    ]
    assert answers.packet_filter_rules("web") == [{"SrcIPs": ["100.64.0.20"], "CapGrant": [sharer]}]
    assert answers.peers("router")[0]["granted_caps"] == app


def test_a_posture_narrows_the_sources_to_the_devices_that_satisfy_it() -> None:
    policy: JSON = {
        "postures": {"posture:linux": ["node:os == 'linux'"]},
        "acls": [acl(["*"], "tag:web:80", srcPosture=["posture:linux"])],
        "tests": [
            {"src": "bob@example.com", "accept": ["tag:web:80"]},
            {"src": "bob@example.com", "accept": ["tag:web:80"]}
            | {"srcPostureAttrs": {"node:os": "linux"}},
        ],
    }
    answers = model(policy, PHONE | {"posture": {"node:os": "linux"}}, BOB, WEB)
    assert answers.packet_filter_rules("web") == [
        port_rule(["100.64.0.2"], ("100.64.0.10", 80, 80))
    ]
    assert answers.test_verdicts() == [False, True]


@pytest.mark.parametrize(
    ("assertion", "holds"),
    [
        ("node:os IN ['macos', 'linux']", True),
        ("node:os NOT IN ['macos']", True),
        ("custom:absent != 'x'", False),
        ("custom:absent NOT SET", True),
        ("node:os IS SET", True),
        ("node:tsVersion >= '1.9'", True),
        ("node:tsVersion < '1.80.0'", True),
        ("custom:score > 4", True),
        ("custom:score == '5'", False),
        ("custom:score < 'many'", False),
        ("custom:managed", True),
        ("custom:managed == 1", False),
    ],
)
def test_assertions_compare_values_of_one_type_that_are_set(assertion: str, holds: bool) -> None:
    attributes = {"node:os": "linux", "node:tsVersion": "1.80", "custom:score": 5}
    assert assertion_holds(assertion, attributes | {"custom:managed": True}) == holds


def test_an_ipset_applies_its_operations_in_order() -> None:
    ipsets = {"ipset:in": ["10.0.0.0/30"], "ipset:s": ["add ipset:in", "remove 10.0.0.1-10.0.0.2"]}
    policy = {"ipsets": ipsets, "acls": [acl(["ipset:s"], "tag:web:80")]}
    rules = model(policy, WEB).packet_filter_rules("web")
    assert rules == [port_rule(["10.0.0.0", "10.0.0.3"], ("100.64.0.10", 80, 80))]


def test_a_service_is_its_addresses_on_its_approved_hosts() -> None:
    service = {"name": "svc:wiki", "addresses": ["100.64.9.9"], "hosts": ["web"]}
    policy = {"acls": [acl(["bob@example.com"], "svc:wiki:443")]}
    expected = [port_rule(["100.64.0.3"], ("100.64.9.9", 443, 443))]
    assert model(policy, BOB, WEB, services=[service]).packet_filter_rules("web") == expected
    assert model(policy, BOB, WEB, services=[service]).packet_filter_rules("bob-1") == []
    waiting = model(policy, BOB, WEB, services=[service | {"approved": False}])
    assert waiting.packet_filter_rules("web") == []


def test_a_localpart_rule_is_split_by_user() -> None:
    rule = {"action": "check", "src": ["autogroup:member"], "dst": ["tag:web"]}
    policy = {"ssh": [rule | {"users": ["localpart:*@example.com", "autogroup:nonroot"]}]}
    rules = model(policy, PHONE, BOB, WEB).ssh_rules("web")
    assert [(r["principals"], r["sshUsers"]) for r in rules] == [
        ([{"nodeIP": "100.64.0.2"}], {"root": "", "*": "="}),
        ([{"nodeIP": "100.64.0.2"}], {"alice": "alice"}),
        ([{"nodeIP": "100.64.0.3"}], {"root": "", "*": "="}),
        ([{"nodeIP": "100.64.0.3"}], {"bob": "bob"}),
    ]


# Laws that the model itself must obey


@st.composite
def models(draw: st.DrawFn) -> Model:
    tailnet = draw(tailnets())
    features = draw(st.sampled_from([ALL, ACLS | {"self"}, ACLS | {"grants", "via", "internet"}]))
    return Model(draw(policies(tailnet, features=features)), tailnet)


@given(models(), st.sampled_from([(6, 22), (6, 80), (17, 53), (1, 0), (132, 80), (47, 0)]))
@settings(max_examples=25)
def test_selectors_and_rendered_rules_decide_alike(answers: Model, flow: tuple[int, int]) -> None:
    proto, port = flow
    for receiver in answers.nodes:
        rules = answers.packet_filter_rules(receiver.name)
        for sender in answers.nodes:
            through = any(
                same_family(src, dst)
                and admits(
                    [
                        (tuple(rule.get("IPProto", ())), tuple(entry["Ports"].values()))
                        for rule in rules
                        if overlap([src], rule["SrcIPs"])
                        for entry in rule.get("DstPorts", ())
                        if overlap([dst], [entry["IP"]])
                    ],
                    dst,
                    proto,
                    port,
                )
                for src in sender.ips
                for dst in receiver.ips
            )
            assert answers.reaches(sender.name, receiver.name, port, proto) == through


@given(models())
@settings(max_examples=25)
def test_peers_are_symmetric_and_see_whom_they_reach(answers: Model) -> None:
    peers = {name: {peer["name"] for peer in answers.peers(name)} for name in answers.node}
    for name, seen in peers.items():
        assert name not in seen
        for other in peers.keys() - {name}:
            assert (other in seen) == (name in peers[other])
            assert other in seen or not answers.reaches(name, other, 22, 6)
