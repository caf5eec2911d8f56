"""Which nodes a change concerns: for whom the output is another one than before."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Set
from enum import StrEnum
from typing import Any

from aclkit.compiled import CompiledPolicy


class Kind(StrEnum):
    """A part of what a node is sent.

    `PEERS` is the whole list of peers: who, with which addresses, routes and capabilities.
    `ROUTES` is less: the routes shown on peers, and those of which the node is the primary.
    """

    PACKET_FILTER = "packet_filter"
    PEERS = "peers"
    SSH_RULES = "ssh_rules"
    CAPABILITIES = "capabilities"
    ROUTES = "routes"


class Affected(Set[str]):
    """Names of nodes, worked out when asked for."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._names = frozenset(names)

    def __contains__(self, name: object) -> bool:
        return name in self._names

    def __iter__(self) -> Iterator[str]:
        return iter(self._names)

    def __len__(self) -> int:
        return len(self._names)

    def joined(self, other: Affected) -> Affected:
        """Return the nodes that are in this set or in *other*."""
        return Affected((*self, *other))


NOBODY = Affected()


def affected_nodes(before: CompiledPolicy, after: CompiledPolicy, kind: Kind) -> Affected:
    """Return the nodes of *after* whose output of one kind is not what it was."""
    found = set()
    for node in after.rules.nodes:
        if node.name.casefold() not in before.rules.numbers or _part(
            before, node.name, kind
        ) != _part(after, node.name, kind):
            found.add(node.name)
    return Affected(found)


def _part(compiled: CompiledPolicy, name: str, kind: Kind) -> Any:
    netmap = compiled.netmap(name)
    match kind:
        case Kind.PACKET_FILTER:
            return netmap.packet_filter_rules
        case Kind.PEERS:
            return netmap.peers
        case Kind.SSH_RULES:
            return netmap.ssh_rules
        case Kind.CAPABILITIES:
            return netmap.cap_map
        case Kind.ROUTES:
            shown = [(peer.name, peer.routes) for peer in netmap.peers if peer.routes]
            return shown, compiled.primary_routes(name)
