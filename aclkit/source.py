"""Source text and places in it.

Offsets and columns count Unicode code points. Lines end with LF (a CR before it belongs to the
line end); CR alone does not end a line. A tab counts one column.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Half-open range of code points ``[start, end)`` in a source text."""

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.end:
            raise ValueError(f"not a span: {self.start}..{self.end}")

    def part(self, start: int, end: int) -> Span:
        """Return the span of the code points *start* to *end*, counted from this span's start."""
        return Span(self.start + start, self.start + end)


@dataclass(frozen=True, slots=True)
class Position:
    """Line and column, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Source:
    """A text with the name under which its user knows it, such as ``policy.hujson``."""

    name: str
    text: str
    _line_starts: list[int] = field(default_factory=list, init=False, repr=False, compare=False)

    @classmethod
    def of(cls, name: str, text: str | bytes) -> Source:
        """Return *text*, whatever it is, to be shown: U+FFFD stands for what is not UTF-8."""
        return cls(name, text if isinstance(text, str) else text.decode("utf-8", "replace"))

    def _starts(self) -> list[int]:
        """Return the offset at which each line begins; found once, on first use."""
        if not self._line_starts:
            starts = [0]
            at = self.text.find("\n")
            while at >= 0:
                starts.append(at + 1)
                at = self.text.find("\n", at + 1)
            self._line_starts.extend(starts)
        return self._line_starts

    @property
    def line_count(self) -> int:
        """Number of lines; a text that ends with LF has an empty last line."""
        return len(self._starts())

    def position(self, offset: int) -> Position:
        """Return the line and column of *offset*, which may be the end of the text."""
        if not 0 <= offset <= len(self.text):
            raise ValueError(f"offset {offset} is outside of {self.name}")
        starts = self._starts()
        line = bisect_right(starts, offset)
        return Position(line, offset - starts[line - 1] + 1)

    def line(self, number: int) -> str:
        """Return the text of line *number* (from 1) without its line end."""
        starts = self._starts()
        if not 1 <= number <= len(starts):
            raise ValueError(f"{self.name} has no line {number}")
        end = starts[number] if number < len(starts) else len(self.text)
        return self.text[starts[number - 1] : end].removesuffix("\n").removesuffix("\r")

    def slice(self, span: Span) -> str:
        """Return the text that *span* covers."""
        return self.text[span.start : span.end]
