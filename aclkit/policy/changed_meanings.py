"""Where two targets take the same words and mean different things by them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from aclkit.diagnostics import Diagnostic, warning
from aclkit.policy.model import AclRule, Grant, Policy, SshRule
from aclkit.policy.selectors import Selector
from aclkit.policy.walk import ends, named_selectors, opening_bracket
from aclkit.source import Span
from aclkit.target import (
    Brings,
    Checks,
    SelectorKind,
    TaggedNodes,
    Target,
    UserWords,
    Wildcard,
)

K = SelectorKind


def changed_meanings(old: Policy, new: Policy) -> Iterator[Diagnostic]:
    """Yield a warning `changed-meaning` for each difference between two readings of one text.

    Each gives both meanings. What holds for many places alike is told once, at the first.
    """
    pair = _Pair(old, new)
    for note in _NOTES:
        yield from note(pair)


@dataclass(frozen=True, slots=True)
class _Pair:
    """The policy as both targets read it."""

    old: Policy
    new: Policy

    def changed(
        self,
        what: str,
        before: str,
        after: str,
        span: Span,
        help: str,
    ) -> Diagnostic:
        """Return the note that *what* means *before* to the old target and *after* to the new."""
        old, new = self.old.target.title, self.new.target.title
        message = f"{what} {before} on {old}, but {after} on {new}"
        return warning("changed-meaning", message, span, help=help)

    def differs(self, meaning: Callable[[Target], object]) -> bool:
        """Return whether the two targets differ in *meaning*."""
        return meaning(self.old.target) != meaning(self.new.target)


def _absent_rules(pair: _Pair) -> Iterator[Diagnostic]:
    absent = [p for p in (pair.old, pair.new) if p.acls is None and p.grants is None]
    if len(absent) == 2 and pair.old.absent_rules is not pair.new.absent_rules:
        yield pair.changed(
            "a policy without access rules allows",
            pair.old.absent_rules.value,
            pair.new.absent_rules.value,
            opening_bracket(pair.new),
            'write `"acls": []` to allow nothing, or the rules that you want',
        )


_WILDCARDS = {
    Wildcard.EVERYTHING: ("any address", "write `autogroup:danger-all` for any address"),
    Wildcard.TAILNET: (
        "addresses of the tailnet and approved subnet routes",
        "name the tailnet's users and tags, or its address ranges, to keep the rule as it was",
    ),
}


def _wildcard_sources(pair: _Pair) -> Iterator[Diagnostic]:
    before, after = (p.target.meaning.wildcard_source for p in (pair.old, pair.new))
    if before is after:
        return
    for rule in pair.new.acls or ():
        for selector in rule.src:
            if selector.kind is K.WILDCARD:
                yield pair.changed(
                    "`*` as a source is",
                    _WILDCARDS[before][0],
                    _WILDCARDS[after][0],
                    selector.span,
                    _WILDCARDS[before][1],
                )


def _protocols(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell of protocol names that stand for other numbers, and of rules without a protocol."""
    silent = []
    for old, new in zip(pair.old.acls or (), pair.new.acls or (), strict=False):
        if old.proto and new.proto and old.proto.numbers != new.proto.numbers:
            yield pair.changed(
                f"protocol `{new.proto.text}` is",
                _numbers(old.proto.numbers),
                _numbers(new.proto.numbers),
                new.proto.span,
                "write a rule for each protocol, by number where a name lacks",
            )
        elif new.proto is None and old.proto is None:
            silent.append(new)
    if silent and pair.differs(lambda target: target.meaning.default_protocols):
        count = len(silent)
        yield pair.changed(
            "a rule without `proto` is for"
            if count == 1
            else f"{count} rules without `proto` are for",
            _default(pair.old.target),
            _default(pair.new.target),
            silent[0].span,
            'name the protocol; with `"proto": "icmp"` in a rule of its own where pings matter',
        )


def _numbers(numbers: Iterable[int]) -> str:
    return " and ".join(str(number) for number in numbers)


def _default(target: Target) -> str:
    numbers = target.meaning.default_protocols
    return "TCP, UDP and ICMP" if numbers is None else f"protocols {_numbers(numbers)} alone"


def _kinds(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell of words that are selectors of another kind, such as `user:*@domain`."""
    before = {selector.span: selector for selector in named_selectors(pair.old)}
    for selector in named_selectors(pair.new):
        old = before.get(selector.span)
        if old is None or old.kind is selector.kind or K.HOST in (old.kind, selector.kind):
            continue
        yield pair.changed(
            f"`{selector.text}` is",
            old.kind.value,
            selector.kind.value,
            selector.span,
            "name the users, or a group of them",
        )


_BRINGS = {
    Brings.NOTHING: "these addresses alone",
    Brings.NODE_AT_BASE: "these addresses and all others of the node at its first one",
    Brings.NODES_INSIDE: "these addresses and all others of the nodes inside",
}


def _brought_addresses(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell what hosts, addresses and CIDRs bring along; of each name once."""
    old, new = pair.old.target.meaning, pair.new.target.meaning
    seen: set[Selector] = set()
    for selector in _rule_selectors(pair.new):
        if selector.kind not in (K.HOST, K.IP, K.CIDR) or selector in seen:
            continue
        seen.add(selector)
        is_host = selector.kind is K.HOST
        before = old.host_brings if is_host else old.cidr_brings
        after = new.host_brings if is_host else new.cidr_brings
        if selector.kind is K.IP and Brings.NOTHING not in (before, after):
            continue  # of one address, the first is the only one
        if before is not after:
            yield pair.changed(
                f"`{selector.text}` is",
                _BRINGS[before],
                _BRINGS[after],
                selector.span,
                "name the device by its tag or user, or write each of its addresses",
            )


def _rule_selectors(policy: Policy) -> Iterator[Selector]:
    rules: Iterable[AclRule | Grant] = chain(policy.acls or (), policy.grants or ())
    return chain.from_iterable(map(ends, rules))


def _host_values(pair: _Pair) -> Iterator[Diagnostic]:
    before = {host.name.span: host for host in pair.old.hosts}
    for host in pair.new.hosts:
        old = before.get(host.name.span)
        if old is not None and old.prefix != host.prefix:
            yield pair.changed(
                f"host `{host.name.value}` is",
                f"all of `{old.prefix}`",
                f"`{host.prefix}`",
                host.value.span,
                "write the length of the prefix, such as `/128`",
            )


def _user_words(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell of names that are compared in another way; refused words are told as such."""
    before, after = (p.target.meaning.user_words for p in (pair.old, pair.new))
    users = [s for s in named_selectors(pair.new) if s.kind is K.USER]
    if users and before is not after and UserWords.NAME in (before, after):
        yield pair.changed(
            "the word for a user is",
            before.value,
            after.value,
            users[0].span,
            "see with `headscale users list` that each word names the user that you mean",
        )


def _tagged_nodes(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell which selectors a tagged node answers to."""
    named = [s for s in _rule_selectors(pair.new) if s.kind in (K.USER, K.GROUP)]
    if named and pair.differs(lambda target: target.meaning.tagged_nodes):
        before, after = (p.target.meaning.tagged_nodes for p in (pair.old, pair.new))
        yield pair.changed(
            "a tagged node counts for its user",
            _COUNTS[before],
            _COUNTS[after],
            named[0].span,
            "name tagged devices by their tags",
        )
    tags = pair.new.sections.get("tagOwners")
    if tags is not None and pair.differs(lambda target: target.meaning.advertised_tags):
        counted = {True: "as long as an owner may set them", False: "once set at registration"}
        yield pair.changed(
            "tags that a node asks for count",
            counted[pair.old.target.meaning.advertised_tags],
            counted[pair.new.target.meaning.advertised_tags],
            tags,
            "see with `headscale nodes list` that all nodes have their tags",
        )


_COUNTS = {
    TaggedNodes.TAG_ONLY: "never",
    TaggedNodes.UNLESS_FORCED: "unless the tag was given by command line or key",
    TaggedNodes.IN_GROUPS: "as a member of groups only",
}


def _broken_groups(pair: _Pair) -> Iterator[Diagnostic]:
    beside_self = pair.new.groups and pair.new.names_self
    if beside_self and pair.differs(lambda target: target.meaning.broken_groups):
        counted = {True: "nobody", False: "its other members"}
        yield pair.changed(
            "beside `autogroup:self`, to access rules, a group with an unknown member is",
            counted[pair.old.target.meaning.broken_groups],
            counted[pair.new.target.meaning.broken_groups],
            pair.new.groups[0].name.span,
            "remove members that don't exist",
        )


def _routers(pair: _Pair) -> Iterator[Diagnostic]:
    addresses = (K.HOST, K.IP, K.CIDR)
    named = [s for s in _rule_selectors(pair.new) if s.kind in addresses]
    if named and pair.differs(lambda target: target.meaning.advertised_routes):
        sent = {True: "routes that they advertise", False: "approved routes"}
        yield pair.changed(
            "subnet routers are sent rules for",
            sent[pair.old.target.meaning.advertised_routes],
            sent[pair.new.target.meaning.advertised_routes],
            named[0].span,
            "approve the routes that are in use",
        )
    approvers = pair.new.sections.get("autoApprovers")
    if approvers is not None and pair.differs(lambda target: target.meaning.approves_on_change):
        when = {True: "also when the policy changes", False: "only when they are advertised"}
        yield pair.changed(
            "routes are approved",
            when[pair.old.target.meaning.approves_on_change],
            when[pair.new.target.meaning.approves_on_change],
            approvers,
            "see which advertised routes this approves",
        )


_CHECKS = {
    Checks.ASK: "asks the user to authenticate again",
    Checks.LIMIT: "accepts, and ends the session after `checkPeriod`",
}


def _ssh(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell what SSH rules mean: checks, forwarding, `root`, and how users are known."""
    old, new = pair.old.target.meaning, pair.new.target.meaning
    accepts = []
    for rule in pair.new.ssh:
        action = _action(rule)
        if action == "check" and old.check is not new.check and rule.action is not None:
            yield pair.changed(
                "`check`",
                _CHECKS[old.check],
                _CHECKS[new.check],
                rule.action.span,
                "write `accept` where nobody can answer, as from tagged devices",
            )
        elif action == "accept":
            accepts.append(rule)
        if old.ssh_root_as_requested is not new.ssh_root_as_requested:
            yield from _root(pair, rule)
    if accepts and old.ssh_forwarding != new.ssh_forwarding:
        yield pair.changed(
            "an SSH `accept` forwards",
            _listed(old.ssh_forwarding),
            _listed(new.ssh_forwarding),
            accepts[0].span,
            "restrict it in the SSH servers if that is too much",
        )
    users = [s for rule in pair.new.ssh for s in rule.src if s.kind in (K.USER, K.GROUP)]
    if users and old.ssh_logins_as_principals is not new.ssh_logins_as_principals:
        known = {True: "their login", False: "the addresses of their nodes"}
        yield pair.changed(
            "users are known to SSH servers by",
            known[old.ssh_logins_as_principals],
            known[new.ssh_logins_as_principals],
            users[0].span,
            "see that tagged devices of these users have rules of their own",
        )


def _root(pair: _Pair, rule: SshRule) -> Iterator[Diagnostic]:
    sent = {True: "the name that was asked for, which newer clients refuse", False: "`root`"}
    for login in rule.users:
        if login.value.strip() == "root":
            yield pair.changed(
                "`root` is sent as",
                sent[pair.old.target.meaning.ssh_root_as_requested],
                sent[pair.new.target.meaning.ssh_root_as_requested],
                login.span,
                "nothing is to be done if root logins are meant",
            )


def _action(rule: SshRule) -> str:
    return rule.action.value.strip() if rule.action else ""


def _listed(names: Iterable[str]) -> str:
    order = {"agent": "the agent", "local": "local ports", "remote": "remote ports"}
    held = set(names)
    return ", ".join(text for name, text in order.items() if name in held)


def _duplicates(pair: _Pair) -> Iterator[Diagnostic]:
    """Tell of sections given twice, which one target merges and the other does not."""
    after = _names(pair.new)
    for section, names in _names(pair.old).items():
        if names != after[section] and section in pair.new.sections:
            yield pair.changed(
                f"of `{section}`, given twice,",
                pair.old.target.duplicates.value,
                pair.new.target.duplicates.value,
                pair.new.sections[section],
                "join the two",
            )


def _names(policy: Policy) -> dict[str, frozenset[str]]:
    """Return the names that each section of names defines."""
    return {
        "groups": frozenset(group.name.value for group in policy.groups),
        "hosts": frozenset(host.name.value for host in policy.hosts),
        "tagOwners": frozenset(tag.name.value for tag in policy.tag_owners),
    }


_NOTES: tuple[Callable[[_Pair], Iterator[Diagnostic]], ...] = (
    _absent_rules,
    _duplicates,
    _host_values,
    _kinds,
    _wildcard_sources,
    _protocols,
    _brought_addresses,
    _user_words,
    _tagged_nodes,
    _broken_groups,
    _routers,
    _ssh,
)
