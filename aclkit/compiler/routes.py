"""Route approval and election (docs/reference/routes-and-peers.md).

A route is approved when an entry of `autoApprovers.routes` equals or contains it and the node has
one of the entry's approvers; exit routes only by `autoApprovers.exitNode`. The primary of a route
is the online approved advertiser that was created first.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from aclkit.addresses import Prefix
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.resolver import word_of
from aclkit.tailnet.model import Node


class RouteApprovals:
    """Who may advertise what without a human's approval."""

    __slots__ = ("_exit", "_routes")

    def __init__(self, policy: Policy) -> None:
        approvers = policy.auto_approvers
        self._routes = [(entry.prefix, _words(entry.approvers)) for entry in approvers.routes]
        self._exit = _words(approvers.exit_node)

    def approved(self, node: Node, words: Iterable[str]) -> tuple[Prefix, ...]:
        """Return the advertised routes of *node* that the policy approves, in its order.

        *words* are the identity words of the node.
        """
        if not node.advertised_routes:
            return ()
        held = frozenset(words)
        return tuple(route for route in node.advertised_routes if self._approves(route, held))

    def in_force(self, node: Node, words: Iterable[str]) -> tuple[Prefix, ...]:
        """Return the routes of *node* that are in force: the approved ones that it advertises."""
        if node.approved_routes is None:
            return self.approved(node, words)
        offered = set(node.advertised_routes)
        return tuple(route for route in node.approved_routes if route in offered)

    def _approves(self, route: Prefix, words: frozenset[str]) -> bool:
        if route.is_default:
            return not self._exit.isdisjoint(words)
        return any(
            prefix.contains(route) and not approvers.isdisjoint(words)
            for prefix, approvers in self._routes
        )


def _words(approvers: Iterable[Selector]) -> frozenset[str]:
    return frozenset(word_of(approver) for approver in approvers)


def elect_primaries(
    nodes: Sequence[Node], routers: Iterable[tuple[int, tuple[Prefix, ...]]]
) -> dict[Prefix, int]:
    """Return the primary of each subnet route, as an index into *nodes*.

    *routers* gives nodes in the order of creation, with their subnet routes in force. A route
    whose routers are all offline has no primary.
    """
    primaries: dict[Prefix, int] = {}
    for index, routes in routers:
        if nodes[index].online:
            for route in routes:
                primaries.setdefault(route, index)
    return primaries
