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


def sees_other_routes(states: States, node: int) -> bool:
    """Return whether a node of both states sees other routes, or on other peers, than before."""
    old, new = states.before, states.after
    if _exits_seen(old, node, states.shifting) != _exits_seen(new, node, states.shifting):
        return True
    was, now = old.rules.classes.class_of[node], new.rules.classes.class_of[node]
    routes = _routes_in_question(states, was, now)
    return any(_seen_on(old, node, route) != _seen_on(new, node, route) for route in routes)


def _routes_in_question(states: States, was: int, now: int) -> set[Prefix]:
    """Return the subnet routes that nodes which went from class to class may see elsewhere."""
    old, new = states.before, states.after
    if old.rules.classes.met_routes or new.rules.classes.met_routes:
        return {*old.rules.classes.routes, *new.rules.classes.routes}
    before, after = old.visibility.ways(was), new.visibility.ways(now)
    found = {*(before.direct ^ after.direct), *(before.inbound ^ after.inbound)}
    found |= states.done.routes
    if before.steered != after.steered:
        found.update(*(cell.routes for cell in (*before.steered, *after.steered)))
    unseen = old.visibility.visible_classes(was) ^ new.visibility.visible_classes(now)
    if unseen:
        routers = new.rules.classes.routes
        both = before.routes & after.routes
        found.update(route for route in both - found if routers.get(route, 0) & unseen)
    return found


def _exits_seen(compiled: CompiledPolicy, node: int, apart: int) -> tuple[int, frozenset[int]]:
    """Return the classes of which a node sees all nodes as exits, and such nodes of *apart*."""
    classes, visibility = compiled.rules.classes, compiled.visibility
    number = classes.class_of[node]
    exits = visibility.exit_classes(number) & visibility.visible_classes(number) & classes.exits
    near = exits & apart
    nodes = frozenset(n for each in members(near) for n in classes.classes[each].nodes)
    return exits ^ near, nodes - {node}
