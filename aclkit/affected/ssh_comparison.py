"""SSH rules of a node in two states, compared without being written out, but in doubt.

A list of addresses may be as long as the tailnet, and a rule with `localpart:` is as many rules as
there are users.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from aclkit.addresses import Address
from aclkit.affected.states import States, devices
from aclkit.compiler.bitsets import members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import CompiledSshRule


class _Source(NamedTuple):
    """What of a source node has part in what is written."""

    user: str | None
    tags: tuple[str, ...]
    by_login: int
    addresses: tuple[Address, ...]


class _Part(NamedTuple):
    """A rule as it is sent to a node: from all nodes of *classes*, and from those *listed*.

    `whole` says that these are all sources of the rule, so that it is the same for many nodes.
    """

    rule: CompiledSshRule
    classes: int
    listed: list[_Source]
    whole: bool

    @property
    def is_single(self) -> bool:
        """Return whether it is one rule when written, whoever the sources are."""
        return not self.rule.localparts and not self.rule.by_login

    def is_told_as(self, other: _Part) -> bool:
        """Return whether both are written alike, if users stand in the same order."""
        mine = self.rule.number, self.classes, self.listed
        return mine == (other.rule.number, other.classes, other.listed)

    def says(self) -> tuple[object, ...]:
        """Return what is written, for a part that is single; `repeats` aside."""
        rule = self.rule
        what = rule.users, rule.action, rule.accept_env, rule.everybody
        return what if rule.everybody else (*what, *_sources([self]))

    def listed_by_user(self) -> dict[str | None, set[Address]]:
        """Return the addresses of those listed, by whose they are; None: of nobody."""
        found: dict[str | None, set[Address]] = {}
        for source in self.listed:
            if source.addresses:
                found.setdefault(source.user, set()).update(source.addresses)
        return found


class _Verdict(NamedTuple):
    """How what is written for one part differs between two states.

    Attributes:
        apart: whether there is a first difference, and not only more or fewer rules at the end.
        longer: how many rules more there are, if not *apart*.
    """

    apart: bool
    longer: int = 0


_SAME, _APART = _Verdict(False), _Verdict(True)


@dataclass(slots=True)
class SshComparison:
    """Compares the SSH rules of nodes; what many nodes have in common is compared once."""

    states: States
    _whole: tuple[dict[int, _Part | None], dict[int, _Part | None]] = field(init=False)
    _verdicts: dict[int, _Verdict] = field(default_factory=dict)
    _same_order: bool = field(init=False)

    def __post_init__(self) -> None:
        before, after = self.states.before.rules, self.states.after.rules
        self._whole = {}, {}
        was, now = before.roster.user_order, after.roster.user_order
        self._same_order = was is now or was == now

    def differs(self, node: int) -> bool:
        """Return whether a node, which is in both states, has other SSH rules."""
        before, after = self._parts(node, new=False), self._parts(node, new=True)
        if [part.rule.number for part in before] == [part.rule.number for part in after]:
            pairs = zip(before, after, strict=True)
            verdicts = [self._verdict(*pair, node) for pair in pairs]
            first = next((verdict for verdict in verdicts if verdict != _SAME), _SAME)
            if first == _SAME or first.apart:
                return first.apart
            longer = sum(verdict.longer for verdict in verdicts)
            if longer and not any(verdict.apart for verdict in verdicts):
                return True
        elif all(part.is_single for part in (*before, *after)):
            if [part.says() for part in before] != [part.says() for part in after]:
                return True
        elif _sources(before) != _sources(after):
            return True
        old, new = self.states.before.rules.ssh, self.states.after.rules.ssh
        return old.node_rules(node) != new.node_rules(node)

    def _parts(self, node: int, *, new: bool) -> list[_Part]:
        """Return the SSH rules of a node, with the sources in shifting classes one by one."""
        rules = (self.states.after if new else self.states.before).rules
        ssh, each, known = rules.ssh, rules.class_of(node), self._whole[new]
        bit = 1 << each.number
        found = []
        for rule in ssh.rules:
            if rule.destinations & bit:
                if rule.number not in known:
                    known[rule.number] = self._part(rules, rule, rule.sources, whole=True)
                part = known[rule.number]
            elif rule.own and (sources := ssh.sources_at(rule, each)):
                part = self._part(rules, rule, sources)
            elif near := ssh.near_sources(rule, each):
                alone = each.signature.user is None
                part = self._part(rules, rule, 0 if alone else near, (node,) if alone else ())
            else:
                continue
            if part is not None:
                found.append(part)
        return found

    def _part(
        self,
        rules: CompiledRules,
        rule: CompiledSshRule,
        sources: int,
        nodes: Iterable[int] = (),
        *,
        whole: bool = False,
    ) -> _Part | None:
        classes, apart = rules.classes, self.states.shifting
        if not rule.everybody:
            sources &= classes.has4 | classes.has6 | rule.by_login
        listed = [*nodes]
        for number in members(sources & apart):
            listed += classes.classes[number].nodes
        if not sources and not listed:
            return None
        told = [_source(rules, rule, each) for each in listed]
        return _Part(rule, sources & ~apart, told, whole)

    def _verdict(self, before: _Part, after: _Part, node: int) -> _Verdict:
        """Return how two parts of the same rule differ."""
        number = after.rule.number
        if not (before.whole and after.whole):
            return self._compared(before, after, node)
        if number not in self._verdicts:
            self._verdicts[number] = self._compared(before, after, node)
        return self._verdicts[number]

    def _compared(self, before: _Part, after: _Part, node: int) -> _Verdict:
        rule = after.rule
        if self._same_order and before.is_told_as(after):
            return _SAME
        if before.is_single and after.is_single:
            if before.says() != after.says():
                return _APART
            if not rule.repeats:
                return _SAME
        elif self._same_order and not before.rule.by_login and not rule.by_login:
            was, now = before.listed_by_user(), after.listed_by_user()
            changed = {user for user in (*was, *now) if was.get(user) != now.get(user)}
            if before.classes == after.classes:
                if not changed and not rule.repeats:
                    return _SAME
                if changed and all(self._stands(user, after, was, now) for user in changed):
                    return _APART  # the same users in the same places, and not the same of each
        sent = [
            [found for found, of in compiled.rules.ssh.explained(node) if of.number == number]
            for compiled, number in (
                (self.states.before, before.rule.number),
                (self.states.after, rule.number),
            )
        ]
        if sent[0] == sent[1]:
            return _SAME
        shared = min(map(len, sent))
        if sent[0][:shared] != sent[1][:shared]:
            return _APART
        return _Verdict(False, len(sent[1]) - len(sent[0]))

    def _stands(
        self,
        user: str | None,
        part: _Part,
        was: dict[str | None, set[Address]],
        now: dict[str | None, set[Address]],
    ) -> bool:
        """Return whether something is written of a user in both states."""
        if user in was and user in now:
            return True
        rules = self.states.after.rules
        if user is not None:
            return devices(rules, user) & part.classes != 0
        held = rules.classes.classes
        return any(held[number].signature.user is None for number in members(part.classes))


def _source(rules: CompiledRules, rule: CompiledSshRule, node: int) -> _Source:
    each = rules.nodes[node]
    by_login = rule.by_login >> rules.classes.class_of[node] & 1
    return _Source(each.user, each.tags, by_login, rules.addresses(node))


def _sources(parts: Iterable[_Part]) -> tuple[int, set[Address]]:
    """Return whose addresses are written in any rule, as classes and as addresses."""
    classes, addresses = 0, set[Address]()
    for part in parts:
        if not part.rule.everybody:
            classes |= part.classes & ~part.rule.by_login
            for source in part.listed:
                addresses.update(() if source.by_login else source.addresses)
    return classes, addresses
