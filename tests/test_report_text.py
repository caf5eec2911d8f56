from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.diagnostics import Diagnostic, Label, Severity, error
from aclkit.report.display import visible, width_of, wrapped
from aclkit.report.excerpt import excerpt
from aclkit.report.failures import failure_table
from aclkit.report.formats import render_of
from aclkit.report.style import Style
from aclkit.report.text import render, render_findings
from aclkit.source import Source, Span
from tests.render_cases import CASES, DATA, report, source_of

ANSI = re.compile("\x1b\\[[0-9;]*m")

# Few characters, each of another kind: plain, tab, wide, combining, invisible, dangerous.
KINDS = st.sampled_from('ab"{ \t\r\n設한é\u0301\u1161\u200b\u202e\x1b\u00a0\ufe0f\u115f')
TEXTS = st.text(KINDS, max_size=60)


def golden(path: Path, text: str) -> None:
    """Compare *text* with the file, or write the file: UPDATE_GOLDENS=1."""
    if os.environ.get("UPDATE_GOLDENS"):
        path.write_bytes(text.encode())
    assert text == path.read_bytes().decode()


@pytest.mark.parametrize("name", CASES)
def test_a_report_is_laid_out_as_its_golden_shows(name: str) -> None:
    text = render([CASES[name](source_of(name))], Style())
    golden(DATA / f"{name}.txt", text)


def test_without_unicode_each_foreign_character_is_named() -> None:
    text = render([CASES["wide-characters"](source_of("wide-characters"))], Style(ascii=True))
    assert text.isascii()
    golden(DATA / "wide-characters.ascii.txt", text)


def test_a_narrow_screen_gets_narrow_excerpts() -> None:
    text = render([CASES["long-line"](source_of("long-line"))], Style(width=40))
    assert all(len(line) <= 40 for line in text.splitlines() if "|" in line)
    golden(DATA / "long-line.narrow.txt", text)


def test_every_policy_and_every_golden_belongs_to_a_case() -> None:
    files = {path.name.partition(".")[0] for path in DATA.iterdir()}
    assert files == set(CASES)


@pytest.mark.parametrize("name", CASES)
def test_colours_add_nothing_but_colours(name: str) -> None:
    reports = [CASES[name](source_of(name))]
    painted = render(reports, Style(colour=True))
    assert "\x1b[" in painted
    assert ANSI.sub("", painted) == render(reports, Style())


def test_quiet_leaves_out_notes_and_summary() -> None:
    text = render([CASES["accepted"](Source("p.hujson", '"db"'))], Style(quiet=True))
    assert text.startswith("p.hujson:1:1: warning:")
    assert len(text.splitlines()) == 3
    assert render([report(Source("p.hujson", "{}"))], Style(quiet=True)) == ""


def test_several_reports_end_with_a_total() -> None:
    good, bad = report(Source("a", "{}")), report(Source("b", "x"), error("c", "m", Span(0, 1)))
    assert render([good, bad], Style()).endswith("\n\n2 files: 1 accepted, 1 refused\n")
    assert "files:" not in render([good], Style())


def test_a_policy_without_tests_says_so() -> None:
    assert render([report(Source("p", "{}"))], Style()) == "p: accepted: no tests in this policy\n"


def test_a_finding_in_data_without_text_is_placed_by_its_path() -> None:
    finding = Diagnostic("bad-tag", Severity.ERROR, "no", Label(None, "", "nodes[3].tags[0]"))
    text = render_findings([finding], Source("tailnet.json", ""), Style())
    assert text == "tailnet.json: nodes[3].tags[0]: error: no [bad-tag]\n"


def test_who_says_the_words_of_the_control_plane_is_named() -> None:
    finding = replace(error("e", "no", Span(0, 1)), control_plane="nope")
    source = Source("p", "x")
    assert "\n  the control plane says: nope\n" in render_findings([finding], source, Style())
    text = render_findings([finding], source, Style(), "headscale")
    assert "\n  Headscale 0.29 says: nope\n" in text


def test_at_a_terminal_words_that_do_not_fit_stand_below_the_underline() -> None:
    label = Label(Span(2, 5), "first defined here and nowhere else")
    finding = Diagnostic("e", Severity.ERROR, "no", label)
    source = Source("p", "a bcd")
    wide = render_findings([finding], source, Style(table=True, width=60))
    assert "\n    |   ^^^ first defined here and nowhere else\n" in wide
    narrow = render_findings([finding], source, Style(table=True, width=26))
    assert "\n    |   ^^^\n    | first defined here\n    | and nowhere else\n" in narrow


def test_a_finding_in_an_empty_text_has_no_excerpt() -> None:
    text = render_findings([error("e", "nothing here", Span(0, 0))], Source("p", ""), Style())
    assert text == "p:1:1: error: nothing here [e]\n"


def test_a_finding_in_bytes_that_gave_no_text_has_the_files_name_only() -> None:
    text = render_findings([error("e", "not UTF-8", Span(18, 18))], Source("p", ""), Style())
    assert text == "p: error: not UTF-8 [e]\n"


def test_a_file_name_can_not_command_the_terminal() -> None:
    source = Source("a\x1b[2J\nb", "{}")
    text = render([report(source, error("e", "m", Span(0, 1)))], Style())
    assert text.startswith("a<U+001B>[2J<U+000A>b:1:1: error: m [e]\n")


def test_the_table_shows_every_unmet_expectation() -> None:
    table = failure_table(CASES["failed-tests"](source_of("failed-tests")).tests, Style(width=120))
    assert table.count("bob@example.com") == 2
    assert table.count("tests[1]") == 2
    for word in ("tag:db:5432", "tag:web:22", "tag:wb:443", "can't be tried"):
        assert word in table
    assert "alice" not in table


def test_a_table_for_ascii_is_drawn_in_ascii() -> None:
    tests = CASES["failed-tests"](source_of("failed-tests")).tests
    assert failure_table(tests, Style(ascii=True)).isascii()


@pytest.mark.parametrize("width", range(40, 100, 4))
def test_a_table_breaks_no_word_and_is_left_out_where_it_does_not_fit(width: int) -> None:
    tests = CASES["failed-tests"](source_of("failed-tests")).tests
    widest, table = (failure_table(tests, Style(width=each)) for each in (200, width))
    fits = max(map(len, widest.splitlines())) <= width
    assert table == (widest if fits else "")


def test_one_failure_needs_no_table() -> None:
    tests = CASES["failed-tests"](source_of("failed-tests")).tests
    (first, *_) = (test for test in tests if not test.passed)
    assert failure_table([replace(first, failures=first.failures[:1])], Style()) == ""


def test_a_table_takes_brackets_and_smileys_as_they_are() -> None:
    # As markup these would colour, vanish or raise.
    tests = CASES["failed-tests"](source_of("failed-tests")).tests
    tests = tuple(replace(test, src="[red]:smile:[/foo]") for test in tests)
    assert "[red]:smile:[/foo]" in failure_table(tests, Style(width=120))


@pytest.mark.parametrize("width", [60, 80])
def test_at_a_terminal_each_failure_has_its_excerpt(width: int) -> None:
    case = CASES["failed-tests"](source_of("failed-tests"))
    text = render([case], Style(width=width, table=True))
    failures = [failure for test in case.tests for failure in test.failures]
    assert text.count("failed: tests[") == len(failures)
    assert len(re.findall(r"^  +\d+ \| ", text, re.MULTILINE)) == len(failures)


def test_a_help_is_wrapped_at_a_terminal_and_nowhere_else() -> None:
    help = "known here: " + ", ".join(f"`section{number}`" for number in range(20))
    found = report(Source("p", "{}"), error("c", "m", Span(0, 1), help=help))
    (plain,) = (line for line in render([found], Style(width=60)).splitlines() if "help:" in line)
    assert plain == f"  help: {help}"

    lines = render([found], Style(width=60, table=True, quiet=True)).splitlines()[3:]
    assert lines[0].startswith("  help: known here: `section0`,")
    assert all(len(line) <= 60 and line.startswith(" " * 8) for line in lines[1:])
    assert " ".join(line.strip() for line in lines) == f"help: {help}"


def test_a_word_too_long_for_its_line_stays_whole() -> None:
    assert wrapped("a bb ccccccc d e", 4) == ["a bb", "ccccccc", "d e"]
    assert wrapped("", 4) == [""]


@pytest.mark.parametrize("name", ["::error::x", "  ::add-mask::x", "##[error]x"])
@pytest.mark.parametrize("form", ["text", "concise", "github"])
def test_a_line_of_input_is_no_command_of_a_runner(name: str, form: str) -> None:
    source = Source(name, '{"groups": {}} // ##[error]gone')
    at = source.text.index("##[error]")
    found = error("c", "about `##[error]`", Span(at, at + 9), label="##[x]", help="##[y]")
    case = report(source, found, assumptions=("##[z] assumed",))
    for style in (Style(), Style(quiet=True), Style(ascii=True, table=True)):
        lines = render_of(form)([case, report(source)], style).splitlines()
        assert lines
        for line in lines:
            assert "##[" not in line
            ours = form == "github" and line.startswith(("::error file=", "::notice file="))
            assert ours or not line.lstrip().startswith("::")


def test_the_underline_counts_the_blank_that_breaks_a_command() -> None:
    source = Source("p", "// ##[x] here")
    text = render_findings([error("c", "m", Span(9, 13))], source, Style())
    assert text.splitlines()[1:] == ["  1 | // ## [x] here", "    |           ^^^^"]


@given(TEXTS, st.data())
def test_nothing_but_visible_characters_is_printed(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    finding = error("e", f"about `{text}`", Span(start, end), label=text, help=text)
    printed = render_findings([finding], Source("p", text), Style(width=30))
    assert all(char == "\n" or char.isprintable() for char in printed)
    assert not set(printed) & set("\u115f\ufe0f")


def from_column(text: str, column: int) -> str:
    """Return what stands at *column* of the screen and after it, each mark with its letter."""
    at = 0
    for index, char in enumerate(text):
        if at == column and width_of(char):
            return text[index:]
        at += width_of(char)
    assert at == column
    return ""


@given(TEXTS, st.data())
def test_the_underline_stands_below_the_part(text: str, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, len(text)))
    shown = excerpt(Source("p", text), Span(start, end), Style(), room=10_000)
    assert shown.width >= 1
    part = text[start:end].split("\n")[0].rstrip()
    if part and "\t" not in part and width_of(part[0]):
        assert from_column(shown.text, shown.indent).startswith(visible(part))
        assert shown.width >= sum(map(width_of, visible(part)))


@given(st.integers(0, 400), st.integers(0, 400), st.integers(20, 120), st.data())
def test_a_cut_line_fits_and_keeps_its_part_in_view(
    before: int, after: int, room: int, data: st.DataObject
) -> None:
    wide = data.draw(st.booleans())
    filler = "設" if wide else "."
    text = filler * before + "<part>" + filler * after
    shown = excerpt(Source("p", text), Span(before, before + 6), Style(), room)
    assert sum(map(width_of, shown.text)) <= room
    cut = shown.text.index("<part>")
    assert sum(map(width_of, shown.text[:cut])) == shown.indent
    assert shown.width == 6
    assert (shown.text == text) == (sum(map(width_of, text)) <= room)


def test_a_line_of_megabytes_is_cut_without_being_walked() -> None:
    text = "x" * 8_000_000
    source = Source("p", text)
    for start in range(0, len(text), len(text) // 500):
        assert len(excerpt(source, Span(start, start + 5), Style(), 90).text) <= 90


def test_marks_without_end_do_not_flood_the_screen() -> None:
    text = "e" + "\u0301" * 100_000
    shown = excerpt(Source("p", text), Span(0, 1), Style(), 90)
    assert len(shown.text) < 200
