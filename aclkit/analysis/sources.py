"""Who reaches a destination: the sources of the rules that let somebody in, each with its devices.

Rows go by the selectors of the policy, so that there are no more of them than the rules have, for
any number of devices. Together they hold each device that gets through, and no other.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.analysis.devices import Asked, Devices, Gathering, asked, union
from aclkit.analysis.named_sources import NamedSources, hit, origin_of
from aclkit.analysis.ways import Ways
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.evaluator.reach import protocol_number
from aclkit.evaluator.regions import Region
from aclkit.evaluator.sides import Side, resolve_side
from aclkit.policy.selectors import Selector


@dataclass(frozen=True, slots=True)
class SourceRow:
    """What one source of the rules opens the destination to.

    Attributes:
        selector: the source, as the rules name it.
        devices: its devices that get through.
        named: how many devices it names: fewer get through where a posture stops the others, and
            none where it names addresses only.
        addresses: the addresses of no device that get through; `routers` have them behind them.
        reached: how many devices and prefixes of the destination are reached, of how many.
        own: each user's devices reach devices of the same user only.
        ways: the routers through which a subnet or the internet is reached.
        rules: the entries that say so, in the order of the rules.
    """

    selector: str
    devices: Devices
    named: int
    addresses: AddressSet
    routers: tuple[str, ...]
    reached: int
    of: int
    own: bool
    ways: tuple[str, ...]
    rules: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class WhoCan:
    """Who reaches a port of a destination.

    Attributes:
        dst: the destination.
        proto: the number of the protocol.
        devices: all that get through; a device is not asked to reach itself.
        rows: by source of the rules, in their order.
    """

    dst: Side
    port: int
    proto: int
    devices: Devices
    rows: tuple[SourceRow, ...]


def who_can(compiled: CompiledPolicy, dst: str, port: int, proto: str | None = None) -> WhoCan:
    """Return who reaches *port* of *dst*; without *proto* the question is about TCP.

    *dst* is what `CompiledPolicy.query` takes. The work grows with the rules and with the classes
    of nodes that the policy can't tell apart, not with the nodes.

    Raises:
        UnknownSideError: *dst* is neither a node nor a selector.
        ValueError: no such protocol, or a port outside of 0 to 65535.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"{port} is not a port")
    rules = compiled.rules
    number = protocol_number(proto or "tcp", rules)
    side = resolve_side(dst, rules, compiled.regions.holders)
    found = _Search(compiled, asked(side), compiled.reach.cells_open(number, port))
    found.to_devices()
    for region, _ in compiled.regions.cut(side.prefixes):
        found.to_region(region)
    rows = tuple(found.rows())
    everyone = union(rules, (row.devices for row in rows))
    return WhoCan(side, port, number, everyone, rows)


@dataclass(slots=True)
class _Row:
    """A row in the making."""

    selector: Selector
    own: bool
    gathering: Gathering
    reached: int = 0
    prefixes: set[Prefix] = field(default_factory=set)
    addresses: AddressSet = field(default_factory=AddressSet.empty)
    ways: dict[int, None] = field(default_factory=dict)
    cells: int = 0


@dataclass(slots=True)
class _Search:
    compiled: CompiledPolicy
    asked: Asked
    open: tuple[int, int]
    _sources: NamedSources = field(init=False)
    _ways: Ways = field(init=False)
    _rows: dict[tuple[Selector, bool], _Row] = field(default_factory=dict)
    _cells: dict[Family, list[Cell]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._sources, self._ways = NamedSources(self._rules), Ways(self._rules)
        for family, opened in zip(Family, self.open, strict=True):
            numbers = set(members(opened))
            self._cells[family] = [
                cell
                for cell in self._rules.cells
                if cell.kind is CellKind.PORTS and cell.number in numbers
            ]

    @property
    def _rules(self) -> CompiledRules:
        return self.compiled.rules

    def to_devices(self) -> None:
        """Find who reaches the devices of the destination."""
        for family, side in self.asked.classes.items():
            if not side:
                continue
            for cell in self._cells[family]:
                if cell.own:
                    self._among_own(cell, family, side)
                    continue
                targets = hit(cell, family) & side
                if targets:
                    self._to_hits(cell, family, targets)

    def _to_hits(self, cell: Cell, family: Family, targets: int) -> None:
        for selector, classes in self._sources.covering(cell, family):
            elsewhere = self._elsewhere(cell, selector, family, self._rules.classes.everyone)
            if classes or elsewhere:
                row = self._row(cell, selector)
                row.gathering.add(classes, targets, self.asked, family)
                row.reached |= targets
                row.addresses |= elsewhere

    def _among_own(self, cell: Cell, family: Family, side: int) -> None:
        classes = self._rules.classes
        users = {classes.classes[number].signature.user for number in members(side)}
        for selector, covering in self._sources.covering(cell, family):
            row = None
            for user in users:
                own = classes.devices_of(user)
                if own & covering:
                    row = row or self._row(cell, selector)
                    row.gathering.add(own & covering, own & side, self.asked, family)
                    row.reached |= own & side

    def to_region(self, region: Region) -> None:
        """Find who reaches addresses that no device has."""
        named = set(members(region.named))
        cells = [cell for cell in self._cells[region.family] if cell.number in named]
        if not cells:
            return
        left = self._rules.classes.everyone
        for number in members(region.hosts):
            host = self.compiled.regions.online(number)
            if host is not None:
                self._by_way_of(host, left, cells, region)
        for route in region.routes:
            for router, shown in self._ways.carriers(route):
                self._by_way_of(router, shown & left, cells, region)
                left &= ~shown  # a client takes the narrowest route that it is shown
        for router, shown in self._ways.exits():
            self._by_way_of(router, shown & left, cells, region)

    def _by_way_of(self, router: int, shown: int, cells: list[Cell], region: Region) -> None:
        number = self._rules.classes.class_of[router]
        family = region.family
        for cell in cells:
            if not cell.sent >> number & 1 or cell.own:
                continue
            for selector, classes in self._sources.covering(cell, family):
                elsewhere = self._elsewhere(cell, selector, family, shown)
                if classes & shown or elsewhere:
                    row = self._row(cell, selector)
                    row.gathering.add(classes & shown, 0, self.asked, family)
                    row.prefixes.update(region.asked)
                    row.addresses |= elsewhere
                    row.ways.setdefault(router)

    def _elsewhere(self, cell: Cell, selector: Selector, family: Family, shown: int) -> AddressSet:
        """Return the addresses of a source that send from behind a router of the classes *shown*.

        Those of other addresses reach no device: nothing carries them.
        """
        named = self._sources.elsewhere(cell, selector, family)
        if not named:
            return named
        class_of = self._rules.classes.class_of
        return named & AddressSet.of(
            addresses for router, addresses in self._ways.behind() if shown >> class_of[router] & 1
        )

    def _row(self, cell: Cell, selector: Selector) -> _Row:
        key = selector, cell.own
        row = self._rows.get(key)
        if row is None:
            row = self._rows[key] = _Row(selector, cell.own, Gathering(self._rules))
        row.cells |= 1 << cell.number
        return row

    def rows(self) -> Iterator[SourceRow]:
        """Yield the rows that let anybody in."""
        of = len(self.asked) + len(self.asked.side.prefixes)
        for row in sorted(self._rows.values(), key=_first_cell):
            devices = row.gathering.devices()
            if not devices and not row.addresses:
                continue
            alone = self._sources.alone(row.selector)
            named = Devices(self._rules, alone.covers4 | alone.covers6)
            yield SourceRow(
                row.selector.text, devices, len(named), row.addresses,
                self._routers_of(row.addresses),
                self.asked.count(row.reached) + len(row.prefixes), of,
                row.own, tuple(self._rules.nodes[router].name for router in sorted(row.ways)),
                self._origins(row.cells),
            )  # fmt: skip

    def _origins(self, cells: int) -> tuple[Origin, ...]:
        found = (origin_of(self._rules.cells[number]) for number in members(cells))
        return tuple(dict.fromkeys(found))

    def _routers_of(self, addresses: AddressSet) -> tuple[str, ...]:
        """Return the routers that bring packets from *addresses* into the tailnet."""
        return tuple(
            self._rules.nodes[router].name
            for router, behind in self._ways.behind()
            if addresses.overlaps(behind)
        )


def _first_cell(row: _Row) -> int:
    return (row.cells & -row.cells).bit_length()
