"""Route approval and election (docs/reference/routes-and-peers.md).

A route is approved when an entry of `autoApprovers.routes` equals or contains it and the node has
one of the entry's approvers; exit routes only by `autoApprovers.exitNode`. The primary of a route
is the online approved advertiser that was created first.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aclkit.addresses import AddressSet, Prefix
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver, as_source, is_identity, word_of
from aclkit.tailnet.model import Node


class RouteApprovals:
    """Who may advertise what without a human's approval."""

    __slots__ = ("_exit", "_routes")

    def __init__(self, resolver: Resolver) -> None:
        given = resolver.policy.auto_approvers
        self._routes = [
            (entry.prefix, _Approvers.of(entry.approvers, resolver)) for entry in given.routes
        ]
        self._exit = _Approvers.of(given.exit_node, resolver)

    def approved(self, node: Node, words: Iterable[str]) -> tuple[Prefix, ...]:
        """Return the advertised routes of *node* that the policy approves, in its order.

        *words* are the identity words of the node.
        """
        if not node.advertised_routes:
            return ()
        held = frozenset(words)
        return tuple(r for r in node.advertised_routes if self._approves(r, node, held))

    def in_force(self, node: Node, words: Iterable[str]) -> tuple[Prefix, ...]:
        """Return the routes of *node* that are in force: the approved ones that it advertises."""
        if node.approved_routes is None:
            return self.approved(node, words)
        offered = set(node.advertised_routes)
        return tuple(route for route in node.approved_routes if route in offered)

    def _approves(self, route: Prefix, node: Node, words: frozenset[str]) -> bool:
        if route.is_default:
            return self._exit.include(node, words)
        return any(
            prefix.contains(route) and approvers.include(node, words)
            for prefix, approvers in self._routes
        )


@dataclass(frozen=True, slots=True)
class _Approvers:
    """Nodes by who they are and, for targets that take such approvers, by address."""

    words: frozenset[str]
    addresses: AddressSet

    @staticmethod
    def of(approvers: Iterable[Selector], resolver: Resolver) -> _Approvers:
        words, addresses = set[str](), AddressSet.empty()
        for approver in approvers:
            if is_identity(approver):
                words.add(word_of(approver))
            elif literal := resolver.literal(as_source(approver, resolver.policy.target.meaning)):
                addresses |= literal.addresses
        return _Approvers(frozenset(words), addresses)

    def include(self, node: Node, words: frozenset[str]) -> bool:
        return not self.words.isdisjoint(words) or any(
            address in self.addresses for address in node.addresses
        )


def elect_primaries(
    nodes: Mapping[int, Node], routers: Iterable[tuple[int, tuple[Prefix, ...]]]
) -> dict[Prefix, int]:
    """Return the primary of each subnet route, by its number.

    *routers* gives nodes in the order of creation, with their subnet routes in force. A route
    whose routers are all offline has no primary.
    """
    primaries: dict[Prefix, int] = {}
    for index, routes in routers:
        if nodes[index].online:
            for route in routes:
                primaries.setdefault(route, index)
    return primaries
