"""Scenario files: what is read, what is refused and where, and what the answers are."""

from __future__ import annotations

import json
import pickle
import re
from pathlib import Path
from typing import Any

import pytest

import aclkit
from aclkit.analysis import scenarios
from aclkit.analysis.outcomes import Outcome, TestRun
from aclkit.analysis.scenarios import ScenarioError
from aclkit.catalogue.scenarios import SCENARIOS
from tests.test_docs import FENCE

ROOT = Path(__file__).resolve().parent.parent
DATA = Path(__file__).resolve().parent / "data" / "scenarios"
PAGE = ROOT / "docs" / "scenarios.md"
HEAD = '"policy": "policy.hujson", "tailnet": "tailnet.json"'


def run(select: str = "", /, **sections: Any) -> TestRun:
    data = {"policy": "policy.hujson", "tailnet": "tailnet.json"} | sections
    return scenarios.scenario_results(json.dumps(data), DATA, "case.acltest.hujson", select=select)


def one(section: str, entry: dict[str, Any]) -> Outcome:
    (outcome,) = run(**{section: [entry]}).outcomes
    return outcome


def got(outcome: Outcome) -> list[tuple[str, str, str]]:
    return [(f.destination, f.expected, f.got) for f in outcome.result.failures]


def mistakes(text: str, folder: Path = DATA) -> ScenarioError:
    with pytest.raises(ScenarioError) as refused:
        scenarios.scenario_results(text, folder, "case.acltest.hujson")
    return refused.value


# Each with its code and the part that is underlined.
MISTAKES = [
    ('{"tests": []}', "scenario-missing-key", '{"tests": []}'),
    (f"{{{HEAD}}}", "scenario-asks-nothing", f"{{{HEAD}}}"),
    (f'{{{HEAD}, "test": []}}', "scenario-unknown-key", '"test"'),
    (f'{{{HEAD}, "tests": [], "tests": []}}', "scenario-duplicate-key", '"tests"'),
    (f'{{{HEAD}, "tests": {{}}}}', "scenario-wrong-type", "{}"),
    (f'{{{HEAD}, "tests": [7]}}', "scenario-wrong-type", "7"),
    (f'{{{HEAD}, "tests": [{{"accept": ["db-1:22"]}}]}}', "scenario-missing-key", None),
    (f'{{{HEAD}, "tests": [{{"src": "laptop"}}]}}', "scenario-asks-nothing", None),
    (f'{{{HEAD}, "tests": [{{"src": [], "deny": ["db-1:22"]}}]}}', "scenario-asks-nothing", "[]"),
    (f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": []}}]}}', "scenario-asks-nothing", "[]"),
    (f'{{{HEAD}, "tests": [{{"src": 1, "deny": "db-1:22"}}]}}', "scenario-wrong-type", "1"),
    (f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1"}}]}}', "scenario-bad-port", "db-1"),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1:1-2"}}]}}',
        "scenario-bad-port",
        "db-1:1-2",
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1:99999"}}]}}',
        "scenario-bad-port",
        "99999",
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptopp", "deny": "db-1:22"}}]}}',
        "scenario-unknown-name",
        "laptopp",
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "tag:dbb:22"}}]}}',
        "scenario-unknown-name",
        "tag:dbb",
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "group:none", "deny": "db-1:22"}}]}}',
        "scenario-unknown-name",
        "group:none",
    ),
    (
        f'{{{HEAD}, "never": [{{"src": "erin@example.com", "dst": "*"}}]}}',
        "scenario-unknown-name",
        "erin@example.com",
    ),
    (
        f'{{{HEAD}, "never": [{{"src": "*", "dst": "svc:wiki"}}]}}',
        "scenario-unknown-name",
        "svc:wiki",
    ),
    (f'{{{HEAD}, "target": "headscail", "never": []}}', "scenario-unknown-name", "headscail"),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1:22", "proto": "tpc"}}]}}',
        "scenario-bad-protocol",
        "tpc",
    ),
    (
        f'{{{HEAD}, "never": [{{"src": "*", "dst": "*", "proto": "99"}}]}}',
        "scenario-bad-protocol",
        "99",
    ),
    (
        f'{{{HEAD}, "never": [{{"src": "*", "dst": "*", "proto": "icmp", "ports": "22"}}]}}',
        "scenario-bad-protocol",
        "icmp",
    ),
    (
        f'{{{HEAD}, "never": [{{"src": "*", "dst": "*", "ports": "90-80"}}]}}',
        "scenario-bad-port",
        "90-80",
    ),
    (f'{{{HEAD}, "never": [{{"dst": "*"}}]}}', "scenario-missing-key", None),
    (f'{{{HEAD}, "whoCan": [{{"dst": "db-1:22"}}]}}', "scenario-asks-nothing", None),
    (
        f'{{{HEAD}, "whoCan": [{{"dst": "db-1:22", "exactly": [], "atMost": []}}]}}',
        "scenario-asks-nothing",
        None,
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1:1", "supposing": []}}]}}',
        "scenario-wrong-type",
        "[]",
    ),
    (
        f'{{{HEAD}, "tests": [{{"src": "laptop", "deny": "db-1:1", "supposing": {{"a:b": []}}}}]}}',
        "scenario-wrong-type",
        "[]",
    ),
    ('{"policy": "none.hujson", "tests": []}', "scenario-file", '"none.hujson"'),
    ('{"policy": "", "tests": []}', "scenario-wrong-type", '""'),
    ('{"policy": 7, "tests": []}', "scenario-wrong-type", "7"),
    ("[]", "scenario-wrong-type", "[]"),
]


@pytest.mark.parametrize(("text", "code", "part"), MISTAKES)
def test_a_mistake_is_told_at_its_place_with_what_to_do(
    text: str, code: str, part: str | None
) -> None:
    error = mistakes(text)
    found = error.diagnostics[-1]
    assert found.code == code
    assert found.help
    assert found.primary.span is not None
    if part is not None:
        assert error.source.slice(found.primary.span) == part
    assert str(error).startswith("case.acltest.hujson:1:")


def test_each_code_of_scenarios_has_a_mistake_here() -> None:
    assert {entry.code for entry in SCENARIOS} == {code for _, code, _ in MISTAKES}


def test_all_mistakes_are_told_at_once() -> None:
    entry = {"src": "laptopp", "deny": ["tag:dbb:22"], "proto": "tpc"}
    error = mistakes(json.dumps(json.loads(f"{{{HEAD}}}") | {"tests": [entry]}))
    assert len(error.diagnostics) == 3
    assert [found.help for found in error.diagnostics][:2] == [
        "did you mean `laptop`?",
        "did you mean `tag:db`?",
    ]


def test_syntax_is_told_as_in_a_policy() -> None:
    assert mistakes('{"policy": }').diagnostics[0].primary.span is not None
    assert mistakes("\ud800").diagnostics[0].code == "lone-surrogate"


def test_an_error_can_be_pickled() -> None:
    error = mistakes("[]")
    again = pickle.loads(pickle.dumps(error))
    assert (again.diagnostics, again.source, str(again)) == (
        error.diagnostics,
        error.source,
        str(error),
    )


def test_the_tailnets_own_mistakes_are_told_with_their_places() -> None:
    text = '{"policy": "policy.hujson", "tailnet": {"nodes": [{"nam": "x"}]}, "never": []}'
    error = mistakes(text)
    assert error.source.name == "case.acltest.hujson"
    spans = [found.primary.span for found in error.diagnostics if found.primary.span]
    assert '"nam"' in [error.source.text[span.start : span.end] for span in spans]


def test_a_policy_in_the_scenario_keeps_its_places() -> None:
    text = '{\n"policy": {"acls": [{"action": "drop"}]},\n"never": [{"src": "*", "dst": "*"}]}'
    with pytest.raises(aclkit.PolicyError) as refused:
        scenarios.scenario_results(text, DATA, "case.acltest.hujson")
    assert str(refused.value).startswith("case.acltest.hujson:2:")


def test_policy_and_tailnet_may_stand_in_the_scenario() -> None:
    policy = {"tagOwners": {"tag:x": []}, "acls": [
        {"action": "accept", "src": ["a@example.com"], "dst": ["tag:x:22"]}]}  # fmt: skip
    text = json.dumps({"policy": policy, "never": [{"src": "a@example.com", "dst": "tag:x"}]})
    alone = scenarios.scenario_results(text, DATA, "case.acltest.hujson")
    assert not alone.passed
    assert "no tailnet given" in alone.assumptions[0]
    assert alone.policy.name == "case.acltest.hujson"


def test_devices_are_asked_with_the_postures_that_they_have() -> None:
    outcome = one("tests", {"src": "laptop", "accept": "db-1:22", "deny": "db-1:80"})
    assert outcome.result.passed
    outcome = one("tests", {"src": "phone", "accept": "db-1:5432"})
    assert got(outcome) == [("db-1:5432", "accept", "deny")]
    assert outcome.explained[0].why_not[0].code == "posture-not-met"


def test_for_a_group_each_device_must_get_through() -> None:
    outcome = one("tests", {"src": "group:eng", "accept": "tag:db:22"})
    assert got(outcome) == [("tag:db:22", "accept", "accept for some only")]
    assert outcome.explained[0].flow is not None
    assert outcome.explained[0].flow.src == "phone"
    outcome = one("tests", {"src": "group:eng", "deny": "tag:db:22"})
    assert got(outcome) == [("tag:db:22", "deny", "accept for some")]


def test_postures_can_be_supposed_and_taken_away() -> None:
    entry = {"src": "phone", "accept": "db-1:22", "supposing": {"custom:managed": True}}
    assert one("tests", entry).result.passed
    entry = {"src": "laptop", "deny": "db-1:22", "supposing": {"custom:managed": None}}
    assert one("tests", entry).result.passed
    entry = {"src": "laptop", "deny": "db-1:22", "supposing": {"custom:managed": 1}}
    assert one("tests", entry).result.passed


def test_several_sources_are_asked_one_by_one() -> None:
    outcome = one("tests", {"src": ["laptop", "phone"], "accept": ["db-1:22", "10.1.2.3:631"]})
    assert outcome.result.src == "laptop, phone"
    assert [failure.destination for failure in outcome.result.failures] == ["db-1:22"]
    assert outcome.explained[0].flow is not None
    assert outcome.explained[0].flow.src == "phone"


def test_a_protocol_can_be_named() -> None:
    assert one("tests", {"src": "phone", "accept": "router:53", "proto": "udp"}).result.passed
    assert one("tests", {"src": "phone", "deny": "router:53"}).result.passed


def test_a_route_is_reached_by_its_router() -> None:
    assert one("tests", {"src": "phone", "accept": "printers:631"}).result.passed
    outcome = one("tests", {"src": "phone", "accept": "10.2.0.1:631"})
    assert outcome.explained[0].why_not[0].code == "no-router"


@pytest.mark.parametrize("section", ["tests", "sshTests"])
def test_a_test_never_holds_for_want_of_devices(section: str) -> None:
    entry: dict[str, Any] = {"src": "group:new", "deny": "db-1:22"}
    if section == "sshTests":
        entry = {"src": "group:new", "dst": "db-1", "deny": "root"}
    (failure,) = one(section, entry).result.failures
    assert failure.got == ""
    assert failure.detail == "no device is `group:new`"


def test_a_login_needs_its_rule_and_an_open_port() -> None:
    assert one("sshTests", {"src": "laptop", "dst": "db-1", "accept": "root"}).result.passed
    assert one("sshTests", {"src": "laptop", "dst": "db-1", "deny": "ubuntu"}).result.passed
    outcome = one("sshTests", {"src": "laptop", "dst": "router", "check": "root"})
    assert got(outcome) == [("router", "check", "deny")]
    outcome = one("sshTests", {"src": "phone", "dst": "db-1", "accept": "root"})
    assert got(outcome) == [("db-1", "accept", "deny")]


def test_a_login_with_several_answers_names_them() -> None:
    outcome = one("sshTests", {"src": "group:eng", "dst": "db-1", "accept": "root"})
    assert got(outcome) == [("db-1", "accept", "accept or deny")]


def test_who_can_is_a_list_of_devices() -> None:
    assert one("whoCan", {"dst": "tag:db:22", "exactly": ["laptop", "desk"]}).result.passed
    assert one("whoCan", {"dst": "tag:db:22", "atMost": ["group:eng"]}).result.passed
    assert one("whoCan", {"dst": "tag:db:80", "exactly": []}).result.passed


def test_who_can_tells_who_is_too_many_and_who_is_missing() -> None:
    outcome = one("whoCan", {"dst": "tag:db:5432", "exactly": ["laptop", "phone"]})
    assert got(outcome) == [
        ("tag:db:5432", "nobody else", "others too"),
        ("tag:db:5432", "all of them", "fewer"),
    ]
    assert [failure.detail for failure in outcome.result.failures] == ["desk", "not phone"]
    assert outcome.explained[0].because[0].origin.index == 0
    assert outcome.explained[1].why_not[0].code == "posture-not-met"
    outcome = one("whoCan", {"dst": "tag:db:22", "atMost": ["laptop", "phone"]})
    assert got(outcome) == [("tag:db:22", "nobody else", "others too")]


def test_never_is_broken_with_a_counterexample_and_the_rule() -> None:
    outcome = one("never", {"src": "group:eng", "dst": "tag:db", "ports": "5000-6000"})
    assert got(outcome) == [("tag:db", "nothing", "a way through")]
    assert str(outcome.explained[0].flow) == "desk to db-1, tcp port 5432"
    assert outcome.explained[0].because[0].origin.index == 0
    assert one("never", {"src": "phone", "dst": "tag:db"}).result.passed
    assert one("never", {"src": "*", "dst": "tag:db", "proto": "sctp"}).result.passed


def test_only_names_who_may() -> None:
    assert one("only", {"src": "group:eng", "dst": "tag:db"}).result.passed
    outcome = one("only", {"src": "laptop", "dst": "tag:db"})
    assert got(outcome) == [("tag:db", "nobody else", "a way through")]
    assert str(outcome.explained[0].flow) == "desk to db-1, tcp port 22"
    assert one("only", {"src": [], "dst": "tag:db", "ports": "80"}).result.passed


def test_an_invariant_about_nobody_holds_and_says_so() -> None:
    outcome = one("never", {"src": "group:new", "dst": "tag:unused"})
    assert outcome.result.passed
    assert [note.code for note in outcome.notes] == ["test-no-devices"] * 2


def test_entries_come_in_the_order_of_the_file_and_can_be_selected() -> None:
    entries = {
        "never": [{"name": "first", "src": "phone", "dst": "tag:db"}],
        "tests": [{"name": "second", "src": "laptop", "accept": "db-1:22"}],
    }
    ran = run(**entries)
    assert [outcome.name for outcome in ran.outcomes] == ["first", "second"]
    assert [outcome.name for outcome in run("seco", **entries).outcomes] == ["second"]
    assert [outcome.name for outcome in run("never[0]", **entries).outcomes] == ["first"]
    assert run("PHONE", **entries).left_out == 1


def test_a_scenario_can_be_for_another_target() -> None:
    policy = {"acls": [{"action": "accept", "src": ["a@"], "dst": ["b@:22"]}]}
    nodes = [
        {"name": name, "user": f"{name}@", "addresses": [f"100.64.0.{at}"]}
        for at, name in enumerate("ab", 1)
    ]
    tailnet = {"users": [{"login": f"{name}@", "name": name} for name in "ab"], "nodes": nodes}
    ran = run(
        policy=policy, tailnet=tailnet, target="headscale",
        tests=[{"src": "a", "accept": "b:22"}, {"src": "b@", "deny": "a@:22"}],
    )  # fmt: skip
    assert ran.passed
    assert ran.target.startswith("headscale")


@pytest.mark.parametrize(
    "path", sorted(ROOT.glob("examples/*/*.acltest.hujson")), ids=lambda path: path.name
)
def test_the_examples_hold(path: Path) -> None:
    ran = scenarios.run_scenario(path)
    assert ran.outcomes
    assert ran.passed
    assert all(outcome.name for outcome in ran.outcomes)


def test_there_are_examples() -> None:
    assert len(list(ROOT.glob("examples/*/*.acltest.hujson"))) >= 2


def test_the_complete_example_of_the_page_holds() -> None:
    blocks = [match[2] for match in FENCE.finditer(PAGE.read_text("utf-8")) if match[1] == "hujson"]
    complete = [block for block in blocks if '"policy"' in block and "…" not in block]
    assert complete
    for block in complete:
        assert scenarios.scenario_results(block, ROOT / "docs", "page.acltest.hujson").passed


def test_each_key_is_on_the_page() -> None:
    source = (ROOT / "aclkit" / "analysis" / "scenario_files.py").read_text("utf-8")
    keys = set(re.findall(r'found(?:\.get\(|\[)"([a-zA-Z]+)"', source))
    assert len(keys) > 10
    page = PAGE.read_text("utf-8")
    assert sorted(key for key in keys if f"`{key}`" not in page) == []
