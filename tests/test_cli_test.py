"""``aclkit test``: what it prints, what it exits with, and that it is no other judge than check."""

from __future__ import annotations

import json
import os
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import BAD, FAILING, GOOD, UNTESTED, at_terminal, invoke, spawn

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
HIDING = """{
  "tagOwners": {"tag:web": []},
  "postures": {"posture:managed": ["custom:managed == true"]},
  "acls": [{"action": "accept", "src": ["alice@example.com"], "dst": ["tag:web:443"],
            "srcPosture": ["posture:managed"]}],
  "tests": [{"src": "alice@example.com", "deny": ["tag:web:443"]},
            {"src": "tag:web", "deny": ["alice@example.com:22"]}],
}
"""
TAILNET: dict[str, Any] = {
    "users": [{"login": "alice@example.com", "name": "Alice"}],
    "nodes": [
        {
            "name": "laptop",
            "user": "alice@example.com",
            "addresses": ["100.64.0.1"],
            "posture": {"custom:managed": True},
        },
        {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.2"]},
    ],
}
SCENARIO = """{
  "policy": "good.hujson",
  "tests": [{"name": "web works", "src": "alice@example.com", "accept": "tag:web:443"}],
  "never": [{"name": "no SSH", "src": "*", "dst": "tag:web", "ports": "22"}],
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory of policies and scenarios, with no settings around."""
    policies = {"good": GOOD, "bad": BAD, "failing": FAILING, "untested": UNTESTED}
    for name, text in (policies | {"hiding": HIDING}).items():
        (tmp_path / f"{name}.hujson").write_text(text)
    (tmp_path / "tailnet.json").write_text(json.dumps(TAILNET))
    folder = tmp_path / "scenarios"
    folder.mkdir()
    (tmp_path / "web.acltest.hujson").write_text(SCENARIO)
    (folder / "inner.acltest.hujson").write_text(SCENARIO.replace("good", "../good"))
    for name in list(os.environ):
        if name.startswith("ACLKIT_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_each_test_has_its_line() -> None:
    result = invoke("test", "good.hujson")
    assert result.exit_code == 0
    assert result.stdout == (
        "good.hujson:5:13: passed: tests[0] from `alice@example.com`\n\n"
        "good.hujson: note: no tailnet given: assumed one device per user and tag that the"
        " policy names (2 devices)\n"
        "good.hujson: 1 test passed\n"
    )


def test_a_failed_test_is_explained_with_its_rule() -> None:
    result = invoke("test", "failing.hujson")
    assert result.exit_code == 1
    assert "failing.hujson:5:79: failed: tests[0] from `alice@example.com` to" in result.stdout
    assert "  because: failing.hujson:4:12 acls[0] opens tag:web to group:eng\n" in result.stdout
    assert result.stdout.endswith("failing.hujson: 0 of 1 test passed\n")


def test_what_a_verdict_hides_stands_beside_it_and_changes_nothing() -> None:
    result = invoke("test", "hiding.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 0
    assert "hiding.hujson:6:13: passed: tests[0] from `alice@example.com`\n  truth: `deny` of" in (
        result.stdout
    )
    assert "such as laptop to web-1, tcp port 443" in result.stdout
    assert "[test-deny-lets-through] (hiding.hujson:4:12 acls[0])" in result.stdout
    assert result.stdout.endswith("2 tests passed; 1 verdict hides something\n")
    checked = invoke("check", "hiding.hujson", "--tailnet", "tailnet.json", "--format", "json")
    assert json.loads(checked.stdout)["files"][0]["accepted"]


def test_the_fail_level_makes_what_is_hidden_count() -> None:
    command = ("test", "hiding.hujson", "--tailnet", "tailnet.json", "--fail-level", "warning")
    assert invoke(*command).exit_code == 1
    assert invoke("test", "good.hujson", "--fail-level", "warning").exit_code == 0


def test_a_policy_without_tests_says_so() -> None:
    result = invoke("test", "untested.hujson")
    assert result.exit_code == 0
    assert result.stdout.endswith("untested.hujson: no tests in this policy\n")


def test_a_policy_with_errors_is_not_tested() -> None:
    result = invoke("test", "bad.hujson")
    assert result.exit_code == 1
    assert result.stdout.startswith("bad.hujson:4:42: error: ")
    assert "note: the tests were not run, since there are errors" in result.stdout
    assert result.stdout.endswith("bad.hujson: not run\n")


def test_a_scenario_is_run_with_its_own_policy() -> None:
    result = invoke("test", "web.acltest.hujson")
    assert result.exit_code == 0
    assert "passed: tests[0] from `alice@example.com` (web works)\n" in result.stdout
    assert "passed: never[0] from `*` (no SSH)\n" in result.stdout


def test_an_option_that_a_scenario_does_not_use_is_told() -> None:
    result = invoke("test", "web.acltest.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 0
    assert "--tailnet is not used: a scenario names its own" in result.stderr
    assert invoke("test", "web.acltest.hujson").stderr == ""
    assert invoke("test", "good.hujson", "--tailnet", "tailnet.json").stderr == ""


def test_a_folder_is_searched_for_scenarios(here: Path) -> None:
    result = invoke("test", ".")
    assert result.exit_code == 0
    assert result.stdout.count("2 tests passed") == 2
    assert result.stdout.endswith("2 files: all passed\n")
    (here / "empty").mkdir()
    result = invoke("test", "empty")
    assert result.exit_code == 2
    assert "no *.acltest.hujson in this folder" in result.stderr


def test_a_scenario_with_a_mistake_is_status_2(here: Path) -> None:
    (here / "odd.acltest.hujson").write_text(SCENARIO.replace("src", "scr", 1))
    result = invoke("test", "odd.acltest.hujson", "good.hujson")
    assert result.exit_code == 2
    assert "odd.acltest.hujson:3:35: error: unknown key `scr`" in result.stdout
    assert "did you mean `src`?" in result.stdout
    assert "1 test passed" in result.stdout
    assert result.stdout.endswith("2 files: 1 passed, 1 did not\n")


def test_a_scenario_of_a_refused_policy_is_status_1(here: Path) -> None:
    (here / "odd.acltest.hujson").write_text(SCENARIO.replace("good", "bad"))
    result = invoke("test", "odd.acltest.hujson")
    assert result.exit_code == 1
    assert "bad.hujson:4:42: error: " in result.stdout


def test_missing_files_are_status_2_and_the_others_are_tested() -> None:
    result = invoke("test", "none.hujson", "none.acltest.hujson", "good.hujson")
    assert result.exit_code == 2
    assert "none.hujson: no such file" in result.stderr
    assert "none.acltest.hujson: no such file" in result.stderr
    assert "1 test passed" in result.stdout


def test_tests_are_selected_by_a_text() -> None:
    result = invoke("test", "hiding.hujson", "--tailnet", "tailnet.json", "-k", "tests[1]")
    assert result.exit_code == 0
    assert "tests[0]" not in result.stdout
    assert result.stdout.endswith("1 test passed; 1 test was not selected\n")
    result = invoke("test", "good.hujson", "web.acltest.hujson", "-k", "no ssh")
    assert "good.hujson: 0 of 1 test selected\n" in result.stdout
    assert result.stdout.endswith("2 files: 1 passed, 1 had no test to run\n")
    assert result.exit_code == 0


def test_a_text_that_selects_nothing_is_no_silent_pass() -> None:
    result = invoke("test", "good.hujson", "-k", "nowhere")
    assert result.exit_code == 2
    assert "no test holds `nowhere`" in result.stderr


def test_a_text_that_selects_in_no_policy_without_errors_is_status_1() -> None:
    result = invoke("test", "good.hujson", "bad.hujson", "failing.hujson", "-k", "nowhere")
    assert result.exit_code == 1
    assert result.stdout.endswith("3 files: 0 passed, 1 did not, 2 had no test to run\n")


def test_a_policy_without_tests_is_not_counted_as_passed() -> None:
    result = invoke("test", "good.hujson", "untested.hujson")
    assert result.stdout.endswith("2 files: 1 passed, 1 had no test to run\n")


def test_a_scenario_for_headscale_is_refused_in_headscales_words(here: Path) -> None:
    text = SCENARIO.replace('"policy": "good', '"target": "headscale", "policy": "bad')
    (here / "web.acltest.hujson").write_text(text)
    result = invoke("test", "web.acltest.hujson")
    assert "\n  Headscale 0.29 says: " in result.stdout
    assert "Tailscale says" not in result.stdout


def test_without_a_name_the_policy_here_is_tested(here: Path) -> None:
    (here / "policy.hujson").write_text(GOOD)
    assert invoke("test").stdout.startswith("policy.hujson:5:13: passed: ")


def test_a_policy_comes_by_standard_input() -> None:
    result = invoke("test", "-", "--stdin-filename", "given.hujson", stdin=GOOD)
    assert result.exit_code == 0
    assert result.stdout.startswith("given.hujson:5:13: passed: ")
    assert invoke("test", "-", "--tailnet", "-", stdin=GOOD).exit_code == 2


def test_quiet_leaves_failures_and_what_is_hidden() -> None:
    assert invoke("test", "good.hujson", "-q").stdout == ""
    result = invoke("test", "hiding.hujson", "--tailnet", "tailnet.json", "-q")
    assert result.stdout.splitlines()[0].startswith("hiding.hujson:6:13: passed: tests[0]")
    assert len(result.stdout.splitlines()) == 2


def test_json_has_notes_and_explanations() -> None:
    result = invoke(
        *("test", "hiding.hujson", "failing.hujson", "--tailnet", "tailnet.json"),
        *("--format", "json"),
    )
    document = json.loads(result.stdout)
    assert document["format_version"] == 1
    hiding, failing = document["files"]
    (note,) = hiding["tests"][0]["notes"]
    assert (note["code"], note["contradicts"], note["line"]) == ("test-deny-lets-through", True, 6)
    assert note["flow"] == {
        "source": "laptop",
        "destination": "web-1",
        "protocol": "tcp",
        "port": 443,
        "router": None,
        "login": None,
    }
    assert (note["rule"]["section"], note["rule"]["line"]) == ("acls", 4)
    (failure,) = failing["tests"][0]["failures"]
    assert failure["because"][0]["rule"]["line"] == 4
    assert failure["why_not"] == []
    assert len(failure["fingerprint"]) == 32
    assert (hiding["silenced"], hiding["left_out"]) == (0, 0)


def test_junit_has_notes_and_explanations_as_output() -> None:
    result = invoke(
        *("test", "hiding.hujson", "failing.hujson", "--tailnet", "tailnet.json"),
        *("--format", "junit"),
    )
    root = ET.fromstring(result.stdout)
    outputs = [each.text or "" for each in root.findall("testsuite/testcase/system-out")]
    assert [text.partition(":")[0] for text in outputs] == ["truth", "because"]
    assert root.get("failures") == "1"


@pytest.mark.parametrize("form", ["concise", "sarif", "github", "gitlab", "markdown"])
def test_formats_that_know_findings_only_tell_what_is_hidden(form: str) -> None:
    result = invoke("test", "hiding.hujson", "--tailnet", "tailnet.json", "--format", form)
    assert result.exit_code == 0
    assert "test-deny-lets-through" in result.stdout


def test_a_report_is_written_beside_and_over_nothing(here: Path) -> None:
    assert invoke("test", "good.hujson", "--output", "json=out.json").exit_code == 0
    assert json.loads((here / "out.json").read_text())["files"][0]["accepted"]
    for output in ("json=good.hujson", "json=./out.json"):
        command = ("test", "good.hujson", "--output", "junit=out.json", "--output", output)
        assert invoke(*command).exit_code == 2
    assert (here / "good.hujson").read_text() == GOOD


def test_what_a_policy_holds_can_not_speak_to_the_terminal(here: Path) -> None:
    odd = GOOD.replace('"src": "alice@example.com"', '"src": "a\\u001b[31m@example.com"')
    (here / "odd.hujson").write_text(odd)
    result = invoke("test", "odd.hujson")
    assert result.exit_code == 1
    assert "\x1b" not in result.stdout
    (here / "odd.acltest.hujson").write_text(SCENARIO.replace("web works", "a\\u001b[31m"))
    assert "<U+001B>" in invoke("test", "odd.acltest.hujson").stdout


def test_a_narrow_terminal_is_enough(here: Path) -> None:
    done = at_terminal("test", "hiding.hujson", "--tailnet", "tailnet.json", cwd=here, columns=60)
    assert done.status == 0
    truth = done.out.partition("truth:")[2].partition("hiding.hujson:7")[0]
    assert all(len(line) <= 60 for line in truth.splitlines()[1:])


def test_it_works_piped_and_with_ascii_only(here: Path) -> None:
    (here / "odd.acltest.hujson").write_text(SCENARIO.replace("web works", "caf\u00e9"))
    done = spawn("test", "odd.acltest.hujson", cwd=here, environment={"PYTHONIOENCODING": "ascii"})
    assert done.status == 0
    assert "(caf<U+00E9>)" in done.out


def test_help_names_the_statuses() -> None:
    text = invoke("test", "--help").stdout
    assert "Exit status: 0 all passed" in text


@pytest.mark.parametrize("path", sorted((EXAMPLES / "broken").glob("*test*.hujson")))
def test_a_broken_example_fails_as_it_does_in_check(path: Path) -> None:
    command = (str(path), "--tailnet", str(EXAMPLES / "startup" / "tailnet.json"))
    assert invoke("test", *command).exit_code == invoke("check", *command).exit_code == 1
