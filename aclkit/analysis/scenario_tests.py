"""What the entries of a scenario ask, answered of the compiled policy.

Unlike a policy's own tests these are about devices: postures are those that the devices have, what
lies behind a router needs that router, and SSH needs an open port.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice, product
from typing import TypeVar

from aclkit.addresses import Address, AddressSet
from aclkit.analysis.invariants import Path, Traffic, because_of, breaches, ends_of, others
from aclkit.analysis.outcomes import Explanation, Flow, Note, Outcome
from aclkit.analysis.scenario_files import (
    AccessTest,
    Invariant,
    LoginTest,
    Scenario,
    Supposed,
    WhoCan,
)
from aclkit.analysis.sources import who_can
from aclkit.analysis.truth import NO_DEVICES, login_flow
from aclkit.analysis.truth_answers import Answer, Supposing, answer, flow_of
from aclkit.compiled import CompiledPolicy, SshVerdict
from aclkit.evaluator.policytests import TestFailure, TestResult
from aclkit.evaluator.query import Allowed
from aclkit.evaluator.sides import resolve_side
from aclkit.policy.ports import parse_protocol
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.wording import some

Asked = TypeVar("Asked", AccessTest, LoginTest, WhoCan, Invariant)

# So many rules are named behind one broken invariant, and so many devices beside one list.
_RULES, _NAMES = 8, 5


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a scenario, which is worked out by `run`.

    `words` are what it can be selected by, `start` is where it stands.
    """

    start: int
    words: tuple[str, ...]
    run: Callable[[], Outcome]


@dataclass(slots=True)
class Trial:
    """Answers the entries of one scenario."""

    supposing: Supposing

    @property
    def _compiled(self) -> CompiledPolicy:
        return self.supposing.compiled

    def entries(self, scenario: Scenario) -> Iterator[Entry]:
        """Yield all entries, section by section."""
        for at, test in enumerate(scenario.tests):
            ends = (end.text for end in (*test.accept, *test.deny))
            yield self._entry("tests", at, test.name, (*test.src, *ends), self._access, test)
        for at, ssh in enumerate(scenario.ssh_tests):
            texts = (*ssh.src, *ssh.dst, *ssh.accept, *ssh.check, *ssh.deny)
            yield self._entry("sshTests", at, ssh.name, texts, self._login, ssh)
        for at, who in enumerate(scenario.who_can):
            texts = (who.dst.text, *who.expected)
            yield self._entry("whoCan", at, who.name, texts, self._who_can, who)
        for section, listed in (("never", scenario.never), ("only", scenario.only)):
            for at, each in enumerate(listed):
                texts = (*each.src, *each.dst)
                yield self._entry(section, at, each.name, texts, self._invariant, each)

    def _entry(
        self,
        section: str,
        index: int,
        name: str,
        texts: Iterable[Text],
        run: Callable[[int, Asked], Outcome],
        asked: Asked,
    ) -> Entry:
        words = (f"{section}[{index}]", name, *(text.value for text in texts))
        return Entry(asked.span.start, words, lambda: run(index, asked))

    def _supposed(self, supposed: Supposed | None) -> CompiledPolicy:
        if supposed is None:
            return self._compiled
        return self.supposing.having(supposed.values, only=False)

    def _access(self, index: int, test: AccessTest) -> Outcome:
        compiled = self._supposed(test.supposing)
        protocols = (test.proto.value if test.proto else "tcp",)
        found = _Failures()
        for expected, ends in (("accept", test.accept), ("deny", test.deny)):
            for end, src in product(ends, test.src):
                span, shown = end.text.span, end.text.value
                nobody = _nobody((src, end.host), compiled)
                if nobody is not None:
                    found.add(TestFailure(shown, expected, "", nobody, span))
                    continue
                asked = answer(compiled, src.value, end.host.value, end.port, protocols)
                if asked.allowed is (Allowed.ALL if expected == "accept" else Allowed.NONE):
                    continue
                found.add(*_wrong_access(shown, expected, span, asked))
        return found.outcome("tests", index, test.name, _listed(test.src), test.span)

    def _login(self, index: int, test: LoginTest) -> Outcome:
        compiled = self._supposed(test.supposing)
        found = _Failures()
        expectations = [
            (expected, login)
            for expected, logins in (
                ("accept", test.accept),
                ("check", test.check),
                ("deny", test.deny),
            )
            for login in logins
        ]
        for dst, src in product(test.dst, test.src):
            nobody = _nobody((src, dst), compiled)
            if nobody is not None:
                found.add(TestFailure(dst.value, "", "", nobody, dst.span))
                continue
            for expected, login in expectations:
                verdict = compiled.query_ssh(src.value, dst.value, login.value)
                got = _answers(verdict)
                if got == [expected]:
                    continue
                detail = f"{src.value} as {login.value}"
                failure = TestFailure(dst.value, expected, " or ".join(got), detail, login.span)
                found.add(failure, _login_explanation(expected, verdict))
        return found.outcome("sshTests", index, test.name, _listed(test.src), test.span)

    def _who_can(self, index: int, test: WhoCan) -> Outcome:
        compiled = self._compiled
        shown, span, found = test.dst.text.value, test.dst.text.span, _Failures()
        nobody = _nobody((test.dst.host,), compiled)
        if nobody is not None:
            found.add(TestFailure(shown, "", "", nobody, span))
            return found.outcome("whoCan", index, test.name, "", test.span)
        proto = test.proto.value if test.proto else "tcp"
        dst, port = test.dst.host.value, test.dst.port
        reaching = who_can(compiled, dst, port, proto)
        names = reaching.devices.names()
        addresses = AddressSet.of(row.addresses for row in reaching.rows)
        rules = compiled.rules
        sides = [resolve_side(text.value, rules) for text in test.expected]
        expected = [rules.nodes[node].name for side in sides for node in side.nodes]
        addresses -= AddressSet.of(prefix for side in sides for prefix in side.prefixes)
        known, through = set(expected), set(names)
        extra = [name for name in names if name not in known]
        extra += addresses.ranges()
        missing = [name for name in dict.fromkeys(expected) if name not in through]
        if extra:
            because = answer(compiled, extra[0], dst, port, (proto,)).because
            flow = flow_of(compiled, extra[0], shown.rpartition(":")[0], proto, port)
            failure = TestFailure(shown, "nobody else", "others too", some(extra, _NAMES), span)
            found.add(failure, Explanation(because, (), flow))
        if missing and test.exactly:
            stopped = answer(compiled, missing[0], dst, port, (proto,))
            failure = TestFailure(
                shown, "all of them", "fewer", f"not {some(missing, _NAMES)}", span
            )
            found.add(failure, Explanation((), stopped.verdicts[0].why_not, stopped.stopped()))
        return found.outcome("whoCan", index, test.name, "", test.span)

    def _invariant(self, index: int, asked: Invariant) -> Outcome:
        compiled, found = self._compiled, _Failures()
        rules = compiled.rules
        named, dst = (ends_of((t.value for t in side), rules) for side in (asked.src, asked.dst))
        src = named if asked.section == "never" else others(named, rules)
        paths = list(islice(breaches(compiled, src, dst, self._traffic(asked)), _RULES))
        if paths:
            flow = self._flow(paths[0])
            rules_behind = tuple(because_of(compiled, path) for path in paths)
            expected = "nothing" if asked.section == "never" else "nobody else"
            got = "a way through"
            shown = _listed(asked.dst)
            failure = TestFailure(shown, expected, got, str(flow), asked.dst[0].span)
            found.add(failure, Explanation(rules_behind, (), flow))
        notes = tuple(
            Note(NO_DEVICES, f"{nobody}, so nothing was asked of it", text.span)
            for text in (*asked.src, *asked.dst)
            if (nobody := _nobody((text,), compiled)) is not None
        )
        from_whom = _listed(asked.src) if asked.section == "never" else ""
        return found.outcome(asked.section, index, asked.name, from_whom, asked.span, notes)

    def _traffic(self, asked: Invariant) -> Traffic:
        if asked.proto is None:
            return Traffic(None, asked.ports)
        proto = parse_protocol(asked.proto, self._compiled.rules.policy.target)
        return Traffic(proto.numbers, asked.ports)

    def _flow(self, path: Path) -> Flow:
        src, dst = (self._end(end) for end in (path.src, path.dst))
        router = None if path.router is None else self._end(path.router)
        return flow_of(self._compiled, src, dst, str(path.proto), path.port, router)

    def _end(self, end: int | Address) -> str:
        return self._compiled.rules.nodes[end].name if isinstance(end, int) else str(end)


class _Failures:
    """The failures of one entry so far, each with its explanation."""

    def __init__(self) -> None:
        self._failures: list[TestFailure] = []
        self._explained: list[Explanation] = []

    def add(self, failure: TestFailure, explanation: Explanation | None = None) -> None:
        """Note a failure."""
        self._failures.append(failure)
        self._explained.append(explanation or Explanation())

    def outcome(
        self,
        section: str,
        index: int,
        name: str,
        src: str,
        span: Span,
        notes: tuple[Note, ...] = (),
    ) -> Outcome:
        """Return how the entry went."""
        failures = tuple(self._failures)
        result = TestResult(section, index, src, not failures, span, failures)
        return Outcome(result, name, notes, tuple(self._explained))


def _wrong_access(
    shown: str, expected: str, span: Span, asked: Answer
) -> tuple[TestFailure, Explanation]:
    of_some = " for some" if asked.allowed is Allowed.SOME else ""
    if expected == "accept":
        flow = asked.stopped()
        got = "accept for some only" if of_some else "deny"
        explanation = Explanation((), asked.verdicts[0].why_not, flow)
    else:
        flow, got = asked.passing(), f"accept{of_some}"
        explanation = Explanation(asked.because, (), flow)
    return TestFailure(shown, expected, got, str(flow or asked.src), span), explanation


def _answers(verdict: SshVerdict) -> list[str]:
    """Return the answers that pairs of devices get."""
    counts = {"accept": verdict.accepts, "check": verdict.checks, "deny": verdict.refused}
    return [answer for answer, count in counts.items() if count]


def _login_explanation(expected: str, verdict: SshVerdict) -> Explanation:
    if expected != "deny" and verdict.refused:
        return Explanation((), verdict.why_not)
    return Explanation(verdict.because, (), login_flow(verdict))


def _nobody(texts: Iterable[Text], compiled: CompiledPolicy) -> str | None:
    """Return which of *texts* stands for nothing in this tailnet; None when none does."""
    for text in texts:
        if resolve_side(text.value, compiled.rules).is_empty:
            return f"no device is `{text.value}`"
    return None


def _listed(texts: Iterable[Text]) -> str:
    return ", ".join(text.value for text in texts)
