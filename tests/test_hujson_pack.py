"""Writing trees: as they were, as standard JSON, as short as can be."""

from __future__ import annotations

import json

import pytest

from aclkit.hujson import Array, parse
from aclkit.hujson.pack import minimize, pack, standardize

COMMENTED = '// é\r\n{"a" /*\n b */: [1, 2,/**/],} //\n'


def test_a_document_is_packed_to_its_text() -> None:
    assert pack(parse(COMMENTED)) == COMMENTED


def test_a_value_is_packed_with_what_stands_around_it() -> None:
    top = parse("[ /*a*/ 1 /*b*/ , 2 ]").value
    assert isinstance(top, Array)
    assert pack(top.elements[0]) == " /*a*/ 1 /*b*/ "


@pytest.mark.parametrize(
    ("text", "standard"),
    [
        (COMMENTED, '    \r\n{"a"   \n     : [1, 2     ] }   \n'),
        ("[1,]", "[1 ]"),
        ("[1,/*\r*/]", "[1   \r  ]"),
        ('["//", "/* */"]', '["//", "/* */"]'),
        ("/**/ 1//\n", "     1  \n"),
    ],
)
def test_standard_json_has_blanks_for_comments_and_trailing_commas(
    text: str, standard: str
) -> None:
    assert standardize(parse(text)) == standard
    json.loads(standard)


@pytest.mark.parametrize(
    ("text", "short"),
    [
        (COMMENTED, '{"a":[1,2]}'),
        (" [ 1.50 , -0 , 1E+2 , {} , [ /**/ ] ] ", "[1.50,-0,1E+2,{},[]]"),
        ('{ "a\\u00e9 b" : null }', '{"a\\u00e9 b":null}'),
    ],
)
def test_a_short_text_has_nothing_but_tokens(text: str, short: str) -> None:
    assert minimize(parse(text)) == short
