"""What holds for any edit of any document."""

from __future__ import annotations

import copy
import json
import re
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aclkit.hujson import parse
from aclkit.hujson.edit import TextEdit, add, apply_edits, remove, rename, replace
from aclkit.hujson.pointer import write_pointer
from aclkit.hujson.tree import plain
from tests.property.documents import VALUES, dressed

_STRING_OR_COMMENT = re.compile(r'"(?:[^"\\]|\\.)*"|//[^\n]*|/\*.*?\*/', re.DOTALL)

CONTAINERS = dressed(
    st.one_of(
        st.lists(VALUES, min_size=1, max_size=4),
        st.dictionaries(st.sampled_from(["a", "b/c", "~", "0"]), VALUES, min_size=1, max_size=3),
    )
)
NEW_VALUES = st.sampled_from([7, "new", [], {"x": [1, 2]}])


def comments(text: str) -> list[tuple[int, str]]:
    """Return each comment of *text* with its offset, without white space at its end."""
    return [
        (match.start(), match.group().rstrip())
        for match in _STRING_OR_COMMENT.finditer(text)
        if match.group()[0] == "/"
    ]


def pointers(value: Any) -> list[tuple[str, ...]]:
    """Return the tokens to each value inside of *value*."""
    match value:
        case dict():
            pairs = [(name, inner) for name, inner in value.items()]
        case list():
            pairs = [(str(at), inner) for at, inner in enumerate(value)]
        case _:
            pairs = []
    return [(token, *rest) for token, inner in pairs for rest in [(), *pointers(inner)]]


def parent_of(value: Any, tokens: tuple[str, ...]) -> tuple[Any, Any]:
    """Return the container that the last of *tokens* leads into, and its key or index."""
    for token in tokens[:-1]:
        value = value[int(token) if isinstance(value, list) else token]
    return value, int(tokens[-1]) if isinstance(value, list) else tokens[-1]


def check(text: str, edits: list[TextEdit], expected: Any) -> None:
    """Check that *edits* give *expected* and keep all comments but those that they replace."""
    after = apply_edits(text, edits)
    assert plain(parse(after).value) == expected
    kept = [
        comment
        for at, comment in comments(text)
        if not any(edit.span.start <= at < edit.span.end for edit in edits)
    ]
    assert [comment for _, comment in comments(after)] == kept


@given(CONTAINERS, NEW_VALUES, st.data())
def test_a_value_is_replaced(pair: tuple[Any, str], new: Any, data: st.DataObject) -> None:
    value, text = pair
    tokens = data.draw(st.sampled_from(pointers(value)))
    edits = replace(parse(text), write_pointer(tokens), json.dumps(new))
    assert len(edits) == 1
    expected = copy.deepcopy(value)
    container, key = parent_of(expected, tokens)
    container[key] = new
    check(text, edits, expected)


@given(CONTAINERS, st.data())
def test_an_entry_is_removed_and_nothing_but_it(pair: tuple[Any, str], data: st.DataObject) -> None:
    value, text = pair
    tokens = data.draw(st.sampled_from(pointers(value)))
    edits = remove(parse(text), write_pointer(tokens))
    expected = copy.deepcopy(value)
    container, key = parent_of(expected, tokens)
    del container[key]
    check(text, edits, expected)
    cuts = [text[edit.span.start : edit.span.end] for edit in edits]
    assert len(cuts) == 1 or (len(cuts) == 2 and "," in cuts)


@given(CONTAINERS, NEW_VALUES, st.data())
def test_an_entry_is_added_and_nothing_goes(
    pair: tuple[Any, str], new: Any, data: st.DataObject
) -> None:
    value, text = pair
    tokens = data.draw(
        st.sampled_from([(), *pointers(value)]).filter(
            lambda tokens: isinstance(value_at_tokens(value, tokens), list | dict)
        )
    )
    expected = copy.deepcopy(value)
    container = value_at_tokens(expected, tokens)
    if isinstance(container, list):
        at = data.draw(st.integers(0, len(container)))
        container.insert(at, new)
        token = str(at)
    else:
        container["the new one"] = new
        token = "the new one"
    edits = add(parse(text), write_pointer((*tokens, token)), json.dumps(new))
    check(text, edits, expected)
    assert all(not text[edit.span.start : edit.span.end].strip() for edit in edits)


def value_at_tokens(value: Any, tokens: tuple[str, ...]) -> Any:
    if not tokens:
        return value
    container, key = parent_of(value, tokens)
    return container[key]


@given(CONTAINERS, NEW_VALUES, st.data())
def test_removing_what_was_added_gives_the_value_back(
    pair: tuple[Any, str], new: Any, data: st.DataObject
) -> None:
    value, text = pair
    at = str(data.draw(st.integers(0, len(value)))) if isinstance(value, list) else "new"
    once = apply_edits(text, add(parse(text), f"/{at}", json.dumps(new)))
    twice = apply_edits(once, remove(parse(once), f"/{at}"))
    assert plain(parse(twice).value) == value
    assert [comment for _, comment in comments(twice)] == [each for _, each in comments(text)]


@given(CONTAINERS, st.text(st.characters(exclude_categories=["Cs"]), max_size=4))
def test_a_member_is_renamed(pair: tuple[Any, str], name: str) -> None:
    value, text = pair
    if not isinstance(value, dict) or name in value:
        return
    old, *_ = value
    edits = rename(parse(text), write_pointer((old,)), name)
    assert len(edits) == 1
    expected = {name if key == old else key: inner for key, inner in value.items()}
    check(text, edits, expected)
