"""Texts and files to a `Tailnet`: standard JSON quickly, HuJSON, and small JSON5.

The standard library reads a tailnet of 100,000 nodes in well under a second, but knows no places.
Our own parser knows them and takes far longer, so it reads a text only where the standard library
can't, or where there is something wrong to point at.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path as FilePath
from typing import Any

from aclkit.diagnostics import Diagnostic, TailnetError
from aclkit.hujson.decoding import decode
from aclkit.hujson.parser import parse_source
from aclkit.limits import Limits, TailnetLimits
from aclkit.policy.other_files import explain_other_text
from aclkit.source import Source
from aclkit.tailnet.lower import lower_tailnet
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.places import Locator, plain_value

_DEFAULT_LIMITS = TailnetLimits()
# Beyond this, errors come with paths only: to find the spans takes about a second per MiB.
_MOST_FOR_SPANS = 4 * 1024 * 1024
# The JSON5 reader is far slower than ours: it takes seconds for this much.
_MOST_FOR_JSON5 = 16 * 1024
_MARK = "\ufeff"
# How deep a right tailnet nests: tailnet, nodes, node, addresses.
_NESTING = 4
_BRACKETS = re.compile(r"[\[\]{}]")


def load_tailnet(
    path: str | os.PathLike[str], *, limits: TailnetLimits = _DEFAULT_LIMITS
) -> Tailnet:
    """Read the tailnet file at *path*.

    Raises:
        OSError: the file can't be read.
        TailnetError: as `read_tailnet` does; with spans that count in the file's text.
    """
    with FilePath(path).open("rb") as file:
        # One byte more than allowed is enough to know, however large the file is.
        data = file.read(limits.bytes + 1)
    return read_tailnet(data, os.fspath(path), limits=limits)


def read_tailnet(
    text: str | bytes, name: str = "tailnet.json", *, limits: TailnetLimits = _DEFAULT_LIMITS
) -> Tailnet:
    """Read the text of a tailnet file. *name* is what diagnostics call it.

    Raises:
        TailnetError: the text is not UTF-8, not JSON of any kind that is read here, over a limit,
            or does not describe a tailnet (see `Tailnet.from_dict`). The labels have spans, save
            in large texts, where they have paths only.
    """
    text_limits = Limits(bytes=limits.bytes, depth=limits.depth)
    diagnostics: list[Diagnostic] = []
    source = decode(text, name, text_limits, diagnostics)
    if source is None:
        raise TailnetError(diagnostics)
    standard = _standard_json(source.text) if limits.depth >= _NESTING else _NOT_READ
    if standard is not _NOT_READ:
        tailnet, findings = lower_tailnet(standard, limits)
        if not findings.found:
            return tailnet
        if len(source.text) > _MOST_FOR_SPANS:
            findings.raise_if_any()
    document = parse_source(source, text_limits, diagnostics)
    if document is None:
        explain_other_text(source, diagnostics)
        return _read_json5(source, limits, diagnostics)
    data = plain_value(document.value, diagnostics)
    tailnet, findings = lower_tailnet(data, limits)
    diagnostics += findings.diagnostics(Locator(document.value).span)
    if diagnostics:
        raise TailnetError(diagnostics)
    return tailnet


class _NotRead:
    """What stands for the value of a text that is not standard JSON."""


_NOT_READ = _NotRead()


def _standard_json(text: str) -> Any:
    """Return the value of *text*, or `_NOT_READ` unless it is JSON without repeated names."""
    try:
        return json.loads(text, object_pairs_hook=_object, parse_constant=_refuse_constant)
    except (ValueError, RecursionError):
        return _NOT_READ


def _object(members: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(members)
    if len(value) != len(members):
        raise ValueError("a name stands twice in an object")
    return value


def _refuse_constant(word: str) -> None:
    raise ValueError(f"{word} is not JSON")


def _read_json5(source: Source, limits: TailnetLimits, refusal: list[Diagnostic]) -> Tailnet:
    """Read *source*, which is not HuJSON as *refusal* says, as JSON5 if it is small."""
    text = source.text
    # JSON5 takes a byte order mark for white space; large files and small ones must not differ.
    if len(text) > _MOST_FOR_JSON5 or text[:1] == _MARK or _nesting(text) > limits.depth:
        raise TailnetError(refusal)
    import json5

    try:
        data = json5.loads(text, allow_duplicate_keys=False)
    except (ValueError, RecursionError):
        # It is no JSON5 either; what our own parser says is better.
        raise TailnetError(refusal) from None
    tailnet, findings = lower_tailnet(data, limits)
    findings.raise_if_any()
    return tailnet


def _nesting(text: str) -> int:
    """Return how deep brackets nest at most, those in strings and comments included."""
    depth = deepest = 0
    for bracket in _BRACKETS.finditer(text):
        depth += 1 if bracket[0] in "[{" else -1
        deepest = max(deepest, depth)
    return deepest
