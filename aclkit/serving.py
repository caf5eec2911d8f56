"""What a coordination server asks beside the maps of nodes (docs/embedding.md).

Functions of a compiled policy. Nothing here is kept for pairs of nodes; what goes through all nodes
is an iterator.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.routes import RouteApprovals
from aclkit.compiler.rules import IpProto
from aclkit.compiler.source_keys import SourceKey
from aclkit.evaluator.packetfilter import PacketFilter
from aclkit.policy.selectors import Selector
from aclkit.resolver import is_identity, word_of
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange
from aclkit.target import SelectorKind


def unreduced_rules(
    compiled: CompiledPolicy, name_or_id: str | None = None
) -> tuple[FilterRule, ...]:
    """Return the rules with all of their destinations, not only those that one node has.

    Without a node these are the rules that mean the same to all nodes: `autogroup:self` and `via`
    are not among them. With one they are, as far as they say something about that node; at its
    addresses and routes it would decide by them as by its packet filter, which is shorter.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    number = None if name_or_id is None else compiled.node_number(name_or_id)
    grouped: dict[tuple[SourceKey, IpProto], list[NetPortRange]] = {}
    found: list[tuple[SourceKey, IpProto] | FilterRule] = []
    for cell in compiled.rules.cells:
        user = _user_of(cell, number, compiled)
        if user is None:
            continue
        key = _sources(cell, user, compiled)
        if not key:
            continue
        if cell.entry is not None:
            rule = key, cell.ip_proto
            if rule not in grouped:
                grouped[rule] = []
                found.append(rule)
            ports = [PortRange(first, last) for first, last in cell.entry.ports]
            tokens = _tokens(cell, cell.entry.selector, user, compiled)
            grouped[rule] += (NetPortRange(token, each) for token in tokens for each in ports)
        else:
            grant = CapGrant(tuple(_granted_on(cell, user, compiled)), _values(cell))
            if grant.dsts:
                found.append(FilterRule(compiled.filters.src_ips(key), cap_grant=(grant,)))
    return tuple(
        each
        if isinstance(each, FilterRule)
        else FilterRule(compiled.filters.src_ips(each[0]), tuple(grouped[each]), each[1] or ())
        for each in found
        if isinstance(each, FilterRule) or grouped[each]
    )


ANYBODY = ""
"""In place of a user, for rules that are not `autogroup:self`."""


def _user_of(cell: Cell, number: int | None, compiled: CompiledPolicy) -> str | None:
    """Return whose devices a cell is about, or ANYBODY; None when it is not for this node."""
    if cell.kind is CellKind.STEER:
        return None
    each = None if number is None else compiled.rules.class_of(number)
    if cell.own:
        return None if each is None else each.signature.user
    if cell.is_via and (each is None or not cell.bearers >> each.number & 1):
        return None
    return ANYBODY


def _sources(cell: Cell, user: str, compiled: CompiledPolicy) -> SourceKey:
    if not cell.own:
        return compiled.filters.keys.of(cell.source)
    # A companion runs in reverse: to the sources, from all of the user's devices.
    return compiled.filters.keys.own(None if cell.kind is CellKind.COMPANION else cell.source, user)


def _tokens(cell: Cell, selector: Selector, user: str, compiled: CompiledPolicy) -> list[str]:
    """Return a destination as address texts; of nodes, in the order of creation."""
    rules = compiled.rules
    if cell.own:
        own = rules.classes.devices_of(user)
        return [prefix.token for prefix in _addresses(own, own, compiled)]
    if is_identity(selector):
        named = rules.classes.with_word(word_of(selector))
        return [prefix.token for prefix in _addresses(named, named, compiled)]
    if selector.kind is SelectorKind.WILDCARD:
        return ["*"]
    literal = rules.resolver.literal(selector)
    if literal is None:
        return []
    return [prefix.token for prefix in literal.prefixes] or list(literal.tokens)


def _addresses(nodes4: int, nodes6: int, compiled: CompiledPolicy) -> Iterator[Prefix]:
    """Yield the IPv4 and IPv6 addresses of the nodes of classes, in the order of creation."""
    rules = compiled.rules
    nodes = (
        node for number in members(nodes4 | nodes6) for node in rules.classes.classes[number].nodes
    )
    for node in rules.roster.in_order(nodes):
        of = rules.classes.class_of[node]
        for address in rules.addresses(node):
            if (nodes4 if address.family is Family.V4 else nodes6) >> of & 1:
                yield Prefix.of(address)


def _granted_on(cell: Cell, user: str, compiled: CompiledPolicy) -> Iterator[str]:
    rules = compiled.rules
    if cell.own:
        own = rules.classes.devices_of(user)
        within4, within6 = cell.source.covers4, cell.source.covers6
        if cell.kind is not CellKind.COMPANION:
            within4 = within6 = rules.classes.everyone
        yield from map(str, _addresses(own & within4, own & within6, compiled))
        return
    yield from map(str, _addresses(cell.hits4, cell.hits6, compiled))
    for selector in cell.selectors:
        if selector.kind is SelectorKind.SERVICE or cell.routes:
            literal = rules.resolver.literal(selector)
            yield from map(str, literal.prefixes if literal else ())


def _values(cell: Cell) -> dict[str, tuple[object, ...] | None]:
    return {name: None if listed is None else tuple(listed) for name, listed in cell.cap_map}


def client_filter(compiled: CompiledPolicy, name_or_id: str) -> PacketFilter:
    """Return the filter of a node in the form in which a client matches packets with it.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    number = compiled.node_number(name_or_id)
    own = AddressSet.of(compiled.rules.addresses(number))
    routed = AddressSet.of(compiled.rules.class_of(number).signature.routes)
    return PacketFilter(compiled.filters.node_rules(number), own | routed)


def peers_of(compiled: CompiledPolicy, name_or_id: str) -> tuple[str, ...]:
    """Return the names of the nodes that a node sees, in the order of creation.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    roster = compiled.rules.roster
    found = compiled.visibility.peers(compiled.node_number(name_or_id))
    return tuple(roster.nodes[peer].name for peer in roster.in_order(found))


def peer_map(compiled: CompiledPolicy) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every node with the names of its peers, both in the order of creation."""
    for _, node in compiled.rules.in_order():
        yield node.name, peers_of(compiled, node.name)


def routes_for_peer(compiled: CompiledPolicy, viewer: str, peer: str) -> tuple[str, ...]:
    """Return the routes of *peer* that *viewer* is shown, those that `via` leads there included.

    There are none when *viewer* doesn't see *peer* at all.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    a, b = compiled.node_number(viewer), compiled.node_number(peer)
    classes = compiled.rules.classes
    visible = compiled.visibility.visible_classes(classes.class_of[a])
    if a == b or not visible >> classes.class_of[b] & 1:
        return ()
    return tuple(str(route) for route in compiled.visibility.shown_routes(a, b))


def can_approve_route(compiled: CompiledPolicy, name_or_id: str, route: Prefix) -> bool:
    """Return whether the policy approves *route* unasked, should the node advertise it.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    number = compiled.node_number(name_or_id)
    node = replace(compiled.rules.nodes[number], advertised_routes=(route,))
    words = compiled.rules.class_of(number).words
    return bool(RouteApprovals(compiled.rules.resolver).approved(node, words))


def capabilities(compiled: CompiledPolicy) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Yield every node that node attributes give capabilities, with these, sorted."""
    rules = compiled.rules
    for number, node in rules.in_order():
        names = rules.attributes.get(rules.classes.class_of[number], ())
        if names:
            yield node.name, names


def describe(compiled: CompiledPolicy) -> str:
    """Return how a policy was compiled, as lines for a person who looks for a fault."""
    rules = compiled.rules
    classes = [each for each in rules.classes.classes if each.nodes]
    largest = max((len(each.nodes) for each in classes), default=0)
    lines = [
        f"target: {rules.policy.target.name}",
        f"tailnet: {len(rules.roster.users)} users, {len(rules.roster.nodes)} nodes",
        f"rules: {len(rules.rules)} access rules, {len(rules.policy.ssh)} SSH rules,"
        f" {len(rules.policy.node_attrs)} entries of node attributes",
        f"compiled: {len(classes)} classes of up to {largest} nodes,"
        f" {len(rules.sources)} source sets, {len(rules.cells)} cells",
    ]
    names = rules.roster.nodes
    lines += [
        f"primary of {route}: {names[number].name}"
        for route, number in sorted(rules.primaries.items())
    ]
    return "\n".join(lines)
