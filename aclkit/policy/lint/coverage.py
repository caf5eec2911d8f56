"""Rules that another rule makes pointless, by itself.

Only what the policy says is looked at, whatever the tailnet: a rule counts as covered where every
device that it could ever name is named by the other one as well, with all its ports. Rules that
only several others together cover are not found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import TypeAlias

from aclkit.addresses import Prefix
from aclkit.diagnostics import Diagnostic, Label, warning
from aclkit.policy.lint.linting import Linting
from aclkit.policy.model import Policy
from aclkit.policy.ports import PortBounds
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import ROLE_AUTOGROUPS, Brings, Checks, SelectorKind, UserWords

K = SelectorKind

Key: TypeAlias = tuple[SelectorKind, str] | tuple[int, int, int]
"""What a selector stands for: a name, or a prefix as its width, length and first address."""

Ports: TypeAlias = Mapping[int, Sequence[PortBounds]]
"""By protocol: ports, sorted and merged."""

# The protocols of a rule that names none: TCP, UDP and ICMP.
_USUAL = (1, 6, 17, 58)
_ALL: Key = (K.WILDCARD, "*")
_TAGGED: Key = (K.AUTOGROUP, "autogroup:tagged")
_NODES = frozenset({"autogroup:member", "autogroup:members", "autogroup:tagged", *ROLE_AUTOGROUPS})
_NONROOT = "autogroup:nonroot"

# Pairs of rules that are compared in full; far beyond any policy written by hand.
BUDGET = 100_000


@dataclass(frozen=True, slots=True)
class Access:
    """What one rule allows; two that say the same are equal.

    Attributes:
        rank: the rule's place; of rules that cover each other the first stays.
        ports: by destination, what is open there; nothing for SSH.
        postures: one of which the source must have; empty where none is asked for.
        logins: of an SSH rule.
        capable: whether capabilities are granted, which add up and so are never covered.
        rest: what else an SSH rule says.
    """

    span: Span = field(compare=False)
    rank: tuple[int, int] = field(compare=False)
    src: frozenset[Key]
    ports: Mapping[Key, Ports]
    postures: frozenset[str]
    via: frozenset[str] = frozenset()
    logins: frozenset[str] = frozenset()
    capable: bool = False
    rest: object = None


def pointless_rules(linting: Linting) -> Iterator[Diagnostic]:
    """Find rules that repeat an earlier one, and rules of which another one covers all."""
    policy = linting.policy
    names = _Names(policy)
    network, ssh = list(_of_network(policy, names)), list(_of_ssh(policy, names))
    for rule, other in (*_covered_among(network, names), *_covered_among(ssh, names)):
        if rule == other:
            yield warning(
                "duplicate-rule",
                "this rule repeats an earlier one",
                rule.span,
                help="remove it; or write what it was meant to allow",
                related=[Label(other.span, "the earlier one")],
            )
        else:
            yield warning(
                "covered-rule",
                "this rule changes nothing: another one covers all of it",
                rule.span,
                help="remove it; or narrow the other one, if that allows too much",
                related=[Label(other.span, "the other one")],
            )


def _of_network(policy: Policy, names: _Names) -> Iterator[Access]:
    usual = policy.target.meaning.default_protocols or _USUAL
    for rule in policy.acls or ():
        opened: dict[Key, list[PortBounds]] = {}
        for destination in rule.dst:
            if destination.ports:  # some targets take one without, which opens nothing
                opened.setdefault(names.key(destination.selector), []).extend(destination.ports)
        numbers = rule.proto.numbers if rule.proto else usual
        if rule.src and opened:
            yield Access(
                rule.span,
                (0, rule.span.start),
                frozenset(map(names.key, rule.src)),
                {key: dict.fromkeys(numbers, _merged(ports)) for key, ports in opened.items()},
                _postures(policy, rule.src_posture),
            )
    for grant in policy.grants or ():
        by_number: dict[int, list[PortBounds]] = {}
        for entry in grant.ip:
            for number in entry.protocol.numbers if entry.protocol else usual:
                by_number.setdefault(number, []).extend(entry.ports)
        ports = {number: _merged(bounds) for number, bounds in by_number.items()}
        if grant.src and grant.dst and ports:
            yield Access(
                grant.span,
                (0, grant.span.start),
                frozenset(map(names.key, grant.src)),
                {names.key(selector): ports for selector in grant.dst},
                _postures(policy, grant.src_posture),
                via=frozenset(selector.text for selector in grant.via),
                capable=bool(grant.app),
            )


def _of_ssh(policy: Policy, names: _Names) -> Iterator[Access]:
    """Yield the SSH rules; clients try those with `check` first, and take the first that fits."""
    if policy.target.meaning.check is not Checks.ASK:
        return
    for rule in policy.ssh:
        action = rule.action.value.strip() if rule.action else ""
        if rule.src and rule.dst and rule.users:
            yield Access(
                rule.span,
                (action != "check", rule.span.start),
                frozenset(map(names.key, rule.src)),
                {names.key(selector): {} for selector in rule.dst},
                _postures(policy, rule.src_posture),
                logins=frozenset(user.value.strip() for user in rule.users),
                rest=(
                    action,
                    rule.check_period,
                    rule.accept_env,
                    rule.recorder,
                    rule.enforce_recorder,
                ),
            )


def _postures(policy: Policy, own: Iterable[Text]) -> frozenset[str]:
    names = frozenset(name.value for name in own)
    return names or frozenset(name.value for name in policy.default_src_posture)


def _merged(ports: Iterable[PortBounds]) -> tuple[PortBounds, ...]:
    merged: list[PortBounds] = []
    for first, last in sorted(ports):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = merged[-1][0], max(last, merged[-1][1])
        elif first <= last:
            merged.append((first, last))
    return tuple(merged)


@dataclass(slots=True)
class _Names:
    """Which selectors name all that another one names."""

    policy: Policy
    _hosts: Mapping[str, Prefix] = field(init=False)
    _groups_of: dict[str, list[Key]] = field(default_factory=dict)
    _plain_addresses: bool = field(init=False)
    _lengths: set[tuple[int, int]] = field(default_factory=set)

    def __post_init__(self) -> None:
        meaning = self.policy.target.meaning
        self._hosts = {host.name.value: host.prefix for host in self.policy.hosts}
        # Where addresses bring nodes along, a wider prefix may bring other ones.
        self._plain_addresses = meaning.host_brings is meaning.cidr_brings is Brings.NOTHING
        if meaning.user_words is UserWords.LOGIN:
            for group in self.policy.groups:
                for member in group.members:
                    key = K.GROUP, group.name.value
                    self._groups_of.setdefault(member.text, []).append(key)

    def key(self, selector: Selector) -> Key:
        """Return what *selector* stands for."""
        prefix = selector.prefix
        if selector.kind is K.HOST:
            prefix = self._hosts.get(selector.text)
        if prefix is None or not self._plain_addresses:
            return selector.kind, selector.text
        self._lengths.add((prefix.family.width, prefix.bits))
        return prefix.family.width, prefix.bits, prefix.first

    def wider(self, key: Key) -> Iterator[Key]:
        """Yield *key*, and the keys met before that cover it."""
        yield key
        if len(key) == 3:
            width, length, first = key
            for other_width, bits in self._lengths:
                if other_width == width and bits < length:
                    yield width, bits, first >> width - bits << width - bits
            return
        kind, text = key
        if kind is K.USER:
            yield from self._groups_of.get(text, ())
        elif kind is K.TAG:
            yield _TAGGED
        if kind in (K.USER, K.GROUP, K.TAG, K.DOMAIN) or text in _NODES:
            yield _ALL

    def include(self, rule: Access, other: Access) -> bool:
        """Return whether *other* names all sources and destinations of *rule*."""
        pairs = ((rule.src, other.src), (rule.ports, other.ports))
        return all(any(wide in b for wide in self.wider(key)) for a, b in pairs for key in a)


def _covered_among(rules: Sequence[Access], names: _Names) -> Iterator[tuple[Access, Access]]:
    """Yield each of *rules* that another of them covers, with the first such."""
    by_src = _numbers_by_key(rule.src for rule in rules)
    by_dst = _numbers_by_key(rule.ports for rule in rules)
    everyone = (1 << len(rules)) - 1
    compared = 0
    for number, rule in enumerate(rules):
        if rule.capable:
            continue
        # A bit for each rule that names all sources and destinations looked at so far.
        candidates = everyone & ~(1 << number)
        for numbers, keys in ((by_src, rule.src), (by_dst, rule.ports)):
            for key in keys:
                if candidates:
                    candidates &= reduce(or_, (numbers.get(wide, 0) for wide in names.wider(key)))
        while candidates and compared < BUDGET:
            lowest = candidates & -candidates
            candidates ^= lowest
            compared += 1
            other = rules[lowest.bit_length() - 1]
            if _covers(rule, other, names) and _yields(rule, other, names):
                yield rule, other
                break


def _yields(rule: Access, other: Access, names: _Names) -> bool:
    """Return whether *rule* is the pointless one, and not *other*, which covers it."""
    if other.rank < rule.rank:
        return True
    if rule.logins:
        return False  # of SSH rules the first one decides
    return not (names.include(other, rule) and _covers(other, rule, names))


def _numbers_by_key(keys_of_rules: Iterable[Iterable[Key]]) -> dict[Key, int]:
    """Return the numbers of the rules that have each key, as bits."""
    found: dict[Key, int] = {}
    for number, keys in enumerate(keys_of_rules):
        for key in keys:
            found[key] = found.get(key, 0) | 1 << number
    return found


def _covers(rule: Access, other: Access, names: _Names) -> bool:
    """Return whether *other*, which has the names of *rule*, has the rest of it too."""
    if rule.via != other.via or not _has_logins(rule.logins, other.logins):
        return False
    if other.postures and not (rule.postures and rule.postures <= other.postures):
        return False
    return all(
        any(_is_open(ports, other.ports.get(wide)) for wide in names.wider(key))
        for key, ports in rule.ports.items()
    )


def _has_logins(logins: frozenset[str], others: frozenset[str]) -> bool:
    rest = logins - others
    if _NONROOT in others:
        return not any(login == "root" or login.startswith("localpart:") for login in rest)
    return not rest


def _is_open(wanted: Ports, others: Ports | None) -> bool:
    """Return whether *others* has all of the ports in *wanted*."""
    if others is None:
        return False
    return all(
        any(low <= first and last <= high for low, high in others.get(number, ()))
        for number, bounds in wanted.items()
        for first, last in bounds
    )
