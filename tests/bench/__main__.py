"""Benchmarks by hand: `python -m tests.bench NAME`. They print figures and assert nothing."""

from __future__ import annotations

import argparse
from collections.abc import Callable

from tests.bench import compile_bench, hostile, policy_bench, startup

BENCHES: dict[str, tuple[Callable[..., None], str]] = {
    "compile": (compile_bench.run, "compile the standard world at several sizes"),
    "hostile": (hostile.run, "input that was made to cost: time per size"),
    "policy": (policy_bench.run, "check policies from 10 KB to 4 MB: time per size"),
    "startup": (startup.run, "the whole process, against importing its libraries"),
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
    options = vars(parser.parse_args())
    run, _ = BENCHES[options.pop("name")]
    run(**options)


if __name__ == "__main__":
    main()
