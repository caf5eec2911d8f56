"""Scenario entries for what a policy's own tests can't say.

They ask of devices by name: an accept and a check are two answers on every target, and
`autogroup:self` and `via` count.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aclkit.addresses import Address
from aclkit.analysis.generate import (
    GeneratedSshTest,
    GeneratedTest,
    ssh_tests_of,
    tests_of,
    told,
)
from aclkit.analysis.generate_candidates import Candidate, LoginCandidate
from aclkit.analysis.mutants_changes import Change, Flow
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.analysis.mutants_run import Mutation, Survivor
from aclkit.compiled import CompiledPolicy, compile_policy
from aclkit.evaluator.query import Allowed


@dataclass(frozen=True, slots=True)
class GeneratedScenario:
    """Entries for a scenario file.

    Attributes:
        tests, ssh_tests: the entries.
        noticed: how many survivors they notice.
        left: the survivors that they don't.
    """

    tests: tuple[GeneratedTest, ...]
    ssh_tests: tuple[GeneratedSshTest, ...]
    noticed: int
    left: tuple[Survivor, ...]


def generate_scenario(
    compiled: CompiledPolicy, mutation: Mutation, survivors: Sequence[Survivor]
) -> GeneratedScenario:
    """Return entries that notice *survivors*, each of which holds on the policy as it is."""
    chosen: list[Candidate | LoginCandidate] = []
    left = []
    for survivor in survivors:
        policy = survivor.mutant.applied(compiled.rules.policy)
        mutated = compile_policy(policy, compiled.rules.tailnet)
        if any(not _holds(entry, mutated) for entry in chosen):
            continue
        changes = told(mutation.changes.of(mutation.variants.of(survivor.mutant)))
        entries = (entry for change in changes for entry in _entries(change, compiled))
        found = next(
            (each for each in entries if _holds(each, compiled) and not _holds(each, mutated)), None
        )
        if found is None:
            left.append(survivor)
        else:
            chosen.append(found)
    return GeneratedScenario(
        tests_of(entry for entry in chosen if isinstance(entry, Candidate)),
        ssh_tests_of(
            (entry for entry in chosen if isinstance(entry, LoginCandidate)),
            lambda entry: _holds(entry, compiled),
        ),
        len(survivors) - len(left),
        tuple(left),
    )


def _entries(change: Change, compiled: CompiledPolicy) -> Iterable[Candidate | LoginCandidate]:
    """Yield what asks for a change between two devices, or from a device to an address."""
    nodes = compiled.rules.nodes
    match change:
        case Flow(src=int(src)):
            dst = str(change.dst) if isinstance(change.dst, Address) else nodes[change.dst].name
            expected = "deny" if change.opens else "accept"
            proto = "" if change.proto == _TCP else str(change.proto)
            yield Candidate(nodes[src].name, dst, change.port, expected, proto)
        case LoginChange():
            src_name, dst = nodes[change.src].name, nodes[change.dst].name
            yield LoginCandidate(src_name, dst, change.login, change.before)
        case _:
            return


_TCP = 6


def _holds(entry: Candidate | LoginCandidate, compiled: CompiledPolicy) -> bool:
    if isinstance(entry, Candidate):
        verdict = compiled.query(entry.src, entry.dst, entry.port, entry.proto or None)
        return verdict.allowed is (Allowed.ALL if entry.expected == "accept" else Allowed.NONE)
    answer = compiled.query_ssh(entry.src, entry.dst, entry.login)
    counts = {"accept": answer.accepts, "check": answer.checks, "deny": answer.refused}
    return counts[entry.expected] == sum(counts.values()) > 0
