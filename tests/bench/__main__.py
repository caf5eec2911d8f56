"""Benchmarks by hand: `python -m tests.bench NAME`. They print figures and assert nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.bench import (
    compile_bench,
    engine_bench,
    hostile,
    policy_bench,
    queries_bench,
    soak,
    startup,
    threads,
)

BENCHES: dict[str, tuple[Callable[..., None], str]] = {
    "compile": (compile_bench.run, "compile the standard world at several sizes"),
    "engine": (
        engine_bench.run,
        "the engine at 100,000 nodes: compiling, changes, output, memory, baselines",
    ),
    "hostile": (hostile.run, "input that was made to cost: time per size"),
    "policy": (policy_bench.run, "check policies from 10 KB to 4 MB: time per size"),
    "queries": (
        queries_bench.run,
        "ask the compiled standard world: reaches, query, who-can, reach",
    ),
    "soak": (soak.run, "a million random changes of an engine, and its memory"),
    "startup": (startup.run, "the whole process, against importing its libraries"),
    "threads": (threads.run, "eight threads read while one writes; an event loop while it reloads"),
}


def main() -> None:
    """Run one benchmark."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    names = parser.add_subparsers(dest="name", required=True)
    for name, (_, summary) in BENCHES.items():
        command = names.add_parser(name, help=summary)
        if name == "compile":
            command.add_argument("--nodes", type=int, nargs="+", default=[100, 1_000, 10_000])
            command.add_argument("--everything", action="store_true")
        if name == "engine":
            command.add_argument("--nodes", type=int, default=100_000)
            command.add_argument("--everything", action="store_true")
        if name == "queries":
            command.add_argument("--nodes", type=int, nargs="+", default=[1_000, 10_000])
        if name == "threads":
            command.add_argument("--seconds", type=float, default=60)
            command.add_argument("--nodes", type=int, default=10_000)
        if name == "soak":
            command.add_argument("--changes", type=int, default=1_000_000)
            command.add_argument("--nodes", type=int, default=10_000)
    options = vars(parser.parse_args())
    run, _ = BENCHES[options.pop("name")]
    run(**options)


if __name__ == "__main__":
    main()
