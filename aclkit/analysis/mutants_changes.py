"""What a mutant changes: the first access that it opens or closes, or none.

The answer is exact for packets between devices, to and from addresses behind routers, to the
internet and to services, for capabilities, and for logins. Port 0, a device's way to itself, and
ICMP of one family over the other are not access.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TypeAlias

from aclkit.addresses import Address, Family
from aclkit.analysis.mutants_access import (
    Access,
    Beyond,
    Rectangle,
    addresses_beyond,
    uncovered,
)
from aclkit.analysis.mutants_logins import LoginChange, login_changes
from aclkit.analysis.mutants_variants import Variant
from aclkit.analysis.ways import Ways
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Filters
from aclkit.compiler.peers import Visibility
from aclkit.evaluator.reach import ICMP, ICMPV6, passes
from aclkit.policy.ports import PORT_PROTOCOLS
from aclkit.tailcfg import DEFAULT_PROTOCOLS

# Which port stands for a range that holds it: one that a reader knows.
_KNOWN_PORTS = (22, 443, 80, 53, 3389, 445, 5432, 8080)

End: TypeAlias = int | Address
"""One end of a flow: a node by its number, or an address beyond the devices."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A packet that a mutant lets through (`opens`) or stops; `port` is 0 without ports."""

    opens: bool
    src: End
    dst: End
    family: Family
    proto: int
    port: int


@dataclass(frozen=True, slots=True)
class Capability:
    """A capability that a mutant gives to *src* on *dst* (`opens`) or takes."""

    opens: bool
    src: End
    dst: End
    name: str


@dataclass(frozen=True, slots=True)
class Otherwise:
    """A node that is sent something else, where what that means was not worked out."""

    node: int


Change: TypeAlias = Flow | Capability | LoginChange | Otherwise


@dataclass(slots=True)
class Changes:
    """Finds what variants of one compiled policy change."""

    base: CompiledRules
    compared: int = 0
    """How often a rectangle was taken from another: what the work grows with."""
    _beyond: dict[Family, Beyond] = field(init=False)
    _before: Access = field(init=False)
    _rectangles: dict[tuple[int, Family], list[Rectangle]] = field(default_factory=dict)
    _sent: list[object] | None = None

    def __post_init__(self) -> None:
        self._beyond = addresses_beyond(self.base)
        self._before = Access(self.base, self._beyond, Ways(self.base))

    def of(self, variant: Variant) -> Iterator[Change]:
        """Yield what *variant* changes; nothing where access stays as it is."""
        if variant.anew:
            yield from self._sent_otherwise(variant)
            return
        yield from self.flows(variant)
        yield from login_changes(self.base, variant)

    def _sent_otherwise(self, variant: Variant) -> Iterator[Otherwise]:
        if self._sent is None:
            self._sent = _all_sent(self.base)
        for node, (before, after) in enumerate(
            zip(self._sent, _all_sent(variant.rules), strict=True)
        ):
            if before != after:
                yield Otherwise(node)

    def flows(self, variant: Variant) -> Iterator[Flow | Capability]:
        """Yield what *variant* closes, then what it opens: an example for each cell and port."""
        removed, added = variant.removed, variant.added
        if not removed and not added:
            return
        after = self._after(variant)
        others = [cell for cell in self.base.cells if not variant.gone >> cell.number & 1]
        if after.ways is not self._before.ways:
            turned = [cell for cell in others if self._turns(cell, after)]
            removed, added = (*removed, *turned), (*added, *turned)
            turning = {cell.number for cell in turned}
            others = [cell for cell in others if cell.number not in turning]
        before = self._before
        sides = ((False, removed, before, added, after), (True, added, after, removed, before))
        for opens, cells, now, counterparts, then in sides:
            for cell in cells:
                if cell.kind is CellKind.PORTS:
                    yield from self._packets(opens, cell, now, counterparts, then, others)
                elif cell.kind is not CellKind.STEER:
                    yield from self._capabilities(opens, cell, now, counterparts, then, others)

    def _after(self, variant: Variant) -> Access:
        """Return the access of *variant*. It shares the ways of the policy where they stay.

        A rule shows the routes that it opens. So only rules with `via`, and exit nodes beside
        routes, can turn a source to another router for what other rules open.
        """
        has_via = any(cell.is_via for cell in self.base.cells)
        if has_via or (self.base.classes.exits and self.base.primaries):
            return Access(variant.rules, self._beyond, Ways(variant.rules))
        return self._before.sharing_ways(variant.rules)

    def _turns(self, cell: Cell, after: Access) -> bool:
        if cell.own or cell.kind is not CellKind.PORTS:
            return False
        return any(
            self._opened(cell, family, self._before) != after.opened(cell, family)
            for family in Family
        )

    def _opened(self, cell: Cell, family: Family, access: Access) -> list[Rectangle]:
        """Return what *cell* opens; kept for the cells of the policy itself."""
        if access is not self._before or cell.number >= len(self.base.cells):
            return access.opened(cell, family)
        key = cell.number, family
        found = self._rectangles.get(key)
        if found is None:
            found = self._rectangles[key] = access.opened(cell, family)
        return found

    def _packets(
        self,
        opens: bool,
        cell: Cell,
        now: Access,
        counterparts: Sequence[Cell],
        then: Access,
        others: Sequence[Cell],
    ) -> Iterator[Flow]:
        assert cell.entry is not None
        for family in Family:
            for rectangle in self._opened(cell, family, now):
                rivals = []
                for other in counterparts:
                    rivals += self._overlapping(other, family, then, rectangle)
                for other in others:
                    rivals += self._overlapping(other, family, self._before, rectangle)
                for proto, port in _questions(cell, family, [other for other, _ in rivals]):
                    others_open = (
                        rival
                        for other, rival in rivals
                        if other.entry
                        and passes(proto, port, family, other.ip_proto, other.entry.ports)
                    )
                    self.compared += len(rivals)
                    pair = self._pair(uncovered(rectangle, others_open), family)
                    if pair is not None:
                        yield Flow(opens, *pair, family, proto, port)

    def _overlapping(
        self, cell: Cell, family: Family, access: Access, rectangle: Rectangle
    ) -> list[tuple[Cell, Rectangle]]:
        if cell.kind is not CellKind.PORTS:
            return []
        return [
            (cell, found)
            for found in self._opened(cell, family, access)
            if found[0] & rectangle[0] and found[1] & rectangle[1]
        ]

    def _capabilities(
        self,
        opens: bool,
        cell: Cell,
        now: Access,
        counterparts: Sequence[Cell],
        then: Access,
        others: Sequence[Cell],
    ) -> Iterator[Capability]:
        for rectangle in now.granted(cell):
            for name, value in _values(cell):
                rivals = [
                    found
                    for access, cells in ((then, counterparts), (now, others))
                    for other in cells
                    if other.kind not in (CellKind.PORTS, CellKind.STEER)
                    and (name, value) in _values(other)
                    for found in access.granted(other)
                ]
                pair = self._pair(uncovered(rectangle, rivals), Family.V4)
                if pair is not None:
                    yield Capability(opens, *pair, name)

    def _pair(self, parts: Iterable[Rectangle], family: Family) -> tuple[End, End] | None:
        """Return the first pair of *parts* with two different ends; None without one."""
        for rows, columns in parts:
            for src in members(rows):
                for dst in members(columns):
                    pair = self._ends(src, dst, family)
                    if pair is not None:
                        return pair
        return None

    def _ends(self, src: int, dst: int, family: Family) -> tuple[End, End] | None:
        classes = self.base.classes.classes
        if src != dst:
            return self._end(src, family), self._end(dst, family)
        if src >= len(classes) or len(classes[src].nodes) < 2:
            return None
        return classes[src].nodes[0], classes[src].nodes[1]

    def _end(self, number: int, family: Family) -> End:
        classes = self.base.classes.classes
        if number < len(classes):
            return classes[number].nodes[0]
        return self._beyond[family].addresses[number - len(classes)]


def _questions(cell: Cell, family: Family, others: Iterable[Cell]) -> Iterator[tuple[int, int]]:
    """Yield protocols and ports that *cell* opens: one for each that *others* can tell apart.

    Protocols with ports come first, and known ports stand for the ranges that hold them.
    """
    assert cell.entry is not None
    edges = {1, 65536}
    for each in (cell, *others):
        for first, last in each.entry.ports if each.entry else ():
            edges.update((first, last + 1))
    starts = sorted(edge for edge in edges if 1 <= edge <= 65536)
    ports = [
        next((port for port in _KNOWN_PORTS if first <= port < after), first)
        for first, after in pairwise(starts)
    ]
    ports.sort(key=lambda port: (_rank(port), port))
    ping, of_the_other = (ICMP, ICMPV6) if family is Family.V4 else (ICMPV6, ICMP)
    protocols = dict.fromkeys((*(cell.ip_proto or DEFAULT_PROTOCOLS), ping))
    protocols.pop(of_the_other, None)
    for proto in sorted(protocols, key=lambda number: number not in PORT_PROTOCOLS):
        for port in ports if proto in PORT_PROTOCOLS else (0,):
            if passes(proto, port, family, cell.ip_proto, cell.entry.ports):
                yield proto, port


def _rank(port: int) -> int:
    return _KNOWN_PORTS.index(port) if port in _KNOWN_PORTS else len(_KNOWN_PORTS)


def _values(cell: Cell) -> Iterator[tuple[str, str]]:
    """Yield each capability of *cell* with each of its values; one without any stands alone."""
    for name, values in cell.cap_map:
        yield name, ""
        for value in values or ():
            yield name, json.dumps(value, sort_keys=True)


def _all_sent(rules: CompiledRules) -> list[object]:
    """Return what each node is sent that decides on access."""
    filters, visibility = Filters.of(rules), Visibility(rules)
    return [
        (
            rules.addresses(node),
            filters.node_rules(node),
            rules.ssh.node_rules(node),
            {peer: visibility.shown_routes(node, peer) for peer in visibility.peers(node)},
        )
        for node in range(len(rules.nodes))
    ]
