"""The tests of a policy that failed: each with what was expected and what came instead."""

from __future__ import annotations

from collections.abc import Sequence

from aclkit.checking import TestFailure, TestResult
from aclkit.report.display import visible
from aclkit.report.grids import table
from aclkit.report.style import Style


def name_of(test: TestResult) -> str:
    """Return how a test is called in every format, such as ``tests[1]``."""
    return f"{test.section}[{test.index}]"


def verdict_on(test: TestResult, failure: TestFailure, style: Style) -> str:
    """Return one expectation that was not met: whose, of what, and what came instead."""
    src, dst = (
        f" {word} `{visible(end, ascii=style.ascii)}`" if end else ""
        for word, end in (("from", test.src), ("to", failure.destination))
    )
    if failure.got:
        came = f"expected {failure.expected}, got {failure.got}"
    elif failure.expected:
        came = f"expected {failure.expected}, but it can't be tried"
    else:
        came = "it can't be tried"
    return f"{name_of(test)}{src}{dst}: {came}"


def failure_table(failed: Sequence[TestResult], style: Style) -> str:
    """Return the failed tests as a table, for the overview of a person at a terminal.

    It is empty where it would be of one row, which is no overview, or does not fit: to break names
    and ports over lines helps nobody.
    """
    rows = [
        (
            name_of(test),
            visible(test.src, ascii=style.ascii),
            visible(failure.destination, ascii=style.ascii),
            failure.expected,
            failure.got or "can't be tried",
        )
        for test in failed
        for failure in test.failures
    ]
    if len(rows) < 2:
        return ""
    return table(("test", "from", "to", "expected", "got"), rows, style).rstrip("\n")
