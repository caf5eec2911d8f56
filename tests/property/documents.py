"""Strategies for HuJSON texts: drawn from the grammar, dressed with comments, and broken."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st
from hypothesis.extra.lark import from_lark

from aclkit.grammars import build_parser

# Texts that are close to each other, so that they meet the special cases of the format.
_NAMES = st.sampled_from(["", "a", "acls", "é", "\n", '"', "\\", "日本", "\u2028", "a/*b*/", "//"])
_SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(allow_nan=False, allow_infinity=False),
    _NAMES,
    st.text(st.characters(exclude_categories=["Cs"]), max_size=6),
)

VALUES: st.SearchStrategy[Any] = st.recursive(
    _SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(_NAMES, inner, max_size=4)
    ),
    max_leaves=12,
)

_WHITE_SPACE = st.sampled_from(
    ["", "", " ", "  ", "\t", "\n", "\r\n", "\n\n", "\n\n\n", "\r", " \n\t"]
)
_WORDS = st.sampled_from(
    ["", "a", " two words ", "é", "*", "**/*", "/*", "//", '"', "{", ",", "\\"]
)
_LINE_COMMENTS = _WORDS.map("//{}\n".format)
_BLOCK_LINES = st.sampled_from(["", " ", "b", " * c", "\t* d", "  e  ", "\t\tf", " *", "\r"])
_BLOCK_COMMENTS = st.lists(_BLOCK_LINES, max_size=4).map(
    lambda lines: "/*{}*/".format("\n".join(lines).replace("*/", ""))
)
EXTRAS = st.lists(
    st.one_of(_WHITE_SPACE, _WHITE_SPACE, _LINE_COMMENTS, _BLOCK_COMMENTS), max_size=4
).map("".join)


def dress(value: Any, extras: Iterator[str], trailing_commas: Iterator[bool]) -> str:
    """Write *value* with *extras* between all tokens and trailing commas where told so."""

    def written(value: Any) -> str:
        match value:
            case dict():
                return container("{", [member(*each) for each in value.items()], "}")
            case list():
                return container("[", [spaced(written(each)) for each in value], "]")
            case _:
                return json.dumps(value, ensure_ascii=False)

    def member(name: str, value: Any) -> str:
        return spaced(json.dumps(name)) + ":" + spaced(written(value))

    def spaced(text: str) -> str:
        return next(extras) + text + next(extras)

    def container(opening: str, items: list[str], closing: str) -> str:
        has_comma = next(trailing_commas) and bool(items)
        comma = "," if has_comma else ""
        return opening + ",".join(items) + comma + next(extras) + closing

    return spaced(written(value))


@st.composite
def dressed(draw: st.DrawFn, values: st.SearchStrategy[Any] = VALUES) -> tuple[Any, str]:
    """Draw a value and a HuJSON text that means it."""
    value = draw(values)
    extras = draw(st.lists(EXTRAS, min_size=1, max_size=9))
    commas = draw(st.lists(st.booleans(), min_size=1, max_size=5))
    return value, dress(value, itertools.cycle(extras), itertools.cycle(commas))


# Texts drawn from the grammar itself.
GRAMMAR_TEXTS: st.SearchStrategy[str] = from_lark(
    build_parser("hujson"),
    alphabet=st.characters(exclude_categories=["Cs"], max_codepoint=0x3000),
)

TEXTS: st.SearchStrategy[str] = st.one_of(dressed().map(lambda pair: pair[1]), GRAMMAR_TEXTS)

_SHARDS = st.sampled_from(
    [
        *"{}[],:\"/*\\\n\r\t \0'#-+.0e",
        "//",
        "/*",
        "*/",
        "true",
        "nul",
        "\\u",
        "\ud800",
        "\ufeff",
        "\u00a0",
    ]
)


@st.composite
def broken_texts(draw: st.DrawFn) -> str:
    """Draw a HuJSON text in which a few places were deleted, replaced, doubled or added to."""
    text = draw(TEXTS)
    for _ in range(draw(st.integers(1, 3))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 5)))
        middle = draw(st.one_of(st.just(""), st.just(text[start:end] * 2), _SHARDS))
        text = text[:start] + middle + text[end:]
    return text
