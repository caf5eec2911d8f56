"""Posture assertions: conditions on the attributes of a source device.

    assertion = attribute                                 (a boolean that must be true)
              | attribute ("==" | "!=") value
              | attribute ("<" | "<=" | ">" | ">=") (number | version)
              | attribute ["NOT"] "IN" "[" value ("," value)* "]"
              | attribute ("IS" | "NOT") "SET"
    attribute = namespace ":" name
    value     = string | number | "true" | "false"
    version   = string                                    (node:osVersion, node:tsVersion)

Strings stand in single quotes and have no escapes. Keywords are written as the documentation writes
them: in upper case, `IN` also in lower case. Any attribute may be named, for vendors come and go.

A value of one type is never compared with one of another: the assertion then does not hold,
whatever its operator, as for an attribute that is not set. In doubt there is less access.

Source: docs/reference/postures.md.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias, cast

from aclkit.grammars import build_parser
from aclkit.hujson.lexical import shown

if TYPE_CHECKING:
    from lark import Lark, Token

PostureValue: TypeAlias = str | int | float | bool

# Far beyond the countries of the world or the serial numbers that one writes by hand.
LARGEST_SET = 10_000

_VERSIONS = frozenset({"node:osVersion", "node:tsVersion"})


class Operator(Enum):
    """How an assertion looks at its attribute; the value is how it is written."""

    EQ = "=="
    NE = "!="
    IN = "IN"
    NOT_IN = "NOT IN"
    IS_SET = "IS SET"
    NOT_SET = "NOT SET"
    LT = "<"
    LE = "<="
    GT = ">"
    GE = ">="
    TRUE = ""
    """The attribute stands alone."""


@dataclass(frozen=True, slots=True)
class Assertion:
    """One condition on one attribute.

    `values` is empty for `IS SET`, `NOT SET` and an attribute alone, holds the members of a set in
    their order, and else one value. `text` is the assertion as written. It counts for equality:
    to Python 1 is equal to True, but ``custom:x == 1`` is not ``custom:x == true``.
    """

    attribute: str
    operator: Operator
    values: tuple[PostureValue, ...]
    text: str


class PostureSyntaxError(ValueError):
    """Text that is no assertion.

    `start` and `end` are the offsets of the part that is wrong. It is empty only if the text is.
    """

    def __init__(self, message: str, start: int, end: int, help: str) -> None:
        super().__init__(message)
        self.message, self.start, self.end, self.help = message, start, end, help


def parse_assertion(text: str) -> Assertion:
    """Read one assertion, in time linear in its length.

    Raises:
        PostureSyntaxError: not an assertion, one that can hold for no device because of its types,
            or a set of more than `LARGEST_SET` values.
    """
    # Few policies have postures, and to import Lark takes longer than to check such a policy.
    from lark.exceptions import UnexpectedInput, UnexpectedToken

    parser = _parser().parse_interactive(text)
    token: Token | None = None
    commas = 0
    try:
        for token in parser.iter_parse():
            commas += token.type == "_COMMA"
            if commas == LARGEST_SET:
                message = f"a set holds at most {LARGEST_SET} values"
                raise _error(message, token, "use fewer values, or an attribute that says the same")
        found: _Found = parser.feed_eof()  # type: ignore[no-untyped-call]
    except UnexpectedInput as refusal:
        accepted: set[str] = parser.accepts()  # type: ignore[no-untyped-call]
        if isinstance(refusal, UnexpectedToken) and refusal.token.type == "$END":
            raise _ends_early(token, text, accepted) from None
        raise _refusal(text, refusal.pos_in_stream or 0, accepted) from None
    _check_order(found)
    values = tuple(_value(token) for token in found.values)
    return Assertion(str(found.attribute), found.operator, values, text)


def holds(assertion: Assertion, attributes: Mapping[str, PostureValue]) -> bool:
    """Return whether a device with these *attributes* satisfies *assertion*.

    If the attribute is not set, only `NOT SET` holds.
    """
    value = attributes.get(assertion.attribute)
    if value is None:
        return assertion.operator is Operator.NOT_SET
    match assertion.operator:
        case Operator.IS_SET:
            return True
        case Operator.NOT_SET:
            return False
        case Operator.TRUE:
            return value is True
    comparable = [each for each in assertion.values if _kind(each) is _kind(value)]
    if not comparable:
        return False
    match assertion.operator:
        case Operator.EQ | Operator.IN:
            return value in comparable
        case Operator.NE | Operator.NOT_IN:
            return value not in comparable
        case _:
            return _in_order(value, assertion.operator, comparable[0])


def unmet(
    assertions: Iterable[Assertion], attributes: Mapping[str, PostureValue]
) -> Assertion | None:
    """Return the first of *assertions* that does not hold; None when all do."""
    return next((each for each in assertions if not holds(each, attributes)), None)


def compare_versions(a: str, b: str) -> int:
    """Return -1, 0 or 1: whether version *a* is before, level with or after *b*.

    A version is fields of text and of digits in turn. Texts are compared by code points, digits by
    the number that they write. A version without further fields has an empty text and a zero
    there: ``12`` is before ``12.0``, and ``1.`` and ``01.00`` are level with ``1.0``.
    """
    first, second = _fields(a), _fields(b)
    return (first > second) - (first < second)


# Only ASCII digits are numbers.
_FIELDS = re.compile(r"([^0-9]*+)([0-9]*+)")


def _fields(version: str) -> list[tuple[str, int, str]]:
    """Return a sort key: each text, and its number as count of digits and digits.

    Python compares integers of any size, but reads them from text in quadratic time.
    """
    fields = _FIELDS.findall(version)[:-1] or [("", "")]  # the last match is the empty end
    return [(text, len(number := digits.lstrip("0")), number) for text, digits in fields]


def _kind(value: PostureValue) -> type:
    """Return the type of a value; all numbers have one, and booleans are none of them."""
    return float if type(value) is int else type(value)


def _in_order(value: Any, operator: Operator, bound: Any) -> bool:
    """Compare two numbers, or two versions."""
    if isinstance(value, str):
        value, bound = compare_versions(value, bound), 0
    match operator:
        case Operator.LT:
            return bool(value < bound)
        case Operator.LE:
            return bool(value <= bound)
        case Operator.GT:
            return bool(value > bound)
        case _:
            return bool(value >= bound)


class _Found(NamedTuple):
    """The tokens of an assertion, sorted by what they are for."""

    attribute: Token
    operator: Operator
    values: list[Token]


@functools.cache
def _parser() -> Lark:
    from lark import Token, Transformer

    class Reader(Transformer[Token, _Found]):
        """Sorts tokens while Lark parses. It has no state: all threads share it."""

        def start(self, tokens: list[Token]) -> _Found:
            attribute, *rest = tokens
            words = [token for token in rest if token.type not in _VALUES]
            values = [token for token in rest if token.type in _VALUES]
            return _Found(attribute, Operator(" ".join(words).upper()), values)

    return build_parser("posture", Reader())


_VALUES = frozenset({"STRING", "NUMBER", "CONSTANT"})


def _offsets(token: Token) -> tuple[int, int]:
    """Return where *token* starts and ends; Lark's lexer sets both for every token."""
    return cast("int", token.start_pos), cast("int", token.end_pos)


def _error(message: str, token: Token, help: str) -> PostureSyntaxError:
    return PostureSyntaxError(message, *_offsets(token), help)


def _check_order(found: _Found) -> None:
    """Refuse to order what has no order: then the assertion would hold for no device."""
    if found.operator not in _ORDERING:
        return
    value = found.values[0]
    if found.attribute in _VERSIONS and value.type == "NUMBER":
        message = f"`{found.operator.value}` on `{found.attribute}` needs a version, not a number"
        raise _error(message, value, f"write the version in single quotes: `'{value}'`")
    if found.attribute not in _VERSIONS and value.type == "STRING":
        message = f"`{found.operator.value}` needs a number, or a version attribute"
        raise _error(
            message, value, "only `node:osVersion` and `node:tsVersion` order strings, as versions"
        )


_ORDERING = frozenset({Operator.LT, Operator.LE, Operator.GT, Operator.GE})


def _value(token: Token) -> PostureValue:
    """Return what a literal means."""
    text = str(token)
    if token.type == "STRING":
        return text[1:-1]
    if token.type == "CONSTANT":
        return text == "true"
    number = float(text)
    if math.isinf(number):
        raise _error(f"the number {shown(text)} is too large", token, "write one below 1e308")
    # A finite number has few enough digits for Python to read them as an integer.
    return int(text) if text.lstrip("-").isdecimal() else number


# What belongs where the grammar accepts a terminal, and how to write it. The first that is
# accepted says it all.
_EXPECTED = {
    "ATTRIBUTE": ("an attribute", "write a namespace and a name, such as `node:os`"),
    "EQUALITY": (
        "an operator",
        "use `==`, `!=`, `<`, `<=`, `>`, `>=`, `IN`, `NOT IN`, `IS SET` or `NOT SET`",
    ),
    "_COMMA": ("`,` or `]`", "separate the values of a set by `,` and end it with `]`"),
    "_LBRACKET": ("a set", "write the values in brackets: `['a', 'b']`"),
    "CONSTANT": ("a value", "use a string in single quotes, a number, `true` or `false`"),
    "STRING": ("a number or a version", "use a number, or a version in single quotes"),
    "IN": ("`IN` or `SET`", "write `NOT IN ['a', 'b']` or `NOT SET`"),
    "SET": ("`SET`", "write `IS SET`, or `NOT SET` for its opposite"),
    "$END": ("the end", "write each condition as an assertion of its own: all must hold"),
}

_KEYWORDS = frozenset({"IN", "NOT", "IS", "SET"})

# What a reader takes for one thing where the grammar finds no token: something in quotes, closed or
# not, a mark, a word.
_PIECE = re.compile(
    r"""'[^']*+'|"[^"]*+"|['"].*+|[\[\],]|[<>=!&|]++|(?P<word>[^\[\]'",<>=!&|\s]++)|.""", re.DOTALL
)
_NOT_IN_STRINGS = re.compile(r"[\\\x00-\x1f]")


def _expected(accepted: set[str]) -> tuple[str, str]:
    """Return what belongs where only the *accepted* terminals may stand, and how to write it."""
    return next(expected for terminal, expected in _EXPECTED.items() if terminal in accepted)


def _ends_early(last: Token | None, text: str, accepted: set[str]) -> PostureSyntaxError:
    """Return the error for a text that ends after *last*, where more must follow."""
    wanted, help = _expected(accepted)
    if last is None:
        return PostureSyntaxError("the assertion is empty", 0, len(text), help)
    return _error(f"{wanted} is missing after {shown(last)}", last, help)


def _refusal(text: str, at: int, accepted: set[str]) -> PostureSyntaxError:
    """Return the error for what stands at *at*, where only the *accepted* terminals may."""
    piece = next(_PIECE.finditer(text, at))
    found = piece[0]
    if "STRING" in accepted and found[0] in "'\"":
        return _bad_string(found, at)
    wanted, help = _expected(accepted)
    if found.upper() in _KEYWORDS & accepted:
        help = f"write `{found.upper()}` in upper case"
    elif "CONSTANT" in accepted and found.lower() in ("true", "false"):
        help = f"write `{found.lower()}` in lower case"
    elif "CONSTANT" in accepted and piece.lastgroup == "word":
        quoted = f"'{found}'"
        help = f"strings stand in single quotes: {shown(quoted)}"
    return PostureSyntaxError(f"expected {wanted}, found {shown(found)}", at, piece.end(), help)


def _bad_string(found: str, at: int) -> PostureSyntaxError:
    """Return the error for a text in quotes that is no string of the grammar."""
    end = at + len(found)
    if found[0] == '"':
        quoted = "'" + found.strip('"') + "'"
        return PostureSyntaxError(
            "strings stand in single quotes", at, end, f"write {shown(quoted)}"
        )
    bad = _NOT_IN_STRINGS.search(found)
    if bad is None:
        return PostureSyntaxError("the string is not closed", at, end, "end it with a single quote")
    message = f"a string can't hold {shown(bad[0])}"
    help = "leave it out: strings have no escapes"
    return PostureSyntaxError(message, at + bad.start(), at + bad.end(), help)
