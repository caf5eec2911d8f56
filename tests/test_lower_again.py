"""Strings that stand in a policy many times: each keeps its own place, and its own findings."""

from __future__ import annotations

import json

import pytest

from aclkit.diagnostics import Diagnostic
from aclkit.hujson.parser import parse
from aclkit.limits import Limits
from aclkit.policy.lower import lower_policy
from aclkit.policy.model import Policy
from aclkit.target import find_target


def lowered(text: str, target: str = "tailscale") -> tuple[Policy, list[tuple[str, str]]]:
    """Return the policy and the code and place of each finding."""
    diagnostics: list[Diagnostic] = []
    policy = lower_policy(parse(text), find_target(target), Limits(), diagnostics)
    spans = [(each.code, each.primary.span) for each in diagnostics]
    return policy, [(code, text[span.start : span.end]) for code, span in spans if span]


def rule(src: list[str], dst: list[str]) -> dict[str, object]:
    return {"action": "accept", "src": src, "dst": dst}


def test_a_selector_that_stands_again_has_its_own_place() -> None:
    words = ["group:a", "10.0.0.0/8", "alice@example.com", "*", "host", "autogroup:member"]
    text = json.dumps({"acls": [rule(words * 2, []), rule(words, [])]})
    policy, findings = lowered(text)
    assert findings == []
    sources = [selector for each in policy.acls or () for selector in each.src]
    assert [text[each.span.start : each.span.end] for each in sources] == words * 3
    assert [each.span for each in sources] == sorted({each.span for each in sources})
    assert sources[: len(words)] == sources[-len(words) :]


def test_a_destination_that_stands_again_has_its_own_places() -> None:
    words = ["tag:a:22", "10.0.0.0/8:80,443", "host:*", "tag:a:80,443", "host:22", "*:*"]
    text = json.dumps({"acls": [rule([], words * 2), rule([], words)]})
    policy, findings = lowered(text)
    assert findings == []
    found = [destination for each in policy.acls or () for destination in each.dst]
    assert [text[each.span.start : each.span.end] for each in found] == words * 3
    for each in found:
        host, ports = each.selector.span, each.ports_span
        written = (text[host.start : host.end], text[ports.start : ports.end])
        assert ":".join(written) == text[each.span.start : each.span.end]
    assert found[: len(words)] == found[-len(words) :]


def test_blanks_brackets_and_escapes_are_no_part_of_what_is_remembered() -> None:
    sources = '" group:a", "group:a", "\\u0067roup:a", "group:a", "group:a "'
    destinations = '"[fd7a::1]:22", "fd7a::1:22", "[fd7a::1]:22", "tag:\\u0061:22", "tag:a:22"'
    text = f'{{"acls": [{{"action": "accept", "src": [{sources}], "dst": [{destinations}]}}]}}'
    policy, _ = lowered(text)
    ((entry,),) = (policy.acls or (),)
    assert {each.text for each in entry.src} == {"group:a"}
    assert [text[each.span.start : each.span.end] for each in entry.src] == [
        "group:a", "group:a", '"\\u0067roup:a"', "group:a", "group:a",
    ]  # fmt: skip
    assert [text[each.selector.span.start : each.selector.span.end] for each in entry.dst] == [
        "fd7a::1", "fd7a::1", "fd7a::1", '"tag:\\u0061:22"', "tag:a",
    ]  # fmt: skip


def test_a_colon_alone_does_not_make_a_destination_of_known_parts() -> None:
    text = json.dumps({"acls": [rule([], ["tag:a:22", "22", "tag:a", "tag:a:", ":22"])]})
    policy, findings = lowered(text)
    assert [len(each.dst) for each in policy.acls or ()] == [1]
    assert [place for _, place in findings] == ["22", "tag:a", "tag:a:", ""]


@pytest.mark.parametrize("words", [["10.0.0.1/8"], ["bad name:x"], ["tag:"]])
def test_what_has_a_finding_has_it_wherever_it_stands(words: list[str]) -> None:
    dst = [f"{word}:22" for word in words]
    _, findings = lowered(json.dumps({"acls": [rule(words, dst)] * 3}))
    assert len(findings) == 6
    assert len(set(findings)) <= 2


def test_a_group_is_no_host_where_users_are_bare_words() -> None:
    text = json.dumps(
        {
            "groups": {"group:a": ["alice", "web", "alice"]},
            "hosts": {"web": "10.0.0.1"},
            "acls": [rule(["alice", "web", "alice"], ["web:22", "alice:22", "web:22"])],
        }
    )
    policy, _ = lowered(text, "headscale@0.23")
    (group,), (entry,) = policy.groups, policy.acls or ()
    kinds = [selector.kind.name for selector in (*group.members, *entry.src)]
    assert kinds == ["USER"] * 3 + ["USER", "HOST", "USER"]
    assert [each.selector.kind.name for each in entry.dst] == ["HOST", "USER", "HOST"]
