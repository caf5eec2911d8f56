"""Filters: the rules that one node is sent, exactly as the control plane writes them.

Rules with equal sources and protocols are one rule, at the place of the first of them in the whole
policy, whether or not that first one says anything about this node
(docs/reference/compiled-output.md, Merging). A class has a template; a node fills in its addresses.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import TypeAlias

from aclkit.addresses import Address, Family, Prefix
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.cells import Cell, CellKind, SourceSet
from aclkit.compiler.classes import NodeClass
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.rules import AccessRule, IpProto
from aclkit.resolver import is_identity
from aclkit.source import Span
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange
from aclkit.target import SelectorKind

K = SelectorKind

SourceKey: TypeAlias = tuple[int, frozenset[str]]
"""What identifies the list of sources of a rule: classes of which all nodes are in it, and texts
of all other sources. Equal keys mean equal lists, without rendering either."""


@dataclass(frozen=True, slots=True)
class Group:
    """The cells that make one rule of a node, in order, with their sources as written."""

    src_ips: tuple[str, ...]
    ip_proto: IpProto
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Origin:
    """The entry of `acls` or `grants` behind a rule, by its index from 0.

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


@dataclass(slots=True)
class Filters:
    """Renders filters from compiled rules. Parts that nodes share are rendered once."""

    rules: CompiledRules
    _keys: dict[int, SourceKey] = field(default_factory=dict)
    _src_ips: dict[SourceKey, tuple[str, ...]] = field(default_factory=dict)
    _places: dict[tuple[SourceKey, IpProto], int] = field(default_factory=dict)
    _bearers: list[tuple[int, Cell]] = field(default_factory=list)
    _own: list[Cell] = field(default_factory=list)
    _templates: dict[int, tuple[Group, ...]] = field(default_factory=dict)
    _fixed: dict[int, tuple[NetPortRange, ...]] = field(default_factory=dict)
    _marked: int = 0

    def __post_init__(self) -> None:
        self._marked = self._classes_named_by_address()
        for cell in self.rules.cells:
            if cell.kind is CellKind.STEER:
                continue
            if cell.own:
                self._own.append(cell)
                continue
            if cell.kind is CellKind.PORTS:
                key = self.key(cell.source)
                if not cell.is_via and not _is_empty(key):
                    self._places.setdefault((key, cell.ip_proto), cell.number)
            if cell.bearers:
                self._bearers.append((cell.bearers, cell))

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
                    rule = FilterRule(group.src_ips, ports, group.ip_proto or ())
                    yield rule, [(origin, len(listed)) for origin, listed in parts]
            elif (grant := self._grant(first, each, own)).dsts:
                yield FilterRule(group.src_ips, cap_grant=(grant,)), [(first.rule, 1)]

    def template(self, each: NodeClass) -> tuple[Group, ...]:
        """Return the rules of a class, in order, without addresses of its own filled in."""
        template = self._templates.get(each.number)
        if template is None:
            template = self._templates[each.number] = self._template(each)
        return template

    def cells_of(self, each: NodeClass) -> list[tuple[Cell, SourceKey]]:
        """Return the cells of which a class is sent something, in order, with their sources."""
        found = [
            (cell, self.key(cell.source))
            for bearers, cell in self._bearers
            if bearers >> each.number & 1
        ]
        user = each.signature.user
        if self._own and user is not None:
            for cell in self._own:
                source: SourceSet | None = cell.source
                if cell.kind is CellKind.COMPANION:
                    # In reverse: the sources are told of all the user's devices.
                    if not (cell.source.covers4 | cell.source.covers6) >> each.number & 1:
                        continue
                    source = None
                key = self.own_key(source, user)
                if not _is_empty(key):
                    found.append((cell, key))
            found.sort(key=lambda pair: pair[0].number)
        return found

    def _template(self, each: NodeClass) -> tuple[Group, ...]:
        places: dict[tuple[SourceKey, IpProto], int] = {}
        grouped: dict[tuple[SourceKey, IpProto], list[Cell]] = {}
        groups: list[tuple[int, Group]] = []
        for cell, key in self.cells_of(each):
            if cell.kind is CellKind.COMPANION and _is_empty(key):
                continue  # nobody to be told of; a grant itself is sent also without sources
            if cell.kind is not CellKind.PORTS:
                groups.append((cell.number, Group(self.src_ips(key), None, (cell,))))
            elif not _is_empty(key):
                rule = key, cell.ip_proto
                place = self._places.get(rule, cell.number)
                places[rule] = min(places.get(rule, cell.number), place)
                grouped.setdefault(rule, []).append(cell)
        for (key, ip_proto), cells in grouped.items():
            group = Group(self.src_ips(key), ip_proto, tuple(cells))
            groups.append((places[key, ip_proto], group))
        groups.sort(key=lambda placed: placed[0])
        return tuple(group for _, group in groups)

    def _classes_named_by_address(self) -> int:
        """Return the classes of which a node may be told by its address alone.

        Such an address may make two lists equal that were written differently, so the addresses
        of these classes take part in keys as text.
        """
        classes = self.rules.classes
        marked = 0
        for number, addresses in enumerate(classes.literals.sets):
            if any(prefix.is_single for prefix in addresses.prefixes()):
                marked |= classes.hits4.get(number, 0) | classes.hits6.get(number, 0)
        for source in self.rules.sources:
            if source.postures:
                marked |= (source.covers4 | source.covers6) & ~source.identity
        return marked

    def key(self, source: SourceSet) -> SourceKey:
        """Return what identifies the list of a source set."""
        key = self._keys.get(source.number)
        if key is None:
            key = self._keys[source.number] = self._key(source)
        return key

    def _key(self, source: SourceSet) -> SourceKey:
        rules = self.rules
        texts: set[str] = set()
        for number in members(source.identity & self._marked):
            for node in rules.classes.classes[number].nodes:
                texts.update(map(str, rules.addresses(node)))
        if source.postures:
            # Narrowed to nodes: what was named by address is now these nodes' addresses.
            for covers, family in ((source.covers4, Family.V4), (source.covers6, Family.V6)):
                for number in members(covers & ~source.identity):
                    texts.update(self._texts_of(number, family))
        else:
            for literal in source.literals:
                texts.update(literal.tokens)
            if source.routes:
                texts.update(route.token for route in rules.classes.routes)
        identity = source.identity & ~self._marked & (rules.classes.has4 | rules.classes.has6)
        return identity, frozenset(texts)

    def own_key(self, source: SourceSet | None, user: str) -> SourceKey:
        """Return what identifies the untagged nodes of *user* that *source* holds (None: all)."""
        classes = self.rules.classes
        whole, texts = [], set[str]()
        for number in classes.by_user.get(user, ()):
            has4, has6 = classes.has4 >> number & 1, classes.has6 >> number & 1
            in4 = source.covers4 >> number & 1 if source else has4
            in6 = source.covers6 >> number & 1 if source else has6
            if not in4 and not in6:
                continue
            if in4 == has4 and in6 == has6 and not self._marked >> number & 1:
                whole.append(number)
                continue
            if in4:
                texts.update(self._texts_of(number, Family.V4))
            if in6:
                texts.update(self._texts_of(number, Family.V6))
        return bitset(whole), frozenset(texts)

    def _texts_of(self, number: int, family: Family) -> Iterable[str]:
        for node in self.rules.classes.classes[number].nodes:
            for address in self.rules.addresses(node):
                if address.family is family:
                    yield str(address)

    def src_ips(self, key: SourceKey) -> tuple[str, ...]:
        """Return the list that *key* identifies, sorted as byte strings."""
        found = self._src_ips.get(key)
        if found is None:
            classes, texts = key
            listed = set(texts)
            for number in members(classes):
                for node in self.rules.classes.classes[number].nodes:
                    listed.update(map(str, self.rules.addresses(node)))
            found = self._src_ips[key] = tuple(sorted(listed))
        return found

    def _dst_ports(
        self, cell: Cell, each: NodeClass, own: tuple[Address, ...]
    ) -> tuple[NetPortRange, ...]:
        assert cell.entry is not None
        selector = cell.entry.selector
        if cell.own or is_identity(selector):
            return _open([str(address) for address in own], cell)
        fixed = self._fixed.get(cell.number)
        if fixed is not None:
            return fixed
        if selector.kind is K.WILDCARD:
            tokens: Iterable[str] = ("*",)
        elif selector.is_autogroup("internet"):
            internet = self.rules.resolver.literal(selector)
            tokens = internet.tokens if internet else ()
        elif selector.kind is K.SERVICE:
            service = self.rules.resolver.literal(selector)
            tokens = service.tokens if service else ()
        else:
            literal = self.rules.resolver.literal(selector)
            prefixes = literal.prefixes if literal else ()
            if len(prefixes) != 1:
                # An ipset is reduced part by part, so it differs from node to node.
                within = each.signature.routes
                if not cell.is_via:
                    within = (*within, *map(Prefix.of, own))
                return _open(
                    [p.token for p in prefixes if any(p.overlaps(other) for other in within)],
                    cell,
                )
            tokens = [prefixes[0].token]
        fixed = self._fixed[cell.number] = _open(tokens, cell)
        return fixed

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
                service = self.rules.resolver.literal(selector)
                dsts.extend(str(prefix) for prefix in (service.prefixes if service else ()))
        values = {name: None if listed is None else tuple(listed) for name, listed in cell.cap_map}
        return CapGrant(tuple(sorted(dsts)), values)


def _open(tokens: Iterable[str], cell: Cell) -> tuple[NetPortRange, ...]:
    assert cell.entry is not None
    ports = [PortRange(first, last) for first, last in cell.entry.ports]
    return tuple(NetPortRange(token, port) for token in tokens for port in ports)


def _is_empty(key: SourceKey) -> bool:
    return not key[0] and not key[1]
