"""Reading of foreign JSON objects, which differ in the style of their keys and in their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.policy.other_files import FileKind, kind_of_data
from aclkit.tailnet.findings import kind_of, printable
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


def entries(document: object, role: str, *kinds: FileKind, key: str = "") -> list[Record]:
    """Return the objects of a list that is *document* itself or stands in it at *key*.

    Args:
        document: what was read.
        role: what it was given as, such as ``users``; also the key where none is named.
        kinds: what it should be; the first one is how it is called.
        key: where the list stands if the document is an object.

    Raises:
        TailnetError: *document* is something else.
    """
    key = (key or role).casefold()
    refuse_others(document, role, *kinds)
    outer = record(document)
    value = outer.get(key) if isinstance(document, dict) else document
    # Go writes null for a list without entries.
    if value is None and (document is None or key in outer):
        return []
    if not isinstance(value, list):
        found = kind_of(document)
        if isinstance(document, dict):
            found += f" without a list `{key}`" if key not in outer else f" with no list at `{key}`"
        raise wrong_document(role, kinds[0], found)
    return [record(each) for each in value]


def answers(document: object, role: str, kind: FileKind) -> Mapping[str, object]:
    """Return *document*, an object from names or ids to answers of the API; ``{}`` for None.

    Raises:
        TailnetError: it is something else.
    """
    if document is None:
        return {}
    refuse_others(document, role, kind)
    if not isinstance(document, dict):
        raise wrong_document(role, kind, kind_of(document))
    return document


def refuse_others(document: object, role: str, *kinds: FileKind) -> None:
    """Refuse a document that is known to be of another kind than *kinds*.

    Raises:
        TailnetError: it is; the help says what it is good for.
    """
    kind = kind_of_data(document)
    if kind is not None and kind not in kinds:
        said = record(document).get("message") if kind is FileKind.API_ERROR else None
        words = f": `{printable(said)}`" if isinstance(said, str) else ""
        raise wrong_document(role, kinds[0], f"{kind.words}{words}", kind.advice)


def wrong_document(
    role: str, wanted: FileKind, found: str, help: str | None = None
) -> TailnetError:
    """Return the error for the document given as *role*, which should be *wanted* and is *found*.

    Its path is the role.
    """
    return TailnetError(
        [
            Diagnostic(
                "inventory-wrong-form",
                Severity.ERROR,
                f"expected {wanted.words}, found {found}",
                Label(None, path=role),
                help=help or f"give {wanted.words}, as JSON",
            )
        ]
    )
