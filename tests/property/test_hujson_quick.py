"""The quick reader takes just what the grammar takes, and makes the same tree of it."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from aclkit.hujson.grammatical import read_by_grammar
from aclkit.hujson.quick import read_quickly
from aclkit.hujson.tree import Literal, Value
from aclkit.limits import Limits
from aclkit.source import Source
from tests.property.documents import TEXTS, broken_texts

# Pieces that make up almost HuJSON when they are put together at random.
_PIECES = st.sampled_from(
    [
        *"[]{},,,:",
        " ",
        "\n",
        "//a\n",
        "/*,*/",
        "/*",
        "//",
        '"a"',
        '"//"',
        '"a":',
        "1",
        "null",
        "[1,]",
    ]
)

_CONTAINERS = [("", ""), ("[", "]"), ("{", "}"), ('{"a":', "}"), ('[{"a":[', "]}]")]


def judged(text: str, limits: Limits) -> Value | None:
    """Return what the grammar's parser makes of *text*, if that is an object or array."""
    value = read_by_grammar(Source("", text), limits, [])
    return None if isinstance(value, Literal) else value


@given(TEXTS)
def test_a_right_text_is_read_alike(text: str) -> None:
    assert read_quickly(text, Limits()) == judged(text, Limits())


@given(broken_texts())
def test_a_broken_text_is_read_alike(text: str) -> None:
    assert read_quickly(text, Limits()) == judged(text, Limits())


@given(st.lists(_PIECES, max_size=9).map("".join), st.sampled_from(_CONTAINERS))
@example("[]{}", ("[", "]"))
def test_any_pieces_are_read_alike(pieces: str, container: tuple[str, str]) -> None:
    text = pieces.join(container)
    assert read_quickly(text, Limits()) == judged(text, Limits())


@given(TEXTS, st.integers(0, 9), st.integers(0, 60))
def test_nothing_over_a_limit_is_read(text: str, depth: int, tokens: int) -> None:
    limits = Limits(depth=depth, tokens=tokens)
    found = read_quickly(text, limits)
    assert found is None or found == judged(text, limits)
