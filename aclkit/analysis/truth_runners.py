"""Where the runner of a target is known to answer otherwise than Tailscale's, and why.

What differs is data of the target. Each difference is tried alone, so that a note names those that
matter for the test at hand.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace

from aclkit.analysis.outcomes import Note
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.policytests import TestResult, run_tests
from aclkit.evaluator.sshtests import run_ssh_tests
from aclkit.target.model import TestMeaning

RUNNER_DIFFERS = "test-runner-differs"

# How Headscale's runner decides, by the field of `TestMeaning` that says so.
_FACTS = {
    "own_and_via": "it leaves out rules with `autogroup:self` or `via`",
    "protocols": "without `proto` ICMP is enough for it",
    "any_destination": "one address of a destination is enough for it",
    "check_is_accept": "it takes a check for an accept",
    "as_clients": "it does not let ICMP pass by rules for other protocols, as clients do",
}


def runner_notes(
    compiled: CompiledPolicy, results: Sequence[TestResult]
) -> dict[tuple[str, int], Note]:
    """Return, by section and index, where the target's runner is known to answer on its own.

    Empty for Tailscale, whose answers are the measure.
    """
    meaning = compiled.rules.policy.target.meaning.tests
    usual = TestMeaning()
    differing = [
        each.name for each in fields(TestMeaning)
        if getattr(meaning, each.name) != getattr(usual, each.name)
    ]  # fmt: skip
    if not differing or not results:
        return {}
    elsewhere = _verdicts(compiled.rules, usual)
    apart = {
        (result.section, result.index): result
        for result in results
        if _unmet(elsewhere[result.section, result.index]) != _unmet(result)
    }
    if not apart:
        return {}
    facts: dict[tuple[str, int], list[str]] = {key: [] for key in apart}
    for name in differing:
        single = _verdicts(compiled.rules, replace(meaning, **{name: getattr(usual, name)}))
        for key, result in apart.items():
            if _unmet(single[key]) != _unmet(result):
                facts[key].append(_FACTS[name])
    title = compiled.rules.policy.target.title
    notes = {}
    for key, result in apart.items():
        why = "; ".join(facts[key]) or "for several reasons at once"
        says = "passes" if elsewhere[key].passed else "fails"
        also = " too, but otherwise" if elsewhere[key].passed is result.passed else ""
        message = f"{title} answers on its own here: {why}; with Tailscale this test {says}{also}"
        notes[key] = Note(RUNNER_DIFFERS, message, result.span)
    return notes


def _unmet(result: TestResult) -> set[tuple[str, str]]:
    return {(failure.destination, failure.expected) for failure in result.failures}


def _verdicts(rules: CompiledRules, meaning: TestMeaning) -> dict[tuple[str, int], TestResult]:
    """Return the verdicts as a runner with *meaning* gives them."""
    policy = rules.policy
    target = replace(policy.target, meaning=replace(policy.target.meaning, tests=meaning))
    other = replace(rules, policy=replace(policy, target=target))
    results = (*run_tests(other), *run_ssh_tests(other, other.ssh))
    return {(result.section, result.index): result for result in results}
