"""Rows of cells for people: drawn with lines at a terminal, aligned with blanks elsewhere."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from io import BytesIO, TextIOWrapper
from typing import TYPE_CHECKING

from aclkit.report.display import width_of, wrapped
from aclkit.report.style import Style

if TYPE_CHECKING:
    from rich.console import RenderableType

# At a terminal, of more rows the rest is counted.
MOST_ROWS = 40

# Rich shortens what it takes to be too wide; what does not fit is not drawn in the first place.
_WIDER_THAN_ANY = 10_000


def grid(
    headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, folds: bool = False
) -> str:
    """Return *rows*, which are safe to print, under *headings*; ends with a line feed.

    Columns without a word in any row are left out. Where the lines of a table do not fit the
    terminal, each row is a paragraph: to break names over lines helps nobody. With *folds*, for
    cells that are lists, they go over several lines as long as each word has one.
    """
    kept = [at for at in range(len(headings)) if any(row[at] for row in rows)]
    head, *shown = [[row[at] for at in kept] for row in (headings, *rows)]
    if not style.table:
        lines = _aligned([head, *shown])
    elif drawn := table(head, shown, style, folds=folds):
        return drawn
    else:
        lines = (line for row in shown for line in _paragraph(head, row, style))
    return "".join(f"{line}\n" for line in lines)


def _widths(rows: Sequence[Sequence[str]]) -> list[int]:
    return [max(map(_width, column)) for column in zip(*rows, strict=True)]


def _width(cell: str) -> int:
    return sum(map(width_of, cell))


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = _widths(rows)
    for row in rows:
        cells = (
            f"{cell}{'':{room - _width(cell)}}" for cell, room in zip(row, widths, strict=True)
        )
        yield f"  {'  '.join(cells)}".rstrip()


def _paragraph(headings: Sequence[str], row: Sequence[str], style: Style) -> Iterator[str]:
    yield from _hanging(row[0], "", style)
    for heading, cell in zip(headings[1:], row[1:], strict=True):
        if cell:
            yield from _hanging(f"{heading} {cell}", "  ", style)


def _hanging(text: str, indent: str, style: Style) -> Iterator[str]:
    first, *others = wrapped(text, style.width - 4)
    yield f"{indent}{first}"
    yield from (f"    {line}" for line in others)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, folds: bool = False
) -> str:
    """Return *rows*, which are safe to print, under *headings* as a table; ends with a line feed.

    Where it is wider than the terminal it is empty; with *folds*, where some word is.
    """
    room = style.width - 3 * len(headings) - 1
    widths = _widths([headings, *rows])
    if folds:
        widths = _fitted(widths, _longest_words([headings, *rows]), room)
    if sum(widths) > room:
        return ""
    # Imported here only: rich takes longer to load than most policies take to compile.
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.ASCII2 if style.ascii else box.SQUARE, header_style="")
    for heading, width in zip(headings, widths, strict=True):
        drawn.add_column(heading, width=width, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return _printed(drawn, style, _WIDER_THAN_ANY)


def _longest_words(rows: Sequence[Sequence[str]]) -> list[int]:
    """Return the width of the longest word of each column."""
    return [
        max(_width(word) for cell in column for word in cell.split(" "))
        for column in zip(*rows, strict=True)
    ]


def _fitted(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Return *widths* with the widest made narrower, none below *least*, until all have *room*."""
    fitted = list(widths)
    for _ in range(sum(widths) - room):
        at = max(range(len(fitted)), key=lambda at: (fitted[at] > least[at], fitted[at]))
        fitted[at] = max(fitted[at] - 1, least[at])
    return fitted


def tree(title: str, branches: Sequence[tuple[str, Sequence[str]]], style: Style) -> str:
    """Return *branches* under *title*, each with its leaves; all of it must be safe to print."""
    from rich.text import Text
    from rich.tree import Tree

    root = Tree(Text(title))
    for branch, leaves in branches:
        stem = root.add(Text(branch))
        for leaf in leaves:
            stem.add(Text(leaf))
    return _printed(root, style, style.width)


def _printed(what: RenderableType, style: Style, width: int) -> str:
    from rich.console import Console

    # Rich asks the file for its encoding, and draws with what that can show.
    page = TextIOWrapper(BytesIO(), "ascii" if style.ascii else "utf-8", newline="\n")
    Console(
        file=page,
        width=width,
        color_system=None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(what)
    page.seek(0)
    return "".join(f"{line.rstrip()}\n" for line in page.read().splitlines())
