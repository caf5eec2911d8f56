"""Coverage for programs. `format_version` changes when a field changes its meaning.

Lines and columns count from 1. New fields may come in any version.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from aclkit.addresses import Address
from aclkit.analysis.coverage import Coverage, Part, RuleCoverage
from aclkit.analysis.generate import Generated
from aclkit.analysis.generate_scenario import GeneratedScenario
from aclkit.analysis.mutants import Mutant
from aclkit.analysis.mutants_changes import Capability, Change, End, Flow
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.analysis.mutants_run import MutationRun, Survivor
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.report.answers import FORMAT_VERSION, origin_data
from aclkit.report.coverage_words import change_words, end_name, mutant_words
from aclkit.source import Source


@dataclass(frozen=True, slots=True)
class Findings:
    """All that one run found; None for what was not asked for."""

    coverage: Coverage
    run: MutationRun | None = None
    generated: Generated | None = None
    scenario: GeneratedScenario | None = None


def coverage_json(compiled: CompiledPolicy, findings: Findings) -> str:
    """Return *findings* as one JSON object; beyond ASCII all is escaped."""
    policy = compiled.rules.policy
    coverage, run = findings.coverage, findings.run
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "file": policy.source.name,
        "target": policy.target.name,
        "failing": [{"section": section, "index": index} for section, index in coverage.failing],
        "coverage": {
            "percent": coverage.percent,
            "touched": coverage.touched,
            "parts": coverage.parts,
            "rules": [_rule(rule, policy.source) for rule in coverage.rules],
        },
    }
    if run is not None:
        document["mutation"] = _mutation(run, policy.source, compiled.rules)
    if findings.generated is not None:
        document["generated"] = _tests(findings.generated)
    if findings.scenario is not None:
        document["scenario"] = _tests(findings.scenario)
    return json.dumps(document, indent=2) + "\n"


def _rule(rule: RuleCoverage, source: Source) -> dict[str, Any]:
    return origin_data(Origin(rule.section, rule.index, rule.span), source) | {
        "touched": rule.touched,
        "parts": [_part(part) for part in rule.parts],
        "not_counted": rule.unseen or None,
    }


def _part(part: Part) -> dict[str, Any]:
    return {
        "destination": part.destination,
        "protocols": part.ip_proto and list(part.ip_proto),
        "ports": [list(bounds) for bounds in part.ports],
        "passed": part.passed,
        "guarded": part.guarded,
    }


def _mutation(run: MutationRun, source: Source, rules: CompiledRules) -> dict[str, Any]:
    return {
        "percent": run.score,
        "noticed": [
            _mutant(mutant, source) | {"by": {"section": section, "index": index}}
            for mutant, (section, index) in run.noticed
        ],
        "survivors": [_survivor(survivor, source, rules) for survivor in run.survivors],
        "no_test_can_ask": [_survivor(survivor, source, rules) for survivor in run.beyond],
        "equivalent": [_mutant(mutant, source) for mutant in run.equivalent],
    }


def _mutant(mutant: Mutant, source: Source) -> dict[str, Any]:
    return origin_data(Origin(mutant.section, mutant.index, mutant.span), source) | {
        "kind": mutant.kind.value,
        "what": mutant.what,
        "words": mutant_words(mutant),
    }


def _survivor(survivor: Survivor, source: Source, rules: CompiledRules) -> dict[str, Any]:
    change = _change(survivor.change, rules) | {"words": change_words(survivor.change, rules)}
    return _mutant(survivor.mutant, source) | {"change": change}


def _change(change: Change, rules: CompiledRules) -> dict[str, Any]:
    match change:
        case Flow():
            return {
                "opens": change.opens,
                "src": _end(change.src, rules),
                "dst": _end(change.dst, rules),
                "protocol": change.proto,
                "port": change.port,
            }
        case Capability():
            return {
                "opens": change.opens,
                "src": _end(change.src, rules),
                "dst": _end(change.dst, rules),
                "capability": change.name,
            }
        case LoginChange():
            return {
                "src": _end(change.src, rules),
                "dst": _end(change.dst, rules),
                "login": change.login,
                "before": change.before,
                "after": change.after,
            }
        case _:
            return {"node": end_name(change.node, rules)}


def _end(end: End, rules: CompiledRules) -> dict[str, str]:
    if isinstance(end, Address):
        return {"address": str(end)}
    return {"node": rules.nodes[end].name}


def _tests(tests: Generated | GeneratedScenario) -> dict[str, Any]:
    return {
        "tests": [test.to_dict() for test in tests.tests],
        "sshTests": [test.to_dict() for test in tests.ssh_tests],
        "noticed": tests.noticed,
        "left": len(tests.left),
    }
