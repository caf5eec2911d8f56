"""What is told beside verdicts: it changes none, and its examples are real."""

from __future__ import annotations

import json

from hypothesis import given, settings

import aclkit
from aclkit.analysis import scenarios
from aclkit.analysis.outcomes import Flow
from aclkit.compiled import CompiledPolicy
from aclkit.evaluator.query import Allowed
from tests.property.strategies import ALL
from tests.property.test_model import World, compiled, worlds

FEW = settings().max_examples // 8


def gets_through(fast: CompiledPolicy, flow: Flow) -> bool:
    return fast.query(flow.src, flow.dst, flow.port or 0, flow.proto).allowed is Allowed.ALL


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_verdicts_are_those_of_check_and_examples_are_real(world: World) -> None:
    policy, tailnet = json.dumps(world[0]), aclkit.Tailnet.from_dict(world[1])
    ran = scenarios.test_results(policy, tailnet)
    assert (
        tuple(each.result for each in ran.outcomes) == aclkit.check(policy, tailnet=tailnet).tests
    )
    fast = compiled(world)
    for outcome in ran.outcomes:
        assert len(outcome.explained) == len(outcome.result.failures)
        if outcome.result.section == "sshTests":
            continue
        supposes = world[0]["tests"][outcome.result.index].get("srcPostureAttrs") is not None
        for note in outcome.notes:
            if note.flow is None or supposes:
                continue
            if note.code in ("test-deny-lets-through", "test-accept-of-all"):
                assert gets_through(fast, note.flow)
            if note.code in ("test-accept-of-some", "test-accept-of-none", "test-deny-of-none"):
                assert not gets_through(fast, note.flow)


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_failed_test_is_explained_unless_devices_do_as_it_wants(world: World) -> None:
    policy, tailnet = json.dumps(world[0]), aclkit.Tailnet.from_dict(world[1])
    for outcome in scenarios.test_results(policy, tailnet).outcomes:
        if outcome.result.section == "sshTests":
            continue
        codes = {note.code for note in outcome.notes}
        for failure, explanation in zip(outcome.result.failures, outcome.explained, strict=True):
            if not failure.got:
                continue
            told = explanation.why_not if failure.expected == "accept" else explanation.because
            assert told or codes & {"test-accept-of-all", "test-deny-of-none", "test-no-devices"}
