"""The report for people: each finding with its line of source, then tests, notes and a summary."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from aclkit.checking import Report, TestFailure, TestResult
from aclkit.diagnostics import Diagnostic, Label
from aclkit.report.display import visible, width_of, wrapped
from aclkit.report.excerpt import excerpt
from aclkit.report.failures import failure_table, verdict_on
from aclkit.report.place import place, span_in
from aclkit.report.style import SEVERITY_INK, Ink, Style
from aclkit.report.summary import note_lines, summary_line, totals_line
from aclkit.source import Source
from aclkit.target import find_target

_INDENT = "  "


def render(reports: Sequence[Report], style: Style) -> str:
    """Return the text for *reports*, one after the other; empty or ending with a line feed."""
    blocks = [block for report in reports for block in _blocks(report, style)]
    if len(reports) > 1 and not style.quiet:
        blocks.append(totals_line(reports))
    return _joined(blocks)


def render_findings(
    diagnostics: Iterable[Diagnostic],
    source: Source,
    style: Style,
    target: str | None = None,
) -> str:
    """Return the text for findings in any file; *target* is the one whose words they cite."""
    title = "the control plane" if target is None else find_target(target).title
    return _joined([_finding(diagnostic, source, style, title) for diagnostic in diagnostics])


def _joined(blocks: Sequence[str]) -> str:
    return "\n\n".join(blocks) + "\n" if blocks else ""


def _blocks(report: Report, style: Style) -> Iterator[str]:
    title = find_target(report.target).title
    for diagnostic in report.diagnostics:
        yield _finding(diagnostic, report.source, style, title)
    failed = [test for test in report.tests if not test.passed]
    for test in failed:
        for failure in test.failures:
            yield failure_text(test, failure, report.source, style)
    if style.table and (table := failure_table(failed, style)):
        yield table
    if not style.quiet:
        yield "\n".join((*note_lines(report, style), summary_line(report, style)))


def _finding(diagnostic: Diagnostic, source: Source, style: Style, title: str) -> str:
    ink = SEVERITY_INK[diagnostic.severity]
    where = style.paint(f"{place(source, diagnostic.primary, style)}:", Ink.PLACE)
    severity = style.paint(f"{diagnostic.severity.value}:", ink)
    message = visible(diagnostic.message, ascii=style.ascii)
    code = style.paint(f"[{diagnostic.code}]", Ink.FAINT)
    gutter = _gutter((diagnostic.primary, *diagnostic.related), source)
    lines = [f"{where} {severity} {message} {code}"]
    lines += _excerpt_lines(diagnostic.primary, source, style, gutter, "^", ink)
    for label in diagnostic.related:
        said = visible(label.message, ascii=style.ascii)
        lines.append(f"{_INDENT}{place(source, label, style)}: {said}")
        lines += _excerpt_lines(Label(label.span), source, style, gutter, "-", Ink.RELATED)
    if diagnostic.control_plane is not None:
        # Headscale names all its errors at once, one per line.
        for said in diagnostic.control_plane.splitlines():
            words = visible(said, ascii=style.ascii)
            lines.append(f"{_INDENT}{style.paint(f'{title} says:', Ink.FAINT)} {words}")
    if diagnostic.help is not None:
        lines += _help_lines(diagnostic.help, style)
    return "\n".join(lines)


def _help_lines(help: str, style: Style) -> list[str]:
    """Return the help; at a terminal in lines that fit it, elsewhere as one line for grep."""
    advice = visible(help, ascii=style.ascii)
    hanging = _INDENT + " " * len("help: ")
    lines = wrapped(advice, style.width - len(hanging)) if style.table else [advice]
    first = f"{_INDENT}{style.paint('help:', Ink.HELP)} {lines[0]}"
    return [first, *(f"{hanging}{line}" for line in lines[1:])]


def failure_text(test: TestResult, failure: TestFailure, source: Source, style: Style) -> str:
    """Return the text for one expectation that was not met: place, verdict, line of source."""
    label = Label(failure.span, failure.detail)
    where = style.paint(f"{place(source, label, style)}:", Ink.PLACE)
    failed = style.paint("failed:", Ink.ERROR)
    lines = [f"{where} {failed} {verdict_on(test, failure, style)}"]
    lines += _excerpt_lines(label, source, style, _gutter([label], source), "^", Ink.ERROR)
    return "\n".join(lines)


def _gutter(labels: Iterable[Label], source: Source) -> int:
    """Return the width of the greatest line number among *labels*."""
    spans = [span for label in labels if (span := span_in(source, label))]
    return len(str(max((source.position(span.start).line for span in spans), default=0)))


def _excerpt_lines(
    label: Label, source: Source, style: Style, gutter: int, mark: str, ink: Ink
) -> list[str]:
    span = span_in(source, label)
    if span is None or not source.text:
        return []
    bar = style.paint("|", Ink.FAINT)
    room = style.width - len(_INDENT) - gutter - len(" | ")
    shown = excerpt(source, span, style, room)
    number = style.paint(f"{shown.line:>{gutter}}", Ink.FAINT)
    said = [visible(label.message, ascii=style.ascii)] if label.message else []
    if shown.last_line > shown.line:
        said.insert(0, f"{style.ellipsis} to line {shown.last_line}")
    margin = f"{_INDENT}{'':>{gutter}} {bar} "
    behind, below = _beside(": ".join(said), room - shown.indent - shown.width - 1, room, style)
    under = style.paint(f"{mark * shown.width} {behind}".rstrip(), ink)
    return [
        f"{_INDENT}{number} {bar} {shown.text}".rstrip(),
        f"{margin}{'':{shown.indent}}{under}",
        *(f"{margin}{style.paint(line, ink)}" for line in below),
    ]


def _beside(said: str, left: int, room: int, style: Style) -> tuple[str, list[str]]:
    """Return what stands behind the underline, and what below it: at a terminal all has to fit."""
    if not style.table or sum(map(width_of, said)) <= left:
        return said, []
    return "", wrapped(said, room)
