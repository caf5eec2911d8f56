from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.command_line import invoke
from tests.test_cli_can import DATA, at_columns, here
from tests.test_report_text import golden

__all__ = ["here"]


def rows(text: str) -> list[str]:
    """Return the lines of the table, without the empty ones."""
    return [line.strip() for line in text.splitlines()[2:] if line]


def test_rows_name_sources_devices_and_rules() -> None:
    result = invoke("who-can", "tag:web:22")
    assert result.exit_code == 0
    assert result.stdout.startswith("3 of 8 devices can reach tag:web port 22 over tcp\n\n")
    assert rows(result.stdout) == [
        "from       devices                      rules",
        "group:eng  2: alice-laptop, bob-laptop  policy.hujson:27:3 grants[2]",
        "group:ops  1: carol-laptop              policy.hujson:29:3 grants[4]",
    ]


def test_nobody_is_an_answer(here: Path) -> None:
    (here / "policy.hujson").write_text('{"tagOwners": {"tag:web": []}, "acls": []}')
    result = invoke("who-can", "tag:web:22")
    assert (result.exit_code, result.stdout) == (0, "nobody reaches tag:web port 22 over tcp\n")


def test_many_devices_are_counted_by_user(here: Path) -> None:
    policy = {"acls": [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]}
    users = [{"login": f"user{n}@example.com"} for n in range(9)]
    nodes = [
        {"name": f"n{n}-{k}", "user": f"user{n}@example.com", "addresses": [f"100.64.{n}.{k}"]}
        for n in range(9)
        for k in (1, 2, 3)
    ]
    (here / "policy.hujson").write_text(json.dumps(policy))
    (here / "tailnet.json").write_text(json.dumps({"users": users, "nodes": nodes}))
    assert "  27, of 9 users  " in invoke("who-can", "*:22").stdout
    two = [*users[:2]], nodes[:6]
    (here / "tailnet.json").write_text(json.dumps({"users": two[0], "nodes": two[1]}))
    assert "  6: user0@example.com 3, user1@example.com 3" in (invoke("who-can", "*:22").stdout)


def test_json_has_complete_lists() -> None:
    result = invoke("who-can", "printers:631", "--format", "json")
    data = json.loads(result.stdout)
    assert (data["format_version"], data["port"], data["protocol"]) == (1, 631, "tcp")
    assert data["destination"] == {
        "name": "printers",
        "devices": [],
        "addresses": ["10.20.30.0/24"],
    }
    assert data["devices"] == [
        {"name": "alice-laptop", "user": "alice@example.com"},
        {"name": "bob-laptop", "user": "bob@example.com"},
        {"name": "carol-laptop", "user": "carol@example.com"},
    ]
    first = data["rows"][0]
    assert first["source"] == "autogroup:member"
    assert first["users"] == {f"{name}@example.com": 1 for name in ("alice", "bob", "carol")}
    assert first["through"] == ["office-router"]
    assert (first["reached"], first["of"]) == (1, 1)
    assert [(rule["section"], rule["index"]) for rule in first["rules"]] == [("grants", 1)]


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("tag:dbb:22",), "unknown name `tag:dbb`; did you mean `tag:db`?"),
        (("tag:db",), "`tag:db` lacks a port"),
        (("tag:db:22", "--proto", "tpc"), "did you mean `tcp`?"),
        ((), "Missing argument"),
    ],
)
def test_a_mistake_is_told_with_status_2(args: tuple[str, ...], told: str) -> None:
    result = invoke("who-can", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


def test_without_a_tailnet_the_implied_one_is_told(here: Path) -> None:
    (here / "aclkit.toml").unlink()
    result = invoke("who-can", "tag:db:5432")
    assert "no tailnet given" in result.stderr
    assert "tag:web" in result.stdout


@pytest.mark.parametrize("columns", [60, 80])
def test_an_answer_at_a_terminal_is_laid_out_as_its_golden_shows(here: Path, columns: int) -> None:
    done = at_columns(columns, "who-can", "printers:631", here=here)
    golden(DATA / f"who-can.{columns}.txt", done.out)


def test_without_unicode_the_table_is_ascii(here: Path) -> None:
    done = at_columns(100, "who-can", "tag:web:22", here=here, ascii=True)
    assert done.out.isascii()
    golden(DATA / "who-can.ascii.txt", done.out)


def test_a_terminal_is_shown_no_more_rows_than_a_person_reads(here: Path) -> None:
    users = [f"user{n}@example.com" for n in range(50)]
    rule = {"action": "accept", "src": users, "dst": ["tag:a:22"]}
    (here / "policy.hujson").write_text(json.dumps({"tagOwners": {"tag:a": []}, "acls": [rule]}))
    (here / "aclkit.toml").unlink()
    done = at_columns(100, "who-can", "tag:a:22", "-q", here=here)
    assert "user39@example.com" in done.out
    assert "user40@example.com" not in done.out
    assert done.out.endswith("and 10 more: `--format json` has all\n")
    assert "user49@example.com" in invoke("who-can", "tag:a:22", "-q").stdout
