"""Change a text by JSON pointer, and nothing of it that need not change.

Each function returns edits of the text of a document. Comments stay, but for those inside of what
is replaced or removed. An object or array keeps its form: a new entry stands on a line of its own
if its neighbour does, indented like it, and whether there is a trailing comma stays as it was.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass

from aclkit.diagnostics import PolicyError
from aclkit.hujson.entries import (
    Entry,
    blanks,
    end_of_comments,
    entries_of,
    indent_unit,
    lead,
    rest_of_line,
)
from aclkit.hujson.extras import has_comment
from aclkit.hujson.parser import parse
from aclkit.hujson.pointer import (
    EditError,
    element_index,
    existing_member_index,
    follow,
    member_index,
    parse_pointer,
    subject,
    write_pointer,
)
from aclkit.hujson.tree import Array, Document, Object
from aclkit.source import Span

__all__ = ["EditError", "TextEdit", "add", "apply_edits", "remove", "rename", "replace"]

_LINE_END = re.compile(r"[ \t\r]*+\n")


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Replace what *span* covers by *text*. An empty span inserts."""

    span: Span
    text: str


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return *text* with all *edits* made; their spans count in *text* as it is before.

    Raises:
        EditError: two edits overlap, or one is beyond the end.
    """
    pieces = []
    end = 0
    for edit in sorted(edits):
        if edit.span.start < end or edit.span.end > len(text):
            raise EditError("two edits overlap, or one is beyond the end of the text")
        pieces += [text[end : edit.span.start], edit.text]
        end = edit.span.end
    return "".join([*pieces, text[end:]])


def replace(document: Document, pointer: str, text: str) -> list[TextEdit]:
    """Replace the value at *pointer* by *text*, which is HuJSON.

    Raises:
        EditError: there is no such value, or *text* is not one value.
    """
    value = follow(document.value, parse_pointer(pointer))
    return [TextEdit(value.span, _one_value(text))]


def rename(document: Document, pointer: str, name: str) -> list[TextEdit]:
    """Give the member at *pointer* another *name*.

    Raises:
        EditError: there is no such member, or its object has one with that name already.
    """
    container, place, token = _parent(document, pointer)
    if not isinstance(container, Object):
        raise EditError(f"{subject(pointer)} is no member of an object")
    member = container.members[existing_member_index(container, token, place)]
    if name != token and member_index(container, name, place) is not None:
        raise EditError(f"{subject(place)} has a member {subject(name)} already")
    return [TextEdit(member.name.span, _string(name))]


def add(document: Document, pointer: str, text: str) -> list[TextEdit]:
    """Add *text*, which is HuJSON, at *pointer*.

    A member is added after the others of its object; one that is there already gets a new value.
    An element is added before the one that has the index now; the number of elements, or ``-``,
    adds it after them. The empty pointer replaces the whole value.

    Raises:
        EditError: there is no place as *pointer* says, or *text* is not one value.
    """
    if not pointer:
        return replace(document, pointer, text)
    container, place, token = _parent(document, pointer)
    new = _one_value(text)
    if isinstance(container, Array):
        if token in ("-", str(len(container.elements))):
            return _append(document, container, new)
        return _insert(container, element_index(container, token, place), new)
    index = member_index(container, token, place)
    if index is not None:
        return [TextEdit(container.members[index].value.span, new)]
    is_tight = bool(container.members) and not container.members[-1].value.before
    return _append(document, container, _string(token) + (":" if is_tight else ": ") + new)


def remove(document: Document, pointer: str) -> list[TextEdit]:
    """Remove the member or element at *pointer*.

    Comments before and after it stay, those between its name and its value go.

    Raises:
        EditError: there is no such member or element, or *pointer* is the whole value.
    """
    container, place, token = _parent(document, pointer)
    if isinstance(container, Object):
        index = existing_member_index(container, token, place)
    else:
        index = element_index(container, token, place)
    return [TextEdit(span, "") for span in _cuts(container, index)]


def _parent(document: Document, pointer: str) -> tuple[Object | Array, str, str]:
    """Return the container that *pointer* leads into, the container's pointer, and the token."""
    tokens = parse_pointer(pointer)
    if not tokens:
        raise EditError("the whole value can only be replaced")
    place = write_pointer(tokens[:-1])
    container = follow(document.value, tokens[:-1])
    if not isinstance(container, Object | Array):
        raise EditError(f"{subject(place)} is neither object nor array")
    return container, place, tokens[-1]


def _one_value(text: str) -> str:
    """Return *text* without the white space around it, if it is one value."""
    try:
        value = parse(text).value
    except PolicyError as refused:
        raise EditError(f"the new value is not HuJSON: {refused}") from refused
    if has_comment(value.before) or has_comment(value.after):
        raise EditError("the new value has a comment before or after it")
    return text[value.span.start : value.span.end]


def _string(name: str) -> str:
    return _one_value(json.dumps(name, ensure_ascii=False))


def _insertion(at: int, text: str) -> TextEdit:
    return TextEdit(Span(at, at), text)


def _append(document: Document, container: Object | Array, new: str) -> list[TextEdit]:
    """Add an entry with the text *new* after the others."""
    entries = entries_of(container)
    tail = container.tail
    tail_start = container.span.end - 1 - len(tail)
    if not entries:
        return [_first_entry(document.source.text, tail, tail_start, new)]
    space = lead(entries, len(entries) - 1)
    # A comment on the line of the last entry is about that entry.
    at = tail_start + (rest_of_line(tail) if "\n" in space else 0)
    if container.trailing_comma:
        return [_insertion(at, f"{space}{new},")]
    end = entries[-1].span.end
    if at == end:
        return [_insertion(at, f",{space}{new}")]
    return [_insertion(end, ","), _insertion(at, space + new)]


def _first_entry(text: str, tail: str, tail_start: int, new: str) -> TextEdit:
    """Add *new* to a container that has nothing but the extra *tail*."""
    at = tail_start + end_of_comments(tail)
    _, line_feed, last_line = tail.rpartition("\n")
    if line_feed:
        line_break = "\r\n" if "\r\n" in tail else "\n"
        return _insertion(at, line_break + blanks(last_line) + indent_unit(text) + new)
    return TextEdit(Span(at, tail_start + len(tail)), (" " if at > tail_start else "") + new)


def _insert(container: Array, index: int, new: str) -> list[TextEdit]:
    """Add an element with the text *new* before the one with *index*."""
    entries = entries_of(container)
    entry = entries[index]
    start = entry.span.start - len(entry.before)
    space = lead(entries, index)
    if "\n" in space:
        return [_insertion(start + rest_of_line(entry.before), f"{space}{new},")]
    if index == 0 and not entry.before:
        return [_insertion(start, f"{new},{space}")]
    return [_insertion(start, f"{blanks(entry.before)}{new},")]


def _cuts(container: Object | Array, index: int) -> list[Span]:
    """Return what to cut to remove the entry with *index*, its comma and its white space."""
    entries = entries_of(container)
    entry = entries[index]
    is_last = index + 1 == len(entries)
    following = container.tail if is_last else entries[index + 1].before
    if entry.comma is None:
        previous = entries[index - 1].comma if index else None
        commas = [] if previous is None else [Span(previous, previous + 1)]
        return [*commas, _cut(entry, entry.span.end, following)]
    if has_comment(entry.after):
        comma = Span(entry.comma, entry.comma + 1)
        return [_cut(entry, entry.span.end, entry.after), comma]
    return [_cut(entry, entry.comma + 1, following)]


def _cut(entry: Entry, end: int, following: str) -> Span:
    """Return *entry* up to *end* with the white space on one side.

    That is the one before it, so that its line goes with it. But the line stays where it is needed
    to end a line comment, and for a comment that stood on it.
    """
    start = entry.span.start
    space = entry.space_before
    after = len(blanks(following))
    line_ends = _LINE_END.match(following) is not None
    stays = (entry.follows_line_comment and not line_ends) or (
        "\n" in space and following.startswith("/", after)
    )
    if stays or not space:
        return Span(start, end + after)
    return Span(start - len(space), end + after if line_ends else end)
