"""The whole report for programs. `format_version` changes when a field changes its meaning.

Lines and columns count from 1, offsets from 0; columns and offsets count code points. The end of a
place is the position behind its last character. New fields may come in any version.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from aclkit.checking import Report, TestResult
from aclkit.diagnostics import Diagnostic, Label
from aclkit.report.fingerprint import fingerprints
from aclkit.report.place import span_in
from aclkit.report.style import Style
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
    return {
        "file": report.source.name,
        "target": report.target,
        "accepted": report.accepted,
        "refusal": report.refusal,
        "diagnostics": [
            _diagnostic(diagnostic, report.source, name)
            for diagnostic, name in zip(report.diagnostics, names, strict=True)
        ],
        "tests": [_test(test, report.source) for test in report.tests],
        "assumptions": list(report.assumptions),
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


def _test(test: TestResult, source: Source) -> dict[str, object]:
    return {
        "section": test.section,
        "index": test.index,
        "src": test.src,
        "passed": test.passed,
        **_place(Label(test.span), source),
        "failures": [
            {
                "destination": failure.destination,
                "expected": failure.expected,
                "got": failure.got,
                "detail": failure.detail,
                **_place(Label(failure.span), source),
            }
            for failure in test.failures
        ],
    }
