"""SSH rules: who may log in where as whom (docs/reference/ssh.md).

SSH is first-match, unlike access rules, so it is kept apart from them: check rules come before
accept rules, each in file order, and nothing is merged. Where a check is an accept with a limit,
all are in file order. What targets differ in is read from their `Meaning`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta

from aclkit.compiler.attributes import target_classes
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import CellBuilder
from aclkit.compiler.classes import Classes, NodeClass
from aclkit.policy.durations import HOUR, parse_duration, parse_prometheus_duration
from aclkit.policy.model import Policy, SshRule
from aclkit.policy.walk import localpart_domain
from aclkit.resolver import TAGGED, as_source, word_of
from aclkit.tailcfg import SSHAction, SSHRule
from aclkit.tailnet.model import Node
from aclkit.tailnet.roster import Roster
from aclkit.tailnet.user_words import words_of
from aclkit.target import (
    Checks,
    Effect,
    Login,
    Meaning,
    Periods,
    SelectorKind,
    Target,
    UserWords,
)

CHECK = SSHAction(
    hold_and_delegate="https://unused/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID"
    "?local_user=$LOCAL_USER"
)
NONROOT = "autogroup:nonroot"
SAME = "="  # the local user of the name that was asked for
ALWAYS = "always"
DEFAULT_CHECK_PERIOD = 12 * HOUR


@dataclass(frozen=True, slots=True)
class CompiledSshRule:
    """One entry of `ssh`, resolved to sets of classes.

    Attributes:
        number: its index in the policy.
        checks: whether the user is asked to authenticate again.
        action: what happens to a session that matches.
        period: nanoseconds, of a check: for how long an answer holds, or what a session is limited
            to; None for no limit.
        sources: classes whose nodes may log in.
        anybody: the same without the condition of `postures`, of which one must be met.
        destinations: classes whose nodes are open to them.
        own: whether `autogroup:self` is a destination.
        repeats: whether a tagged source stands once for each of its tags.
        everybody: whether the sources are sent as anybody at all.
        by_login: classes that are sent as the logins of their users, not as addresses.
        users: the map of logins, `localpart:` aside.
        localparts: domains whose users may log in under the local part of their name.
    """

    number: int
    rule: SshRule
    checks: bool
    action: SSHAction
    period: int | None
    sources: int
    anybody: int
    postures: tuple[str, ...]
    destinations: int
    own: bool
    repeats: bool
    everybody: bool
    by_login: int
    users: dict[str, str]
    localparts: tuple[str, ...]
    accept_env: tuple[str, ...]

    def takers(self, login: str, classes: Classes) -> int:
        """Return the classes of which nodes are taken as *login*, wherever they may log in."""
        if self.knows(login):
            return self.sources
        users = (f"{login}@{domain}" for domain in self.localparts if "@" not in domain)
        return self.sources & bitset(c for user in users for c in classes.by_user.get(user, ()))

    def knows(self, login: str) -> bool:
        """Return whether the map of logins has *login*, or `*`; `localpart:` aside."""
        return bool(self._local_user(login))

    def lets_in(self, login: str) -> bool:
        """Return whether whoever is taken as *login* gets in when this rule decides."""
        # To some targets `*` is a login of just that name, which nobody has.
        return self._local_user(login) in ("", SAME, login)

    def _local_user(self, login: str) -> str:
        return self.users.get(login, self.users.get("*", ""))


def compile_ssh(policy: Policy, builder: CellBuilder) -> tuple[CompiledSshRule, ...]:
    """Return the SSH rules in the order in which clients try them."""
    default = tuple(name.value for name in policy.default_src_posture)
    compiled = [
        _compiled(number, rule, default, policy.target, builder)
        for number, rule in enumerate(policy.ssh)
        if rule.src and rule.dst and rule.action is not None
    ]
    compiled.sort(key=lambda each: not each.checks)
    return tuple(compiled)


def _compiled(
    number: int, rule: SshRule, default: tuple[str, ...], target: Target, builder: CellBuilder
) -> CompiledSshRule:
    classes, meaning = builder.classes, target.meaning
    postures = tuple(name.value for name in rule.src_posture) or default
    source = builder.source_set((as_source(each, meaning) for each in rule.src), postures)
    destinations = by_login = 0
    for selector in rule.dst:
        destinations |= target_classes(selector, builder.resolver, classes)
    if meaning.ssh_logins_as_principals:
        for selector in rule.src:
            if selector.kind in (SelectorKind.USER, SelectorKind.GROUP):
                by_login |= classes.with_word(word_of(selector))
    logins = [user.value.strip() if target.names.trims else user.value for user in rule.users]
    with_localparts = target.ssh.login(Login.LOCALPART) is Effect.WORKS
    domains = [localpart_domain(login) if with_localparts else None for login in logins]
    is_check = rule.action is not None and rule.action.value.strip() == "check"
    checks = is_check and meaning.check is Checks.ASK
    period = _period(rule, target) if is_check else None
    return CompiledSshRule(
        number,
        rule,
        checks,
        CHECK if checks else _accept(period, meaning),
        period,
        source.identity | source.covers4 | source.covers6,
        source.base.identity | source.base.covers4 | source.base.covers6,
        source.postures,
        destinations,
        any(selector.is_autogroup("self") for selector in rule.dst),
        any(selector.text == TAGGED for selector in rule.src),
        source.everything,
        by_login,
        _user_map([login for login, d in zip(logins, domains, strict=True) if d is None], target),
        tuple(dict.fromkeys(domain for domain in domains if domain is not None)),
        tuple(name.value for name in rule.accept_env),
    )


def _period(rule: SshRule, target: Target) -> int | None:
    """Return the nanoseconds of the period of a check rule, which is known to be sound."""
    if rule.check_period is None:
        return DEFAULT_CHECK_PERIOD if target.meaning.check is Checks.ASK else None
    if rule.check_period.value == ALWAYS:
        return 0
    parse = parse_duration if target.ssh.periods is Periods.GO else parse_prometheus_duration
    return parse(rule.check_period.value)


def _accept(period: int | None, meaning: Meaning) -> SSHAction:
    return SSHAction(
        accept=True,
        allow_agent_forwarding="agent" in meaning.ssh_forwarding,
        allow_local_port_forwarding="local" in meaning.ssh_forwarding,
        allow_remote_port_forwarding="remote" in meaning.ssh_forwarding,
        session_duration=period or 0,
    )


def _user_map(logins: Iterable[str], target: Target) -> dict[str, str]:
    """Return the map of logins; root is in it always, empty where it is not let in.

    Only where `*` is any login, root included, that decides for root too.
    """
    users = {"root": ""}
    for login in logins:
        if login == NONROOT and target.ssh.login(Login.NONROOT) is Effect.WORKS:
            users.setdefault("*", SAME)
        elif login == "*" and target.ssh.login(Login.WILDCARD) is Effect.WORKS:
            users = {"*": SAME} | {name: local for name, local in users.items() if local}
        else:
            users[login] = login
    if users.get("root") and target.meaning.ssh_root_as_requested:
        users["root"] = SAME
    return users


@dataclass(slots=True)
class SshPolicies:
    """Renders SSH policies node by node, and decides single logins."""

    rules: tuple[CompiledSshRule, ...]
    roster: Roster
    classes: Classes
    user_words: UserWords

    @property
    def nodes(self) -> Mapping[int, Node]:
        """Return the nodes, by number."""
        return self.roster.nodes

    def node_rules(self, node: int) -> tuple[SSHRule, ...]:
        """Return the SSH rules of the node with number *node*, in order."""
        return tuple(found for found, _ in self.explained(node))

    def explained(self, node: int) -> Iterator[tuple[SSHRule, CompiledSshRule]]:
        """Yield the SSH rules of a node, in order, each with the one that it comes from."""
        each = self.classes.classes[self.classes.class_of[node]]
        for rule in self.rules:
            for found in self._rendered(rule, each, node):
                yield found, rule

    def _rendered(self, rule: CompiledSshRule, each: NodeClass, node: int) -> Iterator[SSHRule]:
        sources = self.sources_at(rule, each)
        if sources:
            nodes = [n for c in members(sources) for n in self.classes.classes[c].nodes]
        elif near := self.near_sources(rule, each):
            if each.signature.user is None:
                nodes = [node]
            else:
                nodes = [n for c in members(near) for n in self.classes.classes[c].nodes]
        else:
            return
        if not rule.localparts:
            yield from self._one(rule, sorted(nodes), rule.users)
            return
        by_user: dict[str, list[int]] = {}
        tagged = []
        for number in self.roster.in_order(nodes):
            user = self.nodes[number].user
            if user is None:
                tagged.append(number)
            else:
                by_user.setdefault(user, []).append(number)
        order = self.roster.user_order
        for user in sorted(by_user, key=lambda login: order.get(login, len(order))):
            yield from self._one(rule, by_user[user], rule.users)
            local, _, domain = user.rpartition("@")
            if domain in rule.localparts:
                yield from self._one(rule, by_user[user], {local: local})
        yield from self._one(rule, tagged, rule.users)

    def _one(
        self, rule: CompiledSshRule, nodes: Iterable[int], users: dict[str, str]
    ) -> Iterator[SSHRule]:
        principals = []
        logins = set[str]()
        for number in nodes:
            node = self.nodes[number]
            if rule.by_login >> self.classes.class_of[number] & 1:
                logins.add(self._login(node))
                continue
            repeats = len(node.tags) if rule.repeats and node.tags else 1
            for address in self._addresses(number):
                principals.extend([address] * repeats)
        if rule.everybody:
            yield SSHRule((), users, rule.action, rule.accept_env, anybody=True)
        elif principals or logins:
            listed, names = tuple(sorted(principals)), tuple(sorted(logins))
            yield SSHRule(listed, users, rule.action, rule.accept_env, names)

    def _login(self, node: Node) -> str:
        """Return the name by which clients know the user of *node*."""
        return words_of(node.user or "", None, self.user_words)[0]

    def _addresses(self, number: int) -> list[str]:
        has4 = self.classes.has4 >> self.classes.class_of[number] & 1
        return [str(a) for a in self.nodes[number].addresses if has4 or a.family == 6]

    def _own_classes(self, each: NodeClass) -> int:
        user = each.signature.user
        return bitset(self.classes.by_user[user]) if user is not None else 0

    def near_sources(self, rule: CompiledSshRule, each: NodeClass) -> int:
        """Return the classes for which a rule is sent to a class that is no destination.

        The control plane sends rules with `localpart:` to their sources too: for the devices of
        their own user, or for a tagged source itself (recordings ssh-d4, ssh-e5).
        """
        if not rule.localparts:
            return 0
        own = self._own_classes(each) if each.signature.user is not None else 1 << each.number
        return rule.sources & own

    def supposing(self, met: frozenset[str]) -> SshPolicies:
        """Return the policies as if every source met the postures *met*, and no others."""
        supposed = tuple(
            replace(rule, sources=rule.anybody if not met.isdisjoint(rule.postures) else 0)
            if rule.postures
            else rule
            for rule in self.rules
        )
        return replace(self, rules=supposed)

    def sources_at(self, rule: CompiledSshRule, each: NodeClass) -> int:
        """Return the classes that *rule* lets into the nodes of a class."""
        if rule.destinations >> each.number & 1:
            return rule.sources
        if rule.own:
            return rule.sources & self._own_classes(each)
        return 0

    def check_period(self, src: int, dst: int) -> timedelta | None:
        """Return the period of the first check rule from class *src* to class *dst*.

        To some targets it is what a session is limited to, and a rule may leave it out.
        """
        each = self.classes.classes[dst]
        for rule in self.rules:
            if rule.period is not None and self.sources_at(rule, each) >> src & 1:
                return timedelta(microseconds=rule.period // 1000)
        return None

    def decide(self, src: int, dst: int, login: str) -> CompiledSshRule | None:
        """Return the rule by which the node *src* logs in to the node *dst* as *login*.

        None when no rule does. The first that matches decides, as on a client.
        """
        number = self.classes.class_of[src]
        each = self.classes.classes[self.classes.class_of[dst]]
        # What is sent to a tagged node for its own sake names that node alone.
        is_near = src == dst or each.signature.user is not None
        for rule in self.rules:
            sources = self.sources_at(rule, each)
            if not sources and is_near:
                sources = self.near_sources(rule, each)
            if sources >> number & 1 and rule.takers(login, self.classes) >> number & 1:
                return rule if rule.lets_in(login) else None
        return None
