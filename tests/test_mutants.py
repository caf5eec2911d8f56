from __future__ import annotations

import json
from typing import Any

import pytest

import aclkit
from aclkit.analysis.coverage_tests import tried_tests
from aclkit.analysis.mutants import MutantKind, mutants_of
from aclkit.analysis.mutants_access import uncovered
from aclkit.analysis.mutants_changes import Capability, Flow, Otherwise
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.analysis.mutants_run import Mutation, MutationRun, run_mutants

K = MutantKind
Policy = dict[str, Any]

ALICE, BOB, CAROL = (f"{name}@example.com" for name in ("alice", "bob", "carol"))
TAILNET: dict[str, Any] = {
    "users": [{"login": login} for login in (ALICE, BOB, CAROL)],
    "nodes": [
        {"name": "laptop", "user": ALICE, "addresses": ["100.64.0.1"], "created": 1},
        {"name": "phone", "user": ALICE, "addresses": ["100.64.0.2"], "created": 2},
        {"name": "desktop", "user": BOB, "addresses": ["100.64.0.3"], "created": 3},
        {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.4"], "created": 4},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.5"], "created": 5},
    ],
}
OWNERS: Policy = {"tagOwners": {"tag:web": [ALICE], "tag:db": [ALICE]}}
NAMES = [node["name"] for node in TAILNET["nodes"]]


def compiled(policy: Policy, tailnet: dict[str, Any] = TAILNET) -> aclkit.CompiledPolicy:
    loaded = aclkit.load_policy(json.dumps(OWNERS | policy))
    return aclkit.compile_policy(loaded, aclkit.Tailnet.from_dict(tailnet))


def run_of(policy: Policy, tailnet: dict[str, Any] = TAILNET) -> MutationRun:
    return run_mutants(compiled(policy, tailnet).rules)


def rule(src: list[str], dst: list[str], **more: Any) -> Policy:
    return {"action": "accept", "src": src, "dst": dst, **more}


def words(policy: Policy) -> list[tuple[MutantKind, str, str]]:
    found = mutants_of(compiled(policy).rules.policy)
    return [(mutant.kind, mutant.name, mutant.what) for mutant in found]


def test_an_access_rule_is_removed_widened_and_loses_each_member() -> None:
    policy = {"acls": [rule([ALICE, BOB], ["tag:web:443", "tag:db:*"])]}
    assert words(policy) == [
        (K.REMOVE_RULE, "acls[0]", ""),
        (K.DROP_SOURCE, "acls[0]", ALICE),
        (K.DROP_SOURCE, "acls[0]", BOB),
        (K.DROP_DESTINATION, "acls[0]", "tag:web:443"),
        (K.DROP_DESTINATION, "acls[0]", "tag:db:*"),
        (K.WIDEN_PORTS, "acls[0]", "tag:web:443"),
    ]


def test_a_grant_loses_and_widens_entries_of_ip_too() -> None:
    policy = {"grants": [{"src": [ALICE], "dst": ["tag:web"], "ip": ["tcp:443", "icmp:*"]}]}
    assert words(policy) == [
        (K.REMOVE_RULE, "grants[0]", ""),
        (K.DROP_PORTS, "grants[0]", "tcp:443"),
        (K.DROP_PORTS, "grants[0]", "icmp:*"),
        (K.WIDEN_PORTS, "grants[0]", "tcp:443"),
    ]


def test_an_ssh_rule_loses_logins_and_swaps_its_action() -> None:
    ssh = {"action": "check", "src": [ALICE], "dst": ["tag:web"], "users": ["root", "ubuntu"]}
    assert words({"acls": [], "ssh": [ssh]}) == [
        (K.REMOVE_RULE, "ssh[0]", ""),
        (K.DROP_LOGIN, "ssh[0]", "root"),
        (K.DROP_LOGIN, "ssh[0]", "ubuntu"),
        (K.SWAP_ACTION, "ssh[0]", "check"),
    ]


def test_a_tagged_source_is_not_made_to_answer_a_check() -> None:
    ssh = {"action": "accept", "src": ["tag:db"], "dst": ["tag:web"], "users": ["root"]}
    assert words({"acls": [], "ssh": [ssh]}) == [(K.REMOVE_RULE, "ssh[0]", "")]


def test_groups_come_first_and_lose_each_member_also_the_only_one() -> None:
    policy = {"groups": {"group:eng": [ALICE]}, "acls": []}
    assert words(policy) == [(K.DROP_MEMBER, "group:eng", ALICE)]


def test_a_mutant_is_a_change_of_the_typed_policy() -> None:
    policy = compiled({"acls": [rule([ALICE], ["tag:web:443"]), rule([BOB], ["tag:db:22"])]})
    first = mutants_of(policy.rules.policy)[0]
    left = first.applied(policy.rules.policy)
    assert left.acls == (policy.rules.policy.acls or ())[1:]
    assert left.source is policy.rules.policy.source


def test_a_mutant_that_fails_a_test_is_noticed_by_the_first_that_fails() -> None:
    tests = [
        {"src": ALICE, "accept": ["tag:web:443"]},
        {"src": ALICE, "accept": ["tag:web:443"], "deny": ["tag:web:22"]},
    ]
    run = run_of({"acls": [rule([ALICE], ["tag:web:443"])], "tests": tests})
    by = {mutant.kind: test for mutant, test in run.noticed}
    assert by == {K.REMOVE_RULE: ("tests", 0), K.WIDEN_PORTS: ("tests", 1)}
    assert (run.survivors, run.equivalent, run.score) == ((), (), 100.0)


def test_a_survivor_has_an_example_of_what_it_opens_or_closes() -> None:
    run = run_of({"acls": [rule([BOB], ["tag:web:443"])]})
    removed, widened = (survivor.change for survivor in run.survivors)
    desktop, web = NAMES.index("desktop"), NAMES.index("web-1")
    assert isinstance(removed, Flow)
    assert (removed.opens, removed.src, removed.dst, removed.port) == (False, desktop, web, 443)
    assert isinstance(widened, Flow)
    assert (widened.opens, widened.src, widened.dst, widened.port) == (True, desktop, web, 22)
    assert run.score == 0


def test_what_another_rule_opens_too_is_equivalent() -> None:
    acls = [rule([ALICE], ["tag:web:22,80"]), rule(["autogroup:member"], ["tag:web:*"])]
    equivalent = {(mutant.name, mutant.kind) for mutant in run_of({"acls": acls}).equivalent}
    assert equivalent == {("acls[0]", K.REMOVE_RULE), ("acls[0]", K.WIDEN_PORTS)}


def test_two_rules_may_open_together_what_one_does() -> None:
    acls = [
        rule(["autogroup:member"], ["tag:web:80-90"]),
        rule([ALICE], ["tag:web:80-90"]),
        rule([BOB], ["tag:web:80-85"]),
        rule([BOB], ["tag:web:86-90"]),
    ]
    equivalent = [
        mutant.name for mutant in run_of({"acls": acls}).equivalent if mutant.kind is K.REMOVE_RULE
    ]
    assert equivalent == ["acls[0]", "acls[1]", "acls[2]", "acls[3]"]


def test_somebody_without_a_device_leaves_a_group_without_effect() -> None:
    groups = {"group:eng": [BOB, CAROL]}
    run = run_of({"groups": groups, "acls": [rule(["group:eng"], ["tag:web:22"])]})
    assert [mutant.what for mutant in run.equivalent] == [CAROL]
    assert [s.mutant.what for s in run.survivors if s.mutant.kind is K.DROP_MEMBER] == [BOB]


def test_a_device_is_not_asked_to_reach_itself() -> None:
    run = run_of({"acls": [rule([BOB], [f"{BOB}:22"])]})
    assert {mutant.kind for mutant in run.equivalent} == {K.REMOVE_RULE, K.WIDEN_PORTS}
    run = run_of({"acls": [rule([ALICE], [f"{ALICE}:22"])]})
    assert run.equivalent == ()


def test_a_subnet_without_a_router_is_no_access_but_a_test_may_ask_for_it() -> None:
    acls = [rule([ALICE], ["10.0.0.0/24:22"])]
    assert len(run_of({"acls": acls}).equivalent) == 2
    tests = [{"src": ALICE, "accept": ["10.0.0.7:22"]}]
    assert [mutant.kind for mutant, _ in run_of({"acls": acls, "tests": tests}).noticed] == [
        K.REMOVE_RULE
    ]


ROUTED = {
    **TAILNET,
    "nodes": [
        *TAILNET["nodes"],
        {
            "name": "router",
            "tags": ["tag:web"],
            "addresses": ["100.64.0.9"],
            "created": 9,
            "advertised_routes": ["10.0.0.0/24"],
            "approved_routes": ["10.0.0.0/24"],
        },
    ],
}


def test_a_subnet_behind_a_router_is_access_in_both_directions() -> None:
    run = run_of({"acls": [rule([BOB], ["10.0.0.0/24:22"])]}, ROUTED)
    assert [str(s.change.dst) for s in run.survivors if isinstance(s.change, Flow)] == [
        "10.0.0.1",
        "10.0.0.1",
    ]
    run = run_of({"acls": [rule(["10.0.0.0/24"], ["tag:db:22"])]}, ROUTED)
    assert [str(s.change.src) for s in run.survivors if isinstance(s.change, Flow)] == [
        "10.0.0.1",
        "10.0.0.1",
    ]


def test_what_changes_capabilities_only_is_told_apart() -> None:
    grant = {"src": [ALICE, BOB], "dst": ["tag:web"], "app": {"example.com/cap/a": [{"x": 1}]}}
    run = run_of({"grants": [grant]})
    assert [s.mutant.kind for s in run.beyond] == [K.REMOVE_RULE, K.DROP_SOURCE, K.DROP_SOURCE]
    assert all(isinstance(survivor.change, Capability) for survivor in run.beyond)
    assert (run.survivors, run.score) == ((), 100.0)


def test_the_second_of_two_equal_capabilities_makes_no_difference() -> None:
    grant = {"src": [ALICE], "dst": ["tag:web"], "app": {"example.com/cap/a": [{"x": 1}]}}
    assert len(run_of({"grants": [grant, grant]}).equivalent) == 2


def test_a_swapped_action_turns_one_answer_into_another() -> None:
    ssh = {"action": "accept", "src": [BOB], "dst": ["tag:web"], "users": ["root"]}
    run = run_of({"acls": [], "ssh": [ssh]})
    removed, swapped = (survivor.change for survivor in run.survivors)
    desktop, web = NAMES.index("desktop"), NAMES.index("web-1")
    assert removed == LoginChange(desktop, web, "root", "accept", "deny")
    assert swapped == LoginChange(desktop, web, "root", "accept", "check")


def test_a_check_hides_an_accept_for_the_same_login() -> None:
    check = {"action": "check", "src": [BOB], "dst": ["tag:web"], "users": ["root"]}
    run = run_of({"acls": [], "ssh": [check, check | {"action": "accept"}]})
    equivalent = [(mutant.name, mutant.kind) for mutant in run.equivalent]
    assert equivalent == [("ssh[1]", K.REMOVE_RULE), ("ssh[1]", K.SWAP_ACTION)]


def test_logins_among_alike_machines_are_compared_between_two_of_them() -> None:
    ssh = {"action": "accept", "src": ["tag:web"], "dst": ["tag:web"], "users": ["root"]}
    nodes = [
        {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.4"]},
        {"name": "web-2", "tags": ["tag:web"], "addresses": ["fd7a:115c:a1e0::5"]},
    ]
    run = run_of({"acls": [], "ssh": [ssh]}, TAILNET | {"nodes": nodes})
    assert [survivor.change for survivor in run.survivors] == [
        LoginChange(0, 1, "root", "accept", "deny")
    ]
    alone = run_of({"acls": [], "ssh": [ssh]}, TAILNET | {"nodes": nodes[:1]})
    assert len(alone.equivalent) == 1


def test_a_group_that_decides_on_routes_is_compiled_anew() -> None:
    router = ROUTED["nodes"][-1] | {"user": CAROL}
    del router["tags"], router["approved_routes"]
    tailnet = ROUTED | {"nodes": [*TAILNET["nodes"], router]}
    policy = {
        "groups": {"group:net": [CAROL]},
        "autoApprovers": {"routes": {"10.0.0.0/24": ["group:net"]}},
        "acls": [rule([BOB], ["10.0.0.0/24:22"])],
    }
    mutation = Mutation(tried_tests(compiled(policy, tailnet).rules))
    run = mutation.run()
    member = next(s for s in run.survivors if s.mutant.kind is K.DROP_MEMBER)
    assert isinstance(member.change, Otherwise)
    assert mutation.variants.compiled_anew == 1
    approved = tailnet | {"nodes": [*TAILNET["nodes"], ROUTED["nodes"][-1]]}
    assert K.DROP_MEMBER in {mutant.kind for mutant in run_of(policy, approved).equivalent}


def test_a_test_that_fails_notices_nothing() -> None:
    tests = [{"src": ALICE, "accept": ["tag:web:443", "tag:web:22"]}]
    run = run_of({"acls": [rule([ALICE], ["tag:web:443"])], "tests": tests})
    assert (run.noticed, run.failing) == ((), (("tests", 0),))
    assert len(run.survivors) == 2


def test_a_test_whose_source_is_the_smaller_group_is_asked_anew() -> None:
    policy = {
        "groups": {"group:eng": [BOB]},
        "acls": [rule(["group:eng"], ["tag:web:443"])],
        "tests": [{"src": "group:eng", "deny": ["tag:db:443"]}],
    }
    noticed = {mutant.kind: test for mutant, test in run_of(policy).noticed}
    assert noticed == {K.DROP_MEMBER: ("tests", 0)}  # the group has no device left


def test_the_same_policy_gives_the_same_run() -> None:
    acls = [rule(["autogroup:member", "tag:db"], ["tag:web:22,443", "autogroup:self:*"][:1])]
    policy = {"groups": {"group:eng": [ALICE, BOB]}, "acls": acls}
    assert run_of(policy) == run_of(policy)


def test_a_policy_without_rules_has_a_full_score() -> None:
    assert run_of({"acls": []}).score == 100.0


@pytest.mark.parametrize(
    ("others", "left"),
    [
        ([], [(0b111, 0b11)]),
        ([(0b111, 0b11)], []),
        ([(0b001, 0b11), (0b110, 0b01), (0b110, 0b10)], []),
        ([(0b001, 0b11), (0b110, 0b01)], [(0b110, 0b10)]),
        ([(0b1000, 0b11)], [(0b111, 0b11)]),
    ],
)
def test_rectangles_are_covered_by_several_others(
    others: list[tuple[int, int]], left: list[tuple[int, int]]
) -> None:
    assert uncovered((0b111, 0b11), others) == left


def big(rules: int, users: int) -> tuple[Policy, dict[str, Any]]:
    logins = [f"user{number}@example.com" for number in range(users)]
    tags = [f"tag:t{number}" for number in range(rules)]
    nodes = [
        {"name": f"u{n}", "user": login, "addresses": [f"100.64.{n // 250}.{n % 250 + 1}"]}
        for n, login in enumerate(logins)
    ]
    nodes += [
        {"name": f"t{n}", "tags": [tag], "addresses": [f"100.65.{n // 250}.{n % 250 + 1}"]}
        for n, tag in enumerate(tags)
    ]
    policy = {
        "groups": {"group:all": logins[: users // 2]},
        "tagOwners": dict.fromkeys(tags, logins[:1]),
        "acls": [rule(["group:all"], [f"{tag}:443"]) for tag in tags],
        "tests": [{"src": logins[0], "accept": [f"{tag}:443" for tag in tags]}],
    }
    return policy, {"users": [{"login": login} for login in logins], "nodes": nodes}


def test_the_work_for_rules_does_not_grow_with_the_users() -> None:
    counts = []
    for users in (20, 200):
        policy, tailnet = big(10, users)
        mutation = Mutation(tried_tests(compiled(policy, tailnet).rules))
        for mutant in mutants_of(mutation.rules.policy):
            if mutant.section == "acls":
                variant = mutation.variants.of(mutant)
                mutation.tests.noticing(variant)
                next(mutation.changes.of(variant), None)
        counts.append((mutation.tests.trial.decided, mutation.changes.compared))
        assert mutation.variants.compiled_anew == 0
    assert counts[0] == counts[1]
