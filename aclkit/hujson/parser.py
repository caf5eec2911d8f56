"""Read a text into the lossless tree.

The grammar decides what is HuJSON. Its parser is slow beside what a right text needs, so a text is
read by `quick` first; what that does not take goes to `grammatical`, and so does all that is
wrong. Both make the same tree.
"""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.diagnostics import Diagnostic, PolicyError
from aclkit.hujson.decoding import decode
from aclkit.hujson.quick import read_quickly
from aclkit.hujson.scanner import Piece, scan
from aclkit.hujson.tree import Document
from aclkit.limits import Limits
from aclkit.source import Source

_DEFAULT_LIMITS = Limits()


def parse(
    text: str | bytes, *, name: str = "policy.hujson", limits: Limits = _DEFAULT_LIMITS
) -> Document:
    """Read *text* into its tree. *name* is what diagnostics call it.

    Raises:
        PolicyError: the text is not HuJSON, not UTF-8, or over a limit; with all mistakes that
            can be told apart.
    """
    diagnostics: list[Diagnostic] = []
    source = decode(text, name, limits, diagnostics)
    document = None if source is None else parse_source(source, limits, diagnostics)
    if document is None:
        raise PolicyError(diagnostics, source=source)
    return document


def parse_source(source: Source, limits: Limits, diagnostics: list[Diagnostic]) -> Document | None:
    """Read *source* into its tree.

    Returns None when the text is refused; *diagnostics* then has at least one error more.
    """
    value = read_quickly(source.text, limits)
    if value is None:
        # Lark is not even loaded for a text that needs no judge.
        from aclkit.hujson.grammatical import read_by_grammar

        value = read_by_grammar(source, limits, diagnostics)
    return None if value is None else Document(source, value)


def pieces(text: str) -> Iterator[Piece]:
    """Cut *text*, which need not be HuJSON, into tokens, comments and what is none of them."""
    return scan(text)
