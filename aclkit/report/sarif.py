"""SARIF 2.1.0: the exchange format of static analysis, for code scanning and for editors.

One run holds all files. Lines and columns count from 1, columns count code points, and the end of
a region is the position behind its last character.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import PurePath
from typing import TypeAlias
from urllib.parse import quote

from aclkit.catalogue import CATALOGUE
from aclkit.catalogue.entry import Entry
from aclkit.checking import Report
from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.findings import Finding, findings, notes, paragraphs, path_of
from aclkit.report.place import span_in
from aclkit.report.style import Style
from aclkit.source import Source, Span

Json: TypeAlias = dict[str, object]

SCHEMA = (
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
)

# The name says how a fingerprint is made; another way needs another name.
FINGERPRINT = "aclkitFinding/v1"

# The folder from which the names of files count: services know it by this name.
_ROOT = "%SRCROOT%"


@dataclass(frozen=True, slots=True)
class _Artifact:
    """A file of the run: its text, its path, and its number in `artifacts`."""

    source: Source
    path: str
    index: int

    def location(self) -> Json:
        """Return the reference to it."""
        return {**_uri(self.path), "index": self.index}


def render(reports: Sequence[Report], style: Style) -> str:
    """Return *reports* as one SARIF log; *style* has no say in it.

    All characters beyond ASCII are escaped, so that the text is safe in any encoding.
    """
    del style
    artifacts = {path: index for index, path in enumerate(dict.fromkeys(map(path_of, reports)))}
    told = [
        (finding, _Artifact(report.source, path_of(report), artifacts[path_of(report)]))
        for report in reports
        for finding in findings(report)
    ]
    rules = {code: index for index, code in enumerate(sorted({found.code for found, _ in told}))}
    run = {
        "tool": {"driver": _driver(rules)},
        "invocations": [
            {
                "executionSuccessful": True,
                "toolExecutionNotifications": [
                    _notification(note, _Artifact(report.source, path, artifacts[path]))
                    for report in reports
                    for path in [path_of(report)]
                    for note in notes(report)
                ],
            }
        ],
        "artifacts": [
            {"location": _uri(path), "roles": ["analysisTarget"], "encoding": "utf-8"}
            for path in artifacts
        ],
        "results": [_result(finding, rules[finding.code], artifact) for finding, artifact in told],
        "columnKind": "unicodeCodePoints",
    }
    log = {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}
    return json.dumps(log, indent=2) + "\n"


def _driver(codes: Iterable[str]) -> Json:
    driver: Json = {"name": "aclkit", "rules": [_rule(code) for code in codes]}
    # Imported from its sources without being installed, nobody knows which version this is.
    with suppress(PackageNotFoundError):
        driver["semanticVersion"] = version("aclkit")
    return driver


def _rule(code: str) -> Json:
    entry = CATALOGUE.get(code)
    if entry is None:
        return {"id": code}
    return {
        "id": code,
        "shortDescription": {"text": entry.title},
        "help": {
            "text": f"{entry.why}\n\nRepair: {entry.repair}",
            "markdown": _help_page(entry),
        },
        "defaultConfiguration": {"level": entry.severity.value},
    }


def _help_page(entry: Entry) -> str:
    """Return all that the catalogue says of a code, as Markdown."""
    parts = [entry.why]
    if entry.example:
        parts.append(f"For example:\n\n```json5\n{entry.example}```")
    parts.append(f"Repair: {entry.repair}")
    if entry.repaired:
        parts.append(f"Repaired:\n\n```json5\n{entry.repaired}```")
    return "\n\n".join(parts)


def _notification(note: str, artifact: _Artifact) -> Json:
    """Return what was assumed or skipped: a log without results is no silent pass."""
    place = {"physicalLocation": {"artifactLocation": artifact.location()}}
    return {"level": "note", "message": {"text": _text([note])}, "locations": [place]}


def _result(finding: Finding, rule: int, artifact: _Artifact) -> Json:
    found: Json = {
        "ruleId": finding.code,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _text(paragraphs(finding))},
        "locations": [_location(finding.primary, artifact)],
        "partialFingerprints": {FINGERPRINT: finding.fingerprint},
    }
    if finding.related:
        found["relatedLocations"] = [_location(label, artifact) for label in finding.related]
    return found


def _text(lines: Iterable[str]) -> str:
    """Return *lines* as a plain text message in which no input can make a link.

    Only ``](`` makes one. Braces stand as they are: the standard wants them doubled, but without
    arguments programs show the text unchanged, and would show them doubled.
    """
    return "\n".join(lines).replace("](", "\\](")


def _location(label: Label, artifact: _Artifact) -> Json:
    physical: Json = {"artifactLocation": artifact.location()}
    span = span_in(artifact.source, label)
    if span is not None:
        physical["region"] = _region(artifact.source, span)
    location: Json = {"physicalLocation": physical}
    if label.path:
        location["logicalLocations"] = [{"fullyQualifiedName": visible(label.path)}]
    if label.message:
        location["message"] = {"text": _text([visible(label.message)])}
    return location


def _region(source: Source, span: Span) -> Json:
    begin, end = source.position(span.start), source.position(span.end)
    return {
        "startLine": begin.line,
        "startColumn": begin.column,
        "endLine": end.line,
        "endColumn": end.column,
    }


def _uri(path: str) -> Json:
    """Return where the file *path* is; relative to the root of the sources if it is relative.

    Not by `PurePath.as_uri`, whose answer depends on the locale.
    """
    if PurePath(path).is_absolute():
        return {"uri": f"file://{'' if path.startswith('/') else '/'}{quote(path, safe='/:')}"}
    return {"uri": quote(path), "uriBaseId": _ROOT}
