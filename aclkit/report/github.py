"""GitHub Actions: workflow commands that become annotations, and the summary of a job step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aclkit.checking import Report
from aclkit.diagnostics import Severity
from aclkit.report import markdown
from aclkit.report.display import visible
from aclkit.report.findings import Finding, findings, notes, paragraphs, path_of, related_lines
from aclkit.report.place import place, span_in
from aclkit.report.style import Style
from aclkit.report.summary import summary_line
from aclkit.source import Source
from aclkit.wording import counted

# GitHub drops all further annotations of a severity, without a word, for each step of a job.
SHOWN = 10

# A step's summary may have 1 MiB; a character has up to 4 bytes.
_SUMMARY_ROOM = 250_000


def render(reports: Sequence[Report], style: Style) -> str:
    """Return the first errors and warnings as annotations, then all others as lines of the log."""
    seen: Counter[Severity] = Counter()
    shown: list[str] = []
    others: list[str] = []
    for report in reports:
        for finding in findings(report):
            seen[finding.severity] += 1
            if seen[finding.severity] <= SHOWN:
                shown.append(_annotation(finding, report, style))
            else:
                others += _log_lines(finding, report.source, style)
    if others:
        shown += [_notice(_left_out(seen), style), "::group::findings without an annotation"]
        shown += [*others, "::endgroup::"]
    if not style.quiet:
        for report in reports:
            for note in notes(report):
                shown.append(_notice(note, style, file=visible(path_of(report))))
            shown.append(summary_line(report, Style(ascii=style.ascii)))
    return "".join(f"{line}\n" for line in shown)


def summary(reports: Sequence[Report]) -> str:
    """Return the Markdown for the file that GITHUB_STEP_SUMMARY names, in which steps append."""
    return markdown.page(reports, Style(), _SUMMARY_ROOM)


def _left_out(seen: Counter[Severity]) -> str:
    more = [
        counted(seen[severity] - SHOWN, f"more {severity.value}")
        for severity in Severity
        if seen[severity] > SHOWN
    ]
    return f"{' and '.join(more)} can't be shown as annotations: see the log"


def _annotation(finding: Finding, report: Report, style: Style) -> str:
    source = report.source
    message, *more = paragraphs(finding, ascii=style.ascii)
    more = [*related_lines(finding, source, style), *more]
    properties = {
        "file": visible(path_of(report)),
        **_extent(finding, source),
        "title": f"{finding.code} (aclkit)",
    }
    return _command(finding.severity.value, properties, "\n".join([message, *more]))


def _extent(finding: Finding, source: Source) -> dict[str, str]:
    """Return the lines of *finding*, and its columns: GitHub takes these within one line only."""
    span = span_in(source, finding.primary)
    if span is None:
        return {}
    begin = source.position(span.start)
    last = source.position(max(span.start, span.end - 1))
    extent = {"line": begin.line, "endLine": last.line}
    if begin.line == last.line:
        end = begin.column + span.end - span.start
        extent = {"line": begin.line, "col": begin.column, "endLine": last.line, "endColumn": end}
    return {name: str(number) for name, number in extent.items()}


def _notice(message: str, style: Style, file: str = "") -> str:
    properties = {"file": file} if file else {}
    return _command(
        "notice", {**properties, "title": "aclkit"}, visible(message, ascii=style.ascii)
    )


def _command(name: str, properties: dict[str, str], message: str) -> str:
    pairs = ",".join(f"{key}={_property(value)}" for key, value in properties.items())
    return f"::{name} {pairs}::{_data(message)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _log_lines(finding: Finding, source: Source, style: Style) -> Iterator[str]:
    message, *more = paragraphs(finding, ascii=style.ascii)
    where = place(source, finding.primary, style)
    yield f"{where}: {finding.severity.value}: {message} [{finding.code}]"
    for line in (*related_lines(finding, source, style), *more):
        yield f"  {line}"
