"""The rules of one node for people: who, what, and which entry of the policy says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from io import StringIO
from itertools import groupby

from aclkit.compiled import Netmap
from aclkit.compiler.filters import Explained, Origin
from aclkit.diagnostics import Label
from aclkit.report.display import visible
from aclkit.report.place import place
from aclkit.report.style import Ink, Style
from aclkit.source import Source
from aclkit.tailcfg import DEFAULT_PROTOCOLS, NetPortRange, PortRange, SSHRule

HEADINGS = ("from", "to", "protocol", "rule")

# Of a longer list the rest is counted; `--format json` has it all.
_MOST = 4
_PROTOCOLS = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}


def rule_table(netmap: Netmap, source: Source, style: Style) -> str:
    """Return the rules of a node, in the order in which it is sent them; ends with a line feed.

    Rules of the packet filter come first, then those for SSH. *source* is the policy's text.
    """
    rows = [row for each in netmap.explain() for row in _filter_rows(each, source, style)]
    rows += [_ssh_row(rule) for rule in netmap.ssh_rules]
    # What stands in the rows may come from anyone, and a terminal obeys what it is sent.
    shown = [tuple(visible(cell, ascii=style.ascii) for cell in row) for row in rows]
    title = visible(f"{netmap.name} ({', '.join(netmap.addresses)})", ascii=style.ascii)
    lines = [style.paint(title, Ink.PLACE)]
    if not shown:
        lines.append("  nobody may reach this node")
    elif style.table:
        lines.append(_drawn(shown, style))
    else:
        lines += _aligned([HEADINGS, *shown])
    return "\n".join(lines) + "\n"


def _filter_rows(each: Explained, source: Source, style: Style) -> Iterator[tuple[str, ...]]:
    """Yield a row for each entry of the policy behind a rule, and for each capability."""
    src = _some(each.rule.src_ips)
    protocols = _some([_PROTOCOLS.get(n, str(n)) for n in each.rule.ip_proto or DEFAULT_PROTOCOLS])
    pairs = zip(each.origins, each.rule.dst_ports, strict=False)
    for origin, entries in groupby(pairs, key=lambda pair: pair[0]):
        dst = _some(list(_destinations(entry for _, entry in entries)))
        yield src, dst, protocols, _where(origin, source, style)
    for grant in each.rule.cap_grant:
        where = _where(each.origins[0], source, style)
        yield src, _some(grant.dsts), _some(sorted(grant.cap_map)), where


def _destinations(entries: Iterable[NetPortRange]) -> Iterator[str]:
    """Yield each address once, with its ports behind it."""
    ports: dict[str, list[str]] = {}
    for entry in entries:
        ports.setdefault(entry.ip, []).append(_ports(entry.ports))
    for ip, listed in ports.items():
        host = f"[{ip}]" if ":" in ip and "/" not in ip else ip
        yield f"{host}:{','.join(listed)}"


def _ports(ports: PortRange) -> str:
    if ports.is_all:
        return "*"
    return str(ports.first) if ports.first == ports.last else f"{ports.first}-{ports.last}"


def _where(origin: Origin, source: Source, style: Style) -> str:
    if origin.span is None:
        return "no rules in the policy"
    return f"{place(source, Label(origin.span), style)} {origin.section}[{origin.index}]"


def _ssh_row(rule: SSHRule) -> tuple[str, ...]:
    logins = [login for login, local in sorted(rule.ssh_users.items()) if local]
    verdict = "check" if rule.action.hold_and_delegate else "accept"
    return _some(rule.principals), f"login as {_some(logins) or 'nobody'}", f"ssh {verdict}", "ssh"


def _some(words: Sequence[str]) -> str:
    more = len(words) - _MOST
    shown = ", ".join(words[:_MOST])
    return f"{shown} and {more} more" if more > 0 else shown


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (f"{cell:{width}}" for cell, width in zip(row, widths, strict=True))
        yield f"  {'  '.join(cells)}".rstrip()


def _drawn(rows: Iterable[Sequence[str]], style: Style) -> str:
    # Imported here only: rich takes longer to load than most policies take to compile.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=box.ASCII2 if style.ascii else box.SQUARE, header_style="")
    for heading in HEADINGS:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*map(Text, row))
    page = StringIO()
    Console(
        file=page,
        width=style.width,
        color_system=None,
        legacy_windows=False,
        markup=False,
        emoji=False,
        highlight=False,
    ).print(table)
    return "\n".join(line.rstrip() for line in page.getvalue().splitlines())
