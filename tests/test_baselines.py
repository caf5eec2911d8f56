"""The all-pairs baseline of the benchmarks finds the peers that the compiler finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import aclkit
from aclkit.policy.model import Policy
from aclkit.tailnet.model import Tailnet
from tests.bench.baselines import AllPairs, Peers
from tests.bench.world import (
    adversarial_tailnet,
    adversarial_users,
    standard_policy,
    standard_tailnet,
)
from tests.property.strategies import ACLS, policies, tailnets

FEATURES = ACLS | {"grants", "via", "postures", "ipsets", "self", "internet", "roles"}
"""What the baseline knows: not services, capabilities in both directions, or attributes."""


def compiled_peers(policy: Policy, tailnet: Tailnet) -> Peers:
    compiled = aclkit.compile_policy(policy, tailnet)
    return [sorted(compiled.visibility.peers(number)) for number in range(len(tailnet.nodes))]


def paired_peers(policy: Policy, tailnet: Tailnet) -> Peers:
    pairs = AllPairs(policy, tailnet)
    return pairs.peers(pairs.reduced())


@st.composite
def worlds(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any]]:
    tailnet = draw(tailnets())
    return draw(policies(tailnet, features=FEATURES)), tailnet


@given(worlds())
@settings(max_examples=settings().max_examples // 4)
def test_all_pairs_of_a_small_world_see_each_other_as_compiled(
    world: tuple[dict[str, Any], dict[str, Any]],
) -> None:
    policy, tailnet = aclkit.load_policy(json.dumps(world[0])), Tailnet.from_dict(world[1])
    assert paired_peers(policy, tailnet) == compiled_peers(policy, tailnet)


@pytest.mark.parametrize("everything", [False, True])
def test_all_pairs_of_the_standard_world_see_each_other_as_compiled(everything: bool) -> None:
    policy = aclkit.load_policy(standard_policy(everything=everything))
    tailnet = standard_tailnet(60)
    assert paired_peers(policy, tailnet) == compiled_peers(policy, tailnet)


def test_all_pairs_of_the_adversarial_world_see_each_other_as_compiled() -> None:
    policy = aclkit.load_policy(standard_policy(users=adversarial_users(100)))
    tailnet = adversarial_tailnet(100)
    assert len({node.user for node in tailnet.nodes if node.user}) == len(tailnet.users) == 60
    assert paired_peers(policy, tailnet) == compiled_peers(policy, tailnet)
