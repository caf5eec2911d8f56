"""The quick reader: what it leaves to the grammar's parser, and that the two agree on files."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from aclkit.grammars import build_parser
from aclkit.hujson.grammatical import read_by_grammar
from aclkit.hujson.quick import read_quickly
from aclkit.hujson.terminals import terminals
from aclkit.hujson.tree import Literal, Value
from aclkit.limits import Limits
from aclkit.source import Source

DATA = Path(__file__).parent / "data"
FILES = sorted(DATA.rglob("*.hujson"))
DEFAULT = Limits()


def by_grammar(text: str, limits: Limits = DEFAULT) -> Value | None:
    return read_by_grammar(Source("", text), limits, [])


def test_the_terminals_are_those_of_larks_parser() -> None:
    found = build_parser("hujson").terminals
    assert {terminal.name for terminal in found} == set(terminals())
    priorities = {terminal.name: terminal.priority for terminal in found}
    assert sorted(terminals(), key=lambda name: -priorities[name]) == list(terminals())


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_both_readers_agree_on_a_file(path: Path) -> None:
    text = path.read_bytes().decode(errors="replace")
    judged = by_grammar(text)
    assert read_quickly(text, DEFAULT) == (None if isinstance(judged, Literal) else judged)


def test_both_readers_agree_on_the_json_suite(json_suite: Path) -> None:
    quick = 0
    for path in json_suite.glob("*.json"):
        text = path.read_bytes().decode(errors="replace")
        if not text.isascii() and "\ufffd" in text:
            continue  # such bytes are refused before any reader sees them
        judged = by_grammar(text)
        found = read_quickly(text, DEFAULT)
        assert found == (None if isinstance(judged, Literal) else judged), path.name
        quick += found is not None
    assert quick > 90


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "1", '"a"', "null ", "1,", "1:", ":", ",", "]", "1]", '"a":', "/**/"),
        *("[", "{", "[1", "[1 2]", "[1,,]", "[,]", "[,1]", "[1]]", "[1}", "{]", "[1],", "[1] 1"),
        *("1, [2]", "[1],[2]", "[1]:", "[[1]2]", "[[1] [2]]", "[[1]:2]", "[[1],,2]", "[:1]"),
        *('{"a"}', '{"a":}', '{"a":,}', '{"a" 1}', '{"a":1:2}', "{1:2}", "{null:1}", "{[]:1}"),
        *('{"a":1 "b":2}', '{"a":{}"b":1}', '{"a":[]:1}', '{"a":"b":1}', '{"a":[],,}', "{,}"),
        *('{"a":1,,}', '["a":1]', '{"a",}', '{"a":1, "b"}', '{"a":[]]', "[] x", "[]//", "[]/*"),
        *(
            "[01]",
            "[1.]",
            "[nul]",
            "[trueish]",
            '["\\x"]',
            '["\\ud800"]',
            '["\n"]',
            "['a']",
            "[\xa0]",
        ),
        # What stops half-way, with what could follow it.
        *(
            "[1e]",
            "[1e+]",
            "[1.e1]",
            '["\\u"]',
            '["\\u00"]',
            '["\\ud800\\"]',
            "[1 // ]",
            "[/**a/1]",
        ),
        *("\ufeff[]", "[/]", "[1/2]", "[1//\u2028\n]", "[\0]", "[-]", "[NaN]", "[Infinity]"),
    ],
)
def test_a_text_that_is_not_an_object_or_array_goes_to_the_grammar(text: str) -> None:
    assert read_quickly(text, DEFAULT) is None
    judged = by_grammar(text)
    assert judged is None or isinstance(judged, Literal)


@pytest.mark.parametrize(
    "text",
    [
        *("[]", "{}", " [ ] ", "[1,]", '{"a":1,}', "[[],{},]", "[[ ] , ]", '{"a":{},"b":[1],}'),
        *('{"a":[{"b":[]}]}', '[{"a":1}, 2 , [3 ]]\n', "/*a*/[/*b*/1/*c*/,/*d*/]/*e*/ // f\n"),
        *(
            '["//", "/*", "]", "\\"", ",]"]',
            "[1//,]\n]",
            '{"a":1,"a":2}',
            "[true,false,null,-0.5e+9]",
        ),
        *("[ [ ] // a\n , /*b*/ ]", '{"a" /*1*/ : /*2*/ {} /*3*/ , /*4*/ } /*5*/'),
    ],
)
def test_all_else_is_read_like_the_grammar_reads_it(text: str) -> None:
    found = read_quickly(text, DEFAULT)
    assert found is not None
    assert found == by_grammar(text)


def test_what_may_be_over_a_limit_goes_to_the_grammar() -> None:
    deep = "[" * 9 + "]" * 9
    assert read_quickly(deep, Limits(depth=9)) == by_grammar(deep) is not None
    assert read_quickly(deep, Limits(depth=8)) is by_grammar(deep, Limits(depth=8)) is None
    text = '[1, {"a": "//"} /*a*/ // b\n,]'
    for tokens in range(30):
        if read_quickly(text, Limits(tokens=tokens)) is not None:
            assert by_grammar(text, Limits(tokens=tokens)) is not None
    assert read_quickly(text, Limits(tokens=30)) is not None
    assert read_quickly(text, Limits(tokens=0)) is None


def test_very_many_comments_in_a_row_go_to_the_grammar() -> None:
    for count, is_quick in ((1000, True), (1001, False)):
        text = "[" + "//\n" * count + "1]"
        assert (read_quickly(text, DEFAULT) is not None) == is_quick
        assert by_grammar(text) is not None


def test_both_readers_agree_on_every_text_of_up_to_four_tokens() -> None:
    tokens = ("[", "]", "{", "}", ",", ":", '"a"', "1")
    accepted = 0
    for length in range(5):
        for drawn in product(tokens, repeat=length):
            text = "".join(drawn)
            judged = by_grammar(text) if text else None
            found = read_quickly(text, DEFAULT)
            assert found == (None if isinstance(judged, Literal) else judged), text
            accepted += found is not None
    assert accepted == 9
