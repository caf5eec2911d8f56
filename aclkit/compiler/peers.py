"""Peers: who sees whom, and which routes a node is shown on whom.

Two nodes see each other when a rule lets an address or approved subnet route of one reach the
other (docs/reference/routes-and-peers.md). Worked out per class, on demand; nothing is kept per
pair of nodes.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

from aclkit.addresses import Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell
from aclkit.compiler.compiled_rules import CompiledRules


class Ways(NamedTuple):
    """By which subnet routes a class takes part in the rules, but for `autogroup:self`.

    Attributes:
        direct: those opened to it on whichever router.
        steered: the cells that open routes to it on the routers of their `via` alone.
        inbound: those from which it is opened to what they hold, and its own.
    """

    direct: frozenset[Prefix]
    steered: tuple[Cell, ...]
    inbound: frozenset[Prefix]

    @property
    def routes(self) -> frozenset[Prefix]:
        """Return all of them."""
        return self.direct.union(self.inbound, *(cell.routes for cell in self.steered))


@dataclass(slots=True)
class Visibility:
    """Answers questions about peers from compiled rules; each class is worked out once."""

    rules: CompiledRules
    _visible: dict[int, int] = field(default_factory=dict)
    _carriers: dict[tuple[int, Prefix], int | None] = field(default_factory=dict)
    _exits: dict[int, int] = field(default_factory=dict)
    _open_to: dict[int, tuple[Cell, ...]] = field(default_factory=dict)
    _opened: dict[int, tuple[Cell, ...]] = field(default_factory=dict)
    _ways: dict[int, Ways] = field(default_factory=dict)

    def peers(self, node: int) -> Iterator[int]:
        """Yield the numbers of the nodes that *node* sees, in the order of creation per class."""
        number = self.rules.classes.class_of[node]
        for other in members(self.visible_classes(number)):
            for peer in self.rules.classes.classes[other].nodes:
                if peer != node:
                    yield peer

    def visible_classes(self, number: int) -> int:
        """Return the classes whose nodes the nodes of class *number* see."""
        visible = self._visible.get(number)
        if visible is None:
            visible = 0
            for cell in self._cells_from(number):
                visible |= cell.bearers
            for cell in self._cells_to(number):
                visible |= cell.source.reaches
            for cell in self.rules.own_cells:
                visible |= self._visible_among_own(cell, number)
            self._visible[number] = visible
        return visible

    def _visible_among_own(self, cell: Cell, number: int) -> int:
        """Return what `autogroup:self` lets a class see: devices of its own user.

        As with any rule, a router counts as a source for what lies in its routes, in the rare case
        that a device of the tailnet does.
        """
        classes = self.rules.classes
        visible = 0
        own = classes.devices_of(classes.classes[number].signature.user)
        sources = own & (cell.source.covers4 | cell.source.covers6)
        if own >> number & 1:
            visible = own if sources >> number & 1 else sources
            for route in self._routes_around(cell, sources):
                visible |= classes.routes[route]
        for route in classes.classes[number].signature.routes:
            for other in members(self._sources_inside(cell, route)):
                visible |= classes.devices_of(classes.classes[other].signature.user)
        return visible

    def _sources_inside(self, cell: Cell, route: Prefix) -> int:
        """Return the classes of which an address in *route* is a source of *cell*."""
        covers = cell.source.covers4 if route.family is Family.V4 else cell.source.covers6
        return covers & self.rules.classes.inside(route)

    def _routes_around(self, cell: Cell, sources: int) -> list[Prefix]:
        routes = self.rules.classes.met_routes
        return [route for route in routes if self._sources_inside(cell, route) & sources]

    def shown_routes(self, viewer: int, peer: int) -> list[Prefix]:
        """Return the routes of *peer* that *viewer* is shown: subnet routes, then exit routes."""
        classes = self.rules.classes
        signature = self.rules.class_of(peer).signature
        number = classes.class_of[viewer]
        shown = [route for route in signature.routes if self.carrier(number, route) == peer]
        if signature.exits and self.exit_classes(number) >> classes.class_of[peer] & 1:
            shown.extend(signature.exits)
        return shown

    def carrier(self, number: int, route: Prefix) -> int | None:
        """Return the router on which the nodes of class *number* are shown *route*.

        That is its primary, or, when the route is reached by `via` only, the online router with
        one of the tags that was created first.
        """
        key = number, route
        if key not in self._carriers:
            self._carriers[key] = self._elected(number, route)
        return self._carriers[key]

    def _elected(self, number: int, route: Prefix) -> int | None:
        primary = self.rules.primaries.get(route)
        classes = self.rules.classes
        direct, steered, inward = self.ways(number)
        if route in direct:
            return primary
        inbound = route in inward
        for cell in self.rules.own_cells if route in classes.met_routes else ():
            if self._reaches_own_router(cell, number, route):
                return primary
            inbound = inbound or self._may_answer_own(cell, number, route)
        steering = 0
        for cell in steered:
            if route in cell.routes:
                steering |= cell.bearers
        steering &= classes.routes.get(route, 0)
        if steering:
            nodes = self.rules.nodes
            candidates = (
                node
                for other in members(steering)
                for node in classes.classes[other].nodes
                if nodes[node].online
            )
            return min(candidates, key=self.rules.roster.rank, default=None)
        return primary if inbound else None

    def _reaches_own_router(self, cell: Cell, number: int, route: Prefix) -> bool:
        """Return whether `autogroup:self` opens a router to a class by an address in its route."""
        classes = self.rules.classes
        own = classes.devices_of(classes.classes[number].signature.user)
        if not own >> number & 1 or not cell.source.reaches >> number & 1:
            return False
        return route in classes.routes_at(own & classes.has4, own & classes.has6)

    def _may_answer_own(self, cell: Cell, number: int, route: Prefix) -> bool:
        """Return whether `autogroup:self` lets what is in *route* reach the nodes of a class."""
        classes = self.rules.classes
        own = classes.devices_of(classes.classes[number].signature.user)
        return own >> number & 1 == 1 and self._sources_inside(cell, route) & own != 0

    def ways(self, number: int) -> Ways:
        """Return by which subnet routes a class takes part in the rules."""
        found = self._ways.get(number)
        if found is None:
            opening = [cell for cell in self._cells_from(number) if cell.routes]
            sources = [cell.source for cell in self._cells_to(number)]
            found = self._ways[number] = Ways(
                frozenset().union(*(cell.routes for cell in opening if not cell.is_via)),
                tuple(cell for cell in opening if cell.is_via),
                frozenset(self.rules.classes.classes[number].signature.routes).union(
                    *(source.overlapped for source in sources)
                ),
            )
        return found

    def _cells_from(self, number: int) -> tuple[Cell, ...]:
        """Return the cells, but for `autogroup:self`, of which a class is a source."""
        found = self._open_to.get(number)
        if found is None:
            bit = 1 << number
            found = self._open_to[number] = tuple(
                cell
                for cell in self.rules.cells_from(self.rules.classes.classes[number])
                if not cell.own and cell.source.reaches & bit
            )
        return found

    def _cells_to(self, number: int) -> tuple[Cell, ...]:
        """Return the cells, but for `autogroup:self`, that open the nodes of a class."""
        found = self._opened.get(number)
        if found is None:
            bit = 1 << number
            found = self._opened[number] = tuple(
                cell
                for cell in self.rules.cells_to(self.rules.classes.classes[number])
                if not cell.own and cell.bearers & bit
            )
        return found

    def exit_classes(self, number: int) -> int:
        """Return the classes whose exit routes a class is shown."""
        found = self._exits.get(number)
        if found is None:
            found = 0
            for cell in self._cells_from(number):
                if cell.exits:
                    found |= cell.bearers
            self._exits[number] = found
        return found
