"""Why an address that no device has is not reached, or reaches nothing: routes, routers, services.

First somebody must carry it; only then rules are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from aclkit.addresses import INTERNET, Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell
from aclkit.evaluator.device_reasons import (
    Near,
    asked_for,
    new_rule,
    origin_of,
    port_cells,
)
from aclkit.evaluator.edits import approval, both, service_approval
from aclkit.evaluator.grounds import named_by
from aclkit.evaluator.query import Pair, Question
from aclkit.evaluator.reasons import Edit, WhyNot
from aclkit.evaluator.regions import Region
from aclkit.evaluator.sides import FOR_DEVICES
from aclkit.resolver import is_identity
from aclkit.tailnet.model import Service
from aclkit.wording import listed

_INTERNET = "autogroup:internet"


def to_region(question: Question, pair: Pair, region: Region) -> Iterator[WhyNot]:
    """Yield why the source of *pair* does not reach *region*."""
    carriers = Carriers(question, region)
    if carriers.is_live:
        yield from _ruled_out(question, pair, region)
    elif carriers.services:
        yield from carriers.unserved()
    else:
        yield from carriers.missing(question.dst.text)
        if carriers.exits:
            yield from _not_by_exits(question, pair, region)


def from_region(question: Question, region: Region) -> Iterator[WhyNot]:
    """Yield why nothing comes from *region*, behind which no online router is."""
    return Carriers(question, region, to_it=False).missing(question.src.text)


@dataclass(slots=True)
class Carriers:
    """Who carries a region, who might, and what is in the way.

    Attributes:
        to_it: whether it is the destination; no exit node carries anything from the internet.
        services: the services that have its address, by index.
        exits: whether an exit node that is online carries it.
        is_live: whether a router, or a host of the service, that is online carries it.
    """

    question: Question
    region: Region
    to_it: bool = True
    services: list[int] = field(init=False)
    exits: bool = field(init=False)
    is_live: bool = field(init=False)
    _is_public: bool = field(init=False)

    def __post_init__(self) -> None:
        question, region = self.question, self.region
        self.services = [
            number
            for number, service in enumerate(question.rules.roster.services)
            if any(a.family is region.family and a.value == region.first for a in service.addresses)
        ]
        regions = question.regions
        hosts = (regions.online(number) for number in members(region.hosts))
        self.is_live = regions.router_of(region) is not None or any(h is not None for h in hosts)
        self._is_public = self.to_it and INTERNET.contains_prefix(region.prefix)
        routers = (regions.online(number) for number in members(question.rules.classes.exits))
        self.exits = self._is_public and any(router is not None for router in routers)

    def missing(self, asked: str) -> Iterator[WhyNot]:
        """Yield what keeps routers from carrying the region, which none does."""
        offers = list(self._offers())
        for number, route in offers:
            yield self._idle(number, (route,))
        if self._is_public and not self.exits:
            exits = list(self._exit_offers())
            offers.extend(exits)
            for number, _ in exits:
                yield self._idle(number, self._defaults(number))
        if offers or self.exits:
            return
        if FOR_DEVICES.contains_prefix(self.region.prefix):
            yield WhyNot("no-such-device", f"no device has the address {self.region}")
            return
        parts = list(self._parts())
        for name, route in parts:
            message = f"{name} offers {route} only, which is narrower than {asked}: {self.region} "
            yield WhyNot("route-narrower", message + "is outside of it")
        if not parts:
            if self.to_it and asked == _INTERNET:
                yield WhyNot("no-router", "no device is an exit node")
                return
            others = ", and none is an exit node" if self._is_public else ""
            yield WhyNot("no-router", f"no device offers a route to {self.region}{others}")

    def unserved(self) -> Iterator[WhyNot]:
        """Yield what keeps hosts from serving the service."""
        for number in self.services:
            service = self.question.rules.roster.services[number]
            if not service.hosts:
                yield WhyNot("no-router", f"no device serves `{service.name}`")
            elif not service.approved and self._is_up(service):
                message = f"`{service.name}` is not approved, so its hosts do not serve it"
                edit = self._with_rule(service_approval(self.question.rules, number), ())
                yield WhyNot("service-not-approved", message, None, edit)
            else:
                message = f"no device that serves `{service.name}` is online"
                yield WhyNot("no-router-online", message)

    def _is_up(self, service: Service) -> bool:
        rules = self.question.rules
        hosts = (rules.nodes[rules.number_of(host)] for host in service.hosts)
        return any(host.online for host in hosts)

    def _offers(self) -> Iterator[tuple[int, Prefix]]:
        """Yield the nodes that offer a subnet route around the region, each with it."""
        for number, node in self.question.rules.in_order():
            for route in node.advertised_routes:
                if not route.is_default and route.contains(self.region.prefix):
                    yield number, route

    def _exit_offers(self) -> Iterator[tuple[int, Prefix]]:
        """Yield the nodes that offer to be exit nodes."""
        for number, node in self.question.rules.in_order():
            defaults = [route for route in node.advertised_routes if route.is_default]
            if len(defaults) == len(Family):
                yield number, defaults[0]

    def _defaults(self, number: int) -> tuple[Prefix, ...]:
        routes = self.question.rules.nodes[number].advertised_routes
        return tuple(route for route in routes if route.is_default)

    def _parts(self) -> Iterator[tuple[str, Prefix]]:
        """Yield the routes inside of the prefix that was asked, each with who offers it."""
        for node in self.question.rules.nodes:
            for route in node.advertised_routes:
                if any(prefix.contains(route) for prefix in self.region.asked):
                    yield node.name, route

    def _idle(self, number: int, routes: tuple[Prefix, ...]) -> WhyNot:
        """Return why a device that offers *routes* does not carry the region."""
        rules = self.question.rules
        name, offered = rules.nodes[number].name, " and ".join(map(str, routes))
        if not rules.nodes[number].online:
            return WhyNot("no-router-online", f"{name} offers {offered}, but it is offline")
        message = f"{name} offers {offered}, and nobody has approved it"
        edit = self._with_rule(approval(rules, number, routes), rules.nodes[number].tags)
        return WhyNot("route-not-approved", message, None, edit)

    def _with_rule(self, edit: Edit, tags: Iterable[str]) -> Edit | None:
        """Return *edit*, with the rule that it takes besides where none lets all sources in yet.

        *tags* are those of the router, which `via` looks at.
        """
        question, region, held = self.question, self.region, frozenset(tags)
        named = region.named & question.open_cells
        for number in members(named):
            via = question.rules.cells[number].rule.via
            if via and held.isdisjoint(via):
                named &= ~(1 << number)
        rows = [question.reach.row(part.number) for part in question.src.parts]
        sources = [row.src4 if region.family is Family.V4 else row.src6 for row in rows]
        if sources and not question.src.prefixes and all(each & named for each in sources):
            return edit
        public = self._is_public and not any(not route.is_default for route in region.routes)
        target = [_INTERNET] if public and not self.services and not list(self._offers()) else None
        return both(edit, new_rule(question, target))


def _ruled_out(question: Question, pair: Pair, region: Region) -> Iterator[WhyNot]:
    """Yield what the rules lack, where somebody carries the region."""
    edit = new_rule(question)
    near = Near(question, pair, edit)
    cells = port_cells(question.rules)
    reasons = (each for cell in cells for each in _of_cell(question, near, cell, region, edit))
    message = f"no rule opens {asked_for(question)} of {region}"
    yield from _or_else(reasons, WhyNot("no-rule", message, None, edit))


def _of_cell(
    question: Question, near: Near, cell: Cell, region: Region, edit: Edit | None
) -> Iterator[WhyNot]:
    bit = 1 << cell.number
    lets_in = near.source & question.open_cells & bit
    if lets_in and region.named & bit:
        if cell.is_via:
            yield _other_tag(cell, f"no router of {region}", edit)
    elif lets_in and not cell.routes.isdisjoint(region.routes) and not is_identity_cell(cell):
        route = next(route for route in region.routes if route in cell.routes)
        message = f"the route {route} is wider than `{named_by(cell)}`, which the rule names, and "
        yield WhyNot("route-wider", f"{message}{region} is outside of it", origin_of(cell), edit)
    else:
        yield from near.of_cell(cell)


def is_identity_cell(cell: Cell) -> bool:
    """Return whether a cell names devices, and not addresses."""
    return cell.entry is None or is_identity(cell.entry.selector)


def _other_tag(cell: Cell, nobody: str, edit: Edit | None) -> WhyNot:
    message = f"the rule goes by way of {listed(cell.rule.via)}, which {nobody} has"
    return WhyNot("via-other-tag", message, origin_of(cell), edit)


def _not_by_exits(question: Question, pair: Pair, region: Region) -> Iterator[WhyNot]:
    """Yield what the rules lack, where an exit node would carry the region."""
    edit = new_rule(question, [_INTERNET])
    near = Near(question, pair, edit)
    cells = port_cells(question.rules)
    reasons = (each for cell in cells for each in _of_exit_cell(question, near, cell, region, edit))
    message = f"{region} is reached by exit nodes, for which a rule must open `{_INTERNET}`"
    yield from _or_else(reasons, WhyNot("exit-node-needs-internet", message, None, edit))


def _or_else(reasons: Iterable[WhyNot], otherwise: WhyNot) -> Iterator[WhyNot]:
    """Yield *reasons*; *otherwise* where there are none."""
    found = False
    for reason in reasons:
        found = True
        yield reason
    if not found:
        yield otherwise


def _of_exit_cell(
    question: Question, near: Near, cell: Cell, region: Region, edit: Edit | None
) -> Iterator[WhyNot]:
    bit = 1 << cell.number
    if not region.named & bit:
        return
    if not near.source & question.open_cells & bit:
        yield from near.of_source(cell, covered=bool(near.source & bit))
    elif cell.is_via and cell.exits:
        yield _other_tag(cell, "no exit node", edit)
    else:
        message = f"the rule names `{named_by(cell)}`, but {region} is reached by exit nodes, "
        message += f"which only `{_INTERNET}` opens"
        yield WhyNot("exit-node-needs-internet", message, origin_of(cell), edit)
