"""Node attributes: which capabilities of its own each class is given by `nodeAttrs`."""

from __future__ import annotations

from dataclasses import dataclass, field

from aclkit.compiler.classes import Classes, NodeClass
from aclkit.compiler.literals import LiteralTable
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver, is_identity, word_of
from aclkit.target import SelectorKind

DISABLE_IPV4 = "disable-ipv4"
RANDOMIZE_CLIENT_PORT = "randomize-client-port"

_NONE: frozenset[str] = frozenset()

# What the control plane adds beside an attribute (recording nodeattrs-attr-c1-funnel).
_COMPANIONS = {
    "funnel": (
        "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000",
        "https://tailscale.com/cap/warn-funnel-no-https",
    ),
}


@dataclass(slots=True)
class AttributeTable:
    """What `nodeAttrs` gives, by what it is given to: everybody, a word, or a literal's number."""

    everywhere: set[str] = field(default_factory=set)
    by_word: dict[str, set[str]] = field(default_factory=dict)
    by_literal: dict[int, set[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, policy: Policy, resolver: Resolver, literals: LiteralTable) -> AttributeTable:
        """Return what *policy* gives; *literals* holds all that it names."""
        table = cls()
        for entry in policy.node_attrs:
            names = {name.value for name in entry.attr}
            for name in tuple(names):
                names.update(_COMPANIONS.get(name, ()))
            for selector in entry.target:
                if selector.kind is SelectorKind.WILDCARD:
                    table.everywhere |= names
                elif is_identity(selector):
                    table.by_word.setdefault(word_of(selector), set()).update(names)
                elif (literal := resolver.literal(selector)) is not None:
                    number = literals.number(literal.addresses)
                    table.by_literal.setdefault(number, set()).update(names)
        if policy.randomize_client_port:
            table.everywhere.add(RANDOMIZE_CLIENT_PORT)
        if policy.disable_ipv4:
            table.everywhere.add(DISABLE_IPV4)
        return table

    def attributes(self, each: NodeClass) -> tuple[str, ...]:
        """Return the attributes of a class, sorted."""
        found = set(self.everywhere)
        if self.by_word:
            for word in each.words:
                found |= self.by_word.get(word, _NONE)
        if self.by_literal:
            for number in (*each.signature.hits4, *each.signature.hits6):
                found |= self.by_literal.get(number, _NONE)
        return tuple(sorted(found))

    def by_class(self, classes: Classes) -> dict[int, tuple[str, ...]]:
        """Return the attributes of each class that has any."""
        if not (self.everywhere or self.by_word or self.by_literal):
            return {}
        found = ((each.number, self.attributes(each)) for each in classes.classes)
        return {number: names for number, names in found if names}


def target_classes(selector: Selector, resolver: Resolver, classes: Classes) -> int:
    """Return the classes whose nodes a `target` names."""
    if selector.kind is SelectorKind.WILDCARD:
        return classes.everyone
    if is_identity(selector):
        return classes.with_word(word_of(selector))
    literal = resolver.literal(selector)
    if literal is None:
        return 0
    number = classes.literals.number(literal.addresses)
    return classes.hits4.get(number, 0) | classes.hits6.get(number, 0)


def without_ipv4(classes: Classes, attributes: dict[int, tuple[str, ...]]) -> int:
    """Take the IPv4 addresses from the classes that have `disable-ipv4`; return these classes."""
    disabled = 0
    for number, names in attributes.items():
        if DISABLE_IPV4 in names:
            disabled |= 1 << number
    if disabled:
        classes.has4 &= ~disabled
        classes.hits4 = {hit: found & ~disabled for hit, found in classes.hits4.items()}
    return disabled
