"""JSON pointers (RFC 6901) into a tree."""

from __future__ import annotations

import re
from collections.abc import Sequence

from aclkit.hujson.lexical import shown
from aclkit.hujson.tree import Array, Document, Object, Value

_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")
_BAD_TILDE = re.compile(r"~(?![01])")


class EditError(ValueError):
    """A pointer that names nothing, or an edit that can't be made; the message says why."""


def parse_pointer(pointer: str) -> tuple[str, ...]:
    """Return the tokens of *pointer*; the empty pointer has none and names the whole value.

        pointer = *( "/" token )
        token   = *( any character but "/" and "~", or "~0" for "~", or "~1" for "/" )

    Raises:
        EditError: *pointer* is not a JSON pointer.
    """
    if not pointer:
        return ()
    if not pointer.startswith("/"):
        raise EditError(f"the pointer {shown(pointer)} does not begin with `/`")
    if _BAD_TILDE.search(pointer):
        raise EditError(f"a `~` in the pointer {shown(pointer)} is not followed by `0` or `1`")
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in pointer[1:].split("/"))


def write_pointer(tokens: Sequence[str]) -> str:
    """Return the pointer of *tokens*; the inverse of `parse_pointer`."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens)


def value_at(document: Document, pointer: str) -> Value:
    """Return the value that *pointer* names.

    Raises:
        EditError: there is no such value, or its object has several members of that name.
    """
    return follow(document.value, parse_pointer(pointer))


def follow(value: Value, tokens: Sequence[str]) -> Value:
    """Return the value that *tokens* lead to from *value*; raises `EditError` like `value_at`."""
    for depth, token in enumerate(tokens):
        place = write_pointer(tokens[:depth])
        match value:
            case Object(members=members):
                value = members[existing_member_index(value, token, place)].value
            case Array(elements=elements):
                value = elements[element_index(value, token, place)]
            case _:
                raise EditError(f"{subject(place)} is neither object nor array")
    return value


def member_index(container: Object, name: str, place: str) -> int | None:
    """Return which member is called *name*, or None; *place* is the pointer to *container*.

    Raises:
        EditError: several members have the name.
    """
    found = [at for at, member in enumerate(container.members) if member.name.value == name]
    if len(found) > 1:
        raise EditError(f"there are {len(found)} members {shown(name)} in {subject(place)}")
    return found[0] if found else None


def existing_member_index(container: Object, name: str, place: str) -> int:
    """Return which member is called *name*; *place* is the pointer to *container*.

    Raises:
        EditError: no member has the name, or several have it.
    """
    index = member_index(container, name, place)
    if index is None:
        raise EditError(f"there is no member {shown(name)} in {subject(place)}")
    return index


def element_index(container: Array, token: str, place: str) -> int:
    """Return *token* as the index of an element; *place* is the pointer to *container*.

    Raises:
        EditError: it is no index (a decimal number without leading zeros), or beyond the end.
    """
    count = len(container.elements)
    if not _INDEX.fullmatch(token):
        raise EditError(f"{shown(token)} is no index of an element of {subject(place)}")
    if int(token) >= count:
        raise EditError(f"there is no element {token} in {subject(place)}, which has {count}")
    return int(token)


def subject(pointer: str) -> str:
    """Return *pointer* for a message."""
    return shown(pointer) if pointer else "the whole value"
