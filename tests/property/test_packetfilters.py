"""Named lists: what a client holds after any messages is the filter, split and reordered."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.packetfilters import PacketFilters, Renderer, rendered_rules
from aclkit.tailcfg import ALL_PORTS, CapGrant, FilterRule, NetPortRange, PortRange
from tests.property.strategies import ALL, policies
from tests.property.test_model import World, compiled, worlds

JSON = dict[str, Any]
FEW = settings().max_examples // 3

# Enough sources for many chunks, of which few change at a time.
SOURCES = [f"100.64.{number // 200}.{number % 200}" for number in range(400)]
PORTS = [PortRange(22, 22), PortRange(80, 443), ALL_PORTS]


@st.composite
def filters(draw: st.DrawFn) -> list[FilterRule]:
    """Rules with long lists of sources, some of them alike, as wire rules may be."""
    found = []
    for _ in range(draw(st.integers(0, 4))):
        start, step = draw(st.integers(200, 390)), draw(st.integers(1, 9))
        sources = tuple(sorted(SOURCES[start::step]))
        if draw(st.integers(0, 2)) == 2:
            values = draw(st.sampled_from([None, (1,), (True,), ({"x": 1},)]))
            grant = CapGrant(("100.64.0.1/32",), {"example.com/cap/a": values})
            found.append(FilterRule(sources if start % 5 else (), cap_grant=(grant,)))
        else:
            ports = tuple(NetPortRange("100.64.0.1", each) for each in draw(st.sets(
                st.sampled_from(PORTS), min_size=1)))  # fmt: skip
            found.append(FilterRule(sources, ports, draw(st.sampled_from([(), (6,), (6, 17)]))))
    return found


@st.composite
def changed(draw: st.DrawFn, rules: list[FilterRule]) -> list[FilterRule]:
    """*rules* after a node came or left, or after an edit of one of them."""
    if not rules:
        return draw(filters())
    rules = list(rules)
    index = draw(st.integers(0, len(rules) - 1))
    rule = rules[index]
    what = draw(st.sampled_from(["join", "leave", "open", "remove", "repeat", "shuffle", "all"]))
    if what == "join":
        news = draw(st.sets(st.sampled_from(SOURCES), min_size=1, max_size=3))
        rules[index] = replace(rule, src_ips=tuple(sorted({*rule.src_ips, *news})))
    elif what == "leave" and rule.src_ips:
        gone = draw(st.sampled_from(rule.src_ips))
        rules = [replace(r, src_ips=tuple(s for s in r.src_ips if s != gone)) for r in rules]
    elif what == "open" and rule.dst_ports:
        rules[index] = replace(rule, dst_ports=(NetPortRange("100.64.0.2", PORTS[0]),))
    elif what == "remove":
        del rules[index]
    elif what == "repeat":
        rules.append(rule)
    elif what == "shuffle":
        rules.reverse()
    else:
        rules = draw(filters())
    return rules


class Client:
    """What a client does with messages, step by step (docs/reference/wire.md, Packet filters)."""

    def __init__(self) -> None:
        self.lists: dict[str, list[JSON]] = {"left over": [{"SrcIPs": ["*"]}]}

    def read(self, message: JSON) -> None:
        if "*" in message and message["*"] is None:
            self.lists = {}
        for name, rules in message.items():
            if name == "*":
                continue
            if rules is None:
                del self.lists[name]  # no server deletes what is not there
            else:
                self.lists[name] = rules

    @property
    def rules(self) -> list[JSON]:
        return [rule for _, rules in sorted(self.lists.items()) for rule in rules]


def opened(rules: Iterable[JSON]) -> Counter[tuple[str, str]]:
    """Each source with each thing that it is let through to, as often as a rule says so."""
    found: Counter[tuple[str, str]] = Counter()
    for rule in rules:
        protocols = rule.get("IPProto") or [None]
        things = [(dst, proto) for dst in rule.get("DstPorts", ()) for proto in protocols]
        things += [(grant, None) for grant in rule.get("CapGrant", ())]
        for source in rule["SrcIPs"]:
            found.update((source, json.dumps(thing)) for thing in things)
    return found


def wire(rules: Iterable[FilterRule]) -> list[JSON]:
    found: list[JSON] = json.loads(json.dumps([rule.to_dict() for rule in rules]))
    return found


@given(st.data())
def test_a_client_holds_the_filter_after_any_full_messages_and_deltas(data: st.DataObject) -> None:
    rules = data.draw(filters())
    held, client = PacketFilters.of(rules), Client()
    client.read(held.full())
    for _ in range(data.draw(st.integers(1, 5))):
        assert opened(client.rules) == opened(wire(rules))
        rules = data.draw(changed(rules))
        keeps = data.draw(st.booleans())
        later = held.after(rules) if keeps else PacketFilters.of(rules)
        full = data.draw(st.integers(0, 4)) == 4
        client.read(json.loads(json.dumps(later.full() if full else held.delta(later))))
        held = later
    assert opened(client.rules) == opened(wire(rules))


@given(filters(), st.randoms(use_true_random=False))
def test_lists_depend_on_what_the_filter_says_and_not_on_its_order(
    rules: list[FilterRule], random: Any
) -> None:
    shuffled = list(rules)
    random.shuffle(shuffled)
    assert PacketFilters.of(shuffled) == PacketFilters.of(rules)


@given(st.data())
def test_what_only_grew_is_only_appended(data: st.DataObject) -> None:
    rules = data.draw(filters())
    held = PacketFilters.of(rules)
    news = data.draw(st.sets(st.sampled_from(["100.99.0.1", "100.99.0.2", "fd7a::1"])))
    grown = [replace(rule, src_ips=tuple(sorted({*rule.src_ips, *news}))) for rule in rules
             if rule.src_ips]  # fmt: skip
    grown += [rule for rule in rules if not rule.src_ips]
    delta = held.delta(held.after(grown))
    assert not set(delta) & set(held.lists)
    sent = {
        source for listed in delta.values() for rule in listed or () for source in rule["SrcIPs"]
    }
    assert sent == (news if any(rule.src_ips for rule in rules) else set())


@settings(max_examples=FEW // 2)
@given(worlds(ALL), st.data())
def test_a_stream_of_one_node_follows_its_policy(world: World, data: st.DataObject) -> None:
    client, held = Client(), None
    name = world[1]["nodes"][0]["name"]
    for _ in range(2):
        rules = compiled(world).netmap(name).packet_filter_rules
        later = PacketFilters.of(rules)
        client.read(held.delta(later) if held else later.full())
        held = later
        assert opened(client.rules) == opened(wire(rules))
        world = data.draw(policies(world[1], features=ALL)), world[1]


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_rendered_rules_are_the_json_of_the_rules(world: World) -> None:
    policy = compiled(world)
    renderer = Renderer(policy)
    for node in policy.rules.nodes:
        rules = policy.netmap(node.name).packet_filter_rules
        expected = json.dumps([rule.to_dict() for rule in rules], separators=(",", ":"))
        assert renderer.rules(node.name) == expected.encode()
        assert rendered_rules(policy, node.id) == expected.encode()


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_rendered_netmap_is_the_json_of_the_netmap(world: World) -> None:
    policy = compiled(world)
    renderer = Renderer(policy)
    for node in policy.rules.nodes:
        expected = json.dumps(policy.netmap(node.name).to_dict(), separators=(",", ":"))
        assert renderer.netmap(node.name) == expected.encode()
