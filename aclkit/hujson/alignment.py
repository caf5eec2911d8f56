"""Align the values of members that stand one below the other.

This is the last step of the formatter: the extras are printed already.
"""

from __future__ import annotations

from collections.abc import Sequence

from aclkit.hujson.extras import breaks
from aclkit.hujson.layout import Node, byte_length


def align_values(containers: Sequence[Node]) -> None:
    """Put spaces before the values of consecutive one-line members, up to the widest name."""
    for container in reversed(containers):
        container.has_line_feed = any(
            _has_line_feed(node) or breaks(node.before)
            for node in (*container.names, *container.items)
        )
        for block in _blocks(container):
            _align(block)


def _has_line_feed(node: Node) -> bool:
    """Return whether there is one in *node* or after it; before closing brackets none counts."""
    return node.has_line_feed or breaks(node.after)


def _blocks(container: Node) -> list[list[tuple[Node, Node]]]:
    """Return the runs of members of an object that are aligned with each other."""
    blocks: list[list[tuple[Node, Node]]] = [[]]
    for name, value in zip(container.names, container.items, strict=False):
        line_feeds = name.before.count("\n")
        fits = line_feeds and not (
            _has_line_feed(name) or breaks(value.before) or _has_line_feed(value)
        )
        if line_feeds > 1 or not fits:
            blocks.append([])
        if fits:
            blocks[-1].append((name, value))
    return blocks


def _align(block: list[tuple[Node, Node]]) -> None:
    widths = [
        byte_length(name.text) + byte_length(name.after) + 1 + byte_length(value.before)
        for name, value in block
    ]
    widest = max(widths, default=0)
    for (_, value), width in zip(block, widths, strict=True):
        value.before += " " * (widest - width)
