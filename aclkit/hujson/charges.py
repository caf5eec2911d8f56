"""What one text has cost so far, held against the limits."""

from __future__ import annotations

from aclkit.diagnostics import Diagnostic, error
from aclkit.limits import Limits
from aclkit.source import Span


class OverLimitError(Exception):
    """A limit was passed; `diagnostic` says which and where."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(diagnostic.message)


class Charges:
    """Counts tokens and nesting and stops the reading at the first one too many.

    `depth` is the number of brackets that are open. Each method raises `OverLimitError`.
    """

    __slots__ = ("_limits", "depth", "tokens")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.depth = 0
        self.tokens = 0

    def token(self, start: int, end: int) -> None:
        """Charge one token or comment."""
        self.tokens += 1
        if self.tokens > self._limits.tokens:
            raise OverLimitError(over_tokens(self._limits, Span(start, end)))

    def opening(self, start: int, end: int) -> None:
        """Charge a level of nesting."""
        self.depth += 1
        if self.depth > self._limits.depth:
            raise OverLimitError(over_depth(self._limits, Span(start, end)))


def over_bytes(limits: Limits, span: Span) -> Diagnostic:
    """Return the error of a text that is too large; *span* is where it passes the limit."""
    return error(
        "limit-bytes",
        f"the text is larger than {limits.bytes:,} bytes",
        span,
        label="the limit is reached here",
        help="split the file, or raise the limit for files that you trust",
    )


def over_depth(limits: Limits, span: Span) -> Diagnostic:
    """Return the error of an opening bracket that is too deep."""
    return error(
        "limit-depth",
        f"objects and arrays are nested more than {limits.depth:,} deep",
        span,
        help="no policy needs that; look for brackets that were never closed",
    )


def over_tokens(limits: Limits, span: Span) -> Diagnostic:
    """Return the error of the first token that is too many."""
    return error(
        "limit-tokens",
        f"the text has more than {limits.tokens:,} literals, punctuation marks and comments",
        span,
        help="split the file, or raise the limit for files that you trust",
    )
