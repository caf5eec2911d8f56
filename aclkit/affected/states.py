"""Two states of a tailnet under one policy, and which nodes are not what they were."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from aclkit.compiled import CompiledPolicy
from aclkit.compiler.bitsets import members
from aclkit.compiler.cells import CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.update import Shift, Update


@dataclass(slots=True)
class States:
    """What the parts of the answer share.

    `moving` are the nodes that any shift is about; every other node has the class that it had, and
    a class holds the same nodes as before, but for moving ones.
    """

    before: CompiledPolicy
    after: CompiledPolicy
    done: Update
    shifts: tuple[Shift, ...] = field(init=False)
    moving: frozenset[int] = field(init=False)
    shifting: int = field(init=False)
    """The classes that nodes left or joined, or that have other words now."""
    elsewhere: frozenset[int] = field(init=False)
    """The moving nodes that are in another class, or have another name, place or address."""
    carriers: tuple[int, frozenset[int]] | None = None
    """Classes and nodes that see subnet routes elsewhere; None while that is not known."""
    grants_in_doubt: Sequence[int] | None = None
    """The cells that may grant a moving node something else; None while that is not known."""
    _texts: tuple[dict[int, set[str]], dict[int, set[str]]] = field(init=False)

    def __post_init__(self) -> None:
        self.shifts = self.done.shifts
        self.moving = frozenset(node for shift in self.shifts for node in shift.nodes)
        self.shifting = 0
        self._texts = {}, {}
        for shift in self.shifts:
            for number in (shift.before, shift.after):
                self.shifting |= 0 if number is None else 1 << number
        self.elsewhere = frozenset(
            node
            for shift in self.shifts
            if shift.before != shift.after or self.is_elsewhere(shift)
            for node in shift.nodes
        )

    def is_elsewhere(self, shift: Shift) -> bool:
        """Return whether nodes that stayed have another name, place or address than before."""
        if shift.before is None or shift.after is None:
            return False
        was = self.before.rules.ipv4_disabled >> shift.before & 1
        return shift.moved or was != self.after.rules.ipv4_disabled >> shift.after & 1

    def stayed(self, classes: int) -> Iterator[tuple[int, int]]:
        """Yield each of *classes* that has a node that stayed, and the first such node."""
        held = self.after.rules.classes.classes
        for number in members(classes):
            for node in held[number].nodes:
                if node not in self.moving:
                    yield number, node
                    break

    def texts(self, *, new: bool) -> Callable[[int], set[str]]:
        """Return what lists say of the nodes of a class in a state, asked for by its number.

        All that are as before are one word, where lists have them in the same way in both states.
        """
        compiled, known = (self.after if new else self.before), self._texts[new]
        marked = self.before.filters.keys.marked ^ self.after.filters.keys.marked
        one_by_one = marked & self.shifting

        def found(number: int) -> set[str]:
            if number not in known:
                known[number] = self._written(compiled.rules, number, one_by_one >> number & 1 == 1)
            return known[number]

        return found

    def _written(self, rules: CompiledRules, number: int, one_by_one: bool) -> set[str]:
        texts = set[str]()
        for node in rules.classes.classes[number].nodes:
            if one_by_one or node in self.elsewhere:
                texts.update(map(str, rules.addresses(node)))
            else:
                texts.add(f"others of class {number}")
        return texts

    def spared(self, classes: int) -> frozenset[int]:
        """Return the moving nodes in *classes*: what is said of those is not theirs."""
        return frozenset(
            node
            for shift in self.shifts
            if shift.after is not None and classes >> shift.after & 1
            for node in shift.nodes
        )


def listing(rules: CompiledRules, number: int | None) -> dict[int, tuple[bool, bool]]:
    """Return the source sets whose lists have addresses of a class, and of which families."""
    if rules.mentions is None or not has_address(rules, number) or number is None:
        return {}
    bit = 1 << number
    found = {}
    for at in rules.mentions.sources(rules.classes.classes[number], rules.classes):
        source = rules.sources[at]
        families = source.identity & bit != 0, source.identity & bit != 0
        if source.postures and not families[0]:
            families = source.covers4 & bit != 0, source.covers6 & bit != 0
        if any(families):
            found[at] = families
    return found


def has_address(rules: CompiledRules, number: int | None) -> bool:
    """Return whether the nodes of a class have an address under the policy."""
    classes = rules.classes
    return number is not None and (classes.has4 | classes.has6) >> number & 1 == 1


def user_of(rules: CompiledRules, number: int | None) -> str | None:
    """Return whose nodes a class holds; None for tagged ones, and for no class."""
    return None if number is None else rules.classes.classes[number].signature.user


def devices(rules: CompiledRules, user: str | None) -> int:
    """Return the classes of the devices of a user, as a set."""
    found = 0
    if user is not None:
        for number in rules.classes.by_user.get(user, ()):
            found |= 1 << number
    return found


def bearing(rules: CompiledRules, sources: Iterable[int]) -> int:
    """Return the classes that are sent something with any of *sources* as its sources."""
    found = 0
    for source in sources:
        for cell in rules.mentions.cells_of[source] if rules.mentions else ():
            if rules.cells[cell].kind is not CellKind.STEER:
                found |= rules.cells[cell].sent
    return found
