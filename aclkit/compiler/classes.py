"""Node classes: nodes that the policy can't tell apart.

The nodes of a class have the same identity, routes and posture results, and their addresses hit the
same literals of the policy; they differ in their own addresses only. All later work is per class,
so its cost does not grow with the nodes of a class.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from immutables import Map

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.class_sizes import ClassSizes
from aclkit.compiler.literals import LiteralTable
from aclkit.compiler.signatures import NOBODY, Signature, Signer, Sketch, Sketches
from aclkit.tailnet.model import Node

K = TypeVar("K")
V = TypeVar("V")


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

    Sets of classes are bitsets over class numbers; numbers in `free` are those of classes that have
    no node any more. `numbers` finds a class by its signature. `words` holds only words that the
    policy uses. `route_literals` numbers each approved subnet route as a literal; `overlapped`
    tells which of these routes share an address with a literal. `offered` has the classes that
    advertise a route, by its number as a literal, and `offers` those of which one shares an address
    with a literal, by that literal's number; both are empty where the target sends no rules for
    such routes. `met_routes` are the approved subnet routes in which a node of the tailnet has an
    address itself, which is rare.
    """

    nodes: Mapping[int, Node]
    literals: LiteralTable
    signer: Signer
    classes: list[NodeClass] = field(default_factory=list)
    class_of: Mapping[int, int] = field(default_factory=dict)
    numbers: Mapping[Signature, int] = field(default_factory=dict)
    free: tuple[int, ...] = ()
    everyone: int = 0
    has4: int = 0
    has6: int = 0
    exits: int = 0
    words: dict[str, int] = field(default_factory=dict)
    routes: dict[Prefix, int] = field(default_factory=dict)
    route_literals: dict[Prefix, int] = field(default_factory=dict)
    overlapped: dict[int, frozenset[Prefix]] = field(default_factory=dict)
    offered: dict[int, int] = field(default_factory=dict)
    offers: dict[int, int] = field(default_factory=dict)
    hits4: dict[int, int] = field(default_factory=dict)
    hits6: dict[int, int] = field(default_factory=dict)
    postures: list[int] = field(default_factory=list)
    by_user: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    met_routes: tuple[Prefix, ...] = ()
    sizes: ClassSizes = field(default_factory=ClassSizes)

    def inside(self, route: Prefix) -> int:
        """Return the classes of which an own address is inside an approved subnet route."""
        hits = self.hits4 if route.family is Family.V4 else self.hits6
        return hits.get(self.route_literals.get(route, -1), 0)

    def offering(self, nodes4: int, nodes6: int) -> int:
        """Return the classes with an offered route in which *nodes4* or *nodes6* have an address.

        These are classes, of which the addresses of a family are looked at.
        """
        found = 0
        for number, classes in self.offered.items():
            if self.hits4.get(number, 0) & nodes4 or self.hits6.get(number, 0) & nodes6:
                found |= classes
        return found

    def routes_at(self, nodes4: int, nodes6: int) -> frozenset[Prefix]:
        """Return the routes in which an online router of theirs has an address itself.

        *nodes4* and *nodes6* are the classes of which the addresses of a family are looked at.
        """
        found = []
        for route in self.met_routes:
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

    def persist(self) -> None:
        """Keep what is by node, signature and user so that a next state shares most of it."""
        self.class_of = persistent(self.class_of)
        self.numbers = persistent(self.numbers)
        self.by_user = persistent(self.by_user)

    def named_by_address(self) -> int:
        """Return the classes of which the policy may name a node by its address alone."""
        found = 0
        for number in self.literals.singles:
            found |= self.hits4.get(number, 0) | self.hits6.get(number, 0)
        return found

    def with_word(self, word: str) -> int:
        """Return the classes whose nodes have the identity *word*."""
        return self.words.get(word, 0)


def persistent(mapping: Mapping[K, V]) -> Map[K, V]:
    """Return *mapping* as one of which a changed copy costs little."""
    return mapping if isinstance(mapping, Map) else Map(mapping)


def nobody(number: int) -> NodeClass:
    """Return the class without nodes that stands where a number is free."""
    return NodeClass(number, NOBODY, ())


def classify(
    nodes: Mapping[int, Node],
    order: Iterable[int],
    signer: Signer,
    literals: LiteralTable,
    used_words: Iterable[str],
    like: Classes | None = None,
) -> Classes:
    """Return the classes of *nodes*, whose numbers are given in the *order* of creation.

    *literals* holds what the policy names; the routes in force are added to it here. As far as
    possible a class has the number that it has in *like*, so that the two can be compared.
    """
    words_of: dict[str | tuple[str, ...], tuple[str, ...]] = {}

    def words(node: Node) -> tuple[str, ...]:
        identity: str | tuple[str, ...] = node.tags or node.user or ()
        found = words_of.get(identity)
        if found is None:
            found = words_of[identity] = signer.words(node)
        return found

    numbers = list(order)
    in_order = [nodes[number] for number in numbers]  # pairs would be a matter for the collector
    routers = {n: node for n, node in zip(numbers, in_order, strict=True) if node.advertised_routes}
    routes_of = {number: signer.routes(node, words(node)) for number, node in routers.items()}
    result = Classes(nodes, literals, signer)
    for route in dict.fromkeys(route for routes in routes_of.values() for route in routes):
        if not route.is_default:
            result.route_literals[route] = literals.number(AddressSet.of([route]))
    offered: dict[Prefix, int] = {}
    if signer.offers_routes:
        routes = dict.fromkeys(r for node in routers.values() for r in node.advertised_routes)
        offered = {route: literals.number(AddressSet.of([route])) for route in routes}
    known: dict[Signature, NodeClass] = {}
    waiting: list[NodeClass] = []
    if like is not None:
        result.classes.extend(map(nobody, range(len(like.classes))))
    sketches, sketched = Sketches(signer, literals), dict[Sketch | None, NodeClass]()
    for index, node in zip(numbers, in_order, strict=True):
        sketch = sketches.of(node)
        each = sketched.get(sketch)
        if each is None:
            in_force, met = routes_of.get(index, ()), sketches.postures(node)
            signature = signer.sign(node, in_force, literals, met)
            each = known.get(signature)
            if each is None:
                number = len(result.classes) if like is None else like.class_of.get(index, -1)
                each = NodeClass(number, signature, (*words(node), *signature.services))
                known[signature] = each
                if like is None:
                    result.classes.append(each)
                elif number < 0 or result.classes[number].nodes:
                    waiting.append(each)
                else:
                    result.classes[number] = each
            if sketch is not None:
                sketched[sketch] = each
        each.nodes.append(index)
    _seat(result, waiting)
    class_of: dict[int, int] = {}
    for each in result.classes:
        class_of.update(dict.fromkeys(each.nodes, each.number))
    result.class_of = class_of
    result.numbers = {each.signature: each.number for each in result.classes if each.nodes}
    result.free = tuple(each.number for each in result.classes if not each.nodes)
    result.sizes = ClassSizes.of(len(each.nodes) for each in result.classes)
    _index(result, frozenset(used_words), len(signer.postures.names))
    overlapped: dict[int, list[Prefix]] = {}
    for route in result.route_literals:
        for number in literals.overlapping(route):
            overlapped.setdefault(number, []).append(route)
    result.overlapped = {number: frozenset(found) for number, found in overlapped.items()}
    result.met_routes = tuple(route for route in result.route_literals if result.inside(route))
    _index_offers(result, offered)
    return result


def _seat(result: Classes, waiting: Iterable[NodeClass]) -> None:
    """Give numbers to classes that can't have the one they had: those that are free, then more."""
    free = (each.number for each in tuple(result.classes) if not each.nodes)
    for each in waiting:
        number = next(free, len(result.classes))
        result.classes[number : number + 1] = [replace(each, number=number)]
    while result.classes and not result.classes[-1].nodes:
        result.classes.pop()


def _index_offers(result: Classes, offered: dict[Prefix, int]) -> None:
    """Fill what is asked of advertised routes, which are numbered in *offered*."""
    routers: dict[Prefix, list[int]] = {route: [] for route in offered}
    for each in result.classes:
        for route in each.signature.offered:
            routers[route].append(each.number)
    for route, held in offered.items():
        offering = result.offered[held] = bitset(routers[route])
        for number in result.literals.overlapping(route):
            result.offers[number] = result.offers.get(number, 0) | offering


def _index(result: Classes, used_words: frozenset[str], posture_count: int) -> None:
    """Fill the sets of classes."""
    words: dict[str, list[int]] = {word: [] for word in used_words}
    routes: dict[Prefix, list[int]] = {}
    hits4: dict[int, list[int]] = {}
    hits6: dict[int, list[int]] = {}
    by_user: dict[str, list[int]] = {}
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
            by_user.setdefault(signature.user, []).append(number)
    result.by_user = {user: tuple(numbers) for user, numbers in by_user.items()}
    result.words = {word: bitset(numbers) for word, numbers in words.items()}
    result.routes = {route: bitset(numbers) for route, numbers in routes.items()}
    result.hits4 = {hit: bitset(numbers) for hit, numbers in hits4.items()}
    result.hits6 = {hit: bitset(numbers) for hit, numbers in hits6.items()}
    signatures = [each.signature for each in result.classes]
    result.everyone = bitset(each.number for each in result.classes if each.nodes)
    result.has4 = bitset(n for n, signature in enumerate(signatures) if signature.has4)
    result.has6 = bitset(n for n, signature in enumerate(signatures) if signature.has6)
    result.exits = bitset(n for n, signature in enumerate(signatures) if signature.exits)
    result.postures = [
        bitset(n for n, signature in enumerate(signatures) if signature.postures >> posture & 1)
        for posture in range(posture_count)
    ]
