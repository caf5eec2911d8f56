"""Changes for the benchmark of the engine, and the true difference that each of them makes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import count
from random import Random
from typing import Any

import aclkit
from aclkit.addresses import Address, Family
from aclkit.affected import Kind
from aclkit.compiled import CompiledPolicy
from aclkit.engine import PolicyEngine
from aclkit.tailnet.changes import GroupChanged, NodeChanged, NodeJoined, NodeLeft, TailnetChange
from aclkit.tailnet.model import Node
from aclkit.tailnet.roster import Roster
from tests.bench.world import SYNCED, TAGS, USERS, login, standard_tailnet

KINDS = ("join", "leave", "retag", "group edit")
SAMPLES = 2
"""How many changes of each kind are compared with what is true."""


class Life:
    """Changes of a tailnet of the standard world, one kind after the other."""

    def __init__(self, nodes: int, random: Random) -> None:
        self.random = random
        self.nodes = nodes
        self.joined = count()

    def change(self, kind: str, roster: Roster) -> TailnetChange:
        """Return a change of one kind that fits *roster*."""
        kinds: dict[str, Callable[[Roster], TailnetChange]] = {
            "join": self.join,
            "leave": self.leave,
            "retag": self.retag,
            "group edit": self.edit,
        }
        return kinds[kind](roster)

    def join(self, roster: Roster) -> TailnetChange:
        number = next(self.joined)
        addresses = (
            Address(Family.V4, (100 << 24) + (120 << 16) + number),
            Address(Family.V6, (0xFD7A << 112) + (0x115CA1E0 << 80) + (1 << 32) + number),
        )
        node = Node(
            f"new-{number}",
            addresses=addresses,
            created=10**7 + number,
            posture={"node:os": self.random.choice(("linux", "macos", "windows"))},
        )
        if self.random.random() < 0.4:
            return NodeJoined(replace(node, tags=(self.tag(),)))
        return NodeJoined(replace(node, user=login(self.random.randrange(USERS))))

    def leave(self, roster: Roster) -> TailnetChange:
        return NodeLeft(self.some(roster).id)

    def retag(self, roster: Roster) -> TailnetChange:
        node = self.some(roster)
        while not node.tags or node.tags == (tag := self.tag(),):
            node = self.some(roster)
        return NodeChanged(replace(node, tags=(tag,)))

    def edit(self, roster: Roster) -> TailnetChange:
        while (user := self.some(roster).user) is None:
            pass  # somebody who has a device
        members = {user}.symmetric_difference(roster.groups[SYNCED])
        return GroupChanged(SYNCED, tuple(sorted(members)))

    def some(self, roster: Roster) -> Node:
        """Return a node that was there from the beginning."""
        while (number := self.random.randrange(self.nodes)) not in roster.nodes:
            pass
        return roster.nodes[number]

    def tag(self) -> str:
        return f"tag:t{self.random.randrange(TAGS)}"


def compare_with_scratch(text: str, nodes: int) -> int:
    """Stop with an error unless what changes concern is the true difference; count them.

    The difference is that of the outputs of two states which were compiled from nothing; the engine
    must have the same outputs.
    """
    policy, life = aclkit.load_policy(text), Life(nodes, Random(3))
    engine = PolicyEngine(text, standard_tailnet(nodes), tests="skip")
    before = outputs(engine.snapshot.compiled)
    for _ in range(SAMPLES):
        for of_kind in KINDS:
            change = engine.apply(life.change(of_kind, engine.snapshot.roster))
            after = outputs(aclkit.compile_policy(policy, engine.snapshot.roster.tailnet))
            for kind in Kind:
                true = {
                    name
                    for name, parts in after.items()
                    if name not in before or before[name][kind] != parts[kind]
                }
                said = set(change.affected(kind))
                if said != true or len(change.affected(kind)) != len(true):
                    raise SystemExit(f"{of_kind}: {kind} differs at {sorted(said ^ true)}")
            before = after
    if outputs(engine.snapshot.compiled) != before:
        raise SystemExit("the engine is not as compiled from nothing")
    return SAMPLES * len(KINDS)


def outputs(compiled: CompiledPolicy) -> dict[str, dict[Kind, Any]]:
    """Return what each node is sent.

    Of a peer these are its name, which has the same addresses always here, the routes that it is
    shown with, and what it is granted.
    """
    found = {}
    for number, node in compiled.rules.roster.nodes.items():
        netmap = compiled.netmap(node.name)
        peers, routes = [], []
        for peer in compiled.visibility.peers(number):
            other = compiled.rules.nodes[peer]
            peers.append((other.name, str(compiled.reach.granted_caps(peer, number))))
            if other.advertised_routes:
                shown = compiled.visibility.shown_routes(number, peer)
                routes += [(other.name, route) for route in shown]
        found[node.name] = {
            Kind.PACKET_FILTER: netmap.packet_filter_rules,
            Kind.PEERS: (sorted(peers), sorted(routes)),
            Kind.SSH_RULES: netmap.ssh_rules,
            Kind.CAPABILITIES: netmap.cap_map,
            Kind.ROUTES: (sorted(routes), compiled.primary_routes(node.name)),
        }
    return found
