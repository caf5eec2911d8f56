"""The policy's `tests`, with the control plane's verdicts (docs/reference/tests.md).

A malformed test fails, also one that says `deny`: a misspelt name must not make it pass.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product

from aclkit.addresses import Address, Family
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.reach import ICMP, ICMPV6
from aclkit.evaluator.whole_rules import Point, WholeRules, met_postures
from aclkit.policy.model import PolicyTest
from aclkit.policy.ports import (
    PortSyntaxError,
    parse_port_range,
    parse_protocol,
    split_destination,
    unbracketed,
)
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.resolver import is_identity, word_of
from aclkit.source import Span
from aclkit.target import Position, SelectorKind
from aclkit.wording import and_more

K = SelectorKind
P = Position


@dataclass(frozen=True, slots=True)
class TestFailure:
    """Why a test failed, for one of its destinations; `destination` is empty for the whole test.

    `expected` is `accept`, `deny` or `check`; `got` what the policy does, empty when the test can't
    be run at all.
    """

    __test__ = False

    destination: str
    expected: str
    got: str
    detail: str
    span: Span


@dataclass(frozen=True, slots=True)
class TestResult:
    """The verdict on one entry of `tests` or `sshTests`, by its index from 0."""

    __test__ = False

    section: str
    index: int
    src: str
    passed: bool
    span: Span
    failures: tuple[TestFailure, ...] = ()


class UnusableTestError(ValueError):
    """A test that can't be run as it is written."""

    def __init__(self, detail: str, span: Span) -> None:
        super().__init__(detail)
        self.detail, self.span = detail, span


def run_tests(rules: CompiledRules) -> tuple[TestResult, ...]:
    """Return the verdict on each entry of `tests`, in order."""
    whole: dict[frozenset[str], WholeRules] = {}
    results = []
    for index, test in enumerate(rules.policy.tests):
        met = met_postures(rules, test.src_posture_attrs)
        found = whole.get(met)
        if found is None:
            found = whole[met] = WholeRules(rules, met)
        failures = tuple(_failures(test, found))
        src = test.src.value if test.src else ""
        results.append(TestResult("tests", index, src, not failures, test.span, failures))
    return tuple(results)


def _failures(test: PolicyTest, whole: WholeRules) -> Iterable[TestFailure]:
    for each in expectations(test, whole):
        if isinstance(each, TestFailure):
            yield each
            continue
        allows = partial(whole.allows, serving=whole.serving(each.proto, each.port))
        found = contradictions(each, whole.rules, allows)
        wrong = None if found is None else list(found)
        if wrong is None:
            detail = "source and destination have no address family in common"
            yield TestFailure(each.text.value, each.expected, "deny", detail, each.text.span)
        elif wrong:
            src, dst = wrong[0]
            got = "deny" if each.expected == "accept" else "accept"
            detail = and_more(f"{src.address} to {dst.address}", len(wrong) - 1)
            yield TestFailure(each.text.value, each.expected, got, detail, each.text.span)


@dataclass(frozen=True, slots=True)
class Expectation:
    """One entry of `accept` or `deny`, resolved: what is tried between which addresses.

    `expected` is `accept` or `deny`; `proto` is None where the test names no protocol.
    """

    expected: str
    text: Text
    sources: tuple[Point, ...]
    destinations: tuple[Point, ...]
    proto: int | None
    port: int


def expectations(test: PolicyTest, whole: WholeRules) -> Iterator[Expectation | TestFailure]:
    """Yield what *test* expects, in order; a failure where it can't be tried."""
    try:
        sources = tuple(whole.distinct(_source_addresses(test, whole.rules)))
        proto = _protocol(test, whole.rules)
    except UnusableTestError as problem:
        yield TestFailure("", "", "", problem.detail, problem.span)
        return
    if not test.accept and not test.deny:
        detail = "a test needs `accept` or `deny`"
        yield TestFailure("", "", "", detail, test.span)
    for expected, entries in (("accept", test.accept), ("deny", test.deny)):
        for text in entries:
            try:
                addresses, port = _destination(text, proto, whole.rules)
            except UnusableTestError as problem:
                yield TestFailure(text.value, expected, "", problem.detail, problem.span)
                continue
            destinations = tuple(whole.distinct(addresses))
            yield Expectation(expected, text, sources, destinations, proto, port)


def contradictions(
    expectation: Expectation, rules: CompiledRules, allows: Callable[[Point, Point], int]
) -> Iterator[tuple[Point, Point]] | None:
    """Return the pairs that go against an expectation; None when there are none to try.

    *allows* answers for one pair; what is true lets it through.
    """
    sources, destinations = expectation.sources, expectation.destinations
    passes = expectation.expected == "accept"
    if passes and rules.policy.target.meaning.tests.any_destination:
        return (
            (src, destinations[0])
            for src in sources
            if not any(allows(src, dst) for dst in destinations)
        )
    pairs = tried_pairs(expectation, rules)
    if not pairs and passes:
        return None
    return (pair for pair in pairs if bool(allows(*pair)) is not passes)


def tried_pairs(expectation: Expectation, rules: CompiledRules) -> list[tuple[Point, Point]]:
    """Return the pairs that an expectation is about, in the order in which they are tried.

    To most targets these are pairs of one address family.
    """
    if rules.policy.target.meaning.tests.any_destination:
        return list(product(expectation.sources, expectation.destinations))
    return [
        (src, dst)
        for dst in expectation.destinations
        for src in expectation.sources
        if src.address.family is dst.address.family
    ]


def test_selector(text: Text, position: Position, rules: CompiledRules) -> Selector:
    """Return the selector of a test, which must be of a kind that tests can use."""
    target = rules.policy.target
    try:
        selector = parse_selector(text, target.names)
    except SelectorSyntaxError as problem:
        raise UnusableTestError(problem.message, problem.span) from None
    allowed = target.autogroups.get(position, frozenset())
    usable = target.allows(position, selector.kind)
    if selector.kind is K.AUTOGROUP:
        usable = selector.text in allowed
    if not usable:
        raise UnusableTestError(f"`{selector.text}` can't be used here in a test", text.span)
    return selector


def addresses_of(selector: Selector, text: Text, rules: CompiledRules) -> list[Address]:
    """Return the addresses behind a selector of a test; one or more."""
    found: list[Address]
    if is_identity(selector):
        word = word_of(selector)
        classes = rules.classes.classes
        found = [
            address
            for each in classes
            if word in each.words
            for node in each.nodes
            for address in rules.addresses(node)
        ]
        if not found:
            raise UnusableTestError(f"`{selector.text}` {_why_nobody(selector, rules)}", text.span)
    else:
        literal = rules.resolver.literal(selector)
        prefixes = literal.prefixes if literal else ()
        if selector.kind is K.SERVICE:
            return [Address(prefix.family, prefix.first) for prefix in prefixes]
        if not prefixes:
            raise UnusableTestError(f"undefined host `{selector.text}`", text.span)
        if not prefixes[0].is_single or _is_written_as_cidr(selector, rules):
            message = f"`{selector.text}` is a CIDR; a test takes single addresses only"
            raise UnusableTestError(message, text.span)
        found = [Address(prefixes[0].family, prefixes[0].first)]
    return found


def _is_written_as_cidr(selector: Selector, rules: CompiledRules) -> bool:
    """Return whether a prefix of one address, or the host that stands for it, has a length."""
    if selector.kind is not K.HOST or not rules.policy.target.meaning.tests.hosts_as_written:
        return selector.kind is K.CIDR
    hosts = rules.policy.hosts
    return any("/" in each.value.value for each in hosts if each.name.value == selector.text)


def _why_nobody(selector: Selector, rules: CompiledRules) -> str:
    policy = rules.policy
    if selector.kind is K.GROUP and not any(g.name.value == selector.text for g in policy.groups):
        return "is not defined in `groups`"
    if selector.kind is K.TAG and not any(t.name.value == selector.text for t in policy.tag_owners):
        return "is not declared in `tagOwners`"
    return "has no device in this tailnet"


def _source_addresses(test: PolicyTest, rules: CompiledRules) -> list[Address]:
    if test.src is None or not test.src.value.strip():
        span = test.src.span if test.src else test.span
        raise UnusableTestError("a test needs a `src`", span)
    return addresses_of(test_selector(test.src, P.TEST_SRC, rules), test.src, rules)


def _protocol(test: PolicyTest, rules: CompiledRules) -> int | None:
    if test.proto is None or not test.proto.value:
        return None
    try:
        return parse_protocol(test.proto, rules.policy.target).numbers[0]
    except PortSyntaxError as problem:
        raise UnusableTestError(str(problem), problem.span) from None


def _destination(text: Text, proto: int | None, rules: CompiledRules) -> tuple[list[Address], int]:
    parts = split_destination(text)
    if parts is None:
        raise UnusableTestError(f"`{text.value}` lacks a port", text.span)
    host, ports = parts
    if ports.value == "0" and proto in (ICMP, ICMPV6):
        port = 0
    else:
        try:
            bounds = parse_port_range(ports)
        except PortSyntaxError as problem:
            raise UnusableTestError(str(problem), problem.span) from None
        if not ports.value.isdecimal():
            raise UnusableTestError("a test takes one port, as a number", ports.span)
        port = bounds[0][0]
    selector = test_selector(unbracketed(host), P.TEST_DST, rules)
    if (
        selector.prefix is not None
        and selector.prefix.family is Family.V6
        and not host.value.startswith("[")
        and not rules.policy.target.names.at_sign_first
    ):
        message = f"write the IPv6 address in brackets: `[{host.value}]:{ports.value}`"
        raise UnusableTestError(message, host.span)
    return addresses_of(selector, unbracketed(host), rules), port
