"""JUnit XML: what every CI service shows as test results.

Each file gives a suite `policy`, with one case that holds all errors, then a suite for each section
of tests, with one case for each test. What the verdict on a test hides is its output.
"""

from __future__ import annotations

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Sequence

from aclkit.analysis.outcomes import Outcome
from aclkit.checking import Report, TestResult
from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.failures import name_of
from aclkit.report.findings import (
    Finding,
    diagnosed,
    notes,
    paragraphs,
    path_of,
    related_lines,
    unmet,
)
from aclkit.report.place import place, span_in
from aclkit.report.style import Style
from aclkit.report.tested import TestReport, left_out

_DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'


def render(reports: Sequence[Report], style: Style) -> str:
    """Return *reports* as one XML document; *style* has no say in it.

    Characters that XML can't hold are named, as ``<U+0001>``; those beyond ASCII are written as
    references, so that the text is safe in any encoding. No times are told: none were measured.
    """
    del style
    root = ET.Element("testsuites", {"name": "aclkit"})
    for report in reports:
        root.append(_validity(report))
        results = list(zip(report.tests, unmet(report), _outcomes(report), strict=True))
        for section in dict.fromkeys(test.section for test in report.tests):
            root.append(
                _suite(
                    report,
                    section,
                    [_test(report, *result) for result in results if result[0].section == section],
                )
            )
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    root.set("time", "0")
    ET.indent(root)
    document: bytes = ET.tostring(root, encoding="us-ascii")
    return f"{_DECLARATION}{document.decode()}\n"


def _outcomes(report: Report) -> Sequence[Outcome | None]:
    return report.outcomes if isinstance(report, TestReport) else [None] * len(report.tests)


def _validity(report: Report) -> ET.Element:
    """Return the suite that says whether the policy is valid, and all that is told beside tests."""
    found = diagnosed(report)
    errors = [finding for finding in found if finding.is_error]
    warnings = [finding for finding in found if not finding.is_error]
    case = _case(report, "policy", "policy is valid", Label(None))
    if errors:
        _add_failure(case, report, errors)
    if warnings:
        ET.SubElement(case, "system-out").text = _told(report, warnings)
    suite = _suite(report, "policy", [case])
    said = notes(report)
    if isinstance(report, TestReport):
        said += left_out(report)
    if said:
        ET.SubElement(suite, "system-out").text = "\n".join(f"note: {note}" for note in said)
    return suite


def _test(
    report: Report, test: TestResult, found: Sequence[Finding], outcome: Outcome | None
) -> ET.Element:
    src = f" from {visible(test.src)}" if test.src else ""
    name = f" ({visible(outcome.name)})" if outcome and outcome.name else ""
    case = _case(report, test.section, f"{name_of(test)}{src}{name}", Label(test.span))
    if not test.passed:
        _add_failure(case, report, found)
    if outcome is not None and isinstance(report, TestReport):
        # Imported here only: a check needs none of it.
        from aclkit.report.tests_text import outcome_lines

        if said := list(outcome_lines(outcome, report, Style())):
            ET.SubElement(case, "system-out").text = "\n".join(said)
    return case


def _suite(report: Report, section: str, cases: Sequence[ET.Element]) -> ET.Element:
    path = visible(path_of(report))
    counts = {
        "tests": len(cases),
        "failures": sum(case.find("failure") is not None for case in cases),
        "errors": 0,
        "skipped": 0,
        "time": 0,
    }
    attributes = {name: str(count) for name, count in counts.items()}
    suite = ET.Element("testsuite", {"name": f"{path}: {section}", **attributes, "file": path})
    suite.extend(cases)
    return suite


def _case(report: Report, section: str, name: str, label: Label) -> ET.Element:
    path = visible(path_of(report))
    case = ET.Element("testcase", {"classname": f"{path}.{section}", "name": name, "file": path})
    span = span_in(report.source, label)
    if span is not None:
        case.set("line", str(report.source.position(span.start).line))
    case.set("time", "0")
    return case


def _add_failure(case: ET.Element, report: Report, found: Sequence[Finding]) -> None:
    first, *more = found
    message = paragraphs(first)[0] + (f" (and {len(more)} more)" if more else "")
    failure = ET.SubElement(case, "failure", {"message": message, "type": first.code})
    failure.text = _told(report, found)


def _told(report: Report, found: Iterable[Finding]) -> str:
    """Return *found* as lines, each with its place, and what belongs to it indented."""
    lines = []
    for finding in found:
        where = place(report.source, finding.primary, Style())
        message, *more = paragraphs(finding)
        lines.append(f"{where}: {finding.severity.value}: {message} [{finding.code}]")
        more = [*related_lines(finding, report.source, Style()), *more]
        lines += [f"  {line}" for line in more]
    return "\n".join(lines)
