from __future__ import annotations

import pytest

from aclkit.report.concise import render
from aclkit.report.style import Style
from aclkit.source import Source
from tests.render_cases import CASES, report, source_of


def lines(name: str, *, quiet: bool = False) -> list[str]:
    return render([CASES[name](source_of(name))], Style(quiet=quiet)).splitlines()


def test_each_finding_is_one_line() -> None:
    assert lines("errors-of-all-weights", quiet=True) == [
        "policy.hujson:2:13: warning: host `db` is never used [unused-host]",
        "policy.hujson:3:56: error: tag `tag:x` has no owner [undefined-tag]",
        "policy.hujson:3:62: error: `70000` is no port [bad-port]",
    ]


def test_each_unmet_expectation_is_one_line() -> None:
    assert lines("failed-tests", quiet=True) == [
        "policy.hujson:5:44: failed: tests[1] from `bob@example.com` to `tag:db:5432`:"
        " expected accept, got deny (100.64.0.2 to 100.64.0.3)",
        "policy.hujson:5:69: failed: tests[1] from `bob@example.com` to `tag:web:22`:"
        " expected deny, got accept (100.64.0.2 to 100.64.0.3)",
        "policy.hujson:6:42: failed: tests[2] from `eve@example.com` to `tag:wb:443`:"
        " expected deny, but it can't be tried (`tag:wb` is unknown)",
        "policy.hujson:7:5: failed: tests[3]: it can't be tried (a test needs a `src`)",
    ]


def test_what_was_assumed_is_told() -> None:
    assert lines("failed-tests")[-1].startswith("policy.hujson: note: no tailnet given")


def test_a_policy_without_tests_says_so() -> None:
    assert render([report(Source("p", "{}"))], Style()) == "p: note: no tests in this policy\n"


@pytest.mark.parametrize("name", CASES)
def test_nothing_dangerous_is_printed(name: str) -> None:
    assert all(line.isprintable() for line in lines(name))
