"""The two sides of a question: which devices and addresses a word stands for.

side = node name or id | any selector of the policy language | address | route

A side is kept by class. Where all devices of a class belong to it, they are not looked at one by
one, so resolving a word costs as many steps as it has classes.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from aclkit.addresses import CGNAT, TAILNET_V6, Address, AddressSet, Family, Prefix
from aclkit.compiler.bitsets import bitset
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.whole_rules import BARRED
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.resolver import is_identity, word_of
from aclkit.source import Span
from aclkit.target import SelectorKind

K = SelectorKind


FOR_DEVICES = CGNAT | TAILNET_V6
"""The addresses that a tailnet keeps for devices and services."""


class UnknownSideError(ValueError):
    """A word that is neither a node nor a selector; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Part:
    """Devices of a side that are alike: of one class, named by the same families.

    Attributes:
        number: of the class.
        in4, in6: whether the word covers the IPv4 (IPv6) addresses of these devices.
        nodes: their numbers, one or more; those of the class, or some of them, ascending.
        whole: whether they are all of the class.
        user: whose devices they are; None for tagged ones.
    """

    number: int
    in4: bool
    in6: bool
    nodes: Sequence[int] = field(repr=False)
    whole: bool
    user: str | None

    def has(self, node: int) -> bool:
        """Return whether *node*, which is of the class, is one of them."""
        at = 0 if self.whole else bisect_left(self.nodes, node)
        return self.whole or (at < len(self.nodes) and self.nodes[at] == node)

    def common(self, other: Part) -> int:
        """Return how many nodes are in both parts, which are of one class."""
        if self.whole or other.whole:
            return min(len(self.nodes), len(other.nodes))
        few, many = (self, other) if len(self.nodes) < len(other.nodes) else (other, self)
        return sum(map(many.has, few.nodes))


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a question.

    Attributes:
        text: the word, as asked.
        selector: the selector that it is; None for the name of a node.
        parts: the devices that it stands for, by class.
        prefixes: addresses that no device has: subnets behind routers, services, the internet.
    """

    text: str
    selector: Selector | None
    parts: tuple[Part, ...]
    prefixes: tuple[Prefix, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether the word stands for nothing at all."""
        return not self.parts and not self.prefixes

    @property
    def nodes(self) -> tuple[int, ...]:
        """Return the numbers of the devices, ascending; this looks at each."""
        return tuple(sorted({node for part in self.parts for node in part.nodes}))

    @property
    def classes4(self) -> int:
        """Return the classes of the devices of which it covers an IPv4 address."""
        return bitset(part.number for part in self.parts if part.in4)

    @property
    def classes6(self) -> int:
        """Return the classes of the devices of which it covers an IPv6 address."""
        return bitset(part.number for part in self.parts if part.in6)

    @property
    def only(self) -> int | None:
        """Return the device that it stands for, if it is one alone."""
        if len(self.parts) == 1 and len(self.parts[0].nodes) == 1:
            return self.parts[0].nodes[0]
        return None


@dataclass(slots=True)
class Holders:
    """Finds the nodes that have an address in a set, whatever the size of the set."""

    rules: CompiledRules
    _sorted: dict[Family, tuple[list[int], list[int]]] = field(default_factory=dict)

    def within(self, addresses: AddressSet) -> Iterator[tuple[Address, int]]:
        """Yield the addresses of nodes that are in *addresses*, each with its node."""
        for family, spans in ((Family.V4, addresses.v4), (Family.V6, addresses.v6)):
            for first, last in spans:
                if first == last:
                    address = Address(family, first)
                    node = self.rules.node_with.get(address)
                    if node is not None:
                        yield address, node
                    continue
                values, nodes = self._in_order(family)
                for at in range(bisect_left(values, first), bisect_left(values, last + 1)):
                    yield Address(family, values[at]), nodes[at]

    def _in_order(self, family: Family) -> tuple[list[int], list[int]]:
        found = self._sorted.get(family)
        if found is None:
            held = sorted(
                (address.value, node)
                for address, node in self.rules.node_with.items()
                if address.family is family
            )
            found = [value for value, _ in held], [node for _, node in held]
            self._sorted[family] = found
        return found


def resolve_side(text: str, rules: CompiledRules, holders: Holders | None = None) -> Side:
    """Return what *text* stands for.

    The name of a node comes first, then selectors. A host name is the address behind it. *holders*
    keeps what it finds out from one question to the next.

    Raises:
        UnknownSideError: neither a node nor a selector.
    """
    word = text.strip()
    number = _node(word, rules)
    if number is not None:
        return Side(word, None, (_part(rules, rules.classes.class_of[number], (number,)),))
    try:
        selector = parse_selector(Text(word, Span(0, len(word))), rules.policy.target.names)
    except SelectorSyntaxError as problem:
        raise UnknownSideError(problem.message) from None
    return _of_selector(word, selector, rules, holders or Holders(rules))


def _node(word: str, rules: CompiledRules) -> int | None:
    if any(host.name.value == word for host in rules.policy.hosts):
        return None
    return rules.roster.number_of(word)


def _part(
    rules: CompiledRules, number: int, nodes: Sequence[int], in4: bool = True, in6: bool = True
) -> Part:
    classes = rules.classes
    has4, has6 = classes.has4 >> number & 1 == 1, classes.has6 >> number & 1 == 1
    each = classes.classes[number]
    whole = len(nodes) == len(each.nodes)
    return Part(number, in4 and has4, in6 and has6, nodes, whole, each.signature.user)


def _of_selector(word: str, selector: Selector, rules: CompiledRules, holders: Holders) -> Side:
    classes = [each for each in rules.classes.classes if each.nodes]
    if selector.is_autogroup("self"):
        raise UnknownSideError("`autogroup:self` differs from user to user: name a user instead")
    if selector.kind is K.WILDCARD or selector.is_autogroup("danger-all"):
        return Side(word, selector, tuple(_part(rules, c.number, c.nodes) for c in classes))
    if is_identity(selector):
        identity = word_of(selector)
        held = (each for each in classes if identity in each.words)
        return Side(word, selector, tuple(_part(rules, c.number, c.nodes) for c in held))
    addresses = _addresses(word, selector, rules)
    parts = _parts_of_literal(addresses, rules)
    if parts is None:
        parts = _parts_of_addresses(addresses, rules, holders)
    return Side(word, selector, parts, _others(addresses, rules, holders, any_device=bool(parts)))


def _addresses(word: str, selector: Selector, rules: CompiledRules) -> AddressSet:
    if selector.bounds is not None:
        return AddressSet.of([selector.bounds])
    literal = rules.resolver.literal(selector)
    if literal is None or (selector.kind is K.HOST and not literal.prefixes):
        raise UnknownSideError(f"neither a device nor a host is called `{word}`")
    return literal.addresses


def _parts_of_literal(addresses: AddressSet, rules: CompiledRules) -> tuple[Part, ...] | None:
    """Return the devices in *addresses* if the policy names just these; None if it does not.

    Then its classes tell: all nodes of a class hit the same literals.
    """
    classes = rules.classes
    number = classes.literals.known(addresses)
    if number is None:
        return None
    in4, in6 = classes.hits4.get(number, 0), classes.hits6.get(number, 0)
    return tuple(
        _part(rules, c.number, c.nodes, in4 >> c.number & 1 == 1, in6 >> c.number & 1 == 1)
        for c in classes.classes
        if (in4 | in6) >> c.number & 1 and c.nodes
    )


def _parts_of_addresses(
    addresses: AddressSet, rules: CompiledRules, holders: Holders
) -> tuple[Part, ...]:
    families: dict[int, int] = {}
    for address, node in holders.within(addresses):
        families[node] = families.get(node, 0) | (1 if address.family is Family.V4 else 2)
    alike: dict[tuple[int, int], list[int]] = {}
    class_of = rules.classes.class_of
    for node in sorted(families):
        alike.setdefault((class_of[node], families[node]), []).append(node)
    return tuple(
        _part(rules, number, nodes, held & 1 == 1, held & 2 == 2)
        for (number, held), nodes in alike.items()
    )


def _others(
    addresses: AddressSet, rules: CompiledRules, holders: Holders, *, any_device: bool
) -> tuple[Prefix, ...]:
    """Return the part of *addresses* that no device has.

    Addresses that the tailnet keeps for devices and services are left out, unless nothing else is
    asked; so are those to which no client sends.
    """
    beyond = addresses - FOR_DEVICES - BARRED
    taken = AddressSet.of(address for address, _ in holders.within(beyond)) if any_device else None
    if taken:
        beyond = beyond - taken
    if not beyond and not any_device:
        beyond = addresses
    return beyond.prefixes()
