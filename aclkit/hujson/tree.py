"""The lossless tree of a HuJSON text. It knows no policy word.

Each value carries the white space and comments around it (an *extra*), so that writing all pieces
one after the other gives back the text, byte for byte. In an object or array the extra before the
closing bracket belongs to the container (`tail`).

Nothing here recurses: a tree may be nested deeper than Python's stack. Containers compare all that
they hold; their `repr` and their hash look at themselves only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

from aclkit.source import Source, Span

Scalar: TypeAlias = str | int | float | bool | None


@dataclass(frozen=True, slots=True)
class Literal:
    """A string, number, `true`, `false` or `null`.

    `text` is the literal as written, quotes and escapes included; `value` is what it means.
    A number without fraction and exponent is an int, any other a float. So is an integer of more
    than 640 digits, which Python need not convert. `start` is the offset of its first character.
    """

    text: str
    value: Scalar
    start: int
    before: str = ""
    after: str = ""

    @property
    def span(self) -> Span:
        """Return where the literal stands, from quote to quote."""
        return Span(self.start, self.start + len(self.text))


@dataclass(frozen=True, slots=True)
class Member:
    """A name and its value. `name.after` is what stands before the colon."""

    name: Literal
    value: Value


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Object:
    """An object, from its bracket at `start` to the one before `end`."""

    members: tuple[Member, ...]
    start: int
    end: int
    before: str = ""
    after: str = ""
    tail: str = ""
    trailing_comma: bool = False

    @property
    def span(self) -> Span:
        """Return where it stands, from bracket to bracket."""
        return Span(self.start, self.end)

    def __eq__(self, other: object) -> bool:
        return _same(self, other) if isinstance(other, Object) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.start, self.end, self.before, self.after, len(self.members)))

    def __repr__(self) -> str:
        return f"Object({len(self.members)} members, {self.span})"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Array:
    """An array, from its bracket at `start` to the one before `end`."""

    elements: tuple[Value, ...]
    start: int
    end: int
    before: str = ""
    after: str = ""
    tail: str = ""
    trailing_comma: bool = False

    @property
    def span(self) -> Span:
        """Return where it stands, from bracket to bracket."""
        return Span(self.start, self.end)

    def __eq__(self, other: object) -> bool:
        return _same(self, other) if isinstance(other, Array) else NotImplemented

    def __hash__(self) -> int:
        return hash((self.start, self.end, self.before, self.after, len(self.elements)))

    def __repr__(self) -> str:
        return f"Array({len(self.elements)} elements, {self.span})"


Value: TypeAlias = Literal | Object | Array


@dataclass(frozen=True, slots=True)
class Document:
    """A whole text and its one value. Spans count from the start of `source.text`."""

    source: Source
    value: Value


def _same(left: Value, right: Value) -> bool:
    """Return whether two trees are equal in every field, spans and extras included."""
    pending: list[tuple[Value, Value]] = [(left, right)]
    while pending:
        a, b = pending.pop()
        if a is b:
            continue
        if isinstance(a, Literal) or isinstance(b, Literal):
            if a != b:
                return False
            continue
        if isinstance(a, Object) and isinstance(b, Object):
            if [member.name for member in a.members] != [member.name for member in b.members]:
                return False
        elif isinstance(a, Array) and isinstance(b, Array):
            if len(a.elements) != len(b.elements):
                return False
        else:
            return False
        if _surroundings(a) != _surroundings(b):
            return False
        pending.extend(zip(children(a), children(b), strict=True))
    return True


def _surroundings(container: Object | Array) -> tuple[object, ...]:
    return (
        container.start,
        container.end,
        container.before,
        container.after,
        container.tail,
        container.trailing_comma,
    )


def children(value: Value) -> tuple[Value, ...]:
    """Return the values directly in *value*, in order; a literal has none."""
    match value:
        case Object(members=members):
            return tuple(member.value for member in members)
        case Array(elements=elements):
            return elements
        case _:
            return ()


def plain(value: Value) -> Any:
    """Return what *value* means as dicts, lists and scalars, like `json.loads` would.

    Of several members with one name the last one counts.
    """
    top: list[Any] = [None]
    pending: list[tuple[Value, Any, Any]] = [(value, top, 0)]
    while pending:
        node, holder, key = pending.pop()
        match node:
            case Literal():
                holder[key] = node.value
            case Object():
                names = [member.name.value for member in node.members]
                holder[key] = into = dict.fromkeys(names)
                values = dict(zip(names, children(node), strict=True))
                pending.extend((child, into, name) for name, child in values.items())
            case Array():
                holder[key] = row = [None] * len(node.elements)
                pending.extend((child, row, at) for at, child in enumerate(node.elements))
    return top[0]
