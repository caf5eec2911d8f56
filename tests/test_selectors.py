from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.policy.selectors import (
    Selector,
    SelectorSyntaxError,
    is_service_name,
    is_tag_name,
    parse_selector,
)
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import SelectorKind, find_target

K = SelectorKind
HEADSCALE = find_target("headscale@0.29").names


def text(word: str) -> Text:
    return Text(word, Span(10, 10 + len(word)))


def parsed(word: str) -> Selector:
    return parse_selector(text(word))


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("*", K.WILDCARD, "*"),
        ("alice@example.com", K.USER, "alice@example.com"),
        ("alice@github", K.USER, "alice@github"),
        ("alice@passkey", K.USER, "alice@passkey"),
        ("d'arcy+x@example.com", K.USER, "d'arcy+x@example.com"),
        ("user:*@example.com", K.DOMAIN, "example.com"),
        ("group:eng", K.GROUP, "eng"),
        ("group:eng@example.com", K.GROUP, "eng@example.com"),
        ("tag:web", K.TAG, "web"),
        ("autogroup:member", K.AUTOGROUP, "member"),
        ("autogroup:what-ever", K.AUTOGROUP, "what-ever"),
        ("svc:wiki", K.SERVICE, "wiki"),
        ("ipset:lan", K.IPSET, "lan"),
        ("host:db", K.HOST_MEMBER, "db"),
        ("db", K.HOST, "db"),
        ("db.example.com", K.HOST, "db.example.com"),
        ("member", K.HOST, "member"),
        ("10.0.0.300", K.HOST, "10.0.0.300"),
        ("100.64.0.1", K.IP, "100.64.0.1"),
        ("FD7A:115C:A1E0::1", K.IP, "fd7a:115c:a1e0::1"),
        ("::ffff:10.0.0.1", K.IP, "::ffff:10.0.0.1"),
        ("::", K.IP, "::"),
        ("10.0.0.0/8", K.CIDR, "10.0.0.0/8"),
        ("10.1.2.3/8", K.CIDR, "10.0.0.0/8"),
        ("10.0.0.1/32", K.CIDR, "10.0.0.1/32"),
        ("::/0", K.CIDR, "::/0"),
        ("10.0.0.1-10.0.0.9", K.RANGE, "10.0.0.1-10.0.0.9"),
        ("fd00::1-fd00::9", K.RANGE, "fd00::1-fd00::9"),
        ("web-1", K.HOST, "web-1"),
    ],
)
def test_a_word_is_told_by_its_form(word: str, kind: SelectorKind, name: str) -> None:
    found = parsed(word)
    assert (found.kind, found.name) == (kind, name)
    assert found.span == Span(10, 10 + len(word))


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("group:eng@example.com", K.USER),
        ("user:*@example.com", K.USER),
        ("localpart:*@example.com", K.USER),
        ("alice@", K.USER),
        ("group:eng", K.GROUP),
        ("10.0.0.1-10.0.0.9", K.HOST),
        ("fd00::1", K.IP),
    ],
)
def test_headscale_looks_for_the_at_sign_first(word: str, kind: SelectorKind) -> None:
    assert parse_selector(text(word), HEADSCALE).kind is kind


@pytest.mark.parametrize("word", ["svc:wiki", "ipset:lan", "host:db", "posture:x"])
def test_headscale_lacks_some_prefixes(word: str) -> None:
    with pytest.raises(SelectorSyntaxError):
        parse_selector(text(word), HEADSCALE)


@pytest.mark.parametrize(
    "word",
    [
        "", "  ", "group:", "tag:", "autogroup:", "svc:", "ipset:", "host:", "user:*@",
        "user:alice@example.com", "user:alice", "localpart:*@example.com", "posture:mac",
        "Group:eng", "TAG:web", "group :eng", "role:admin", "a:b", "10.0.0.0/33", "10.0.0.0/08",
        "10.0.0.0/255.0.0.0", "fd00::/129", "fe80::1%eth0", "fd00:::1", "https://x", "a/b",
        "[fd00::1]", "10.0.0.1:22", "*:*", "fd00::9-fd00::1",
    ],
)  # fmt: skip
def test_what_is_no_selector_is_refused_with_its_place_and_a_repair(word: str) -> None:
    with pytest.raises(SelectorSyntaxError) as refused:
        parsed(word)
    assert refused.value.code == "bad-selector"
    assert refused.value.help
    assert Span(10, 10).start <= refused.value.span.start <= refused.value.span.end
    assert refused.value.span.end <= 10 + len(word)


@pytest.mark.parametrize(
    ("word", "help"),
    [
        ("Group:eng", "write `group:eng`, in lower case and without blanks"),
        ("tag : web", "write `tag:web`, in lower case and without blanks"),
        ("user:alice@example.com", "write `alice@example.com` for one user"),
        ("posture:mac", "it stands in `srcPosture` and `defaultSrcPosture`"),
        ("localpart:*@example.com", "it stands in `users` of an SSH rule"),
    ],
)
def test_the_repair_names_what_was_meant(word: str, help: str) -> None:
    with pytest.raises(SelectorSyntaxError) as refused:
        parsed(word)
    assert refused.value.help == help


@pytest.mark.parametrize("blanks", [" ", "\t", "\n", " \t "])
def test_blanks_around_a_word_do_not_count(blanks: str) -> None:
    found = parsed(f"{blanks}tag:web{blanks}")
    assert found == parsed("tag:web")
    assert found.span == Span(10 + len(blanks), 17 + len(blanks))


def test_selectors_are_equal_by_what_they_mean() -> None:
    assert parsed("FD00::1") == parsed("fd00:0::1")
    assert parsed("10.1.2.3/8") == parsed("10.0.0.0/8")
    assert parsed("10.0.0.1") != parsed("10.0.0.1/32")
    assert parsed("tag:web") != parsed("tag:Web")


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("tag:a", True), ("tag:A1-b", True), ("tag:a-", True), ("tag:", False), ("tag:1a", False),
        ("tag:-a", False), ("tag:a_b", False), ("tag:a b", False), ("tag:ä", False),
        ("tag:a\n", False), ("a", False), ("tag:a:b", False),
    ],
)  # fmt: skip
def test_tag_names(name: str, good: bool) -> None:
    assert is_tag_name(name) is good


@pytest.mark.parametrize(
    ("name", "good"),
    [
        ("svc:a", True), ("svc:a-1", True), ("svc:1", True), ("svc:" + "a" * 63, True),
        ("svc:" + "a" * 64, False), ("svc:", False), ("svc:-a", False), ("svc:a-", False),
        ("svc:A", False), ("svc:a_b", False), ("svc:a.b", False), ("a", False), ("svc:a\n", False),
    ],
)  # fmt: skip
def test_service_names(name: str, good: bool) -> None:
    assert is_service_name(name) is good


@given(st.text("ag:@/*.-0125f[] \tüS", max_size=24), st.booleans())
def test_any_word_is_a_selector_or_refused_inside_its_text(word: str, headscale: bool) -> None:
    names = HEADSCALE if headscale else find_target("tailscale").names
    try:
        span = parse_selector(text(word), names).span
    except SelectorSyntaxError as refused:
        span = refused.span
    assert 10 <= span.start <= span.end <= 10 + len(word)
