"""What a source reaches: the destinations of the rules that let it through, each with its ports.

Rows go by the selectors of the policy, so that there are no more of them than the rules have, for
any number of devices. Together they hold each device that is reached, and no other.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.analysis.devices import Asked, Devices, Gathering, asked, union
from aclkit.analysis.named_sources import covered, hit, of_family, origin_of
from aclkit.analysis.ways import Ways
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.compiler.rules import IpProto
from aclkit.evaluator.reach import passes
from aclkit.evaluator.regions import Region
from aclkit.evaluator.sides import Side, resolve_side
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS, PortBounds
from aclkit.policy.selectors import Selector
from aclkit.resolver import is_identity
from aclkit.tailcfg import DEFAULT_PROTOCOLS
from aclkit.target import SelectorKind

K = SelectorKind


class Kind(StrEnum):
    """What a row is about."""

    DEVICES = "devices"
    OWN = "own devices"
    SUBNET = "subnet"
    INTERNET = "internet"
    SERVICE = "service"


@dataclass(frozen=True, slots=True)
class Way:
    """A router, and the addresses that are reached through it; all others for an exit node."""

    router: str
    addresses: AddressSet


@dataclass(frozen=True, slots=True)
class DestinationRow:
    """What one destination of the rules opens to the source.

    Attributes:
        selector: the destination, as the rules name it.
        devices: its devices that are reached.
        ways: the routers to a subnet, the exit nodes, or the devices that serve a service.
        sources: how many devices and prefixes of the source reach it, of how many.
        streams: protocols and ports as the rules have them; None is the client's default.
        rules: the entries that say so, in the order of the rules.
    """

    kind: Kind
    selector: str
    devices: Devices
    ways: tuple[Way, ...]
    sources: int
    of: int
    streams: tuple[tuple[IpProto, tuple[PortBounds, ...]], ...]
    rules: tuple[Origin, ...]

    def opens(self, proto: int, port: int, family: Family = Family.V4) -> bool:
        """Return whether a first packet of *proto* to *port* passes."""
        return any(passes(proto, port, family, named, ports) for named, ports in self.streams)

    @property
    def ports(self) -> dict[int, tuple[PortBounds, ...]]:
        """Return the ports of each protocol that the rules name, joined and ascending.

        A protocol without ports has all of them. Ping passes in any case, and is not among them
        where no rule names it.
        """
        found: dict[int, list[PortBounds]] = {}
        for named, ports in self.streams:
            for proto in named or DEFAULT_PROTOCOLS:
                if proto in PORT_PROTOCOLS:
                    found.setdefault(proto, []).extend(ports)
                elif ALL_PORTS in ports:
                    found[proto] = [ALL_PORTS]
        return {proto: joined(ports) for proto, ports in sorted(found.items())}


@dataclass(frozen=True, slots=True)
class ReachOf:
    """What a source reaches.

    Attributes:
        src: the source.
        devices: all that some device of the source reaches; a device is not asked to reach itself.
        rows: by destination of the rules, in their order.
    """

    src: Side
    devices: Devices
    rows: tuple[DestinationRow, ...]


def reach_of(compiled: CompiledPolicy, src: str) -> ReachOf:
    """Return what *src* reaches, by any protocol and port.

    *src* is what `CompiledPolicy.query` takes. The work grows with the rules and with the classes
    of nodes that the policy can't tell apart, not with the nodes.

    Raises:
        UnknownSideError: *src* is neither a node nor a selector.
    """
    rules = compiled.rules
    side = resolve_side(src, rules, compiled.regions.holders)
    found = _Search(compiled, asked(side))
    for cell in rules.cells:
        if cell.kind is CellKind.PORTS:
            found.follow(cell)
    rows = tuple(found.rows())
    everything = union(rules, (row.devices for row in rows))
    return ReachOf(side, everything, rows)


def joined(ports: Iterable[PortBounds]) -> tuple[PortBounds, ...]:
    """Return the fewest ranges with the same ports, ascending; backward ranges have none."""
    found: list[PortBounds] = []
    for first, last in sorted(ports):
        if last < first:
            continue
        if found and first <= found[-1][1] + 1:
            found[-1] = found[-1][0], max(last, found[-1][1])
        else:
            found.append((first, last))
    return tuple(found)


@dataclass(slots=True)
class _Row:
    """A row in the making."""

    kind: Kind
    selector: str
    sources: int
    gathering: Gathering
    prefixes: set[Prefix] = field(default_factory=set)
    ways: dict[int, AddressSet] = field(default_factory=dict)
    streams: dict[tuple[IpProto, tuple[PortBounds, ...]], None] = field(default_factory=dict)
    rules: dict[Origin, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Start:
    """A cell and its sources among what was asked, as classes.

    `behind` are the prefixes that were asked where they are addresses of no device: then the class
    is that of their router.
    """

    cell: Cell
    sources: Mapping[Family, int]
    behind: tuple[Prefix, ...] = ()

    @property
    def classes(self) -> int:
        """Return the sources of both families."""
        return self.sources[Family.V4] | self.sources[Family.V6]


@dataclass(slots=True)
class _Search:
    compiled: CompiledPolicy
    asked: Asked
    _ways: Ways = field(init=False)
    _behind: list[tuple[Region, int]] = field(default_factory=list)
    # Cells make one row when the same devices reach the same ones by them.
    _rows: dict[tuple[object, ...], _Row] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._ways = Ways(self.rules)
        for region, _ in self.compiled.regions.cut(self.asked.side.prefixes):
            router = self.compiled.regions.router_of(region)
            if router is not None:
                self._behind.append((region, router))

    @property
    def rules(self) -> CompiledRules:
        """Return the compiled rules."""
        return self.compiled.rules

    def follow(self, cell: Cell) -> None:
        """Find what *cell* opens to the source."""
        assert cell.entry is not None
        sources = {
            family: classes & covered(cell.source, family)
            for family, classes in self.asked.classes.items()
        }
        if cell.own:
            self._own(cell, sources)
            return
        self._follow(_Start(cell, sources))
        for region, router in self._behind:
            if region.naming >> cell.number & 1:
                start = dict.fromkeys(Family, 0)
                start[region.family] = 1 << self.rules.classes.class_of[router]
                self._follow(_Start(cell, start, region.asked))

    def _follow(self, start: _Start) -> None:
        cell = start.cell
        assert cell.entry is not None
        if not start.classes:
            return
        if cell.entry.selector.kind is K.SERVICE:
            self._service(start, cell.entry.selector)
            return
        self._devices(start)
        if not is_identity(cell.entry.selector):
            for route in cell.routes:
                if start.sources[route.family]:
                    self._subnet(start, route)
        if cell.exits:
            for router, shown in self._ways.exits():
                part = start.classes & shown
                if part and cell.sent >> self.rules.classes.class_of[router] & 1:
                    row = self._row(Kind.INTERNET, start, part)
                    row.ways[router] = AddressSet.empty()

    def _service(self, start: _Start, selector: Selector) -> None:
        literal = self.rules.resolver.literal(selector)
        if literal is None:
            return
        for number in members(start.cell.bearers):
            host = self.compiled.regions.online(number)
            for family, sourced in start.sources.items():
                addresses = of_family(literal.addresses, family)
                if host is not None and sourced and addresses:
                    row = self._row(Kind.SERVICE, start, sourced)
                    row.ways[host] = row.ways.get(host, AddressSet.empty()) | addresses

    def _devices(self, start: _Start) -> None:
        hits = {
            family: hit(start.cell, family) for family, sourced in start.sources.items() if sourced
        }
        by = {family: start.sources[family] for family, found in hits.items() if found}
        if not by:
            return
        classes = 0
        for sourced in by.values():
            classes |= sourced
        key = *by.items(), *hits.items()
        row = self._row(Kind.DEVICES, start, classes, *key)
        for family, sourced in by.items():
            # A device does not ask to reach itself; an address behind it may.
            others = 0 if start.behind else sourced
            row.gathering.add(hits[family], others, self.asked, family)

    def _own(self, cell: Cell, sources: dict[Family, int]) -> None:
        classes = self.rules.classes
        start = _Start(cell, sources)
        users = {classes.classes[number].signature.user for number in members(start.classes)}
        devices = [classes.devices_of(user) for user in users]
        owned = sum(devices) & start.classes  # no class has two users
        if not owned:
            return
        row = self._row(Kind.OWN, start, owned, *sources.values())
        for own in devices:
            for family, sourced in sources.items():
                has = classes.has4 if family is Family.V4 else classes.has6
                if own & sourced:
                    row.gathering.add(own & has, own & sourced, self.asked, family)

    def _subnet(self, start: _Start, route: Prefix) -> None:
        cell = start.cell
        assert cell.entry is not None
        whole = AddressSet.of([route])
        if cell.entry.selector.kind is not K.WILDCARD:
            literal = self.rules.resolver.literal(cell.entry.selector)
            whole = whole & literal.addresses if literal else AddressSet.empty()
        for router, shown in self._ways.carriers(route):
            part = shown & start.sources[route.family]
            if not part or not cell.sent >> self.rules.classes.class_of[router] & 1:
                continue
            for some, addresses in self._without_narrower(route, part, whole):
                if addresses:
                    row = self._row(Kind.SUBNET, start, some)
                    row.ways[router] = row.ways.get(router, AddressSet.empty()) | addresses

    def _without_narrower(
        self, route: Prefix, sources: int, addresses: AddressSet
    ) -> Iterator[tuple[int, AddressSet]]:
        """Yield *sources* in parts, each with what no narrower route takes from it.

        A client takes the narrowest route that it is shown.
        """
        parts = {addresses: sources} if sources else {}
        for narrower in self.rules.classes.routes:
            if narrower == route or not route.contains(narrower):
                continue
            shown = 0
            for _, classes in self._ways.carriers(narrower):
                shown |= classes
            found: dict[AddressSet, int] = {}
            for left, part in parts.items():
                for key, some in (
                    (left, part & ~shown),
                    (left - AddressSet.of([narrower]), part & shown),
                ):
                    if some:
                        found[key] = found.get(key, 0) | some
            parts = found
        for left, part in parts.items():
            yield part, left

    def _row(self, kind: Kind, start: _Start, sources: int, *key: object) -> _Row:
        cell = start.cell
        assert cell.entry is not None
        selector = cell.entry.selector
        full = (kind, selector, bool(start.behind), sources, *key)
        row = self._rows.get(full)
        if row is None:
            row = _Row(kind, selector.text, sources, Gathering(self.rules))
            self._rows[full] = row
        row.prefixes.update(start.behind)
        row.streams.setdefault((cell.ip_proto, cell.entry.ports))
        row.rules.setdefault(origin_of(cell))
        return row

    def rows(self) -> Iterator[DestinationRow]:
        """Yield the rows that lead anywhere."""
        counts: dict[int, int] = {}
        of = len(self.asked) + len(self.asked.side.prefixes)
        for row in self._rows.values():
            devices = row.gathering.devices()
            if devices or row.ways:
                if row.sources not in counts:
                    counts[row.sources] = self.asked.count(row.sources)
                sources = len(row.prefixes) or counts[row.sources]
                ways = (Way(self.rules.nodes[n].name, row.ways[n]) for n in sorted(row.ways))
                yield DestinationRow(
                    row.kind, row.selector, devices, tuple(ways),
                    sources, of,
                    tuple(row.streams), tuple(row.rules),
                )  # fmt: skip
