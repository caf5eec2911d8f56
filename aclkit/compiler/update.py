"""The next state: compiled rules after a few changes of the tailnet, without compiling again.

Only the classes that nodes left or joined are looked at, and only the source sets and cells that
name them are resolved again. What a change costs does not grow with the nodes.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from aclkit.addresses import Prefix
from aclkit.compiler.cells import CellBuilder
from aclkit.compiler.class_changes import ClassChanges, routers_of
from aclkit.compiler.classes import Classes, NodeClass
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.signatures import Signature, services_of
from aclkit.compiler.ssh import compile_ssh
from aclkit.tailnet.model import Node, creation_order
from aclkit.tailnet.roster import NodeStep, Step
from aclkit.target import Brings, Meaning, UserWords


@dataclass(frozen=True, slots=True)
class Shift:
    """Nodes that went together from one class to another, or whose class has other words now.

    Attributes:
        nodes: their numbers.
        before: their class in the state before; None when they joined.
        after: their class in the state after; None when they left.
        moved: whether their name, their addresses or their place in the order changed.
    """

    nodes: tuple[int, ...]
    before: int | None
    after: int | None
    moved: bool = False


@dataclass(frozen=True, slots=True)
class Update:
    """What became of compiled rules.

    Attributes:
        shifts: the nodes that are not what they were; every other node has its old class.
        routes: approved subnet routes of which a router changed, or a node that lies in them.
        resolved: how many source sets and cells were resolved again.
    """

    rules: CompiledRules
    shifts: tuple[Shift, ...]
    routes: frozenset[Prefix]
    resolved: int


def update(rules: CompiledRules, step: Step) -> Update | None:
    """Return *rules* after *step*; None when they have to be compiled from scratch.

    From scratch goes what changes what names and addresses stand for: an address inside a routed
    subnet, a new subnet route near an address, a service, and for some versions of Headscale more.
    """
    meaning = rules.policy.target.meaning
    if rules.mentions is None or meaning.advertised_routes or meaning.broken_groups:
        return None
    if step.services_changed:
        return None
    if step.users_changed and meaning.user_words is not UserWords.LOGIN:
        return None
    draft = _Draft(rules, step)
    return draft.finished() if draft.make() else None


def _brings(meaning: Meaning) -> bool:
    return not (meaning.cidr_brings is meaning.host_brings is Brings.NOTHING)


@dataclass(slots=True)
class _Draft:
    """The next state in the making."""

    rules: CompiledRules
    step: Step
    changes: ClassChanges = field(init=False)
    shifts: list[Shift] = field(default_factory=list)
    routes: set[Prefix] = field(default_factory=set)

    def __post_init__(self) -> None:
        rules, step = self.rules, self.step
        signer = rules.classes.signer
        if step.logins or step.users_changed:
            resolver = rules.resolver.following(step.roster.by_login, step.groups)
            signer = replace(signer, resolver=resolver)
        if step.roster.services is not rules.roster.services:
            signer = replace(signer, services=services_of(step.roster.services))
        self.changes = ClassChanges.of(
            rules.classes, step.roster.nodes, signer, rules.attribute_table, rules.attributes,
            rules.ipv4_disabled,
        )  # fmt: skip

    def make(self) -> bool:
        """Work the changes in; return False when that can't be done here."""
        stepped = {each.number for each in self.step.nodes}
        return all(self._move(each) for each in self.step.nodes) and all(
            self._reword(login, stepped) for login in sorted(self.step.logins)
        )

    def _move(self, each: NodeStep) -> bool:
        """Take a node from its class to another."""
        changes = self.changes
        classes = changes.classes
        before: NodeClass | None = None
        after: NodeClass | None = None
        if each.before is not None:
            before = changes.class_of(each.number)
            if not self._stays_apart(before, each.before):
                return False
        signature: Signature | None = None
        words: tuple[str, ...] = ()
        if each.after is not None:
            words = classes.signer.words(each.after)
            routes = classes.signer.routes(each.after, words)
            for route in routes:
                if not (route.is_default or route in classes.route_literals):
                    if self.step.roster.may_be_inside(route):
                        return False
                    changes.admit_route(route)
            signature = classes.signer.sign(each.after, routes, classes.literals)
        moved = each.before is None or each.after is None or _moved(each.before, each.after)
        if before is not None and signature == before.signature:
            self.shifts.append(Shift((each.number,), before.number, before.number, moved))
            return True
        if before is not None:
            changes.take(each.number)
        if each.after is not None and signature is not None:
            after = changes.put(each.number, signature, words)
            if not self._stays_apart(after, each.after):
                return False
        self.shifts.append(
            Shift(
                (each.number,),
                None if before is None else before.number,
                None if after is None else after.number,
                moved,
            )
        )
        return True

    def _stays_apart(self, each: NodeClass, node: Node) -> bool:
        """Note the routes of a node; return whether its addresses are no matter of any route.

        Nor may any selector bring them along, as some targets do.
        """
        classes = self.changes.classes
        self.routes.update(each.signature.routes)
        hits = {*each.signature.hits4, *each.signature.hits6}
        if not hits:
            return True
        if _brings(self.rules.policy.target.meaning):
            return False
        return hits.isdisjoint(classes.route_literals.values())

    def _reword(self, login: str, stepped: set[int]) -> bool:
        """Give the classes of a user the words that the user has now."""
        changes = self.changes
        classes = changes.classes
        for number in classes.by_user.get(login, ()):
            nodes = [node for node in classes.classes[number].nodes if node not in stepped]
            if any(_follows_approvals(classes.nodes[node]) for node in nodes):
                # Who approves routes may be another one now, node by node.
                same = (NodeStep(node, classes.nodes[node], classes.nodes[node]) for node in nodes)
                if not all(self._move(step) for step in same):
                    return False
            each = classes.classes[number]
            if not each.nodes:
                continue
            words = (*classes.signer.words(classes.nodes[each.nodes[0]]), *each.signature.services)
            if words != each.words:
                hits = {*each.signature.hits4, *each.signature.hits6}
                around = (r for r in classes.met_routes if classes.route_literals[r] in hits)
                self.routes.update(each.signature.routes, around)
                changes.reword(each, words)
                left = tuple(node for node in each.nodes if node not in stepped)
                self.shifts.append(Shift(left, number, number))
        return True

    def finished(self) -> Update:
        """Return the next state."""
        rules, changes = self.rules, self.changes
        classes = changes.classes
        stale_sources, stale_cells = self._stale()
        changes.settle_routes(self.routes)
        builder = CellBuilder(
            classes.signer.resolver, classes, classes.signer.postures.numbers, _known=rules.known
        )
        sources, cells = rules.sources, rules.cells
        if stale_sources or stale_cells:
            sources, cells = builder.renewed(sources, cells, stale_sources, stale_cells)
        ssh = replace(rules.ssh, roster=self.step.roster, classes=classes)
        if rules.policy.ssh and (changes.came_or_went or changes.reworded):
            builder.sources[:] = sources
            ssh = replace(ssh, rules=compile_ssh(rules.policy, builder))
        after = replace(
            rules, roster=self.step.roster, resolver=classes.signer.resolver, classes=classes,
            sources=sources, cells=cells, primaries=self._primaries(classes),
            attributes=changes.attributes, ipv4_disabled=changes.ipv4_disabled, ssh=ssh,
        )  # fmt: skip
        return Update(after, tuple(self.shifts), frozenset(self.routes), builder.resolved)

    def _stale(self) -> tuple[set[int], set[int]]:
        """Return the source sets and cells in which a class that came or went may have part.

        What overlaps its routes is among them, so also what names a route that is new or gone.
        """
        sources, cells = set[int](), set[int]()
        mentions, classes = self.rules.mentions, self.changes.classes
        assert mentions is not None
        if not self.routes.isdisjoint(classes.met_routes):
            # Whatever names a node inside of such a route has part in its routers.
            return set(range(len(self.rules.sources))), set(range(len(self.rules.cells)))
        to_exits = self.rules.policy.target.meaning.exits_serve_internet
        for each in self.changes.came_or_went:
            sources |= mentions.sources(each, classes)
            cells |= mentions.cells(each, classes)
            if to_exits and each.signature.exits:
                cells.update(range(len(self.rules.cells)))
        sources |= mentions.sources_naming(self.changes.reworded)
        cells |= mentions.cells_naming(self.changes.reworded)
        return sources, cells

    def _primaries(self, classes: Classes) -> dict[Prefix, int]:
        if not self.routes:
            return self.rules.primaries
        primaries = dict(self.rules.primaries)
        roster = self.step.roster
        for route in self.routes:
            online = [node for node in routers_of(classes, route) if roster.nodes[node].online]
            if online:
                primaries[route] = min(online, key=roster.rank)
            else:
                primaries.pop(route, None)
        return primaries


def _moved(before: Node, after: Node) -> bool:
    """Return whether its name, its addresses or its place among others differ."""
    old = before.name, before.addresses, creation_order(before)
    return old != (after.name, after.addresses, creation_order(after))


def _follows_approvals(node: Node) -> bool:
    return bool(node.advertised_routes) and node.approved_routes is None
