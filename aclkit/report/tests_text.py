"""Tests for people: a line for each, what its verdict hides, and why it failed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aclkit.analysis.outcomes import Explanation, Note, Outcome
from aclkit.diagnostics import Label
from aclkit.evaluator.query import Because
from aclkit.evaluator.reasons import WhyNot
from aclkit.report.answers import rule_place
from aclkit.report.display import visible, wrapped
from aclkit.report.failures import name_of
from aclkit.report.place import file_name, place
from aclkit.report.style import Ink, Style
from aclkit.report.summary import note_lines, passed_counted
from aclkit.report.tested import TestReport, left_out
from aclkit.report.text import failure_text, render_findings
from aclkit.source import Source
from aclkit.target import Reading, find_target
from aclkit.wording import counted, some

_INDENT = "  "

# Reasons come with the nearest miss first; beyond these `aclkit can` tells them.
_MOST_REASONS = 3


def render(reports: Sequence[TestReport], style: Style) -> str:
    """Return the text for *reports*, one after the other; empty or ending with a line feed."""
    blocks = [block for report in reports for block in _blocks(report, style)]
    if len(reports) > 1 and not style.quiet:
        blocks.append(_totals(reports))
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _totals(reports: Sequence[TestReport]) -> str:
    """Return how the files went; one without a test to run did not pass by that."""
    failed = sum(not report.accepted for report in reports)
    idle = sum(report.accepted and not report.outcomes for report in reports)
    passed = len(reports) - failed - idle
    parts = [f"{passed} passed" if failed or idle else "all passed"]
    parts += [f"{failed} did not"] if failed else []
    parts += [f"{idle} had no test to run"] if idle else []
    return f"{counted(len(reports), 'file')}: {', '.join(parts)}"


def _blocks(report: TestReport, style: Style) -> Iterator[str]:
    if report.diagnostics:
        found = render_findings(report.diagnostics, report.source, style, report.target)
        yield found.rstrip("\n")
    lines: list[str] = []
    for outcome in report.outcomes:
        if outcome.result.passed:
            lines += _passed(outcome, report, style)
            continue
        if lines:
            yield "\n".join(lines)
            lines = []
        yield "\n".join(_failed(outcome, report, style))
    if lines:
        yield "\n".join(lines)
    if not style.quiet:
        yield "\n".join((*note_lines(report, style), _summary(report, style)))


def _passed(outcome: Outcome, report: TestReport, style: Style) -> Iterator[str]:
    notes = list(_notes(outcome, report, style))
    if notes or not style.quiet:
        where = style.paint(
            f"{place(report.source, Label(outcome.result.span), style)}:", Ink.PLACE
        )
        verdict = style.paint("passed:", Ink.PASSED)
        yield f"{where} {verdict} {_title(outcome, style)}"
    yield from (f"{_INDENT}{line}" for line in notes)


def _failed(outcome: Outcome, report: TestReport, style: Style) -> Iterator[str]:
    test = outcome.result
    for failure, explanation in zip(test.failures, outcome.explained, strict=True):
        yield failure_text(test, failure, report.source, style)
        for line in _reasons(explanation, report, style):
            yield f"{_INDENT}{line}"
    for line in _notes(outcome, report, style):
        yield f"{_INDENT}{line}"


def outcome_lines(outcome: Outcome, report: TestReport, style: Style) -> Iterator[str]:
    """Yield why each failure of a test came about, then what its verdict hides."""
    for explanation in outcome.explained:
        yield from _reasons(explanation, report, style)
    yield from _notes(outcome, report, style)


def _title(outcome: Outcome, style: Style) -> str:
    src = f" from `{visible(outcome.result.src, ascii=style.ascii)}`" if outcome.result.src else ""
    name = f" ({visible(outcome.name, ascii=style.ascii)})" if outcome.name else ""
    return f"{name_of(outcome.result)}{src}{name}"


def _notes(outcome: Outcome, report: TestReport, style: Style) -> Iterator[str]:
    for note in outcome.notes:
        if note.contradicts or not style.quiet:
            yield from _note(note, report, style)


def _note(note: Note, report: TestReport, style: Style) -> Iterator[str]:
    ink = Ink.WARNING if note.contradicts else Ink.HELP
    head = "truth:" if note.contradicts else "note:"
    said = f"{note.message} [{note.code}]"
    if note.origin is not None:
        said += f" ({rule_place(note.origin, report.policy or report.source, style)})"
    yield from _hanging(head, ink, said, style)


def _reasons(explanation: Explanation, report: TestReport, style: Style) -> Iterator[str]:
    policy = report.policy or report.source
    for rule in explanation.because[:_MOST_REASONS]:
        yield from _hanging("because:", Ink.HELP, _rule(rule, policy, style), style)
    for miss in explanation.why_not[:_MOST_REASONS]:
        yield from _hanging("why not:", Ink.HELP, _miss(miss, policy, style), style)
    more = max(len(explanation.because), len(explanation.why_not)) - _MOST_REASONS
    if more > 0:
        yield f"and {counted(more, 'reason')} more: ask `aclkit can`"


def _rule(reason: Because, policy: Source, style: Style) -> str:
    way = f" by way of {reason.router}" if reason.router else ""
    where = rule_place(reason.origin, policy, style)
    return f"{where} opens {reason.destination} to {some(reason.sources)}{way}"


def _miss(reason: WhyNot, policy: Source, style: Style) -> str:
    said = f"{reason.message} [{reason.code}]"
    if reason.origin is not None:
        said += f" ({rule_place(reason.origin, policy, style)})"
    if reason.edit is not None:
        said += f"; {reason.edit.words} (in the {reason.edit.document})"
    return said


def _hanging(head: str, ink: Ink, text: str, style: Style) -> Iterator[str]:
    """Yield *text* behind *head*; at a terminal in lines that fit it, elsewhere as one line."""
    safe = visible(text, ascii=style.ascii)
    room = style.width - len(_INDENT) - len(head) - 1
    first, *more = wrapped(safe, room) if style.table else [safe]
    yield f"{style.paint(head, ink)} {first}"
    yield from (f"{'':{len(head)}} {line}" for line in more)


def _summary(report: TestReport, style: Style) -> str:
    name = file_name(report.source, style)
    total = len(report.outcomes)
    passed = sum(outcome.result.passed for outcome in report.outcomes)
    if report.policy is None:
        verdict, said = style.paint("not run", Ink.ERROR), ""
    elif not total and report.left_out:
        verdict, said = f"0 of {counted(report.left_out, 'test')} selected", ""
    elif not total:
        target = find_target(report.target)
        runs = target.sections["tests"] is Reading.READ
        nothing = "no tests in this policy" if runs else f"{target.title} runs no tests"
        verdict, said = style.paint(nothing, Ink.WARNING), ""
    else:
        ink = Ink.PASSED if passed == total else Ink.ERROR
        verdict = style.paint(passed_counted(passed, total), ink)
        said = "".join(f"; {each}" for each in (*_hidden(report), *left_out(report)))
    return f"{name}: {verdict}{said}"


def _hidden(report: TestReport) -> Iterator[str]:
    hidden = sum(note.contradicts for outcome in report.outcomes for note in outcome.notes)
    if hidden:
        yield "1 verdict hides something" if hidden == 1 else f"{hidden} verdicts hide something"
