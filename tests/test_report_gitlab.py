from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from aclkit.checking import Report
from aclkit.diagnostics import Diagnostic, Label, Severity, error, warning
from aclkit.report.gitlab import render
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.ci_scripts import CI, environment_of, install_stand_in, scripts_of
from tests.command_line import BAD, GOOD
from tests.property.reports import findings_told, several
from tests.render_cases import CASES, report, source_of

# What GitLab's documentation asks of a report: an array, and in each entry these keys.
VALIDATOR = Draft202012Validator(
    {
        "type": "array",
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["description", "check_name", "fingerprint", "severity", "location"],
            "properties": {
                "description": {"type": "string"},
                "check_name": {"type": "string"},
                "fingerprint": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
                "severity": {"enum": ["info", "minor", "major", "critical", "blocker"]},
                "location": {
                    "type": "object",
                    "required": ["path", "lines"],
                    "properties": {
                        "path": {"type": "string", "pattern": r"^(?!\./)"},
                        "lines": {
                            "type": "object",
                            "required": ["begin"],
                            "properties": {"begin": {"type": "integer", "minimum": 1}},
                        },
                    },
                },
            },
        },
    }
)


def entries(*reports: Report) -> Any:
    read = json.loads(render(reports, Style()))
    VALIDATOR.validate(read)
    return read


def test_a_finding_is_an_entry() -> None:
    assert entries(CASES["one-error"](source_of("one-error"))) == [
        {
            "description": "undefined group `group:enng`;"
            ' Tailscale says: group "group:enng" is not defined;'
            " help: did you mean `group:eng`?",
            "check_name": "undefined-group",
            "fingerprint": "2523dbfdbd736ce4dc75c6e56b26d550",
            "severity": "critical",
            "location": {"path": "policy.hujson", "lines": {"begin": 4}},
        }
    ]


def test_a_failed_test_is_an_entry_for_each_of_its_failures() -> None:
    read = entries(CASES["failed-tests"](source_of("failed-tests")))
    assert {entry["check_name"] for entry in read} == {"failed-test"}
    assert [entry["location"]["lines"]["begin"] for entry in read] == [5, 5, 6, 7]


def test_a_warning_weighs_less() -> None:
    (entry,) = entries(report(Source("p", "{}"), warning("w", "no", Span(0, 1))))
    assert entry["severity"] == "minor"


def test_an_accepted_policy_gives_an_empty_array() -> None:
    assert entries(report(Source("p", "{}"), assumptions=("so it is",))) == []


def test_a_finding_without_a_place_is_in_the_first_line() -> None:
    found = Diagnostic("bad-tag", Severity.ERROR, "no", Label(None, "", "nodes[3]"))
    (entry,) = entries(report(Source("p", ""), found))
    assert entry["location"]["lines"]["begin"] == 1


def test_equal_findings_in_two_files_have_fingerprints_of_their_own() -> None:
    found = error("e", "no", Span(0, 1))
    one, other = entries(report(Source("a", "x"), found), report(Source("b", "x"), found))
    assert one["fingerprint"] != other["fingerprint"]


def test_a_fingerprint_survives_new_lines_above_and_another_file() -> None:
    before, after = Source("a", "x"), Source("./a", "\n\nx")
    (one,) = entries(report(before, error("e", "no", Span(0, 1))))
    _, other = entries(
        report(Source("b", "x"), error("e", "no", Span(0, 1))),
        report(after, error("e", "no", Span(2, 3))),
    )
    assert one["fingerprint"] == other["fingerprint"]


@given(several())
def test_any_policy_gives_an_array_that_loses_no_finding(reports: list[Report]) -> None:
    read = entries(*reports)
    severities = {"critical": "error", "minor": "warning"}
    told = [(severities[entry["severity"]], entry["check_name"]) for entry in read]
    assert told == findings_told(reports)
    assert len({entry["fingerprint"] for entry in read}) == len(read)
    json.dumps(read, ensure_ascii=False).encode()


@pytest.mark.parametrize(("policy", "status"), [(GOOD, 0), (BAD, 1)])
def test_the_template_writes_the_files_that_it_hands_to_gitlab(
    tmp_path: Path, policy: str, status: int
) -> None:
    template = CI / "gitlab" / "aclkit.gitlab-ci.yml"
    handed = re.findall(r"(?:codequality|junit): (\S+)", template.read_text(encoding="utf-8"))
    (script,) = scripts_of(template, "script")
    install_stand_in(tmp_path / "bin")
    (tmp_path / "policy.hujson").write_text(policy, encoding="utf-8")
    done = subprocess.run(
        ["bash", "-eu", "-c", script],
        cwd=tmp_path,
        env=environment_of(tmp_path / "bin", {"POLICY_FILE": "policy.hujson"}),
        capture_output=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert len(handed) == 2
    assert all((tmp_path / name).stat().st_size for name in handed)
