"""What lint finds, and what it must leave alone: a wrong warning is worse than none."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.catalogue.lint import LINT
from aclkit.checking import CodeError, Report, check
from aclkit.policy.lint.checks import LINT_CODES, OFF_BY_DEFAULT, lint, silent_codes
from aclkit.policy.lint.slips import Slips, is_slip
from aclkit.policy.load import load_policy
from aclkit.source import Source
from tests.test_expectations import DATA, SOUND, WRONG, findings_of, read_case

CASES = sorted((DATA / "lint").glob("*.hujson"))
SELECT = re.compile(r"^// select: (.*)$", re.MULTILINE)

ALICE, BOB = "alice@example.com", "bob@example.com"


def rule(src: str, *dst: str, **more: Any) -> dict[str, Any]:
    return {"action": "accept", "src": src.split(), "dst": list(dst), **more}


def grant(src: str, dst: str, *ip: str, **more: Any) -> dict[str, Any]:
    return {"src": src.split(), "dst": dst.split(), "ip": list(ip), **more}


def ssh(action: str, src: str, dst: str, *users: str, **more: Any) -> dict[str, Any]:
    return {"action": action, "src": [src], "dst": [dst], "users": list(users), **more}


def report_on(policy: dict[str, Any], **settings: Any) -> Report:
    return check(json.dumps(policy, ensure_ascii=False), **settings)


def codes(policy: dict[str, Any], *, target: str = "tailscale", tests: bool = False) -> list[str]:
    """Return the codes that lint finds, with nearly all checks on."""
    ignore = () if tests else ("no-tests", *(OFF_BY_DEFAULT - {"empty-source"}))
    report = report_on(policy, target=target, select=LINT_CODES, ignore=ignore)
    assert not any(found.is_error for found in report.diagnostics), report.diagnostics
    return [found.code for found in report.diagnostics if found.code in LINT_CODES]


TAGS = {"tag:web": [ALICE], "tag:db": [ALICE]}
BASE: dict[str, Any] = {"tagOwners": TAGS, "acls": [rule(BOB, "tag:web:22", "tag:db:22")]}


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_case_gives_just_what_it_expects(path: Path) -> None:
    case = read_case(path)
    selected = SELECT.search(case.text)
    report = check(
        case.text,
        tailnet=case.tailnet,
        target=case.target,
        select=selected[1].split() if selected else (),
    )
    assert sorted(findings_of(report).elements()) == sorted(case.findings.elements())
    for found in report.diagnostics:
        assert found.help, found


@pytest.mark.parametrize("path", SOUND, ids=lambda path: path.stem)
def test_lint_has_nothing_to_say_of_a_sound_policy(path: Path) -> None:
    case = read_case(path)
    report = check(case.text, tailnet=case.tailnet, target=case.target)
    assert report.diagnostics == ()


GIVES: list[tuple[str, dict[str, Any]]] = [
    ("unused-group", BASE | {"groups": {"group:x": [ALICE]}}),
    ("unused-host", BASE | {"hosts": {"nas": "10.0.0.1"}}),
    ("unused-ipset", BASE | {"ipsets": {"ipset:lab": ["10.0.0.0/8"]}}),
    ("unused-posture", BASE | {"postures": {"posture:x": ["node:os == 'linux'"]}}),
    ("duplicate-rule", {"acls": [rule(ALICE, "*:22"), rule(ALICE, "*:22")]}),
    ("duplicate-rule", {"acls": [rule(f"{ALICE} {BOB}", "*:22"), rule(f"{BOB} {ALICE}", "*:22")]}),
    ("duplicate-rule", {"acls": [rule(ALICE, "*:22")], "grants": [grant(ALICE, "*", "22")]}),
    ("duplicate-rule", {"acls": [rule(ALICE, "*:1-5,6"), rule(ALICE, "*:6", "*:1-5")]}),
    ("covered-rule", {"acls": [rule(ALICE, "*:22"), rule("*", "*:*")]}),
    ("covered-rule", {"acls": [rule("*", "*:*"), rule(ALICE, "*:22", proto="tcp")]}),
    ("covered-rule", {"acls": [rule(ALICE, "10.0.0.1:22"), rule(ALICE, "10.0.0.0/8:20-30")]}),
    ("covered-rule", {"acls": [rule("*", "*:22"), rule(f"* {ALICE}", "*:22")]}),
    (
        "covered-rule",
        {"tagOwners": TAGS, "acls": [rule("tag:web", "*:1"), rule("autogroup:tagged", "*:1")]},
    ),
    (
        "covered-rule",
        {"groups": {"group:x": [ALICE]}, "acls": [rule("group:x", "*:*"), rule(ALICE, "*:22")]},
    ),
    (
        "covered-rule",
        BASE
        | {"ssh": [ssh("check", BOB, "tag:web", "root"), ssh("accept", BOB, "tag:web", "root")]},
    ),
    (
        "covered-rule",
        BASE
        | {
            "ssh": [
                ssh("accept", BOB, "tag:web", "root", "ubuntu"),
                ssh("check", BOB, "autogroup:tagged", "autogroup:nonroot", "root"),
            ]
        },
    ),
    ("dead-ip-entry", {"grants": [grant(ALICE, "*", "icmp:8")]}),
    ("repeated-entry", {"acls": [rule(f"{ALICE} {ALICE}", "*:22")]}),
    ("repeated-entry", BASE | {"nodeAttrs": [{"target": ["*"], "attr": ["funnel", "funnel"]}]}),
    ("repeated-member", {"groups": {"group:x": [ALICE, ALICE]}, "acls": [rule("group:x", "*:22")]}),
    ("repeated-test", BASE | {"tests": [{"src": BOB, "accept": ["tag:db:22"]}] * 2}),
    ("repeated-test", BASE | {"sshTests": [{"src": BOB, "dst": ["tag:db"], "deny": ["x"]}] * 2}),
    ("empty-source", {"groups": {"group:x": []}, "acls": [rule("group:x", "*:22")]}),
    ("similar-domain", {"acls": [rule("a@corp.com b@corp.com c@corp.com d@crop.com", "*:22")]}),
    ("lookalike-name", {"acls": [rule("\u0430lice@example.com", "*:22")]}),
    ("lookalike-name", BASE | {"groups": {"group:\u0441\u043e\u0435": [], "group:coe": []}}),
]


@pytest.mark.parametrize(("code", "policy"), GIVES)
def test_a_mistake_is_found(code: str, policy: dict[str, Any]) -> None:
    assert code in codes(policy)


SILENT: dict[str, dict[str, Any]] = {
    "a group that only a test names": BASE
    | {"groups": {"group:x": [BOB]}, "tests": [{"src": "group:x", "accept": ["tag:db:22"]}]},
    "a tag that nothing names": BASE | {"tagOwners": TAGS | {"tag:spare": [ALICE]}},
    "a tag that only a capability names": BASE
    | {
        "nodeAttrs": [
            {"target": ["*"], "app": {"tailscale.com/app-connectors": [{"connectors": ["tag:c"]}]}}
        ],
        "tagOwners": TAGS | {"tag:c": [ALICE]},
    },
    "a host that an ipset names": {
        "hosts": {"nas": "10.0.0.1"},
        "ipsets": {"ipset:lab": ["add host:nas"]},
        "acls": [rule(ALICE, "ipset:lab:*")],
    },
    "a host whose address is written out": {
        "hosts": {"lan": "10.0.0.0/8"},
        "acls": [rule(ALICE, "10.0.0.0/8:*")],
    },
    "a posture by default": BASE
    | {"postures": {"posture:x": ["node:os == 'linux'"]}, "defaultSrcPosture": ["posture:x"]},
    "rules that overlap": {"acls": [rule(ALICE, "*:20-30"), rule(ALICE, "*:25-35")]},
    "a narrower protocol does not cover": {
        "acls": [rule(ALICE, "*:22"), rule(ALICE, "*:*", proto="tcp")]
    },
    "1-65535 is not all ports": {"acls": [rule(ALICE, "*:*"), rule(ALICE, "*:1-65535", proto="1")]}
    | {"acls": [rule(ALICE, "*:*"), rule(BOB, "*:1-65535")]},
    "a rule under a posture does not cover": {
        "postures": {"posture:x": ["node:os == 'linux'"]},
        "acls": [rule(ALICE, "*:22"), rule("*", "*:*", srcPosture=["posture:x"])],
    },
    "a default posture does not cover another one": {
        "postures": {"posture:x": ["node:os == 'linux'"], "posture:y": ["node:os == 'ios'"]},
        "defaultSrcPosture": ["posture:x"],
        "acls": [rule(ALICE, "*:22", srcPosture=["posture:y"]), rule("*", "*:*")],
    },
    "`*` does not cover addresses": {"acls": [rule(ALICE, "10.0.0.1:22"), rule(ALICE, "*:*")]},
    "`*` does not cover the internet": {
        "acls": [rule(ALICE, "autogroup:internet:*"), rule(ALICE, "*:*")]
    },
    "members are not all users of a group": {
        "groups": {"group:x": [ALICE]},
        "acls": [rule("group:x", "*:22"), rule("autogroup:member", "*:*")],
    },
    "a grant by way of a router": {
        "tagOwners": TAGS,
        "grants": [grant(ALICE, "10.0.0.0/8", "*", via=["tag:web"]), grant("*", "10.0.0.0/8", "*")],
    },
    "capabilities add up": {
        "grants": [
            grant(ALICE, "*", "*", app={"example.com/cap/x": [{"a": 1}]}),
            grant("*", "*", "*"),
        ]
    },
    "an SSH rule after a narrower one": BASE
    | {
        "ssh": [
            ssh("check", BOB, "tag:web", "root"),
            ssh("check", BOB, "tag:web", "root", "autogroup:nonroot"),
        ]
    },
    "autogroup:nonroot does not cover root": BASE
    | {
        "ssh": [
            ssh("check", BOB, "tag:web", "autogroup:nonroot"),
            ssh("accept", BOB, "tag:web", "root"),
        ]
    },
    "tests with other attributes": {
        "acls": [rule(ALICE, "*:22")],
        "tests": [
            {"src": ALICE, "accept": [f"{ALICE}:22"], "srcPostureAttrs": {"custom:x": 1}},
            {"src": ALICE, "accept": [f"{ALICE}:22"], "srcPostureAttrs": {"custom:x": True}},
        ],
    },
    "one destination asked for twice": BASE
    | {"tests": [{"src": BOB, "accept": ["tag:db:22", "tag:db:22"]}]},
    "another top domain": {"acls": [rule("a@corp.com b@corp.com c@corp.com d@corp.co", "*:22")]},
    "two users of a close domain": {
        "acls": [rule("a@corp.com b@corp.com c@corp.com d@crop.com e@crop.com", "*:22")]
    },
    "names of one script": BASE
    | {"groups": {"group:\u043a\u043e\u043c\u0430\u043d\u0434\u0430-dev": [ALICE]}}
    | {"acls": [rule("group:\u043a\u043e\u043c\u0430\u043d\u0434\u0430-dev", "tag:web:22")]},
    "accents": {"acls": [rule("ren\u00e9e@example.com rene@example.com", "*:22")]},
    "names of one host with ports": {
        "hosts": {"b\u00fcro": "10.0.0.1"},
        "acls": [rule(ALICE, "b\u00fcro:22", "b\u00fcro:443")],
    },
    "emoji with joiners": {"groups": {"group:\U0001f469\u200d\U0001f680": [ALICE]}}
    | {"acls": [rule("group:\U0001f469\u200d\U0001f680", "*:22")]},
}


@pytest.mark.parametrize("policy", SILENT.values(), ids=SILENT)
def test_what_is_sound_is_left_alone(policy: dict[str, Any]) -> None:
    assert codes(policy) == []


def test_of_rules_that_cover_each_other_one_stays() -> None:
    report = report_on({"acls": [rule(f"* {ALICE}", "*:22"), rule("*", "*:22"), rule("*", "*:22")]})
    found = [each for each in report.diagnostics if each.code in ("covered-rule", "duplicate-rule")]
    assert len(found) == 2
    spans = [each.primary.span for each in found]
    assert all(span is not None and span.start > 60 for span in spans)


def test_an_unused_name_close_to_a_used_one_is_told_apart() -> None:
    policy = BASE | {
        "groups": {"group:devs": [ALICE], "group:dev": [ALICE]},
        "acls": [rule("group:devs", "tag:web:22", "tag:db:22")],
    }
    [found] = report_on(policy, ignore=["no-tests"]).diagnostics
    assert found.code == "unused-group"
    assert found.help is not None
    assert found.help.startswith("did you mean `group:devs`?")


@pytest.mark.parametrize(
    ("left", "right", "near"),
    [
        ("devs", "dev", True), ("dev-ops", "DevOps", True), ("sever", "server", True),
        ("srever", "server", True), ("sarver", "server", True), ("web-1", "web-2", False),
        ("web1", "web", False), ("ops", "dev", False), ("a", "b", False), ("nas", "nat", False),
        ("server", "server", False), ("abcd", "bcda", False), ("", "", False),
    ],
)  # fmt: skip
def test_a_slip_is_one_letter_or_two_swapped(left: str, right: str, near: bool) -> None:
    assert is_slip(left, right) is near
    assert is_slip(right, left) is near


@given(st.lists(st.text("abc-1", min_size=1, max_size=6), max_size=8), st.text("abc-1", max_size=6))
def test_the_index_of_slips_finds_what_comparing_finds(names: list[str], word: str) -> None:
    found = Slips(names).nearest(word)
    assert (found is not None) == any(is_slip(word, name) for name in names)
    assert found is None or is_slip(word, found)


def test_a_policy_with_rules_and_without_tests_is_told_of() -> None:
    [found] = report_on(BASE).diagnostics
    assert found.code == "no-tests"
    assert found.primary.span is not None
    assert found.primary.span.start == 0


@pytest.mark.parametrize(
    ("policy", "target"),
    [
        ({}, "tailscale"),
        ({"acls": []}, "tailscale"),
        (BASE | {"sshTests": [{"src": BOB, "dst": ["tag:web"], "deny": ["root"]}]}, "tailscale"),
        ({"acls": [rule("alice@", "alice@:22")]}, "headscale@0.28"),
    ],
    ids=["nothing to test", "no rules", "SSH tests", "a target that runs none"],
)
def test_not_every_policy_needs_tests(policy: dict[str, Any], target: str) -> None:
    assert "no-tests" not in codes(policy, target=target, tests=True)


def test_the_checks_that_are_off_say_so_in_the_catalogue() -> None:
    said = {entry.code for entry in LINT if f"--select {entry.code}" in entry.why}
    assert said == OFF_BY_DEFAULT


def test_a_policy_with_errors_is_not_linted() -> None:
    report = report_on(BASE | {"hosts": {"nas": "10.0.0.1"}, "groups": {"group:x": ["group:y"]}})
    assert [found.code for found in report.diagnostics] == ["nested-group"]


def test_lookalikes_are_told_of_beside_the_error_that_they_cause() -> None:
    report = report_on({"groups": {"group:ops": [ALICE]}, "acls": [rule("group:\u043eps", "*:22")]})
    assert {found.code for found in report.diagnostics} == {"undefined-group", "lookalike-name"}


@pytest.mark.parametrize("turning", ["\u202e", "\u2066", "\u2069"])
def test_a_comment_that_turns_its_line_is_told_of(turning: str) -> None:
    text = f'{{"acls": [] /* {turning} }} */\n}}'
    [found] = check(text).diagnostics
    assert found.code == "bidirectional-control"
    assert found.primary.span is not None
    assert text[found.primary.span.start] == turning


@pytest.mark.parametrize(
    "text",
    [
        "// \u05e9\u05dc\u05d5\u05dd\u200f\n{}",
        '{"acls": [] /* \u200b\u00a0 */}',
        "{} // \U0001f469\u200d\U0001f680\n",
    ],
    ids=["a mark in Hebrew", "blanks in a comment", "joined emoji"],
)
def test_comments_may_hold_what_changes_nothing(text: str) -> None:
    assert check(text).diagnostics == ()


@pytest.mark.parametrize("hidden", ["\u200b", "\u00ad", "\u2060", "\u00a0", "\u3164", "\u200d"])
def test_what_can_not_be_seen_in_a_string_is_told_of(hidden: str) -> None:
    text = json.dumps({"groups": {f"group:x{hidden}": []}}, ensure_ascii=False)
    [found] = check(text, ignore=["unused-group"]).diagnostics
    assert found.code == "invisible-character"
    assert found.primary.span is not None
    assert text[found.primary.span.start : found.primary.span.end] == hidden


def test_an_escape_can_be_seen() -> None:
    text = json.dumps({"groups": {"group:x\u200b\u202e": []}})
    assert check(text, ignore=["unused-group"]).diagnostics == ()


def test_a_name_that_looks_like_another_one_does_so_when_escaped_too() -> None:
    text = json.dumps({"groups": {"group:\u0441\u043e\u0435": [], "group:coe": []}})
    [found] = check(text, ignore=["unused-group"]).diagnostics
    assert found.code == "lookalike-name"


def test_a_code_that_is_ignored_is_not_reported() -> None:
    policy = BASE | {"hosts": {"nas": "10.0.0.1", "db": "10.0.0.1/8"}}
    assert report_on(policy, ignore=["unused-host", "no-tests", "host-bits"]).diagnostics == ()


def test_ignoring_comes_before_selecting() -> None:
    assert "allow-all" in silent_codes(["allow-all"], ["allow-all"])
    assert "allow-all" not in silent_codes([], ["allow-all"])


@pytest.mark.parametrize("switch", ["ignore", "select"])
def test_an_unknown_code_is_refused(switch: str) -> None:
    with pytest.raises(CodeError, match="no code `unused-hosts`"):
        check("{}", **{switch: ["unused-hosts"]})  # type: ignore[arg-type]


def test_an_error_can_not_be_ignored() -> None:
    with pytest.raises(CodeError, match="`undefined-group` is an error"):
        check("{}", ignore=["undefined-group"])


def test_a_string_is_no_collection_of_codes() -> None:
    with pytest.raises(TypeError, match="`ignore` is a collection of codes"):
        check("{}", ignore="no-tests")


@given(st.text('{}[]",:/*\\ \n\u202e\u200b\u0430ab"', max_size=60))
def test_lint_takes_any_text(text: str) -> None:
    for found in lint(Source("x", text), None, None):
        assert found.primary.span is not None
        assert found.primary.span.end <= len(text)


_NAMES = ["*", ALICE, BOB, "group:x", "tag:a", "tag:b", "10.0.0.0/8", "10.1.0.0/16", "h"]
_LISTS = st.lists(st.sampled_from(_NAMES), max_size=3)
_RULES = st.builds(
    lambda src, dst, ports: rule(" ".join(src), *(f"{name}:{ports}" for name in dst)),
    _LISTS,
    _LISTS,
    st.sampled_from(["*", "22", "20-30", "22,443"]),
)


@settings(max_examples=30)
@given(st.lists(_RULES, min_size=2, max_size=5))
def test_a_pointless_rule_can_be_removed(rules: list[dict[str, Any]]) -> None:
    """The tests that ask for all that the rules allow pass without the rule as well."""
    frame: dict[str, Any] = {
        "groups": {"group:x": [ALICE]},
        "hosts": {"h": "10.1.0.7"},
        "tagOwners": {"tag:a": [ALICE], "tag:b": [ALICE]},
    }
    text = json.dumps(frame | {"acls": rules})
    policy = load_policy(text)
    pointless = {
        found.primary.span.start
        for found in lint(policy.source, policy, None)
        if found.code in ("covered-rule", "duplicate-rule") and found.primary.span
    }
    kept = [
        written
        for written, read in zip(rules, policy.acls or (), strict=True)
        if read.span.start not in pointless
    ]
    tests = [
        {"src": src, "accept": [f"{name}:{port}"]}
        for src in (ALICE, "tag:b", "10.0.0.9")
        for name in (BOB, "tag:a", "10.1.0.7")
        for port in (22, 80)
    ]
    before = check(json.dumps(frame | {"acls": rules, "tests": tests})).tests
    after = check(json.dumps(frame | {"acls": kept, "tests": tests})).tests
    assert [test.passed for test in before] == [test.passed for test in after]


@pytest.mark.parametrize(
    "path", [*SOUND, *WRONG], ids=lambda path: f"{path.parent.name}-{path.stem}"
)
def test_every_finding_lies_in_its_text(path: Path) -> None:
    case = read_case(path)
    report = check(case.text, tailnet=case.tailnet, target=case.target, select=LINT_CODES)
    for found in report.diagnostics:
        for label in (found.primary, *found.related):
            assert label.span is not None
            assert label.span.end <= len(case.text)
