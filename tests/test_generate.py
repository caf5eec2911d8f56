from __future__ import annotations

import json
import re
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import pytest

import aclkit
from aclkit.analysis.coverage import Coverage, coverage
from aclkit.analysis.coverage_tests import tried_tests
from aclkit.analysis.generate import Generated, generate
from aclkit.analysis.generate_candidates import Candidate, LoginCandidate
from aclkit.analysis.generate_scenario import GeneratedScenario, generate_scenario
from aclkit.analysis.generate_text import policy_text, scenario_text, sections_text
from aclkit.analysis.mutants_run import Mutation, MutationRun
from aclkit.analysis.scenarios import run_scenario
from aclkit.hujson.format import format_document
from aclkit.hujson.tree import plain
from aclkit.report.coverage_words import percent_words

ROOT = Path(__file__).resolve().parent.parent
TARGETS = {"startup": "tailscale", "company": "tailscale", "homelab": "headscale"}
PAGE = (ROOT / "docs" / "coverage.md").read_text(encoding="utf-8")


@dataclass(frozen=True, slots=True)
class Example:
    """An example company, before and after."""

    text: str
    compiled: aclkit.CompiledPolicy
    coverage: Coverage
    run: MutationRun
    generated: Generated
    scenario: GeneratedScenario
    with_tests: str
    after: MutationRun


def compiled_of(name: str, text: str) -> aclkit.CompiledPolicy:
    tailnet = aclkit.load_tailnet(ROOT / "examples" / name / "tailnet.json")
    return aclkit.compile_policy(aclkit.load_policy(text, TARGETS[name]), tailnet)


@cache
def example(name: str) -> Example:
    text = (ROOT / "examples" / name / "policy.hujson").read_text(encoding="utf-8")
    compiled = compiled_of(name, text)
    tests = tried_tests(compiled.rules)
    mutation = Mutation(tests)
    run = mutation.run()
    generated = generate(mutation, run)
    scenario = generate_scenario(compiled, mutation, generated.left)
    with_tests = policy_text(compiled.rules.policy, generated)
    after = Mutation(tried_tests(compiled_of(name, with_tests).rules)).run()
    return Example(
        text, compiled, coverage(tests), run, generated, scenario, with_tests, after
    )  # fmt: skip


@pytest.mark.parametrize("name", TARGETS)
def test_the_figures_of_the_page_are_those_of_the_examples(name: str) -> None:
    found = example(name)
    mutants = len(found.run.noticed) + len(found.run.survivors)
    entries = (*found.generated.tests, *found.generated.ssh_tests)
    for_devices = (*found.scenario.tests, *found.scenario.ssh_tests)
    row = (
        f"`{name}`",
        f"{found.coverage.touched} of {found.coverage.parts}",
        str(mutants),
        str(len(found.run.equivalent)),
        f"{len(found.run.noticed)} ({percent_words(found.run.score)})",
        str(len(entries)),
        f"{len(found.after.noticed)} ({percent_words(found.after.score)})",
        str(len(for_devices)),
        str(len(found.after.noticed) + found.scenario.noticed),
    )
    assert f"| {' | '.join(row)} |" in PAGE


@pytest.mark.parametrize("name", TARGETS)
def test_what_is_generated_holds_on_the_policy_as_it_is(name: str) -> None:
    found = example(name)
    report = aclkit.check(
        found.with_tests, tailnet=found.compiled.rules.tailnet, target=TARGETS[name]
    )
    assert report.accepted, report.refusal
    assert report.diagnostics == ()


@pytest.mark.parametrize("name", TARGETS)
def test_no_mutant_of_an_example_survives_what_is_generated(name: str) -> None:
    found = example(name)
    assert [s.mutant for s in found.after.survivors] == [s.mutant for s in found.generated.left]
    assert found.scenario.left == ()
    assert found.after.beyond == ()


@pytest.mark.parametrize("name", TARGETS)
def test_a_policy_without_tests_gets_all_that_it_needs(name: str) -> None:
    whole = example(name).compiled
    policy = replace(whole.rules.policy, tests=(), ssh_tests=())
    bare = aclkit.compile_policy(policy, whole.rules.tailnet)
    mutation = Mutation(tried_tests(bare.rules))
    run = mutation.run()
    generated = generate(mutation, run)
    assert run.noticed == ()
    assert generate_scenario(bare, mutation, generated.left).left == ()
    entries = len(generated.tests) + len(generated.ssh_tests)
    assert entries <= len(whole.rules.policy.tests) + len(whole.rules.policy.ssh_tests) + 2


@pytest.mark.parametrize("name", TARGETS)
def test_the_tests_are_added_to_a_policy_of_which_all_else_stays(name: str) -> None:
    found = example(name)
    assert format_document(aclkit.hujson.parse(found.with_tests)) == found.with_tests
    before, after = (plain(aclkit.hujson.parse(t).value) for t in (found.text, found.with_tests))
    for section in before:
        if section in ("tests", "sshTests"):
            assert after[section][: len(before[section])] == before[section]
        else:
            assert after[section] == before[section]
    lines = iter(found.with_tests.splitlines())
    assert all(line in lines for line in found.text.splitlines())


def test_a_scenario_says_what_tests_of_headscale_can_not(tmp_path: Path) -> None:
    found = example("homelab")
    folder = ROOT / "examples" / "homelab"
    header = {
        "policy": str(folder / "policy.hujson"),
        "tailnet": str(folder / "tailnet.json"),
        "target": "headscale",
    }
    path = tmp_path / "homelab.acltest.hujson"
    path.write_text(scenario_text(found.scenario, header), encoding="utf-8")
    run = run_scenario(path)
    assert [outcome.result.passed for outcome in run.outcomes] == [True, True]
    changed = found.text.replace(
        '"accept",\n\t\t\t"src":    ["ben@"],\n\t\t\t"dst":    ["tag:media"]',
        '"check",\n\t\t\t"src":    ["ben@"],\n\t\t\t"dst":    ["tag:media"]',
    )
    assert changed != found.text
    (tmp_path / "policy.hujson").write_text(changed, encoding="utf-8")
    header["policy"] = "policy.hujson"
    path.write_text(scenario_text(found.scenario, header), encoding="utf-8")
    assert [outcome.result.passed for outcome in run_scenario(path).outcomes] == [True, False]


OFFICE: dict[str, Any] = {
    "users": [{"login": "alice@example.com"}, {"login": "bob@example.com"}],
    "nodes": [
        {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
        {"name": "desktop", "user": "bob@example.com", "addresses": ["100.64.0.2"]},
        {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.3", "fd7a:115c:a1e0::3"]},
    ],
}
RULES = (
    '"tagOwners": {"tag:web": []}, "acls": ['
    '{"src": ["alice@example.com"], "dst": ["tag:web:22"], "action": "accept"}]'
)


def generated_for(text: str) -> tuple[aclkit.CompiledPolicy, Generated]:
    compiled = aclkit.compile_policy(aclkit.load_policy(text), aclkit.Tailnet.from_dict(OFFICE))
    mutation = Mutation(tried_tests(compiled.rules))
    return compiled, generate(mutation, mutation.run())


def test_a_section_that_is_not_there_is_added_and_no_other_byte_changes() -> None:
    text = f"{{ {RULES} // the end\n}}"
    compiled, generated = generated_for(text)
    after = policy_text(compiled.rules.policy, generated)
    tests = [{"src": "alice@example.com", "accept": ["tag:web:22"], "deny": ["tag:web:443"]}]
    assert plain(aclkit.hujson.parse(after).value)["tests"] == tests
    added = re.sub(r', "tests": \[\n.*\n\]', "", after)
    assert added == text


def test_a_section_is_found_under_the_name_that_the_policy_gives_it() -> None:
    text = f'{{"TESTS": [{{"src": "bob@example.com", "deny": ["tag:web:22"]}}], {RULES}}}'
    compiled, generated = generated_for(text)
    after = plain(aclkit.hujson.parse(policy_text(compiled.rules.policy, generated)).value)
    assert len(after["TESTS"]) == 2
    assert "tests" not in after


def test_a_section_that_is_null_is_replaced() -> None:
    compiled, generated = generated_for(f'{{"tests": null, {RULES}}}')
    after = plain(aclkit.hujson.parse(policy_text(compiled.rules.policy, generated)).value)
    assert len(after["tests"]) == 1


def test_where_nothing_survives_nothing_is_added() -> None:
    text = (
        f'{{{RULES}, "tests": [{{"src": "alice@example.com",'
        ' "accept": ["tag:web:22"], "deny": ["tag:web:443"]}]}'
    )
    compiled, generated = generated_for(text)
    assert (generated.tests, generated.noticed, generated.left) == ((), 0, ())
    assert policy_text(compiled.rules.policy, generated) == text
    assert plain(aclkit.hujson.parse(sections_text(generated)).value) == {}


def test_logins_of_a_source_are_one_test_where_all_hold_everywhere() -> None:
    ssh = {
        "action": "check", "src": ["alice@example.com"], "dst": ["tag:web", "tag:db"],
        "users": ["root", "autogroup:nonroot"],
    }  # fmt: skip
    nodes = [*OFFICE["nodes"], {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.9"]}]
    policy = {"tagOwners": {"tag:web": [], "tag:db": []}, "acls": [], "ssh": [ssh]}
    tailnet = aclkit.Tailnet.from_dict(OFFICE | {"nodes": nodes})
    compiled = aclkit.compile_policy(aclkit.load_policy(json.dumps(policy)), tailnet)
    mutation = Mutation(tried_tests(compiled.rules))
    generated = generate(mutation, mutation.run())
    assert [test.to_dict() for test in generated.ssh_tests] == [
        {"src": "alice@example.com", "dst": ["tag:db", "tag:web"], "check": ["root", "ubuntu"]}
    ]


def test_candidates_are_written_as_tests_take_them() -> None:
    assert Candidate("alice@example.com", "tag:web", 22, "accept").destination == "tag:web:22"
    assert Candidate("alice@example.com", "fd7a::1", 22, "deny").destination == "[fd7a::1]:22"
    login = LoginCandidate("alice@example.com", "tag:web", "root", "check").test()
    assert [text.value for text in login.check] == ["root"]
    assert (login.accept, login.deny) == ((), ())
