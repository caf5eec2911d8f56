"""Which selector may stand where: every cell of docs/reference/selectors.md, Positions.

The tables below are written from that page. A cell says `yes`: no diagnostic; `no`: an error that
underlines the selector; `?`: accepted with the warning that it is unproven; `dead`: accepted with
the warning that it does nothing. In the columns of
tests `no` and `?` mean that the test fails, also one that says `deny`.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from aclkit.checking import Report, check
from aclkit.policy.lint.checks import LINT_CODES
from aclkit.tailnet.model import Tailnet

TAILNET = Tailnet.from_dict(
    {
        "domains": ["example.com"],
        "users": [{"login": "alice@example.com", "role": "owner"}, {"login": "bob@example.com"}],
        "nodes": [
            {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
            {"name": "phone", "user": "bob@example.com", "addresses": ["100.64.0.2"]},
            {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.3", "fd7a:115c:a1e0::3"]},
        ],
        "services": [
            {"name": "svc:wiki", "addresses": ["100.64.0.9"], "hosts": ["web"], "approved": True}
        ],
    }
)
HEADSCALE_TAILNET = Tailnet.from_dict(
    {
        "users": [{"login": "alice@example.com"}],
        "nodes": [
            {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
            {"name": "web", "tags": ["tag:web"], "addresses": ["100.64.0.3", "fd7a:115c:a1e0::3"]},
        ],
    }
)

NAMES: dict[str, Any] = {
    "groups": {"group:eng": ["alice@example.com"]},
    "hosts": {"db": "100.64.0.3"},
    "tagOwners": {"tag:web": ["alice@example.com"], "tag:router": []},
}
SELECTORS = {
    "*": "*",
    "user": "alice@example.com",
    "domain": "user:*@example.com",
    "group": "group:eng",
    "tag": "tag:web",
    "host": "db",
    "ip": "100.64.0.3",
    "cidr": "100.64.0.0/16",
    "ipset": "ipset:lan",
    "service": "svc:wiki",
}

Section = Callable[[str], dict[str, Any]]


def acl(src: str, dst: str) -> dict[str, Any]:
    return {"acls": [{"action": "accept", "src": [src], "dst": [dst]}]}


def grant(**fields: Any) -> dict[str, Any]:
    return {"grants": [{"src": ["alice@example.com"], "dst": ["tag:web"], "ip": ["*"], **fields}]}


def ssh(src: str, dst: str, users: str = "root") -> dict[str, Any]:
    return {"ssh": [{"action": "accept", "src": [src], "dst": [dst], "users": [users]}]}


def ssh_source(word: str) -> dict[str, Any]:
    return ssh(word, "tag:web")


def ssh_destination(word: str) -> dict[str, Any]:
    # A user is open to that same user only (recording ssh-c3).
    return ssh("alice@example.com", word)


def app_destination(word: str) -> dict[str, Any]:
    fields = {"src": ["alice@example.com"], "dst": [word], "app": {"example.com/cap/x": []}}
    return {"grants": [fields]}


def definition(section: str) -> Section:
    # One more name beside those that everything here may use.
    def define(word: str) -> dict[str, Any]:
        defined = NAMES.get(section, {})
        return {section: {**defined, f"{section.removesuffix('s')}:x": [word]}}

    return define


def tag_owner(word: str) -> dict[str, Any]:
    return {"tagOwners": {**NAMES["tagOwners"], "tag:x": [word]}}


POSITIONS: dict[str, Section] = {
    "acl src": lambda word: acl(word, "tag:web:22"),
    "acl dst": lambda word: acl("alice@example.com", f"{word}:22"),
    "grant src": lambda word: grant(src=[word]),
    "grant dst": lambda word: grant(dst=[word]),
    "app dst": app_destination,
    "via": lambda word: grant(dst=["10.0.0.0/8"], via=[word]),
    "ssh src": ssh_source,
    "ssh dst": ssh_destination,
    "ssh users": lambda word: ssh("alice@example.com", "tag:web", word),
    "nodeAttrs": lambda word: {"nodeAttrs": [{"target": [word], "attr": ["mullvad"]}]},
    "tagOwners": tag_owner,
    "routes": lambda word: {"autoApprovers": {"routes": {"10.0.0.0/8": [word]}}},
    "exitNode": lambda word: {"autoApprovers": {"exitNode": [word]}},
    "services": lambda word: {"autoApprovers": {"services": {"svc:wiki": [word]}}},
    "groups": definition("groups"),
    "ipsets": definition("ipsets"),
}

TAILSCALE = """
kind    | acl src | acl dst | grant src | grant dst | app dst | via | ssh src | ssh dst | ssh users
*       | yes     | yes     | yes       | yes       | yes     | no  | no      | no      | no
user    | yes     | yes     | yes       | yes       | yes     | no  | yes     | yes     | yes
domain  | yes     | yes     | yes       | yes       | yes     | no  | yes     | no      | yes
group   | yes     | yes     | yes       | yes       | yes     | no  | yes     | no      | yes
tag     | yes     | yes     | yes       | yes       | yes     | yes | yes     | yes     | yes
host    | yes     | yes     | yes       | yes       | yes     | no  | no      | no      | yes
ip      | yes     | yes     | yes       | yes       | yes     | no  | no      | no      | yes
cidr    | yes     | yes     | yes       | yes       | yes     | no  | no      | no      | yes
ipset   | yes     | yes     | yes       | yes       | yes     | no  | no      | no      | yes
service | no      | yes     | no        | yes       | yes     | no  | no      | no      | yes
"""
TAILSCALE_DEFINITIONS = """
kind    | nodeAttrs | tagOwners | routes | exitNode | services | groups | ipsets
*       | yes       | no        | no     | no       | no       | no     | no
user    | yes       | yes       | yes    | yes      | yes      | yes    | no
domain  | ?         | yes       | yes    | yes      | yes      | no     | no
group   | yes       | yes       | yes    | yes      | yes      | no     | no
tag     | yes       | yes       | yes    | yes      | yes      | no     | no
host    | yes       | no        | no     | no       | no       | no     | no
ip      | yes       | no        | no     | no       | no       | no     | yes
cidr    | yes       | no        | no     | no       | no       | no     | yes
ipset   | no        | no        | no     | no       | no       | no     | yes
service | no        | no        | no     | no       | no       | no     | no
"""
HEADSCALE = """
kind    | acl src | acl dst | grant src | grant dst | via | ssh src | ssh dst | ssh users
*       | yes     | yes     | yes       | yes       | no  | no      | no      | no
user    | yes     | yes     | yes       | yes       | no  | yes     | yes     | yes
group   | yes     | yes     | yes       | yes       | no  | yes     | no      | yes
tag     | yes     | yes     | yes       | yes       | yes | yes     | yes     | yes
host    | yes     | yes     | yes       | yes       | no  | no      | no      | yes
ip      | yes     | yes     | yes       | yes       | no  | no      | no      | yes
cidr    | yes     | yes     | yes       | yes       | no  | no      | no      | yes
ipset   | no      | no      | no        | no        | no  | no      | no      | yes
service | no      | no      | no        | no        | no  | no      | no      | yes
"""
HEADSCALE_DEFINITIONS = """
kind    | nodeAttrs | tagOwners | routes | exitNode | groups
*       | yes       | no        | no     | no       | no
user    | yes       | yes       | yes    | yes      | yes
group   | yes       | yes       | yes    | yes      | no
tag     | yes       | yes       | yes    | yes      | no
host    | yes       | no        | no     | no       | no
ip      | yes       | no        | no     | no       | no
cidr    | yes       | no        | no     | no       | no
"""
AUTOGROUPS = """
autogroup     | acl src | acl dst | grant src | grant dst | app dst | via | ssh src | ssh dst
member        | yes     | yes     | yes       | yes       | yes     | no  | yes     | no
members       | yes     | yes     | yes       | yes       | yes     | no  | yes     | no
tagged        | yes     | yes     | yes       | yes       | yes     | no  | yes     | yes
self          | no      | yes     | no        | yes       | yes     | no  | no      | yes
internet      | no      | yes     | no        | yes       | no      | no  | no      | no
danger-all    | yes     | no      | yes       | no        | no      | no  | no      | no
nonroot       | no      | no      | no        | no        | no      | no  | no      | no
shared        | yes     | no      | yes       | no        | no      | no  | no      | no
owner         | yes     | yes     | yes       | yes       | no      | no  | yes     | no
admin         | yes     | yes     | yes       | yes       | no      | no  | yes     | no
it-admin      | yes     | yes     | yes       | yes       | no      | no  | yes     | no
network-admin | yes     | yes     | yes       | yes       | no      | no  | yes     | no
billing-admin | yes     | yes     | yes       | yes       | no      | no  | yes     | no
auditor       | yes     | yes     | yes       | yes       | no      | no  | yes     | no
everyone      | no      | no      | no        | no        | no      | no  | no      | no
"""
AUTOGROUP_DEFINITIONS = """
autogroup     | ssh users | nodeAttrs | tagOwners | routes | exitNode | services | groups | ipsets
member        | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
members       | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
tagged        | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
self          | yes       | no        | no        | no     | no       | no       | no     | no
internet      | yes       | no        | no        | no     | no       | no       | no     | yes
danger-all    | yes       | no        | no        | no     | no       | no       | no     | no
nonroot       | yes       | no        | no        | no     | no       | no       | no     | no
shared        | yes       | no        | no        | no     | no       | no       | no     | no
owner         | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
admin         | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
it-admin      | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
network-admin | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
billing-admin | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
auditor       | yes       | yes       | yes       | yes    | yes      | yes      | no     | no
everyone      | yes       | no        | no        | no     | no       | no       | no     | no
"""
HEADSCALE_AUTOGROUPS = """
autogroup     | acl src | acl dst | grant src | grant dst | via | ssh src | ssh dst | ssh users
member        | yes     | yes     | yes       | yes       | no  | yes     | yes     | dead
members       | no      | no      | no        | no        | no  | no      | no      | dead
tagged        | yes     | yes     | yes       | yes       | no  | yes     | yes     | dead
self          | no      | yes     | no        | yes       | no  | no      | yes     | dead
internet      | no      | yes     | no        | yes       | no  | no      | no      | dead
danger-all    | yes     | no      | yes       | no        | no  | no      | no      | dead
nonroot       | no      | no      | no        | no        | no  | no      | no      | yes
shared        | no      | no      | no        | no        | no  | no      | no      | dead
owner         | no      | no      | no        | no        | no  | no      | no      | dead
admin         | no      | no      | no        | no        | no  | no      | no      | dead
everyone      | no      | no      | no        | no        | no  | no      | no      | dead
"""
HEADSCALE_AUTOGROUP_DEFINITIONS = """
autogroup     | nodeAttrs | tagOwners | routes | exitNode | groups
member        | yes       | no        | no     | no       | no
tagged        | yes       | no        | no     | no       | no
self          | no        | no        | no     | no       | no
internet      | no        | no        | no     | no       | no
danger-all    | no        | no        | no     | no       | no
admin         | no        | no        | no     | no       | no
everyone      | no        | no        | no     | no       | no
"""


def cells(*tables: str) -> list[tuple[str, str, str]]:
    """Return row, column and answer of each cell."""
    found = []
    for table in tables:
        (_, *columns), *rows = (
            [cell.strip() for cell in line.split("|")] for line in table.strip().split("\n")
        )
        found += [
            (row, column, answer)
            for row, *answers in rows
            for column, answer in zip(columns, answers, strict=True)
        ]
    return found


def report_on(word: str, column: str, target: str) -> Report:
    # With a rule section nothing is said of one that is absent.
    sections = {**NAMES, "acls": [], **POSITIONS[column](word)}
    if target == "tailscale":
        sections.setdefault("ipsets", {})
        sections["ipsets"]["ipset:lan"] = ["10.0.0.0/8"]
    if word == "tag:web" and column == "ssh src":
        sections |= ssh("tag:web", "tag:web")
    tailnet = TAILNET if target == "tailscale" else HEADSCALE_TAILNET
    return check(json.dumps(sections), target=target, tailnet=tailnet, ignore=LINT_CODES)


def assert_answer(report: Report, word: str, answer: str) -> None:
    said = [
        (found.severity.value, report.source.slice(found.primary.span))
        for found in report.diagnostics
        if found.primary.span is not None
    ]
    match answer:
        case "yes":
            assert report.diagnostics == ()
        case "?":
            assert said == [("warning", word)]
            assert [found.code for found in report.diagnostics] == ["unproven"]
        case "dead":
            assert said == [("warning", word)]
            assert report.diagnostics[0].code.startswith("dead-")
        case "no":
            assert said == [("error", word)]
    assert report.accepted == (answer != "no")


@pytest.mark.parametrize(("kind", "column", "answer"), cells(TAILSCALE, TAILSCALE_DEFINITIONS))
def test_a_selector_on_tailscale(kind: str, column: str, answer: str) -> None:
    word = SELECTORS[kind]
    assert_answer(report_on(word, column, "tailscale"), word, answer)


@pytest.mark.parametrize(("name", "column", "answer"), cells(AUTOGROUPS, AUTOGROUP_DEFINITIONS))
def test_an_autogroup_on_tailscale(name: str, column: str, answer: str) -> None:
    word = f"autogroup:{name}"
    assert_answer(report_on(word, column, "tailscale"), word, answer)


@pytest.mark.parametrize(("kind", "column", "answer"), cells(HEADSCALE, HEADSCALE_DEFINITIONS))
def test_a_selector_on_headscale(kind: str, column: str, answer: str) -> None:
    word = SELECTORS[kind]
    assert_answer(report_on(word, column, "headscale@0.29"), word, answer)


@pytest.mark.parametrize(
    ("name", "column", "answer"), cells(HEADSCALE_AUTOGROUPS, HEADSCALE_AUTOGROUP_DEFINITIONS)
)
def test_an_autogroup_on_headscale(name: str, column: str, answer: str) -> None:
    word = f"autogroup:{name}"
    assert_answer(report_on(word, column, "headscale@0.29"), word, answer)


def test_an_explicit_host_and_a_range_stand_in_ipsets_only() -> None:
    for word, refused in (("host:db", "acl src"), ("10.0.0.1-10.0.0.9", "acl dst")):
        assert report_on(word, "ipsets", "tailscale").accepted
        assert_answer(report_on(word, refused, "tailscale"), word, "no")


TESTS = """
kind       | tests src | tests dst | sshTests src | sshTests dst
*          | no        | no        | no           | no
user       | yes       | yes       | yes          | yes
domain     | ?         | ?         | ?            | ?
group      | yes       | yes       | yes          | yes
tag        | yes       | yes       | yes          | yes
host       | yes       | yes       | yes          | yes
ip         | yes       | yes       | yes          | yes
cidr       | no        | no        | no           | no
ipset      | no        | ?         | no           | no
service    | no        | yes       | no           | no
"""
TEST_AUTOGROUPS = """
autogroup  | tests src | tests dst | sshTests src | sshTests dst
member     | yes       | no        | no           | no
tagged     | yes       | no        | no           | no
self       | no        | no        | no           | no
internet   | no        | no        | no           | no
danger-all | no        | no        | no           | no
shared     | no        | no        | no           | no
owner      | no        | no        | no           | no
everyone   | no        | no        | no           | no
"""

EVERYTHING = {
    **NAMES,
    "ipsets": {"ipset:lan": ["10.0.0.0/8"]},
    "acls": [
        {"action": "accept", "src": ["*", "autogroup:member"], "dst": ["*:*"]},
        {"action": "accept", "src": ["*", "autogroup:member"], "dst": ["svc:wiki:22"]},
    ],
    "ssh": [
        {
            "action": "accept",
            "src": ["autogroup:member", "autogroup:tagged"],
            "dst": ["tag:web"],
            "users": ["root"],
        },
        {
            "action": "accept",
            "src": ["alice@example.com"],
            "dst": ["autogroup:self"],
            "users": ["root"],
        },
    ],
}


def report_on_test(word: str, column: str, expected: str) -> Report:
    """Return the report on a policy that allows everything and tests it with *word*."""
    match column:
        case "tests src":
            test: dict[str, Any] = {"src": word, expected: ["tag:web:22"]}
        case "tests dst":
            test = {"src": "alice@example.com", expected: [f"{word}:22"]}
        case "sshTests src":
            test = {"src": word, "dst": ["tag:web"], expected: ["root"]}
        case _:
            test = {"src": "alice@example.com", "dst": [word], expected: ["root"]}
    section = column.split()[0]
    text = json.dumps({**EVERYTHING, section: [test]})
    return check(text, tailnet=TAILNET, ignore=LINT_CODES)


def assert_tested(word: str, column: str, answer: str) -> None:
    report = report_on_test(word, column, "accept")
    assert report.accepted == (answer == "yes"), report
    if answer != "yes":
        # What can't be tested is never taken as denied.
        assert not report_on_test(word, column, "deny").accepted
        spans = [found.primary.span for found in report.diagnostics]
        spans += [failure.span for test in report.tests for failure in test.failures]
        assert [report.source.slice(span) for span in spans if span] == [word]
    if answer == "?":
        assert report.refusal == "test(s) failed"


@pytest.mark.parametrize(("kind", "column", "answer"), cells(TESTS))
def test_a_selector_in_a_test(kind: str, column: str, answer: str) -> None:
    assert_tested(SELECTORS[kind], column, answer)


@pytest.mark.parametrize(("name", "column", "answer"), cells(TEST_AUTOGROUPS))
def test_an_autogroup_in_a_test(name: str, column: str, answer: str) -> None:
    assert_tested(f"autogroup:{name}", column, answer)


def test_an_ipv6_destination_of_an_ssh_test_only_fails() -> None:
    report = report_on_test("fd7a:115c:a1e0::3", "sshTests dst", "accept")
    assert report.refusal == "test(s) failed"
    assert report_on_test("100.64.0.3", "sshTests dst", "accept").accepted
