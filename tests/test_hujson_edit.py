"""Editing by JSON pointer: what changes, and all that stays."""

from __future__ import annotations

import pytest

from aclkit.hujson import parse
from aclkit.hujson.edit import (
    EditError,
    TextEdit,
    add,
    apply_edits,
    remove,
    rename,
    replace,
)
from aclkit.hujson.pointer import parse_pointer, value_at, write_pointer
from aclkit.hujson.tree import plain
from aclkit.source import Span


def added(text: str, pointer: str, value: str) -> str:
    return apply_edits(text, add(parse(text), pointer, value))


def removed(text: str, pointer: str) -> str:
    return apply_edits(text, remove(parse(text), pointer))


class TestPointer:
    @pytest.mark.parametrize(
        ("pointer", "tokens"),
        [
            ("", ()),
            ("/", ("",)),
            ("/a/0", ("a", "0")),
            ("/a~1b/m~0n/~01", ("a/b", "m~n", "~1")),
            ("//", ("", "")),
        ],
    )
    def test_tokens(self, pointer: str, tokens: tuple[str, ...]) -> None:
        assert parse_pointer(pointer) == tokens
        assert write_pointer(tokens) == pointer

    @pytest.mark.parametrize(
        ("pointer", "value"),
        [("", {"a/b": [1, {"": 2}]}), ("/a~1b/0", 1), ("/a~1b/1/", 2), ("/a~1b/1", {"": 2})],
    )
    def test_a_pointer_names_a_value(self, pointer: str, value: object) -> None:
        assert plain(value_at(parse('{"a/b": [1, {"": 2}]}'), pointer)) == value

    @pytest.mark.parametrize(
        ("pointer", "words"),
        [
            ("a", "the pointer `a` does not begin with `/`"),
            ("/~2", "a `~` in the pointer `/~2` is not followed by `0` or `1`"),
            ("/~", "a `~` in the pointer `/~` is not followed by `0` or `1`"),
            ("/b", "there is no member `b` in the whole value"),
            ("/a/2", "there is no element 2 in `/a`, which has 2"),
            ("/a/-", "`-` is no index of an element of `/a`"),
            ("/a/01", "`01` is no index of an element of `/a`"),
            ("/a/-1", "`-1` is no index of an element of `/a`"),
            ("/a/١", "`١` is no index of an element of `/a`"),
            ("/a/0/x", "`/a/0` is neither object nor array"),
            ("/twice", "there are 2 members `twice` in the whole value"),
        ],
    )
    def test_a_pointer_to_nothing_is_an_error(self, pointer: str, words: str) -> None:
        document = parse('{"a": [1, 2], "twice": 1, "twice": 2}')
        with pytest.raises(EditError) as caught:
            value_at(document, pointer)
        assert str(caught.value) == words


class TestReplaceAndRename:
    def test_only_the_value_changes(self) -> None:
        text = '{"a" /*1*/ : /*2*/ [1, // gone\n2] /*3*/ , }\n'
        edits = replace(parse(text), "/a", ' {"b": 1} ')
        assert apply_edits(text, edits) == '{"a" /*1*/ : /*2*/ {"b": 1} /*3*/ , }\n'

    def test_the_whole_value_can_be_replaced(self) -> None:
        text = "// a\n[1] // b\n"
        assert apply_edits(text, replace(parse(text), "", "2")) == "// a\n2 // b\n"

    def test_only_the_name_changes(self) -> None:
        text = '{"a" /*1*/ : 1, "b": 2}'
        assert apply_edits(text, rename(parse(text), "/a", 'x"é')) == '{"x\\"é" /*1*/ : 1, "b": 2}'
        assert apply_edits(text, rename(parse(text), "/a", "a")) == text

    @pytest.mark.parametrize("text", ["", "1 2", "[", "/*a*/ 1", "1 // b\n", "nope"])
    def test_the_new_value_must_be_one_value(self, text: str) -> None:
        with pytest.raises(EditError, match="the new value"):
            replace(parse("[1]"), "/0", text)

    @pytest.mark.parametrize(
        ("pointer", "words"),
        [
            ("", "the whole value can only be replaced"),
            ("/c", "there is no member `c` in the whole value"),
            ("/b/0", "`/b/0` is no member of an object"),
            ("/a", "the whole value has a member `b` already"),
        ],
    )
    def test_what_can_not_be_renamed(self, pointer: str, words: str) -> None:
        with pytest.raises(EditError) as caught:
            rename(parse('{"a": 1, "b": [2]}'), pointer, "b")
        assert str(caught.value) == words


class TestAdd:
    @pytest.mark.parametrize(
        ("before", "pointer", "after"),
        [
            # On one line.
            ("[1, 2]", "/-", "[1, 2, 9]"),
            ("[1, 2]", "/2", "[1, 2, 9]"),
            ("[1, 2]", "/1", "[1, 9, 2]"),
            ("[1, 2]", "/0", "[9, 1, 2]"),
            ("[ 1, 2 ]", "/0", "[ 9, 1, 2 ]"),
            ("[ 1, 2 ]", "/-", "[ 1, 2, 9 ]"),
            ("[1,2]", "/0", "[9,1,2]"),
            ("[1,2]", "/-", "[1,2,9]"),
            ("[1, 2,]", "/-", "[1, 2, 9,]"),
            ("[1]", "/-", "[1, 9]"),
            ("[1 // a\n]", "/-", "[1, 9 // a\n]"),
            ("[1 /*a*/ , /*b*/ 2]", "/1", "[1 /*a*/ , 9, /*b*/ 2]"),
            ('{"a": 1}', "/b", '{"a": 1, "b": 9}'),
            ('{"a":1,"c":2}', "/b", '{"a":1,"c":2,"b":9}'),
            ('{"a": 1}', "/a", '{"a": 9}'),
            # Expanded.
            ("[\n\t1,\n\t2\n]", "/-", "[\n\t1,\n\t2,\n\t9\n]"),
            ("[\n  1,\n  2,\n]", "/-", "[\n  1,\n  2,\n  9,\n]"),
            ("[\n\t1, // a\n\t2 // b\n]", "/-", "[\n\t1, // a\n\t2, // b\n\t9\n]"),
            ("[\n\t1, // a\n\t2, // b\n]", "/1", "[\n\t1, // a\n\t9,\n\t2, // b\n]"),
            ("[ // a\n\t1,\n]", "/0", "[ // a\n\t9,\n\t1,\n]"),
            ("[\n\t// a\n\t1,\n\t// b\n]", "/0", "[\n\t9,\n\t// a\n\t1,\n\t// b\n]"),
            ("[\n\t1, /* a\n\tb */\n]", "/-", "[\n\t1, /* a\n\tb */\n\t9,\n]"),
            ("[\r\n\t1 // a\r\n]", "/-", "[\r\n\t1, // a\r\n\t9\r\n]"),
            ('{\n "a": 1,\n}', "/b", '{\n "a": 1,\n "b": 9,\n}'),
            # Empty.
            ("[]", "/-", "[9]"),
            ("[ ]", "/0", "[9]"),
            ("[ /*a*/ ]", "/-", "[ /*a*/ 9]"),
            ("[\n]", "/-", "[\n\t9\n]"),
            ("[ // a\r\n]", "/-", "[ // a\r\n\t9\r\n]"),
            ('{\n  "a": {\n    // b\n  }\n}', "/a/c", '{\n  "a": {\n    // b\n    "c": 9\n  }\n}'),
            ("1", "", "9"),
        ],
    )
    def test_a_new_entry_stands_like_the_others(
        self, before: str, pointer: str, after: str
    ) -> None:
        assert added(before, pointer, "9") == after
        parse(after + "\n")

    @pytest.mark.parametrize(
        ("pointer", "words"),
        [
            ("/a/3", "there is no element 3 in `/a`, which has 2"),
            ("/a/x", "`x` is no index of an element of `/a`"),
            ("/b/c", "there is no member `b` in the whole value"),
            ("/a/0/c", "`/a/0` is neither object nor array"),
        ],
    )
    def test_there_must_be_a_place(self, pointer: str, words: str) -> None:
        with pytest.raises(EditError) as caught:
            added('{"a": [1, 2]}', pointer, "9")
        assert str(caught.value) == words

    def test_a_name_that_is_no_text_is_refused(self) -> None:
        with pytest.raises(EditError, match="surrogate"):
            added("{}", "/\ud800", "9")


class TestRemove:
    @pytest.mark.parametrize(
        ("before", "pointer", "after"),
        [
            # On one line.
            ("[1, 2, 3]", "/0", "[2, 3]"),
            ("[1, 2, 3]", "/1", "[1, 3]"),
            ("[1, 2, 3]", "/2", "[1, 2]"),
            ("[ 1, 2 ]", "/0", "[ 2 ]"),
            ("[ 1, 2 ]", "/1", "[ 1 ]"),
            ("[1,2,3,]", "/1", "[1,3,]"),
            ("[1,2,3,]", "/2", "[1,2,]"),
            ("[1]", "/0", "[]"),
            ("[1,]", "/0", "[]"),
            ('{"a": /* gone */ 1, "b": 2}', "/a", '{"b": 2}'),
            # Comments stay.
            ("[1 /*a*/, /*b*/ 2 /*c*/, 3]", "/1", "[1 /*a*/, /*b*/ /*c*/ 3]"),
            ("[1 /*a*/, /*b*/ 2 /*c*/ ]", "/1", "[1 /*a*/ /*b*/ /*c*/ ]"),
            ("[1, // a\n2]", "/1", "[1 // a\n]"),
            ("[ // a\n1, 2]", "/0", "[ // a\n2]"),
            # Expanded.
            ("[\n\t1,\n\t2,\n\t3\n]", "/0", "[\n\t2,\n\t3\n]"),
            ("[\n\t1,\n\t2,\n\t3\n]", "/1", "[\n\t1,\n\t3\n]"),
            ("[\n\t1,\n\t2,\n\t3\n]", "/2", "[\n\t1,\n\t2\n]"),
            ("[\n\t1,\n\t2,\n]", "/1", "[\n\t1,\n]"),
            ("[\n\t1,\n]", "/0", "[\n]"),
            ("[\n\t1, // a\n\t2, // b\n]", "/0", "[\n\t// a\n\t2, // b\n]"),
            ("[\n\t1, // a\n\t2, // b\n]", "/1", "[\n\t1, // a\n\t// b\n]"),
            ("[\n\t// a\n\t1,\n\t// b\n\t2,\n]", "/0", "[\n\t// a\n\t// b\n\t2,\n]"),
            ("[\r\n\t1, // a\r\n\t2,  \r\n\t3\r\n]", "/1", "[\r\n\t1, // a\r\n\t3\r\n]"),
            ('{\n"a": 1,\n\n"b": 2\n}', "/b", '{\n"a": 1\n}'),
        ],
    )
    def test_an_entry_goes_with_its_comma_and_its_line(
        self, before: str, pointer: str, after: str
    ) -> None:
        assert removed(before, pointer) == after
        parse(after)

    @pytest.mark.parametrize(
        ("pointer", "words"),
        [
            ("", "the whole value can only be replaced"),
            ("/b", "there is no member `b` in the whole value"),
            ("/a/1", "there is no element 1 in `/a`, which has 1"),
            ("/a/-", "`-` is no index of an element of `/a`"),
        ],
    )
    def test_what_is_not_there_can_not_be_removed(self, pointer: str, words: str) -> None:
        with pytest.raises(EditError) as caught:
            removed('{"a": [1]}', pointer)
        assert str(caught.value) == words


class TestApply:
    def test_edits_are_made_in_order_of_place(self) -> None:
        edits = [TextEdit(Span(4, 5), "e"), TextEdit(Span(0, 0), "<"), TextEdit(Span(1, 3), "")]
        assert apply_edits("abcdE", edits) == "<ade"

    @pytest.mark.parametrize(
        "edits",
        [
            [TextEdit(Span(0, 2), "x"), TextEdit(Span(1, 3), "y")],
            [TextEdit(Span(3, 4), "x")],
        ],
    )
    def test_edits_must_not_overlap_nor_leave_the_text(self, edits: list[TextEdit]) -> None:
        with pytest.raises(EditError):
            apply_edits("abc", edits)

    def test_a_deep_document_is_edited_without_recursion(self) -> None:
        depth = 120
        text = "[" * depth + "1" + "]" * depth
        assert added(text, "/0" * (depth - 1) + "/-", "9") == text.replace("1", "1, 9")
