"""Access rules: what `acls` and `grants` have in common, before any node is looked at.

A rule has sources and *streams*. A stream is what one protocol group of the rule opens: entries of
a destination selector with its ports, in the order in which the control plane emits them
(docs/reference/compiled-output.md, Order of destinations).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from aclkit.policy.model import AclRule, Grant, Policy
from aclkit.policy.ports import ALL_PORTS, PortBounds
from aclkit.policy.selectors import Selector
from aclkit.resolver import as_source
from aclkit.source import Span
from aclkit.target import AbsentRules, Meaning, SelectorKind

K = SelectorKind
IpProto: TypeAlias = tuple[int, ...] | None
"""The protocols of a rule; None is the client's default: TCP, UDP and ICMP."""

# Selectors of one access rule are sorted by kind. `*` before tags before autogroups and users
# before groups before autogroups are recorded (acl-k02, acl-mr18, acl-a17); the rest is our choice.
_KIND_ORDER = {
    K.WILDCARD: 0,
    K.IP: 1, K.CIDR: 1, K.HOST: 1, K.IPSET: 1, K.SERVICE: 1,
    K.USER: 2, K.DOMAIN: 2,
    K.GROUP: 3,
    K.TAG: 4,
    K.AUTOGROUP: 5,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Entry:
    """A destination selector and all its ports in one stream."""

    selector: Selector
    ports: tuple[PortBounds, ...]


@dataclass(frozen=True, slots=True)
class Stream:
    """What one protocol group of a rule opens."""

    ip_proto: IpProto
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class AccessRule:
    """One entry of `acls` or `grants`.

    `span` is where it stands; None for the rule that an absent rule section stands for. `app`
    holds capabilities and their values, for the destinations `dst`.
    """

    section: str
    index: int
    span: Span | None = field(compare=False)
    src: tuple[Selector, ...]
    postures: tuple[str, ...]
    streams: tuple[Stream, ...]
    dst: tuple[Selector, ...] = ()
    app: tuple[tuple[str, Any], ...] = ()
    via: tuple[str, ...] = ()


def access_rules(policy: Policy, broken: Collection[str] = ()) -> tuple[AccessRule, ...]:
    """Return the rules of *policy*: all grants in file order, then all access rules.

    In the latter, the groups *broken* stand for nobody.
    """
    default = tuple(name.value for name in policy.default_src_posture)
    if policy.acls is None and policy.grants is None:
        return _absent_rules(policy.absent_rules, default)
    grants = policy.grants or ()
    acls = policy.acls or ()
    meaning = policy.target.meaning
    return (
        *(_of_grant(index, grant, default) for index, grant in enumerate(grants)),
        *(_of_acl(index, rule, default, meaning, broken) for index, rule in enumerate(acls)),
    )


def _absent_rules(meaning: AbsentRules, postures: tuple[str, ...]) -> tuple[AccessRule, ...]:
    nowhere = Span(0, 0)
    everyone = Selector(K.WILDCARD, "*", nowhere)
    match meaning:
        case AbsentRules.NOTHING:
            return ()
        case AbsentRules.TAILNET:
            source = everyone
        case AbsentRules.EVERYTHING:
            source = Selector(K.AUTOGROUP, "autogroup:danger-all", nowhere)
    stream = Stream(None, (Entry(everyone, (ALL_PORTS,)),))
    return (AccessRule("acls", 0, None, (source,), postures, (stream,)),)


def _of_acl(
    index: int,
    rule: AclRule,
    default: tuple[str, ...],
    meaning: Meaning,
    broken: Collection[str],
) -> AccessRule:
    ports: dict[Selector, list[PortBounds]] = {}
    for destination in rule.dst:
        if not destination.ports or destination.selector.text in broken:
            continue  # taken by some targets, without effect
        ports.setdefault(destination.selector, []).extend(destination.ports)
    ordered = sorted(ports, key=lambda selector: _KIND_ORDER[selector.kind])
    entries = tuple(Entry(selector, tuple(ports[selector])) for selector in ordered)
    ip_proto = rule.proto.numbers if rule.proto else meaning.default_protocols
    postures = tuple(name.value for name in rule.src_posture) or default
    src = tuple(as_source(each, meaning) for each in rule.src if each.text not in broken)
    return AccessRule("acls", index, rule.span, src, postures, (Stream(ip_proto, entries),))


def _of_grant(index: int, grant: Grant, default: tuple[str, ...]) -> AccessRule:
    ports: dict[IpProto, list[PortBounds]] = {}
    for entry in grant.ip:
        numbers = entry.protocol.numbers if entry.protocol else None
        ports.setdefault(numbers, []).extend(entry.ports)
    repeats = _repeats(grant.dst)
    streams = tuple(
        Stream(
            ip_proto,
            tuple(Entry(selector, tuple(listed) * count) for selector, count in repeats.items()),
        )
        for ip_proto, listed in ports.items()
    )
    postures = tuple(name.value for name in grant.src_posture) or default
    app = tuple((name.value, values) for name, values in grant.app)
    via = tuple(dict.fromkeys(selector.text for selector in grant.via))
    return AccessRule(
        "grants", index, grant.span, grant.src, postures, streams, tuple(repeats), app, via
    )


def _repeats(selectors: Iterable[Selector]) -> dict[Selector, int]:
    """Return how often each selector is listed; the control plane repeats its ports as often."""
    counts: dict[Selector, int] = {}
    for selector in selectors:
        counts[selector] = counts.get(selector, 0) + 1
    return counts
