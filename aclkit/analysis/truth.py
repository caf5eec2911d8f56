"""What the verdicts on a policy's tests hide, told beside them.

A test asks the rules as a whole, for a source of which no posture is known, and Headscale's runner
leaves some rules out. So a verdict may say one thing while the devices do another. Here each
destination of a test is asked again of the compiled rules, over all pairs of devices, and what
differs is noted. No verdict changes by that.

Where a test gives posture attributes, all devices are supposed to have these.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from aclkit.analysis.outcomes import Explanation, Flow, Note, Outcome
from aclkit.analysis.truth_answers import Answer, Supposing, answer
from aclkit.compiled import SshVerdict
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.compiler.rules import AccessRule
from aclkit.evaluator.policytests import TestFailure, TestResult
from aclkit.evaluator.query import Allowed, Because
from aclkit.evaluator.sides import UnknownSideError, resolve_side
from aclkit.policy.model import PolicyTest, SshTest
from aclkit.policy.ports import split_destination, unbracketed
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.wording import listed

LETS_THROUGH = "test-deny-lets-through"
OF_SOME = "test-accept-of-some"
OF_NONE = "test-accept-of-none"
OF_ALL = "test-accept-of-all"
SHUT_ANYWAY = "test-deny-of-none"
SELF_ONLY = "test-self-only"
VIA_ONLY = "test-via-only"
UDP_ONLY = "test-udp-only"
SUPPOSED = "test-supposed-posture"
NO_DEVICES = "test-no-devices"

TCP_AND_UDP = ("tcp", "udp")
"""What a test without `proto` asks for: one of them is enough."""


@dataclass(slots=True)
class Truth:
    """Tells what verdicts hide, test by test."""

    supposing: Supposing

    @property
    def _rules(self) -> CompiledRules:
        return self.supposing.compiled.rules

    def of_test(self, test: PolicyTest, result: TestResult) -> Outcome:
        """Return the outcome of an entry of `tests`."""
        notes: list[Note] = []
        explained = dict[tuple[str, str], Explanation]()
        failures = {(failure.expected, failure.destination): failure for failure in result.failures}
        if ("", "") in failures:
            return Outcome(result, explained=(Explanation(),) * len(result.failures))
        for expected, texts in (("accept", test.accept), ("deny", test.deny)):
            for text in texts:
                failure = failures.get((expected, text.value))
                asked = self._asked(test, text, failure)
                if asked is None:
                    continue
                if (nobody := _without_devices(asked)) is not None:
                    notes.append(Note(NO_DEVICES, nobody, test.span))
                elif failure is None:
                    notes.extend(self._of_passed(expected, test, text, asked))
                else:
                    notes.extend(_of_failed(expected, text, asked, self._rules))
                if failure is not None:
                    explained[expected, text.value] = _explanation(expected, asked)
        found = [explained.get((f.expected, f.destination), Explanation()) for f in result.failures]
        return Outcome(result, "", tuple(dict.fromkeys(notes)), tuple(found))

    def _asked(self, test: PolicyTest, text: Text, failure: TestFailure | None) -> Answer | None:
        """Return what the devices do; None where the test can't be run."""
        parts = split_destination(text)
        if test.src is None or parts is None or not parts[1].value.isdecimal():
            return None
        if failure is not None and not failure.got:
            return None
        proto = test.proto.value if test.proto else ""
        protocols = (proto,) if proto else TCP_AND_UDP
        compiled = self.supposing.compiled
        if test.src_posture_attrs is not None:
            given = ((name.value, value) for name, value in test.src_posture_attrs)
            compiled = self.supposing.having(given, only=True)
        src, dst = test.src.value, unbracketed(parts[0]).value
        try:
            return answer(compiled, src, dst, int(parts[1].value), protocols)
        except UnknownSideError:
            return None  # the test failed for that, and says so

    def _of_passed(
        self, expected: str, test: PolicyTest, text: Text, asked: Answer
    ) -> Iterator[Note]:
        span, shown = text.span, text.value
        if expected == "deny":
            if asked.allowed is not Allowed.NONE:
                flow = asked.passing()
                rule = asked.because[0] if asked.because else None  # TSMP needs none
                example = f", such as {flow}" if flow else ""
                message = f"`deny` of `{shown}` passes, but devices get through{example}"
                message += self._why_hidden(test, rule) if rule else ""
                yield Note(LETS_THROUGH, message, span, True, flow, rule.origin if rule else None)
            return
        if asked.allowed is not Allowed.ALL:
            yield self._too_few(shown, span, asked)
            return
        yield from _only_by(shown, span, asked)
        if test.src_posture_attrs is not None:
            real = answer(
                self.supposing.compiled, asked.src, asked.dst, asked.port, asked.protocols
            )
            if real.allowed is not Allowed.ALL:
                flow = real.stopped()
                message = (
                    f"`accept` of `{shown}` holds for the attributes that the test gives, but not"
                    f" for those of all devices: {flow} does not get through"
                )
                yield Note(SUPPOSED, message, span, False, flow)

    def _too_few(self, shown: str, span: Span, asked: Answer) -> Note:
        flow = asked.stopped()
        reasons = asked.verdicts[0].why_not
        why = f": {reasons[0].message}" if reasons else ""
        origin = reasons[0].origin if reasons else None
        if asked.allowed is Allowed.NONE:
            message = f"`accept` of `{shown}` passes, but no device gets through{why}"
            return Note(OF_NONE, message, span, True, flow, origin)
        message = (
            f"`accept` of `{shown}` passes, but only some devices get through: not {flow}{why}"
        )
        return Note(OF_SOME, message, span, True, flow, origin)

    def _why_hidden(self, test: PolicyTest, rule: Because) -> str:
        behind = _rules_at(rule.origin, self._rules)
        if test.src_posture_attrs is None and any(each.postures for each in behind):
            return "; they meet a posture, and a test without `srcPostureAttrs` meets none"
        meaning = self._rules.policy.target.meaning.tests
        special = rule.destination == "autogroup:self" or any(each.via for each in behind)
        if special and not meaning.own_and_via:
            runner = "; Headscale's runner does not see it: "
            return runner + "it leaves out rules with `autogroup:self` or `via`"
        return ""

    def of_ssh_test(self, test: SshTest, result: TestResult) -> Outcome:
        """Return the outcome of an entry of `sshTests`."""
        notes: list[Note] = []
        explained = list[Explanation]()
        failed = {(f.destination, f.expected, f.span): f for f in result.failures}
        compiled = self.supposing.compiled
        if test.src_posture_attrs is not None:
            given = ((name.value, value) for name, value in test.src_posture_attrs)
            compiled = self.supposing.having(given, only=True)
        asked: dict[tuple[str, str, Span], SshVerdict] = {}
        for text in test.dst:
            for expected, login in _logins(test):
                key = text.value, expected, login.span
                if test.src is None or (key in failed and not failed[key].got):
                    continue
                try:
                    verdict = compiled.query_ssh(test.src.value, text.value, login.value.strip())
                except UnknownSideError:
                    continue  # the test failed for that, and says so
                asked[key] = verdict
                if key not in failed:
                    notes.extend(_of_login(expected, text, login, verdict))
        for failure in result.failures:
            found = asked.get((failure.destination, failure.expected, failure.span))
            explained.append(_login_explanation(failure, found))
        return Outcome(result, "", tuple(notes), tuple(explained))


def _rules_at(origin: Origin | None, rules: CompiledRules) -> list[AccessRule]:
    if origin is None:
        return []
    place = origin.section, origin.index
    return [rule for rule in rules.rules if (rule.section, rule.index) == place]


def _without_devices(asked: Answer) -> str | None:
    """Return what is to say where a side has no device; None where both have."""
    src, dst = (resolve_side(word, asked.compiled.rules) for word in (asked.src, asked.dst))
    if not src.is_empty and not dst.is_empty:
        return None
    nobody = asked.src if src.is_empty else asked.dst
    return f"no device has `{nobody}`, so there is nothing to compare the verdict with"


def _only_by(shown: str, span: Span, asked: Answer) -> Iterator[Note]:
    """Note when access comes in a single special way."""
    rules = asked.because
    if not rules:
        return
    flow, origin = asked.passing(), rules[0].origin
    if asked.verdicts[0].allowed is Allowed.NONE and len(asked.verdicts) > 1:
        message = f"`{shown}` is open for UDP only; without `proto`, that is enough for a test"
        yield Note(UDP_ONLY, message, span, False, flow, origin)
    vias = {(rule.section, rule.index): rule.via for rule in asked.compiled.rules.rules if rule.via}
    own = [rule.destination == "autogroup:self" for rule in rules]
    via = [(rule.origin.section, rule.origin.index) in vias for rule in rules]
    if all(own):
        message = f"only `autogroup:self` opens `{shown}`: to each user, their own devices"
        yield Note(SELF_ONLY, message, span, False, flow, origin)
    elif all(via):
        tags = dict.fromkeys(
            tag for rule in rules for tag in vias[rule.origin.section, rule.origin.index]
        )
        router = f" (now {rules[0].router})" if rules[0].router else ""
        message = f"only a router with {listed(tags)}{router} opens `{shown}`, by a rule with `via`"
        yield Note(VIA_ONLY, message, span, False, flow, origin)


def _of_failed(expected: str, text: Text, asked: Answer, rules: CompiledRules) -> Iterator[Note]:
    shown, span = text.value, text.span
    if expected == "accept" and asked.allowed is Allowed.ALL:
        origin = asked.because[0].origin if asked.because else None
        postures = any(
            rule.postures
            and origin
            and (rule.section, rule.index) == (origin.section, origin.index)
            for rule in rules.rules
        )
        why = "; they meet a posture that the test does not suppose" if postures else ""
        message = f"`accept` of `{shown}` fails, though each device gets through{why}"
        yield Note(OF_ALL, message, span, True, asked.passing(), origin)
    if expected == "deny" and asked.allowed is Allowed.NONE:
        reasons = asked.verdicts[0].why_not
        why = f": {reasons[0].message}" if reasons else ""
        message = f"`deny` of `{shown}` fails, though no device gets through now{why}"
        yield Note(SHUT_ANYWAY, message, span, False, asked.stopped())


def _explanation(expected: str, asked: Answer) -> Explanation:
    if expected == "deny":
        return Explanation(asked.because, (), asked.passing())
    return Explanation((), asked.verdicts[0].why_not, asked.stopped())


def _logins(test: SshTest) -> Iterator[tuple[str, Text]]:
    for expected, logins in (("accept", test.accept), ("check", test.check), ("deny", test.deny)):
        for login in logins:
            yield expected, login


def _of_login(expected: str, text: Text, login: Text, verdict: SshVerdict) -> Iterator[Note]:
    """Note where the devices get on otherwise than a test that passed lets one think."""
    what = f"`{expected}` of `{login.value}` on `{text.value}` passes"
    inside = verdict.accepts + verdict.checks
    flow = login_flow(verdict)
    origin = verdict.because[0].origin if verdict.because else None
    if expected == "deny":
        if inside:
            message = f"{what}, but devices get in, such as {flow}"
            yield Note(LETS_THROUGH, message, login.span, True, flow, origin)
    elif verdict.refused:
        reasons = verdict.why_not
        why = f": {reasons[0].message}" if reasons else ""
        near = reasons[0].origin if reasons else None
        if inside:
            message = f"{what}, but only some devices get in{why}"
            yield Note(OF_SOME, message, login.span, True, None, near)
        else:
            message = f"{what}, but no device gets in{why}"
            yield Note(OF_NONE, message, login.span, True, None, near)
    elif expected == "check" and verdict.accepts:
        message = f"{what}, but some devices get in without a check"
        yield Note(LETS_THROUGH, message, login.span, True, flow, origin)


def login_flow(verdict: SshVerdict) -> Flow | None:
    """Return a login that gets in; None where there is none."""
    if not verdict.because:
        return None
    src, dst = verdict.because[0].devices
    return Flow(src, dst, "ssh", None, None, verdict.login)


def _login_explanation(failure: TestFailure, verdict: SshVerdict | None) -> Explanation:
    if verdict is None:
        return Explanation()
    if failure.got == "deny":
        return Explanation((), verdict.why_not)
    return Explanation(verdict.because, (), login_flow(verdict))
