"""What is said of a policy as a whole: notes on what was assumed, and one line of summary."""

from __future__ import annotations

from collections.abc import Sequence

from aclkit.checking import Report
from aclkit.report.display import visible
from aclkit.report.place import file_name
from aclkit.report.style import Ink, Style
from aclkit.target import find_target
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
    whose = f"{find_target(report.target).title}: " if report.compared else ""
    return f"{name}: {whose}{verdict}: {'; '.join(parts) or 'no differences'}"


def tests_counted(report: Report) -> str:
    """Return how the tests went, also when there are none; empty where errors kept them back."""
    if report.tests:
        return passed_counted(sum(test.passed for test in report.tests), len(report.tests))
    return "no tests in this policy" if report.is_untested else ""


def passed_counted(passed: int, total: int) -> str:
    """Return how many tests passed, and of how many where not all did."""
    of = "" if passed == total else f"{passed} of "
    return f"{of}{counted(total, 'test')} passed"


def totals_line(reports: Sequence[Report]) -> str:
    """Return how many of several policies were accepted; of a comparison each report counts."""
    accepted = sum(report.accepted for report in reports)
    refused = len(reports) - accepted
    noun = "report" if any(report.compared for report in reports) else "file"
    return f"{counted(len(reports), noun)}: {accepted} accepted, {refused} refused"
