"""The errors of texts whose pieces are fine but stand in the wrong order."""

from __future__ import annotations

from aclkit.diagnostics import Diagnostic, Label, error
from aclkit.hujson.lexical import shown
from aclkit.hujson.scanner import Piece
from aclkit.source import Span

_NOUNS = {
    "STRING": "the string ",
    "BROKEN_STRING": "the string ",
    "NUMBER": "the number ",
}
_CLOSING_OF = {"LBRACE": "`}`", "LBRACKET": "`]`"}
_OPENING_OF = {"LBRACE": "`{`", "LBRACKET": "`[`"}


def _span(piece: Piece) -> Span:
    return Span(piece.start, piece.end)


def _just_after(piece: Piece) -> Span:
    return Span(piece.end, piece.end)


def described(piece: Piece, text: str) -> str:
    """Return what *piece* is, for a message."""
    return _NOUNS.get(piece.kind, "") + shown(text[piece.start : piece.end])


def unexpected(piece: Piece, text: str, wanted: str) -> Diagnostic:
    """Return that *piece* stands where something else is *wanted*."""
    return error(
        "unexpected-token",
        f"expected {wanted}, not {described(piece, text)}",
        _span(piece),
        help='an object is written `{"name": value, ...}`, an array `[value, ...]`',
    )


def missing_comma(piece: Piece, last: Piece, text: str) -> Diagnostic:
    """Return that no comma stands between the end of *last* and *piece*."""
    return error(
        "missing-comma",
        f"no comma before {described(piece, text)}",
        _span(piece),
        related=[Label(_just_after(last), "the comma belongs here")],
        help="put a comma after each member and element but the last, where it is optional",
    )


def missing_colon(piece: Piece, name: Piece, text: str) -> Diagnostic:
    """Return that *piece* follows a name directly."""
    return error(
        "missing-colon",
        f"no colon after the name {shown(text[name.start : name.end])}",
        _span(piece),
        related=[Label(_span(name), "the name")],
        help="write the name of the member, a colon and its value",
    )


def missing_value(piece: Piece) -> Diagnostic:
    """Return that *piece* stands where the value of a member belongs."""
    return error(
        "missing-value",
        "no value after the colon",
        _span(piece),
        label="expected a value before this",
        help="write a value, such as `[]`, or delete the member",
    )


def double_comma(piece: Piece) -> Diagnostic:
    """Return that a comma follows a comma."""
    return error(
        "double-comma", "nothing between two commas", _span(piece), help="delete one of the commas"
    )


def stray_comma(piece: Piece) -> Diagnostic:
    """Return that a comma follows an opening bracket."""
    return error(
        "stray-comma",
        "nothing before the comma",
        _span(piece),
        help="delete it; a comma may only follow a member or an element",
    )


def mismatched_bracket(piece: Piece, opening: Piece, text: str) -> Diagnostic:
    """Return that *piece* closes a bracket of the other kind."""
    wanted = _CLOSING_OF[opening.kind]
    return error(
        "mismatched-bracket",
        f"{described(piece, text)} can't close {_OPENING_OF[opening.kind]}",
        _span(piece),
        label=f"expected {wanted}",
        related=[Label(_span(opening), f"{_OPENING_OF[opening.kind]} was opened here")],
        help=f"write {wanted} here, or before this if it is missing",
    )


def unopened_bracket(piece: Piece, text: str) -> Diagnostic:
    """Return that *piece* closes nothing."""
    return error(
        "mismatched-bracket",
        f"{described(piece, text)} closes nothing",
        _span(piece),
        help="delete it, or look for a bracket that was closed too early",
    )


def unclosed_bracket(end: int, openings: list[Piece]) -> Diagnostic:
    """Return that the text ends at *end* within *openings*, the outermost first."""
    innermost = openings[-1]
    count = len(openings)
    others = f" and {count - 1:,} more before it" if count > 1 else ""
    return error(
        "unclosed-bracket",
        f"the file ends before {_OPENING_OF[innermost.kind]}{others} is closed",
        Span(end, end),
        related=[Label(_span(innermost), f"{_OPENING_OF[innermost.kind]} was opened here")],
        help=f"write {_CLOSING_OF[innermost.kind]} where it ends",
    )


def trailing_content(piece: Piece, text: str) -> Diagnostic:
    """Return that something follows the one value of the text."""
    return error(
        "trailing-content",
        f"the value of the file ends before {described(piece, text)}",
        _span(piece),
        help="a file holds one value; delete what follows, or look for a bracket that was "
        "closed too early",
    )


def empty_document(end: int) -> Diagnostic:
    """Return that the text holds no value."""
    return error(
        "empty-document",
        "the file holds no value",
        Span(end, end),
        help="write at least `{}`",
    )


def too_many_errors(span: Span, count: int) -> Diagnostic:
    """Return that the text was not looked at beyond *span*."""
    return error(
        "too-many-errors",
        f"stopped after {count} syntax errors; there may be more",
        span,
        help="repair the errors before this one first",
    )
