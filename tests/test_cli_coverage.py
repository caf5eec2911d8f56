from __future__ import annotations

import json
from pathlib import Path

import pytest

from aclkit.hujson.parser import parse
from aclkit.hujson.tree import plain
from tests.command_line import FAILING, GOOD, UNTESTED, at_terminal, invoke, spawn

ROOT = Path(__file__).resolve().parent.parent
OFFICE = str(ROOT / "examples" / "office" / "policy.hujson")
OFFICE_TAILNET = str(ROOT / "examples" / "office" / "tailnet.json")
HOMELAB = str(ROOT / "examples" / "homelab" / "policy.hujson")
HOMELAB_TAILNET = str(ROOT / "examples" / "homelab" / "tailnet.json")
TAILNET = json.dumps(
    {
        "users": [{"login": "alice@example.com"}],
        "nodes": [
            {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
            {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.2"]},
        ],
    }
)


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "good.hujson").write_text(GOOD)
    (tmp_path / "untested.hujson").write_text(UNTESTED)
    (tmp_path / "t.json").write_text(TAILNET)
    return tmp_path


def test_each_rule_is_listed_with_its_place() -> None:
    result = invoke("coverage", "good.hujson", "--tailnet", "t.json")
    assert result.exit_code == 0
    assert result.stdout == (
        "good.hujson:4:12: acls[0]: 1 of 1 part touched\n"
        "\n"
        "good.hujson: coverage 100%: 1 of 1 part of 1 rule touched\n"
    )
    assert result.stderr == ""


def test_untouched_parts_are_named_and_a_policy_without_tests_says_so() -> None:
    result = invoke("coverage", "untested.hujson", "--tailnet", "t.json")
    assert result.exit_code == 0
    assert "acls[0]: 0 of 1 part touched\n  not touched: tag:web tcp/udp 443\n" in result.stdout
    assert "note: no tests in this policy" in result.stdout


def test_without_a_tailnet_what_is_assumed_is_told() -> None:
    result = invoke("coverage", "good.hujson")
    assert result.exit_code == 0
    assert "no tailnet given" in result.stderr
    assert "no tailnet given" not in invoke("coverage", "good.hujson", "--quiet").stderr


def test_survivors_come_with_what_they_open_or_close() -> None:
    result = invoke("coverage", "untested.hujson", "--tailnet", "t.json", "--mutate")
    assert result.exit_code == 0
    assert (
        "untested.hujson:4:64: survives: acls[0] with all ports in `tag:web:443`\n"
        "  opens laptop to web-1, tcp port 22\n"
    ) in result.stdout
    assert "mutation 0%: 0 of 3 mutants noticed, 3 survive, 0 equivalent" in result.stdout


def test_when_quiet_only_what_is_open_is_named() -> None:
    loud = invoke("coverage", OFFICE, "--tailnet", OFFICE_TAILNET, "--mutate").stdout
    quiet = invoke("coverage", OFFICE, "--tailnet", OFFICE_TAILNET, "--mutate", "-q").stdout
    assert "grants[0]: 1 of 1 part touched" in loud
    assert "grants[0]: 1 of 1 part touched" not in quiet
    assert "ssh[0]: 2 of 3 parts touched" in quiet
    assert "survives:" in quiet


def test_generated_tests_are_all_that_goes_to_standard_output() -> None:
    result = invoke("coverage", "untested.hujson", "--tailnet", "t.json", "--generate")
    assert result.exit_code == 0
    tests = plain(parse(result.stdout).value)
    assert list(tests) == ["tests"]
    assert "they notice 3 of 3 survivors" in result.stderr


def test_generated_tests_are_written_with_the_policy(here: Path) -> None:
    args = ("--tailnet", "t.json", "--generate", "new.hujson")
    result = invoke("coverage", "untested.hujson", *args)
    assert result.exit_code == 0
    assert "mutation 0%" in result.stdout  # of the policy as it is
    assert "// " in (here / "new.hujson").read_text()
    again = invoke(
        "coverage", "new.hujson", "--tailnet", "t.json", "--min", "100", "--min-mutation", "100"
    )
    assert again.exit_code == 0, again.output
    assert invoke("check", "new.hujson", "--tailnet", "t.json").exit_code == 0


def test_the_policy_itself_may_get_the_tests(here: Path) -> None:
    args = ("--tailnet", "t.json", "--generate", "untested.hujson")
    assert invoke("coverage", "untested.hujson", *args).exit_code == 0
    assert '"tests"' in (here / "untested.hujson").read_text().replace("// tests", "")
    result = invoke("coverage", "untested.hujson", "--tailnet", "t.json", "--min-mutation", "100")
    assert result.exit_code == 0


def test_a_scenario_takes_what_tests_can_not_say(here: Path) -> None:
    args = ("--tailnet", HOMELAB_TAILNET, "--target", "headscale", "--generate", "new.hujson")
    result = invoke("coverage", HOMELAB, *args)
    assert "`tests` can't ask for 2 of them; --scenario FILE writes what can" in result.stderr
    result = invoke("coverage", HOMELAB, *args, "--scenario", "new.acltest.hujson")
    assert result.exit_code == 0
    assert "new.acltest.hujson: notices 2 survivors more" in result.stderr
    scenario = plain(parse((here / "new.acltest.hujson").read_text()).value)
    assert scenario["policy"] == "new.hujson"
    assert (here / scenario["tailnet"]).resolve() == Path(HOMELAB_TAILNET)
    assert invoke("test", "new.acltest.hujson").exit_code == 0


def test_a_figure_below_its_threshold_gives_exit_status_1_in_one_line() -> None:
    office = ("coverage", OFFICE, "--tailnet", OFFICE_TAILNET)
    result = invoke(*office, "--min", "90", "--min-mutation", "75.5")
    assert result.exit_code == 1
    assert result.stderr.splitlines() == [
        "aclkit: coverage is 88.8%, below --min 90",
        "aclkit: mutation is 62.9%, below --min-mutation 75.5",
    ]
    assert invoke(*office, "--min", "88", "--min-mutation", "62").exit_code == 0


def test_thresholds_are_settings(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "aclkit.toml").write_text("min = 100\nmin-mutation = 0.5")
    assert invoke("coverage", "untested.hujson", "--tailnet", "t.json").exit_code == 1
    assert invoke("coverage", "good.hujson", "--tailnet", "t.json").exit_code == 0
    monkeypatch.setenv("ACLKIT_MIN_MUTATION", "100")
    assert "mutation is" not in invoke("coverage", "good.hujson", "--tailnet", "t.json").stderr
    (here / "aclkit.toml").write_text('min = "much"')
    result = invoke("coverage", "good.hujson")
    assert result.exit_code == 2
    assert "`min` must be a number" in result.stderr


def test_a_threshold_is_a_percentage() -> None:
    result = invoke("coverage", "good.hujson", "--min", "101")
    assert result.exit_code == 2


def test_json_has_everything() -> None:
    args = ("--tailnet", OFFICE_TAILNET, "--generate", "--format", "json")
    result = invoke("coverage", OFFICE, *args)
    assert result.exit_code == 0
    document = json.loads(result.stdout)
    assert document["format_version"] == 1
    assert document["target"] == "tailscale"
    assert document["coverage"]["touched"] == 8
    rule = document["coverage"]["rules"][0]
    assert (rule["section"], rule["index"], rule["line"]) == ("grants", 0, 21)
    assert set(rule["parts"][0]) == {"destination", "protocols", "ports", "passed", "guarded"}
    mutation = document["mutation"]
    assert (len(mutation["noticed"]), len(mutation["survivors"])) == (17, 10)
    assert mutation["survivors"][0]["change"] == {
        "opens": False,
        "src": {"node": "bob-laptop"},
        "dst": {"node": "web-1"},
        "protocol": 6,
        "port": 22,
        "words": "closes bob-laptop to web-1, tcp port 22",
    }
    assert document["generated"]["left"] == 0
    assert document["generated"]["tests"]


def test_tests_that_fail_count_for_nothing_and_give_exit_status_1(here: Path) -> None:
    (here / "failing.hujson").write_text(FAILING)
    result = invoke("coverage", "failing.hujson", "--tailnet", "t.json", "--mutate")
    assert result.exit_code == 1
    assert "failed: tests[0] fails as it is, and counts for nothing" in result.stdout
    assert "coverage 0%" in result.stdout


def test_a_policy_may_come_from_standard_input() -> None:
    result = invoke("coverage", "-", "--tailnet", "t.json", stdin=GOOD)
    assert result.exit_code == 0
    assert "<stdin>:4:12: acls[0]" in result.stdout


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (("--generate", "t.json"), "would write over t.json"),
        (("--scenario", "s.acltest.hujson"), "--scenario goes with --generate"),
        (("--generate", "--scenario", "good.hujson"), "would write over good.hujson"),
        (("--generate", "a.hujson", "--scenario", "a.hujson"), "would write over a.hujson"),
        (("--generate", "--scenario", "-"), "`-` won't do"),
    ],
)
def test_no_input_is_written_over_by_accident(args: tuple[str, ...], said: str) -> None:
    result = invoke("coverage", "good.hujson", "--tailnet", "t.json", *args)
    assert result.exit_code == 2
    assert said in result.stderr


def test_a_file_that_is_not_there_gives_exit_status_2() -> None:
    assert invoke("coverage", "none.hujson").exit_code == 2
    assert invoke("coverage", "good.hujson", "--tailnet", "none.json").exit_code == 2


def test_it_works_at_a_narrow_terminal_and_in_ascii(here: Path) -> None:
    shown = at_terminal("coverage", "good.hujson", "--mutate", cwd=here, columns=60)
    assert shown.status == 0
    assert "mutation" in shown.out
    piped = spawn(
        *("coverage", "good.hujson", "--mutate"),
        cwd=here,
        environment={"PYTHONIOENCODING": "ascii"},
    )
    assert piped.status == 0
    assert "\x1b" not in piped.out


def test_nothing_of_a_policy_reaches_the_terminal_as_it_is(here: Path) -> None:
    text = UNTESTED.replace("alice@example.com", "al\\u202eice@example.com")
    (here / "odd.hujson").write_text(text)
    result = invoke("coverage", "odd.hujson", "--mutate")
    assert "\u202e" not in result.output
