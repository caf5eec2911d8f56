"""The policy's `sshTests`, with the control plane's verdicts (docs/reference/tests.md).

Each listed login must get exactly the stated answer for every source and every destination. Whether
port 22 is open plays no part.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import product

from aclkit.addresses import Address, Family
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import SshPolicies
from aclkit.evaluator.meetings import different
from aclkit.evaluator.policytests import (
    TestFailure,
    TestResult,
    UnusableTestError,
    addresses_of,
    test_selector,
)
from aclkit.evaluator.whole_rules import met_postures
from aclkit.policy.model import SshTest
from aclkit.policy.text import Text
from aclkit.target import Position
from aclkit.wording import and_more

P = Position


def run_ssh_tests(rules: CompiledRules, ssh: SshPolicies) -> tuple[TestResult, ...]:
    """Return the verdict on each entry of `sshTests`, in order."""
    results = []
    supposed: dict[frozenset[str], SshPolicies] = {}
    for index, test in enumerate(rules.policy.ssh_tests):
        met = met_postures(rules, test.src_posture_attrs)
        if met not in supposed:
            supposed[met] = ssh.supposing(met)
        failures = tuple(_failures(test, rules, supposed[met]))
        src = test.src.value if test.src else ""
        results.append(TestResult("sshTests", index, src, not failures, test.span, failures))
    return tuple(results)


def _failures(test: SshTest, rules: CompiledRules, ssh: SshPolicies) -> Iterable[TestFailure]:
    for each in ssh_expectations(test, rules):
        if isinstance(each, TestFailure):
            yield each
            continue
        wrong = ssh_contradictions(each, rules, ssh)
        if wrong:
            src, dst, got = wrong[0]
            nodes = rules.nodes
            pair = f"{each.login.value} from {nodes[src].name} to {nodes[dst].name}"
            detail = and_more(pair, len(wrong) - 1)
            yield TestFailure(each.text.value, each.expected, got, detail, each.login.span)


@dataclass(frozen=True, slots=True)
class SshExpectation:
    """One login to one entry of `dst`, resolved.

    `expected` is `accept`, `check` or `deny`. Sources and destinations are nodes, by class.
    """

    expected: str
    text: Text
    login: Text
    sources: tuple[tuple[int, tuple[int, ...]], ...]
    destinations: tuple[tuple[int, tuple[int, ...]], ...]

    def pairs(self) -> Iterator[tuple[int, int]]:
        """Yield pairs of nodes that stand for all: one of two classes, and one of a node itself."""
        for (source, nodes), (destination, others) in product(self.sources, self.destinations):
            if source != destination:
                yield nodes[0], others[0]
                continue
            if pair := different(nodes, others):
                yield pair
            for node in sorted(set(nodes).intersection(others))[:1]:
                yield node, node


def ssh_expectations(test: SshTest, rules: CompiledRules) -> Iterator[SshExpectation | TestFailure]:
    """Yield what *test* expects, in order; a failure where it can't be tried."""
    try:
        if test.src is None or not test.src.value.strip():
            raise UnusableTestError(
                "an SSH test needs a `src`", test.src.span if test.src else test.span
            )
        if not (test.accept or test.check or test.deny):
            raise UnusableTestError("an SSH test needs `accept`, `check` or `deny`", test.span)
        if not test.dst:
            raise UnusableTestError("an SSH test needs a `dst`", test.span)
        sources = _by_class(_points(test.src, P.SSH_TEST_SRC, rules), rules, test.src)
    except UnusableTestError as problem:
        yield TestFailure("", "", "", problem.detail, problem.span)
        return
    for text in test.dst:
        try:
            destinations = _by_class(_destination(text, rules), rules, text)
        except UnusableTestError as problem:
            yield TestFailure(text.value, "", "", problem.detail, problem.span)
            continue
        for expected, login in _logins(test):
            if not login.value.strip():
                yield TestFailure(text.value, expected, "", "empty login", login.span)
                continue
            yield SshExpectation(expected, text, login, sources, destinations)


def ssh_contradictions(
    expectation: SshExpectation, rules: CompiledRules, ssh: SshPolicies
) -> list[tuple[int, int, str]]:
    """Return pairs of nodes that go against an expectation, each with the answer that it gets.

    There is one for each pair of classes.
    """
    login, class_of = expectation.login.value.strip(), rules.classes.class_of
    found: dict[tuple[int, int], tuple[int, int, str]] = {}
    for src, dst in expectation.pairs():
        got = ssh_answer(ssh, src, dst, login)
        if not _satisfies(got, expectation.expected, rules):
            found.setdefault((class_of[src], class_of[dst]), (src, dst, got))
    return list(found.values())


def _logins(test: SshTest) -> Iterator[tuple[str, Text]]:
    for expected, logins in (("accept", test.accept), ("check", test.check), ("deny", test.deny)):
        for login in logins:
            yield expected, login


def _satisfies(got: str, expected: str, rules: CompiledRules) -> bool:
    checks_too = rules.policy.target.meaning.tests.check_is_accept
    return got == expected or (got == "check" and expected == "accept" and checks_too)


def ssh_answer(ssh: SshPolicies, src: int, dst: int, login: str) -> str:
    """Return `accept`, `check` or `deny` for a login from one node to another."""
    rule = ssh.decide(src, dst, login)
    if rule is None:
        return "deny"
    return "check" if rule.checks else "accept"


def _points(text: Text, position: Position, rules: CompiledRules) -> list[Address]:
    return addresses_of(test_selector(text, position, rules), text, rules)


def _destination(text: Text, rules: CompiledRules) -> list[Address]:
    selector = test_selector(text, P.SSH_TEST_DST, rules)
    is_ipv6 = selector.prefix is not None and selector.prefix.family is Family.V6
    if is_ipv6 and rules.policy.target.owned_domains:
        # Recording sshtest-malformed-dst-bare-ipv6: taken, but the test fails.
        raise UnusableTestError(
            "an IPv6 address can't be the destination of an SSH test", text.span
        )
    return addresses_of(selector, text, rules)


def _by_class(
    addresses: Iterable[Address], rules: CompiledRules, text: Text
) -> tuple[tuple[int, tuple[int, ...]], ...]:
    """Return the nodes that have *addresses*, by class, each once."""
    found: dict[int, dict[int, None]] = {}
    for address in addresses:
        node = rules.node_with.get(address)
        if node is None:
            raise UnusableTestError(f"no device has the address {address}", text.span)
        found.setdefault(rules.classes.class_of[node], {})[node] = None
    return tuple((number, tuple(nodes)) for number, nodes in found.items())
