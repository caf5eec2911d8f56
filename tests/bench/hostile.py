"""Input that was made to cost: refused or handled within its limit, in linear time."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial

import aclkit
from tests.bench.measure import table, timed


def groups(count: int) -> str:
    """Return a policy with *count* groups."""
    return json.dumps({"groups": {f"group:g{n}": [f"u{n}@example.com"] for n in range(count)}})


def groups_in_groups(count: int) -> str:
    """Return a policy whose groups name each other."""
    return json.dumps(
        {"groups": {f"group:g{n}": [f"group:g{(n + 1) % count}"] for n in range(count)}}
    )


def owner_chain(count: int) -> str:
    """Return a policy with a chain of tag owners."""
    return json.dumps({"tagOwners": {f"tag:t{n}": [f"tag:t{n + 1}"] for n in range(count - 1)}
                       | {f"tag:t{count - 1}": []}})  # fmt: skip


def owner_cycle(count: int) -> str:
    """Return a policy with a cycle of tag owners."""
    return json.dumps(
        {"tagOwners": {f"tag:t{n}": [f"tag:t{(n + 1) % count}"] for n in range(count)}}
    )


CASES: dict[str, tuple[Callable[[int], str], int]] = {
    "opening brackets": (lambda n: "[" * n, 1_000_000),
    "a large file": (lambda n: '{"a": "' + "x" * n + '"}', 50_000_000),
    "groups": (groups, 100_000),
    "groups that name each other": (groups_in_groups, 10_000),
    "a chain of tag owners": (owner_chain, 10_000),
    "a cycle of tag owners": (owner_cycle, 10_000),
    "lone surrogates": (lambda n: '{"' + "\ud800" * n + '": 1}', 1_000_000),
    "escaped lone surrogates": (lambda n: '{"' + "\\ud800" * n + '": 1}', 1_000_000),
    "NUL bytes": (lambda n: "\0" * n, 1_000_000),
    "unclosed comments": (lambda n: "/*" * n, 1_000_000),
    "commas": (lambda n: "[" + "," * n, 1_000_000),
    "quotes": (lambda n: '"' * n, 1_000_000),
}


def run() -> None:
    """Print a row for each case at a tenth of its size and at its size."""
    rows = []
    for name, (make, size) in CASES.items():
        small, _ = timed(partial(aclkit.check, make(size // 10)), repeat=2)
        text = make(size)
        large, report = timed(partial(aclkit.check, text), repeat=2)
        first = report.diagnostics[0] if report.diagnostics else None
        place = first.primary.span.start if first and first.primary.span else "-"
        verdict = f"`{first.code}` at {place:,}" if first else "accepted"
        rows.append((f"{size:,} {name}", f"{small:.2f} s", f"{large:.2f} s", verdict))
    table(("input", "a tenth", "all", "answer"), rows)
