"""Which logins a mutant gives another answer.

Classes are compared by what tells them apart in SSH rules, so the work does not grow with the
users; only the devices of one user among themselves are looked at user by user.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aclkit.analysis.mutants import MutantKind
from aclkit.analysis.mutants_variants import Variant
from aclkit.compiler.bitsets import members
from aclkit.compiler.classes import NodeClass
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import CompiledSshRule
from aclkit.evaluator.sshtests import ssh_answer

# A login that no rule names: the first of these that none does.
_ORDINARY = ("ubuntu", "admin", "someone", "somebody", "someone-else")


@dataclass(frozen=True, slots=True)
class LoginChange:
    """A login between two nodes that gets another answer: `accept`, `check` or `deny`."""

    src: int
    dst: int
    login: str
    before: str
    after: str


def login_changes(base: CompiledRules, variant: Variant) -> Iterator[LoginChange]:
    """Yield logins that *variant* of *base* answers otherwise: an example for each kind of pair.

    A kind is what the SSH rules can tell apart; pairs come in the order of the classes.
    """
    if not variant.logins:
        return
    before, after = base.ssh, variant.rules.ssh
    rules = (*before.rules, *after.rules)
    changed = tuple(_changed(variant, before.rules, after.rules))
    named = dict.fromkeys(login for rule in rules for login in rule.users if login != "*")
    ordinary = next(login for login in _ORDINARY if login not in named)
    classes = base.classes.classes
    for a, b in _pairs(base, rules, changed, frozenset(named)):
        src = classes[a].nodes[0]
        dst = classes[b].nodes[0] if a != b else classes[b].nodes[1]
        for login in dict.fromkeys((*named, ordinary, _local_part(classes[a]))):
            if login:
                was, now = (ssh_answer(each, src, dst, login) for each in (before, after))
                if was != now:
                    yield LoginChange(src, dst, login, was, now)


def _changed(
    variant: Variant, before: Iterable[CompiledSshRule], after: Iterable[CompiledSshRule]
) -> Iterator[CompiledSshRule]:
    """Yield the rules of which something changed, as they were and as they are."""
    mutant = variant.mutant
    if mutant.section == "ssh":
        yield from (rule for rule in before if rule.number == mutant.index)
        if mutant.kind is not MutantKind.REMOVE_RULE:
            yield from (rule for rule in after if rule.number == mutant.index)
        return
    as_it_was = {rule.number: rule for rule in before}
    for rule in after:
        was = as_it_was[rule.number]
        if (was.sources, was.destinations) != (rule.sources, rule.destinations):
            yield from (was, rule)


def _pairs(
    base: CompiledRules,
    rules: tuple[CompiledSshRule, ...],
    changed: tuple[CompiledSshRule, ...],
    named: frozenset[str],
) -> Iterator[tuple[int, int]]:
    """Yield pairs of classes with two different nodes.

    Every such pair that *changed* speaks of is like one of them.
    """
    classes = base.classes.classes
    sources = destinations = 0
    for rule in changed:
        sources, destinations = sources | rule.sources, destinations | rule.destinations
    kinds: dict[object, list[int]] = {}
    for a in members(sources):
        kinds.setdefault(_as_source(classes[a], rules, named), []).append(a)
    targets: dict[object, list[int]] = {}
    for b in members(destinations):
        bits = tuple(rule.destinations >> b & 1 for rule in rules)
        targets.setdefault(bits, []).append(b)
    for alike in kinds.values():
        for reached in targets.values():
            pair = next(
                (
                    (a, b)
                    for a in alike
                    for b in reached
                    if not _same_user(classes[a], classes[b]) and _has_pair(classes[a], classes[b])
                ),
                None,
            )
            if pair is not None:
                yield pair
    for a in members(sources):
        user = classes[a].signature.user
        for b in base.classes.by_user.get(user, ()) if user is not None else (a,):
            if _has_pair(classes[a], classes[b]):
                yield a, b


def _as_source(
    each: NodeClass, rules: tuple[CompiledSshRule, ...], named: frozenset[str]
) -> object:
    local = _local_part(each)
    domain = (each.signature.user or "").rpartition("@")[2]
    return (
        tuple(rule.sources >> each.number & 1 for rule in rules),
        each.signature.user is None,
        domain,
        local if local in named else None,
    )


def _local_part(each: NodeClass) -> str:
    return (each.signature.user or "").rpartition("@")[0]


def _same_user(a: NodeClass, b: NodeClass) -> bool:
    return a.signature.user is not None and a.signature.user == b.signature.user


def _has_pair(a: NodeClass, b: NodeClass) -> bool:
    """Return whether two different nodes are of these classes: a device's own way is no login."""
    return a.number != b.number or len(a.nodes) > 1
