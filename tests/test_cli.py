from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aclkit.cli.main import COMMANDS, aclkit, main
from tests.command_line import GOOD, invoke, spawn


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "good.hujson").write_text(GOOD)
    for name in list(os.environ):
        if name.startswith("ACLKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_help_lists_every_command_with_a_line() -> None:
    result = invoke("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        (line,) = [line for line in result.stdout.splitlines() if line.startswith(f"  {name} ")]
        assert len(line.split()) > 2


def test_help_says_whole_sentences() -> None:
    text = invoke("--help").stdout + invoke("tailnet", "--help").stdout
    assert "..." not in text.partition("Commands:")[2].replace("[ARGS]...", "")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = invoke(name, "-h")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: aclkit {name} ")


def test_without_a_command_the_help_is_a_mistake_of_usage() -> None:
    result = invoke()
    assert result.exit_code == 2
    assert "Commands:" in result.output


def test_a_mistyped_command_gets_a_hint() -> None:
    result = invoke("chek")
    assert result.exit_code == 2
    assert "no command `chek`; did you mean `check`?" in result.stderr


def test_a_file_in_place_of_a_command_is_one_to_check(here: Path) -> None:
    (here / "acl.json").write_text("{}")
    for name in ("policy.hujson", "acl.json"):
        result = invoke(name)
        assert result.exit_code == 2
        assert f"no command `{name}`; type `aclkit check {name}` to check a policy" in result.stderr
    assert "aclkit check" not in invoke("nothing-like-it").stderr


def test_a_mistyped_option_gets_a_hint() -> None:
    result = invoke("check", "--tailnte", "x")
    assert result.exit_code == 2
    assert "--tailnet" in result.stderr


def test_a_mistake_of_the_user_is_no_bug(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["chek"]) == 2
    assert main(["check", "nowhere"]) == 2
    assert main(["check", "good.hujson", "--fail-level", "never"]) == 2
    assert "bug" not in capsys.readouterr().err


def test_a_bug_is_told_as_one_without_a_traceback(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ValueError("no \x1b[2J such thing")

    monkeypatch.setattr(aclkit, "main", broken)
    assert main(["check", "good.hujson"]) == 3
    told = capsys.readouterr().err
    assert "aclkit: ValueError: no <U+001B>[2J such thing\n" in told
    assert "a bug in aclkit" in told
    assert "ACLKIT_DEBUG=1" in told
    assert "Traceback" not in told


def test_a_bug_shows_its_traceback_to_those_who_ask(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(aclkit, "main", broken)
    monkeypatch.setenv("ACLKIT_DEBUG", "1")
    assert main(["check", "good.hujson"]) == 3
    assert "Traceback" in capsys.readouterr().err


def test_an_interrupt_ends_as_shells_expect(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("aclkit.cli.main.settings_here", interrupted)
    assert main(["check", "good.hujson"]) == 130
    assert "Traceback" not in capsys.readouterr().err


def test_a_full_disk_is_no_bug(here: Path) -> None:
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "aclkit", "check", "good.hujson"],
            stdout=full,
            stderr=subprocess.PIPE,
            cwd=here,
            check=False,
        )
    assert done.returncode == 2
    assert b"aclkit: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr


def test_the_module_is_the_program(here: Path) -> None:
    assert spawn("check", "good.hujson", cwd=here).status == 0
    assert spawn("chek", cwd=here).status == 2


def test_the_version_needs_no_command(here: Path) -> None:
    done = spawn("--version", cwd=here)
    assert done.status == 0
    assert done.out.startswith("aclkit ")


def test_the_command_line_leaves_the_names_of_the_library_alone() -> None:
    # Importing the module aclkit.check must not put it in the place of the function.
    probe = "import aclkit.cli.check, aclkit; print(callable(aclkit.check))"
    done = subprocess.run(
        [sys.executable, "-c", probe], capture_output=True, text=True, check=False
    )
    assert done.stdout == "True\n", done.stderr
