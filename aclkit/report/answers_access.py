"""Who reaches a destination and what a source reaches, for people and for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from aclkit.analysis.destinations import DestinationRow, Kind, ReachOf
from aclkit.analysis.devices import Devices
from aclkit.analysis.sources import SourceRow, WhoCan
from aclkit.compiled import CompiledPolicy
from aclkit.evaluator.sides import Side
from aclkit.policy.ports import protocol_name
from aclkit.report.answers import (
    FORMAT_VERSION,
    asked_about,
    devices_text,
    origin_data,
    owners_text,
    ports_text,
    rules_text,
    shown,
)
from aclkit.report.grids import MOST_ROWS, grid, tree
from aclkit.report.style import Ink, Style
from aclkit.wording import counted, some


def who_can_text(answer: WhoCan, compiled: CompiledPolicy, style: Style) -> str:
    """Return who reaches the destination: how many, then a row for each source of the rules."""
    total = len(compiled.rules.nodes)
    about = shown(asked_about(answer.dst.text, answer.port, answer.proto), style)
    addresses = sum(bool(row.addresses) for row in answer.rows)
    if not answer.rows:
        return f"{style.paint('nobody', Ink.PLACE)} reaches {about}\n"
    count = f"{len(answer.devices):,} of {counted(total, 'device')}"
    also = ", and addresses behind routers," if addresses else ""
    title = f"{style.paint(count, Ink.PLACE)}{also} can reach {about}"
    rows = _first(answer.rows, style)
    to_internet = answer.dst.selector is not None and answer.dst.selector.is_autogroup("internet")
    cells = [_source_cells(row, compiled, style, to_internet=to_internet) for row in rows]
    headings = ("from", "devices", "addresses", "reaches", "through", "rules")
    return f"{title}\n\n{grid(headings, cells, style)}{_more(len(answer.rows), style)}"


def _source_cells(
    row: SourceRow, compiled: CompiledPolicy, style: Style, *, to_internet: bool
) -> tuple[str, ...]:
    addresses = ""
    if row.addresses:
        behind = some(row.routers)
        addresses = f"{some(row.addresses.ranges())} behind {behind}"
    reaches = ""
    if row.own:
        reaches = "their own"
    elif row.reached < row.of and not to_internet:  # of which prefixes say nothing to people
        reaches = f"{row.reached} of {row.of}"
    devices = owners_text(row.devices, row.named) if row.devices or not addresses else ""
    rules = rules_text(row.rules, compiled.rules.policy.source, style)
    cells = (row.selector, devices, addresses, reaches, some(row.ways), rules)
    return tuple(shown(cell, style) for cell in cells)


def reach_text(answer: ReachOf, compiled: CompiledPolicy, style: Style) -> str:
    """Return what the source reaches: how many devices, then a row for each destination."""
    total = len(compiled.rules.nodes)
    src = shown(answer.src.text, style)
    if not answer.rows:
        return f"{src} reaches {style.paint('nothing', Ink.PLACE)}\n"
    count = f"{len(answer.devices):,} of {counted(total, 'device')}"
    elsewhere = "".join(f", {words}" for words in _elsewhere(answer.rows))
    note = "ping passes wherever anything does\n"
    if style.table:
        branches = list(_branches(answer.rows, compiled, style))
        more = _more(len(branches), style)
        title = f"{src} can reach {count}{elsewhere}"
        return f"{tree(title, _first(branches, style), style)}{more}\n{note}"
    cells = [_destination_cells(row, compiled, style) for row in answer.rows]
    headings = ("to", "what", "ports", "by", "rules")
    title = f"{src} can reach {style.paint(count, Ink.PLACE)}{elsewhere}"
    return f"{title}\n\n{grid(headings, cells, style)}\n{note}"


def _elsewhere(rows: Sequence[DestinationRow]) -> list[str]:
    """Return what is reached that is no device."""
    kinds = {row.kind for row in rows}
    words = {Kind.SUBNET: "subnets", Kind.INTERNET: "the internet", Kind.SERVICE: "services"}
    return [word for kind, word in words.items() if kind in kinds]


def _destination_cells(
    row: DestinationRow, compiled: CompiledPolicy, style: Style
) -> tuple[str, ...]:
    rules = rules_text(row.rules, compiled.rules.policy.source, style)
    by = f"{row.sources} of {row.of}" if row.sources < row.of else ""
    cells = (row.selector, _what(row), ports_text(row.ports), by, rules)
    return tuple(shown(cell, style) for cell in cells)


def _what(row: DestinationRow) -> str:
    """Return what a destination is: devices, or addresses and who carries them."""
    routers = some([way.router for way in row.ways])
    match row.kind:
        case Kind.DEVICES:
            return devices_text(row.devices)
        case Kind.OWN:
            return f"their own devices, {len(row.devices)} in all"
        case Kind.INTERNET:
            return f"the internet through {routers}"
        case Kind.SUBNET:
            ranges = [text for way in row.ways for text in way.addresses.ranges()]
            return f"{some(ranges)} through {routers}"
        case Kind.SERVICE:
            ranges = list(dict.fromkeys(t for way in row.ways for t in way.addresses.ranges()))
            return f"{some(ranges)} served by {routers}"


def _branches(
    rows: Sequence[DestinationRow], compiled: CompiledPolicy, style: Style
) -> Iterator[tuple[str, list[str]]]:
    """Yield each destination and what it is, with its ports and rules."""
    found: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        selector, what, ports, by, rules = _destination_cells(row, compiled, style)
        who = f" ({by} sources)" if by else ""
        found.setdefault((selector, what), []).append(f"{ports}{who}: {rules}")
    for (selector, what), leaves in found.items():
        yield f"{selector}: {what}", leaves


def _first(rows: Sequence[Any], style: Style) -> Sequence[Any]:
    """Return the rows to show: at a terminal, no more than a person reads."""
    return rows[:MOST_ROWS] if style.table else rows


def _more(count: int, style: Style) -> str:
    more = count - MOST_ROWS
    return f"and {more:,} more: `--format json` has all\n" if style.table and more > 0 else ""


def who_can_json(answer: WhoCan, compiled: CompiledPolicy) -> str:
    """Return all that is known of who reaches the destination, as one JSON object."""
    source = compiled.rules.policy.source
    document = {
        "format_version": FORMAT_VERSION,
        "destination": _side(answer.dst, compiled),
        "port": answer.port,
        "protocol": protocol_name(answer.proto),
        "devices": _devices(answer.devices),
        "rows": [
            {
                "source": row.selector,
                "devices": list(row.devices.names()),
                "named": row.named,
                "users": row.devices.by_user(),
                "addresses": list(row.addresses.ranges()),
                "behind": list(row.routers),
                "reached": row.reached,
                "of": row.of,
                "own_devices_only": row.own,
                "through": list(row.ways),
                "rules": [origin_data(origin, source) for origin in row.rules],
            }
            for row in answer.rows
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def reach_json(answer: ReachOf, compiled: CompiledPolicy) -> str:
    """Return all that is known of what the source reaches, as one JSON object."""
    source = compiled.rules.policy.source
    document = {
        "format_version": FORMAT_VERSION,
        "source": _side(answer.src, compiled),
        "devices": _devices(answer.devices),
        "rows": [
            {
                "kind": row.kind.value,
                "destination": row.selector,
                "devices": list(row.devices.names()),
                "through": [
                    {"router": way.router, "addresses": list(way.addresses.ranges())}
                    for way in row.ways
                ],
                "sources": row.sources,
                "of": row.of,
                "ports": {
                    protocol_name(proto): [list(bounds) for bounds in ports]
                    for proto, ports in row.ports.items()
                },
                "rules": [origin_data(origin, source) for origin in row.rules],
            }
            for row in answer.rows
        ],
    }
    return json.dumps(document, indent=2) + "\n"


def _side(side: Side, compiled: CompiledPolicy) -> dict[str, Any]:
    nodes = compiled.rules.nodes
    return {
        "name": side.text,
        "devices": [nodes[number].name for number in side.nodes],
        "addresses": [str(prefix) for prefix in side.prefixes],
    }


def _devices(devices: Devices) -> list[dict[str, Any]]:
    """Return each device with its user or its tags."""
    found = []
    for number in devices.numbers():
        node = devices.rules.nodes[number]
        owner = {"tags": list(node.tags)} if node.tags else {"user": node.user}
        found.append({"name": node.name, **owner})
    return found
