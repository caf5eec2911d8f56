"""The tests of a policy, ready to be tried on it and on its mutants.

What a test tries is worked out once. Of a mutant only its own cells are asked then: each pair knows
by which cells of the policy it passes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from aclkit.addresses import Family
from aclkit.analysis.mutants_variants import Variant
from aclkit.compiler.bitsets import bitset
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import SshPolicies
from aclkit.evaluator.policytests import (
    Expectation,
    TestFailure,
    contradictions,
    expectations,
    tried_pairs,
)
from aclkit.evaluator.sshtests import SshExpectation, ssh_contradictions, ssh_expectations
from aclkit.evaluator.whole_rules import BARRED, Point, Serving, WholeRules, met_postures
from aclkit.policy.model import PolicyTest, SshTest

Met: TypeAlias = frozenset[str]
"""The postures that the source of a test is supposed to meet."""


_NOWHERE: Serving = {Family.V4: 0, Family.V6: 0}


@dataclass(frozen=True, slots=True)
class Tried:
    """One entry of `accept` or `deny` of a test, tried on a policy.

    Attributes:
        test: the test with this entry alone; `index` is its place in `tests`.
        crossing: the cells of which a pair has source and destination, whatever the port, as a
            bitset; for the pairs that have any. `crossed` is all of them.
        passing: those of these cells by which the pair passes; `touched` is all of them.
        holds: whether the policy is as the entry says.
    """

    test: PolicyTest
    index: int
    expectation: Expectation
    met: Met
    crossing: dict[tuple[Point, Point], int]
    crossed: int
    passing: dict[tuple[Point, Point], int]
    touched: int
    holds: bool


@dataclass(frozen=True, slots=True)
class TriedLogin:
    """One login to one destination of an SSH test, tried on a policy."""

    test: SshTest
    index: int
    expectation: SshExpectation
    met: Met
    holds: bool


@dataclass(slots=True)
class Asked:
    """Compiled rules as tests ask them: once for each set of postures that a source meets."""

    rules: CompiledRules
    _whole: dict[Met, WholeRules] = field(default_factory=dict)
    _serving: dict[tuple[Met, int | None, int], Serving] = field(default_factory=dict)
    _ssh: dict[Met, SshPolicies] = field(default_factory=dict)

    def whole(self, met: Met) -> WholeRules:
        """Return what answers where the source meets the postures *met*."""
        found = self._whole.get(met)
        if found is None:
            found = self._whole[met] = WholeRules(self.rules, met)
        return found

    def serving(self, met: Met, each: Expectation) -> Serving:
        """Return the cells that open the port of an entry."""
        key = met, each.proto, each.port
        found = self._serving.get(key)
        if found is None:
            found = self._serving[key] = self.whole(met).serving(each.proto, each.port)
        return found

    def ssh(self, met: Met) -> SshPolicies:
        """Return the SSH rules as they are where each source meets the postures *met*."""
        found = self._ssh.get(met)
        if found is None:
            found = self._ssh[met] = self.rules.ssh.supposing(met)
        return found


@dataclass(slots=True)
class _Added:
    """A variant: all of its cells, and those alone that it adds."""

    variant: Variant
    all: Asked = field(init=False)
    new: Asked = field(init=False)

    def __post_init__(self) -> None:
        rules = self.variant.rules
        self.all = Asked(rules)
        self.new = Asked(replace(rules, cells=self.variant.added))


@dataclass(slots=True)
class Trial:
    """Tries tests on a compiled policy and on its mutants.

    `decided` is how many entries were decided: what the work of a mutation run grows with.
    """

    asked: Asked
    decided: int = 0
    _added: _Added | None = None

    @property
    def rules(self) -> CompiledRules:
        """Return the rules of the policy itself."""
        return self.asked.rules

    def tried(self, index: int, test: PolicyTest) -> Iterator[Tried | TestFailure]:
        """Yield the entries of *test*; failures for what can't be tried."""
        met = met_postures(self.rules, test.src_posture_attrs)
        for each in expectations(test, self.asked.whole(met)):
            if isinstance(each, TestFailure):
                yield each
                continue
            accept, deny = (
                (each.text,) if each.expected == expected else () for expected in ("accept", "deny")
            )
            yield self._tried(index, replace(test, accept=accept, deny=deny), each, met)

    def _tried(self, index: int, test: PolicyTest, each: Expectation, met: Met) -> Tried:
        whole, serving = self.asked.whole(met), self.asked.serving(met, each)
        crossing: dict[tuple[Point, Point], int] = {}
        passing: dict[tuple[Point, Point], int] = {}
        crossed = touched = 0
        for pair in tried_pairs(each, self.rules):
            cells = whole.near(*pair, _NOWHERE) if pair[1].address not in BARRED else 0
            if cells:
                crossing[pair] = cells
                crossed |= cells
                cells = whole.allows(*pair, serving)
                if cells:
                    passing[pair] = cells
                    touched |= cells
        holds = self._agrees(each, lambda src, dst: passing.get((src, dst), 0))
        return Tried(test, index, each, met, crossing, crossed, passing, touched, holds)

    def tried_logins(self, index: int, test: SshTest) -> Iterator[TriedLogin | TestFailure]:
        """Yield the logins of *test*; failures for what can't be tried."""
        met = met_postures(self.rules, test.src_posture_attrs)
        for each in ssh_expectations(test, self.rules):
            if isinstance(each, TestFailure):
                yield each
                continue
            accept, check, deny = (
                (each.login,) if each.expected == expected else ()
                for expected in ("accept", "check", "deny")
            )
            alone = replace(test, dst=(each.text,), accept=accept, check=check, deny=deny)
            self.decided += 1
            holds = not ssh_contradictions(each, self.rules, self.asked.ssh(met))
            yield TriedLogin(alone, index, each, met, holds)

    def _agrees(self, each: Expectation, allows: Callable[[Point, Point], int]) -> bool:
        self.decided += 1
        found = contradictions(each, self.rules, allows)
        return found is not None and next(found, None) is None

    def still_holds(self, tried: Tried, variant: Variant) -> bool:
        """Return whether an entry that holds on the policy does so on *variant* too."""
        if variant.anew or _names(tried.test, variant.group):
            whole = self._added_by(variant).all.whole(tried.met)
            return all(
                isinstance(each, Expectation) and self._agrees(each, self._asking(whole, each))
                for each in expectations(tried.test, whole)
            )
        accept, widens = tried.expectation.expected == "accept", variant.widens
        # Other mutants than wider ports open nothing; wider ports close nothing.
        if accept is widens or not (tried.touched if accept else tried.crossed) & variant.gone:
            return True
        if widens:
            self.decided += 1
            return not self._passes_widened(tried, variant)
        added = self._added_by(variant).new
        new, serving = added.whole(tried.met), added.serving(tried.met, tried.expectation)

        def allows(src: Point, dst: Point) -> int:
            passing = tried.passing.get((src, dst), 0)
            return passing & ~variant.gone or (passing and new.allows(src, dst, serving))

        return self._agrees(tried.expectation, allows)

    def _passes_widened(self, tried: Tried, variant: Variant) -> bool:
        """Return whether a pair passes by the wider ports of a cell that it crosses."""
        serving = self._added_by(variant).new.serving(tried.met, tried.expectation)
        cells = tuple(zip(variant.removed, variant.added, strict=True))
        opened = {
            family: bitset(old.number for old, new in cells if serving[family] >> new.number & 1)
            for family in Family
        }
        return any(
            crossed & opened[dst.address.family] for (_, dst), crossed in tried.crossing.items()
        )

    @staticmethod
    def _asking(whole: WholeRules, each: Expectation) -> Callable[[Point, Point], int]:
        serving = whole.serving(each.proto, each.port)
        return lambda src, dst: whole.allows(src, dst, serving)

    def _added_by(self, variant: Variant) -> _Added:
        """Return what *variant* adds; kept until the next one is asked for."""
        if self._added is None or self._added.variant is not variant:
            self._added = _Added(variant)
        return self._added

    def login_still_holds(self, tried: TriedLogin, variant: Variant) -> bool:
        """Return whether a login that holds on the policy does so on *variant* too."""
        anew = variant.anew or _names(tried.test, variant.group)
        if not variant.logins and not anew:
            return True
        ssh = self._added_by(variant).all.ssh(tried.met)
        expected = ssh_expectations(tried.test, variant.rules) if anew else (tried.expectation,)
        for each in expected:
            self.decided += 1
            if isinstance(each, TestFailure) or ssh_contradictions(each, variant.rules, ssh):
                return False
        return True


@dataclass(frozen=True, slots=True)
class TriedTests:
    """All tests of a policy, tried on it: the entries of those that hold.

    `failing` are the tests that don't, as section and index; they prove nothing.
    """

    trial: Trial
    entries: tuple[Tried, ...]
    logins: tuple[TriedLogin, ...]
    failing: tuple[tuple[str, int], ...]

    def noticing(self, variant: Variant) -> tuple[str, int] | None:
        """Return the first test that fails on *variant*, as section and index; None without."""
        for entry in self.entries:
            if not self.trial.still_holds(entry, variant):
                return "tests", entry.index
        for login in self.logins:
            if not self.trial.login_still_holds(login, variant):
                return "sshTests", login.index
        return None


def tried_tests(rules: CompiledRules) -> TriedTests:
    """Return the `tests` and `sshTests` of a policy, tried on it."""
    trial = Trial(Asked(rules))
    entries: list[Tried] = []
    logins: list[TriedLogin] = []
    failing: list[tuple[str, int]] = []
    for index, test in enumerate(rules.policy.tests):
        tried = list(trial.tried(index, test))
        if all(isinstance(each, Tried) and each.holds for each in tried):
            entries += (each for each in tried if isinstance(each, Tried))
        else:
            failing.append(("tests", index))
    for index, ssh_test in enumerate(rules.policy.ssh_tests):
        answers = list(trial.tried_logins(index, ssh_test))
        if all(isinstance(each, TriedLogin) and each.holds for each in answers):
            logins += (each for each in answers if isinstance(each, TriedLogin))
        else:
            failing.append(("sshTests", index))
    return TriedTests(trial, tuple(entries), tuple(logins), tuple(failing))


def _names(test: PolicyTest | SshTest, group: str) -> bool:
    """Return whether *test* names *group*; if that has no name, it does not."""
    if not group:
        return False
    destinations = test.dst if isinstance(test, SshTest) else (*test.accept, *test.deny)
    words = (*((test.src,) if test.src else ()), *destinations)
    return any(group in word.value for word in words)
