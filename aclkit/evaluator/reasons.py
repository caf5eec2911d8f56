"""The reasons of a no, and the edits that would let it through, as data.

Each reason is a stable code with its evidence; docs/answers.md shows each. An edit is the
operations of a JSON patch; nothing is edited here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from aclkit.compiler.filters import Origin


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that would let it through.

    Attributes:
        document: ``policy`` for the policy file, ``tailnet`` for what `Tailnet.to_dict` gives.
        operations: those of a JSON patch (RFC 6902). For the tailnet a `test` comes first, since
            the nodes of a file may stand in another order.
        words: the same for people, `also` included.
        also: a change of the other document that it takes too.
    """

    document: str
    operations: tuple[dict[str, Any], ...]
    words: str
    also: Edit | None = None


@dataclass(frozen=True, slots=True)
class WhyNot:
    """One reason of a no.

    Attributes:
        code: stable, in kebab-case; docs/answers.md explains each.
        message: one sentence.
        origin: the entry of the policy that comes near, if one does.
        edit: the change that would let it through; None where no file can: no such device, a
            posture's value, no router, a route that is not advertised, no common address family.
    """

    code: str
    message: str
    origin: Origin | None = None
    edit: Edit | None = None


CODES = (
    "no-such-device",
    "ssh-port-closed",
    "ssh-wrong-login",
    "wrong-port",
    "wrong-protocol",
    "posture-not-met",
    "route-not-approved",
    "service-not-approved",
    "no-router-online",
    "route-wider",
    "via-other-tag",
    "tag-not-in-tag-owners",
    "source-is-tagged",
    "self-of-other-user",
    "source-not-in-rule",
    "ssh-other-destination",
    "ssh-device-of-a-user",
    "exit-node-needs-internet",
    "runs-the-other-way",
    "route-narrower",
    "no-router",
    "ssh-no-rule",
    "no-rule",
    "no-common-family",
)
"""All codes, the nearest miss first."""

_PLACES = {code: place for place, code in enumerate(CODES)}


def in_order(reasons: Iterable[WhyNot]) -> tuple[WhyNot, ...]:
    """Return *reasons*, the nearest miss first, with each code once for a rule."""
    found: dict[tuple[str, Origin | None], WhyNot] = {}
    for reason in reasons:
        found.setdefault((reason.code, reason.origin), reason)
    return tuple(sorted(found.values(), key=lambda reason: _PLACES[reason.code]))
