"""GitLab's Code Quality report: findings in the changes view and the widget of a merge request.

It knows neither notes nor tests that passed; the JUnit format does.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

from aclkit.checking import Report
from aclkit.diagnostics import Severity
from aclkit.report.findings import Finding, findings, paragraphs, path_of
from aclkit.report.fingerprint import distinct
from aclkit.report.place import span_in
from aclkit.report.style import Style

_SEVERITIES = {Severity.ERROR: "critical", Severity.WARNING: "minor"}


def render(reports: Sequence[Report], style: Style) -> str:
    """Return *reports* as one JSON array; *style* has no say in it.

    GitLab compares the fingerprints of two branches and shows one of equal ones only, so those of
    one array are all different. All characters beyond ASCII are escaped.
    """
    del style
    told = [(report, finding) for report in reports for finding in findings(report)]
    names = distinct((path_of(report), finding.fingerprint) for report, finding in told)
    return (
        json.dumps(
            [
                _entry(report, finding, name)
                for (report, finding), name in zip(told, names, strict=True)
            ],
            indent=2,
        )
        + "\n"
    )


def _entry(report: Report, finding: Finding, fingerprint: str) -> dict[str, object]:
    span = span_in(report.source, finding.primary)
    line = report.source.position(span.start).line if span is not None else 1
    return {
        "description": "; ".join(paragraphs(finding)),
        "check_name": finding.code,
        "fingerprint": fingerprint,
        "severity": _SEVERITIES[finding.severity],
        "location": {"path": path_of(report), "lines": {"begin": line}},
    }
