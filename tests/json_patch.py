"""Edits of verdicts, carried out: a small JSON patch (RFC 6902)."""

from __future__ import annotations

import copy
from typing import Any

import aclkit
from aclkit.evaluator.reasons import Edit

World = tuple[dict[str, Any], dict[str, Any]]
"""A policy and a tailnet, as plain data."""


def applied(world: World, edit: Edit | None) -> World:
    """Return the world after *edit*."""
    policy = copy.deepcopy(world[0])
    tailnet = aclkit.Tailnet.from_dict(world[1]).to_dict()
    while edit is not None:
        for operation in edit.operations:
            patch(policy if edit.document == "policy" else tailnet, operation)
        edit = edit.also
    return policy, tailnet


def patch(document: Any, operation: dict[str, Any]) -> None:
    """Carry out one operation on *document*."""
    *path, last = operation["path"].split("/")[1:]
    place = document
    for step in path:
        place = place[int(step)] if isinstance(place, list) else place[step]
    match operation["op"]:
        case "add" if last == "-":
            place.append(operation["value"])
        case "add" if isinstance(place, list):
            place.insert(int(last), operation["value"])
        case "add":
            place[last] = operation["value"]
        case "remove":
            del place[last]
        case "test":
            assert place[last] == operation["value"]
        case other:
            raise AssertionError(other)
