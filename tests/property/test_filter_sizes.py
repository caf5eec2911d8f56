"""Sizes of filters: those of the JSON, to the byte."""

from __future__ import annotations

import json

from hypothesis import given, settings

from aclkit.analysis.filter_sizes import filter_sizes
from tests.property.strategies import ALL
from tests.property.test_model import World, compiled, worlds


@settings(max_examples=settings().max_examples // 3)
@given(worlds(ALL))
def test_sizes_are_those_of_the_json(world: World) -> None:
    policy = compiled(world)
    expected = {}
    lists = set[tuple[str, ...]]()
    for _, node in policy.rules.in_order():
        rules = policy.netmap(node.name).packet_filter_rules
        lists.update(rule.src_ips for rule in rules)
        data = [rule.to_dict() for rule in rules]
        expected[node.name] = len(json.dumps(data, separators=(",", ":")))
    found = filter_sizes(policy)
    assert dict(found.largest) == expected
    assert {name: found.bytes_of(name) for name in expected} == expected
    assert [size for _, size in found.largest] == sorted(expected.values(), reverse=True)
    assert found.total == sum(expected.values())
    assert found.nodes == len(expected)
    assert found.shared >= sum(len(json.dumps(each, separators=(",", ":"))) for each in lists)
