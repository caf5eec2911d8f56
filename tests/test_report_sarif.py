from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from aclkit.catalogue import CATALOGUE
from aclkit.checking import Report
from aclkit.diagnostics import Diagnostic, Label, Severity, error
from aclkit.report.sarif import FINGERPRINT, render
from aclkit.report.style import Style
from aclkit.source import Source, Span
from tests.property.reports import findings_told, several
from tests.render_cases import CASES, at, report, source_of

DATA = Path(__file__).resolve().parent / "data" / "report"
SCHEMA = json.loads((DATA / "sarif-2.1.0-part.schema.json").read_text(encoding="utf-8"))
VALIDATOR = Draft202012Validator(SCHEMA)


def run_of(*reports: Report) -> Any:
    log = json.loads(render(reports, Style()))
    VALIDATOR.validate(log)
    (run,) = log["runs"]
    return run


def case(name: str) -> Any:
    return run_of(CASES[name](source_of(name)))


def region_text(text: str, region: dict[str, int]) -> str:
    """Return what a reader of the standard takes for the text of *region*."""
    lines = text.split("\n")

    def offset(line: int, column: int) -> int:
        return sum(len(each) + 1 for each in lines[: line - 1]) + column - 1

    start = offset(region["startLine"], region["startColumn"])
    return text[start : offset(region["endLine"], region["endColumn"])]


def test_a_finding_is_a_result() -> None:
    (result,) = case("one-error")["results"]
    assert result == {
        "ruleId": "undefined-group",
        "ruleIndex": 0,
        "level": "error",
        "message": {
            "text": "undefined group `group:enng`\n"
            'Tailscale says: group "group:enng" is not defined\n'
            "help: did you mean `group:eng`?"
        },
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {
                        "uri": "policy.hujson",
                        "uriBaseId": "%SRCROOT%",
                        "index": 0,
                    },
                    "region": {"startLine": 4, "startColumn": 35, "endLine": 4, "endColumn": 45},
                }
            }
        ],
        "partialFingerprints": {FINGERPRINT: "36f9a789de46ba8bc73cc7002e87cfa3"},
    }


def test_the_rule_of_a_result_is_what_the_catalogue_says() -> None:
    (rule,) = case("one-error")["tool"]["driver"]["rules"]
    entry = CATALOGUE["undefined-group"]
    assert rule["id"] == entry.code
    assert rule["shortDescription"]["text"] == entry.title
    assert entry.repair in rule["help"]["text"]
    assert entry.example in rule["help"]["markdown"]
    assert rule["defaultConfiguration"] == {"level": "error"}


@pytest.mark.parametrize("code", CATALOGUE)
def test_every_code_makes_a_valid_rule(code: str) -> None:
    found = Diagnostic(code, CATALOGUE[code].severity, "no", Label(Span(0, 1)))
    (rule,) = run_of(report(Source("p", "{}"), found))["tool"]["driver"]["rules"]
    assert rule["id"] == code


def test_a_failed_test_is_a_result_for_each_of_its_failures() -> None:
    run = case("failed-tests")
    assert [result["ruleId"] for result in run["results"]] == ["failed-test"] * 4
    assert [rule["id"] for rule in run["tool"]["driver"]["rules"]] == ["failed-test"]
    assert run["results"][0]["message"]["text"] == (
        "tests[1] from `bob@example.com` to `tag:db:5432`: expected accept, got deny"
        " (100.64.0.2 to 100.64.0.3)"
    )
    prints = {result["partialFingerprints"][FINGERPRINT] for result in run["results"]}
    assert len(prints) == 4


def test_an_accepted_policy_has_an_empty_list_of_results() -> None:
    assert run_of(report(Source("p", "{}")))["results"] == []


def test_what_was_assumed_is_a_note_of_the_run() -> None:
    (invocation,) = run_of(report(Source("p", "{}"), assumptions=("so it is",)))["invocations"]
    told = invocation["toolExecutionNotifications"]
    assert [note["message"]["text"] for note in told] == ["so it is", "no tests in this policy"]
    assert {note["level"] for note in told} == {"note"}


def test_related_places_have_their_words() -> None:
    (result,) = case("related-places")["results"]
    (related,) = result["relatedLocations"]
    assert related["message"]["text"] == "first defined here"
    assert related["physicalLocation"]["region"]["startLine"] == 4


def test_a_related_place_without_words_has_no_empty_message() -> None:
    found = error("e", "no", Span(0, 1), related=[Label(Span(1, 2))])
    (result,) = run_of(report(Source("p", "{}"), found))["results"]
    assert "message" not in result["relatedLocations"][0]


@pytest.mark.parametrize("name", CASES)
def test_a_region_covers_the_text_that_is_meant(name: str) -> None:
    each = CASES[name](source_of(name))
    spans = [found.primary.span for found in each.diagnostics]
    spans += [failure.span for test in each.tests for failure in test.failures]
    results = run_of(each)["results"]
    regions = [result["locations"][0]["physicalLocation"]["region"] for result in results]
    meant = [each.source.slice(span) for span in spans if span]
    assert [region_text(each.source.text, region) for region in regions] == meant


def test_a_place_in_data_without_text_is_a_logical_location() -> None:
    found = Diagnostic("bad-tag", Severity.ERROR, "no", Label(None, "", "nodes[3]"))
    (result,) = run_of(report(Source("p", ""), found))["results"]
    (location,) = result["locations"]
    assert location["logicalLocations"] == [{"fullyQualifiedName": "nodes[3]"}]
    assert "region" not in location["physicalLocation"]


@pytest.mark.parametrize(
    ("name", "uri"),
    [
        ("policies/a b.hujson", "policies/a%20b.hujson"),
        ("./policy.hujson", "policy.hujson"),
        ("../policy.hujson", "../policy.hujson"),
        ("a:b.hujson", "a%3Ab.hujson"),
        ("<stdin>", "%3Cstdin%3E"),
        ("/srv/ü.hujson", "file:///srv/%C3%BC.hujson"),
    ],
)
def test_a_file_is_named_by_a_uri(name: str, uri: str) -> None:
    (artifact,) = run_of(report(Source(name, "{}")))["artifacts"]
    assert artifact["location"]["uri"] == uri
    assert ("uriBaseId" in artifact["location"]) is not uri.startswith("file:")


def test_a_file_that_is_checked_twice_is_one_artifact() -> None:
    bad = report(Source("p", "x"), error("c", "m", Span(0, 1)))
    run = run_of(bad, report(Source("q", "{}")), bad)
    assert [each["location"]["uri"] for each in run["artifacts"]] == ["p", "q"]
    assert len(run["results"]) == 2


def test_no_input_makes_a_link() -> None:
    found = error("e", "undefined group `[sign in](https://x.test)`", Span(0, 1))
    (result,) = run_of(report(Source("p", "{}"), found))["results"]
    assert result["message"]["text"] == "undefined group `[sign in\\](https://x.test)`"


def test_the_fingerprint_of_a_failed_test_does_not_depend_on_the_tests_before_it() -> None:
    whole = CASES["failed-tests"](source_of("failed-tests"))
    fewer = replace(whole, tests=whole.tests[1:])
    assert whole.tests[0].passed

    def prints(each: Report) -> list[str]:
        return [result["partialFingerprints"][FINGERPRINT] for result in run_of(each)["results"]]

    assert prints(fewer) == prints(whole)


def test_equal_findings_have_fingerprints_of_their_own() -> None:
    source = Source("a", '["group:enng", "group:enng"]')
    found = [error("undefined-group", "no", at(source, "group:enng", n)) for n in range(2)]
    one, other = run_of(report(source, *found))["results"]
    assert one["partialFingerprints"] != other["partialFingerprints"]


@given(several())
def test_any_policy_gives_a_valid_log_that_loses_no_finding(reports: list[Report]) -> None:
    text = render(reports, Style())
    run = run_of(*reports)
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    told = [(result["level"], rules[result["ruleIndex"]]) for result in run["results"]]
    assert told == findings_told(reports)
    assert text.isascii()
    # Half of a surrogate pair would make readers in other languages refuse it all.
    json.dumps(json.loads(text), ensure_ascii=False).encode()
    uris = [artifact["location"]["uri"] for artifact in run["artifacts"]]
    assert len(set(uris)) == len(uris)
