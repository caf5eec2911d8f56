"""What holds for the format of any document."""

from __future__ import annotations

import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aclkit.hujson import Document, Literal, parse
from aclkit.hujson.comments import WHITE_SPACE
from aclkit.hujson.format import format_document
from aclkit.hujson.pack import minimize
from aclkit.hujson.tree import Value, children, plain
from tests.property.documents import TEXTS, VALUES, dressed

_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)


def comments(text: str) -> list[list[str]]:
    """Return the comments of *text* in order, each as its lines without the space around them."""
    lines = text.replace("\r\n", "\n").replace("\n\r", "\n").replace("\r", " ")
    return [
        [line.strip(WHITE_SPACE) for line in each.split("\n")]
        for each in _STRING_OR_COMMENT.findall(lines)
        if each[0] == "/"
    ]


def numbers(document: Document) -> list[str]:
    """Return all numbers and constants as they are written."""
    found = []
    pending: list[Value] = [document.value]
    while pending:
        value = pending.pop()
        if isinstance(value, Literal) and not isinstance(value.value, str):
            found.append(value.text)
        pending.extend(children(value))
    return found


@given(TEXTS)
def test_formatting_twice_changes_nothing(text: str) -> None:
    once = format_document(parse(text))
    assert format_document(parse(once)) == once


@given(TEXTS)
def test_values_are_kept(text: str) -> None:
    before = parse(text)
    after = parse(format_document(before))
    assert plain(after.value) == plain(before.value)
    assert numbers(after) == numbers(before)


@given(TEXTS)
def test_comments_are_kept_in_order(text: str) -> None:
    assert comments(format_document(parse(text))) == comments(text)


@given(TEXTS)
def test_no_line_ends_in_white_space(text: str) -> None:
    formatted = format_document(parse(text))
    assert formatted.endswith("\n")
    assert not formatted.endswith("\n\n")
    assert "\r" not in formatted
    for line in formatted.split("\n"):
        assert line == line.rstrip(WHITE_SPACE)


@given(VALUES, st.sampled_from([None, 0, "\t"]))
def test_standard_input_stays_standard(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)
    assert json.loads(format_document(parse(text))) == json.loads(text)


@given(VALUES)
def test_the_format_of_a_value_on_one_line_is_its_own_layout(value: Any) -> None:
    minimal = minimize(parse(json.dumps(value, ensure_ascii=False)))
    assert minimize(parse(format_document(parse(minimal)))) == minimize(
        parse(format_document(parse(json.dumps(value))))
    )


@given(dressed(), st.sampled_from(["// c\n", "/* c */"]))
def test_a_comment_before_the_value_stays_there(pair: tuple[Any, str], comment: str) -> None:
    _, text = pair
    assert format_document(parse(comment + "\n" + text)).startswith(comment.rstrip())
