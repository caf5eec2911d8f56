"""What holds for any HuJSON text, and for any text at all."""

from __future__ import annotations

import json
from typing import Any

import json5
from hypothesis import assume, given
from hypothesis import strategies as st

from aclkit.diagnostics import PolicyError
from aclkit.grammars import build_parser
from aclkit.hujson import Document, parse
from aclkit.hujson.pack import minimize, pack, standardize
from aclkit.hujson.scanner import COMMENTS, scan
from aclkit.hujson.tree import plain
from tests.property.documents import GRAMMAR_TEXTS, TEXTS, VALUES, broken_texts, dressed

PARSER = build_parser("hujson")


def reads(text: str | bytes) -> Document | None:
    """Read *text*; if it is refused, check that each error has a place in it."""
    try:
        return parse(text)
    except PolicyError as refused:
        shown = text if isinstance(text, str) else text.decode(errors="replace")
        for each in refused.diagnostics:
            assert each.primary.span is not None
            assert each.primary.span.end <= len(shown)
            assert all(label.span and label.span.end <= len(shown) for label in each.related)
            assert each.message[0].islower() or each.message[0] == "`"
            assert each.message.isprintable()
            assert not each.message.endswith(".")
            assert each.help
        return None


@given(GRAMMAR_TEXTS)
def test_what_the_grammar_can_write_is_read_and_packed_back(text: str) -> None:
    assert pack(parse(text)) == text


@given(dressed())
def test_comments_and_trailing_commas_do_not_change_the_value(pair: tuple[Any, str]) -> None:
    value, text = pair
    document = parse(text)
    assert pack(document) == text
    assert plain(document.value) == value


@given(broken_texts())
def test_a_broken_text_is_read_and_packed_back_or_refused_with_places(text: str) -> None:
    document = reads(text)
    if document is not None:
        assert pack(document) == text


@given(st.text())
def test_any_text_is_read_or_refused_with_places(text: str) -> None:
    reads(text)


@given(
    st.one_of(
        st.binary(),
        TEXTS.map(str.encode),
        broken_texts().map(lambda text: text.encode("utf-8", "surrogatepass")),
    ),
    st.binary(max_size=3),
    st.integers(0),
)
def test_any_bytes_are_read_or_refused_with_places(data: bytes, more: bytes, at: int) -> None:
    at %= len(data) + 1
    reads(data)
    reads(data[:at] + more + data[at:])


@given(TEXTS)
def test_standardized_text_keeps_its_shape_and_is_json(text: str) -> None:
    document = parse(text)
    standard = standardize(document)
    assert len(standard) == len(text)
    assert [at for at, each in enumerate(standard) if each in "\r\n"] == [
        at for at, each in enumerate(text) if each in "\r\n"
    ]
    assert json.loads(standard) == plain(document.value)
    assert all(new in (each, " ") for each, new in zip(text, standard, strict=True))


@given(TEXTS)
def test_minimized_text_means_the_same(text: str) -> None:
    document = parse(text)
    short = parse(minimize(document))
    assert plain(short.value) == plain(document.value)
    assert minimize(short) == short.source.text
    assert len(short.source.text) <= len(text)


@given(VALUES, st.sampled_from([None, 1, "\t"]))
def test_standard_json_means_what_the_standard_library_says(value: Any, indent: Any) -> None:
    text = json.dumps(value, indent=indent)
    assert plain(parse(text).value) == json.loads(text)


@given(dressed(st.recursive(st.integers() | st.text(max_size=3), st.lists, max_leaves=4)))
def test_json5_reads_the_same_value(pair: tuple[Any, str]) -> None:
    _, text = pair
    assume(len(text) < 200)
    assert plain(parse(text).value) == json5.loads(text)


@given(broken_texts())
def test_what_json_accepts_is_accepted(text: str) -> None:
    try:
        value = json.loads(text, parse_constant=_refuse)
    except ValueError:
        return
    document = reads(text)
    if document is None:
        # The standard library takes lone surrogates.
        assert "\\ud" in text.lower()
    else:
        assert plain(document.value) == value


def _refuse(constant: str) -> None:
    raise ValueError(f"{constant} is not JSON")


@given(TEXTS)
def test_larks_own_lexer_cuts_the_same_tokens(text: str) -> None:
    ours = [
        (piece.kind, text[piece.start : piece.end], piece.start)
        for piece in scan(text)
        if piece.kind not in COMMENTS
    ]
    assert ours == [(token.type, str(token), token.start_pos) for token in PARSER.lex(text)]


@given(broken_texts())
def test_any_text_is_cut_into_pieces_that_cover_it(text: str) -> None:
    end = 0
    for piece in scan(text):
        assert not text[end : piece.start].strip(" \t\r\n")
        assert piece.end > piece.start
        end = piece.end
    assert not text[end:].strip(" \t\r\n")
