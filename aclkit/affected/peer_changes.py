"""Peers that changed: who is seen, on which routes, with which capabilities."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import Any

from aclkit.addresses import Prefix
from aclkit.affected.nodes import Found
from aclkit.affected.route_views import carriers_differ, exits_shown, sees_other_routes
from aclkit.affected.states import States, devices, user_of
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.update import Shift


def peer_changes(states: States) -> Found:
    """Return the nodes whose list of peers is another one."""
    classes = 0
    class_of = states.after.rules.classes.class_of
    for shift in states.shifts:
        seen_before = _seen(states.before, shift.before)
        seen_after = _seen(states.after, shift.after)
        classes |= seen_before ^ seen_after
        if shift.before is not None and shift.after is not None:
            classes |= _other_view(shift, states, seen_before & seen_after)
    routed, carriers = carriers_differ(states)
    spared = {node for node in carriers if not classes >> class_of[node] & 1}
    classes |= routed
    further = frozenset(
        node
        for shift in states.shifts
        if shift.after is not None
        for asked, nodes in _alike(shift, states)
        if shift.before is None or _own_list_differs(asked, states)
        for node in nodes
    )
    return Found(classes, states.spared(classes) | spared, further)


def route_changes(states: States) -> Found:
    """Return the nodes that are shown other routes, or are the primary of others."""
    classes, spared = carriers_differ(states)
    for shift in states.shifts:
        classes |= exits_shown(states.before, shift.before) ^ exits_shown(states.after, shift.after)
    old, new = states.before.rules.primaries, states.after.rules.primaries
    primaries = {
        number
        for route in states.done.routes
        for number in {old.get(route), new.get(route)}
        if number is not None and old.get(route) != new.get(route)
    }
    further = {
        node
        for shift in states.shifts
        if shift.after is not None
        for asked, nodes in _alike(shift, states)
        if shift.before is None
        or sees_other_routes(states, asked)
        or _own_primaries(states.before, asked) != _own_primaries(states.after, asked)
        for node in nodes
    }
    class_of = states.after.rules.classes.class_of
    further |= {
        node
        for node in primaries - states.moving
        if not classes >> class_of[node] & 1 or node in spared
    }
    return Found(
        classes,
        states.spared(classes) | spared,
        frozenset(further),
    )


def _alike(shift: Shift, states: States) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield the nodes of a shift that have the same answer, each time with one to be asked.

    Nodes that went together differ in the routes of which they are the primary themselves.
    """
    assert shift.after is not None
    routes = states.after.rules.classes.classes[shift.after].signature.routes
    if routes or states.after.rules.classes.met_routes:
        yield from ((node, (node,)) for node in shift.nodes)
    elif shift.nodes:
        yield shift.nodes[0], shift.nodes


def _seen(compiled: CompiledPolicy, number: int | None) -> int:
    return 0 if number is None else compiled.visibility.visible_classes(number)


def _other_view(shift: Shift, states: States, seers: int) -> int:
    """Return those of *seers* who see the nodes of a shift with something else about them."""
    old, new = states.before, states.after
    assert shift.before is not None
    assert shift.after is not None
    if shift.moved or _is_other_exit(shift, states):
        return seers
    found = (exits_shown(old, shift.before) ^ exits_shown(new, shift.after)) & seers
    if states.is_elsewhere(shift) and new.rules.classes.classes[shift.after].signature.has4:
        found |= seers & ~new.rules.ipv4_disabled  # others are not shown the IPv4 that came or went
    for number, node in states.stayed(_capable(shift, states) & seers & ~found):
        peer = shift.nodes[0]
        if old.reach.granted_caps(peer, node) != new.reach.granted_caps(peer, node):
            found |= 1 << number
    return found


def _is_other_exit(shift: Shift, states: States) -> bool:
    """Return whether nodes that stayed became exit nodes, or ceased to be; all peers are told."""
    if shift.before is None or shift.after is None:
        return False
    was = states.before.rules.classes.classes[shift.before].signature
    now = states.after.rules.classes.classes[shift.after].signature
    return bool(was.exits) != bool(now.exits)


def _capable(shift: Shift, states: States) -> int:
    """Return the classes on which the nodes of a shift may be granted something else."""
    old, new = states.before.rules, states.after.rules
    assert shift.before is not None
    assert shift.after is not None
    found = 0
    for at in states.after.reach.granting:
        was, now = old.cells[at], new.cells[at]
        if was is now and shift.before == shift.after:
            continue
        if was.own:
            if user_of(old, shift.before) is not None or user_of(new, shift.after) is not None:
                found |= devices(old, user_of(old, shift.before))
                found |= devices(new, user_of(new, shift.after))
            continue
        covered = (was.source.covers4 | was.source.covers6) >> shift.before & 1
        if covered != (now.source.covers4 | now.source.covers6) >> shift.after & 1:
            found |= now.bearers
    return found


def _own_list_differs(node: int, states: States) -> bool:
    """Return whether a node that did not join or leave has another list of peers."""
    old, new = states.before, states.after
    was, now = old.rules.classes.class_of[node], new.rules.classes.class_of[node]
    seen = old.visibility.visible_classes(was), new.visibility.visible_classes(now)
    for _ in states.stayed(seen[0] ^ seen[1]):
        return True
    others = states.moving - {node}
    for other in others:
        if _sees(old, seen[0], other) != _sees(new, seen[1], other):
            return True
    if any(states.is_elsewhere(each) or _is_other_exit(each, states) for each in states.shifts):
        return bool(_view(old, node) != _view(new, node))
    return sees_other_routes(states, node) or _grants_differ(node, seen[0] & seen[1], states)


def _grants_differ(node: int, seen: int, states: States) -> bool:
    """Return whether a peer in the classes *seen* is granted something else on a node."""
    old, new = states.before, states.after
    suspects = 0
    for at in _grants_in_doubt(states):
        for compiled in (old, new):
            cell = compiled.rules.cells[at]
            if cell.own:
                suspects |= devices(compiled.rules, compiled.rules.nodes[node].user)
            else:
                suspects |= cell.source.covers4 | cell.source.covers6
    stayed = (other for _, other in states.stayed(suspects & seen))
    moving = (each for each in states.moving if _sees(old, seen, each) and _sees(new, seen, each))
    return any(
        old.reach.granted_caps(other, node) != new.reach.granted_caps(other, node)
        for other in chain(moving, stayed)
        if other != node
    )


def _sees(compiled: CompiledPolicy, seen: int, other: int) -> bool:
    of = compiled.rules.classes.class_of.get(other)
    return of is not None and seen >> of & 1 == 1


def _grants_in_doubt(states: States) -> Sequence[int]:
    """Return the cells that grant capabilities in which a moving node has another part."""
    if states.grants_in_doubt is None:
        old, new = states.before, states.after
        states.grants_in_doubt = [
            at
            for at in new.reach.granting
            for same in (old.rules.cells[at] is new.rules.cells[at],)
            if any(
                _part(old, at, e.before) != _part(new, at, e.after)
                for e in states.shifts
                if not (same and e.before == e.after)
            )
        ]
    return states.grants_in_doubt


def _part(compiled: CompiledPolicy, at: int, number: int | None) -> tuple[object, ...]:
    """Return what part a class has in a cell that grants capabilities."""
    if number is None:
        return ()
    cell = compiled.rules.cells[at]
    covers = cell.source.covers4 | cell.source.covers6
    user = user_of(compiled.rules, number) if cell.own else None
    return covers >> number & 1, cell.bearers >> number & 1, user


def _view(compiled: CompiledPolicy, node: int) -> Any:
    """Return what a node is shown of its peers, for comparison only."""
    peers = compiled.rules.roster.in_order(compiled.visibility.peers(node))
    return [compiled.peer(node, peer) for peer in peers]


def _own_primaries(compiled: CompiledPolicy, node: int) -> list[Prefix]:
    """Return the routes of which a node is the primary."""
    primaries = compiled.rules.primaries
    return [r for r in compiled.rules.class_of(node).signature.routes if primaries.get(r) == node]
