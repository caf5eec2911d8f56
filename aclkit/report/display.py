"""What a character looks like on a terminal: its visible form, and how many cells it takes.

A policy may come from anyone, and a terminal obeys what it is sent. So nothing that moves the
cursor, turns the direction of writing or takes no room is ever printed as it is: it is named, as
``<U+202E>``. The same form stands for everything beyond ASCII where only ASCII can be shown.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

TAB_STOP = 4

# More marks than any script puts on one letter; the rest would climb over the lines above.
_MARKS_SHOWN = 3

# Printable by the book, yet nothing to be seen: fillers, joiners, blank Braille.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")

# Variation selectors change the width of what stands before them, on some terminals.
_VARIATION_SELECTORS = (
    range(0x180B, 0x1810),
    range(0xFE00, 0xFE10),
    range(0xE0100, 0xE01F0),
)

# Vowels and finals that merge into the Hangul syllable before them.
_HANGUL_TAILS = (range(0x1161, 0x1200), range(0xD7B0, 0xD800))


@dataclass(frozen=True, slots=True)
class Cell:
    """What is printed for one character, and the columns that it takes on the screen."""

    text: str
    width: int


# What makes a command of the runner, and the same with a blank where the runner looks for none.
_COMMAND = "##["
_BROKEN = Cell(" [", 2)

# Nearly all of every policy; made once, since each line of an excerpt takes hundreds of them.
_PLAIN = {char: Cell(char, 1) for char in map(chr, range(0x20, 0x7F))}


def named(char: str) -> Cell:
    """Return the form that names *char* by its code point."""
    text = f"<U+{ord(char):04X}>"
    return Cell(text, len(text))


def width_of(char: str) -> int:
    """Return how many columns the printable character *char* takes: 0, 1 or 2."""
    if char.isascii():
        return 1
    if unicodedata.category(char) in ("Mn", "Me"):
        return 0
    if any(ord(char) in tails for tails in _HANGUL_TAILS):
        return 0
    return 2 if unicodedata.east_asian_width(char) in ("W", "F") else 1


def cell_of(char: str, *, ascii: bool) -> Cell:
    """Return how *char* is printed; a tab is not a matter of one character and not met here."""
    if char in _PLAIN:
        return _PLAIN[char]
    if ascii or not char.isprintable() or char in _BLANK:
        return named(char)
    if any(ord(char) in selectors for selectors in _VARIATION_SELECTORS):
        return named(char)
    return Cell(char, width_of(char))


def cells_of(text: Iterable[str], *, ascii: bool) -> Iterator[Cell]:
    """Yield one cell for each character of *text*, with tabs expanded to the next tab stop.

    A combining mark without a letter before it, and each after the third on one letter, is named.
    """
    column = 0
    marks = _MARKS_SHOWN
    signs = 0  # how many `#` stand directly before
    for char in text:
        plain = _PLAIN.get(char)
        if plain is not None:
            if char == "[" and signs > 1:
                plain = _BROKEN
            signs = signs + 1 if char == "#" else 0
            column += plain.width
            marks = 0
            yield plain
            continue
        signs = 0
        if char == "\t":
            cell = Cell(" " * (fill := TAB_STOP - column % TAB_STOP), fill)
        else:
            cell = cell_of(char, ascii=ascii)
        if cell.width:
            marks = 0
        elif marks < _MARKS_SHOWN:
            marks += 1
        else:
            cell = named(char)
        column += cell.width
        yield cell


def visible(text: str, *, ascii: bool = False) -> str:
    """Return *text* as one line that is safe to print."""
    if text.isascii() and text.isprintable() and _COMMAND not in text:
        return text
    return "".join(
        named(char).text if char == "\t" else cell.text
        for char, cell in zip(text, cells_of(text, ascii=ascii), strict=True)
    )


def wrapped(text: str, room: int) -> list[str]:
    """Return *text*, which is safe to print, in lines of at most *room* columns.

    Lines break at blanks only: a name or a path that is longer has a line of its own.
    """
    lines: list[str] = []
    left = 0
    for word in text.split(" "):
        width = sum(map(width_of, word))
        if lines and width < left:
            lines[-1] += f" {word}"
            left -= width + 1
        else:
            lines.append(word)
            left = room - width
    return lines
