"""Signatures: what of a node the policy can tell; and sketches, by which that is found sooner."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

from aclkit.addresses import Family, Prefix
from aclkit.compiler.literals import LiteralTable
from aclkit.compiler.routes import RouteApprovals
from aclkit.policy.model import Policy
from aclkit.policy.postures import unmet
from aclkit.resolver import Resolver
from aclkit.tailnet.model import Node, Service


class Signature(NamedTuple):
    """What makes a class.

    `hits4` and `hits6` are the numbers of the literals that hold an address of the family; the
    literals of the routes in force count too. `offered` is the advertised routes, where the target
    sends rules for them. `postures` has a bit for each posture that is met.
    """

    user: str | None
    tags: tuple[str, ...]
    routes: tuple[Prefix, ...]
    exits: tuple[Prefix, ...]
    has4: bool
    has6: bool
    hits4: tuple[int, ...]
    hits6: tuple[int, ...]
    postures: int
    services: tuple[str, ...]
    offered: tuple[Prefix, ...]


NOBODY = Signature(None, (), (), (), False, False, (), (), 0, (), ())
"""The signature of a class without nodes, whose number is free."""


class PostureResults:
    """Which of the postures that rules ask for a node meets."""

    def __init__(self, policy: Policy, asked: Iterable[str]) -> None:
        names = dict.fromkeys(asked)
        names.update(dict.fromkeys(name.value for rule in policy.ssh for name in rule.src_posture))
        names.update(dict.fromkeys(name.value for name in policy.default_src_posture))
        self.names = tuple(names)
        self.numbers = {name: number for number, name in enumerate(self.names)}
        assertions = {posture.name.value: posture.assertions for posture in policy.postures}
        self._assertions = [assertions.get(name, ()) for name in self.names]
        self.attributes = tuple(
            dict.fromkeys(each.attribute for listed in self._assertions for each in listed)
        )

    def bits(self, node: Node) -> int:
        """Return a bit for each posture that *node* meets."""
        found = 0
        for number, assertions in enumerate(self._assertions):
            if unmet(assertions, node.posture) is None:
                found |= 1 << number
        return found


@dataclass(slots=True)
class Signer:
    """Signs nodes: tells each one's words and its signature.

    `services` has the names of the approved services of each node, by the name of the node.
    """

    resolver: Resolver
    postures: PostureResults
    services: Mapping[str, tuple[str, ...]]
    approvals: RouteApprovals = field(init=False)
    offers_routes: bool = field(init=False)

    def __post_init__(self) -> None:
        self.approvals = RouteApprovals(self.resolver)
        self.offers_routes = self.resolver.policy.target.meaning.advertised_routes

    def words(self, node: Node) -> tuple[str, ...]:
        """Return the identity words of a node."""
        if node.tags:
            return self.resolver.words_of_tags(node.tags)
        return self.resolver.words_of_user(node.user or "")

    def routes(self, node: Node, words: Iterable[str]) -> tuple[Prefix, ...]:
        """Return the routes of a node that are in force."""
        return self.approvals.in_force(node, words) if node.advertised_routes else ()

    def sign(
        self,
        node: Node,
        routes: tuple[Prefix, ...],
        literals: LiteralTable,
        postures: int | None = None,
    ) -> Signature:
        """Return the signature of a node whose *routes* are in force.

        *postures* has a bit for each posture that it meets, if the caller knows.
        """
        if postures is None:
            postures = self.postures.bits(node) if self.postures.names else 0
        hits4: tuple[int, ...] = ()
        hits6: tuple[int, ...] = ()
        has4 = has6 = False
        for address in node.addresses:
            hits = literals.hits(address.family, address.value)
            if address.family is Family.V4:
                hits4 = hits if not has4 else tuple(sorted({*hits4, *hits}))
                has4 = True
            else:
                hits6 = hits if not has6 else tuple(sorted({*hits6, *hits}))
                has6 = True
        exits: tuple[Prefix, ...] = ()
        if routes:
            exits = tuple(sorted(route for route in routes if route.is_default))
            if len(exits) < len(Family):
                exits = ()  # one of the two alone makes no exit node
            routes = tuple(sorted(route for route in routes if not route.is_default))
        return Signature(
            node.user,
            node.tags,
            routes,
            exits,
            has4,
            has6,
            hits4,
            hits6,
            postures,
            self.services.get(node.name, ()),
            tuple(sorted(node.advertised_routes)) if self.offers_routes else (),
        )


_V4 = Family.V4

Sketch: TypeAlias = tuple[str | None, tuple[str, ...], int, int, int]
"""Owner, tags, where the addresses lie among the literals, and the postures that are met."""


class Sketches:
    """Tells nodes of one signature in a fraction of the time that signing them takes."""

    __slots__ = ("_attributes", "_borders4", "_borders6", "_known", "_results", "_services")

    def __init__(self, signer: Signer, literals: LiteralTable) -> None:
        self._services = signer.services
        self._results = signer.postures
        self._attributes = signer.postures.attributes
        self._borders4 = literals.borders(Family.V4)
        self._borders6 = literals.borders(Family.V6)
        self._known: dict[object, int] = {}

    def of(self, node: Node) -> Sketch | None:
        """Return the sketch of a node; nodes with equal ones have equal signatures.

        None where there is more to a node: routes, services, or two addresses of one family.
        """
        if node.advertised_routes or (self._services and node.name in self._services):
            return None
        place4 = place6 = -1
        for address in node.addresses:
            if address.family is _V4:
                if place4 >= 0:
                    return None
                place4 = bisect_right(self._borders4, address.value)
            else:
                if place6 >= 0:
                    return None
                place6 = bisect_right(self._borders6, address.value)
        return node.user, node.tags, place4, place6, self.postures(node)

    def postures(self, node: Node) -> int:
        """Return a bit for each posture that *node* meets, as nodes with its attributes do."""
        if not self._results.names:
            return 0
        values = (*map(node.posture.get, self._attributes),)
        # To Python 1 is equal to True, but to an assertion it is not.
        key = values, *map(type, values)
        found = self._known.get(key)
        if found is None:
            found = self._known[key] = self._results.bits(node)
        return found


def services_of(services: Iterable[Service]) -> dict[str, tuple[str, ...]]:
    """Return the approved services of each host, by the host's name."""
    found: dict[str, list[str]] = {}
    for service in services:
        if service.approved:
            for host in service.hosts:
                found.setdefault(host, []).append(service.name)
    return {host: tuple(names) for host, names in found.items()}
