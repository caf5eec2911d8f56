"""Sets of small integers as Python ints: bit *i* is set when *i* is in the set."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

_BITS_OF_BYTE = tuple(tuple(bit for bit in range(8) if byte >> bit & 1) for byte in range(256))


def bitset(indices: Iterable[int]) -> int:
    """Return the set of *indices*, in time linear in the largest and in their number."""
    data = bytearray()
    for index in indices:
        at = index >> 3
        if at >= len(data):
            data.extend(bytes(at + 1 - len(data)))
        data[at] |= 1 << (index & 7)
    return int.from_bytes(data, "little")


def members(bits: int) -> Iterator[int]:
    """Yield the members of a set, ascending, in time linear in its largest."""
    data = bits.to_bytes((bits.bit_length() + 7) // 8, "little")
    for at, byte in enumerate(data):
        if byte:
            for bit in _BITS_OF_BYTE[byte]:
                yield at * 8 + bit
