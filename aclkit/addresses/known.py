"""The address spaces that policies name with a word."""

from __future__ import annotations

from aclkit.addresses.address_set import AddressSet, parse_wire

WILDCARD_TOKENS = (
    "100.115.94.0-100.127.255.255",
    "100.64.0.0-100.115.91.255",
    "fd7a:115c:a1e0::/48",
)
"""What the selector `*` names besides subnet routes, in the byte order of compiled rules."""

INTERNET_TOKENS = (
    "0.0.0.0-9.255.255.255",
    "11.0.0.0-100.63.255.255",
    "100.128.0.0-169.253.255.255",
    "169.255.0.0-172.15.255.255",
    "172.32.0.0-192.167.255.255",
    "192.169.0.0-255.255.255.255",
    "2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)
"""What `autogroup:internet` names, in the order of compiled rules."""

CGNAT = parse_wire("100.64.0.0/10")
CHROMEOS = parse_wire("100.115.92.0/23")
"""Used by ChromeOS for its own virtual machines, so no node has an address there."""
TAILNET_V4 = CGNAT - CHROMEOS
TAILNET_V6 = parse_wire("fd7a:115c:a1e0::/48")
TAILNET = TAILNET_V4 | TAILNET_V6
INTERNET = AddressSet.of(map(parse_wire, INTERNET_TOKENS))
