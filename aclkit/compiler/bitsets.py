"""Sets of small integers as Python ints: bit *i* is set when *i* is in the set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from struct import unpack

_BITS_OF_BYTE = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))

_FEW = 16
"""Where a set has fewer than one in so many numbers, writing it digit by digit takes longer."""
_ONE = ord("1")


def bitset(indices: Iterable[int]) -> int:
    """Return the set of *indices*, in time linear in the largest and in their number."""
    listed = list(indices)
    if not listed:
        return 0
    largest = max(listed)
    if largest < len(listed) * _FEW:
        digits = bytearray(b"0") * (largest + 1)
        for index in listed:
            digits[index] = _ONE
        digits.reverse()
        return int(digits, 2)
    data = bytearray((largest >> 3) + 1)
    for index in listed:
        data[index >> 3] |= 1 << (index & 7)
    return int.from_bytes(data, "little")


def members(bits: int) -> Iterator[int]:
    """Yield the members of a set, ascending, in time linear in its largest.

    Most sets have few members: eight empty bytes are passed in one step.
    """
    words = (bits.bit_length() + 63) // 64
    data = bits.to_bytes(words * 8, "little")
    for at, word in enumerate(unpack(f"<{words}Q", data)):
        if word:
            for place in range(at * 8, at * 8 + 8):
                byte = data[place]
                if byte:
                    for bit in _BITS_OF_BYTE[byte]:
                        yield place * 8 + bit
