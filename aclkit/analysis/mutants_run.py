"""A mutation run: which mutants of a policy its tests notice, and which nothing would notice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aclkit.analysis.coverage_tests import TriedTests, tried_tests
from aclkit.analysis.mutants import Mutant, mutants_of
from aclkit.analysis.mutants_changes import Capability, Change, Changes
from aclkit.analysis.mutants_variants import Variant, Variants
from aclkit.compiler.compiled_rules import CompiledRules


@dataclass(frozen=True, slots=True)
class Survivor:
    """A mutant that no test notices though it changes access; `change` is an example of that."""

    mutant: Mutant
    change: Change


@dataclass(frozen=True, slots=True)
class MutationRun:
    """What became of the mutants of a policy, each kind in the order of the mutants.

    Attributes:
        noticed: by the first test that does, as its section and index.
        survivors: what no test notices though it changes access.
        beyond: what changes capabilities only, for which no test can ask.
        equivalent: what changes no access on this tailnet, so that no test could notice it.
        failing: the tests that fail on the policy itself, and so notice nothing.
    """

    noticed: tuple[tuple[Mutant, tuple[str, int]], ...]
    survivors: tuple[Survivor, ...]
    beyond: tuple[Survivor, ...]
    equivalent: tuple[Mutant, ...]
    failing: tuple[tuple[str, int], ...] = ()

    @property
    def score(self) -> float:
        """Return the percentage that is noticed of the mutants that a test could notice.

        100 where there are none.
        """
        counted = len(self.noticed) + len(self.survivors)
        return 100 * len(self.noticed) / counted if counted else 100.0


@dataclass(slots=True)
class Mutation:
    """A compiled policy and its tests, ready for its mutants."""

    tests: TriedTests
    variants: Variants = field(init=False)
    changes: Changes = field(init=False)

    def __post_init__(self) -> None:
        self.variants = Variants(self.rules)
        self.changes = Changes(self.rules)

    @property
    def rules(self) -> CompiledRules:
        """Return the compiled policy."""
        return self.tests.trial.rules

    def run(self) -> MutationRun:
        """Return what becomes of each mutant."""
        noticed: list[tuple[Mutant, tuple[str, int]]] = []
        survivors: list[Survivor] = []
        beyond: list[Survivor] = []
        equivalent: list[Mutant] = []
        for mutant in mutants_of(self.rules.policy):
            variant = self.variants.of(mutant)
            test = self.tests.noticing(variant)
            if test is not None:
                noticed.append((mutant, test))
                continue
            changes = list(self._telling(variant))
            if not changes:
                equivalent.append(mutant)
            elif isinstance(changes[-1], Capability):
                beyond.append(Survivor(mutant, changes[0]))
            else:
                survivors.append(Survivor(mutant, changes[-1]))
        return MutationRun(
            tuple(noticed), tuple(survivors), tuple(beyond), tuple(equivalent), self.tests.failing
        )

    def _telling(self, variant: Variant) -> Iterator[Change]:
        """Yield changes up to the first that a test could notice."""
        for change in self.changes.of(variant):
            yield change
            if not isinstance(change, Capability):
                return


def run_mutants(rules: CompiledRules) -> MutationRun:
    """Return which mutants of a policy its `tests` and `sshTests` notice."""
    return Mutation(tried_tests(rules)).run()
