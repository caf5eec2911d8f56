"""What verdicts hide: each code by a policy and a tailnet, and that no verdict changes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import aclkit
from aclkit.analysis import scenarios
from aclkit.analysis.outcomes import Outcome, TestRun
from aclkit.catalogue.scenarios import TRUTH

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
MANAGED = {"custom:managed": True}
TAILNET: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [
        {"login": "alice@example.com", "name": "Alice"},
        {"login": "bob@example.com", "name": "Bob"},
    ],
    "nodes": [
        {
            "name": "laptop",
            "user": "alice@example.com",
            "addresses": ["100.64.0.1", "fd7a:115c:a1e0::1"],
            "posture": MANAGED,
        },
        {"name": "phone", "user": "alice@example.com", "addresses": ["100.64.0.2"]},
        {"name": "desk", "user": "bob@example.com", "addresses": ["100.64.0.3"]},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.1.1"]},
        {"name": "db-2", "tags": ["tag:db"], "addresses": ["100.64.1.2"]},
        {
            "name": "exit",
            "tags": ["tag:exit"],
            "addresses": ["100.64.3.1"],
            "advertised_routes": ["0.0.0.0/0", "::/0"],
            "approved_routes": ["0.0.0.0/0", "::/0"],
        },
    ],
}
BASE: dict[str, Any] = {
    "tagOwners": {tag: ["alice@example.com"] for tag in ("tag:db", "tag:exit")},
}
POSTURE = BASE | {"postures": {"posture:managed": ["custom:managed == true"]}}


def run(policy: dict[str, Any], target: str = "tailscale", select: str = "") -> TestRun:
    tailnet = aclkit.Tailnet.from_dict(TAILNET)
    return scenarios.test_results(json.dumps(policy), tailnet, target, select=select)


def one(test: dict[str, Any], target: str = "tailscale", **policy: Any) -> Outcome:
    (outcome,) = run(BASE | policy | {"tests": [test]}, target).outcomes
    return outcome


def one_login(test: dict[str, Any], target: str = "tailscale", **policy: Any) -> Outcome:
    (outcome,) = run(BASE | policy | {"sshTests": [test]}, target).outcomes
    return outcome


def codes(outcome: Outcome) -> list[str]:
    return [note.code for note in outcome.notes]


def rule(src: str, *dst: str, **more: Any) -> dict[str, Any]:
    return {"action": "accept", "src": [src], "dst": list(dst), **more}


BY_POSTURE = rule("bob@example.com", "tag:db:22")
TO_ALICE = {"srcPosture": ["posture:managed"]}


def test_a_test_that_hides_nothing_has_no_note() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["tag:db:22"], "deny": ["tag:db:80"]},
        acls=[rule("bob@example.com", "tag:db:22")],
    )
    assert outcome.result.passed
    assert outcome.notes == ()


def test_a_deny_passes_though_a_device_meets_the_posture() -> None:
    outcome = one(
        {"src": "alice@example.com", "deny": ["tag:db:22"]},
        **POSTURE,
        acls=[rule("alice@example.com", "tag:db:22", **TO_ALICE)],
    )
    assert outcome.result.passed
    (note,) = outcome.notes
    assert (note.code, note.contradicts) == ("test-deny-lets-through", True)
    assert str(note.flow) == "laptop to db-1, tcp port 22"
    assert note.origin is not None
    assert (note.origin.section, note.origin.index) == ("acls", 0)
    assert "a test without `srcPostureAttrs` meets none" in note.message


def test_a_deny_for_given_attributes_is_asked_for_these() -> None:
    outcome = one(
        {"src": "alice@example.com", "deny": ["tag:db:22"], "srcPostureAttrs": {"node:os": "x"}},
        **POSTURE,
        acls=[rule("alice@example.com", "tag:db:22", **TO_ALICE)],
    )
    assert outcome.result.passed
    assert outcome.notes == ()


def test_an_accept_for_given_attributes_may_not_hold_for_all_devices() -> None:
    outcome = one(
        {"src": "alice@example.com", "accept": ["tag:db:22"], "srcPostureAttrs": MANAGED},
        **POSTURE,
        acls=[rule("alice@example.com", "tag:db:22", **TO_ALICE)],
    )
    (note,) = outcome.notes
    assert (note.code, note.contradicts) == ("test-supposed-posture", False)
    assert str(note.flow) == "phone to db-1, tcp port 22"


def test_an_accept_fails_though_each_device_meets_the_posture() -> None:
    outcome = one(
        {"src": "100.64.0.1", "accept": ["tag:db:22"]},
        **POSTURE,
        acls=[rule("alice@example.com", "tag:db:22", **TO_ALICE)],
    )
    assert not outcome.result.passed
    assert codes(outcome) == ["test-accept-of-all"]
    assert outcome.notes[0].contradicts


def test_an_accept_passes_though_no_router_carries_it() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["10.1.2.3:22"]},
        acls=[rule("bob@example.com", "10.1.0.0/16:22")],
    )
    assert outcome.result.passed
    (note,) = outcome.notes
    assert (note.code, note.contradicts) == ("test-accept-of-none", True)


def test_a_deny_fails_though_no_router_carries_it() -> None:
    outcome = one(
        {"src": "bob@example.com", "deny": ["10.1.2.3:22"]},
        acls=[rule("bob@example.com", "10.1.0.0/16:22")],
    )
    assert not outcome.result.passed
    assert codes(outcome) == ["test-deny-of-none"]


def test_access_by_self_only_is_noted() -> None:
    outcome = one(
        {"src": "alice@example.com", "accept": ["alice@example.com:22"]},
        acls=[rule("autogroup:member", "autogroup:self:*")],
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-self-only"]


def test_access_by_via_only_is_noted_with_its_router() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["8.8.8.8:443"]},
        grants=[
            {
                "src": ["bob@example.com"],
                "dst": ["autogroup:internet"],
                "ip": ["*"],
                "via": ["tag:exit"],
            }
        ],
    )
    (note,) = outcome.notes
    assert note.code == "test-via-only"
    assert "`tag:exit` (now exit)" in note.message


def test_access_by_udp_only_is_noted() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["tag:db:53"]},
        acls=[rule("bob@example.com", "tag:db:53", proto="udp")],
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-udp-only"]


def test_an_example_has_a_port_where_the_protocol_has_ports() -> None:
    acls = [rule("bob@example.com", "tag:db:22", proto="tcp")]
    shown = [("TCP", "22", "tcp port 22"), ("6", "22", "tcp port 22"), ("icmp", "0", "icmp")]
    for proto, port, words in shown:
        test = {"src": "bob@example.com", "proto": proto, "deny": [f"tag:db:{port}"]}
        outcome = one(test, acls=acls)
        assert str(outcome.explained[0].flow) == f"desk to db-1, {words}"


def test_udp_for_some_and_tcp_for_the_others_is_for_all() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["tag:db:53"]},
        acls=[
            rule("bob@example.com", "100.64.1.1:53", proto="udp"),
            rule("bob@example.com", "100.64.1.2:53", proto="tcp"),
        ],
    )
    assert outcome.result.passed
    assert outcome.notes == ()


def test_an_address_behind_a_router_is_compared_as_well() -> None:
    site = {
        "name": "router",
        "tags": ["tag:exit"],
        "addresses": ["100.64.3.2"],
        "advertised_routes": ["10.9.0.0/16"],
        "approved_routes": ["10.9.0.0/16"],
    }
    tailnet = aclkit.Tailnet.from_dict(TAILNET | {"nodes": [*TAILNET["nodes"], site]})
    policy = BASE | {
        "acls": [rule("10.9.0.0/16", "tag:db:22"), rule("10.8.0.0/16", "tag:db:22")],
        "tests": [{"src": f"10.{net}.9.9", "accept": ["tag:db:22"]} for net in (9, 8)],
    }
    routed, unrouted = scenarios.test_results(json.dumps(policy), tailnet).outcomes
    assert codes(routed) == []
    assert codes(unrouted) == ["test-accept-of-none"]


def test_a_service_without_an_address_can_not_be_compared() -> None:
    service = {"name": "svc:wiki", "tags": ["tag:db"], "addresses": [], "hosts": ["db-1"]}
    policy = BASE | {
        "acls": [],
        "tests": [{"src": "bob@example.com", "deny": ["svc:wiki:443", "svc:wiki:80"]}],
    }
    tailnet = aclkit.Tailnet.from_dict(TAILNET | {"services": [service]})
    (outcome,) = scenarios.test_results(json.dumps(policy), tailnet).outcomes
    assert codes(outcome) == ["test-no-devices"]


def test_headscale_does_not_see_what_self_opens() -> None:
    outcome = one(
        {"src": "alice@example.com", "deny": ["alice@example.com:22"]},
        "headscale",
        acls=[rule("autogroup:member", "autogroup:self:*")],
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-deny-lets-through", "test-runner-differs"]
    assert "leaves out rules with `autogroup:self`" in outcome.notes[0].message
    assert "with Tailscale this test fails" in outcome.notes[1].message


def test_headscale_is_content_with_one_address() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["tag:db:22"]},
        "headscale",
        acls=[rule("bob@example.com", "100.64.1.1:22")],
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-accept-of-some", "test-runner-differs"]
    assert str(outcome.notes[0].flow) == "desk to db-2, tcp port 22"
    assert "one address of a destination is enough" in outcome.notes[1].message


def test_a_failed_accept_is_explained() -> None:
    outcome = one(
        {"src": "bob@example.com", "accept": ["tag:db:22"]},
        acls=[rule("bob@example.com", "tag:db:80")],
    )
    (explanation,) = outcome.explained
    assert explanation.why_not[0].code == "wrong-port"
    assert explanation.why_not[0].edit is not None
    assert str(explanation.flow) == "desk to db-1, tcp port 22"


def test_a_failed_deny_is_explained_by_the_rule() -> None:
    outcome = one(
        {"src": "bob@example.com", "deny": ["tag:db:80"]},
        acls=[rule("bob@example.com", "tag:db:80")],
    )
    (explanation,) = outcome.explained
    assert explanation.because[0].origin.section == "acls"
    assert str(explanation.flow) == "desk to db-1, tcp port 80"


def test_a_test_that_can_not_be_run_has_an_empty_explanation() -> None:
    outcome = one({"src": "bob@example.com", "accept": ["10.0.0.0/8:80"]}, acls=[])
    assert not outcome.result.passed
    assert outcome.notes == ()
    assert len(outcome.explained) == len(outcome.result.failures) == 1
    assert outcome.explained[0].why_not == ()


SSH = {"action": "accept", "src": ["bob@example.com"], "dst": ["tag:db"], "users": ["root"]}


def test_a_login_passes_though_port_22_is_shut() -> None:
    outcome = one_login(
        {"src": "bob@example.com", "dst": ["tag:db"], "accept": ["root"]}, acls=[], ssh=[SSH]
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-accept-of-none"]


def test_a_login_that_gets_in_hides_nothing() -> None:
    outcome = one_login(
        {"src": "bob@example.com", "dst": ["tag:db"], "accept": ["root"], "deny": ["ubuntu"]},
        acls=[rule("bob@example.com", "tag:db:22")],
        ssh=[SSH],
    )
    assert outcome.result.passed
    assert outcome.notes == ()


def test_a_denied_login_passes_though_a_device_meets_the_posture() -> None:
    entry = SSH | {"src": ["alice@example.com"], "srcPosture": ["posture:managed"]}
    outcome = one_login(
        {"src": "alice@example.com", "dst": ["tag:db"], "deny": ["root"]},
        **POSTURE,
        acls=[rule("alice@example.com", "tag:db:22")],
        ssh=[entry],
    )
    assert outcome.result.passed
    assert codes(outcome) == ["test-deny-lets-through"]


def test_headscale_takes_a_check_for_an_accept() -> None:
    outcome = one_login(
        {"src": "bob@example.com", "dst": ["tag:db"], "accept": ["root"]},
        "headscale",
        acls=[rule("bob@example.com", "tag:db:22")],
        ssh=[SSH | {"action": "check", "checkPeriod": "1h"}],
    )
    assert outcome.result.passed
    assert "test-runner-differs" in codes(outcome)
    assert "takes a check for an accept" in outcome.notes[-1].message


def test_each_code_of_the_catalogue_is_shown_here() -> None:
    text = Path(__file__).read_text(encoding="utf-8")
    assert [entry.code for entry in TRUTH if f'"{entry.code}"' not in text] == []


@pytest.mark.parametrize(
    ("name", "target"),
    [("company", "tailscale"), ("startup", "tailscale"), ("homelab", "headscale")],
)
def test_the_verdicts_are_those_of_check(name: str, target: str) -> None:
    text = (EXAMPLES / name / "policy.hujson").read_text(encoding="utf-8")
    tailnet = aclkit.load_tailnet(EXAMPLES / name / "tailnet.json")
    ran = scenarios.test_results(text, tailnet, target)
    assert (
        tuple(o.result for o in ran.outcomes)
        == aclkit.check(text, tailnet=tailnet, target=target).tests
    )
    assert ran.passed


def test_tests_are_selected_by_name_source_and_destination() -> None:
    tests = [
        {"src": "alice@example.com", "deny": ["tag:db:22"]},
        {"src": "bob@example.com", "deny": ["tag:db:80"]},
    ]
    policy = BASE | {"acls": [], "tests": tests}
    for word, indices in (("ALICE", [0]), (":80", [1]), ("tests[1]", [1]), ("db", [0, 1])):
        ran = run(policy, select=word)
        assert [outcome.result.index for outcome in ran.outcomes] == indices
        assert ran.left_out == 2 - len(indices)


def test_what_was_assumed_of_the_tailnet_is_told() -> None:
    ran = scenarios.test_results(json.dumps(BASE | {"acls": []}))
    assert ran.outcomes == ()
    assert ran.passed
    assert "no tailnet given" in ran.assumptions[0]


@pytest.mark.parametrize("version", ["0.23", "0.25", "0.26"])
def test_a_target_that_runs_no_tests_is_told(version: str) -> None:
    policy = {
        "groups": {"group:eng": ["bob@example.com"]},
        "acls": [],
        "tests": [{"src": "bob@example.com", "deny": ["100.64.1.1:22"]}],
    }
    ran = scenarios.test_results(json.dumps(policy), None, f"headscale@{version}")
    assert ran.outcomes == ()
    assert ran.assumptions[0] == f"Headscale {version} runs no tests of a policy"


def test_a_policy_with_errors_is_not_tested() -> None:
    with pytest.raises(aclkit.PolicyError) as refused:
        scenarios.test_results('{"acls": [{"action": "drop"}]}')
    assert refused.value.source is not None
