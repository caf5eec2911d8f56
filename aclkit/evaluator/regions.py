"""Addresses that no device has: subnets behind routers, services, the internet.

They are cut into **regions**, which no rule, approved route or service tells apart. So an answer
for a region holds for each of its addresses, whatever its size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import pairwise
from typing import TypeAlias

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.peers import Visibility
from aclkit.evaluator.reach import Reach
from aclkit.evaluator.sides import Holders
from aclkit.resolver import is_identity
from aclkit.target import SelectorKind

K = SelectorKind

Way: TypeAlias = tuple[int, int]
"""The node that carries something, and the cells that let it through there."""


@dataclass(frozen=True, slots=True)
class Region:
    """Addresses that nothing tells apart.

    Attributes:
        family, first, last: the first of the intervals that it is made of, both ends inclusive.
        asked: the prefixes of the question that it is a part of.
        routes: the approved subnet routes around it, the narrowest first.
        named: the cells of which it is a destination.
        naming: the cells of which it is a source.
        hosts: the classes that serve it as a service.
    """

    family: Family
    first: int
    last: int
    asked: tuple[Prefix, ...] = field(compare=False)
    routes: tuple[Prefix, ...] = ()
    named: int = 0
    naming: int = 0
    hosts: int = 0

    def __str__(self) -> str:
        return self.addresses.ranges()[0]

    @property
    def addresses(self) -> AddressSet:
        """Return its first interval."""
        edges = (self.first, self.last + 1)
        return AddressSet(edges, ()) if self.family is Family.V4 else AddressSet((), edges)

    @property
    def prefix(self) -> Prefix:
        """Return the first prefix inside."""
        return self.addresses.prefixes()[0]


@dataclass(slots=True)
class Regions:
    """Cuts addresses into regions and finds who carries them; what it finds out is kept."""

    rules: CompiledRules
    visibility: Visibility
    reach: Reach
    holders: Holders = field(init=False)
    _destinations: dict[int, int] | None = None
    _sources: dict[int, int] | None = None
    _to_all: int = 0
    _from_all: int = 0
    _from_routes: int = 0
    _via: int = 0
    _sent: dict[int, int] = field(default_factory=dict)
    _online: dict[int, int | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.holders = Holders(self.rules)

    def cut(self, prefixes: Iterable[Prefix]) -> list[tuple[Region, int]]:
        """Return the regions of *prefixes*, each with the number of intervals it is made of."""
        found: dict[tuple[object, ...], tuple[Region, list[Prefix]]] = {}
        for prefix in prefixes:
            for first, last in self._intervals(prefix):
                region = self._region(prefix, first, last)
                key = prefix.family, region.routes, region.named, region.naming, region.hosts
                found.setdefault(key, (region, []))[1].append(prefix)
        return [
            (replace(region, asked=tuple(dict.fromkeys(asked))), len(asked))
            for region, asked in found.values()
        ]

    def _intervals(self, prefix: Prefix) -> Iterator[tuple[int, int]]:
        """Yield *prefix* cut wherever a route, a service or an address set of the policy ends."""
        classes, family = self.rules.classes, prefix.family
        edges = {prefix.first, prefix.last + 1}
        for route in classes.routes:
            if route.family is family:
                edges.update((route.first, route.last + 1))
        for service in self.rules.roster.services:
            for address in service.addresses:
                if address.family is family:
                    edges.update((address.value, address.value + 1))
        for number in classes.literals.overlapping(prefix):
            found = classes.literals.sets[number]
            edges.update(found.v4_edges if family is Family.V4 else found.v6_edges)
        inside = sorted(edge for edge in edges if prefix.first <= edge <= prefix.last + 1)
        for first, end in pairwise(inside):
            yield first, end - 1

    def _region(self, asked: Prefix, first: int, last: int) -> Region:
        classes, family = self.rules.classes, asked.family
        around = [
            route
            for route in classes.routes
            if route.family is family and route.first <= first and last <= route.last
        ]
        if self._destinations is None or self._sources is None:
            self._index()
        assert self._destinations is not None
        assert self._sources is not None
        named, naming = self._to_all, self._from_all
        for number in classes.literals.hits(family, first):
            named |= self._destinations.get(number, 0)
            naming |= self._sources.get(number, 0)
        if around:
            naming |= self._from_routes
        hosts = 0
        for service in self.rules.roster.services:
            if any(a.family is family and a.value == first for a in service.addresses):
                hosts |= self.serving(service.name)
        narrowest = sorted(around, key=lambda route: -route.bits)
        return Region(family, first, last, (asked,), tuple(narrowest), named, naming, hosts)

    def serving(self, service: str) -> int:
        """Return the classes whose nodes may serve *service*."""
        classes = self.rules.classes.classes
        return bitset(each.number for each in classes if service in each.signature.services)

    def _index(self) -> None:
        """Note which cells name each address set of the policy, and which name all addresses."""
        literals = self.rules.classes.literals
        numbers = {addresses: number for number, addresses in enumerate(literals.sets)}
        to: dict[int, list[int]] = {}
        of: dict[int, list[int]] = {}
        for cell in self.rules.cells:
            if cell.kind is not CellKind.PORTS or cell.own:
                continue
            bit = 1 << cell.number
            assert cell.entry is not None
            selector = cell.entry.selector
            if cell.is_via:
                self._via |= bit
            if selector.kind is K.WILDCARD:
                self._to_all |= bit
            elif not is_identity(selector):
                literal = self.rules.resolver.literal(selector)
                if literal is not None and literal.addresses in numbers:
                    to.setdefault(numbers[literal.addresses], []).append(cell.number)
            if cell.source.postures:
                continue  # no posture is known of what has no device
            if cell.source.everything:
                self._from_all |= bit
            if cell.source.routes:
                self._from_routes |= bit
            for literal in cell.source.literals:
                if literal.addresses in numbers:
                    of.setdefault(numbers[literal.addresses], []).append(cell.number)
        self._destinations = {number: bitset(cells) for number, cells in to.items()}
        self._sources = {number: bitset(cells) for number, cells in of.items()}

    def way(self, number: int, cells: int, region: Region) -> Way | None:
        """Return by which node class *number* reaches a region; None when it does not.

        *cells* are those of which the class is a source and which are open to what is asked.
        """
        wanted = cells & region.named
        if not wanted:
            return None
        for carrier in self._carriers(number, wanted, region):
            found = wanted & self.sent(self.rules.classes.class_of[carrier])
            if found:
                return carrier, found
        return None

    def _carriers(self, number: int, wanted: int, region: Region) -> Iterator[int]:
        for host in members(region.hosts):
            online = self.online(host)
            if online is not None:
                yield online
        for route in region.routes:
            # Whoever is let through without `via` is shown the primary: no need to look further.
            router = (
                self.rules.primaries.get(route)
                if wanted & ~self._via
                else self.visibility.carrier(number, route)
            )
            if router is not None:
                yield router
                return  # a client takes the narrowest route that it is shown
        yield from self.exits(number)

    def routers_to(self, number: int, prefix: Prefix) -> Iterator[int]:
        """Yield the routers on which class *number* is shown a route that holds all of *prefix*."""
        around = [route for route in self.rules.classes.routes if route.contains(prefix)]
        for route in sorted(around, key=lambda found: -found.bits):
            router = self.visibility.carrier(number, route)
            if router is not None:
                yield router
                return
        yield from self.exits(number)

    def exits(self, number: int) -> Iterator[int]:
        """Yield the first exit node that is online of each class that class *number* is shown."""
        shown = self.visibility.exit_classes(number) & self.rules.classes.exits
        online = (self.online(each) for each in members(shown))
        yield from sorted(node for node in online if node is not None)

    def online(self, number: int) -> int | None:
        """Return the first node of a class that is online."""
        if number not in self._online:
            nodes = self.rules.nodes
            each = self.rules.classes.classes[number].nodes
            self._online[number] = next((node for node in each if nodes[node].online), None)
        return self._online[number]

    def sent(self, number: int) -> int:
        """Return the cells of which class *number* is sent the rules, `autogroup:self` aside."""
        found = self._sent.get(number)
        if found is None:
            found = bitset(
                cell.number for cell in self.rules.cells if cell.sent >> number & 1 and not cell.own
            )
            self._sent[number] = found
        return found

    def router_of(self, region: Region) -> int | None:
        """Return the primary router behind which a region is."""
        found = (self.rules.primaries.get(route) for route in region.routes)
        return next((router for router in found if router is not None), None)
