"""Comments that silence warnings, and what is said of those that don't."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.checking import Report, check
from aclkit.diagnostics import Diagnostic
from aclkit.policy.ignores import read_ignores
from aclkit.source import Source
from aclkit.tailnet.model import Tailnet

TESTS = '"tests": [{"src": "ann@example.com", "accept": ["10.0.0.9:22"]}]'
HEAD = '"acls": [{"action": "accept", "src": ["ann@example.com"], "dst": ["10.0.0.9:22"]}]'


def with_hosts(*lines: str, end: str = "\n") -> str:
    """Return a policy with *lines* in its `hosts`; those of them without a use give warnings."""
    return end.join(("{", f"  {HEAD},", f"  {TESTS},", '  "hosts": {', *lines, "  },", "}", ""))


def told(report: Report) -> list[tuple[str, str]]:
    """Return code and underlined text of each finding."""
    found = []
    for each in report.diagnostics:
        assert each.primary.span is not None
        found.append((each.code, report.source.slice(each.primary.span)))
    return found


def only(report: Report) -> Diagnostic:
    [found] = report.diagnostics
    return found


@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
def test_a_comment_at_the_end_of_a_line_silences_that_line(end: str) -> None:
    text = with_hosts(
        '    "a": "10.0.0.1", // aclkit: ignore[unused-host] it comes in spring',
        '    "b": "10.0.0.2",',
        end=end,
    )
    report = check(text)
    assert told(report) == [("unused-host", "b")]
    assert report.silenced == 1
    assert "1 warning silenced by comments in the policy" in report.assumptions


@pytest.mark.parametrize(
    "between",
    [[], [""], ["    // another comment"], ["    /* one", "       more */"], ["    ,"]],
    ids=["nothing", "a blank line", "a comment", "a block comment", "a comma"],
)
def test_a_comment_alone_on_a_line_silences_the_next_line_with_a_value(between: list[str]) -> None:
    comma = between == ["    ,"]
    text = with_hosts(
        '    "nas": "10.0.0.9"' + ("" if comma else ","),
        "    // aclkit: ignore[unused-host]",
        *between,
        '    "a": "10.0.0.1",',
        '    "b": "10.0.0.2",',
    )
    assert told(check(text)) == [("unused-host", "b")]


def test_all_comments_ahead_of_a_line_count() -> None:
    text = with_hosts(
        "    // aclkit: ignore[unused-host]",
        "    // aclkit: ignore[host-bits]",
        '    "a": "10.0.0.1/8",',
    )
    report = check(text)
    assert report.diagnostics == ()
    assert report.silenced == 2


def test_one_comment_may_name_several_codes() -> None:
    text = with_hosts('    "a": "10.0.0.1/8", // aclkit: ignore[ unused-host,host-bits, ]')
    assert check(text).diagnostics == ()


def test_a_warning_on_several_lines_is_silenced_where_it_starts() -> None:
    rule = '{\n"action": "accept", "src": ["ann@example.com"],\n"dst": ["10.0.0.9:22"]\n}'
    text = f'{{\n{TESTS},\n"acls": [\n{rule},\n// aclkit: ignore[duplicate-rule]\n{rule},\n]}}\n'
    assert check(text).diagnostics == ()


@pytest.mark.parametrize(
    "comment",
    [
        "//aclkit:ignore[unused-host]",
        "//  aclkit: ignore [unused-host]",
        "// aclkit: ignore[unused-host]because",
    ],
)
def test_blanks_do_not_matter(comment: str) -> None:
    assert check(with_hosts(f'    "a": "10.0.0.1", {comment}')).diagnostics == ()


@pytest.mark.parametrize(
    ("comment", "underlined"),
    [
        ("// aclkit: ignore", "aclkit: ignore"),
        ("// aclkit: ignore unused-host", "aclkit: ignore"),
        ("// aclkit: ignore[]", "aclkit: ignore"),
        ("// aclkit: ignore[ , ]", "aclkit: ignore"),
        ("// aclkit: ignore[unused-host", "aclkit: ignore"),
        ("// aclkit: ignored[unused-host]", "aclkit: ignored"),
        ("// aclkit: ignore-next-line[unused-host]", "aclkit: ignore-next-line"),
        ("// Aclkit: Ignore[unused-host]", "Aclkit: Ignore"),
        ("/* aclkit: ignore[unused-host] */", "aclkit: ignore"),
    ],
)
def test_what_is_not_of_the_form_does_nothing_and_is_told_of(comment: str, underlined: str) -> None:
    report = check(with_hosts(f'    "a": "10.0.0.1", {comment}'))
    assert told(report) == [("unused-host", "a"), ("bad-ignore", underlined)]


@pytest.mark.parametrize(
    "comment", ["// checked by aclkit", "// aclkit: run it in CI", "// see aclkit: ignore[x]"]
)
def test_other_comments_may_name_aclkit(comment: str) -> None:
    text = with_hosts(f'    "a": "10.0.0.1", {comment}')
    assert told(check(text)) == [("unused-host", "a")]


def test_a_comment_in_a_string_is_none() -> None:
    text = with_hosts('    "a // aclkit: ignore[unused-host]": "10.0.0.1",')
    assert [found.code for found in check(text).diagnostics] == ["unused-host"]


def test_an_unknown_code_is_told_of_with_the_one_that_was_meant() -> None:
    text = with_hosts('    "nas": "10.0.0.9", // aclkit: ignore[unused-hosts]')
    found = only(check(text))
    assert found.code == "unknown-code"
    assert found.help == "did you mean `unused-host`?"


@pytest.mark.parametrize("line", ['"nas": "10.0.0.9", //', "//"], ids=["behind", "alone"])
def test_an_ignore_that_silences_nothing_is_told_of(line: str) -> None:
    text = with_hosts(f"    {line} aclkit: ignore[unused-host]", '    "b": "10.0.0.9",')
    assert told(check(text)) == [("unused-ignore", "unused-host")]


def test_an_ignore_before_nothing_is_told_of() -> None:
    found = only(check(with_hosts('    "b": "10.0.0.9",') + "// aclkit: ignore[host-bits]\n"))
    assert found.code == "unused-ignore"
    assert "no value comes after it" in found.message


def test_a_code_given_twice_is_of_use_once() -> None:
    text = with_hosts('    "a": "10.0.0.1", // aclkit: ignore[unused-host, unused-host]')
    assert told(check(text)) == [("unused-ignore", "unused-host")]


def test_an_error_stays_and_the_ignore_is_told_of() -> None:
    rule = '{"action": "deny", "src": ["*"], "dst": ["*:*"]}'
    text = f'{{"acls": [{rule}]}} // aclkit: ignore[bad-action]\n'
    report = check(text)
    assert told(report) == [("bad-action", "deny"), ("ignored-error", "bad-action")]
    assert not report.accepted


def test_with_errors_nobody_knows_whether_an_ignore_is_of_use() -> None:
    text = (
        '{"acls": [{"action": "deny", "src": ["*"], "dst": ["*:*"]}],\n'
        ' "hosts": {"a": "10.0.0.1"}} // aclkit: ignore[unused-host]\n'
    )
    assert told(check(text)) == [("bad-action", "deny")]


@pytest.mark.parametrize(
    "code", ["allow-all", "dead-selector", "unknown-user", "unused-tag", "ambiguous-user"]
)
def test_an_ignore_for_another_run_is_not_judged(code: str) -> None:
    """For a check that is off, for another target, or for a run with a tailnet."""
    text = with_hosts(f'    "nas": "10.0.0.9", // aclkit: ignore[{code}]')
    assert check(text).diagnostics == ()


def test_with_a_tailnet_an_ignore_of_its_findings_is_judged() -> None:
    ann = {"login": "ann@example.com", "name": "ann"}
    tailnet = Tailnet.from_dict({"domains": ["example.com"], "users": [ann], "nodes": []})
    text = with_hosts('    "nas": "10.0.0.9", // aclkit: ignore[unknown-user]')
    assert only(check(text, tailnet=tailnet)).code == "unused-ignore"


def test_ignores_are_for_all_targets() -> None:
    text = json.dumps({"acls": [{"action": "accept", "src": ["ann@"], "dst": ["*:22"]}]})
    text = f"// aclkit: ignore[no-tests]\n{text}\n"
    assert check(text, target="headscale").diagnostics == ()


def test_what_is_said_of_ignores_can_be_switched_off() -> None:
    text = with_hosts('    "nas": "10.0.0.9", // aclkit: ignore[unused-host, nothing]')
    assert check(text, ignore=["unused-ignore", "unknown-code"]).diagnostics == ()


def test_an_ignore_of_a_code_that_is_switched_off_is_not_judged() -> None:
    text = with_hosts('    "a": "10.0.0.1", // aclkit: ignore[unused-host]')
    report = check(text, ignore=["unused-host"])
    assert report.diagnostics == ()
    assert report.silenced == 0


@given(st.text('{}[]",:/*\\ \nx', max_size=40), st.text("[],-x \n*/", max_size=20))
def test_any_text_can_be_read_for_ignores(before: str, after: str) -> None:
    text = f"{before}// aclkit: ignore{after}"
    diagnostics: list[Diagnostic] = []
    for ignore in read_ignores(Source("x", text), diagnostics):
        assert text[ignore.span.start : ignore.span.end] == ignore.code
    for found in diagnostics:
        assert found.primary.span is not None
        assert found.primary.span.end <= len(text)
