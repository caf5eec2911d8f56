"""Bytes of an inventory to what their JSON means."""

from __future__ import annotations

import json

from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.hujson.parser import parse_source
from aclkit.hujson.tree import plain
from aclkit.limits import Limits
from aclkit.policy.other_files import FileKind, kind_of_data, kind_of_text
from aclkit.source import Source, Span

# To read a text as HuJSON takes about a second per MiB.
_MOST_FOR_KIND = 256 * 1024


def inventory_source(data: bytes, name: str) -> Source:
    """Return the text of an inventory: UTF-8, or UTF-16, which a shell of Windows writes."""
    text = data.decode(json.detect_encoding(data), "replace")
    return Source(name, text.removeprefix("\ufeff"))


def parse_inventory(source: Source) -> object:
    """Return what the JSON of an inventory means; integers keep all their digits.

    Raises:
        TailnetError: it is no JSON. The diagnostic has the place, and names the file where it is
            of another kind that is known.
    """
    try:
        return json.loads(source.text)
    except json.JSONDecodeError as error:
        fault, at = error.msg[:1].lower() + error.msg[1:], error.pos
    except RecursionError:
        fault, at = "it nests too deep", 0
    except ValueError:  # Python's limit for the digits of a number
        fault, at = "a number is too long", 0
    message, help = f"this is no JSON: {fault}", "give the file as the command or the API wrote it"
    kind = _kind_of(source)
    if kind is not None:
        message, help, at = f"expected JSON, found {kind.words}", kind.advice, 0
    elif not source.text.strip():
        message = "expected JSON, found an empty file"
    end = len(source.text)
    place = Label(Span(min(at, end), min(at + 1, end)))
    raise TailnetError(
        [Diagnostic("inventory-wrong-form", Severity.ERROR, message, place, help=help)]
    )


def _kind_of(source: Source) -> FileKind | None:
    """Return the kind of a text that is not JSON, and may be HuJSON."""
    if len(source.text) > _MOST_FOR_KIND:
        return kind_of_text(source.text)
    document = parse_source(source, Limits(), [])
    return kind_of_data(plain(document.value)) if document else kind_of_text(source.text)
