"""Sets of addresses: intervals of integers, ten times faster than sets of network objects."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from typing import TypeAlias

from aclkit.addresses.address import (
    Address,
    AddressRange,
    Family,
    Prefix,
    address_text,
    parse_prefix,
    parse_range,
)

_ALL_V4 = 1 << 32
_ALL_V6 = 1 << 128

Interval: TypeAlias = tuple[int, int]
Part: TypeAlias = "Address | Prefix | AddressRange | AddressSet"


@dataclass(frozen=True, slots=True)
class AddressSet:
    """An immutable set of addresses of both families; equal sets are equal and hash alike.

    Kept as **edges**: per family the ascending numbers at which membership switches, first to
    inside. An address is inside when an odd number of edges is at or below it, and there is just
    one list of edges for a set. `of` builds a set; the constructor takes edges unchecked.
    """

    v4_edges: tuple[int, ...] = ()
    v6_edges: tuple[int, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Part]) -> AddressSet:
        """Return the union of *parts*: addresses, prefixes, inclusive ranges and other sets."""
        v4: list[Interval] = []
        v6: list[Interval] = []
        for part in parts:
            if isinstance(part, Address):
                family, low, high = part.family, part.value, part.value
            elif isinstance(part, Prefix):
                family, low, high = part.family, part.first, part.last
            elif isinstance(part, AddressSet):
                v4.extend(_spans(part.v4_edges))
                v6.extend(_spans(part.v6_edges))
                continue
            else:
                first, last = part
                if first.family != last.family or last < first:
                    raise ValueError(f"not a range of addresses: {first}-{last}")
                family, low, high = first.family, first.value, last.value
            (v4 if family == 4 else v6).append((low, high + 1))
        return cls(_edges(v4), _edges(v6))

    @classmethod
    def empty(cls) -> AddressSet:
        """Return the set of no address."""
        return NOTHING

    @classmethod
    def everything(cls) -> AddressSet:
        """Return the set of all IPv4 and all IPv6 addresses."""
        return EVERYTHING

    @property
    def v4(self) -> tuple[Interval, ...]:
        """Return the IPv4 part as disjoint inclusive intervals, ascending, none touching."""
        return tuple((start, stop - 1) for start, stop in _spans(self.v4_edges))

    @property
    def v6(self) -> tuple[Interval, ...]:
        """Return the IPv6 part as disjoint inclusive intervals, ascending, none touching."""
        return tuple((start, stop - 1) for start, stop in _spans(self.v6_edges))

    @property
    def size(self) -> int:
        """Return the number of addresses inside."""
        return sum(stop - start for _, start, stop in self._spans())

    def contains(self, family: Family, value: int) -> bool:
        """Return whether the address with number *value* is inside."""
        return bisect_right(self.v4_edges if family == 4 else self.v6_edges, value) & 1 == 1

    def __contains__(self, address: Address) -> bool:
        edges = self.v4_edges if address.family == 4 else self.v6_edges
        return bisect_right(edges, address.value) & 1 == 1

    def contains_prefix(self, prefix: Prefix) -> bool:
        """Return whether all of *prefix* is inside."""
        edges = self.v4_edges if prefix.family == 4 else self.v6_edges
        return _covers(edges, prefix.first, prefix.last + 1)

    def overlaps_prefix(self, prefix: Prefix) -> bool:
        """Return whether an address of *prefix* is inside."""
        edges = self.v4_edges if prefix.family == 4 else self.v6_edges
        return _meets(edges, prefix.first, prefix.last + 1)

    def issubset(self, other: AddressSet) -> bool:
        """Return whether all of this set is inside *other*."""
        return all(
            _covers(other.v4_edges, start, stop) for start, stop in _spans(self.v4_edges)
        ) and all(_covers(other.v6_edges, start, stop) for start, stop in _spans(self.v6_edges))

    def overlaps(self, other: AddressSet) -> bool:
        """Return whether the two sets have an address in common."""
        return _common(self.v4_edges, other.v4_edges) or _common(self.v6_edges, other.v6_edges)

    def __bool__(self) -> bool:
        return bool(self.v4_edges or self.v6_edges)

    def __or__(self, other: AddressSet) -> AddressSet:
        return AddressSet(
            _union(self.v4_edges, other.v4_edges), _union(self.v6_edges, other.v6_edges)
        )

    def __and__(self, other: AddressSet) -> AddressSet:
        return ~(~self | ~other)

    def __sub__(self, other: AddressSet) -> AddressSet:
        return ~(~self | other)

    def __invert__(self) -> AddressSet:
        return AddressSet(_complement(self.v4_edges, _ALL_V4), _complement(self.v6_edges, _ALL_V6))

    def prefixes(self) -> tuple[Prefix, ...]:
        """Return the fewest prefixes that make up the set, IPv4 first, ascending."""
        return tuple(
            chain.from_iterable(_cut(family, start, stop) for family, start, stop in self._spans())
        )

    def ranges(self) -> tuple[str, ...]:
        """Return one token per interval, IPv4 first, ascending.

        A token is a bare address, a CIDR where the interval is one, or else ``first-last``.
        """
        tokens = []
        for family, start, stop in self._spans():
            # The interval is a CIDR when its length is a power of two that divides its start.
            length = stop - start
            if length & (length - 1) == 0 and start % length == 0:
                tokens.append(Prefix(family, start, family.width - length.bit_length() + 1).token)
            else:
                tokens.append(f"{address_text(family, start)}-{address_text(family, stop - 1)}")
        return tuple(tokens)

    def __str__(self) -> str:
        return ", ".join(self.ranges()) or "no address"

    def _spans(self) -> Iterator[tuple[Family, int, int]]:
        for family, edges in ((Family.V4, self.v4_edges), (Family.V6, self.v6_edges)):
            for start, stop in _spans(edges):
                yield family, start, stop


# Below, spans are half-open: [start, stop).


def _spans(edges: tuple[int, ...]) -> Iterator[Interval]:
    return zip(edges[::2], edges[1::2], strict=True)


def _edges(spans: list[Interval]) -> tuple[int, ...]:
    """Return the edges of the union of *spans*, which may overlap and touch; sorts *spans*."""
    spans.sort()
    edges: list[int] = []
    for start, stop in spans:
        if edges and start <= edges[-1]:
            if stop > edges[-1]:
                edges[-1] = stop
        else:
            edges += (start, stop)
    return tuple(edges)


def _union(left: tuple[int, ...], right: tuple[int, ...]) -> tuple[int, ...]:
    if not left or not right:
        return left or right
    return _edges([*_spans(left), *_spans(right)])


def _complement(edges: tuple[int, ...], everything: int) -> tuple[int, ...]:
    """Return the edges of all other addresses.

    Membership switches at the same places, so only the edges at both ends of the family differ.
    """
    head = edges[1:] if edges[:1] == (0,) else (0, *edges)
    return head[:-1] if head[-1:] == (everything,) else (*head, everything)


def _covers(edges: tuple[int, ...], start: int, stop: int) -> bool:
    at = bisect_right(edges, start)
    return at & 1 == 1 and stop <= edges[at]


def _meets(edges: tuple[int, ...], start: int, stop: int) -> bool:
    at = bisect_right(edges, start)
    return at & 1 == 1 or (at < len(edges) and edges[at] < stop)


def _common(left: tuple[int, ...], right: tuple[int, ...]) -> bool:
    few, many = (left, right) if len(left) < len(right) else (right, left)
    return any(_meets(many, start, stop) for start, stop in _spans(few))


def _cut(family: Family, start: int, stop: int) -> Iterator[Prefix]:
    """Yield the fewest prefixes that make up a span: each the widest that fits at its place."""
    width = family.width
    while start < stop:
        aligned = (start & -start).bit_length() - 1 if start else width
        fitting = (stop - start).bit_length() - 1
        free = min(aligned, fitting)
        yield Prefix(family, start, width - free)
        start += 1 << free


NOTHING = AddressSet()
EVERYTHING = ~NOTHING


def parse_wire(token: str) -> AddressSet:
    """Read an address string of a compiled rule as a client does: IP, CIDR, ``a-b`` or ``*``.

    Raises:
        AddressSyntaxError: *token* is something else, or a CIDR with host bits, which clients
            refuse.
    """
    if token == "*":
        return EVERYTHING
    if "-" in token:
        return AddressSet.of([parse_range(token)])
    return AddressSet.of([parse_prefix(token, masked=False)])
