from __future__ import annotations

import ipaddress
from itertools import pairwise

import netaddr  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from aclkit.addresses import (
    Address,
    AddressSet,
    AddressSyntaxError,
    Family,
    Prefix,
    parse_address,
    parse_prefix,
    parse_wire,
)

_BOUNDARIES = {
    family: sorted(
        {
            number
            for exponent in (0, 1, 2, 8, 16, 31, 32, family.width - 1)
            if exponent < family.width
            for number in (
                1 << exponent,
                (1 << exponent) - 1,
                (1 << family.width) - (1 << exponent),
            )
        }
    )
    for family in Family
}
families = st.sampled_from(Family)


@st.composite
def addresses(draw: st.DrawFn) -> Address:
    family = draw(families)
    # Small numbers and boundaries make intervals touch, nest and fill the family.
    value = draw(
        st.integers(0, 12)
        | st.sampled_from(_BOUNDARIES[family])
        | st.integers(0, (1 << family.width) - 1)
    )
    return Address(family, value)


@st.composite
def prefixes(draw: st.DrawFn) -> Prefix:
    address = draw(addresses())
    width = address.family.width
    bits = draw(st.integers(width - 4, width) | st.integers(0, width))
    return Prefix(address.family, address.value >> (width - bits) << (width - bits), bits)


@st.composite
def ranges(draw: st.DrawFn) -> tuple[Address, Address]:
    left = draw(addresses())
    right = draw(addresses().filter(lambda address: address.family == left.family))
    return min(left, right), max(left, right)


address_sets = st.lists(addresses() | prefixes() | ranges(), max_size=6).map(AddressSet.of)
v6_numbers = st.lists(st.sampled_from([0, 0, 1, 0xFFFF, 0x1234]), min_size=8, max_size=8).map(
    lambda groups: int.from_bytes(b"".join(g.to_bytes(2, "big") for g in groups), "big")
)


@given(addresses())
def test_an_address_reads_back_from_its_text(address: Address) -> None:
    assert parse_address(str(address)) == address


@given(v6_numbers)
def test_ipv6_text_is_that_of_the_standard_library_but_for_mapped_addresses(value: int) -> None:
    text = str(Address(Family.V6, value))
    if value >> 32 == 0xFFFF:
        assert text == f"::ffff:{ipaddress.IPv4Address(value & 0xFFFFFFFF)}"
    else:
        groups = [f"{value >> shift & 0xFFFF:x}" for shift in range(112, -1, -16)]
        assert ipaddress.IPv6Address(text) == ipaddress.IPv6Address(":".join(groups))
        assert text == str(ipaddress.IPv6Address(value))


@given(prefixes())
def test_a_prefix_reads_back_from_both_of_its_texts(prefix: Prefix) -> None:
    assert parse_prefix(str(prefix), masked=False) == prefix
    assert parse_prefix(prefix.token, masked=False) == prefix
    assert ipaddress.ip_network(str(prefix)).prefixlen == prefix.bits


@given(st.text("0123456789abcdefABF.:%/ ٣-", max_size=24))
def test_a_text_that_is_read_as_an_address_is_one_for_the_standard_library(text: str) -> None:
    try:
        address = parse_address(text)
    except AddressSyntaxError:
        return
    assert int(ipaddress.ip_address(text)) == address.value


@given(
    st.sampled_from([*"0123456789abf:.", "::", "ffff", "255", "1.2.3.4"])
    .flatmap(lambda seed: st.lists(st.sampled_from(["1", "ff", ":", "::", ".", seed]), max_size=16))
    .map("".join)
)
def test_the_standard_library_reads_no_more_addresses_than_we_do(text: str) -> None:
    try:
        expected = ipaddress.ip_address(text)
    except ValueError:
        expected = None
    try:
        address = parse_address(text)
    except AddressSyntaxError:
        assert expected is None
    else:
        assert expected is not None
        assert (address.family, address.value) == (expected.version, int(expected))


@given(prefixes(), prefixes())
def test_prefixes_compare_as_networks_do(left: Prefix, right: Prefix) -> None:
    theirs_left, theirs_right = netaddr.IPNetwork(str(left)), netaddr.IPNetwork(str(right))
    assert left.contains(right) == (theirs_right in theirs_left)
    assert left.overlaps(right) == (theirs_right in theirs_left or theirs_left in theirs_right)
    assert left.overlaps(right) == AddressSet.of([left]).overlaps_prefix(right)
    assert left.contains(right) == AddressSet.of([left]).contains_prefix(right)


@given(address_sets, address_sets, addresses())
def test_operations_on_sets_are_operations_on_membership(
    a: AddressSet, b: AddressSet, address: Address
) -> None:
    assert (address in a | b) == (address in a or address in b)
    assert (address in a & b) == (address in a and address in b)
    assert (address in a - b) == (address in a and address not in b)
    assert (address in ~a) == (address not in a)
    assert a.contains(address.family, address.value) == (address in a)


@given(address_sets, address_sets)
def test_de_morgan_absorption_and_difference(a: AddressSet, b: AddressSet) -> None:
    assert ~(a | b) == ~a & ~b
    assert ~(a & b) == ~a | ~b
    assert a | (a & b) == a
    assert a & (a | b) == a
    assert a - b == a & ~b
    assert ~~a == a
    assert a | ~a == AddressSet.everything()
    assert not a & ~a


@given(address_sets, address_sets, address_sets)
def test_union_and_intersection_are_lattice_operations(
    a: AddressSet, b: AddressSet, c: AddressSet
) -> None:
    assert a | b == b | a
    assert a & b == b & a
    assert (a | b) | c == a | (b | c)
    assert (a & b) & c == a & (b & c)
    assert a & (b | c) == (a & b) | (a & c)
    assert AddressSet.of([a, b, c]) == a | b | c


@given(address_sets, address_sets)
def test_questions_about_two_sets_agree_with_the_algebra(a: AddressSet, b: AddressSet) -> None:
    assert a.overlaps(b) == bool(a & b) == b.overlaps(a)
    assert a.issubset(b) == (a & b == a)
    assert (a | b).size == a.size + b.size - (a & b).size


@given(address_sets, prefixes())
def test_questions_about_a_prefix_agree_with_the_algebra(a: AddressSet, prefix: Prefix) -> None:
    inside = AddressSet.of([prefix])
    assert a.overlaps_prefix(prefix) == a.overlaps(inside)
    assert a.contains_prefix(prefix) == inside.issubset(a)


@given(address_sets)
def test_a_set_reads_back_from_its_prefixes_and_from_its_ranges(a: AddressSet) -> None:
    assert AddressSet.of(a.prefixes()) == a
    assert AddressSet.of(map(parse_wire, a.ranges())) == a
    assert list(a.prefixes()) == sorted(a.prefixes())


@given(address_sets)
def test_intervals_are_sorted_apart_and_inside_of_the_family(a: AddressSet) -> None:
    for family, intervals in ((Family.V4, a.v4), (Family.V6, a.v6)):
        flat = [bound for interval in intervals for bound in interval]
        assert flat == sorted(flat)
        assert all(low[1] + 1 < high[0] for low, high in pairwise(intervals))
        assert all(0 <= bound < 1 << family.width for bound in flat)
    assert sum(last - first + 1 for first, last in (*a.v4, *a.v6)) == a.size


@given(address_sets)
def test_prefixes_are_as_few_as_netaddr_finds(a: AddressSet) -> None:
    spans = [
        netaddr.IPRange(netaddr.IPAddress(first, family), netaddr.IPAddress(last, family))
        for family, intervals in ((4, a.v4), (6, a.v6))
        for first, last in intervals
    ]
    theirs = [(net.version, net.first, net.prefixlen) for net in netaddr.cidr_merge(spans)]
    assert [(int(p.family), p.first, p.bits) for p in a.prefixes()] == theirs
