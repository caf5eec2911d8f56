from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.command_line import BAD, FAILING, GOOD, UNTESTED, at_terminal, invoke, spawn, unread

FAILING_TWICE = FAILING.replace('"accept": ["tag:web:443"]', '"accept": ["tag:web:80"]')


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a directory of four policies, with no settings around."""
    for name, text in (("good", GOOD), ("bad", BAD), ("failing", FAILING), ("untested", UNTESTED)):
        (tmp_path / f"{name}.hujson").write_text(text)
    for name in list(os.environ):
        if name.startswith("ACLKIT_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_accepted_policy_is_clean() -> None:
    result = invoke("check", "good.hujson")
    assert result.exit_code == 0
    assert result.stdout.endswith("good.hujson: accepted: 1 test passed\n")


def test_an_error_is_told_with_its_place() -> None:
    result = invoke("check", "bad.hujson")
    assert result.exit_code == 1
    assert result.stdout.startswith("bad.hujson:4:42: error: ")
    assert "`group:enng`" in result.stdout
    assert "\n    |" + " " * 42 + "^^^^^^^^^^\n" in result.stdout


def test_a_failed_test_refuses_the_policy() -> None:
    result = invoke("check", "failing.hujson")
    assert result.exit_code == 1
    assert "failing.hujson:5:79: failed: tests[0] from `alice@example.com` to" in result.stdout
    assert "to `tag:web:443`: expected deny, got accept\n  5 |" in result.stdout


def test_what_was_assumed_is_told() -> None:
    assert "good.hujson: note: " in invoke("check", "good.hujson").stdout


def test_a_policy_without_tests_says_so() -> None:
    assert "no tests in this policy" in invoke("check", "untested.hujson").stdout


def test_without_a_name_the_policy_here_is_checked(here: Path) -> None:
    (here / "policy.hujson").write_text(BAD)
    result = invoke("check")
    assert result.exit_code == 1
    assert result.stdout.startswith("policy.hujson:4:42: ")


def test_a_dash_is_standard_input() -> None:
    result = invoke("check", "-", stdin=BAD)
    assert result.exit_code == 1
    assert result.stdout.startswith("<stdin>:4:42: ")


def test_standard_input_has_the_name_that_it_is_given() -> None:
    result = invoke("check", "-", "--stdin-filename", "draft.hujson", stdin=BAD)
    assert result.stdout.startswith("draft.hujson:4:42: ")


def test_standard_input_is_read_once() -> None:
    for args in (("-", "-"), ("-", "--tailnet", "-")):
        result = invoke("check", *args, stdin=GOOD)
        assert result.exit_code == 2
        assert "once" in result.stderr


def test_of_several_files_the_highest_status_counts() -> None:
    assert invoke("check", "good.hujson", "bad.hujson", "good.hujson").exit_code == 1
    assert invoke("check", "good.hujson", "nowhere", "bad.hujson").exit_code == 2


def test_a_missing_file_does_not_keep_the_others_from_being_checked() -> None:
    result = invoke("check", "nowhere", "bad.hujson")
    assert "aclkit: nowhere: no such file or directory\n" in result.stderr
    assert "bad.hujson:4:42: error: " in result.stdout


def test_a_directory_is_no_policy() -> None:
    result = invoke("check", ".")
    assert result.exit_code == 2
    assert result.stderr == "aclkit: .: is a directory\n"


def test_a_directory_with_a_policy_gets_a_hint(here: Path) -> None:
    (here / "policy.hujson").write_text(GOOD)
    for command in ("check", "test", "fmt", "compile"):
        result = invoke(command, ".")
        assert result.exit_code == 2
        assert result.stderr.endswith("; did you mean `policy.hujson`?\n")


def test_a_file_over_the_limit_is_a_finding(here: Path) -> None:
    with (here / "large.hujson").open("wb") as file:
        file.truncate(64 * 1024 * 1024)
    result = invoke("check", "large.hujson")
    assert result.exit_code == 1
    assert result.stdout.startswith("large.hujson:")


def test_warnings_count_where_they_are_asked_to(here: Path) -> None:
    tailnet = here / "tailnet.json"
    tailnet.write_text(
        json.dumps({"users": [{"login": "bob@example.com"}], "domains": ["example.com"]})
    )
    # In a tailnet without alice the group has an unknown member: a warning.
    args = ("check", "untested.hujson", "--tailnet", "tailnet.json")
    assert ": warning: " in invoke(*args).stdout
    assert invoke(*args).exit_code == 0
    assert invoke(*args, "--fail-level", "warning").exit_code == 1


def test_an_unknown_target_gets_a_hint() -> None:
    result = invoke("check", "good.hujson", "--target", "headscle")
    assert result.exit_code == 2
    assert "did you mean `headscale`?" in result.stderr


def test_a_target_is_named_in_the_report() -> None:
    result = invoke("check", "good.hujson", "--target", "headscale@0.29", "--format", "json")
    assert json.loads(result.stdout)["files"][0]["target"] == "headscale@0.29"


def test_a_mistyped_file_gets_a_hint(here: Path) -> None:
    (here / "sub").mkdir()
    (here / "sub" / "policy.hujson").write_text(GOOD)
    told = invoke("check", "god.hujson", "sub/polcy.hujson", "other/good.hujson").stderr
    assert "aclkit: god.hujson: no such file or directory; did you mean `good.hujson`?\n" in told
    assert "; did you mean `sub/policy.hujson`?\n" in told
    assert told.endswith("aclkit: other/good.hujson: no such file or directory\n")


def test_a_missing_tailnet_is_a_mistake_of_usage() -> None:
    result = invoke("check", "good.hujson", "--tailnet", "nowhere.json")
    assert result.exit_code == 2
    assert "nowhere.json: no such file or directory" in result.stderr


def test_a_wrong_tailnet_is_told_with_its_place(here: Path) -> None:
    (here / "tailnet.json").write_text('{\r\n  "nodes": 3\r\n}')
    result = invoke("check", "good.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("tailnet.json:2:")
    assert '2 |   "nodes": 3\n' in result.stderr
    assert result.stdout == ""


def test_the_tailnet_given_is_the_one_used(here: Path) -> None:
    node = {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.1"]}
    laptop = {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.2"]}
    users = [{"login": "alice@example.com"}]
    (here / "tailnet.json").write_text(json.dumps({"users": users, "nodes": [node, laptop]}))
    result = invoke("check", "good.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 0, result.output
    assert "accepted: 1 test passed\n" in result.stdout


def test_the_tailnet_can_come_from_standard_input() -> None:
    result = invoke("check", "good.hujson", "--tailnet", "-", stdin="{]")
    assert result.stderr.startswith("<stdin>:1:2: error:")
    assert result.stderr.endswith("\naclkit: <stdin>: no tailnet can be read from this\n")
    assert result.exit_code == 2


def test_json_goes_to_the_screen_and_concise_lines_to_a_file(here: Path) -> None:
    result = invoke("check", "bad.hujson", "--format", "json", "--output", "concise=out.txt")
    assert result.exit_code == 1
    assert not json.loads(result.stdout)["files"][0]["accepted"]
    assert (here / "out.txt").read_text().startswith("bad.hujson:4:42: error: ")


def test_several_outputs_come_from_one_run(here: Path) -> None:
    invoke("check", "bad.hujson", "--output", "json=a.json", "--output", "text=a.txt")
    assert json.loads((here / "a.json").read_text())["format_version"] == 1
    assert "^^^^^^^^^^" in (here / "a.txt").read_text()


def test_a_file_gets_no_colours_even_where_the_screen_does(here: Path) -> None:
    result = invoke("check", "bad.hujson", "--color", "always", "--output", "text=a.txt")
    assert "\x1b[" in result.stdout
    assert "\x1b[" not in (here / "a.txt").read_text()


@pytest.mark.parametrize("value", ["json", "json=", "=x", "jsn=x", "json=-"])
def test_an_output_that_is_none_is_refused(value: str) -> None:
    result = invoke("check", "good.hujson", "--output", value)
    assert result.exit_code == 2
    assert "Invalid value for '--output'" in result.stderr or "--output:" in result.stderr


@pytest.mark.parametrize("path", ["good.hujson", "./good.hujson", "t.json"])
def test_an_output_never_replaces_an_input(here: Path, path: str) -> None:
    (here / "t.json").write_text("{}")
    args = ("check", "good.hujson", "--tailnet", "t.json", "--output", f"json={path}")
    result = invoke(*args)
    assert result.exit_code == 2
    assert (here / "good.hujson").read_text() == GOOD
    assert (here / "t.json").read_text() == "{}"


def test_two_outputs_do_not_share_a_file() -> None:
    result = invoke("check", "good.hujson", "--output", "json=a", "--output", "text=a")
    assert result.exit_code == 2


def test_an_output_that_can_not_be_written_leaves_nothing_behind(here: Path) -> None:
    before = sorted(here.iterdir())
    result = invoke("check", "good.hujson", "--output", "json=no/such/place.json")
    assert result.exit_code == 2
    assert "no such file or directory" in result.stderr
    assert sorted(here.iterdir()) == before


def test_an_output_replaces_what_was_there_and_leaves_no_draft(here: Path) -> None:
    (here / "a.json").write_text("x" * 100_000)
    invoke("check", "good.hujson", "--output", "json=a.json")
    assert json.loads((here / "a.json").read_text())["files"][0]["accepted"]
    assert not list(here.glob(".a.json*"))


def test_an_output_through_a_link_keeps_the_link(here: Path) -> None:
    (here / "link.json").symlink_to("real.json")
    invoke("check", "good.hujson", "--output", "json=link.json")
    assert (here / "link.json").is_symlink()
    assert json.loads((here / "real.json").read_text())["files"][0]["accepted"]


def test_an_output_can_be_a_device(here: Path) -> None:
    done = spawn("check", "good.hujson", "-q", "--output", "json=/dev/stderr", cwd=here)
    assert done.status == 0
    assert json.loads(done.err)["files"][0]["accepted"]


def test_quiet_says_nothing_of_a_clean_policy() -> None:
    assert invoke("check", "good.hujson", "-q").output == ""
    assert invoke("check", "bad.hujson", "-q").stdout != ""


def test_colours_go_by_flag_then_no_color_then_force_color(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def coloured(*args: str) -> bool:
        return "\x1b[" in invoke("check", "bad.hujson", *args).stdout

    assert not coloured()
    assert coloured("--color", "always")
    monkeypatch.setenv("FORCE_COLOR", "1")
    assert coloured()
    assert not coloured("--color", "never")
    monkeypatch.setenv("NO_COLOR", "1")
    assert not coloured()
    assert coloured("--color", "always")


def test_a_terminal_gets_colours_and_its_own_width(here: Path) -> None:
    long_line = BAD.replace("\n", " ").replace("// ", "")
    (here / "long.hujson").write_text(long_line)
    done = at_terminal("check", "long.hujson", cwd=here, columns=60)
    assert done.status == 1
    assert "\x1b[1;31merror:\x1b[0m" in done.out
    assert "…" in done.out


def test_a_terminal_gets_a_table_of_failed_tests(here: Path) -> None:
    (here / "failing.hujson").write_text(FAILING_TWICE)
    done = at_terminal("check", "failing.hujson", cwd=here, environment={"NO_COLOR": "1"})
    assert done.status == 1
    assert "┌─" in done.out
    assert done.out.count("│ tests[0]") == 2
    assert "\x1b" not in done.out


def test_a_terminal_without_unicode_gets_a_table_in_ascii(here: Path) -> None:
    (here / "failing.hujson").write_text(FAILING_TWICE + "// é設\n")
    done = at_terminal(
        "check", "failing.hujson", cwd=here, environment={"PYTHONIOENCODING": "ascii"}
    )
    assert done.status == 1
    assert done.out.isascii()
    assert "| tests[0]" in done.out


@pytest.mark.parametrize("columns", [60, 80])
def test_a_narrow_terminal_breaks_no_path_and_keeps_the_excerpts(here: Path, columns: int) -> None:
    folder = here / "a-folder-with-quite-a-long-name"
    folder.mkdir()
    (folder / "policy.hujson").write_text(FAILING_TWICE)
    path = "a-folder-with-quite-a-long-name/policy.hujson"
    done = at_terminal("check", path, cwd=here, columns=columns)
    assert done.out.count(f"{path}:5:") == 2
    assert done.out.count('"deny": [') == 2


def test_the_name_of_a_file_must_not_be_empty() -> None:
    for args in (("check", ""), ("check", "good.hujson", "--tailnet", ""), ("etag", "")):
        result = invoke(*args)
        assert result.exit_code == 2
        assert result.stderr == "aclkit: the name of a file is empty; `-` is standard input\n"


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664])
def test_a_report_keeps_the_mode_of_its_file(here: Path, mode: int) -> None:
    path = here / "report.json"
    path.write_text("old")
    path.chmod(mode)
    (here / "link").symlink_to(path)
    for name in ("report.json", "link"):
        assert invoke("check", "good.hujson", "--output", f"json={name}").exit_code == 0
    assert path.stat().st_mode & 0o7777 == mode
    assert (here / "link").is_symlink()
    assert json.loads(path.read_text())["format_version"] == 1


def test_a_dumb_terminal_gets_no_colours(here: Path) -> None:
    done = at_terminal("check", "bad.hujson", cwd=here, environment={"TERM": "dumb"})
    assert "\x1b" not in done.out


def test_output_that_is_not_utf_8_is_still_readable(here: Path) -> None:
    (here / "bad.hujson").write_text(BAD.replace("enng", "設計"), encoding="utf-8")
    done = spawn("check", "bad.hujson", cwd=here, environment={"PYTHONIOENCODING": "latin-1"})
    assert done.status == 1
    assert "group:<U+8A2D><U+8A08>" in done.out


def test_a_reader_that_goes_away_changes_no_status(here: Path) -> None:
    # More than a pipe holds, so that the child is still writing when its reader goes.
    groups = ", ".join(f'"group:number-{number}"' for number in range(600))
    (here / "bad.hujson").write_text(BAD.replace('"group:enng"', groups))
    done = unread("check", "bad.hujson", cwd=here)
    assert (done.status, done.err) == (1, "")


def test_a_clean_check_loads_no_package_that_it_does_not_need(here: Path) -> None:
    probe = (
        "import sys; from aclkit.cli.main import main; status = main(['check', 'good.hujson']);"
        "print([name for name in ('rich', 'json5', 'netaddr', 'tomllib', 'difflib', 'json')"
        " if name in sys.modules]); sys.exit(status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", probe], cwd=here, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0
    loaded = done.stdout.splitlines()[-1]
    for name in ("rich", "json5", "netaddr", "tomllib"):
        assert name not in loaded


@pytest.mark.parametrize("text", ["null", "[]", '"acls"', "7"])
def test_what_is_no_object_is_told_what_a_policy_looks_like(text: str) -> None:
    result = invoke("check", "-", stdin=text)
    assert result.exit_code == 1
    assert 'help: write `{"acls": […], …}`, or at least `{}`\n' in result.stdout
