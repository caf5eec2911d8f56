"""Validation as a whole: one finding for one mistake, in linear time, each inside the text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

from aclkit.diagnostics import Diagnostic
from aclkit.limits import Limits
from aclkit.policy.load import read_policy
from aclkit.policy.selectors import Selector
from aclkit.policy.spelling import BUDGET, LONGEST, Spelling
from aclkit.policy.validate.names import cycles
from aclkit.source import Source, Span
from aclkit.target import SelectorKind, find_target
from tests.steps import steps

Document = Callable[[int], dict[str, Any]]


def findings(document: dict[str, Any], target: str = "tailscale") -> tuple[str, list[Diagnostic]]:
    text = json.dumps(document)
    found: list[Diagnostic] = []
    read_policy(Source("policy.hujson", text), find_target(target), Limits(), found)
    return text, found


def chain(section: str, kind: str) -> Document:
    return lambda n: {
        section: {f"{kind}:{at}": [f"{kind}:{at + 1}"] if at < n - 1 else [] for at in range(n)}
    }


def ring(section: str, kind: str) -> Document:
    return lambda n: {section: {f"{kind}:{at}": [f"{kind}:{(at + 1) % n}"] for at in range(n)}}


def selves(section: str, kind: str) -> Document:
    return lambda n: {section: {f"{kind}:{at}": [f"{kind}:{at}"] for at in range(n)}}


def rule(**fields: Any) -> dict[str, Any]:
    return {"action": "accept", "src": ["*"], "dst": ["*:22"], **fields}


def clique(n: int) -> dict[str, Any]:
    names = [f"ipset:{at}" for at in range(int(n**0.5))]
    return {"ipsets": dict.fromkeys(names, names)}


# What is written, whom it is for, and how many findings of each code it gives.
LARGE: dict[str, tuple[Document, str, Callable[[int], dict[str, int]]]] = {
    "groups": (
        lambda n: {"groups": {f"group:{at}": [f"u{at}@example.com"] for at in range(n)}},
        "tailscale",
        lambda n: {},
    ),
    "groups naming each other": (
        ring("groups", "group"),
        "tailscale",
        lambda n: {"nested-group": n},
    ),
    "undefined groups": (
        lambda n: {"acls": [rule(src=[f"group:{at}" for at in range(n)])]},
        "tailscale",
        lambda n: {"undefined-group": n},
    ),
    "one undefined group, often": (
        lambda n: {"acls": [rule(src=["group:x"]) for _ in range(n)]},
        "tailscale",
        lambda n: {"undefined-group": 1},
    ),
    "a chain of tag owners": (chain("tagOwners", "tag:t"), "tailscale", lambda n: {}),
    "a ring of tag owners": (ring("tagOwners", "tag:t"), "tailscale", lambda n: {}),
    "a ring of tag owners where none may be": (
        ring("tagOwners", "tag:t"),
        "headscale@0.28",
        lambda n: {"tag-owner-cycle": 1},
    ),
    "a chain of ipsets": (chain("ipsets", "ipset"), "tailscale", lambda n: {}),
    "a ring of ipsets": (ring("ipsets", "ipset"), "tailscale", lambda n: {"ipset-cycle": 1}),
    "ipsets that hold themselves": (
        selves("ipsets", "ipset"),
        "tailscale",
        lambda n: {"ipset-cycle": n},
    ),
    "one ipset with many members": (
        lambda n: {"ipsets": {"ipset:a": [f"10.{at >> 8}.{at & 255}.0/31" for at in range(n)]}},
        "tailscale",
        lambda n: {},
    ),
    "bad grants": (
        lambda n: {"grants": [{"src": ["*"], "dst": ["*"], "ip": ["x"]} for _ in range(n)]},
        "tailscale",
        lambda n: {"bad-port": n},
    ),
    "unknown fields": (
        lambda n: {"acls": [rule(sorce=[]) for _ in range(n)]},
        "tailscale",
        lambda n: {"unknown-field": n},
    ),
    "tests of unknown names": (
        lambda n: {"tests": [{"src": f"tag:{at}", "deny": ["tag:x:22"]} for at in range(n)]},
        "tailscale",
        lambda n: {"unknown-in-test": n + 1},
    ),
}


def tag_names(document: dict[str, Any]) -> dict[str, Any]:
    """Return *document* with tags that begin with a letter."""
    loaded: dict[str, Any] = json.loads(json.dumps(document).replace("tag:t:", "tag:t"))
    return loaded


@pytest.mark.parametrize("name", LARGE)
def test_each_mistake_is_told_once_and_inside_the_text(name: str) -> None:
    document, target, expected = LARGE[name]
    text, found = findings(tag_names(document(800)), target)
    counted = Counter(each.code for each in found if each.code != "absent-rules")
    assert counted == expected(800)
    for each in found:
        for label in (each.primary, *each.related):
            assert label.span is not None
            assert 0 <= label.span.start <= label.span.end <= len(text)


@pytest.mark.parametrize("name", LARGE)
def test_twice_the_policy_takes_twice_the_steps(name: str) -> None:
    document, target, _ = LARGE[name]
    findings(tag_names(document(10)), target)  # builds the parser
    small = steps(lambda: findings(tag_names(document(150)), target))
    large = steps(lambda: findings(tag_names(document(600)), target))
    # Hints for misspelt names compare each with all, but only up to a budget.
    assert large < 5.5 * small


def test_ipsets_that_all_hold_each_other_are_walked_once() -> None:
    findings(clique(10))
    small = steps(lambda: findings(clique(400)))
    large = steps(lambda: findings(clique(1600)))
    assert large < 5.5 * small
    _, found = findings(clique(400))
    assert {each.code for each in found} == {"ipset-cycle"}


def test_ten_thousand_names_in_a_ring_take_no_recursion() -> None:
    n = 10_000
    _, found = findings(ring("groups", "group")(n))
    assert Counter(each.code for each in found) == {"nested-group": n}
    place = Span(0, 1)
    tags = [Selector(SelectorKind.TAG, f"tag:{at}", place) for at in range(n)]
    owners: dict[str, tuple[Selector, ...]] = {
        tag.text: (tags[(at + 1) % n],) for at, tag in enumerate(tags)
    }
    assert list(cycles(owners)) == [tags[0]]
    owners[tags[-1].text] = ()
    assert list(cycles(owners)) == []


@pytest.mark.parametrize(
    ("word", "known", "near"),
    [
        ("group:enng", ["group:eng", "group:ops"], "group:eng"),
        ("group:opps", ["group:eng", "group:ops"], "group:ops"),
        ("group:dev", ["group:eng", "group:ops"], None),
        ("tag:db", ["tag:web"], None),
        ("tag:Web", ["tag:web"], "tag:web"),
        ("alcie@example.com", ["bob@example.com", "alice@example.com"], "alice@example.com"),
        ("alice@exmaple.com", ["alice@example.com"], "alice@example.com"),
        ("carol@example.com", ["alice@example.com"], None),
        ("databse", ["database"], "database"),
        ("a", ["b"], None),
        ("", ["a"], None),
        ("autogroup:members", ["autogroup:member", "autogroup:tagged"], "autogroup:member"),
        ("x" * (LONGEST + 1), ["x" * LONGEST], None),
        ("same", ["same"], None),
    ],
)
def test_a_hint_names_what_was_meant_or_nothing(
    word: str, known: list[str], near: str | None
) -> None:
    assert Spelling().nearest(word, known) == near


def test_hints_end_with_their_budget() -> None:
    known = [f"group:{at}" for at in range(100)]
    spelling = Spelling(budget=250)
    assert spelling.nearest("group:11x", known) == "group:11"
    assert spelling.hint("group:11x", known) == "did you mean `group:11`?"
    assert spelling.nearest("group:11x", known) is None
    assert spelling.nearest("group:11x", known[:20]) == "group:11"


def test_a_long_name_costs_no_comparison() -> None:
    spelling = Spelling()
    assert spelling.nearest("group:" + "x" * 1_000_000, ["group:" + "x" * 999_999]) is None
    assert spelling.budget == BUDGET
