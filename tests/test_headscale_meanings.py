"""What the words of a policy mean to each version of Headscale, as far as rules show it."""

from __future__ import annotations

import json
from typing import Any

import pytest

from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.diagnostics import PolicyError
from aclkit.policy.load import load_policy
from aclkit.tailnet.model import Tailnet
from aclkit.target import (
    HEADSCALES,
    AbsentRules,
    Brings,
    Checks,
    TaggedNodes,
    UserWords,
    Wildcard,
    find_target,
)

VERSIONS = ("0.23", "0.24", "0.25", "0.26", "0.27", "0.28", "0.29", "0.30")

TAILNET: dict[str, Any] = {
    "users": [
        {"login": "alice@example.com", "name": "alice", "provider_id": "oidc/77"},
        {"login": "bob@", "name": "bob"},
    ],
    "nodes": [
        {"name": "alice", "user": "alice@example.com", "addresses": ["100.64.0.1", "fd00::1"]},
        {"name": "bob", "user": "bob@", "addresses": ["100.64.0.2", "fd00::2"]},
        {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.3", "fd00::3"]},
    ],
}
OUTSIDE = "192.0.2.1"


def compiled(version: str, **sections: object) -> CompiledPolicy:
    sections.setdefault("tagOwners", {"tag:web": []})
    policy = load_policy(json.dumps(sections), target=f"headscale@{version}")
    return compile_policy(policy, Tailnet.from_dict(TAILNET))


def rule(src: str, dst: str = "tag:web:80", **fields: object) -> dict[str, object]:
    return {"action": "accept", "src": [src], "dst": [dst], **fields}


def per_version(answers: dict[str, object]) -> list[object]:
    """Return a case for each version; an answer holds until the next version that has one."""
    cases: list[object] = []
    answer = None
    for version in VERSIONS:
        answer = answers.get(version, answer)
        cases.append(pytest.param(version, answer, id=version))
    return cases


@pytest.mark.parametrize(
    ("version", "meaning"),
    per_version({"0.23": AbsentRules.NOTHING, "0.27": AbsentRules.EVERYTHING}),
)
def test_without_access_rules_old_versions_allow_nothing_and_newer_ones_everything(
    version: str, meaning: AbsentRules
) -> None:
    found = compiled(version, hosts={"db": "10.0.0.1"})
    everything = meaning is AbsentRules.EVERYTHING
    assert found.reaches("alice", "web", 80) is everything
    assert bool(found.netmap("web").packet_filter_rules) is everything


@pytest.mark.parametrize("version", VERSIONS[4:])
def test_beside_ssh_to_self_absent_rules_allowed_nothing_until_0_29(version: str) -> None:
    ssh = {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"]}
    found = compiled(version, ssh=[{**ssh, "users": ["root"]}])
    assert found.reaches("alice", "web", 80) is (version >= "0.29")


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_a_file_of_zero_bytes_allows_everything_unlike_absent_rules(version: str) -> None:
    policy = load_policy("", target=f"headscale@{version}")
    found = compile_policy(policy, Tailnet.from_dict(TAILNET))
    assert found.reaches("alice", "web", 80)
    assert [warning.code for warning in policy.warnings] == ["empty-file"]


@pytest.mark.parametrize("version", VERSIONS)
def test_an_empty_list_of_access_rules_allows_nothing(version: str) -> None:
    found = compiled(version, hosts={"db": "10.0.0.1"}, acls=[])
    assert not found.netmap("web").packet_filter_rules


@pytest.mark.parametrize(("version", "everything"), per_version({"0.23": True, "0.29": False}))
def test_star_as_a_source_was_any_address_until_0_29(version: str, everything: bool) -> None:
    found = compiled(version, acls=[rule("*")])
    (only,) = found.netmap("web").packet_filter_rules
    assert (only.src_ips == ("*",)) is everything


@pytest.mark.parametrize(("version", "numbers"), per_version({"0.23": (1, 58), "0.29": (1,)}))
def test_icmp_was_both_families_until_0_29(version: str, numbers: tuple[int, ...]) -> None:
    found = compiled(version, acls=[rule("tag:web", "tag:web:*", proto="icmp")])
    (only,) = found.netmap("web").packet_filter_rules
    assert only.ip_proto == numbers


@pytest.mark.parametrize(
    ("version", "numbers"), per_version({"0.23": (), "0.27": (6, 17), "0.29": ()})
)
def test_without_a_protocol_0_27_and_0_28_mean_tcp_and_udp(
    version: str, numbers: tuple[int, ...]
) -> None:
    found = compiled(version, acls=[rule("tag:web")])
    (only,) = found.netmap("web").packet_filter_rules
    assert only.ip_proto == numbers


BOTH = {"100.64.0.3", "fd00::3"}


@pytest.mark.parametrize(
    ("version", "expected"), per_version({"0.23": BOTH, "0.29": {"100.64.0.3"}})
)
@pytest.mark.parametrize("word", ["host", "100.64.0.3"])
def test_a_host_or_an_ip_brought_the_other_family_along_until_0_29(
    version: str, expected: set[str], word: str
) -> None:
    acls = [rule("tag:web", f"{word}:80")]
    found = compiled(version, hosts={"host": "100.64.0.3"}, acls=acls)
    (only,) = found.netmap("web").packet_filter_rules
    assert {port.ip for port in only.dst_ports} == expected
    assert not found.netmap("bob").packet_filter_rules


@pytest.mark.parametrize(("version", "brings"), per_version({"0.23": True, "0.27": False}))
def test_a_cidr_brought_the_other_family_along_until_0_27(version: str, brings: bool) -> None:
    found = compiled(version, acls=[rule("tag:web", "100.64.0.0/24:80")])
    (only,) = found.netmap("web").packet_filter_rules
    assert ("fd00::3" in {port.ip for port in only.dst_ports}) is brings


@pytest.mark.parametrize("version", ["0.27", "0.28"])
def test_a_cidr_brings_along_the_node_at_its_first_address_in_0_27_and_0_28(version: str) -> None:
    found = compiled(version, acls=[rule("tag:web", "100.64.0.2/31:80")])
    (bob,) = found.netmap("bob").packet_filter_rules
    assert {port.ip for port in bob.dst_ports} == {"100.64.0.2/31", "fd00::2"}
    (web,) = found.netmap("web").packet_filter_rules
    assert {port.ip for port in web.dst_ports} == {"100.64.0.2/31"}


def test_what_a_host_brings_along_counts_as_a_source_too() -> None:
    (old,) = compiled("0.28", acls=[rule("100.64.0.1")]).netmap("web").packet_filter_rules
    (new,) = compiled("0.29", acls=[rule("100.64.0.1")]).netmap("web").packet_filter_rules
    assert old.src_ips == ("100.64.0.1", "fd00::1")
    assert new.src_ips == ("100.64.0.1",)


@pytest.mark.parametrize(
    ("version", "prefix"), per_version({"0.23": "fd00::/32", "0.26": "fd00::1/128"})
)
def test_an_ipv6_host_without_mask_was_a_network_until_0_26(version: str, prefix: str) -> None:
    text = json.dumps({"hosts": {"six": "fd00::1"}, "acls": []})
    policy = load_policy(text, target=f"headscale@{version}")
    assert str(policy.hosts[0].prefix) == prefix


WORDS = {
    "alice": {"0.23"},
    "alice@example.com": set(VERSIONS) - {"0.23"},
    "oidc/77": {"0.24", "0.25"},
    "oidc/77@": set(VERSIONS) - {"0.23", "0.24", "0.25"},
    "bob": {"0.23", "0.24", "0.25"},
    "bob@": set(VERSIONS) - {"0.23", "0.24", "0.25"},
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("word", WORDS)
def test_a_user_is_named_by_the_words_of_the_version(version: str, word: str) -> None:
    try:
        found = compiled(version, acls=[rule(word)])
    except PolicyError:
        reached = False
    else:
        reached = found.reaches("alice", "web", 80) or found.reaches("bob", "web", 80)
    assert reached is (version in WORDS[word])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_group_holds_users_by_email_in_every_version(version: str) -> None:
    groups = {"group:g": ["Alice@example.com" if version == "0.23" else "alice@example.com"]}
    found = compiled(version, groups=groups, acls=[rule("group:g")])
    assert found.reaches("alice", "web", 80)
    assert not found.reaches("bob", "web", 80)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_word_that_fits_two_users_names_nobody_and_is_refused_since_0_29(version: str) -> None:
    users = [{"login": "bob@", "name": "bob"}, {"login": "bob", "name": "other"}]
    nodes = [{"name": "bob", "user": "bob@", "addresses": ["100.64.0.2"]}]
    tailnet = Tailnet.from_dict({"users": users, "nodes": nodes})
    word = "bob" if version < "0.26" else "bob@"
    text = json.dumps({"acls": [rule(word, "*:80")]})
    policy = load_policy(text, target=f"headscale@{version}")
    if version == "0.23":
        return  # its names are unique
    if version >= "0.29":
        with pytest.raises(PolicyError) as refusal:
            compile_policy(policy, tailnet)
        assert refusal.value.refusal == "multiple users found: token bob@"
        return
    found = compile_policy(policy, tailnet)
    assert "ambiguous-user" in {warning.code for warning in found.warnings}
    assert not found.reaches("bob", "bob", 80)


@pytest.mark.parametrize(("version", "is_refused"), per_version({"0.23": True, "0.26": None}))
def test_up_to_0_25_an_undeclared_tag_is_taken_when_a_node_has_it(
    version: str, is_refused: bool | None
) -> None:
    if is_refused is None:
        with pytest.raises(PolicyError):
            compiled(version, tagOwners={}, acls=[rule("tag:web")])
        return
    assert compiled(version, tagOwners={}, acls=[rule("tag:web")]).reaches("web", "web", 80)
    with pytest.raises(PolicyError) as refusal:
        compiled(version, acls=[rule("tag:none")])
    assert refusal.value.refusal is not None
    assert "isn't owned by a TagOwner and no forced tags are defined" in refusal.value.refusal


@pytest.mark.parametrize("version", ["0.29", "0.30"])
def test_an_unknown_user_as_target_of_attributes_refuses_the_policy(version: str) -> None:
    attributes = [{"target": ["carol@example.com"], "attr": ["x"]}]
    with pytest.raises(PolicyError, match="carol"):
        compiled(version, acls=[], nodeAttrs=attributes)


def test_the_tables_hold_what_differs_from_version_to_version() -> None:
    meanings = {target.version: target.meaning for target in HEADSCALES}
    assert [m.tagged_nodes for m in meanings.values()] == [
        *[TaggedNodes.IN_GROUPS] * 3,
        *[TaggedNodes.UNLESS_FORCED] * 2,
        *[TaggedNodes.TAG_ONLY] * 3,
    ]
    assert [v for v, m in meanings.items() if m.advertised_tags] == list(VERSIONS[:5])
    assert [v for v, m in meanings.items() if m.check is Checks.LIMIT] == list(VERSIONS[:6])
    assert [v for v, m in meanings.items() if m.broken_groups] == ["0.27"]
    assert [v for v, m in meanings.items() if m.advertised_routes] == list(VERSIONS[:6])
    assert [v for v, m in meanings.items() if m.exits_serve_internet] == ["0.29", "0.30"]
    assert [v for v, m in meanings.items() if m.app_on_routes] == ["0.29", "0.30"]
    assert [v for v, m in meanings.items() if not m.approves_on_change] == list(VERSIONS[:3])
    assert [v for v, m in meanings.items() if m.ssh_logins_as_principals] == list(VERSIONS[:3])
    assert [v for v, m in meanings.items() if m.ssh_root_as_requested] == list(VERSIONS[:4])
    assert [v for v, m in meanings.items() if m.policy_port_setting] == ["0.29", "0.30"]
    assert [sorted(m.ssh_forwarding) for m in meanings.values()] == [
        ["local"],
        *[["agent", "local"]] * 3,
        *[["agent", "local", "remote"]] * 4,
    ]
    assert all(m.internet_as_cidrs for m in meanings.values())


def test_tailscale_has_the_plain_meanings() -> None:
    meaning = find_target("tailscale").meaning
    assert meaning.absent_rules is AbsentRules.TAILNET
    assert meaning.wildcard_source is Wildcard.TAILNET
    assert meaning.host_brings is meaning.cidr_brings is Brings.NOTHING
    assert meaning.user_words is UserWords.LOGIN
    assert meaning.tagged_nodes is TaggedNodes.TAG_ONLY
    assert meaning.check is Checks.ASK
