"""The examples: the good policies are accepted without a word, the broken ones as they say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import aclkit
from aclkit.hujson.format import format_document
from aclkit.hujson.tree import plain
from tests.command_line import invoke

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
TARGETS = {"startup": "tailscale", "company": "tailscale", "homelab": "headscale"}
RULES = ("acls", "grants", "ssh")

BROKEN = sorted((EXAMPLES / "broken").glob("*.hujson"))
# These can't be formatted: what is wrong with them is their syntax.
UNPARSABLE = {"hash-comment", "missing-comma", "single-quotes", "unclosed-list", "unquoted-key"}
PARSABLE = sorted(path for path in EXAMPLES.rglob("*.hujson") if path.stem not in UNPARSABLE)
HEADING = re.compile(r"// (?P<code>[a-z0-9-]+)(?: on (?P<target>headscale))?: [a-z`].*\.$")


@dataclass(frozen=True, slots=True)
class Heading:
    """What the first line of a broken policy promises; `code` is failed-test for a failed test."""

    code: str
    target: str


def heading(path: Path) -> Heading:
    first = path.read_text(encoding="utf-8").split("\n", 1)[0]
    match = HEADING.fullmatch(first)
    assert match, f"{path.name} must begin with `// code: what a person did wrong.`"
    return Heading(match["code"], match["target"] or "tailscale")


def tailnet_of(name: str) -> aclkit.Tailnet:
    return aclkit.load_tailnet(EXAMPLES / name / "tailnet.json")


def text_of(name: str) -> str:
    return (EXAMPLES / name / "policy.hujson").read_text(encoding="utf-8")


def check_example(name: str, text: str) -> aclkit.Report:
    return aclkit.check(text, tailnet=tailnet_of(name), target=TARGETS[name])


def single_rules() -> Iterator[Any]:
    for name in TARGETS:
        policy = plain(aclkit.hujson.parse(text_of(name)).value)
        for section in RULES:
            for index in range(len(policy.get(section, ()))):
                yield pytest.param(name, section, index, id=f"{name}-{section}-{index}")


@pytest.mark.parametrize("name", TARGETS)
def test_a_good_example_is_accepted_and_all_its_tests_pass(name: str) -> None:
    report = check_example(name, text_of(name))
    assert report.accepted
    assert report.tests
    assert all(test.passed for test in report.tests)


@pytest.mark.parametrize("name", TARGETS)
def test_a_good_example_leaves_nothing_to_say_and_nothing_to_assume(name: str) -> None:
    report = check_example(name, text_of(name))
    assert report.diagnostics == ()
    assert report.assumptions == ()


@pytest.mark.parametrize("name", TARGETS)
def test_a_good_example_passes_on_the_command_line(name: str) -> None:
    folder = EXAMPLES / name
    result = invoke(
        "check",
        str(folder / "policy.hujson"),
        *("--tailnet", str(folder / "tailnet.json")),
        *("--target", TARGETS[name]),
        *("--fail-level", "warning"),
    )
    assert result.exit_code == 0, result.output


@pytest.mark.parametrize(("name", "section", "index"), list(single_rules()))
def test_no_rule_of_a_good_example_can_be_removed_unnoticed(
    name: str, section: str, index: int
) -> None:
    policy = plain(aclkit.hujson.parse(text_of(name)).value)
    del policy[section][index]
    report = check_example(name, json.dumps(policy))
    assert not any(found.is_error for found in report.diagnostics)
    assert not all(test.passed for test in report.tests)


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_example_is_refused_for_the_reason_in_its_first_line(path: Path) -> None:
    promised = heading(path)
    report = aclkit.check(path.read_bytes(), tailnet=tailnet_of("startup"), target=promised.target)
    assert not report.accepted
    errors = {found.code for found in report.diagnostics if found.is_error}
    if promised.code == "failed-test":
        assert not errors
        assert not all(test.passed for test in report.tests)
    else:
        assert errors == {promised.code}


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_a_broken_example_gives_exit_status_1_on_the_command_line(path: Path) -> None:
    promised = heading(path)
    result = invoke(
        "check",
        str(path),
        *("--tailnet", str(EXAMPLES / "startup" / "tailnet.json")),
        *("--target", promised.target),
    )
    assert result.exit_code == 1
    assert ("failed" if promised.code == "failed-test" else f"[{promised.code}]") in result.output


@pytest.mark.parametrize("path", PARSABLE, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_an_example_that_can_be_parsed_is_formatted(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert format_document(aclkit.hujson.parse(text)) == text
