"""Tests of a policy, and scenario files: run, and their results.

`test_results` runs the `tests` and `sshTests` of a policy with the control plane's verdicts, and
says what these hide. `run_scenario` runs a scenario file (docs/scenarios.md), which can ask more.
"""

# ruff: noqa: PT028 - `test_results` tests policies, it is no test of ours

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from aclkit.analysis.outcomes import TestRun
from aclkit.analysis.scenario_files import Reference, Scenario, read_scenario
from aclkit.analysis.scenario_names import Names
from aclkit.analysis.scenario_tests import Trial
from aclkit.analysis.truth import Truth
from aclkit.analysis.truth_answers import Supposing
from aclkit.analysis.truth_runners import runner_notes
from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.diagnostics import Diagnostic, TailnetError, error, in_order
from aclkit.evaluator.policytests import TestResult, run_tests
from aclkit.evaluator.sshtests import run_ssh_tests
from aclkit.hujson.decoding import decode
from aclkit.limits import Limits, TailnetLimits
from aclkit.policy.load import load_policy
from aclkit.policy.text import Text
from aclkit.source import Source, Span
from aclkit.tailnet.assumptions import assumptions
from aclkit.tailnet.implied import implied_tailnet
from aclkit.tailnet.load import read_tailnet
from aclkit.tailnet.model import Tailnet
from aclkit.target import ALIASES, TARGETS, Reading, Target, UnknownTargetError, find_target
from aclkit.wording import listed

SUFFIX = ".acltest.hujson"

_LIMITS = Limits()


class ScenarioError(Exception):
    """A scenario that can't be run; `diagnostics` say why, with places in `source`.

    That is the scenario, or the tailnet that it names. As text, it is the first diagnostic with its
    place.
    """

    def __init__(self, diagnostics: Iterable[Diagnostic], source: Source) -> None:
        self.diagnostics = in_order(diagnostics)
        self.source = source
        first = self.diagnostics[0]
        span = first.primary.span
        place = source.name
        if span is not None and span.end <= len(source.text):
            at = source.position(span.start)
            place = f"{source.name}:{at.line}:{at.column}"
        super().__init__(f"{place}: {first.message}")

    def __reduce__(self) -> tuple[object, ...]:
        return type(self), (self.diagnostics, self.source)


def test_results(
    text: str | bytes,
    tailnet: Tailnet | None = None,
    target: str = "tailscale",
    *,
    filename: str = "policy.hujson",
    select: str = "",
) -> TestRun:
    """Run the tests of a policy.

    Args:
        text: the policy, as HuJSON.
        tailnet: None for the tailnet that the policy implies.
        target: whose verdicts.
        filename: the name for messages.
        select: only tests of which the name, such as ``tests[2]``, the source or a destination
            holds this text, whatever its case.

    Raises:
        PolicyError: the policy has errors; with `source`.
        UnknownTargetError: no such target.
    """
    policy = load_policy(text, target, filename=filename)
    assumed = implied_tailnet(policy) if tailnet is None else tailnet
    compiled = compile_policy(policy, assumed)
    rules = compiled.rules
    truth = Truth(Supposing(compiled))
    results = (*run_tests(rules), *run_ssh_tests(rules, rules.ssh))
    own = runner_notes(compiled, results)
    outcomes = []
    for result in results:
        if not _is_selected(_words(compiled, result), select):
            continue
        if result.section == "tests":
            outcome = truth.of_test(policy.tests[result.index], result)
        else:
            outcome = truth.of_ssh_test(policy.ssh_tests[result.index], result)
        note = own.get((result.section, result.index))
        outcomes.append(outcome if note is None else replace(outcome, notes=(*outcome.notes, note)))
    return TestRun(
        policy.source,
        policy.source,
        policy.target.name,
        tuple(outcomes),
        len(results) - len(outcomes),
        (*_left_aside(policy.target), *assumptions(policy, assumed)),
    )


# It is no test of pytest, wherever it is imported.
vars(test_results)["__test__"] = False


def _words(compiled: CompiledPolicy, result: TestResult) -> list[str]:
    """Return what a test can be selected by."""
    policy = compiled.rules.policy
    if result.section == "tests":
        test = policy.tests[result.index]
        listed: tuple[Text, ...] = (*test.accept, *test.deny)
    else:
        ssh = policy.ssh_tests[result.index]
        listed = (*ssh.dst, *ssh.accept, *ssh.check, *ssh.deny)
    name = f"{result.section}[{result.index}]"
    return [name, result.src, *(text.value for text in listed)]


def _is_selected(words: Iterable[str], select: str) -> bool:
    wanted = select.casefold()
    return any(wanted in word.casefold() for word in words)


def _left_aside(target: Target) -> Iterator[str]:
    """Yield that *target* has no runner for tests, if that is so."""
    if target.sections["tests"] is not Reading.READ:
        yield f"{target.title} runs no tests of a policy"


def run_scenario(
    path: str | os.PathLike[str], *, select: str = "", name: str | None = None
) -> TestRun:
    """Run the scenario file at *path*.

    Args:
        path: of the file; the paths in it are relative to its folder.
        select: as for `test_results`; names of tests count too.
        name: what messages call the file; its path where none is given.

    Raises:
        OSError: the file can't be read.
        ScenarioError: there is a mistake in it, or in the tailnet that it names.
        PolicyError: the policy has errors; with `source`.
    """
    place = Path(path)
    with place.open("rb") as file:
        data = file.read(_LIMITS.bytes + 1)
    return scenario_results(data, place.parent, name or os.fspath(path), select=select)


def scenario_results(
    text: str | bytes, folder: str | os.PathLike[str], name: str, *, select: str = ""
) -> TestRun:
    """Run the scenario *text*, of which paths are relative to *folder*.

    Raises:
        ScenarioError: there is a mistake in it, or in the tailnet that it names.
        PolicyError: the policy has errors; with `source`.
    """
    diagnostics: list[Diagnostic] = []
    source = decode(text, name, _LIMITS, diagnostics)
    if source is None:
        raise ScenarioError(diagnostics, Source.of(name, text))
    scenario = read_scenario(source, diagnostics, _LIMITS)
    if scenario is None:
        raise ScenarioError(diagnostics, source)
    compiled = _compiled(scenario, Path(folder))
    names = Names(compiled.rules, diagnostics)
    names.check(scenario)
    if diagnostics:
        raise ScenarioError(diagnostics, source)
    trial = Trial(Supposing(compiled))
    entries = sorted(trial.entries(scenario), key=lambda entry: entry.start)
    selected = [entry for entry in entries if _is_selected(entry.words, select)]
    return TestRun(
        source,
        compiled.rules.policy.source,
        compiled.rules.policy.target.name,
        tuple(entry.run() for entry in selected),
        len(entries) - len(selected),
        assumptions(compiled.rules.policy, compiled.rules.tailnet),
    )


def _compiled(scenario: Scenario, folder: Path) -> CompiledPolicy:
    target = scenario.target.value if scenario.target else "tailscale"
    try:
        find_target(target)
    except UnknownTargetError as problem:
        assert scenario.target is not None
        known = listed((*ALIASES, *TARGETS))
        found = error(
            "scenario-unknown-name", str(problem), scenario.target.span, help=f"known are: {known}"
        )
        raise ScenarioError([found], scenario.source) from None
    text, name = _referenced(scenario, scenario.policy, folder, _LIMITS.bytes)
    policy = load_policy(text, target, filename=name)
    return compile_policy(policy, _tailnet(scenario, folder) or implied_tailnet(policy))


def _tailnet(scenario: Scenario, folder: Path) -> Tailnet | None:
    if scenario.tailnet is None:
        return None
    text, name = _referenced(scenario, scenario.tailnet, folder, TailnetLimits().bytes)
    try:
        return read_tailnet(text, name)
    except TailnetError as problem:
        raise ScenarioError(problem.diagnostics, Source.of(name, text)) from None


def _referenced(
    scenario: Scenario, reference: Reference, folder: Path, most: int
) -> tuple[str | bytes, str]:
    """Return the text of a policy or a tailnet, and the name for messages.

    One that is written in the scenario keeps its places there: what stands before it is blank.
    """
    source = scenario.source
    if reference.path is None:
        return _alone(source.text, reference.span), source.name
    path = folder / reference.path
    try:
        with path.open("rb") as file:
            return file.read(most + 1), os.fspath(path)
    except (OSError, ValueError) as problem:
        words = problem.strerror if isinstance(problem, OSError) else None
        why = (words or str(problem)).lower()
        found = error(
            "scenario-file",
            f"`{reference.path}` can't be read: {why}",
            reference.span,
            help=f"paths are relative to the folder of the scenario, `{folder}`",
        )
        raise ScenarioError([found], source) from None


def _alone(text: str, span: Span) -> str:
    """Return the part *span* of *text*, with all before it blank, so that places stay."""
    before = "".join("\n" if char == "\n" else " " for char in text[: span.start])
    return before + text[span.start : span.end]
