"""Questions to the compiled standard world: time of each kind, and what they leave behind."""

from __future__ import annotations

import gc
import tracemalloc
from collections.abc import Callable
from functools import partial
from itertools import cycle, islice
from time import process_time

import aclkit
from aclkit.analysis.destinations import reach_of
from aclkit.analysis.sources import who_can
from aclkit.compiled import CompiledPolicy
from tests.bench.measure import table, timed
from tests.bench.world import standard_policy, standard_tailnet

CALLS = 200_000
PORTS = (22, 80, 443, 5432, 8050, 9999)
QUESTIONS = (
    ("user1@example.com", "tag:t5"),
    ("group:g50", "tag:t5"),
    ("autogroup:member", "autogroup:tagged"),
    ("*", "*"),
    ("group:g50", "10.3.0.0/16"),
    ("group:g50", "autogroup:internet"),
)
DESTINATIONS = ("node-17", "tag:t5", "group:g50", "*", "10.3.0.0/16", "autogroup:internet")
SOURCES = ("node-17", "tag:t5", "group:g50", "*")


def run(nodes: list[int]) -> None:
    """Print what each kind of question costs, for each number of nodes."""
    policy = aclkit.load_policy(standard_policy())
    for count in nodes:
        tailnet = standard_tailnet(count)
        # The least of several runs each, on a machine that may be busy with other work.
        compiling, compiled = timed(partial(aclkit.compile_policy, policy, tailnet))
        classes = len(compiled.rules.classes.classes)
        print(f"{count:,} nodes, {classes:,} classes: compiled in {compiling:.3f} s\n")
        seconds, growth = _reaches(compiled)
        print(f"reaches: {seconds * 1e6:.2f} µs a call; {CALLS:,} calls leave {growth:.1f} KiB\n")
        rows: list[tuple[str, ...]] = []
        for src, dst in QUESTIONS:
            ask = partial(compiled.query, src, dst, 22)
            rows.append(_row(f"query {src} to {dst}", ask, compiling))
        for dst in DESTINATIONS:
            rows.append(_row(f"who-can {dst}", partial(who_can, compiled, dst, 22), compiling))
        for src in SOURCES:
            rows.append(_row(f"reach {src}", partial(reach_of, compiled, src), compiling))
        table(("question", "first", "again", "first to compile"), rows)
        print()


def _row(name: str, ask: Callable[[], object], compiling: float) -> tuple[str, ...]:
    first, _ = timed(ask, repeat=1)
    again, _ = timed(ask)
    return name, f"{first * 1e3:.1f} ms", f"{again * 1e3:.1f} ms", f"{first / compiling:.2f}"


def _reaches(compiled: CompiledPolicy) -> tuple[float, float]:
    """Return seconds per call, and KiB that many calls leave behind once each pair was asked."""
    names = [node.name for node in islice(compiled.rules.nodes, 0, None, 7)][:400]
    pairs = list(islice(zip(cycle(names), cycle(names[::-3]), cycle(PORTS), strict=False), 20_000))
    reaches = compiled.reaches
    for src, dst, port in pairs:
        reaches(src, dst, port)
    started = process_time()
    for _ in range(CALLS // len(pairs)):
        for src, dst, port in pairs:
            reaches(src, dst, port)
    seconds = (process_time() - started) / CALLS
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    for _ in range(CALLS // len(pairs)):
        for src, dst, port in pairs:
            reaches(src, dst, port)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return seconds, (after - before) / 1024
