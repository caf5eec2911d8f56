"""What a target answers with: which of several errors, and in what words."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from aclkit.checking import check
from aclkit.diagnostics import PolicyError
from aclkit.policy.load import load_policy
from tests.test_expectations import WRONG, read_case, report_on

PAGE = Path(__file__).resolve().parent.parent / "docs" / "reference" / "refusals.md"
SECTIONS = ("Recorded texts", "Reported texts", "Client texts")
# Accepted by the service since late 2024.
OUTDATED = {'"autogroup:admin" is not allowed in src'}


def texts_of_the_page() -> list[str]:
    """Return the texts that the page says Tailscale refuses with."""
    texts = []
    for section in PAGE.read_text(encoding="utf-8").split("\n## ")[1:]:
        heading, _, body = section.partition("\n")
        if heading in SECTIONS:
            rows = [line for line in body.split("\n") if line.startswith("| ")]
            texts += [found[1] for row in rows if (found := re.search(r"`(.+?)` (?:\(|\|)", row))]
    return texts


def pattern(text: str) -> re.Pattern[str]:
    """Return what fits *text*, in which single capitals stand for what the user wrote."""
    parts = re.split(r"(?<![A-Za-z])[ABCDPX](?![A-Za-z])|(?<=\")x(?=\")|…", text)
    return re.compile(".+".join(map(re.escape, parts)))


REFUSALS = {case.refusal for path in WRONG if (case := read_case(path)).refusal}


@pytest.mark.parametrize("text", [text for text in texts_of_the_page() if text not in OUTDATED])
def test_every_known_text_is_the_refusal_of_some_policy(text: str) -> None:
    fitting = pattern(text)
    assert any(fitting.search(refusal) for refusal in REFUSALS)


def test_the_page_has_the_texts_that_are_looked_for() -> None:
    texts = texts_of_the_page()
    assert len(texts) >= 36 + 7 + 10
    assert "test(s) failed" in texts
    assert "tags must start with 'tag:'" in texts


def refusal(policy: dict[str, Any], target: str = "tailscale") -> str | None:
    return check(json.dumps(policy), target=target).refusal


def test_an_accepted_policy_has_no_refusal() -> None:
    assert refusal({"acls": []}) is None


def test_tailscale_names_the_first_error_only() -> None:
    rules: list[Any] = [{"action": name, "src": [], "dst": []} for name in ("one", "two")]
    assert refusal({"acls": rules}) == 'action="one" is not supported'


def test_headscale_names_all_errors_each_once() -> None:
    rules = [{"action": "accept", "src": [f"tag:{name}"], "dst": ["*:*"]} for name in "abb"]
    said = refusal({"acls": rules}, "headscale@0.29")
    assert said is not None
    assert [line.strip() for line in said.split("\n")[-2:]] == [
        'src=tag not found: "tag:a"',
        'src=tag not found: "tag:b"',
    ]
    assert said.count("tag not found") == 2


def test_headscale_stops_at_an_error_of_json() -> None:
    policy = {"acls": [{"action": "accept", "src": ["tag:x"], "dst": []}], "rules": []}
    assert refusal(policy, "headscale@0.29") == 'unknown field: "rules"'


def test_what_reading_shows_is_said_before_what_names_show() -> None:
    policy = {"acls": [{"action": "deny", "src": ["tag:x"], "dst": []}], "rules": []}
    assert refusal(policy) == 'json: unknown field "rules"'


def test_definitions_are_looked_at_before_rules_wherever_they_stand() -> None:
    policy = {
        "acls": [{"action": "deny", "src": [], "dst": []}],
        "tagOwners": {"tag:": []},
        "groups": {"group:a": ["group:a"]},
    }
    assert refusal(policy) == 'groups["group:a"]: "group:a": group members cannot be recursive'
    del policy["groups"]
    assert refusal(policy) == 'tagOwners["tag:"]: tag names must not be empty'


def test_the_last_offending_group_is_named_first() -> None:
    groups = {"group:a": ["group:b"], "group:c": ["group:a"], "group:b": []}
    said = 'groups["group:c"]: "group:a": group members cannot be recursive'
    assert refusal({"groups": groups}) == said


def test_an_invalid_rule_is_said_before_any_test_runs() -> None:
    policy = {
        "tagOwners": {"tag:a": []},
        "ssh": [{"action": "accept", "src": [], "dst": [], "users": ["*"]}],
        "sshTests": [{"src": "tag:a", "dst": ["tag:a"], "accept": ["root"]}],
        "tests": [{"src": "tag:a"}],
    }
    report = check(json.dumps(policy))
    assert report.refusal == 'user "*" is not valid'
    assert report.tests == ()
    assert report.assumptions[-1] == "the tests were not run, since the policy has errors"


def test_a_failed_test_is_said_and_nothing_more() -> None:
    policy = {"tagOwners": {"tag:a": []}, "acls": [], "tests": [{"src": "tag:a"}] * 3}
    assert refusal(policy) == "test(s) failed"


def test_where_the_words_are_not_known_ours_stand_for_them() -> None:
    report = check('{"hosts": {"a@b": "10.0.0.1"}}')
    (found,) = report.diagnostics
    assert found.control_plane is None
    assert report.refusal == found.message


def test_a_text_that_is_no_hujson_has_a_refusal() -> None:
    report = check('{"acls": [}')
    assert not report.accepted
    assert report.refusal


def test_load_policy_raises_the_same_refusal() -> None:
    text = '{"acls": [{"action": "deny", "src": [], "dst": []}]}'
    with pytest.raises(PolicyError) as refused:
        load_policy(text)
    assert refused.value.refusal == check(text).refusal
    assert refused.value.diagnostics == check(text).diagnostics


def test_load_policy_keeps_warnings() -> None:
    policy = load_policy('{"acls": [{"action": "accept", "src": ["*@x"], "dst": ["*:1"]}]}')
    assert [found.code for found in policy.warnings] == ["wildcard-in-login"]


@pytest.mark.parametrize("path", WRONG, ids=lambda path: path.stem)
def test_a_policy_is_refused_exactly_when_there_is_an_error_or_a_failed_test(path: Path) -> None:
    case = read_case(path)
    report = report_on(case)
    errors = any(found.is_error for found in report.diagnostics)
    failed = any(not test.passed for test in report.tests)
    assert report.accepted == (not errors and not failed)
    assert (report.refusal is None) == report.accepted
    assert not (errors and report.tests)


OWNED: dict[str, Any] = {"tagOwners": {"tag:server": []}}


def of_destination(word: str) -> str | None:
    rule = {"action": "accept", "src": ["*"], "dst": [word]}
    return refusal({**OWNED, "acls": [rule]})


@pytest.mark.parametrize(
    ("ports", "words"),
    [
        ("80,*", 'port range "*": invalid first integer'),
        ("*,80", 'port range "*": invalid first integer'),
        ("80,,443", 'invalid port list: "80,,443"'),
        ("80,", 'invalid port list: "80,"'),
        ("", 'invalid port list: ""'),
        ("SSH", 'port range "ssh": invalid first integer'),
        ("80-X", 'port range "80-x": invalid last integer'),
        ("65536", 'port range "65536": invalid first integer'),
    ],
)
def test_ports_that_tailscale_refuses_are_named_in_lower_case(ports: str, words: str) -> None:
    word = f"tag:server:{ports}"
    assert of_destination(word) == f'dst="{word}": {words}'


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("", "empty string"),
        (":80", "empty protocol"),
        (":", 'invalid port list: ""'),
        ("tcp:", 'invalid port list: ""'),
        ("a,b:80", 'host cannot contain a comma (",")'),
        ("foo:0", "port range \"0\": first port must be >0, or use '*' for wildcard"),
        ("FOO:*", 'proto name "foo" not known; use protocol number 0-255'),
        ("256:*", 'proto name "256" not known; use protocol number 0-255'),
        ("a:b:80", 'proto name "a:b" not known; use protocol number 0-255'),
        ("ICMP", 'port range "icmp": invalid first integer'),
        (" 80", 'port range " 80": invalid first integer'),
        ("tcp :80", 'proto name "tcp " not known; use protocol number 0-255'),
        ("1-2-3", 'port range "1-2-3": too many dashes(-)'),
        ("80-90,100", 'port range "80-90,100": invalid last integer'),
        ("9-1", 'port range "9-1": first port must be >= last port'),
    ],
)
def test_an_ip_entry_is_refused_as_by_the_client(entry: str, words: str) -> None:
    assert refusal({"grants": [{"src": ["*"], "dst": ["*"], "ip": [entry]}]}) == words


def test_old_and_new_names_of_one_field_are_a_mix() -> None:
    words = (
        'ACLs contain a mix of old-style "users"/"ports" and new-style "src"/"dst"; '
        "use one or the other."
    )
    rule = {"action": "accept", "users": ["*"], "src": ["*"], "dst": ["*:*"], "ports": ["*:*"]}
    assert refusal({"acls": [rule]}) == words
    twice = '{"acls": [{"action": "accept", "users": [], "Users": [], "ports": []}]}'
    assert (check(twice).refusal or "").startswith('duplicate name "Users" in object')


@pytest.mark.parametrize("rule", [{}, {"action": None}, {"action": ""}])
def test_an_access_rule_needs_an_action(rule: dict[str, Any]) -> None:
    assert refusal({"acls": [{**rule, "src": ["*"], "dst": ["*:*"]}]}) == (
        'action="" is not supported'
    )


def test_access_rules_are_looked_at_one_by_one() -> None:
    tag = {"action": "accept", "src": ["tag:x"], "dst": ["*:*"]}
    port = {"action": "accept", "src": ["*"], "dst": ["*:ssh"]}
    of_tag, of_port = (refusal({"acls": [rule]}) for rule in (tag, port))
    assert of_tag == 'src=tag not found: "tag:x"'
    assert of_port == 'dst="*:ssh": port range "ssh": invalid first integer'
    assert refusal({"acls": [tag, port]}) == of_tag
    assert refusal({"acls": [port, tag]}) == of_port


def test_of_an_access_rule_come_the_action_the_sources_and_the_destinations() -> None:
    fields = {"dst": ["tag:y:1", "*:ssh"], "src": ["tag:x"], "action": "deny"}
    assert refusal({"acls": [fields]}) == 'action="deny" is not supported'
    fields["action"] = "accept"
    assert refusal({"acls": [fields]}) == 'src=tag not found: "tag:x"'
    fields["src"] = ["*"]
    assert refusal({"acls": [fields]}) == 'dst="tag:y": tag not found: "tag:y"'
    fields["dst"] = ["*:ssh", "tag:y:1"]
    assert refusal({"acls": [fields]}) == 'dst="*:ssh": port range "ssh": invalid first integer'


def test_ports_of_grants_are_read_before_anything_is_looked_up() -> None:
    policy = {
        "groups": {"group:a": ["group:a"]},
        "acls": [{"action": "deny", "src": [], "dst": []}],
        "grants": [{"src": ["*"], "dst": ["*"], "ip": ["icmp"]}],
    }
    assert refusal(policy) == 'port range "icmp": invalid first integer'


def test_a_name_twice_in_the_value_of_a_capability_is_refused() -> None:
    text = '{"grants": [{"src": [], "dst": [], "app": {"a.b/c": [[{"x": 1,\n"x": {"y": 1}}]]}}]}'
    report = check(text)
    assert [found.code for found in report.diagnostics if found.is_error] == ["duplicate-name"]
    assert report.refusal == 'duplicate name "x" in object (lines 1:57 and 2:2)'
