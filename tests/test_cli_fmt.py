from __future__ import annotations

import os
import re
import time
from pathlib import Path

import pytest
from hypothesis import given

from aclkit.cli.layout_diff import layout_diff
from aclkit.hujson import parse
from aclkit.hujson.format import format_document
from tests.command_line import at_terminal, invoke, spawn
from tests.property.documents import TEXTS

UNTIDY = '{"acls": [], // rules\r\n  "groups":{}  }\n'
TIDY = '{\n\t"acls":   [], // rules\n\t"groups": {},\n}\n'
BROKEN = '{"acls" []}\n'


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name, text in (("untidy", UNTIDY), ("tidy", TIDY), ("broken", BROKEN)):
        (tmp_path / f"{name}.hujson").write_bytes(text.encode())
    for name in list(os.environ):
        if name.startswith("ACLKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def text_of(name: str) -> str:
    return Path(f"{name}.hujson").read_bytes().decode()


def test_a_file_is_formatted_in_place_and_named() -> None:
    result = invoke("fmt", "untidy.hujson")
    assert (result.exit_code, result.output) == (0, "reformatted untidy.hujson\n")
    assert text_of("untidy") == TIDY


def test_a_formatted_file_is_not_touched(here: Path) -> None:
    before = (here / "tidy.hujson").stat()
    result = invoke("fmt", "tidy.hujson")
    after = (here / "tidy.hujson").stat()
    assert (result.exit_code, result.output) == (0, "")
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_without_a_name_the_policy_here_is_formatted(here: Path) -> None:
    (here / "policy.hujson").write_text(UNTIDY)
    assert invoke("fmt").stdout == "reformatted policy.hujson\n"


def test_check_lists_and_writes_nothing() -> None:
    result = invoke("fmt", "--check", "tidy.hujson", "untidy.hujson")
    assert (result.exit_code, result.output) == (1, "would reformat untidy.hujson\n")
    assert text_of("untidy") == UNTIDY
    assert invoke("fmt", "--check", "tidy.hujson").exit_code == 0


def test_diff_shows_what_would_change_and_writes_nothing() -> None:
    result = invoke("fmt", "--diff", "untidy.hujson", "tidy.hujson")
    assert result.exit_code == 1
    assert result.stdout_bytes.decode() == (
        "--- untidy.hujson\n"
        "+++ untidy.hujson\tformatted\n"
        "@@ -1,2 +1,4 @@\n"
        '-{"acls": [], // rules\r\n'
        '-  "groups":{}  }\n'
        "+{\n"
        '+\t"acls":   [], // rules\n'
        '+\t"groups": {},\n'
        "+}\n"
    )
    assert text_of("untidy") == UNTIDY


def test_nothing_differs_in_a_formatted_file() -> None:
    result = invoke("fmt", "--diff", "--check", "tidy.hujson")
    assert (result.exit_code, result.output) == (0, "")


def test_a_diff_at_a_terminal_plays_no_tricks(here: Path) -> None:
    (here / "tricky.hujson").write_text("{} // \u202e \x1b[2J\n//end\n")
    done = at_terminal("fmt", "--diff", "tricky.hujson", cwd=here)
    assert done.status == 0, done.err  # formatted already
    (here / "tricky.hujson").write_text("{  } // \u202e \x1b[2J\n//end\n")
    done = at_terminal("fmt", "--diff", "tricky.hujson", cwd=here)
    assert done.status == 1
    assert "+{} // <U+202E> <U+001B>[2J\n" in done.out


def test_a_diff_at_a_terminal_shows_tabs_as_tabs(here: Path) -> None:
    done = at_terminal("fmt", "--diff", "untidy.hujson", cwd=here)
    assert done.out.startswith("--- untidy.hujson\n+++ untidy.hujson\tformatted\n")
    assert '-{"acls": [], // rules<U+000D>\n' in done.out
    assert '+\t"acls":   [], // rules\n' in done.out


def test_a_dash_is_from_standard_input_to_standard_output() -> None:
    result = invoke("fmt", "-", stdin=UNTIDY)
    assert (result.exit_code, result.stdout) == (0, TIDY)
    assert invoke("fmt", "-", stdin=TIDY).stdout == TIDY


def test_a_text_goes_out_in_utf_8_whatever_the_screen_can_show(here: Path) -> None:
    policy = "{} // zürich 😀\n".encode()
    done = spawn("fmt", "-", cwd=here, stdin=policy, environment={"PYTHONIOENCODING": "ascii"})
    assert (done.status, done.out.encode()) == (0, policy)


def test_a_dash_can_be_checked_under_another_name() -> None:
    args = ("fmt", "-", "--stdin-filename", "draft.hujson")
    assert invoke(*args, "--check", stdin=UNTIDY).output == "would reformat draft.hujson\n"
    assert invoke(*args, "--diff", stdin=UNTIDY).stdout.startswith("--- draft.hujson\n")
    assert invoke(*args, stdin=BROKEN).stderr.startswith("draft.hujson:1:9: error: ")


def test_a_dash_stands_alone() -> None:
    result = invoke("fmt", "-", "untidy.hujson", stdin=UNTIDY)
    assert result.exit_code == 2
    assert text_of("untidy") == UNTIDY


def test_a_syntax_error_is_shown_and_the_file_stays_as_it_is() -> None:
    result = invoke("fmt", "broken.hujson", "untidy.hujson")
    assert result.exit_code == 1
    assert result.stderr.startswith("broken.hujson:1:9: error: ")
    assert "^" in result.stderr
    assert result.stdout == "reformatted untidy.hujson\n"
    assert text_of("broken") == BROKEN


def test_a_missing_file_does_not_keep_the_others_from_being_formatted() -> None:
    result = invoke("fmt", "nowhere", "untidy.hujson", "broken.hujson")
    assert result.exit_code == 2
    assert "aclkit: nowhere: no such file or directory\n" in result.stderr
    assert text_of("untidy") == TIDY


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755])
def test_a_file_keeps_its_mode(here: Path, mode: int) -> None:
    path = here / "untidy.hujson"
    path.chmod(mode)
    invoke("fmt", "untidy.hujson")
    assert path.stat().st_mode & 0o7777 == mode
    assert text_of("untidy") == TIDY


def test_a_link_stays_a_link(here: Path) -> None:
    (here / "link.hujson").symlink_to("untidy.hujson")
    assert invoke("fmt", "link.hujson").exit_code == 0
    assert (here / "link.hujson").is_symlink()
    assert text_of("untidy") == TIDY


def test_what_is_no_plain_file_is_not_rewritten(here: Path) -> None:
    done = spawn("fmt", "/dev/stdin", cwd=here, stdin=UNTIDY.encode())
    assert done.status == 2
    assert "no plain file" in done.err


def test_a_write_that_fails_leaves_the_file_and_no_draft(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    before = sorted(here.iterdir())
    result = invoke("fmt", "untidy.hujson")
    assert result.exit_code == 2
    assert "can't write untidy.hujson: no space left on device" in result.stderr
    assert sorted(here.iterdir()) == before
    assert text_of("untidy") == UNTIDY


def applied(diff: list[str], before: str) -> str:
    """Apply a unified diff as `patch` does, and check every line that it names."""
    old = re.findall(r"[^\n]*\n|[^\n]+", before)
    new: list[str] = []
    at = 0
    body = "".join(diff).replace("\n\\ No newline at end of file\n", "\0")
    for line in re.findall(r"[^\n\0]*[\n\0]", body)[2:]:
        text = line[1:].removesuffix("\0")
        if line.startswith("@@"):
            numbers = re.fullmatch(r"@@ -(\d+)(?:,(\d+))? \+(\d+)(?:,(\d+))? @@\n", line)
            assert numbers
            start = int(numbers[1]) - (numbers[2] != "0")
            new += old[at:start]
            at = start
            assert len(new) == int(numbers[3]) - (numbers[4] != "0")
        elif line[0] == "+":
            new.append(text)
        else:
            assert old[at] == text
            at += 1
            new += [text] if line[0] == " " else []
    return "".join(new + old[at:])


@given(TEXTS.filter(lambda text: "\0" not in text))
def test_a_diff_applied_to_a_text_gives_the_formatted_text(text: str) -> None:
    after = format_document(parse(text))
    assert applied(list(layout_diff(text, after, "x")), text) == after
    assert applied(list(layout_diff(after, text, "x")), after) == text


def test_a_diff_of_a_large_text_with_few_distinct_lines_takes_no_time() -> None:
    before = "[\n" + "\t1,\n1,\n" * 10_000 + "]\n"
    after = format_document(parse(before))
    start = time.process_time()
    lines = list(layout_diff(before, after, "x"))
    assert time.process_time() - start < 1
    assert lines[3:7] == [" [\n", " \t1,\n", "-1,\n", "+\t1,\n"]
