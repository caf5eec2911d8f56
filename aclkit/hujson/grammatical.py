"""Read a text into the lossless tree with the grammar's parser, which decides what is HuJSON.

It is fed token by token, so that limits are charged as the text is read; the tree is built on the
way. A text that the grammar refuses goes to `recovery`, which tells all its mistakes.

The tokens are cut by the grammar's own terminals, but not by Lark's lexer, which needs half of the
time again and can't tell what is wrong with a text that no terminal matches.
"""

from __future__ import annotations

import functools
from typing import Any, NamedTuple, TypeAlias

from lark import Lark, Token, Transformer
from lark.exceptions import UnexpectedToken

from aclkit.diagnostics import Diagnostic
from aclkit.grammars import build_parser
from aclkit.hujson.charges import Charges, OverLimitError
from aclkit.hujson.recovery import explain_refusal
from aclkit.hujson.scanner import CLOSING, COMMENTS, OPENING, scanner
from aclkit.hujson.tree import Array, Literal, Member, Object, Value
from aclkit.hujson.values import bare_value, string_value
from aclkit.limits import Limits
from aclkit.source import Source


def read_by_grammar(source: Source, limits: Limits, diagnostics: list[Diagnostic]) -> Value | None:
    """Return the value of *source*.

    None when the text is refused; *diagnostics* then has at least one error more.
    """
    try:
        return _read(source.text, Charges(limits))
    except OverLimitError as over:
        diagnostics.append(over.diagnostic)
    except UnexpectedToken as refused:
        at = min(refused.pos_in_stream or 0, len(source.text))
        diagnostics.extend(explain_refusal(source, limits, at))
    return None


@functools.cache
def _parser() -> Lark:
    return build_parser("hujson", _TreeBuilder())


def _read(text: str, charges: Charges) -> Value:
    """Return the value of *text*; raises what *charges* raise, and `UnexpectedToken`."""
    reading = _parser().parse_interactive()
    end = 0
    for match in scanner().finditer(text):
        kind = match.lastgroup or ""
        if kind == "WHITE_SPACE":
            continue
        start, stop = match.span()
        charges.token(start, stop)
        if kind in COMMENTS:
            continue
        if kind in OPENING:
            charges.opening(start, stop)
        elif kind in CLOSING:
            charges.depth -= 1
        token = Token(kind, text[start:stop], start, None, None, None, None, stop)
        # Here Lark keeps the text, which the token itself is. We keep the extra before the token:
        # the grammar skips extras, and the tree builder sees nothing but tokens.
        token.value = text[end:start]
        reading.feed_token(token)
        end = stop
    found: _Child = reading.feed_eof()  # type: ignore[no-untyped-call]
    return _placed(found, text[end:])


class _Unplaced(NamedTuple):
    """A container; what stands after it is known to the container around it only."""

    items: tuple[Any, ...]
    kind: type[Object] | type[Array]
    opening: Token
    closing: Token
    trailing_comma: bool


_Child: TypeAlias = Token | _Unplaced


class _TreeBuilder(Transformer[Token, Any]):
    """Builds the tree while Lark parses. It has no state: all threads share it."""

    def start(self, found: list[_Child]) -> _Child:
        return found[0]

    def object(self, found: list[Any]) -> _Unplaced:
        # { name : value , name : value , }
        groups = zip(found[1::4], found[2::4], found[3::4], found[4::4], strict=False)
        members = tuple(
            Member(_literal(name, colon.value), _placed(value, _extra_of_comma(end)))
            for name, colon, value, end in groups
        )
        trailing_comma = len(found) == 4 * len(members) + 2 and bool(members)
        return _Unplaced(members, Object, found[0], found[-1], trailing_comma)

    def array(self, found: list[Any]) -> _Unplaced:
        # [ value , value , ]
        groups = zip(found[1::2], found[2::2], strict=False)
        elements = tuple(_placed(value, _extra_of_comma(end)) for value, end in groups)
        trailing_comma = len(found) == 2 * len(elements) + 2 and bool(elements)
        return _Unplaced(elements, Array, found[0], found[-1], trailing_comma)


def _extra_of_comma(token: Token) -> str:
    """Return the extra before a comma; the one before a closing bracket is the container's."""
    return str(token.value) if token.type == "COMMA" else ""


def _placed(child: _Child, after: str) -> Value:
    """Return *child* as a value that *after* follows."""
    if isinstance(child, Token):
        return _literal(child, after)
    items, kind, opening, closing, trailing_comma = child
    start, end = _start(opening), _start(closing) + 1
    return kind(items, start, end, opening.value, after, closing.value, trailing_comma)


def _literal(token: Token, after: str) -> Literal:
    text = str(token)
    value = string_value(text) if token.type == "STRING" else bare_value(text)
    return Literal(text, value, _start(token), token.value, after)


def _start(token: Token) -> int:
    start: Any = token.start_pos
    return int(start)
