"""The two sides of a question: which devices and addresses a word stands for.

side = node name or id | any selector of the policy language | address | route
"""

from __future__ import annotations

from dataclasses import dataclass

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.resolver import is_identity, word_of
from aclkit.source import Span
from aclkit.tailnet.model import UnknownNameError
from aclkit.target import SelectorKind

K = SelectorKind


class UnknownSideError(ValueError):
    """A word that is neither a node nor a selector; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Side:
    """One side of a question.

    Attributes:
        text: the word, as asked.
        selector: the selector that it is; None for the name of a node.
        nodes: the devices that it stands for, ascending by number.
        classes4, classes6: the classes of these devices, for each family that the word covers.
        prefixes: addresses that no device has: subnets behind routers, services, the internet.
    """

    text: str
    selector: Selector | None
    nodes: tuple[int, ...]
    classes4: int
    classes6: int
    prefixes: tuple[Prefix, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Return whether the word stands for nothing at all."""
        return not self.nodes and not self.prefixes


def resolve_side(text: str, rules: CompiledRules) -> Side:
    """Return what *text* stands for.

    The name of a node comes first, then selectors. A host name is the address behind it.

    Raises:
        UnknownSideError: neither a node nor a selector.
    """
    word = text.strip()
    number = _node(word, rules)
    if number is not None:
        one = 1 << rules.classes.class_of[number]
        return Side(word, None, (number,), one & rules.classes.has4, one & rules.classes.has6)
    try:
        selector = parse_selector(Text(word, Span(0, len(word))), rules.policy.target.names)
    except SelectorSyntaxError as problem:
        raise UnknownSideError(problem.message) from None
    return _of_selector(word, selector, rules)


def _node(word: str, rules: CompiledRules) -> int | None:
    if any(host.name.value == word for host in rules.policy.hosts):
        return None
    try:
        return rules.numbers[rules.tailnet.node(word).name.casefold()]
    except UnknownNameError:
        return None


def _of_selector(word: str, selector: Selector, rules: CompiledRules) -> Side:
    classes = rules.classes
    if selector.kind is K.WILDCARD or selector.is_autogroup("danger-all"):
        nodes = tuple(range(len(rules.nodes)))
        return Side(word, selector, nodes, classes.has4, classes.has6)
    if selector.is_autogroup("self"):
        raise UnknownSideError("`autogroup:self` differs from user to user: name a user instead")
    if is_identity(selector):
        identity = word_of(selector)
        held = bitset(each.number for each in classes.classes if identity in each.words)
        found = sorted(n for c in members(held) for n in classes.classes[c].nodes)
        return Side(word, selector, tuple(found), held & classes.has4, held & classes.has6)
    literal = rules.resolver.literal(selector)
    if selector.kind is K.HOST and (literal is None or not literal.prefixes):
        raise UnknownSideError(f"neither a device nor a host is called `{word}`")
    assert literal is not None
    return _of_addresses(word, selector, literal.addresses, rules)


def _of_addresses(
    word: str, selector: Selector, addresses: AddressSet, rules: CompiledRules
) -> Side:
    """Return the devices whose addresses are among *addresses*, or a subnet when there is none."""
    classes4: list[int] = []
    classes6: list[int] = []
    nodes: set[int] = set()
    for address, number in rules.node_with.items():
        if address in addresses:
            nodes.add(number)
            listed = classes4 if address.family is Family.V4 else classes6
            listed.append(rules.classes.class_of[number])
    subnet = () if nodes else addresses.prefixes()
    return Side(word, selector, tuple(sorted(nodes)), bitset(classes4), bitset(classes6), subnet)
