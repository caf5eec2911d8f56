"""Tests that pin the access of today: few entries that notice the mutants that survive.

Each entry holds on the policy as it is. They are chosen greedily: first what notices most of what
is left, then what stands beside an entry for the same source, then what reads best.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence, Set
from dataclasses import dataclass
from itertools import islice
from typing import Any

from aclkit.analysis.coverage_tests import Tried, TriedLogin
from aclkit.analysis.generate_candidates import (
    Attributes,
    Candidate,
    Candidates,
    LoginCandidate,
)
from aclkit.analysis.mutants_changes import Capability, Change
from aclkit.analysis.mutants_run import Mutation, MutationRun, Survivor
from aclkit.analysis.mutants_variants import Variant
from aclkit.compiler.bitsets import members

# So many changes of a mutant are looked at, so many entries considered for each, and no more
# changes after so many entries that notice it.
_CHANGES, _ENTRIES, _ENOUGH = 4, 36, 6


@dataclass(frozen=True, slots=True)
class GeneratedTest:
    """An entry of `tests`."""

    src: str
    attributes: Attributes
    proto: str
    accept: tuple[str, ...]
    deny: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as a policy has it, without what is empty."""
        return _without_empty(
            src=self.src,
            srcPostureAttrs=dict(self.attributes),
            proto=self.proto,
            accept=list(self.accept),
            deny=list(self.deny),
        )


@dataclass(frozen=True, slots=True)
class GeneratedSshTest:
    """An entry of `sshTests`."""

    src: str
    attributes: Attributes
    dst: tuple[str, ...]
    accept: tuple[str, ...]
    check: tuple[str, ...]
    deny: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the entry as a policy has it, without what is empty."""
        return _without_empty(
            src=self.src,
            srcPostureAttrs=dict(self.attributes),
            dst=list(self.dst),
            accept=list(self.accept),
            check=list(self.check),
            deny=list(self.deny),
        )


def _without_empty(**members: Any) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value}


@dataclass(frozen=True, slots=True)
class Generated:
    """Tests that notice mutants which no test noticed.

    Attributes:
        tests, ssh_tests: entries for the policy.
        noticed: how many of the survivors they notice.
        left: the survivors that they don't, since such tests can't ask for it.
    """

    tests: tuple[GeneratedTest, ...]
    ssh_tests: tuple[GeneratedSshTest, ...]
    noticed: int
    left: tuple[Survivor, ...]


@dataclass(slots=True)
class _Choice:
    """An entry that holds, and the survivors that it notices, as a bitset."""

    candidate: Candidate | LoginCandidate
    rank: int
    notices: int

    @property
    def group(self) -> tuple[object, ...]:
        """Return what entries of one test have in common."""
        candidate = self.candidate
        proto = candidate.proto if isinstance(candidate, Candidate) else None
        return candidate.src, candidate.attributes, proto


def generate(mutation: Mutation, run: MutationRun) -> Generated:
    """Return tests that notice the survivors of *run*, which is a run of *mutation*."""
    variants = [mutation.variants.of(survivor.mutant) for survivor in run.survivors]
    chosen: list[_Choice] = []
    noticed = 0
    # Devices are called by their addresses only where no word of the policy will do.
    for addresses in (False, True):
        left = (1 << len(variants)) - 1 & ~noticed
        chosen += _chosen(_choices(mutation, variants, left, addresses=addresses), left, chosen)
        for choice in chosen:
            noticed |= choice.notices
    entries = [choice.candidate for choice in _needed(chosen)]

    def holds(candidate: LoginCandidate) -> bool:
        tried = _tried(mutation, candidate)
        return tried is not None and tried.holds

    return Generated(
        tests_of(entry for entry in entries if isinstance(entry, Candidate)),
        ssh_tests_of((entry for entry in entries if isinstance(entry, LoginCandidate)), holds),
        noticed.bit_count(),
        tuple(s for at, s in enumerate(run.survivors) if not noticed >> at & 1),
    )


def _choices(
    mutation: Mutation, variants: Sequence[Variant], wanted: int, *, addresses: bool
) -> list[_Choice]:
    """Return the entries that hold and notice some *wanted* variant, each once."""
    candidates = Candidates(mutation.rules)
    found: dict[Candidate | LoginCandidate, tuple[int, Tried | TriedLogin | None]] = {}
    for at in members(wanted):
        noticing = 0
        for change in told(mutation.changes.of(variants[at])):
            considered = islice(candidates.of(change, addresses=addresses), _ENTRIES)
            for rank, candidate in enumerate(considered):
                if candidate not in found:
                    tried = _tried(mutation, candidate)
                    found[candidate] = rank, tried if tried is not None and tried.holds else None
                noticing += _notices(mutation, found[candidate][1], variants[at])
            if noticing >= _ENOUGH:
                break
    held = {candidate: tried for candidate, (_, tried) in found.items() if tried is not None}
    notices = dict.fromkeys(held, 0)
    for at in members(wanted):  # the outer loop, since what a variant adds is kept meanwhile
        for candidate, tried in held.items():
            if _notices(mutation, tried, variants[at]):
                notices[candidate] |= 1 << at
    return [_Choice(each, found[each][0], notices[each]) for each in held if notices[each]]


def _notices(mutation: Mutation, tried: Tried | TriedLogin | None, variant: Variant) -> bool:
    """Return whether an entry that holds on the policy fails on *variant*; None does not hold."""
    if tried is None:
        return False
    if isinstance(tried, Tried):
        return not mutation.tests.trial.still_holds(tried, variant)
    return not mutation.tests.trial.login_still_holds(tried, variant)


def told(changes: Iterable[Change]) -> Iterator[Change]:
    """Yield the first of *changes* that a test can ask for."""
    return islice((each for each in changes if not isinstance(each, Capability)), _CHANGES)


def _tried(mutation: Mutation, candidate: Candidate | LoginCandidate) -> Tried | TriedLogin | None:
    """Return an entry, tried on the policy; None if it can't be tried."""
    trial = mutation.tests.trial
    if isinstance(candidate, Candidate):
        each = next(trial.tried(-1, candidate.test()))
        return each if isinstance(each, Tried) else None
    login = next(trial.tried_logins(-1, candidate.test()))
    return login if isinstance(login, TriedLogin) else None


def _chosen(choices: Sequence[_Choice], wanted: int, before: Sequence[_Choice]) -> list[_Choice]:
    """Return few of *choices* that notice together what of *wanted* all of them notice.

    Entries that stand beside one of *before*, or beside each other, are preferred.
    """
    chosen: list[_Choice] = []
    groups = {choice.group for choice in before}
    left = wanted
    while True:
        best = max(
            choices,
            key=lambda each: (
                (each.notices & left).bit_count(),
                each.group in groups,
                -each.rank,
            ),
            default=None,
        )
        if best is None or not best.notices & left:
            return chosen
        chosen.append(best)
        groups.add(best.group)
        left &= ~best.notices


def _needed(chosen: list[_Choice]) -> list[_Choice]:
    """Return *chosen* without those of which others notice everything."""
    kept = list(chosen)
    for choice in chosen:
        others = 0
        for other in kept:
            if other is not choice:
                others |= other.notices
        if not choice.notices & ~others:
            kept.remove(choice)
    return kept


def tests_of(candidates: Iterable[Candidate]) -> tuple[GeneratedTest, ...]:
    """Return one test for each source with its attributes and protocol, one source after another.

    Sources come in the order in which they were chosen.
    """
    grouped: dict[str, dict[tuple[Attributes, str], list[Candidate]]] = {}
    for each in candidates:
        of_source = grouped.setdefault(each.src, {})
        of_source.setdefault((each.attributes, each.proto), []).append(each)
    found = []
    for src, of_source in grouped.items():
        for (attributes, proto), listed in of_source.items():
            accept, deny = (
                tuple(sorted({each.destination for each in listed if each.expected == expected}))
                for expected in ("accept", "deny")
            )
            found.append(GeneratedTest(src, attributes, proto, accept, deny))
    return tuple(found)


def ssh_tests_of(
    candidates: Iterable[LoginCandidate], holds: Callable[[LoginCandidate], bool]
) -> tuple[GeneratedSshTest, ...]:
    """Return SSH tests: one for each source, where each of its logins holds at each destination.

    Elsewhere a source has one for each set of logins. *holds* tells of an entry that was not
    chosen whether it holds.
    """
    found: list[GeneratedSshTest] = []
    grouped: dict[tuple[str, Attributes], list[LoginCandidate]] = {}
    for each in candidates:
        grouped.setdefault((each.src, each.attributes), []).append(each)
    for (src, attributes), listed in grouped.items():
        together = {(each.login, each.expected) for each in listed}
        destinations = {each.dst for each in listed}
        product_of = (
            LoginCandidate(src, dst, login, expected, attributes)
            for dst in destinations
            for login, expected in together
        )
        if all(each in listed or holds(each) for each in product_of):
            found.append(_ssh_test(src, attributes, destinations, together))
            continue
        sets: dict[frozenset[tuple[str, str]], set[str]] = {}
        for dst in dict.fromkeys(each.dst for each in listed):
            logins = frozenset((each.login, each.expected) for each in listed if each.dst == dst)
            sets.setdefault(logins, set()).add(dst)
        found += (_ssh_test(src, attributes, names, logins) for logins, names in sets.items())
    return tuple(found)


def _ssh_test(
    src: str, attributes: Attributes, destinations: Set[str], logins: Set[tuple[str, str]]
) -> GeneratedSshTest:
    accept, check, deny = (
        tuple(sorted(login for login, expected in logins if expected == wanted))
        for wanted in ("accept", "check", "deny")
    )
    return GeneratedSshTest(src, attributes, tuple(sorted(destinations)), accept, check, deny)
