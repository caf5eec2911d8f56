"""What a literal of the grammar means."""

from __future__ import annotations

import json

from aclkit.hujson.tree import Scalar

# Python can be told to refuse integers of more digits than this, and never of fewer.
_INTEGER_DIGITS = 640

_CONSTANTS: dict[str, Scalar] = {"true": True, "false": False, "null": None}


def string_value(text: str) -> str:
    """Return what a string means; *text* has its quotes, and no escape that the grammar refuses."""
    if "\\" not in text:
        return text[1:-1]
    # The grammar has checked the escapes; the standard library knows what they mean.
    value: str = json.loads(text)
    return value


def bare_value(text: str) -> Scalar:
    """Return what a number or constant means."""
    if text in _CONSTANTS:
        return _CONSTANTS[text]
    if len(text) > _INTEGER_DIGITS or not text.lstrip("-").isdigit():
        return float(text)
    return int(text)
