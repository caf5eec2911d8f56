"""Mappings in two layers."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.tailnet.layered import Layered

KEYS = st.integers(0, 6)


@given(st.dictionaries(KEYS, KEYS), st.lists(st.tuples(KEYS, st.none() | KEYS)))
@settings(max_examples=200)
def test_it_holds_what_a_dict_with_the_same_changes_holds(
    base: dict[int, int], changes: list[tuple[int, int | None]]
) -> None:
    plain, layered = dict(base), Layered.over(dict(base))
    for key, value in changes:
        before, then = layered, dict(plain)
        if value is not None:
            plain[key] = value
            layered = layered.set(key, value)
        elif plain.pop(key, None) is not None:
            layered = layered.delete(key)
        assert dict(before) == then
    assert dict(layered.items()) == plain
    assert len(layered) == len(plain)
    for key in range(8):
        assert layered.get(key) == plain.get(key)
        assert layered.get(key, "none") == plain.get(key, "none")
        assert (key in layered) == (key in plain)
    assert pickle.loads(pickle.dumps(layered)) == plain


def test_what_is_not_there_can_be_neither_read_nor_deleted() -> None:
    layered = Layered.over({"a": 1}).delete("a")
    with pytest.raises(KeyError, match="a"):
        layered["a"]
    with pytest.raises(KeyError, match="a"):
        layered.delete("a")


def test_what_goes_back_to_what_it_was_takes_no_place() -> None:
    layered = Layered.over({"a": 1})
    for _ in range(3):
        layered = layered.set("a", 2).set("b", 3).delete("b").delete("a").set("a", 1)
    assert layered == {"a": 1}
    assert len(layered._changed) == 0


def test_layers_are_not_laid_over_layers() -> None:
    layered = Layered.over({"a": 1})
    assert Layered.over(layered) is layered
