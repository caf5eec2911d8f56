from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aclkit.cli.main import COMMANDS, ELSEWHERE, aclkit, main
from tests.command_line import BAD, GOOD, invoke, spawn

# What reads a policy: as it is named, and the words for those who named none.
READING = {
    "check": ((), "aclkit check FILE"),
    "test": ((), "aclkit test FILE"),
    "fmt": ((), "aclkit fmt FILE"),
    "etag": ((), "aclkit etag FILE"),
    "compile": ((), "aclkit compile FILE"),
    "coverage": ((), "aclkit coverage FILE"),
    "can": (("tag:web", "tag:web:22"), "aclkit can SRC DST:PORT --policy FILE"),
    "who-can": (("tag:web:22",), "aclkit who-can DST:PORT --policy FILE"),
    "reach": (("tag:web",), "aclkit reach SRC --policy FILE"),
}


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


@pytest.mark.parametrize(("word", "here"), ELSEWHERE.items())
def test_the_words_of_other_programs_are_understood(word: str, here: str) -> None:
    result = invoke(word)
    assert result.exit_code == 2
    assert f"no command `{word}`; type `{here}`\n" in result.stderr
    assert invoke(*here.split()[1:], "--help").exit_code == 0


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


@pytest.mark.parametrize("name", READING)
def test_without_a_policy_it_says_what_to_type(name: str) -> None:
    asked, usage = READING[name]
    result = invoke(name, *asked)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "no policy named, and there is no policy.hujson here" in result.stderr
    assert f"type `{usage}`" in result.stderr


@pytest.mark.parametrize("name", [name for name in READING if name != "fmt"])
def test_without_a_name_the_policy_here_is_read(here: Path, name: str) -> None:
    (here / "policy.hujson").write_text(GOOD)
    asked, _ = READING[name]
    result = invoke(name, *asked)
    assert result.exit_code == (1 if name == "can" else 0)
    assert result.stdout


@pytest.mark.parametrize("name", READING)
def test_bytes_that_are_not_utf_8_are_a_finding(here: Path, name: str) -> None:
    data = b"{} // \xe9\n"
    (here / "policy.hujson").write_bytes(data)
    asked, _ = READING[name]
    result = invoke(name, *asked)
    assert result.exit_code == 1
    assert "[not-utf-8]" in result.output
    assert (here / "policy.hujson").read_bytes() == data


@pytest.mark.parametrize("name", ["compile", "coverage", "can", "who-can", "reach"])
def test_a_policy_with_errors_is_told_on_standard_error(here: Path, name: str) -> None:
    (here / "policy.hujson").write_text(BAD)
    asked, _ = READING[name]
    result = invoke(name, *asked, "--target", "headscale")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("policy.hujson:4:42: error: undefined group `group:enng`")
    assert "^^^^^^^^^^" in result.stderr
    assert "\n  Headscale 0.29 says: " in result.stderr


@pytest.mark.parametrize("name", ["compile", "coverage"])
def test_the_policy_may_be_a_setting(
    here: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    assert invoke(name).exit_code == 2
    monkeypatch.setenv("ACLKIT_POLICY", "good.hujson")
    assert invoke(name).exit_code == 0
    monkeypatch.delenv("ACLKIT_POLICY")
    (here / "aclkit.toml").write_text('policy = "good.hujson"\n')
    assert invoke(name).exit_code == 0


@pytest.mark.parametrize("name", [name for name in COMMANDS if name != "tailnet"])
def test_help_ends_with_what_to_type(name: str) -> None:
    examples = invoke(name, "--help").stdout.partition("Examples:\n")[2].splitlines()
    assert examples
    for line in examples:
        assert line.startswith(f"    aclkit {name}")
        assert len(line) <= 72
