"""Node attributes: which capabilities of its own each class is given by `nodeAttrs`."""

from __future__ import annotations

from aclkit.compiler.bitsets import members
from aclkit.compiler.classes import Classes
from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver, is_identity, word_of
from aclkit.target import SelectorKind

DISABLE_IPV4 = "disable-ipv4"
RANDOMIZE_CLIENT_PORT = "randomize-client-port"

# What the control plane adds beside an attribute (recording nodeattrs-attr-c1-funnel).
_COMPANIONS = {
    "funnel": (
        "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000",
        "https://tailscale.com/cap/warn-funnel-no-https",
    ),
}


def attributes_by_class(
    policy: Policy, resolver: Resolver, classes: Classes
) -> dict[int, tuple[str, ...]]:
    """Return the attributes of each class that has any, sorted."""
    found: dict[int, set[str]] = {}
    for entry in policy.node_attrs:
        names = [name.value for name in entry.attr]
        for name in tuple(names):
            names.extend(_COMPANIONS.get(name, ()))
        if not names:
            continue
        matched = 0
        for selector in entry.target:
            matched |= target_classes(selector, resolver, classes)
        for number in members(matched):
            found.setdefault(number, set()).update(names)
    everywhere = set()
    if policy.randomize_client_port:
        everywhere.add(RANDOMIZE_CLIENT_PORT)
    if policy.disable_ipv4:
        everywhere.add(DISABLE_IPV4)
    if everywhere:
        for each in classes.classes:
            found.setdefault(each.number, set()).update(everywhere)
    return {number: tuple(sorted(names)) for number, names in sorted(found.items())}


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
