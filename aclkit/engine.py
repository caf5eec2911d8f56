"""The engine: what a coordination server holds.

It keeps one immutable snapshot and puts another in its place with every change. Whoever reads takes
the snapshot and is never disturbed; those who write wait for each other (docs/embedding.md).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from threading import Lock
from typing import Literal, NamedTuple, TypeAlias, get_args

from aclkit.affected import Kind, affected_by, affected_by_policy, everybody, names_of
from aclkit.analysis.filter_sizes import FilterSizes, filter_sizes
from aclkit.collector import uncollected
from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.diagnostics import Diagnostic, PolicyError, error, in_order
from aclkit.evaluator.policytests import TestResult, run_tests
from aclkit.evaluator.sshtests import run_ssh_tests
from aclkit.hujson.decoding import decode
from aclkit.limits import Limits
from aclkit.policy.load import read_policy
from aclkit.policy.model import Policy
from aclkit.policy.refusal import refusal_words
from aclkit.source import Source
from aclkit.subscription import Subscription
from aclkit.tailnet.changes import TailnetChange
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.roster import Roster
from aclkit.target import find_target

Tests: TypeAlias = Literal["reject", "warn", "skip"]
"""What failing tests of a policy do: refuse it, be reported, or not even run."""

TESTS_FAILED = "test(s) failed"
FAILED_TEST = "failed-test"
"""The code under which reports list failed tests; they are no findings of the catalogue."""


@dataclass(frozen=True, slots=True, repr=False)
class Snapshot:
    """One state of an engine. Immutable and picklable; every answer of it is of one moment.

    Attributes:
        version: 1 for the first state, one more with each change that was made.
        compiled: all answers about nodes (`CompiledPolicy`).
    """

    version: int
    policy: Policy
    roster: Roster
    compiled: CompiledPolicy

    def __repr__(self) -> str:
        return f"<Snapshot {self.version}: {self.roster!r}>"


@dataclass(frozen=True, slots=True, repr=False)
class Change:
    """What a call did to an engine.

    Attributes:
        version: of the state after it; with `dry_run` or a refusal, the state that stays.
        accepted: whether it was (or, with `dry_run`, would be) taken.
        refusal: None when accepted, else the words with which the target refuses the policy.
        diagnostics: what was found in a new policy.
        tests: the verdicts on a new policy's tests.
        exact: whether `affected` holds exactly the nodes whose output changed, as after a join, a
            leave, a retag or a group edit that took no compiling from scratch. Otherwise it may
            hold more, never fewer.
    """

    version: int
    accepted: bool = True
    refusal: str | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    tests: tuple[TestResult, ...] = ()
    exact: bool = True
    _affected: Mapping[Kind, Set[str]] = field(default_factory=dict)
    _roster: Roster | None = None

    def __repr__(self) -> str:
        return f"<Change {'to' if self.accepted else 'refused at'} version {self.version}>"

    def affected(self, kind: Kind | str) -> Set[str]:
        """Return the nodes whose output of that kind changed, by name.

        Nodes that joined are among them in every kind; nodes that left are not.
        """
        return self._affected.get(Kind(kind), frozenset())

    def _as_in(self, later: Change, kind: Kind) -> Set[str]:
        """Return the nodes of one kind that are still there after *later*, by their names then."""
        before, now = self._roster, later._roster
        if now is None or before is None:
            return self.affected(kind)
        ids = (before.nodes[before.by_name[n.casefold()]].id for n in self.affected(kind))
        return {now.nodes[now.by_id[each]].name for each in ids if each in now.by_id}

    def then(self, later: Change) -> Change:
        """Return this change and the next one as a single one."""
        return replace(
            later,
            exact=False,
            diagnostics=(*self.diagnostics, *later.diagnostics),
            tests=later.tests or self.tests,
            _affected={
                kind: names_of(self._as_in(later, kind), later.affected(kind)) for kind in Kind
            },
        )


class _Outcome(NamedTuple):
    """What came of the text of a policy."""

    refusal: str | None
    diagnostics: tuple[Diagnostic, ...]
    tests: tuple[TestResult, ...] = ()
    compiled: CompiledPolicy | None = None
    source: Source | None = None


class PolicyEngine:
    """Holds a policy and a tailnet, and knows after every change who is to be told what.

    Any number of threads may read `snapshot`; writers wait for each other.

    Raises:
        PolicyError: the policy is refused. An engine is never without a policy: a network that
            nobody wrote rules for would be open.
        TailnetError: two nodes of a tailnet that was made by hand have a name or address in common.
    """

    def __init__(
        self,
        policy: str | bytes,
        tailnet: Tailnet,
        *,
        target: str = "tailscale",
        filename: str = "policy.hujson",
        limits: Limits = Limits(),  # noqa: B008 - frozen
        tests: Tests = "warn",
    ) -> None:
        self._target = find_target(target)
        self._filename = filename
        self._limits = limits
        self._writing = Lock()
        self._subscribing = Lock()
        # One thread: changes are made in the order of the calls, and wait in nobody else's pool.
        self._writer = ThreadPoolExecutor(1, "aclkit-engine")
        _check_choice(tests)
        self._subscriptions: tuple[Subscription[Change], ...] = ()
        with uncollected():
            roster = Roster.of(tailnet).persistent()
            outcome = self._read(policy, roster, tests)
        if outcome.compiled is None:
            raise PolicyError(
                [*outcome.diagnostics, *_failures(outcome.tests)],
                outcome.refusal or "",
                outcome.source,
                self._target.name,
            )
        self._snapshot = Snapshot(1, outcome.compiled.rules.policy, roster, outcome.compiled)
        self.first = Change(1, True, None, outcome.diagnostics, outcome.tests)

    def __repr__(self) -> str:
        return f"<PolicyEngine: {self._snapshot!r}>"

    @property
    def snapshot(self) -> Snapshot:
        """Return the present state."""
        return self._snapshot

    @property
    def version(self) -> int:
        """Return the version of the present state."""
        return self._snapshot.version

    def set_policy(
        self, text: str | bytes, *, tests: Tests = "reject", dry_run: bool = False
    ) -> Change:
        """Put another policy in force, if it is accepted.

        A refused policy changes nothing. With *dry_run* nothing changes either, and the answer is
        what would be.

        Raises:
            ValueError: *tests* is no choice.
        """
        _check_choice(tests)
        with self._writing, uncollected():
            now = self._snapshot
            outcome = self._read(text, now.roster, tests, now.compiled)
            if outcome.compiled is None:
                return Change(
                    now.version, False, outcome.refusal, outcome.diagnostics, outcome.tests
                )
            after = Snapshot(
                now.version + 1,
                outcome.compiled.rules.policy,
                outcome.compiled.rules.roster,
                outcome.compiled,
            )
            affected = affected_by_policy(now.compiled, after.compiled)
            change = replace(
                Change(after.version, exact=False, _affected=affected, _roster=after.roster),
                diagnostics=outcome.diagnostics,
                tests=outcome.tests,
            )
            if dry_run:
                return replace(change, version=now.version)
            self._put(after, change)
            return change

    def set_tailnet(self, tailnet: Tailnet) -> Change:
        """Put another tailnet in the place of the present one.

        Raises:
            TailnetError: two of its nodes have a name or address in common.
            PolicyError: the policy in force can't be used with it (foreign domains).
        """
        with self._writing:
            return self._replace_tailnet(tailnet)

    def apply(self, *changes: TailnetChange) -> Change:
        """Make *changes* of the tailnet, in their order: all of them, or none.

        Raises:
            TypeError: one is no change, or a value in it is of another type.
            TailnetError: a change breaks a rule of the tailnet file, or contradicts the tailnet.
            PolicyError: the policy in force can't be used with the changed tailnet.
        """
        with self._writing:
            now = self._snapshot
            step = now.roster.after(changes)
            followed = now.compiled.after(step)
            if followed is None:
                return self._replace_tailnet(step.roster.tailnet)
            compiled, done = followed
            after = Snapshot(now.version + 1, now.policy, step.roster, compiled)
            affected = affected_by(now.compiled, compiled, done)
            exact = len(changes) == 1 and step.is_plain
            change = Change(after.version, exact=exact, _affected=affected, _roster=step.roster)
            self._put(after, change)
            return change

    def _replace_tailnet(self, tailnet: Tailnet) -> Change:
        now = self._snapshot
        with uncollected():
            roster = Roster.of(tailnet).persistent()
            compiled = compile_policy(now.policy, roster.tailnet, roster=roster)
            compiled.prepare()
        after = Snapshot(now.version + 1, now.policy, roster, compiled)
        change = Change(after.version, exact=False, _affected=everybody(compiled), _roster=roster)
        self._put(after, change)
        return change

    def stats(self) -> FilterSizes:
        """Return how many bytes each node's packet filter has, and what makes it big.

        It is of the present state, and worked out per class when asked for.
        """
        return filter_sizes(self._snapshot.compiled)

    def subscribe(self, *, limit: int = 64) -> Subscription[Change]:
        """Return a queue of all changes from now on, holding *limit* of them at most.

        When it is full, the oldest two become one; none is dropped.
        """
        subscription = Subscription(limit, Change.then, self._unsubscribe)
        with self._subscribing:  # and not with the lock of writers, who may take long
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def _unsubscribe(self, subscription: Subscription[Change]) -> None:
        with self._subscribing:
            left = tuple(each for each in self._subscriptions if each is not subscription)
            self._subscriptions = left

    async def set_policy_async(
        self, text: str | bytes, *, tests: Tests = "reject", dry_run: bool = False
    ) -> Change:
        """Do as `set_policy` does, without blocking the event loop."""
        return await self._written(partial(self.set_policy, text, tests=tests, dry_run=dry_run))

    async def set_tailnet_async(self, tailnet: Tailnet) -> Change:
        """Do as `set_tailnet` does, without blocking the event loop."""
        return await self._written(partial(self.set_tailnet, tailnet))

    async def apply_async(self, *changes: TailnetChange) -> Change:
        """Do as `apply` does, without blocking the event loop."""
        return await self._written(partial(self.apply, *changes))

    async def _written(self, call: Callable[[], Change]) -> Change:
        return await asyncio.get_running_loop().run_in_executor(self._writer, call)

    def _read(
        self,
        text: str | bytes,
        roster: Roster,
        tests: Tests,
        like: CompiledPolicy | None = None,
    ) -> _Outcome:
        """Read and compile a policy; the outcome has nothing compiled when it is refused."""
        diagnostics: list[Diagnostic] = []
        source = decode(text, self._filename, self._limits, diagnostics)
        policy = None
        if source is not None:
            policy = read_policy(source, self._target, self._limits, diagnostics)
        refusal = refusal_words(policy, diagnostics)
        if policy is None or refusal is not None:
            return _Outcome(refusal, in_order(diagnostics), source=source)
        try:
            if not roster.ordered:
                roster, like = Roster.of(roster.tailnet).persistent(), None
            compiled = compile_policy(policy, roster.tailnet, roster=roster, like=like)
        except PolicyError as refused:
            found = in_order([*diagnostics, *refused.diagnostics])
            return _Outcome(refused.refusal, found, source=source)
        compiled.prepare()
        found = in_order([*diagnostics, *compiled.warnings])
        if tests == "skip":
            return _Outcome(None, found, (), compiled)
        rules = compiled.rules
        results = (*run_tests(rules), *run_ssh_tests(rules, rules.ssh))
        if tests == "reject" and not all(result.passed for result in results):
            return _Outcome(TESTS_FAILED, found, results, source=source)
        return _Outcome(None, found, results, compiled)

    def _put(self, after: Snapshot, change: Change) -> None:
        self._snapshot = after
        for subscription in self._subscriptions:
            subscription.put(change)


def _check_choice(tests: str) -> None:
    """Raise ValueError unless *tests* is a choice: a slip must not let all policies in."""
    choices = get_args(Tests)
    if tests not in choices:
        names = ", ".join(f'"{choice}"' for choice in choices)
        raise ValueError(f"tests={tests!r} is no choice; there are {names}")


def _failures(tests: Iterable[TestResult]) -> Iterator[Diagnostic]:
    """Yield an error for each way in which a test fails."""
    for test in tests:
        for failure in test.failures:
            wanted = f": want {failure.expected}, got {failure.got}" if failure.got else ""
            message = f"{test.section}[{test.index}] fails for `{failure.destination}`{wanted}"
            yield error(FAILED_TEST, message, failure.span, help=failure.detail or None)
