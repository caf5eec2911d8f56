"""The main job: would the target take this policy, tests included?

`check` never raises on bad input; everything worth telling is in the report.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass

from aclkit.compiler.compiled_rules import compile_rules
from aclkit.diagnostics import Diagnostic, in_order
from aclkit.evaluator.policytests import TestFailure, TestResult, run_tests
from aclkit.evaluator.sshtests import run_ssh_tests
from aclkit.hujson.decoding import decode
from aclkit.limits import Limits
from aclkit.policy.differences import differences
from aclkit.policy.ignores import read_ignores, silence, unjudged_codes
from aclkit.policy.lint.checks import CodeError, lint, silent_codes
from aclkit.policy.load import read_policy
from aclkit.policy.model import Policy
from aclkit.policy.refusal import refusal_words
from aclkit.resolver import Resolver
from aclkit.source import Source
from aclkit.tailnet.assumptions import assumed_routes, assumed_tailnet
from aclkit.tailnet.implied import implied_tailnet
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.policy_names import check_names
from aclkit.target import find_target
from aclkit.wording import counted

__all__ = ["CodeError", "Report", "TestFailure", "TestResult", "check", "compare"]

FAILED_TESTS = "test(s) failed"


@dataclass(frozen=True, slots=True)
class Report:
    """What `check` found.

    Attributes:
        accepted: whether the target would take this policy; False exactly when a diagnostic is an
            error or a test failed.
        refusal: None when accepted, else the words with which the target refuses it.
        diagnostics: everything worth telling, sorted by position.
        tests: the verdict on each entry of `tests` and `sshTests`; empty when the policy has
            errors, since then they are not run.
        source: the text, for rendering; with U+FFFD for what is not UTF-8.
        target: the target's name.
        assumptions: what was assumed or left out, as sentences.
        silenced: how many warnings comments of the policy silenced.
        compared: whether this is what another target would make of the policy, as `compare` tells
            it; no test was run for that.
    """

    accepted: bool
    refusal: str | None
    diagnostics: tuple[Diagnostic, ...]
    tests: tuple[TestResult, ...]
    source: Source
    target: str
    assumptions: tuple[str, ...] = ()
    silenced: int = 0
    compared: bool = False

    @property
    def is_untested(self) -> bool:
        """Return whether the policy was accepted without a single test, so that one should know."""
        return self.accepted and not self.tests and not self.compared


def check(
    text: str | bytes,
    *,
    tailnet: Tailnet | None = None,
    target: str = "tailscale",
    filename: str = "policy.hujson",
    limits: Limits = Limits(),  # noqa: B008 - frozen
    ignore: Collection[str] = (),
    select: Collection[str] = (),
) -> Report:
    """Check a policy as the target would.

    Args:
        text: HuJSON; bytes are UTF-8.
        tailnet: the tailnet in which names are resolved and tests run. None for the one that the
            policy implies: one device per user and per tag that it names.
        target: whose language it is: ``tailscale``, ``headscale`` or ``headscale@0.29``.
        filename: the name for messages.
        limits: what the text may cost.
        ignore: codes of warnings that are not wanted.
        select: codes of warnings that are off unless they are asked for; *ignore* prevails.

    Raises:
        UnknownTargetError: no such target.
        CodeError: *ignore* or *select* names no code, or *ignore* one of an error.
        TypeError: an argument is of the wrong type.
    """
    if not isinstance(text, str | bytes):
        raise TypeError(f"check takes the text of a policy, not {type(text).__name__}")
    if tailnet is not None and not isinstance(tailnet, Tailnet):
        given = type(tailnet).__name__
        raise TypeError(f"check takes a Tailnet, as load_tailnet returns it, not {given}")
    found_target = find_target(target)
    silent = silent_codes(ignore, select)
    diagnostics: list[Diagnostic] = []
    source = decode(text, filename, limits, diagnostics)
    policy = read_policy(source, found_target, limits, diagnostics) if source else None
    assumptions: list[str] = []
    tests: tuple[TestResult, ...] = ()
    if policy is not None:
        if tailnet is None:
            tailnet = implied_tailnet(policy)
            assumptions.extend(assumed_tailnet(tailnet))
        check_names(policy, tailnet, diagnostics)
    refusal = refusal_words(policy, diagnostics)
    silenced = 0
    if source is not None:
        sound = policy if refusal is None else None
        diagnostics, silenced = _linted(source, sound, tailnet, diagnostics, silent)
        if silenced:
            told = counted(silenced, "warning")
            assumptions.append(f"{told} silenced by comments in the policy")
    if policy is not None and tailnet is not None and refusal is None:
        assumptions.extend(assumed_routes(policy, tailnet))
        rules = compile_rules(policy, tailnet)
        tests = (*run_tests(rules), *run_ssh_tests(rules, rules.ssh))
        if not all(test.passed for test in tests):
            refusal = FAILED_TESTS
    elif policy is not None and (policy.tests or policy.ssh_tests):
        assumptions.append("the tests were not run, since the policy has errors")
    return Report(
        refusal is None,
        refusal,
        in_order(diagnostics),
        tests,
        source or Source.of(filename, text[: limits.bytes]),
        found_target.name,
        tuple(assumptions),
        silenced,
    )


def _linted(
    source: Source,
    policy: Policy | None,
    tailnet: Tailnet | None,
    diagnostics: Iterable[Diagnostic],
    silent: frozenset[str],
) -> tuple[list[Diagnostic], int]:
    """Return *diagnostics* and what lint finds, and how many of them comments silenced.

    Warnings with *silent* codes are left out. *policy* is None when it has errors.
    """
    found = list(diagnostics)
    given = None if tailnet is None or tailnet.assumed else tailnet
    words = unjudged = None
    if policy is not None:
        words = None if given is None else _words(policy, given)
        unjudged = silent | unjudged_codes(policy.target, has_tailnet=given is not None)
    found.extend(lint(source, policy, words))
    ignores = read_ignores(source, found)
    left, silenced = silence(source, _without(found, silent), ignores, unjudged)
    return _without(left, silent), silenced


def _without(diagnostics: Iterable[Diagnostic], silent: frozenset[str]) -> list[Diagnostic]:
    """Return *diagnostics* without the warnings that have *silent* codes."""
    return [found for found in diagnostics if found.is_error or found.code not in silent]


def _words(policy: Policy, tailnet: Tailnet) -> frozenset[str]:
    """Return the words of all nodes: users, groups, tags and autogroups."""
    resolver = Resolver(policy, tailnet)
    words: set[str] = set()
    for login in {node.user for node in tailnet.nodes if node.user is not None}:
        words.update(resolver.words_of_user(login))
    for tags in {node.tags for node in tailnet.nodes}:
        words.update(tags)
    return frozenset(words)


def compare(
    text: str | bytes,
    target: str,
    other: str,
    *,
    filename: str = "policy.hujson",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Report:
    """Report what *other* would refuse, or mean differently, in a policy for *target*.

    The report is *other*'s: it is accepted when *other* takes what *target* takes. Tests are not
    run here.

    Raises:
        UnknownTargetError: no such target.
    """
    old, new = find_target(target), find_target(other)
    found = differences(text, old, new, filename=filename, limits=limits)
    errors = [each for each in found if each.is_error]
    return Report(
        not errors,
        (errors[0].control_plane or errors[0].message) if errors else None,
        found,
        (),
        Source.of(filename, text[: limits.bytes]),
        new.name,
        (f"for {new.title}: what it would refuse or mean otherwise than {old.title}",),
        compared=True,
    )
