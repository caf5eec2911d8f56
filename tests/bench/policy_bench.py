"""Checking policies of growing size: the curve should be a line."""

from __future__ import annotations

import json
from functools import partial

import aclkit
from tests.bench.measure import table, timed


def policy_of(size: int) -> str:
    """Return a plain policy of about *size* bytes."""
    rules = max(1, size // 110)
    return json.dumps(
        {
            "groups": {f"group:g{n}": [f"user{n}@example.com"] for n in range(max(1, rules // 20))},
            "tagOwners": {"tag:web": ["group:g0"], "tag:db": ["group:g0"]},
            "acls": [
                {
                    "action": "accept",
                    "src": [f"group:g{n % max(1, rules // 20)}"],
                    "dst": [f"tag:web:{n % 60000 + 1}", f"tag:db:{n % 60000 + 2}"],
                }
                for n in range(rules)
            ],
        },
        indent=None,
    )


def run() -> None:
    """Print a row for each size."""
    rows = []
    aclkit.check("{}")
    for size in (10_000, 40_000, 160_000, 1_000_000, 4_000_000):
        text = policy_of(size)
        seconds, report = timed(partial(aclkit.check, text), repeat=1 if size > 10**6 else 3)
        kib = len(text) / 1024
        rows.append((f"{kib:,.0f} KiB", f"{seconds:.3f} s", f"{seconds / kib * 1000:.2f} ms",
                     str(report.accepted)))  # fmt: skip
    table(("size", "check", "per KiB", "accepted"), rows)
