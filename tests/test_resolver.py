"""What names stand for, and what a tailnet shows of them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aclkit.addresses import AddressSet, parse_prefix
from aclkit.checking import check
from aclkit.policy.ipsets import TooManySteps, resolve_ipsets
from aclkit.policy.lint.checks import LINT_CODES
from aclkit.policy.load import load_policy
from aclkit.policy.model import IpSetDefinition, Policy
from aclkit.policy.selectors import Selector, parse_selector
from aclkit.policy.text import Text
from aclkit.resolver import Resolver, is_identity, word_of
from aclkit.source import Source, Span
from aclkit.tailnet.model import Tailnet
from aclkit.target import TAILSCALE, SelectorKind

K = SelectorKind
PLACE = Span(0, 1)

TAILNET = Tailnet.from_dict(
    {
        "domains": ["example.com"],
        "users": [
            {"login": "olga@example.com", "role": "owner"},
            {"login": "amir@example.com", "role": "admin"},
            {"login": "nora@example.com", "role": "network-admin"},
            {"login": "meg@example.com"},
            {"login": "guest@elsewhere.example", "type": "shared"},
        ],
        "groups": {"group:synced@example.com": ["meg@example.com"]},
        "nodes": [
            {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.7"]},
        ],
        "services": [
            {"name": "svc:wiki", "addresses": ["100.64.0.9", "fd7a:115c:a1e0::9"], "hosts": ["web"]}
        ],
    }
)
POLICY = load_policy(
    json.dumps(
        {
            "groups": {
                "group:ops": ["amir@example.com", "meg@example.com", "meg@example.com"],
                "group:dev": ["meg@example.com"],
            },
            "hosts": {"db": "10.0.0.5", "lan": "10.1.2.3/8"},
            "ipsets": {
                "ipset:a": ["add host:lan", "remove 10.1.0.0/16", "add 10.1.1.1-10.1.1.3"],
                "ipset:b": ["ipset:a", "192.0.2.1"],
                "ipset:none": [],
            },
        }
    )
)
RESOLVER = Resolver(POLICY, TAILNET)


def selector(word: str) -> Selector:
    return parse_selector(Text(word, Span(0, len(word))))


def tokens(word: str) -> tuple[str, ...] | None:
    literal = RESOLVER.literal(selector(word))
    return literal.tokens if literal else None


def test_a_user_has_the_words_of_groups_domain_and_membership() -> None:
    assert set(RESOLVER.words_of_user("meg@example.com")) == {
        "meg@example.com",
        "group:ops",
        "group:dev",
        "group:synced@example.com",
        "user:*@example.com",
        "autogroup:member",
    }


def test_a_role_is_a_word_and_the_owner_is_an_admin_too() -> None:
    def roles(login: str) -> set[str]:
        words = RESOLVER.words_of_user(login)
        return {word for word in words if word.startswith("autogroup:")}

    assert roles("olga@example.com") == {"autogroup:member", "autogroup:owner", "autogroup:admin"}
    assert roles("amir@example.com") == {"autogroup:member", "autogroup:admin"}
    assert roles("nora@example.com") == {"autogroup:member", "autogroup:network-admin"}
    assert roles("meg@example.com") == {"autogroup:member"}


def test_somebody_of_another_tailnet_is_no_member() -> None:
    words = RESOLVER.words_of_user("guest@elsewhere.example")
    assert set(words) == {"guest@elsewhere.example", "autogroup:shared"}


def test_a_tagged_node_has_no_user() -> None:
    words = RESOLVER.words_of_tags(["tag:web", "tag:db"])
    assert words == ("tag:web", "tag:db", "autogroup:tagged")


def test_the_old_name_of_an_autogroup_has_the_word_of_the_new_one() -> None:
    assert word_of(selector("autogroup:members")) == "autogroup:member"
    assert word_of(selector("group:ops")) == "group:ops"


@pytest.mark.parametrize(
    ("word", "identity"),
    [
        ("alice@example.com", True), ("user:*@example.com", True), ("group:ops", True),
        ("tag:web", True), ("autogroup:member", True), ("autogroup:tagged", True),
        ("autogroup:owner", True), ("autogroup:shared", True), ("autogroup:self", False),
        ("autogroup:internet", False), ("autogroup:danger-all", False), ("*", False),
        ("db", False), ("10.0.0.5", False), ("10.0.0.0/8", False), ("ipset:a", False),
    ],
)  # fmt: skip
def test_identity_is_told_by_words_and_the_rest_by_addresses(word: str, identity: bool) -> None:
    assert is_identity(selector(word)) is identity
    if identity:
        assert RESOLVER.literal(selector(word)) is None


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("10.0.0.5", ("10.0.0.5",)),
        ("10.0.0.5/32", ("10.0.0.5",)),
        ("10.1.2.3/8", ("10.0.0.0/8",)),
        ("FD00:0::1/128", ("fd00::1",)),
        ("db", ("10.0.0.5",)),
        ("lan", ("10.0.0.0/8",)),
        ("ipset:none", ()),
        ("ipset:unknown", ()),
        ("svc:wiki", ("100.64.0.9", "fd7a:115c:a1e0::9")),
        ("autogroup:danger-all", ("*",)),
    ],
)
def test_addresses_are_written_in_canonical_form(word: str, expected: tuple[str, ...]) -> None:
    assert tokens(word) == expected


def test_everything_is_the_tailnet_without_the_part_of_chromeos() -> None:
    assert set(tokens("*") or ()) == {
        "100.64.0.0-100.115.91.255",
        "100.115.94.0-100.127.255.255",
        "fd7a:115c:a1e0::/48",
    }


def test_the_internet_is_sent_as_ranges() -> None:
    found = tokens("autogroup:internet")
    assert found is not None
    assert found[0] == "0.0.0.0-9.255.255.255"
    assert found[-1] == "2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"
    assert len(found) == 7


def test_self_differs_by_node_and_has_no_addresses_of_its_own() -> None:
    assert RESOLVER.literal(selector("autogroup:self")) is None


def test_the_operations_of_an_ipset_are_carried_out_in_order() -> None:
    found = resolve_ipsets(POLICY)["ipset:a"]
    lan, cut = parse_prefix("10.0.0.0/8"), parse_prefix("10.1.0.0/16")
    again = AddressSet.of([parse_prefix("10.1.1.1"), parse_prefix("10.1.1.2/31")])
    assert found == (AddressSet.of([lan]) - AddressSet.of([cut])) | again
    assert resolve_ipsets(POLICY)["ipset:b"] == found | AddressSet.of([parse_prefix("192.0.2.1")])


def test_removing_from_nothing_leaves_nothing() -> None:
    policy = load_policy('{"ipsets": {"ipset:a": ["remove 10.0.0.0/8", "add 10.0.0.1"]}}')
    assert resolve_ipsets(policy)["ipset:a"] == AddressSet.of([parse_prefix("10.0.0.1")])


def ipset(name: str, *operations: tuple[bool, str]) -> IpSetDefinition:
    return IpSetDefinition(
        Text(name, PLACE), tuple((adds, selector(word)) for adds, word in operations), False
    )


def test_a_long_chain_of_ipsets_takes_no_recursion() -> None:
    n = 10_000
    definitions = [ipset(f"ipset:{at}", (True, f"ipset:{at + 1}")) for at in range(n)]
    definitions.append(ipset(f"ipset:{n}", (True, "10.0.0.0/8")))
    policy = Policy(source=Source("", ""), target=TAILSCALE, ipsets=tuple(definitions))
    assert resolve_ipsets(policy)["ipset:0"] == AddressSet.of([parse_prefix("10.0.0.0/8")])
    # A set of one interval has two edges; each is charged when it is handed on.
    assert len(resolve_ipsets(policy, limit=12 * n)) == n + 1
    with pytest.raises(TooManySteps):
        resolve_ipsets(policy, limit=10 * n)


def names_found(policy: dict[str, Any], tailnet: Tailnet | None) -> list[tuple[str, str, str]]:
    report = check(json.dumps(policy), tailnet=tailnet, ignore=LINT_CODES)
    return [
        (found.severity.value, found.code, report.source.slice(found.primary.span))
        for found in report.diagnostics
        if found.primary.span is not None
    ]


def test_a_foreign_domain_is_refused_wherever_it_stands() -> None:
    word = "user:*@foreign.example"
    policies: tuple[dict[str, Any], ...] = (
        {"acls": [{"action": "accept", "src": [word], "dst": ["*:1"]}]},
        {"acls": [{"action": "accept", "src": ["*"], "dst": [f"{word}:1"]}]},
        {"grants": [{"src": [word], "dst": ["*"], "ip": ["*"]}]},
        {"tagOwners": {"tag:web": [word]}},
        {"autoApprovers": {"exitNode": [word]}},
        {"ssh": [{"action": "accept", "src": [word], "dst": ["autogroup:self"], "users": ["x"]}]},
    )
    for policy in policies:
        assert names_found(policy, TAILNET) == [("error", "foreign-domain", word)]
        assert names_found(policy, None) == []


def test_the_case_of_a_domain_counts() -> None:
    policy = {"acls": [{"action": "accept", "src": ["user:*@Example.com"], "dst": ["*:1"]}]}
    assert names_found(policy, TAILNET) == [("error", "foreign-domain", "user:*@Example.com")]


def test_an_unknown_user_is_told_once_and_may_join_later() -> None:
    rule = {"action": "accept", "src": ["new@example.com"], "dst": ["new@example.com:22"]}
    policy: dict[str, Any] = {"groups": {"group:x": ["new@example.com"]}, "acls": [rule, rule]}
    assert names_found(policy, TAILNET) == [("warning", "unknown-user", "new@example.com")]
    assert check(json.dumps(policy), tailnet=TAILNET).accepted


def test_a_user_who_stands_in_a_test_only_is_told_where_the_tailnet_lacks_it() -> None:
    policy: dict[str, Any] = {
        "tagOwners": {"tag:web": []},
        "acls": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web:22"]}],
        "tests": [{"src": "meg@example.com", "accept": ["tag:web:22"]}],
    }
    assert names_found(policy, TAILNET) == []
    assert names_found(policy, None) == [("warning", "unknown-in-test", "meg@example.com")]
    policy["tests"][0]["src"] = "mge@example.com"
    assert names_found(policy, TAILNET) == [("warning", "unknown-in-test", "mge@example.com")]
