"""Packet filters that changed.

A node that joins, or comes under a rule, adds its addresses to the rule's sources, and so changes
the filter of every node that the rule is sent to. Only where one rule of a node gained and another
lost, or where addresses are named besides, may the two cancel out: there filters are compared.
"""

from __future__ import annotations

from typing import Any

from aclkit.affected.nodes import Found
from aclkit.affected.states import States, bearing, devices, listing, user_of
from aclkit.compiler.cells import CellKind, SourceSet
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.update import Shift


def filter_changes(states: States) -> Found:
    """Return the nodes whose packet filter is another one."""
    old, new = states.before.rules, states.after.rules
    certain = unsure = 0
    gained, lost = set[int](), set[int]()
    for shift in states.shifts:
        was, now = listing(old, shift.before), listing(new, shift.after)
        gained, lost = gained | (now - was), lost | (was - now)
        if states.is_elsewhere(shift):
            unsure |= bearing(new, was | now)
            unsure |= devices(old, user_of(old, shift.before))
            unsure |= devices(new, user_of(new, shift.after))
        certain |= _own_lists(shift, states)
    certain |= bearing(new, gained | lost)
    unsure |= _cancelled(gained, lost, states) | _displaced(gained | lost, states)
    if any(cell.kind is CellKind.COMPANION for cell in new.own_cells):
        unsure |= certain
    if (
        _names_nodes(old)
        or _names_nodes(new)
        or old.classes.routes.keys() != new.classes.routes.keys()
    ):
        # Lists may have the nodes anyhow, or `*` may stand for other routes as a source.
        unsure = new.classes.everyone
    classes = certain & ~unsure
    for number, node in states.stayed(unsure):
        if _outline(states, node, new=False) != _outline(states, node, new=True):
            classes |= 1 << number
    further = frozenset(
        node
        for shift in states.shifts
        if shift.after is not None
        and (shift.before is None or any(_differs(states, node) for node in shift.nodes[:1]))
        for node in shift.nodes
    )
    return Found(classes, states.spared(classes), further)


def _own_lists(shift: Shift, states: States) -> int:
    """Return the devices of users for which a list of `autogroup:self` changed."""
    old, new = states.before.rules, states.after.rules
    was, now = _own_sources(old, shift.before), _own_sources(new, shift.after)
    before, after = user_of(old, shift.before), user_of(new, shift.after)
    if before == after and was == now:
        return 0
    return (devices(old, before) if was else 0) | (devices(new, after) if now else 0)


def _own_sources(rules: CompiledRules, number: int | None) -> list[tuple[int, int, int]]:
    """Return the cells of `autogroup:self` that list the nodes of a class."""
    if user_of(rules, number) is None or number is None:
        return []
    found = (
        (cell.number, cell.source.covers4 >> number & 1, cell.source.covers6 >> number & 1)
        for cell in rules.own_cells
    )
    return [each for each in found if each[1] or each[2]]


def _cancelled(gained: set[int], lost: set[int], states: States) -> int:
    """Return the classes where a rule that gained may look as one that lost did before."""
    old, new = states.before.rules, states.after.rules
    found = 0
    for one in gained:
        after = _listed(new.sources[one]) & ~states.shifting
        for other in lost:
            if after == _listed(old.sources[other]) & ~states.shifting:
                found |= bearing(new, {one}) & bearing(new, {other})
    return found


def _displaced(changed: set[int], states: States) -> int:
    """Return the classes with a rule whose sources are, or were, equal to some that changed.

    Equal sources make one rule, which stands at the place of the first of them in the policy.
    """
    twins = set[int]()
    for rules in (states.before.rules, states.after.rules):
        # Compared one with the other: numbers of this size are told apart faster than hashed.
        looks = [_listed(rules.sources[number]) for number in changed]
        for source in rules.sources if looks else ():
            if _listed(source) in looks:
                twins.add(source.number)
    return bearing(states.after.rules, twins - changed)


def _listed(source: SourceSet) -> int:
    """Return the classes whose nodes the list of a source set has."""
    if not source.postures:
        return source.identity  # itself and no copy: these are large numbers
    return source.identity | source.covers4 | source.covers6


def _names_nodes(rules: CompiledRules) -> bool:
    """Return whether the policy names a node by its address alone."""
    classes = rules.classes
    return any(
        classes.hits4.get(number, 0) or classes.hits6.get(number, 0)
        for number in classes.literals.singles
    )


def _differs(states: States, node: int) -> bool:
    return _outline(states, node, new=False) != _outline(states, node, new=True)


def _outline(states: States, node: int, *, new: bool) -> list[Any]:
    """Return the filter of a node, with lists of sources by what is the same in both states."""
    compiled = states.after if new else states.before
    return compiled.filters.outline(node, states.shifting)
