from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.diagnostics import Diagnostic, Label, Severity, error
from aclkit.report.display import visible, width_of
from aclkit.report.excerpt import excerpt
from aclkit.report.failures import failure_table
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
    case = CASES["failed-tests"](source_of("failed-tests"))
    table = failure_table(case.tests, case.source, Style(width=120))
    assert table.count("bob@example.com") == 2
    assert table.count("tests[1]") == 2
    for word in ("tag:db:5432", "tag:web:22", "tag:wb:443", "can't be tried", "5:44", "7:5"):
        assert word in table
    assert "alice" not in table


def test_a_table_for_ascii_is_drawn_in_ascii_and_fits_its_width() -> None:
    case = CASES["failed-tests"](source_of("failed-tests"))
    table = failure_table(case.tests, case.source, Style(width=60, ascii=True))
    assert table.isascii()
    assert max(map(len, table.splitlines())) <= 60


def test_a_table_takes_brackets_and_smileys_as_they_are() -> None:
    # As markup these would colour, vanish or raise.
    case = CASES["failed-tests"](source_of("failed-tests"))
    source = Source("[red]:smile:[/foo]", case.source.text)
    table = failure_table(case.tests, source, Style(width=120))
    assert "[red]:smile:[/foo]:5:44" in table


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
