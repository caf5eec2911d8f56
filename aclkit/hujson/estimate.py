"""Estimate how long the lines of each container would be, to decide which one is expanded.

The estimate is on the extras of the source and counts every member and element as if a comma and
a space followed. It is not what is printed in the end, but it is what the decision hangs on.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from aclkit.hujson.extras import breaks, has_comment
from aclkit.hujson.layout import Node, byte_length

LONGEST_LINE = 80

# A comment on one line, after blanks. It is open if it runs on to the end of the line.
_COMMENT = re.compile(
    r"[ \t\r]*+(?P<comment>/\*[^*]*+\*++(?:[^*/][^*]*+\*++)*+(?<=\*)/|(?P<open>//.*+|/\*.*+))"
)


def decide_expansion(containers: Sequence[Node]) -> None:
    """Decide which of *containers* are expanded, from the inside out."""
    for container in reversed(containers):
        lines = _measure(container)
        container.expanded = _must_expand(container) or lines.longest > LONGEST_LINE
        if container.expanded:
            lines = _Lines()
            lines.add(1 + first_line_width(_extra_after_bracket(container)))
            lines.end_line(1)
        container.single_line = lines.is_single
        container.first_width, container.last_width = lines.first, lines.running


def _must_expand(container: Node) -> bool:
    """Return whether an extra breaks that puts an item or the closing bracket on a new line."""
    if breaks(container.tail) or (container.trailing_comma and breaks(container.items[-1].after)):
        return True
    return any(breaks(node.before) for node in container.names or container.items)


def _extra_after_bracket(container: Node) -> str:
    for node in container.names or container.items:
        return node.before
    return container.tail


class _Lines:
    """The estimated lines of a container; `running` is the length of the last one so far."""

    def __init__(self) -> None:
        self.running = 0
        self.is_single = True
        self._first = 0
        self._longest = 0

    @property
    def first(self) -> int:
        """Return the length of the first line."""
        return self.running if self.is_single else self._first

    @property
    def longest(self) -> int:
        """Return the length of the longest line."""
        return max(self._longest, self.running)

    def add(self, width: int) -> None:
        """Add *width* to the running line."""
        self.running += width

    def end_line(self, next_width: int) -> None:
        """End the running line and begin another of *next_width*."""
        if self.is_single:
            self._first = self.running
            self.is_single = False
        self._longest = self.longest
        self.running = next_width

    def add_extra(self, extra: str) -> None:
        """Add the comments of *extra*, over several lines if it breaks."""
        if has_comment(extra):
            self.add(first_line_width(extra))
        if breaks(extra):
            self.end_line(last_line_width(extra))

    def add_node(self, node: Node) -> None:
        """Add a name or a value that was measured before, and what is around it."""
        self.add_extra(node.before)
        self.add(node.first_width)
        if not node.single_line:
            self.end_line(node.last_width)
        self.add_extra(node.after)


def _measure(container: Node) -> _Lines:
    lines = _Lines()
    lines.add(1)
    for at, item in enumerate(container.items):
        if container.names:
            lines.add_node(container.names[at])
            lines.add(2)
        lines.add_node(item)
        lines.add(2)
    lines.add(1)
    return lines


def first_line_width(extra: str) -> int:
    """Return what the part of *extra* before its first line feed counts, all if it has none."""
    return _width(extra.partition("\n")[0])


def last_line_width(extra: str) -> int:
    """Return what the part of *extra* after its last line feed counts."""
    return _width(extra.rpartition("\n")[2])


def _width(line: str) -> int:
    """Return what the comments at the start of *line* count, each with the space that follows it.

    A further space stands before the first one, but is not counted if the last one is open. *line*
    can begin in a block comment, whose rest counts nothing unless it looks like a comment.
    """
    width = at = 0
    while comment := _COMMENT.match(line, at):
        width += byte_length(comment["comment"]) + 1
        if comment["open"]:
            return width
        at = comment.end()
    return width + 1 if width else 0
