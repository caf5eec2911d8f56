"""What is said of a policy as a whole: notes on what was assumed, and one line of summary."""

from __future__ import annotations

from collections.abc import Sequence

from aclkit.checking import Report
from aclkit.report.display import visible
from aclkit.report.place import file_name
from aclkit.report.style import Ink, Style
from aclkit.wording import counted


def note_lines(report: Report, style: Style) -> list[str]:
    """Return one line for each thing that was assumed or skipped."""
    name = file_name(report.source, style)
    note = style.paint("note:", Ink.HELP)
    return [f"{name}: {note} {visible(said, ascii=style.ascii)}" for said in report.assumptions]


def summary_line(report: Report, style: Style) -> str:
    """Return the verdict, the findings counted and the tests counted, as one line."""
    name = file_name(report.source, style)
    if report.accepted:
        verdict = style.paint("accepted", Ink.PASSED)
    else:
        verdict = style.paint("refused", Ink.ERROR)
    errors = sum(diagnostic.is_error for diagnostic in report.diagnostics)
    warnings = len(report.diagnostics) - errors
    counts = [counted(errors, "error")] if errors else []
    counts += [counted(warnings, "warning")] if warnings else []
    parts = [part for part in (", ".join(counts), tests_counted(report)) if part]
    return f"{name}: {verdict}: {'; '.join(parts)}"


def tests_counted(report: Report) -> str:
    """Return how the tests went, also when there are none; empty where errors kept them back."""
    total = len(report.tests)
    if total:
        passed = sum(test.passed for test in report.tests)
        if passed == total:
            return f"{counted(total, 'test')} passed"
        return f"{passed} of {total} tests passed"
    return "no tests in this policy" if report.accepted else ""


def totals_line(reports: Sequence[Report]) -> str:
    """Return how many of several policies were accepted."""
    accepted = sum(report.accepted for report in reports)
    refused = len(reports) - accepted
    return f"{counted(len(reports), 'file')}: {accepted} accepted, {refused} refused"
