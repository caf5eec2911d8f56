"""Cut any text into pieces: tokens, comments and white space, and what is none of them.

The grammar's terminals come first, so that they alone say what is well formed. What no terminal
matches gets the name of what seems to be wrong with it.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterator
from typing import NamedTuple

from aclkit.hujson.terminals import terminals


class Piece(NamedTuple):
    """A token, comment or broken part of the text: its kind and its offsets."""

    kind: str
    start: int
    end: int


OPENING = frozenset({"LBRACE", "LBRACKET"})
CLOSING = frozenset({"RBRACE", "RBRACKET"})
COMMENTS = frozenset({"LINE_COMMENT", "BLOCK_COMMENT"})
# What may be meant as a comment or as white space, but is neither.
MARKS = frozenset(
    {
        "OPEN_BLOCK_COMMENT",
        "OPEN_LINE_COMMENT",
        "SEPARATED_COMMENT",
        "HASH_COMMENT",
        "BYTE_ORDER_MARK",
        "ODD_WHITE_SPACE",
    }
)

# What the text holds where no terminal of the grammar matches. The order counts. Any one code
# point matches one of these, and none of them backtracks.
_BROKEN = (
    # A string ends with its line at the latest.
    ("BROKEN_STRING", r'"[^"\\\n]*+(?:\\[^\n][^"\\\n]*+)*+["\\]?+'),
    ("SINGLE_QUOTED", r"'[^'\\\n]*+(?:\\[^\n][^'\\\n]*+)*+['\\]?+"),
    ("ODD_QUOTED", r"“[^“”\n]*+”?+|‘[^‘’\n]*+’?+|`[^`\n]*+`?+"),
    ("OPEN_BLOCK_COMMENT", r"/\*"),
    ("SEPARATED_COMMENT", r"//[^\n]*+\n"),
    ("OPEN_LINE_COMMENT", r"//[^\n]*+"),
    ("HASH_COMMENT", r"\#[^\n]*+"),
    ("BYTE_ORDER_MARK", r"\ufeff"),
    ("ODD_WHITE_SPACE", r"\s++"),
    ("WORD", r"[^\s\ufeff\[\]{},:\"/]++|/"),
)


@functools.cache
def scanner() -> re.Pattern[str]:
    """Return the pattern whose matches cover any text: the grammar's terminals, then the rest."""
    kinds = (*terminals().items(), *_BROKEN)
    return re.compile("|".join(f"(?P<{kind}>{pattern})" for kind, pattern in kinds))


def scan(text: str) -> Iterator[Piece]:
    """Cut *text* into pieces; the grammar's white space is left out."""
    for match in scanner().finditer(text):
        kind = match.lastgroup
        if kind is not None and kind != "WHITE_SPACE":
            yield Piece(kind, match.start(), match.end())
