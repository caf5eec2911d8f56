"""Mentions: which source sets and cells name a word or a literal.

Whether a class has part in a cell can be read from the cell's columns; this says which cells need
to be looked at, without going through all of them. It depends on the policy only.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from aclkit.compiler.cells import Cell, CellKind, SourceSet
from aclkit.compiler.classes import Classes, NodeClass
from aclkit.compiler.literals import LiteralTable
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver, is_identity, word_of
from aclkit.target import SelectorKind

K = SelectorKind


@dataclass(slots=True)
class _Named:
    """Numbers of source sets, or of cells, by what they name."""

    by_word: dict[str, list[int]] = field(default_factory=dict)
    by_literal: dict[int, list[int]] = field(default_factory=dict)
    wide: list[int] = field(default_factory=list)
    """Those that any class may have part in, whatever its words and addresses."""

    def of(self, words: Iterable[str], literals: Iterable[int]) -> set[int]:
        found = set(self.wide)
        for word in words:
            found.update(self.by_word.get(word, ()))
        for literal in literals:
            found.update(self.by_literal.get(literal, ()))
        return found

    def add(
        self, number: int, selector: Selector, resolver: Resolver, literals: LiteralTable
    ) -> None:
        if selector.kind is K.SERVICE or is_identity(selector):
            word = selector.text if selector.kind is K.SERVICE else word_of(selector)
            self.by_word.setdefault(word, []).append(number)
        if is_identity(selector):
            return
        literal = resolver.literal(selector)
        if selector.kind is K.WILDCARD or selector.is_autogroup("internet"):
            self.wide.append(number)
        elif literal is not None:
            if literal.tokens == ("*",):
                self.wide.append(number)
            else:
                of = literals.number(literal.addresses)
                self.by_literal.setdefault(of, []).append(number)


@dataclass(slots=True)
class Mentions:
    """What names what, among the source sets and cells of a policy."""

    cells_of: list[list[int]]
    """The cells of each source set; `autogroup:self` is in `own`."""
    own: tuple[int, ...]
    _sources: _Named
    _cells: _Named

    @classmethod
    def among(
        cls,
        source_sets: Sequence[SourceSet],
        cells: Sequence[Cell],
        resolver: Resolver,
        literals: LiteralTable,
    ) -> Mentions:
        """Return what *source_sets* and *cells* name."""
        found = cls([[] for _ in source_sets], (), _Named(), _Named())
        for source in source_sets:
            for selector in source.selectors:
                found._sources.add(source.number, selector, resolver, literals)
        own = []
        for cell in cells:
            if cell.own:
                own.append(cell.number)
                continue
            found.cells_of[cell.source.number].append(cell.number)
            selectors = cell.selectors if cell.entry is None else (cell.entry.selector,)
            for selector in selectors:
                found._cells.add(cell.number, selector, resolver, literals)
            if cell.is_via and cell.kind in (CellKind.PORTS, CellKind.STEER):
                for tag in cell.rule.via:
                    found._cells.by_word.setdefault(tag, []).append(cell.number)
        found.own = tuple(own)
        return found

    def sources_naming(self, words: Iterable[str]) -> set[int]:
        """Return the source sets that name any of *words*."""
        return {at for word in words for at in self._sources.by_word.get(word, ())}

    def cells_naming(self, words: Iterable[str]) -> set[int]:
        """Return the cells whose destination names any of *words*."""
        return {at for word in words for at in self._cells.by_word.get(word, ())}

    def sources(self, each: NodeClass, classes: Classes) -> set[int]:
        """Return the source sets in which *each* may have part."""
        return self._sources.of(each.words, literals_of(each, classes))

    def cells(self, each: NodeClass, classes: Classes) -> set[int]:
        """Return the cells whose destination may hold *each*; those of `own` are not among them."""
        return self._cells.of(each.words, literals_of(each, classes))


def literals_of(each: NodeClass, classes: Classes) -> set[int]:
    """Return the literals that hold an address of a class, or overlap a route of its nodes."""
    signature = each.signature
    found = {*signature.hits4, *signature.hits6}
    for route in signature.routes:
        found |= classes.literals.overlapping(route)
    return found
