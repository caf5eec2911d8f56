"""The whole report for programs. `format_version` changes when a field changes its meaning.

Lines and columns count from 1, offsets from 0; columns and offsets count code points. The end of a
place is the position behind its last character. New fields may come in any version.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aclkit.analysis.outcomes import Explanation, Flow, Note, Outcome
from aclkit.checking import Report, TestFailure, TestResult
from aclkit.diagnostics import Diagnostic, Label
from aclkit.report.fingerprint import failure_fingerprints, fingerprints
from aclkit.report.place import span_in
from aclkit.report.style import Style
from aclkit.report.tested import TestReport
from aclkit.source import Source

FORMAT_VERSION = 1


def render(reports: Sequence[Report], style: Style) -> str:
    """Return *reports* as one JSON object; *style* has no say in it.

    All characters beyond ASCII are escaped, so that the text is safe on any terminal and in any
    encoding.
    """
    del style
    document = {
        "format_version": FORMAT_VERSION,
        "files": [_file(report) for report in reports],
    }
    return json.dumps(document, indent=2) + "\n"


def _file(report: Report) -> dict[str, object]:
    names = fingerprints(report)
    failure_names = iter(failure_fingerprints(report))
    tests = [_test(test, report.source, failure_names) for test in report.tests]
    if isinstance(report, TestReport):
        for data, outcome in zip(tests, report.outcomes, strict=True):
            _add_outcome(data, outcome, report)
    return {
        "file": report.source.name,
        "target": report.target,
        "accepted": report.accepted,
        "refusal": report.refusal,
        "diagnostics": [
            _diagnostic(diagnostic, report.source, name)
            for diagnostic, name in zip(report.diagnostics, names, strict=True)
        ],
        "tests": tests,
        "assumptions": list(report.assumptions),
        "silenced": report.silenced,
        **({"left_out": report.left_out} if isinstance(report, TestReport) else {}),
    }


def _diagnostic(diagnostic: Diagnostic, source: Source, fingerprint: str) -> dict[str, object]:
    return {
        "code": diagnostic.code,
        "severity": diagnostic.severity.value,
        "message": diagnostic.message,
        "help": diagnostic.help,
        "control_plane": diagnostic.control_plane,
        **_label(diagnostic.primary, source),
        "related": [_label(label, source) for label in diagnostic.related],
        "fingerprint": fingerprint,
    }


def _label(label: Label, source: Source) -> dict[str, object]:
    return {"label": label.message, **_place(label, source)}


def _place(label: Label, source: Source) -> dict[str, object]:
    span = span_in(source, label)
    if span is None:
        return {"path": label.path}
    begin, end = source.position(span.start), source.position(span.end)
    return {
        "line": begin.line,
        "column": begin.column,
        "end_line": end.line,
        "end_column": end.column,
        "start": span.start,
        "end": span.end,
    }


def _test(test: TestResult, source: Source, names: Iterator[str]) -> dict[str, Any]:
    return {
        "section": test.section,
        "index": test.index,
        "src": test.src,
        "passed": test.passed,
        **_place(Label(test.span), source),
        "failures": [_failure(failure, source, next(names)) for failure in test.failures],
    }


def _failure(failure: TestFailure, source: Source, fingerprint: str) -> dict[str, Any]:
    return {
        "destination": failure.destination,
        "expected": failure.expected,
        "got": failure.got,
        "detail": failure.detail,
        **_place(Label(failure.span), source),
        "fingerprint": fingerprint,
    }


def _add_outcome(data: dict[str, Any], outcome: Outcome, report: TestReport) -> None:
    """Add to a test what only `aclkit test` tells."""
    policy = report.policy or report.source
    data["name"] = outcome.name
    data["notes"] = [_note(note, report.source, policy) for note in outcome.notes]
    for failure, explanation in zip(data["failures"], outcome.explained, strict=True):
        failure |= _explanation(explanation, policy)


def _note(note: Note, source: Source, policy: Source) -> dict[str, Any]:
    from aclkit.report.answers import origin_data

    return {
        "code": note.code,
        "message": note.message,
        "contradicts": note.contradicts,
        **_place(Label(note.span), source),
        "flow": _flow(note.flow),
        "rule": None if note.origin is None else origin_data(note.origin, policy),
    }


def _explanation(explanation: Explanation, policy: Source) -> dict[str, Any]:
    # Imported here only: a check needs none of it.
    from aclkit.report.answers_can import because_data, why_not_data

    return {
        "because": [because_data(each, policy) for each in explanation.because],
        "why_not": [why_not_data(each, policy) for each in explanation.why_not],
        "flow": _flow(explanation.flow),
    }


def _flow(flow: Flow | None) -> dict[str, Any] | None:
    if flow is None:
        return None
    return {
        "source": flow.src,
        "destination": flow.dst,
        "protocol": flow.proto,
        "port": flow.port,
        "router": flow.router,
        "login": flow.login,
    }
