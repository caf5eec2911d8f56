"""What an edit of the policy changes: which cells and SSH rules are others now, and for whom.

Cells are compared by what they do, not by what they are made of: one with other words and the same
classes is the same. The nodes around a cell that differs are more than those whose output differs.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import TypeVar

from aclkit.affected.nodes import Affected, Found, Kind
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import bitset
from aclkit.compiler.cells import Cell
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import CompiledSshRule
from aclkit.resolver import is_identity

T = TypeVar("T")


def affected_by_policy(before: CompiledPolicy, after: CompiledPolicy) -> dict[Kind, Affected]:
    """Return nodes among which are all whose output of each kind another policy changed."""
    if not _alike(before.rules, after.rules):
        return everybody(after)
    changed = _changed(
        [(_meaning(cell, before), cell) for cell in before.rules.cells],
        [(_meaning(cell, after), cell) for cell in after.rules.cells],
    )
    filters = around = 0
    for cell in changed:
        filters |= cell.sent
        around |= cell.bearers | cell.source.reaches
        if cell.own:
            own = _of_users(after.rules)
            filters, around = filters | own, around | own
    filters |= _beside(changed, before) | _beside(changed, after)
    ssh = _changed(
        [(_ssh_meaning(rule), rule) for rule in before.rules.ssh.rules],
        [(_ssh_meaning(rule), rule) for rule in after.rules.ssh.rules],
    )
    told = 0
    for rule in ssh:
        told |= rule.destinations
        if rule.own or rule.localparts:
            told |= rule.sources | _of_users(after.rules)
    old, new = before.rules.attributes, after.rules.attributes
    given = bitset(n for n in sorted({*old, *new}) if old.get(n) != new.get(n))
    found = {
        Kind.PACKET_FILTER: filters,
        Kind.PEERS: around,
        Kind.SSH_RULES: told,
        Kind.CAPABILITIES: given,
        Kind.ROUTES: around,
    }
    return {kind: _all_of(after, classes) for kind, classes in found.items()}


def everybody(after: CompiledPolicy) -> dict[Kind, Affected]:
    """Return all nodes, for each kind: nothing is known about what stayed as it was."""
    return {kind: _all_of(after, after.rules.classes.everyone) for kind in Kind}


def _all_of(after: CompiledPolicy, classes: int) -> Affected:
    return Affected(after.rules, lambda: Found(classes))


def _alike(old: CompiledRules, new: CompiledRules) -> bool:
    """Return whether both have the same classes of the same nodes, with the same routes.

    Numbers of literals may differ; they only tell classes apart.
    """
    if old.ipv4_disabled != new.ipv4_disabled or old.primaries != new.primaries:
        return False
    if old.roster.nodes != new.roster.nodes or len(old.classes.classes) != len(new.classes.classes):
        return False
    return all(
        one.nodes == other.nodes
        and one.signature.routes == other.signature.routes
        and one.signature.exits == other.signature.exits
        for one, other in zip(old.classes.classes, new.classes.classes, strict=True)
    )


def _meaning(cell: Cell, compiled: CompiledPolicy) -> Hashable:
    """Return what a cell does; equal meanings in two policies do the same."""
    selector = None if cell.entry is None else cell.entry.selector
    literal = None
    if selector is not None and not is_identity(selector):
        literal = compiled.rules.resolver.literal(selector)
    source = cell.source
    return (
        cell.kind, cell.ip_proto, cell.entry and cell.entry.ports, cell.own, cell.is_via,
        selector is None or is_identity(selector), literal and (literal.tokens, literal.prefixes),
        repr(cell.cap_map), tuple(s.text for s in cell.selectors),
        compiled.filters.keys.of(source), source.covers4, source.covers6, source.reaches,
        source.overlapped, cell.hits4, cell.hits6, cell.bearers, cell.sent, cell.routes, cell.exits,
    )  # fmt: skip


def _ssh_meaning(rule: CompiledSshRule) -> Hashable:
    return (
        rule.action, rule.period, rule.sources, rule.destinations, rule.own, rule.repeats,
        rule.everybody, rule.by_login, tuple(sorted(rule.users.items())), rule.localparts,
        rule.accept_env,
    )  # fmt: skip


def _changed(old: Sequence[tuple[Hashable, T]], new: Sequence[tuple[Hashable, T]]) -> list[T]:
    """Return what is in one of two lists only, or stands elsewhere in the other.

    What stands between two changes is among it, where something came or went.
    """
    if len(old) == len(new):
        pairs = zip(old, new, strict=True)
        return [each for one, other in pairs if one[0] != other[0] for each in (one[1], other[1])]
    start = 0
    while start < min(len(old), len(new)) and old[start][0] == new[start][0]:
        start += 1
    end = 0
    least = min(len(old), len(new)) - start
    while end < least and old[len(old) - 1 - end][0] == new[len(new) - 1 - end][0]:
        end += 1
    return [
        *(each for _, each in old[start : len(old) - end]),
        *(each for _, each in new[start : len(new) - end]),
    ]


def _beside(changed: Iterable[Cell], compiled: CompiledPolicy) -> int:
    """Return the classes with a rule that has the sources of one that changed.

    Equal sources make one rule, which stands at the place of the first of them in the policy.
    """
    keys_of = compiled.filters.keys.of
    keys = {(keys_of(cell.source), cell.ip_proto) for cell in changed if cell.entry is not None}
    found = 0
    for cell in compiled.rules.cells if keys else ():
        if cell.entry is not None and (keys_of(cell.source), cell.ip_proto) in keys:
            found |= cell.sent | (_of_users(compiled.rules) if cell.own else 0)
    return found


def _of_users(rules: CompiledRules) -> int:
    """Return the classes of untagged nodes."""
    return bitset(number for numbers in rules.classes.by_user.values() for number in numbers)
