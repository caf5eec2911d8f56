"""SSH rules that changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from aclkit.addresses import Address
from aclkit.affected.nodes import Found
from aclkit.affected.states import States, devices, has_address, user_of
from aclkit.compiler.bitsets import members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import CompiledSshRule
from aclkit.compiler.update import Shift


def ssh_changes(states: States) -> Found:
    """Return the nodes whose SSH rules are others."""
    old, new = states.before.rules, states.after.rules
    gained = lost = unsure = 0
    for was, now in zip(old.ssh.rules, new.ssh.rules, strict=True):
        for shift in states.shifts:
            before = has_address(old, shift.before) and was.sources >> (shift.before or 0) & 1 == 1
            after = has_address(new, shift.after) and now.sources >> (shift.after or 0) & 1 == 1
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
    for number, node in states.stayed(unsure):
        if _differs(node, states):
            classes |= 1 << number
    further = frozenset(
        node
        for shift in states.shifts
        if shift.after is not None and (shift.before is None or _any_differs(shift.nodes, states))
        for node in shift.nodes
    )
    return Found(classes, states.spared(classes), further)


def _any_differs(nodes: Sequence[int], states: States) -> bool:
    """Return whether nodes that went together have other SSH rules; one of them stands for all."""
    return any(_differs(node, states) for node in nodes[:1])


class _Part(NamedTuple):
    """A rule as it is sent to a node: from the nodes of *classes*, and from those *listed*."""

    rule: CompiledSshRule
    classes: int
    listed: list[tuple[str | None, tuple[str, ...], int, tuple[Address, ...]]]

    @property
    def is_single(self) -> bool:
        """Return whether it is one rule when written, whoever the sources are."""
        return not self.rule.localparts and not self.rule.by_login

    def says(self) -> tuple[object, ...]:
        """Return what is written, for a part that is single; `repeats` aside."""
        rule = self.rule
        what = rule.users, rule.action, rule.accept_env, rule.everybody
        return what if rule.everybody else (*what, *_sources([self]))


def _differs(node: int, states: States) -> bool:
    """Return whether a node has other SSH rules. They are written out only in doubt.

    A list of addresses may be as long as the tailnet.
    """
    old, new = states.before.rules, states.after.rules
    before, after = _parts(old, node, states.shifting), _parts(new, node, states.shifting)
    same_order = old.roster.user_order == new.roster.user_order
    if same_order and [_told(part) for part in before] == [_told(part) for part in after]:
        return False
    if all(part.is_single for part in (*before, *after)):
        if [part.says() for part in before] != [part.says() for part in after]:
            return True
    elif _sources(before) != _sources(after):
        return True
    return old.ssh.node_rules(node) != new.ssh.node_rules(node)


def _parts(rules: CompiledRules, node: int, apart: int) -> list[_Part]:
    """Return the SSH rules of a node, with the sources in the classes *apart* one by one."""
    ssh, each = rules.ssh, rules.class_of(node)
    found = []
    for rule in ssh.rules:
        sources = ssh.sources_at(rule, each)
        nodes: Iterable[int] = ()
        if not sources and (near := ssh.near_sources(rule, each)):
            if each.signature.user is None:
                nodes = (node,)
            else:
                sources = near
        if not rule.everybody:
            sources &= rules.classes.has4 | rules.classes.has6 | rule.by_login
        if sources & apart:
            held = rules.classes.classes
            nodes = [n for number in members(sources & apart) for n in held[number].nodes]
        if sources or nodes:
            found.append(
                _Part(rule, sources & ~apart, [_source(rules, rule, each) for each in nodes])
            )
    return found


def _source(
    rules: CompiledRules, rule: CompiledSshRule, node: int
) -> tuple[str | None, tuple[str, ...], int, tuple[Address, ...]]:
    each = rules.nodes[node]
    by_login = rule.by_login >> rules.classes.class_of[node] & 1
    return each.user, each.tags, by_login, rules.addresses(node)


def _told(part: _Part) -> tuple[object, ...]:
    return part.rule.number, part.classes, part.listed


def _sources(parts: Iterable[_Part]) -> tuple[int, set[Address]]:
    """Return whose addresses are written in any rule, as classes and as addresses."""
    classes, addresses = 0, set[Address]()
    for rule, held, listed in parts:
        if not rule.everybody:
            classes |= held & ~rule.by_login
            addresses.update(
                address for *_, by_login, own in listed if not by_login for address in own
            )
    return classes, addresses


def _is_other_user(shift: Shift, states: States) -> bool:
    return user_of(states.before.rules, shift.before) != user_of(states.after.rules, shift.after)
