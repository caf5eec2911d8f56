"""After a syntax error: say so if the text is JSON5, whose habits HuJSON does not share."""

from __future__ import annotations

from dataclasses import replace

from aclkit.diagnostics import Diagnostic

# JSON5's reader needs some 30 microseconds for each character.
_SMALL = 16 * 1024

# What JSON5 allows and HuJSON does not. The first set is telling, the second is not.
_HABITS = frozenset(
    {
        "json5-single-quotes",
        "json5-unquoted-key",
        "bad-number",
        "bad-literal",
        "bad-escape",
        "unclosed-string",
        "unexpected-character",
    }
)
_ALSO_ALLOWED = frozenset({"comment-without-line-feed", "control-character", "lone-surrogate"})


def with_json5_hint(text: str, errors: list[Diagnostic]) -> list[Diagnostic]:
    """Return *errors*, the first with a hint in its help if *text* is small and is JSON5."""
    first = next((at for at, each in enumerate(errors) if each.code in _HABITS), None)
    if (
        first is None
        or len(text) > _SMALL
        or any(each.code not in _HABITS | _ALSO_ALLOWED for each in errors)
        or not _is_json5(text)
    ):
        return errors
    told = errors[first]
    help = f"the file is JSON5, not HuJSON; {told.help}"
    return [*errors[:first], replace(told, help=help), *errors[first + 1 :]]


def _is_json5(text: str) -> bool:
    import json5

    try:
        json5.loads(text)
    except (ValueError, RecursionError):
        # Not JSON5, or nested deeper than its reader can follow: no hint then.
        return False
    return True
