"""What an importer has to tell: sentences, with how many are meant and who."""

from __future__ import annotations

import re

from aclkit.tailnet.findings import printable
from aclkit.wording import listed

_NAMED = 5
_ONE_OR_MANY = re.compile(r"\[([^|\]]*)\|([^|\]]*)\]")


class Notes:
    """Gathers notes; alike ones become one with a count."""

    def __init__(self) -> None:
        self._subjects: dict[str, list[str]] = {}

    def tell(self, sentence: str) -> None:
        """Add a note about the inventory as a whole."""
        self._subjects.setdefault(sentence, [])

    def count(self, sentence: str, subject: str) -> None:
        """Add *subject* to the note *sentence*, in which ``{}`` stands for their number.

        ``[one|many]`` is the one when that is 1, else the other: ``left out {} device[|s]``.
        """
        self._subjects.setdefault(sentence, []).append(subject)

    def sentences(self) -> tuple[str, ...]:
        """Return all notes in the order in which they first came up."""
        return tuple(_rendered(*each) for each in self._subjects.items())


def _rendered(sentence: str, subjects: list[str]) -> str:
    if not subjects:
        return sentence
    told = _ONE_OR_MANY.sub(r"\1" if len(subjects) == 1 else r"\2", sentence)
    told = told.replace("{}", f"{len(subjects):,}")
    different = list(dict.fromkeys(subjects))
    named = listed(printable(each) for each in different[:_NAMED])
    return f"{told}: {named}{', …' if len(different) > _NAMED else ''}"
