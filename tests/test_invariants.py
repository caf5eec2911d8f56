from __future__ import annotations

import json
from typing import Any

import pytest

import aclkit
from aclkit.addresses import Address, parse_address
from aclkit.analysis.invariants import (
    Path,
    Traffic,
    because_of,
    breaches,
    ends_of,
    others,
)
from aclkit.compiled import CompiledPolicy
from aclkit.policy.ports import PortBounds

TAILNET: dict[str, Any] = {
    "users": [
        {"login": "alice@example.com", "name": "Alice"},
        {"login": "bob@example.com", "name": "Bob"},
    ],
    "nodes": [
        {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
        {"name": "phone", "user": "alice@example.com", "addresses": ["100.64.0.2"]},
        {"name": "desk", "user": "bob@example.com", "addresses": ["100.64.0.3"]},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.1.1", "fd7a:115c:a1e0::1"]},
        {"name": "db-2", "tags": ["tag:db"], "addresses": ["100.64.1.2", "fd7a:115c:a1e0::2"]},
        {
            "name": "router",
            "tags": ["tag:router"],
            "addresses": ["100.64.2.1"],
            "advertised_routes": ["10.1.0.0/16"],
            "approved_routes": ["10.1.0.0/16"],
        },
        {
            "name": "router-2",
            "tags": ["tag:router"],
            "addresses": ["100.64.2.2"],
            "advertised_routes": ["10.2.0.0/16"],
            "approved_routes": ["10.2.0.0/16"],
        },
        {
            "name": "exit",
            "tags": ["tag:exit"],
            "addresses": ["100.64.3.1"],
            "advertised_routes": ["0.0.0.0/0", "::/0"],
            "approved_routes": ["0.0.0.0/0", "::/0"],
        },
    ],
}
OWNERS = {tag: ["alice@example.com"] for tag in ("tag:db", "tag:router", "tag:exit")}


def compiled(*grants: dict[str, Any], tailnet: dict[str, Any] = TAILNET) -> CompiledPolicy:
    policy = aclkit.load_policy(json.dumps({"tagOwners": OWNERS, "grants": grants}))
    return aclkit.compile_policy(policy, aclkit.Tailnet.from_dict(tailnet))


def grant(src: str, dst: str, *ip: str, **more: Any) -> dict[str, Any]:
    return {"src": [src], "dst": [dst], "ip": list(ip), **more}


def found(
    policy: CompiledPolicy,
    src: str,
    dst: str,
    ports: PortBounds | None = None,
    protocols: tuple[int, ...] | None = None,
) -> list[tuple[str, str, int, int]]:
    """The counterexamples against `never`, with the names of devices."""
    traffic = Traffic(protocols, (ports,)) if ports else Traffic(protocols)
    return [told(path, policy) for path in paths(policy, src, dst, traffic)]


def paths(policy: CompiledPolicy, src: str, dst: str, traffic: Traffic) -> list[Path]:
    ends = [ends_of(side.split(), policy.rules) for side in (src, dst)]
    return list(breaches(policy, ends[0], ends[1], traffic))


def told(path: Path, policy: CompiledPolicy) -> tuple[str, str, int, int]:
    src, dst = (
        str(end) if isinstance(end, Address) else policy.rules.nodes[end].name
        for end in (path.src, path.dst)
    )
    return src, dst, path.proto, path.port


def test_a_rule_in_the_way_is_a_counterexample_with_device_protocol_and_port() -> None:
    policy = compiled(grant("bob@example.com", "tag:db", "tcp:5432"))
    assert found(policy, "bob@example.com", "tag:db") == [("desk", "db-1", 6, 5432)]


def test_nothing_is_found_where_no_rule_leads() -> None:
    policy = compiled(grant("bob@example.com", "tag:db", "tcp:5432"))
    assert found(policy, "alice@example.com", "*") == []
    assert found(policy, "tag:db", "bob@example.com") == []


def test_each_rule_that_leads_there_is_told_once() -> None:
    policy = compiled(
        grant("bob@example.com", "tag:db", "tcp:22", "udp:53"),
        grant("alice@example.com", "tag:db", "tcp:80"),
    )
    assert [path[0] for path in found(policy, "*", "tag:db")] == ["desk", "laptop"]


@pytest.mark.parametrize(
    ("ports", "first"), [((1, 79), None), ((80, 80), 80), ((85, 200), 85), ((91, 65535), None)]
)
def test_ports_count_where_they_overlap_at_all(ports: PortBounds, first: int | None) -> None:
    policy = compiled(grant("bob@example.com", "tag:db", "tcp:80-90"))
    seen = found(policy, "bob@example.com", "tag:db", ports)
    assert [path[3] for path in seen] == ([] if first is None else [first])


def test_ping_is_a_path_when_everything_is_asked_about_and_none_when_ports_are() -> None:
    policy = compiled(grant("bob@example.com", "100.64.1.1", "icmp:*"))
    assert found(policy, "bob@example.com", "tag:db") == [("desk", "db-1", 1, 0)]
    assert found(policy, "bob@example.com", "tag:db", (1, 1000)) == []


def test_ping_passes_by_any_rule() -> None:
    policy = compiled(grant("bob@example.com", "tag:db", "udp:53"))
    assert found(policy, "bob@example.com", "tag:db", protocols=(1,)) == [("desk", "db-1", 1, 0)]
    assert found(policy, "bob@example.com", "tag:db", protocols=(6,)) == []


def test_what_clients_always_let_pass_breaks_no_invariant() -> None:
    assert found(compiled(), "*", "*") == []


def test_a_device_is_no_path_to_itself() -> None:
    policy = compiled(grant("alice@example.com", "autogroup:self", "*"))
    assert found(policy, "laptop", "laptop") == []
    assert found(policy, "laptop", "alice@example.com")[0][:2] == ("laptop", "phone")
    assert found(policy, "laptop phone", "phone")[0][:2] == ("laptop", "phone")
    assert found(policy, "alice@example.com", "bob@example.com") == []


def test_only_leaves_out_single_devices_of_a_class() -> None:
    policy = compiled(grant("alice@example.com", "tag:db", "tcp:22"))
    allowed = others(ends_of(["laptop"], policy.rules), policy.rules)
    target = ends_of(["tag:db"], policy.rules)
    seen = breaches(policy, allowed, target, Traffic())
    assert [told(path, policy)[0] for path in seen] == ["phone"]


def test_an_address_counts_for_its_family_only() -> None:
    policy = compiled(grant("tag:db", "fd7a:115c:a1e0::2", "tcp:22"))
    assert found(policy, "100.64.1.1", "db-2") == []
    assert found(policy, "fd7a:115c:a1e0::1", "db-2")[0][:2] == ("db-1", "db-2")


def test_a_part_of_a_subnet_is_enough() -> None:
    policy = compiled(grant("bob@example.com", "10.1.7.0/24", "tcp:22"))
    assert found(policy, "bob@example.com", "10.1.0.0/16") == [("desk", "10.1.7.0", 6, 22)]
    assert found(policy, "bob@example.com", "10.1.6.0/24") == []


def test_a_subnet_needs_a_router_that_is_online() -> None:
    routers = json.loads(json.dumps(TAILNET))
    for node in routers["nodes"]:
        if node["name"] == "router":
            node["online"] = False
    rule = grant("bob@example.com", "10.1.0.0/16", "tcp:22")
    assert found(compiled(rule), "bob@example.com", "10.1.0.0/16")
    assert found(compiled(rule, tailnet=routers), "bob@example.com", "10.1.0.0/16") == []
    assert found(compiled(rule), "bob@example.com", "10.3.0.0/16") == []


def test_the_internet_is_reached_by_an_exit_node() -> None:
    policy = compiled(grant("bob@example.com", "autogroup:internet", "*"))
    (path,) = found(policy, "bob@example.com", "*")
    assert parse_address(path[1]) is not None
    assert found(policy, "bob@example.com", "10.1.0.0/16") == []
    assert found(policy, "bob@example.com", "8.8.8.8")[0][:2] == ("desk", "8.8.8.8")


def test_what_is_behind_a_router_is_a_source() -> None:
    policy = compiled(grant("10.1.2.0/24", "tag:db", "tcp:22"))
    assert found(policy, "10.1.0.0/16", "tag:db") == [("10.1.2.0", "db-1", 6, 22)]
    assert found(policy, "*", "tag:db") == [("10.1.2.0", "db-1", 6, 22)]
    assert found(policy, "10.1.3.0/24", "tag:db") == []


def test_sites_reach_each_other_through_two_routers() -> None:
    policy = compiled(grant("10.1.2.0/24", "10.2.0.0/16", "tcp:22"))
    assert found(policy, "10.1.0.0/16", "10.2.0.0/16") == [("10.1.2.0", "10.2.0.0", 6, 22)]
    assert found(policy, "10.2.0.0/16", "10.1.0.0/16") == []


def test_the_rule_behind_a_path_has_its_place_and_the_router() -> None:
    policy = compiled(
        grant("bob@example.com", "tag:db", "tcp:1"),
        grant("bob@example.com", "10.1.0.0/16", "tcp:22"),
    )
    (path,) = paths(policy, "bob@example.com", "10.1.0.0/16", Traffic())
    rule = because_of(policy, path)
    assert (rule.origin.section, rule.origin.index, rule.router) == ("grants", 1, "router")
    assert rule.sources == ("bob@example.com",)
    assert rule.destination == "10.1.0.0/16"


def test_the_rule_behind_an_address_as_source_is_told_too() -> None:
    policy = compiled(grant("10.1.2.0/24", "tag:db", "tcp:22"))
    (path,) = paths(policy, "10.1.0.0/16", "tag:db", Traffic())
    rule = because_of(policy, path)
    assert (rule.origin.index, rule.devices) == (0, ("10.1.2.0", "db-1"))


def test_a_service_is_reached_on_the_devices_that_host_it() -> None:
    with_service = TAILNET | {
        "services": [
            {
                "name": "svc:wiki",
                "tags": ["tag:db"],
                "addresses": ["100.64.9.9"],
                "hosts": ["db-1"],
                "approved": True,
            }
        ]
    }
    policy = compiled(grant("bob@example.com", "svc:wiki", "tcp:443"), tailnet=with_service)
    assert found(policy, "bob@example.com", "svc:wiki") == [("desk", "100.64.9.9", 6, 443)]
    assert found(policy, "alice@example.com", "svc:wiki") == []
