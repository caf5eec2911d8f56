"""Markdown for a comment on a pull request: a table of verdicts, then what was found in each file.

A policy may come from anyone, and a comment speaks for the one who runs the check. So nothing that
a policy holds works as Markdown, as HTML, as a link or as a mention: what stands in `backticks`
becomes a code span that its content can't leave, and outside of these each word on which a service
might act becomes one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from aclkit.checking import Report
from aclkit.diagnostics import Label
from aclkit.report.display import named, visible
from aclkit.report.findings import Finding, findings, notes, path_of
from aclkit.report.place import span_in
from aclkit.report.style import Style
from aclkit.report.summary import tests_counted
from aclkit.source import Source
from aclkit.target import find_target
from aclkit.wording import counted

# A comment on GitHub may have 65,536 characters; the one who posts it may want to add some.
_ROOM = 60_000

_HEAD = "| policy | target | verdict | errors | warnings | tests |\n|---|---|---|---:|---:|---|\n"

_BACKTICKS = re.compile("`+")
_ESCAPED = re.compile(r"[\\*_\[\]<>|]")

# Mentions and references (@ # ! ~ % $ & ^ gh-), emoji and addresses of pages (: www.), commits.
_ACTED_ON = re.compile(r"[@#!~%$&^`]|:.|www\.|gh-[0-9]|[0-9a-f]{7}", re.IGNORECASE)


def render(reports: Sequence[Report], style: Style) -> str:
    """Return the comment for *reports*; what does not fit into one is counted at its end."""
    return page(reports, style, _ROOM)


def page(reports: Sequence[Report], style: Style, room: int) -> str:
    """Return Markdown for *reports* of about *room* characters at most.

    The table takes no more than half of it.
    """
    rows = _fitting((_row(report, style) for report in reports), room // 2)
    text = f"### {_title(reports)}\n\n{_HEAD}{''.join(rows)}"
    left_out = len(reports) - len(rows)
    for report in reports:
        heading = f"\n#### {code(path_of(report), ascii=style.ascii)}\n\n"
        found = findings(report)
        said = [] if style.quiet else notes(report)
        items = _fitting(_items(found, said, report.source, style), room - len(text) - len(heading))
        left_out += len(found) + len(said) - len(items)
        if items:
            text += heading + "".join(items)
    if left_out:
        text += f"\n{counted(left_out, 'line')} more did not fit in here.\n"
    return text


def _fitting(lines: Iterable[str], room: int) -> list[str]:
    """Return the first of *lines*, as many as have together no more than *room* characters."""
    taken: list[str] = []
    for line in lines:
        room -= len(line)
        if room < 0:
            break
        taken.append(line)
    return taken


def _title(reports: Sequence[Report]) -> str:
    refused = sum(not report.accepted for report in reports)
    if len(reports) == 1:
        return "Policy refused" if refused else "Policy accepted"
    return f"{len(reports)} policies: {len(reports) - refused} accepted, {refused} refused"


def _row(report: Report, style: Style) -> str:
    # A table takes a `|` for the end of a cell in a code span as well.
    name = code(path_of(report), ascii=style.ascii).replace("|", named("|").text)
    errors = sum(diagnostic.is_error for diagnostic in report.diagnostics)
    cells = (
        name,
        find_target(report.target).title,
        "accepted" if report.accepted else "**refused**",
        str(errors),
        str(len(report.diagnostics) - errors),
        tests_counted(report) or "not run",
    )
    return f"| {' | '.join(cells)} |\n"


def _items(
    found: Iterable[Finding], said: Iterable[str], source: Source, style: Style
) -> Iterator[str]:
    """Yield one item of a list for each finding and each note."""
    for finding in found:
        where = _place(finding.primary, source, style)
        label = f" ({finding.primary.message})" if finding.primary.message else ""
        message = prose(f"{finding.message}{label}", ascii=style.ascii)
        lines = [f"**{finding.severity.value}**{where}: {message} ({code(finding.code)})"]
        lines += _details(finding, source, style)
        yield "- " + "\n  - ".join(lines) + "\n"
    for note in said:
        yield f"- note: {prose(note, ascii=style.ascii)}\n"


def _details(finding: Finding, source: Source, style: Style) -> Iterator[str]:
    for related in finding.related:
        where = _place(related, source, style)
        yield f"see{where}: {prose(related.message, ascii=style.ascii)}"
    for words in finding.said:
        yield f"{finding.speaker} says: {code(words, ascii=style.ascii)}"
    if finding.help is not None:
        yield f"help: {prose(finding.help, ascii=style.ascii)}"


def _place(label: Label, source: Source, style: Style) -> str:
    span = span_in(source, label)
    if span is None:
        return f" at {code(label.path, ascii=style.ascii)}" if label.path else ""
    position = source.position(span.start)
    return f" in line {position.line}, column {position.column}"


def code(text: str, *, ascii: bool = False) -> str:
    """Return *text* as a code span that shows it, whatever it holds."""
    text = visible(text, ascii=ascii)
    if not text:
        return "(empty)"
    fence = "`" * (1 + max(map(len, _BACKTICKS.findall(text)), default=0))
    # One space at each end is dropped again by the reader, except where there are only spaces.
    padded = "`" in (text[0], text[-1]) or (text[0] == text[-1] == " " and text.strip(" "))
    return f"{fence} {text} {fence}" if padded else f"{fence}{text}{fence}"


def prose(text: str, *, ascii: bool = False) -> str:
    """Return *text* as Markdown that shows it, with what stands in backticks as code spans."""
    quoted = text.split("`")
    if len(quoted) % 2 == 0:  # the last backtick has no partner
        quoted[-2:] = ["`".join(quoted[-2:])]
    parts: list[tuple[bool, str]] = []
    for index, piece in enumerate(quoted):
        parts += [(True, piece or "``")] if index % 2 else _words(piece)
    written = []
    # Neighbours are joined: two code spans side by side would be read as one.
    for is_code, run in groupby((part for part in parts if part[1]), key=itemgetter(0)):
        joined = "".join(piece for _, piece in run)
        written.append(code(joined, ascii=ascii) if is_code else _escaped(joined, ascii=ascii))
    return "".join(written)


def _escaped(text: str, *, ascii: bool) -> str:
    return _ESCAPED.sub(r"\\\g<0>", visible(text, ascii=ascii))


def _words(text: str) -> Iterator[tuple[bool, str]]:
    """Yield the pieces of *text*, and for each whether it must be a code span."""
    for index, word in enumerate(text.split(" ")):
        if index:
            yield False, " "
        core = word.strip("(),")
        if not _ACTED_ON.search(core):
            yield False, word
            continue
        before, after = word.split(core, 1)
        yield from ((False, before), (True, core), (False, after))
