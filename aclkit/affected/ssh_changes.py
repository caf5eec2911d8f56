"""SSH rules that changed."""

from __future__ import annotations

from aclkit.affected.nodes import Found
from aclkit.affected.ssh_comparison import SshComparison
from aclkit.affected.states import States, devices, has_address, user_of
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.update import Shift


def ssh_changes(states: States) -> Found:
    """Return the nodes whose SSH rules are others."""
    old, new = states.before.rules, states.after.rules
    gained = lost = unsure = 0
    placed = [(shift, _bit(old, shift.before), _bit(new, shift.after)) for shift in states.shifts]
    for was, now in zip(old.ssh.rules, new.ssh.rules, strict=True):
        for shift, in_old, in_new in placed:
            before, after = was.sources & in_old, now.sources & in_new
            if not before and not after:
                continue
            told = now.destinations
            if now.own or now.localparts:
                # It is sent to the devices of the nodes' users too.
                told |= devices(old, user_of(old, shift.before)) if before else 0
                told |= devices(new, user_of(new, shift.after)) if after else 0
            if before and after:
                if states.is_elsewhere(shift) or now.repeats or _is_other_user(shift, states):
                    unsure |= told
            elif now.everybody or now.by_login:
                unsure |= told
            elif after:
                gained |= told
            else:
                lost |= told
    unsure |= gained & lost
    classes = (gained | lost) & ~unsure
    comparison = SshComparison(states)
    for number, node in states.stayed(unsure):
        if comparison.differs(node):
            classes |= 1 << number
    further = frozenset(
        node
        for shift in states.shifts
        if shift.after is not None
        # Nodes that went together have the same SSH rules.
        and (shift.before is None or any(map(comparison.differs, shift.nodes[:1])))
        for node in shift.nodes
    )
    return Found(classes, states.spared(classes), further)


def _bit(rules: CompiledRules, number: int | None) -> int:
    """Return a class as a set, the empty one if its nodes are no sources for want of an address."""
    return 1 << number if number is not None and has_address(rules, number) else 0


def _is_other_user(shift: Shift, states: States) -> bool:
    return user_of(states.before.rules, shift.before) != user_of(states.after.rules, shift.after)
