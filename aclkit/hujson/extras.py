"""What an extra consists of: white space and comments."""

from __future__ import annotations

import re
from collections.abc import Iterator

# White space, the comment after it (if any) without the line feed that ends a line comment.
_PART = re.compile(
    r"(?P<white>[ \t\r\n]*+)(?P<comment>(?://[^\n]*+|/\*[^*]*+\*++(?:[^*/][^*]*+\*++)*+(?<=\*)/)?)"
)


def has_comment(extra: str) -> bool:
    """Return whether *extra* is more than white space."""
    return "/" in extra


def breaks(extra: str) -> bool:
    """Return whether *extra* has a line feed, in white space or in a comment."""
    return "\n" in extra


def parts(extra: str) -> Iterator[tuple[str, str]]:
    """Return pairs of white space and the comment after it; the last comment can be empty."""
    for match in _PART.finditer(extra):
        white, comment = match.groups()
        if white or comment:
            yield white, comment
