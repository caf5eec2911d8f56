"""From what became of compiled rules to the nodes for whom the output is another one."""

from __future__ import annotations

from functools import partial

from aclkit.affected.filter_changes import filter_changes
from aclkit.affected.nodes import Affected, Found, Kind
from aclkit.affected.peer_changes import peer_changes, route_changes
from aclkit.affected.ssh_changes import ssh_changes
from aclkit.affected.states import States
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.update import Update


def affected_by(
    before: CompiledPolicy, after: CompiledPolicy, done: Update
) -> dict[Kind, Affected]:
    """Return the nodes whose output of each kind is another one after an update."""
    states = States(before, after, done)
    works = {
        Kind.PACKET_FILTER: filter_changes,
        Kind.PEERS: peer_changes,
        Kind.SSH_RULES: ssh_changes,
        Kind.CAPABILITIES: capability_changes,
        Kind.ROUTES: route_changes,
    }
    return {kind: Affected(after.rules, partial(work, states)) for kind, work in works.items()}


def capability_changes(states: States) -> Found:
    """Return the nodes with other capabilities of their own."""
    old, new = states.before.rules, states.after.rules
    return Found(
        further=frozenset(
            node
            for shift in states.shifts
            if shift.after is not None
            for node in shift.nodes
            if shift.before is None
            or old.attributes.get(shift.before, ()) != new.attributes.get(shift.after, ())
        )
    )
