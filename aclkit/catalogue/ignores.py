"""The codes of comments that ignore warnings."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _entry(code: str, title: str, *, why: str, line: str, repair: str, repaired: str) -> Entry:
    """Return an entry whose example has *line* in place of its rule."""
    return Entry(
        code=code,
        severity=Severity.WARNING,
        title=title,
        why=why,
        example=_policy(line),
        repair=repair,
        repaired=_policy(repaired),
    )


def _policy(line: str) -> str:
    return (
        '{\n  "tagOwners": {"tag:web": []},\n  "acls": [\n'
        f"    {line}\n"
        '  ],\n  "tests": [{"src": "tag:web", "deny": ["tag:web:22"]}],\n}\n'
    )


_RULE = '{"action": "accept", "src": ["alice@example.com"], "dst": ["tag:web:22"]},'
_HOST_BITS = '{"action": "accept", "src": ["192.168.1.1/24"], "dst": ["tag:web:22"]},'

IGNORES: tuple[Entry, ...] = (
    _entry(
        "bad-ignore",
        "a comment that looks as if it ignored something",
        why="Only `// aclkit: ignore[code] reason` silences a warning, at the end of its line or"
        " alone on the line before. Any other form does nothing.",
        line=f"{_RULE} // aclkit: ignore host-bits",
        repair="Write the codes in brackets, in a comment that begins with `//`.",
        repaired=f"{_HOST_BITS} // aclkit: ignore[host-bits] generated",
    ),
    _entry(
        "unknown-code",
        "an ignore of a code that there is not",
        why="It silences nothing, though it looks as if it did.",
        line=f"{_RULE} // aclkit: ignore[host-bit]",
        repair="Write the code that stands behind the warning; `aclkit explain` lists them all.",
        repaired=f"{_HOST_BITS} // aclkit: ignore[host-bits]",
    ),
    _entry(
        "unused-ignore",
        "an ignore that silences nothing",
        why="What it was written for is gone. Left where it is, it would hide the next such"
        " warning on its line, which nobody has looked at. Ignores of what only another target or"
        " a given tailnet shows are not judged.",
        line=f"{_RULE} // aclkit: ignore[host-bits] generated",
        repair="Remove it.",
        repaired=_RULE,
    ),
    Entry(
        code="ignored-error",
        severity=Severity.WARNING,
        title="an ignore of an error",
        why="An error means that the target refuses the policy. No comment changes that. An"
        " example would give the error as well.",
        example="",
        repair="Correct what is wrong, and remove the code from the comment.",
    ),
)
