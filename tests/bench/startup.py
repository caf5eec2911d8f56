"""The whole process of `aclkit check` on a 20 KB policy, against importing its libraries."""

from __future__ import annotations

import resource
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.bench.measure import table
from tests.bench.policy_bench import policy_of


def _cpu(command: list[str], runs: int = 10) -> float:
    """Return the least processor seconds of a child process over *runs* runs."""
    best = float("inf")
    for _ in range(runs):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, check=False, capture_output=True)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        spent = after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime
        best = min(best, spent)
    return best


def run() -> None:
    """Print both times and their ratio."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "policy.hujson"
        path.write_text(policy_of(20_000), encoding="utf-8")
        base = _cpu([sys.executable, "-c", "import lark, pydantic, click"])
        check = _cpu([sys.executable, "-m", "aclkit", "check", str(path)])
    table(
        ("process", "processor time", "ratio"),
        [
            ("`import lark, pydantic, click`", f"{base * 1000:.0f} ms", "1"),
            ("`aclkit check` of 20 KB", f"{check * 1000:.0f} ms", f"{check / base:.2f}"),
        ],
    )
