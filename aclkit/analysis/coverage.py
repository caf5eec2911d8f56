"""Coverage: which rules, and which of their parts, a test of the policy touches.

A *part* is the sources of one rule and one of its destinations: for `acls` and `grants` with its
ports, for `ssh` without. An entry of a test touches a part

- by passing: a pair of an `accept` or `check` passes by it, alone or with others;
- by guarding it: a pair of a `deny` has two of the three things that would let it pass, so that the
  entry would fail if the part were a little wider. The three are the source (postures aside), the
  destination, and the port with its protocol, or the login.

Parts that no test can ask for are left out: capabilities, and what a target's tests do not see.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace

from aclkit.analysis.coverage_tests import TriedTests
from aclkit.compiler.attributes import target_classes
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.rules import IpProto
from aclkit.compiler.ssh import CompiledSshRule
from aclkit.evaluator.policytests import tried_pairs
from aclkit.evaluator.whole_rules import seen_by_tests
from aclkit.policy.ports import PortBounds
from aclkit.policy.selectors import Selector
from aclkit.source import Span


@dataclass(frozen=True, slots=True)
class Part:
    """One destination of one rule, with how many entries of tests touch it.

    Attributes:
        destination: the selector, as written; `ports` and `ip_proto` are those of the rule.
        passed: entries that pass by it.
        guarded: entries of `deny` that it would take little to break.
    """

    destination: str
    ports: tuple[PortBounds, ...]
    ip_proto: IpProto
    passed: int
    guarded: int

    @property
    def touched(self) -> bool:
        """Return whether any entry touches it."""
        return bool(self.passed or self.guarded)


@dataclass(frozen=True, slots=True)
class RuleCoverage:
    """A rule and its parts, in order; `unseen` says why no test can ask for it, if none can."""

    section: str
    index: int
    span: Span
    parts: tuple[Part, ...]
    unseen: str = ""

    @property
    def touched(self) -> int:
        """Return how many of its parts are touched."""
        return sum(part.touched for part in self.parts)


@dataclass(frozen=True, slots=True)
class Coverage:
    """What the tests of a policy touch, rule by rule, in the order of the file.

    `failing` are tests that do not hold; they touch nothing.
    """

    rules: tuple[RuleCoverage, ...]
    failing: tuple[tuple[str, int], ...] = ()

    @property
    def parts(self) -> int:
        """Return how many parts there are that tests can ask for."""
        return sum(len(rule.parts) for rule in self.rules)

    @property
    def touched(self) -> int:
        """Return how many of them are touched."""
        return sum(rule.touched for rule in self.rules)

    @property
    def percent(self) -> float:
        """Return the percentage of parts that are touched; 100 where there are none."""
        return 100 * self.touched / self.parts if self.parts else 100.0


def coverage(tests: TriedTests) -> Coverage:
    """Return what the tests of a policy touch of its rules."""
    rules = tests.trial.rules
    found = (*_access(rules, tests), *_logins(rules, tests))
    return Coverage(tuple(sorted(found, key=lambda rule: rule.span)), tests.failing)


def _access(rules: CompiledRules, tests: TriedTests) -> Iterator[RuleCoverage]:
    passed: Counter[int] = Counter()
    guarded: Counter[int] = Counter()
    for entry in tests.entries:
        if entry.expectation.expected == "accept":
            passed.update(members(entry.touched))
            continue
        whole, serving = (
            tests.trial.asked.whole(entry.met),
            tests.trial.asked.serving(entry.met, entry.expectation),
        )
        near = 0
        for src, dst in tried_pairs(entry.expectation, rules):
            near |= whole.near(src, dst, serving)
        guarded.update(members(near))
    parts: dict[tuple[str, int], list[Part]] = {}
    for cell in seen_by_tests(rules):
        assert cell.entry is not None
        parts.setdefault((cell.rule.section, cell.rule.index), []).append(
            Part(
                cell.entry.selector.text, cell.entry.ports, cell.ip_proto,
                passed[cell.number], guarded[cell.number],
            )
        )  # fmt: skip
    kinds: dict[tuple[str, int], set[CellKind]] = {}
    for cell in rules.cells:
        kinds.setdefault((cell.rule.section, cell.rule.index), set()).add(cell.kind)
    for rule in rules.rules:
        if rule.span is not None:
            key = rule.section, rule.index
            found = tuple(parts.get(key, ()))
            unseen = "" if found else _why_unseen(rules, kinds.get(key, set()))
            yield RuleCoverage(*key, rule.span, found, unseen)


def _why_unseen(rules: CompiledRules, kinds: set[CellKind]) -> str:
    if CellKind.PORTS in kinds:
        return f"the tests of {rules.policy.target.title} see neither `autogroup:self` nor `via`"
    if kinds:
        return "it gives capabilities, for which no test can ask"
    return "it opens nothing"


def _logins(rules: CompiledRules, tests: TriedTests) -> Iterator[RuleCoverage]:
    known = {rule.number: rule for rule in rules.ssh.rules}
    for index, rule in enumerate(rules.policy.ssh):
        compiled = known.get(index)
        if compiled is None:
            yield RuleCoverage("ssh", index, rule.span, (), "it opens nothing")
            continue
        parts = tuple(_login_part(rules, tests, compiled, selector) for selector in rule.dst)
        yield RuleCoverage("ssh", index, rule.span, parts)


def _login_part(
    rules: CompiledRules, tests: TriedTests, rule: CompiledSshRule, selector: Selector
) -> Part:
    named = target_classes(selector, rules.resolver, rules.classes)
    to_self = selector.is_autogroup("self")
    everywhere = replace(rule, sources=rules.classes.everyone, destinations=rules.classes.everyone)
    fitting = replace(rules.ssh, rules=(everywhere,))
    class_of, nodes = rules.classes.class_of, rules.nodes
    passed = guarded = 0
    for entry in tests.logins:
        ssh = tests.trial.asked.ssh(entry.met)
        supposed = next(each for each in ssh.rules if each.number == rule.number)
        login = entry.expectation.login.value.strip()
        passes = guards = False
        for src, dst in entry.expectation.pairs():
            user = nodes[src].user
            own = to_self and user is not None and user == nodes[dst].user
            there = bool(named >> class_of[dst] & 1) or own
            if entry.expectation.expected != "deny":
                deciding = ssh.decide(src, dst, login)
                passes |= there and deciding is not None and deciding.number == rule.number
                continue
            fits = fitting.decide(src, dst, login) is not None
            guards |= bool(supposed.sources >> class_of[src] & 1) + there + fits >= 2
        passed, guarded = passed + passes, guarded + guards
    return Part(selector.text, (), None, passed, guarded)
