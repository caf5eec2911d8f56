"""One line of the source with a part of it underlined.

The cost does not depend on the length of the line: a policy of one line with a thousand findings
is shown as quickly as any other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice

from aclkit.report.display import Cell, cells_of, named
from aclkit.report.style import Style
from aclkit.source import Source, Span

_NARROWEST = 20


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A line as it is printed.

    Attributes:
        line: its number.
        text: its text, cut to the width where it is too long.
        indent: the columns before the underlined part.
        width: the columns of the underlined part, at least 1.
        last_line: the line on which the part ends.
    """

    line: int
    text: str
    indent: int
    width: int
    last_line: int


def excerpt(source: Source, span: Span, style: Style, room: int) -> Excerpt:
    """Return the line on which *span* begins, with the span in view, at most *room* columns wide.

    A span of several lines is underlined to the end of its first line. A span at a line end, or an
    empty one, is one column wide.
    """
    text = source.text
    begin = source.position(span.start)
    last = source.position(max(span.start, span.end - 1))
    line_start = span.start - begin.column + 1
    line_end = _line_end(text, line_start, span.start)

    start = min(span.start, line_end)
    end = min(span.end, line_end)
    if last.line > begin.line:
        end = start + len(text[start:end].rstrip())

    # Far more characters than columns, so that marks without width do not matter.
    room = max(room, _NARROWEST)
    reach = 4 * room
    low, high = max(line_start, start - reach), min(line_end, start + reach)
    cells = list(cells_of(text[low:high], ascii=style.ascii))
    if start < high and not cells[start - low].width:
        cells[start - low] = named(text[start])
    shown = _fit(
        cells,
        start - low,
        max(min(end, high), start) - low,
        room,
        more_before=low > line_start,
        more_after=high < line_end,
        ellipsis=style.ellipsis,
    )
    return Excerpt(begin.line, shown.text, shown.indent, shown.width, last.line)


def _line_end(text: str, line_start: int, at: int) -> int:
    """Return the offset of the line end of the line that holds offset *at*."""
    end = text.find("\n", at)
    if end < 0:
        return len(text)
    return end - 1 if end > line_start and text[end - 1] == "\r" else end


@dataclass(frozen=True, slots=True)
class _Shown:
    text: str
    indent: int
    width: int


def _fit(
    cells: Sequence[Cell],
    start: int,
    end: int,
    room: int,
    *,
    more_before: bool,
    more_after: bool,
    ellipsis: str,
) -> _Shown:
    """Cut *cells* to *room* columns around the part from *start* to *end*.

    The part comes first; what room it leaves is shared by both sides, and what one side does not
    need goes to the other.
    """
    part = cells[start:end]
    part_shown = _prefix(part, room - 2 * len(ellipsis))
    part_cut = len(part_shown) < len(part)
    spare = room - _width(part_shown)

    after = cells[end:]
    wanted_after = spare if more_after or part_cut else min(_width(after), spare)
    before = cells[:start]
    room_before = spare - min(wanted_after, spare // 2)
    if more_before or _width(before) > room_before:
        kept = _prefix(before[::-1], room_before - len(ellipsis))
        before = [Cell(ellipsis, len(ellipsis)), *kept[::-1]]

    room_after = spare - _width(before)
    if part_cut:
        after = []
        part_shown = [*part_shown, Cell(ellipsis, len(ellipsis))]
    elif more_after or _width(after) > room_after:
        after = [*_prefix(after, room_after - len(ellipsis)), Cell(ellipsis, len(ellipsis))]

    line = "".join(cell.text for cell in (*before, *part_shown, *after))
    return _Shown(line.rstrip(" "), _width(before), max(_width(part_shown), 1))


def _width(cells: Sequence[Cell]) -> int:
    return sum(cell.width for cell in cells)


def _prefix(cells: Sequence[Cell], room: int) -> Sequence[Cell]:
    """Return as many of the first cells as fit into *room* columns."""
    used = 0
    for count, cell in enumerate(cells):
        used += cell.width
        if used > room:
            return list(islice(cells, count))
    return cells
