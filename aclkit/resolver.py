"""Names: what each selector stands for in one tailnet.

A selector is either *identity* (users, groups, tags, autogroups of nodes) or *literal* (addresses).
Identity is told by words: a node has the words of its user or of its tags, and an identity selector
is one word. So `group:ops` matches a node exactly when the node's words hold `group:ops`.

Users and groups match untagged nodes only: a tagged node has no user
(docs/reference/selectors.md).
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from aclkit.addresses import (
    INTERNET,
    INTERNET_TOKENS,
    TAILNET,
    WILDCARD_TOKENS,
    AddressSet,
    Family,
    Prefix,
)
from aclkit.diagnostics import Diagnostic, error, warning
from aclkit.policy.model import IpSetDefinition, Policy
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import Spelling
from aclkit.policy.validate.tests import selectors_of_tests
from aclkit.policy.walk import localpart_domain, named_selectors
from aclkit.source import Span
from aclkit.tailnet.model import Node, Tailnet, User
from aclkit.tailnet.user_words import ambiguous_words, word_in_group, words_of
from aclkit.target import Brings, Effect, Meaning, Position, SelectorKind, Undefined

K = SelectorKind

MEMBER, TAGGED, SHARED = "autogroup:member", "autogroup:tagged", "autogroup:shared"
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
INTERNET_LITERAL = Literal(INTERNET, INTERNET_TOKENS)
NO_ADDRESSES = Literal(AddressSet.empty(), ())
EVERYTHING = Literal(AddressSet.everything(), ("*",))


def is_identity(selector: Selector) -> bool:
    """Return whether *selector* names nodes by who they are, not by address."""
    match selector.kind:
        case K.USER | K.DOMAIN | K.GROUP | K.TAG:
            return True
        case K.AUTOGROUP:
            return selector.text not in _LITERAL_AUTOGROUPS
        case _:
            return False


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
    _ipsets: dict[str, AddressSet] = field(default_factory=dict)
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
        for name, logins in self.tailnet.groups.items():
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
        self._resolve_ipsets()

    @property
    def _meaning(self) -> Meaning:
        return self.policy.target.meaning

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
        if at:
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
                return INTERNET_LITERAL
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
        prefixes = (prefix, *brought)
        return Literal(AddressSet.of(prefixes), tuple(p.token for p in prefixes), prefixes)

    def _resolve_ipsets(self) -> None:
        """Apply the operations of each ipset after those of the ipsets that it names."""
        definitions = {ipset.name.value: ipset for ipset in self.policy.ipsets}
        for name in definitions:
            waiting = [name]
            while waiting:
                current = waiting[-1]
                if current in self._ipsets or current not in definitions:
                    waiting.pop()
                    continue
                inner = [
                    member.text
                    for _, member in definitions[current].operations
                    if member.kind is K.IPSET
                    and member.text in definitions
                    and member.text not in self._ipsets
                ]
                if inner:
                    waiting.extend(inner)  # a cycle is refused before anything is resolved
                else:
                    self._ipsets[current] = self._applied(definitions[current])
                    waiting.pop()

    def _applied(self, ipset: IpSetDefinition) -> AddressSet:
        addresses = AddressSet.empty()
        for adds, member in ipset.operations:
            part = self._ipset_part(member)
            addresses = addresses | part if adds else addresses - part
        return addresses

    def _ipset_part(self, member: Selector) -> AddressSet:
        match member.kind:
            case K.IPSET:
                return self._ipsets.get(member.text, AddressSet.empty())
            case K.RANGE:
                assert member.bounds is not None
                return AddressSet.of([member.bounds])
            case K.HOST_MEMBER:
                prefix = self._hosts.get(member.name)
                return AddressSet.of([prefix]) if prefix else AddressSet.empty()
            case _:
                literal = self.literal(member)
                return literal.addresses if literal else AddressSet.empty()


def _of_prefix(prefix: Prefix) -> Literal:
    return Literal(AddressSet.of([prefix]), (prefix.token,), (prefix,))


def _of_set(addresses: AddressSet) -> Literal:
    prefixes = addresses.prefixes()
    return Literal(addresses, tuple(prefix.token for prefix in prefixes), prefixes)


def check_names(policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]) -> None:
    """Append what only the tailnet shows, such as foreign domains and unknown users.

    In a tailnet that the policy implies, every name of a rule is known; a name that only a test
    uses is not, so a misspelt one can't make a test pass.
    """
    if policy.target.owned_domains and not tailnet.assumed:
        _refuse_foreign_domains(policy, tailnet, diagnostics)
    user_words = policy.target.meaning.user_words
    _refuse_undeclared_tags(policy, tailnet, diagnostics)
    _note_ambiguous_users(policy, tailnet, diagnostics)
    known = {user.login for user in tailnet.users}
    for user in tailnet.users:
        known.update(words_of(user.login, user.provider_id, user_words))
    _refuse_unknown_targets(policy, known, diagnostics)
    unknown = _Unknown(known, diagnostics)
    for group in policy.groups:
        known.update(m.text for m in group.members if word_in_group(m.text, user_words) in known)
    for selector in named_selectors(policy):
        unknown.note(
            selector,
            "unknown-user",
            f"the tailnet has no user `{selector.text}`",
            "the name stands for no device until that user joins",
        )
    which = (
        "that no rule or definition has" if tailnet.assumed else "that the tailnet does not have"
    )
    for selector in selectors_of_tests(policy):
        unknown.note(
            selector,
            "unknown-in-test",
            f"a test names `{selector.text}`, a user {which}; so it fails",
            "correct the login, or remove the test",
        )


def _refuse_undeclared_tags(
    policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]
) -> None:
    """Refuse tags that are not in `tagOwners`, where the target takes those that a node has."""
    known = {tag.name.value for tag in policy.tag_owners}
    if not tailnet.assumed:
        known.update(tag for node in tailnet.nodes for tag in node.tags)
    acls, target = policy.acls or (), policy.target
    places = (
        (Position.ACL_SRC, [selector for rule in acls for selector in rule.src]),
        (Position.ACL_DST, [each.selector for rule in acls for each in rule.dst]),
        (Position.SSH_SRC, [selector for rule in policy.ssh for selector in rule.src]),
        (Position.SSH_DST, [selector for rule in policy.ssh for selector in rule.dst]),
    )
    for position, selectors in places:
        if target.undefined(K.TAG, position) is not Undefined.UNLESS_ON_A_NODE:
            continue
        for selector in selectors:
            if selector.kind is K.TAG and selector.text not in known:
                known.add(selector.text)
                diagnostics.append(
                    error(
                        "undefined-tag",
                        f"tag `{selector.text}` is not declared, and no node has it",
                        selector.span,
                        help="declare it in `tagOwners`",
                        control_plane=target.says("undefined-tag", position, x=selector.text),
                    )
                )


def _note_ambiguous_users(policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]) -> None:
    """Tell of words that fit two users."""
    target = policy.target
    ambiguous = set(ambiguous_words(tailnet.users, target.meaning.user_words))
    for selector in named_selectors(policy):
        if selector.kind is not K.USER or selector.text not in ambiguous:
            continue
        ambiguous.remove(selector.text)
        message, help = f"`{selector.text}` fits two users", "write the id of the user's provider"
        if target.ambiguous_users is Effect.REFUSED:
            words = target.says("ambiguous-user", x=selector.text)
            diagnostics.append(
                error("ambiguous-user", message, selector.span, help=help, control_plane=words)
            )
        else:
            message += f", so to {target.title} it is nobody"
            diagnostics.append(warning("ambiguous-user", message, selector.span, help=help))


def _refuse_unknown_targets(
    policy: Policy, known: Collection[str], diagnostics: list[Diagnostic]
) -> None:
    """Refuse unknown users as targets of `nodeAttrs`, where the target does."""
    if policy.target.unknown_attribute_users is not Effect.REFUSED:
        return
    for entry in policy.node_attrs:
        for selector in entry.target:
            if selector.kind is K.USER and selector.text not in known:
                diagnostics.append(
                    error(
                        "unknown-target-user",
                        f"the tailnet has no user `{selector.text}`, which `nodeAttrs` needs",
                        selector.span,
                        help="remove it, or add the user first",
                    )
                )


@dataclass(slots=True)
class _Unknown:
    """Warns of users that are not known, of each once."""

    known: set[str]
    diagnostics: list[Diagnostic]
    spelling: Spelling = field(default_factory=Spelling)
    seen: set[str] = field(default_factory=set)

    def note(self, selector: Selector, code: str, message: str, help: str) -> None:
        """Warn of *selector* when it is a user that is neither known nor told of."""
        login = selector.text
        if selector.kind is not K.USER or login in self.known or login in self.seen:
            return
        self.seen.add(login)
        help = self.spelling.hint(login, self.known) or help
        self.diagnostics.append(warning(code, message, selector.span, help=help))


def _refuse_foreign_domains(
    policy: Policy, tailnet: Tailnet, diagnostics: list[Diagnostic]
) -> None:
    domains = set(tailnet.domains)  # compared with case (recording ssh-e1)
    spelling = Spelling()

    def refuse(domain: str, span: Span, prefix: str = "") -> None:
        diagnostics.append(
            error(
                "foreign-domain",
                f"`{domain}` is not a domain of this tailnet",
                span,
                help=spelling.hint(domain, domains)
                or f"domains of this tailnet: {', '.join(f'`{d}`' for d in tailnet.domains)}",
                control_plane=f"{prefix}{domain} is not associated with this Tailnet and cannot "
                "be used in user:*@<domain> expressions",
            )
        )

    for selector in named_selectors(policy):
        if selector.kind is K.DOMAIN and selector.name not in domains:
            # In the src of an SSH rule the words have a prefix (recording ssh-b4).
            refuse(
                selector.name,
                selector.span,
                "[ssh] " if _inside(policy, "ssh", selector) else "",
            )
    for rule in policy.ssh:
        for user in rule.users:
            domain = localpart_domain(user.value.strip())
            if domain is not None and domain not in domains:
                refuse(domain, user.span)


def _inside(policy: Policy, section: str, selector: Selector) -> bool:
    span = policy.sections.get(section)
    return span is not None and span.start <= selector.span.start < span.end
