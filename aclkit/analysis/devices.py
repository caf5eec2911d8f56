"""Sets of devices, class by class: they are counted without a look at each device."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from aclkit.addresses import Family
from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.sides import Side


@dataclass(frozen=True, slots=True)
class Devices:
    """A set of devices.

    Attributes:
        whole: the classes of which every device is in it.
        but_one: for each class, of two or more, of which all devices but one are in it, that one.
    """

    rules: CompiledRules = field(repr=False, compare=False)
    whole: int = 0
    but_one: Mapping[int, int] = field(default_factory=dict)

    def __len__(self) -> int:
        classes = self.rules.classes.classes
        count = sum(len(classes[number].nodes) for number in members(self.whole))
        return count + sum(len(classes[number].nodes) - 1 for number in self.but_one)

    def __bool__(self) -> bool:
        return bool(self.whole or self.but_one)

    @property
    def classes(self) -> int:
        """Return the classes of which a device is in it."""
        return self.whole | bitset(self.but_one)

    def numbers(self) -> list[int]:
        """Return the numbers of the devices, ascending; this looks at each."""
        classes = self.rules.classes.classes
        found = [node for number in members(self.whole) for node in classes[number].nodes]
        for number, left_out in self.but_one.items():
            found.extend(node for node in classes[number].nodes if node != left_out)
        return sorted(found)

    def names(self) -> tuple[str, ...]:
        """Return the names of the devices, in the order of creation."""
        return tuple(self.rules.nodes[number].name for number in self.numbers())

    def by_user(self) -> dict[str, int]:
        """Return how many of the devices each user has, by login; tagged ones are nobody's."""
        found: Counter[str] = Counter()
        for number in members(self.classes):
            each = self.rules.classes.classes[number]
            if each.signature.user is not None:
                found[each.signature.user] += len(each.nodes) - (number in self.but_one)
        return dict(sorted(found.items()))


@dataclass(frozen=True, slots=True)
class Asked:
    """One side of a question, as classes.

    Attributes:
        classes: by family, those of which it covers an address.
        counts: how many of its devices each class has.
        singles: by family, the device for each class of which it covers an address of one only.
    """

    side: Side
    classes: Mapping[Family, int]
    counts: Mapping[int, int]
    singles: Mapping[Family, Mapping[int, int]]

    def __len__(self) -> int:
        return sum(self.counts.values())

    def count(self, classes: int) -> int:
        """Return how many of its devices *classes* have."""
        return sum(self.counts.get(number, 0) for number in members(classes))

    def single(self, classes: int, family: Family) -> tuple[int, int] | None:
        """Return class and number of the one device of *classes*; None when there are others."""
        if classes & (classes - 1):
            return None
        number = classes.bit_length() - 1
        node = self.singles[family].get(number)
        return None if node is None else (number, node)


def asked(side: Side) -> Asked:
    """Return *side* by class."""
    counts: Counter[int] = Counter()
    covered: dict[Family, Counter[int]] = {family: Counter() for family in Family}
    first: dict[Family, dict[int, int]] = {family: {} for family in Family}
    for part in side.parts:
        counts[part.number] += len(part.nodes)
        for family, is_in in ((Family.V4, part.in4), (Family.V6, part.in6)):
            if is_in:
                covered[family][part.number] += len(part.nodes)
                first[family][part.number] = part.nodes[0]
    return Asked(
        side,
        {family: bitset(found) for family, found in covered.items()},
        counts,
        {
            family: {n: first[family][n] for n, count in found.items() if count == 1}
            for family, found in covered.items()
        },
    )


@dataclass(slots=True)
class Gathering:
    """Devices found one contribution at a time.

    A device is not asked to reach itself. So where the other side of a contribution is one device,
    that device is left out, unless another contribution has it.
    """

    rules: CompiledRules
    _whole: int = 0
    _but_one: dict[int, int] = field(default_factory=dict)

    def add(self, found: int, others: int, side: Asked, family: Family) -> None:
        """Add the devices of the classes *found*, for the devices of *others* in *side*."""
        single = side.single(others, family)
        if single is not None and found >> single[0] & 1:
            found ^= 1 << single[0]
            self._leave_out(*single)
        self._whole |= found

    def _leave_out(self, number: int, node: int) -> None:
        """Add the devices of a class but for one."""
        if self._but_one.get(number, node) != node:
            self._whole |= 1 << number  # each of two sets has what the other one leaves out
        elif len(self.rules.classes.classes[number].nodes) > 1:
            self._but_one[number] = node

    def include(self, devices: Devices) -> None:
        """Add a set of devices."""
        self._whole |= devices.whole
        for number, node in devices.but_one.items():
            self._leave_out(number, node)

    def devices(self) -> Devices:
        """Return what was gathered."""
        left = {n: node for n, node in self._but_one.items() if not self._whole >> n & 1}
        return Devices(self.rules, self._whole, left)


def union(rules: CompiledRules, sets: Iterable[Devices]) -> Devices:
    """Return all devices of *sets*."""
    gathering = Gathering(rules)
    for devices in sets:
        gathering.include(devices)
    return gathering.devices()
