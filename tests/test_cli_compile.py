from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

import aclkit
from tests.command_line import GOOD, at_terminal, invoke, unread

OFFICE = Path(__file__).resolve().parent.parent / "examples" / "office"
POLICY = """{
  "groups": {"group:eng": ["alice@example.com"]},
  "tagOwners": {"tag:web": [], "tag:db": []},
  "acls": [
    {"action": "accept", "src": ["group:eng"], "dst": ["tag:web:443,8000-8100", "tag:db:*"]},
    {"action": "accept", "src": ["alice@example.com"], "dst": ["tag:web:22"]},
    {"action": "accept", "src": ["tag:web"], "dst": ["tag:db:*"], "proto": "gre"},
  ],
  "grants": [
    {"src": ["tag:web"], "dst": ["tag:db"], "app": {"example.com/cap/backup": []}},
  ],
  "ssh": [{"action": "check", "src": ["group:eng"], "dst": ["tag:web"], "users": ["root"]}],
}
"""


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "policy.hujson").write_text(POLICY)
    for name in list(os.environ):
        if name.startswith("ACLKIT_") or name in ("NO_COLOR", "FORCE_COLOR"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def office(*args: str) -> Any:
    policy, tailnet = str(OFFICE / "policy.hujson"), str(OFFICE / "tailnet.json")
    result = invoke("compile", policy, "--tailnet", tailnet, *args)
    assert result.exit_code == 0, result.output
    return result


def test_every_node_has_what_the_library_gives() -> None:
    policy = aclkit.load_policy((OFFICE / "policy.hujson").read_bytes())
    tailnet = aclkit.load_tailnet(OFFICE / "tailnet.json")
    compiled = aclkit.compile_policy(policy, tailnet)
    result = office()
    assert json.loads(result.stdout) == {
        "format_version": 1,
        "target": "tailscale",
        "nodes": {node.name: compiled.netmap(node.name).to_dict() for node in tailnet.nodes},
    }
    assert len(result.stdout.splitlines()) == len(tailnet.nodes) + 2
    assert result.stderr == ""


def test_nodes_can_be_chosen_and_come_in_the_order_in_which_they_are() -> None:
    nodes = json.loads(office("--node", "wiki", "--node", "DB-1", "--node", "wiki").stdout)["nodes"]
    assert list(nodes) == ["wiki", "db-1"]


def test_an_unknown_node_gets_a_hint_and_nothing_is_written() -> None:
    policy, tailnet = str(OFFICE / "policy.hujson"), str(OFFICE / "tailnet.json")
    result = invoke("compile", policy, "--tailnet", tailnet, "--node", "wiki", "--node", "wbe-1")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "`wbe-1`; did you mean `web-1`?" in result.stderr


def test_without_a_tailnet_the_implied_one_is_told() -> None:
    result = invoke("compile", "policy.hujson")
    assert list(json.loads(result.stdout)["nodes"]) == ["alice@example.com", "web", "db"]
    assert result.stderr == (
        "aclkit: policy.hujson: no tailnet given: assumed one device per user and tag that"
        " the policy names (3 devices)\n"
    )
    assert invoke("compile", "policy.hujson", "-q").stderr == ""


def test_routes_that_nobody_approved_are_told(here: Path) -> None:
    router = {"name": "r", "tags": ["tag:web"], "addresses": ["100.64.0.1"]}
    data = {"nodes": [{**router, "advertised_routes": ["10.0.0.0/8"]}], "domains": ["example.com"]}
    (here / "tailnet.json").write_text(json.dumps(data))
    result = invoke("compile", "policy.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 0
    assert "no `approved_routes` given for `r`: what the policy" in result.stderr
    assert "1 warning: `aclkit check` tells more" in result.stderr


def test_what_only_the_tailnet_shows_is_an_error_too(here: Path) -> None:
    (here / "policy.hujson").write_text(POLICY.replace('group:eng"], "dst', 'user:*@x.org"], "dst'))
    (here / "tailnet.json").write_text('{"domains": ["example.com"]}')
    result = invoke("compile", "policy.hujson", "--tailnet", "tailnet.json")
    assert result.exit_code == 1
    assert "[foreign-domain]" in result.stderr


def test_a_target_decides_what_is_compiled(here: Path) -> None:
    text = '{"tagOwners": {"tag:a": []}}'
    rules = {}
    for target in ("tailscale", "headscale"):
        result = invoke("compile", "-", "--target", target, stdin=text)
        data = json.loads(result.stdout)
        rules[data["target"]] = data["nodes"]["a"]["packet_filter_rules"][0]["SrcIPs"]
    assert rules["headscale@0.29"] == ["*"]
    assert rules["tailscale"] != ["*"]


def test_the_setting_for_the_form_of_reports_is_not_meant(here: Path) -> None:
    (here / "aclkit.toml").write_text('format = "concise"\n')
    assert invoke("compile", "policy.hujson").exit_code == 0


def test_standard_input_is_read_once() -> None:
    assert invoke("compile", "-", "--tailnet", "-", stdin=GOOD).exit_code == 2


def cells(text: str) -> list[list[str]]:
    """Return the cells of each line of a table that is not drawn."""
    return [re.split(r"  +", line.strip()) for line in text.splitlines()]


def test_a_table_names_the_rule_behind_each_entry() -> None:
    result = invoke("compile", "policy.hujson", "--node", "web", "--format", "table")
    default, src = "tcp, udp, icmp, ipv6-icmp", "100.64.0.1, fd7a:115c:a1e0::1"
    assert cells(result.stdout) == [
        ["web (100.64.0.2/32, fd7a:115c:a1e0::2/128)"],
        ["from", "to", "protocol", "rule"],
        [
            src,
            "100.64.0.2:443,8000-8100, [fd7a:115c:a1e0::2]:443,8000-8100",
            default,
            "policy.hujson:5:5 acls[0]",
        ],
        [
            src,
            "100.64.0.2:22, [fd7a:115c:a1e0::2]:22",
            default,
            "policy.hujson:6:5 acls[1]",
        ],
        [src, "login as root", "ssh check", "policy.hujson:12:11 ssh[0]"],
    ]
    header, *lines = result.stdout.splitlines()[1:]
    assert all(line[header.index("to") - 1 :].startswith(" ") for line in lines)


def test_a_capability_has_its_rule(here: Path) -> None:
    result = invoke("compile", "policy.hujson", "--node", "db", "--format", "table", "-q")
    src, dst = "100.64.0.2, fd7a:115c:a1e0::2", "100.64.0.3:*, [fd7a:115c:a1e0::3]:*"
    assert cells(result.stdout)[2:] == [
        [
            src,
            "100.64.0.3/32, fd7a:115c:a1e0::3/128",
            "example.com/cap/backup",
            "policy.hujson:10:5 grants[0]",
        ],
        [
            "100.64.0.1, fd7a:115c:a1e0::1",
            dst,
            "tcp, udp, icmp, ipv6-icmp",
            "policy.hujson:5:5 acls[0]",
        ],
        [src, dst, "47", "policy.hujson:7:5 acls[2]"],
    ]


def test_a_node_without_rules_says_so() -> None:
    args = ("compile", "policy.hujson", "--node", "alice@example.com", "--format", "table")
    assert invoke(*args).stdout.endswith(")\n  nobody may reach this node\n")


def test_without_rule_sections_no_rule_is_named() -> None:
    result = invoke("compile", "-", "--format", "table", stdin='{"tagOwners": {"tag:a": []}}')
    assert "no rules in the policy\n" in result.stdout


def test_long_lists_are_counted(here: Path) -> None:
    users = ", ".join(f'"user{n}@example.com"' for n in range(5))
    rule = f'{{"action": "accept", "src": [{users}], "dst": ["tag:a:22"]}}'
    text = f'{{"tagOwners": {{"tag:a": []}}, "acls": [{rule}]}}'
    result = invoke("compile", "-", "--node", "a", "--format", "table", stdin=text)
    assert " 100.64.0.5 and 6 more  100.64.0.1:22," in result.stdout


def test_a_terminal_gets_a_table_with_lines(here: Path) -> None:
    args = ("compile", "policy.hujson", "--node", "web", "--format", "table")
    done = at_terminal(*args, cwd=here, columns=100)
    assert done.status == 0
    assert "┌" in done.out
    assert "│ policy.hujson:5:5 " in done.out


@pytest.mark.parametrize("columns", [20, 60, 80, 100])
def test_at_any_width_each_place_and_each_address_stays_whole(here: Path, columns: int) -> None:
    args = ("compile", "policy.hujson", "--node", "web", "--format", "table")
    done = at_terminal(*args, cwd=here, columns=columns)
    words = done.out.replace("│", " ").split()
    for whole in ("policy.hujson:5:5", "100.64.0.2:443,8000-8100,", "fd7a:115c:a1e0::1"):
        assert whole in words
    if columns > 20:  # where the longest word fits
        assert max(map(len, done.out.splitlines())) <= columns


def test_names_play_no_tricks_on_a_terminal() -> None:
    args = ("--stdin-filename", "\u202e.hujson", "--format", "table", "-q")
    result = invoke("compile", "-", *args, stdin=GOOD)
    assert "<U+202E>.hujson:4:12 acls[0]" in result.stdout


def test_nobody_has_to_read_to_the_end(here: Path) -> None:
    logins = ", ".join(f'"user{n}@example.com"' for n in range(60))
    rule = f'{{"action": "accept", "src": [{logins}], "dst": ["*:*"]}}'
    (here / "policy.hujson").write_text(f'{{"acls": [{rule}]}}')
    done = unread("compile", "policy.hujson", "-q", cwd=here)
    assert (done.status, done.err) == (0, "")
