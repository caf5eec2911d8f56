"""Threads that read an engine while another one writes, and an event loop while it reloads.

The writer makes pairs of changes such that the version alone tells what must be true: of two nodes
exactly one is open, at one port. A reader that ever sees anything else saw a torn state.
"""

from __future__ import annotations

import asyncio
import gc
import json
import time
from dataclasses import replace
from threading import Event, Thread

from aclkit.addresses import Address, Family
from aclkit.engine import PolicyEngine, Snapshot
from aclkit.tailnet.changes import NodeChanged
from aclkit.tailnet.model import Node, Tailnet
from tests.bench.measure import table
from tests.bench.policy_bench import policy_of
from tests.bench.world import standard_policy, standard_tailnet

READERS = 8
RELOADS = 5
POLICY_BYTES = 1_300_000
"""As `policy_of` counts them; it makes a policy of 1 MB."""
POLICY_EVERY = 50
"""Of how many versions one is another policy."""

OPEN, SHUT = ("tag:open",), ("tag:shut",)


def policy(version: int) -> str:
    """Return the policy that is in force at *version*."""
    data = json.loads(standard_policy())
    data["tagOwners"] |= {"tag:probe": [], OPEN[0]: [], SHUT[0]: []}
    data["acls"].append(
        {"action": "accept", "src": ["tag:probe"], "dst": [f"{OPEN[0]}:{port(version)}"]}
    )
    return json.dumps(data)


def port(version: int) -> int:
    """Return the port that is open at *version*."""
    return 22 + version // POLICY_EVERY % 2


def first_is_open(version: int) -> bool:
    """Return which of the two nodes is open at *version*."""
    return (version - version // POLICY_EVERY) % 2 == 1


def probes(nodes: int) -> list[Node]:
    """Return the node that asks, and the two of which one answers, as at version 1."""
    return [
        Node(name, tags=tags, addresses=(Address(Family.V4, (100 << 24) + (127 << 16) + number),),
             created=nodes + number)
        for number, (name, tags) in enumerate(
            (("probe", ("tag:probe",)), ("first", OPEN), ("second", SHUT)), 1)
    ]  # fmt: skip


def torn(snapshot: Snapshot) -> str | None:
    """Return what is wrong with a state; None when it is whole."""
    version, compiled = snapshot.version, snapshot.compiled
    opened, other = port(version), port(version + POLICY_EVERY)
    first = first_is_open(version)
    seen = [
        compiled.reaches("probe", name, at)
        for name in ("first", "second")
        for at in (opened, other)
    ]
    if seen != [first, False, not first, False]:
        return f"version {version} is open at {seen}"
    tags = [snapshot.roster.nodes[snapshot.roster.by_id[name]].tags for name in ("first", "second")]
    if tags != ([OPEN, SHUT] if first else [SHUT, OPEN]):
        return f"version {version} has a roster of another one: {tags}"
    peers = [peer.name for peer in compiled.netmap("probe").peers]
    if peers != ["first" if first else "second"]:
        return f"version {version} shows {peers}"
    return None


class Reader(Thread):
    """Reads until it is stopped, or sees what can't be."""

    def __init__(self, engine: PolicyEngine, stop: Event) -> None:
        super().__init__()
        self.engine, self.stop = engine, stop
        self.reads = 0
        self.fault: str | None = None

    def run(self) -> None:
        last = 0
        try:
            while not self.stop.is_set() and self.fault is None:
                snapshot = self.engine.snapshot
                if snapshot.version < last:
                    self.fault = f"version {snapshot.version} after {last}"
                    return
                last = snapshot.version
                self.fault = torn(snapshot)
                self.reads += 1
        except Exception as error:
            self.fault = f"{type(error).__name__}: {error}"


def read_and_write(seconds: float, nodes: int) -> None:
    """Print what eight readers saw while one writer wrote."""
    tailnet = standard_tailnet(nodes)
    asking = probes(nodes)
    held = PolicyEngine(policy(1), replace(tailnet, nodes=(*tailnet.nodes, *asking)), tests="skip")
    stop = Event()
    readers = [Reader(held, stop) for _ in range(READERS)]
    for reader in readers:
        reader.start()
    ends = time.monotonic() + seconds
    try:
        while time.monotonic() < ends and not any(reader.fault for reader in readers):
            write(held, asking)
    finally:
        stop.set()
        for reader in readers:
            reader.join()
    faults = [reader.fault for reader in readers if reader.fault]
    rows = [(f"{READERS}", f"{seconds:g} s", f"{held.version - 1:,}",
             f"{sum(reader.reads for reader in readers):,}", f"{len(faults)}")]  # fmt: skip
    table(("readers", "time", "changes", "states read", "torn reads and exceptions"), rows)
    if faults:
        raise SystemExit("\n".join(faults))


def write(engine: PolicyEngine, asking: list[Node]) -> None:
    """Make the one change that leads to the next version."""
    version = engine.version + 1
    if version % POLICY_EVERY == 0:
        change = engine.set_policy(policy(version), tests="skip")
    else:
        _, first, second = asking
        tags = (OPEN, SHUT) if first_is_open(version) else (SHUT, OPEN)
        change = engine.apply(
            NodeChanged(replace(first, tags=tags[0])), NodeChanged(replace(second, tags=tags[1]))
        )
    if not change.accepted or change.version != version:
        raise SystemExit(f"not made: {change}, {change.refusal}")


async def _lags(engine: PolicyEngine, texts: list[str]) -> list[float]:
    """Return by how many seconds the event loop was late, each time it was asked to be prompt."""
    lags: list[float] = []

    async def watch() -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.001)
            lags.append(time.perf_counter() - before - 0.001)

    watching = asyncio.create_task(watch())
    for text in texts:
        change = await engine.set_policy_async(text, tests="skip")
        if not change.accepted:
            raise SystemExit(change.refusal)
    watching.cancel()
    return sorted(lags)


class Pauses:
    """The longest run of the garbage collector, which stops all threads."""

    def __init__(self) -> None:
        self.longest = self.started = 0.0
        gc.callbacks.append(self._note)

    def _note(self, phase: str, _: dict[str, int]) -> None:
        if phase == "start":
            self.started = time.perf_counter()
        else:
            self.longest = max(self.longest, time.perf_counter() - self.started)

    def end(self) -> None:
        gc.callbacks.remove(self._note)


def reload(nodes: int) -> None:
    """Print how late an event loop was while a policy of 1 MB was read and put in force."""
    text = policy_of(POLICY_BYTES)
    tailnet: Tailnet = standard_tailnet(nodes)
    engine = PolicyEngine("{}", tailnet)
    pauses = Pauses()
    texts = [text.replace("tag:db", f"tag:t{number}") for number in range(RELOADS)]
    started = time.perf_counter()
    lags = asyncio.run(_lags(engine, texts))
    each = (time.perf_counter() - started) / RELOADS
    late = [f"{lags[int((len(lags) - 1) * part)] * 1000:.1f} ms" for part in (0.5, 0.99, 1)]
    pauses.end()
    collected = f"{pauses.longest * 1000:.1f} ms"
    rows = [(f"{len(text) / 1024:,.0f} KiB", f"{each:.2f} s", *late, collected)]
    header = (
        "policy",
        "reload",
        "median lag",
        "99th percentile",
        "greatest lag",
        "longest collection",
    )
    table(header, rows)


def run(seconds: float, nodes: int) -> None:
    """Print both tables; exit status 1 after a torn read or an exception."""
    print(f"{nodes:,} nodes\n")
    read_and_write(seconds, nodes)
    print()
    reload(nodes)
