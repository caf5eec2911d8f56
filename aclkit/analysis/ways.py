"""Ways out of the tailnet: which classes are shown a route or an exit node on which router.

The answers of `Visibility`, for all classes at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell
from aclkit.compiler.compiled_rules import CompiledRules


@dataclass(slots=True)
class Ways:
    """Answers for all classes at once; each route is worked out once."""

    rules: CompiledRules
    _carriers: dict[Prefix, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    _exits: tuple[tuple[int, int], ...] | None = None
    _behind: tuple[tuple[int, AddressSet], ...] | None = None

    def carriers(self, route: Prefix) -> tuple[tuple[int, int], ...]:
        """Return the routers of an approved subnet route, each with the classes shown it there.

        A router is a node's number. No class is with two routers; one without any is with none.
        """
        found = self._carriers.get(route)
        if found is None:
            found = self._carriers[route] = tuple(self._elected(route))
        return found

    def _elected(self, route: Prefix) -> Iterator[tuple[int, int]]:
        classes = self.rules.classes
        serving = classes.routes.get(route, 0)
        primary = self.rules.primaries.get(route)
        direct, inbound = 0, serving
        steering: dict[int, int] = {0: classes.everyone}
        for cell in self.rules.cells:
            if cell.own:
                to_router, answering = self._among_own(cell, route)
                direct, inbound = direct | to_router, inbound | answering
                continue
            if route in cell.routes:
                if cell.is_via:
                    steering = _split(steering, cell)
                else:
                    direct |= cell.source.reaches
            if route in cell.source.overlapped:
                inbound |= cell.bearers
        for routers, shown in steering.items():
            others = shown & ~direct
            if not others:
                continue
            if not routers & serving:
                direct |= others & inbound
                continue
            chosen = self._first_online(routers & serving)
            if chosen is not None:
                yield chosen, others
        if primary is not None and direct:
            yield primary, direct

    def _among_own(self, cell: Cell, route: Prefix) -> tuple[int, int]:
        """Return what `autogroup:self` adds, where an own address is inside the route.

        First the classes that reach a router of their user by it, then those that may answer.
        """
        classes = self.rules.classes
        to_router = answering = 0
        inside = classes.inside(route)
        for number in members(inside & classes.routes[route]):
            own = classes.devices_of(classes.classes[number].signature.user)
            if route in classes.routes_at(own & classes.has4, own & classes.has6):
                to_router |= own & cell.source.reaches
        covers = cell.source.covers4 if route.family is Family.V4 else cell.source.covers6
        for number in members(inside & covers):
            answering |= classes.devices_of(classes.classes[number].signature.user)
        return to_router, answering

    def _first_online(self, classes: int) -> int | None:
        nodes = self.rules.nodes
        return min(
            (
                node
                for number in members(classes)
                for node in self.rules.classes.classes[number].nodes
                if nodes[node].online
            ),
            default=None,
        )

    def behind(self) -> tuple[tuple[int, AddressSet], ...]:
        """Return the primary routers, each with the addresses that send from behind it.

        No address is behind two routers: the narrowest route counts.
        """
        if self._behind is None:
            found: dict[int, AddressSet] = {}
            taken = AddressSet.empty()
            for route in sorted(self.rules.primaries, key=lambda route: (-route.bits, route)):
                router = self.rules.primaries[route]
                part = AddressSet.of([route])
                found[router] = found.get(router, AddressSet.empty()) | (part - taken)
                taken |= part
            self._behind = tuple(sorted(found.items()))
        return self._behind

    def exits(self) -> tuple[tuple[int, int], ...]:
        """Return the exit nodes that are online, each with the classes that are shown it."""
        if self._exits is None:
            self._exits = tuple(self._shown_exits())
        return self._exits

    def _shown_exits(self) -> Iterator[tuple[int, int]]:
        cells = [cell for cell in self.rules.cells if cell.exits]
        for number in members(self.rules.classes.exits):
            shown = 0
            for cell in cells:
                if cell.bearers >> number & 1:
                    shown |= cell.source.reaches
            for node in self.rules.classes.classes[number].nodes:
                if self.rules.nodes[node].online:
                    yield node, shown


def _split(steering: dict[int, int], cell: Cell) -> dict[int, int]:
    """Return *steering*, the classes for each set of routers, with those of *cell* added."""
    found: dict[int, int] = {}
    for routers, shown in steering.items():
        for more, part in ((0, ~cell.source.reaches), (cell.bearers, cell.source.reaches)):
            if shown & part:
                found[routers | more] = found.get(routers | more, 0) | shown & part
    return found
