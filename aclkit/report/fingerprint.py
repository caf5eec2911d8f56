"""Names for findings that stay the same while lines come and go above them."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable

from aclkit.checking import Report


def fingerprints(report: Report) -> tuple[str, ...]:
    """Return 32 hexadecimal digits for each diagnostic of *report*, in the same order.

    Made of the code, the text that is underlined and the count of equal ones before it: neither
    line numbers nor the file's name nor the wording of a message matter.
    """
    labels = ((diagnostic.code, diagnostic.primary) for diagnostic in report.diagnostics)
    return distinct(
        (code, report.source.slice(label.span) if label.span is not None else label.path)
        for code, label in labels
    )


def failure_fingerprints(report: Report) -> tuple[str, ...]:
    """Return 32 hexadecimal digits for each failure of each test of *report*, in the same order.

    Made of what the test asks: from where, to where, what is expected. Neither its index matters
    nor what came instead.
    """
    return distinct(
        (test.section, test.src, failure.destination, failure.expected)
        for test in report.tests
        for failure in test.failures
    )


def distinct(names: Iterable[tuple[str, ...]]) -> tuple[str, ...]:
    """Return 32 hexadecimal digits for each of *names*; a repeated name gets digits of its own."""
    seen: Counter[tuple[str, ...]] = Counter()
    found = []
    for name in names:
        parts = (*name, str(seen[name]))
        seen[name] += 1
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
        found.append(digest.hexdigest()[:32])
    return tuple(found)
