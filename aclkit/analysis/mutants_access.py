"""Access as rectangles: sets of sources times sets of destinations, for each cell.

A source or destination is a class of devices, or an address beyond the devices: behind a router, in
the internet, of a service. Of such addresses there is one for each part of the address space that
neither policy nor tailnet cuts. So what a cell opens is a few rectangles, and whether others open
the same is decided by taking theirs away, without a look at each pair.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from aclkit.addresses import TAILNET, Address, AddressSyntaxError, Family, Prefix, parse_address
from aclkit.analysis.ways import Ways
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.classes import Classes
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.whole_rules import BARRED
from aclkit.policy.model import Policy
from aclkit.policy.ports import split_destination, unbracketed
from aclkit.policy.selectors import Selector
from aclkit.resolver import is_identity
from aclkit.target import SelectorKind

K = SelectorKind

Rectangle: TypeAlias = tuple[int, int]
"""Sources and destinations; each is a bitset over classes, then over addresses beyond."""


@dataclass(frozen=True, slots=True)
class Beyond:
    """The addresses beyond the devices, of one family; each stands for all that are like it.

    `behind` has for each class the addresses whose router is of that class, as bits from 0.
    """

    addresses: tuple[Address, ...]
    behind: dict[int, int]


@dataclass(slots=True)
class Access:
    """What each cell of compiled rules opens."""

    rules: CompiledRules
    beyond: dict[Family, Beyond]
    ways: Ways
    _routers: dict[tuple[Family, int], tuple[tuple[int, int], ...]] = field(default_factory=dict)

    @property
    def shift(self) -> int:
        """Return the bit of the first address beyond the devices."""
        return len(self.rules.classes.classes)

    def sharing_ways(self, rules: CompiledRules) -> Access:
        """Return the access of *rules*, in which the ways to addresses beyond are the same."""
        return Access(rules, self.beyond, self.ways, self._routers)

    def opened(self, cell: Cell, family: Family) -> list[Rectangle]:
        """Return what a cell with ports opens over *family*, whatever its ports."""
        classes = self.rules.classes
        covers = cell.source.covers4 if family is Family.V4 else cell.source.covers6
        if cell.own:
            has = classes.has4 if family is Family.V4 else classes.has6
            return [(covers & own, has & own) for own in _users(classes, covers) if has & own]
        found = []
        sources = covers | self._sources_beyond(cell, family) << self.shift
        hits = cell.hits4 if family is Family.V4 else cell.hits6
        if hits and sources:
            found.append((sources, hits))
        return found + self._opened_beyond(cell, family, sources)

    def granted(self, cell: Cell) -> list[Rectangle]:
        """Return between whom a cell of capabilities holds: who has them, and on which devices."""
        classes = self.rules.classes
        sources, bearers = cell.source.covers4 | cell.source.covers6, cell.bearers
        if not cell.own:
            return [(sources, bearers)] if sources and bearers else []
        has = classes.has4 | classes.has6
        if cell.kind is CellKind.COMPANION:  # in reverse
            return [(has & own, sources & own) for own in _users(classes, sources)]
        return [(sources & own, has & own) for own in _users(classes, sources)]

    def _sources_beyond(self, cell: Cell, family: Family) -> int:
        source = cell.source
        if source.postures:
            return 0  # only devices can meet one
        addresses = self.beyond[family].addresses
        if source.everything or source.routes:
            return (1 << len(addresses)) - 1
        return bitset(
            place
            for place, address in enumerate(addresses)
            if any(address in literal.addresses for literal in source.literals)
        )

    def _opened_beyond(self, cell: Cell, family: Family, sources: int) -> list[Rectangle]:
        if cell.entry is None or is_identity(cell.entry.selector):
            return []
        alike: dict[int, int] = {}
        beyond = self.beyond[family]
        for place, address in enumerate(beyond.addresses):
            if not self._names(cell.entry.selector, address):
                continue
            through = 0
            for router, shown in self._routers_to(family, place):
                if cell.bearers >> router & 1:
                    # What lies behind the router itself does not go by way of it.
                    through |= self._with_beyond(shown, family) & ~(
                        beyond.behind.get(router, 0) << self.shift
                    )
            if through & sources:
                key = through & sources
                alike[key] = alike.get(key, 0) | 1 << place + self.shift
        return list(alike.items())

    def _names(self, selector: Selector, address: Address) -> bool:
        if selector.kind is K.WILDCARD:
            return True
        literal = self.rules.resolver.literal(selector)
        return literal is not None and address in literal.addresses

    def _with_beyond(self, classes: int, family: Family) -> int:
        """Return *classes* and the addresses behind them."""
        found = classes
        for router, addresses in self.beyond[family].behind.items():
            if classes >> router & 1:
                found |= addresses << self.shift
        return found

    def _routers_to(self, family: Family, place: int) -> tuple[tuple[int, int], ...]:
        """Return the classes of the routers to an address, each with the classes shown it there."""
        key = family, place
        found = self._routers.get(key)
        if found is None:
            address = self.beyond[family].addresses[place]
            found = self._routers[key] = tuple(self._found_routers(address))
        return found

    def _found_routers(self, address: Address) -> Iterator[tuple[int, int]]:
        rules, classes = self.rules, self.rules.classes
        serving = [s.name for s in rules.tailnet.services if address in s.addresses]
        if serving:
            for each in classes.classes:
                if not set(serving).isdisjoint(each.signature.services):
                    yield each.number, classes.everyone
            return
        left = classes.everyone
        for route in _around(address, classes.routes):
            # A client takes the narrowest route that it is shown.
            carriers = self.ways.carriers(route)
            for router, shown in carriers:
                yield classes.class_of[router], shown & left
            for _, shown in carriers:
                left &= ~shown
        for router, shown in self.ways.exits():
            yield classes.class_of[router], shown & left


def _users(classes: Classes, sources: int) -> Iterator[int]:
    """Yield the devices of each user of whom a device is among *sources*."""
    seen = 0
    for number in members(sources):
        if not seen >> number & 1:
            own = classes.devices_of(classes.classes[number].signature.user)
            seen |= own
            if own >> number & 1:
                yield own


def _around(address: Address, routes: Iterable[Prefix]) -> list[Prefix]:
    return sorted((route for route in routes if address in route), key=lambda route: -route.bits)


def addresses_beyond(rules: CompiledRules) -> dict[Family, Beyond]:
    """Return the addresses beyond the devices that somebody could reach, or that could reach one.

    They are behind a router that is online, or in the internet if an exit node is, or of a service.
    """
    return {family: _beyond(rules, family) for family in Family}


def _beyond(rules: CompiledRules, family: Family) -> Beyond:
    classes = rules.classes
    services = {
        address.value
        for service in rules.tailnet.services
        for address in service.addresses
        if address.family is family
    }
    live = [route for route in rules.primaries if route.family is family]
    exits = any(
        rules.nodes[node].online
        for number in members(classes.exits)
        for node in classes.classes[number].nodes
    )
    taken = {address.value for address in rules.node_with if address.family is family}
    edges = {0, *services, *(value + 1 for value in services)}
    for literal in (*classes.literals.sets, TAILNET, BARRED):
        for first, last in literal.v4 if family is Family.V4 else literal.v6:
            edges.update((first, last + 1))
    starts = sorted(edge for edge in edges if edge < 1 << family.width)
    known = [address.value for address in _known(rules.policy) if address.family is family]
    found: list[tuple[int, Address]] = []
    for at, start in enumerate(starts):
        end = starts[at + 1] if at + 1 < len(starts) else 1 << family.width
        rank, free = _one_of(start, end, known, taken)
        if free is None:
            continue
        address = Address(family, free)
        reachable = exits and address not in TAILNET
        if address not in BARRED and (
            _around(address, live) or reachable or address.value in services
        ):
            found.append((rank, address))
    # What a reader knows comes first: the first that fits is an example.
    found.sort(key=lambda ranked: ranked[0])
    behind: dict[int, list[int]] = {}
    for place, (_, address) in enumerate(found):
        around = _around(address, live)
        if around:
            router = classes.class_of[rules.primaries[around[0]]]
            behind.setdefault(router, []).append(place)
    return Beyond(
        tuple(address for _, address in found),
        {router: bitset(places) for router, places in behind.items()},
    )


# Addresses for documentation, which read as any address of the internet.
_TYPICAL = tuple(map(parse_address, ("198.51.100.10", "203.0.113.10", "2001:db8::10")))


def _known(policy: Policy) -> Iterator[Address]:
    """Yield addresses that a reader of *policy* knows: of hosts, of tests, of documentation."""
    for host in policy.hosts:
        if host.prefix.is_single:
            yield Address(host.prefix.family, host.prefix.first)
    for test in policy.tests:
        for text in (*test.accept, *test.deny):
            parts = split_destination(text)
            try:
                yield parse_address(unbracketed(parts[0] if parts else text).value)
            except AddressSyntaxError:
                continue  # a name
    yield from _TYPICAL


def _one_of(start: int, end: int, known: list[int], taken: Set[int]) -> tuple[int, int | None]:
    """Return an address from *start* to before *end* that no node has; None without one.

    It is the first of *known* among them, if there is one, and comes with its place in *known*.
    """
    for rank, value in enumerate(known):
        if start <= value < end and value not in taken:
            return rank, value
    # A subnet's own address is no device's.
    order = chain(range(start + 1, end), (start,))
    return len(known), next((value for value in order if value not in taken), None)


def uncovered(rectangle: Rectangle, others: Iterable[Rectangle]) -> list[Rectangle]:
    """Return what is left of *rectangle* without *others*; no two parts share a source."""
    left = [rectangle]
    for rows, columns in others:
        parts = []
        for sources, destinations in left:
            if not sources & rows or not destinations & columns:
                parts.append((sources, destinations))
                continue
            if sources & ~rows:
                parts.append((sources & ~rows, destinations))
            if destinations & ~columns:
                parts.append((sources & rows, destinations & ~columns))
        left = parts
        if not left:
            break
    return left
