"""The form of one catalogue entry."""

from __future__ import annotations

from dataclasses import dataclass

from aclkit.diagnostics import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """What a diagnostic code means.

    Attributes:
        code: the stable kebab-case name.
        severity: the weight with which the code is reported.
        title: one line, lower case, no full stop.
        why: why this matters to the person who owns the network.
        example: a small policy text that gives this diagnostic; empty where none can be written
            in a few lines (`why` then says so).
        repair: what to do, in words.
        repaired: the example after the repair; gives no diagnostic with this code.
        target: the target for which the example is meant.
    """

    code: str
    severity: Severity
    title: str
    why: str
    example: str
    repair: str
    repaired: str = ""
    target: str = "tailscale"
