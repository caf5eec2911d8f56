from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.policy.ports import (
    ALL_PORTS,
    Destination,
    IpEntry,
    PortSyntaxError,
    Protocol,
    parse_destination,
    parse_ip_entry,
    parse_port_range,
    parse_protocol,
    split_destination,
    unbracketed,
)
from aclkit.policy.selectors import SelectorSyntaxError
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import TAILSCALE, SelectorKind, Target, find_target

K = SelectorKind
Placed: TypeAlias = Destination | IpEntry | Protocol
HEADSCALE = find_target("headscale@0.29")


def text(word: str, start: int = 10) -> Text:
    return Text(word, Span(start, start + len(word)))


@pytest.mark.parametrize(
    ("word", "bounds"),
    [
        ("*", [ALL_PORTS]),
        ("22", [(22, 22)]),
        ("1", [(1, 1)]),
        ("65535", [(65535, 65535)]),
        ("080", [(80, 80)]),
        ("00000080", [(80, 80)]),
        ("1-65535", [(1, 65535)]),
        ("8000-8100", [(8000, 8100)]),
        ("22-22", [(22, 22)]),
        ("443,80,8000-8100", [(443, 443), (80, 80), (8000, 8100)]),
        ("80,80", [(80, 80), (80, 80)]),
    ],
)
def test_ports_are_kept_in_written_order(word: str, bounds: list[tuple[int, int]]) -> None:
    assert list(parse_port_range(text(word))) == bounds


def test_all_ports_are_not_the_ports_from_one() -> None:
    assert parse_port_range(text("*")) != parse_port_range(text("1-65535"))


@pytest.mark.parametrize(
    ("word", "wrong", "case"),
    [
        ("", "", "bad-port/empty"),
        ("ssh", "ssh", "bad-port/first"),
        ("22,ssh", "ssh", "bad-port/first"),
        ("22,,80", "", "bad-port/empty"),
        ("22,*", "*", "bad-port/first"),
        ("*,22", "*", "bad-port/first"),
        ("22, 80", " 80", "bad-port/first"),
        ("-80", "-80", "bad-port/first"),
        ("65536", "65536", "bad-port/first-over"),
        ("+1", "+1", "bad-port/first"),
        ("1e3", "1e3", "bad-port/first"),
        ("８０", "８０", "bad-port/first"),
        ("9-x", "9-x", "bad-port/last"),
        ("80-", "80-", "bad-port/last"),
        ("1-65536", "1-65536", "bad-port/last-over"),
        ("1-2-3", "1-2-3", "bad-port/dashes"),
        ("80,9-1", "9-1", "bad-port/backwards"),
        ("0", "0", "bad-port/zero"),
        ("0-80", "0-80", "bad-port/zero"),
    ],
)
def test_the_wrong_part_of_ports_is_found(word: str, wrong: str, case: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_port_range(text(word))
    start = 10 + (word.rindex(wrong) if wrong else word.find(",,") + 1)
    assert refused.value.code == "bad-port"
    assert refused.value.case == case
    assert refused.value.span == Span(start, start + len(wrong))
    assert refused.value.help


@pytest.mark.parametrize(
    ("word", "host", "ports"),
    [
        ("tag:web:22", "tag:web", "22"),
        ("*:*", "*", "*"),
        ("fd00::1:443", "fd00::1", "443"),
        ("[fd00::1]:443", "[fd00::1]", "443"),
        ("fd00::/64:443", "fd00::/64", "443"),
        ("autogroup:self", "autogroup", "self"),
        (":22", "", "22"),
        ("db:", "db", ""),
    ],
)
def test_a_destination_is_split_at_its_last_colon(word: str, host: str, ports: str) -> None:
    parts = split_destination(text(word))
    assert parts is not None
    assert (parts[0].value, parts[1].value) == (host, ports)
    assert parts[1].span == Span(10 + len(host) + 1, 10 + len(word))


def test_without_a_colon_there_is_nothing_to_split() -> None:
    assert split_destination(text("db")) is None


@pytest.mark.parametrize(
    ("word", "kind", "name"),
    [
        ("tag:web:22", K.TAG, "tag:web"),
        ("10.0.0.5:22", K.IP, "10.0.0.5"),
        ("10.0.0.0/8:22", K.CIDR, "10.0.0.0/8"),
        ("fd00::1:22", K.IP, "fd00::1"),
        ("[fd00::1]:22", K.IP, "fd00::1"),
        ("fd00::1/128:443", K.CIDR, "fd00::1/128"),
        ("[fd00::]/64:443", K.CIDR, "fd00::/64"),
        ("alice@example.com:22", K.USER, "alice@example.com"),
        ("autogroup:self:*", K.AUTOGROUP, "autogroup:self"),
        ("user:*@example.com:22", K.DOMAIN, "user:*@example.com"),
        ("db:22", K.HOST, "db"),
        ("*:22", K.WILDCARD, "*"),
    ],
)
def test_a_destination_is_a_selector_and_ports(word: str, kind: SelectorKind, name: str) -> None:
    found = parse_destination(text(word), TAILSCALE)
    assert (found.selector.kind, found.selector.text) == (kind, name)
    assert found.span == Span(10, 10 + len(word))


@pytest.mark.parametrize(
    "word",
    ["tag:web", "autogroup:self", "group:eng", "fd00::7", "[fd00::7]", "fd00::/64", "db", "db:"],
)
def test_a_destination_without_ports_is_told_as_such(word: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_destination(text(word), TAILSCALE)
    assert refused.value.code == "missing-port"
    assert refused.value.span == Span(10, 10 + len(word))


def test_a_name_of_several_parts_is_no_missing_port() -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_destination(text("tag:web:ssh"), TAILSCALE)
    assert refused.value.code == "bad-port"
    assert refused.value.span == Span(18, 21)
    assert refused.value.help == "ports are numbers: `ssh` is 22"


def test_brackets_are_taken_off_addresses_only() -> None:
    assert unbracketed(text("[fd00::1]")) == Text("fd00::1", Span(11, 18))
    assert unbracketed(text("[fd00::]/64")).value == "fd00::/64"
    assert unbracketed(text("[tag:web]")).value == "[tag:web]"


@pytest.mark.parametrize(
    ("word", "numbers"),
    [
        ("tcp", [6]), ("TCP", [6]), ("udp", [17]), ("icmp", [1]), ("icmpv4", [1]), ("igmp", [2]),
        ("ipv4", [4]), ("ip-in-ip", [4]), ("egp", [8]), ("igp", [9]), ("dccp", [33]), ("gre", [47]),
        ("esp", [50]), ("ah", [51]), ("ipv6-icmp", [58]), ("icmpv6", [58]), ("tsmp", [99]),
        ("sctp", [132]), ("0", [0]), ("6", [6]), ("006", [6]), ("255", [255]),
    ],
)  # fmt: skip
def test_protocols(word: str, numbers: list[int]) -> None:
    assert list(parse_protocol(text(word), TAILSCALE).numbers) == numbers


@pytest.mark.parametrize(
    "word", ["", "tpc", "256", "-1", "1.0", "tcp ", "tcp,udp", "*", "٦", "fc", "0x6", "9999999"]
)
def test_what_is_no_protocol_is_refused(word: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_protocol(text(word), TAILSCALE)
    assert refused.value.code == "bad-protocol"
    assert refused.value.help


@pytest.mark.parametrize("word", ["0", "06", "256", "dccp", "tsmp", "icmpv6"])
def test_headscale_knows_fewer_protocols(word: str) -> None:
    with pytest.raises(PortSyntaxError):
        parse_protocol(text(word), HEADSCALE)
    assert parse_protocol(text("fc"), HEADSCALE).numbers == (133,)


def test_only_tcp_udp_and_sctp_have_ports() -> None:
    with_ports = {
        name for name in TAILSCALE.protocols if parse_protocol(text(name), TAILSCALE).has_ports
    }
    assert with_ports == {"tcp", "udp", "sctp"}


@pytest.mark.parametrize(
    ("word", "protocol", "bounds"),
    [
        ("*", None, ALL_PORTS),
        ("80", None, (80, 80)),
        ("80-443", None, (80, 443)),
        ("*:80", None, (80, 80)),
        ("47", None, (47, 47)),
        ("tcp:*", "tcp", ALL_PORTS),
        ("TCP:80", "tcp", (80, 80)),
        ("udp:53-54", "udp", (53, 54)),
        ("icmp:*", "icmp", ALL_PORTS),
        ("6:22", "6", (22, 22)),
        ("006:22", "006", (22, 22)),
    ],
)
def test_an_ip_entry_is_a_protocol_and_one_range(
    word: str, protocol: str | None, bounds: tuple[int, int]
) -> None:
    found = parse_ip_entry(text(word), TAILSCALE)
    assert (found.protocol and found.protocol.text) == protocol
    assert found.ports == (bounds,)


@pytest.mark.parametrize(
    ("word", "code", "wrong"),
    [
        ("icmp", "bad-port", "icmp"),
        ("tcp", "bad-port", "tcp"),
        ("80,443", "bad-port", "80,443"),
        ("tcp:80,443", "bad-port", "80,443"),
        ("tcp:0", "bad-port", "0"),
        ("tcp:", "bad-port", "tcp:"),
        ("https:443", "bad-protocol", "https"),
        ("tcp:80:90", "bad-protocol", "tcp:80"),
        ("", "bad-port", ""),
        (":", "bad-port", ":"),
        ("foo:0", "bad-port", "0"),
        ("a,b:80", "bad-port", "a,b"),
        (" 80", "bad-port", " 80"),
        ("tcp:80 ", "bad-port", "80 "),
    ],
)
def test_what_is_no_ip_entry_is_refused_at_its_part(word: str, code: str, wrong: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_ip_entry(text(word), TAILSCALE)
    start = 10 + word.rindex(wrong)
    assert refused.value.code == code
    assert refused.value.span == Span(start, start + len(wrong))


def test_headscale_takes_several_ports_in_an_ip_entry() -> None:
    assert parse_ip_entry(text("tcp:80,443"), HEADSCALE).ports == ((80, 80), (443, 443))


def test_headscale_needs_no_protocol_before_the_colon_of_an_ip_entry() -> None:
    found = parse_ip_entry(text(":80"), HEADSCALE)
    assert (found.protocol, found.ports) == (None, ((80, 80),))


@pytest.mark.parametrize("word", ["TCP:80", "*:80", "a,b:80", "tcp:6:7", " 80", "80,*", "tcp:"])
def test_an_ip_entry_that_headscale_refuses(word: str) -> None:
    with pytest.raises(PortSyntaxError):
        parse_ip_entry(text(word), HEADSCALE)


@pytest.mark.parametrize("word", ["-80-90-", "80--90", "--80-90"])
def test_dashes_too_many_do_not_count_on_headscale(word: str) -> None:
    assert parse_port_range(text(word), HEADSCALE.ports) == ((80, 90),)


@pytest.mark.parametrize("word", ["-80", "80-", "-", "1-2-3"])
def test_a_range_on_headscale_has_two_ports(word: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_port_range(text(word), HEADSCALE.ports)
    assert refused.value.case == "bad-port/dashes"


@pytest.mark.parametrize("word", ["[1.2.3.4]:80", "[h]:80", "[tag:a]:80", "[::1:80", "[::1]x:80"])
def test_brackets_on_headscale_stand_around_ipv6_only(word: str) -> None:
    with pytest.raises(PortSyntaxError) as refused:
        parse_destination(text(word), HEADSCALE)
    assert refused.value.code == "bad-port"


def test_blanks_before_ports_count_on_headscale() -> None:
    word = text("tag:web :80")
    assert parse_destination(word, TAILSCALE).selector.text == "tag:web"
    assert parse_destination(word, HEADSCALE).selector.text == "tag:web "
    with pytest.raises(SelectorSyntaxError):
        parse_destination(text(" tag:web:80"), HEADSCALE)


@given(st.text("tcp:udag[]*,-/015f.@ ", max_size=20), st.sampled_from([TAILSCALE, HEADSCALE]))
def test_any_text_is_read_or_refused_inside_of_it(word: str, target: Target) -> None:
    parsers: tuple[Callable[[Text, Target], Placed], ...] = (
        parse_destination,
        parse_ip_entry,
        parse_protocol,
    )
    for parse in parsers:
        try:
            span = parse(text(word), target).span
        except (PortSyntaxError, SelectorSyntaxError) as refused:
            span = refused.span
        assert 10 <= span.start <= span.end <= 10 + len(word)
