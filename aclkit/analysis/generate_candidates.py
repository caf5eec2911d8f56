"""Candidates: entries of tests that could notice a mutant, in the words of the policy.

Whether one holds today, and which mutants it notices, is not asked here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice, product
from typing import TypeAlias

from aclkit.addresses import Address, Family
from aclkit.analysis.mutants_changes import Change, End, Flow
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.reach import ICMP, ICMPV6
from aclkit.policy.model import PolicyTest, SshTest
from aclkit.policy.ports import PORT_PROTOCOLS
from aclkit.policy.selectors import SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.tailnet.model import PostureValue
from aclkit.target import Position, SelectorKind

K = SelectorKind
P = Position

Attributes: TypeAlias = tuple[tuple[str, PostureValue], ...]

# The nearer to how people think of access, the better a word reads.
_READABLE = (K.TAG, K.USER, K.GROUP, K.SERVICE, K.HOST, K.AUTOGROUP, K.IP)


@dataclass(frozen=True, slots=True)
class Candidate:
    """One entry of `tests`: does *src* get through to *port* of *dst*?

    `proto` is empty for what a test without `proto` tries; `attributes` is empty for none.
    """

    src: str
    dst: str
    port: int
    expected: str
    proto: str = ""
    attributes: Attributes = ()

    @property
    def destination(self) -> str:
        """Return the destination as `tests` write it."""
        return (
            f"[{self.dst}]:{self.port}"
            if ":" in self.dst and _is_ipv6(self.dst)
            else (f"{self.dst}:{self.port}")
        )

    def test(self) -> PolicyTest:
        """Return the test that asks this alone."""
        listed = (_text(self.destination),)
        return PolicyTest(
            span=_NOWHERE,
            src=_text(self.src),
            accept=listed if self.expected == "accept" else (),
            deny=listed if self.expected == "deny" else (),
            proto=_text(self.proto) if self.proto else None,
            src_posture_attrs=_texts(self.attributes),
        )


@dataclass(frozen=True, slots=True)
class LoginCandidate:
    """One login to one entry of `dst` of an SSH test."""

    src: str
    dst: str
    login: str
    expected: str
    attributes: Attributes = ()

    def test(self) -> SshTest:
        """Return the test that asks this alone."""
        accept, check, deny = (
            (_text(self.login),) if self.expected == expected else ()
            for expected in ("accept", "check", "deny")
        )
        return SshTest(
            span=_NOWHERE,
            src=_text(self.src),
            dst=(_text(self.dst),),
            accept=accept,
            check=check,
            deny=deny,
            src_posture_attrs=_texts(self.attributes),
        )


_NOWHERE = Span(0, 0)


def _text(word: str) -> Text:
    return Text(word, _NOWHERE)


def _texts(attributes: Attributes) -> tuple[tuple[Text, PostureValue], ...] | None:
    return tuple((_text(name), value) for name, value in attributes) or None


def _is_ipv6(word: str) -> bool:
    return "." not in word and word.count(":") > 1


@dataclass(slots=True)
class Candidates:
    """Finds candidates for what mutants of one policy change."""

    rules: CompiledRules
    _words: dict[tuple[Position, str], SelectorKind | None] = field(default_factory=dict)
    _asserted: frozenset[str] = field(init=False)
    _with_attributes: bool = field(init=False)

    def __post_init__(self) -> None:
        policy = self.rules.policy
        self._asserted = frozenset(
            assertion.attribute for posture in policy.postures for assertion in posture.assertions
        )
        self._with_attributes = "tests.srcPostureAttrs" not in policy.target.absent_keys

    def of(self, change: Change, *, addresses: bool) -> Iterator[Candidate | LoginCandidate]:
        """Yield entries that could notice *change*, the most readable first.

        With *addresses* they name devices by address too, besides the words of the policy.
        """
        match change:
            case Flow():
                yield from self._of_flow(change, addresses=addresses)
            case LoginChange():
                yield from self._of_login(change, addresses=addresses)
            case _:
                return

    def _of_flow(self, flow: Flow, *, addresses: bool) -> Iterator[Candidate]:
        expected = "deny" if flow.opens else "accept"
        sources = self._words_of(flow.src, flow.family, P.TEST_SRC, addresses=addresses)
        destinations = self._words_of(flow.dst, flow.family, P.TEST_DST, addresses=addresses)
        port = flow.port
        if flow.proto not in PORT_PROTOCOLS:
            port = 0 if flow.proto in (ICMP, ICMPV6) else 1
        for attributes, proto, (src, dst) in product(
            self._attributes(flow.src), self._protocols(flow.proto), product(sources, destinations)
        ):
            yield Candidate(src, dst, port, expected, proto, attributes)

    def _of_login(self, change: LoginChange, *, addresses: bool) -> Iterator[LoginCandidate]:
        family = self.rules.addresses(change.src)[0].family
        sources = self._words_of(change.src, family, P.SSH_TEST_SRC, addresses=addresses)
        destinations = self._words_of(change.dst, Family.V4, P.SSH_TEST_DST, addresses=addresses)
        for attributes, src, dst in product(self._attributes(change.src), sources, destinations):
            yield LoginCandidate(src, dst, change.login, change.before, attributes)

    def _protocols(self, number: int) -> Iterator[str]:
        """Yield how a test may name a protocol; nothing for TCP and UDP, which it tries anyway."""
        target = self.rules.policy.target
        if number in target.meaning.tests.protocols and number in PORT_PROTOCOLS:
            yield ""
        known = (name for name, numbers in target.protocols.items() if number == numbers[0])
        for name in (next(known, ""), str(number)):
            if name and (target.test_protocols is None or name in target.test_protocols):
                yield name
                return

    def _attributes(self, src: End) -> Iterator[Attributes]:
        """Yield posture attributes for a source: none, then what the policy asks of its device."""
        yield ()
        if isinstance(src, int) and self._with_attributes:
            posture: Mapping[str, PostureValue] = self.rules.nodes[src].posture
            found = tuple((name, posture[name]) for name in posture if name in self._asserted)
            if found:
                yield found

    def _words_of(
        self, end: End, family: Family, position: Position, *, addresses: bool
    ) -> list[str]:
        """Return the words of the policy for one end of a flow, the most readable first."""
        if isinstance(end, Address):
            return [*self._names_of(end), str(end)]
        each = self.rules.class_of(end)
        found = [
            (_READABLE.index(kind), at, word)
            for at, word in enumerate(each.words)
            if (kind := self._kind(word, position)) is not None
        ]
        words = [word for _, _, word in sorted(found)]
        if addresses:
            own = (each for each in self.rules.addresses(end) if each.family is family)
            words += (str(address) for address in islice(own, 1))
        return words

    def _names_of(self, address: Address) -> Iterable[str]:
        """Return the services and hosts of one address."""
        rules = self.rules
        for service in rules.tailnet.services:
            if address in service.addresses:
                return (service.name,)
        return tuple(
            host.name.value
            for host in rules.policy.hosts
            if host.prefix.is_single and address in host.prefix
        )

    def _kind(self, word: str, position: Position) -> SelectorKind | None:
        """Return the kind of selector that *word* is in a test; None if it is none there."""
        key = position, word
        if key not in self._words:
            self._words[key] = self._found_kind(word, position)
        return self._words[key]

    def _found_kind(self, word: str, position: Position) -> SelectorKind | None:
        target = self.rules.policy.target
        try:
            selector = parse_selector(_text(word), target.names)
        except SelectorSyntaxError:
            return None
        if selector.kind is K.AUTOGROUP:
            allowed = selector.text in target.autogroups.get(position, frozenset())
        elif selector.kind is K.HOST:
            allowed = False  # a word of a user that reads like a host elsewhere
        else:
            allowed = target.allows(position, selector.kind)
        return selector.kind if allowed and selector.kind in _READABLE else None
