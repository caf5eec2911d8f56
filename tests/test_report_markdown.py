from __future__ import annotations

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from aclkit.checking import Report
from aclkit.diagnostics import error
from aclkit.report.display import visible
from aclkit.report.findings import findings, notes
from aclkit.report.markdown import code, page, prose, render
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.property.reports import PIECES, several, words
from tests.render_cases import CASES, report, source_of

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])

# All that a page is made of: no HTML, no link, no image, no emphasis but ours, no quote, no rule.
BLOCKS = {
    *("heading", "paragraph", "bullet_list", "list_item"),
    *("table", "thead", "tbody", "tr", "th", "td"),
}
INLINE = {"text", "code_inline", "strong_open", "strong_close"}


def case(name: str) -> str:
    return render([CASES[name](source_of(name))], Style(quiet=True))


def blocks(tokens: list[Token]) -> list[Token]:
    return [token for token in tokens if token.type != "inline"]


def inline(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield from token.children or ()


def shown(tokens: list[Token]) -> str:
    """Return what a person reads, with one line for each paragraph, cell or heading."""
    lines = [
        "".join(child.content for child in token.children or ())
        for token in tokens
        if token.type == "inline"
    ]
    return "\n".join(lines)


def plain_text(tokens: list[Token]) -> str:
    """Return what stands outside of code spans, where services look for what they act on."""
    return "\n".join(token.content for token in inline(tokens) if token.type == "text")


def test_a_refused_policy() -> None:
    assert case("one-error") == (
        "### Policy refused\n"
        "\n"
        "| policy | target | verdict | errors | warnings | tests |\n"
        "|---|---|---|---:|---:|---|\n"
        "| `policy.hujson` | Tailscale | **refused** | 1 | 0 | not run |\n"
        "\n"
        "#### `policy.hujson`\n"
        "\n"
        "- **error** in line 4, column 35: undefined group `group:enng` (`undefined-group`)\n"
        '  - Tailscale says: `group "group:enng" is not defined`\n'
        "  - help: did you mean `group:eng`?\n"
    )


def test_an_accepted_policy_without_findings_is_a_table() -> None:
    text = render([report(Source("p", "{}"))], Style(quiet=True))
    assert text.startswith("### Policy accepted\n")
    assert text.endswith("| `p` | Tailscale | accepted | 0 | 0 | no tests in this policy |\n")


def test_failed_tests_are_told() -> None:
    lines = case("failed-tests").splitlines()
    assert "| `policy.hujson` | Tailscale | **refused** | 0 | 0 | 1 of 4 tests passed |" in lines
    assert lines[-4] == (
        "- **error** in line 5, column 44: tests\\[1\\] from `bob@example.com` to `tag:db:5432`:"
        " expected accept, got deny (100.64.0.2 to 100.64.0.3) (`failed-test`)"
    )


def test_related_places_are_told() -> None:
    assert "  - see in line 4, column 5: first defined here\n" in case("related-places")


def test_several_policies_are_counted() -> None:
    good, bad = report(Source("b", "{}")), report(Source("a", "x"), error("c", "m", Span(0, 1)))
    assert render([good, bad], Style()).startswith("### 2 policies: 1 accepted, 1 refused\n")


def test_what_was_assumed_is_told() -> None:
    text = render([report(Source("p", "{}"), assumptions=("so it is",))], Style())
    assert text.endswith("\n- note: so it is\n- note: no tests in this policy\n")


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain", "`plain`"),
        ("a`b", "``a`b``"),
        ("`a", "`` `a ``"),
        (" a ", "`  a  `"),
        ("  ", "`  `"),
        ("a\nb", "`a<U+000A>b`"),
        ("", "(empty)"),
    ],
)
def test_a_code_span_shows_its_text(text: str, written: str) -> None:
    assert code(text) == written


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("undefined group `group:eng`", "undefined group `group:eng`"),
        ("expected `]`, found `<b>`", "expected `]`, found `<b>`"),
        ("a <b> [x](y) *z* | \\", "a \\<b\\> \\[x\\](y) \\*z\\* \\| \\\\"),
        ("ask @team, see #1 (https://x.test)", "ask `@team`, see `#1` (`https://x.test`)"),
        ("fd7a:115c::1 to 100.64.0.1", "`fd7a:115c::1` to 100.64.0.1"),
        ("`a` @team `b`", "`a` `@team` `b`"),
        ("@`a`", "`@a`"),
        ("a lone ` is shown", "a lone `` ` `` is shown"),
        ("nothing in `` here", "nothing in ``` `` ``` here"),
    ],
)
def test_prose_shows_its_text(text: str, written: str) -> None:
    assert prose(text) == written


@given(words | st.text())
def test_a_code_span_is_one_whatever_it_holds(text: str) -> None:
    (paragraph,) = (token for token in READER.parse(f"x {code(text)} y") if token.children)
    assert paragraph.children is not None
    if text:
        assert [token.type for token in paragraph.children] == ["text", "code_inline", "text"]
        assert paragraph.children[1].content == visible(text)


@given(words)
def test_prose_loses_nothing_and_makes_nothing(text: str) -> None:
    tokens = READER.parse(f"x: {prose(text)} y")
    assert {token.type for token in inline(tokens)} <= {"text", "code_inline"}
    read = shown(tokens).removeprefix("x: ").removesuffix(" y")
    assert read.replace("`", "") == visible(text).replace("`", "")


@given(several())
def test_any_policy_gives_a_page_that_loses_no_finding_and_makes_nothing_of_its_own(
    reports: list[Report],
) -> None:
    text = render(reports, Style())
    tokens = READER.parse(text)
    kinds = {token.type.removesuffix("_open").removesuffix("_close") for token in blocks(tokens)}
    assert kinds <= BLOCKS
    assert {token.type for token in inline(tokens)} <= INLINE
    items = [token for token in tokens if token.type == "list_item_open" and token.level == 1]
    assert len(items) == sum(len(findings(each)) + len(notes(each)) for each in reports)
    assert sum(token.type == "tr_open" for token in tokens) == 1 + len(reports)
    read = shown(tokens).replace("`", "")
    for each in reports:
        for found in findings(each):
            assert visible(found.message).replace("`", "") in read
            assert f"({found.code})" in read
    for acted_on in ("@", "#", "!", "~", "://", "www."):
        assert acted_on not in plain_text(tokens)


def test_each_hostile_piece_is_shown_and_does_nothing() -> None:
    source = Source("p", "{}")
    found = [error("e", f"{n} `{piece}` {piece}", Span(0, 1)) for n, piece in enumerate(PIECES)]
    tokens = READER.parse(render([report(source, *found)], Style()))
    assert {token.type for token in inline(tokens)} <= INLINE


def test_a_page_has_an_end_and_says_what_is_left_out() -> None:
    found = [error("e", f"number {n:04}", Span(0, 1)) for n in range(100)]
    text = page([report(Source("p", "{}"), *found)], Style(quiet=True), 2000)
    assert 1800 < len(text) < 2100
    told = text.count("number ")
    assert text.endswith(f"\n{100 - told} lines more did not fit in here.\n")


def test_a_table_has_an_end_as_well() -> None:
    reports = [report(Source(f"policy-{n}.hujson", "{}")) for n in range(100)]
    text = page(reports, Style(quiet=True), 2000)
    assert len(text) < 2100
    assert text.endswith(" lines more did not fit in here.\n")


def test_without_room_for_other_characters_they_are_named() -> None:
    found = error("e", "`é` é", Span(0, 1), help="é")
    text = render([report(Source("p", "é"), found)], Style(ascii=True))
    assert text.isascii()
    assert "`<U+00E9>` \\<U+00E9\\>" in text
