from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.command_line import invoke
from tests.test_cli_can import DATA, at_columns, here
from tests.test_report_text import golden

__all__ = ["here"]


def test_rows_name_destinations_ports_and_rules() -> None:
    result = invoke("reach", "alice@example.com")
    assert result.exit_code == 0
    first, _, *rows, _, note = result.stdout.splitlines()
    assert first == "alice@example.com can reach 3 of 8 devices, subnets"
    assert [re.split("  +", row.strip()) for row in rows] == [
        ["to", "what", "ports", "rules"],
        ["tag:wiki", "1 device: wiki", "tcp 443", "policy.hujson:21:3 grants[0]"],
        [
            "printers",
            "10.20.30.0/24 through office-router",
            "tcp 631, 9100",
            "policy.hujson:22:3 grants[1]",
        ],
        ["tag:web", "2 devices: web-1, web-2", "tcp 22, 443", "policy.hujson:27:3 grants[2]"],
    ]
    assert note == "ping passes wherever anything does"


def test_a_part_of_the_source_is_counted() -> None:
    assert "  1 of 3  policy.hujson:29:3 grants[4]" in invoke("reach", "autogroup:member").stdout


def test_nothing_is_an_answer() -> None:
    result = invoke("reach", "wiki")
    assert (result.exit_code, result.stdout) == (0, "wiki reaches nothing\n")


def test_ports_are_joined_by_protocol(here: Path) -> None:
    rules = [
        {"action": "accept", "src": ["tag:a"], "dst": ["tag:b:80-90,85-95,22"]},
        {"action": "accept", "src": ["tag:a"], "dst": ["tag:b:53"], "proto": "udp"},
        {"action": "accept", "src": ["tag:b"], "dst": ["tag:a:*"], "proto": "icmp"},
        {"action": "accept", "src": ["tag:c"], "dst": ["tag:a:*"], "proto": "gre"},
    ]
    owners: dict[str, list[str]] = {f"tag:{name}": [] for name in "abc"}
    (here / "policy.hujson").write_text(json.dumps({"tagOwners": owners, "acls": rules}))
    (here / "aclkit.toml").unlink()
    assert "  tcp 22, 80-95; udp 22, 53, 80-95  " in invoke("reach", "tag:a", "-q").stdout
    assert "  icmp  " in invoke("reach", "tag:b", "-q").stdout
    assert "  47 *  " in invoke("reach", "tag:c", "-q").stdout


def test_json_has_complete_lists() -> None:
    data = json.loads(invoke("reach", "group:ops", "--format", "json").stdout)
    assert data["format_version"] == 1
    assert data["source"] == {"name": "group:ops", "devices": ["carol-laptop"], "addresses": []}
    assert len(data["devices"]) == 7
    assert {"name": "web-1", "tags": ["tag:web"]} in data["devices"]
    subnet = next(row for row in data["rows"] if row["destination"] == "printers")
    assert subnet["kind"] == "subnet"
    assert subnet["through"] == [{"router": "office-router", "addresses": ["10.20.30.0/24"]}]
    assert subnet["ports"] == {"tcp": [[631, 631], [9100, 9100]]}
    assert (subnet["sources"], subnet["of"]) == (1, 1)
    assert subnet["rules"][0]["line"] == 22


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (("alice@example.con",), "did you mean `alice@example.com`?"),
        (("tag:webb",), "unknown name `tag:webb`; did you mean `tag:web`?"),
        ((), "Missing argument"),
    ],
)
def test_a_mistake_is_told_with_status_2(args: tuple[str, ...], told: str) -> None:
    result = invoke("reach", *args)
    assert (result.exit_code, result.stdout) == (2, "")
    assert told in result.stderr


@pytest.mark.parametrize("columns", [60, 80])
def test_an_answer_at_a_terminal_is_laid_out_as_its_golden_shows(here: Path, columns: int) -> None:
    done = at_columns(columns, "reach", "group:ops", here=here)
    golden(DATA / f"reach.{columns}.txt", done.out)


def test_without_unicode_the_tree_is_ascii(here: Path) -> None:
    done = at_columns(80, "reach", "autogroup:member", here=here, ascii=True)
    assert done.out.isascii()
    golden(DATA / "reach.ascii.txt", done.out)
