"""Pairs of devices, counted without looking at each: rows of alike devices meet rows.

Devices of a side that have the same key, such as the same cells, are a row. Two rows meet once, for
all pairs of their devices, and once more for those pairs of which both belong to one user, since
`autogroup:self` tells these apart. A device is not asked to reach itself, unless nothing else is.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from aclkit.evaluator.sides import Part, Side

Key = TypeVar("Key", bound=tuple[Any, ...])
Other = TypeVar("Other", bound=tuple[Any, ...])
Verdict = TypeVar("Verdict", bound=Hashable)


@dataclass(slots=True)
class Row(Generic[Key]):
    """Devices of a side that have the same key."""

    key: Key
    count: int = 0
    parts: list[Part] = field(default_factory=list, repr=False)

    def devices_of(self) -> dict[str, int]:
        """Return how many of the devices each user has; those with tags are nobody's."""
        found: dict[str, int] = {}
        for part in self.parts:
            if part.user is not None:
                found[part.user] = found.get(part.user, 0) + len(part.nodes)
        return found


@dataclass(frozen=True, slots=True)
class Meeting(Generic[Key, Other]):
    """Pairs of devices that no rule tells apart.

    Attributes:
        src, dst: the rows of the sources and of the destinations.
        same_user: whether these are the pairs of which both belong to one user, or the others.
        pairs: how many pairs there are, one or more.
        alone: whether the only question is whether a device reaches itself.
    """

    src: Row[Key]
    dst: Row[Other]
    same_user: bool
    pairs: int
    alone: bool = False

    def example(self) -> tuple[int, int]:
        """Return a pair of nodes."""
        for a in self.src.parts:
            for b in self.dst.parts:
                if (a.user is not None and a.user == b.user) is not self.same_user:
                    continue
                pair = different(a.nodes, b.nodes)
                if pair is not None:
                    return pair
                if self.alone:
                    return a.nodes[0], b.nodes[0]
        raise AssertionError("a meeting has a pair")


def different(a: Sequence[int], b: Sequence[int]) -> tuple[int, int] | None:
    """Return a node of *a* and another of *b*; None where there is no other."""
    if a[0] != b[0]:
        return a[0], b[0]
    if len(b) > 1:
        return a[0], b[1]
    return (a[1], b[0]) if len(a) > 1 else None


@dataclass(slots=True)
class Meetings(Generic[Key, Other]):
    """All meetings of two sides; `comparisons` counts the steps that finding them took."""

    sources: list[Row[Key]]
    targets: list[Row[Other]]
    comparisons: int = 0
    alone: bool = False
    _themselves: Counter[tuple[int, int, bool]] = field(default_factory=Counter)
    _together: Counter[tuple[int, int]] = field(default_factory=Counter)

    @classmethod
    def of(
        cls, src: Side, dst: Side, source: Callable[[Part], Key], target: Callable[[Part], Other]
    ) -> Meetings[Key, Other]:
        """Return the meetings of two sides, of which *source* and *target* give the keys."""
        sources, from_part = _rows(src.parts, source)
        targets, to_part = _rows(dst.parts, target)
        found = cls(sources, targets, len(src.parts) + len(dst.parts))
        found.alone = src.only is not None and src.only == dst.only
        found._count_together()
        if not found.alone:
            found._count_themselves(src, dst, from_part, to_part)
        return found

    def _count_together(self) -> None:
        """Count the pairs of devices of one user, for each pair of rows."""
        owned: dict[str, list[tuple[int, int]]] = {}
        for at, row in enumerate(self.targets):
            for user, count in row.devices_of().items():
                owned.setdefault(user, []).append((at, count))
        for at, asking in enumerate(self.sources):
            for user, count in asking.devices_of().items():
                for other, others in owned.get(user, ()):
                    self._together[at, other] += count * others
                    self.comparisons += 1

    def _count_themselves(
        self, src: Side, dst: Side, from_part: Sequence[int], to_part: Sequence[int]
    ) -> None:
        """Count the devices that are on both sides, for each pair of rows."""
        of_class: dict[int, list[int]] = {}
        for at, part in enumerate(dst.parts):
            of_class.setdefault(part.number, []).append(at)
        for at, part in enumerate(src.parts):
            for other in of_class.get(part.number, ()):
                self.comparisons += 1
                common = part.common(dst.parts[other])
                if common:
                    key = from_part[at], to_part[other], part.user is not None
                    self._themselves[key] += common

    def tally(self, judge: Callable[[Key, Other, bool], Verdict]) -> Counter[Verdict]:
        """Return how many pairs get each verdict of *judge*.

        It is told the keys of both, and whether both belong to one user.
        """
        found: Counter[Verdict] = Counter()
        for at, src in enumerate(self.sources):
            for other, dst in enumerate(self.targets):
                apart, together = self._pairs(at, other)
                if apart:
                    found[judge(src.key, dst.key, False)] += apart
                if together:
                    found[judge(src.key, dst.key, True)] += together
        self.comparisons += len(self.sources) * len(self.targets)
        return found

    def __iter__(self) -> Iterator[Meeting[Key, Other]]:
        for at, src in enumerate(self.sources):
            for other, dst in enumerate(self.targets):
                apart, together = self._pairs(at, other)
                if apart:
                    yield Meeting(src, dst, False, apart, self.alone)
                if together:
                    yield Meeting(src, dst, True, together, self.alone)

    def _pairs(self, at: int, other: int) -> tuple[int, int]:
        """Return how many pairs there are of two rows: of different users, and of one user."""
        together = self._together.get((at, other), 0)
        apart = self.sources[at].count * self.targets[other].count - together
        if self._themselves:
            together -= self._themselves.get((at, other, True), 0)
            apart -= self._themselves.get((at, other, False), 0)
        return apart, together


def _rows(parts: Sequence[Part], key_of: Callable[[Part], Key]) -> tuple[list[Row[Key]], list[int]]:
    """Return the rows of a side, and for each of its parts the place of its row."""
    places: dict[Key, int] = {}
    rows: list[Row[Key]] = []
    of_part: list[int] = []
    for part in parts:
        key = key_of(part)
        place = places.setdefault(key, len(rows))
        if place == len(rows):
            rows.append(Row(key))
        rows[place].count += len(part.nodes)
        rows[place].parts.append(part)
        of_part.append(place)
    return rows, of_part
