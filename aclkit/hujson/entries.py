"""Where the entries of an object or array stand in the text, and where new ones would go."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from aclkit.hujson.extras import parts
from aclkit.hujson.tree import Array, Object, Value
from aclkit.source import Span

_BLANKS = re.compile(r"[ \t]*+")
_INDENT = re.compile(r"\n([ \t]++)[^\s*]")


@dataclass(frozen=True, slots=True)
class Entry:
    """A member or an element of a container.

    Attributes:
        span: from its name or first character to the end of its value.
        before: the extra before it.
        after: the extra from its value to the comma after it; empty without such a comma.
        comma: offset of the comma after it, None if there is none.
    """

    span: Span
    before: str
    after: str
    comma: int | None

    @property
    def space_before(self) -> str:
        """Return the white space right before the entry, after the last comment if there is one."""
        return self.before[end_of_comments(self.before) :]

    @property
    def follows_line_comment(self) -> bool:
        """Return whether the space before the entry begins with the end of a line comment."""
        comments = [comment for _, comment in parts(self.before) if comment]
        return bool(comments) and comments[-1].startswith("//")


def entries_of(container: Object | Array) -> list[Entry]:
    """Return the entries of *container* in order."""
    pairs: list[tuple[Value, Value]]
    if isinstance(container, Object):
        pairs = [(member.name, member.value) for member in container.members]
    else:
        pairs = [(element, element) for element in container.elements]
    entries = []
    for at, (first, value) in enumerate(pairs):
        has_comma = at + 1 < len(pairs) or container.trailing_comma
        span = Span(first.span.start, value.span.end)
        comma = span.end + len(value.after) if has_comma else None
        entries.append(Entry(span, first.before, value.after if has_comma else "", comma))
    return entries


def lead(entries: Sequence[Entry], like: int) -> str:
    """Return the white space before a new entry that stands like the entry *like*.

    That is a line feed and an indent if that entry begins a line, else blanks.
    """
    before = entries[like].before
    _, line_feed, line = before.rpartition("\n")
    if line_feed:
        return ("\r\n" if "\r\n" in before else "\n") + blanks(line)
    if len(entries) == 1:
        return " "
    return blanks(entries[max(like, 1)].before)


def blanks(text: str) -> str:
    """Return the spaces and tabs that *text* begins with."""
    found = _BLANKS.match(text)
    return found.group() if found else ""


def rest_of_line(extra: str) -> int:
    """Return where the comments at the start of *extra* end that begin on its first line."""
    return _end_of_comments(extra, first_line_only=True)


def end_of_comments(extra: str) -> int:
    """Return where the last comment of *extra* ends."""
    return _end_of_comments(extra, first_line_only=False)


def _end_of_comments(extra: str, *, first_line_only: bool) -> int:
    at = end = 0
    for white, comment in parts(extra):
        if first_line_only and "\n" in white:
            break
        at += len(white) + len(comment)
        if comment:
            # A carriage return at the end of a line comment belongs to the line end.
            end = at - comment.endswith("\r")
    return end


def indent_unit(text: str) -> str:
    """Return what the lines of *text* are indented with: the first indent in it, else a tab."""
    found = _INDENT.search(text)
    return "\t" if found is None or found[1].startswith("\t") else found[1]
