"""A set of nodes, kept as classes and worked out when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Set
from enum import StrEnum
from typing import NamedTuple

from aclkit.compiler.bitsets import members
from aclkit.compiler.compiled_rules import CompiledRules


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

    @classmethod
    def _missing_(cls, value: object) -> Kind:
        raise ValueError(f"{value!r} is no kind of output; there are {', '.join(cls)}")


class Found(NamedTuple):
    """Which nodes: all of some classes but the `spared`, and `further` ones of other classes."""

    classes: int = 0
    spared: frozenset[int] = frozenset()
    further: frozenset[int] = frozenset()


class Affected(Set[str]):
    """Nodes, by name.

    Whether a node is in it takes one look-up, and its length a few operations on sets of classes:
    neither grows with the nodes. It holds on to the state of the tailnet that it is about.
    """

    __slots__ = ("_found", "_rules", "_work")

    def __init__(self, rules: CompiledRules, work: Callable[[], Found]) -> None:
        self._rules = rules
        self._work: Callable[[], Found] | None = work
        self._found = Found()

    @classmethod
    def _from_iterable(cls, names: Iterable[str]) -> Set[str]:  # type: ignore[override]
        return frozenset(names)

    def found(self) -> Found:
        """Return the classes and nodes of this set."""
        work = self._work
        if work is not None:
            self._found = work()
            self._work = None  # only now: another thread may look at the same time
        return self._found

    def __contains__(self, name: object) -> bool:
        if not isinstance(name, str):
            return False
        number = self._rules.roster.by_name.get(name.casefold())
        if number is None or self._rules.nodes[number].name != name:
            return False
        classes, spared, further = self.found()
        if number in further:
            return True
        of = self._rules.classes.class_of[number]
        return classes >> of & 1 == 1 and number not in spared

    def __iter__(self) -> Iterator[str]:
        classes, spared, further = self.found()
        nodes = self._rules.roster.nodes
        for number in members(classes):
            for node in self._rules.classes.classes[number].nodes:
                if node not in spared:
                    yield nodes[node].name
        for node in sorted(further):
            yield nodes[node].name

    def __len__(self) -> int:
        classes, spared, further = self.found()
        return self._rules.classes.sizes.nodes_in(classes) - len(spared) + len(further)

    def __repr__(self) -> str:
        return f"<Affected: {len(self)} nodes>"


def names_of(*sets: Set[str]) -> frozenset[str]:
    """Return all names in *sets*, without holding on to any state of the tailnet."""
    return frozenset(name for each in sets for name in each)
