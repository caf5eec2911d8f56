from __future__ import annotations

import json
from pathlib import Path

import pytest

from aclkit.addresses import AddressSet, AddressSyntaxError, parse_address, parse_wire
from aclkit.evaluator.packetfilter import Decision, PacketFilter, PacketKind, Reason
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange

TCP, UDP, SCTP, ICMP4, ICMP6, TSMP, GRE = 6, 17, 132, 1, 58, 99, 47
LAPTOP, OTHER, SERVER = "100.64.0.1", "100.64.0.9", "100.64.0.2"
LAPTOP6, OTHER6, SERVER6 = "fd7a:115c:a1e0::1", "fd7a:115c:a1e0::9", "fd7a:115c:a1e0::2"
SUBNET, IN_SUBNET = "10.33.0.0/16", "10.33.7.7"
LOCAL = (SERVER, SERVER6, SUBNET)


def set_of(*tokens: str) -> AddressSet:
    return AddressSet.of(map(parse_wire, tokens))


def rule(
    src: str | list[str], dst: str | list[str], ports: str = "0-65535", *protocols: int
) -> FilterRule:
    sources = [src] if isinstance(src, str) else src
    destinations = [dst] if isinstance(dst, str) else dst
    first, _, last = ports.partition("-")
    port_range = PortRange(int(first), int(last or first))
    dst_ports = tuple(NetPortRange(ip, port_range) for ip in destinations)
    return FilterRule(tuple(sources), dst_ports, protocols)


def decide(
    rules: list[FilterRule],
    src: str,
    dst: str,
    proto: int,
    port: int = 0,
    kind: PacketKind = PacketKind.OPENING,
    *,
    local: tuple[str, ...] = LOCAL,
    peer_caps: dict[str, AddressSet] | None = None,
) -> Decision:
    node = PacketFilter(rules, set_of(*local), peer_caps=peer_caps)
    return node.check(parse_address(src), parse_address(dst), proto, port, kind=kind)


def dropped(reason: Reason) -> Decision:
    return Decision(False, reason)


def accepted(reason: Reason, index: int | None = None) -> Decision:
    return Decision(True, reason, index)


OPEN = [rule("*", "*")]


def test_a_decision_is_true_when_the_packet_passes() -> None:
    assert decide(OPEN, LAPTOP, SERVER, TCP, 22)
    assert not decide([], LAPTOP, SERVER, TCP, 22)


# Step 0


@pytest.mark.parametrize("proto", [0, 255])
@pytest.mark.parametrize("kind", [PacketKind.OPENING, PacketKind.REPLY])
def test_an_unknown_protocol_is_dropped(proto: int, kind: PacketKind) -> None:
    rules = [rule("*", "*", "0-65535", proto)]
    assert decide(rules, LAPTOP, SERVER, proto, kind=kind) == dropped(Reason.UNKNOWN_PROTOCOL)


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        (LAPTOP, "224.0.0.1"),
        (LAPTOP, "239.255.255.255"),
        (LAPTOP6, "ff02::1"),
        (LAPTOP6, "::ffff:224.0.0.1"),
    ],
)
def test_multicast_is_dropped_even_where_it_is_routed(src: str, dst: str) -> None:
    assert decide(OPEN, src, dst, UDP, 53, local=("*",)) == dropped(Reason.MULTICAST)


@pytest.mark.parametrize(
    ("src", "dst"),
    [
        (LAPTOP, "169.254.0.1"),
        (LAPTOP, "169.254.169.253"),
        (LAPTOP6, "fe80::1"),
        (LAPTOP6, "febf::1"),
        (LAPTOP6, "::ffff:169.254.169.254"),
    ],
)
def test_link_local_is_dropped_even_where_it_is_routed(src: str, dst: str) -> None:
    assert decide(OPEN, src, dst, TCP, 80, local=("*",)) == dropped(Reason.LINK_LOCAL)


@pytest.mark.parametrize(("src", "dst"), [(LAPTOP, "169.254.169.254"), (LAPTOP6, "fec0::1")])
def test_the_metadata_address_and_its_neighbours_are_not_dropped(src: str, dst: str) -> None:
    assert decide(OPEN, src, dst, TCP, 80, local=("*",)) == accepted(Reason.RULE, 0)


@pytest.mark.parametrize("proto", [0, TCP, GRE])
def test_a_later_fragment_passes_whatever_its_protocol_and_destination(proto: int) -> None:
    kind = PacketKind.LATER_FRAGMENT
    assert decide([], LAPTOP, OTHER, proto, kind=kind) == accepted(Reason.LATER_FRAGMENT)
    assert decide([], LAPTOP, "224.0.0.1", proto, kind=kind) == dropped(Reason.MULTICAST)


def test_a_later_fragment_passes_over_ipv6_too() -> None:
    kind = PacketKind.LATER_FRAGMENT
    assert decide([], LAPTOP6, SERVER6, TCP, kind=kind) == accepted(Reason.LATER_FRAGMENT)


# Step 1


@pytest.mark.parametrize("kind", [PacketKind.OPENING, PacketKind.REPLY])
@pytest.mark.parametrize("proto", [TCP, UDP, ICMP4, TSMP, GRE])
def test_what_is_not_for_the_node_is_dropped_whatever_the_rules_say(
    proto: int, kind: PacketKind
) -> None:
    rules = [*OPEN, rule("*", "*", "0-65535", proto)]
    assert decide(rules, LAPTOP, OTHER, proto, 22, kind) == dropped(Reason.NOT_LOCAL)


def test_a_served_route_is_local() -> None:
    assert decide(OPEN, LAPTOP, IN_SUBNET, TCP, 22) == accepted(Reason.RULE, 0)
    assert decide(OPEN, LAPTOP, "10.34.0.1", TCP, 22) == dropped(Reason.NOT_LOCAL)


@pytest.mark.parametrize(("src", "dst"), [(LAPTOP, SERVER6), (LAPTOP6, SERVER)])
@pytest.mark.parametrize("kind", list(PacketKind))
def test_no_packet_goes_from_one_family_to_the_other(src: str, dst: str, kind: PacketKind) -> None:
    assert decide(OPEN, src, dst, TCP, 22, kind) == dropped(Reason.FAMILY_MISMATCH)


# Steps 2 and 3


@pytest.mark.parametrize("proto", [TCP, UDP, SCTP])
def test_a_first_packet_needs_protocol_source_destination_and_port(proto: int) -> None:
    rules = [rule(LAPTOP, SERVER, "22-23", proto)]
    assert decide(rules, LAPTOP, SERVER, proto, 22) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, SERVER, proto, 23) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, SERVER, proto, 21) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP, SERVER, proto, 24) == dropped(Reason.NO_RULE)
    assert decide(rules, OTHER, SERVER, proto, 22) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP, IN_SUBNET, proto, 22) == dropped(Reason.NO_RULE)
    for another in {TCP, UDP, SCTP} - {proto}:
        assert decide(rules, LAPTOP, SERVER, another, 22) == dropped(Reason.NO_RULE)


@pytest.mark.parametrize("proto", [TCP, UDP, SCTP])
def test_replies_pass_without_a_rule(proto: int) -> None:
    assert decide([], LAPTOP, SERVER, proto, 22, PacketKind.REPLY) == accepted(Reason.REPLY)


def test_a_rule_without_protocol_means_tcp_udp_and_icmp_but_not_sctp() -> None:
    rules = [rule("*", "*")]
    for proto in (TCP, UDP):
        assert decide(rules, LAPTOP, SERVER, proto, 22) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, SERVER, ICMP4) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP6, SERVER6, ICMP6) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, SERVER, SCTP, 22) == dropped(Reason.NO_RULE)


def test_ports_belong_to_their_own_destination() -> None:
    rules = [
        FilterRule(
            ("*",),
            (
                NetPortRange(SERVER, PortRange(22, 22)),
                NetPortRange(SUBNET, PortRange(80, 80)),
            ),
        )
    ]
    assert decide(rules, LAPTOP, SERVER, TCP, 22) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, SERVER, TCP, 80) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP, IN_SUBNET, TCP, 80) == accepted(Reason.RULE, 0)
    assert decide(rules, LAPTOP, IN_SUBNET, TCP, 22) == dropped(Reason.NO_RULE)


def test_the_first_rule_that_fits_is_named() -> None:
    rules = [rule(OTHER, "*"), rule(LAPTOP, SERVER, "22"), rule("*", "*")]
    assert decide(rules, LAPTOP, SERVER, TCP, 22) == accepted(Reason.RULE, 1)
    assert decide(rules, LAPTOP, SERVER, TCP, 23) == accepted(Reason.RULE, 2)


@pytest.mark.parametrize(
    "source", [LAPTOP, "100.64.0.0/10", "100.64.0.0-100.64.0.5", "*", "0.0.0.0/0"]
)
def test_a_source_may_be_an_address_a_cidr_a_range_or_a_star(source: str) -> None:
    assert decide([rule(source, SERVER, "22")], LAPTOP, SERVER, TCP, 22)


def test_a_star_covers_both_families_and_a_default_route_its_own() -> None:
    assert decide([rule("*", "*")], LAPTOP6, SERVER6, TCP, 22)
    assert not decide([rule("0.0.0.0/0", "*")], LAPTOP6, SERVER6, TCP, 22)
    assert not decide([rule("*", "::/0")], LAPTOP, SERVER, TCP, 22)


def test_protocol_numbers_beyond_a_byte_are_ignored_and_do_not_mean_the_default() -> None:
    assert not decide([rule("*", "*", "0-65535", 256, -1)], LAPTOP, SERVER, TCP, 22)
    assert decide([rule("*", "*", "0-65535", 256, TCP)], LAPTOP, SERVER, TCP, 22)


# Step 4


@pytest.mark.parametrize(
    ("src", "dst", "proto"), [(LAPTOP, SERVER, ICMP4), (LAPTOP6, SERVER6, ICMP6)]
)
def test_any_rule_for_the_addresses_makes_ping_work(src: str, dst: str, proto: int) -> None:
    rules = [rule("*", "*", "0-65535", GRE), rule(src, dst, "22", TCP)]
    assert decide(rules, src, dst, proto) == accepted(Reason.ICMP_ANY_RULE, 0)
    assert decide(rules[1:], src, dst, proto) == accepted(Reason.ICMP_ANY_RULE, 0)
    assert decide([rule(src, dst, "22")], src, dst, proto) == accepted(Reason.ICMP_ANY_RULE, 0)


@pytest.mark.parametrize(
    ("src", "other", "dst", "proto"),
    [(LAPTOP, OTHER, SERVER, ICMP4), (LAPTOP6, OTHER6, SERVER6, ICMP6)],
)
def test_ping_needs_a_rule_for_its_addresses(src: str, other: str, dst: str, proto: int) -> None:
    rules = [rule(other, dst), rule(src, SUBNET)]
    assert decide(rules, src, dst, proto) == dropped(Reason.NO_RULE)


def test_a_rule_that_means_icmp_is_preferred_to_one_that_does_not() -> None:
    rules = [rule("*", "*", "22", TCP), rule("*", "*", "0-65535", ICMP4)]
    assert decide(rules, LAPTOP, SERVER, ICMP4) == accepted(Reason.RULE, 1)


def test_echo_replies_and_errors_pass_without_a_rule() -> None:
    assert decide([], LAPTOP, SERVER, ICMP4, kind=PacketKind.REPLY) == accepted(Reason.REPLY)
    assert decide([], LAPTOP6, SERVER6, ICMP6, kind=PacketKind.REPLY) == accepted(Reason.REPLY)


# Steps 5 and 6


@pytest.mark.parametrize(("src", "dst"), [(LAPTOP, SERVER), (LAPTOP6, SERVER6)])
def test_tsmp_passes_without_a_rule(src: str, dst: str) -> None:
    assert decide([], src, dst, TSMP) == accepted(Reason.TSMP)


@pytest.mark.parametrize("kind", [PacketKind.OPENING, PacketKind.REPLY])
def test_other_protocols_need_a_rule_for_exactly_all_ports(kind: PacketKind) -> None:
    whole = [rule(LAPTOP, SERVER, "0-65535", GRE)]
    assert decide(whole, LAPTOP, SERVER, GRE, kind=kind) == accepted(Reason.RULE, 0)
    assert decide(whole, OTHER, SERVER, GRE, kind=kind) == dropped(Reason.NO_RULE)
    assert decide(whole, LAPTOP, IN_SUBNET, GRE, kind=kind) == dropped(Reason.NO_RULE)
    assert decide(whole, LAPTOP, SERVER, GRE + 1, kind=kind) == dropped(Reason.NO_RULE)
    almost = [rule("*", "*", "1-65535", GRE), rule("*", "*", "0-65534", GRE)]
    assert decide(almost, LAPTOP, SERVER, GRE, kind=kind) == dropped(Reason.NO_RULE)
    assert decide(OPEN, LAPTOP, SERVER, GRE, kind=kind) == dropped(Reason.NO_RULE)


def test_two_ranges_that_make_up_all_ports_do_not_do() -> None:
    halves = tuple(NetPortRange("*", ports) for ports in (PortRange(0, 9), PortRange(10, 65535)))
    assert not decide([FilterRule(("*",), halves, (GRE,))], LAPTOP, SERVER, GRE)


@pytest.mark.parametrize(
    ("src", "dst", "proto"), [(LAPTOP, SERVER, ICMP6), (LAPTOP6, SERVER6, ICMP4)]
)
def test_icmp_of_the_other_family_is_a_protocol_like_any_other(
    src: str, dst: str, proto: int
) -> None:
    kind = PacketKind.REPLY
    assert decide([rule(src, dst, "22")], src, dst, proto) == dropped(Reason.NO_RULE)
    assert decide([rule(src, dst)], src, dst, proto) == accepted(Reason.RULE, 0)
    assert decide([], src, dst, proto, kind=kind) == dropped(Reason.NO_RULE)


# Step 7


ADMINS = {"admin": set_of(LAPTOP, LAPTOP6)}


def test_a_capability_as_source_is_every_peer_that_holds_it() -> None:
    rules = [rule(["cap:admin", "10.0.0.1"], SERVER, "22")]
    assert decide(rules, LAPTOP, SERVER, TCP, 22, peer_caps=ADMINS) == accepted(Reason.RULE, 0)
    assert decide(rules, OTHER, SERVER, TCP, 22, peer_caps=ADMINS) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP, SERVER, TCP, 23, peer_caps=ADMINS) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP, SERVER, TCP, 22) == dropped(Reason.NO_RULE)
    assert decide(rules, "10.0.0.1", SERVER, TCP, 22) == accepted(Reason.RULE, 0)


def test_a_capable_source_may_ping_any_destination_of_the_family() -> None:
    rules = [rule("cap:admin", "10.99.0.1", "22", TCP)]
    ping = decide(rules, LAPTOP, SERVER, ICMP4, peer_caps=ADMINS)
    assert ping == accepted(Reason.ICMP_ANY_RULE, 0)
    assert decide(rules, OTHER, SERVER, ICMP4, peer_caps=ADMINS) == dropped(Reason.NO_RULE)
    assert decide(rules, LAPTOP6, SERVER6, ICMP6, peer_caps=ADMINS) == dropped(Reason.NO_RULE)


def test_a_capable_source_does_not_count_for_other_protocols() -> None:
    rules = [rule("cap:admin", "*", "0-65535", GRE)]
    assert decide(rules, LAPTOP, SERVER, GRE, peer_caps=ADMINS) == dropped(Reason.NO_RULE)


# Reading of rules


def test_an_unreadable_string_is_left_out_and_listed() -> None:
    bad_sources = ["10.0.0.1/8", LAPTOP, "what"]
    node = PacketFilter(
        [
            rule(bad_sources, SERVER),
            rule(bad_sources, ["cap:admin", "10.0.0.9-10.0.0.1", SERVER6]),
        ],
        set_of(*LOCAL),
    )
    assert node.check(parse_address(LAPTOP), parse_address(SERVER), TCP, 22)
    assert not node.check(parse_address("10.0.0.1"), parse_address(SERVER), TCP, 22)
    assert [(fault.rule, fault.token) for fault in node.unreadable] == [
        (0, "10.0.0.1/8"),
        (0, "what"),
        (1, "10.0.0.1/8"),
        (1, "what"),
        (1, "cap:admin"),
        (1, "10.0.0.9-10.0.0.1"),
    ]
    assert node.unreadable[0].why == "`10.0.0.1/8` has address bits set after the prefix length"


def test_a_rule_whose_sources_are_all_unreadable_lets_nobody_in() -> None:
    assert not decide([rule("10.0.0.1/8", "*")], LAPTOP, SERVER, TCP, 22)


@pytest.mark.parametrize(("proto", "port"), [(-1, 0), (256, 0), (TCP, -1), (TCP, 65536)])
def test_a_protocol_or_port_out_of_range_is_no_packet(proto: int, port: int) -> None:
    with pytest.raises(ValueError, match="not a p"):
        decide(OPEN, LAPTOP, SERVER, proto, port)


# Capabilities


def granting(
    src: str | list[str], dsts: list[str], **cap_map: tuple[object, ...] | None
) -> FilterRule:
    sources = (src,) if isinstance(src, str) else tuple(src)
    return FilterRule(sources, cap_grant=(CapGrant(tuple(dsts), cap_map),))


def granted(
    rules: list[FilterRule], peer: list[str], own: list[str]
) -> dict[str, tuple[object, ...] | None]:
    node = PacketFilter(rules, set_of(*LOCAL))
    return node.capabilities(list(map(parse_address, peer)), list(map(parse_address, own)))


MINE = [f"{SERVER}/32", f"{SERVER6}/128"]


def test_values_of_a_capability_are_concatenated_in_the_order_of_the_rules() -> None:
    rules = [
        granting(LAPTOP, MINE, x=({"v": 1},), y=()),
        granting(OTHER, MINE, x=("not mine",)),
        granting("*", MINE, x=({"v": 2}, {"v": 1})),
    ]
    expected = {"x": ({"v": 1}, {"v": 2}, {"v": 1}), "y": ()}
    assert granted(rules, [LAPTOP, LAPTOP6], [SERVER, SERVER6]) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([None], None),
        ([None, None], None),
        ([()], ()),
        ([None, ()], None),
        ([(), None], ()),
        ([None, (1,), None, (2,)], (1, 2)),
    ],
)
def test_a_capability_stays_null_while_it_has_no_values(
    values: list[tuple[object, ...] | None], expected: tuple[object, ...] | None
) -> None:
    rules = [granting("*", MINE, x=each) for each in values]
    assert granted(rules, [LAPTOP], [SERVER]) == {"x": expected}


def test_a_grant_needs_source_and_destination_of_one_family() -> None:
    rules = [granting([LAPTOP, LAPTOP6], [f"{SERVER}/32"], x=None)]
    assert granted(rules, [LAPTOP], [SERVER, SERVER6]) == {"x": None}
    assert granted(rules, [LAPTOP6], [SERVER, SERVER6]) == {}
    assert granted(rules, [LAPTOP], [SERVER6]) == {}
    assert granted(rules, [OTHER], [SERVER]) == {}
    assert granted(rules, [], [SERVER]) == {}


def test_a_capability_without_a_name_is_not_granted() -> None:
    assert granted([granting("*", MINE, **{"": (1,), "x": None})], [LAPTOP], [SERVER]) == {
        "x": None
    }


def test_a_rule_for_capabilities_opens_no_port_and_one_for_ports_grants_nothing() -> None:
    rules = [granting("*", MINE, x=None)]
    assert not decide(rules, LAPTOP, SERVER, TCP, 22)
    assert not decide(rules, LAPTOP, SERVER, ICMP4)
    assert granted(OPEN, [LAPTOP], [SERVER]) == {}


@pytest.mark.parametrize("text", [SERVER, "*", "100.64.0.2/33", "db"])
def test_a_grant_on_something_else_than_a_cidr_is_refused(text: str) -> None:
    with pytest.raises(AddressSyntaxError, match="is not a"):
        PacketFilter([granting("*", [text], x=None)], set_of(*LOCAL))


def test_recorded_capabilities_of_peers_follow_from_the_recorded_rules(recordings: Path) -> None:
    count = 0
    for path in sorted(recordings.glob("grant/*.json")):
        recording = json.loads(path.read_text(encoding="utf-8"))
        if not recording.get("expect"):
            continue
        own = {
            name: [parse_address(node[key]) for key in ("ipv4", "ipv6") if node.get(key)]
            for name, node in recording["nodes"].items()
        }
        for name, expect in recording["expect"].items():
            rules = list(map(FilterRule.from_dict, expect["packet_filter_rules"]))
            node = PacketFilter(rules, AddressSet.of(own[name]))
            assert node.unreadable == ()
            theirs = {peer: node.capabilities(own[peer], own[name]) for peer in expect["peers"]}
            assert expect.get("whois_caps", {}) == {
                peer: {cap: None if v is None else list(v) for cap, v in caps.items()}
                for peer, caps in theirs.items()
                if caps
            }
            count += 1
    assert count > 0
