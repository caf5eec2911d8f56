"""A client's packet filter: which packets a node lets in, given its compiled rules.

This stands for the client, so it knows rules and addresses, and nothing of policies. What holds was
read off the client's own filter (wgengine/filter at v1.102.5):

0. Dropped before all rules: the protocol is unknown (0; 255, which the client uses internally, is
   unknown too), the destination is multicast, or link-local other than 169.254.169.254. Later
   fragments of a packet pass; up to v1.100 those of IPv6 were a protocol like any other.
1. Dropped: the destination is neither an address of the node nor in a route that it serves.
2. TCP: packets of a running connection pass. The first needs a rule with its protocol, source,
   destination and port.
3. UDP and SCTP: answers to the node's own recent packets pass. Others need a rule as TCP does.
4. ICMP, which is protocol 1 on IPv4 and 58 on IPv6: echo replies and errors pass. Others need a
   rule with their source and destination, *whatever that rule's protocols and ports*.
5. TSMP, protocol 99, passes.
6. Any other protocol, also 1 on IPv6 and 58 on IPv4: needs a rule with its protocol, source and
   destination whose ports are exactly 0 to 65535.
7. A source `cap:x` is every peer that holds the capability x. In step 4 the destination is then
   not checked, as long as the rule has one of the packet's family; in step 6 and for capabilities
   such a source does not count.

Rules only ever add: there is no deny, and order and repetition mean nothing. The two families do
not mix; a packet from one to the other does not exist and is dropped.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from aclkit.addresses import (
    Address,
    AddressSet,
    AddressSyntaxError,
    Family,
    parse_prefix,
    parse_wire,
)
from aclkit.tailcfg import (
    DEFAULT_PROTOCOLS,
    LAST_PORT,
    CapGrant,
    FilterRule,
    PortRange,
)

TCP, UDP, SCTP, TSMP = 6, 17, 132, 99
ICMP = {Family.V4: 1, Family.V6: 58}
_UNKNOWN_PROTOCOLS = (0, 255)

# Clients judge an IPv4-mapped address by the IPv4 address in it, save for the one exception.
_MULTICAST = AddressSet.of(map(parse_wire, ("224.0.0.0/4", "ff00::/8", "::ffff:224.0.0.0/100")))
_LINK_LOCAL = AddressSet.of(
    map(parse_wire, ("169.254.0.0/16", "fe80::/10", "::ffff:169.254.0.0/112"))
) - parse_wire("169.254.169.254")


class PacketKind(Enum):
    """What a packet is to the connection that it belongs to."""

    OPENING = "opening"
    """A TCP SYN, a first UDP or SCTP packet, an ICMP request."""
    REPLY = "reply"
    """Any other TCP packet, an answer to the node's own UDP or SCTP, an echo reply or an error."""
    LATER_FRAGMENT = "later-fragment"
    """Not the first fragment of a packet; its protocol and port are not looked at."""


class Reason(Enum):
    """Why a packet was accepted or dropped."""

    RULE = "rule"
    ICMP_ANY_RULE = "icmp-any-rule"
    """Only because a rule for other protocols or ports names these addresses (step 4)."""
    REPLY = "reply"
    LATER_FRAGMENT = "later-fragment"
    TSMP = "tsmp"

    NO_RULE = "no-rule"
    NOT_LOCAL = "not-local"
    UNKNOWN_PROTOCOL = "unknown-protocol"
    MULTICAST = "multicast"
    LINK_LOCAL = "link-local"
    FAMILY_MISMATCH = "family-mismatch"


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a packet; true when it is accepted.

    *rule* is the index of the first rule that lets it pass, None where no rule was needed or found.
    """

    accept: bool
    reason: Reason
    rule: int | None = None

    def __bool__(self) -> bool:
        return self.accept


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An address string that clients cannot read; they leave it out and keep the rest."""

    rule: int
    token: str
    why: str


@dataclass(frozen=True, slots=True)
class Match:
    """A rule for ports in the form in which it is matched.

    *sources* are those named by address, *capable* the peers named by `cap:`. *destinations* holds
    the addresses of all *dsts*, *portless* of those that are open on all ports.
    """

    rule: int
    protocols: frozenset[int]
    sources: AddressSet
    capable: AddressSet
    dsts: tuple[tuple[PortRange, AddressSet], ...]
    destinations: AddressSet
    portless: AddressSet

    def has_source(self, src: Address) -> bool:
        """Return whether *src* is named, by address or by capability."""
        return src in self.sources or src in self.capable

    def opens(self, dst: Address, port: int) -> bool:
        """Return whether *port* is open at *dst*."""
        for ports, addresses in self.dsts:
            if ports.first <= port <= ports.last and dst in addresses:
                return True
        return False

    def lets_in_icmp(self, src: Address, dst: Address) -> bool:
        """Return whether the addresses match; a capable source needs some destination only."""
        if src in self.sources and dst in self.destinations:
            return True
        some = self.destinations.v4_edges if src.family == 4 else self.destinations.v6_edges
        return src in self.capable and bool(some)


@dataclass(frozen=True, slots=True)
class CapMatch:
    """One CapGrant with its rule's sources, in the form in which it is matched."""

    sources: AddressSet
    dsts: AddressSet
    grant: CapGrant


class PacketFilter:
    """The filter of one node.

    Args:
        rules: what the node was sent. A string that clients cannot read is left out of its rule, as
            they do, and listed in `unreadable`.
        local: the node's own addresses and the routes that it serves.
        peer_caps: for each node capability, the addresses of the peers that hold it.

    Raises:
        AddressSyntaxError: `Dsts` of a CapGrant hold something else than CIDRs; a client refuses
            the whole message then.
    """

    __slots__ = ("_caps", "_local", "_matches", "unreadable")

    def __init__(
        self,
        rules: Sequence[FilterRule],
        local: AddressSet,
        *,
        peer_caps: Mapping[str, AddressSet] | None = None,
    ) -> None:
        reader = _Reader(peer_caps or {})
        for index, rule in enumerate(rules):
            reader.read(index, rule)
        self._local = local
        self._matches = tuple(reader.matches)
        self._caps = tuple(reader.caps)
        self.unreadable = tuple(reader.unreadable)

    def check(
        self,
        src: Address,
        dst: Address,
        proto: int,
        port: int = 0,
        *,
        kind: PacketKind = PacketKind.OPENING,
    ) -> Decision:
        """Return what becomes of an inbound packet.

        Args:
            src: where the packet comes from.
            dst: where it goes to.
            proto: IP protocol number, 0 to 255.
            port: destination port, 0 to 65535; looked at for TCP, UDP and SCTP only.
            kind: what the packet is to its connection.

        Raises:
            ValueError: *proto* or *port* is out of range.
        """
        if not 0 <= proto <= 255:
            raise ValueError(f"not a protocol number: {proto}")
        if not 0 <= port <= LAST_PORT:
            raise ValueError(f"not a port: {port}")
        if src.family != dst.family:
            return _FAMILY_MISMATCH
        family = dst.family
        is_fragment = kind is PacketKind.LATER_FRAGMENT
        if not is_fragment and proto in _UNKNOWN_PROTOCOLS:
            return _UNKNOWN_PROTOCOL
        if dst in _MULTICAST:
            return _MULTICAST_DROP
        if dst in _LINK_LOCAL:
            return _LINK_LOCAL_DROP
        if is_fragment:
            return _LATER_FRAGMENT
        if dst not in self._local:
            return _NOT_LOCAL
        if proto in (TCP, UDP, SCTP):
            return _REPLY if kind is PacketKind.REPLY else self._check_port(src, dst, proto, port)
        if proto == ICMP[family]:
            return _REPLY if kind is PacketKind.REPLY else self._check_icmp(src, dst, proto)
        if proto == TSMP:
            return _TSMP
        return self._check_portless(src, dst, proto)

    def capabilities(
        self, peer: Collection[Address], own: Collection[Address]
    ) -> dict[str, tuple[object, ...] | None]:
        """Return what a peer with the addresses *peer* is granted on this node's addresses *own*.

        A CapGrant counts, once, when an address of the peer is among the sources of its rule and an
        address of the node of the same family is in its Dsts. The values of a capability stand in
        the order of the rules; it is None while no CapGrant gives it a value list.
        """
        pairs = [(p, o) for o in own for p in peer if p.family == o.family]
        granted: dict[str, tuple[object, ...] | None] = {}
        for cap in self._caps:
            if not any(p in cap.sources and o in cap.dsts for p, o in pairs):
                continue
            for name, values in cap.grant.cap_map.items():
                if not name:
                    continue  # clients know no capability without a name
                if name not in granted:
                    granted[name] = values
                elif values:
                    granted[name] = (granted[name] or ()) + values
        return granted

    def _check_port(self, src: Address, dst: Address, proto: int, port: int) -> Decision:
        for match in self._matches:
            if proto in match.protocols and match.opens(dst, port) and match.has_source(src):
                return Decision(True, Reason.RULE, match.rule)
        return _NO_RULE

    def _check_icmp(self, src: Address, dst: Address, proto: int) -> Decision:
        """Prefer a rule that means ICMP, to tell whether any other was needed."""
        any_rule: int | None = None
        for match in self._matches:
            if match.lets_in_icmp(src, dst):
                if proto in match.protocols and dst in match.portless:
                    return Decision(True, Reason.RULE, match.rule)
                if any_rule is None:
                    any_rule = match.rule
        return _NO_RULE if any_rule is None else Decision(True, Reason.ICMP_ANY_RULE, any_rule)

    def _check_portless(self, src: Address, dst: Address, proto: int) -> Decision:
        for match in self._matches:
            if proto in match.protocols and dst in match.portless and src in match.sources:
                return Decision(True, Reason.RULE, match.rule)
        return _NO_RULE


_FAMILY_MISMATCH = Decision(False, Reason.FAMILY_MISMATCH)
_UNKNOWN_PROTOCOL = Decision(False, Reason.UNKNOWN_PROTOCOL)
_MULTICAST_DROP = Decision(False, Reason.MULTICAST)
_LINK_LOCAL_DROP = Decision(False, Reason.LINK_LOCAL)
_NOT_LOCAL = Decision(False, Reason.NOT_LOCAL)
_NO_RULE = Decision(False, Reason.NO_RULE)
_LATER_FRAGMENT = Decision(True, Reason.LATER_FRAGMENT)
_REPLY = Decision(True, Reason.REPLY)
_TSMP = Decision(True, Reason.TSMP)


_Fault: TypeAlias = tuple[str, str]
"""An unreadable address string, and why it is."""


class _Reader:
    """Turns wire rules into matches; reads a list of sources that rules share but once."""

    def __init__(self, peer_caps: Mapping[str, AddressSet]) -> None:
        self.matches: list[Match] = []
        self.caps: list[CapMatch] = []
        self.unreadable: list[Unreadable] = []
        self._peer_caps = peer_caps
        self._sources: dict[tuple[str, ...], tuple[AddressSet, AddressSet, list[_Fault]]] = {}

    def read(self, index: int, rule: FilterRule) -> None:
        """Add what *rule*, which has this *index* among the rules, says."""
        known = self._sources.get(rule.src_ips)
        if known is None:
            known = self._sources[rule.src_ips] = self._read_sources(rule.src_ips)
        sources, capable, source_faults = known
        faults = list(source_faults)
        if rule.dst_ports:
            protocols = frozenset(n for n in rule.ip_proto or DEFAULT_PROTOCOLS if 0 <= n <= 255)
            dsts = tuple((dst.ports, _read_token(dst.ip, faults)) for dst in rule.dst_ports)
            destinations = AddressSet.of(addresses for _, addresses in dsts)
            portless = AddressSet.of(addresses for ports, addresses in dsts if ports.is_all)
            self.matches.append(
                Match(index, protocols, sources, capable, dsts, destinations, portless)
            )
        for grant in rule.cap_grant:
            self.caps.append(CapMatch(sources, _read_cidrs(grant.dsts), grant))
        self.unreadable.extend(Unreadable(index, token, why) for token, why in faults)

    def _read_sources(self, tokens: Iterable[str]) -> tuple[AddressSet, AddressSet, list[_Fault]]:
        """Return the sources named by address, those named by capability, and the unreadable."""
        named: list[AddressSet] = []
        capable: list[AddressSet] = []
        faults: list[_Fault] = []
        for token in tokens:
            if token.startswith("cap:"):
                capable.append(self._peer_caps.get(token[4:], AddressSet.empty()))
            else:
                named.append(_read_token(token, faults))
        return AddressSet.of(named), AddressSet.of(capable), faults


def _read_token(token: str, faults: list[_Fault]) -> AddressSet:
    try:
        return parse_wire(token)
    except AddressSyntaxError as error:
        faults.append((token, str(error)))
        return AddressSet.empty()


def _read_cidrs(texts: Collection[str]) -> AddressSet:
    for text in texts:
        if "/" not in text:
            raise AddressSyntaxError(f"`{text}` is not a CIDR")
    return AddressSet.of(map(parse_prefix, texts))
