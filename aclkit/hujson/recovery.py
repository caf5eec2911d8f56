"""Tell the mistakes of a text that the grammar refuses, each once.

After a mistake nothing more is said about the same object or array before its next comma or its
closing bracket; what stands in brackets inside of it is looked at as usual. A bracket that closes
the wrong one puts all brackets in doubt that are open there, and characters that mean nothing do
so for the brackets right after them: about brackets in doubt nothing is said.

Whether a text is HuJSON is not decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto
from typing import ParamSpec

from aclkit.diagnostics import Diagnostic, error
from aclkit.hujson import lexical, mistakes
from aclkit.hujson.charges import Charges, OverLimitError
from aclkit.hujson.json5_hint import with_json5_hint
from aclkit.hujson.scanner import CLOSING, COMMENTS, MARKS, OPENING, Piece, scan
from aclkit.limits import Limits
from aclkit.source import Source, Span

# A text with more errors than this is hardly meant to be HuJSON.
MOST_ERRORS = 50

_Arguments = ParamSpec("_Arguments")

_PARTNER = {"RBRACE": "LBRACE", "RBRACKET": "LBRACKET"}


def explain_refusal(source: Source, limits: Limits, stopped_at: int) -> list[Diagnostic]:
    """Return the errors of *source*, at least one.

    *stopped_at* is the offset at which the grammar refused the text.
    """
    recovery = _Recovery(source.text, limits)
    recovery.read(scan(source.text))
    if not recovery.errors:
        place = Span(stopped_at, stopped_at)
        recovery.errors.append(error("unexpected-token", "the text is not HuJSON", place))
    return with_json5_hint(source.text, recovery.errors)


class _Place(Enum):
    """What the innermost container wants next."""

    NAME = auto()
    COLON = auto()
    VALUE = auto()
    COMMA = auto()  # or the closing bracket


@dataclass(slots=True)
class _Container:
    """An open object or array or, without an opening bracket, the text as a whole."""

    opening: Piece | None
    place: _Place
    in_doubt: bool = False
    reported: bool = False  # since its last comma

    @property
    def is_object(self) -> bool:
        return self.opening is not None and self.opening.kind == "LBRACE"

    @property
    def wanted(self) -> str:
        """Return the words for what this container wants next."""
        match self.place:
            case _Place.NAME:
                return "a name"
            case _Place.COLON:
                return "`:`"
            case _Place.VALUE:
                return "a value"
            case _Place.COMMA:
                return "`,` or `}`" if self.is_object else "`,` or `]`"


class _StopReadingError(Exception):
    """What follows can't be told apart from what was reported."""


class _Recovery:
    """Goes through the pieces of one text; `errors` grows on the way."""

    def __init__(self, text: str, limits: Limits) -> None:
        self.errors: list[Diagnostic] = []
        self._text = text
        self._charges = Charges(limits)
        self._containers = [_Container(None, _Place.VALUE)]
        # The containers below this index are in doubt.
        self._first_trusted = 0
        self._last = Piece("START", 0, 0)
        self._last_name = self._last
        self._needless: Piece | None = None

    def read(self, pieces: Iterable[Piece]) -> None:
        """Read *pieces* up to the end of the text, or to where nothing more can be told."""
        try:
            for piece in pieces:
                self._charges.token(piece.start, piece.end)
                if piece.kind in MARKS:
                    self._mark(piece)
                elif piece.kind not in COMMENTS:
                    self._token(piece)
                    self._last = piece
            self._end()
        except OverLimitError as over:
            self.errors.append(over.diagnostic)
        except _StopReadingError:
            pass

    # Reporting.

    def _is_trusted(self) -> bool:
        innermost = self._containers[-1]
        return len(self._containers) > self._first_trusted and not innermost.in_doubt

    def _report(
        self,
        explain: Callable[_Arguments, Diagnostic | Iterable[Diagnostic]],
        *args: _Arguments.args,
        **kwargs: _Arguments.kwargs,
    ) -> None:
        """Report what *explain* finds in the innermost container, unless it is a cascade."""
        innermost = self._containers[-1]
        if innermost.reported or not self._is_trusted():
            return
        found = explain(*args, **kwargs)
        for diagnostic in [found] if isinstance(found, Diagnostic) else found:
            innermost.reported = True
            self._append(diagnostic)

    def _append(self, diagnostic: Diagnostic) -> None:
        self.errors.append(diagnostic)
        if len(self.errors) == MOST_ERRORS:
            span = diagnostic.primary.span or Span(0, 0)
            self.errors.append(mistakes.too_many_errors(Span(span.end, span.end), MOST_ERRORS))
            raise _StopReadingError

    def _distrust(self) -> None:
        """Put all containers in doubt that are open."""
        self._first_trusted = len(self._containers)

    def _distrust_if_it_hides_brackets(self, piece: Piece) -> None:
        if any(bracket in self._text[piece.start : piece.end] for bracket in "[]{}"):
            self._distrust()

    # Steps.

    def _mark(self, piece: Piece) -> None:
        """Step over a broken comment or a foreign kind of white space."""
        problem = lexical.mark_mistake(piece, self._text)
        if piece.kind == "OPEN_BLOCK_COMMENT" or piece.kind == "OPEN_LINE_COMMENT":
            self._append(problem)
            raise _StopReadingError
        if self._is_trusted() and not self._containers[-1].reported:
            self._append(problem)
        if piece.kind == "HASH_COMMENT":
            self._distrust_if_it_hides_brackets(piece)

    def _token(self, piece: Piece) -> None:
        innermost = self._containers[-1]
        if piece.kind in CLOSING:
            self._closing_bracket(piece, innermost)
        elif innermost.opening is None and innermost.place is _Place.COMMA:
            self._report(mistakes.trailing_content, piece, self._text)
            raise _StopReadingError
        elif piece.kind in OPENING:
            self._opening_bracket(piece, innermost)
        elif piece.kind == "COMMA":
            self._comma(piece, innermost)
        elif piece.kind == "COLON":
            self._colon(piece, innermost)
        else:
            self._scalar(piece, innermost)

    def _opening_bracket(self, piece: Piece, outer: _Container) -> None:
        self._charges.opening(piece.start, piece.end)
        if outer.place is not _Place.VALUE:
            self._report(self._out_of_place, piece, outer)
        in_doubt = outer.in_doubt or outer.place is _Place.NAME or self._last.kind == "WORD"
        outer.place = _Place.COMMA
        inside = _Place.NAME if piece.kind == "LBRACE" else _Place.VALUE
        self._containers.append(_Container(piece, inside, in_doubt))

    def _closing_bracket(self, piece: Piece, innermost: _Container) -> None:
        if innermost.opening is None:
            self._report(mistakes.unopened_bracket, piece, self._text)
            raise _StopReadingError
        if innermost.opening.kind == _PARTNER[piece.kind]:
            self._missing_parts(piece, innermost)
            self._leave()
            return
        self._report(mistakes.mismatched_bracket, piece, innermost.opening, self._text)
        around = self._containers[-2].opening
        self._leave()
        if around is not None and around.kind == _PARTNER[piece.kind]:
            self._leave()
        self._distrust()

    def _leave(self) -> None:
        self._containers.pop()
        self._charges.depth -= 1
        self._first_trusted = min(self._first_trusted, len(self._containers))

    def _comma(self, piece: Piece, innermost: _Container) -> None:
        if innermost.opening is None:
            self._report(mistakes.unexpected, piece, self._text, innermost.wanted)
            return
        if self._last is innermost.opening or self._last.kind == "COMMA":
            self._needless_comma(piece, innermost)
            return
        self._missing_parts(piece, innermost)
        innermost.reported = False
        innermost.place = _Place.NAME if innermost.is_object else _Place.VALUE

    def _needless_comma(self, piece: Piece, innermost: _Container) -> None:
        # A run of commas is one mistake, and does not hide what stands after it.
        if self._last is not self._needless:
            is_first = self._last is innermost.opening
            self._report(mistakes.stray_comma if is_first else mistakes.double_comma, piece)
            innermost.reported = False
        self._needless = piece

    def _missing_parts(self, piece: Piece, innermost: _Container) -> None:
        """Report a member that *piece*, a comma or bracket, cuts short."""
        if innermost.place is _Place.COLON:
            self._report(mistakes.missing_colon, piece, self._last_name, self._text)
        elif innermost.place is _Place.VALUE and self._last.kind == "COLON":
            self._report(mistakes.missing_value, piece)

    def _colon(self, piece: Piece, innermost: _Container) -> None:
        if innermost.place is not _Place.COLON:
            self._report(mistakes.unexpected, piece, self._text, innermost.wanted)
        innermost.place = _Place.VALUE

    def _scalar(self, piece: Piece, innermost: _Container) -> None:
        match innermost.place:
            case _Place.NAME:
                self._report(lexical.name_mistakes, piece, self._text)
                self._last_name = piece
                innermost.place = _Place.COLON
            case _Place.VALUE:
                self._report(lexical.value_mistakes, piece, self._text)
                innermost.place = _Place.COMMA
            case _Place.COLON:
                self._report(self._out_of_place, piece, innermost)
                is_equals_sign = self._text[piece.start : piece.end] in {"=", "=>", ":="}
                innermost.place = _Place.VALUE if is_equals_sign else _Place.COMMA
            case _Place.COMMA:
                self._report(self._out_of_place, piece, innermost)
                innermost.place = _Place.COLON if innermost.is_object else _Place.COMMA
        if lexical.is_open_string(piece, self._text):
            self._distrust_if_it_hides_brackets(piece)

    def _out_of_place(self, piece: Piece, innermost: _Container) -> Diagnostic:
        """Return what is wrong with a value that stands where none belongs."""
        if innermost.place is _Place.COLON:
            return mistakes.missing_colon(piece, self._last_name, self._text)
        can_follow_comma = lexical.can_be_name(piece, self._text) if innermost.is_object else True
        if innermost.place is _Place.COMMA and can_follow_comma:
            return mistakes.missing_comma(piece, self._last, self._text)
        return mistakes.unexpected(piece, self._text, innermost.wanted)

    def _end(self) -> None:
        """Report what is still open at the end of the text."""
        if not self._is_trusted():
            return
        openings = [each.opening for each in self._containers if each.opening is not None]
        if openings:
            self._append(mistakes.unclosed_bracket(len(self._text), openings))
        elif self._containers[0].place is _Place.VALUE and not self.errors:
            self._append(mistakes.empty_document(len(self._text)))
