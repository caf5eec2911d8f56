"""Why something gets through: the rules, and how each of their names comes down to an address."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from aclkit.addresses import Address, AddressSet, Family, Prefix
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.evaluator.query import Because, Pair, Question
from aclkit.evaluator.reach import ICMP, ICMPV6
from aclkit.evaluator.regions import Region
from aclkit.policy.ipsets import member_addresses
from aclkit.policy.ports import ALL_PORTS
from aclkit.policy.selectors import Selector
from aclkit.resolver import is_identity, word_of
from aclkit.tailcfg import DEFAULT_PROTOCOLS
from aclkit.target import SelectorKind

K = SelectorKind


def because(question: Question) -> tuple[Because, ...]:
    """Return the rules of a yes, each with an example.

    Without all of them, nothing of what was asked would get through.
    """
    found: dict[tuple[str, int, str], Because] = {}
    for answer in question.answers():
        if answer.cells:
            add_cells(found, answer.cells, answer.of.example(), question.rules, question.proto)
    return tuple(found.values())


def add_cells(
    found: dict[tuple[str, int, str], Because],
    cells: int,
    pair: Pair,
    rules: CompiledRules,
    proto: int,
) -> None:
    """Add the rules of *cells*, which let *pair* through, to those *found* before."""
    for number in members(cells):
        cell = rules.cells[number]
        key = cell.rule.section, cell.rule.index, named_by(cell)
        if key not in found:
            found[key] = _of_cell(rules, cell, pair, proto)


def _of_cell(rules: CompiledRules, cell: Cell, pair: Pair, proto: int) -> Because:
    assert cell.entry is not None
    assert pair.src is not None
    assert pair.dst is not None
    ends = Ends(rules, pair)
    sources = [selector for selector in cell.source.selectors if ends.is_source(selector)]
    expansions = [ends.of_source(selector) for selector in sources]
    expansions.append(ends.of_destination(cell.entry.selector))
    router = rules.nodes[pair.dst] if pair.beyond is not None else None
    return Because(
        Origin(cell.rule.section, cell.rule.index, cell.rule.span),
        tuple(selector.text for selector in sources),
        cell.entry.selector.text,
        ends.names,
        router.name if router else None,
        is_icmp_only(cell, proto),
        tuple(expansions),
        next((tag for tag in cell.rule.via if router and tag in router.tags), None),
    )


def is_icmp_only(cell: Cell, proto: int) -> bool:
    """Return whether *proto* is ICMP and passes by *cell* just because all ICMP does."""
    if proto not in (ICMP, ICMPV6) or cell.entry is None:
        return False
    listed = proto in (cell.ip_proto or DEFAULT_PROTOCOLS)
    return not (listed and ALL_PORTS in cell.entry.ports)


def named_by(cell: Cell) -> str:
    """Return the destination of *cell* as written; empty for capabilities."""
    return cell.entry.selector.text if cell.entry else ""


class Ends:
    """The two ends of an example, and how names come down to them."""

    def __init__(self, rules: CompiledRules, pair: Pair) -> None:
        self._rules = rules
        self._pair = pair

    @property
    def names(self) -> tuple[str, str]:
        """Return the two: the name of a device, or an address that no device has."""
        pair, nodes = self._pair, self._rules.nodes
        src = nodes[pair.src].name if pair.behind is None and pair.src is not None else pair.behind
        dst = nodes[pair.dst].name if pair.beyond is None and pair.dst is not None else pair.beyond
        return str(src), str(dst)

    def is_source(self, selector: Selector) -> bool:
        """Return whether the source of the example falls under *selector*."""
        return self._falls_under(selector, self._pair.src, self._pair.behind)

    def is_destination(self, selector: Selector) -> bool:
        """Return whether the destination of the example falls under *selector*."""
        return self._falls_under(selector, self._pair.dst, self._pair.beyond)

    def of_source(self, selector: Selector) -> tuple[str, ...]:
        """Return the names from *selector*, under which the source falls, to its address."""
        return self._chain(selector, self._pair.src, self._pair.behind)

    def of_destination(self, selector: Selector) -> tuple[str, ...]:
        """Return the names from *selector*, under which the destination falls, to its address."""
        return self._chain(selector, self._pair.dst, self._pair.beyond)

    def _falls_under(self, selector: Selector, node: int | None, region: Region | None) -> bool:
        if is_identity(selector):
            if node is None or region is not None:
                return False
            return word_of(selector) in self._rules.class_of(node).words
        literal = self._rules.resolver.literal(selector)
        if literal is None:
            return False
        named = literal.addresses
        if selector.kind is K.WILDCARD:
            named |= AddressSet.of(self._rules.classes.routes)
        return any(each in named for each in self._addresses(node, region))

    def _addresses(self, node: int | None, region: Region | None) -> Iterator[Address]:
        """Yield the addresses of an end by which the two can meet."""
        if region is not None:
            yield Address(region.family, region.first)
        elif node is not None:
            for address in self._rules.addresses(node):
                if self._pair.over4 if address.family is Family.V4 else self._pair.over6:
                    yield address

    def _chain(
        self, selector: Selector, node: int | None, region: Region | None
    ) -> tuple[str, ...]:
        literal = self._rules.resolver.literal(selector)
        found = list(self._addresses(node, region))
        address = found[0]
        if literal is not None:
            address = next((each for each in found if each in literal.addresses), address)
        words = [selector.text, *self._between(selector, address, node)]
        if region is not None:
            words.append(str(region))
        elif node is not None:
            words += self._rules.nodes[node].name, str(address)
        return tuple(word for word, _ in groupby(words))

    def _between(self, selector: Selector, address: Address, node: int | None) -> Iterator[str]:
        """Yield what stands between a name and the device, or the address, that it stands for."""
        match selector.kind:
            case K.GROUP | K.DOMAIN | K.AUTOGROUP if node is not None and (
                is_identity(selector) or selector.is_autogroup("self")
            ):
                device = self._rules.nodes[node]
                yield device.user or ", ".join(device.tags)
            case K.HOST:
                hosts = {host.name.value: host.prefix for host in self._rules.policy.hosts}
                yield hosts[selector.text].token
            case K.WILDCARD:
                around = [route for route in self._rules.classes.routes if address in route]
                yield from (str(route) for route in sorted(around, key=lambda r: r.bits)[:1])
            case K.IPSET:
                yield from self._members(selector.text, address)
            case _:
                pass

    def _members(self, name: str, address: Address) -> Iterator[str]:
        """Yield the members of ipsets, from the outermost in, that bring *address* into *name*."""
        hosts = {host.name.value: host.prefix for host in self._rules.policy.hosts}
        definitions = {ipset.name.value: ipset for ipset in self._rules.policy.ipsets}
        while name in definitions:
            # The last operation on an address that is inside is one that adds it.
            adding = (member for adds, member in reversed(definitions[name].operations) if adds)
            found = next(each for each in adding if address in self._of_member(each, hosts))
            name = found.text
            yield name
            if found.kind is K.HOST_MEMBER:
                yield hosts[found.name].token

    def _of_member(self, member: Selector, hosts: Mapping[str, Prefix]) -> AddressSet:
        if member.kind is K.IPSET:
            literal = self._rules.resolver.literal(member)
            return literal.addresses if literal else AddressSet.empty()
        return member_addresses(member, hosts, {})
