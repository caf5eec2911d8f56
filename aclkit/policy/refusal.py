"""Which words a target answers with when a policy has errors.

Tailscale answers with its first error only, Headscale with all of them, one per line. First comes
what reading the JSON shows, then the sections in the order of `_SECTION_ORDER`. Within `acls` the
rules come one by one, of each the action, the sources and the destinations; within other sections
it is the order in which the checks found it (docs/reference/refusals.md).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import TypeAlias

from aclkit.diagnostics import Diagnostic
from aclkit.policy.model import Policy
from aclkit.source import Span

Rank: TypeAlias = tuple[int, ...]
"""Where an error comes among all: the smaller, the earlier."""

# Errors of the JSON reader, which stops at them before it looks at any name.
_READING = frozenset({"unknown-field", "duplicate-name", "wrong-type"})
# Beginnings of texts of errors that are found later than others of the same code.
_LATER = ("action must be specified", "checkPeriod ", "invalid dst ")

_SECTION_ORDER = (
    "groups", "tagOwners", "hosts", "ipsets", "postures", "defaultSrcPosture", "autoApprovers",
    "acls", "grants", "ssh", "nodeAttrs", "tests", "sshTests",
)  # fmt: skip
_IN_DESTINATIONS = frozenset({"bad-port", "missing-port"})
# What concerns sources and destinations together.
_OF_BOTH = frozenset({"bad-self-source", "port-on-portless-protocol"})


def refusal_words(policy: Policy | None, diagnostics: Sequence[Diagnostic]) -> str | None:
    """Return the target's answer to the errors among *diagnostics*; None when there are none.

    *diagnostics* stand in the order in which they were found. Where the target's text is not
    known, our own message stands for it.
    """
    errors = [found for found in diagnostics if found.is_error]
    if not errors:
        return None
    if policy is None:
        return _words(errors[0])
    rank = _ranking(policy)
    errors.sort(key=rank)
    if not policy.target.all_errors or rank(errors[0])[0] == 0:
        return _words(errors[0])
    said = tuple(dict.fromkeys(_words(found) for found in errors))
    heading = policy.target.says("several")
    if heading is None or len(said) == 1:
        return "\n".join(said)
    return "\n\t".join((heading, *said))


def _ranking(policy: Policy) -> Callable[[Diagnostic], Rank]:
    """Return what ranks the errors of *policy*; those of reading have a rank that begins with 0.

    Errors of equal rank stay as they are: groups are looked at from the last name to the first,
    whatever their order in the file.
    """
    sections = {name: span for name, span in policy.sections.items() if name in _SECTION_ORDER}
    rules = policy.acls or ()
    starts = [rule.span.start for rule in rules]
    destinations = {each.selector.span for rule in rules for each in rule.dst}

    def section_of(span: Span | None) -> str | None:
        around = (
            name
            for name, section in sections.items()
            if span and section.start <= span.start < section.end
        )
        return next(around, None)

    def rank(found: Diagnostic) -> Rank:
        span = found.primary.span
        start = span.start if span else 0
        section = section_of(span)
        if _is_of_reading(found, section, policy):
            return 0, sections["groups"].start if section == "groups" else start
        if section is None:
            return (1 + len(_SECTION_ORDER),)
        place = 1 + _SECTION_ORDER.index(section)
        if section != "acls":
            return (place,)
        if found.code == "mixed-legacy-names":
            return (place, 0)
        return place, bisect_right(starts, start), _step(found, destinations), start

    return rank


def _step(found: Diagnostic, destinations: set[Span]) -> int:
    """Return at which step the check of an access rule comes to an error.

    The steps are its action, its sources, its *destinations*, and these with each other.
    """
    if found.code == "bad-action":
        return 0
    if found.code in _OF_BOTH:
        return 3
    in_destinations = found.code in _IN_DESTINATIONS or found.primary.span in destinations
    return 2 if in_destinations else 1


def _is_of_reading(found: Diagnostic, section: str | None, policy: Policy) -> bool:
    """Return whether the target finds an error while it reads the JSON."""
    if found.code in _READING:
        return True
    if policy.target.decoded.isdisjoint((found.code, f"{section}/{found.code}")):
        return False
    return not (found.control_plane or "").startswith(_LATER)


def _words(found: Diagnostic) -> str:
    return found.control_plane or found.message
