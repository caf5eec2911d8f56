"""The engine at its full size: compiling, one change at a time, output, questions and memory.

All times are of the processor, and each is measured after a full garbage collection.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import count, product
from random import Random
from time import process_time
from typing import NamedTuple, TypeVar

import aclkit
from aclkit.affected import Kind
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.filters import Group
from aclkit.engine import Change, PolicyEngine
from aclkit.packetfilters import Renderer
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.roster import Roster
from tests.bench import baselines
from tests.bench.engine_changes import KINDS, Life, compare_with_scratch
from tests.bench.measure import Collections, resident_mib, table
from tests.bench.soak import resident_now_mib
from tests.bench.world import (
    SYNCED,
    TAGS,
    adversarial_tailnet,
    adversarial_users,
    standard_policy,
    standard_tailnet,
)

T = TypeVar("T")

SMALL = baselines.CHANGED
"""With so many nodes changes are compared with larger sizes, and with what is true."""
CHANGES = 300
"""How many changes of each kind are made."""
ROUNDS = 4
"""How often a state is made from nothing; the least cost counts."""
CALLS = 1_000_000


def run(nodes: int, everything: bool) -> None:
    """Print the tables of the engine; exit status 1 when an answer is not the true one."""
    text = standard_policy(everything=everything)
    engine = compiling(text, nodes)
    change = changing(text, engine, nodes)
    compiled = engine.snapshot.compiled
    del engine
    output(compiled)
    questions(compiled)
    del compiled
    memory(nodes, everything)
    adversarial(nodes, everything)
    baselines.compare(text, nodes, change)


class Cost(NamedTuple):
    """Processor seconds, and those of them that went into garbage collections."""

    seconds: float
    collecting: float

    def __add__(self, other: Cost) -> Cost:  # type: ignore[override]
        return Cost(self.seconds + other.seconds, self.collecting + other.collecting)


def measured(work: Callable[[], T], repeat: int = 1) -> tuple[Cost, T]:
    """Return the least cost of *repeat* runs of *work*, and the last result."""
    costs = []
    for _ in range(repeat):
        collections = Collections()
        gc.collect()
        with collections.counted():
            started = process_time()
            result = work()
            costs.append(Cost(process_time() - started, collections.seconds))
    return min(costs), result


def milliseconds(seconds: float) -> str:
    """Return a short time as text."""
    return f"{seconds * 1e3:.2f} ms"


def percentile(sample: list[float], part: float) -> float:
    """Return the value in *sample* that *part* of it lies below."""
    return sorted(sample)[int((len(sample) - 1) * part)]


# 1. Compiling, and policy edits.


def compiling(text: str, nodes: int) -> PolicyEngine:
    """Print what a state costs that is made from nothing; return an engine of the full size.

    Both sizes are measured in the same rounds, so that a slow minute of the machine slows both.
    """
    sizes = nodes // 10, nodes
    tailnets = [standard_tailnet(size) for size in sizes]
    made = in_rounds([partial(stages, text, tailnet) for tailnet in tailnets])
    engines = [PolicyEngine(text, tailnet, tests="skip") for tailnet in tailnets]
    del tailnets
    texts = map(partial(edited, text), count())
    edits = in_rounds([partial(edit, engine, texts) for engine in engines])
    small, large = (first | second for first, second in zip(made, edits, strict=True))
    engine = engines.pop()
    classes = len(engine.snapshot.compiled.rules.classes.classes)
    print(f"{nodes:,} nodes, {classes:,} classes\n\n## Compiling\n")
    table(
        ("stage", *(f"{size:,} nodes" for size in sizes), "ratio", "of it garbage"),
        [
            (name, f"{few.seconds:.3f} s", f"{many.seconds:.3f} s",
             f"{many.seconds / few.seconds:.1f}", f"{many.collecting:.3f} s")
            for (name, few), many in zip(small.items(), large.values(), strict=True)
        ],
    )  # fmt: skip
    return engine


def in_rounds(works: Sequence[Callable[[], dict[str, Cost]]]) -> list[dict[str, Cost]]:
    """Return the least costs of each of *works*, which take turns."""
    rounds = [[work() for work in works] for _ in range(ROUNDS)]
    return [
        {name: min(costs[name] for costs in turns) for name in turns[0]}
        for turns in zip(*rounds, strict=True)
    ]


def stages(text: str, tailnet: Tailnet) -> dict[str, Cost]:
    """Return the cost of each stage of a state that is made from nothing."""
    policy = aclkit.load_policy(text)
    listing, roster = measured(lambda: Roster.of(tailnet).persistent())
    compiling, compiled = measured(partial(aclkit.compile_policy, policy, tailnet, roster=roster))
    peers, _ = measured(partial(all_peers, compiled))
    return {
        "the roster of a tailnet": listing,
        "compile": compiling,
        "both: any question about peers can be asked": listing + compiling,
        "beside it, the peers of all classes": peers,
    }


def edit(engine: PolicyEngine, texts: Iterator[str]) -> dict[str, Cost]:
    """Return the cost of the next policy of *texts*."""
    cost, _ = measured(lambda: told(engine.set_policy(next(texts), tests="skip")))
    return {"policy text to affected nodes": cost}


def all_peers(compiled: CompiledPolicy) -> None:
    """Work out what questions about the peers of any node need."""
    for each in compiled.rules.classes.classes:
        compiled.visibility.visible_classes(each.number)


def edited(text: str, number: int) -> str:
    """Return a policy with another rule at its end."""
    data = json.loads(text)
    data["acls"].append(
        {"action": "accept", "src": [SYNCED], "dst": [f"tag:t{number % TAGS}:8443"]}
    )
    return json.dumps(data)


def told(change: Change) -> int:
    """Return how many nodes a change concerns, counted once per kind."""
    if not change.accepted:
        raise SystemExit(change.refusal)
    return sum(len(change.affected(kind)) for kind in Kind)


# 2. One change at a time.


class Costs(NamedTuple):
    """What the changes of one kind cost, one by one, and how many nodes they concerned."""

    seconds: list[float]
    without_collections: list[float]
    concerned: list[int]


def changing(text: str, engine: PolicyEngine, nodes: int) -> float:
    """Print what a change costs at two sizes; return the median of all kinds at the smaller."""
    small = PolicyEngine(text, standard_tailnet(SMALL), tests="skip")
    few, many = changed([(small, SMALL), (engine, nodes)])
    print("\n## One change: made, and the affected nodes of all kinds counted\n")
    header = ("change", f"median, {SMALL:,} nodes", "99th percentile", f"median, {nodes:,} nodes",
              "99th percentile", "without collections", "ratio of medians", "told")  # fmt: skip
    rows = []
    for kind in KINDS:
        one, other = few[kind].seconds, many[kind].seconds
        medians = percentile(one, 0.5), percentile(other, 0.5)
        shown = (medians[0], percentile(one, 0.99), medians[1], percentile(other, 0.99),
                 percentile(many[kind].without_collections, 0.99))  # fmt: skip
        rows.append((kind, *map(milliseconds, shown), f"{medians[1] / medians[0]:.2f}",
                     f"{sum(many[kind].concerned) / CHANGES:,.0f}"))  # fmt: skip
    table(header, rows)
    compared = compare_with_scratch(text, SMALL)
    print(f"\n{compared} changes of {SMALL:,} nodes compared with what is true: equal")
    return percentile([cost for costs in few.values() for cost in costs.seconds], 0.5)


def changed(engines: Sequence[tuple[PolicyEngine, int]]) -> list[dict[str, Costs]]:
    """Make changes of all kinds to each engine in turn, and return what they cost.

    All engines are changed in the same round, so that they have the same machine.
    """
    lives = [Life(nodes, Random(5)) for _, nodes in engines]
    found = [{kind: Costs([], [], []) for kind in KINDS} for _ in engines]
    collections = Collections()
    gc.collect()
    with collections.counted():
        for _, kind in product(range(CHANGES), KINDS):
            for (engine, _), life, costs in zip(engines, lives, found, strict=True):
                change = life.change(kind, engine.snapshot.roster)
                garbage, started = collections.seconds, process_time()
                concerned = told(engine.apply(change))
                seconds = process_time() - started
                costs[kind].seconds.append(seconds)
                costs[kind].without_collections.append(seconds - collections.seconds + garbage)
                costs[kind].concerned.append(concerned)
    return found


# 3. Output.


def output(compiled: CompiledPolicy) -> None:
    """Print what it costs to hand out rules, to render all source sets, and one netmap."""
    rules, filters = compiled.rules, compiled.filters

    def handed_out() -> list[Sequence[Group]]:
        """Return each node's list of rules; the nodes of a class share theirs."""
        lists: list[Sequence[Group]] = []
        for each in rules.classes.classes:
            lists += [filters.template(each)] * len(each.nodes)
        return lists

    first, lists = measured(handed_out)
    pairs = sum(map(len, lists))
    again, _ = measured(handed_out, 3)
    keys = {group.key for each in rules.classes.classes for group in filters.template(each)}
    renderer = Renderer(compiled)
    rendering, sizes = measured(
        lambda: [len(renderer.sources(filters.src_ips(key))) for key in keys]
    )
    rows = [
        ("rule lists of all classes made", f"{first.seconds:.3f} s",
         f"{first.seconds / len(rules.classes.classes) * 1e6:,.0f} µs for each"),
        ("rule lists of all nodes handed out", f"{again.seconds:.3f} s",
         f"{again.seconds / pairs * 1e9:,.0f} ns for each of {pairs:,} rules of a node"),
        ("all source sets rendered", f"{rendering.seconds:.3f} s",
         f"{len(sizes):,} lists, {sum(sizes) / 2**20:.1f} MiB of JSON"),
    ]  # fmt: skip
    for what, tagged in (("a user's device", False), ("a tagged node", True)):
        name = next(node.name for node in rules.nodes if bool(node.tags) == tagged)
        works: dict[str, Callable[[], int]] = {
            f"netmap of {what} as JSON, first": partial(netmap_size, compiled, name),
            "the same again": partial(netmap_size, compiled, name),
            "its packet filter alone": lambda name=name: len(renderer.rules(name)),  # type: ignore[misc]
        }
        for label, work in works.items():
            cost, size = measured(work)
            rows.append((label, milliseconds(cost.seconds), f"{size / 1024:,.0f} KiB"))
    print("\n## Output\n")
    table(("what", "time", "how much"), rows)


def netmap_size(compiled: CompiledPolicy, name: str) -> int:
    """Return how long the netmap of a node is as JSON."""
    return len(json.dumps(compiled.netmap(name).to_dict()))


# 4. Questions.


def questions(compiled: CompiledPolicy) -> None:
    """Print what `reaches` costs, and what memory a million calls leave behind."""
    names = [node.name for node in compiled.rules.nodes]
    rows = []
    for between in (400, len(names)):
        seconds, grown = reaching(compiled, Random(7).sample(names, between))
        rows.append((f"{between:,}", f"{seconds * 1e6:.2f} µs", f"{CALLS:,}", f"{grown:,.0f} KiB"))
    print("\n## Questions\n")
    table(("reaches between any of", "a call", "calls", "leave behind"), rows)


def reaching(compiled: CompiledPolicy, names: list[str]) -> tuple[float, float]:
    """Return the seconds of a call, and the KiB that calls leave once each question was asked."""
    random, ports = Random(8), (22, 80, 443, 5432, 8050, 9999)
    asked = [
        (random.choice(names), random.choice(names), random.choice(ports)) for _ in range(50_000)
    ]
    reaches = compiled.reaches
    for src, dst, port in asked:
        reaches(src, dst, port)
    gc.collect()
    before = resident_now_mib()
    started = process_time()
    for _ in range(CALLS // len(asked)):
        for src, dst, port in asked:
            reaches(src, dst, port)
    seconds = process_time() - started
    return seconds / CALLS, (resident_now_mib() - before) * 1024


# 5. Memory.


def memory(nodes: int, everything: bool) -> None:
    """Print the resident size of a process of its own that holds an engine."""
    print("\n## Memory of a process that holds an engine\n", flush=True)
    call = f"from tests.bench.engine_bench import holding; holding({nodes}, {everything})"
    subprocess.run([sys.executable, "-c", call], check=True)


def holding(nodes: int, everything: bool) -> None:
    """Print the resident size of this process as it makes an engine and is asked more and more."""
    rows = [("imports", f"{resident_now_mib():.0f} MiB")]
    tailnet = standard_tailnet(nodes)
    rows.append(("and the tailnet", f"{resident_now_mib():.0f} MiB"))
    engine = PolicyEngine(standard_policy(everything=everything), tailnet, tests="skip")
    del tailnet
    gc.collect()
    rows.append(("and the engine", f"{resident_now_mib():.0f} MiB"))
    compiled = engine.snapshot.compiled
    all_peers(compiled)
    rows.append(("and the peers of all classes", f"{resident_now_mib():.0f} MiB"))
    random, life = Random(11), Life(nodes, Random(5))
    for kind in KINDS * 100:
        told(engine.apply(life.change(kind, engine.snapshot.roster)))
    names = [node.name for node in engine.snapshot.compiled.rules.nodes]
    for _ in range(20_000):
        engine.snapshot.compiled.reaches(random.choice(names), random.choice(names), 443)
    gc.collect()
    rows.append(("and after 400 changes and 20,000 questions", f"{resident_now_mib():.0f} MiB"))
    rows.append(("most so far", f"{resident_mib():.0f} MiB"))
    table(("holds", "resident"), rows)


# 6. The adversarial world.


def adversarial(nodes: int, everything: bool) -> None:
    """Print what compiling costs where hardly two nodes are alike."""
    users = adversarial_users(nodes)
    rows, costs = [], []
    for name, tailnet, policy in (
        ("standard", standard_tailnet(nodes), standard_policy(everything=everything)),
        ("adversarial", adversarial_tailnet(nodes),
         standard_policy(everything=everything, users=users)),
    ):  # fmt: skip
        loaded = aclkit.load_policy(policy)
        cost, compiled = measured(partial(aclkit.compile_policy, loaded, tailnet), 2)
        costs.append(cost.seconds)
        rows.append((name, f"{len(tailnet.users):,}", f"{len(compiled.rules.classes.classes):,}",
                     f"{cost.seconds:.3f} s", f"{cost.seconds / costs[0]:.1f}"))  # fmt: skip
        del compiled
    print("\n## The adversarial world\n")
    table(("world", "users", "classes", "compile", "ratio"), rows)
