"""What ipsets stand for: addresses, which need nothing but the policy.

The operations of an ipset are carried out in order, after those of the ipsets that it names
(docs/reference/selectors.md, IP sets). Neighbouring operations of one kind are done as one, so a
long list costs what its members cost.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from aclkit.addresses import INTERNET, AddressSet, Prefix
from aclkit.diagnostics import Diagnostic, error
from aclkit.limits import Limits
from aclkit.policy.model import IpSetDefinition, Policy
from aclkit.policy.selectors import Selector
from aclkit.target import SelectorKind

K = SelectorKind

# Merging an interval takes about as long as ten steps of following a name.
_STEPS_PER_EDGE = 5


class TooManySteps(Exception):  # noqa: N818 - it ends a phase, it is no error of the program
    """Resolving the ipsets takes more steps than allowed; `ipset` is the one that exceeds them."""

    def __init__(self, ipset: IpSetDefinition) -> None:
        super().__init__(ipset.name.value)
        self.ipset = ipset


def charge_ipsets(policy: Policy, limits: Limits, diagnostics: list[Diagnostic]) -> None:
    """Refuse ipsets that take more steps than *limits* allow; they must be free of cycles."""
    try:
        resolve_ipsets(policy, limits.expansions)
    except TooManySteps as problem:
        diagnostics.append(
            error(
                "limit-expansions",
                f"more than {limits.expansions} steps to resolve ipsets",
                problem.ipset.name.span,
                help="this is a guard against hostile input; raise the limit if it is sound",
            )
        )


def resolve_ipsets(policy: Policy, limit: int | None = None) -> dict[str, AddressSet]:
    """Return the addresses of each ipset, by its name. No ipset may hold itself.

    Raises:
        TooManySteps: it would take more than *limit* steps.
    """
    definitions = {ipset.name.value: ipset for ipset in policy.ipsets}
    hosts = {host.name.value: host.prefix for host in policy.hosts}
    resolved: dict[str, AddressSet] = {}
    steps = 0
    for ipset in _innermost_first(definitions):
        addresses = AddressSet.empty()
        for adds, operations in groupby(ipset.operations, key=lambda operation: operation[0]):
            parts = [member_addresses(member, hosts, resolved) for _, member in operations]
            steps += 1 + _STEPS_PER_EDGE * sum(map(_edges, (addresses, *parts)))
            if limit is not None and steps > limit:
                raise TooManySteps(ipset)
            if adds:
                addresses = AddressSet.of([addresses, *parts])
            else:
                addresses = addresses - AddressSet.of(parts)
        resolved[ipset.name.value] = addresses
    return resolved


def _edges(addresses: AddressSet) -> int:
    return len(addresses.v4_edges) + len(addresses.v6_edges)


def _innermost_first(definitions: Mapping[str, IpSetDefinition]) -> Iterator[IpSetDefinition]:
    """Yield each definition after those that it names, in time linear in their members."""
    done: set[str] = set()
    for start in definitions.values():
        walk = [(start, iter(start.operations))] if start.name.value not in done else []
        while walk:
            ipset, rest = walk[-1]
            for _, member in rest:
                inner = definitions.get(member.text) if member.kind is K.IPSET else None
                if inner is not None and member.text not in done:
                    walk.append((inner, iter(inner.operations)))
                    break
            else:
                walk.pop()
                done.add(ipset.name.value)
                yield ipset


def member_addresses(
    member: Selector, hosts: Mapping[str, Prefix], resolved: Mapping[str, AddressSet]
) -> AddressSet:
    """Return what one member of an ipset stands for, with the ipsets that are *resolved*."""
    match member.kind:
        case K.IPSET:
            return resolved.get(member.text, AddressSet.empty())
        case K.RANGE if member.bounds is not None:
            return AddressSet.of([member.bounds])
        case K.IP | K.CIDR if member.prefix is not None:
            return AddressSet.of([member.prefix])
        case K.HOST_MEMBER if member.name in hosts:
            return AddressSet.of([hosts[member.name]])
        case K.AUTOGROUP if member.is_autogroup("internet"):
            return INTERNET
        case _:
            return AddressSet.empty()  # refused by the checks
