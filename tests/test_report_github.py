from __future__ import annotations

import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given

from aclkit.checking import Report
from aclkit.diagnostics import Diagnostic, Label, Severity, error, warning
from aclkit.report.display import visible
from aclkit.report.github import SHOWN, render, summary
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.ci_scripts import CI, environment_of, install_stand_in, scripts_of
from tests.command_line import BAD, GOOD
from tests.property.reports import findings_told, several
from tests.render_cases import CASES, report, source_of

PROPERTIES = {"file", "line", "col", "endLine", "endColumn", "title"}


@dataclass(frozen=True, slots=True)
class Command:
    """A workflow command as a runner reads it."""

    name: str
    properties: dict[str, str]
    message: str


@dataclass(frozen=True, slots=True)
class Log:
    """What a runner reads: the commands, and the lines that are none."""

    commands: list[Command]
    lines: list[str]

    def named(self, name: str) -> list[Command]:
        return [command for command in self.commands if command.name == name]


def read(text: str) -> Log:
    """Read the output of a step by the rules of the runner."""
    log = Log([], [])
    for line in text.split("\n"):
        match = re.match(r"\s*::(\w+)(?: (.*?))?::(.*)$", line)
        if match is None:
            assert not re.search(r"##\[", line), "a command of the older syntax"
            log.lines.append(line)
            continue
        name, pairs, message = match.groups(default="")
        properties = dict(pair.split("=", 1) for pair in pairs.split(",") if pair)
        unescaped = {key: unescape(value, "%3A:", "%2C,") for key, value in properties.items()}
        log.commands.append(Command(name, unescaped, unescape(message)))
    return log


def unescape(text: str, *more: str) -> str:
    for pair in ("%0D\r", "%0A\n", *more, "%25%"):
        text = text.replace(pair[:3], pair[3:])
    return text


def log_of(*reports: Report, quiet: bool = True) -> Log:
    return read(render(reports, Style(quiet=quiet)))


def case(name: str) -> list[Command]:
    return log_of(CASES[name](source_of(name))).commands


def test_a_finding_is_an_annotation() -> None:
    assert case("one-error") == [
        Command(
            "error",
            {
                "file": "policy.hujson",
                "line": "4",
                "col": "35",
                "endLine": "4",
                "endColumn": "45",
                "title": "undefined-group (aclkit)",
            },
            "undefined group `group:enng`\n"
            'Tailscale says: group "group:enng" is not defined\n'
            "help: did you mean `group:eng`?",
        )
    ]


def test_the_line_of_a_command_is_what_github_documents() -> None:
    found = warning("w", "100% a,b:c", Span(0, 2), help="x")
    assert render([report(Source("a,b:c%.hujson", "{}"), found)], Style(quiet=True)) == (
        "::warning file=a%2Cb%3Ac%25.hujson,line=1,col=1,endLine=1,endColumn=3,title=w (aclkit)"
        "::100%25 a,b:c%0Ahelp: x\n"
    )


def test_failed_tests_are_errors() -> None:
    commands = case("failed-tests")
    assert {command.name for command in commands} == {"error"}
    assert [command.properties["line"] for command in commands] == ["5", "5", "6", "7"]


def test_a_part_of_several_lines_has_no_columns() -> None:
    (command,) = case("several-lines")
    assert command.properties["line"] != command.properties["endLine"]
    assert "col" not in command.properties


@pytest.mark.parametrize("end", [2, 3, 4])
def test_a_part_that_ends_at_a_line_end_is_in_that_line(end: int) -> None:
    found = error("e", "no", Span(0, end))
    (command,) = log_of(report(Source("p", "{}\r\n\n"), found)).commands
    assert command.properties["endLine"] == "1"
    assert command.properties["endColumn"] == str(end + 1)


def test_a_finding_without_a_place_has_no_line() -> None:
    found = Diagnostic("bad-tag", Severity.ERROR, "no", Label(None, "", "nodes[3]"))
    (command,) = log_of(report(Source("p", ""), found)).commands
    assert set(command.properties) == {"file", "title"}


def test_related_places_are_told() -> None:
    (command,) = case("related-places")
    assert "policy.hujson:4:5: first defined here" in command.message.split("\n")


def test_what_github_would_drop_is_counted_and_stays_in_the_log() -> None:
    source = Source("p", "{}")
    found = [error("e", f"error {n}", Span(0, 1)) for n in range(SHOWN + 2)]
    found += [warning("w", f"warning {n}", Span(1, 2)) for n in range(SHOWN + 1)]
    log = log_of(report(source, *found))
    assert len(log.named("error")) == len(log.named("warning")) == SHOWN
    (notice,) = log.named("notice")
    assert notice.message == (
        "2 more errors and 1 more warning can't be shown as annotations: see the log"
    )
    assert "p:1:1: error: error 8 [e]" in log.lines  # sorted as text: 0, 1, 10, 11, 2, ...
    assert "p:1:2: warning: warning 9 [w]" in log.lines


def test_ten_are_not_counted() -> None:
    found = [error("e", f"error {n}", Span(0, 1)) for n in range(SHOWN)]
    assert log_of(report(Source("p", "{}"), *found)).named("notice") == []


def test_what_was_assumed_is_a_notice() -> None:
    log = log_of(report(Source("p", "{}"), assumptions=("so it is",)), quiet=False)
    assert [notice.message for notice in log.named("notice")] == [
        "so it is",
        "no tests in this policy",
    ]
    assert "p: accepted: no tests in this policy" in log.lines


def test_a_quiet_run_on_a_good_policy_prints_nothing() -> None:
    assert render([report(Source("p", "{}"), assumptions=("so it is",))], Style(quiet=True)) == ""


@given(several())
def test_any_policy_gives_commands_that_lose_no_finding(reports: list[Report]) -> None:
    text = render(reports, Style())
    log = read(text)
    assert {command.name for command in log.commands} <= {
        *("error", "warning", "notice", "group", "endgroup")
    }
    assert all(set(command.properties) <= PROPERTIES for command in log.commands)
    told = [command for command in log.commands if command.name in ("error", "warning")]
    assert [
        (command.name, command.properties["title"].removesuffix(" (aclkit)")) for command in told
    ] == findings_told(reports)
    messages = "\n".join(command.message for command in told)
    assert all(visible(found.message) in messages for each in reports for found in each.diagnostics)
    assert all(line.isprintable() for line in text.split("\n"))


@given(several())
def test_no_line_that_is_left_out_works_as_a_command(reports: list[Report]) -> None:
    noise = [error("e", f"error {n}", Span(0, 0)) for n in range(SHOWN)]
    noise += [warning("w", f"warning {n}", Span(0, 0)) for n in range(SHOWN)]
    log = log_of(report(Source("p", ""), *noise), *reports)
    assert len(log.named("error")) + len(log.named("warning")) == 2 * SHOWN
    codes = [code for _, code in findings_told(reports)]
    assert sum(line.endswith(tuple(f"[{code}]" for code in codes)) for line in log.lines) >= len(
        codes
    )
    assert len(log.named("notice")) == bool(codes)


def test_the_summary_is_markdown_that_fits_into_a_step() -> None:
    found = [error("e", f"{n:05} {'a' * 200}", Span(0, 1)) for n in range(1500)]
    text = summary([report(Source("p", "{}"), *found)])
    assert text.startswith("### Policy refused\n")
    assert len(text) > 200_000
    assert 4 * len(text) < 1 << 20  # no character takes more than 4 bytes


@pytest.mark.parametrize(
    ("policy", "inputs", "status"),
    [
        (GOOD, {}, 0),
        (BAD, {}, 1),
        (GOOD, {"SARIF": "out.sarif", "FAIL_LEVEL": "warning"}, 0),
        (GOOD, {"FILES": "policy.hujson\nmissing.hujson\n"}, 2),
        (GOOD, {"TARGET": "nothing; touch made"}, 2),
    ],
)
def test_the_action_checks_annotates_and_writes_the_summary(
    tmp_path: Path, policy: str, inputs: dict[str, str], status: int
) -> None:
    action = CI / "github" / "action.yml"
    _, script = scripts_of(action, "run")
    install_stand_in(tmp_path / "aclkit" / "bin")
    (tmp_path / "policy.hujson").write_text(policy, encoding="utf-8")
    values = {
        "RUNNER_TEMP": str(tmp_path),
        "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md"),
        "FILES": "policy.hujson\n",
        "TAILNET": "",
        "TARGET": "tailscale",
        "FAIL_LEVEL": "error",
        "SARIF": "",
    }
    assert set(values) >= set(re.findall(r"^ +([A-Z_]+): \$", action.read_text(), re.MULTILINE))
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=tmp_path,
        env=environment_of(tmp_path / "aclkit" / "bin", values | inputs),
        capture_output=True,
        check=False,
    )
    assert done.returncode == status, done.stderr
    assert (len(read(done.stdout.decode()).named("error")) > 0) is (status == 1)
    assert (tmp_path / "summary.md").exists() is ("TARGET" not in inputs)
    assert (tmp_path / "out.sarif").exists() is ("SARIF" in inputs)
    assert not (tmp_path / "made").exists()
