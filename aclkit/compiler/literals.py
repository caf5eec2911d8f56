"""Address sets that the policy or the routes name, and which of them an address or prefix hits.

A sorted list of segments per family answers both questions by bisection, whatever the number of
sets.
"""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass, field

from aclkit.addresses import AddressSet, Family, Prefix

_NONE: tuple[int, ...] = ()


@dataclass(slots=True)
class _Segments:
    """Where sets begin and end in one family: between two starts the same sets hold."""

    starts: list[int] = field(default_factory=list)
    holds: list[tuple[int, ...]] = field(default_factory=list)


@dataclass(slots=True)
class LiteralTable:
    """Address sets by number. Numbers are given by `number`, in order of first use."""

    sets: list[AddressSet] = field(default_factory=list)
    _numbers: dict[AddressSet, int] = field(default_factory=dict)
    _segments: dict[Family, _Segments] = field(default_factory=dict)
    _singles: tuple[int, tuple[int, ...]] = (0, ())
    """How many sets were looked at, and which of them are single; both are put in place at once."""

    def number(self, addresses: AddressSet) -> int:
        """Return the number of *addresses*; equal sets have one number."""
        known = self._numbers.get(addresses)
        if known is None:
            known = self._numbers[addresses] = len(self.sets)
            self.sets.append(addresses)
            self._segments.clear()
        return known

    def following(self, addresses: AddressSet) -> LiteralTable:
        """Return the table with one set more; this one stays as it is."""
        after = LiteralTable(self.sets.copy(), self._numbers.copy())
        after.number(addresses)
        return after

    def known(self, addresses: AddressSet) -> int | None:
        """Return the number of *addresses*; None where it has none."""
        return self._numbers.get(addresses)

    @property
    def singles(self) -> tuple[int, ...]:
        """Return the numbers of the sets that name a single address."""
        looked_at, found = self._singles
        upto = len(self.sets)
        if looked_at < upto:
            more = range(looked_at, upto)
            names = (n for n in more if any(p.is_single for p in self.sets[n].prefixes()))
            self._singles = upto, (*found, *names)
        return self._singles[1]

    def borders(self, family: Family) -> list[int]:
        """Return where what `hits` finds becomes something else, ascending."""
        return self._in(family).starts

    def hits(self, family: Family, value: int) -> tuple[int, ...]:
        """Return the numbers of the sets that hold an address, ascending."""
        segments = self._in(family)
        at = bisect_right(segments.starts, value) - 1
        return segments.holds[at] if at >= 0 else _NONE

    def overlapping(self, prefix: Prefix) -> frozenset[int]:
        """Return the numbers of the sets that share an address with *prefix*."""
        segments = self._in(prefix.family)
        first = max(bisect_right(segments.starts, prefix.first) - 1, 0)
        last = bisect_right(segments.starts, prefix.last)
        return frozenset().union(*segments.holds[first:last])

    def _in(self, family: Family) -> _Segments:
        segments = self._segments.get(family)
        if segments is None:
            segments = self._segments[family] = self._swept(family)
        return segments

    def _swept(self, family: Family) -> _Segments:
        """Return the segments of one family, by a sweep over where sets begin and end."""
        events: dict[int, list[tuple[bool, int]]] = {}
        for number, addresses in enumerate(self.sets):
            for first, last in addresses.v4 if family is Family.V4 else addresses.v6:
                events.setdefault(first, []).append((True, number))
                events.setdefault(last + 1, []).append((False, number))
        segments, active = _Segments(), set[int]()
        for at in sorted(events):
            for begins, number in events[at]:
                if begins:
                    active.add(number)
                else:
                    active.discard(number)
            segments.starts.append(at)
            segments.holds.append(tuple(sorted(active)))
        return segments
