"""Rule places: where the rules of filters stand in the whole policy.

Rules with equal lists of sources and equal protocols are one rule, at the place of the first of
them in the policy (docs/reference/compiled-output.md, Merging).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.rules import IpProto
from aclkit.compiler.source_keys import SourceKey, SourceKeys


class _Listing(NamedTuple):
    """Which source sets have which list: by list, in order, and by source set."""

    sources: dict[SourceKey, tuple[int, ...]]
    keys: dict[int, SourceKey]


_NOWHERE: dict[IpProto, int] = {}


@dataclass(slots=True)
class RulePlaces:
    """The places of rules in one state; from state to state only what changed is looked at again.

    `firsts` has by source set, and then by protocols, the number of its first cell.
    """

    keys: SourceKeys
    firsts: dict[int, dict[IpProto, int]]
    _listing: _Listing | None = None
    _before: _Listing | None = None

    @classmethod
    def among(cls, cells: Iterable[Cell], keys: SourceKeys) -> RulePlaces:
        """Return the places of the rules that *cells* make; `autogroup:self` and `via` have none.

        Which of those are sent depends on the node.
        """
        firsts: dict[int, dict[IpProto, int]] = {}
        for cell in cells:
            if cell.kind is CellKind.PORTS and not cell.own and not cell.is_via:
                firsts.setdefault(cell.source.number, {}).setdefault(cell.ip_proto, cell.number)
        return cls(keys, firsts)

    def following(self, keys: SourceKeys) -> RulePlaces:
        """Return the places in a later state of the same policy."""
        return RulePlaces(keys, self.firsts, _before=self._listing or self._before)

    def place(self, key: SourceKey, cell: Cell) -> int:
        """Return the place of the rule with the sources *key* that *cell* is, or is part of."""
        place = cell.number
        for number in self.listing().sources.get(key, ()):
            place = min(place, self.firsts.get(number, _NOWHERE).get(cell.ip_proto, place))
        return place

    def rekeyed(self, before: RulePlaces) -> set[int]:
        """Return the source sets of which the list is identified otherwise than in *before*."""
        old = before.listing().keys
        return {
            number
            for number, key in self.listing().keys.items()
            if key is not old[number] and key != old[number]
        }

    def twins(self, number: int) -> tuple[int, ...]:
        """Return the source sets with the list of one, itself too; none for an empty list."""
        listing = self.listing()
        key = listing.keys[number]
        return listing.sources[key] if key else ()

    def listing(self) -> _Listing:
        """Return which source sets have which list; worked out once."""
        found = self._listing
        if found is None:
            # Of one look at what is known of before, as another reader may be ahead of this one.
            found = self._listing = self._listed(self._before)
            self._before = None
        return found

    def _listed(self, known: _Listing | None) -> _Listing:
        keys = self.keys.all()
        if known is None:
            sources: dict[SourceKey, tuple[int, ...]] = {}
            for number, key in keys.items():
                sources[key] = (*sources.get(key, ()), number)
            return _Listing(sources, keys)
        sources = known.sources.copy()
        for number, before in known.keys.items():
            now = keys[number]
            if now is before or now == before:
                continue
            left = tuple(other for other in sources[before] if other != number)
            if left:
                sources[before] = left
            else:
                del sources[before]
            sources[now] = tuple(sorted((*sources.get(now, ()), number)))
        return _Listing(sources, keys)
