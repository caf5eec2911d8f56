"""The reasons of a yes and of a no: scenario by scenario, as docs/answers.md shows them."""

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

import aclkit
from aclkit.compiled import CompiledPolicy, SshVerdict, Verdict
from aclkit.evaluator.query import Allowed, Because
from aclkit.evaluator.reasons import CODES, WhyNot
from aclkit.evaluator.sides import UnknownSideError
from tests.answer_scenarios import Scenario, scenarios
from tests.json_patch import applied
from tests.write_answers import ANSWERS, answers_page, code_of

ALL = list(scenarios())
YES = [scenario for scenario in ALL if scenario.is_yes]
NO = [scenario for scenario in ALL if not scenario.is_yes]
EVALUATOR = Path(aclkit.__path__[0]) / "evaluator"


def name_of(scenario: Scenario) -> str:
    return scenario.name


def reason_of(scenario: Scenario) -> WhyNot:
    code = code_of(scenario)
    return next(each for each in scenario.asked(scenario.compiled).why_not if each.code == code)


@pytest.mark.parametrize("scenario", NO, ids=name_of)
def test_a_no_has_the_reasons_of_its_scenario(scenario: Scenario) -> None:
    verdict = scenario.asked(scenario.compiled)
    assert [reason.code for reason in verdict.why_not] == scenario.data["codes"]
    reason = reason_of(scenario)
    assert reason.message == scenario.data["message"]
    assert (reason.edit.words if reason.edit else None) == scenario.data["edit"]


@pytest.mark.parametrize("scenario", NO, ids=name_of)
def test_the_edits_of_a_scenario_make_it_a_yes(scenario: Scenario) -> None:
    for reason in scenario.asked(scenario.compiled).why_not:
        if reason.edit is not None:
            policy, tailnet = applied(scenario.world, reason.edit)
            assert scenario.asked(compiled(policy, tailnet)).allowed is Allowed.ALL


def shown(reason: Because) -> dict[str, Any]:
    """What is worth showing of a reason."""
    parts = {
        "rule": f"{reason.origin.section}[{reason.origin.index}]",
        "devices": list(reason.devices),
        "router": reason.router,
        "via": reason.via,
        "icmp_only": reason.icmp_only,
        "action": reason.action,
        "recorders": list(reason.recorders),
        "expansions": [list(each) for each in reason.expansions],
    }
    return {name: part for name, part in parts.items() if part}


@pytest.mark.parametrize("scenario", YES, ids=name_of)
def test_a_yes_has_the_reasons_of_its_scenario(scenario: Scenario) -> None:
    verdict = scenario.asked(scenario.compiled)
    assert verdict.allowed is Allowed.ALL
    assert [shown(reason) for reason in verdict.because] == scenario.data["because"]
    assert verdict.because[0].expansion == verdict.because[0].expansions[0]


def test_every_code_has_a_scenario_and_stands_in_the_code() -> None:
    assert {code_of(scenario) for scenario in NO} == set(CODES)
    written = set()
    for path in EVALUATOR.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "WhyNot":
                assert isinstance(node.args[0], ast.Constant), path
                written.add(node.args[0].value)
    assert written == set(CODES)


def test_the_page_about_answers_is_what_the_scenarios_say() -> None:
    assert ANSWERS.read_text(encoding="utf-8") == answers_page(), (
        "run `python -m tests.write_answers`"
    )


def compiled(policy: dict[str, Any] | str, tailnet: dict[str, Any]) -> CompiledPolicy:
    text = policy if isinstance(policy, str) else json.dumps(policy)
    return aclkit.compile_policy(aclkit.load_policy(text), aclkit.Tailnet.from_dict(tailnet))


TAILNET: dict[str, Any] = {
    "users": [{"login": "ann@example.com"}],
    "nodes": [
        {"name": "laptop", "user": "ann@example.com", "addresses": ["100.64.0.1"]},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.2"]},
        {"name": "gate", "tags": ["tag:db"], "addresses": ["100.64.0.3"],
         "advertised_routes": ["10.0.0.0/16"], "approved_routes": []},
    ],
}  # fmt: skip


def only_edit(verdict: Verdict | SshVerdict) -> list[dict[str, Any]]:
    edit = verdict.why_not[0].edit
    assert edit is not None
    return list(edit.operations)


def test_an_edit_spells_sections_as_the_file_does() -> None:
    text = '{"ACLs": [], "TagOwners": {"tag:x": []}, "SSH": []}'
    fast = compiled(text, TAILNET)
    paths = [each["path"] for each in only_edit(fast.query_ssh("laptop", "db-1", "root"))]
    assert paths == ["/TagOwners/tag:db", "/SSH/-", "/ACLs/-"]


def test_an_edit_makes_the_sections_that_are_missing() -> None:
    fast = compiled({"grants": []}, TAILNET)
    paths = [each["path"] for each in only_edit(fast.query_ssh("laptop", "db-1", "root"))]
    assert paths == ["/tagOwners", "/ssh", "/acls"]


def test_an_edit_keeps_what_absent_sections_open() -> None:
    fast = compiled({"tagOwners": {"tag:db": []}}, TAILNET)
    edit = fast.query("laptop", "10.0.0.7", 22).why_not[0].edit
    assert edit is not None
    assert edit.also is None  # the rule that opens everything is there
    away = compiled({"tagOwners": {"tag:db": []}, "acls": []}, TAILNET)
    edit = away.query("laptop", "10.0.0.7", 22).why_not[0].edit
    assert edit is not None
    assert edit.also is not None


def test_an_edit_of_the_tailnet_first_tests_that_it_is_about_the_right_node() -> None:
    fast = compiled({"acls": []}, TAILNET)
    first, _ = only_edit(fast.query("laptop", "10.0.0.7", 22))
    assert first == {"op": "test", "path": "/nodes/1/name", "value": "gate"}
    assert fast.rules.tailnet.to_dict()["nodes"][1]["name"] == "gate"


@pytest.mark.parametrize("login", ["", " ", "*", "autogroup:nonroot", "localpart:*@example.com"])
def test_a_word_for_many_logins_is_no_login(login: str) -> None:
    with pytest.raises(ValueError, match="is not a login"):
        compiled({"acls": []}, TAILNET).query_ssh("laptop", "db-1", login)


@pytest.mark.parametrize("word", ["autogroup:self", "nothing", "tag:"])
def test_a_word_that_is_no_side_is_refused(word: str) -> None:
    with pytest.raises(UnknownSideError):
        compiled({"acls": []}, TAILNET).query(word, "laptop", 22)


def test_a_range_of_addresses_is_a_side() -> None:
    verdict = compiled({}, TAILNET).query("100.64.0.1-100.64.0.2", "100.64.0.3", 22)
    assert verdict.sources == ("db-1", "laptop")
    assert verdict.allowed is Allowed.ALL


def test_ssh_to_what_is_no_device_is_refused() -> None:
    verdict = compiled({}, TAILNET).query_ssh("laptop", "10.0.0.7", "root")
    assert (verdict.allowed, verdict.refused) == (Allowed.NONE, 1)
    assert [reason.code for reason in verdict.why_not] == ["no-such-device"]


POLICY: dict[str, Any] = {
    "tagOwners": {"tag:db": [], "tag:web": []},
    "groups": {"group:eng": ["u0@example.com", "u1@example.com"]},
    "acls": [
        {"action": "accept", "src": ["group:eng"], "dst": ["tag:db:22", "autogroup:self:*"]},
        {"action": "accept", "src": ["tag:web"], "dst": ["tag:db:5432"]},
    ],
    "ssh": [{"action": "accept", "src": ["group:eng"], "dst": ["tag:db"], "users": ["root"]}],
}


def tailnet_of(count: int) -> dict[str, Any]:
    """A tailnet of *count* nodes; of the same classes, however many there are."""
    owners = [{"user": f"u{number}@example.com"} for number in range(4)]
    owners += [{"tags": [tag]} for tag in ("tag:db", "tag:web")]  # type: ignore[dict-item]
    nodes = [
        {"name": f"n{at}", "addresses": [f"100.{64 + at // 65536}.{at // 256 % 256}.{at % 256}"]}
        | owners[at % len(owners)]
        for at in range(count)
    ]
    users = [{"login": f"u{number}@example.com"} for number in range(4)]
    return {"users": users, "nodes": nodes}


@pytest.mark.parametrize(
    ("src", "dst"),
    [("*", "*"), ("group:eng", "tag:db"), ("u0@example.com", "u0@example.com"), ("*", "n3")],
)
def test_a_question_takes_as_many_steps_for_ten_nodes_as_for_ten_thousand(
    src: str, dst: str
) -> None:
    few, many = compiled(POLICY, tailnet_of(12)), compiled(POLICY, tailnet_of(12_000))
    steps = [one.query(src, dst, 22)._question.comparisons for one in (few, many)]
    assert steps[0] == steps[1]
    assert steps[0] < 100
    steps = [one.query_ssh(src, dst, "root")._question.comparisons for one in (few, many)]
    assert steps[0] == steps[1]


def test_pairs_are_counted_without_a_look_at_each() -> None:
    verdict = compiled(POLICY, tailnet_of(12_000)).query_ssh("*", "*", "root")
    assert verdict.accepts == 4000 * 2000
    assert verdict.accepts + verdict.refused == 12_000 * 11_999


def test_reasons_are_worked_out_only_when_read() -> None:
    fast = compiled(POLICY, tailnet_of(12))
    reasoning = {"grounds.py", "whynot.py", "device_reasons.py", "ssh_reasons.py", "edits.py"}
    called: set[str] = set()

    def note(frame: FrameType, event: str, argument: object) -> None:
        called.add(Path(frame.f_code.co_filename).name)

    sys.setprofile(note)
    try:
        verdict, login = fast.query("*", "*", 22), fast.query_ssh("*", "*", "root")
    finally:
        sys.setprofile(None)
    assert "query.py" in called
    assert called.isdisjoint(reasoning)
    assert verdict.because
    assert verdict.why_not
    assert login.because
    assert login.why_not
