from __future__ import annotations

import json
from typing import Any

import pytest

from aclkit.checking import check
from aclkit.diagnostics import Diagnostic, Label, Severity, error
from aclkit.report.fingerprint import failure_fingerprints, fingerprints
from aclkit.report.json import render
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.render_cases import CASES, at, report, source_of

LINE = '{"acls": [{"src": ["group:enng", "group:enng"]}]}'


def document(name: str) -> Any:
    return json.loads(render([CASES[name](source_of(name))], Style()))


def enng(source: Source, occurrence: int = 0) -> Diagnostic:
    return error("undefined-group", "undefined", at(source, "group:enng", occurrence))


def test_the_whole_report_is_there() -> None:
    assert document("one-error") == {
        "format_version": 1,
        "files": [
            {
                "file": "policy.hujson",
                "target": "tailscale",
                "accepted": False,
                "refusal": "undefined group `group:enng`",
                "diagnostics": [
                    {
                        "code": "undefined-group",
                        "severity": "error",
                        "message": "undefined group `group:enng`",
                        "help": "did you mean `group:eng`?",
                        "control_plane": 'group "group:enng" is not defined',
                        "label": "",
                        "line": 4,
                        "column": 35,
                        "end_line": 4,
                        "end_column": 45,
                        "start": 98,
                        "end": 108,
                        "related": [],
                        "fingerprint": "36f9a789de46ba8bc73cc7002e87cfa3",
                    }
                ],
                "tests": [],
                "assumptions": [],
                "silenced": 0,
            }
        ],
    }


def test_related_places_and_labels_are_there() -> None:
    (finding,) = document("related-places")["files"][0]["diagnostics"]
    assert finding["label"] == "defined again"
    (related,) = finding["related"]
    assert (related["label"], related["line"]) == ("first defined here", 4)


def test_a_failed_test_says_what_was_expected_and_what_came() -> None:
    passed, failed, *_ = document("failed-tests")["files"][0]["tests"]
    assert passed["passed"]
    assert passed["failures"] == []
    assert (failed["section"], failed["index"], failed["line"]) == ("tests", 1, 5)
    assert failed["failures"][1] == {
        "destination": "tag:web:22",
        "expected": "deny",
        "got": "accept",
        "detail": "100.64.0.2 to 100.64.0.3",
        "line": 5,
        "column": 69,
        "end_line": 5,
        "end_column": 79,
        "start": 214,
        "end": 224,
        "fingerprint": "459c273e26953d06c5350bf7197aff12",
    }


def test_a_failure_has_the_fingerprint_that_other_formats_give_it() -> None:
    failed = CASES["failed-tests"](source_of("failed-tests"))
    tests = json.loads(render([failed], Style()))["files"][0]["tests"]
    shown = [failure["fingerprint"] for test in tests for failure in test["failures"]]
    assert tuple(shown) == failure_fingerprints(failed)
    assert len(set(shown)) == len(shown) > 1


def test_how_many_warnings_comments_silenced_is_there() -> None:
    text = '{\n"hosts": {"db": "100.64.0.1"}, // aclkit: ignore[unused-host]\n"acls": []}'
    (file,) = json.loads(render([check(text)], Style()))["files"]
    assert file["silenced"] == 1
    assert file["diagnostics"] == []


def test_a_check_has_no_notes_on_tests() -> None:
    (file,) = document("failed-tests")["files"]
    assert "left_out" not in file
    assert all("notes" not in test for test in file["tests"])


def test_a_place_in_data_without_text_is_a_path() -> None:
    finding = Diagnostic("bad-tag", Severity.ERROR, "no", Label(None, "", "nodes[3]"))
    text = render([report(Source("p", ""), finding)], Style())
    (shown,) = json.loads(text)["files"][0]["diagnostics"]
    assert shown["path"] == "nodes[3]"
    assert "line" not in shown


def test_a_place_in_bytes_that_gave_no_text_is_left_out() -> None:
    (shown,) = json.loads(
        render([report(Source("p", ""), error("e", "m", Span(18, 18)))], Style())
    )["files"][0]["diagnostics"]
    assert "line" not in shown


def test_the_text_is_ascii_whatever_the_policy_holds() -> None:
    text = render([CASES["hostile-characters"](source_of("hostile-characters"))], Style())
    assert text.isascii()
    assert "\x1b" not in text


def test_the_style_has_no_say() -> None:
    reports = [CASES["one-error"](source_of("one-error"))]
    assert render(reports, Style(colour=True, width=20, quiet=True)) == render(reports, Style())


def test_several_files_stand_in_the_order_in_which_they_were_named() -> None:
    good, bad = report(Source("b", "{}")), report(Source("a", "x"), error("c", "m", Span(0, 1)))
    files = json.loads(render([good, bad], Style()))["files"]
    assert [(file["file"], file["accepted"]) for file in files] == [("b", True), ("a", False)]


@pytest.mark.parametrize("moved", ["// a new line\n" + LINE, LINE.replace("{", "{ \n\n", 1)])
def test_a_fingerprint_survives_new_lines_above(moved: str) -> None:
    before, after = Source("a", LINE), Source("b", moved)
    assert fingerprints(report(before, enng(before))) == fingerprints(report(after, enng(after)))


def test_equal_findings_of_one_file_have_fingerprints_of_their_own() -> None:
    source = Source("a", LINE)
    first, second = fingerprints(report(source, enng(source), enng(source, 1)))
    assert first != second
    assert (first,) == fingerprints(report(source, enng(source)))


def test_a_fingerprint_takes_any_string() -> None:
    source = Source("a", "\ud800")
    (name,) = fingerprints(report(source, error("c", "m", Span(0, 1))))
    assert len(name) == 32
