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
    cells that are lists, it is a table all the same.
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
    yield row[0]
    for heading, cell in zip(headings[1:], row[1:], strict=True):
        if cell:
            first, *others = wrapped(f"{heading} {cell}", style.width - 4)
            yield f"  {first}"
            yield from (f"    {line}" for line in others)


def table(
    headings: Sequence[str], rows: Sequence[Sequence[str]], style: Style, *, folds: bool = False
) -> str:
    """Return *rows*, which are safe to print, under *headings* as a table; ends with a line feed.

    Where it is wider than the terminal it is empty, or, with *folds*, cells go over several lines.
    """
    if not folds and sum(_widths([headings, *rows])) + 3 * len(headings) + 1 > style.width:
        return ""
    # Imported here only: rich takes longer to load than most policies take to compile.
    from rich import box
    from rich.table import Table
    from rich.text import Text

    drawn = Table(box=box.ASCII2 if style.ascii else box.SQUARE, header_style="")
    for heading in headings:
        drawn.add_column(heading, no_wrap=not folds, overflow="fold")
    for row in rows:
        drawn.add_row(*map(Text, row))
    return _printed(drawn, style, style.width if folds else _WIDER_THAN_ANY)


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
