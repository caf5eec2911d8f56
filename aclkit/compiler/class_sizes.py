"""How many nodes classes have, so that the nodes of a set of classes are counted in a few steps."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from aclkit.compiler.bitsets import bitset, members


@dataclass(frozen=True, slots=True)
class ClassSizes:
    """The sizes of classes, written in binary.

    Attributes:
        digits: for each digit, the lowest first, the set of the classes in whose size it is one.
    """

    digits: tuple[int, ...] = ()

    @classmethod
    def of(cls, sizes: Iterable[int]) -> ClassSizes:
        """Return the sizes of the classes 0, 1, 2, and so on."""
        with_size: dict[int, list[int]] = {}
        for number, size in enumerate(sizes):
            with_size.setdefault(size, []).append(number)
        digits = [0] * max(with_size, default=0).bit_length()
        for size, numbers in with_size.items():
            classes = bitset(numbers)
            for place in members(size):
                digits[place] |= classes
        return cls(tuple(digits))

    def nodes_in(self, classes: int) -> int:
        """Return how many nodes *classes* have together."""
        return sum(
            (classes & digit).bit_count() << place for place, digit in enumerate(self.digits)
        )

    def changed(self, number: int, before: int, after: int) -> ClassSizes:
        """Return the sizes when the class *number* has *after* nodes and no longer *before*."""
        digits = [*self.digits, *[0] * (after.bit_length() - len(self.digits))]
        for place in members(before ^ after):
            digits[place] ^= 1 << number
        while digits and not digits[-1]:
            digits.pop()
        return ClassSizes(tuple(digits))
