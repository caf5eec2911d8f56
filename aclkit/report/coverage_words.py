"""Coverage in words: what a mutant does to a policy, and what that opens or closes."""

from __future__ import annotations

import math
from typing import assert_never

from aclkit.addresses import Address
from aclkit.analysis.coverage import Part
from aclkit.analysis.mutants import Mutant, MutantKind
from aclkit.analysis.mutants_changes import Capability, Change, End, Flow, Otherwise
from aclkit.analysis.mutants_logins import LoginChange
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.policy.ports import PORT_PROTOCOLS, protocol_name
from aclkit.report.answers import ports_text
from aclkit.tailcfg import DEFAULT_PROTOCOLS


def mutant_words(mutant: Mutant) -> str:
    """Return what a mutant does, such as ``acls[4] without the source `group:eng```."""
    what = f"`{mutant.what}`"
    match mutant.kind:
        case MutantKind.REMOVE_RULE:
            return f"without {mutant.name}"
        case MutantKind.WIDEN_PORTS:
            return f"{mutant.name} with all ports in {what}"
        case MutantKind.DROP_SOURCE:
            return f"{mutant.name} without the source {what}"
        case MutantKind.DROP_DESTINATION:
            return f"{mutant.name} without the destination {what}"
        case MutantKind.DROP_PORTS:
            return f"{mutant.name} without {what}"
        case MutantKind.DROP_MEMBER:
            return f"`{mutant.name}` without {what}"
        case MutantKind.DROP_LOGIN:
            return f"{mutant.name} without the login {what}"
        case MutantKind.SWAP_ACTION:
            other = "accept" if mutant.what == "check" else "check"
            return f"{mutant.name} with `{other}` for {what}"
        case _:
            assert_never(mutant.kind)


def change_words(change: Change, rules: CompiledRules) -> str:
    """Return a change of access, such as ``opens laptop to db-1, tcp port 5432``."""
    match change:
        case Flow():
            verb = "opens" if change.opens else "closes"
            ends = _ends(change, rules)
            name = protocol_name(change.proto)
            if change.proto in PORT_PROTOCOLS:
                return f"{verb} {ends}, {name} port {change.port}"
            return f"{verb} {ends}, {'protocol ' if name.isdecimal() else ''}{name}"
        case Capability():
            verb = "gives" if change.opens else "takes"
            src, dst = end_name(change.src, rules), end_name(change.dst, rules)
            return f"{verb} {src} the capability {change.name} on {dst}"
        case LoginChange():
            logins = f"{_ends(change, rules)} as {change.login}"
            return f"turns {change.before} into {change.after}: {logins}"
        case Otherwise():
            return f"sends other rules to {end_name(change.node, rules)}"
        case _:
            assert_never(change)


def _ends(change: Flow | LoginChange, rules: CompiledRules) -> str:
    return f"{end_name(change.src, rules)} to {end_name(change.dst, rules)}"


def end_name(end: End, rules: CompiledRules) -> str:
    """Return the name of a node or of a service; else the address."""
    if not isinstance(end, Address):
        return rules.nodes[end].name
    serving = (service.name for service in rules.tailnet.services if end in service.addresses)
    return next(serving, str(end))


def part_words(part: Part) -> str:
    """Return a part of a rule, such as ``tag:db tcp 22, 5432``; of an SSH rule the name alone."""
    if not part.ports:
        return part.destination
    protocols = dict.fromkeys(part.ip_proto or DEFAULT_PROTOCOLS, part.ports)
    return f"{part.destination} {ports_text(protocols)}"


def percent_words(percent: float) -> str:
    """Return a percentage, never rounded up: 100% is all."""
    return f"{math.floor(percent * 10) / 10:g}%"
