"""What the whole rule set says of two addresses, as the control plane's `tests` ask.

Nothing is reduced to a node: a subnet needs no router and the internet no exit node. Otherwise the
rules decide as in a client's packet filter, whose words `Accept` and `Drop` the control plane's
answers to failed tests use (docs/reference/tests.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from aclkit.addresses import Address, AddressSet, Family, parse_address, parse_prefix
from aclkit.compiler.cells import Cell, CellKind, SourceSet
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.literals import LiteralTable
from aclkit.evaluator.reach import names, passes
from aclkit.policy.postures import unmet
from aclkit.policy.text import Text
from aclkit.resolver import Literal, is_identity
from aclkit.target import SelectorKind

K = SelectorKind

Serving: TypeAlias = dict[Family, int]
"""Cells that open a port over each family."""

# What a client drops whatever the rules say.
BARRED = AddressSet.of(
    parse_prefix(text) for text in ("224.0.0.0/4", "ff00::/8", "169.254.0.0/16", "fe80::/10")
) - AddressSet.of([parse_address("169.254.169.254")])


class Point(NamedTuple):
    """An address, and the class of the node that has it. Nodes of a class are alike here."""

    address: Address
    node_class: int | None


@dataclass(slots=True)
class _Ends:
    """One end of all cells: which of them have an address as a source, or as a destination.

    Attributes:
        table: the literals by number.
        route_numbers: those that are approved subnet routes.
        classes4, classes6: cells by the classes of which they have all IPv4 (IPv6) addresses.
        literals: cells by the number of a literal of which they have all addresses.
        routes: cells that have each approved subnet route.
        everything: cells that have any address.
    """

    table: LiteralTable
    route_numbers: frozenset[int]
    classes4: dict[int, int] = field(default_factory=dict)
    classes6: dict[int, int] = field(default_factory=dict)
    literals: dict[int, int] = field(default_factory=dict)
    routes: int = 0
    everything: int = 0
    _known: dict[Point, int] = field(default_factory=dict)

    def add(self, cells: int, classes4: int, classes6: int) -> None:
        """Note whose addresses *cells* have; cells that have the same are looked at together."""
        self.classes4[classes4] = self.classes4.get(classes4, 0) | cells
        self.classes6[classes6] = self.classes6.get(classes6, 0) | cells

    def add_literal(self, cells: int, literal: Literal) -> None:
        """Note that *cells* have the addresses of *literal*."""
        if literal.tokens == ("*",):
            self.everything |= cells
            return
        number = self.table.known(literal.addresses)
        assert number is not None, "each literal of a cell has a number"
        self.literals[number] = self.literals.get(number, 0) | cells

    def at(self, point: Point) -> int:
        """Return the cells that have *point*."""
        found = self._known.get(point)
        if found is None:
            found = self._known[point] = self._looked_up(point)
        return found

    def _looked_up(self, point: Point) -> int:
        address, number = point
        found = self.everything
        hits = self.table.hits(address.family, address.value)
        for hit in hits:
            found |= self.literals.get(hit, 0)
        if self.routes and not self.route_numbers.isdisjoint(hits):
            found |= self.routes
        if number is not None:
            by_classes = self.classes4 if address.family is Family.V4 else self.classes6
            for classes, cells in by_classes.items():
                if classes >> number & 1:
                    found |= cells
        return found


@dataclass(slots=True)
class WholeRules:
    """Answers for one set of posture attributes of the source."""

    rules: CompiledRules
    met: frozenset[str] = frozenset()
    _cells: list[Cell] = field(init=False)
    _sources: _Ends = field(init=False)
    _targets: _Ends = field(init=False)
    _own: int = 0

    def __post_init__(self) -> None:
        classes = self.rules.classes
        routes = frozenset(classes.route_literals[route] for route in classes.routes)
        self._sources = _Ends(classes.literals, routes)
        self._targets = _Ends(classes.literals, routes)
        self._cells = seen_by_tests(self.rules)
        sources: dict[int, SourceSet] = {}
        cells: dict[int, int] = {}
        for cell in self._cells:
            number = cell.source.number
            sources[number] = cell.source
            cells[number] = cells.get(number, 0) | 1 << cell.number
            if cell.own:
                self._own |= 1 << cell.number
            else:
                self._add_target(cell)
        for number, source in sources.items():
            if not source.postures:
                self._add_source(source, cells[number])
            elif not self.met.isdisjoint(source.postures):
                self._add_source(source.base, cells[number])

    def _add_source(self, source: SourceSet, cells: int) -> None:
        self._sources.add(cells, source.covers4, source.covers6)
        for literal in source.literals:
            self._sources.add_literal(cells, literal)
        if source.routes:
            self._sources.routes |= cells

    def _add_target(self, cell: Cell) -> None:
        assert cell.entry is not None
        bit, selector = 1 << cell.number, cell.entry.selector
        self._targets.add(bit, cell.hits4, cell.hits6)
        literal = None if is_identity(selector) else self.rules.resolver.literal(selector)
        if selector.kind is K.WILDCARD:
            self._targets.everything |= bit
        elif literal is not None:
            self._targets.add_literal(bit, literal)

    def point(self, address: Address) -> Point:
        """Return *address* with the class of its node, if a node has it."""
        node = self.rules.node_with.get(address)
        return Point(address, None if node is None else self.rules.classes.class_of[node])

    def distinct(self, addresses: Iterable[Address]) -> list[Point]:
        """Return one point for each family and class among *addresses*, in their order."""
        found: dict[tuple[object, Family], Point] = {}
        for address in addresses:
            point = self.point(address)
            alike: object = address if point.node_class is None else point.node_class
            found.setdefault((alike, address.family), point)
        return list(found.values())

    def serving(self, proto: int | None, port: int) -> Serving:
        """Return the cells that open *port*; without *proto*, over what the target tries."""
        meaning = self.rules.policy.target.meaning.tests
        wanted = meaning.protocols if proto is None else (proto,)
        found = {Family.V4: 0, Family.V6: 0}
        for cell in self._cells:
            assert cell.entry is not None
            for family in found:
                passing = (
                    passes(number, port, family, cell.ip_proto, cell.entry.ports)
                    if meaning.as_clients
                    else names(number, port, cell.ip_proto, cell.entry.ports)
                    for number in wanted
                )
                if any(passing):
                    found[family] |= 1 << cell.number
        return found

    def allows(self, src: Point, dst: Point, serving: Serving) -> int:
        """Return the cells among *serving* that open *dst* to *src*."""
        if dst.address in BARRED:
            return 0
        return self._targets_at(src, dst) & self._sources.at(src) & serving[dst.address.family]

    def near(self, src: Point, dst: Point, serving: Serving) -> int:
        """Return the cells that lack at most one thing to open *dst* to *src*.

        There are three: the source, the destination, and the port, which *serving* is about.
        """
        source, target = self._sources.at(src), self._targets_at(src, dst)
        served = serving[dst.address.family]
        return source & target | source & served | target & served

    def _targets_at(self, src: Point, dst: Point) -> int:
        """Return the cells of which *dst* is a destination, for *src*."""
        found = self._targets.at(dst)
        if self._own and src.node_class is not None and dst.node_class is not None:
            classes = self.rules.classes.classes
            user = classes[src.node_class].signature.user
            if user is not None and classes[dst.node_class].signature.user == user:
                found |= self._own
        return found


def seen_by_tests(rules: CompiledRules) -> list[Cell]:
    """Return the cells that the tests of a policy ask: ports, and all that their target sees."""
    sees_all = rules.policy.target.meaning.tests.own_and_via
    return [
        cell
        for cell in rules.cells
        if cell.kind is CellKind.PORTS and (sees_all or not (cell.own or cell.is_via))
    ]


def met_postures(
    rules: CompiledRules, attributes: Iterable[tuple[Text, str | int | float | bool]] | None
) -> frozenset[str]:
    """Return the postures that a device with *attributes* meets; None is no device, and none."""
    if attributes is None:
        return frozenset()
    known = {name.value: value for name, value in attributes}
    return frozenset(
        posture.name.value
        for posture in rules.policy.postures
        if unmet(posture.assertions, known) is None
    )
