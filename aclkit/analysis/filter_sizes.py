"""How many bytes the packet filter of each node has, and what makes it large.

Sizes are those of the JSON without spaces. They are worked out per class: its nodes differ in how
long their own addresses are written, and in nothing else. A list of sources is measured once.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from heapq import nlargest

from aclkit.addresses import Address, AddressSet, Prefix, parse_wire
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.classes import NodeClass
from aclkit.compiler.filters import Origin
from aclkit.resolver import is_identity
from aclkit.tailcfg import FilterRule

SHOWN = 10
"""How many nodes and rules are named as the largest."""


@dataclass(frozen=True, slots=True)
class RuleSize:
    """A rule of a filter.

    Attributes:
        origins: the entries of the policy behind it, each once, in order.
        size: its bytes.
        sources: how many sources it lists.
        ranges: in how many ranges without a gap their addresses lie. About as many as `sources`
            means scattered addresses: no allocation rule that would shorten the list was kept.
    """

    origins: tuple[Origin, ...]
    size: int
    sources: int
    ranges: int


@dataclass(frozen=True, slots=True)
class FilterSizes:
    """The sizes of all filters.

    Attributes:
        total: the bytes of all filters, each on its own.
        shared: the bytes of all lists of sources in them, each counted once however many have it.
        nodes: how many nodes there are.
        largest: the nodes with the largest filters, with their bytes, the largest first.
        rules: the largest rules of the first of these nodes, the largest first.
    """

    total: int
    shared: int
    nodes: int
    largest: tuple[tuple[str, int], ...]
    rules: tuple[RuleSize, ...]
    _compiled: CompiledPolicy = field(repr=False, compare=False)
    _sizes: Mapping[int, int] = field(repr=False, compare=False)

    def bytes_of(self, name_or_id: str) -> int:
        """Return the bytes of the filter of a node.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        return self._sizes[self._compiled.node_number(name_or_id)]


def filter_sizes(compiled: CompiledPolicy) -> FilterSizes:
    """Return how large the filters of all nodes are, and the reasons for the largest."""
    measure = _Measure(compiled)
    sizes = dict(measure.sizes())
    largest = nlargest(SHOWN, sizes.items(), key=lambda each: (each[1], -each[0]))
    nodes = compiled.rules.nodes
    return FilterSizes(
        sum(sizes.values()),
        sum(size for _, size in measure.lists.values()),
        len(sizes),
        tuple((nodes[node].name, size) for node, size in largest),
        measure.rules_of(largest[0][0]) if largest else (),
        compiled,
        sizes,
    )


class _Measure:
    """Measures filters; `lists` has each list of sources that it met, with its bytes."""

    def __init__(self, compiled: CompiledPolicy) -> None:
        self.compiled = compiled
        self.lists: dict[int, tuple[tuple[str, ...], int]] = {}

    def sizes(self) -> Iterator[tuple[int, int]]:
        """Yield each node with the bytes of its filter."""
        rules = self.compiled.rules
        for each in rules.classes.classes:
            if not each.nodes:
                continue
            first, *others = each.nodes
            sent = self.compiled.filters.node_rules(first)
            size = self._filter(sent)
            yield first, size
            if others and _reduced_by_part(each, self.compiled):
                for node in others:
                    yield node, self._filter(self.compiled.filters.node_rules(node))
                continue
            own = rules.addresses(first)
            counts = _occurrences(sent, own) if others else [0] * len(own)
            size -= _own_bytes(own, counts)
            for node in others:
                yield node, size + _own_bytes(rules.addresses(node), counts)

    def rules_of(self, node: int) -> tuple[RuleSize, ...]:
        """Return the largest rules of a node."""
        found = [
            (self._rule(each.rule), tuple(dict.fromkeys(each.origins)), each.rule.src_ips)
            for each in self.compiled.filters.explained(node)
        ]
        found.sort(key=lambda each: -each[0])
        return tuple(
            RuleSize(origins, size, len(listed), _ranges(listed))
            for size, origins, listed in found[:SHOWN]
        )

    def _filter(self, rules: Sequence[FilterRule]) -> int:
        return len("[]") + max(0, len(rules) - 1) + sum(map(self._rule, rules))

    def _rule(self, rule: FilterRule) -> int:
        size = len('{"SrcIPs":}') + self._list(rule.src_ips)
        if rule.dst_ports:
            entries = (
                len(f'{{"IP":"{each.ip}","Ports":{{"First":{first},"Last":{last}}}}}')
                for each in rule.dst_ports
                for first, last in ((each.ports.first, each.ports.last),)
            )
            size += len(',"DstPorts":[]') + sum(entries) + len(rule.dst_ports) - 1
        if rule.ip_proto:
            size += len(',"IPProto":') + _length(rule.ip_proto)
        if rule.cap_grant:
            size += len(',"CapGrant":') + _length([grant.to_dict() for grant in rule.cap_grant])
        return size

    def _list(self, listed: tuple[str, ...]) -> int:
        # The tuples themselves are shared, so that looking one up need not look through it.
        found = self.lists.get(id(listed))
        if found is None:
            found = self.lists[id(listed)] = listed, _length(listed)
        return found[1]


def _reduced_by_part(each: NodeClass, compiled: CompiledPolicy) -> bool:
    """Return whether nodes of a class may have different parts of one destination."""
    if compiled.rules.policy.target.meaning.advertised_routes:
        return True
    for group in compiled.filters.template(each):
        for cell in group.cells:
            selectors = cell.selectors if cell.entry is None else (cell.entry.selector,)
            for selector in selectors:
                literal = (
                    None if is_identity(selector) else compiled.rules.resolver.literal(selector)
                )
                if literal is not None and len(literal.prefixes) > 1:
                    return True
    return False


def _occurrences(rules: Iterable[FilterRule], own: tuple[Address, ...]) -> list[int]:
    """Return how often each of a node's own addresses is a destination in its filter."""
    listed: Counter[str] = Counter()
    for rule in rules:
        listed.update(dst.ip for dst in rule.dst_ports)
        for grant in rule.cap_grant:
            listed.update(grant.dsts)
    return [listed[str(address)] + listed[str(Prefix.of(address))] for address in own]


def _own_bytes(own: tuple[Address, ...], counts: list[int]) -> int:
    return sum(len(str(address)) * count for address, count in zip(own, counts, strict=True))


def _ranges(listed: Iterable[str]) -> int:
    return len(AddressSet.of(map(parse_wire, listed)).ranges())


def _length(data: object) -> int:
    return len(json.dumps(data, separators=(",", ":")))
