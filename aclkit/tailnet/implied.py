"""The tailnet that a policy implies when none is given.

One device per user and per tag that it names outside of its tests, in order of first appearance.
Names that only a test uses have no device, so that test fails: a misspelt source must not make a
`deny` pass.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aclkit.addresses import Address, Family, Prefix, parse_address
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.policy.walk import localpart_domain, named_selectors
from aclkit.tailnet.model import Node, Tailnet, User
from aclkit.target import SelectorKind

K = SelectorKind

_FIRST_V4 = parse_address("100.64.0.1")
_FIRST_V6 = parse_address("fd7a:115c:a1e0::1")


def implied_tailnet(policy: Policy) -> Tailnet:
    """Return the tailnet that *policy* implies; its `assumed` is True."""
    users: dict[str, None] = {}
    tags: dict[str, None] = {}
    order: dict[tuple[str, bool], int] = {}
    domains: dict[str, None] = {}
    for selector in sorted(_named(policy), key=lambda found: found.span):
        match selector.kind:
            case K.USER:
                users.setdefault(selector.text)
                order.setdefault((selector.text, False), len(order))
                domain = selector.text.rpartition("@")[2]
                if domain:
                    domains.setdefault(domain)
            case K.TAG:
                tags.setdefault(selector.text)
                order.setdefault((selector.text, True), len(order))
            case K.DOMAIN:
                domains.setdefault(selector.name)
            case _:
                pass
    for rule in policy.ssh:
        for user in rule.users:
            if (owned := localpart_domain(user.value.strip())) is not None:
                domains.setdefault(owned)
    taken = frozenset(_literal_addresses(policy))
    v4, v6 = _free(_FIRST_V4, taken), _free(_FIRST_V6, taken)
    names: set[str] = set()
    nodes = []
    for (word, is_tag), rank in order.items():
        nodes.append(
            Node(
                name=_node_name(word, names),
                user=None if is_tag else word,
                tags=(word,) if is_tag else (),
                addresses=(next(v4), next(v6)),
                created=rank,
            )
        )
    return Tailnet(
        domains=tuple(domains),
        users=tuple(User(login, login.partition("@")[0]) for login in users),
        nodes=tuple(nodes),
        assumed=True,
    )


def _named(policy: Policy) -> Iterator[Selector]:
    yield from named_selectors(policy)
    for tag in policy.tag_owners:
        yield Selector(K.TAG, tag.name.value, tag.name.span)


def _literal_addresses(policy: Policy) -> Iterator[Address]:
    """Yield the single addresses that the policy names: they belong to somebody else."""
    prefixes: list[Prefix] = [host.prefix for host in policy.hosts]
    prefixes += [s.prefix for s in named_selectors(policy) if s.prefix is not None]
    for prefix in prefixes:
        if prefix.is_single:
            yield Address(prefix.family, prefix.first)


def _free(first: Address, taken: Iterable[Address]) -> Iterator[Address]:
    value = first.value
    while True:
        address = Address(Family(first.family), value)
        if address not in taken:
            yield address
        value += 1


def _node_name(word: str, names: set[str]) -> str:
    """Return a node name for a user or tag, unlike any other without regard to case."""
    base = word.removeprefix("tag:")
    name, count = base, 2
    while name.casefold() in names:
        name, count = f"{base}-{count}", count + 1
    names.add(name.casefold())
    return name
