"""SSH questions: who logs in where under which name, answered over all pairs of devices.

Two things must be right: an entry of `ssh` that takes the login, and a rule that opens port 22.
SSH rules are tried in order, and the first that matches decides.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TypeAlias

from aclkit.compiler.bitsets import bitset, members
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.ssh import NONROOT, CompiledSshRule
from aclkit.evaluator.meetings import Meeting, Meetings
from aclkit.evaluator.query import (
    Allowed,
    Pair,
    SourceKey,
    TargetKey,
    cells_between,
    source_key,
    target_key,
)
from aclkit.evaluator.reach import TCP
from aclkit.evaluator.regions import Regions
from aclkit.evaluator.sides import Part, Side, resolve_side
from aclkit.policy.walk import localpart_domain

SSH_PORT = 22


class SshAnswer(StrEnum):
    """What happens to one login between two devices."""

    ACCEPT = "accept"
    CHECK = "check"
    NO = "no"


From: TypeAlias = tuple[int, SourceKey]
"""SSH rules that take the login of a device, and what of port 22 decides for it as a source."""
To: TypeAlias = tuple[int, TargetKey]
"""SSH rules that let into a device, and what of port 22 decides for it as a destination."""


@dataclass(frozen=True, slots=True)
class Login:
    """Pairs of devices that nothing tells apart.

    Attributes:
        answer: what happens to them.
        rules: the SSH rules that match, by their place in the order in which they are tried.
        cells: the cells that open port 22.
        meeting: the pairs.
    """

    answer: SshAnswer
    rules: int
    cells: int
    meeting: Meeting[From, To]

    def example(self) -> Pair:
        """Return a pair."""
        src, dst = self.meeting.example()
        *_, from4, from6 = self.meeting.src.key[1]
        *_, to4, to6 = self.meeting.dst.key[1]
        return Pair(src, dst, from4 and to4, from6 and to6)


@dataclass(slots=True)
class SshQuestion:
    """One question about a login, worked out.

    `counts` counts pairs, those that are no two devices too; `comparisons` the steps that it took.
    """

    regions: Regions
    src: Side
    dst: Side
    login: str
    counts: Counter[SshAnswer] = field(default_factory=Counter)
    check_period: timedelta | None = None
    comparisons: int = 0
    _open: tuple[int, int] = field(init=False)
    _taking: list[int] = field(init=False)
    _near: int = 0
    _itself: int = 0
    _meetings: Meetings[From, To] = field(init=False)

    def __post_init__(self) -> None:
        self._open = self.regions.reach.cells_open(TCP, SSH_PORT)
        self.regions.reach.rows(part.number for part in (*self.src.parts, *self.dst.parts))
        classes = self.rules.classes
        self._taking = [rule.takers(self.login, classes) for rule in self.rules.ssh.rules]
        for place, rule in enumerate(self.rules.ssh.rules):
            # With `localpart:` a rule is sent to its sources too (recordings ssh-d4, ssh-e5).
            self._near |= (rule.own or bool(rule.localparts)) << place
            self._itself |= bool(rule.localparts) << place
        self._meetings = Meetings.of(self.src, self.dst, self._source_key, self._target_key)
        periods = []
        for (rules, answer), count in self._meetings.tally(self._judged).items():
            self.counts[answer] += count
            period = self.rules.ssh.rules[_first(rules)].period if rules else None
            if answer is SshAnswer.CHECK and period is not None:
                periods.append(timedelta(microseconds=period // 1000))
        self.check_period = min(periods, default=None)
        self.counts[SshAnswer.NO] += self._beyond_devices()
        self.comparisons = self._meetings.comparisons

    @property
    def rules(self) -> CompiledRules:
        """Return the compiled rules."""
        return self.regions.rules

    @property
    def allowed(self) -> Allowed:
        """Return how many of the pairs get in at all."""
        through = self.counts[SshAnswer.ACCEPT] + self.counts[SshAnswer.CHECK]
        return Allowed.of(through, self.counts[SshAnswer.NO])

    def logins(self) -> Iterator[Login]:
        """Yield what happens to all pairs of devices, each pair once."""
        for meeting in self._meetings:
            src, dst, same_user = meeting.src.key, meeting.dst.key, meeting.same_user
            rules, answer = self._judged(src, dst, same_user)
            cells = cells_between(src[1], dst[1], same_user)
            yield Login(answer, rules, cells, meeting)

    def _judged(self, src: From, dst: To, same_user: bool) -> tuple[int, SshAnswer]:
        """Return the SSH rules that match, and what happens."""
        into = dst[0]
        if same_user:
            into |= self._near
        elif self._meetings.alone:
            into |= self._itself
        rules = src[0] & into
        if not rules or not cells_between(src[1], dst[1], same_user):
            return rules, SshAnswer.NO
        rule = self.rules.ssh.rules[_first(rules)]
        if not rule.lets_in(self.login):
            return rules, SshAnswer.NO
        return rules, SshAnswer.ACCEPT if rule.action.accept else SshAnswer.CHECK

    def deciding(self, login: Login) -> CompiledSshRule:
        """Return the rule that decides a login; some rule must match."""
        return self.rules.ssh.rules[_first(login.rules)]

    def _beyond_devices(self) -> int:
        """Return how many pairs there are with an end that is no device: those never get in."""
        sources, targets = (
            sum(len(part.nodes) for part in side.parts) for side in (self.src, self.dst)
        )
        behind, beyond = len(self.src.prefixes), len(self.dst.prefixes)
        return sources * beyond + behind * (targets + beyond)

    def _source_key(self, part: Part) -> From:
        taking = bitset(n for n, classes in enumerate(self._taking) if classes >> part.number & 1)
        return taking, source_key(self.regions.reach, self._open, part)

    def _target_key(self, part: Part) -> To:
        ssh = enumerate(self.rules.ssh.rules)
        into = bitset(place for place, rule in ssh if rule.destinations >> part.number & 1)
        return into, target_key(self.regions.reach, self._open, part)


def _first(rules: int) -> int:
    return next(members(rules))


def ask_ssh(regions: Regions, src: str, dst: str, login: str) -> SshQuestion:
    """Work out one question about a login.

    Raises:
        UnknownSideError: a side is neither a node nor a selector.
        ValueError: *login* is a word for many names.
    """
    name = login.strip()
    if name in ("", "*", NONROOT) or localpart_domain(name) is not None:
        raise ValueError(f"`{login}` is not a login; name one, such as `root`")
    rules, holders = regions.rules, regions.holders
    sides = resolve_side(src, rules, holders), resolve_side(dst, rules, holders)
    return SshQuestion(regions, *sides, name)
