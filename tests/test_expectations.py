"""Policies that say themselves what is wrong with them, and sound ones that must stay silent.

In `tests/data/err` an expectation stands beside the mistake:

    "src": ["group:enng"],  // error: [undefined-group] "group:enng"
    "accept": ["tag:db:22"], // failed: "tag:db:22"

Code and underlined text must match what is found on that line; a finding that nobody expects fails,
and so does an expectation that is not met. Comments ahead of the policy may set the target, a
tailnet as JSON, and the exact refusal, one comment for each of its lines:

    // target: headscale
    // tailnet: {"domains": ["example.com"]}
    // refusal: users must be specified

A policy without an expected error or failure must be accepted. Those in `tests/data/ok` give no
diagnostic, and their tests pass in the tailnet that they imply. What is allowed but odd is the
business of lint, which is left out here.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from aclkit.checking import Report, check
from aclkit.policy.lint.checks import LINT_CODES
from aclkit.source import Source, Span
from aclkit.tailnet.model import Tailnet

DATA = Path(__file__).resolve().parent / "data"
WRONG = sorted((DATA / "err").glob("*.hujson"))
SOUND = sorted((DATA / "ok").glob("*.hujson"))

PRODUCTS = ("Tailscale", "Headscale")

_EXPECTATION = re.compile(
    r'(?P<kind>error|warning|failed): (?:\[(?P<code>[a-z0-9-]+)\] )?(?P<text>"(?:[^"\\]|\\.)*")'
)
_HEADER = re.compile(r"// (?P<key>target|tailnet|refusal): (?P<value>.*)")


@dataclass(frozen=True, slots=True, order=True)
class Finding:
    """What is said of a line: `kind` is error, warning or failed; a failed test has no code."""

    line: int
    kind: str
    code: str
    underlined: str


@dataclass(frozen=True, slots=True)
class Case:
    """A policy and what is expected of it."""

    text: str
    target: str
    tailnet: Tailnet | None
    refusal: str | None
    findings: Counter[Finding]

    @property
    def is_accepted(self) -> bool:
        return all(finding.kind == "warning" for finding in self.findings)


def read_case(path: Path) -> Case:
    text = path.read_bytes().decode()
    headers: dict[str, list[str]] = {}
    for line in text.split("\n"):
        if (header := _HEADER.fullmatch(line)) is None:
            break
        headers.setdefault(header["key"], []).append(header["value"])
    tailnet = "".join(headers.get("tailnet", []))
    return Case(
        text,
        "".join(headers.get("target", ["tailscale"])),
        Tailnet.from_dict(json.loads(tailnet)) if tailnet else None,
        "\n".join(headers["refusal"]) if "refusal" in headers else None,
        Counter(
            Finding(number, found["kind"], found["code"] or "", json.loads(found["text"]))
            for number, line in enumerate(text.split("\n"), 1)
            for found in _EXPECTATION.finditer(line.partition("//")[2])
        ),
    )


def report_on(case: Case) -> Report:
    return check(case.text, tailnet=case.tailnet, target=case.target, ignore=LINT_CODES)


def findings_of(report: Report) -> Counter[Finding]:
    said = [(found.primary.span, found.severity.value, found.code) for found in report.diagnostics]
    said += [(failure.span, "failed", "") for test in report.tests for failure in test.failures]
    return Counter(
        Finding(
            report.source.position(span.start).line, kind, code, first_line(report.source, span)
        )
        for span, kind, code in said
        if span is not None
    )


def first_line(source: Source, span: Span) -> str:
    """Return what is underlined, of a part of several lines the first one."""
    first, *more = source.slice(span).split("\n")
    return first.partition(" //")[0].rstrip() if more else first


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_mistake_is_found_where_it_is(path: Path) -> None:
    case = read_case(path)
    report = report_on(case)
    assert sorted(findings_of(report).elements()) == sorted(case.findings.elements())
    assert report.accepted == case.is_accepted
    if case.refusal is not None:
        assert report.refusal == case.refusal


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_every_finding_says_what_to_do(path: Path) -> None:
    case = read_case(path)
    report = report_on(case)
    for found in report.diagnostics:
        assert found.help, found
        assert found.message[0].islower() or found.message.startswith(("`", "0", *PRODUCTS))
        assert not found.message.endswith(".")
        assert "\n" not in found.message


def test_a_case_expects_something() -> None:
    assert [path.name for path in WRONG if not read_case(path).findings] == []


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_a_sound_policy_gives_no_diagnostic_and_its_tests_pass(path: Path) -> None:
    case = read_case(path)
    report = report_on(case)
    assert report.diagnostics == ()
    assert [test for test in report.tests if not test.passed] == []
    assert report.tests
    assert report.accepted


def test_there_are_enough_cases() -> None:
    assert len(WRONG) >= 120
    assert len(SOUND) >= 40
