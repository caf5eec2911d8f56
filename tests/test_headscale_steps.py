"""What changes from one version of Headscale to the next: docs/reference/headscale.md, Steps."""

from __future__ import annotations

import json

import pytest

from aclkit.diagnostics import Diagnostic
from aclkit.policy.differences import differences
from aclkit.target import find_target
from tests.test_headscale_features import OPEN, ROWS, check_period, dst, policy, rule, src, ssh

NO_RULES = json.dumps({"hosts": {"db": "10.0.0.1"}})
ALICE, BOB = "alice@example.com", "bob@example.com"
TAG_OWNERS: dict[str, list[str]] = {"tag:a": [], "web": []}

# From, to, policy, the code that is told, the text that is underlined, and a part of the message.
STEPS: tuple[tuple[str, str, str, str, str, str], ...] = (
    ("0.23", "0.24", src(ALICE), "comes-alive", ALICE, "without a domain"),
    ("0.23", "0.24", src("alice"), "changed-meaning", "alice", "the word for a user is"),
    ("0.23", "0.24", ssh(), "changed-meaning", "", "forwards local ports on"),
    ("0.25", "0.26", src("alice"), "refused-by-other", "alice", "undefined host"),
    ("0.25", "0.26", src("svc:x"), "refused-by-other", "svc:x", "neither a name nor an address"),
    ("0.25", "0.26", policy(tagOwners={"tag:a": ["tag:a"]}), "refused-by-other", "tag:a", "tag"),
    ("0.25", "0.26", src("autogroup:internet"), "refused-by-other", "autogroup:internet", "src"),
    ("0.25", "0.26", ssh(src=["*"]), "refused-by-other", "*", "SSH"),
    ("0.25", "0.26", dst("10.0.0.2:9-1"), "refused-by-other", "9-1", "backwards"),
    ("0.25", "0.26", check_period("1.5h"), "refused-by-other", "1.5h", "duration"),
    ("0.25", "0.26", policy(hosts={"a:b": "10.0.0.1"}), "refused-by-other", "a:b", "host"),
    (
        "0.25", "0.26", policy(autoApprovers={"routes": {"x": []}}), "refused-by-other", "x",
        "neither an IP address nor a CIDR",
    ),
    ("0.25", "0.26", policy(hosts={"h": "fd00::1"}), "changed-meaning", "fd00::1", "fd00::/32"),
    ("0.25", "0.26", src("alice@"), "comes-alive", "alice@", "takes effect on Headscale 0.26"),
    (
        "0.25", "0.26", policy(groups={"group:g": []}, autoApprovers={"exitNode": ["group:g"]}),
        "changed-meaning", "", "routes are approved only when they are advertised on",
    ),
    (
        "0.25", "0.26", src("group:g", groups={"group:g": [ALICE]}), "changed-meaning", "group:g",
        "a tagged node counts for its user as a member of groups only on Headscale 0.25",
    ),
    (
        "0.25", "0.26", ssh(src=[ALICE]), "changed-meaning", ALICE,
        "users are known to SSH servers by their login on Headscale 0.25",
    ),
    ("0.26", "0.27", policy(tests=[]), "refused-by-other", "tests", "unknown field"),
    ("0.26", "0.27", policy(grants=[]), "refused-by-other", "grants", "unknown field"),
    ("0.26", "0.27", rule(srcPosture=[]), "refused-by-other", "srcPosture", "unknown field"),
    ("0.26", "0.27", ssh(acceptEnv=[]), "refused-by-other", "acceptEnv", "unknown field"),
    ("0.26", "0.27", dst("10.0.0.2:0"), "refused-by-other", "0", "ports begin with 1"),
    ("0.26", "0.27", dst("10.0.0.2"), "refused-by-other", "10.0.0.2", "lacks a port"),
    ("0.26", "0.27", rule(proto="gre"), "refused-by-other", "80", "has no ports"),
    ("0.26", "0.27", rule(proto="6"), "refused-by-other", "80", "by name"),
    ("0.26", "0.27", rule(proto="007"), "refused-by-other", "007", "begins with 0"),
    ("0.26", "0.27", policy(tagOwners=TAG_OWNERS), "refused-by-other", "web", "name of a tag"),
    ("0.26", "0.27", NO_RULES, "changed-meaning", "", "allows nothing on Headscale 0.26"),
    ("0.26", "0.27", ssh(users=["autogroup:nonroot"]), "comes-alive", "autogroup:nonroot", "0.27"),
    ("0.26", "0.27", ssh(users=["*"]), "dead-login", "*", "a login of just that name"),
    ("0.26", "0.27", ssh(), "changed-meaning", "root", "`root` is sent as"),
    ("0.26", "0.27", ssh(users=["x"]), "changed-meaning", "", "forwards the agent, local ports on"),
    ("0.26", "0.27", policy(), "changed-meaning", "", "but protocols 6 and 17 alone on"),
    ("0.26", "0.27", dst("10.0.0.0/8:*"), "changed-meaning", "10.0.0.0/8", "nodes inside on"),
    (
        "0.26", "0.27", json.dumps({"acls": [], "auto-approvers": {}}), "comes-alive",
        "auto-approvers", "is ignored by Headscale 0.26",
    ),
    (
        "0.26", "0.27", json.dumps({"acls": [], "tag_owners": {}}), "comes-alive", "tag_owners",
        "is ignored by Headscale 0.26",
    ),
    ("0.27", "0.28", ssh(dst=["*"]), "refused-by-other", "*", "SSH"),
    ("0.27", "0.28", ssh(src=[BOB], dst=[ALICE]), "refused-by-other", ALICE, "are open to"),
    ("0.27", "0.28", ssh(dst=["autogroup:self"]), "refused-by-other", "tag:a", "can't be a source"),
    ("0.27", "0.28", policy(), "changed-meaning", "", "tags that a node asks for count"),
    ("0.27", "0.28", src(ALICE), "changed-meaning", ALICE, "but never on Headscale 0.28"),
    (
        "0.27", "0.28",
        policy(
            {**OPEN, "src": ["group:g"], "dst": ["autogroup:self:*"]}, groups={"group:g": [ALICE]}
        ),
        "changed-meaning", "group:g", "is nobody on Headscale 0.27",
    ),
    ("0.28", "0.29", dst("autogroup:self:*"), "refused-by-other", "10.0.0.1", "can't be a source"),
    ("0.28", "0.29", ssh(dst=["nowhere"]), "refused-by-other", "nowhere", "not a login"),
    ("0.28", "0.29", ssh(users=["*"]), "refused-by-other", "*", "not a local user"),
    ("0.28", "0.29", ssh(users=[]), "refused-by-other", "", "no local `users`"),
    ("0.28", "0.29", ssh(action=None), "refused-by-other", "", "no `action`"),
    ("0.28", "0.29", check_period("12h", "accept"), "refused-by-other", "12h", "beside `accept`"),
    ("0.28", "0.29", check_period("200h"), "refused-by-other", "200h", "longer than a week"),
    ("0.28", "0.29", check_period("1d"), "refused-by-other", "1d", "not a duration"),
    ("0.28", "0.29", policy(tagOwners={"tag:1": []}), "refused-by-other", "tag:1", "name of a tag"),
    ("0.28", "0.29", src("*"), "changed-meaning", "*", "any address on Headscale 0.28"),
    (
        "0.28", "0.29", rule(proto="icmp", dst=["10.0.0.2:*"]), "changed-meaning", "icmp",
        "1 and 58 on Headscale 0.28, but 1 on Headscale 0.29",
    ),
    ("0.28", "0.29", src("10.0.0.1"), "changed-meaning", "10.0.0.1", "these addresses alone on"),
    (
        "0.28", "0.29", dst("db:80", hosts={"db": "10.0.0.1"}), "changed-meaning", "db",
        "all others of the nodes inside on Headscale 0.28",
    ),
    (
        "0.28", "0.29", ssh(action="check", src=[ALICE]), "changed-meaning", "check",
        "but asks the user to authenticate again on Headscale 0.29",
    ),
    ("0.28", "0.29", policy(), "changed-meaning", "10.0.0.1", "subnet routers are sent rules for"),
    (
        "0.28", "0.29", ssh(users=["localpart:*@example.com"]), "comes-alive",
        "localpart:*@example.com", "takes effect on Headscale 0.29",
    ),
    ("0.28", "0.29", src(f" {ALICE}"), "comes-alive", f" {ALICE}", "blanks"),
    (
        "0.28", "0.29",
        json.dumps(
            {
                "ssh": [
                    {
                        "action": "accept",
                        "src": [ALICE],
                        "dst": ["autogroup:self"],
                        "users": ["root"],
                    }
                ]
            }
        ),
        "changed-meaning", "", "allows nothing on Headscale 0.28, but everything on",
    ),
    ("0.29", "0.28", policy(grants=[]), "refused-by-other", "grants", "unknown field"),
    ("0.29", "0.26", policy(grants=[]), "ignored-section", "grants", "is ignored by"),
)  # fmt: skip


READABLE = [row for row in ROWS if row.text]


def told(text: str, old: str, new: str) -> tuple[Diagnostic, ...]:
    return differences(text, find_target(f"headscale@{old}"), find_target(f"headscale@{new}"))


@pytest.mark.parametrize(
    ("old", "new", "text", "code", "underlined", "part"),
    STEPS,
    ids=[f"{old}-{new}-{number}" for number, (old, new, *_) in enumerate(STEPS)],
)
def test_a_step_is_told_at_its_place(
    old: str, new: str, text: str, code: str, underlined: str, part: str
) -> None:
    found = [each for each in told(text, old, new) if each.code == code and part in each.message]
    assert found, told(text, old, new)
    span = found[0].primary.span
    assert span is not None
    if underlined:
        assert text[span.start : span.end] == underlined
    assert all(each.help for each in found)


def test_a_step_from_a_version_to_itself_tells_nothing() -> None:
    target = find_target("headscale@0.26")
    assert all(differences(row.text, target, target) == () for row in READABLE)


def test_a_file_of_zero_bytes_is_refused_by_0_23_alone() -> None:
    assert [each.code for each in told("", "0.24", "0.23")] == ["refused-by-other"]
    assert told("", "0.24", "0.29") == ()


def test_0_24_and_0_25_share_a_language() -> None:
    assert all(not told(row.text, "0.24", "0.25") for row in READABLE[::3])


@pytest.mark.parametrize(("old", "new"), [("0.25", "0.26"), ("0.28", "0.29")])
def test_refusals_alone_are_errors(old: str, new: str) -> None:
    for row in READABLE:
        for found in told(row.text, old, new):
            assert found.is_error is (found.code == "refused-by-other")


def test_the_user_that_0_26_refuses_gets_the_new_word_for_it() -> None:
    (found,) = [d for d in told(src("alice"), "0.25", "0.26") if d.is_error]
    assert found.help == "write `alice@` for the local user, or the user's email address"


def test_a_note_that_holds_for_many_rules_is_told_once() -> None:
    text = policy(OPEN, OPEN, OPEN)
    found = [each for each in told(text, "0.26", "0.27") if "without `proto`" in each.message]
    assert [each.message.partition(" for ")[0] for each in found] == ["3 rules without `proto` are"]


def test_moving_from_tailscale_tells_what_headscale_lacks() -> None:
    text = policy(
        {**OPEN, "src": ["user:*@example.com", "autogroup:admin"]}, postures={}, ipsets={}
    )
    found = differences(text, find_target("tailscale"), find_target("headscale"))
    refused = {text[s.start : s.end] for d in found if d.is_error and (s := d.primary.span)}
    assert refused == {"autogroup:admin", "postures", "ipsets"}
    (wildcard,) = [d for d in found if d.code == "changed-meaning"]
    assert wildcard.message == (
        "`user:*@example.com` is a `user:*@domain` on Tailscale, but a user on Headscale 0.29"
    )


def test_a_text_that_is_no_hujson_gives_its_errors_alone() -> None:
    found = told('{"acls": [', "0.28", "0.29")
    assert found
    assert all(each.is_error and each.code != "refused-by-other" for each in found)


def test_sections_given_twice_were_merged_until_0_26() -> None:
    text = '{"acls": [], "hosts": {"a": "10.0.0.1"}, "hosts": {"b": "10.0.0.2"}}'
    found = [d.message for d in told(text, "0.25", "0.26") if d.code == "changed-meaning"]
    assert found == [
        "of `hosts`, given twice, the last one counts, after maps are merged on Headscale 0.25, "
        "but the last one counts on Headscale 0.26"
    ]
