"""The nodes of the tailnet file: by far the most of it, so this is where reading takes its time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from aclkit.addresses import Prefix
from aclkit.tailnet import fields, rules
from aclkit.tailnet.findings import Path
from aclkit.tailnet.model import Node, PostureValue
from aclkit.tailnet.reading import Reading, text_at
from aclkit.tailnet.shapes import NODE, NodeShape


@dataclass(slots=True)
class _Seen:
    """What the nodes so far hold.

    Attributes:
        ids: ids to the index of the node.
        attributes: names of posture attributes; a tailnet has few, so each is read once.
        rank_at: where `created` is first a rank; empty if it never is.
        time_at: where it is first a time.
    """

    ids: dict[str, int] = field(default_factory=dict)
    attributes: set[str] = field(default_factory=set)
    rank_at: Path = ()
    time_at: Path = ()


def lower_nodes(
    entries: Sequence[Any], reading: Reading
) -> tuple[list[Node], Literal["time", "rank"]]:
    """Return the nodes in the order of the file, and what their `created` counts.

    Fills in `reading.names` and `reading.all_names`.
    """
    nodes = []
    seen = _Seen()
    for index, entry in enumerate(entries):
        shape = NODE.read(entry, ("nodes", index), reading.findings)
        name = shape["name"] if shape else text_at(entry, "name")
        if name is None:
            reading.all_names = False
        else:
            _take_name(name, index, reading)
        if shape is not None:
            nodes.append(_node(shape, index, reading, seen))
    if seen.rank_at and seen.time_at:
        _note_mixture(seen, reading)
    return nodes, "time" if seen.time_at else "rank"


def _node(shape: NodeShape, index: int, reading: Reading, seen: _Seen) -> Node:
    path: Path = ("nodes", index)
    name = shape["name"]
    reading.read(name, fields.read_name, (*path, "name"))
    _take_id(shape, index, reading, seen)
    user, tags = _identity(shape, path, reading)
    addresses = shape["addresses"]
    reading.charge(len(addresses), path)
    if not addresses:
        reading.findings.note(rules.no_address(name), (*path, "addresses"))
    advertised: tuple[Prefix, ...] = ()
    if "advertised_routes" in shape:
        reading.charge(len(shape["advertised_routes"]), path)
        advertised = reading.routes(shape["advertised_routes"], (*path, "advertised_routes"))
    return Node(
        name,
        shape.get("id", name),
        user,
        tags,
        reading.own_addresses(addresses, "nodes", index),
        advertised,
        _approved(shape["approved_routes"], advertised, path, reading)
        if "approved_routes" in shape
        else None,
        shape.get("online", True),
        _created(shape["created"], path, reading, seen) if "created" in shape else None,
        _posture(shape["posture"], path, reading, seen) if "posture" in shape else {},
    )


def _take_name(name: str, index: int, reading: Reading) -> None:
    """Note *name* as that of node *index*, unless another node has it."""
    folded = name.casefold()
    first = reading.name_at.setdefault(folded, index)
    other = reading.names.setdefault(folded, name)
    if first != index:
        reading.findings.note(
            rules.name_taken(name, other),
            ("nodes", index, "name"),
            first=(("nodes", first, "name"), "first given here"),
        )


def _take_id(shape: NodeShape, index: int, reading: Reading, seen: _Seen) -> None:
    """Note the id of node *index*, unless another node has it."""
    key: Literal["id", "name"] = "id" if "id" in shape else "name"
    node_id = shape[key]
    if key == "id":
        reading.read(node_id, fields.read_name, ("nodes", index, "id"))
    elif reading.name_at[node_id.casefold()] != index:
        return  # The name is another node's, which was said.
    first = seen.ids.setdefault(node_id, index)
    if first != index:
        reading.findings.note(
            rules.id_taken(node_id),
            ("nodes", index, key),
            first=(("nodes", first), "this node has it"),
        )


def _identity(shape: NodeShape, path: Path, reading: Reading) -> tuple[str | None, tuple[str, ...]]:
    """Return the user and the tags of a node: one of the two, unless a finding says otherwise."""
    user, texts = shape.get("user"), shape.get("tags")
    tags: tuple[str, ...] = ()
    if texts:
        reading.charge(len(texts), path)
        tags = reading.tags(texts, (*path, "tags"))
    if user is None:
        if not texts:
            reading.findings.note(rules.no_identity(shape["name"]), path)
        return None, tags
    if texts:
        reading.findings.note(
            rules.user_and_tags(shape["name"]),
            (*path, "tags"),
            first=((*path, "user"), "the user is given here"),
        )
    if reading.logins is None:
        reading.read(user, fields.read_login, (*path, "user"))
    elif user not in reading.logins:
        near = reading.findings.near_miss(user, reading.logins)
        advice = near or "add this login to `users`, or leave `users` out"
        reading.findings.note(rules.unknown_user(user, advice), (*path, "user"))
    return user, tags


def _approved(
    texts: list[str], advertised: tuple[Prefix, ...], path: Path, reading: Reading
) -> tuple[Prefix, ...]:
    path = (*path, "approved_routes")
    reading.charge(len(texts), path)
    approved = reading.routes(texts, path)
    excess = set(approved).difference(advertised)
    for index, text in enumerate(texts) if excess else ():
        route = reading.known_route(text)
        if route is not None and route in excess:
            reading.findings.note(rules.unadvertised(route), (*path, index))
    return approved


def _created(value: object, path: Path, reading: Reading, seen: _Seen) -> int | None:
    path = (*path, "created")
    created = reading.read(value, fields.read_created, path)
    if created is not None:
        if isinstance(value, int):
            seen.rank_at = seen.rank_at or path
        else:
            seen.time_at = seen.time_at or path
    return created


def _note_mixture(seen: _Seen, reading: Reading) -> None:
    first, second = sorted([(seen.rank_at, "a rank"), (seen.time_at, "a time")])
    reading.findings.add(
        "tailnet-mixed-created",
        f"`created` is {second[1]} here and {first[1]} elsewhere, so the two have no order",
        second[0],
        help="use times for all nodes, or ranks for all",
        first=(first[0], f"{first[1]} here"),
    )


def _posture(
    attributes: dict[str, Any], path: Path, reading: Reading, seen: _Seen
) -> Mapping[str, PostureValue]:
    path = (*path, "posture")
    reading.charge(len(attributes), path)
    for name, value in attributes.items():
        if name not in seen.attributes:
            reading.read(name, fields.read_name, (*path, name))
            seen.attributes.add(name)
        if type(value) is not str or not value.isascii():
            reading.read(value, fields.read_attribute, (*path, name))
    if len(attributes) > 1:
        _note_twins(attributes, path, reading)
    return attributes


def _note_twins(attributes: Iterable[str], path: Path, reading: Reading) -> None:
    """Note attributes whose names differ in case only: no two of a node may."""
    for name, other in rules.twins(attributes):
        reading.findings.note(
            rules.attributes_alike(name, other),
            (*path, name),
            at_name=True,
            first=((*path, other), "first given here"),
        )
