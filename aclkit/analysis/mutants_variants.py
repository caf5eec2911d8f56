"""Mutants, compiled on what is there: only what a mutant changes is resolved again.

The tailnet, its node classes and all other rules are shared with the policy itself. A group that
decides on routes or addresses is the one thing that changes classes; then all is compiled anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

from aclkit.analysis.mutants import Mutant, MutantKind
from aclkit.compiler.attributes import DISABLE_IPV4
from aclkit.compiler.bitsets import bitset
from aclkit.compiler.cells import Cell, CellBuilder
from aclkit.compiler.classes import Classes, NodeClass
from aclkit.compiler.compiled_rules import CompiledRules, compile_rules
from aclkit.compiler.rules import AccessRule, access_rules
from aclkit.compiler.ssh import compile_ssh
from aclkit.policy.model import AclRule, Grant, Policy
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(frozen=True, slots=True)
class Variant:
    """A mutant, compiled.

    Attributes:
        rules: the compiled mutant; its cells keep their numbers, and new ones have higher ones.
        removed: the cells that are gone, of the policy itself; `gone` is their numbers as bits.
        added: the cells that are new.
        logins: whether the SSH rules differ.
        group: the group that has lost a member; empty for other mutants.
        anew: whether classes differ, so that nothing can be compared class by class.
    """

    mutant: Mutant
    rules: CompiledRules
    removed: tuple[Cell, ...] = ()
    gone: int = 0
    added: tuple[Cell, ...] = ()
    logins: bool = False
    group: str = ""
    anew: bool = False

    @property
    def widens(self) -> bool:
        """Return whether ports are wider, and nothing else differs: new cells are as the old."""
        return self.mutant.kind is MutantKind.WIDEN_PORTS


@dataclass(slots=True)
class Variants:
    """Compiles the mutants of one compiled policy. What they have in common is resolved once."""

    base: CompiledRules
    compiled_anew: int = 0
    """How many mutants could not share the classes of the policy."""
    _builder: CellBuilder = field(init=False)
    _cells: dict[tuple[str, int], list[Cell]] = field(default_factory=dict)
    _deciding: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self._builder = self.base.builder()
        for cell in self.base.cells:
            self._cells.setdefault((cell.rule.section, cell.rule.index), []).append(cell)
        self._deciding = frozenset(_deciding_on_classes(self.base))

    def of(self, mutant: Mutant) -> Variant:
        """Return *mutant*, compiled."""
        if mutant.section == "groups":
            return self._without_member(mutant)
        if mutant.section == "ssh":
            return self._with_logins(mutant)
        key = mutant.section, mutant.index
        return self._with_rules(mutant, mutant.applied(self.base.policy), {key}, self._builder)

    def _with_rules(
        self, mutant: Mutant, policy: Policy, keys: set[tuple[str, int]], builder: CellBuilder
    ) -> Variant:
        """Return *mutant* with the rules under *keys* resolved again by *builder*."""
        fresh = builder.afresh()
        fresh.build(list(self._rules(mutant, keys)))
        start = len(self.base.cells)
        added = tuple(replace(cell, number=start + cell.number) for cell in fresh.cells)
        removed = tuple(cell for key in sorted(keys) for cell in self._cells.get(key, ()))
        gone = bitset(cell.number for cell in removed)
        left = (cell for cell in self.base.cells if not gone >> cell.number & 1)
        rules = replace(
            self.base,
            policy=policy,
            resolver=builder.resolver,
            classes=builder.classes,
            cells=(*left, *added),
            mentions=None,
        )
        return Variant(mutant, rules, removed, gone, added)

    def _rules(self, mutant: Mutant, keys: set[tuple[str, int]]) -> Iterator[AccessRule]:
        """Yield the rules under *keys* as they are with *mutant*."""
        policy = self.base.policy
        if mutant.section == "groups":
            yield from (rule for rule in self.base.rules if (rule.section, rule.index) in keys)
        elif mutant.kind is not MutantKind.REMOVE_RULE:
            assert isinstance(mutant.changed, AclRule | Grant)
            if isinstance(mutant.changed, AclRule):
                changed = replace(policy, acls=(mutant.changed,), grants=())
            else:
                changed = replace(policy, acls=(), grants=(mutant.changed,))
            yield from (replace(rule, index=mutant.index) for rule in access_rules(changed))

    def _with_logins(self, mutant: Mutant) -> Variant:
        policy = mutant.applied(self.base.policy)
        ssh = replace(self.base.ssh, rules=compile_ssh(policy, self._builder))
        return Variant(mutant, replace(self.base, policy=policy, ssh=ssh), logins=True)

    def _without_member(self, mutant: Mutant) -> Variant:
        group, policy = mutant.name, mutant.applied(self.base.policy)
        if group in self._deciding or policy.target.meaning.broken_groups:
            self.compiled_anew += 1
            rules = compile_rules(policy, self.base.tailnet)
            return Variant(mutant, rules, logins=True, group=group, anew=True)
        resolver = Resolver(policy, self.base.tailnet)
        classes = _with_words(self.base.classes, resolver, group)
        builder = replace(
            self._builder, resolver=resolver, classes=classes, sources=[], _known={}, _reaches={}
        )
        keys = {
            (rule.section, rule.index)
            for rule in self.base.rules
            if any(_is_group(selector, group) for selector in _selectors(rule))
        }
        found = self._with_rules(mutant, policy, keys, builder)
        named = any(
            _is_group(selector, group) for rule in policy.ssh for selector in (*rule.src, *rule.dst)
        )
        ssh = replace(self.base.ssh, classes=classes)
        if named:
            ssh = replace(ssh, rules=compile_ssh(policy, builder))
        return replace(found, rules=replace(found.rules, ssh=ssh), logins=named, group=group)


def _is_group(selector: Selector, group: str) -> bool:
    return selector.kind is K.GROUP and selector.text == group


def _selectors(rule: AccessRule) -> Iterator[Selector]:
    yield from rule.src
    yield from rule.dst
    for stream in rule.streams:
        yield from (entry.selector for entry in stream.entries)


def _deciding_on_classes(rules: CompiledRules) -> Iterator[str]:
    """Yield the groups that decide which routes are in force, or who has an IPv4 address."""
    policy = rules.policy
    if any(node.advertised_routes for node in rules.nodes):
        approvers = policy.auto_approvers
        for selectors in (*(each.approvers for each in approvers.routes), approvers.exit_node):
            yield from (selector.text for selector in selectors if selector.kind is K.GROUP)
    for entry in policy.node_attrs:
        if any(name.value == DISABLE_IPV4 for name in entry.attr):
            yield from (selector.text for selector in entry.target if selector.kind is K.GROUP)


def _with_words(classes: Classes, resolver: Resolver, group: str) -> Classes:
    """Return *classes* with the words that *resolver* gives to those that have the word *group*."""
    listed = list(classes.classes)
    for number, each in enumerate(classes.classes):
        user = each.signature.user
        if user is not None and not each.signature.tags and group in each.words:
            words = resolver.words_of_user(user)
            listed[number] = NodeClass(number, each.signature, words, each.nodes)
    found = classes.words
    if group in found:
        found = found | {group: bitset(each.number for each in listed if group in each.words)}
    return replace(classes, classes=listed, words=found)
