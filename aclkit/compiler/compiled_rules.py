"""Compiling: a policy and a tailnet to cells over node classes.

`CompiledRules` is data. What a node is sent is rendered from it, node by node, when asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aclkit.addresses import Address, Family, Prefix
from aclkit.compiler.attributes import attributes_by_class, without_ipv4
from aclkit.compiler.cells import Cell, CellBuilder, SourceSet
from aclkit.compiler.classes import Classes, NodeClass, classify
from aclkit.compiler.literals import LiteralTable
from aclkit.compiler.routes import elect_primaries
from aclkit.compiler.rules import AccessRule, access_rules
from aclkit.compiler.ssh import SshPolicies, compile_ssh
from aclkit.policy.model import Policy
from aclkit.policy.postures import unmet
from aclkit.policy.selectors import Selector
from aclkit.resolver import WILDCARD, Resolver, is_identity, word_of
from aclkit.tailnet.model import Node, Tailnet
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(frozen=True, slots=True)
class CompiledRules:
    """A policy compiled for a tailnet.

    Attributes:
        nodes: in the order of creation; an index into them is a node's number here.
        primaries: the primary router of each approved subnet route.
        attributes: capabilities of its own, by class.
        ipv4_disabled: the classes without IPv4.
        numbers: each node's number, by name with its case folded.
        node_with: the number of the node that has an address.
    """

    policy: Policy
    tailnet: Tailnet
    resolver: Resolver
    rules: tuple[AccessRule, ...]
    classes: Classes
    sources: tuple[SourceSet, ...]
    cells: tuple[Cell, ...]
    primaries: dict[Prefix, int]
    attributes: dict[int, tuple[str, ...]]
    ipv4_disabled: int
    numbers: dict[str, int]
    node_with: dict[Address, int]
    ssh: SshPolicies

    @property
    def nodes(self) -> tuple[Node, ...]:
        """Return the nodes, in the order of creation."""
        return self.tailnet.nodes

    def class_of(self, node: int) -> NodeClass:
        """Return the class of the node with number *node*."""
        return self.classes.classes[self.classes.class_of[node]]

    def addresses(self, node: int) -> tuple[Address, ...]:
        """Return the addresses that a node has under this policy, IPv4 first."""
        found = self.nodes[node].addresses
        if self.ipv4_disabled >> self.classes.class_of[node] & 1:
            return tuple(address for address in found if address.family is not Family.V4)
        return found


def compile_rules(policy: Policy, tailnet: Tailnet) -> CompiledRules:
    """Return *policy*, which must be without errors, compiled for *tailnet*."""
    resolver = Resolver(policy, tailnet)
    rules = access_rules(policy)
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
    postures = _PostureResults(policy, rules)
    classes = classify(tailnet, resolver, literals, words, postures.bits, len(postures.names))
    attributes = attributes_by_class(policy, resolver, classes)
    disabled = without_ipv4(classes, attributes)
    builder = CellBuilder(resolver, classes, postures.numbers)
    builder.build(rules)
    ssh = compile_ssh(policy, builder)
    routers = [
        (index, classes.classes[classes.class_of[index]].signature.routes)
        for index, node in enumerate(tailnet.nodes)
        if node.advertised_routes
    ]
    return CompiledRules(
        policy, tailnet, resolver, rules, classes, tuple(builder.sources), tuple(builder.cells),
        elect_primaries(tailnet.nodes, routers), attributes, disabled,
        {node.name.casefold(): index for index, node in enumerate(tailnet.nodes)},
        _owners(tailnet, classes),
        SshPolicies(ssh, tailnet.nodes, tailnet.users, classes),
    )  # fmt: skip


def _owners(tailnet: Tailnet, classes: Classes) -> dict[Address, int]:
    """Return the node that has each address; where IPv4 is disabled, nobody has the IPv4 one."""
    return {
        address: index
        for index, node in enumerate(tailnet.nodes)
        for address in node.addresses
        if address.family is Family.V6 or classes.has4 >> classes.class_of[index] & 1
    }


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


class _PostureResults:
    """Which of the postures that rules ask for a node meets."""

    def __init__(self, policy: Policy, rules: Iterable[AccessRule]) -> None:
        asked = dict.fromkeys(name for rule in rules for name in rule.postures)
        asked.update(dict.fromkeys(name.value for rule in policy.ssh for name in rule.src_posture))
        asked.update(dict.fromkeys(name.value for name in policy.default_src_posture))
        self.names = tuple(asked)
        self.numbers = {name: number for number, name in enumerate(self.names)}
        assertions = {posture.name.value: posture.assertions for posture in policy.postures}
        self._assertions = [assertions.get(name, ()) for name in self.names]

    def bits(self, node: Node) -> int:
        """Return a bit for each posture that *node* meets."""
        found = 0
        for number, assertions in enumerate(self._assertions):
            if unmet(assertions, node.posture) is None:
                found |= 1 << number
        return found
