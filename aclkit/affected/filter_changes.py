"""Packet filters that changed.

A node that joins, or comes under a rule, adds its addresses to the rule's sources, and so changes
the filter of every node that the rule is sent to. Only where one rule of a node gained and another
lost, or where addresses are named besides, may the two cancel out: there filters are compared.
"""

from __future__ import annotations

from typing import Any

from aclkit.addresses import AddressSyntaxError, parse_address
from aclkit.affected.nodes import Found
from aclkit.affected.states import States, bearing, devices, listing, user_of
from aclkit.compiler.cells import CellKind, SourceSet
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.source_keys import SourceKey
from aclkit.compiler.update import Shift


def filter_changes(states: States) -> Found:
    """Return the nodes whose packet filter is another one."""
    old, new = states.before.rules, states.after.rules
    certain = unsure = 0
    gained, lost = set[int](), set[int]()
    named = old.classes.named_by_address() | new.classes.named_by_address()
    for shift in states.shifts:
        was_by, now_by = listing(old, shift.before), listing(new, shift.after)
        was, now = was_by.keys(), now_by.keys()
        gained, lost = gained | (now - was), lost | (was - now)
        unsure |= bearing(new, (at for at in was & now if was_by[at] != now_by[at]))
        if states.is_elsewhere(shift) or _has_part(shift, named):
            unsure |= bearing(new, was | now)
            unsure |= devices(old, user_of(old, shift.before))
            unsure |= devices(new, user_of(new, shift.after))
        certain |= _own_lists(shift, states)
    came = [route for route in states.done.routes if route not in old.classes.routes]
    went = [route for route in states.done.routes if route not in new.classes.routes]
    if came or went:
        tokens = {route.token for route in (*came, *went)}
        # With a posture, sources are nodes only.
        routed = [source for source in new.sources if source.routes and not source.postures]
        gained.update(source.number for source in routed if came)
        lost.update(source.number for source in routed if went)
        unsure |= bearing(new, (each.number for each in routed if _names(each, tokens)))
    certain |= bearing(new, gained | lost)
    unsure |= _cancelled(gained, lost, ~(states.shifting | named), states)
    unsure |= _displaced(gained | lost, states)
    if any(cell.kind is CellKind.COMPANION for cell in new.own_cells):
        unsure |= certain
    classes = certain & ~unsure
    for number, node in states.stayed(unsure):
        if _stayer_differs(states, node):
            classes |= 1 << number
    further = frozenset(
        node
        for shift in states.shifts
        if shift.after is not None
        and (shift.before is None or any(_differs(states, node) for node in shift.nodes[:1]))
        for node in shift.nodes
    )
    return Found(classes, states.spared(classes), further)


def _has_part(shift: Shift, classes: int) -> bool:
    """Return whether one of *classes* is the one that nodes left, or the one that they joined."""
    return any(
        number is not None and classes >> number & 1 for number in (shift.before, shift.after)
    )


def _names(source: SourceSet, tokens: set[str]) -> bool:
    return any(not tokens.isdisjoint(literal.tokens) for literal in source.literals)


def _own_lists(shift: Shift, states: States) -> int:
    """Return the devices of users for which a list of `autogroup:self` changed."""
    old, new = states.before.rules, states.after.rules
    was, now = _own_sources(old, shift.before), _own_sources(new, shift.after)
    before, after = user_of(old, shift.before), user_of(new, shift.after)
    if before == after and was == now:
        return 0
    found = old.classes.devices_of(before) if was else 0
    return found | (new.classes.devices_of(after) if now else 0)


def _own_sources(rules: CompiledRules, number: int | None) -> list[tuple[int, int, int]]:
    """Return the cells of `autogroup:self` that list the nodes of a class."""
    if user_of(rules, number) is None or number is None:
        return []
    found = []
    for cell in rules.own_cells:
        in4, in6 = cell.source.covers4, cell.source.covers6
        if cell.kind is CellKind.COMPANION:  # it tells the sources of all devices
            in4, in6 = rules.classes.has4, rules.classes.has6
        found.append((cell.number, in4 >> number & 1, in6 >> number & 1))
    return [each for each in found if each[1] or each[2]]


def _cancelled(gained: set[int], lost: set[int], told: int, states: States) -> int:
    """Return the classes where a rule that gained may look as one that lost did before.

    Only the classes *told* are looked at: of others, a list may have the nodes anyhow.
    """
    old, new = states.before.rules, states.after.rules
    before = [(other, _listed(old.sources[other]) & told) for other in lost] if gained else []
    found = 0
    for one in gained if before else ():
        after = _listed(new.sources[one]) & told
        for other, listed in before:
            if after == listed:
                found |= bearing(new, {one}) & bearing(new, {other})
    return found


def _displaced(changed: set[int], states: States) -> int:
    """Return the classes with a rule that may stand elsewhere, or be one with another than before.

    Rules with equal lists are one, which stands at the place of the first of them in the policy.
    """
    old, new = states.before.filters, states.after.filters
    found, shuffled = 0, set[int]()
    for number in new.places.rekeyed(old.places):
        was, now = old.places.twins(number), new.places.twins(number)
        if was != now:
            shuffled.update(was, now)
        for filters in (old, new) if new.rules.own_cells else ():
            key = filters.keys.numbered(number)
            found |= devices(new.rules, _only_user(key, filters.rules))
    return found | bearing(new.rules, shuffled - changed)


def _only_user(key: SourceKey, rules: CompiledRules) -> str | None:
    """Return of whom a list may be that of `autogroup:self`, as it has devices of one user only."""
    classes = rules.classes
    if key.classes:
        first = (key.classes & -key.classes).bit_length() - 1
        user = user_of(rules, first)
        if user is None or key.classes.bit_count() > len(classes.by_user[user]):
            return None
        return None if key.classes & ~classes.devices_of(user) else user
    for text in key.texts:
        try:
            node = rules.node_with.get(parse_address(text))
        except AddressSyntaxError:
            return None  # a subnet, which no such list has
        return None if node is None else rules.nodes[node].user
    return None


def _listed(source: SourceSet) -> int:
    """Return the classes whose nodes the list of a source set has."""
    if not source.postures:
        return source.identity
    return source.identity | source.covers4 | source.covers6


def _stayer_differs(states: States, node: int) -> bool:
    """Return whether a node that stayed where it was has another filter."""
    old, new = states.before.filters, states.after.filters
    was = old.gist(node, states.shifting, states.texts(new=False))
    now = new.gist(node, states.shifting, states.texts(new=True))
    if [cells for _, cells in was] != [cells for _, cells in now]:
        return _differs(states, node)
    groups = new.template(new.rules.class_of(node))
    triples = zip(groups, was, now, strict=True)
    return any(one != other and new.sends(group, node) for group, one, other in triples)


def _differs(states: States, node: int) -> bool:
    return _outline(states, node, new=False) != _outline(states, node, new=True)


def _outline(states: States, node: int, *, new: bool) -> list[Any]:
    """Return the filter of a node, with lists of sources by what is the same in both states."""
    compiled = states.after if new else states.before
    return compiled.filters.outline(node, states.shifting, states.texts(new=new))
