"""What a misspelt name was meant to be.

Two names are near when each of their parts is: `group:` and what follows it, the login and the
domain of a user. So `group:ops` is not near `group:dev`, though half of their letters agree.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from difflib import SequenceMatcher

# The ratio of difflib from which two parts are near: one slip in a word of three letters.
NEAR = 2 / 3
# Comparing takes time that grows with the square of a word's length.
LONGEST = 64
# Comparisons in one check of a policy; about half a second. Names beyond that get no hint.
BUDGET = 50_000

_PARTS = re.compile(r"[:@/]")


@dataclass(slots=True)
class Spelling:
    """Finds near names, and stops looking when its budget is spent."""

    budget: int = BUDGET

    def nearest(self, word: str, known: Collection[str]) -> str | None:
        """Return the name among *known* that is nearest to *word*; None when none is near."""
        if len(word) > LONGEST or len(known) > self.budget:
            return None
        self.budget -= len(known)
        return _nearest(word, known)

    def hint(self, word: str, known: Collection[str]) -> str | None:
        """Return a question that names the nearest of *known*; None when none is near."""
        near = self.nearest(word, known)
        return near and f"did you mean `{near}`?"


def _nearest(word: str, known: Iterable[str]) -> str | None:
    best, found = NEAR, None
    parts = _PARTS.split(word.casefold())
    matchers = [SequenceMatcher(autojunk=False, b=part) for part in parts]
    for name in known:
        if name == word or len(name) > LONGEST:
            continue
        other = _PARTS.split(name.casefold())
        if len(other) == len(parts):
            likeness = _likeness(matchers, other, best)
            if likeness > best or (likeness == best and found is None):
                best, found = likeness, name
    return found


def _likeness(matchers: list[SequenceMatcher[str]], parts: list[str], least: float) -> float:
    """Return the ratio of the worst part; 0 when it is below *least*."""
    worst = 1.0
    for matcher, part in zip(matchers, parts, strict=True):
        matcher.set_seq1(part)
        if matcher.real_quick_ratio() < least or matcher.quick_ratio() < least:
            return 0.0
        worst = min(worst, matcher.ratio())
    return worst
