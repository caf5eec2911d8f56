"""Compiling the standard world: time, classes and memory by number of nodes."""

from __future__ import annotations

from functools import partial

import aclkit
from tests.bench.measure import resident_mib, table, timed
from tests.bench.world import standard_policy, standard_tailnet


def run(nodes: list[int], everything: bool) -> None:
    """Print a row for each number of nodes."""
    text = standard_policy(everything=everything)
    loading, policy = timed(lambda: aclkit.load_policy(text), repeat=1)
    print(f"policy: {len(text) / 1024:.0f} KiB, read and validated in {loading:.2f} s\n")
    rows = []
    for count in nodes:
        tailnet = standard_tailnet(count)
        seconds, compiled = timed(partial(aclkit.compile_policy, policy, tailnet))
        classes = len(compiled.rules.classes.classes)
        netmap, _ = timed(compiled.netmap(tailnet.nodes[1].name).to_dict, repeat=1)
        rows.append(
            (
                f"{count:,}",
                f"{classes:,}",
                f"{len(compiled.rules.cells):,}",
                f"{seconds:.3f} s",
                f"{netmap:.3f} s",
                f"{resident_mib():.0f} MiB",
            )
        )
    table(("nodes", "classes", "cells", "compile", "first netmap", "peak memory"), rows)
