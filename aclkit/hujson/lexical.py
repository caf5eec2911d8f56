"""What is wrong with a string, a number, a word or a mark that no terminal of the grammar matches.

Pure functions from a broken piece of a text to errors.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from aclkit.diagnostics import Diagnostic, error
from aclkit.hujson.scanner import Piece
from aclkit.source import Span

_CLOSED_STRING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"')
# Raw control characters, pairs of surrogates, other escapes.
_IN_STRING = re.compile(
    r"[\x00-\x1f]"
    r"|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    r"|\\u[0-9a-fA-F]{0,4}|\\."
)
_GOOD_ESCAPE = re.compile(r'\\["\\/bfnrt]|\\u[0-9a-fA-F]{4}(?:\\u[0-9a-fA-F]{4})?')
_LONE_SURROGATE = re.compile(r"\\u[dD][89a-fA-F][0-9a-fA-F]{2}")
_IDENTIFIER = re.compile(r"[^\W\d][\w$]*+|\$[\w$]*+")
_NUMBER_LIKE = re.compile(r"[-+]?(?:[0-9.]|infinity$|nan$|$)", re.IGNORECASE)
_HEX = re.compile(r"([-+]?+)0[xX]([0-9a-fA-F]{1,16})")
_DECIMAL = re.compile(r"\+?(-?)0*+([0-9]*+)\.?+([0-9]*+)((?:[eE][-+]?+[0-9]++)?)")

# What ends a line in JavaScript, but not here.
_SEPARATOR = re.compile("[\u2028\u2029]")

_SHORT_ESCAPES = {"\b": r"\b", "\t": r"\t", "\n": r"\n", "\f": r"\f", "\r": r"\r"}
_MEANT = {
    "true": "true", "yes": "true", "on": "true",
    "false": "false", "no": "false", "off": "false",
    "null": "null", "none": "null", "nil": "null", "undefined": "null",
}  # fmt: skip

_QUOTED = frozenset({"BROKEN_STRING", "SINGLE_QUOTED", "ODD_QUOTED"})


def shown(text: str) -> str:
    """Return *text* in backticks for a message: short, on one line, with nothing invisible."""
    clipped = text if len(text) <= 40 else text[:39] + "…"
    return "`" + "".join(_shown_character(character) for character in clipped) + "`"


def _shown_character(character: str) -> str:
    if character == "`":
        return "'"
    if character.isprintable():
        return character
    return _SHORT_ESCAPES.get(character, f"U+{ord(character):04X}")


def value_mistakes(piece: Piece, text: str) -> Iterator[Diagnostic]:
    """Return what is wrong with *piece* where a value belongs; nothing if it is a literal."""
    match piece.kind:
        case "STRING" | "NUMBER" | "CONSTANT":
            pass
        case "BROKEN_STRING":
            yield from string_mistakes(piece, text)
        case "SINGLE_QUOTED" | "ODD_QUOTED":
            yield quote_mistake(piece, text)
        case _:
            yield word_mistake(piece, text)


def name_mistakes(piece: Piece, text: str) -> Iterator[Diagnostic]:
    """Return what is wrong with *piece* where a name belongs; nothing if it is a string."""
    match piece.kind:
        case "STRING":
            pass
        case "BROKEN_STRING":
            yield from string_mistakes(piece, text)
        case "SINGLE_QUOTED" | "ODD_QUOTED":
            yield quote_mistake(piece, text)
        case _:
            yield name_mistake(piece, text)


def can_be_name(piece: Piece, text: str) -> bool:
    """Return whether *piece* may have been meant as a name."""
    if piece.kind == "WORD":
        return _IDENTIFIER.fullmatch(text, piece.start, piece.end) is not None
    return piece.kind in {"STRING", *_QUOTED}


def is_open_string(piece: Piece, text: str) -> bool:
    """Return whether *piece* is a string of any kind that its line does not close."""
    if piece.kind == "BROKEN_STRING":
        return _CLOSED_STRING.fullmatch(text, piece.start, piece.end) is None
    return piece.kind in _QUOTED and text[piece.end - 1] not in "'’”`"


def string_mistakes(piece: Piece, text: str) -> Iterator[Diagnostic]:
    """Return what is wrong with a string that is not closed, or that no string may hold."""
    body = text[piece.start : piece.end]
    if not _CLOSED_STRING.fullmatch(body):
        yield error(
            "unclosed-string",
            "the string is not closed on its line",
            Span(piece.start, piece.start + len(body.rstrip())),
            help='put a `"` at its end; a line break within a string is written `\\n`',
        )
        return
    for match in _IN_STRING.finditer(body):
        found = match.group()
        if _LONE_SURROGATE.fullmatch(found) or not _GOOD_ESCAPE.fullmatch(found):
            span = Span(piece.start + match.start(), piece.start + match.end())
            yield _string_mistake(found, span)


def _string_mistake(found: str, span: Span) -> Diagnostic:
    if found[0] != "\\":
        escape = _SHORT_ESCAPES.get(found, f"\\u{ord(found):04x}")
        return error(
            "control-character",
            f"the character U+{ord(found):04X} can't stand in a string as it is",
            span,
            help=f"write it as `{escape}`",
        )
    if _LONE_SURROGATE.fullmatch(found):
        return error(
            "lone-surrogate",
            f"half of a surrogate pair, {shown(found)}, is no character",
            span,
            help=r"write the character itself, or both halves: `\ud83d\ude00`",
        )
    if found[1] == "u":
        advice = r"four hexadecimal digits follow `\u`"
    elif found[1] in "xX":
        advice = r"write the character itself, or `\u` and four hexadecimal digits"
    elif found[1] == "'":
        advice = "write `'` without a backslash"
    else:
        advice = r"write `\\` for a backslash"
    return error("bad-escape", f"unknown escape {shown(found)} in a string", span, help=advice)


def word_mistake(piece: Piece, text: str) -> Diagnostic:
    """Return what is wrong with a run of characters that stands where a value belongs."""
    word = text[piece.start : piece.end]
    span = Span(piece.start, piece.end)
    if _NUMBER_LIKE.match(word):
        return error(
            "bad-number", f"{shown(word)} is not a number", span, help=_number_advice(word)
        )
    if not any(character.isalnum() for character in word):
        return error(
            "unexpected-character",
            f"unexpected {shown(word)}",
            span,
            help="a value is a string in double quotes, a number, true, false, null, "
            "or begins with `{` or `[`",
        )
    meant = _MEANT.get(word.lower())
    advice = f"write `{meant}`" if meant else "put it in double quotes if it is a string"
    return error("bad-literal", f"{shown(word)} is no value", span, help=advice)


def _number_advice(word: str) -> str:
    written = _plain_number(word)
    if written:
        return f"write `{written}`; put it in double quotes if it is a string"
    if word.strip("+-").isalpha():
        return "there is no such number in HuJSON; leave the member out or use a string"
    return "put it in double quotes if it is a string"


def _plain_number(word: str) -> str:
    """Return how HuJSON writes the number that *word* seems to mean, or nothing."""
    if match := _HEX.fullmatch(word):
        sign, digits = match.groups()
        return f"{sign.replace('+', '')}{int(digits, 16)}"
    match = _DECIMAL.fullmatch(word)
    if not match or not (match[2] or match[3] or "0" in word):
        return ""
    sign, whole, fraction, exponent = match.groups()
    return f"{sign}{whole or '0'}{'.' + fraction if fraction else ''}{exponent}"


def quote_mistake(piece: Piece, text: str) -> Diagnostic:
    """Return that a string has the wrong quotes."""
    quoted = text[piece.start : piece.end]
    inner = quoted[1:].rstrip("'’”`").replace('"', r"\"")
    span = Span(piece.start, piece.end)
    advice = f"write {shown(chr(34) + inner + chr(34))}"
    if piece.kind == "SINGLE_QUOTED":
        return error("json5-single-quotes", "a string in single quotes", span, help=advice)
    return error("odd-quotes", f"{shown(quoted[0])} does not begin a string", span, help=advice)


def name_mistake(piece: Piece, text: str) -> Diagnostic:
    """Return that a member's name, which is not a string, must be one."""
    name = text[piece.start : piece.end]
    span = Span(piece.start, piece.end)
    if _IDENTIFIER.fullmatch(name):
        return error(
            "json5-unquoted-key",
            f"the name {shown(name)} has no quotes",
            span,
            help=f"write {shown(chr(34) + name + chr(34))}",
        )
    return error(
        "bad-name",
        f"a name is a string in double quotes, not {shown(name)}",
        span,
        help="write the name of the member, a colon and its value",
    )


def mark_mistake(piece: Piece, text: str) -> Diagnostic:
    """Return what is wrong with a comment or a kind of white space that HuJSON does not have."""
    span = Span(piece.start, piece.end)
    match piece.kind:
        case "OPEN_BLOCK_COMMENT":
            return error(
                "unclosed-comment",
                "the comment is not closed",
                span,
                label="it begins here",
                help="end it with `*/`; block comments do not nest",
            )
        case "OPEN_LINE_COMMENT":
            return error(
                "comment-without-line-feed",
                "the file ends within a line comment",
                span,
                help="end the last line with a line feed",
            )
        case "SEPARATED_COMMENT":
            found = _SEPARATOR.search(text, piece.start)
            at = found.start() if found else piece.start
            return error(
                "unexpected-character",
                f"the character U+{ord(text[at]):04X} can't stand in a line comment",
                Span(at, at + 1),
                help="replace it by a space, or use a block comment",
            )
        case "HASH_COMMENT":
            return error(
                "hash-comment",
                "`#` does not begin a comment",
                span,
                help="begin comments with `//`",
            )
        case "BYTE_ORDER_MARK":
            return error(
                "byte-order-mark",
                "there is a byte order mark, U+FEFF",
                span,
                help="save the file as UTF-8 without a byte order mark",
            )
        case _:
            return error(
                "unexpected-character",
                f"the character U+{ord(text[piece.start]):04X} is not white space in HuJSON",
                Span(piece.start, piece.start + 1),
                help="replace it by a space",
            )
