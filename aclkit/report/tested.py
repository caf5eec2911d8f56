"""The report on tests that were run for themselves: with what verdicts hide, and with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aclkit.analysis.outcomes import Note, Outcome, TestRun
from aclkit.checking import FAILED_TESTS, Report
from aclkit.diagnostics import Diagnostic, Label, in_order, warning
from aclkit.report.failures import name_of
from aclkit.source import Source


@dataclass(frozen=True, slots=True)
class TestReport(Report):
    """A report of which each test has an outcome.

    Attributes:
        outcomes: one for each of `tests`, in the same order.
        policy: where the rules stand; None when the tests could not be run.
        left_out: how many tests were not selected.
    """

    __test__ = False

    outcomes: tuple[Outcome, ...] = field(default=(), kw_only=True)
    policy: Source | None = field(default=None, kw_only=True)
    left_out: int = field(default=0, kw_only=True)

    @property
    def hides(self) -> bool:
        """Return whether devices get on otherwise than a verdict lets one think."""
        return any(note.contradicts for outcome in self.outcomes for note in outcome.notes)


def report_of(run: TestRun) -> TestReport:
    """Return the report on *run*."""
    return TestReport(
        run.passed,
        None if run.passed else FAILED_TESTS,
        (),
        tuple(outcome.result for outcome in run.outcomes),
        run.source,
        run.target,
        run.assumptions,
        outcomes=run.outcomes,
        policy=run.policy,
        left_out=run.left_out,
    )


def report_of_mistakes(
    diagnostics: Iterable[Diagnostic], source: Source, target: str
) -> TestReport:
    """Return the report on tests that could not be run, for what *diagnostics* say of *source*."""
    found = in_order(diagnostics)
    errors = [each for each in found if each.is_error]
    refusal = (errors[0].control_plane or errors[0].message) if errors else None
    said = ("the tests were not run, since there are errors",)
    return TestReport(False, refusal, found, (), source, target, said)


def without_outcomes(report: TestReport) -> Report:
    """Return *report* for a format that knows findings only.

    What a verdict hides is a warning where devices contradict it, else a note.
    """
    warnings, notes = [], list[str]()
    for outcome in report.outcomes:
        for note in outcome.notes:
            if note.contradicts:
                warnings.append(_warning(note, report))
            else:
                notes.append(f"{name_of(outcome.result)}: {note.message}")
    return Report(
        report.accepted,
        report.refusal,
        in_order([*report.diagnostics, *warnings]),
        report.tests,
        report.source,
        report.target,
        (*report.assumptions, *notes, *left_out(report)),
        report.silenced,
    )


def _warning(note: Note, report: TestReport) -> Diagnostic:
    related = []
    origin = note.origin
    if origin is not None and origin.span is not None and report.policy is report.source:
        related = [Label(origin.span, "the rule behind it")]
    return warning(note.code, note.message, note.span, related=related)


def left_out(report: TestReport) -> Iterator[str]:
    """Yield what is to say of tests that were not selected."""
    if report.left_out:
        tests = "1 test was" if report.left_out == 1 else f"{report.left_out} tests were"
        yield f"{tests} not selected"
