"""Answers to questions: equal to the reference model, and their reasons hold when tried."""

from __future__ import annotations

import copy
import itertools
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aclkit.addresses import Address, AddressSet, parse_prefix
from aclkit.compiled import CompiledPolicy, SshVerdict, Verdict
from aclkit.evaluator.packetfilter import PacketFilter
from aclkit.evaluator.query import Allowed
from aclkit.evaluator.reasons import WhyNot
from tests.json_patch import applied
from tests.property.headscale import VERSIONS, headscale_worlds
from tests.property.strategies import ACLS, ALL, GROUPS, LITERALS, LOGINS, ROUTES, TAGS
from tests.property.test_model import World, compiled, worlds
from tests.reference_client import ssh_verdict
from tests.reference_model import Model

FLOWS = (("tcp", 22), ("tcp", 80), ("udp", 53), ("icmp", 0), ("47", 0), ("sctp", 80))
# Each of these examples compiles many times; the deep profile still gives them thousands.
FEW = settings().max_examples // 3
NUMBERS = {"tcp": 6, "udp": 17, "icmp": 1, "47": 47, "sctp": 132, "99": 99}
WORDS = [*LOGINS, *GROUPS, *TAGS, "autogroup:member", "autogroup:tagged", "*"]
BEYOND = ["10.33.0.0/16", "10.33.7.7", "10.0.0.0/8", "192.168.1.0/24", "fd00::/64", "8.8.8.8"]
ROOT, UBUNTU = "root", "ubuntu"
RULES = ACLS | {"grants", "self", "internet", "postures", "via"}


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


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_a_question_about_selectors_counts_pairs_of_different_devices(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    src, dst = data.draw(st.sampled_from(WORDS)), data.draw(st.sampled_from(WORDS))
    for proto, port in (*FLOWS, ("99", 0)):
        verdict = fast.query(src, dst, port, proto)
        answers = [fast.reaches(a, b, port, proto) for a, b in pairs(verdict)]
        assert verdict.allowed is expected(answers)


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_a_cidr_names_devices_by_the_addresses_inside_of_it(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    cidrs = st.sampled_from(["100.64.0.0/24", "fd7a:115c:a1e0::/112", "100.64.0.0/10"])
    src, dst = data.draw(cidrs), data.draw(cidrs)
    verdict = fast.query(src, dst, 22)

    def inside(name: str, cidr: str) -> list[str]:
        number = fast.node_number(name)
        return [str(a) for a in fast.rules.addresses(number) if a in parse_prefix(cidr)]

    if verdict.sources and not any("/" in name for name in verdict.destinations):
        answers = [
            any(
                fast.query(one, other, 22).allowed is Allowed.ALL
                for one in inside(a, src)
                for other in inside(b, dst)
            )
            for a, b in pairs(verdict)
        ]
        assert verdict.allowed is expected(answers)


def pairs(verdict: Verdict | SshVerdict) -> list[tuple[str, str]]:
    sources, destinations = verdict.sources, verdict.destinations
    if len(sources) == 1 and sources == destinations:
        return [(sources[0], sources[0])]
    return [(a, b) for a in sources for b in destinations if a != b]


def points(fast: CompiledPolicy) -> Iterator[Address]:
    """Addresses that no device has, at the ends of all that the world names."""
    for text in dict.fromkeys([*LITERALS, *ROUTES, "8.8.8.8", "2001:db8::1"]):
        prefix = parse_prefix(text)
        for value in {prefix.first, prefix.last}:
            address = Address(prefix.family, value)
            if address not in fast.rules.node_with:
                yield address


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_an_address_beyond_devices_is_reached_as_clients_and_their_routers_would(
    world: World,
) -> None:
    fast = compiled(world)
    tailnet = fast.rules.tailnet
    filters = {}
    for number, node in enumerate(tailnet.nodes):
        signature = fast.rules.class_of(number).signature
        routes = AddressSet.of([*signature.routes, *signature.exits])
        own = AddressSet.of(fast.rules.addresses(number))
        rules = fast.netmap(node.name).packet_filter_rules
        filters[node.name] = PacketFilter(rules, own | routes)
    for number, node in enumerate(tailnet.nodes):
        shown = {
            peer.name: [parse_prefix(route) for route in peer.routes]
            for peer in fast.netmap(node.name).peers
            if tailnet.node(peer.name).online
        }
        held = fast.rules.class_of(number).signature.routes
        for address in points(fast):
            if any(address in route for route in held):
                continue  # what is behind a router it reaches without the tailnet
            if any(address in service.addresses for service in tailnet.services):
                continue
            around = [
                (route.bits, name)
                for name, routes in shown.items()
                for route in routes
                if address in route
            ]
            narrowest = max((bits for bits, _ in around), default=0)
            carriers = [name for bits, name in around if bits == narrowest]
            for proto, port in FLOWS[:3]:
                passed = any(
                    filters[carrier].check(src, address, NUMBERS[proto], port).accept
                    for carrier in carriers
                    for src in fast.rules.addresses(number)
                    if src.family is address.family
                )
                asked = node.name, str(address), proto, port
                verdict = fast.query(node.name, str(address), port, proto)
                assert (asked, verdict.allowed) == (asked, expected([passed]))


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_what_is_behind_a_router_reaches_what_filters_let_it(world: World) -> None:
    fast = compiled(world)
    for address in points(fast):
        around = [route for route in fast.rules.primaries if address in route]
        for number, node in enumerate(fast.rules.nodes):
            own = fast.rules.addresses(number)
            client = PacketFilter(fast.netmap(node.name).packet_filter_rules, AddressSet.of(own))
            passed = bool(around) and any(
                client.check(address, dst, 6, 22).accept
                for dst in own
                if dst.family is address.family
            )
            asked = str(address), node.name
            assert (asked, fast.query(*asked, 22).allowed) == (asked, expected([passed]))


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_a_login_has_the_answer_of_the_reference_model(world: World) -> None:
    fast, slow = compiled(world), Model(*world)
    for login in (ROOT, UBUNTU, "alice"):
        for dst in slow.nodes:
            rules = slow.ssh_rules(dst.name)
            for src in slow.nodes:
                verdict = fast.query_ssh(src.name, dst.name, login)
                answer = ssh_verdict(rules, src.ips[0], login) if src.ips else "deny"
                if not slow.reaches(src.name, dst.name, 22, 6):
                    answer = "deny"
                asked = src.name, dst.name, login
                counts = verdict.accepts, verdict.checks, verdict.refused
                answers = tuple(int(answer == each) for each in ("accept", "check", "deny"))
                assert (asked, counts) == (asked, answers)
                assert (verdict.check_period is None) is (answer != "check")


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_a_login_between_selectors_counts_the_pairs_of_devices(
    world: World, data: st.DataObject
) -> None:
    fast = compiled(world)
    src, dst = data.draw(st.sampled_from(WORDS)), data.draw(st.sampled_from(WORDS))
    verdict = fast.query_ssh(src, dst, ROOT)
    counts: Counter[str] = Counter()
    for a, b in pairs(verdict):
        one = fast.query_ssh(a, b, ROOT)
        counts.update(accept=one.accepts, check=one.checks, refused=one.refused)
    assert counts["accept"] == verdict.accepts
    assert counts["check"] == verdict.checks
    assert counts["refused"] == verdict.refused


def without(policy: dict[str, Any], verdict: Verdict | SshVerdict) -> dict[str, Any]:
    """The policy without the rules that a yes names."""
    named = {(reason.origin.section, reason.origin.index) for reason in verdict.because}
    smaller = copy.deepcopy(policy)
    for section in ("acls", "grants", "ssh"):
        if smaller.get(section) is not None:
            smaller[section] = [
                rule for index, rule in enumerate(smaller[section]) if (section, index) not in named
            ]
    return smaller


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_without_the_rules_of_a_yes_it_is_a_no(world: World, data: st.DataObject) -> None:
    policy, tailnet = world
    fast = compiled(world)
    names = [node["name"] for node in tailnet["nodes"]]
    asked = [(a, b) for a in names for b in [*names, *BEYOND]]
    asked.append((data.draw(st.sampled_from(WORDS)), data.draw(st.sampled_from(WORDS))))
    for src, dst in asked:
        verdict = fast.query(src, dst, 22)
        if verdict.allowed is Allowed.NONE:
            assert not verdict.because
            continue
        assert verdict.because
        assert all(len(each.expansions) >= 2 for each in verdict.because)
        if policy.get("acls") is None and policy.get("grants") is None:
            assert verdict.because[0].origin.span is None
            continue
        left = compiled((without(policy, verdict), tailnet))
        assert left.query(src, dst, 22).allowed is Allowed.NONE


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_without_the_rules_of_a_login_nobody_gets_in(world: World) -> None:
    policy, tailnet = world
    fast = compiled(world)
    for src, dst in itertools.product(["*", *LOGINS], ["*", *TAGS]):
        verdict = fast.query_ssh(src, dst, ROOT)
        assert bool(verdict.because) is (verdict.allowed is not Allowed.NONE)
        if verdict.because:
            left = compiled((without(policy, verdict), tailnet))
            assert left.query_ssh(src, dst, ROOT).allowed is Allowed.NONE


# What no edit of a file can change.
HOPELESS = {
    *("no-such-device", "posture-not-met", "no-router", "no-router-online", "route-narrower"),
    "no-common-family",
}


def has_reasons(verdict: Verdict | SshVerdict) -> tuple[WhyNot, ...]:
    """The reasons of a no; a yes has none."""
    assert bool(verdict.why_not) is (verdict.allowed is not Allowed.ALL), verdict
    return verdict.why_not


def assert_edits_help(
    world: World,
    reasons: tuple[WhyNot, ...],
    ask: Any,
    asked: object,
    target: str = "tailscale",
) -> None:
    held_up = any(each.code == "posture-not-met" and each.origin is None for each in reasons)
    for reason in reasons:
        if reason.edit is None:
            assert reason.code in HOPELESS or held_up, (asked, reason)
            continue
        after = ask(compiled(applied(world, reason.edit), target))
        assert after.allowed is Allowed.ALL, (asked, reason, after.why_not)


@settings(max_examples=FEW // 3)
@given(worlds(RULES))
def test_every_edit_of_a_no_makes_it_a_yes(world: World) -> None:
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    for src, dst in itertools.product(names, names):
        for proto, port in FLOWS[:4]:
            reasons = has_reasons(fast.query(src, dst, port, proto))
            asked = src, dst, port, proto
            assert_edits_help(world, reasons, lambda new, asked=asked: new.query(*asked), asked)


@settings(max_examples=FEW)
@given(worlds(ALL))
def test_every_edit_for_an_address_makes_it_a_yes(world: World) -> None:
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    single = [text for text in BEYOND if "/" not in text]
    for src, dst in [*itertools.product(names, single), *itertools.product(single, names)]:
        reasons = has_reasons(fast.query(src, dst, 22))
        asked = src, dst, 22
        assert_edits_help(world, reasons, lambda new, asked=asked: new.query(*asked), asked)


@settings(max_examples=FEW)
@given(worlds(ALL), st.data())
def test_edit_by_edit_a_no_for_many_becomes_a_yes(world: World, data: st.DataObject) -> None:
    names = [node["name"] for node in world[1]["nodes"]]
    ends = st.sampled_from([*names, *WORDS, *(text for text in BEYOND if "/" in text)])
    asked = data.draw(ends), data.draw(ends), 22
    for _ in range(6):
        verdict = compiled(world).query(*asked)
        edits = [reason.edit for reason in has_reasons(verdict) if reason.edit is not None]
        if not edits:
            break
        world = applied(world, data.draw(st.sampled_from(edits)))
    codes = {reason.code for reason in verdict.why_not}
    assert verdict.allowed is Allowed.ALL or codes & HOPELESS, (asked, verdict.why_not)


@settings(max_examples=FEW // 3)
@given(worlds(ALL))
def test_every_edit_for_a_login_makes_it_a_yes(world: World) -> None:
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    for src, dst in itertools.product(names, names):
        reasons = has_reasons(fast.query_ssh(src, dst, UBUNTU))
        asked = src, dst, UBUNTU
        assert_edits_help(world, reasons, lambda new, asked=asked: new.query_ssh(*asked), asked)


@pytest.mark.parametrize("minor", VERSIONS)
def test_every_edit_makes_it_a_yes_on_each_version_of_headscale(minor: int) -> None:
    target = f"headscale@0.{minor}"

    @settings(max_examples=max(FEW // 60, 5))
    @given(headscale_worlds(minor))
    def check(world: World) -> None:
        fast = compiled(world, target)
        names = [node["name"] for node in world[1]["nodes"]]
        for src, dst in itertools.product(names, names):
            for asked in ((src, dst, 22, "tcp"), (src, dst, 53, "udp")):
                reasons = has_reasons(fast.query(*asked))
                ask = lambda new, asked=asked: new.query(*asked)  # noqa: E731
                assert_edits_help(world, reasons, ask, asked, target)
            login = src, dst, UBUNTU
            reasons = has_reasons(fast.query_ssh(*login))
            ask = lambda new, login=login: new.query_ssh(*login)  # noqa: E731
            assert_edits_help(world, reasons, ask, login, target)

    check()
