"""Addresses, prefixes and sets of them: the only reader and writer of address text."""

from __future__ import annotations

from aclkit.addresses.address import (
    Address,
    AddressRange,
    AddressSyntaxError,
    Family,
    Prefix,
    has_host_bits,
    parse_address,
    parse_prefix,
    parse_range,
)
from aclkit.addresses.address_set import AddressSet, Interval, parse_wire
from aclkit.addresses.known import (
    CGNAT,
    CHROMEOS,
    INTERNET,
    INTERNET_TOKENS,
    TAILNET,
    TAILNET_V4,
    TAILNET_V6,
    WILDCARD_TOKENS,
)

__all__ = [
    "CGNAT",
    "CHROMEOS",
    "INTERNET",
    "INTERNET_TOKENS",
    "TAILNET",
    "TAILNET_V4",
    "TAILNET_V6",
    "WILDCARD_TOKENS",
    "Address",
    "AddressRange",
    "AddressSet",
    "AddressSyntaxError",
    "Family",
    "Interval",
    "Prefix",
    "has_host_bits",
    "parse_address",
    "parse_prefix",
    "parse_range",
    "parse_wire",
]
