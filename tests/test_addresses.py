from __future__ import annotations

import ipaddress
import pickle

import netaddr  # type: ignore[import-untyped]
import pytest

from aclkit.addresses import (
    CGNAT,
    CHROMEOS,
    INTERNET,
    INTERNET_TOKENS,
    TAILNET,
    TAILNET_V4,
    TAILNET_V6,
    WILDCARD_TOKENS,
    Address,
    AddressSet,
    AddressSyntaxError,
    Family,
    Prefix,
    has_host_bits,
    parse_address,
    parse_prefix,
    parse_range,
    parse_wire,
)


def set_of(*tokens: str) -> AddressSet:
    return AddressSet.of(map(parse_wire, tokens))


# Text of one address


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("0.0.0.0", "0.0.0.0"),
        ("100.64.0.1", "100.64.0.1"),
        ("255.255.255.255", "255.255.255.255"),
        ("::", "::"),
        ("::1", "::1"),
        ("1::", "1::"),
        ("FD7A:115C:A1E0::0001", "fd7a:115c:a1e0::1"),
        ("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"),
        ("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"),
        ("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0"),
        ("::2:3:4:5:6:7:8", "0:2:3:4:5:6:7:8"),
        ("0:0:0:0:5:0:0:0", "::5:0:0:0"),
        ("0:0:3:0:0:0:0:8", "0:0:3::8"),
        ("10:0:0:0:100:0:0:0", "10::100:0:0:0"),
        ("1:0:0:2:3:4:0:0", "1::2:3:4:0:0"),
        ("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::ffff:1.2.3.4", "::ffff:1.2.3.4"),
        ("::ffff:0102:0304", "::ffff:1.2.3.4"),
        ("::ffff:0:0", "::ffff:0.0.0.0"),
        ("::1.2.3.4", "::102:304"),
        ("::ffff:0:1.2.3.4", "::ffff:0:102:304"),
        ("64:ff9b::1.2.3.4", "64:ff9b::102:304"),
        ("1:2:3:4:5:6:1.2.3.4", "1:2:3:4:5:6:102:304"),
    ],
)
def test_an_address_is_written_as_netip_writes_it(text: str, canonical: str) -> None:
    address = parse_address(text)
    assert str(address) == canonical
    assert parse_address(canonical) == address
    assert address.value == int(ipaddress.ip_address(text))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "*",
        "1",
        "1.2.3",
        "1.2.3.4.5",
        "1.2.3.4/32",
        "01.2.3.4",
        "1.2.3.04",
        "1.2.3.256",
        "1.2.3.1000",
        "0x1.2.3.4",
        "+1.2.3.4",
        " 1.2.3.4",
        "1.2.3.4 ",
        "1.2.3.4\n",
        "1.2.3.4\0",
        "١.2.3.4",
        "１.2.3.4",
        ":",
        ":::",
        "1::2::3",
        "::1::",
        "1:2:3:4:5:6:7",
        "1:2:3:4:5:6:7:8:9",
        "1:2:3:4:5:6:7:8::",
        "::1:2:3:4:5:6:7:8",
        "1:2:3:4::5:6:7:8",
        ":1:2:3:4:5:6:7",
        "00001::",
        "g::",
        "::1%eth0",
        "fe80::1%1",
        "[::1]",
        "::1/128",
        "::1.2.3",
        "::1.2.3.04",
        "::1.2.3.256",
        "1.2.3.4::",
        "::ffff:1.2.3.4:5",
        "::1\n",
        "::１",
    ],
)
def test_what_is_not_strictly_an_address_is_refused(text: str) -> None:
    with pytest.raises(AddressSyntaxError, match="`"):
        parse_address(text)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("db", "`db` is not an IP address"),
        ("10.0.0.07", "`10.0.0.07` is not an IP address: a number in it begins with 0"),
        ("10.0.0.256", "`10.0.0.256` is not an IP address: a number in it is above 255"),
        ("10.0.0.0/8", "`10.0.0.0/8` is not one IP address but looks like a CIDR"),
        ("fe80::1%eth0", "`fe80::1%eth0` has a zone id, which no address here may have"),
    ],
)
def test_a_refusal_says_what_is_wrong(text: str, message: str) -> None:
    with pytest.raises(AddressSyntaxError) as refused:
        parse_address(text)
    assert str(refused.value) == message


def test_an_ipv4_mapped_address_stays_ipv6() -> None:
    mapped = parse_address("::ffff:1.2.3.4")
    assert mapped.family is Family.V6
    assert mapped != parse_address("1.2.3.4")


def test_addresses_sort_by_family_then_number() -> None:
    texts = ["::", "::1", "9.0.0.0", "10.0.0.0", "fd7a::", "255.255.255.255"]
    ordered = [str(address) for address in sorted(map(parse_address, texts))]
    assert ordered == ["9.0.0.0", "10.0.0.0", "255.255.255.255", "::", "::1", "fd7a::"]


@pytest.mark.parametrize("value", [-1, 1 << 32])
def test_a_number_outside_of_the_family_is_no_address(value: int) -> None:
    with pytest.raises(ValueError, match="is not the number of an IPv4 address"):
        Address(Family.V4, value)


# Prefixes


@pytest.mark.parametrize(
    ("text", "canonical", "token"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3/8", "10.0.0.0/8", "10.0.0.0/8"),
        ("10.1.2.3", "10.1.2.3/32", "10.1.2.3"),
        ("10.1.2.3/32", "10.1.2.3/32", "10.1.2.3"),
        ("10.1.2.3/0", "0.0.0.0/0", "0.0.0.0/0"),
        ("FD00::1/64", "fd00::/64", "fd00::/64"),
        ("fd00::1/128", "fd00::1/128", "fd00::1"),
        ("::/0", "::/0", "::/0"),
        ("::ffff:1.2.3.4/120", "::ffff:1.2.3.0/120", "::ffff:1.2.3.0/120"),
        ("::ffff:1.2.3.4/80", "::/80", "::/80"),
    ],
)
def test_a_prefix_is_masked_and_has_two_texts(text: str, canonical: str, token: str) -> None:
    prefix = parse_prefix(text)
    assert str(prefix) == canonical
    assert prefix.token == token
    assert parse_prefix(canonical) == parse_prefix(token) == prefix


@pytest.mark.parametrize(
    "text",
    [
        "10.0.0.0/",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "10.0.0.0/-1",
        "10.0.0.0/8/8",
        "10.0.0.0/٨",
        "10.0.0.0/255.0.0.0",
        "10.0.0.0/9999999999",
        "10/8",
        "10.0.0/8",
        "/8",
        "fd00::/129",
        "fd00::%eth0/64",
        "fd00::/64%eth0",
        "10.0.0.0 /8",
        "10.0.0.0/8\n",
        "0.0.0.0-1.1.1.1",
    ],
)
def test_what_is_not_strictly_a_prefix_is_refused(text: str) -> None:
    with pytest.raises(AddressSyntaxError, match="`"):
        parse_prefix(text)
    with pytest.raises(AddressSyntaxError, match="`"):
        has_host_bits(text)


def test_a_wrong_prefix_length_is_named_with_its_limit() -> None:
    with pytest.raises(AddressSyntaxError) as refused:
        parse_prefix("10.0.0.0/33")
    assert str(refused.value) == "`33` is not a prefix length from 0 to 32"


@pytest.mark.parametrize("text", ["10.1.0.0/8", "fd00::1/64", "1.2.3.4/0"])
def test_host_bits_are_found_and_refused_where_they_are_not_masked(text: str) -> None:
    assert has_host_bits(text)
    with pytest.raises(AddressSyntaxError, match="has address bits set after the prefix length"):
        parse_prefix(text, masked=False)


@pytest.mark.parametrize("text", ["10.0.0.0/8", "10.1.2.3", "::/0", "fd00::1/128"])
def test_a_prefix_without_host_bits_needs_no_mask(text: str) -> None:
    assert not has_host_bits(text)
    assert parse_prefix(text, masked=False) == parse_prefix(text)


def test_a_prefix_can_not_be_made_with_host_bits_or_a_wrong_length() -> None:
    with pytest.raises(ValueError, match=r"`10\.0\.0\.1/8` has address bits set"):
        Prefix(Family.V4, 0x0A000001, 8)
    with pytest.raises(ValueError, match="is not an IPv4 prefix"):
        Prefix(Family.V4, 0, 33)
    with pytest.raises(ValueError, match="is not an IPv6 prefix"):
        Prefix(Family.V6, 1 << 128, 128)


def test_a_prefix_knows_its_bounds() -> None:
    prefix = parse_prefix("10.0.0.0/8")
    assert (prefix.first, prefix.last) == (0x0A000000, 0x0AFFFFFF)
    assert not prefix.is_single
    assert not prefix.is_default
    assert parse_prefix("::/0").is_default
    assert parse_prefix("::1").is_single
    assert Prefix.of(parse_address("::1")) == parse_prefix("::1/128")


@pytest.mark.parametrize(
    ("left", "right", "contains", "overlaps"),
    [
        ("10.0.0.0/8", "10.0.0.0/8", True, True),
        ("10.0.0.0/8", "10.255.0.0/16", True, True),
        ("10.255.0.0/16", "10.0.0.0/8", False, True),
        ("10.0.0.0/8", "11.0.0.0/8", False, False),
        ("0.0.0.0/0", "::/0", False, False),
        ("::/0", "1.2.3.4", False, False),
    ],
)
def test_prefixes_nest_or_are_apart(left: str, right: str, contains: bool, overlaps: bool) -> None:
    assert parse_prefix(left).contains(parse_prefix(right)) is contains
    assert parse_prefix(left).overlaps(parse_prefix(right)) is overlaps


def test_a_prefix_holds_addresses_of_its_own_family_only() -> None:
    assert parse_address("10.255.255.255") in parse_prefix("10.0.0.0/8")
    assert parse_address("11.0.0.0") not in parse_prefix("10.0.0.0/8")
    assert parse_address("::a00:1") not in parse_prefix("0.0.0.0/0")


# Ranges and wire tokens


def test_a_range_is_inclusive_and_may_hold_one_address() -> None:
    first, last = parse_range("10.0.0.1-10.0.0.9")
    assert (str(first), str(last)) == ("10.0.0.1", "10.0.0.9")
    assert parse_range("::1-::1") == (parse_address("::1"), parse_address("::1"))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("10.0.0.1", "`10.0.0.1` is not a range of addresses"),
        ("10.0.0.2-10.0.0.1", "`10.0.0.2-10.0.0.1` is a range whose end is before its start"),
        ("10.0.0.2-::1", "`10.0.0.2-::1` is a range from one address family to the other"),
        ("10.0.0.1-2", "`2` is not an IP address"),
        ("1.1.1.1-1.1.1.2-1.1.1.3", "`1.1.1.2-1.1.1.3` is not an IP address"),
        ("1.1.1.1 - 1.1.1.2", "`1.1.1.1 ` is not an IP address"),
    ],
)
def test_what_is_not_strictly_a_range_is_refused(text: str, message: str) -> None:
    with pytest.raises(AddressSyntaxError) as refused:
        parse_range(text)
    assert str(refused.value) == message


def test_a_star_on_the_wire_is_every_address() -> None:
    assert parse_wire("*") == AddressSet.everything()
    assert parse_wire("*").size == (1 << 32) + (1 << 128)


@pytest.mark.parametrize("token", ["10.0.0.1/8", "cap:x", "10.0.0.0/8-10.0.0.9", "", "**"])
def test_a_client_refuses_other_wire_tokens(token: str) -> None:
    with pytest.raises(AddressSyntaxError, match="`"):
        parse_wire(token)


# Sets


def test_touching_and_overlapping_parts_merge() -> None:
    merged = set_of("10.0.0.0/25", "10.0.0.128/25", "10.0.0.64-10.0.1.0", "::1", "::2")
    assert merged.v4 == ((0x0A000000, 0x0A000100),)
    assert merged.v6 == ((1, 2),)
    assert merged.size == 259


def test_a_set_is_built_from_every_kind_of_part() -> None:
    first, last = parse_range("10.0.0.1-10.0.0.3")
    parts = (first, (first, last), parse_prefix("::/127"), parse_wire("10.0.0.4"))
    assert AddressSet.of(parts).ranges() == ("10.0.0.1-10.0.0.4", "::/127")


def test_a_reversed_or_mixed_range_makes_no_set() -> None:
    low, high, other = map(parse_address, ("10.0.0.1", "10.0.0.2", "::1"))
    for pair in ((high, low), (low, other), (other, low)):
        with pytest.raises(ValueError, match="not a range of addresses"):
            AddressSet.of([pair])


def test_equal_sets_are_equal_however_they_were_built() -> None:
    left = set_of("10.0.0.0/9", "10.128.0.0/9")
    right = set_of("10.0.0.0/8") | set_of("10.1.0.0/16")
    assert left == right
    assert hash(left) == hash(right)
    assert left != set_of("10.0.0.0/9")


def test_the_empty_set_is_false_and_its_complement_is_everything() -> None:
    empty = AddressSet.empty()
    assert not empty
    assert empty == AddressSet.of([])
    assert ~empty == AddressSet.everything()
    assert ~AddressSet.everything() == empty
    assert empty.prefixes() == ()
    assert empty.ranges() == ()
    assert str(empty) == "no address"


def test_membership_at_the_bounds() -> None:
    addresses = set_of("10.0.0.0/8", "fd00::/8")
    for inside in ("10.0.0.0", "10.255.255.255", "fd00::", "fdff:ffff::"):
        assert parse_address(inside) in addresses
    for outside in ("9.255.255.255", "11.0.0.0", "fc00::", "fe00::", "::a00:0"):
        assert parse_address(outside) not in addresses
    assert addresses.contains(Family.V4, 0x0A000000)
    assert not addresses.contains(Family.V6, 0x0A000000)


def test_subsets_and_overlaps() -> None:
    ten, part = set_of("10.0.0.0/8", "::/64"), set_of("10.1.0.0/16", "::1")
    assert part.issubset(ten)
    assert not ten.issubset(part)
    assert AddressSet.empty().issubset(part)
    assert ten.overlaps(part)
    assert part.overlaps(ten)
    assert not part.overlaps(set_of("10.2.0.0-10.255.0.0", "::2"))
    assert not part.overlaps(AddressSet.empty())
    assert ten.contains_prefix(parse_prefix("10.1.0.0/16"))
    assert not part.contains_prefix(parse_prefix("10.0.0.0/8"))
    assert part.overlaps_prefix(parse_prefix("10.0.0.0/8"))
    assert not part.overlaps_prefix(parse_prefix("10.2.0.0/16"))
    assert not part.overlaps_prefix(parse_prefix("10.0.0.0/16"))


def test_prefixes_are_as_few_as_netaddr_finds() -> None:
    for token in (*INTERNET_TOKENS, *WILDCARD_TOKENS, "0.0.0.1-255.255.255.254", "::1-ff::"):
        first, _, last = token.partition("-")
        whole = netaddr.IPRange(first, last) if last else netaddr.IPNetwork(first)
        expected = netaddr.cidr_merge([whole])
        assert [(prefix.first, prefix.bits) for prefix in parse_wire(token).prefixes()] == [
            (network.first, network.prefixlen) for network in expected
        ]


def test_everything_is_two_prefixes() -> None:
    assert [str(prefix) for prefix in AddressSet.everything().prefixes()] == ["0.0.0.0/0", "::/0"]
    assert AddressSet.everything().ranges() == ("0.0.0.0/0", "::/0")


def test_a_set_is_immutable_and_survives_pickle() -> None:
    with pytest.raises(AttributeError):
        TAILNET.v4_edges = ()  # type: ignore[misc]
    for value in (TAILNET, parse_prefix("10.0.0.0/8"), parse_address("::1")):
        assert pickle.loads(pickle.dumps(value)) == value


# Address spaces with a name


def test_the_tailnet_addresses_are_cgnat_without_chromeos_and_the_ula() -> None:
    assert set_of(*WILDCARD_TOKENS) == TAILNET == TAILNET_V4 | TAILNET_V6
    assert TAILNET_V4.ranges() == (WILDCARD_TOKENS[1], WILDCARD_TOKENS[0])
    assert TAILNET_V4 | CHROMEOS == CGNAT
    assert not TAILNET_V4.overlaps(CHROMEOS)
    assert CGNAT.ranges() == ("100.64.0.0/10",)


def test_wildcard_tokens_stand_in_byte_order() -> None:
    assert list(WILDCARD_TOKENS) == sorted(WILDCARD_TOKENS)


def test_the_internet_has_no_private_shared_or_link_local_address() -> None:
    for outside in ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16"):
        assert not INTERNET.overlaps_prefix(parse_prefix(outside))
    assert not INTERNET.overlaps(CGNAT)
    assert not INTERNET.overlaps(TAILNET)
    assert parse_address("8.8.8.8") in INTERNET
    assert parse_address("2001:4860:4860::8888") in INTERNET
    assert [str(prefix) for prefix in INTERNET.prefixes()][-1] == "2000::/3"
