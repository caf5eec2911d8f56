"""The conformance cases of `docs/conformance.md`, through aclkit and through the reference model.

A case shows one rule of the reference pages. Its expectations were derived from those pages by
hand; neither of the two that are tested here wrote them.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import aclkit
from tests.reference_model import Model

JSON = dict[str, Any]

ROOT = Path(__file__).resolve().parent.parent
PAGES = ROOT / "docs" / "reference"
FILES = sorted((ROOT / "tests" / "data" / "compile").glob("*.json"))

NODE_PARTS = {
    *("addresses", "packet_filter_rules", "ssh_rules", "cap_map", "peers"),
    *("auto_approved_routes", "primary_routes"),
}
PEER_PARTS = {"addresses", "routes", "cap_map", "granted_caps"}


@dataclass(frozen=True, slots=True)
class Case:
    """One case with its tailnet filled in."""

    file: str
    title: str
    rule: str
    policy: JSON
    tailnet: JSON
    expect: JSON
    target: str = "tailscale"

    @property
    def nodes(self) -> dict[str, JSON]:
        nodes: dict[str, JSON] = self.expect.get("nodes", {})
        return nodes

    @property
    def verdicts(self) -> list[tuple[str, bool]]:
        """The expected verdicts with their sections, as a report lists them."""
        sections = ("tests", "sshTests")
        return [(name, passed) for name in sections for passed in self.expect.get(name, ())]


def read_cases(path: Path) -> list[Case]:
    document = json.loads(path.read_text(encoding="utf-8"))
    shared: dict[str, JSON] = document["tailnets"]
    return [
        Case(path.stem, **entry | {"tailnet": shared[name] if isinstance(name, str) else name})
        for entry in document["cases"]
        for name in (entry["tailnet"],)
    ]


CASES = [case for path in FILES for case in read_cases(path)]


def cases_with(*parts: str) -> pytest.MarkDecorator:
    """Parametrise a test over the cases that expect one of *parts*."""
    chosen = [case for case in CASES if set(parts) & set(case.expect)]
    names = [f"{case.file}: {case.title}" for case in chosen]
    return pytest.mark.parametrize("case", chosen, ids=names)


def asked(actual: JSON, expected: JSON) -> JSON:
    """Return what *expected* asks for of *actual*, the netmap of a node, in the same shape."""
    parts = {part: actual[part] for part in expected}
    if "peers" in parts:
        parts["peers"] = {
            peer["name"]: {part: peer[part] for part in expected["peers"].get(peer["name"], ())}
            for peer in actual["peers"]
        }
    for part in ("auto_approved_routes", "primary_routes"):
        if part in parts:
            parts[part] = sorted(parts[part])
            assert expected[part] == sorted(expected[part])
    return parts


@cases_with("nodes")
def test_aclkit_sends_each_node_what_the_case_expects(case: Case) -> None:
    policy = aclkit.load_policy(json.dumps(case.policy), target=case.target)
    compiled = aclkit.compile_policy(policy, aclkit.Tailnet.from_dict(case.tailnet))
    actual = {
        name: asked(
            compiled.netmap(name).to_dict()
            | {
                "auto_approved_routes": compiled.auto_approved_routes(name),
                "primary_routes": compiled.primary_routes(name),
            },
            expected,
        )
        for name, expected in case.nodes.items()
    }
    assert json.loads(json.dumps(actual)) == case.nodes


@cases_with("nodes")
def test_the_reference_model_sends_each_node_what_the_case_expects(case: Case) -> None:
    model = Model(case.policy, case.tailnet, case.target)
    actual = {
        name: asked(
            model.netmap(name)
            | {
                "auto_approved_routes": model.auto_approved_routes(name),
                "primary_routes": model.primary_routes(name),
            },
            expected,
        )
        for name, expected in case.nodes.items()
    }
    assert actual == case.nodes


@cases_with("tests", "sshTests")
def test_aclkit_gives_the_verdicts_that_the_case_expects(case: Case) -> None:
    tailnet = aclkit.Tailnet.from_dict(case.tailnet)
    report = aclkit.check(json.dumps(case.policy), tailnet=tailnet, target=case.target)
    assert [(test.section, test.passed) for test in report.tests] == case.verdicts


@cases_with("tests", "sshTests")
def test_the_reference_model_gives_the_verdicts_that_the_case_expects(case: Case) -> None:
    model = Model(case.policy, case.tailnet, case.target)
    assert model.test_verdicts() == case.expect.get("tests", [])
    assert model.ssh_test_verdicts() == case.expect.get("sshTests", [])


@cases_with("refusal")
def test_aclkit_refuses_in_the_words_that_the_case_expects(case: Case) -> None:
    tailnet = aclkit.Tailnet.from_dict(case.tailnet)
    report = aclkit.check(json.dumps(case.policy), tailnet=tailnet, target=case.target)
    assert (report.accepted, report.refusal) == (False, case.expect["refusal"])


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.file}: {case.title}")
def test_a_case_is_accepted_unless_it_expects_a_refusal_or_a_failed_test(case: Case) -> None:
    tailnet = aclkit.Tailnet.from_dict(case.tailnet)
    report = aclkit.check(json.dumps(case.policy), tailnet=tailnet, target=case.target)
    refused = "refusal" in case.expect or not all(passed for _, passed in case.verdicts)
    assert (report.accepted, report.refusal if not refused else None) == (not refused, None)


def headings(page: str) -> set[str]:
    text = (PAGES / page).read_text(encoding="utf-8")
    return set(re.findall(r"^#+ (.+)$", text, re.MULTILINE))


def test_every_case_names_the_heading_of_the_rule_that_it_shows() -> None:
    unknown = []
    for case in CASES:
        page, _, heading = case.rule.partition(", ")
        if heading not in headings(page):
            unknown.append((case.title, case.rule))
    assert unknown == []


def test_titles_are_unique_in_their_file() -> None:
    counts = Counter((case.file, case.title) for case in CASES)
    assert [key for key, count in counts.items() if count > 1] == []


def test_cases_expect_something_of_nodes_that_exist() -> None:
    for case in CASES:
        assert case.expect, case.title
        assert set(case.expect) <= {"nodes", "tests", "sshTests", "refusal"}, case.title
        assert set(case.nodes) <= {node["name"] for node in case.tailnet["nodes"]}, case.title
        for parts in case.nodes.values():
            assert parts, case.title
            assert set(parts) <= NODE_PARTS, case.title
            for peer in parts.get("peers", {}).values():
                assert set(peer) <= PEER_PARTS, case.title
        for section in ("tests", "sshTests"):
            entries = case.policy.get(section) or []
            verdicts = [name for name, _ in case.verdicts if name == section]
            assert not verdicts or len(verdicts) == len(entries), case.title


def test_the_page_on_the_cases_counts_them() -> None:
    page = (ROOT / "docs" / "conformance.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(\S+)\.json` \| (\d+) \|", page, re.MULTILINE))
    counts = Counter(case.file for case in CASES)
    assert {file: int(count) for file, count in rows.items()} == counts
    assert f"\n{len(CASES)} small scenarios" in page
