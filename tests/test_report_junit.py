from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from hypothesis import given

from aclkit.checking import Report, TestResult
from aclkit.diagnostics import error, warning
from aclkit.report.display import visible
from aclkit.report.junit import render
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.property.reports import findings_told, several
from tests.render_cases import CASES, report, source_of

COUNTS = ("tests", "failures", "errors", "skipped")


def read(*reports: Report) -> ET.Element:
    return ET.fromstring(render(reports, Style()))


def case(name: str) -> ET.Element:
    return read(CASES[name](source_of(name)))


def names(root: ET.Element) -> list[str | None]:
    return [suite.get("name") for suite in root]


def text_of(root: ET.Element, path: str) -> str:
    (element,) = root.findall(path)
    return element.text or ""


def test_the_errors_of_a_policy_are_one_failed_case() -> None:
    root = case("errors-of-all-weights")
    (policy,) = root.findall("testsuite/testcase")
    assert (policy.get("name"), policy.get("classname")) == (
        "policy is valid",
        "policy.hujson.policy",
    )
    (failure,) = policy.findall("failure")
    assert failure.get("message") == "tag `tag:x` has no owner (and 1 more)"
    assert failure.get("type") == "undefined-tag"
    assert failure.text == (
        "policy.hujson:3:56: error: tag `tag:x` has no owner [undefined-tag]\n"
        "policy.hujson:3:62: error: `70000` is no port (at most 65535) [bad-port]"
    )


def test_warnings_fail_no_case_and_are_its_output() -> None:
    root = case("accepted")
    assert root.findall(".//failure") == []
    assert text_of(root, "testsuite[1]/testcase/system-out") == (
        "policy.hujson:2:13: warning: host `db` is never used [unused-host]"
    )


def test_each_test_of_the_policy_is_a_case() -> None:
    suite = case("failed-tests")[1]
    assert suite.get("name") == "policy.hujson: tests"
    assert [each.get("name") for each in suite] == [
        "tests[0] from alice@example.com",
        "tests[1] from bob@example.com",
        "tests[2] from eve@example.com",
        "tests[3]",
    ]
    assert [each.get("line") for each in suite] == ["4", "5", "6", "7"]
    assert [each.find("failure") is None for each in suite] == [True, False, False, False]


def test_a_failed_case_tells_each_failure_with_its_place() -> None:
    text = text_of(case("failed-tests"), "testsuite[2]/testcase[2]/failure")
    assert text == (
        "policy.hujson:5:44: error: tests[1] from `bob@example.com` to `tag:db:5432`:"
        " expected accept, got deny (100.64.0.2 to 100.64.0.3) [failed-test]\n"
        "policy.hujson:5:69: error: tests[1] from `bob@example.com` to `tag:web:22`:"
        " expected deny, got accept (100.64.0.2 to 100.64.0.3) [failed-test]"
    )


def test_what_belongs_to_a_finding_is_indented_below_it() -> None:
    assert text_of(case("related-places"), ".//failure").splitlines()[1:] == [
        "  policy.hujson:4:5: first defined here",
        "  help: keep one of them",
    ]


def test_ssh_tests_have_a_suite_of_their_own() -> None:
    tests = tuple(TestResult(name, 0, "a", True, Span(0, 1)) for name in ("tests", "sshTests"))
    root = read(report(Source("p", "{}"), tests=tests))
    assert names(root) == ["p: policy", "p: tests", "p: sshTests"]
    assert [suite.get("tests") for suite in root] == ["1", "1", "1"]
    assert root.get("tests") == "3"


def test_what_was_assumed_is_output_of_the_suite() -> None:
    root = read(report(Source("p", "{}"), assumptions=("so it is",)))
    told = text_of(root, "testsuite/system-out")
    assert told == "note: so it is\nnote: no tests in this policy"


def test_the_document_says_that_it_is_utf_8_and_is_ascii() -> None:
    text = render([CASES["wide-characters"](source_of("wide-characters"))], Style())
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n')
    assert text.isascii()
    assert "`group:設計部` is no group name" in text_of(ET.fromstring(text), ".//failure")


@pytest.mark.parametrize("char", ["\0", "\x08", "\x1b", "\ud800", "\ufffe", "\uffff", "\r"])
def test_what_xml_cant_hold_is_named(char: str) -> None:
    found = error("e", f"a{char}b", Span(0, 1), help=char)
    root = read(report(Source(f"p{char}", char), found, warning("w", char, Span(0, 1))))
    form = f"<U+{ord(char):04X}>"
    assert f"a{form}b" in text_of(root, ".//failure")
    assert root[0].get("file") == f"p{form}"


def test_several_files_stand_in_the_order_in_which_they_were_named() -> None:
    root = read(report(Source("b", "{}")), report(Source("a", "{}")))
    assert names(root) == ["b: policy", "a: policy"]


@given(several())
def test_any_policy_gives_a_document_that_loses_no_finding(reports: list[Report]) -> None:
    root = read(*reports)
    told = "\n".join(
        each.text or "" for each in root.iter() if each.tag in ("failure", "system-out")
    )
    for severity, code in set(findings_told(reports)):
        marks = [line for line in told.splitlines() if line.endswith(f"[{code}]")]
        shown = sum(f": {severity}: " in line for line in marks)
        assert shown >= findings_told(reports).count((severity, code))
    for found in (found for each in reports for found in each.diagnostics):
        assert visible(found.message) in told


@given(several())
def test_the_counts_of_a_suite_are_those_of_its_cases(reports: list[Report]) -> None:
    root = read(*reports)
    for suite in root:
        assert suite.get("tests") == str(len(suite.findall("testcase")))
        assert suite.get("failures") == str(len(suite.findall("testcase/failure")))
    for count in COUNTS:
        assert int(root.attrib[count]) == sum(int(suite.attrib[count]) for suite in root)
    assert (root.get("failures") == "0") is all(each.accepted for each in reports)
