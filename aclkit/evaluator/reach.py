"""Reachability between nodes, from compiled rules.

What a client's packet filter would do with the first packet (docs/reference/client.md), answered
from sets of classes, so that a question costs a few operations on integers.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aclkit.addresses import Family
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.rules import IpProto
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS

ICMP, TCP, UDP, ICMPV6, TSMP = 1, 6, 17, 58, 99
DEFAULT_PROTOCOLS = (TCP, UDP, ICMP, ICMPV6)
"""What a client takes a rule without protocols for."""


@dataclass(slots=True)
class Reach:
    """Answers from compiled rules. What is worked out per class or per port is kept."""

    rules: CompiledRules
    _sides: dict[int, tuple[int, int, int, int, int]] = field(default_factory=dict)
    _open: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    _protocols: dict[str, int] = field(default_factory=dict)
    _edges: list[int] = field(default_factory=list)
    _granting: list[Cell] = field(default_factory=list)

    def __post_init__(self) -> None:
        # Between two edges all ports are alike, so what is kept does not grow with the ports asked.
        edges = {0}
        for cell in self.rules.cells:
            for first, last in cell.entry.ports if cell.entry else ():
                edges.update((first, last + 1))
        self._edges = sorted(edges)
        self._granting = [cell for cell in self.rules.cells if cell.cap_map]

    def nodes(self, src: int, dst: int, port: int, proto: str) -> bool:
        """Return whether node *src* opens a connection to *port* of node *dst*."""
        number = self._protocols.get(proto)
        if number is None:
            number = self._protocols[proto] = protocol_number(proto, self.rules)
        cells = self.cells_open(number, port)
        class_of = self.rules.classes.class_of
        a, b = class_of[src], class_of[dst]
        if number == TSMP:
            signatures = self.rules.classes
            shared = signatures.has4 >> a & signatures.has4 >> b
            return bool((shared | signatures.has6 >> a & signatures.has6 >> b) & 1)
        source = self._sides.get(a) or self._side(a)
        target = self._sides.get(b) or self._side(b)
        if source[0] & target[2] & cells[0] or source[1] & target[3] & cells[1]:
            return True
        return bool(source[4]) and self._reaches_own(src, dst, cells)

    def _side(self, number: int) -> tuple[int, int, int, int, int]:
        """Return a class's cells: as source by IPv4, IPv6, as destination by each, and own."""
        src4 = src6 = dst4 = dst6 = own = 0
        for cell in self.rules.cells:
            if cell.kind is not CellKind.PORTS:
                continue
            bit = 1 << cell.number
            if cell.own:
                own |= bit
                continue
            if cell.source.covers4 >> number & 1:
                src4 |= bit
            if cell.source.covers6 >> number & 1:
                src6 |= bit
            if cell.hits4 >> number & 1:
                dst4 |= bit
            if cell.hits6 >> number & 1:
                dst6 |= bit
        found = self._sides[number] = (src4, src6, dst4, dst6, own)
        return found

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

    def _reaches_own(self, src: int, dst: int, cells: tuple[int, int]) -> bool:
        """Return whether `autogroup:self` lets *src* reach *dst*."""
        nodes, classes = self.rules.nodes, self.rules.classes
        user = nodes[src].user
        if user is None or nodes[dst].user != user:
            return False
        a, b = classes.class_of[src], classes.class_of[dst]
        for cell in self.rules.cells:
            if cell.own and cell.kind is CellKind.PORTS:
                in4 = cell.source.covers4 >> a & classes.has4 >> b & 1
                in6 = cell.source.covers6 >> a & classes.has6 >> b & 1
                if in4 & cells[0] >> cell.number or in6 & cells[1] >> cell.number:
                    return True
        return False

    def granted_caps(self, peer: int, node: int) -> dict[str, Any]:
        """Return what *peer* is granted on *node*, over the rules in their order.

        Values of one capability are joined; one that only ever had the value null stays null.
        """
        found: dict[str, Any] = {}
        if not self._granting:
            return found
        classes = self.rules.classes
        a, b = classes.class_of[peer], classes.class_of[node]
        user = self.rules.nodes[node].user
        for cell in self._granting:
            source, bearers = cell.source.covers4 | cell.source.covers6, cell.bearers
            if cell.own:
                if user is None or self.rules.nodes[peer].user != user:
                    continue
                own = classes.has4 | classes.has6
                # A companion runs in reverse: to the sources, from all the user's devices.
                source, bearers = (
                    (own, source) if cell.kind is CellKind.COMPANION else (source, own)
                )
            if not bearers >> b & source >> a & 1:
                continue
            for name, values in cell.cap_map:
                if values is None:
                    found.setdefault(name, None)
                else:
                    found[name] = [*(found.get(name) or []), *values]
        return found


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
