"""One address, one prefix, and their text.

Reading is strict, so that no text means one thing here and another to a client: a pattern decides
first, then `socket.inet_pton` gives the number. Zone ids, netmasks, leading zeros in octets, signs
and digits that are not ASCII are refused. Writing follows Go's netip: RFC 5952 in lower case, and
of all IPv6 addresses only those in ::ffff:0:0/96 are dotted.

The two families never mix. In particular, an IPv4-mapped IPv6 address stays an IPv6 address.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import IntEnum
from socket import AF_INET, AF_INET6, inet_pton
from struct import unpack
from typing import TypeAlias

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_DOTTED = rf"{_OCTET}(?:\.{_OCTET}){{3}}"
_is_v4 = re.compile(_DOTTED).fullmatch
# How many groups there are, and that `::` stands but once, is left to inet_pton.
_is_v6 = re.compile(rf"(?:[0-9A-Fa-f]{{0,4}}:){{2,8}}(?:[0-9A-Fa-f]{{0,4}}|{_DOTTED})").fullmatch
_is_length = re.compile(r"0|[1-9][0-9]{0,2}").fullmatch


class AddressSyntaxError(ValueError):
    """A text that is not the address, prefix or range that it should be.

    The message is one sentence in the style of diagnostics.
    """


class Family(IntEnum):
    """An address family; its value is the IP version."""

    V4 = 4
    V6 = 6

    # The hash of Enum runs Python code, and every address that is a key of a dict would pay for it.
    __hash__ = int.__hash__

    @property
    def width(self) -> int:
        """Return the number of bits in an address."""
        return 32 if self == 4 else 128


@dataclass(frozen=True, slots=True, order=True)
class Address:
    """One IP address. IPv4 sorts before IPv6, then by number."""

    family: Family
    value: int

    def __post_init__(self) -> None:
        if self.value >> (32 if self.family == 4 else 128):
            raise ValueError(f"{self.value} is not the number of an IPv{self.family:d} address")

    def __str__(self) -> str:
        return address_text(self.family, self.value)


@dataclass(frozen=True, slots=True, order=True)
class Prefix:
    """A CIDR; the bits of *first* after the first *bits* are zero.

    IPv4 sorts before IPv6, then by lowest address, then from wide to narrow.
    """

    family: Family
    first: int
    bits: int

    def __post_init__(self) -> None:
        width = 32 if self.family == 4 else 128
        if not 0 <= self.bits <= width or self.first >> width:
            raise ValueError(f"{self.first}/{self.bits} is not an IPv{self.family:d} prefix")
        if self.first & (1 << width - self.bits) - 1:
            raise ValueError(f"`{self}` has address bits set after the prefix length")

    def __hash__(self) -> int:
        # Half the time of the hash of all fields, and routes are keys wherever peers are looked at.
        return hash(self.first + self.bits)

    @staticmethod
    def of(address: Address) -> Prefix:
        """Return the prefix that holds *address* alone."""
        return Prefix(address.family, address.value, address.family.width)

    @property
    def last(self) -> int:
        """Return the highest address inside, as a number."""
        return self.first | (1 << (32 if self.family == 4 else 128) - self.bits) - 1

    @property
    def is_single(self) -> bool:
        """Return whether one address is inside: /32 or /128."""
        return self.bits == (32 if self.family == 4 else 128)

    @property
    def is_default(self) -> bool:
        """Return whether this is 0.0.0.0/0 or ::/0, the routes of an exit node."""
        return self.bits == 0

    @property
    def token(self) -> str:
        """Return the text of compiled rules: a bare address when single, else as `str`."""
        return address_text(self.family, self.first) if self.is_single else str(self)

    def __str__(self) -> str:
        return f"{address_text(self.family, self.first)}/{self.bits}"

    def __contains__(self, address: Address) -> bool:
        return self.family == address.family and self.first <= address.value <= self.last

    def contains(self, other: Prefix) -> bool:
        """Return whether all of *other* is inside; a prefix contains itself."""
        return (
            self.family == other.family
            and self.bits <= other.bits
            and self.first <= other.first <= self.last
        )

    def overlaps(self, other: Prefix) -> bool:
        """Return whether an address is inside both, that is whether one contains the other."""
        return self.contains(other) or other.contains(self)


AddressRange: TypeAlias = tuple[Address, Address]
"""Both ends inclusive, of one family, in order."""


def parse_address(text: str) -> Address:
    """Read one address.

    Raises:
        AddressSyntaxError: *text* is anything else, such as a CIDR or an address with a zone id.
    """
    return Address(*_number(text))


def parse_prefix(text: str, *, masked: bool = True) -> Prefix:
    """Read ``address/length``, or a bare address as the prefix that holds it alone.

    Address bits after the prefix length are cleared; without *masked* they are refused.

    Raises:
        AddressSyntaxError: *text* is neither, or has such bits and *masked* is false.
    """
    family, value, bits, host_bits = _cidr(text)
    if host_bits and not masked:
        raise AddressSyntaxError(f"`{text}` has address bits set after the prefix length")
    return Prefix(family, value ^ host_bits, bits)


def has_host_bits(text: str) -> bool:
    """Return whether the CIDR *text* has address bits set after the prefix length.

    Raises:
        AddressSyntaxError: *text* is neither a CIDR nor an address.
    """
    _, _, _, host_bits = _cidr(text)
    return host_bits != 0


def parse_range(text: str) -> AddressRange:
    """Read ``first-last``, an inclusive range.

    Raises:
        AddressSyntaxError: *text* is something else, mixes families, or its ends are reversed.
    """
    left, dash, right = text.partition("-")
    if not dash:
        raise AddressSyntaxError(f"`{text}` is not a range of addresses")
    first, last = parse_address(left), parse_address(right)
    if first.family != last.family:
        raise AddressSyntaxError(f"`{text}` is a range from one address family to the other")
    if last < first:
        raise AddressSyntaxError(f"`{text}` is a range whose end is before its start")
    return first, last


def address_text(family: Family, value: int) -> str:
    """Return the text of the address with number *value*."""
    # The percent form takes two thirds of the time of str.format, and filters are full of these.
    if family == 4:
        return "%d.%d.%d.%d" % tuple(value.to_bytes(4, "big"))  # noqa: UP031
    if value >> 32 == 0xFFFF:
        return f"::ffff:{address_text(Family.V4, value & 0xFFFFFFFF)}"
    groups = unpack(">8H", value.to_bytes(16, "big"))
    text = ":%x:%x:%x:%x:%x:%x:%x:%x:" % groups  # noqa: UP031
    # RFC 5952: `::` stands for the longest run of zero groups, the first of equals, never for one.
    run = ":0:0:"
    if run not in text:
        return text[1:-1]
    while run + "0:" in text:
        run += "0:"
    head, _, tail = text.partition(run)
    return f"{head[1:]}::{tail[:-1]}"


def _number(text: str) -> tuple[Family, int]:
    if _is_v4(text):
        return Family.V4, int.from_bytes(inet_pton(AF_INET, text), "big")
    if _is_v6(text):
        try:
            return Family.V6, int.from_bytes(inet_pton(AF_INET6, text), "big")
        except OSError:
            pass  # the error below says it
    raise AddressSyntaxError(_not_an_address(text))


def _cidr(text: str) -> tuple[Family, int, int, int]:
    """Return the family, address, prefix length and the address bits after it."""
    head, slash, length = text.partition("/")
    family, value = _number(head)
    width = 32 if family == 4 else 128
    if not slash:
        return family, value, width, 0
    bits = int(length) if _is_length(length) else -1
    if not 0 <= bits <= width:
        raise AddressSyntaxError(f"`{length}` is not a prefix length from 0 to {width}")
    return family, value, bits, value & (1 << width - bits) - 1


def _not_an_address(text: str) -> str:
    """Return the sentence that says what is wrong with *text*."""
    if "%" in text:
        return f"`{text}` has a zone id, which no address here may have"
    if "/" in text:
        return f"`{text}` is not one IP address but looks like a CIDR"
    if re.fullmatch(r"[0-9]+(?:\.[0-9]+){3}", text):
        if any(len(octet) > 1 and octet[0] == "0" for octet in text.split(".")):
            return f"`{text}` is not an IP address: a number in it begins with 0"
        return f"`{text}` is not an IP address: a number in it is above 255"
    return f"`{text}` is not an IP address"
