"""Questions: who reaches what, answered over all pairs of the two sides.

The answer comes from sets of classes, so its cost does not grow with the devices of a class. What a
client's packet filter decides is decided here (docs/reference/client.md).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeAlias

from aclkit.addresses import Family
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.evaluator.meetings import Meeting, Meetings
from aclkit.evaluator.reach import TSMP, Reach, protocol_number
from aclkit.evaluator.regions import Region, Regions
from aclkit.evaluator.sides import Part, Side, resolve_side


class Allowed(StrEnum):
    """How many of the pairs of devices get through."""

    ALL = "all"
    SOME = "some"
    NONE = "none"

    @classmethod
    def of(cls, through: int, stopped: int) -> Allowed:
        """Return the word for so many pairs; NONE where there are none at all."""
        if not through:
            return cls.NONE
        return cls.SOME if stopped else cls.ALL


@dataclass(frozen=True, slots=True)
class Because:
    """A rule that lets something through.

    Attributes:
        origin: the entry of `acls`, `grants` or `ssh`.
        sources: the rule's selectors that a device of the source side falls under.
        destination: the rule's destination that lets it in, as written.
        devices: two devices, or a device and an address, for which it does.
        router: the device on the way, for a subnet, the internet, or `via`.
        icmp_only: the rule opens other protocols or ports; only ping passes by it.
        expansions: how each of `sources`, then `destination`, comes down to these two: the name as
            written, what it stands for, the device, its address.
        via: the tag for which the rule takes that router.
        action: of an SSH rule: ``accept`` or ``check``.
        recorders: of an SSH rule: the tags of the devices that record the session.
    """

    origin: Origin
    sources: tuple[str, ...]
    destination: str
    devices: tuple[str, str]
    router: str | None = None
    icmp_only: bool = False
    expansions: tuple[tuple[str, ...], ...] = ()
    via: str | None = None
    action: str | None = None
    recorders: tuple[str, ...] = ()

    @property
    def expansion(self) -> tuple[str, ...]:
        """Return how the first of `sources` comes down to the address of the source."""
        return self.expansions[0] if self.sources else ()


@dataclass(frozen=True, slots=True)
class Pair:
    """An example of a source and a destination.

    Attributes:
        src: the number of the source node; of an address behind a router, of that router, or None
            where there is none.
        dst: the number of the destination node; of an address, of the node that carries it.
        over4, over6: the families in which both have an address.
        behind: the source, where it is no device.
        beyond: the destination, where it is no device.
    """

    src: int | None
    dst: int | None
    over4: bool
    over6: bool
    behind: Region | None = None
    beyond: Region | None = None


SourceKey: TypeAlias = tuple[int, int, int, int, bool, bool]
"""Open cells of which a device is a source by IPv4 and IPv6, the same for `autogroup:self`, and
whether it is asked about by IPv4 and IPv6."""
TargetKey: TypeAlias = tuple[int, int, bool, bool]
"""Open cells of which a device is a destination by IPv4 and IPv6, and the families as above."""


@dataclass(frozen=True, slots=True)
class Crossing:
    """Pairs of which an end is no device, and that no rule tells apart."""

    pairs: int
    pair: Pair

    def example(self) -> Pair:
        """Return a pair."""
        return self.pair


@dataclass(frozen=True, slots=True)
class Encounter:
    """Pairs of devices that no rule tells apart."""

    meeting: Meeting[SourceKey, TargetKey]

    @property
    def pairs(self) -> int:
        """Return how many pairs there are."""
        return self.meeting.pairs

    def example(self) -> Pair:
        """Return a pair."""
        src, dst = self.meeting.example()
        *_, from4, from6 = self.meeting.src.key
        *_, to4, to6 = self.meeting.dst.key
        return Pair(src, dst, from4 and to4, from6 and to6)


@dataclass(frozen=True, slots=True)
class Answer:
    """What holds for some pairs: `cells` let them through; without any, they are stopped."""

    of: Crossing | Encounter
    passes: bool
    cells: int


@dataclass(slots=True)
class Question:
    """One question, worked out.

    `through` and `stopped` count pairs; `comparisons` counts the steps that it took.
    """

    regions: Regions
    src: Side
    dst: Side
    proto: int
    port: int
    through: int = 0
    stopped: int = 0
    comparisons: int = 0
    _open: tuple[int, int] = field(init=False)
    _meetings: Meetings[SourceKey, TargetKey] = field(init=False)
    _from: list[tuple[Region, int]] = field(init=False)
    _to: list[tuple[Region, int]] = field(init=False)

    def __post_init__(self) -> None:
        self._open = self.reach.cells_open(self.proto, self.port)
        self.reach.rows(part.number for part in (*self.src.parts, *self.dst.parts))
        self._meetings = Meetings.of(self.src, self.dst, self._source_key, self._target_key)
        self._from = self.regions.cut(self.src.prefixes)
        self._to = self.regions.cut(self.dst.prefixes)
        counts = self._meetings.tally(self._passes)
        for answer in self._crossings():
            counts[answer.passes] += answer.of.pairs
            self.comparisons += 1
        self.through, self.stopped = counts[True], counts[False]
        self.comparisons += self._meetings.comparisons

    @property
    def rules(self) -> CompiledRules:
        """Return the compiled rules."""
        return self.regions.rules

    @property
    def reach(self) -> Reach:
        """Return what answers for two nodes."""
        return self.regions.reach

    @property
    def allowed(self) -> Allowed:
        """Return how many pairs get through."""
        return Allowed.of(self.through, self.stopped)

    @property
    def open_cells(self) -> int:
        """Return the cells that open what is asked, over one family at least."""
        return self._open[0] | self._open[1]

    def answers(self) -> Iterator[Answer]:
        """Yield what holds for all pairs, each pair once."""
        for meeting in self._meetings:
            keys = meeting.src.key, meeting.dst.key
            cells = cells_between(*keys, meeting.same_user)
            passes = self._passes(*keys, meeting.same_user)
            yield Answer(Encounter(meeting), passes, cells)
        yield from self._crossings()

    def _crossings(self) -> Iterator[Answer]:
        """Yield what holds for the pairs of which an end is no device."""
        for sender in self.src.parts:
            for region, count in self._to:
                yield from self._to_region(sender, region, count)
        for region, count in self._from:
            yield from self._from_region(region, count)

    def _passes(self, src: SourceKey, dst: TargetKey, same_user: bool) -> bool:
        if self.proto == TSMP:  # by which clients find each other: no rule is needed
            return (src[4] and dst[2]) or (src[5] and dst[3])
        return cells_between(src, dst, same_user) != 0

    def _source_key(self, part: Part) -> SourceKey:
        return source_key(self.reach, self._open, part)

    def _target_key(self, part: Part) -> TargetKey:
        return target_key(self.reach, self._open, part)

    def _to_region(self, sender: Part, region: Region, count: int) -> Iterator[Answer]:
        is_v4 = region.family is Family.V4
        src4, src6, *_, from4, from6 = self._source_key(sender)
        way = self.regions.way(sender.number, src4 if is_v4 else src6, region)
        src, senders = sender.nodes[0], len(sender.nodes)
        router, cells = way or (None, 0)
        class_of = self.rules.classes.class_of
        among = router is not None and class_of[router] == sender.number and sender.has(router)
        if among and self.src.only is None:
            # What is behind a router it reaches without the tailnet: nobody asks for that.
            if senders == 1:
                return
            senders -= 1
            src = sender.nodes[src == router]
        pair = Pair(src, router, is_v4 and from4, not is_v4 and from6, None, region)
        yield Answer(Crossing(senders * count, pair), bool(cells), cells)

    def _from_region(self, region: Region, count: int) -> Iterator[Answer]:
        is_v4 = region.family is Family.V4
        router = self.regions.router_of(region)
        cells = 0 if router is None else region.naming & self._open[0 if is_v4 else 1]
        for row in self._meetings.targets:
            dst4, dst6, to4, to6 = row.key
            found = cells & (dst4 if is_v4 else dst6)
            over4, over6 = is_v4 and to4, not is_v4 and to6
            pair = Pair(router, row.parts[0].nodes[0], over4, over6, region)
            yield Answer(Crossing(count * row.count, pair), bool(found), found)
        for beyond, others in self._to:
            way = None
            if router is not None and beyond.family is region.family:
                number = self.rules.classes.class_of[router]
                way = self.regions.way(number, cells, beyond)
            carrier, found = way or (None, 0)
            same = beyond.family is region.family
            pair = Pair(router, carrier, is_v4 and same, not is_v4 and same, region, beyond)
            yield Answer(Crossing(count * others, pair), bool(found), found)


def source_key(reach: Reach, opened: tuple[int, int], part: Part) -> SourceKey:
    """Return what decides for devices as sources, of cells *opened* over IPv4 and IPv6."""
    row = reach.row(part.number)
    open4, open6 = opened[0] if part.in4 else 0, opened[1] if part.in6 else 0
    return (
        row.src4 & open4, row.src6 & open6, row.own4 & open4, row.own6 & open6, part.in4, part.in6
    )  # fmt: skip


def target_key(reach: Reach, opened: tuple[int, int], part: Part) -> TargetKey:
    """Return what decides for devices as destinations, of cells *opened* over IPv4 and IPv6."""
    row = reach.row(part.number)
    open4, open6 = opened[0] if part.in4 else 0, opened[1] if part.in6 else 0
    return row.dst4 & open4, row.dst6 & open6, part.in4, part.in6


def cells_between(src: SourceKey, dst: TargetKey, same_user: bool) -> int:
    """Return the cells by which devices with one key reach those with the other."""
    src4, src6, own4, own6, _, _ = src
    dst4, dst6, in4, in6 = dst
    found = src4 & dst4 | src6 & dst6
    if same_user:
        found |= (own4 if in4 else 0) | (own6 if in6 else 0)
    return found


def ask(regions: Regions, src: str, dst: str, port: int, proto: str | None) -> Question:
    """Work out one question; without *proto* it is about TCP.

    Raises:
        UnknownSideError: a side is neither a node nor a selector.
        ValueError: no such protocol, or a port outside of 0 to 65535.
    """
    if not 0 <= port <= 65535:
        raise ValueError(f"{port} is not a port")
    rules, holders = regions.rules, regions.holders
    number = protocol_number(proto or "tcp", rules)
    sides = resolve_side(src, rules, holders), resolve_side(dst, rules, holders)
    return Question(regions, *sides, number, port)
