from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from aclkit.diagnostics import Diagnostic, TailnetError
from aclkit.limits import TailnetLimits
from aclkit.source import Span
from aclkit.tailnet.load import load_tailnet, read_tailnet
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.shapes import tailnet_schema

DATA = Path(__file__).parent / "data" / "tailnet"


def findings(text: str | bytes, **limits: int) -> tuple[Diagnostic, ...]:
    with pytest.raises(TailnetError) as raised:
        read_tailnet(text, limits=TailnetLimits(**limits))
    return raised.value.diagnostics


def underlined(text: str, **limits: int) -> list[tuple[str, str]]:
    """The codes of what is wrong with *text*, each with the text that it is about."""
    found = []
    for each in findings(text, **limits):
        assert each.primary.span is not None
        found.append((each.code, text[each.primary.span.start : each.primary.span.end]))
    return found


def test_json_hujson_and_json5_of_one_tailnet_are_read_alike() -> None:
    plain = '{"nodes": [{"name": "a", "user": "u@x", "addresses": ["1.1.1.1"]}]}'
    hujson = plain.replace("]}]}", "],}, // a comment\n]}")
    json5 = "{nodes: [{name: 'a', user: 'u@x', addresses: ['1.1.1.1']}]}"

    tailnets = [read_tailnet(text) for text in (plain, plain.encode(), hujson, json5)]
    assert tailnets == [Tailnet.from_dict(json.loads(plain))] * 4


def test_the_example_of_the_documentation_is_read() -> None:
    tailnet = load_tailnet(DATA / "small.hujson")

    assert [node.name for node in tailnet.nodes] == ["router-1", "laptop"]
    assert tailnet.created_as == "time"


def test_a_missing_file_is_an_os_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load_tailnet(tmp_path / "tailnet.json")


@pytest.mark.parametrize(
    ("text", "wrong"),
    [
        ('{"nodes": 3}', [("tailnet-wrong-type", "3")]),
        ('{"nodes": {"a": 1}}', [("tailnet-wrong-type", "{")]),
        ('{"nodez": []}', [("tailnet-unknown-key", '"nodez"')]),
        ('{"users": [{"name": "a"}]}', [("tailnet-missing-key", "{")]),
        (
            '{"nodes": [{"name": "a", "tags": ["tag:a", "b"], "addresses": ["1.1.1.1"]}]}',
            [("tailnet-bad-tag", '"b"')],
        ),
        ('{"nodes": [], /* twice */ "nodes": [3]}', [("tailnet-duplicate-key", '"nodes"')]),
        ('{"nodes": [], "nodes": 3}', [("tailnet-duplicate-key", '"nodes"')]),
        (
            '{"groups": {"group:a": [], "group:a": []}, "x": 1}',
            [("tailnet-duplicate-key", '"group:a"'), ("tailnet-unknown-key", '"x"')],
        ),
        ("[]", [("tailnet-wrong-type", "[")]),
        ("null", [("tailnet-wrong-type", "null")]),
        (
            '{"nodes": [{"name": "a", "tags": ["tag:a"], "addresses": ["1.1.1.1"],'
            ' "posture": {"K": 1, "k": 2}}]}',
            [("tailnet-bad-posture", '"k"')],
        ),
    ],
)
def test_what_is_wrong_is_underlined(text: str, wrong: list[tuple[str, str]]) -> None:
    assert underlined(text) == wrong


def test_the_first_of_two_keys_is_pointed_at() -> None:
    (found,) = findings('{"nodes": [], "nodes": []}')

    assert [label.span for label in found.related] == [Span(1, 8)]


def test_a_place_is_told_by_path_as_well() -> None:
    (found,) = findings('{"groups": {"group:a": [1]}}')

    assert found.primary.path == 'groups["group:a"][0]'


def test_errors_in_json5_have_paths_only() -> None:
    (found,) = findings("{nodes: [{name: 'a', tags: ['x'], addresses: ['1.1.1.1']}]}")

    assert (found.code, found.primary.path) == ("tailnet-bad-tag", "nodes[0].tags[0]")
    assert found.primary.span is None


def test_a_text_of_no_kind_of_json_has_the_errors_of_hujson() -> None:
    text = '{"nodes": [}'

    assert [each.primary.span is not None for each in findings(text)] == [True]
    assert findings("{nodes: [}")[0].primary.span is not None
    assert findings("")[0].primary.span == Span(0, 0)


def test_json5_is_read_in_small_files_only() -> None:
    text = "{nodes: [{name: 'a', tags: ['tag:a'], addresses: ['1.1.1.1']}]}"

    assert len(read_tailnet(text + " " * 1_000).nodes) == 1
    assert findings(text + " " * 100_000)[0].code != "tailnet-bad-tag"


def test_json5_may_not_repeat_a_name() -> None:
    assert findings("{nodes: [], nodes: []}")


@pytest.mark.parametrize("text", [b"\xff", b"\xef\xbb\xbf{}", "\ufeff{}", b'{"a\xed\xa0\x80": 1}'])
def test_a_text_that_is_not_utf_8_or_has_a_mark_is_refused(text: str | bytes) -> None:
    assert findings(text)[0].primary.span is not None


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_a_number_that_is_none_is_refused(word: str) -> None:
    node = (
        f'{{"name": "a", "tags": ["tag:a"], "addresses": ["1.1.1.1"], "posture": {{"k": {word}}}}}'
    )

    assert findings(f'{{"nodes": [{node}]}}')


def test_half_a_surrogate_pair_is_refused_and_a_whole_one_read() -> None:
    text = '{"users": [{"login": "u@x", "name": "%s"}]}'

    assert findings(text % "\\ud83d")
    assert read_tailnet(text % "\\ud83d\\ude00").users[0].name == "\N{GRINNING FACE}"


@pytest.mark.parametrize(
    ("text", "limits", "code"),
    [
        ("[" * 100, {}, "limit-depth"),
        ("[" * 100_000 + "]" * 100_000, {}, "limit-depth"),
        ('{"nodes": ' * 100_000, {}, "limit-depth"),
        ('{"nodes": [{"tags": []}]}', {"depth": 3}, "limit-depth"),
        ('{"nodes": []}', {"bytes": 12}, "limit-bytes"),
        ('{"nodes": [1, 2]}', {"nodes": 1}, "limit-tailnet-nodes"),
        ('{"domains": ["a", "b"]}', {"members": 1}, "limit-tailnet-members"),
    ],
)
def test_beyond_a_limit_comes_one_error_with_a_position(
    text: str, limits: dict[str, int], code: str
) -> None:
    (found,) = findings(text, **limits)

    assert found.code == code
    assert found.primary.span is not None


def test_a_file_is_not_read_far_beyond_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "large.json"
    path.write_bytes(b" " * 1_000)

    with pytest.raises(TailnetError) as raised:
        load_tailnet(path, limits=TailnetLimits(bytes=10))
    assert raised.value.diagnostics[0].code == "limit-bytes"
    path.write_bytes(b'{"nodes":[]}')
    assert load_tailnet(path, limits=TailnetLimits(bytes=12)) == Tailnet()


def test_errors_in_a_large_text_have_paths_only() -> None:
    text = '{"nodes": [{"name": "a", "tags": ["x"], "addresses": ["1.1.1.1"]}]}'
    (found,) = findings(text + " " * (4 * 1024 * 1024))

    assert found.primary.path == "nodes[0].tags[0]"
    assert found.primary.span is None


@given(st.text(max_size=20))
def test_any_text_gives_a_tailnet_or_an_error_with_a_position_inside(text: str) -> None:
    try:
        read_tailnet(text)
    except TailnetError as wrong:
        for each in wrong.diagnostics:
            span = each.primary.span
            assert span is None or span.end <= len(text)


@given(st.binary(max_size=20))
def test_any_bytes_give_a_tailnet_or_an_error(data: bytes) -> None:
    wrong: tuple[Diagnostic, ...] = ()
    try:
        tailnet = read_tailnet(data)
    except TailnetError as error:
        wrong = error.diagnostics
    assert wrong or tailnet == Tailnet.from_dict(tailnet.to_dict())


def test_the_schema_is_a_schema_and_describes_every_key() -> None:
    schema = tailnet_schema()
    Draft202012Validator.check_schema(schema)

    sections = ("users", "nodes", "services")
    for shape in (schema, *(schema["properties"][each]["items"] for each in sections)):
        assert shape["additionalProperties"] is False
        assert all(each.get("description") for each in shape["properties"].values())


@pytest.mark.parametrize(
    ("data", "is_valid"),
    [
        ({}, True),
        ({"nodes": [{"name": "a", "user": "u@x", "addresses": ["1.1.1.1"]}]}, True),
        ({"nodes": [{"name": "a", "user": "u@x"}]}, False),
        ({"nodes": [{"name": "a", "addresses": [], "created": 3}]}, True),
        ({"nodes": [{"name": "a", "addresses": [], "created": []}]}, False),
        ({"nodes": [{"name": "a", "addresses": [], "posture": {"a": None}}]}, False),
        ({"users": [{"login": "u@x", "role": "boss"}]}, False),
        ({"domain": []}, False),
    ],
)
def test_the_schema_judges_shapes(data: object, is_valid: bool) -> None:
    assert Draft202012Validator(tailnet_schema()).is_valid(data) is is_valid


def test_the_schema_accepts_what_a_tailnet_writes() -> None:
    data = load_tailnet(DATA / "small.hujson").to_dict()

    assert Draft202012Validator(tailnet_schema()).is_valid(data)
