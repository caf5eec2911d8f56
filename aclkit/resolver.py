"""Names: what each selector stands for in one tailnet.

A selector is either *identity* (users, groups, tags, autogroups of nodes) or *literal* (addresses).
Identity is told by words: a node has the words of its user or of its tags, and an identity selector
is one word. So `group:ops` matches a node exactly when the node's words hold `group:ops`.

Users and groups match untagged nodes only: a tagged node has no user
(docs/reference/selectors.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping
from copy import copy
from dataclasses import dataclass, field

from immutables import Map

from aclkit.addresses import (
    INTERNET,
    INTERNET_TOKENS,
    TAILNET,
    WILDCARD_TOKENS,
    AddressSet,
    Family,
    Prefix,
)
from aclkit.policy.ipsets import resolve_ipsets
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.tailnet.model import Node, Tailnet, User
from aclkit.tailnet.user_words import ambiguous_words, word_in_group, words_of
from aclkit.target import Brings, Meaning, SelectorKind, Wildcard

K = SelectorKind

MEMBER, TAGGED, SHARED = "autogroup:member", "autogroup:tagged", "autogroup:shared"
_BY_WHO = K.USER, K.DOMAIN, K.GROUP, K.TAG
_LITERAL_AUTOGROUPS = frozenset({"autogroup:internet", "autogroup:danger-all", "autogroup:self"})


@dataclass(frozen=True, slots=True)
class Literal:
    """Addresses that a selector names as such.

    `prefixes` are the parts that are told apart when a rule is reduced to a node; `tokens` is how
    they are written in a rule.
    """

    addresses: AddressSet
    tokens: tuple[str, ...]
    prefixes: tuple[Prefix, ...] = ()


WILDCARD = Literal(TAILNET, WILDCARD_TOKENS)
INTERNET_AS_RANGES = Literal(INTERNET, INTERNET_TOKENS)
INTERNET_AS_CIDRS = Literal(
    INTERNET, tuple(prefix.token for prefix in INTERNET.prefixes()), INTERNET.prefixes()
)
NO_ADDRESSES = Literal(AddressSet.empty(), ())
EVERYTHING = Literal(AddressSet.everything(), ("*",))


def is_identity(selector: Selector) -> bool:
    """Return whether *selector* names nodes by who they are, not by address."""
    kind = selector.kind
    if kind in _BY_WHO:
        return True
    return kind is K.AUTOGROUP and selector.text not in _LITERAL_AUTOGROUPS


def as_source(selector: Selector, meaning: Meaning) -> Selector:
    """Return a source as its meaning: to some targets `*` is any address, tailnet or not."""
    if selector.kind is K.WILDCARD and meaning.wildcard_source is Wildcard.EVERYTHING:
        return Selector(K.AUTOGROUP, "autogroup:danger-all", selector.span)
    return selector


def word_of(selector: Selector) -> str:
    """Return the word of an identity selector; older names have the word of the present one."""
    return MEMBER if selector.text == "autogroup:members" else selector.text


@dataclass(slots=True)
class Resolver:
    """The names of one policy in one tailnet."""

    policy: Policy
    tailnet: Tailnet
    _groups_of: Mapping[str, tuple[str, ...]] = field(init=False)
    _users: Mapping[str, User] = field(init=False)
    _ipsets: Mapping[str, AddressSet] = field(init=False)
    _literals: dict[tuple[SelectorKind, str], Literal | None] = field(default_factory=dict)
    _hosts: Mapping[str, Prefix] = field(init=False)
    _services: Mapping[str, Literal] = field(init=False)
    _ambiguous: frozenset[str] = field(init=False)
    _owned: list[tuple[Family, int, Node]] = field(default_factory=list)

    def __post_init__(self) -> None:
        groups: dict[str, list[str]] = {}
        user_words = self._meaning.user_words
        self._ambiguous = ambiguous_words(self.tailnet.users, user_words)
        for group in self.policy.groups:
            members = (word_in_group(member.text, user_words) for member in group.members)
            for member in dict.fromkeys(members):
                groups.setdefault(member, []).append(group.name.value)
        own = {group.name.value for group in self.policy.groups}
        synced = self.tailnet.groups if self.policy.target.synced_groups else {}
        for name, logins in synced.items():
            if name not in own:
                for login in logins:
                    groups.setdefault(login, []).append(name)
        self._groups_of = {login: tuple(names) for login, names in groups.items()}
        self._users = {user.login: user for user in self.tailnet.users}
        self._hosts = {host.name.value: host.prefix for host in self.policy.hosts}
        self._services = {
            service.name: _of_set(AddressSet.of(service.addresses))
            for service in self.tailnet.services
        }
        self._ipsets = resolve_ipsets(self.policy)

    @property
    def _meaning(self) -> Meaning:
        return self.policy.target.meaning

    def broken_groups(self) -> frozenset[str]:
        """Return the groups that an unknown member empties in access rules, to some targets."""
        if not (self._meaning.broken_groups and self.policy.names_self):
            return frozenset()
        user_words = self._meaning.user_words
        known = {
            word
            for user in self.tailnet.users
            for word in words_of(user.login, user.provider_id, user_words)
        } - self._ambiguous
        return frozenset(
            group.name.value
            for group in self.policy.groups
            if any(member.text not in known for member in group.members)
        )

    def following(
        self,
        users: Mapping[str, User],
        groups: Iterable[tuple[str, frozenset[str], frozenset[str]]],
    ) -> Resolver:
        """Return the names after a change of users, and of groups that a provider keeps.

        Each of *groups* has a name, the logins that it lost, and those that it gained. Nodes do not
        take part, so no selector may bring addresses of nodes along.
        """
        after = copy(self)
        after._users = users
        own = {group.name.value for group in self.policy.groups}
        groups_of = self._groups_of
        found = groups_of if isinstance(groups_of, Map) else Map(groups_of)
        for name, lost, gained in groups if self.policy.target.synced_groups else ():
            if name in own:
                continue
            for login in sorted(lost):
                left = tuple(other for other in found.get(login, ()) if other != name)
                found = found.set(login, left) if left else found.delete(login)
            for login in sorted(gained):
                found = found.set(login, (*found.get(login, ()), name))
        after._groups_of = found
        return after

    def words_of_user(self, login: str) -> tuple[str, ...]:
        """Return the words of an untagged node of the user *login*."""
        user = self._users.get(login)
        provider_id = user.provider_id if user else None
        names = words_of(login, provider_id, self._meaning.user_words)
        words = [name for name in names if name not in self._ambiguous]
        for name in tuple(words):
            words.extend(self._groups_of.get(name, ()))
        if user is not None and user.type == "shared":
            # Somebody of another tailnet: neither a member nor one of the domain's users.
            words.append(SHARED)
            return tuple(words)
        _, at, domain = login.rpartition("@")
        if at and K.DOMAIN in self.policy.target.names.prefixes:
            words.append(f"user:*@{domain}")
        words.append(MEMBER)
        if user is not None and user.role != "member":
            words.append(f"autogroup:{user.role}")
            if user.role == "owner":
                # The owner is an admin too (docs/reference/node-attributes.md).
                words.append("autogroup:admin")
        return tuple(words)

    def words_of_tags(self, tags: Iterable[str]) -> tuple[str, ...]:
        """Return the words of a node with *tags*."""
        return (*tags, TAGGED)

    def literal(self, selector: Selector) -> Literal | None:
        """Return the addresses of a literal selector; None for an identity and for self.

        For `*` that is the tailnet's own address space; what subnet routes add is the compiler's.
        """
        key = selector.kind, selector.text
        if key not in self._literals:
            self._literals[key] = self._literal(selector)
        return self._literals[key]

    def _literal(self, selector: Selector) -> Literal | None:
        match selector.kind:
            case K.WILDCARD:
                return WILDCARD
            case K.IP | K.CIDR:
                assert selector.prefix is not None
                return self._with_nodes(selector.prefix, self._meaning.cidr_brings)
            case K.HOST:
                prefix = self._hosts.get(selector.text)
                if prefix is None:
                    return NO_ADDRESSES
                return self._with_nodes(prefix, self._meaning.host_brings)
            case K.IPSET:
                return _of_set(self._ipsets.get(selector.text, AddressSet.empty()))
            case K.SERVICE:
                return self._services.get(selector.text, NO_ADDRESSES)
            case K.AUTOGROUP if selector.text == "autogroup:internet":
                return INTERNET_AS_CIDRS if self._meaning.internet_as_cidrs else INTERNET_AS_RANGES
            case K.AUTOGROUP if selector.text == "autogroup:danger-all":
                return EVERYTHING
            case _:
                return None

    def _with_nodes(self, prefix: Prefix, brings: Brings) -> Literal:
        """Return the addresses of *prefix*, and what it brings along of the nodes inside."""
        if brings is Brings.NOTHING:
            return _of_prefix(prefix)
        if not self._owned:
            for node in self.tailnet.nodes:
                for address in node.addresses:
                    self._owned.append((address.family, address.value, node))
            self._owned.sort(key=lambda owned: owned[:2])
        family = prefix.family
        last = prefix.first if brings is Brings.NODE_AT_BASE else prefix.last
        start = bisect_left(self._owned, (family, prefix.first), key=lambda owned: owned[:2])
        end = bisect_right(self._owned, (family, last), key=lambda owned: owned[:2])
        brought = dict.fromkeys(
            Prefix.of(address)
            for _, _, node in self._owned[start:end]
            for address in node.addresses
            if address not in prefix
        )
        if not brought:
            return _of_prefix(prefix)
        prefixes = (prefix, *sorted(brought))
        return Literal(AddressSet.of(prefixes), tuple(p.token for p in prefixes), prefixes)


def _of_prefix(prefix: Prefix) -> Literal:
    return Literal(AddressSet.of([prefix]), (prefix.token,), (prefix,))


def _of_set(addresses: AddressSet) -> Literal:
    prefixes = addresses.prefixes()
    return Literal(addresses, tuple(prefix.token for prefix in prefixes), prefixes)
