"""Mutants: policies with one small mistake, of the kinds that people make.

A mutant that no test notices is a mistake that would go live unseen. Each is a change of the typed
policy; no text is read or judged again.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, TypeVar

from aclkit.policy.model import AclRule, Grant, GroupDefinition, Policy, SshRule
from aclkit.policy.ports import ALL_PORTS
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import SelectorKind

K = SelectorKind
T = TypeVar("T")

Rule: TypeAlias = AclRule | Grant | SshRule | GroupDefinition


class MutantKind(StrEnum):
    """What is done to a policy."""

    REMOVE_RULE = "remove-rule"
    WIDEN_PORTS = "widen-ports"
    DROP_SOURCE = "drop-source"
    DROP_DESTINATION = "drop-destination"
    DROP_PORTS = "drop-ports"
    DROP_MEMBER = "drop-member"
    DROP_LOGIN = "drop-login"
    SWAP_ACTION = "swap-action"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One change of a policy.

    Attributes:
        section: `acls`, `grants`, `ssh` or `groups`.
        index: the place of the changed entry in its section, from 0.
        name: how that entry is called: ``acls[2]``, or the name of a group.
        part: the place of what is changed in the list that holds it; 0 where there is no list.
        what: what is dropped, widened or swapped, as written; empty for a whole rule.
        span: the place of that in the policy.
        changed: the entry with the change; None where it is removed.
    """

    kind: MutantKind
    section: str
    index: int
    name: str
    part: int
    what: str
    span: Span
    changed: Rule | None

    def applied(self, policy: Policy) -> Policy:
        """Return *policy*, of which this is a mutant, with the change."""
        match self.section:
            case "acls":
                return replace(policy, acls=_spliced(policy.acls or (), self.index, self.changed))
            case "grants":
                grants = _spliced(policy.grants or (), self.index, self.changed)
                return replace(policy, grants=grants)
            case "ssh":
                return replace(policy, ssh=_spliced(policy.ssh, self.index, self.changed))
            case _:
                return replace(policy, groups=_spliced(policy.groups, self.index, self.changed))


def _spliced(entries: tuple[T, ...], index: int, changed: object) -> tuple[T, ...]:
    middle = () if changed is None else (changed,)
    return (*entries[:index], *middle, *entries[index + 1 :])


_Change: TypeAlias = tuple[MutantKind, int, Span, Rule | None]
"""Kind, part, span and changed entry of a mutant."""


def mutants_of(policy: Policy) -> tuple[Mutant, ...]:
    """Return the mutants of *policy*: of groups, then of rules, each section in file order.

    What is alone in its list is not dropped: that would be the removal of its rule.
    """
    text = policy.source.text

    def named(section: str, index: int, name: str, changes: Iterator[_Change]) -> Iterator[Mutant]:
        for kind, part, span, changed in changes:
            whole = kind is MutantKind.REMOVE_RULE
            what = "" if whole else text[span.start : span.end]
            yield Mutant(kind, section, index, name, part, what, span, changed)

    found: list[Mutant] = []
    for index, group in enumerate(policy.groups):
        found += named("groups", index, group.name.value, _of_group(group))
    for index, rule in enumerate(policy.acls or ()):
        found += named("acls", index, f"acls[{index}]", _of_acl(rule))
    for index, grant in enumerate(policy.grants or ()):
        found += named("grants", index, f"grants[{index}]", _of_grant(grant))
    for index, ssh in enumerate(policy.ssh):
        found += named("ssh", index, f"ssh[{index}]", _of_ssh(ssh))
    return tuple(found)


def _without(entries: tuple[T, ...]) -> Iterator[tuple[int, T, tuple[T, ...]]]:
    """Yield each of *entries* with its place and with all the others, if there are others."""
    if len(entries) > 1:
        for at, entry in enumerate(entries):
            yield at, entry, entries[:at] + entries[at + 1 :]


def _of_group(group: GroupDefinition) -> Iterator[_Change]:
    for at, member in enumerate(group.members):
        left = group.members[:at] + group.members[at + 1 :]
        yield MutantKind.DROP_MEMBER, at, member.span, replace(group, members=left)


def _of_acl(rule: AclRule) -> Iterator[_Change]:
    yield MutantKind.REMOVE_RULE, 0, rule.span, None
    for at, selector, left in _without(rule.src):
        yield MutantKind.DROP_SOURCE, at, selector.span, replace(rule, src=left)
    for at, destination, others in _without(rule.dst):
        yield MutantKind.DROP_DESTINATION, at, destination.span, replace(rule, dst=others)
    for at, destination in enumerate(rule.dst):
        if destination.ports and destination.ports != (ALL_PORTS,):
            wide = replace(destination, ports=(ALL_PORTS,))
            changed = replace(rule, dst=(*rule.dst[:at], wide, *rule.dst[at + 1 :]))
            yield MutantKind.WIDEN_PORTS, at, destination.span, changed


def _of_grant(grant: Grant) -> Iterator[_Change]:
    yield MutantKind.REMOVE_RULE, 0, grant.span, None
    for at, selector, left in _without(grant.src):
        yield MutantKind.DROP_SOURCE, at, selector.span, replace(grant, src=left)
    for at, selector, left in _without(grant.dst):
        yield MutantKind.DROP_DESTINATION, at, selector.span, replace(grant, dst=left)
    for at, entry, others in _without(grant.ip):
        yield MutantKind.DROP_PORTS, at, entry.span, replace(grant, ip=others)
    for at, entry in enumerate(grant.ip):
        if entry.ports != (ALL_PORTS,):
            wide = replace(entry, ports=(ALL_PORTS,))
            changed = replace(grant, ip=(*grant.ip[:at], wide, *grant.ip[at + 1 :]))
            yield MutantKind.WIDEN_PORTS, at, entry.span, changed


def _of_ssh(rule: SshRule) -> Iterator[_Change]:
    yield MutantKind.REMOVE_RULE, 0, rule.span, None
    for at, selector, left in _without(rule.src):
        yield MutantKind.DROP_SOURCE, at, selector.span, replace(rule, src=left)
    for at, selector, left in _without(rule.dst):
        yield MutantKind.DROP_DESTINATION, at, selector.span, replace(rule, dst=left)
    for at, login, others in _without(rule.users):
        yield MutantKind.DROP_LOGIN, at, login.span, replace(rule, users=others)
    if rule.action is not None and not _is_tagged(rule):
        other = "accept" if rule.action.value.strip() == "check" else "check"
        # An accept has no period.
        period = rule.check_period if other == "check" else None
        changed = replace(rule, action=Text(other, rule.action.span), check_period=period)
        yield MutantKind.SWAP_ACTION, 0, rule.action.span, changed


def _is_tagged(rule: SshRule) -> bool:
    """Return whether a source is tagged, which can't answer a check (docs/reference/ssh.md)."""
    return any(each.kind is K.TAG or each.is_autogroup("tagged") for each in rule.src)
