"""The selectors of rules' sources one by one: what each stands for, and which rules name it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from aclkit.addresses import AddressSet, Family
from aclkit.compiler.cells import Cell, CellBuilder, SourceSet
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.policy.selectors import Selector


@dataclass(slots=True)
class NamedSources:
    """What each selector of a source set contributes to it; each is worked out once."""

    rules: CompiledRules
    _alone: dict[Selector, SourceSet] = field(default_factory=dict)
    _builder: CellBuilder = field(init=False)

    def __post_init__(self) -> None:
        self._builder = CellBuilder(self.rules.resolver, self.rules.classes, {})

    def alone(self, selector: Selector) -> SourceSet:
        """Return the source set of a selector alone, without a posture."""
        found = self._alone.get(selector)
        if found is None:
            found = self._alone[selector] = self._builder.source_set((selector,), ())
        return found

    def covering(self, cell: Cell, family: Family) -> Iterator[tuple[Selector, int]]:
        """Yield each source of *cell* and the classes that it covers by addresses of *family*."""
        whole = covered(cell.source, family)
        for selector in cell.source.selectors:
            yield selector, whole & covered(self.alone(selector), family)

    def elsewhere(self, cell: Cell, selector: Selector, family: Family) -> AddressSet:
        """Return the addresses of *family* that a source of *cell* names as such.

        For `*` the approved subnet routes are among them. None where a posture must be met: only
        devices have one.
        """
        if cell.source.postures:
            return AddressSet.empty()
        alone = self.alone(selector)
        if not alone.literals:
            return AddressSet.empty()
        found = AddressSet.of(literal.addresses for literal in alone.literals)
        if alone.routes:
            found |= AddressSet.of(self.rules.classes.routes)
        return of_family(found, family)


def covered(source: SourceSet, family: Family) -> int:
    """Return the classes that *source* covers by their nodes' addresses of *family*."""
    return source.covers4 if family is Family.V4 else source.covers6


def hit(cell: Cell, family: Family) -> int:
    """Return the classes of which the nodes' own addresses of *family* are destinations."""
    return cell.hits4 if family is Family.V4 else cell.hits6


def of_family(addresses: AddressSet, family: Family) -> AddressSet:
    """Return the part of *addresses* that is of *family*."""
    if family is Family.V4:
        return AddressSet(addresses.v4_edges, ())
    return AddressSet((), addresses.v6_edges)


def origin_of(cell: Cell) -> Origin:
    """Return the entry of the policy behind *cell*."""
    return Origin(cell.rule.section, cell.rule.index, cell.rule.span)
