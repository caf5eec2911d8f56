"""Names that one slip of the pen apart: a letter too many, too few, wrong, or two swapped.

`dev-ops` and `DevOps` are near too. Names that differ in a digit are not: `web-1` and `web-2` are
meant to be alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

# Comparing is for names that people type; the forms of a name grow with its length.
LONGEST = 64
# Below this, one letter is too large a part of the name.
SHORTEST = 4

_PUNCTUATION = str.maketrans("", "", "-_.")


class Slips:
    """Finds the name that another one is a slip of, in time that does not grow with the names."""

    def __init__(self, names: Iterable[str]) -> None:
        self._by_form: dict[str, list[str]] = {}
        for name in names:
            for form in _forms(name):
                self._by_form.setdefault(form, []).append(name)

    def nearest(self, word: str) -> str | None:
        """Return the first of the names that is one slip away from *word*."""
        for form in _forms(word):
            for name in self._by_form.get(form, ()):
                if is_slip(word, name):
                    return name
        return None


def is_slip(left: str, right: str) -> bool:
    """Return whether two different names are one slip apart."""
    if left == right or max(len(left), len(right)) < SHORTEST:
        return False
    left, right = left.casefold(), right.casefold()
    if left.translate(_PUNCTUATION) == right.translate(_PUNCTUATION):
        return True
    start = 0
    while start < min(len(left), len(right)) and left[start] == right[start]:
        start += 1
    left, right = left[start:], right[start:]
    while left and right and left[-1] == right[-1]:
        left, right = left[:-1], right[:-1]
    if any(character.isdigit() for character in left + right):
        return False
    return max(len(left), len(right)) == 1 or (len(left) == 2 and left == right[::-1])


def _forms(name: str) -> Iterator[str]:
    """Yield the forms of *name*, of which any name one slip away has one as well."""
    if len(name) > LONGEST:
        return
    name = name.casefold()
    forms = {name, name.translate(_PUNCTUATION)}
    forms.update(name[:at] + name[at + 1 :] for at in range(len(name)))
    yield from sorted(forms)
