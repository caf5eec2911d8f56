"""What untrusted input may cost."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Bounds on one policy. Beyond a bound comes one `PolicyError` with a position, quickly.

    Attributes:
        bytes: size of the text in UTF-8.
        depth: nesting of objects and arrays.
        tokens: literals, punctuation and comments.
        rules: entries of all rule sections and tests together.
        members: entries of all lists of names together (groups, sources, destinations, owners).
        expansions: steps of following names to names, such as ipsets, tag owners and groups.
    """

    bytes: int = 16 * MIB
    depth: int = 128
    tokens: int = 8_000_000
    rules: int = 200_000
    members: int = 2_000_000
    expansions: int = 20_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class TailnetLimits:
    """Bounds on one tailnet file or `Tailnet.from_dict` call.

    Attributes:
        bytes: size of the text in UTF-8.
        depth: nesting of objects and arrays.
        nodes: devices.
        members: entries of all other lists together (users, groups, addresses, routes, tags).
    """

    bytes: int = 256 * MIB
    depth: int = 64
    nodes: int = 1_000_000
    members: int = 20_000_000
