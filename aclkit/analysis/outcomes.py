"""How tests went: one type for the tests of a policy, for scenarios and for invariants.

A result is what the control plane would say, or for a scenario what it asks. Beside it stand the
notes, which tell what a verdict hides, and for each failure its explanation. Reports render these;
nothing here knows lines or colours.
"""

from __future__ import annotations

from dataclasses import dataclass

from aclkit.compiler.filters import Origin
from aclkit.evaluator.policytests import TestResult
from aclkit.evaluator.query import Because
from aclkit.evaluator.reasons import WhyNot
from aclkit.source import Source, Span


@dataclass(frozen=True, slots=True)
class Flow:
    """A first packet, from one device to another.

    Attributes:
        src, dst: the name of a device, or an address that no device has.
        proto: the name or number of the protocol.
        port: of the destination; None for a protocol without ports.
        router: the device on the way, for an address that no device has.
        login: for SSH, the name under which somebody logs in.
    """

    src: str
    dst: str
    proto: str
    port: int | None = None
    router: str | None = None
    login: str | None = None

    def __str__(self) -> str:
        way = f" by way of {self.router}" if self.router else ""
        if self.login is not None:
            return f"{self.src} to {self.dst} as {self.login}{way}"
        port = "" if self.port is None else f" port {self.port}"
        return f"{self.src} to {self.dst}, {self.proto}{port}{way}"


@dataclass(frozen=True, slots=True)
class Note:
    """What a verdict hides.

    Attributes:
        code: stable, in kebab-case; the catalogue explains each.
        message: one sentence.
        span: the part of the test that it is about.
        contradicts: whether the devices get on otherwise than the verdict lets one think.
        flow: an example.
        origin: the entry of the policy behind it, if there is one.
    """

    code: str
    message: str
    span: Span
    contradicts: bool = False
    flow: Flow | None = None
    origin: Origin | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why an expectation was not met.

    Attributes:
        because: the rules that let something through where nothing should get through.
        why_not: the reasons, nearest miss first, where something should.
        flow: a counterexample.
    """

    because: tuple[Because, ...] = ()
    why_not: tuple[WhyNot, ...] = ()
    flow: Flow | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """One test, how it went, and what there is to say of it.

    Attributes:
        result: the verdict, with its failures.
        name: what the scenario calls it; empty where it has no name.
        notes: what the verdict hides, in the order of the test's destinations.
        explained: one explanation for each failure, in the same order.
    """

    result: TestResult
    name: str = ""
    notes: tuple[Note, ...] = ()
    explained: tuple[Explanation, ...] = ()


@dataclass(frozen=True, slots=True)
class TestRun:
    """All tests of one file.

    Attributes:
        source: where the tests stand; spans of results and notes count in it.
        policy: where the rules stand; spans of origins count in it. The same as `source` for the
            tests of a policy.
        target: the target's name.
        outcomes: one for each test that was selected, in the order of the file.
        left_out: how many tests were not selected.
        assumptions: what was assumed, as sentences.
    """

    __test__ = False

    source: Source
    policy: Source
    target: str
    outcomes: tuple[Outcome, ...]
    left_out: int = 0
    assumptions: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Return whether each test passed; also where there is none."""
        return all(outcome.result.passed for outcome in self.outcomes)
