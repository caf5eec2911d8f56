"""Reading HuJSON: what is accepted, what the tree holds, what a refusal says."""

from __future__ import annotations

import json
import pickle
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import aclkit.hujson
from aclkit.catalogue.entry import Entry
from aclkit.catalogue.syntax import SYNTAX
from aclkit.diagnostics import Diagnostic, PolicyError
from aclkit.hujson import Array, Document, Literal, Object, parse, parse_source
from aclkit.hujson.pack import pack
from aclkit.hujson.tree import plain
from aclkit.limits import Limits
from aclkit.source import Source, Span

DEFAULT = Limits()
DATA = Path(__file__).parent / "data" / "hujson"
VALID = sorted(DATA.glob("valid/*.hujson"))
INVALID = sorted(DATA.glob("invalid/*.hujson"))


def refusal(text: str | bytes, limits: Limits = DEFAULT) -> tuple[Diagnostic, ...]:
    with pytest.raises(PolicyError) as caught:
        parse(text, limits=limits)
    return caught.value.diagnostics


def codes(text: str | bytes, limits: Limits = DEFAULT) -> list[str]:
    return [diagnostic.code for diagnostic in refusal(text, limits)]


def underlined(text: str) -> list[tuple[str, str]]:
    """Return each error's code and the text that its span covers."""
    source = Source("", text)
    return [(each.code, source.slice(each.primary.span or Span(0, 0))) for each in refusal(text)]


class TestFiles:
    def test_there_are_files(self) -> None:
        assert len(VALID) > 10
        assert len(INVALID) > 40

    @pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
    def test_a_valid_file_is_read_like_its_json_twin(self, path: Path) -> None:
        document = parse(path.read_bytes())
        assert plain(document.value) == json.loads(path.with_suffix(".json").read_bytes())
        assert pack(document).encode() == path.read_bytes()

    @pytest.mark.parametrize("path", INVALID, ids=lambda path: path.stem)
    def test_an_invalid_file_has_these_errors_and_no_others(self, path: Path) -> None:
        data = path.read_bytes()
        source = Source(path.name, data.decode(errors="replace"))
        found = []
        for each in refusal(data):
            assert each.primary.span is not None
            assert each.help
            place = source.position(each.primary.span.start)
            found.append(f"{place.line}:{place.column} {each.code}")
        assert found == path.with_suffix(".txt").read_text().splitlines()


class TestCatalogue:
    @pytest.mark.parametrize("entry", SYNTAX, ids=lambda entry: entry.code)
    def test_an_example_has_its_one_mistake_and_the_repair_none(self, entry: Entry) -> None:
        if entry.example:
            assert codes(entry.example) == [entry.code]
            assert parse(entry.repaired)
        else:
            assert entry.why
            assert not entry.repaired

    def test_all_codes_of_the_room_are_in_it(self) -> None:
        folder = Path(aclkit.hujson.__file__).parent
        texts = "".join(path.read_text() for path in folder.glob("*.py"))
        emitted = re.findall(r'\berror\(\s*"([a-z0-9-]+)"', texts)
        assert set(emitted) == {entry.code for entry in SYNTAX}


class TestTree:
    def test_extras_belong_to_the_values_beside_them(self) -> None:
        document = parse(' {/*1*/"a"/*2*/:/*3*/1/*4*/,/*5*/"b":[2/*6*/,/*7*/]/*8*/}/*9*/\n')
        top = document.value
        assert isinstance(top, Object)
        first, second = top.members
        assert (top.before, top.after, top.tail) == (" ", "/*9*/\n", "/*8*/")
        assert (first.name.before, first.name.after) == ("/*1*/", "/*2*/")
        assert (first.value.before, first.value.after) == ("/*3*/", "/*4*/")
        assert second.name.before == "/*5*/"
        array = second.value
        assert isinstance(array, Array)
        assert (array.elements[0].after, array.tail, array.after) == ("/*6*/", "/*7*/", "")
        assert (array.trailing_comma, top.trailing_comma) == (True, False)

    def test_an_extra_before_a_bracket_is_the_containers(self) -> None:
        array = parse("[1 ]").value
        assert array == Array(elements=(Literal("1", 1, start=1),), start=0, end=4, tail=" ")

    def test_spans_run_from_bracket_to_bracket(self) -> None:
        text = ' /* ü */ {"ä": [1, {"b": null}]} \n'
        document = parse(text)
        source = document.source
        top = document.value
        assert isinstance(top, Object)
        assert source.slice(top.span) == '{"ä": [1, {"b": null}]}'
        assert source.slice(top.members[0].name.span) == '"ä"'
        assert source.slice(top.members[0].value.span) == '[1, {"b": null}]'

    @pytest.mark.parametrize(
        ("text", "value"),
        [
            ("0", 0),
            ("-0", 0),
            ("12", 12),
            ("-1.5", -1.5),
            ("1e2", 100.0),
            ("9" * 700, float("inf")),
            ("1e999", float("inf")),
            ('"a\\u00e9\\n"', "aé\n"),
            ('"\\ud83d\\ude00"', "😀"),
            ("true", True),
            ("null", None),
        ],
    )
    def test_a_literal_has_its_text_and_its_value(self, text: str, value: object) -> None:
        literal = parse(text).value
        assert isinstance(literal, Literal)
        assert literal.text == text
        assert literal.value == value
        assert type(literal.value) is type(value)
        assert type(literal.text) is str

    def test_the_name_is_the_sources(self) -> None:
        assert parse("1", name="other.hujson").source.name == "other.hujson"
        assert parse("1").source.name == "policy.hujson"

    def test_a_tree_can_be_pickled(self) -> None:
        document = parse('{"a": [1, /* x */ 2,],}\n')
        assert pickle.loads(pickle.dumps(document)) == document


class TestRefusals:
    def test_related_labels_show_where_a_bracket_was_opened(self) -> None:
        text = '{"a": [1, 2}\n'
        (error,) = refusal(text)
        assert error.primary.span == Span(11, 12)
        assert [label.span for label in error.related] == [Span(6, 7)]

    def test_an_unclosed_bracket_is_told_at_the_end_with_its_opening(self) -> None:
        (error,) = refusal('{"a": [1,\n')
        assert error.message == "the file ends before `[` and 1 more before it is closed"
        assert error.primary.span == Span(10, 10)
        assert [label.span for label in error.related] == [Span(6, 7)]

    def test_a_missing_comma_shows_where_it_belongs(self) -> None:
        (error,) = refusal('{"a": 1 // one\n "b": 2}')
        assert error.primary.span == Span(16, 19)
        assert [label.span for label in error.related] == [Span(7, 7)]

    def test_spans_cover_what_is_wrong_and_no_more(self) -> None:
        assert underlined("[nope, 0x1, 'a', \"b\\x\", 1 2]") == [
            ("bad-literal", "nope"),
            ("bad-number", "0x1"),
            ("json5-single-quotes", "'a'"),
            ("bad-escape", "\\x"),
            ("missing-comma", "2"),
        ]
        assert underlined('{"a": "open  \r\n}') == [("unclosed-string", '"open')]
        assert underlined("/* a") == [("unclosed-comment", "/*")]
        assert underlined("1 // a") == [("comment-without-line-feed", "// a")]
        assert underlined("[1 \u00a0\u00a0]") == [("unexpected-character", "\u00a0")]

    def test_messages_never_hold_control_characters(self) -> None:
        for text in ("[\x00\x1b[31m]", '["\x1b"]', "{\x07`: 1}", "[" + "x" * 1000 + "]"):
            for error in refusal(text):
                assert error.message.isprintable()
                assert len(error.message) < 120

    def test_a_refusal_has_no_words_of_the_control_plane(self) -> None:
        assert all(each.control_plane is None for each in refusal("{a: nope,, }"))

    def test_errors_stop_after_fifty(self) -> None:
        found = codes("[" + "x," * 1000 + "]")
        assert found == ["bad-literal"] * 50 + ["too-many-errors"]

    def test_fifty_mistakes_in_one_string_stop_too(self) -> None:
        assert codes('["' + r"\q" * 1000 + '"]') == ["bad-escape"] * 50 + ["too-many-errors"]

    def test_parse_source_appends_and_returns_nothing(self) -> None:
        diagnostics: list[Diagnostic] = []
        assert parse_source(Source("p", "[nope]"), Limits(), diagnostics) is None
        assert [each.code for each in diagnostics] == ["bad-literal"]
        assert isinstance(parse_source(Source("p", "[]"), Limits(), diagnostics), Document)
        assert len(diagnostics) == 1

    def test_a_text_with_a_lone_surrogate_is_refused(self) -> None:
        (error,) = refusal('["\ud800"]')
        assert error.code == "lone-surrogate"
        assert error.primary.span == Span(2, 3)


class TestJson5:
    @pytest.mark.parametrize(
        "text",
        [
            "{'a': 1}",
            "{a: 1}",
            "[+1]",
            "[.5]",
            "[5.]",
            "[0x1f]",
            "[NaN, -Infinity]",
            '["\\x41"]',
            '["a\\\nb"]',
            "{a: 'b', // c\n}",
        ],
    )
    def test_the_help_says_that_a_file_is_json5(self, text: str) -> None:
        first, *others = refusal(text)
        assert first.help is not None
        assert first.help.startswith("the file is JSON5, not HuJSON; ")
        assert all("JSON5" not in (each.help or "") for each in others)

    @pytest.mark.parametrize("text", ["{'a': 1,, }", "[01]", "[True]", "{a: 1} // end", "[1 2]"])
    def test_what_is_not_json5_or_need_not_be_is_not_called_so(self, text: str) -> None:
        found = refusal(text)
        is_json5 = "{a" in text
        assert any("JSON5" in (each.help or "") for each in found) == is_json5

    def test_a_large_file_is_not_asked_about(self) -> None:
        (error,) = refusal("[" + " " * 20_000 + "'a']")
        assert error.help == 'write `"a"`'

    def test_deep_json5_gets_no_hint_and_no_recursion_error(self) -> None:
        (error,) = refusal("[" * 5000 + "'a'" + "]" * 5000, Limits(depth=5000))
        assert error.help == 'write `"a"`'

    @pytest.mark.parametrize(
        ("number", "advice"),
        [
            ("+1", "write `1`;"),
            (".5", "write `0.5`;"),
            ("-.5e3", "write `-0.5e3`;"),
            ("5.", "write `5`;"),
            ("007", "write `7`;"),
            ("-00", "write `-0`;"),
            ("0x1F", "write `31`;"),
            ("-0xff", "write `-255`;"),
            ("Infinity", "there is no such number"),
            ("1_000", "put it in double quotes"),
        ],
    )
    def test_the_help_says_what_to_write(self, number: str, advice: str) -> None:
        (error,) = refusal(f"[{number}]")
        assert advice in (error.help or "")


class TestLimits:
    def test_bytes_count_in_utf8(self) -> None:
        text = '["é😀"]'
        size = len(text.encode())
        assert parse(text, limits=Limits(bytes=size)).source.text == text
        assert parse(text.encode(), limits=Limits(bytes=size)).source.text == text
        assert codes(text, Limits(bytes=size - 1)) == ["limit-bytes"]
        assert codes(text.encode(), Limits(bytes=size - 1)) == ["limit-bytes"]

    def test_a_limit_of_bytes_has_a_place_in_the_text(self) -> None:
        text = '["é😀"]'
        for limit in range(len(text.encode())):
            for given in (text, text.encode()):
                (error,) = refusal(given, Limits(bytes=limit))
                assert error.primary.span is not None
                assert error.primary.span.end <= len(text)

    def test_a_file_over_the_limit_is_not_decoded(self) -> None:
        assert codes(b"[" + b"\xff" * 100, Limits(bytes=50)) == ["limit-bytes"]

    def test_depth(self) -> None:
        assert parse("[" * 128 + "]" * 128)
        (error,) = refusal("[" * 129 + "]" * 129)
        assert error.code == "limit-depth"
        assert error.primary.span == Span(128, 129)
        assert codes('{"a": [{}]}', Limits(depth=2)) == ["limit-depth"]
        assert parse("[[], [], [[]]]", limits=Limits(depth=3))

    def test_tokens_count_literals_punctuation_and_comments(self) -> None:
        text = '[1, /*a*//*b*/ "x" // c\n] // d\n/*e*/'
        assert parse(text, limits=Limits(tokens=10))
        for limit in range(10):
            assert codes(text, Limits(tokens=limit)) == ["limit-tokens"]

    def test_the_place_is_the_first_token_too_many(self) -> None:
        (error,) = refusal("[1, 2, 3]", Limits(tokens=4))
        assert error.primary.span == Span(5, 6)

    def test_after_a_mistake_the_limits_still_hold(self) -> None:
        assert codes("[nope, " + "[" * 200) == ["bad-literal", "limit-depth"]
        assert codes("[nope, " + "1," * 200, Limits(tokens=50)) == ["bad-literal", "limit-tokens"]

    def test_a_million_unclosed_brackets_are_one_error(self) -> None:
        assert codes("[" * 1_000_000) == ["limit-depth"]
        assert codes('{"a":' * 1_000_000) == ["limit-depth"]


HUGE = Limits(bytes=10**9, depth=10**7, tokens=10**9)
DEEP = 20_000


class TestDepth:
    def test_a_deep_tree_is_read_compared_written_and_dropped(self) -> None:
        text = "[" * DEEP + '{"a": 1}' + "]" * DEEP
        document = parse(text, limits=HUGE)
        assert pack(document) == text
        assert document == parse(text, limits=HUGE)
        assert document != parse(text.replace("1", "2"), limits=HUGE)
        assert len(repr(document.value)) < 100
        assert isinstance(hash(document.value), int)
        del document

    def test_a_deep_value_becomes_plain(self) -> None:
        value = plain(parse("[" * DEEP + "1" + "]" * DEEP, limits=HUGE).value)
        depth = 0
        while isinstance(value, list):
            (value,) = value
            depth += 1
        assert (depth, value) == (DEEP, 1)


REPEATED = 20_000


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(text, id=name)
        for name, text in {
            "opening brackets": "[" * REPEATED,
            "braces": "{" * REPEATED,
            "both": '[{"a":' * REPEATED,
            "closed by the wrong ones": "[" * REPEATED + "}" * REPEATED,
            "unclosed comments": "/*" * REPEATED,
            "unclosed comment after many": "[" + "/**/" * REPEATED + "/*",
            "stars": "/*" + "*" * REPEATED,
            "commas": "," * REPEATED,
            "commas in an array": "[" + "," * REPEATED,
            "colons": ":" * REPEATED,
            "quotes": '"' * REPEATED,
            "lines with a quote": "[" + '"\n' * REPEATED,
            "single quotes": "'" * REPEATED,
            "backslashes": '"' + "\\" * REPEATED,
            "words": "[" + "x " * REPEATED,
            "digits": "1" * REPEATED + "x",
            "white space": " " * REPEATED,
            "nul bytes": "\0" * REPEATED,
        }.items()
    ],
)
def test_hostile_text_is_refused_with_few_errors(text: str) -> None:
    found = refusal(text, HUGE)
    assert 1 <= len(found) <= 51
    for error in found:
        assert error.primary.span is not None
        assert error.primary.span.end <= len(text)


class TestSharing:
    def test_only_a_text_with_mistakes_needs_lark(self) -> None:
        program = (
            "import sys, aclkit.hujson\n"
            "list(map(aclkit.hujson.parse, ('{}', '[1, /* two */ 2,]')))\n"
            "assert 'lark' not in sys.modules and 'json5' not in sys.modules\n"
            "try: aclkit.hujson.parse('{')\n"
            "except aclkit.PolicyError: pass\n"
            "assert 'lark' in sys.modules\n"
        )
        subprocess.run([sys.executable, "-c", program], check=True)

    def test_threads_share_the_parser(self) -> None:
        texts = [f'{{"a{n}": [{", ".join(map(str, range(n)))}]}}' for n in range(60)] * 2

        def values(text: str) -> object:
            return plain(parse(text).value)

        with ThreadPoolExecutor(8) as threads:
            assert list(threads.map(values, texts)) == [json.loads(text) for text in texts]


LEGAL_HUJSON = {
    "n_array_extra_comma",
    "n_array_number_and_comma",
    "n_object_trailing_comma",
    "n_object_trailing_comment",
    "n_structure_object_with_comment",
}


class TestJsonSuite:
    def test_all_that_must_be_accepted_is(self, json_suite: Path) -> None:
        files = sorted(json_suite.glob("y_*.json"))
        assert len(files) == 95
        for file in files:
            assert pack(parse(file.read_bytes())).encode() == file.read_bytes()

    def test_all_that_must_be_refused_is_but_what_is_legal_hujson(self, json_suite: Path) -> None:
        files = sorted(json_suite.glob("n_*.json"))
        assert len(files) == 188
        accepted = set()
        for file in files:
            text = file.read_bytes()
            try:
                parse(text)
            except PolicyError as refused:
                for error in refused.diagnostics:
                    assert error.primary.span is not None, file.name
                    assert error.primary.span.end <= len(text.decode(errors="replace")), file.name
            else:
                accepted.add(file.stem)
        assert accepted == LEGAL_HUJSON

    def test_of_what_is_free_only_extreme_numbers_are_accepted(self, json_suite: Path) -> None:
        files = sorted(json_suite.glob("i_*.json"))
        assert len(files) == 35
        accepted = []
        for file in files:
            try:
                parse(file.read_bytes())
            except PolicyError:
                continue
            accepted.append(file.stem)
        assert len(accepted) == 10
        assert all(name.startswith("i_number_") for name in accepted)
