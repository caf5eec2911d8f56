"""The texts of each version of Headscale: docs/reference/headscale.md, Error texts."""

from __future__ import annotations

import pytest

from aclkit.diagnostics import PolicyError
from aclkit.policy.load import load_policy
from aclkit.target import HEADSCALES, TARGETS, find_target
from tests.test_headscale_features import check_period, dst, policy, rule, src, ssh

# The first version of each column of the table.
COLUMNS = ("0.23", "0.26", "0.27", "0.29")
VERSIONS = {
    "0.23": ("0.23", "0.24", "0.25"),
    "0.26": ("0.26",),
    "0.27": ("0.27", "0.28"),
    "0.29": ("0.29", "0.30"),
}

OLD_HOST = 'Host "alice" is not defined in the Policy'
SSH_SRC = "autogroup:internet"

# Case, policy, and a part of the text for each column; None where the version takes it.
TEXTS: tuple[tuple[str, str, tuple[str | None, ...]], ...] = (
    ("unknown key", policy(x=1), (None, None, 'unknown field "x"', 'unknown field: "x"')),
    (
        "duplicate key",
        '{"acls": [], "hosts": {"a": "10.0.0.1", "a": "10.0.0.1"}}',
        (None, None, "duplicate object member name", "duplicate object member name"),
    ),
    (
        "bare user in a group",
        policy(groups={"group:g": ["alice"]}),
        (
            None,
            'Username has to contain @, got: "alice"',
            'Username has to contain @, got: "alice"',
            'username must contain @, got: "alice"',
        ),
    ),
    (
        "bare user in a rule",
        src("alice"),
        (None, OLD_HOST, OLD_HOST, "host not defined in policy:"),
    ),
    (
        "undefined tag",
        src("tag:x"),
        (
            None,  # a node may have it
            'Tag "tag:x" is not defined in the Policy',
            'Tag "tag:x" is not defined in the Policy',
            'tag not found: "tag:x"',
        ),
    ),
    (
        "undefined group",
        src("group:x"),
        (
            "group group:x isn't registered",
            'Group "group:x" is not defined',
            'Group "group:x" is not defined',
            "group not defined in policy:",
        ),
    ),
    (
        "nested group",
        src("group:o", groups={"group:o": ["group:i"], "group:i": []}),
        (
            "A group cannot be composed of groups",
            "Nested groups are not allowed, found",
            "Nested groups are not allowed, found",
            "group members cannot be recursive",
        ),
    ),
    (
        "autogroup as a source",
        src("autogroup:nonroot"),
        (
            "unknown autogroup",
            "is not supported for ACL sources, can be",
            "is not supported for ACL sources, can be",
            "autogroup not supported for ACL sources:",
        ),
    ),
    (
        "autogroup that Headscale has later",
        src("autogroup:danger-all"),
        (
            "unknown autogroup",
            "is not supported for ACL sources, can be",
            "is not supported for ACL sources, can be",
            None,
        ),
    ),
    (
        "unknown autogroup as a destination",
        dst("autogroup:owner:*"),
        (
            "unknown autogroup",
            "AutoGroup is invalid, got:",
            "AutoGroup is invalid, got:",
            "invalid autogroup: got",
        ),
    ),
    (
        "action",
        rule(action="deny"),
        (
            "invalid action",
            "invalid action",
            'invalid action "deny", must be "accept"',
            'action="deny" is not supported',
        ),
    ),
    (
        "protocol",
        rule(proto="x"),
        (
            "parsing protocol number:",
            "parsing protocol number:",
            'invalid protocol "x"',
            "invalid protocol number:",
        ),
    ),
    (
        "ports on a protocol without ports",
        rule(proto="gre"),
        (
            "wildcard as port is required",
            None,
            "does not support specific ports; only",
            "protocol does not support specific ports:",
        ),
    ),
    (
        "port",
        dst("10.0.0.2:ssh"),
        (
            "strconv.ParseUint",
            "invalid port number",
            "invalid port number",
            'dst="10.0.0.2:ssh": port range "ssh": invalid first integer',
        ),
    ),
    ("ports", dst("10.0.0.2:1-2-3"), ("invalid port format", "invalid port", "invalid port", "")),
    ("port 0", dst("10.0.0.2:0"), (None, None, "first port must be >0", "first port must be >0")),
    (
        "no port",
        dst("10.0.0.2"),
        (
            "invalid port format",
            None,
            "hostport must contain a colon",
            "hostport must contain a colon",
        ),
    ),
    (
        "ssh source *",
        ssh(src=["*"]),
        (
            None,
            "type v2.Asterix not supported",
            "alias v2.Asterix is not supported for SSH source",
            "alias not supported for SSH source: v2.Asterix",
        ),
    ),
    (
        "ssh destination IP",
        ssh(dst=["10.0.0.1"]),
        (
            None,
            "type *v2.Prefix not supported",
            "alias *v2.Prefix is not supported for SSH destination",
            "alias not supported for SSH destination: *v2.Prefix",
        ),
    ),
    (
        "tag owner",
        policy(tagOwners={"tag:a": ["autogroup:member"]}),
        (None, "Invalid Owner", "Invalid Owner", "invalid owner format"),
    ),
    (
        "check period",
        check_period("abc"),
        (
            'time: invalid duration "abc"',
            'not a valid duration string: "abc"',
            'not a valid duration string: "abc"',
            'time: invalid duration "abc"',
        ),
    ),
    ("empty", "{}", ("empty policy", None, None, None)),
)


def refusal(text: str, version: str) -> str | None:
    try:
        load_policy(text, target=f"headscale@{version}")
    except PolicyError as problem:
        return problem.refusal
    return None


@pytest.mark.parametrize("column", range(4), ids=COLUMNS)
@pytest.mark.parametrize(("text", "parts"), [each[1:] for each in TEXTS], ids=[t[0] for t in TEXTS])
def test_a_refusal_has_the_words_of_the_version(
    text: str, parts: tuple[str | None, ...], column: int
) -> None:
    for version in VERSIONS[COLUMNS[column]]:
        words, part = refusal(text, version), parts[column]
        if part is None:
            assert words is None
        else:
            assert words is not None
            assert part in words


@pytest.mark.parametrize(
    ("text", "part"),
    [
        (ssh(dst=["*"]), "wildcard (*) is not supported as SSH destination"),
        (
            ssh(src=["bob@example.com"], dst=["alice@example.com"]),
            "user destination requires source to contain only that same user",
        ),
        (ssh(dst=["autogroup:self"]), "autogroup:self destination requires source to contain only"),
        (ssh(dst=["autogroup:member"]), "tags in SSH source cannot access autogroup:member"),
        (policy(tagOwners={"tag:a": ["tag:none"]}), ""),
    ],
)
def test_refusals_that_came_with_0_28(text: str, part: str) -> None:
    for version in ("0.28", "0.29"):
        words = refusal(text, version)
        assert words is not None
        assert part in words


def test_a_cycle_of_tag_owners_is_refused_by_0_28_alone() -> None:
    text = policy(tagOwners={"tag:a": ["tag:b"], "tag:b": ["tag:c"], "tag:c": ["tag:a"]})
    assert refusal(text, "0.28") == "circular reference detected"
    assert refusal(text, "0.29") is None
    assert refusal(policy(tagOwners={"tag:a": ["tag:a"]}), "0.28") == "circular reference detected"


def test_since_0_26_all_errors_are_said_below_a_heading() -> None:
    text = policy({"action": "accept", "src": ["tag:x", "group:y"], "dst": ["*:*"]})
    assert refusal(text, "0.29") == (
        'multiple errors:\n\ttag not found: "tag:x"\n\tgroup not defined in policy: "group:y"'
    )
    assert refusal(text, "0.25") == "group group:y isn't registered. invalid group"


@pytest.mark.parametrize("target", TARGETS)
def test_each_text_of_a_target_can_be_said(target: str) -> None:
    found = find_target(target)
    what = {"x": "x", "group": "g", "host": "h", "kind": "k", "reason": "r", "domain": "d"}
    for case in found.words:
        name, position = case if isinstance(case, tuple) else (case, None)
        said = found.says(name, position, **what, first="1:1", second="2:1")
        assert said
        assert "{" not in said.replace("{domain}/{path}", "")


def test_a_case_without_words_is_not_made_up() -> None:
    assert HEADSCALES[0].says("no-such-case", x="y") is None
