"""Verdicts: what a question comes to. Reasons are worked out when they are read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.grounds import because
from aclkit.evaluator.query import Allowed, Because, Question
from aclkit.evaluator.reasons import WhyNot
from aclkit.evaluator.sides import Side
from aclkit.evaluator.ssh_reasons import because_ssh, why_not_ssh
from aclkit.evaluator.sshquery import SshAnswer, SshQuestion
from aclkit.evaluator.whynot import why_not


@dataclass(frozen=True, slots=True, repr=False)
class Verdict:
    """The answer to a question, over all pairs of a source and a destination device.

    Attributes:
        allowed: ALL, SOME or NONE of the pairs.
    """

    _question: Question
    allowed: Allowed

    def __repr__(self) -> str:
        question = self._question
        return f"<Verdict: {question.src.text} to {question.dst.text}: {self.allowed.name}>"

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the devices of the source side, by name, in the order of creation."""
        return names_of(self._question.src, self._question.rules)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the devices of the destination side; for a subnet, its prefixes."""
        side = self._question.dst
        return names_of(side, self._question.rules) or tuple(map(str, side.prefixes))

    @property
    def because(self) -> tuple[Because, ...]:
        """Return the rules of a yes; worked out when read."""
        return because(self._question)

    @property
    def why_not(self) -> tuple[WhyNot, ...]:
        """Return the reasons of a no, the nearest miss first; worked out when read."""
        return why_not(self._question)


@dataclass(frozen=True, slots=True, repr=False)
class SshVerdict:
    """The answer to a question about a login, over all pairs of a source and a destination device.

    Attributes:
        allowed: whether ALL, SOME or NONE of the pairs get in at all, with a check or without.
    """

    _question: SshQuestion
    allowed: Allowed

    def __repr__(self) -> str:
        question = self._question
        words = f"{question.src.text} to {question.dst.text} as {question.login}"
        return f"<SshVerdict: {words}: {self.allowed.name}>"

    @property
    def login(self) -> str:
        """Return the login that was asked about."""
        return self._question.login

    @property
    def accepts(self) -> int:
        """Return how many pairs get in without a check."""
        return self._question.counts[SshAnswer.ACCEPT]

    @property
    def checks(self) -> int:
        """Return how many pairs get in once the user has confirmed who they are."""
        return self._question.counts[SshAnswer.CHECK]

    @property
    def refused(self) -> int:
        """Return how many pairs don't get in."""
        return self._question.counts[SshAnswer.NO]

    @property
    def check_period(self) -> timedelta | None:
        """Return the shortest time for which an answer to a check holds; None without a check."""
        return self._question.check_period

    @property
    def sources(self) -> tuple[str, ...]:
        """Return the devices of the source side, by name, in the order of creation."""
        return names_of(self._question.src, self._question.rules)

    @property
    def destinations(self) -> tuple[str, ...]:
        """Return the devices of the destination side, by name, in the order of creation."""
        return names_of(self._question.dst, self._question.rules)

    @property
    def because(self) -> tuple[Because, ...]:
        """Return the entries of `ssh` of a yes; worked out when read."""
        return because_ssh(self._question)

    @property
    def why_not(self) -> tuple[WhyNot, ...]:
        """Return the reasons of a no, the nearest miss first; worked out when read."""
        return why_not_ssh(self._question)


def names_of(side: Side, rules: CompiledRules) -> tuple[str, ...]:
    """Return the names of the devices of a side, in the order of creation."""
    return tuple(rules.nodes[node].name for node in rules.roster.in_order(side.nodes))
