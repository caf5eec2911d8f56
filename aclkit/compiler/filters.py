"""Filters: the rules that one node is sent, exactly as the control plane writes them.

Rules with equal sources and protocols are one rule, at the place of the first of them in the whole
policy, whether or not that first one says anything about this node
(docs/reference/compiled-output.md, Merging). A class has a template; a node fills in its addresses.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from aclkit.addresses import Address, Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind, SourceSet
from aclkit.compiler.classes import NodeClass
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.rule_places import RulePlaces
from aclkit.compiler.rules import AccessRule, IpProto
from aclkit.compiler.source_keys import SourceKey, SourceKeys
from aclkit.policy.selectors import Selector
from aclkit.resolver import is_identity, word_of
from aclkit.source import Span
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange, SSHRule
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(frozen=True, slots=True)
class Group:
    """The cells that make one rule of a node, in order, with what identifies their sources."""

    key: SourceKey
    ip_proto: IpProto
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The entry of `acls`, `grants` or `ssh` behind a rule, by its index from 0.

    `span` is its place in the policy; None for what an absent rule section stands for.
    """

    section: str
    index: int
    span: Span | None


@dataclass(frozen=True, slots=True)
class Explained:
    """A rule as it is sent, and where it comes from.

    `origins` has one entry for each of the rule's DstPorts, in order, or one for its CapGrant.
    """

    rule: FilterRule
    origins: tuple[Origin, ...]


@dataclass(frozen=True, slots=True)
class ExplainedSsh:
    """An SSH rule as it is sent, and the entry of `ssh` that it comes from."""

    rule: SSHRule
    origin: Origin


@dataclass(slots=True)
class Filters:
    """Renders filters from compiled rules. Parts that nodes share are rendered once."""

    rules: CompiledRules
    keys: SourceKeys
    places: RulePlaces
    _src_ips: dict[SourceKey, tuple[str, ...]] = field(default_factory=dict)
    _older: dict[SourceKey, tuple[str, ...]] = field(default_factory=dict)
    """Lists of earlier states that hold in this one too; it is not added to."""
    _templates: dict[int, tuple[Group, ...]] = field(default_factory=dict)
    _fixed: dict[int, tuple[NetPortRange, ...]] = field(default_factory=dict)
    _class_texts: dict[int, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, rules: CompiledRules) -> Filters:
        """Return the filters of compiled rules."""
        keys = SourceKeys(rules)
        return cls(rules, keys, RulePlaces.among(rules.cells, keys))

    def following(self, rules: CompiledRules, changed: int) -> Filters:
        """Return the filters of the next state, in which the classes *changed* have other nodes."""
        # Lists that nobody asked for in this state are let go, so that none is kept for ever.
        known = (self._src_ips or self._older).copy()  # readers may add to it meanwhile
        older = {key: each for key, each in known.items() if not key.classes & changed}
        keys = self.keys.following(rules, changed)
        return Filters(rules, keys, self.places.following(keys), _older=older, _fixed=self._fixed)

    def prepare(self) -> None:
        """Do now what the first filter would wait for."""
        self.places.listing()

    def node_rules(self, node: int) -> tuple[FilterRule, ...]:
        """Return the rules of the node with number *node*, in order."""
        return tuple(rule for rule, _ in self._rendered(node))

    def explained(self, node: int) -> tuple[Explained, ...]:
        """Return the rules of a node, in order, each with the policy's rules behind it."""
        return tuple(
            Explained(
                rule,
                tuple(
                    Origin(r.section, r.index, r.span) for r, count in parts for _ in range(count)
                ),
            )
            for rule, parts in self._rendered(node)
        )

    def _rendered(self, node: int) -> Iterator[tuple[FilterRule, list[tuple[AccessRule, int]]]]:
        """Yield each rule of a node, and from which rule how many of its entries come."""
        own = self.rules.addresses(node)
        each = self.rules.class_of(node)
        for group in self.template(each):
            first = group.cells[0]
            if first.kind is CellKind.PORTS:
                parts = [(cell.rule, self._dst_ports(cell, each, own)) for cell in group.cells]
                ports = tuple(chain.from_iterable(listed for _, listed in parts))
                if ports:
                    rule = FilterRule(self.src_ips(group.key), ports, group.ip_proto or ())
                    yield rule, [(origin, len(listed)) for origin, listed in parts]
            elif (grant := self._grant(first, each, own)).dsts:
                yield FilterRule(self.src_ips(group.key), cap_grant=(grant,)), [(first.rule, 1)]

    def outline(self, node: int, apart: int, texts: Callable[[int], Collection[str]]) -> list[Any]:
        """Return the rules of a node without rendering their sources, for comparison only.

        Equal outlines in two states are equal filters, if all classes but those in *apart* hold the
        same nodes in both. *texts* has words for the nodes of each of these.
        """
        own = self.rules.addresses(node)
        each = self.rules.class_of(node)
        found: list[Any] = []
        for group in self.template(each):
            sources = _sources(group, apart, texts)
            if group.cells[0].kind is CellKind.PORTS:
                ports = [port for cell in group.cells for port in self._dst_ports(cell, each, own)]
                if ports:
                    found.append((sources, group.ip_proto, ports))
            elif (grant := self._grant(group.cells[0], each, own)).dsts:
                found.append((sources, grant))
        return found

    def gist(
        self, node: int, apart: int, texts: Callable[[int], Collection[str]]
    ) -> list[tuple[Any, list[int]]]:
        """Return less than the outline: the sources of each rule, and the cells that make it.

        Equal gists are equal outlines, for a node of which nothing else changed.
        """
        return [
            (_sources(group, apart, texts), [cell.number for cell in group.cells])
            for group in self.template(self.rules.class_of(node))
        ]

    def sends(self, group: Group, node: int) -> bool:
        """Return whether the rule that *group* makes says anything about a node."""
        own, each = self.rules.addresses(node), self.rules.class_of(node)
        if group.cells[0].kind is CellKind.PORTS:
            return any(self._dst_ports(cell, each, own) for cell in group.cells)
        return bool(self._grant(group.cells[0], each, own).dsts)

    def template(self, each: NodeClass) -> tuple[Group, ...]:
        """Return the rules of a class, in order, without addresses of its own filled in."""
        template = self._templates.get(each.number)
        if template is None:
            template = self._templates[each.number] = self._template(each)
        return template

    def cells_of(self, each: NodeClass) -> list[tuple[Cell, SourceKey]]:
        """Return the cells of which a class is sent something, in order, with their sources."""
        bit = 1 << each.number
        found = [
            (cell, self.keys.of(cell.source))
            for cell in self.rules.cells_to(each)
            if cell.sent & bit and not cell.own and cell.kind is not CellKind.STEER
        ]
        user = each.signature.user
        if user is not None:
            for cell in self.rules.own_cells:
                source: SourceSet | None = cell.source
                if cell.kind is CellKind.COMPANION:
                    # In reverse: the sources are told of all the user's devices.
                    if not (cell.source.covers4 | cell.source.covers6) >> each.number & 1:
                        continue
                    source = None
                key = self.keys.own(source, user)
                if key:
                    found.append((cell, key))
            found.sort(key=lambda pair: pair[0].number)
        return found

    def _template(self, each: NodeClass) -> tuple[Group, ...]:
        grouped: dict[tuple[SourceKey, IpProto], list[Cell]] = {}
        groups: list[tuple[int, Group]] = []
        for cell, key in self.cells_of(each):
            if cell.kind is CellKind.COMPANION and not key:
                continue  # nobody to be told of; a grant itself is sent also without sources
            if cell.kind is not CellKind.PORTS:
                groups.append((cell.number, Group(key, None, (cell,))))
            elif key:
                grouped.setdefault((key, cell.ip_proto), []).append(cell)
        for (key, ip_proto), cells in grouped.items():
            place = self.places.place(key, cells[0])
            groups.append((place, Group(key, ip_proto, tuple(cells))))
        groups.sort(key=lambda placed: placed[0])
        return tuple(group for _, group in groups)

    def src_ips(self, key: SourceKey) -> tuple[str, ...]:
        """Return the list that *key* identifies, sorted as byte strings."""
        found = self._src_ips.get(key)
        if found is None and key in self._older:
            found = self._src_ips[key] = self._older[key]
        if found is None:
            listed = list(key.texts)
            for number in members(key.classes):
                listed += self._class_texts.get(number) or self._write_class(number)
            # No two classes have an address in common, but a text may be one of theirs. Each
            # class is sorted by itself, so that these few runs are all that is left to sort.
            found = self._src_ips[key] = tuple(sorted(set(listed) if key.texts else listed))
        return found

    def _write_class(self, number: int) -> tuple[str, ...]:
        """Return the addresses of all nodes of a class, as they are written, sorted."""
        nodes = self.rules.classes.classes[number].nodes
        found = tuple(sorted(str(a) for node in nodes for a in self.rules.addresses(node)))
        self._class_texts[number] = found
        return found

    def _dst_ports(
        self, cell: Cell, each: NodeClass, own: tuple[Address, ...]
    ) -> tuple[NetPortRange, ...]:
        assert cell.entry is not None
        selector = cell.entry.selector
        offered = each.signature.offered
        if cell.own or (is_identity(selector) and not offered):
            return _open([str(address) for address in own], cell)
        if selector.kind is not K.WILDCARD and self.rules.policy.target.meaning.advertised_routes:
            near = (*offered, *map(Prefix.of, own))
            return _open(_tokens(_overlapping(self._all_of(selector), near)), cell)
        fixed = self._fixed.get(cell.number)
        if fixed is not None:
            return fixed
        if selector.kind is K.WILDCARD:
            tokens: Iterable[str] = ("*",)
        elif selector.is_autogroup("internet"):
            internet = self.rules.resolver.literal(selector)
            tokens = internet.tokens if internet else ()
        elif selector.kind is K.SERVICE:
            tokens = _tokens(self._written(selector))
        else:
            prefixes = self._written(selector)
            if len(prefixes) != 1:
                # An ipset is reduced part by part, so it differs from node to node.
                within = each.signature.routes
                if not cell.is_via:
                    within = (*within, *map(Prefix.of, own))
                return _open(_tokens(_overlapping(prefixes, within)), cell)
            tokens = [prefixes[0].token]
        fixed = self._fixed[cell.number] = _open(tokens, cell)
        return fixed

    def _written(self, selector: Selector) -> Sequence[Prefix]:
        literal = self.rules.resolver.literal(selector)
        return literal.prefixes if literal else ()

    def _all_of(self, selector: Selector) -> Sequence[Prefix]:
        """Return all addresses that a destination stands for; of nodes, in their order."""
        if not is_identity(selector):
            return self._written(selector)
        classes = self.rules.classes
        named = members(classes.with_word(word_of(selector)))
        nodes = sorted(node for number in named for node in classes.classes[number].nodes)
        return [Prefix.of(address) for node in nodes for address in self.rules.addresses(node)]

    def _grant(self, cell: Cell, each: NodeClass, own: tuple[Address, ...]) -> CapGrant:
        dsts = []
        for address in own:
            is_v4 = address.family is Family.V4
            hits = cell.hits4 if is_v4 else cell.hits6
            if cell.own and cell.kind is CellKind.COMPANION:
                hits = cell.source.covers4 if is_v4 else cell.source.covers6
            elif cell.own:
                hits = self.rules.classes.everyone
            if hits >> each.number & 1:
                dsts.append(str(Prefix.of(address)))
        for selector in cell.selectors:
            if selector.kind is K.SERVICE and selector.text in each.signature.services:
                dsts.extend(map(str, self._written(selector)))
            elif cell.routes:
                routed = _overlapping(self._written(selector), each.signature.routes)
                dsts.extend(text for text in map(str, routed) if text not in dsts)
        values = {name: None if listed is None else tuple(listed) for name, listed in cell.cap_map}
        return CapGrant(tuple(sorted(dsts)), values)


def _sources(group: Group, apart: int, texts: Callable[[int], Collection[str]]) -> Any:
    """Return the sources of a rule, with *texts* for the classes *apart*."""
    classes = group.key.classes
    listed = set(group.key.texts)
    for number in members(classes & apart):
        listed.update(texts(number))
    return classes & ~apart, listed


def _open(tokens: Iterable[str], cell: Cell) -> tuple[NetPortRange, ...]:
    assert cell.entry is not None
    ports = [PortRange(first, last) for first, last in cell.entry.ports]
    return tuple(NetPortRange(token, port) for token in tokens for port in ports)


def _tokens(prefixes: Iterable[Prefix]) -> list[str]:
    return [prefix.token for prefix in prefixes]


def _overlapping(prefixes: Iterable[Prefix], within: Sequence[Prefix]) -> list[Prefix]:
    return [p for p in prefixes if any(p.overlaps(other) for other in within)]
