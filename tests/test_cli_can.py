from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from tests.command_line import Done, at_terminal, invoke, spawn
from tests.test_report_text import ANSI, golden

DATA = Path(__file__).resolve().parent / "data" / "answers"
OFFICE = Path(__file__).resolve().parent.parent / "examples" / "office"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work in a copy of the office, with its policy and its tailnet as settings."""
    for name in ("policy.hujson", "tailnet.json"):
        (tmp_path / name).write_bytes((OFFICE / name).read_bytes())
    (tmp_path / "aclkit.toml").write_text('tailnet = "tailnet.json"\n')
    for name in list(os.environ):
        if name.startswith("ACLKIT_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def ask(*args: str) -> tuple[int, str]:
    """Return the exit status and the answer."""
    result = invoke("can", *args)
    return result.exit_code, result.stdout


def asked(*args: str) -> Any:
    """Return the answer for programs."""
    return json.loads(invoke("can", *args, "--format", "json").stdout)


@pytest.mark.parametrize(
    ("source", "destination", "status", "word"),
    [
        ("alice@example.com", "tag:web:22", 0, "yes: "),
        ("autogroup:member", "tag:db:22", 1, "for some: "),
        ("alice@example.com", "tag:db:5432", 1, "no: "),
        ("carol-laptop", "[fd7a:115c:a1e0::21]:443", 0, "yes: "),
        ("carol-laptop", "100.64.0.21:443", 0, "yes: "),
        ("carol-laptop", "10.20.30.0/24:443", 0, "yes: "),
        ("autogroup:member", "printers:631", 0, "yes: "),
        ("alice@example.com", "autogroup:internet:443", 1, "no: "),
        ("10.20.30.7", "wiki:443", 1, "no: "),
    ],
)
def test_the_answer_comes_first_and_decides_the_status(
    source: str, destination: str, status: int, word: str
) -> None:
    code, text = ask(source, destination)
    assert (code, text[: len(word)]) == (status, word)


def test_with_any_it_is_enough_that_some_can() -> None:
    assert ask("autogroup:member", "tag:db:22", "--any")[0] == 0
    assert ask("alice@example.com", "tag:db:22", "--any")[0] == 1


def test_a_yes_names_rule_and_expansion() -> None:
    text = ask("alice@example.com", "tag:web:22")[1]
    assert "\nbecause of\n" in text
    assert "\n  policy.hujson:27:3 grants[2]\n" in text
    assert "group:eng > alice@example.com > alice-laptop > 100.64.0.2" in text
    assert "why not" not in text


def test_a_no_has_code_place_and_edit() -> None:
    text = ask("alice@example.com", "tag:web:80")[1]
    assert "the rule opens 22, 443 of `tag:web`, not 80 [wrong-port]" in text
    assert "edit: add an access rule from `alice@example.com` to `tag:web:80` (in the policy)" in (
        text
    )
    assert text.index("[wrong-port]") < text.index("[source-not-in-rule]")


def test_some_has_both() -> None:
    text = ask("autogroup:member", "tag:db:22")[1]
    assert text.index("because of") < text.index("why not, the nearest miss first")


def test_a_subnet_names_the_router_on_the_way() -> None:
    assert "by way of office-router" in ask("bob@example.com", "10.20.30.7:631")[1]


def test_a_protocol_without_ports_needs_none() -> None:
    assert ask("tag:web", "tag:db", "--proto", "icmp")[0] == 0
    assert ask("tag:web", "tag:db:*", "--proto", "icmp")[0] == 0
    text = ask("tag:web", "[fd7a:115c:a1e0::21]", "--proto", "ipv6-icmp")[1]
    assert text.startswith("yes: tag:web to fd7a:115c:a1e0::21 over ipv6-icmp\n")
    assert "so ping passes and nothing more" in text
    assert ask("tag:web", "tag:db", "--proto", "47")[1].startswith(
        "no: tag:web to tag:db over protocol 47\n"
    )


def test_a_login_is_a_question_of_its_own() -> None:
    status, text = ask("carol@example.com", "tag:db", "--ssh", "root")
    assert (status, text.splitlines()[0]) == (
        0,
        "yes: carol@example.com to tag:db as root by SSH",
    )
    assert "1 pair of devices accepted" in text
    assert ask("alice@example.com", "tag:web:22", "--ssh", "root")[0] == 1
    data = asked("alice@example.com", "tag:web", "--ssh", "ubuntu")
    assert (data["login"], data["allowed"]) == ("ubuntu", "all")
    assert (data["accepts"], data["checks"], data["refused"]) == (0, 2, 0)


def test_json_has_the_verdict_with_its_reasons_and_edits() -> None:
    data = asked("autogroup:member", "tag:db:22")
    assert data["format_version"] == 1
    assert (data["port"], data["protocol"], data["allowed"]) == (22, "tcp", "some")
    assert data["sources"] == ["alice-laptop", "bob-laptop", "carol-laptop"]
    assert data["destinations"] == ["db-1"]
    (because,) = data["because"]
    assert because["rule"] == {
        "section": "grants",
        "index": 4,
        "file": "policy.hujson",
        "line": 29,
        "column": 3,
        "end_line": 29,
        "end_column": 52,
    }
    assert because["sources"] == ["group:ops"]
    reason = data["why_not"][0]
    assert reason["code"] == "source-not-in-rule"
    assert reason["edit"]["document"] == "policy"
    assert reason["edit"]["operations"][0]["op"] == "add"


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("alice@example.con", "tag:web:22"), "did you mean `alice@example.com`?"),
        (("group:engg", "tag:web:22"), "unknown name `group:engg`; did you mean `group:eng`?"),
        (("tag:web", "tag:dbb:22"), "unknown name `tag:dbb`; did you mean `tag:db`?"),
        (("tag:web", "dd-1:22"), "is called `dd-1`; did you mean `db-1`?"),
        (("autogroup:members!", "tag:db:22"), "did you mean `autogroup:members`?"),
        (("tag:web", "tag:db"), "`tag:db` lacks a port; write it behind a colon: `tag:db:443`"),
        (("tag:web", "db-1"), "`db-1` lacks a port; write it behind a colon: `db-1:443`"),
        (("tag:web", "tag:db:"), "`tag:db:` lacks a port; write it behind a colon: `tag:db:443`"),
        (("tag:web", "tag:my-db"), "`tag:my-db` lacks a port; write it behind a colon"),
        (("tag:web", "tag"), "`tag` lacks a port\n"),
        (("tag:web", "fd7a::1"), "lacks a port; write it behind a colon: `[fd7a::1]:443`"),
        (("tag:web", "::"), "write it behind a colon: `[::]:443`"),
        (("tag:web", "[::1]"), "write it behind a colon: `[::1]:443`"),
        (("tag:web", "fd7a::/48"), "write it behind a colon: `fd7a::/48:443`"),
        (("tag:web", "db-1:https"), "`https` is not a port: they are written as numbers"),
        (("tag:web", "tag:db:https"), "`https` is not a port: they are written as numbers"),
        (("tag:web", ""), "the destination is empty"),
        (("alice", "tag:db:22"), "is called `alice`; did you mean `alice@example.com`?"),
        (("eng", "tag:db:22"), "is called `eng`; did you mean `group:eng`?"),
        (("tag:web", "DB:22"), "is called `DB`; did you mean `tag:db`?"),
        (("tag:web", "tag:db:0"), "`0` is not a port"),
        (("tag:web", "tag:db:70000"), "`70000` is not a port"),
        (("tag:web", "tag:db:80,443"), "one port is asked about at a time, not `80,443`"),
        (("tag:web", "tag:db:*"), "one port is asked about at a time, not `*`"),
        (("tag:web", "tag:db:22", "--proto", "tpc"), "unknown protocol `tpc`; did you mean `tcp`?"),
        (("tag:web", "tag:db:22", "--proto", ""), "unknown protocol ``"),
        (("tag:web", "tag:db", "--ssh", ""), "`` is not a login; name one, such as `root`"),
        (("tag:web", "tag:db", "--ssh", "autogroup:nonroot"), "is not a login"),
        (("tag:web", "autogroup:self:22"), "differs from user to user"),
        (("tag:web", "tag:db", "--ssh", "root", "--proto", "tcp"), "exclude each other"),
        (("tag:web", "tag:db:22", "--policy", "nope.hujson"), "nope.hujson: no such file"),
        (("tag:web", "tag:db:22", "--tailnet", "nope.json"), "nope.json: no such file"),
        ((), "Missing argument"),
    ],
)  # fmt: skip
def test_a_mistake_is_told_with_status_2(args: tuple[str, ...], told: str) -> None:
    result = invoke("can", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_a_name_of_the_policy_without_a_device_is_no_mistake(here: Path) -> None:
    text = (here / "policy.hujson").read_text()
    (here / "policy.hujson").write_text(text.replace('"tag:wiki":', '"tag:spare": [], "tag:wiki":'))
    status, answer = ask("tag:spare", "tag:db:22")
    assert status == 1
    assert "[no-such-device]" in answer


def test_nobody_is_sent_to_the_name_that_was_refused() -> None:
    told = invoke("can", "autogroup:self", "tag:web:22").stderr
    assert "`autogroup:self` differs from user to user: name a user instead\n" in told


def test_the_internet_is_not_told_in_prefixes(here: Path) -> None:
    answer = ask("alice@example.com", "autogroup:internet:443")[1]
    assert "\n  to    the internet\n" in answer
    assert "no device is an exit node [no-router]" in answer
    assert "0.0.0.0" not in answer
    assert len(asked("alice@example.com", "autogroup:internet:443")["destinations"]) > 1


def test_the_policy_may_be_a_setting_or_standard_input(here: Path) -> None:
    text = (here / "policy.hujson").read_bytes()
    (here / "policy.hujson").rename(here / "other.hujson")
    assert invoke("can", "tag:web", "tag:db:5432", "--policy", "-", stdin=text).exit_code == 0
    (here / "aclkit.toml").write_text('policy = "other.hujson"\ntailnet = "tailnet.json"\n')
    assert ask("tag:web", "tag:db:5432")[0] == 0
    twice = invoke("can", "a", "b:1", "--policy", "-", "--tailnet", "-", stdin=text)
    assert twice.exit_code == 2


def test_without_a_tailnet_the_implied_one_is_told(here: Path) -> None:
    (here / "aclkit.toml").unlink()
    result = invoke("can", "tag:web", "tag:db:5432")
    assert result.exit_code == 0
    assert "no tailnet given: assumed one device per user and tag" in result.stderr
    assert invoke("can", "tag:web", "tag:db:5432", "-q").stderr == ""


def test_what_the_names_hold_plays_no_tricks_on_a_terminal() -> None:
    result = invoke("can", "\x1b[31malice", "tag:db:22")
    assert result.exit_code == 2
    assert "\x1b" not in result.stderr


def at_columns(columns: int, *args: str, here: Path, ascii: bool = False) -> Done:
    environment = {"NO_COLOR": "1"} | ({"PYTHONIOENCODING": "ascii"} if ascii else {})
    return at_terminal(*args, cwd=here, columns=columns, environment=environment)


@pytest.mark.parametrize("columns", [60, 80])
@pytest.mark.parametrize(
    ("name", "args"),
    [
        ("can-yes", ("bob@example.com", "10.20.30.7:631")),
        ("can-some", ("autogroup:member", "tag:db:22")),
        ("can-no", ("tag:web", "tag:wiki:443")),
    ],
)
def test_an_answer_at_a_terminal_is_laid_out_as_its_golden_shows(
    here: Path, name: str, args: tuple[str, ...], columns: int
) -> None:
    done = at_columns(columns, "can", *args, here=here)
    assert done.err == ""
    golden(DATA / f"{name}.{columns}.txt", done.out)


def test_an_answer_is_coloured_on_demand_only(here: Path) -> None:
    plain = ask("tag:web", "tag:db:5432")[1]
    painted = ask("tag:web", "tag:db:5432", "--color", "always")[1]
    assert "\x1b" not in plain
    assert ANSI.sub("", painted) == plain != painted


def test_without_unicode_everything_is_ascii(here: Path) -> None:
    done = spawn("can", "tag:web", "tag:db:22", cwd=here, environment={"PYTHONIOENCODING": "ascii"})
    assert done.status == 1
    assert done.out.isascii()
