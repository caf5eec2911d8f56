from __future__ import annotations

import json
from typing import Any

import pytest

import aclkit
from aclkit.analysis.coverage import Coverage, Part, coverage
from aclkit.analysis.coverage_tests import tried_tests

Policy = dict[str, Any]

ALICE, BOB = "alice@example.com", "bob@example.com"
NODES: list[dict[str, Any]] = [
    {"name": "laptop", "user": ALICE, "addresses": ["100.64.0.1"]},
    {"name": "phone", "user": ALICE, "addresses": ["100.64.0.2"]},
    {"name": "desktop", "user": BOB, "addresses": ["100.64.0.3"]},
    {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.4"]},
    {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.5"]},
]
OWNERS: Policy = {"tagOwners": {"tag:web": [ALICE], "tag:db": [ALICE]}}
ALICE_TO_WEB = {"action": "accept", "src": [ALICE], "dst": ["tag:web:443"]}


def coverage_of(policy: Policy, target: str = "tailscale") -> Coverage:
    logins = [ALICE, BOB]
    tailnet = {"users": [{"login": login} for login in logins], "nodes": NODES}
    loaded = aclkit.load_policy(json.dumps(OWNERS | policy), target)
    compiled = aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))
    return coverage(tried_tests(compiled.rules))


def counts(policy: Policy) -> list[list[tuple[int, int]]]:
    """For each rule, how many entries pass by each part, and how many guard it."""
    return [[(p.passed, p.guarded) for p in rule.parts] for rule in coverage_of(policy).rules]


def test_an_accept_touches_every_rule_by_which_it_passes() -> None:
    acls = [ALICE_TO_WEB, {"action": "accept", "src": ["*"], "dst": ["tag:web:*"]}]
    tests = [{"src": ALICE, "accept": ["tag:web:443"]}]
    assert counts({"acls": acls, "tests": tests}) == [[(1, 0)], [(1, 0)]]


@pytest.mark.parametrize(
    ("src", "dst", "guards"),
    [
        (ALICE, "tag:web:22", 1),  # another port
        (ALICE, "tag:db:443", 1),  # another destination
        (BOB, "tag:web:443", 1),  # another source
        (ALICE, "tag:db:22", 0),
        (BOB, "tag:web:22", 0),
        (BOB, "tag:db:443", 0),
        (BOB, "tag:db:22", 0),
    ],
)
def test_a_deny_guards_what_it_would_take_one_step_to_reach(
    src: str, dst: str, guards: int
) -> None:
    policy = {"acls": [ALICE_TO_WEB], "tests": [{"src": src, "deny": [dst]}]}
    assert counts(policy) == [[(0, guards)]]


def test_each_destination_of_a_rule_is_a_part_of_its_own() -> None:
    acls = [{"action": "accept", "src": [ALICE], "dst": ["tag:web:443", "tag:db:22"]}]
    found = coverage_of({"acls": acls, "tests": [{"src": ALICE, "accept": ["tag:web:443"]}]})
    assert (found.touched, found.parts, found.percent) == (1, 2, 50.0)
    assert found.rules[0].touched == 1
    assert [part.destination for part in found.rules[0].parts if not part.touched] == ["tag:db"]


def test_protocols_of_a_grant_are_parts_of_their_own() -> None:
    grant = {"src": [ALICE], "dst": ["tag:web"], "ip": ["tcp:443", "tcp:80", "udp:53"]}
    found = coverage_of({"grants": [grant], "tests": [{"src": ALICE, "accept": ["tag:web:80"]}]})
    assert found.rules[0].parts == (
        Part("tag:web", ((443, 443), (80, 80)), (6,), 1, 0),
        Part("tag:web", ((53, 53),), (17,), 0, 0),
    )


def test_own_devices_are_guarded_against_those_of_others() -> None:
    acls = [{"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]}]
    assert counts({"acls": acls, "tests": [{"src": ALICE, "deny": [f"{BOB}:22"]}]}) == [[(0, 1)]]
    assert counts({"acls": acls, "tests": [{"src": ALICE, "accept": [f"{ALICE}:22"]}]}) == [
        [(1, 0)]
    ]


def test_a_test_that_fails_touches_nothing_and_is_told() -> None:
    tests = [{"src": ALICE, "accept": ["tag:web:443", "tag:db:22"]}]
    found = coverage_of({"acls": [ALICE_TO_WEB], "tests": tests})
    assert (found.touched, found.failing) == (0, (("tests", 0),))


def test_a_rule_of_capabilities_is_not_counted() -> None:
    grant = {"src": [ALICE], "dst": ["tag:web"], "app": {"example.com/cap/a": []}}
    found = coverage_of({"grants": [grant]})
    assert (found.parts, found.percent) == (0, 100.0)
    assert found.rules[0].unseen == "it gives capabilities, for which no test can ask"


def test_what_the_tests_of_a_target_do_not_see_is_not_counted() -> None:
    acls = [{"action": "accept", "src": [ALICE], "dst": ["autogroup:self:*"]}]
    found = coverage_of({"acls": acls}, "headscale")
    assert found.parts == 0
    assert found.rules[0].unseen.startswith("the tests of Headscale 0.29 see neither")


def test_a_rule_without_sources_is_not_counted() -> None:
    acls = [{"action": "accept", "src": [], "dst": ["tag:web:443"]}]
    assert coverage_of({"acls": acls}).rules[0].unseen == "it opens nothing"


SSH = {"action": "check", "src": [ALICE], "dst": ["tag:web", "tag:db"], "users": ["root"]}


def test_a_login_touches_the_rule_and_destination_by_which_it_passes() -> None:
    tests = [{"src": ALICE, "dst": ["tag:web"], "check": ["root"]}]
    accept = SSH | {"action": "accept"}
    policy = {"acls": [], "ssh": [SSH, accept], "sshTests": tests}
    # The first rule decides; the second has no say.
    assert counts(policy) == [[(1, 0), (0, 0)], [(0, 0), (0, 0)]]


@pytest.mark.parametrize(
    ("src", "dst", "login", "guards"),
    [
        (ALICE, "tag:web", "ubuntu", [(0, 1), (0, 0)]),  # another login
        (BOB, "tag:web", "root", [(0, 1), (0, 0)]),  # another source
        (ALICE, ALICE, "root", [(0, 1), (0, 1)]),  # another destination
        (BOB, "tag:web", "ubuntu", [(0, 0), (0, 0)]),
        (BOB, ALICE, "root", [(0, 0), (0, 0)]),
    ],
)
def test_a_denied_login_guards_what_it_would_take_one_step_to_reach(
    src: str, dst: str, login: str, guards: list[tuple[int, int]]
) -> None:
    tests = [{"src": src, "dst": [dst], "deny": [login]}]
    assert counts({"acls": [], "ssh": [SSH], "sshTests": tests}) == [guards]


def test_logins_to_own_devices_are_a_part() -> None:
    ssh = {
        "action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"],
        "users": ["autogroup:nonroot"],
    }  # fmt: skip
    tests = [{"src": ALICE, "dst": [ALICE], "accept": ["alice"], "deny": ["root"]}]
    assert counts({"acls": [], "ssh": [ssh], "sshTests": tests}) == [[(1, 1)]]


def test_rules_come_in_the_order_of_the_file() -> None:
    policy = {
        "ssh": [SSH],
        "acls": [ALICE_TO_WEB],
        "grants": [{"src": [ALICE], "dst": ["tag:web"], "ip": ["*"]}],
    }
    assert [rule.section for rule in coverage_of(policy).rules] == ["ssh", "acls", "grants"]


def test_a_policy_without_rules_is_covered_and_one_without_tests_is_not() -> None:
    assert coverage_of({"acls": []}).percent == 100.0
    assert coverage_of({}).percent == 100.0
    assert coverage_of({"acls": [ALICE_TO_WEB]}).percent == 0.0
