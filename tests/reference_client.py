"""
What a client does with what the control plane sent: the reference model's other end.
"""

from __future__ import annotations

from collections.abc import Iterable

from tests.reference_world import JSON, Ports, overlap

BARRED = ("224.0.0.0/4", "ff00::/8", "169.254.0.0/16", "fe80::/10")


def admits(
    openings: Iterable[tuple[tuple[int, ...], Ports]], dst: str, proto: int, port: int
) -> bool:
    """The packet filter of a client, for the first packet of a flow."""
    if proto == 0 or (overlap([dst], BARRED) and dst != "169.254.169.254"):
        return False
    if proto == 99:
        return True
    if proto == (58 if ":" in dst else 1):
        return any(True for _ in openings)
    return any(
        proto in (protos or (1, 6, 17, 58))
        and (first <= port <= last if proto in (6, 17, 132) else (first, last) == (0, 65535))
        for protos, (first, last) in openings
    )


def ssh_verdict(rules: list[JSON], src: str, login: str) -> str:
    """What the first SSH rule that knows this source and login says."""
    for rule in rules:
        logins = rule["sshUsers"]
        if {"nodeIP": src} in rule["principals"] and logins.get(login, logins.get("*")):
            return "accept" if "accept" in rule["action"] else "check"
    return "deny"
