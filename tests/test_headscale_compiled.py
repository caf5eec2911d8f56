"""What is compiled for versions of Headscale, and what is said of it."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.compiler.approximations import approximations
from aclkit.policy.durations import DurationSyntaxError, parse_prometheus_duration
from aclkit.policy.load import load_policy
from aclkit.tailnet.model import Tailnet
from aclkit.target import TARGETS, find_target
from tests.command_line import invoke

TAILNET: dict[str, Any] = {
    "users": [{"login": "alice@example.com", "name": "alice"}],
    "nodes": [
        {"name": "alice", "user": "alice@example.com", "addresses": ["100.64.0.1", "fd00::1"]},
        {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.3", "fd00::3"]},
    ],
}
OLD = [f"headscale@0.{minor}" for minor in range(23, 29)]
EXACT = ["tailscale", "headscale@0.29", "headscale@0.30"]


def compiled(target: str, **sections: object) -> CompiledPolicy:
    sections = {"tagOwners": {"tag:web": []}, "hosts": {"db": "10.0.0.1"}, "acls": []} | sections
    policy = load_policy(json.dumps(sections), target=target)
    return compile_policy(policy, Tailnet.from_dict(TAILNET))


def said(target: str, **sections: object) -> tuple[str, ...]:
    found = compiled(target, **sections)
    return approximations(found.rules.policy, found.rules.tailnet)


def login(**fields: object) -> dict[str, object]:
    rule = {"action": "accept", "src": ["tag:web"], "dst": ["tag:web"], "users": ["stir"]}
    return rule | fields


@pytest.mark.parametrize("target", EXACT)
def test_where_the_output_is_the_target_s_own_nothing_is_said(target: str) -> None:
    assert said(target, ssh=[login(users=["root"])]) == ()


@pytest.mark.parametrize("target", OLD)
def test_older_versions_have_the_order_and_merging_of_0_29(target: str) -> None:
    title = find_target(target).title
    assert said(target)[0] == (
        f"the rules allow what {title} allows, but their order and merging, and who is shown whom,"
        " are those of Headscale 0.29"
    )


def test_what_is_told_is_what_the_meaning_of_the_target_needs() -> None:
    ssh = [login(users=["root"], src=["group:g"])]
    count = {
        target: len(said(target, groups={"group:g": ["alice@example.com"]}, ssh=ssh))
        for target in TARGETS
    }
    assert list(count.values()) == [0, 7, 6, 6, 5, 4, 2, 0, 0]


def test_tagged_nodes_are_told_where_they_count_for_their_users() -> None:
    assert any("members of their users' groups too" in each for each in said("headscale@0.25"))
    assert any("for their users too, unless" in each for each in said("headscale@0.27"))
    assert not any("whose its tagged nodes are" in each for each in said("headscale@0.28"))


def test_without_tagged_nodes_nothing_is_told_of_them() -> None:
    policy = load_policy('{"acls": []}', target="headscale@0.26")
    tailnet = Tailnet.from_dict(TAILNET | {"nodes": TAILNET["nodes"][:1]})
    assert not any("whose its tagged nodes are" in each for each in approximations(policy, tailnet))


@pytest.fixture
def files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    policy = {"tagOwners": {"tag:web": []}, "acls": [], "ssh": [login()]}
    (tmp_path / "policy.hujson").write_text(json.dumps(policy))
    (tmp_path / "tailnet.json").write_text(json.dumps(TAILNET))
    return tmp_path


ARGUMENTS = ("policy.hujson", "--tailnet", "tailnet.json", "--target", "headscale@0.28")


@pytest.mark.usefixtures("files")
def test_json_says_what_is_approximated_and_standard_error_too() -> None:
    result = invoke("compile", *ARGUMENTS)
    listed = json.loads(result.stdout)["approximations"]
    assert listed[0].startswith("the rules allow what Headscale 0.28 allows")
    assert result.stderr == "".join(f"aclkit: policy.hujson: {each}\n" for each in listed)
    assert invoke("compile", *ARGUMENTS, "-q").stderr == ""


@pytest.mark.usefixtures("files")
@pytest.mark.parametrize(
    "command",
    [
        ("can", "alice", "web:22", "--policy"),
        ("who-can", "web:22", "--policy"),
        ("reach", "alice", "--policy"),
        ("coverage",),
    ],
    ids=lambda command: command[0],
)
def test_answers_say_what_is_approximated(command: tuple[str, ...]) -> None:
    stderr = invoke(*command, *ARGUMENTS).stderr
    assert stderr == invoke("compile", *ARGUMENTS).stderr
    assert invoke(*command, *ARGUMENTS, "-q").stderr == ""


@pytest.mark.usefixtures("files")
def test_the_tables_end_with_what_is_approximated() -> None:
    result = invoke("compile", *ARGUMENTS, "--format", "table")
    notes = [line for line in result.stdout.splitlines() if line.startswith("note: ")]
    assert notes[0].startswith("note: the rules allow what Headscale 0.28 allows")
    assert result.stdout.endswith(notes[-1] + "\n")
    assert result.stderr == ""


@pytest.mark.usefixtures("files")
def test_a_table_names_the_entry_behind_an_ssh_rule() -> None:
    result = invoke("compile", *ARGUMENTS, "--format", "table", "--node", "web")
    (row,) = [line for line in result.stdout.splitlines() if "login as stir" in line]
    assert row.endswith("  ssh accept  policy.hujson:1:52 ssh[0]")


def test_each_ssh_rule_knows_its_entry() -> None:
    ssh = [login(), login(action="check", src=["alice@example.com"])]
    explained = compiled("tailscale", ssh=ssh).netmap("web").explain_ssh()
    assert [(each.origin.section, each.origin.index) for each in explained] == [
        ("ssh", 1),
        ("ssh", 0),
    ]
    netmap = compiled("tailscale", ssh=ssh).netmap("web")
    assert tuple(each.rule for each in explained) == netmap.ssh_rules


@pytest.mark.parametrize(
    ("target", "period", "expected"),
    [
        ("headscale@0.25", "90m", timedelta(minutes=90)),
        ("headscale@0.26", "1d", timedelta(days=1)),
        ("headscale@0.28", "1w2d", timedelta(days=9)),
        ("headscale@0.28", None, None),
        ("headscale@0.29", None, timedelta(hours=12)),
        ("headscale@0.29", "always", timedelta(0)),
    ],
)
def test_the_period_of_a_check_is_read_as_the_version_does(
    target: str, period: str | None, expected: timedelta | None
) -> None:
    fields = {"checkPeriod": period} if period else {}
    found = compiled(target, ssh=[login(action="check", **fields)])
    assert found.ssh_check("web", "web") == expected


def test_a_period_that_no_duration_of_go_holds_is_refused() -> None:
    assert parse_prometheus_duration("292y") < 2**63
    with pytest.raises(DurationSyntaxError, match="duration out of range"):
        parse_prometheus_duration("293y")


def test_a_star_that_is_a_login_of_that_name_lets_nobody_in_and_hides_later_rules() -> None:
    ssh = [login(users=["*"]), login(users=["stir"])]
    found = compiled("headscale@0.28", ssh=ssh)
    web = found.node_number("web")
    assert found.rules.ssh.decide(web, web, "stir") is None
    first = compiled("headscale@0.26", ssh=ssh).rules.ssh.decide(web, web, "stir")
    assert first is not None
    assert first.number == 0


def test_groups_of_an_identity_provider_are_none_of_headscale() -> None:
    synced = {"groups": {"group:ops@example.com": ["alice@example.com"]}}
    rules = {"acls": [{"action": "accept", "src": ["group:ops@example.com"], "dst": ["*:22"]}]}
    for target, reached in (("tailscale", True), ("headscale@0.29", False)):
        policy = load_policy(json.dumps(rules), target=target)
        tailnet = Tailnet.from_dict(TAILNET | synced)
        assert compile_policy(policy, tailnet).reaches("alice", "web", 22) is reached
