"""Reading and checking policies of growing size: the curves should be lines."""

from __future__ import annotations

import json
from functools import partial

import aclkit
from tests.bench.measure import table, timed
from tests.bench.world import standard_policy


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
    """Print a row for each size, and for the policy of the standard world."""
    policies = [("standard world", standard_policy(everything=True))]
    policies += [
        ("rules only", policy_of(size)) for size in (10_000, 40_000, 160_000, 1_000_000, 4_000_000)
    ]
    rows = []
    aclkit.check("{}")
    for name, text in policies:
        repeat = 1 if len(text) > 10**6 else 3
        loading, _ = timed(partial(aclkit.load_policy, text), repeat=repeat)
        checking, report = timed(partial(aclkit.check, text), repeat=repeat)
        kib = len(text) / 1024
        rows.append(
            (
                name,
                f"{kib:,.0f} KiB",
                f"{loading:.3f} s",
                f"{loading / kib * 1000:.2f} ms",
                f"{checking:.3f} s",
                f"{checking / kib * 1000:.2f} ms",
                str(report.accepted),
            )
        )
    table(("policy", "size", "load", "per KiB", "check", "per KiB", "accepted"), rows)
