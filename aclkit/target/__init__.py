"""What each product accepts and means, as data.

A `Target` is a frozen table. `policy`, `resolver` and `compiler` read it; nobody else knows one
product from another. Sources: docs/reference/selectors.md, docs/reference/headscale.md.
"""

from __future__ import annotations

from aclkit.target.headscale import (
    HEADSCALE_0_23,
    HEADSCALE_0_24,
    HEADSCALE_0_25,
    HEADSCALE_0_26,
    HEADSCALE_0_27,
    HEADSCALE_0_28,
    HEADSCALE_0_29,
    HEADSCALE_0_30,
    HEADSCALES,
)
from aclkit.target.kinds import (
    AbsentRules,
    Brings,
    Checks,
    Duplicates,
    Effect,
    Login,
    Periods,
    Position,
    Reading,
    SelectorKind,
    TaggedNodes,
    TagNames,
    Undefined,
    UserWords,
    Wildcard,
)
from aclkit.target.model import (
    IpLanguage,
    Meaning,
    NameLanguage,
    PortLanguage,
    SshLanguage,
    Target,
    Words,
)
from aclkit.target.tailscale import ALL_SECTIONS, ROLE_AUTOGROUPS, TAILSCALE

__all__ = [
    "ALIASES",
    "ALL_SECTIONS",
    "HEADSCALES",
    "HEADSCALE_0_23",
    "HEADSCALE_0_24",
    "HEADSCALE_0_25",
    "HEADSCALE_0_26",
    "HEADSCALE_0_27",
    "HEADSCALE_0_28",
    "HEADSCALE_0_29",
    "HEADSCALE_0_30",
    "ROLE_AUTOGROUPS",
    "TAILSCALE",
    "TARGETS",
    "AbsentRules",
    "Brings",
    "Checks",
    "Duplicates",
    "Effect",
    "IpLanguage",
    "Login",
    "Meaning",
    "NameLanguage",
    "Periods",
    "PortLanguage",
    "Position",
    "Reading",
    "SelectorKind",
    "SshLanguage",
    "TagNames",
    "TaggedNodes",
    "Target",
    "Undefined",
    "UnknownTargetError",
    "UserWords",
    "Wildcard",
    "Words",
    "find_target",
]

TARGETS: dict[str, Target] = {target.name: target for target in (TAILSCALE, *HEADSCALES)}
ALIASES = {"headscale": "headscale@0.29"}


class UnknownTargetError(ValueError):
    """A target name that aclkit does not know."""


def find_target(name: str) -> Target:
    """Return the target called *name*; ``headscale`` alone is its newest release.

    Raises:
        UnknownTargetError: no such target; the message lists those that there are.
    """
    target = TARGETS.get(ALIASES.get(name, name))
    if target is None:
        known = ", ".join([*ALIASES, *TARGETS])
        raise UnknownTargetError(f"unknown target `{name}`; known are: {known}")
    return target
