"""Write a tree as text: as it was, as standard JSON, or as short as can be.

Nothing here recurses.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import TypeAlias

from aclkit.hujson.extras import has_comment, parts
from aclkit.hujson.tree import Array, Document, Literal, Object, Value

_NOT_LINE_BREAK = re.compile(r"[^\r\n]")


def pack(value: Value | Document) -> str:
    """Return the text of *value* with the extras around it; of a document the text it is from."""
    return "".join(text for _, text in _pieces(_value_of(value)))


def standardize(value: Value | Document) -> str:
    """Return *value* as standard JSON in the same shape.

    Each code point of a comment becomes a space, and so does a trailing comma. Line breaks stay:
    offsets, lines and columns are those of the original.
    """
    return "".join(_blanked(part, text) for part, text in _pieces(_value_of(value)))


def minimize(value: Value | Document) -> str:
    """Return *value* without white space, comments and trailing commas; literals as written."""
    return "".join(text for part, text in _pieces(_value_of(value)) if part is _Part.TOKEN)


def _value_of(value: Value | Document) -> Value:
    return value.value if isinstance(value, Document) else value


class _Part(Enum):
    EXTRA = auto()
    TOKEN = auto()
    TRAILING_COMMA = auto()


def _blanked(part: _Part, text: str) -> str:
    """Return the part *text* with everything blanked that standard JSON does not have."""
    match part:
        case _Part.EXTRA if has_comment(text):
            return "".join(
                white + _NOT_LINE_BREAK.sub(" ", comment) for white, comment in parts(text)
            )
        case _Part.TRAILING_COMMA:
            return " "
        case _:
            return text


_Piece: TypeAlias = tuple[_Part, str]


def _pieces(value: Value) -> Iterator[_Piece]:
    """Return all parts of the text of *value*, in order."""
    pending: list[Value | _Piece] = [value]
    while pending:
        match pending.pop():
            case (part, text):
                yield part, text
            case Literal() as literal:
                yield from _literal(literal)
            case Object() as container:
                pending.extend(reversed([*_object(container)]))
            case Array() as container:
                pending.extend(reversed([*_array(container)]))


def _literal(literal: Literal) -> Iterator[_Piece]:
    yield _Part.EXTRA, literal.before
    yield _Part.TOKEN, literal.text
    yield _Part.EXTRA, literal.after


def _object(container: Object) -> Iterator[Value | _Piece]:
    yield _Part.EXTRA, container.before
    yield _Part.TOKEN, "{"
    for at, member in enumerate(container.members):
        if at:
            yield _Part.TOKEN, ","
        yield member.name
        yield _Part.TOKEN, ":"
        yield member.value
    yield from _end(container, "}")


def _array(container: Array) -> Iterator[Value | _Piece]:
    yield _Part.EXTRA, container.before
    yield _Part.TOKEN, "["
    for at, element in enumerate(container.elements):
        if at:
            yield _Part.TOKEN, ","
        yield element
    yield from _end(container, "]")


def _end(container: Object | Array, bracket: str) -> Iterator[_Piece]:
    if container.trailing_comma:
        yield _Part.TRAILING_COMMA, ","
    yield _Part.EXTRA, container.tail
    yield _Part.TOKEN, bracket
    yield _Part.EXTRA, container.after
