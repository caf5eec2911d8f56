"""How a report may look where it will be read: width, colours, characters."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from aclkit.diagnostics import Severity


class Ink(Enum):
    """What a part of the output is, and the ANSI code that it is painted with."""

    PLACE = "1"
    ERROR = "1;31"
    WARNING = "1;33"
    RELATED = "34"
    HELP = "36"
    FAINT = "2"
    PASSED = "32"


SEVERITY_INK = {Severity.ERROR: Ink.ERROR, Severity.WARNING: Ink.WARNING}


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """What the reader's screen or file can show. The defaults suit a file.

    Attributes:
        width: cells per line; only excerpts and tables are fitted to it.
        colour: paint with ANSI codes.
        ascii: write no character beyond ASCII.
        table: a person looks at a terminal; tables are welcome.
        quiet: findings and failed tests only, no notes and no summary.
    """

    width: int = 100
    colour: bool = False
    ascii: bool = False
    table: bool = False
    quiet: bool = False

    def paint(self, text: str, ink: Ink) -> str:
        """Return *text* in its colour, or as it is where there are no colours."""
        return f"\x1b[{ink.value}m{text}\x1b[0m" if self.colour and text else text

    @property
    def ellipsis(self) -> str:
        """The sign for "there is more"."""
        return "..." if self.ascii else "…"
