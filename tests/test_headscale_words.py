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
            'src=tag not found: "tag:x"',
        ),
    ),
    (
        "undefined tag as a destination",
        dst("tag:x:80"),
        (
            None,  # a node may have it
            'Tag "tag:x" is not defined in the Policy',
            'Tag "tag:x" is not defined in the Policy',
            'dst="tag:x": tag not found: "tag:x"',
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
    (
        "dashes",
        dst("10.0.0.2:1-2-3"),
        (
            "invalid port format",
            "invalid port range format",
            "invalid port range format",
            'port range "1-2-3": invalid port range format',
        ),
    ),
    (
        "port out of range",
        dst("10.0.0.2:80,65536"),
        (
            'strconv.ParseUint: parsing "65536": value out of range',
            "port number out of range",
            "port number out of range",
            'dst="10.0.0.2:80,65536": port range "80,65536": port number out of range',
        ),
    ),
    (
        "* among ports",
        dst("10.0.0.2:80,*"),
        (
            "strconv.ParseUint",
            "invalid port number",
            "invalid port number",
            'port range "80,*": invalid first integer',
        ),
    ),
    (
        "inverted ports",
        dst("10.0.0.2:9-1"),
        (
            None,
            "invalid port range: first port is greater than last port",
            "invalid port range: first port is greater than last port",
            'port range "9-1": invalid port range: first port is greater than last port',
        ),
    ),
    (
        "nothing behind the colon",
        dst("tag:a:"),
        (
            "strconv.ParseUint",
            "input cannot end with a colon character",
            "input cannot end with a colon character",
            "input cannot end with a colon character",
        ),
    ),
    (
        "nothing before the colon",
        dst(":80"),
        (
            None,
            "input cannot start with a colon character",
            "input cannot start with a colon character",
            "input cannot start with a colon character",
        ),
    ),
    (
        "protocol *",
        rule(proto="*"),
        (
            "parsing protocol number:",
            "parsing protocol number:",
            'proto name "*" not known; use protocol number 0-255 or protocol name (icmp, ',
            'proto name "*" not known; use protocol number 0-255 or protocol name (icmp, ',
        ),
    ),
    (
        "protocol 0",
        rule(proto="0", dst=["tag:a:*"]),
        (
            None,
            None,
            'leading 0 not permitted in protocol number "0"',
            'leading 0 not permitted in protocol number: "0"',
        ),
    ),
    (
        "protocol with a leading 0",
        rule(proto="06", dst=["tag:a:*"]),
        (
            None,
            None,
            'leading 0 not permitted in protocol number "06"',
            'leading 0 not permitted in protocol number: "06"',
        ),
    ),
    (
        "protocol above 255",
        rule(proto="256", dst=["tag:a:*"]),
        (
            None,
            None,
            "protocol number 256 out of range (0-255)",
            "protocol number out of range (0-255): 256",
        ),
    ),
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
        'multiple errors:\n\tsrc=tag not found: "tag:x"\n\tgroup not defined in policy: "group:y"'
    )
    assert refusal(text, "0.25") == "group group:y isn't registered. invalid group"


@pytest.mark.parametrize("target", TARGETS)
def test_each_text_of_a_target_can_be_said(target: str) -> None:
    found = find_target(target)
    what = {
        "x": "x",
        "where": "w: ",
        "group": "g",
        "host": "h",
        "kind": "k",
        "reason": "r",
        "domain": "d",
    }
    for case in found.words:
        name, position = case if isinstance(case, tuple) else (case, None)
        said = found.says(name, position, **what, first="1:1", second="2:1")
        assert said
        assert "{" not in said.replace("{domain}/{path}", "")


def test_a_case_without_words_is_not_made_up() -> None:
    assert HEADSCALES[0].says("no-such-case", x="y") is None


GRANT = {"src": ["tag:a"], "dst": ["tag:a"], "ip": ["80"]}


def grant(**fields: object) -> str:
    return policy(grants=[{**GRANT, **fields}])


# Policies that 0.29 and 0.30 refuse, and all of the text.
REFUSED_SINCE_0_29 = (
    (grant(src=["tag:z"]), 'src=tag not found: "tag:z"'),
    (grant(dst=["tag:z"]), 'tag not found: "tag:z"'),
    (ssh(src=["tag:z"]), 'tag not found: "tag:z"'),
    (dst("[1.2.3.4]:80"), 'square brackets are only valid around IPv6 addresses: "1.2.3.4"'),
    (dst("[h]:80"), 'square brackets are only valid around IPv6 addresses: "h"'),
    (dst("[::1]80:1"), 'square brackets are only valid around IPv6 addresses: "[::1]80:1"'),
    (dst("[::1:80"), "square brackets are only valid around IPv6 addresses"),
    (dst(" tag:a:80"), 'invalid alias format: " tag:a"'),
    (dst("tag:a :80"), 'dst="tag:a ": tag not found: "tag:a "'),
    (dst(" 10.0.0.1:80"), 'host not defined in policy: " 10.0.0.1"'),
    (
        grant(ip=["TCP:80"]),
        'invalid protocol number: "TCP" must be a known protocol name or valid protocol number '
        "0-255",
    ),
    (
        rule(proto="FOO"),
        'invalid protocol number: "foo" must be a known protocol name or valid protocol number '
        "0-255",
    ),
    (
        grant(ip=["*:80"]),
        'proto name "*" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, '
        "etc.)",
    ),
    (grant(ip=["tcp:"]), 'port range "": invalid first integer'),
    (grant(ip=[""]), 'port range "": invalid first integer'),
    (grant(ip=["80,x"]), 'port range "80,x": invalid first integer'),
    (grant(ip=["tcp:6:7"]), "expected only one colon in Internet protocol and port type"),
    (ssh(dst=["autogroup:internet"]), "autogroup:internet can only be used in ACL destinations"),
    (ssh(src=["autogroup:internet"]), "autogroup:internet can only be used in ACL destinations"),
    (
        policy(groups={"group:a": "x"}),
        'group value must be an array of users: group "group:a" got string: "x"',
    ),
    (
        policy(groups={"group:a": {"x": 1}}),
        'group value must be an array of users: group "group:a" got map[string]interface {}',
    ),
    (
        policy(groups={"group:a": 1}),
        'group value must be an array of users: group "group:a" got float64',
    ),
    (
        policy(groups={"group:a": True}),
        'group value must be an array of users: group "group:a" got bool',
    ),
    (
        policy(tests=[{"src": "tag:a", "deny": ["autogroup:internet:80"]}]),
        "autogroup:internet not valid as a test destination",
    ),
    (
        policy(tests=[{"src": "tag:a", "accept": [" tag:a:80"]}]),
        'invalid alias format: " tag:a"',
    ),
    (
        policy(tests=[{"src": "tag:a", "accept": ["db"]}]),
        "hostport must contain a colon",
    ),
    (
        grant(app={"https://a.b/c": []}),
        "capability name must have the form {domain}/{path}",
    ),
    (
        grant(app={"tailscale.com/cap/funnel": []}),
        "capability name must not be in the tailscale.com domain",
    ),
    (
        grant(app={"tailscale.com/cap/conn25/x": []}),
        "capability name must not be in the tailscale.com domain",
    ),
    (
        '{"acls": [], "grants": [{"src": [], "dst": [], "app": {"a.b/c": [{"x": 1, "x": 2}]}}]}',
        'duplicate object member name "x"',
    ),
)


@pytest.mark.parametrize(("text", "words"), REFUSED_SINCE_0_29)
def test_what_headscale_refuses_since_0_29_and_in_what_words(text: str, words: str) -> None:
    assert refusal(text, "0.29") == words
    assert refusal(text, "0.30") == words


@pytest.mark.parametrize("name", ["tailscale.io/cap/x", "foo", "a/b", "tailscale.com", "a_b.c/d"])
def test_headscale_takes_capabilities_of_any_form(name: str) -> None:
    assert refusal(grant(app={name: []}), "0.29") is None
    assert (
        refusal(policy(tagOwners={"tag:a": []}, grants=[{**GRANT, "app": {name: []}}]), "0.30")
        is None
    )


def test_headscale_stops_at_the_first_error_of_reading() -> None:
    rules = [
        {"action": "accept", "src": ["tag:x"], "dst": ["*:*"]},
        {"action": "accept", "src": ["*"], "dst": ["*:ssh"]},
        {"action": "deny", "src": ["*"], "dst": ["*:*"]},
    ]
    for version in ("0.29", "0.30"):
        text = policy(*rules)
        assert refusal(text, version) == 'dst="*:ssh": port range "ssh": invalid first integer'
        text = policy(rules[0], rules[2], rules[1])
        assert refusal(text, version) == 'action="deny" is not supported'
    login = {"action": "check", "src": ["tag:a"], "dst": ["tag:a"], "users": ["root"]}
    late, early = {**login, "checkPeriod": "200h"}, {**login, "checkPeriod": "x"}
    assert refusal(policy(rules[0], ssh=[late]), "0.29") == (
        'multiple errors:\n\tsrc=tag not found: "tag:x"\n\t'
        "checkPeriod 200h0m0s is above the max (168h)"
    )
    assert refusal(policy(rules[0], ssh=[early]), "0.29") == 'time: invalid duration "x"'


def test_groups_are_read_from_the_last_name_to_the_first_wherever_they_stand() -> None:
    groups = {"group:c": ["group:a"], "group:a": ["group:b"], "group:z": ["group:a"], "group:b": []}
    words = 'groups["group:z"]: "group:a": group members cannot be recursive'
    assert refusal(policy(groups=groups), "0.29") == words
