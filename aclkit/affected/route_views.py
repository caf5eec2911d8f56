"""Routes as they are shown: on which router each class sees a subnet route or an exit."""

from __future__ import annotations

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


def carriers_differ(states: States) -> tuple[int, set[int]]:
    """Return the classes that see a subnet route on another router than before, or see it anew.

    The nodes are those in them for which that is not so, as they route it themselves.
    """
    differing = 0
    themselves = set[int]()
    for route in sorted(states.done.routes):
        was, by_was, steered = _shown(states.before, route)
        now, by_now, steered_now = _shown(states.after, route)
        found = by_was ^ by_now if was == now else by_was | by_now
        for number, node in states.stayed((steered | steered_now) & ~found):
            if _seen_on(states.before, node, route) != _seen_on(states.after, node, route):
                found |= 1 << number
        differing |= found
        themselves.update(node for node in (was, now) if node is not None)
    class_of = states.after.rules.classes.class_of
    return differing, {
        node
        for node in themselves - states.moving
        if differing >> class_of[node] & 1
        and all(_seen_on(states.before, node, r) == _seen_on(states.after, node, r)
                for r in states.done.routes)
    }  # fmt: skip


def _seen_on(compiled: CompiledPolicy, node: int, route: Prefix) -> int | None:
    """Return the peer on which *node* is shown *route*."""
    class_of = compiled.rules.classes.class_of
    carrier = compiled.visibility.carrier(class_of[node], route)
    if carrier is None or carrier == node:
        return None
    seen = compiled.visibility.visible_classes(class_of[node])
    return carrier if seen >> class_of[carrier] & 1 else None


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


def routes_seen(compiled: CompiledPolicy, node: int) -> tuple[dict[Prefix, int], set[int]]:
    """Return the peer on which *node* sees each subnet route, and the peers it sees as exits."""
    rules = compiled.rules
    each = rules.class_of(node)
    bit = 1 << each.number
    routes: set[Prefix]
    if rules.classes.met_routes:
        routes = set(rules.classes.routes)
    else:
        routes = set(each.signature.routes)
        for cell in rules.cells_from(each):
            if cell.routes and cell.source.reaches & bit:
                routes |= cell.routes
        for cell in rules.cells_to(each):
            if cell.source.overlapped and cell.bearers & bit:
                routes |= cell.source.overlapped
    seen = {}
    for route in routes:
        carrier = _seen_on(compiled, node, route)
        if carrier is not None:
            seen[route] = carrier
    visibility = compiled.visibility
    exits = visibility.exit_classes(each.number) & visibility.visible_classes(each.number)
    held = rules.classes.classes
    exit_nodes = {n for c in members(exits & rules.classes.exits) for n in held[c].nodes}
    return seen, exit_nodes - {node}
