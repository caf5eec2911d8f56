"""A mapping in two layers: what changed, over a dict that nobody changes any more.

A persistent map of 200,000 addresses takes long to make, and the garbage collector goes through all
its parts. This one is made at once, and a dict of numbers is no matter for the collector.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, TypeVar, overload

from immutables import Map

K = TypeVar("K")
V = TypeVar("V")
T = TypeVar("T")

_AS_BEFORE: Any = object()


class Layered(Mapping[K, V]):
    """An immutable mapping whose next version costs little; None is not among its values.

    However often it is changed, it holds no more than what it was made of and what is in it now.
    """

    __slots__ = ("_base", "_changed", "_length")

    def __init__(self, base: Mapping[K, V], changed: Map[K, V | None], length: int) -> None:
        self._base = base
        self._changed = changed  # None where there is nothing any more
        self._length = length

    @classmethod
    def over(cls, mapping: Mapping[K, V]) -> Layered[K, V]:
        """Return *mapping*, which nobody may change from now on."""
        return mapping if isinstance(mapping, Layered) else cls(mapping, Map(), len(mapping))

    @overload
    def get(self, key: K, default: None = None, /) -> V | None: ...
    @overload
    def get(self, key: K, default: V | T, /) -> V | T: ...
    def get(self, key: K, default: V | T | None = None, /) -> V | T | None:
        """Return the value of *key*; *default* where there is none."""
        found = self._changed.get(key, _AS_BEFORE)
        if found is _AS_BEFORE:
            return self._base.get(key, default)
        return default if found is None else found

    def __getitem__(self, key: K) -> V:
        found = self.get(key)
        if found is None:
            raise KeyError(key)
        return found

    def __contains__(self, key: object) -> bool:
        found = self._changed.get(key, _AS_BEFORE)  # type: ignore[arg-type]
        return key in self._base if found is _AS_BEFORE else found is not None

    def __iter__(self) -> Iterator[K]:
        changed, base = self._changed, self._base
        yield from (key for key in base if changed.get(key, key) is not None)
        yield from (key for key in changed if key not in base)

    def __len__(self) -> int:
        return self._length

    def set(self, key: K, value: V) -> Layered[K, V]:
        """Return the mapping in which *key* has *value*."""
        changed, length = self._changed, self._length + (key not in self)
        if self._base.get(key) != value:
            changed = changed.set(key, value)
        elif key in changed:
            changed = changed.delete(key)
        return Layered(self._base, changed, length)

    def delete(self, key: K) -> Layered[K, V]:
        """Return the mapping without *key*.

        Raises:
            KeyError: it is not there.
        """
        if key not in self:
            raise KeyError(key)
        without = self._changed.set(key, None) if key in self._base else self._changed.delete(key)
        return Layered(self._base, without, self._length - 1)
