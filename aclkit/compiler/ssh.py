"""SSH rules: who may log in where as whom (docs/reference/ssh.md).

SSH is first-match, unlike access rules, so it is kept apart from them: check rules come before
accept rules, each in file order, and nothing is merged.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import timedelta

from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import CellBuilder
from aclkit.compiler.classes import Classes, NodeClass
from aclkit.policy.durations import parse_duration
from aclkit.policy.model import Policy, SshRule
from aclkit.policy.walk import localpart_domain
from aclkit.resolver import TAGGED, word_of
from aclkit.tailcfg import SSHAction, SSHRule
from aclkit.tailnet.model import Node, User

ACCEPT = SSHAction(
    accept=True,
    allow_agent_forwarding=True,
    allow_local_port_forwarding=True,
    allow_remote_port_forwarding=True,
)
CHECK = SSHAction(
    hold_and_delegate="https://unused/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID"
    "?local_user=$LOCAL_USER"
)
NONROOT = "autogroup:nonroot"
ALWAYS = "always"
DEFAULT_CHECK_PERIOD = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class CompiledSshRule:
    """One entry of `ssh`, resolved to sets of classes.

    Attributes:
        number: its index in the policy.
        sources: classes whose nodes may log in.
        anybody: the same without the condition of `postures`, of which one must be met.
        destinations: classes whose nodes are open to them.
        own: whether `autogroup:self` is a destination.
        repeats: whether a tagged source stands once for each of its tags.
        users: the map of logins, `localpart:` aside.
        localparts: domains whose users may log in under the local part of their name.
    """

    number: int
    rule: SshRule
    checks: bool
    sources: int
    anybody: int
    postures: tuple[str, ...]
    destinations: int
    own: bool
    repeats: bool
    users: dict[str, str]
    localparts: tuple[str, ...]
    accept_env: tuple[str, ...]

    @property
    def action(self) -> SSHAction:
        """Return what happens to a session that matches."""
        return CHECK if self.checks else ACCEPT


def compile_ssh(policy: Policy, builder: CellBuilder) -> tuple[CompiledSshRule, ...]:
    """Return the SSH rules in the order in which clients try them."""
    compiled = []
    default = tuple(name.value for name in policy.default_src_posture)
    for number, rule in enumerate(policy.ssh):
        if not rule.src or not rule.dst:
            continue
        postures = tuple(name.value for name in rule.src_posture) or default
        source = builder.source_set(rule.src, postures)
        destinations = 0
        for selector in rule.dst:
            if not selector.is_autogroup("self"):
                destinations |= builder.classes.with_word(word_of(selector))
        logins = [user.value.strip() for user in rule.users]
        domains = [localpart_domain(login) for login in logins]
        compiled.append(
            CompiledSshRule(
                number,
                rule,
                rule.action is not None and rule.action.value.strip() == "check",
                source.identity,
                source.base.identity,
                source.postures,
                destinations,
                any(selector.is_autogroup("self") for selector in rule.dst),
                any(selector.text == TAGGED for selector in rule.src),
                _user_map(login for login, d in zip(logins, domains, strict=True) if d is None),
                tuple(dict.fromkeys(domain for domain in domains if domain is not None)),
                tuple(name.value for name in rule.accept_env),
            )
        )
    compiled.sort(key=lambda each: not each.checks)
    return tuple(compiled)


def _user_map(logins: Iterable[str]) -> dict[str, str]:
    """Return the map of logins; root is in it always, empty where it is not let in."""
    users = {"root": ""}
    for login in logins:
        if login == NONROOT:
            users["*"] = "="
        else:
            users[login] = login
    return users


@dataclass(slots=True)
class SshPolicies:
    """Renders SSH policies node by node, and decides single logins."""

    rules: tuple[CompiledSshRule, ...]
    nodes: tuple[Node, ...]
    users: tuple[User, ...]
    classes: Classes
    _user_order: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._user_order = {user.login: place for place, user in enumerate(self.users)}

    def node_rules(self, node: int) -> tuple[SSHRule, ...]:
        """Return the SSH rules of the node with number *node*, in order."""
        each = self.classes.classes[self.classes.class_of[node]]
        return tuple(found for rule in self.rules for found in self._rendered(rule, each, node))

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
        for number in sorted(nodes):
            user = self.nodes[number].user
            if user is None:
                tagged.append(number)
            else:
                by_user.setdefault(user, []).append(number)
        for user in sorted(by_user, key=lambda login: self._user_order.get(login, len(self.users))):
            yield from self._one(rule, by_user[user], rule.users)
            local, _, domain = user.rpartition("@")
            if domain in rule.localparts:
                yield from self._one(rule, by_user[user], {local: local})
        yield from self._one(rule, tagged, rule.users)

    def _one(
        self, rule: CompiledSshRule, nodes: Iterable[int], users: dict[str, str]
    ) -> Iterator[SSHRule]:
        principals = []
        for number in nodes:
            node = self.nodes[number]
            repeats = len(node.tags) if rule.repeats and node.tags else 1
            for address in self._addresses(number):
                principals.extend([address] * repeats)
        if principals:
            yield SSHRule(tuple(sorted(principals)), users, rule.action, rule.accept_env)

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
        return SshPolicies(supposed, self.nodes, self.users, self.classes)

    def sources_at(self, rule: CompiledSshRule, each: NodeClass) -> int:
        """Return the classes that *rule* lets into the nodes of a class."""
        if rule.destinations >> each.number & 1:
            return rule.sources
        if rule.own:
            return rule.sources & self._own_classes(each)
        return 0

    def check_period(self, src: int, dst: int) -> timedelta | None:
        """Return the period of the first check rule from class *src* to class *dst*."""
        each = self.classes.classes[dst]
        for rule in self.rules:
            if rule.checks and self.sources_at(rule, each) >> src & 1:
                period = rule.rule.check_period
                if period is None:
                    return DEFAULT_CHECK_PERIOD
                if period.value == ALWAYS:
                    return timedelta(0)
                return timedelta(microseconds=parse_duration(period.value) // 1000)
        return None

    def decide(self, src: int, dst: int, login: str) -> CompiledSshRule | None:
        """Return the rule by which a node of class *src* logs in to class *dst* as *login*.

        None when no rule does. The first that matches decides, as on a client.
        """
        each = self.classes.classes[dst]
        user = self.classes.classes[src].signature.user
        local, _, domain = (user or "").rpartition("@")
        for rule in self.rules:
            sources = self.sources_at(rule, each) or self.near_sources(rule, each)
            if not sources >> src & 1:
                continue
            if rule.users.get(login, rule.users.get("*", "")):
                return rule
            if user is not None and login == local and domain in rule.localparts:
                return rule
        return None
