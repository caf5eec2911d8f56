"""`compile_policy` and what it returns."""

from __future__ import annotations

import json
import pickle
from datetime import timedelta
from typing import Any

import pytest

import aclkit
from aclkit.tailnet.implied import implied_tailnet
from aclkit.tailnet.model import UnknownNameError

TAILNET = {
    "domains": ["example.com"],
    "users": [
        {"login": "ann@example.com", "role": "owner"},
        {"login": "ben@example.com"},
    ],
    "nodes": [
        {"name": "laptop", "user": "ann@example.com", "addresses": ["100.64.0.1"], "created": 1},
        {"name": "phone", "user": "ben@example.com", "addresses": ["100.64.0.2"], "created": 2},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.3"], "created": 3},
        {
            "name": "gate",
            "tags": ["tag:gate"],
            "addresses": ["100.64.0.4"],
            "advertised_routes": ["10.0.0.0/16", "10.9.0.0/16"],
            "created": 4,
        },
    ],
}


def compiled(policy: dict[str, Any], target: str = "tailscale") -> aclkit.CompiledPolicy:
    loaded = aclkit.load_policy(json.dumps(policy, indent=1), target)
    return aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(TAILNET))


OWNERS = {
    "tag:db": ["group:dba"],
    "tag:gate": ["tag:db"],
    "tag:loop": ["tag:ring"],
    "tag:ring": ["tag:loop"],
}
GROUPS = {"group:dba": ["ben@example.com"]}


def test_each_entry_of_a_rule_names_the_policy_rule_behind_it() -> None:
    policy = compiled(
        {
            "tagOwners": OWNERS,
            "groups": GROUPS,
            "acls": [
                {"action": "accept", "src": ["ann@example.com"], "dst": ["tag:db:22"]},
                {"action": "accept", "src": ["ben@example.com"], "dst": ["tag:db:5432"]},
                {"action": "accept", "src": ["ann@example.com"], "dst": ["tag:db:80,443"]},
            ],
        }
    )
    netmap = policy.netmap("db-1")
    explained = netmap.explain()
    assert [each.rule for each in explained] == list(netmap.packet_filter_rules)
    assert [[origin.index for origin in each.origins] for each in explained] == [[0, 2, 2], [1]]
    text = policy.rules.policy.source.text
    span = explained[1].origins[0].span
    assert span is not None
    assert "5432" in text[span.start : span.end]


def test_the_rule_that_absent_sections_stand_for_has_no_place() -> None:
    (only,) = compiled({"groups": GROUPS}).netmap("db-1").explain()
    assert [(origin.section, origin.span) for origin in only.origins] == [("acls", None)]


def test_owners_and_the_owners_of_owner_tags_may_give_a_tag() -> None:
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS})
    assert policy.can_have_tag("ben@example.com", "tag:db")
    assert policy.can_have_tag("phone", "tag:gate")
    assert policy.can_have_tag("db-1", "tag:gate")
    assert not policy.can_have_tag("gate", "tag:db")


def test_the_owner_of_the_tailnet_may_give_every_declared_tag() -> None:
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS})
    assert policy.can_have_tag("ann@example.com", "tag:db")
    assert not policy.can_have_tag("ann@example.com", "tag:other")


def test_tags_that_own_each_other_end() -> None:
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS})
    assert policy.tag_owned_by_tags("tag:loop", ["tag:ring"])
    assert not policy.can_have_tag("ben@example.com", "tag:loop")


def test_a_tag_exists_when_it_is_declared() -> None:
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS})
    assert policy.tag_exists("tag:db")
    assert not policy.tag_exists("tag:nothing")
    assert not policy.tag_owned_by_tags("tag:nothing", ["tag:db"])


def ssh(**rule: object) -> aclkit.CompiledPolicy:
    entry = {"src": ["ben@example.com"], "dst": ["tag:db"], "users": ["root"], **rule}
    return compiled({"tagOwners": OWNERS, "groups": GROUPS, "ssh": [entry]})


def test_an_answer_to_a_check_holds_for_the_stated_period() -> None:
    policy = ssh(action="check", checkPeriod="1h30m")
    assert policy.ssh_check("phone", "db-1") == timedelta(minutes=90)
    assert policy.ssh_check("laptop", "db-1") is None
    assert policy.ssh_check("phone", "gate") is None


def test_a_check_without_period_holds_for_twelve_hours() -> None:
    assert ssh(action="check").ssh_check("phone", "db-1") == timedelta(hours=12)


def test_always_asks_every_time() -> None:
    assert ssh(action="check", checkPeriod="always").ssh_check("phone", "db-1") == timedelta(0)


def test_an_accept_rule_asks_nothing() -> None:
    assert ssh(action="accept").ssh_check("phone", "db-1") is None


def test_an_unknown_node_is_named_with_a_near_miss() -> None:
    with pytest.raises(UnknownNameError, match="did you mean `laptop`"):
        compiled({}).netmap("lptop")


def test_a_port_outside_of_the_range_is_an_error() -> None:
    with pytest.raises(ValueError, match="99999 is not a port"):
        compiled({}).reaches("laptop", "db-1", 99999)
    with pytest.raises(ValueError, match="unknown protocol `tpc`"):
        compiled({}).reaches("laptop", "db-1", 80, "tpc")


def test_a_text_in_place_of_a_policy_is_a_type_error() -> None:
    tailnet = aclkit.Tailnet.from_dict(TAILNET)
    with pytest.raises(TypeError, match="takes a Policy and a Tailnet, not str and Tailnet"):
        aclkit.compile_policy("{}", tailnet)  # type: ignore[arg-type]


def test_what_a_terminal_shows_of_it_is_short() -> None:
    policy = compiled({})
    assert repr(policy) == "<CompiledPolicy: 1 rules for 4 nodes>"
    assert repr(policy.netmap("phone")) == "<Netmap of phone>"


def test_a_compiled_policy_survives_pickling_and_use() -> None:
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS})
    before = policy.netmap("gate").to_dict()
    again = pickle.loads(pickle.dumps(policy))
    assert again.netmap("gate").to_dict() == before


def test_routes_without_an_approver_stay_unapproved() -> None:
    approvers = {"routes": {"10.0.0.0/15": ["tag:gate"]}}
    policy = compiled({"tagOwners": OWNERS, "groups": GROUPS, "autoApprovers": approvers})
    assert policy.auto_approved_routes("gate") == ("10.0.0.0/16",)
    assert policy.primary_routes("gate") == ("10.0.0.0/16",)
    shown = {peer.name: peer.routes for peer in policy.netmap("laptop").peers}
    assert shown["gate"] == ("10.0.0.0/16",)


def test_a_foreign_domain_is_refused_when_the_tailnet_is_known() -> None:
    rule = {"action": "accept", "src": ["user:*@other.example"], "dst": ["*:*"]}
    with pytest.raises(aclkit.PolicyError) as refused:
        compiled({"acls": [rule]})
    assert refused.value.refusal.startswith("other.example is not associated with this Tailnet")
    assert str(refused.value).startswith("policy.hujson:")


def test_headscale_sends_the_internet_as_cidrs() -> None:
    policy = {"acls": [{"action": "accept", "src": ["*"], "dst": ["autogroup:internet:*"]}]}
    tailnet = {
        "nodes": [
            {"name": "exit", "user": "ann@", "addresses": ["100.64.0.1"],
             "advertised_routes": ["0.0.0.0/0", "::/0"], "approved_routes": ["0.0.0.0/0", "::/0"]}
        ]
    }  # fmt: skip
    loaded = aclkit.load_policy(json.dumps(policy), "headscale")
    result = aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))
    (rule,) = result.netmap("exit").packet_filter_rules
    assert all("/" in port.ip for port in rule.dst_ports)
    assert rule.dst_ports[0].ip == "0.0.0.0/5"


def verdicts(target: str, rules: list[dict[str, Any]], tests: list[dict[str, Any]]) -> list[bool]:
    policy: dict[str, Any] = {"tagOwners": {"tag:x": ["a@"]}, "acls": rules, "tests": tests}
    if any("ssh" in test for test in tests):
        del policy["tests"]
        policy |= {"acls": [], "ssh": rules, "sshTests": [test["ssh"] for test in tests]}
    tailnet = {
        "users": [{"login": "a@"}],
        "nodes": [
            {"name": "a-1", "user": "a@", "addresses": ["100.64.0.1", "fd7a:115c:a1e0::1"]},
            {"name": "x-1", "tags": ["tag:x"], "addresses": ["100.64.0.2"]},
        ],
    }
    report = aclkit.check(
        json.dumps(policy), tailnet=aclkit.Tailnet.from_dict(tailnet), target=target
    )
    assert not report.diagnostics
    return [test.passed for test in report.tests]


def test_headscale_does_not_count_self_in_tests() -> None:
    rule = {"action": "accept", "src": ["a@"], "dst": ["autogroup:self:*"]}
    tests = [{"src": "a@", "accept": ["a@:22"]}, {"src": "a@", "deny": ["a@:22"]}]
    assert verdicts("headscale", [rule], tests) == [False, True]


def test_a_test_without_protocol_counts_icmp_on_headscale() -> None:
    rule = {"action": "accept", "src": ["a@"], "dst": ["tag:x:*"], "proto": "icmp"}
    tests = [{"src": "a@", "accept": ["tag:x:22"]}]
    assert verdicts("headscale", [rule], tests) == [True]


def test_a_check_rule_satisfies_accept_on_headscale() -> None:
    rule = {"action": "check", "src": ["a@"], "dst": ["tag:x"], "users": ["root"]}
    tests = [{"ssh": {"src": "a@", "dst": ["tag:x"], "accept": ["root"]}}]
    assert verdicts("headscale", [rule], tests) == [True]


def test_a_tagged_node_gets_a_rule_for_local_parts_for_itself_alone() -> None:
    # docs/reference/ssh.md: such a rule goes to its sources too, each named by its own addresses.
    users = ["localpart:*@example.com", "root"]
    rule = {"action": "accept", "src": ["tag:x"], "dst": ["tag:y"], "users": users}
    tests = [
        {"src": src, "dst": [dst], expected: ["root"]}
        for src, dst, expected in (
            ("100.64.0.1", "100.64.0.1", "accept"),
            ("100.64.0.1", "100.64.0.2", "deny"),
            ("tag:x", "tag:x", "accept"),
            ("tag:x", "tag:x", "deny"),
            ("tag:x", "tag:y", "accept"),
        )
    ]
    policy = {"tagOwners": {"tag:x": [], "tag:y": []}, "acls": [], "ssh": [rule]}
    names = {"x-1": "tag:x", "x-2": "tag:x", "y-1": "tag:y"}
    tailnet = aclkit.Tailnet.from_dict(
        {
            "domains": ["example.com"],
            "nodes": [
                {"name": name, "tags": [tag], "addresses": [f"100.64.0.{number}"]}
                for number, (name, tag) in enumerate(names.items(), 1)
            ],
        }
    )
    report = aclkit.check(json.dumps(policy | {"sshTests": tests}), tailnet=tailnet)
    assert [test.passed for test in report.tests] == [True, True, False, False, True]
    (failure,) = report.tests[2].failures
    assert failure.detail == "root from x-1 to x-2"
    (failure,) = report.tests[3].failures
    assert failure.detail == "root from x-1 to x-1"


def test_no_implied_device_has_an_address_that_the_policy_gives_to_something_else() -> None:
    policy = {
        "tagOwners": {"tag:x": []},
        "hosts": {"printer": "100.64.0.1"},
        "ipsets": {"ipset:cameras": ["add 100.64.0.2"]},
        "acls": [{"action": "accept", "src": ["tag:x"], "dst": ["100.64.0.3:80"]}],
    }
    tailnet = implied_tailnet(aclkit.load_policy(json.dumps(policy)))
    assert str(tailnet.nodes[0].addresses[0]) == "100.64.0.4"
