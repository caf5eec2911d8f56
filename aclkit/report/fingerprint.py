"""Names for findings that stay the same while lines come and go above them."""

from __future__ import annotations

import hashlib
from collections import Counter

from aclkit.checking import Report


def fingerprints(report: Report) -> tuple[str, ...]:
    """Return 32 hexadecimal digits for each diagnostic of *report*, in the same order.

    Made of the code, the text that is underlined and the count of equal ones before it: neither
    line numbers nor the file's name nor the wording of a message matter.
    """
    seen: Counter[tuple[str, str]] = Counter()
    names = []
    for diagnostic in report.diagnostics:
        label = diagnostic.primary
        text = report.source.slice(label.span) if label.span is not None else label.path
        occurrence = seen[diagnostic.code, text]
        seen[diagnostic.code, text] += 1
        parts = (diagnostic.code, text, str(occurrence))
        digest = hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass"))
        names.append(digest.hexdigest()[:32])
    return tuple(names)
