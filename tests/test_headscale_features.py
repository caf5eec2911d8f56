"""Which words each version of Headscale takes: the table of docs/reference/headscale.md, Features.

A row is a policy and what the versions 0.23, 0.24-0.25, 0.26, 0.27, 0.28 and 0.29-0.30 do with it:

    y  takes it, and aclkit has nothing to say
    w  takes it, but without effect or with another one than it looks: a warning
    n  refuses it: an error
    =  as the column to the left

The codes of the row are those of its errors and warnings; other findings fail the row.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

import pytest

from aclkit.diagnostics import Diagnostic
from aclkit.limits import Limits
from aclkit.policy.load import read_policy
from aclkit.source import Source
from aclkit.target import find_target

COLUMNS = (
    ("headscale@0.23",),
    ("headscale@0.24", "headscale@0.25"),
    ("headscale@0.26",),
    ("headscale@0.27",),
    ("headscale@0.28",),
    ("headscale@0.29", "headscale@0.30"),
)

OPEN: dict[str, Any] = {"action": "accept", "src": ["10.0.0.1"], "dst": ["10.0.0.2:80"]}
LOGIN: dict[str, Any] = {
    "action": "accept",
    "src": ["tag:a"],
    "dst": ["tag:a"],
    "users": ["root"],
}


def policy(*rules: object, **sections: object) -> str:
    """Return a policy with the sections given; with one sound rule where no rules are."""
    base: dict[str, object] = {"tagOwners": {"tag:a": []}, "acls": list(rules) or [OPEN]}
    return json.dumps({**base, **sections})


def rule(**fields: object) -> str:
    """Return a policy whose one rule has the fields given."""
    return policy({**OPEN, **fields})


def ssh(**fields: object) -> str:
    """Return a policy whose one SSH rule has the fields given; None removes one."""
    merged = {**LOGIN, **fields}
    return policy(ssh=[{key: value for key, value in merged.items() if value is not None}])


def src(word: str, **sections: object) -> str:
    """Return a policy with *word* as a source."""
    return policy({**OPEN, "src": [word]}, **sections)


def dst(word: str, **sections: object) -> str:
    """Return a policy with *word* as a destination, ports and all."""
    return policy({**OPEN, "dst": [word]}, **sections)


@dataclass(frozen=True)
class Row:
    name: str
    text: str
    columns: str
    codes: str = ""


GRANT = {"src": ["tag:a"], "dst": ["tag:a"], "ip": ["*"]}
TEST = {"src": "tag:a", "accept": ["tag:a:80"]}
SELF = "autogroup:self"
NO_RULE = json.dumps({"tagOwners": {"tag:a": []}, "hosts": {"db": "10.0.0.1"}})

KEYS = (
    Row("every old section", policy(groups={}, hosts={}, ssh=[], autoApprovers={}), "y = = = = ="),
    Row("tests", policy(tests=[TEST]), "w = = n n y", "ignored-section unknown-field"),
    Row("tests of a wrong type", policy(tests=[{"src": 1, "accept": []}]), "n = w n n n",
        "ignored-section unknown-field wrong-type"),
    Row("sshTests", policy(sshTests=[{"src": "tag:a", "dst": ["tag:a"], "deny": ["root"]}]),
        "w = = n n y", "ignored-section unknown-field"),
    Row("grants", policy(grants=[GRANT]), "w = = n n y", "ignored-section unknown-field"),
    Row("nodeAttrs", policy(nodeAttrs=[{"target": ["*"], "attr": ["x"]}]), "w = = n n y",
        "ignored-section unknown-field"),
    Row("randomizeClientPort", policy(randomizeClientPort=True), "w = = n n y",
        "ignored-section unknown-field"),
    Row("postures", policy(postures={}), "w = = n n n", "ignored-section unknown-field"),
    Row("ipsets", policy(ipsets={}), "w = = n n n", "ignored-section unknown-field"),
    Row("derpMap", policy(derpMap={}), "w = = n n n", "ignored-section unknown-field"),
    Row("a key that nobody knows", policy(nonsense=1), "w = = n n n",
        "ignored-field unknown-field"),
    Row("srcPosture", rule(srcPosture=[]), "w = = n n n", "ignored-field unknown-field"),
    Row("users and ports in acls", rule(users=[], ports=[]), "w = = n n n",
        "ignored-field unknown-field"),
    Row("autoApprovers.services", policy(autoApprovers={"services": {}}), "w = = n n n",
        "ignored-field unknown-field"),
    Row("a key in another case", '{"ACLs": [], "hosts": {"a": "10.0.0.1"}}', "y = = = = ="),
    Row("tag_owners", '{"acls": [], "hosts": {"a": "10.0.0.1"}, "tag_owners": {"tag:a": []}}',
        "w = = y = =", "ignored-field"),
    Row("auto-approvers", '{"acls": [], "hosts": {"a": "10.0.0.1"}, "auto-approvers": {}}',
        "w = = y = =", "ignored-field"),
    Row("a key with # in an access rule", rule(**{"#note": "x"}), "y = = = = ="),
    Row("a key with # elsewhere", policy(**{"#note": "x"}), "w = = n n n",
        "ignored-field unknown-field"),
    Row("a section twice", '{"hosts": {"a": "10.0.0.1"}, "acls": [], "Hosts": {"a": "10.0.0.2"}}',
        "w = = n n n", "overridden-name duplicate-name"),
    Row("a name twice", '{"hosts": {"a": "10.0.0.1", "a": "10.0.0.2"}, "acls": []}',
        "w = = n n n", "overridden-name duplicate-name"),
    Row("a field twice", '{"hosts": {"a": "10.0.0.1"}, "acls": [{"action": "accept", "src": [], '
        '"dst": [], "action": "accept"}]}', "w = = n n n", "overridden-name duplicate-name"),
    Row("zero bytes", "", "n w = = = =", "empty-document empty-file"),
    Row("no acls", NO_RULE, "w = = = = =", "absent-rules"),
    Row("acls: null", NO_RULE[:-1] + ', "acls": null}', "w = = = = =", "absent-rules"),
    Row("nothing at all", "{}", "n n w = = =", "absent-rules empty-policy"),
    Row("acls: [] alone", '{"acls": []}', "n n y = = =", "empty-policy"),
)  # fmt: skip

NAMES = (
    Row("user alice", src("alice"), "y y n n n n", "undefined-host"),
    Row("user alice in a group", policy(groups={"group:g": ["alice"]}), "y y n n n n",
        "selector-not-allowed"),
    Row("user alice@", src("alice@"), "w w y = = =", "dead-selector"),
    Row("user by email", src("alice@example.com"), "w y = = = =", "dead-selector"),
    Row("user by email in a group", policy(groups={"group:g": ["alice@example.com"]}),
        "y = = = = ="),
    Row("user:*@domain", src("user:*@example.com"), "w w w w w w",
        "dead-selector wildcard-in-login"),
    Row("a group in a group, used", src("group:o", groups={"group:o": ["group:i"], "group:i": []}),
        "n = = = = =", "nested-group"),
    Row("a group in a group, unused", policy(groups={"group:o": ["group:i"], "group:i": []}),
        "w = n n n n", "dead-selector nested-group"),
    Row("undefined group in acls", src("group:none"), "n = = = = =", "undefined-group"),
    Row("undefined group in tagOwners", policy(tagOwners={"tag:a": ["group:none"]}), "w = n n n n",
        "dead-selector undefined-group"),
    Row("undefined group in autoApprovers", policy(autoApprovers={"exitNode": ["group:none"]}),
        "w = n n n n", "dead-selector undefined-group"),
    Row("bare word", dst("nowhere:80"), "y = n n n n", "undefined-host"),
    Row("bare word that is nearly a host", dst("dbs:80", hosts={"db": "10.0.0.1"}), "w = n n n n",
        "host-like-user undefined-host"),
    Row("word of no kind", src("svc:web"), "w = n n n n", "dead-selector bad-selector"),
    Row("a CIDR that is none", src("10.0.0.0/33"), "w = n n n n", "dead-selector bad-selector"),
    Row("undefined host in ssh dst", ssh(dst=["nowhere"]), "y = n w w n",
        "dead-selector selector-not-allowed"),
    Row("undefined tag in acls", src("tag:none"), "y = n n n n", "undefined-tag"),
    Row("undefined tag in autoApprovers", policy(autoApprovers={"exitNode": ["tag:none"]}),
        "w = n n n n", "dead-selector undefined-tag"),
    Row("group key without group:", policy(groups={"eng": []}), "w = n n n n",
        "dead-name bad-group-name"),
    Row("tagOwners key without tag:", policy(tagOwners={"tag:a": [], "web": []}), "w = w n n n",
        "dead-name bad-tag-name"),
    Row("tag without letter", policy(tagOwners={"tag:1": []}), "y = y y y n", "bad-tag-name"),
    Row("tag with odd letters", policy(tagOwners={"tag:a_b": []}), "y = = = = ="),
    Row("tag owner: user", policy(tagOwners={"tag:a": ["a@example.com"]}), "w y = = = =",
        "dead-selector"),
    Row("tag owner: group", policy(groups={"group:g": []}, tagOwners={"tag:a": ["group:g"]}),
        "y = = = = ="),
    Row("tag owner: tag", policy(tagOwners={"tag:a": ["tag:b"], "tag:b": []}), "w = n n y y",
        "dead-selector selector-not-allowed"),
    Row("tag owner: autogroup", policy(tagOwners={"tag:a": ["autogroup:member"]}), "w = n n n n",
        "dead-selector selector-not-allowed"),
    Row("cycle of tag owners", policy(tagOwners={"tag:a": ["tag:b"], "tag:b": ["tag:a"]}),
        "w = n n n y", "dead-selector selector-not-allowed tag-owner-cycle"),
    Row("tag in a group", policy(groups={"group:g": ["tag:a"]}), "w = n n n n",
        "dead-selector selector-not-allowed"),
    Row("host with IPv6 without mask", policy(hosts={"six": "fd00::1"}), "w = y = = =",
        "widened-host"),
    Row("host with IPv6 and mask", policy(hosts={"six": "fd00::1/128"}), "y = = = = ="),
    Row("host with @", policy(hosts={"a@b": "10.0.0.1"}), "y = n n n n", "bad-host-name"),
    Row("host with colon", policy(hosts={"a:b": "10.0.0.1"}), "y = n n n n", "bad-host-name"),
    Row("blanks around a user", src(" alice@example.com"), "w w w w w y", "dead-selector"),
    Row("blanks around a tag", src(" tag:a"), "w w n n n y", "dead-selector bad-selector"),
)  # fmt: skip

SELECTORS = (
    Row("* as src", src("*"), "y = = = = ="),
    Row("* as dst", dst("*:*"), "y = = = = ="),
    Row("internet as src", src("autogroup:internet"), "y = n n n n", "autogroup-not-allowed"),
    Row("internet as dst", dst("autogroup:internet:*"), "y = = = = ="),
    Row("internet with more behind it", dst("autogroup:internetx:*"), "w = n n n n",
        "loose-autogroup unknown-autogroup"),
    Row("member as src", src("autogroup:member"), "n = n y = =", "unknown-autogroup"),
    Row("member as dst", dst("autogroup:member:*"), "n = n y = =", "unknown-autogroup"),
    Row("tagged as src", src("autogroup:tagged"), "n = n y = =", "unknown-autogroup"),
    Row("member as ssh src", ssh(src=["autogroup:member"]), "n = n y = =", "unknown-autogroup"),
    Row("tagged as ssh dst", ssh(dst=["autogroup:tagged"]), "n = n y = =", "unknown-autogroup"),
    Row("member in a grant", policy(grants=[{**GRANT, "src": ["autogroup:member"]}]), "w = w n n y",
        "ignored-section unknown-field"),
    Row("members", src("autogroup:members"), "n = = = = =", "unknown-autogroup"),
    Row("self as src", src(SELF), "n = n n n n", "unknown-autogroup autogroup-not-allowed"),
    Row("self as dst", policy({**OPEN, "src": ["autogroup:member"], "dst": [f"{SELF}:*"]}),
        "n = n y = =", "unknown-autogroup"),
    Row("self as dst of *", policy({**OPEN, "src": ["*"], "dst": [f"{SELF}:*"]}), "n = n y = =",
        "unknown-autogroup"),
    Row("self as dst of a tag", policy({**OPEN, "src": ["tag:a"], "dst": [f"{SELF}:*"]}),
        "n = n y y n", "unknown-autogroup bad-self-source"),
    Row("self as dst of an IP", policy({**OPEN, "src": ["10.0.0.1"], "dst": [f"{SELF}:*"]}),
        "n = n y y n", "unknown-autogroup bad-self-source"),
    Row("self as ssh dst", ssh(src=["autogroup:member"], dst=[SELF]), "n = n y = =",
        "unknown-autogroup"),
    Row("self as ssh dst of a tag", ssh(dst=[SELF]), "n = n y n n",
        "unknown-autogroup bad-self-source"),
    Row("danger-all as src", src("autogroup:danger-all"), "n = n n n y", "unknown-autogroup"),
    Row("action deny", rule(action="deny"), "n = = = = =", "bad-action"),
    Row("no action", policy({"src": ["10.0.0.1"], "dst": ["10.0.0.2:80"]}), "n = n n n w",
        "bad-action missing-action"),
)  # fmt: skip

PORTS = (
    Row("proto tcp", rule(proto="tcp"), "y = = = = ="),
    Row("proto TCP", rule(proto="TCP"), "n = n y = =", "bad-protocol"),
    Row("proto ipv6-icmp", rule(proto="ipv6-icmp", dst=["10.0.0.2:*"]), "n = n n n y",
        "bad-protocol"),
    Row("proto fc", rule(proto="fc", dst=["10.0.0.2:*"]), "n = n n n y", "bad-protocol"),
    Row("proto icmp", rule(proto="icmp", dst=["10.0.0.2:*"]), "y = = = = ="),
    Row("proto dccp", rule(proto="dccp", dst=["10.0.0.2:*"]), "n = = = = =", "bad-protocol"),
    Row("proto *", rule(proto="*"), "n = = = = =", "bad-protocol"),
    Row('proto "0"', rule(proto="0", dst=["10.0.0.2:*"]), "y = y n n n", "bad-protocol"),
    Row('proto "007"', rule(proto="007", dst=["10.0.0.2:*"]), "y = y n n n", "bad-protocol"),
    Row('proto "300"', rule(proto="300", dst=["10.0.0.2:*"]), "w = w n n n",
        "dead-protocol bad-protocol"),
    Row('proto "-1"', rule(proto="-1", dst=["10.0.0.2:*"]), "w = w n n n",
        "dead-protocol bad-protocol"),
    Row("proto 6 without quotes", rule(proto=6, dst=["10.0.0.2:*"]), "n = n y = =", "wrong-type"),
    Row("ports on gre", rule(proto="gre"), "n = y n n n", "port-on-portless-protocol"),
    Row('ports on "6"', rule(proto="6"), "y = y n n y", "port-on-portless-protocol"),
    Row('ports on "132"', rule(proto="132"), "y = y n n y", "port-on-portless-protocol"),
    Row("dst without ports", dst("10.0.0.2"), "n = w n n n", "missing-port dead-destination"),
    Row("dst tag without ports", dst("tag:a"), "n = n n n n", "missing-port"),
    Row("port 0", dst("10.0.0.2:0"), "y = y n n n", "bad-port"),
    Row("ports 0-9", dst("10.0.0.2:0-9"), "y = = = = ="),
    Row("ports 9-1", dst("10.0.0.2:9-1"), "w = n n n n", "dead-destination bad-port"),
    Row("ports -1-9-", dst("10.0.0.2:-1-9-"), "n = y y y y", "bad-port"),
    Row("dst [v6]:80", dst("[fd00::1]:80"), "n = n n n y", "bad-port"),
    Row("dst v6:80", dst("fd00::1:80"), "y = = = = ="),
)  # fmt: skip

USER = "alice@example.com"

SSH = (
    Row("src tag", ssh(), "y = = = = ="),
    Row("src *", ssh(src=["*"]), "y = n n n n", "selector-not-allowed"),
    Row("src IP", ssh(src=["10.0.0.1"]), "y = n n n n", "selector-not-allowed"),
    Row("src host", policy(hosts={"h": "10.0.0.1"}, ssh=[{**LOGIN, "src": ["h"]}]), "y = n n n n",
        "selector-not-allowed"),
    Row("dst *", ssh(dst=["*"]), "y = y y n n", "selector-not-allowed"),
    Row("dst IP", ssh(dst=["10.0.0.1"]), "y = n n n n", "selector-not-allowed"),
    Row("dst host", policy(hosts={"h": "10.0.0.1"}, ssh=[{**LOGIN, "dst": ["h"]}]), "y = n y y n",
        "selector-not-allowed"),
    Row("dst group", policy(groups={"group:g": []}, ssh=[{**LOGIN, "dst": ["group:g"]}]),
        "y = n n n n", "selector-not-allowed"),
    Row("dst user of the same user", ssh(src=[USER], dst=[USER]), "w y = = = =", "dead-selector"),
    Row("dst user of another user", ssh(src=["bob@example.com"], dst=[USER]), "w y y y n n",
        "dead-selector bad-ssh-destination"),
    Row("dst user of a tag", ssh(dst=[USER]), "w y y y n n", "dead-selector bad-ssh-destination"),
    Row("dst member of a tag", ssh(dst=["autogroup:member"]), "n = n y n n",
        "unknown-autogroup bad-self-source"),
    Row("users *", ssh(users=["*"]), "y = y w w n", "dead-login bad-ssh-user"),
    Row("users []", ssh(users=[]), "w = = = = n", "dead-login missing-users"),
    Row("no users", ssh(users=None), "w = = = = n", "dead-login missing-users"),
    Row('users ""', ssh(users=[""]), "w = = = = n", "dead-login bad-ssh-user"),
    Row("users nonroot", ssh(users=["autogroup:nonroot"]), "w = w y = =", "dead-login"),
    Row("users another autogroup", ssh(users=["autogroup:member"]), "w = n n n w",
        "dead-login bad-ssh-user"),
    Row("users localpart", ssh(users=["localpart:*@example.com"]), "w = = = = y", "dead-login"),
    Row("no action", ssh(action=None), "n = n w w n", "bad-action dead-rule"),
    Row("action deny", ssh(action="deny"), "n = = = = =", "bad-action"),
    Row("action with blanks", ssh(action=" accept"), "n = n n n y", "bad-action"),
    Row("check without checkPeriod", ssh(action="check", src=["autogroup:member"], dst=["tag:a"]),
        "n = n y = =", "unknown-autogroup bad-check-period"),
    Row("check of a group without checkPeriod", policy(
        groups={"group:g": []}, ssh=[{**LOGIN, "src": ["group:g"], "action": "check"}]),
        "n = y = = =", "bad-check-period"),
)  # fmt: skip


def check_period(period: str, action: str = "check") -> str:
    login = {**LOGIN, "src": ["group:g"], "action": action, "checkPeriod": period}
    return policy(groups={"group:g": []}, ssh=[login])


PERIODS = (
    Row("12h", check_period("12h"), "y = = = = ="),
    Row("1d", check_period("1d"), "n = y y y n", "bad-check-period"),
    Row("1y2w3d", check_period("1y2w3d"), "n = y y y n", "bad-check-period"),
    Row("1.5h", check_period("1.5h"), "y = n n n y", "bad-check-period"),
    Row("5ns", check_period("5ns"), "y = n n n y", "bad-check-period"),
    Row("always", check_period("always"), "n = n n n y", "bad-check-period"),
    Row("-1h", check_period("-1h"), "y = n n n n", "bad-check-period"),
    Row("200h", check_period("200h"), "y = y y y n", "bad-check-period"),
    Row("168h", check_period("168h"), "y = = = = ="),
    Row("12h on accept", check_period("12h", "accept"), "w = = = = n", "unused-check-period"),
    Row("nonsense on accept", check_period("x", "accept"), "w = n n n n",
        "unused-check-period bad-check-period"),
)  # fmt: skip

OTHERS = (
    Row("acceptEnv", ssh(acceptEnv=["LANG"]), "w = w n n y", "ignored-field unknown-field"),
    Row('acceptEnv: [""]', ssh(acceptEnv=[""]), "w = w n n n",
        "ignored-field unknown-field bad-accept-env"),
    Row("approver: tag", policy(autoApprovers={"exitNode": ["tag:a"]}), "y = = = = ="),
    Row("approver: IP", policy(autoApprovers={"exitNode": ["10.0.0.1"]}), "y = n n n n",
        "selector-not-allowed"),
    Row("approver: *", policy(autoApprovers={"exitNode": ["*"]}), "y = n n n n",
        "selector-not-allowed"),
    Row("bad CIDR as route", policy(autoApprovers={"routes": {"10.0.0.0/33": []}}), "w = n n n n",
        "dead-route bad-address"),
    Row("grant without ip and app", policy(grants=[{"src": ["tag:a"], "dst": ["tag:a"]}]),
        "w = w n n n", "ignored-section unknown-field empty-grant"),
    Row("grant ip with commas", policy(grants=[{**GRANT, "ip": ["80,443"]}]), "w = w n n y",
        "ignored-section unknown-field"),
    Row("grant to /0", policy(grants=[{**GRANT, "dst": ["0.0.0.0/0"]}]), "w = w n n n",
        "ignored-section unknown-field grant-to-everything"),
    Row("attr funnel", policy(nodeAttrs=[{"target": ["*"], "attr": ["funnel"]}]), "w = w n n n",
        "ignored-section unknown-field attribute-not-supported"),
    Row("ipPool", policy(nodeAttrs=[{"target": ["*"], "ipPool": ["100.64.1.0/24"]}]), "w = w n n n",
        "ignored-section unknown-field attribute-not-supported"),
    Row("app of nodeAttrs", policy(nodeAttrs=[{"target": ["*"], "app": {}}]), "w = w n n n",
        "ignored-section unknown-field"),
    Row("test without assertion", policy(tests=[{"src": "tag:a"}]), "w = w n n n",
        "ignored-section unknown-field bad-test"),
    Row("test of a CIDR", policy(tests=[{"src": "tag:a", "deny": ["10.0.0.0/8:80"]}]),
        "w = w n n n", "ignored-section unknown-field bad-test"),
    Row("test of two ports", policy(tests=[{"src": "tag:a", "deny": ["tag:a:80,443"]}]),
        "w = w n n n", "ignored-section unknown-field bad-test"),
    Row("test of icmp", policy(tests=[{**TEST, "proto": "icmp"}]), "w = w n n n",
        "ignored-section unknown-field bad-test"),
)  # fmt: skip

ROWS = (*KEYS, *NAMES, *SELECTORS, *PORTS, *SSH, *PERIODS, *OTHERS)


def expectations() -> list[object]:
    """Return a case for each row and target."""
    cases: list[object] = []
    for row in ROWS:
        expected = ""
        for targets, column in zip(COLUMNS, row.columns.split(), strict=True):
            expected = expected if column == "=" else column
            cases += [pytest.param(row, t, expected, id=f"{row.name}-{t}") for t in targets]
    return cases


@cache
def findings(text: str, target: str) -> list[Diagnostic]:
    diagnostics: list[Diagnostic] = []
    read_policy(Source("policy.hujson", text), find_target(target), Limits(), diagnostics)
    return diagnostics


@pytest.mark.parametrize(("row", "target", "expected"), expectations())
def test_a_version_takes_what_the_table_says(row: Row, target: str, expected: str) -> None:
    found = findings(row.text, target)
    assert {each.code for each in found} <= set(row.codes.split()), found
    refused = any(each.is_error for each in found)
    actual = "n" if refused else "w" if found else "y"
    assert actual == expected, found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_each_code_of_a_row_is_met(row: Row) -> None:
    targets = [target for targets in COLUMNS for target in targets]
    met = {found.code for target in targets for found in findings(row.text, target)}
    assert met == set(row.codes.split())


def test_secrets_is_a_capability_since_0_30_only() -> None:
    text = policy(
        grants=[{"src": ["tag:a"], "dst": ["tag:a"], "app": {"tailscale.com/cap/secrets": []}}]
    )
    assert [each.code for each in findings(text, "headscale@0.29")] == ["bad-capability"]
    assert not findings(text, "headscale@0.30")
