"""One line per finding, for editors and for grep."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aclkit.checking import Report
from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.failures import verdict_on
from aclkit.report.place import file_name, place
from aclkit.report.style import SEVERITY_INK, Ink, Style
from aclkit.report.summary import note_lines, tests_counted


def render(reports: Sequence[Report], style: Style) -> str:
    """Return the lines for *reports*; empty where there is nothing to say."""
    return "".join(f"{line}\n" for report in reports for line in _lines(report, style))


def _lines(report: Report, style: Style) -> Iterator[str]:
    source = report.source
    for diagnostic in report.diagnostics:
        where = place(source, diagnostic.primary, style)
        severity = style.paint(f"{diagnostic.severity.value}:", SEVERITY_INK[diagnostic.severity])
        message = visible(diagnostic.message, ascii=style.ascii)
        yield f"{where}: {severity} {message} [{diagnostic.code}]"
    for test in report.tests:
        for failure in test.failures:
            where = place(source, Label(failure.span), style)
            verdict = style.paint("failed:", Ink.ERROR)
            detail = visible(failure.detail, ascii=style.ascii)
            yield f"{where}: {verdict} {verdict_on(test, failure, style)} ({detail})"
    if not style.quiet:
        yield from note_lines(report, style)
        if report.is_untested:
            name = file_name(source, style)
            yield f"{name}: {style.paint('note:', Ink.HELP)} {tests_counted(report)}"
