"""Mutants: policies with one small mistake, of the kinds that people make.

A mutant that no test notices is a mistake that would go live unseen. Each is a change of the typed
policy; no text is read or judged again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TypeAlias, TypeVar

from aclkit.policy.model import AclRule, Grant, GroupDefinition, Policy, SshRule
from aclkit.policy.ports import ALL_PORTS, Destination, IpEntry
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import SelectorKind

T = TypeVar("T")
Part = TypeVar("Part", bound=Selector | Destination | IpEntry | Text)
Ported = TypeVar("Ported", Destination, IpEntry)

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


K = MutantKind

_Change: TypeAlias = tuple[MutantKind, int, Span, Rule | None]
"""Kind, part, span and changed entry of a mutant."""


def mutants_of(policy: Policy) -> tuple[Mutant, ...]:
    """Return the mutants of *policy*: of groups, then of rules, each section in file order.

    What is alone in its list is not dropped: that would be the removal of its rule.
    """
    text = policy.source.text

    def named(section: str, index: int, name: str, changes: Iterator[_Change]) -> Iterator[Mutant]:
        for kind, part, span, changed in changes:
            whole = kind is K.REMOVE_RULE
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


def _dropped(
    kind: MutantKind,
    entries: tuple[Part, ...],
    put: Callable[[tuple[Part, ...]], Rule],
    least: int = 1,
) -> Iterator[_Change]:
    """Yield for each of *entries* the rule without it, if at least *least* others are left.

    *put* returns the rule with the others in their place.
    """
    if len(entries) > least:
        for at, entry in enumerate(entries):
            yield kind, at, entry.span, put(_spliced(entries, at, None))


def _widened(
    entries: tuple[Ported, ...], put: Callable[[tuple[Ported, ...]], Rule]
) -> Iterator[_Change]:
    """Yield for each of *entries* that names ports the rule with all of them."""
    for at, entry in enumerate(entries):
        if entry.ports and entry.ports != (ALL_PORTS,):
            wide = _spliced(entries, at, replace(entry, ports=(ALL_PORTS,)))
            yield K.WIDEN_PORTS, at, entry.span, put(wide)


def _of_group(group: GroupDefinition) -> Iterator[_Change]:
    yield from _dropped(K.DROP_MEMBER, group.members, lambda m: replace(group, members=m), least=0)


def _of_acl(rule: AclRule) -> Iterator[_Change]:
    yield K.REMOVE_RULE, 0, rule.span, None
    yield from _dropped(K.DROP_SOURCE, rule.src, lambda src: replace(rule, src=src))
    yield from _dropped(K.DROP_DESTINATION, rule.dst, lambda dst: replace(rule, dst=dst))
    yield from _widened(rule.dst, lambda dst: replace(rule, dst=dst))


def _of_grant(grant: Grant) -> Iterator[_Change]:
    yield K.REMOVE_RULE, 0, grant.span, None
    yield from _dropped(K.DROP_SOURCE, grant.src, lambda src: replace(grant, src=src))
    yield from _dropped(K.DROP_DESTINATION, grant.dst, lambda dst: replace(grant, dst=dst))
    yield from _dropped(K.DROP_PORTS, grant.ip, lambda ip: replace(grant, ip=ip))
    yield from _widened(grant.ip, lambda ip: replace(grant, ip=ip))


def _of_ssh(rule: SshRule) -> Iterator[_Change]:
    yield K.REMOVE_RULE, 0, rule.span, None
    yield from _dropped(K.DROP_SOURCE, rule.src, lambda src: replace(rule, src=src))
    yield from _dropped(K.DROP_DESTINATION, rule.dst, lambda dst: replace(rule, dst=dst))
    yield from _dropped(K.DROP_LOGIN, rule.users, lambda users: replace(rule, users=users))
    if rule.action is not None and not _is_tagged(rule):
        other = "accept" if rule.action.value.strip() == "check" else "check"
        # An accept has no period.
        period = rule.check_period if other == "check" else None
        changed = replace(rule, action=Text(other, rule.action.span), check_period=period)
        yield K.SWAP_ACTION, 0, rule.action.span, changed


def _is_tagged(rule: SshRule) -> bool:
    """Return whether a source is tagged, which can't answer a check (docs/reference/ssh.md)."""
    return any(each.kind is SelectorKind.TAG or each.is_autogroup("tagged") for each in rule.src)
