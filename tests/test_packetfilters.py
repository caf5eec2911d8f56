"""Compact packet filters: few lists change, and shared parts are rendered once."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

import aclkit
from aclkit.addresses import parse_address
from aclkit.engine import PolicyEngine
from aclkit.packetfilters import CHUNK, MOST_APPENDED, PacketFilters, Renderer
from aclkit.tailcfg import CapGrant, FilterRule, NetPortRange, PortRange
from aclkit.tailnet.changes import NodeChanged
from aclkit.tailnet.model import UnknownNameError

PORT = PortRange(5432, 5432)
MANY = tuple(sorted(f"100.64.{number // 250}.{number % 250}" for number in range(2_000)))


def rule(*sources: str, at: str = "100.64.9.9", ports: PortRange = PORT) -> FilterRule:
    return FilterRule(tuple(sorted(sources)), (NetPortRange(at, ports),), (6,))


def test_a_full_message_forgets_everything_first() -> None:
    message = PacketFilters.of([rule("100.64.0.1")]).full()
    assert next(iter(message)) == "*"
    assert message.pop("*") is None
    (listed,) = message.values()
    assert listed == [rule("100.64.0.1").to_dict()]


def test_without_rules_a_client_is_told_to_forget_all_lists() -> None:
    assert PacketFilters.of([]).full() == {"*": None}


def test_there_is_nothing_to_send_when_nothing_changed() -> None:
    held = PacketFilters.of([rule(*MANY)])
    assert held.delta(PacketFilters.of([rule(*MANY)])) == {}
    assert held.after([rule(*MANY)]) == held


def test_a_small_rule_is_one_list() -> None:
    assert len(PacketFilters.of([rule("100.64.0.1", "100.64.0.2")]).lists) == 1


def test_a_long_list_of_sources_is_cut_into_chunks() -> None:
    lists = PacketFilters.of([rule(*MANY)]).lists
    assert len(MANY) / CHUNK / 2 < len(lists) < len(MANY) / CHUNK * 2
    assert [source for each in lists.values() for source in each.src_ips] == list(MANY)


def test_chunks_are_longer_where_what_they_open_is_long() -> None:
    ports = tuple(NetPortRange(f"10.0.0.{number}", PORT) for number in range(100))
    assert len(PacketFilters.of([FilterRule(MANY, ports)]).lists) < 20


@pytest.mark.parametrize("count", [1, 40, 2_000])
def test_one_source_more_or_less_changes_two_lists_at_most(count: int) -> None:
    sources = MANY[:count]
    held = PacketFilters.of([rule(*sources)])
    changed = set()
    for index in range(0, count, max(1, count // 100)):
        fewer = PacketFilters.of([rule(*sources[:index], *sources[index + 1 :])])
        changed |= {len(fewer.delta(held)), len(held.delta(fewer))}
    assert changed <= {1, 2}
    assert len(held.lists) >= count / CHUNK / 2


def test_an_edit_of_one_rule_leaves_the_lists_of_the_others_alone() -> None:
    others = [rule(*MANY, at="100.64.9.8"), rule("100.64.0.1", at="100.64.9.7")]
    before = PacketFilters.of([*others, rule("100.64.0.1")])
    after = PacketFilters.of([rule("100.64.0.1", ports=PortRange(22, 22)), *others])
    delta = before.delta(after)
    assert len(delta) == 2
    assert list(delta.values()) == [
        None,
        [rule("100.64.0.1", ports=PortRange(22, 22)).to_dict()],
    ]


def test_rules_that_open_the_same_share_their_lists() -> None:
    lists = PacketFilters.of([rule("100.64.0.1"), rule("100.64.0.2")]).lists
    assert list(lists.values()) == [rule("100.64.0.1", "100.64.0.2")]


def test_a_capability_that_is_granted_twice_is_listed_twice() -> None:
    grant = CapGrant(("100.64.9.9/32",), {"example.com/cap": (1,)})
    twice = [FilterRule(("100.64.0.1",), cap_grant=(grant,))] * 2
    assert list(PacketFilters.of(twice).lists.values()) == twice


def test_values_that_python_takes_for_equal_are_told_apart() -> None:
    one, true = (
        FilterRule(("100.64.0.1",), cap_grant=(CapGrant(("100.64.9.9/32",), {"c": (value,)}),))
        for value in (1, True)
    )
    delta = PacketFilters.of([one]).delta(PacketFilters.of([true]))
    assert [listed is None for listed in delta.values()] == [True, False]


def test_what_is_appended_is_cut_anew_before_it_is_too_much() -> None:
    held = PacketFilters.of([rule(*MANY[:100])])
    first = len(held.lists)
    for count in range(100, 200):
        later = held.after([rule(*MANY[:count])])
        assert len(later.lists) <= count / CHUNK * 2 + MOST_APPENDED + 1
        held = later
    assert {source for each in held.lists.values() for source in each.src_ips} == set(MANY[:199])
    assert len(held.lists) >= first


def test_a_source_that_comes_again_goes_where_it_was() -> None:
    base = [rule("100.64.0.1")]
    held = PacketFilters.of(base)
    two = held.after([rule("100.64.0.1", "100.64.0.2", "100.64.0.3")])
    one = two.after([rule("100.64.0.1", "100.64.0.3")])
    again = one.after([rule("100.64.0.1", "100.64.0.2", "100.64.0.3")])
    assert again.lists.keys() == one.lists.keys() == two.lists.keys()
    assert sorted(s for each in again.lists.values() for s in each.src_ips) == [
        f"100.64.0.{last}" for last in (1, 2, 3)
    ]


POLICY = json.dumps(
    {
        "acls": [
            {
                "action": "accept",
                "src": ["autogroup:member"],
                "dst": ["tag:db:5432"],
                "proto": "tcp",
            }
        ],
        "grants": [{"src": ["ann@example.com"], "dst": ["tag:db"], "app": {"example.com/ü": [1]}}],
        "tagOwners": {"tag:db": []},
    }
)


def small() -> aclkit.CompiledPolicy:
    nodes = [
        {"name": "laptop", "user": "ann@example.com", "addresses": ["100.64.0.1", "fd7a::1"]},
        {"name": "db-1", "tags": ["tag:db"], "addresses": ["100.64.0.2"]},
        {"name": "db-2", "tags": ["tag:db"], "addresses": ["100.64.0.3"]},
    ]
    return aclkit.compile_policy(
        aclkit.load_policy(POLICY), aclkit.Tailnet.from_dict({"nodes": nodes})
    )


def test_a_filter_is_rendered_byte_by_byte_as_its_json() -> None:
    policy = small()
    for name in ("laptop", "db-1", "db-2"):
        data = policy.netmap(name).to_dict()["packet_filter_rules"]
        assert Renderer(policy).rules(name) == json.dumps(data, separators=(",", ":")).encode()


def test_sources_that_nodes_share_are_rendered_once() -> None:
    policy = small()
    renderer = Renderer(policy)
    one, two = (policy.netmap(name).packet_filter_rules for name in ("db-1", "db-2"))
    assert one != two
    for first, second in zip(one, two, strict=True):
        assert renderer.sources(first.src_ips) is renderer.sources(second.src_ips)


def test_a_rule_without_sources_keeps_its_empty_list() -> None:
    empty = replace(small().netmap("db-1").packet_filter_rules[0], src_ips=())
    assert Renderer(small()).rendered([empty]).startswith(b'[{"SrcIPs":[],"CapGrant":')


def test_a_source_that_json_writes_in_another_way_is_written_so() -> None:
    for listed in (('a"b', "c"), ("a", "\u00e4"), ("",), ()):
        assert json.loads(Renderer(small()).sources(listed)) == list(listed)


def test_a_peer_that_changed_is_rendered_again_and_another_is_not() -> None:
    engine = PolicyEngine(POLICY, small().rules.tailnet, tests="skip")
    before = Renderer(engine.snapshot.compiled)
    before.netmap("laptop")
    moved = replace(
        engine.snapshot.compiled.rules.tailnet.node("db-2"),
        addresses=(parse_address("100.64.0.9"),),
    )
    engine.apply(NodeChanged(moved))
    compiled = engine.snapshot.compiled
    after = before.following(compiled)
    expected = json.dumps(compiled.netmap("laptop").to_dict(), separators=(",", ":"))
    assert after.netmap("laptop") == expected.encode()
    assert b"100.64.0.9/32" in after.netmap("laptop")
    same, other = compiled.node_number("db-1"), compiled.node_number("db-2")
    assert after._heads[same] is before._heads[same]
    assert after._heads[other] is not before._heads[other]


def test_a_node_that_is_not_there_has_no_filter() -> None:
    with pytest.raises(UnknownNameError):
        Renderer(small()).rules("nobody")
