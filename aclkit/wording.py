"""How sentences count and list, the same in every room that writes some."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

# Of a longer list the rest is counted.
MOST = 4


def counted(number: int, noun: str) -> str:
    """Return *number* with its *noun*, which takes an s unless it is one."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def listed(words: Iterable[str]) -> str:
    """Return *words* in backticks, with commas."""
    return ", ".join(f"`{word}`" for word in words)


def some(words: Sequence[str], most: int = MOST) -> str:
    """Return the first *most* of *words*, and how many more there are."""
    return and_more(", ".join(words[:most]), len(words) - most)


def and_more(shown: str, more: int) -> str:
    """Return *shown*, and how many there are besides."""
    return f"{shown} and {more} more" if more > 0 else shown
