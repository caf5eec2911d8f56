"""The tree while it is being formatted: nodes that can be changed, and their clean-up.

The formatter works in steps, each on the whole tree. A step is a loop over the list of all
containers, in which each stands after the one around it; so the steps need no recursion, and a
step from the inside out takes the list from its end.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from aclkit.hujson.extras import has_comment
from aclkit.hujson.tree import Array, Literal, Object, Value, children

_ESCAPES = {
    '"': r"\"",
    "\\": r"\\",
    "\b": r"\b",
    "\t": r"\t",
    "\n": r"\n",
    "\f": r"\f",
    "\r": r"\r",
}
_ESCAPED = str.maketrans({chr(code): f"\\u{code:04x}" for code in range(0x20)} | _ESCAPES)


@dataclass(slots=True, eq=False, kw_only=True)
class Node:
    """A name or a value.

    The extras (`before`, `after`, `tail`) are those of the source until the step that prints them.

    Attributes:
        text: a literal as it is printed, else the opening bracket.
        closing: the closing bracket, empty for a literal.
        names: the names of an object's members, else empty.
        items: the values of an object's members or the elements of an array.
        expanded: whether each item begins a line.
        level: how deep the lines of a container are indented.
        first_width: estimated bytes of the first line, which is all of a `single_line` node.
        last_width: estimated bytes of the last line.
        has_line_feed: whether something printed inside, not before a closing bracket, has one.
    """

    text: str
    closing: str = ""
    before: str
    after: str
    tail: str = ""
    trailing_comma: bool = False
    names: Sequence[Node] = ()
    items: Sequence[Node] = ()
    expanded: bool = False
    level: int = 0
    first_width: int = 0
    last_width: int = 0
    single_line: bool = True
    has_line_feed: bool = False


def lay_out(value: Value) -> tuple[Node, list[Node]]:
    """Return the node of *value*, and all containers in it, each after the one around it."""
    root = _node(value)
    containers = []
    pending = [(value, root)]
    while pending:
        value, node = pending.pop()
        if isinstance(value, Object | Array):
            if isinstance(value, Object):
                node.names = [_node(member.name) for member in value.members]
            node.items = [_node(child) for child in children(value)]
            pending.extend(zip(children(value), node.items, strict=True))
            containers.append(node)
    return root, containers


def _node(value: Value) -> Node:
    if isinstance(value, Literal):
        text = shortest(value)
        width = byte_length(text)
        return Node(text=text, before=value.before, after=value.after, first_width=width)
    opening, closing = "{}" if isinstance(value, Object) else "[]"
    return Node(
        text=opening,
        closing=closing,
        before=value.before,
        after=value.after,
        tail=value.tail,
        trailing_comma=value.trailing_comma,
    )


def shortest(literal: Literal) -> str:
    """Return *literal* as it is printed: a string with escapes gets the shortest ones."""
    if "\\" not in literal.text:
        return literal.text
    return f'"{str(literal.value).translate(_ESCAPED)}"'


def is_standard(root: Node, containers: Sequence[Node]) -> bool:
    """Return whether the text had neither comments nor trailing commas."""
    return not (
        has_comment(root.before)
        or has_comment(root.after)
        or any(each.trailing_comma or has_comment(each.tail) for each in containers)
        or any(
            has_comment(node.before) or has_comment(node.after)
            for each in containers
            for node in (*each.names, *each.items)
        )
    )


def drop_white_space(containers: Sequence[Node]) -> None:
    """Drop what is white space only before colons and commas and in empty containers.

    Between a colon and a value it stays, since a line feed there survives.
    """
    for container in containers:
        for node in (*container.names, *container.items):
            if not has_comment(node.after):
                node.after = ""
        if not container.items and not has_comment(container.tail):
            container.tail = ""


def byte_length(text: str) -> int:
    """Return the size of *text* in UTF-8."""
    return len(text) if text.isascii() else len(text.encode())
