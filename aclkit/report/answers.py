"""Answers to questions about access: what all of them are made of, in text and in JSON."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aclkit.analysis.devices import Devices
from aclkit.compiler.filters import Origin
from aclkit.diagnostics import Label
from aclkit.policy.ports import (
    ALL_PORTS,
    PORT_PROTOCOLS,
    PortBounds,
    protocol_name,
    protocol_words,
)
from aclkit.report.display import cells_of, visible
from aclkit.report.place import place, span_in
from aclkit.report.style import Ink, Style
from aclkit.source import Source
from aclkit.wording import MOST, counted, some

FORMAT_VERSION = 1

# Of a longer rule the first lines are shown, and of a longer line the first columns.
_MOST_LINES = 8
_LONGEST = 1_000

_PING = frozenset({1, 58})


def asked_about(word: str, port: int, proto: int) -> str:
    """Return what was asked about, such as ``tag:db port 5432 over tcp``."""
    if proto in PORT_PROTOCOLS:
        return f"{word} port {port} over {protocol_words(proto)}"
    return f"{word} over {protocol_words(proto)}"


def ports_text(ports: Mapping[int, Iterable[PortBounds]]) -> str:
    """Return protocols with their ports, such as ``tcp 22, 443; udp 53``.

    Protocols with the same ports are named together. Ping passes wherever anything does, so it is
    named only where it is all.
    """
    together: dict[str, list[str]] = {}
    for proto, bounds in ports.items():
        if proto in _PING and not _PING.issuperset(ports):
            continue
        text = ", ".join(map(range_text, bounds)) if proto in PORT_PROTOCOLS else "*"
        together.setdefault(text, []).append(protocol_name(proto))
    parts = [
        "/".join(names) + ("" if _PING.issuperset(ports) else f" {text}")
        for text, names in together.items()
    ]
    return "; ".join(parts) or "ping only"


def range_text(bounds: PortBounds) -> str:
    """Return ports, such as ``22``, ``80-90`` or ``*``."""
    if bounds == ALL_PORTS:
        return "*"
    first, last = bounds
    return str(first) if first == last else f"{first}-{last}"


def devices_text(devices: Devices) -> str:
    """Return how many devices there are, such as ``2 devices: web-1, web-2``."""
    return f"{counted(len(devices), 'device')}{_owners(devices)}"


def owners_text(devices: Devices, of: int) -> str:
    """Return how many devices of how many, and whose, such as ``2 of 3: laptop, phone``."""
    count = len(devices)
    return f"{count} of {of}{_owners(devices)}" if count < of else f"{count}{_owners(devices)}"


def _owners(devices: Devices) -> str:
    """Return few devices by name, more by user; nothing where some are nobody's."""
    count = len(devices)
    if count <= MOST:
        return f": {', '.join(devices.names())}" if count else ""
    users = devices.by_user()
    if sum(users.values()) < count:
        return ""
    if len(users) > MOST:
        return f", of {counted(len(users), 'user')}"
    return f": {', '.join(f'{user} {number}' for user, number in users.items())}"


def rule_place(origin: Origin, source: Source, style: Style) -> str:
    """Return where an entry of the policy stands and how it is called."""
    if origin.span is None:
        return "no rules in the policy"
    where = place(source, Label(origin.span), style)
    return f"{where} {origin.section}[{origin.index}]"


def rules_text(origins: Sequence[Origin], source: Source, style: Style) -> str:
    """Return where entries of the policy stand; the first in full, of the others the name."""
    first = rule_place(origins[0], source, style)
    others = [f"{origin.section}[{origin.index}]" for origin in origins[1:]]
    return some([first, *others])


def rule_lines(origin: Origin, source: Source, style: Style) -> list[str]:
    """Return the text of an entry of the policy behind its line numbers, the first lines of it."""
    label = Label(origin.span) if origin.span is not None else None
    span = span_in(source, label) if label else None
    if span is None:
        return []
    number = source.position(span.start).line
    first, *others = source.slice(span)[: _MOST_LINES * _LONGEST].split("\n")[: _MOST_LINES + 1]
    margin = min((len(line) - len(line.lstrip()) for line in others if line.strip()), default=0)
    lines = [first, *(line[margin:] for line in others)]
    width = len(str(number + len(lines)))
    bar = style.paint("|", Ink.FAINT)
    found = []
    for at, line in enumerate(lines[:_MOST_LINES]):
        text = clipped(line.rstrip(), style.width - width - 5, style)
        found.append(f"  {style.paint(f'{number + at:>{width}}', Ink.FAINT)} {bar} {text}".rstrip())
    if len(lines) > _MOST_LINES:
        last = source.position(span.end - 1).line
        found.append(f"  {'':{width}} {bar} {style.ellipsis} to line {last}")
    return found


def clipped(text: str, room: int, style: Style) -> str:
    """Return *text* safe to print and cut to *room* columns."""
    cells = list(cells_of(text[:_LONGEST], ascii=style.ascii))
    if sum(cell.width for cell in cells) <= room:
        return "".join(cell.text for cell in cells)
    kept, used = [], len(style.ellipsis)
    for cell in cells:
        used += cell.width
        if used > room:
            break
        kept.append(cell.text)
    return "".join(kept) + style.ellipsis


def origin_data(origin: Origin, source: Source) -> dict[str, Any]:
    """Return an entry of the policy for programs; lines and columns count from 1."""
    data: dict[str, Any] = {"section": origin.section, "index": origin.index}
    label = Label(origin.span) if origin.span is not None else None
    span = span_in(source, label) if label else None
    if span is None:
        return data
    begin, end = source.position(span.start), source.position(span.end)
    return data | {
        "file": source.name,
        "line": begin.line,
        "column": begin.column,
        "end_line": end.line,
        "end_column": end.column,
    }


def shown(text: str, style: Style) -> str:
    """Return *text* as it is safe to print: what it holds may come from anyone."""
    return visible(text, ascii=style.ascii)
