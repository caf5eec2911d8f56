"""Which words a target answers with when a policy has errors.

Tailscale answers with its first error only, Headscale with all of them, one per line. First comes
what reading the JSON shows, then the sections in the order of `_SECTION_ORDER`; within a section
the order in which the checks found it (docs/reference/refusals.md).
"""

from __future__ import annotations

from collections.abc import Sequence

from aclkit.diagnostics import Diagnostic
from aclkit.policy.model import Policy

# Errors of the JSON reader, which stops at them before it looks at any name.
_READING = frozenset({"unknown-field", "duplicate-name", "wrong-type"})

_SECTION_ORDER = (
    "groups", "tagOwners", "hosts", "ipsets", "postures", "defaultSrcPosture", "autoApprovers",
    "acls", "grants", "ssh", "nodeAttrs", "tests", "sshTests",
)  # fmt: skip


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
    sections = {name: span for name, span in policy.sections.items() if name in _SECTION_ORDER}

    def rank(found: Diagnostic) -> tuple[int, int]:
        span = found.primary.span
        if found.code in _READING:
            return 0, span.start if span else 0
        for place, name in enumerate(_SECTION_ORDER):
            section = sections.get(name)
            if section and span and section.start <= span.start < section.end:
                return 1 + place, 0
        return 1 + len(_SECTION_ORDER), 0

    errors.sort(key=rank)
    if not policy.target.all_errors or errors[0].code in _READING:
        return _words(errors[0])
    said = tuple(dict.fromkeys(_words(found) for found in errors))
    heading = policy.target.says("several")
    if heading is None or len(said) == 1:
        return "\n".join(said)
    return "\n\t".join((heading, *said))


def _words(found: Diagnostic) -> str:
    return found.control_plane or found.message
