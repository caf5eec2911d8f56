"""A very long life of an engine: random changes, and memory as it goes on."""

from __future__ import annotations

import gc
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice
from pathlib import Path
from random import Random
from typing import Any

import aclkit
from aclkit.addresses import Address, Family
from aclkit.affected import Kind
from aclkit.engine import PolicyEngine
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    TailnetChange,
    UserChanged,
)
from aclkit.tailnet.model import Node, Role, User
from tests.bench.world import DOMAIN, TAGS, USERS, login, standard_policy, standard_tailnet

INTERVALS = 20
POLICY_EVERY = 10_000
"""Of how many changes one is another policy."""
SAMPLES = 20
GROUP = f"group:synced@{DOMAIN}"


def resident_now_mib() -> float:
    """Return the resident size of this process at this moment, in MiB (Linux only)."""
    pages = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1])
    return pages * 4096 / 2**20


def policy(number: int) -> str:
    """Return one of the policies that follow each other."""
    data = json.loads(standard_policy(everything=True))
    del data["acls"][2 + number % 5]
    data["acls"].append({"action": "accept", "src": [GROUP], "dst": [f"tag:t{number % TAGS}:22"]})
    return json.dumps(data)


class Life:
    """Random changes, each of which fits the tailnet that the ones before it left."""

    def __init__(self, nodes: tuple[Node, ...], random: Random) -> None:
        self.nodes = list(nodes)
        self.random = random
        self.most = len(nodes)
        self.numbers = count(len(nodes))

    def changes(self) -> Iterator[TailnetChange]:
        """Yield changes for ever; the number of nodes stays about what it was."""
        while True:
            chosen = self.random.random()
            if chosen < 0.2:
                yield self.join() if len(self.nodes) <= self.most else self.leave()
            elif chosen < 0.4:
                yield self.leave() if len(self.nodes) >= self.most else self.join()
            elif chosen < 0.95:
                yield self.change()
            elif chosen < 0.98:
                members = (login(self.random.randrange(USERS)) for _ in range(5))
                yield GroupChanged(GROUP, tuple(sorted(set(members))))
            else:
                number = self.random.randrange(USERS)
                role = self.random.choice(list(Role))
                yield UserChanged(User(login(number), f"user{number}", role))

    def join(self) -> TailnetChange:
        number = next(self.numbers)
        low = number % (1 << 21)  # the address of a node that left long ago comes again
        addresses = (
            Address(Family.V4, (100 << 24) + (64 << 16) + 1 + low),
            Address(Family.V6, (0xFD7A << 112) + (0x115CA1E0 << 80) + 1 + number),
        )
        node = Node(f"node-{number}", addresses=addresses, created=number, **self.identity())
        self.nodes.append(node)
        return NodeJoined(node)

    def leave(self) -> TailnetChange:
        at = self.random.randrange(len(self.nodes))
        self.nodes[at], self.nodes[-1] = self.nodes[-1], self.nodes[at]
        return NodeLeft(self.nodes.pop().id)

    def change(self) -> TailnetChange:
        at = self.random.randrange(len(self.nodes))
        node = self.nodes[at]
        kind = self.random.randrange(3)
        if kind == 0:
            node = replace(node, **self.identity())
        elif kind == 1:
            node = replace(node, online=not node.online)
        else:
            os = self.random.choice(("linux", "macos", "windows"))
            node = replace(node, posture={"node:os": os})
        self.nodes[at] = node
        return NodeChanged(node)

    def identity(self) -> dict[str, Any]:
        if self.random.random() < 0.4:
            return {"tags": (f"tag:t{self.random.randrange(TAGS)}",), "user": None}
        return {"tags": (), "user": login(self.random.randrange(USERS))}


def run(changes: int, nodes: int) -> None:
    """Print memory and the cost of changes at intervals; at the end compare with a fresh engine."""
    random = Random(1)
    tailnet = standard_tailnet(nodes)
    engine = PolicyEngine(policy(0), tailnet, tests="skip")
    life = Life(tailnet.nodes, random)
    stream = life.changes()
    header = ("changes", "nodes", "apply: median", "99th percentile", "affected: median",
              "99th percentile", "told per change", "resident")  # fmt: skip
    print("| " + " | ".join(header) + " |\n" + "|---" * len(header) + "|")
    made = 0
    for interval in range(INTERVALS):
        upto = changes * (interval + 1) // INTERVALS
        costs, looks, told = [], [], 0
        for change in islice(stream, upto - made):
            made += 1
            if made % POLICY_EVERY == 0:
                engine.set_policy(policy(made // POLICY_EVERY), tests="skip")
            started = time.perf_counter()
            done = engine.apply(change)
            made_at = time.perf_counter()
            told += sum(len(done.affected(kind)) for kind in Kind)
            costs.append(made_at - started)
            looks.append(time.perf_counter() - made_at)
            if made % 100 == 0:
                look(engine, life.nodes, random)
        gc.collect()
        row = (f"{made:,}", f"{len(life.nodes):,}", *quantiles(costs), *quantiles(looks),
               f"{told / len(costs):,.0f}", f"{resident_now_mib():.0f} MiB")  # fmt: skip
        print("| " + " | ".join(row) + " |", flush=True)
    compare(engine, life.nodes, random)


def quantiles(seconds: list[float]) -> tuple[str, str]:
    """Return the median and the 99th percentile, in milliseconds."""
    seconds.sort()
    last = len(seconds) - 1
    return f"{seconds[last // 2] * 1000:.2f} ms", f"{seconds[last * 99 // 100] * 1000:.2f} ms"


def look(engine: PolicyEngine, nodes: list[Node], random: Random) -> None:
    """Ask what a server asks, so that what is worked out when asked for takes its memory too."""
    compiled = engine.snapshot.compiled
    one, other = random.choice(nodes).name, random.choice(nodes).name
    compiled.netmap(one).to_dict()
    compiled.reaches(one, other, 443)


def compare(engine: PolicyEngine, nodes: list[Node], random: Random) -> None:
    """Stop with an error if the engine is not as a fresh one for the same tailnet."""
    now = engine.snapshot
    fresh = aclkit.compile_policy(now.policy, now.roster.tailnet)
    names = [node.name for node in random.sample(nodes, min(SAMPLES, len(nodes)))]
    different = [
        name
        for name in names
        if fresh.netmap(name).to_dict() != now.compiled.netmap(name).to_dict()
    ]
    if different:
        raise SystemExit(f"not as a fresh engine: {', '.join(different)}")
    print(f"\n{len(names)} netmaps compared with a fresh engine: equal")
