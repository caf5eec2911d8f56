"""Questions: who reaches what, answered over all pairs of devices of the two sides.

The answer comes from sets of classes, so its cost does not grow with the devices of a class. What a
client's packet filter decides is decided here (docs/reference/client.md).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from aclkit.addresses import Address, Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.compiler.peers import Visibility
from aclkit.evaluator.reach import ICMP, ICMPV6, Reach, passes, protocol_number
from aclkit.evaluator.sides import Side, resolve_side
from aclkit.resolver import is_identity
from aclkit.target import SelectorKind

K = SelectorKind


class Allowed(StrEnum):
    """How many of the pairs of devices get through."""

    ALL = "all"
    SOME = "some"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Because:
    """A rule that lets something through.

    Attributes:
        origin: the entry of `acls` or `grants`.
        sources: the rule's selectors that a device of the source side falls under.
        destination: the rule's destination that lets it in, as written.
        devices: two devices, or a device and an address, for which it does.
        router: the device on the way, for a subnet, the internet, or `via`.
        icmp_only: the rule names other protocols or ports; only ping passes by it.
    """

    origin: Origin
    sources: tuple[str, ...]
    destination: str
    devices: tuple[str, str]
    router: str | None = None
    icmp_only: bool = False


@dataclass(frozen=True, slots=True)
class Pair:
    """A source and a destination, each a node number; `address` where no node has it."""

    src: int
    dst: int | None
    address: Prefix | None = None


@dataclass(slots=True)
class Question:
    """One question, worked out.

    `through` and `stopped` count pairs; `passing` and `failing` are examples of each.
    """

    rules: CompiledRules
    visibility: Visibility
    reach: Reach
    src: Side
    dst: Side
    proto: int
    port: int
    through: int = 0
    stopped: int = 0
    passing: list[tuple[Pair, int]] = field(default_factory=list)
    failing: list[Pair] = field(default_factory=list)

    def work_out(self) -> None:
        """Count the pairs that get through and those that don't."""
        if self.dst.prefixes:
            for prefix in self.dst.prefixes:
                self._subnet(prefix)
        else:
            self._devices()

    @property
    def allowed(self) -> Allowed:
        """Return how many pairs get through."""
        if not self.through:
            return Allowed.NONE
        return Allowed.SOME if self.stopped else Allowed.ALL

    def _devices(self) -> None:
        class_of = self.rules.classes.class_of
        sources = Counter(class_of[node] for node in self.src.nodes)
        targets = Counter(class_of[node] for node in self.dst.nodes)
        both = set(self.src.nodes) & set(self.dst.nodes)
        if len(self.src.nodes) == 1 and self.src.nodes == self.dst.nodes:
            both = set()  # nothing else was asked
        alike = Counter(class_of[node] for node in both)
        for a, count in sources.items():
            for b, others in targets.items():
                pairs = count * others - (alike[a] if a == b else 0)
                if pairs <= 0:
                    continue
                cells = self.cells_between(a, b)
                if cells:
                    self.through += pairs
                    if len(self.passing) < _EXAMPLES:
                        self.passing.append((self._example(a, b), cells))
                else:
                    self.stopped += pairs
                    if len(self.failing) < _EXAMPLES:
                        self.failing.append(self._example(a, b))

    def _example(self, a: int, b: int) -> Pair:
        class_of = self.rules.classes.class_of
        src = next(node for node in self.src.nodes if class_of[node] == a)
        targets = [node for node in self.dst.nodes if class_of[node] == b]
        dst = next((node for node in targets if node != src), targets[0])
        if dst == src and len(targets) == 1:
            src = next(
                (n for n in self.src.nodes if class_of[n] == a and n != dst), src
            )  # fmt: skip
        return Pair(src, dst)

    def cells_between(self, a: int, b: int) -> int:
        """Return the cells by which the nodes of class *a* reach those of class *b*."""
        open4, open6 = self.reach.cells_open(self.proto, self.port)
        found = 0
        families = (
            (self.src.classes4 >> a & self.dst.classes4 >> b & 1, open4, True),
            (self.src.classes6 >> a & self.dst.classes6 >> b & 1, open6, False),
        )
        classes = self.rules.classes
        user = classes.classes[a].signature.user
        same_user = user is not None and user == classes.classes[b].signature.user
        for shared, opened, is_v4 in families:
            if not shared:
                continue
            for cell in self.rules.cells:
                if cell.kind is not CellKind.PORTS or not opened >> cell.number & 1:
                    continue
                covers = cell.source.covers4 if is_v4 else cell.source.covers6
                if not covers >> a & 1:
                    continue
                if cell.own:
                    hit = same_user
                else:
                    hit = bool((cell.hits4 if is_v4 else cell.hits6) >> b & 1)
                if hit:
                    found |= 1 << cell.number
        return found

    def _subnet(self, prefix: Prefix) -> None:
        class_of = self.rules.classes.class_of
        for a, count in Counter(class_of[node] for node in self.src.nodes).items():
            src = next(node for node in self.src.nodes if class_of[node] == a)
            found = self.way_to(a, prefix)
            if found is None:
                self.stopped += count
                if len(self.failing) < _EXAMPLES:
                    self.failing.append(Pair(src, None, prefix))
                continue
            router, cells = found
            self.through += count
            if len(self.passing) < _EXAMPLES:
                self.passing.append((Pair(src, router, prefix), cells))

    def routers_to(self, a: int, prefix: Prefix) -> Iterator[int]:
        """Yield the routers on which class *a* is shown a route that holds all of *prefix*."""
        classes = self.rules.classes
        around = [route for route in classes.routes if route.contains(prefix)]
        for route in sorted(around, key=lambda found: -found.bits):
            router = self.visibility.carrier(a, route)
            if router is not None:
                yield router
                return  # a client takes the narrowest route that it is shown
        for number, node in enumerate(self.rules.nodes):
            each = classes.classes[classes.class_of[number]]
            shown = self.visibility.exit_classes(a) >> each.number & 1
            if each.signature.exits and node.online and shown:
                yield number

    def way_to(self, a: int, prefix: Prefix) -> tuple[int, int] | None:
        """Return the router by which class *a* reaches *prefix*, and the cells that let it."""
        has = self.src.classes4 if prefix.family is Family.V4 else self.src.classes6
        if not has >> a & 1:
            return None
        index = 0 if prefix.family is Family.V4 else 1
        opened = self.reach.cells_open(self.proto, self.port)[index]
        for router in self.routers_to(a, prefix):
            b = self.rules.classes.class_of[router]
            found = 0
            for cell in self.rules.cells:
                if not opened >> cell.number & 1 or not cell.bearers >> b & 1 or cell.own:
                    continue
                covers = cell.source.covers4 if index == 0 else cell.source.covers6
                if covers >> a & 1 and self.names(cell, prefix):
                    found |= 1 << cell.number
            if found:
                return router, found
        return None

    def names(self, cell: Cell, prefix: Prefix) -> bool:
        """Return whether the destination of *cell* holds all of *prefix*."""
        if cell.entry is None or is_identity(cell.entry.selector):
            return False
        if cell.entry.selector.kind is K.WILDCARD:
            return True
        literal = self.rules.resolver.literal(cell.entry.selector)
        return literal is not None and literal.addresses.contains_prefix(prefix)

    def because(self) -> tuple[Because, ...]:
        """Return the rules of a yes, in their order, each with an example."""
        found: dict[tuple[str, int, str], Because] = {}
        for pair, cells in self.passing:
            for number in members(cells):
                reason = self._because(self.rules.cells[number], pair)
                found.setdefault(
                    (reason.origin.section, reason.origin.index, reason.destination), reason
                )
        return tuple(found.values())

    def _because(self, cell: Cell, pair: Pair) -> Because:
        rules = self.rules
        assert cell.entry is not None
        a = rules.classes.class_of[pair.src]
        words = rules.classes.classes[a].words
        addresses = rules.addresses(pair.src)
        sources = tuple(
            selector.text
            for selector in cell.source.selectors
            if self._falls_under(selector.text, words)
            or any(_holds(rules, cell, selector.text, address) for address in addresses)
        )
        router = None
        if pair.address is not None:
            router = rules.nodes[pair.dst].name if pair.dst is not None else None
            destination = str(pair.address)
        else:
            assert pair.dst is not None
            destination = rules.nodes[pair.dst].name
        ordinary = self.proto not in (ICMP, ICMPV6) or any(
            passes(number, self.port, Family.V4, cell.ip_proto, cell.entry.ports)
            for number in (6, 17)
        )
        named = cell.ip_proto is None or self.proto in cell.ip_proto
        return Because(
            Origin(cell.rule.section, cell.rule.index, cell.rule.span),
            sources,
            cell.entry.selector.text,
            (rules.nodes[pair.src].name, destination),
            router,
            icmp_only=self.proto in (ICMP, ICMPV6) and not (ordinary and named),
        )

    def _falls_under(self, text: str, words: tuple[str, ...]) -> bool:
        return text in words or (text == "autogroup:members" and "autogroup:member" in words)


_EXAMPLES = 64


def _holds(rules: CompiledRules, cell: Cell, text: str, address: Address) -> bool:
    selector = next(found for found in cell.source.selectors if found.text == text)
    if is_identity(selector):
        return False
    literal = rules.resolver.literal(selector)
    if literal is None:
        return False
    if selector.kind is K.WILDCARD and any(address in route for route in rules.classes.routes):
        return True
    return address in literal.addresses


def ask(
    rules: CompiledRules,
    visibility: Visibility,
    reach: Reach,
    src: str,
    dst: str,
    port: int,
    proto: str | None,
) -> Question:
    """Work out one question; without *proto* it is about TCP.

    Raises:
        UnknownSideError: a side is neither a node nor a selector.
        ValueError: no such protocol, or a port outside of 0 to 65535.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"{port} is not a port")
    number = protocol_number(proto or "tcp", rules)
    question = Question(
        rules, visibility, reach, resolve_side(src, rules), resolve_side(dst, rules), number, port
    )
    question.work_out()
    return question
