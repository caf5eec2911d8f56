"""Invariants: what must never get through, decided over all addresses, ports and devices.

Nothing is sampled. Devices are judged by class, addresses that no device has by the regions between
the edges of routes and services, ports by where the ports of rules and of the question overlap. So
the cost grows with rules, classes and routes, not with devices, addresses or ports.

A *path* is a first packet that arrives: its rule takes source, destination, protocol and port, and
where no device has the destination, a router that the source is shown carries it. A device is no
path to itself. An address behind a router is a source where an approved route holds it, its router
is online, and the rule names it; no posture is known of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from aclkit.addresses import TAILNET, Address, AddressSet, Family
from aclkit.analysis.named_sources import covered, hit, origin_of
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.query import Because
from aclkit.evaluator.reach import ICMP, ICMPV6, TSMP, passes
from aclkit.evaluator.regions import Region, Regions
from aclkit.evaluator.sides import resolve_side
from aclkit.evaluator.whole_rules import BARRED
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS, PortBounds
from aclkit.tailcfg import DEFAULT_PROTOCOLS
from aclkit.target import SelectorKind

K = SelectorKind

ByClass: TypeAlias = dict[int, list[int]]
"""Node numbers by the number of their class."""

_NOTHING = AddressSet.empty()


@dataclass(frozen=True, slots=True)
class Ends:
    """One side of an invariant.

    Attributes:
        nodes4, nodes6: the devices of which an address of the family counts.
        addresses: addresses that count where no device has them.
    """

    nodes4: ByClass
    nodes6: ByClass
    addresses: AddressSet
    _bits: list[int] = field(default_factory=list, repr=False, compare=False)

    def nodes(self, family: Family) -> ByClass:
        """Return the devices of one family, by class."""
        return self.nodes4 if family is Family.V4 else self.nodes6

    def bits(self, family: Family) -> int:
        """Return the classes of these devices."""
        if not self._bits:
            self._bits.extend((bitset(self.nodes4), bitset(self.nodes6)))
        return self._bits[0 if family is Family.V4 else 1]

    @property
    def devices(self) -> frozenset[int]:
        """Return the devices, by number."""
        found = set[int]()
        for by_class in (self.nodes4, self.nodes6):
            for nodes in by_class.values():
                found.update(nodes)
        return frozenset(found)


@dataclass(frozen=True, slots=True)
class Traffic:
    """Protocols and ports that are asked about.

    Attributes:
        protocols: None for all but TSMP, which clients let pass always.
        ports: of TCP, UDP and SCTP. Where these are not all, *protocols* None means these three.
    """

    protocols: tuple[int, ...] | None = None
    ports: tuple[PortBounds, ...] = (ALL_PORTS,)

    def first(self, cell: Cell, family: Family) -> tuple[int, int] | None:
        """Return a protocol and a port that *cell* opens, TCP first; None where it opens none."""
        assert cell.entry is not None
        for proto in self._candidates(cell, family):
            for port in self._ports(proto, cell.entry.ports):
                if passes(proto, port, family, cell.ip_proto, cell.entry.ports):
                    return proto, port
        return None

    def _candidates(self, cell: Cell, family: Family) -> tuple[int, ...]:
        if self.protocols is not None:
            return self.protocols
        own = cell.ip_proto or DEFAULT_PROTOCOLS
        if ALL_PORTS not in self.ports:
            return tuple(number for number in own if number in PORT_PROTOCOLS)
        icmp = ICMP if family is Family.V4 else ICMPV6
        return (*(number for number in own if number != TSMP), icmp)

    def _ports(self, proto: int, opened: Iterable[PortBounds]) -> Iterator[int]:
        """Yield ports of which at least one is let through, if any is."""
        if proto not in PORT_PROTOCOLS:
            yield 0
            return
        for first, last in opened:
            for low, high in self.ports:
                lowest, highest = max(first, low), min(last, high)
                if lowest <= highest:
                    yield min(max(lowest, 1), highest)  # port 0 is no example


@dataclass(frozen=True, slots=True)
class Path:
    """A way through, by one cell.

    Attributes:
        src, dst: a device by number, or an address that no device has.
        router: the device that carries the destination, where no device has it.
    """

    cell: Cell
    src: int | Address
    dst: int | Address
    proto: int
    port: int
    router: int | None = None


def ends_of(words: Iterable[str], rules: CompiledRules) -> Ends:
    """Return what *words* stand for: devices by name, selectors, addresses, routes.

    `*` is all devices and all addresses.

    Raises:
        UnknownSideError: a word is neither a node nor a selector.
    """
    found: dict[Family, dict[int, set[int]]] = {Family.V4: {}, Family.V6: {}}
    addresses = _NOTHING
    for word in words:
        side = resolve_side(word, rules)
        for part in side.parts:
            _add(found, part.number, part.nodes, in4=part.in4, in6=part.in6)
        if side.selector is not None and side.selector.kind is K.WILDCARD:
            addresses = beyond_devices(rules)
        else:
            addresses |= AddressSet.of(side.prefixes)
    return _ends(found, addresses)


def others(ends: Ends, rules: CompiledRules) -> Ends:
    """Return all devices and addresses that are not among *ends*.

    A device of which one address is among them is.
    """
    named = ends.devices
    found: dict[Family, dict[int, set[int]]] = {Family.V4: {}, Family.V6: {}}
    classes = rules.classes
    for each in classes.classes:
        rest = [node for node in each.nodes if node not in named]
        in4, in6 = classes.has4 >> each.number & 1 == 1, classes.has6 >> each.number & 1 == 1
        _add(found, each.number, rest, in4=in4, in6=in6)
    return _ends(found, beyond_devices(rules) - ends.addresses)


def beyond_devices(rules: CompiledRules) -> AddressSet:
    """Return the addresses that a packet can go to though no device has them.

    Of those that the tailnet keeps for devices, these are the ones of services and of routes.
    """
    carried = AddressSet.of(
        (*rules.classes.routes, *(a for each in rules.tailnet.services for a in each.addresses))
    )
    taken = AddressSet.of(a for a in rules.node_with if a in carried or a not in TAILNET)
    return AddressSet.everything() - (TAILNET - carried) - BARRED - taken


def _add(
    found: dict[Family, dict[int, set[int]]],
    number: int,
    nodes: Iterable[int],
    *,
    in4: bool,
    in6: bool,
) -> None:
    for family, counts in ((Family.V4, in4), (Family.V6, in6)):
        if counts:
            found[family].setdefault(number, set()).update(nodes)


def _ends(found: dict[Family, dict[int, set[int]]], addresses: AddressSet) -> Ends:
    nodes4, nodes6 = (
        {number: sorted(nodes) for number, nodes in sorted(found[family].items()) if nodes}
        for family in Family
    )
    return Ends(nodes4, nodes6, addresses)


def breaches(compiled: CompiledPolicy, src: Ends, dst: Ends, traffic: Traffic) -> Iterator[Path]:
    """Yield one path from *src* to *dst* for each entry of the policy that opens any.

    Nothing is yielded exactly when nothing gets through.
    """
    yield from _Search(compiled, src, dst, traffic).all()


def because_of(compiled: CompiledPolicy, path: Path) -> Because:
    """Return the rule behind *path*, as the answer to a question would name it."""
    cell, rules = path.cell, compiled.rules
    origin = origin_of(cell)
    src, dst = (_name(end, rules) for end in (path.src, path.dst))
    assert cell.entry is not None
    if isinstance(path.src, int):
        for reason in compiled.query(src, dst, path.port, str(path.proto)).because:
            if reason.origin == origin and reason.destination == cell.entry.selector.text:
                return reason
    router = None if path.router is None else rules.nodes[path.router].name
    return Because(
        origin,
        tuple(dict.fromkeys(selector.text for selector in cell.source.selectors)),
        cell.entry.selector.text,
        (src, dst),
        router,
        icmp_only=path.proto in (ICMP, ICMPV6) and path.proto not in (cell.ip_proto or ()),
    )


def _name(end: int | Address, rules: CompiledRules) -> str:
    return rules.nodes[end].name if isinstance(end, int) else str(end)


@dataclass(slots=True)
class _Search:
    """A search for paths: between devices first, then to and from addresses that no device has.

    `_left` holds the cells of which the entry of the policy has not been told yet.
    """

    compiled: CompiledPolicy
    src: Ends
    dst: Ends
    traffic: Traffic
    _flows: dict[tuple[int, Family], tuple[int, int]] = field(default_factory=dict)
    _left: dict[Family, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for cell in self._cells:
            if cell.kind is CellKind.PORTS:
                for family in Family:
                    flow = self.traffic.first(cell, family)
                    if flow is not None:
                        self._flows[cell.number, family] = flow
        for family in Family:
            self._left[family] = bitset(number for number, f in self._flows if f is family)

    @property
    def _cells(self) -> tuple[Cell, ...]:
        return self.compiled.rules.cells

    @property
    def _regions(self) -> Regions:
        return self.compiled.regions

    def all(self) -> Iterator[Path]:
        """Yield the first path found for each entry of the policy."""
        for number, family in self._flows:
            if self._left[family] >> number & 1:
                yield from self._told(self._between_devices(self._cells[number], family))
        targets = [region for region, _ in self._regions.cut(self.dst.addresses.prefixes())]
        for target in targets:
            yield from self._told(self._to_region(target))
        for source, _ in self._regions.cut(self.src.addresses.prefixes()):
            router = self._regions.router_of(source)
            if router is not None:
                yield from self._told(self._from_region(source, router, targets))

    def _told(self, paths: Iterable[Path]) -> Iterator[Path]:
        """Yield those of *paths* that are the first of their entry."""
        for path in paths:
            cell = path.cell
            if not any(left >> cell.number & 1 for left in self._left.values()):
                continue
            yield path
            alike = bitset(
                other.number
                for other in self._cells
                if other.rule.index == cell.rule.index and other.rule.section == cell.rule.section
            )
            for family in Family:
                self._left[family] &= ~alike

    def _between_devices(self, cell: Cell, family: Family) -> Iterator[Path]:
        sources = covered(cell.source, family) & self.src.bits(family)
        targets = self.dst.bits(family)
        if not cell.own:
            targets &= hit(cell, family)
        if not sources or not targets:
            return
        classes = self.compiled.rules.classes
        for a in members(sources):
            within = targets
            if cell.own:
                within &= classes.devices_of(classes.classes[a].signature.user)
            if not within:
                continue
            devices = self.src.nodes(family)[a]
            first, second = _first_two(self.dst.nodes(family), within)
            if second is None:
                devices = [node for node in devices if node != first]
            if devices:
                dst = first if second is None or devices[0] != first else second
                yield self._path(cell, devices[0], dst, family)
                return

    def _path(
        self,
        cell: Cell,
        src: int | Address,
        dst: int | Address,
        family: Family,
        router: int | None = None,
    ) -> Path:
        return Path(cell, src, dst, *self._flows[cell.number, family], router)

    def _to_region(self, target: Region) -> Iterator[Path]:
        family = target.family
        by_class: dict[int, int] = {}
        for number in members(self._left[family] & target.named):
            sources = covered(self._cells[number].source, family) & self.src.bits(family)
            for a in members(sources):
                by_class[a] = by_class.get(a, 0) | 1 << number
        for a, cells in sorted(by_class.items()):
            cells &= self._left[family]
            way = self._regions.way(a, cells, target) if cells else None
            if way is not None:
                src, dst = self.src.nodes(family)[a][0], Address(family, target.first)
                for number in members(way[1]):
                    yield self._path(self._cells[number], src, dst, family, way[0])

    def _from_region(
        self, source: Region, router: int, targets: Iterable[Region]
    ) -> Iterator[Path]:
        family, src = source.family, Address(source.family, source.first)
        for number in members(self._left[family] & source.naming):
            hits = hit(self._cells[number], family) & self.dst.bits(family)
            if hits:
                dst, _ = _first_two(self.dst.nodes(family), hits)
                yield self._path(self._cells[number], src, dst, family)
        a = self.compiled.rules.classes.class_of[router]
        for target in targets:
            cells = self._left[family] & source.naming & target.named
            way = self._regions.way(a, cells, target) if cells else None
            if way is not None and target.family is family:
                beyond = Address(family, target.first)
                for number in members(way[1]):
                    yield self._path(self._cells[number], src, beyond, family, way[0])


def _first_two(nodes: ByClass, classes: int) -> tuple[int, int | None]:
    """Return the first device of *classes*, and another one if there is one."""
    found: list[int] = []
    for each in members(classes):
        found.extend(nodes[each][:2])
        if len(found) >= 2:
            return found[0], found[1]
    return found[0], None
