"""The unified diff between a text and its formatted form.

Formatting moves white space and commas and keeps everything else in order. So each line is known by
the first token on it, and the two texts are merged like two sorted lists: in linear time, and equal
lines are matched only where they hold the same part of the document. Tools for any two texts take
minutes where a policy of a few thousand lines has many that are equal.
"""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from typing import NamedTuple

CONTEXT = 3

# Commas and colons do not count: formatting adds and removes commas.
_TOKEN = re.compile(
    r'"[^"\\]*+(?:\\.[^"\\]*+)*+"'
    r"|//[^\n]*+|/\*[^*]*+\*++(?:[^*/][^*]*+\*++)*+(?<=\*)/"
    r"|[\[\]{}]|[^\s\[\]{},:\"/]++"
)


class _Line(NamedTuple):
    """A line, and its place: the number of its first token, or of lines since the last one."""

    place: tuple[int, int]
    text: str


class _Change(NamedTuple):
    """Lines of the old text that give way to lines of the new one; both ranges are half-open."""

    old_start: int
    old_end: int
    new_start: int
    new_end: int


def layout_diff(before: str, after: str, name: str) -> Iterator[str]:
    """Yield the lines of a unified diff, each with its line feed; none if the texts are equal.

    *after* is *before* formatted, or the other way round. The diff is one that ``patch`` takes.
    """
    old, new = _lines(before), _lines(after)
    hunks = _hunks(_changes(old, new))
    if hunks:
        yield f"--- {name}\n"
        yield f"+++ {name}\tformatted\n"
    for hunk in hunks:
        lead = min(CONTEXT, hunk[0].old_start)
        trail = min(CONTEXT, len(old) - hunk[-1].old_end)
        at = hunk[0].old_start - lead
        old_range = _range(at, hunk[-1].old_end + trail)
        new_range = _range(hunk[0].new_start - lead, hunk[-1].new_end + trail)
        yield f"@@ -{old_range} +{new_range} @@\n"
        for change in hunk:
            yield from _written(" ", old[at : change.old_start])
            yield from _written("-", old[change.old_start : change.old_end])
            yield from _written("+", new[change.new_start : change.new_end])
            at = change.old_end
        yield from _written(" ", old[at : at + trail])


def _lines(text: str) -> list[_Line]:
    # `str.splitlines` would cut at characters that end no line of HuJSON.
    texts = io.StringIO(text, newline="\n").readlines()
    starts = (match.start() for match in _TOKEN.finditer(text))
    start = next(starts, len(text))
    tokens = since = end = 0
    found = []
    for line in texts:
        end += len(line)
        since = 0 if start < end else since + 1
        # A line without a token of its own comes after the last token, not before the next.
        found.append(_Line((tokens if start < end else tokens - 1, since), line))
        while start < end:
            tokens += 1
            start = next(starts, len(text))
    return found


def _changes(old: list[_Line], new: list[_Line]) -> list[_Change]:
    """Return the runs of lines that differ, in order."""
    changes = []
    at_old = at_new = 0
    while at_old < len(old) or at_new < len(new):
        start = at_old, at_new
        while not _meet(old, at_old, new, at_new):
            if at_new == len(new) or (at_old < len(old) and old[at_old] <= new[at_new]):
                at_old += 1
            else:
                at_new += 1
        if (at_old, at_new) != start:
            changes.append(_Change(start[0], at_old, start[1], at_new))
        at_old, at_new = at_old + 1, at_new + 1
    return changes


def _meet(old: list[_Line], at_old: int, new: list[_Line], at_new: int) -> bool:
    """Return whether the two lines are one and the same, or both texts are at their ends."""
    if at_old == len(old) or at_new == len(new):
        return at_old == len(old) and at_new == len(new)
    return old[at_old] == new[at_new]


def _hunks(changes: list[_Change]) -> list[list[_Change]]:
    """Return *changes* in groups: those whose contexts touch are shown as one."""
    hunks: list[list[_Change]] = []
    for change in changes:
        if hunks and change.old_start - hunks[-1][-1].old_end <= 2 * CONTEXT:
            hunks[-1].append(change)
        else:
            hunks.append([change])
    return hunks


def _range(start: int, end: int) -> str:
    """Return a range of lines as hunks write it: first line and length, a length of 1 left out."""
    length = end - start
    if length == 1:
        return str(end)
    return f"{start + 1 if length else start},{length}"


def _written(sign: str, lines: list[_Line]) -> Iterator[str]:
    for line in lines:
        yield sign + line.text
        if not line.text.endswith("\n"):
            yield "\n\\ No newline at end of file\n"
