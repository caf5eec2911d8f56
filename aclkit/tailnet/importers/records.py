"""Reading of foreign JSON objects, which differ in the style of their keys and in their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.tailnet.findings import kind_of
from aclkit.tailnet.times import parse_time

Record: TypeAlias = Mapping[str, Any]
"""An object whose keys are folded: `nodeId`, `NodeID` and `node_id` are all ``nodeid``."""

_SECOND = 1_000_000_000
_YEAR_1 = -62_135_596_800


def record(value: object) -> Record:
    """Return *value* with folded keys; an empty record if it is no object.

    Of keys that fold alike the first one counts.
    """
    folded: dict[str, Any] = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            folded.setdefault(str(key).replace("_", "").casefold(), inner)
    return folded


def text(found: Record, *keys: str) -> str:
    """Return the string at the first of *keys* that has one; else an empty string."""
    for key in keys:
        value = found.get(key)
        if isinstance(value, str) and value:
            return value
    return ""


def number_text(found: Record, *keys: str) -> str:
    """Return an id, which may be a string or an integer of any size; 0 and "0" are no ids."""
    for key in keys:
        value = found.get(key)
        if isinstance(value, int) and not isinstance(value, bool) and value:
            return str(value)
        if isinstance(value, str) and value and value != "0":
            return value
    return ""


def texts(found: Record, *keys: str) -> list[str]:
    """Return the strings of the list at the first of *keys* that has a list; else an empty list."""
    for key in keys:
        value = found.get(key)
        if isinstance(value, list):
            return [each for each in value if isinstance(each, str)]
    return []


def flag(found: Record, key: str) -> bool:
    """Return whether `true` stands at *key*."""
    return found.get(key) is True


def time(found: Record, key: str) -> int | None:
    """Return the time at *key* in nanoseconds since 1970; None when it is unknown or never."""
    return parse_any_time(found.get(key))


def parse_any_time(value: object) -> int | None:
    """Read a time as RFC 3339 text, or as an object of seconds and nanoseconds.

    Returns nanoseconds since 1970; None for the zero time and for what is no time.
    """
    if isinstance(value, str):
        try:
            return parse_time(value)
        except ValueError:
            return None
    if not isinstance(value, dict):
        return None
    parts = record(value)
    seconds, rest = parts.get("seconds", 0), parts.get("nanos", 0)
    # Where 64-bit integers are strings, seconds are.
    if isinstance(seconds, str) and seconds.removeprefix("-").isdecimal() and len(seconds) < 20:
        seconds = int(seconds)
    if type(seconds) is not int or type(rest) is not int or not 0 <= rest < _SECOND:
        return None
    if not _YEAR_1 < seconds < -4 * _YEAR_1:
        return None
    return seconds * _SECOND + rest


def entries(document: object, key: str, what: str) -> list[Record]:
    """Return the objects of a list that is *document* itself or stands in it at *key*.

    Raises:
        TailnetError: *document* is something else; *what* says what it should be.
    """
    value = record(document).get(key.casefold()) if isinstance(document, dict) else document
    # Go writes null for a list without entries.
    if value is None and (document is None or key.casefold() in record(document)):
        return []
    if not isinstance(value, list):
        raise wrong_document(
            what, kind_of(document), f"it is an object with a list `{key}`, or that list alone"
        )
    return [record(each) for each in value]


def wrong_document(wanted: str, found: str, help: str) -> TailnetError:
    """Return the error for a document that is *found* and should be *wanted*."""
    message = f"{wanted} was expected, but this is {found}"
    return TailnetError(
        [Diagnostic("inventory-wrong-form", Severity.ERROR, message, Label(None), (), help)]
    )
