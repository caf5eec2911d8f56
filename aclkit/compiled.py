"""A compiled policy: what each node is sent, and who reaches whom.

`compile_policy` resolves names and builds the cells; everything else is rendered when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from aclkit.addresses import Prefix
from aclkit.compiler.compiled_rules import CompiledRules, compile_rules
from aclkit.compiler.filters import Explained, ExplainedSsh, Filters, Origin
from aclkit.compiler.ownership import TagOwnership
from aclkit.compiler.peers import Visibility
from aclkit.compiler.routes import RouteApprovals
from aclkit.compiler.update import Update, update
from aclkit.diagnostics import Diagnostic, PolicyError
from aclkit.evaluator.query import ask
from aclkit.evaluator.reach import Reach
from aclkit.evaluator.regions import Regions
from aclkit.evaluator.sshquery import ask_ssh
from aclkit.evaluator.verdicts import SshVerdict as SshVerdict
from aclkit.evaluator.verdicts import Verdict as Verdict
from aclkit.policy.model import Policy
from aclkit.policy.refusal import refusal_words
from aclkit.tailcfg import FilterRule, SSHRule
from aclkit.tailnet.model import Node, Tailnet
from aclkit.tailnet.policy_names import check_names
from aclkit.tailnet.roster import Roster, Step

SUGGEST_EXIT_NODE = "suggest-exit-node"


@dataclass(frozen=True, slots=True)
class Peer:
    """A node as another one sees it.

    Attributes:
        addresses: as prefixes, IPv4 first.
        routes: the routes shown beyond its own addresses: subnet routes, then exit routes.
        cap_map: capabilities that the peer is shown with.
        granted_caps: what the peer is granted on the node that sees it.
    """

    name: str
    addresses: tuple[str, ...]
    routes: tuple[str, ...]
    cap_map: dict[str, Any]
    granted_caps: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Return the peer as plain data."""
        return {
            "name": self.name,
            "addresses": list(self.addresses),
            "routes": list(self.routes),
            "cap_map": self.cap_map,
            "granted_caps": self.granted_caps,
        }


@dataclass(frozen=True, slots=True, repr=False)
class Netmap:
    """What one node is sent of what the policy decides. Each part is rendered when read."""

    _compiled: CompiledPolicy
    _node: int

    def __repr__(self) -> str:
        return f"<Netmap of {self.name}>"

    @property
    def name(self) -> str:
        """Return the name of the node."""
        return self._compiled.rules.nodes[self._node].name

    @property
    def addresses(self) -> tuple[str, ...]:
        """Return the node's addresses as prefixes, IPv4 first."""
        return tuple(str(Prefix.of(each)) for each in self._compiled.rules.addresses(self._node))

    @property
    def packet_filter_rules(self) -> tuple[FilterRule, ...]:
        """Return the packet filter, in the order of the control plane."""
        return self._compiled.filters.node_rules(self._node)

    def explain(self) -> tuple[Explained, ...]:
        """Return `packet_filter_rules`, each with the entries of the policy behind it."""
        return self._compiled.filters.explained(self._node)

    @property
    def ssh_rules(self) -> tuple[SSHRule, ...]:
        """Return the SSH rules; the first that matches decides."""
        return self._compiled.rules.ssh.node_rules(self._node)

    def explain_ssh(self) -> tuple[ExplainedSsh, ...]:
        """Return `ssh_rules`, each with the entry of the policy behind it."""
        return tuple(
            ExplainedSsh(rule, Origin("ssh", found.number, found.rule.span))
            for rule, found in self._compiled.rules.ssh.explained(self._node)
        )

    @property
    def cap_map(self) -> dict[str, Any]:
        """Return the node's own capabilities, as node attributes give them."""
        rules = self._compiled.rules
        return dict.fromkeys(rules.attributes.get(rules.classes.class_of[self._node], ()))

    @property
    def peers(self) -> tuple[Peer, ...]:
        """Return the nodes that this one sees, in the order of creation."""
        compiled = self._compiled
        found = compiled.rules.roster.in_order(compiled.visibility.peers(self._node))
        return tuple(compiled.peer(self._node, peer) for peer in found)

    def to_dict(self) -> dict[str, Any]:
        """Return all parts as plain data."""
        return {
            "name": self.name,
            "addresses": list(self.addresses),
            "packet_filter_rules": [rule.to_dict() for rule in self.packet_filter_rules],
            "ssh_rules": [rule.to_dict() for rule in self.ssh_rules],
            "cap_map": self.cap_map,
            "peers": [peer.to_dict() for peer in self.peers],
        }


@dataclass(frozen=True, slots=True, repr=False)
class CompiledPolicy:
    """A policy compiled for a tailnet. Immutable and picklable.

    `warnings` is what the tailnet showed of the policy, such as users that it does not have.
    """

    rules: CompiledRules
    filters: Filters
    visibility: Visibility
    reach: Reach
    regions: Regions
    ownership: TagOwnership
    warnings: tuple[Diagnostic, ...] = ()

    def __repr__(self) -> str:
        rules = self.rules
        return f"<CompiledPolicy: {len(rules.rules)} rules for {len(rules.nodes)} nodes>"

    def prepare(self) -> None:
        """Do now what the first change of the tailnet, or the first filter, would wait for."""
        self.rules.classes.persist()
        self.filters.prepare()

    def after(self, step: Step) -> tuple[CompiledPolicy, Update] | None:
        """Return the same policy after *step*, and what it did; None when only compiling will do.

        It costs no more than the classes of the nodes that *step* changes.
        """
        found = update(self.rules, step)
        if found is None:
            return None
        changed = 0
        for shift in found.shifts:
            for number in (shift.before, shift.after):
                changed |= 0 if number is None else 1 << number
        rules = found.rules
        visibility, reach = Visibility(rules), self.reach.following(rules)
        after = replace(
            self,
            rules=rules,
            filters=self.filters.following(rules, changed),
            visibility=visibility,
            reach=reach,
            regions=Regions(rules, visibility, reach),
        )
        return after, found

    def node_number(self, name_or_id: str) -> int:
        """Return the number of a node: its place in the order of creation.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        return self.rules.number_of(name_or_id)

    def netmap(self, name_or_id: str) -> Netmap:
        """Return what the node is sent.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        return Netmap(self, self.node_number(name_or_id))

    def reaches(self, src: str, dst: str, port: int, proto: str = "tcp") -> bool:
        """Return whether node *src* can open a connection to *port* of node *dst*.

        *proto* is a protocol name or number. As with a client's packet filter, ICMP passes
        wherever any rule opens anything (docs/reference/client.md).

        Raises:
            UnknownNameError: the tailnet has no such node.
            ValueError: no such protocol, or a port outside of 0 to 65535.
        """
        if not 0 <= port <= 65535:
            raise ValueError(f"{port} is not a port")
        known = self.reach.ends
        a = known.get(src) or self.reach.end(src)
        b = known.get(dst) or self.reach.end(dst)
        return self.reach.opens(a, b, port, proto)

    def query(self, src: str, dst: str, port: int, proto: str | None = None) -> Verdict:
        """Answer whether *src* reaches *port* of *dst*.

        Each side is the name of a node, any selector of the policy language, an address or a route.
        Without *proto* the question is about TCP. A device is not asked to reach itself, unless
        nothing else is asked.

        Raises:
            UnknownSideError: a side is neither a node nor a selector.
            ValueError: no such protocol, or a port outside of 0 to 65535.
        """
        question = ask(self.regions, src, dst, port, proto)
        return Verdict(question, question.allowed)

    def query_ssh(self, src: str, dst: str, login: str) -> SshVerdict:
        """Answer whether *src* logs in to *dst* as *login* by SSH.

        The sides are those of `query`. It takes an entry of `ssh` and a rule that opens port 22.

        Raises:
            UnknownSideError: a side is neither a node nor a selector.
            ValueError: *login* is empty, or a word for many names, such as `autogroup:nonroot`.
        """
        question = ask_ssh(self.regions, src, dst, login)
        return SshVerdict(question, question.allowed)

    def can_have_tag(self, who: str, tag: str) -> bool:
        """Return whether *who*, a node by name or a user by login, may put *tag* on a node.

        A tagged node counts as a holder of its tags. False for a tag that is not declared.

        Raises:
            UnknownNameError: the tailnet has no such node or user.
        """
        tailnet, resolver = self.rules.tailnet, self.rules.resolver
        if "@" in who:
            return self.ownership.may_assign(resolver.words_of_user(tailnet.user(who).login), tag)
        node = self.rules.nodes[self.node_number(who)]
        return self.ownership.may_assign(self._words_of(node), tag)

    def tag_exists(self, tag: str) -> bool:
        """Return whether the policy declares *tag* in `tagOwners`."""
        return self.ownership.exists(tag)

    def tag_owned_by_tags(self, tag: str, tags: Iterable[str]) -> bool:
        """Return whether a holder of *tags*, such as an auth key, may put *tag* on a node."""
        return self.ownership.owned_by_tags(tag, tags)

    def ssh_check(self, src: str, dst: str) -> timedelta | None:
        """Return how long an answer to the SSH check from node *src* to node *dst* holds.

        That of the first check rule between them, 12 hours where it does not say; zero asks every
        time. None when no check rule is between them. Up to Headscale 0.28 a check asks nobody, and
        this is what a session is limited to.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        class_of = self.rules.classes.class_of
        a, b = class_of[self.node_number(src)], class_of[self.node_number(dst)]
        return self.rules.ssh.check_period(a, b)

    def _words_of(self, node: Node) -> tuple[str, ...]:
        resolver = self.rules.resolver
        return (
            resolver.words_of_tags(node.tags)
            if node.tags
            else resolver.words_of_user(node.user or "")
        )

    def auto_approved_routes(self, name_or_id: str) -> tuple[str, ...]:
        """Return the advertised routes of a node that the policy approves unasked."""
        node = self.rules.nodes[self.node_number(name_or_id)]
        approved = RouteApprovals(self.rules.resolver).approved(node, self._words_of(node))
        return tuple(str(route) for route in sorted(approved))

    def primary_routes(self, name_or_id: str) -> tuple[str, ...]:
        """Return the subnet routes of which a node is the elected router."""
        number = self.node_number(name_or_id)
        primaries = self.rules.primaries
        return tuple(str(r) for r in sorted(primaries) if primaries[r] == number)

    def peer(self, viewer: int, peer: int) -> Peer:
        """Return node *peer* as node *viewer* sees it."""
        rules = self.rules
        node, addresses = rules.roster.nodes[peer], rules.addresses(peer)
        if rules.ipv4_disabled and rules.ipv4_disabled >> rules.classes.class_of[viewer] & 1:
            # A node without IPv4 is not shown any (recording nodeattrs-attr-c15-disable-ipv4).
            addresses = tuple(address for address in addresses if address.family == 6)
        signature = rules.class_of(peer).signature
        routes: Iterable[Prefix] = ()
        if signature.routes or signature.exits:
            routes = self.visibility.shown_routes(viewer, peer)
        return Peer(
            node.name,
            tuple([f"{address}/{address.family.width}" for address in addresses]),
            tuple(map(str, routes)),
            {SUGGEST_EXIT_NODE: None} if signature.exits else {},
            self.reach.granted_caps(peer, viewer),
        )


def compile_policy(
    policy: Policy,
    tailnet: Tailnet,
    *,
    roster: Roster | None = None,
    like: CompiledPolicy | None = None,
) -> CompiledPolicy:
    """Compile *policy* for *tailnet*.

    An engine gives the tailnet's *roster* too, and the policy before, so that the two can be
    compared.

    Raises:
        PolicyError: the tailnet shows that the policy would be refused (foreign domains).
        TypeError: *policy* is not what `load_policy` returns, or *tailnet* is no `Tailnet`.
    """
    if not isinstance(policy, Policy) or not isinstance(tailnet, Tailnet):
        given = f"{type(policy).__name__} and {type(tailnet).__name__}"
        raise TypeError(f"compile_policy takes a Policy and a Tailnet, not {given}")
    diagnostics: list[Diagnostic] = []
    check_names(policy, tailnet, diagnostics)
    words = refusal_words(policy, diagnostics)
    if words is not None:
        raise PolicyError(diagnostics, words, policy.source, policy.target.name)
    rules = compile_rules(policy, tailnet, roster, None if like is None else like.rules)
    visibility, reach = Visibility(rules), Reach(rules)
    return CompiledPolicy(
        rules,
        Filters.of(rules),
        visibility,
        reach,
        Regions(rules, visibility, reach),
        TagOwnership(policy),
        tuple(diagnostics),
    )
