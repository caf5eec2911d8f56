"""Cells: what one destination entry of one rule opens, from a set of sources to a set of classes.

Everything here is a set of node classes, as a bitset; nothing is done per pair of nodes. A
*source set* is the selectors of a rule's `src` with its postures; rules with the same one share it.
Which class bears a cell, and which classes its source covers, answers who reaches whom, who sees
whom and which rules a node is sent (docs/reference/compiled-output.md).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, TypeAlias

from aclkit.addresses import INTERNET, Family, Prefix
from aclkit.compiler.classes import Classes
from aclkit.compiler.rules import AccessRule, Entry, IpProto
from aclkit.policy.selectors import Selector
from aclkit.resolver import Literal, Resolver, is_identity, word_of
from aclkit.target import Meaning, SelectorKind

K = SelectorKind


NO_ROUTES: frozenset[Prefix] = frozenset()


class CellKind(Enum):
    """What a cell puts into a filter."""

    PORTS = "ports"
    APP = "app"
    COMPANION = "companion"
    STEER = "steer"
    """Nothing: capabilities by way of a router. It only makes routers visible."""


@dataclass(frozen=True, slots=True)
class SourceSet:
    """The sources of rules, resolved.

    Attributes:
        selectors: as written, in order.
        postures: names of which one must be met; none for no condition.
        identity: classes of which all nodes belong to it by who they are.
        covers4, covers6: classes of which all nodes' IPv4 (IPv6) addresses are in it.
        reaches: classes of which an address or an approved subnet route is in it.
        literals: what it names by address, in order; none where there is a posture.
        routes: whether each approved subnet route is a source, as `*` says.
        everything: whether it is any address at all.
        overlapped: approved subnet routes of which an address is in it.
    """

    number: int
    selectors: tuple[Selector, ...]
    postures: tuple[str, ...]
    identity: int
    covers4: int
    covers6: int
    reaches: int
    literals: tuple[Literal, ...]
    routes: bool
    everything: bool
    overlapped: frozenset[Prefix]
    _base: SourceSet | None = None

    @property
    def base(self) -> SourceSet:
        """Return the same sources without the condition of a posture."""
        return self._base or self


@dataclass(frozen=True, slots=True)
class Cell:
    """What one destination entry of one rule opens.

    Attributes:
        number: its place in the order of the output.
        rule: the rule that it comes from.
        entry: the destination and its ports; None for capabilities.
        hits4, hits6: classes of which the nodes' own IPv4 (IPv6) addresses are destinations.
        bearers: classes whose nodes it opens, so that the sources see them.
        sent: classes whose nodes are sent something for it: to some targets, more than those.
        routes: approved subnet routes that the destination overlaps.
        exits: whether it opens the internet by way of an exit node.
        own: whether it is `autogroup:self`: each user's devices among themselves only.
        selectors: the destinations of capabilities; for a companion, the rule's sources.
    """

    number: int
    kind: CellKind
    rule: AccessRule
    source: SourceSet
    ip_proto: IpProto = None
    entry: Entry | None = None
    hits4: int = 0
    hits6: int = 0
    bearers: int = 0
    sent: int = 0
    routes: frozenset[Prefix] = frozenset()
    exits: bool = False
    own: bool = False
    selectors: tuple[Selector, ...] = ()
    cap_map: tuple[tuple[str, Any], ...] = ()

    @property
    def is_via(self) -> bool:
        """Return whether only routers with one of the rule's tags carry this."""
        return bool(self.rule.via)


@dataclass(frozen=True, slots=True)
class _Reach:
    """What a selector covers as a destination."""

    hits4: int = 0
    hits6: int = 0
    routes: frozenset[Prefix] = frozenset()
    exits: bool = False
    bearers: int = 0
    also_sent: int = 0


COMPANIONS = {
    "tailscale.com/cap/drive": "tailscale.com/cap/drive-sharer",
    "tailscale.com/cap/relay": "tailscale.com/cap/relay-target",
}
"""Capabilities that come with one in the other direction, in the order of the output."""


SourceName: TypeAlias = tuple[frozenset[Selector], tuple[str, ...]]
"""What a source set is made of: selectors, and postures of which one must be met."""


@dataclass(slots=True)
class CellBuilder:
    """Resolves rules to cells."""

    resolver: Resolver
    classes: Classes
    posture_numbers: dict[str, int]
    sources: list[SourceSet] = field(default_factory=list)
    cells: list[Cell] = field(default_factory=list)
    _known: dict[SourceName, int] = field(default_factory=dict)
    _reaches: dict[Selector, _Reach] = field(default_factory=dict)
    resolved: int = 0
    """How many source sets and cells were resolved again."""

    @property
    def _meaning(self) -> Meaning:
        return self.resolver.policy.target.meaning

    def afresh(self) -> CellBuilder:
        """Return a builder without cells that knows what this one has resolved."""
        return replace(self, cells=[])

    def build(self, rules: Sequence[AccessRule]) -> None:
        """Append the cells of *rules*, in the order of the output."""
        for rule in rules:
            if not rule.src:
                continue
            source = self.source_set(rule.src, rule.postures)
            for stream in rule.streams:
                for entry in stream.entries:
                    self._ports(rule, source, stream.ip_proto, entry)
            if rule.app and rule.dst:
                self._capabilities(rule, source)

    def source_set(self, selectors: Iterable[Selector], postures: tuple[str, ...]) -> SourceSet:
        """Return the source set of *selectors*; the same one for the same selectors."""
        unique = tuple(dict.fromkeys(selectors))
        key = frozenset(unique), tuple(sorted(set(postures)))
        number = self._known.get(key)
        if number is None:
            base = self.source_set(unique, ()) if postures else None
            number = self._known[key] = len(self.sources)
            self.sources.append(self._resolved(number, unique, key[1], base))
        return self.sources[number]

    @property
    def known(self) -> dict[SourceName, int]:
        """Return the number of each source set, by what it was made of."""
        return self._known

    def _resolved(
        self,
        number: int,
        selectors: tuple[Selector, ...],
        postures: tuple[str, ...],
        base: SourceSet | None,
    ) -> SourceSet:
        classes = self.classes
        identity = covers4 = covers6 = 0
        literals: list[Literal] = []
        routes = everything = False
        for selector in selectors:
            if is_identity(selector):
                identity |= classes.with_word(word_of(selector))
                continue
            literal = self.resolver.literal(selector)
            if literal is None:
                continue
            literals.append(literal)
            hits4, hits6 = self._own_hits(literal)
            covers4, covers6 = covers4 | hits4, covers6 | hits6
            if selector.kind is K.WILDCARD:
                routes = True
                for route in classes.met_routes:
                    if route.family is Family.V4:
                        covers4 |= classes.inside(route)
                    else:
                        covers6 |= classes.inside(route)
            everything = everything or selector.text == "autogroup:danger-all"
        covers4 |= identity & classes.has4
        covers6 |= identity & classes.has6
        if postures:
            met = self._meeting(postures)
            identity, covers4, covers6 = identity & met, covers4 & met, covers6 & met
        overlapped = self._overlapped_by_source(
            covers4 if postures else identity & classes.has4,
            covers6 if postures else identity & classes.has6,
            [] if postures else literals,
            everything=(routes or everything) and not postures,
        )
        reaches = covers4 | covers6
        for route in overlapped:
            reaches |= classes.routes.get(route, 0)
        return SourceSet(
            number, selectors, postures, identity, covers4, covers6, reaches,
            tuple(literals), routes, everything, overlapped, base,
        )  # fmt: skip

    def _meeting(self, postures: Iterable[str]) -> int:
        met = 0
        for name in postures:
            if name in self.posture_numbers:
                met |= self.classes.postures[self.posture_numbers[name]]
        return met

    def _own_hits(self, literal: Literal) -> tuple[int, int]:
        """Return the classes whose own IPv4 and IPv6 addresses a literal holds."""
        classes = self.classes
        if literal.tokens == ("*",):
            return classes.has4, classes.has6
        number = classes.literals.number(literal.addresses)
        return classes.hits4.get(number, 0), classes.hits6.get(number, 0)

    def _overlapped_by_source(
        self, nodes4: int, nodes6: int, literals: Iterable[Literal], *, everything: bool
    ) -> frozenset[Prefix]:
        """Return the approved routes that a source overlaps.

        *nodes4* and *nodes6* are the classes whose addresses it holds one by one: a route may
        hold such an address.
        """
        classes = self.classes
        if everything:
            return frozenset(classes.routes)
        found = set[Prefix]()
        for literal in literals:
            found |= classes.overlapped.get(classes.literals.number(literal.addresses), NO_ROUTES)
        for route in classes.met_routes:
            nodes = nodes4 if route.family is Family.V4 else nodes6
            if classes.inside(route) & nodes:
                found.add(route)
        return frozenset(found)

    def _reach(self, selector: Selector) -> _Reach:
        """Return what *selector* covers as a destination, via aside."""
        found = self._reaches.get(selector)
        if found is None:
            found = self._reaches[selector] = self._resolved_reach(selector)
        return found

    def _resolved_reach(self, selector: Selector) -> _Reach:
        classes = self.classes
        if selector.kind is K.WILDCARD:
            return _Reach(
                classes.has4, classes.has6, frozenset(classes.routes), True, classes.everyone
            )
        if selector.kind is K.SERVICE:
            return _Reach(bearers=classes.with_word(selector.text))
        if is_identity(selector):
            nodes = classes.with_word(word_of(selector))
            hits4, hits6 = nodes & classes.has4, nodes & classes.has6
            routes = classes.routes_at(hits4, hits6)
            offering = classes.offering(hits4, hits6)
            return _Reach(hits4, hits6, routes, bearers=hits4 | hits6, also_sent=offering)
        literal = self.resolver.literal(selector)
        if literal is None:
            return _Reach()
        hits4, hits6 = self._own_hits(literal)
        number = classes.literals.number(literal.addresses)
        also_sent = classes.offers.get(number, 0)
        if selector.is_autogroup("internet"):
            exits = classes.exits
            if not self._meaning.advertised_routes:
                hits4, hits6 = hits4 & exits, hits6 & exits
            return _Reach(hits4, hits6, NO_ROUTES, True, hits4 | hits6 | exits, also_sent)
        if self._meaning.exits_serve_internet and literal.addresses.issubset(INTERNET):
            also_sent |= classes.exits
        routes = classes.overlapped.get(number, NO_ROUTES)
        bearers = hits4 | hits6
        for route in routes:
            bearers |= classes.routes[route]
        return _Reach(hits4, hits6, routes, False, bearers, also_sent)

    def renewed(
        self,
        sources: Iterable[SourceSet],
        cells: Iterable[Cell],
        stale_sources: Collection[int],
        stale_cells: Collection[int],
    ) -> tuple[tuple[SourceSet, ...], tuple[Cell, ...]]:
        """Return *sources* and *cells* of another state with those that are stale resolved here."""
        for source in sources:
            if source.number in stale_sources:
                base = self.sources[source.base.number] if source.postures else None
                source = self._resolved(source.number, source.selectors, source.postures, base)
                self.resolved += 1
            self.sources.append(source)
        for cell in cells:
            if cell.number in stale_cells and not cell.own:
                self.resolved += 1
                self._add(
                    cell.kind, cell.rule, self.sources[cell.source.number], cell.ip_proto,
                    cell.entry, cell.selectors, cell.cap_map,
                )  # fmt: skip
            elif cell.source.number in stale_sources:
                self.cells.append(replace(cell, source=self.sources[cell.source.number]))
            else:
                self.cells.append(cell)
        return tuple(self.sources), tuple(self.cells)

    def _ports(self, rule: AccessRule, source: SourceSet, ip_proto: IpProto, entry: Entry) -> None:
        # The devices of a user have no tags, so none of them is a router of `via`.
        if entry.selector.is_autogroup("self") and not rule.via:
            number = len(self.cells)
            cell = Cell(number, CellKind.PORTS, rule, source, ip_proto, entry, own=True)
            self.cells.append(cell)
        else:
            self._add(CellKind.PORTS, rule, source, ip_proto, entry)

    def _add(
        self,
        kind: CellKind,
        rule: AccessRule,
        source: SourceSet,
        ip_proto: IpProto = None,
        entry: Entry | None = None,
        selectors: tuple[Selector, ...] = (),
        cap_map: tuple[tuple[str, Any], ...] = (),
    ) -> None:
        """Append a cell that is not of `autogroup:self`."""
        if entry is not None:
            reach = self._reach(entry.selector)
            if rule.via:
                reach = self._via(rule, entry.selector, reach)
        elif kind is CellKind.STEER:
            steered = self._via(rule, selectors[0], self._reach(selectors[0]))
            reach = replace(steered, hits4=0, hits6=0)
        else:
            reach = self._app(kind, rule, selectors)
        self.cells.append(
            Cell(
                len(self.cells), kind, rule, source, ip_proto, entry, reach.hits4, reach.hits6,
                reach.bearers, reach.bearers | reach.also_sent, reach.routes, reach.exits, False,
                selectors, cap_map,
            )
        )  # fmt: skip

    def _via(self, rule: AccessRule, selector: Selector, reach: _Reach) -> _Reach:
        """Narrow a destination to the routers of a rule with `via`, and to what they route."""
        classes = self.classes
        routers = 0
        for tag in rule.via:
            routers |= classes.with_word(tag)
        if is_identity(selector) or selector.kind is K.WILDCARD:
            return _Reach()
        if selector.is_autogroup("internet"):
            routers &= classes.exits
        else:
            serving = 0
            for route in reach.routes:
                serving |= classes.routes[route]
            routers &= serving
        return _Reach(
            reach.hits4 & routers, reach.hits6 & routers, reach.routes, reach.exits, routers
        )

    def _capabilities(self, rule: AccessRule, source: SourceSet) -> None:
        if rule.via:
            for selector in rule.dst:
                self._add(CellKind.STEER, rule, source, selectors=(selector,))
            return
        names = {name for name, _ in rule.app}
        companions: list[tuple[tuple[str, Any], ...]] = [
            ((companion, None),) for name, companion in COMPANIONS.items() if name in names
        ]
        others = tuple(s for s in rule.dst if not s.is_autogroup("self"))
        if others:
            self._add(CellKind.APP, rule, source, selectors=others, cap_map=rule.app)
            if companions:
                reverse = self.source_set(others, ())
                for cap_map in companions:
                    self._add(
                        CellKind.COMPANION, rule, reverse,
                        selectors=source.selectors, cap_map=cap_map,
                    )  # fmt: skip
        if len(others) < len(rule.dst):
            for kind, cap_map in (
                (CellKind.APP, rule.app),
                *((CellKind.COMPANION, c) for c in companions),
            ):
                self.cells.append(
                    Cell(len(self.cells), kind, rule, source, own=True, cap_map=cap_map)
                )

    def _app(self, kind: CellKind, rule: AccessRule, selectors: tuple[Selector, ...]) -> _Reach:
        """Return where capabilities land: but for some targets, on own addresses only.

        A companion's are the sources of the rule: those of them that meet its postures.
        """
        hits4 = hits6 = bearers = 0
        routes = NO_ROUTES
        on_routes = self._meaning.app_on_routes and kind is CellKind.APP
        for selector in selectors:
            if selector.kind is K.SERVICE:
                bearers |= self._reach(selector).bearers
            if on_routes and selector.kind in (K.IP, K.CIDR, K.HOST):
                bearers |= self._reach(selector).bearers
                routes |= self._reach(selector).routes
            if selector.is_autogroup("internet"):
                continue
            if selector.is_autogroup("danger-all"):
                hits4, hits6 = self.classes.has4, self.classes.has6
                continue
            reach = self._reach(selector)
            hits4, hits6 = hits4 | reach.hits4, hits6 | reach.hits6
        if kind is CellKind.COMPANION and rule.postures:
            met = self._meeting(rule.postures)
            hits4, hits6 = hits4 & met, hits6 & met
        return _Reach(hits4, hits6, routes, bearers=bearers | hits4 | hits6)
