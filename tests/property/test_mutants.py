"""Mutants compiled on what is there, against mutants compiled from nothing."""

from __future__ import annotations

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

import aclkit
from aclkit.analysis.coverage_tests import tried_tests
from aclkit.analysis.mutants import Mutant, MutantKind, mutants_of
from aclkit.analysis.mutants_changes import Capability, Change, Flow
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.analysis.mutants_run import Mutation
from aclkit.evaluator.policytests import run_tests
from aclkit.evaluator.query import Allowed
from aclkit.evaluator.sshtests import run_ssh_tests, ssh_answer
from tests.property.strategies import ALL, LOGINS, some
from tests.property.test_model import World, compiled, worlds

# Each of these examples compiles a policy dozens of times.
FEW = settings().max_examples // 4
MUTANTS = 8
FLOWS = (("tcp", 1), ("tcp", 22), ("tcp", 80), ("tcp", 443), ("udp", 53), ("tcp", 65535))
OTHERS = (("47", 0), ("sctp", 80), ("udp", 81))
NAMES = ("root", "ubuntu", "alice", *(login.partition("@")[0] for login in LOGINS))
BEYOND = ("10.33.7.7", "10.33.1.1", "10.44.0.1", "192.168.1.7", "fd00::5", "203.0.113.7", "8.8.8.8")


def some_of(mutants: tuple[Mutant, ...], data: st.DataObject) -> list[Mutant]:
    return data.draw(some(mutants, most=MUTANTS))


def from_nothing(mutant: Mutant, fast: aclkit.CompiledPolicy) -> aclkit.CompiledPolicy:
    rules = fast.rules
    return aclkit.compile_policy(mutant.applied(rules.policy), rules.tailnet)


def pairs(fast: aclkit.CompiledPolicy) -> list[tuple[str, str]]:
    names = [node.name for node in fast.rules.nodes]
    return list(itertools.permutations(names, 2))


def packets(fast: aclkit.CompiledPolicy) -> list[bool]:
    flows = (*FLOWS, *OTHERS)
    return [fast.reaches(a, b, port, proto) for a, b in pairs(fast) for proto, port in flows]


def pings(fast: aclkit.CompiledPolicy) -> list[Allowed]:
    """Each family's own: ICMP for IPv4 does not travel over IPv6."""
    return [
        fast.query(src, str(address), 0, "icmp" if address.family == 4 else "ipv6-icmp").allowed
        for src, dst in pairs(fast)
        for address in fast.rules.addresses(fast.node_number(dst))
    ]


def to_addresses(fast: aclkit.CompiledPolicy) -> list[Allowed]:
    return [
        fast.query(node.name, address, port).allowed
        for node in fast.rules.nodes
        for address in BEYOND
        for port in (22, 80)
    ]


def logins(fast: aclkit.CompiledPolicy) -> list[str]:
    numbers = range(len(fast.rules.nodes))
    return [
        ssh_answer(fast.rules.ssh, a, b, name)
        for a, b in itertools.permutations(numbers, 2)
        for name in NAMES
    ]


def capabilities(fast: aclkit.CompiledPolicy) -> list[Any]:
    numbers = range(len(fast.rules.nodes))
    return [
        {name: {repr(value) for value in values or ()} for name, values in granted.items()}
        for a, b in itertools.permutations(numbers, 2)
        for granted in [fast.reach.granted_caps(a, b)]
    ]


KINDS = (packets, pings, to_addresses, logins, capabilities)


@settings(max_examples=FEW)
@given(worlds(ALL - {"tests"}), st.data())
def test_an_equivalent_mutant_changes_no_access(world: World, data: st.DataObject) -> None:
    fast = compiled(world)
    mutation = Mutation(tried_tests(fast.rules))
    before = [of(fast) for of in KINDS]
    for mutant in some_of(mutants_of(fast.rules.policy), data):
        if next(mutation.changes.of(mutation.variants.of(mutant)), None) is None:
            slow = from_nothing(mutant, fast)
            after = [of(slow) for of in KINDS]
            assert (mutant, after) == (mutant, before)


def answers(change: Change, fast: aclkit.CompiledPolicy) -> object:
    """What *fast* says of a change; None where no public question asks for it."""
    names = [node.name for node in fast.rules.nodes]
    match change:
        case Flow(src=int(src), dst=dst):
            if isinstance(dst, int):
                addresses = fast.rules.addresses(dst)
                dst = next(each for each in addresses if each.family is change.family)
            verdict = fast.query(names[src], str(dst), change.port, str(change.proto))
            return verdict.allowed is Allowed.ALL
        case Capability(src=int(src), dst=int(dst)):
            granted = fast.reach.granted_caps(src, dst)
            return {name: {repr(v) for v in values or ()} for name, values in granted.items()}
        case LoginChange(src=src, dst=dst):
            return ssh_answer(fast.rules.ssh, src, dst, change.login)
        case _:
            return None


@settings(max_examples=FEW)
@given(worlds(ALL - {"tests"}), st.data())
def test_what_a_mutant_is_said_to_change_changes(world: World, data: st.DataObject) -> None:
    fast = compiled(world)
    mutation = Mutation(tried_tests(fast.rules))
    for mutant in some_of(mutants_of(fast.rules.policy), data):
        slow = None
        for change in itertools.islice(mutation.changes.of(mutation.variants.of(mutant)), 20):
            slow = slow or from_nothing(mutant, fast)
            before, after = answers(change, fast), answers(change, slow)
            if before is None:
                continue
            match change:
                case Flow(opens=opens):
                    said: tuple[object, object] = (not opens, opens)
                case LoginChange(before=was, after=now):
                    said = (was, now)
                case _:
                    said = (before, after) if before != after else (None, None)
            assert (mutant, change, before, after) == (mutant, change, *said)


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_a_mutant_is_noticed_exactly_when_a_test_that_held_fails_on_it(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    mutation = Mutation(tried_tests(fast.rules))
    held = {
        (result.section, result.index)
        for result in (*run_tests(fast.rules), *run_ssh_tests(fast.rules, fast.rules.ssh))
        if result.passed
    }
    for mutant in some_of(mutants_of(fast.rules.policy), data):
        slow = from_nothing(mutant, fast).rules
        failed = [
            (result.section, result.index)
            for result in (*run_tests(slow), *run_ssh_tests(slow, slow.ssh))
            if not result.passed and (result.section, result.index) in held
        ]
        noticed = mutation.tests.noticing(mutation.variants.of(mutant))
        assert (mutant, noticed) == (mutant, failed[0] if failed else None)


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_rule_by_which_alone_an_accept_passes_is_not_removed_unnoticed(world: World) -> None:
    mutation = Mutation(tried_tests(compiled(world).rules))
    cells = mutation.rules.cells
    for entry in mutation.tests.entries:
        for passing in entry.passing.values():
            behind = {(c.rule.section, c.rule.index) for c in cells if passing >> c.number & 1}
            if entry.expectation.expected == "accept" and len(behind) == 1:
                removed = [
                    mutant
                    for mutant in mutants_of(mutation.rules.policy)
                    if mutant.kind is MutantKind.REMOVE_RULE
                    and (mutant.section, mutant.index) in behind
                ]
                for mutant in removed:
                    assert mutation.tests.noticing(mutation.variants.of(mutant))
