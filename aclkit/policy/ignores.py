"""Comments that silence warnings.

    ignore = "//" "aclkit:" "ignore" "[" code ("," code)* "]" reason

At the end of a line it silences the warnings that start on that line; alone on a line, those that
start on the next line with a value. Errors can't be silenced. A comment that does nothing is told
of, so that none outlives what it was written for.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass

from aclkit.catalogue import CATALOGUE
from aclkit.catalogue.lint import LINT
from aclkit.diagnostics import Diagnostic, warning
from aclkit.hujson.parser import pieces
from aclkit.hujson.scanner import CLOSING, COMMENTS, MARKS, Piece
from aclkit.policy.spelling import Spelling
from aclkit.source import Source, Span
from aclkit.target import Target, find_target

_COMMENT = re.compile(
    r"(?:/[/*])[ \t]*+(?P<directive>aclkit[ \t]*+:[ \t]*+(?P<word>ignor[\w-]*+))", re.IGNORECASE
)
_CODES = re.compile(r"[ \t]*+\[(?P<codes>[^\]\n]*+)\]")
_CODE = re.compile(r"[^,]++")
_NO_VALUE = CLOSING | COMMENTS | MARKS | {"COMMA", "COLON"}

FORM = "write `// aclkit: ignore[code] reason`, with the code that stands behind the warning"


@dataclass(frozen=True, slots=True)
class Ignore:
    """One code of one comment. `line` is where its warnings start; None when nothing follows."""

    code: str
    span: Span
    line: int | None


def read_ignores(source: Source, diagnostics: list[Diagnostic]) -> tuple[Ignore, ...]:
    """Return the codes that comments of *source* ignore, appending what is wrong with them."""
    if "aclkit" not in source.text.casefold():
        return ()
    found: list[Ignore] = []
    waiting: list[tuple[str, Span]] = []
    spelling = Spelling()
    for piece in pieces(source.text):
        if piece.kind not in _NO_VALUE and waiting:
            line = source.position(piece.start).line
            found += (Ignore(code, span, line) for code, span in waiting)
            waiting.clear()
        match = _COMMENT.match(source.text, piece.start, piece.end)
        if match is None:
            continue
        codes = list(_codes_in(source, piece, match, diagnostics))
        for code, span in codes:
            if code not in CATALOGUE:
                diagnostics.append(_unknown(code, span, spelling))
        codes = [(code, span) for code, span in codes if code in CATALOGUE]
        at = source.position(piece.start)
        if source.line(at.line)[: at.column - 1].strip():
            found += (Ignore(code, span, at.line) for code, span in codes)
        else:
            waiting += codes
    found += (Ignore(code, span, None) for code, span in waiting)
    return tuple(found)


def _codes_in(
    source: Source, piece: Piece, match: re.Match[str], diagnostics: list[Diagnostic]
) -> Iterator[tuple[str, Span]]:
    """Yield each code that the comment *piece* lists, with its place."""
    directive = Span(*match.span("directive"))
    codes = _CODES.match(source.text, match.end(), piece.end)
    if piece.kind == "BLOCK_COMMENT":
        message = "a block comment can't ignore anything"
    elif match["word"] != "ignore" or not match["directive"].startswith("aclkit"):
        message = f"`{match['directive']}` is not how a warning is ignored"
    elif codes is None:
        message = "this comment does not say what to ignore: it lacks codes in brackets"
    elif not codes["codes"].strip(" \t,"):
        message = "this comment does not say what to ignore: its brackets are empty"
    else:
        start = codes.start("codes")
        for part in _CODE.finditer(codes["codes"]):
            if code := part.group().strip():
                at = start + part.start() + part.group().index(code)
                yield code, Span(at, at + len(code))
        return
    diagnostics.append(warning("bad-ignore", message, directive, help=FORM))


def _unknown(code: str, span: Span, spelling: Spelling) -> Diagnostic:
    return warning(
        "unknown-code",
        f"there is no code `{code}`, so this ignores nothing",
        span,
        help=spelling.hint(code, CATALOGUE) or "`aclkit explain` lists all codes",
    )


def silence(
    source: Source,
    diagnostics: Iterable[Diagnostic],
    ignores: Iterable[Ignore],
    unjudged: Collection[str] | None,
) -> tuple[list[Diagnostic], int]:
    """Return what is left of *diagnostics*, and how many warnings were silenced.

    What is left tells of ignores that silence nothing too, unless their codes are *unjudged*: the
    check of such a code did not run, or not fully. None for all codes.
    """
    ignores = tuple(ignores)
    if not ignores:
        return list(diagnostics), 0
    by_place: dict[tuple[int | None, str], Ignore] = {}
    for ignore in ignores:
        by_place.setdefault((ignore.line, ignore.code), ignore)
    left: list[Diagnostic] = []
    useful: set[Span] = set()
    silenced = 0
    for found in diagnostics:
        span = found.primary.span
        line = None if span is None else source.position(span.start).line
        match = by_place.get((line, found.code)) if line is not None else None
        if match is None:
            left.append(found)
            continue
        if match.span not in useful and found.is_error:
            left.append(_on_error(match))
        useful.add(match.span)
        if found.is_error:
            left.append(found)
        else:
            silenced += 1
    if unjudged is not None:
        left += (
            _unused(ignore, source)
            for ignore in ignores
            if ignore.span not in useful and ignore.code not in unjudged
        )
    return left, silenced


def _on_error(ignore: Ignore) -> Diagnostic:
    return warning(
        "ignored-error",
        f"`{ignore.code}` is an error here, and errors can't be ignored",
        ignore.span,
        help="correct what is wrong, and remove this code",
    )


def _unused(ignore: Ignore, source: Source) -> Diagnostic:
    message = f"this ignores nothing: no warning `{ignore.code}` starts "
    if ignore.line is None:
        message = "this ignores nothing: no value comes after it"
    elif ignore.line == source.position(ignore.span.start).line:
        message += "on this line"
    else:
        message += "on the next line with a value"
    help = "remove this code, or put the comment where the warning is"
    return warning("unused-ignore", message, ignore.span, help=help)


# What a given tailnet decides, and what only the lack of one lets be guessed.
_OF_A_TAILNET = frozenset(
    {"unknown-user", "unknown-in-test", "ambiguous-user", "unused-tag", "absent-source"}
)
_WITHOUT_TAILNET = frozenset({"similar-domain"})


def unjudged_codes(target: Target, *, has_tailnet: bool) -> frozenset[str]:
    """Return the codes that another run on the same file may report, though this one did not.

    A file may be checked for several targets, with a tailnet and without: an ignore that is of use
    to one of these runs must not disturb the others.
    """
    foreign = {
        code
        for code, entry in CATALOGUE.items()
        if entry not in LINT and find_target(entry.target).product != target.product
    }
    return _WITHOUT_TAILNET | foreign if has_tailnet else _OF_A_TAILNET | foreign
