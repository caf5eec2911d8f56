"""The classes of the next state: nodes go from class to class, and classes come and go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from immutables import Map

from aclkit.addresses import AddressSet, Prefix
from aclkit.compiler.attributes import DISABLE_IPV4, AttributeTable
from aclkit.compiler.bitsets import members
from aclkit.compiler.classes import Classes, NodeClass, nobody, persistent
from aclkit.compiler.signatures import Signature, Signer
from aclkit.tailnet.model import Node


@dataclass(slots=True)
class ClassChanges:
    """Classes in the making. What stayed is shared with the state before.

    `came_or_went` are the classes that got their first node or lost their last; `reworded` are the
    words that others got or lost.
    """

    classes: Classes
    table: AttributeTable
    attributes: Map[int, tuple[str, ...]]
    ipv4_disabled: int
    came_or_went: list[NodeClass] = field(default_factory=list)
    reworded: set[str] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        before: Classes,
        nodes: Mapping[int, Node],
        signer: Signer,
        table: AttributeTable,
        attributes: Mapping[int, tuple[str, ...]],
        ipv4_disabled: int,
    ) -> ClassChanges:
        """Return the classes of *before*, ready to be changed."""
        classes = replace(
            before, nodes=nodes, signer=signer, classes=before.classes.copy(),
            class_of=persistent(before.class_of), numbers=persistent(before.numbers),
            by_user=persistent(before.by_user), words=before.words.copy(),
            routes=before.routes.copy(), hits4=before.hits4.copy(), hits6=before.hits6.copy(),
            postures=before.postures.copy(),
        )  # fmt: skip
        return cls(classes, table, persistent(attributes), ipv4_disabled)

    def class_of(self, node: int) -> NodeClass:
        """Return the class of a node."""
        return self.classes.classes[self.classes.class_of[node]]

    def take(self, node: int) -> NodeClass:
        """Take a node out of its class; return the class as it was."""
        classes = self.classes
        before = self.class_of(node)
        left = [number for number in before.nodes if number != node]
        classes.classes[before.number] = (
            replace(before, nodes=left) if left else nobody(before.number)
        )
        classes.class_of = persistent(classes.class_of).delete(node)
        classes.sizes = classes.sizes.changed(before.number, len(left) + 1, len(left))
        if not left:
            self._switch(before, on=False)
            classes.numbers = persistent(classes.numbers).delete(before.signature)
            classes.free = (*classes.free, before.number)
        return before

    def put(self, node: int, signature: Signature, words: tuple[str, ...]) -> NodeClass:
        """Put a node into the class with *signature*; return the class as it is then."""
        classes = self.classes
        number = classes.numbers.get(signature)
        if number is not None:
            before = classes.classes[number]
            after = replace(before, nodes=_with(before.nodes, node))
            classes.classes[number] = after
        else:
            number, after = self._found(signature, (*words, *signature.services), node)
        classes.class_of = persistent(classes.class_of).set(node, number)
        size = len(after.nodes)
        classes.sizes = classes.sizes.changed(number, size - 1, size)
        return after

    def _found(
        self, signature: Signature, words: tuple[str, ...], node: int
    ) -> tuple[int, NodeClass]:
        classes = self.classes
        if classes.free:
            number, classes.free = classes.free[-1], classes.free[:-1]
        else:
            number = len(classes.classes)
        each = NodeClass(number, signature, words, [node])
        if number == len(classes.classes):
            classes.classes.append(each)
        else:
            classes.classes[number] = each
        classes.numbers = persistent(classes.numbers).set(signature, number)
        self._switch(each, on=True)
        return number, each

    def reword(self, each: NodeClass, words: tuple[str, ...]) -> NodeClass:
        """Give a class other words."""
        after = replace(each, words=words)
        self.classes.classes[each.number] = after
        others = set(each.words).symmetric_difference(words)
        disabled = DISABLE_IPV4 in self.attributes.get(each.number, ())
        if disabled or DISABLE_IPV4 in self.table.attributes(after):
            self._switch(each, on=False)
            self._switch(after, on=True)
            return after
        self._give_attributes(after)
        held, bit = self.classes.words, 1 << each.number
        for word in others & held.keys():
            held[word] ^= bit
        self.reworded |= others
        return after

    def _give_attributes(self, each: NodeClass) -> tuple[str, ...]:
        names = self.table.attributes(each)
        if names:
            self.attributes = self.attributes.set(each.number, names)
        elif each.number in self.attributes:
            self.attributes = self.attributes.delete(each.number)
        return names

    def _switch(self, each: NodeClass, *, on: bool) -> None:
        """Put a class into all sets of classes, or take it out of them."""
        self.came_or_went.append(each)
        classes, signature, number = self.classes, each.signature, each.number
        bit = 1 << number
        mask = ~bit

        def switched(value: int) -> int:
            return value | bit if on else value & mask

        names: tuple[str, ...] = ()
        self.ipv4_disabled &= mask
        if on:
            names = self._give_attributes(each)
            self.ipv4_disabled |= bit if DISABLE_IPV4 in names else 0
        elif number in self.attributes:
            self.attributes = self.attributes.delete(number)
        classes.everyone = switched(classes.everyone)
        if signature.has4 and DISABLE_IPV4 not in names:
            classes.has4 = switched(classes.has4)
            for hit in signature.hits4:
                classes.hits4[hit] = switched(classes.hits4.get(hit, 0))
        if signature.has6:
            classes.has6 = switched(classes.has6)
            for hit in signature.hits6:
                classes.hits6[hit] = switched(classes.hits6.get(hit, 0))
        if signature.exits:
            classes.exits = switched(classes.exits)
        for word in each.words:
            if word in classes.words:
                classes.words[word] = switched(classes.words[word])
        for route in signature.routes:
            classes.routes[route] = switched(classes.routes.get(route, 0))
        for posture in range(len(classes.postures)):
            if signature.postures >> posture & 1:
                classes.postures[posture] = switched(classes.postures[posture])
        if signature.user is not None and not signature.tags:
            self._switch_user(signature.user, number, on=on)

    def _switch_user(self, user: str, number: int, *, on: bool) -> None:
        by_user = persistent(self.classes.by_user)
        left = tuple(other for other in by_user.get(user, ()) if other != number)
        if on:
            self.classes.by_user = by_user.set(user, tuple(sorted((*left, number))))
        else:
            self.classes.by_user = by_user.set(user, left) if left else by_user.delete(user)

    def admit_route(self, route: Prefix) -> None:
        """Take in a subnet route that nobody routed before; no node may have an address in it."""
        classes = self.classes
        addresses = AddressSet.of([route])
        classes.literals = classes.literals.following(addresses)
        number = classes.literals.number(addresses)
        classes.route_literals = {**classes.route_literals, route: number}
        classes.overlapped = dict(classes.overlapped)
        for other in classes.literals.overlapping(route):
            around = classes.overlapped.get(other, frozenset())
            classes.overlapped[other] = around | {route}

    def settle_routes(self, routes: set[Prefix]) -> None:
        """Forget those of *routes* that nobody routes any more."""
        classes = self.classes
        gone = [route for route in routes if not classes.routes.get(route, 0)]
        if not gone:
            return
        classes.route_literals = dict(classes.route_literals)
        classes.overlapped = dict(classes.overlapped)
        classes.met_routes = tuple(route for route in classes.met_routes if route not in gone)
        for route in gone:
            classes.routes.pop(route, None)
            if classes.route_literals.pop(route, None) is None:
                continue
            for number in classes.literals.overlapping(route):
                left = classes.overlapped.get(number, frozenset()) - {route}
                if left:
                    classes.overlapped[number] = left
                else:
                    classes.overlapped.pop(number, None)


def routers_of(classes: Classes, route: Prefix) -> Iterator[int]:
    """Yield the nodes that route an approved subnet route."""
    for number in members(classes.routes.get(route, 0)):
        yield from classes.classes[number].nodes


def _with(nodes: list[int], node: int) -> list[int]:
    """Return *nodes*, which ascend, with one more."""
    return sorted((*nodes, node)) if nodes and nodes[-1] > node else [*nodes, node]
