"""Reachability between nodes, from compiled rules.

What a client's packet filter would do with the first packet (docs/reference/client.md), answered
from sets of classes, so that a question costs a few operations on integers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from aclkit.addresses import Family
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.rules import IpProto
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS
from aclkit.tailcfg import DEFAULT_PROTOCOLS

ICMP, TCP, UDP, ICMPV6, TSMP = 1, 6, 17, 58, 99


_FEW = 16
"""Up to so many classes are worked out one by one; more, cell by cell for all at once."""


class Row(NamedTuple):
    """What decides for one class, where cells are sets of their numbers.

    Attributes:
        src4, src6: cells of which its nodes are sources, over IPv4 and over IPv6.
        dst4, dst6: cells of which they are destinations.
        own4, own6: cells of `autogroup:self` of which they are sources.
        user: whose nodes they are; None for tagged ones.
        in4, in6: whether they have an address of the family.
    """

    src4: int
    src6: int
    dst4: int
    dst6: int
    own4: int
    own6: int
    user: str | None
    in4: bool
    in6: bool


class End(NamedTuple):
    """A row as the question between two nodes needs it: IPv6 stands above IPv4 in one number.

    `families` has all bits of the families of which the nodes have an address.
    """

    src: int
    dst: int
    own: int
    user: str | None
    families: int


@dataclass(slots=True)
class Reach:
    """Answers from compiled rules. What is worked out per class or per port is kept."""

    rules: CompiledRules
    ends: dict[str, End] = field(default_factory=dict)
    """By names of nodes that were asked about: in large tailnets, each look-up is one in memory."""
    _rows: dict[int, Row] = field(default_factory=dict)
    _ends: dict[int, End] = field(default_factory=dict)
    _open: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _opened_by: dict[str, tuple[int, dict[int, int]]] = field(default_factory=dict)
    """By the name of a protocol: its number, and the cells that let a packet pass, by edge."""
    _edges: list[int] = field(default_factory=list)
    _granting: list[int] = field(default_factory=list)
    _granting_on: dict[int, tuple[Cell, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self._edges:
            return
        # Between two edges all ports are alike, so what is kept does not grow with the ports asked.
        edges = {0}
        for cell in self.rules.cells:
            for first, last in cell.entry.ports if cell.entry else ():
                edges.update((first, last + 1))
        self._edges = sorted(edges)
        self._granting = [at for at, cell in enumerate(self.rules.cells) if cell.cap_map]

    def following(self, rules: CompiledRules) -> Reach:
        """Return the same for the next state of the tailnet: what is of the policy is kept."""
        return Reach(
            rules, _open=self._open, _opened_by=self._opened_by, _edges=self._edges,
            _granting=self._granting,
        )  # fmt: skip

    @property
    def granting(self) -> Sequence[int]:
        """Return where among the cells those are that grant capabilities."""
        return self._granting

    def end(self, name_or_id: str) -> End:
        """Return what decides for a node.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        number = self.rules.number_of(name_or_id)
        of = self.rules.classes.class_of[number]
        found = self._ends.get(of) or self._end(of)
        if name_or_id in self.rules.roster.by_name:  # one name for each node, so that few are kept
            self.ends[name_or_id] = found
        return found

    def opens(self, src: End, dst: End, port: int, proto: str) -> bool:
        """Return whether the node *src* opens a connection to *port* of the node *dst*."""
        # Look-ups stand here, and not in functions of their own, since a call costs as much as all
        # that this does.
        number, opened_by = self._opened_by.get(proto) or self._protocol(proto)
        opened = opened_by.get(bisect_right(self._edges, port), -1)
        if opened < 0:
            opened = self._opened(number, port, opened_by)
        sends, _, own, user, has = src
        _, receives, _, other, families = dst
        if sends & receives & opened:
            return True
        if number == TSMP:
            return has & families != 0
        return user is not None and user == other and own & opened & families != 0

    def _protocol(self, proto: str) -> tuple[int, dict[int, int]]:
        number = protocol_number(proto, self.rules)
        return self._opened_by.setdefault(proto, (number, {}))

    def _opened(self, number: int, port: int, opened_by: dict[int, int]) -> int:
        open4, open6 = self.cells_open(number, port)
        found = opened_by[bisect_right(self._edges, port)] = open4 | open6 << self._width
        return found

    def _end(self, number: int) -> End:
        row, width = self._rows.get(number) or self._row(number), self._width
        one = (1 << width) - 1
        found = self._ends[number] = End(
            row.src4 | row.src6 << width,
            row.dst4 | row.dst6 << width,
            row.own4 | row.own6 << width,
            row.user,
            (one if row.in4 else 0) | (one << width if row.in6 else 0),
        )
        return found

    @property
    def _width(self) -> int:
        """Return how many bits the cells take; one at least, so that no family is without."""
        return len(self.rules.cells) + 1

    def row(self, number: int) -> Row:
        """Return what decides for the class *number*."""
        found = self._rows.get(number)
        if found is None:
            found = self._rows[number] = self._row(number)
        return found

    def rows(self, numbers: Iterable[int]) -> list[Row]:
        """Return what decides for each of the classes *numbers*, worked out for all at once."""
        asked = list(numbers)
        missing = [number for number in asked if number not in self._rows]
        if len(missing) > _FEW:
            self._work_out(missing)
        else:
            for number in missing:
                self._rows[number] = self._row(number)
        return [self._rows[number] for number in asked]

    def _work_out(self, numbers: list[int]) -> None:
        wanted = bitset(numbers)
        src4, src6, dst4, dst6, own4, own6 = (defaultdict[int, list[int]](list) for _ in range(6))
        for cell in self.rules.cells:
            if cell.kind is not CellKind.PORTS:
                continue
            source = cell.source
            filled = (
                ((own4, source.covers4), (own6, source.covers6))
                if cell.own
                else (
                    (src4, source.covers4), (src6, source.covers6),
                    (dst4, cell.hits4), (dst6, cell.hits6),
                )
            )  # fmt: skip
            for cells, held in filled:
                for number in members(held & wanted):
                    cells[number].append(cell.number)
        classes = self.rules.classes
        for number in numbers:
            user = classes.classes[number].signature.user
            of_user = number if user is not None else -1
            self._rows[number] = Row(
                bitset(src4[number]), bitset(src6[number]),
                bitset(dst4[number]), bitset(dst6[number]),
                bitset(own4[of_user]), bitset(own6[of_user]),
                user, classes.has4 >> number & 1 == 1, classes.has6 >> number & 1 == 1,
            )  # fmt: skip

    def _row(self, number: int) -> Row:
        src4, src6, dst4, dst6, own4, own6 = [], [], [], [], [], []
        classes = self.rules.classes
        each = classes.classes[number]
        user = each.signature.user
        bit = 1 << number
        for cell in self.rules.cells_from(each):
            if cell.kind is CellKind.PORTS and not cell.own:
                if cell.source.covers4 & bit:
                    src4.append(cell.number)
                if cell.source.covers6 & bit:
                    src6.append(cell.number)
        for cell in self.rules.cells_to(each):
            if cell.kind is CellKind.PORTS and not cell.own:
                if cell.hits4 & bit:
                    dst4.append(cell.number)
                if cell.hits6 & bit:
                    dst6.append(cell.number)
        for cell in self.rules.own_cells if user is not None else ():
            if cell.kind is CellKind.PORTS:
                if cell.source.covers4 & bit:
                    own4.append(cell.number)
                if cell.source.covers6 & bit:
                    own6.append(cell.number)
        return Row(
            bitset(src4), bitset(src6), bitset(dst4), bitset(dst6), bitset(own4), bitset(own6),
            user, classes.has4 >> number & 1 == 1, classes.has6 >> number & 1 == 1,
        )  # fmt: skip

    def cells_open(self, proto: int, port: int) -> tuple[int, int]:
        """Return the cells that let a first packet pass, over IPv4 and over IPv6."""
        key = proto, bisect_right(self._edges, port)
        found = self._open.get(key)
        if found is None:
            found = self._open[key] = self._opening(proto, port)
        return found

    def _opening(self, proto: int, port: int) -> tuple[int, int]:
        open4 = open6 = 0
        for cell in self.rules.cells:
            if cell.entry is None:
                continue
            bit = 1 << cell.number
            if passes(proto, port, Family.V4, cell.ip_proto, cell.entry.ports):
                open4 |= bit
            if passes(proto, port, Family.V6, cell.ip_proto, cell.entry.ports):
                open6 |= bit
        return open4, open6

    def granted_caps(self, peer: int, node: int) -> dict[str, Any]:
        """Return what *peer* is granted on *node*, over the rules in their order.

        Values of one capability are joined; one that only ever had the value null stays null.
        """
        found: dict[str, Any] = {}
        if not self._granting:
            return found
        classes, nodes = self.rules.classes, self.rules.roster.nodes
        a, b = classes.class_of[peer], classes.class_of[node]
        cells = self._granting_on.get(b)
        if cells is None:
            cells = self._granting_on[b] = tuple(self._cells_granting_on(b))
        for cell in cells:
            if cell.own and nodes[peer].user != nodes[node].user:
                continue
            from4, from6 = cell.source.covers4, cell.source.covers6
            if cell.own and cell.kind is CellKind.COMPANION:
                from4, from6 = classes.has4, classes.has6
            if not (from4 >> a & 1 or from6 >> a & 1):
                continue
            for name, values in cell.cap_map:
                if values is None:
                    found.setdefault(name, None)
                else:
                    found[name] = [*(found.get(name) or []), *values]
        return found

    def _cells_granting_on(self, number: int) -> Iterator[Cell]:
        """Yield the cells that grant capabilities on the nodes of a class, in order."""
        classes = self.rules.classes
        user = classes.classes[number].signature.user
        for at in self._granting:
            cell = self.rules.cells[at]
            bearers = cell.bearers
            if cell.own and user is None:
                continue
            if cell.own and cell.kind is CellKind.COMPANION:
                # It runs in reverse: to the sources, from all the user's devices.
                bearers = cell.source.covers4 | cell.source.covers6
            elif cell.own:
                bearers = classes.has4 | classes.has6
            if bearers >> number & 1:
                yield cell


def protocol_number(proto: str, rules: CompiledRules) -> int:
    """Return the number of a protocol name or number.

    Raises:
        ValueError: there is no such protocol.
    """
    numbers = rules.policy.target.protocols.get(proto.lower())
    if numbers:
        return numbers[0]
    if proto.isascii() and proto.isdecimal() and int(proto) <= 255:
        return int(proto)
    raise ValueError(f"unknown protocol `{proto}`")


def passes(
    proto: int, port: int, family: Family, ip_proto: IpProto, ports: Iterable[tuple[int, int]]
) -> bool:
    """Return whether a client lets the first packet of *proto* pass under one rule."""
    if proto == TSMP:
        return True
    if proto == (ICMP if family is Family.V4 else ICMPV6):
        return True  # whatever the rule's protocols and ports
    if proto not in (ip_proto or DEFAULT_PROTOCOLS):
        return False
    if proto in PORT_PROTOCOLS:
        return any(first <= port <= last for first, last in ports)
    return any(bounds == ALL_PORTS for bounds in ports)


def names(proto: int, port: int, ip_proto: IpProto, ports: Iterable[tuple[int, int]]) -> bool:
    """Return whether a rule names *proto* and *port* itself, as Headscale's tests ask."""
    listed = proto in (ip_proto or DEFAULT_PROTOCOLS)
    return listed and any(first <= port <= last for first, last in ports)
