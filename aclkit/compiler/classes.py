"""Node classes: nodes that the policy can't tell apart.

The nodes of a class have the same identity, routes and posture results, and their addresses hit the
same literals of the policy; they differ in their own addresses only. All later work is per class,
so its cost does not grow with the nodes of a class.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.literals import LiteralTable
from aclkit.compiler.routes import RouteApprovals
from aclkit.resolver import Resolver
from aclkit.tailnet.model import Node, Tailnet


class Signature(NamedTuple):
    """What makes a class.

    `hits4` and `hits6` are the numbers of the literals that hold an address of the family; the
    literals of the routes in force count too. `postures` has a bit for each posture that is met.
    """

    user: str | None
    tags: tuple[str, ...]
    routes: tuple[Prefix, ...]
    exits: tuple[Prefix, ...]
    has4: bool
    has6: bool
    hits4: tuple[int, ...]
    hits6: tuple[int, ...]
    postures: int
    services: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class NodeClass:
    """One class: its number, its signature, its identity words, its nodes in creation order."""

    number: int
    signature: Signature
    words: tuple[str, ...]
    nodes: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Classes:
    """The classes of a tailnet, and for each thing the set of classes that have it.

    Sets of classes are bitsets over class numbers. `words` holds only words that the policy uses.
    `route_literals` numbers each approved subnet route as a literal; `overlapped` tells which of
    these routes share an address with a literal.
    """

    nodes: Sequence[Node]
    literals: LiteralTable
    classes: list[NodeClass] = field(default_factory=list)
    class_of: list[int] = field(default_factory=list)
    everyone: int = 0
    has4: int = 0
    has6: int = 0
    exits: int = 0
    words: dict[str, int] = field(default_factory=dict)
    routes: dict[Prefix, int] = field(default_factory=dict)
    route_literals: dict[Prefix, int] = field(default_factory=dict)
    overlapped: dict[int, frozenset[Prefix]] = field(default_factory=dict)
    hits4: dict[int, int] = field(default_factory=dict)
    hits6: dict[int, int] = field(default_factory=dict)
    postures: list[int] = field(default_factory=list)
    by_user: dict[str, list[int]] = field(default_factory=dict)

    def inside(self, route: Prefix) -> int:
        """Return the classes of which an own address is inside an approved subnet route."""
        hits = self.hits4 if route.family is Family.V4 else self.hits6
        return hits.get(self.route_literals[route], 0)

    def routes_at(self, nodes4: int, nodes6: int) -> frozenset[Prefix]:
        """Return the routes in which an online router of theirs has an address itself.

        *nodes4* and *nodes6* are the classes of which the addresses of a family are looked at.
        """
        found = []
        for route in self.route_literals:
            nodes = nodes4 if route.family is Family.V4 else nodes6
            routers = self.inside(route) & self.routes[route] & nodes
            if any(self.nodes[n].online for c in members(routers) for n in self.classes[c].nodes):
                found.append(route)
        return frozenset(found)

    def devices_of(self, user: str | None) -> int:
        """Return the classes of the untagged nodes of *user* that have an address."""
        if user is None:
            return 0
        return bitset(self.by_user.get(user, ())) & (self.has4 | self.has6)

    def with_word(self, word: str) -> int:
        """Return the classes whose nodes have the identity *word*."""
        return self.words.get(word, 0)


def classify(
    tailnet: Tailnet,
    resolver: Resolver,
    literals: LiteralTable,
    used_words: Iterable[str],
    posture_bits: Callable[[Node], int],
    posture_count: int,
) -> Classes:
    """Return the classes of *tailnet*.

    *literals* holds what the policy names; the routes in force are added to it here.
    """
    nodes = tailnet.nodes
    approvals = RouteApprovals(resolver.policy)
    words_of: dict[str | tuple[str, ...], tuple[str, ...]] = {}
    routes_of: dict[int, tuple[Prefix, ...]] = {}

    def words(node: Node) -> tuple[str, ...]:
        identity: str | tuple[str, ...] = node.tags or node.user or ()
        found = words_of.get(identity)
        if found is None:
            found = (
                resolver.words_of_user(identity)
                if isinstance(identity, str)
                else resolver.words_of_tags(identity)
            )
            words_of[identity] = found
        return found

    for index, node in enumerate(nodes):
        if node.advertised_routes:
            routes_of[index] = approvals.in_force(node, words(node))
    result = Classes(nodes, literals)
    for route in dict.fromkeys(route for routes in routes_of.values() for route in routes):
        if not route.is_default:
            result.route_literals[route] = literals.number(AddressSet.of([route]))
    services: dict[str, list[str]] = {}
    for service in tailnet.services:
        if service.approved:
            for host in service.hosts:
                services.setdefault(host, []).append(service.name)

    numbers: dict[Signature, int] = {}
    for index, node in enumerate(nodes):
        signature = _signature(
            node, routes_of.get(index, ()), literals, posture_bits(node) if posture_count else 0,
            tuple(services.get(node.name, ())),
        )  # fmt: skip
        number = numbers.get(signature)
        if number is None:
            number = numbers[signature] = len(result.classes)
            held = (*words(node), *signature.services)
            result.classes.append(NodeClass(number, signature, held))
        result.classes[number].nodes.append(index)
        result.class_of.append(number)
    _index(result, frozenset(used_words), posture_count)
    overlapped: dict[int, list[Prefix]] = {}
    for route in result.route_literals:
        for number in literals.overlapping(route):
            overlapped.setdefault(number, []).append(route)
    result.overlapped = {number: frozenset(found) for number, found in overlapped.items()}
    return result


def _signature(
    node: Node,
    routes: tuple[Prefix, ...],
    literals: LiteralTable,
    postures: int,
    services: tuple[str, ...],
) -> Signature:
    hits4: tuple[int, ...] = ()
    hits6: tuple[int, ...] = ()
    has4 = has6 = False
    for address in node.addresses:
        hits = literals.hits(address.family, address.value)
        if address.family is Family.V4:
            hits4 = hits if not has4 else tuple(sorted({*hits4, *hits}))
            has4 = True
        else:
            hits6 = hits if not has6 else tuple(sorted({*hits6, *hits}))
            has6 = True
    exits: tuple[Prefix, ...] = ()
    if routes:
        exits = tuple(sorted(route for route in routes if route.is_default))
        if len(exits) < len(Family):
            exits = ()  # one of the two alone makes no exit node
        routes = tuple(sorted(route for route in routes if not route.is_default))
    return Signature(
        node.user, node.tags, routes, exits, has4, has6, hits4, hits6, postures, services
    )


def _index(result: Classes, used_words: frozenset[str], posture_count: int) -> None:
    """Fill the sets of classes."""
    words: dict[str, list[int]] = {word: [] for word in used_words}
    routes: dict[Prefix, list[int]] = {}
    hits4: dict[int, list[int]] = {}
    hits6: dict[int, list[int]] = {}
    for each in result.classes:
        number, signature = each.number, each.signature
        for word in each.words:
            if word in words:
                words[word].append(number)
        for route in signature.routes:
            routes.setdefault(route, []).append(number)
        for hit in signature.hits4:
            hits4.setdefault(hit, []).append(number)
        for hit in signature.hits6:
            hits6.setdefault(hit, []).append(number)
        if signature.user is not None and not signature.tags:
            result.by_user.setdefault(signature.user, []).append(number)
    result.words = {word: bitset(numbers) for word, numbers in words.items()}
    result.routes = {route: bitset(numbers) for route, numbers in routes.items()}
    result.hits4 = {hit: bitset(numbers) for hit, numbers in hits4.items()}
    result.hits6 = {hit: bitset(numbers) for hit, numbers in hits6.items()}
    signatures = [each.signature for each in result.classes]
    result.everyone = bitset(range(len(signatures)))
    result.has4 = bitset(n for n, signature in enumerate(signatures) if signature.has4)
    result.has6 = bitset(n for n, signature in enumerate(signatures) if signature.has6)
    result.exits = bitset(n for n, signature in enumerate(signatures) if signature.exits)
    result.postures = [
        bitset(n for n, signature in enumerate(signatures) if signature.postures >> posture & 1)
        for posture in range(posture_count)
    ]
