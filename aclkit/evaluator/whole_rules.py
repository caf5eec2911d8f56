"""What the whole rule set says of two addresses, as the control plane's `tests` ask.

Nothing is reduced to a node: a subnet needs no router and the internet no exit node. Otherwise the
rules decide as in a client's packet filter, whose words `Accept` and `Drop` the control plane's
answers to failed tests use (docs/reference/tests.md).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TypeAlias

from aclkit.addresses import Address, AddressSet, Family, parse_address, parse_prefix
from aclkit.compiler.cells import Cell, CellKind, SourceSet
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.reach import names, passes
from aclkit.policy.postures import unmet
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.resolver import is_identity
from aclkit.target import SelectorKind

K = SelectorKind

Serving: TypeAlias = dict[Family, int]
"""Cells that open a port over each family."""

# What a client drops whatever the rules say.
BARRED = AddressSet.of(
    parse_prefix(text) for text in ("224.0.0.0/4", "ff00::/8", "169.254.0.0/16", "fe80::/10")
) - AddressSet.of([parse_address("169.254.169.254")])


@dataclass(frozen=True, slots=True)
class Point:
    """An address, and the class of the node that has it. Nodes of a class are alike here."""

    address: Address
    node_class: int | None


@dataclass(slots=True)
class WholeRules:
    """Answers for one set of posture attributes of the source."""

    rules: CompiledRules
    met: frozenset[str] = frozenset()
    _cells: list[Cell] = field(init=False)
    _sources: dict[Point, int] = field(default_factory=dict)
    _targets: dict[Point, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._cells = seen_by_tests(self.rules)

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
        return self._targets_at(src, dst) & self._source(src) & serving[dst.address.family]

    def near(self, src: Point, dst: Point, serving: Serving) -> int:
        """Return the cells that lack at most one thing to open *dst* to *src*.

        There are three: the source, the destination, and the port, which *serving* is about.
        """
        source, target = self._source(src), self._targets_at(src, dst)
        served = serving[dst.address.family]
        return source & target | source & served | target & served

    def _targets_at(self, src: Point, dst: Point) -> int:
        """Return the cells of which *dst* is a destination, for *src*."""
        found = self._target(dst)
        for cell in self._own_cells(src, dst):
            found |= 1 << cell.number
        return found

    def _own_cells(self, src: Point, dst: Point) -> Iterable[Cell]:
        if src.node_class is None or dst.node_class is None:
            return ()
        classes = self.rules.classes.classes
        user = classes[src.node_class].signature.user
        if user is None or classes[dst.node_class].signature.user != user:
            return ()
        return (cell for cell in self._cells if cell.own)

    def _source(self, point: Point) -> int:
        found = self._sources.get(point)
        if found is None:
            holds: dict[int, bool] = {}
            found = 0
            for cell in self._cells:
                number = cell.source.number
                if number not in holds:
                    holds[number] = self._is_source(cell.source, point)
                if holds[number]:
                    found |= 1 << cell.number
            self._sources[point] = found
        return found

    def _is_source(self, source: SourceSet, point: Point) -> bool:
        if source.postures:
            if self.met.isdisjoint(source.postures):
                return False
            source = source.base
        address = point.address
        if point.node_class is not None:
            covers = source.covers4 if address.family is Family.V4 else source.covers6
            if covers >> point.node_class & 1:
                return True
        if source.everything or any(address in literal.addresses for literal in source.literals):
            return True
        return source.routes and any(address in route for route in self.rules.classes.routes)

    def _target(self, point: Point) -> int:
        found = self._targets.get(point)
        if found is None:
            found = 0
            for cell in self._cells:
                if not cell.own and self._is_target(cell, point):
                    found |= 1 << cell.number
            self._targets[point] = found
        return found

    def _is_target(self, cell: Cell, point: Point) -> bool:
        assert cell.entry is not None
        if point.node_class is not None:
            hits = cell.hits4 if point.address.family is Family.V4 else cell.hits6
            if hits >> point.node_class & 1:
                return True
        return self._names(cell.entry.selector, point.address)

    def _names(self, selector: Selector, address: Address) -> bool:
        if selector.kind is K.WILDCARD:
            return True
        literal = None if is_identity(selector) else self.rules.resolver.literal(selector)
        return literal is not None and address in literal.addresses


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
