"""Routes as they are shown: on which router each class sees a subnet route or an exit."""

from __future__ import annotations

from typing import NamedTuple

from aclkit.addresses import Prefix
from aclkit.affected.states import States
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members


def exits_shown(compiled: CompiledPolicy, number: int | None) -> int:
    """Return the classes that are shown exit routes on the nodes of a class."""
    rules = compiled.rules
    if number is None or not rules.classes.classes[number].signature.exits:
        return 0
    found = 0
    for cell in rules.cells_to(rules.classes.classes[number]):
        if cell.exits and not cell.own and cell.bearers >> number & 1:
            found |= cell.source.reaches
    return found


def carriers_differ(states: States) -> tuple[int, frozenset[int]]:
    """Return the classes that see a subnet route on another router than before, or see it anew.

    The nodes are those in them for which that is not so, as they route it themselves.
    """
    if states.carriers is None:
        states.carriers = _carriers_differ(states)
    return states.carriers


def _carriers_differ(states: States) -> tuple[int, frozenset[int]]:
    differing = 0
    themselves = set[int]()
    for route in sorted(states.done.routes):
        was, by_was, steered = _shown(states.before, route)
        now, by_now, steered_now = _shown(states.after, route)
        asked = steered | steered_now
        found = (by_was ^ by_now if was == now else by_was | by_now) & ~asked
        themselves.update(node for node in (was, now) if node is not None)
        for number, _ in states.stayed(asked):
            here = _carried(states.before, number, route), _carried(states.after, number, route)
            if here[0] != here[1]:
                found |= 1 << number
                themselves.update(node for node in here if node is not None)
        differing |= found
    class_of = states.after.rules.classes.class_of
    return differing, frozenset(
        node
        for node in themselves - states.moving
        if differing >> class_of[node] & 1
        and all(_seen_on(states.before, node, r) == _seen_on(states.after, node, r)
                for r in states.done.routes)
    )  # fmt: skip


def _carried(compiled: CompiledPolicy, number: int, route: Prefix) -> int | None:
    """Return the peer on which the nodes of a class are shown *route*, but for that peer itself."""
    carrier = compiled.visibility.carrier(number, route)
    if carrier is None:
        return None
    seen = compiled.visibility.visible_classes(number)
    return carrier if seen >> compiled.rules.classes.class_of[carrier] & 1 else None


def _seen_on(compiled: CompiledPolicy, node: int, route: Prefix) -> int | None:
    """Return the peer on which *node* is shown *route*."""
    carrier = _carried(compiled, compiled.rules.classes.class_of[node], route)
    return None if carrier == node else carrier


def _shown(compiled: CompiledPolicy, route: Prefix) -> tuple[int | None, int, int]:
    """Return the primary of *route*, the classes that see it there, and those to be asked.

    The latter are those that `via` may lead elsewhere, or all, where nodes lie inside of routes.
    """
    rules = compiled.rules
    primary = rules.primaries.get(route)
    if rules.classes.met_routes:
        return primary, 0, rules.classes.everyone
    direct = steered = 0
    inbound = rules.classes.routes.get(route, 0)
    for cell in rules.cells:
        if cell.own:
            continue
        if route in cell.routes:
            if cell.is_via:
                steered |= cell.source.reaches
            else:
                direct |= cell.source.reaches
        if route in cell.source.overlapped:
            inbound |= cell.bearers
    if primary is None:
        return None, 0, steered & ~direct
    seers = compiled.visibility.visible_classes(rules.classes.class_of[primary])
    return primary, (direct | (inbound & ~steered)) & seers, steered & ~direct


class RoutesSeen(NamedTuple):
    """What routes a node is shown.

    Attributes:
        subnets: the peer on which it sees each subnet route.
        exits: classes of which it sees all nodes as exits.
        exit_nodes: further nodes that it sees as exits.
    """

    subnets: dict[Prefix, int]
    exits: int
    exit_nodes: frozenset[int]


def routes_seen(compiled: CompiledPolicy, node: int, apart: int) -> RoutesSeen:
    """Return the routes that *node* is shown, with the exits in the classes *apart* one by one."""
    rules, visibility = compiled.rules, compiled.visibility
    each = rules.class_of(node)
    if rules.classes.met_routes:
        routes = set(rules.classes.routes)
    else:
        routes = set(each.signature.routes)
        for cell in visibility.cells_to_routes(each.number):
            routes |= cell.routes
        for cell in visibility.cells_from_routes(each.number):
            routes |= cell.source.overlapped
    seen = {}
    for route in routes:
        carrier = _seen_on(compiled, node, route)
        if carrier is not None:
            seen[route] = carrier
    exits = visibility.exit_classes(each.number) & visibility.visible_classes(each.number)
    exits &= rules.classes.exits
    held = rules.classes.classes
    nodes = frozenset(n for number in members(exits & apart) for n in held[number].nodes)
    return RoutesSeen(seen, exits & ~apart, nodes - {node})
