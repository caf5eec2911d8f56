"""Between a HuJSON tree and the plain data read from it: values one way, places the other."""

from __future__ import annotations

from typing import Any

from aclkit.diagnostics import Diagnostic, Label, error
from aclkit.hujson.tree import Array, Literal, Member, Object, Value
from aclkit.source import Span
from aclkit.tailnet.findings import Place, printable


def plain_value(root: Value, diagnostics: list[Diagnostic]) -> Any:
    """Return what *root* means in dicts, lists and scalars.

    Of a name that stands twice in an object the first value counts; *diagnostics* gets an error.
    """
    top: list[Any] = []
    # Values still to be read, the next one last, each with where to put it.
    pending: list[tuple[Value, Any, str | None]] = [(root, top, None)]
    while pending:
        value, container, name = pending.pop()
        plain: Any
        match value:
            case Literal():
                plain = value.value
            case Array():
                plain = []
                pending.extend((each, plain, None) for each in reversed(value.elements))
            case Object():
                plain = {}
                members = _members(value, diagnostics)
                pending.extend(
                    (member.value, plain, each) for each, member in reversed(members.items())
                )
        if name is None:
            container.append(plain)
        else:
            container[name] = plain
    return top[0]


def _members(value: Object, diagnostics: list[Diagnostic]) -> dict[str, Member]:
    """Return the members of *value* by name."""
    members: dict[str, Member] = {}
    for member in value.members:
        name = str(member.name.value)
        first = members.setdefault(name, member)
        if first is not member:
            diagnostics.append(
                error(
                    "tailnet-duplicate-key",
                    f"the key `{printable(name)}` stands twice in one object",
                    member.name.span,
                    related=[Label(first.name.span, "first given here")],
                    help="keep one of the two",
                )
            )
    return members


class Locator:
    """Finds the spans of places in one tree."""

    def __init__(self, root: Value) -> None:
        self._root = root
        # Members of the objects that were passed, so that many places do not mean many searches.
        self._members: dict[int, dict[str, Member]] = {}

    def span(self, place: Place) -> Span:
        """Return the span of *place*.

        Of an object or array it is the opening bracket: what is wrong with it as a whole is best
        said where it begins. A place that is not in the tree is that of what would hold it.
        """
        value = self._root
        name: Literal | None = None
        for step in place.path:
            name = None
            match value:
                case Array(elements) if isinstance(step, int) and step < len(elements):
                    value = elements[step]
                case Object() if isinstance(step, str):
                    if id(value) not in self._members:
                        self._members[id(value)] = _members(value, [])
                    member = self._members[id(value)].get(step)
                    if member is None:
                        break
                    name, value = member.name, member.value
                case _:
                    break
        if place.at_name and name is not None:
            return name.span
        match value:
            case Literal(span=span):
                return span
            case Array(span=span) | Object(span=span):
                return span.part(0, 1)
