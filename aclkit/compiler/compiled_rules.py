"""Compiling: a policy and a tailnet to cells over node classes.

`CompiledRules` is data. What a node is sent is rendered from it, node by node, when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from aclkit.addresses import Address, Family, Prefix
from aclkit.compiler.attributes import AttributeTable, without_ipv4
from aclkit.compiler.cells import Cell, CellBuilder, SourceName, SourceSet
from aclkit.compiler.classes import Classes, NodeClass, classify
from aclkit.compiler.literals import LiteralTable
from aclkit.compiler.mentions import Mentions
from aclkit.compiler.routes import elect_primaries
from aclkit.compiler.rules import AccessRule, access_rules
from aclkit.compiler.signatures import PostureResults, Signer, services_of
from aclkit.compiler.ssh import SshPolicies, compile_ssh
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.resolver import WILDCARD, Resolver, is_identity, word_of
from aclkit.tailnet.model import Node, Tailnet
from aclkit.tailnet.roster import Roster, address_key
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A policy compiled for a tailnet.

    Attributes:
        primaries: the primary router of each approved subnet route.
        attributes: capabilities of its own, by class.
        known: the number of each source set, by what it is made of.
        mentions: which source sets and cells name what; None where that was not kept up.
        ipv4_disabled: the classes without IPv4.
    """

    policy: Policy
    roster: Roster
    resolver: Resolver
    rules: tuple[AccessRule, ...]
    classes: Classes
    sources: tuple[SourceSet, ...]
    cells: tuple[Cell, ...]
    primaries: dict[Prefix, int]
    attribute_table: AttributeTable
    attributes: Mapping[int, tuple[str, ...]]
    ipv4_disabled: int
    ssh: SshPolicies
    known: dict[SourceName, int]
    mentions: Mentions | None

    @property
    def nodes(self) -> Nodes:
        """Return the nodes, by number; one after the other in the order of creation."""
        return Nodes(self.roster)

    @property
    def tailnet(self) -> Tailnet:
        """Return the tailnet; nodes stand in it in the order of creation."""
        return self.roster.tailnet

    @property
    def numbers(self) -> Mapping[str, int]:
        """Return each node's number, by name with its case folded."""
        return self.roster.by_name

    @property
    def node_with(self) -> Owners:
        """Return the number of the node that has an address."""
        return Owners(self.roster.by_address, self.classes)

    def in_order(self) -> Iterator[tuple[int, Node]]:
        """Yield all nodes with their numbers, in the order of creation."""
        nodes = self.roster.nodes
        for number in self.roster.in_order(nodes):
            yield number, nodes[number]

    def number_of(self, name_or_id: str) -> int:
        """Return the number of the node of that name, in any case; if there is none, of that id.

        Raises:
            UnknownNameError: there is neither.
        """
        number = self.roster.number_of(name_or_id)
        if number is None:
            self.tailnet.node(name_or_id)  # which says what there is instead
            raise AssertionError(name_or_id)
        return number

    def class_of(self, node: int) -> NodeClass:
        """Return the class of the node with number *node*."""
        return self.classes.classes[self.classes.class_of[node]]

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses that a node has under this policy, IPv4 first."""
        found = self.roster.nodes[node].addresses
        if self.ipv4_disabled and self.ipv4_disabled >> self.classes.class_of[node] & 1:
            return tuple(address for address in found if address.family is not Family.V4)
        return found

    def cells_from(self, each: NodeClass) -> Sequence[Cell]:
        """Return cells, in order, among them all of which a class may be a source."""
        mentions, classes = self.mentions, self.classes
        if mentions is None or (each.signature.routes and classes.met_routes):
            return self.cells
        numbers = {
            cell for source in mentions.sources(each, classes) for cell in mentions.cells_of[source]
        }
        return [self.cells[number] for number in sorted(numbers)]

    def cells_to(self, each: NodeClass) -> Sequence[Cell]:
        """Return cells, in order, among them all of which a class may be a destination.

        Those of `autogroup:self` need not be among them.
        """
        mentions = self.mentions
        meaning = self.policy.target.meaning
        to_exits = meaning.exits_serve_internet and each.signature.exits
        if mentions is None or each.signature.offered or to_exits:
            return self.cells
        return [self.cells[number] for number in sorted(mentions.cells(each, self.classes))]

    @property
    def own_cells(self) -> Sequence[Cell]:
        """Return the cells of `autogroup:self`, in order."""
        if self.mentions is None:
            return [cell for cell in self.cells if cell.own]
        return [self.cells[number] for number in self.mentions.own]

    def builder(self) -> CellBuilder:
        """Return a builder of further cells, over the same classes."""
        return CellBuilder(self.resolver, self.classes, self.classes.signer.postures.numbers)


class Nodes:
    """Nodes: each found by its number, all in the order of creation."""

    __slots__ = ("_roster",)

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def __getitem__(self, number: int) -> Node:
        return self._roster.nodes[number]

    def __iter__(self) -> Iterator[Node]:
        nodes = self._roster.nodes
        return (nodes[number] for number in self._roster.in_order(nodes))

    def __len__(self) -> int:
        return len(self._roster.nodes)


class Owners(Mapping[Address, int]):
    """The nodes that have addresses; where IPv4 is disabled, nobody has the IPv4 one."""

    __slots__ = ("_by_address", "_classes")

    def __init__(self, by_address: Mapping[int, int], classes: Classes) -> None:
        self._by_address = by_address
        self._classes = classes

    def __getitem__(self, address: Address) -> int:
        number = self._by_address[address_key(address)]
        if not self._has(address, number):
            raise KeyError(address)
        return number

    def __iter__(self) -> Iterator[Address]:
        for key, number in self._by_address.items():
            address = Address(Family.V6 if key & 1 else Family.V4, key >> 1)
            if self._has(address, number):
                yield address

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _has(self, address: Address, number: int) -> bool:
        classes = self._classes
        return address.family is Family.V6 or classes.has4 >> classes.class_of[number] & 1 == 1


def compile_rules(
    policy: Policy,
    tailnet: Tailnet,
    roster: Roster | None = None,
    like: CompiledRules | None = None,
) -> CompiledRules:
    """Return *policy*, which must be without errors, compiled for *tailnet*.

    *roster* is the tailnet's, where there is one: its nodes stand in the order of creation. Classes
    are numbered as in *like*, as far as they are the same.
    """
    roster = Roster.of(tailnet) if roster is None else roster
    resolver = Resolver(policy, tailnet)
    rules = access_rules(policy, resolver.broken_groups())
    selectors = _selectors(policy, rules)
    literals = LiteralTable()
    for selector in selectors:
        literal = resolver.literal(selector)
        if literal is not None and literal.tokens != ("*",):
            literals.number(literal.addresses)
    for rule in rules:
        if any(selector.kind is K.WILDCARD for selector in rule.src):
            literals.number(WILDCARD.addresses)
            break
    words = {word_of(selector) for selector in selectors if is_identity(selector)}
    words.update(selector.text for selector in selectors if selector.kind is K.SERVICE)
    words.update(tag for rule in rules for tag in rule.via)
    postures = PostureResults(policy, (name for rule in rules for name in rule.postures))
    signer = Signer(resolver, postures, services_of(tailnet.services))
    alike = None if like is None else like.classes
    nodes = roster.nodes
    classes = classify(nodes, roster.in_order(nodes), signer, literals, words, alike)
    table = AttributeTable.of(policy, resolver, literals)
    attributes = table.by_class(classes)
    disabled = without_ipv4(classes, attributes)
    builder = CellBuilder(resolver, classes, postures.numbers)
    builder.build(rules)
    ssh = compile_ssh(policy, builder)
    routing = {
        number: each.signature.routes
        for each in classes.classes
        if each.signature.routes
        for number in each.nodes
    }
    routers = ((number, routing[number]) for number in roster.in_order(routing))
    return CompiledRules(
        policy, roster, resolver, rules, classes, tuple(builder.sources), tuple(builder.cells),
        elect_primaries(nodes, routers), table, attributes, disabled,
        SshPolicies(ssh, roster, classes, policy.target.meaning.user_words), builder.known,
        Mentions.among(builder.sources, builder.cells, resolver, literals),
    )  # fmt: skip


def _selectors(policy: Policy, rules: Iterable[AccessRule]) -> list[Selector]:
    """Return every selector whose nodes or addresses the compiler will ask for."""
    found: dict[Selector, None] = {}
    for rule in rules:
        found.update(dict.fromkeys(rule.src))
        found.update(dict.fromkeys(rule.dst))
        for stream in rule.streams:
            found.update(dict.fromkeys(entry.selector for entry in stream.entries))
    for ssh in policy.ssh:
        found.update(dict.fromkeys(ssh.src))
        found.update(dict.fromkeys(ssh.dst))
    for entry in policy.node_attrs:
        found.update(dict.fromkeys(entry.target))
    return list(found)
