"""The tests of a policy that failed: each with what was expected and what came instead."""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO

from aclkit.checking import TestFailure, TestResult
from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.place import place
from aclkit.report.style import Style
from aclkit.source import Source


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


def failure_table(failed: Sequence[TestResult], source: Source, style: Style) -> str:
    """Return the failed tests as a table, for a person at a terminal."""
    # Imported here only: rich takes longer to load than most policies take to check.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.ASCII2 if style.ascii else box.SQUARE, show_lines=True, header_style="")
    for heading in ("test", "from", "to", "expected", "got", "because"):
        table.add_column(heading, overflow="fold")
    for test in failed:
        for failure in test.failures:
            row = (
                f"{name_of(test)}\n{place(source, Label(failure.span), style)}",
                visible(test.src, ascii=style.ascii),
                visible(failure.destination, ascii=style.ascii),
                failure.expected,
                failure.got or "can't be tried",
                visible(failure.detail, ascii=style.ascii),
            )
            table.add_row(*map(Text, row))
    page = StringIO()
    Console(
        file=page,
        width=style.width,
        color_system="standard" if style.colour else None,
        force_terminal=style.colour,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
