"""Codes switched on and off: by flag, by settings file, by environment."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.command_line import GOOD, invoke

OPEN = GOOD.replace('"dst": ["tag:web:443"]', '"dst": ["tag:web:443", "tag:web:443"]').replace(
    '"acls": [', '"acls": [{"action": "accept", "src": ["*"], "dst": ["*:80"]}, '
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("ACLKIT_"):
            monkeypatch.delenv(name)
    (tmp_path / "policy.hujson").write_text(OPEN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def found(*args: str) -> str:
    result = invoke("check", "--format", "concise", *args)
    assert result.exit_code == 0, result.output
    return result.output


def test_a_flag_leaves_a_code_out() -> None:
    assert "[repeated-entry]" in found()
    assert "[repeated-entry]" not in found("--ignore", "repeated-entry")
    assert "[repeated-entry]" not in found("--ignore", "unused-host, repeated-entry")
    assert "[repeated-entry]" not in found("--ignore", "no-tests", "--ignore", "repeated-entry")


def test_a_flag_asks_for_a_code(here: Path) -> None:
    opened = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
    (here / "policy.hujson").write_text(opened)
    assert "[allow-all]" not in found()
    assert "[allow-all]" in found("--select", "allow-all")
    assert "[allow-all]" not in found("--select", "allow-all", "--ignore", "allow-all")


def test_settings_leave_codes_out_and_ask_for_codes(here: Path) -> None:
    opened = '{"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
    (here / "policy.hujson").write_text(opened)
    (here / "aclkit.toml").write_text('ignore = ["no-tests"]\nselect = ["allow-all"]')
    assert "[no-tests]" not in found()
    assert "[allow-all]" in found()


def test_the_environment_leaves_codes_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACLKIT_IGNORE", "repeated-entry no-tests")
    assert "[repeated-entry]" not in found()


@pytest.mark.parametrize("flag", ["--ignore", "--select"])
def test_an_unknown_code_is_a_mistake_of_usage(flag: str) -> None:
    result = invoke("check", flag, "repeated-entri")
    assert result.exit_code == 2
    assert "did you mean `repeated-entry`?" in result.output


def test_an_unknown_code_in_a_settings_file_is_one_too(here: Path) -> None:
    (here / "aclkit.toml").write_text('ignore = ["repeated-entri"]')
    assert invoke("check").exit_code == 2


def test_settings_that_are_no_list_of_codes_are_refused(here: Path) -> None:
    (here / "aclkit.toml").write_text('ignore = "no-tests"')
    result = invoke("check")
    assert result.exit_code == 2
    assert "`ignore` must be a list of codes" in result.output


def test_an_error_can_not_be_left_out() -> None:
    result = invoke("check", "--ignore", "undefined-group")
    assert result.exit_code == 2
    assert "is an error, which can't be ignored" in result.output


def test_warnings_that_are_ignored_do_not_fail_a_run() -> None:
    assert invoke("check", "--fail-level", "warning").exit_code == 1
    ignoring = ("--ignore", "repeated-entry,covered-rule")
    assert invoke("check", "--fail-level", "warning", *ignoring).exit_code == 0
