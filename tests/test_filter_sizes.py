"""What makes a filter large: which rule, and which addresses."""

from __future__ import annotations

import json

import pytest

import aclkit
from aclkit.analysis.filter_sizes import FilterSizes, filter_sizes
from aclkit.tailnet.model import UnknownNameError
from tests.bench.world import standard_policy, standard_tailnet

RULES = [
    {"action": "accept", "src": ["autogroup:member"], "dst": ["tag:db:5432"]},
    {"action": "accept", "src": ["tag:db"], "dst": ["tag:db:*"]},
]


def sizes(step: int, count: int = 50) -> FilterSizes:
    laptops = [
        {"name": f"laptop-{n}", "user": "ann@example.com",
         "addresses": [f"100.64.{n * step // 256}.{n * step % 256}"]}
        for n in range(count)
    ]  # fmt: skip
    servers = [
        {"name": name, "tags": ["tag:db"], "addresses": [address]}
        for name, address in (("db", "100.99.0.1"), ("long", "100.101.100.100"))
    ]
    policy = aclkit.load_policy(json.dumps({"tagOwners": {"tag:db": []}, "acls": RULES}))
    tailnet = aclkit.Tailnet.from_dict({"nodes": [*laptops, *servers]})
    return filter_sizes(aclkit.compile_policy(policy, tailnet))


def test_the_largest_filter_is_named_with_the_rule_behind_it() -> None:
    found = sizes(1)
    assert [name for name, _ in found.largest[:2]] == ["long", "db"]
    assert [(rule.origins[0].index, rule.sources) for rule in found.rules] == [(0, 50), (1, 2)]


def test_an_address_that_is_written_longer_counts_as_long_as_it_is() -> None:
    (_, long), (_, short), *rest = sizes(1).largest
    # Each of the two rules has the node's own address once.
    assert long - short == 2 * (len("100.101.100.100") - len("100.99.0.1"))
    assert {size for _, size in rest} == {len("[]")}


def test_scattered_addresses_are_told_from_those_of_one_range() -> None:
    assert sizes(1).rules[0].ranges == 1
    assert sizes(2).rules[0].ranges == 50


def test_a_tailnet_without_nodes_has_no_sizes() -> None:
    policy = aclkit.load_policy("{}")
    found = filter_sizes(aclkit.compile_policy(policy, aclkit.Tailnet.from_dict({"nodes": []})))
    assert (found.total, found.shared, found.nodes, found.largest, found.rules) == (0, 0, 0, (), ())
    with pytest.raises(UnknownNameError):
        found.bytes_of("nobody")


def test_sizes_of_the_standard_world_are_those_of_its_json() -> None:
    policy = aclkit.load_policy(standard_policy(everything=True))
    compiled = aclkit.compile_policy(policy, standard_tailnet(200))
    found = filter_sizes(compiled)
    expected = sum(
        len(json.dumps(compiled.netmap(node.name).to_dict()["packet_filter_rules"],
                       separators=(",", ":")))
        for _, node in compiled.rules.in_order()
    )  # fmt: skip
    assert found.total == expected
