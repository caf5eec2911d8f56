"""Answers to questions: equal to the reference model, and their reasons hold when tried."""

from __future__ import annotations

import copy
import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.compiled import CompiledPolicy, Verdict
from aclkit.evaluator.query import Allowed
from aclkit.evaluator.reasons import Edit
from tests.property.strategies import ACLS, ALL, GROUPS, LOGINS, TAGS
from tests.property.test_model import World, compiled, worlds
from tests.reference_model import Model

FLOWS = (("tcp", 22), ("tcp", 80), ("udp", 53), ("icmp", 0), ("47", 0), ("sctp", 80))
# Each of these examples compiles many times; the deep profile still gives them thousands.
FEW = settings().max_examples // 3
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "47": 47, "sctp": 132}


def expected(verdicts: list[bool]) -> Allowed:
    if not any(verdicts):
        return Allowed.NONE
    return Allowed.ALL if all(verdicts) else Allowed.SOME


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_question_about_two_nodes_has_the_answer_of_the_reference_model(world: World) -> None:
    fast, slow = compiled(world), Model(*world)
    names = [node["name"] for node in world[1]["nodes"]]
    for src, dst in itertools.product(names, names):
        for proto, port in FLOWS:
            answer = slow.reaches(src, dst, port, NUMBERS[proto])
            asked = src, dst, proto, port
            verdict = fast.query(src, dst, port, proto)
            assert (asked, verdict.allowed) == (asked, expected([answer]))


@given(worlds(ALL), st.data())
def test_a_question_about_selectors_counts_pairs_of_different_devices(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    words = [*LOGINS, *GROUPS, *TAGS, "autogroup:member", "autogroup:tagged", "*"]
    src, dst = data.draw(st.sampled_from(words)), data.draw(st.sampled_from(words))
    for proto, port in FLOWS:
        verdict = fast.query(src, dst, port, proto)
        pairs = [(a, b) for a in verdict.sources for b in verdict.destinations if a != b]
        if len(verdict.sources) == 1 and verdict.sources == verdict.destinations:
            pairs = [(verdict.sources[0], verdict.sources[0])]
        answers = [fast.reaches(a, b, port, proto) for a, b in pairs]
        assert verdict.allowed is expected(answers)


def without(policy: dict[str, Any], verdict: Verdict) -> dict[str, Any]:
    """The policy without the rules that a yes names."""
    named = {(reason.origin.section, reason.origin.index) for reason in verdict.because}
    smaller = copy.deepcopy(policy)
    for section in ("acls", "grants"):
        if smaller.get(section) is not None:
            smaller[section] = [
                rule for index, rule in enumerate(smaller[section]) if (section, index) not in named
            ]
    return smaller


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_without_the_rules_of_a_yes_it_is_a_no(world: World) -> None:
    policy, tailnet = world
    fast = compiled(world)
    names = [node["name"] for node in tailnet["nodes"]]
    for src, dst in itertools.product(names, names):
        verdict = fast.query(src, dst, 22)
        if verdict.allowed is not Allowed.ALL:
            continue
        assert verdict.because
        if policy.get("acls") is None and policy.get("grants") is None:
            assert verdict.because[0].origin.span is None
            continue
        left = compiled((without(policy, verdict), tailnet))
        assert left.query(src, dst, 22).allowed is Allowed.NONE


def applied(world: World, edit: Edit) -> World:
    policy, tailnet = copy.deepcopy(world)
    document = policy if edit.document == "policy" else tailnet
    for operation in edit.operations:
        assert operation["op"] == "add"
        *path, last = operation["path"].split("/")[1:]
        place: Any = document
        for step in path:
            place = place[int(step)] if isinstance(place, list) else place[step]
        if last == "-":
            place.append(operation["value"])
        else:
            place[last] = operation["value"]
    return policy, tailnet


@settings(max_examples=FEW)
@given(worlds(ACLS | {"grants", "self", "internet", "postures", "via"}))
def test_every_edit_of_a_no_makes_it_a_yes(world: World) -> None:
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    for src, dst in itertools.product(names, names):
        for proto, port in FLOWS[:3]:
            verdict = fast.query(src, dst, port, proto)
            if verdict.allowed is Allowed.ALL:
                assert not verdict.why_not
                continue
            assert verdict.why_not
            for reason in verdict.why_not:
                if reason.edit is None:
                    continue
                after = compiled(applied(world, reason.edit))
                asked = src, dst, proto, port, reason
                assert (asked, after.query(src, dst, port, proto).allowed) == (asked, Allowed.ALL)


def test_reasons_are_worked_out_only_when_read() -> None:
    world: World = ({"acls": []}, {"nodes": [
        {"name": "a", "user": "a@example.com", "addresses": ["100.64.0.1"]},
        {"name": "b", "user": "b@example.com", "addresses": ["100.64.0.2"]},
    ]})  # fmt: skip
    fast: CompiledPolicy = compiled(world)
    verdict = fast.query("a", "b", 22)
    assert verdict.allowed is Allowed.NONE
    assert [reason.code for reason in verdict.why_not] == ["no-rule"]
