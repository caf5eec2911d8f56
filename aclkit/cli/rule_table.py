"""The rules of one node for people: who, what, and which entry of the policy says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from aclkit.compiled import Netmap
from aclkit.compiler.filters import Explained, ExplainedSsh
from aclkit.policy.durations import format_duration
from aclkit.policy.ports import protocol_name
from aclkit.report.answers import range_text, rule_place
from aclkit.report.display import visible
from aclkit.report.grids import grid
from aclkit.report.style import Ink, Style
from aclkit.source import Source
from aclkit.tailcfg import DEFAULT_PROTOCOLS, NetPortRange
from aclkit.wording import some

HEADINGS = ("from", "to", "protocol", "rule")


def rule_table(netmap: Netmap, source: Source, style: Style) -> str:
    """Return the rules of a node, in the order in which it is sent them; ends with a line feed.

    Rules of the packet filter come first, then those for SSH. *source* is the policy's text.
    """
    rows = [row for each in netmap.explain() for row in _filter_rows(each, source, style)]
    rows += [_ssh_row(each, source, style) for each in netmap.explain_ssh()]
    # What stands in the rows may come from anyone, and a terminal obeys what it is sent.
    shown = [tuple(visible(cell, ascii=style.ascii) for cell in row) for row in rows]
    title = visible(f"{netmap.name} ({', '.join(netmap.addresses)})", ascii=style.ascii)
    rules = grid(HEADINGS, shown, style, folds=True) if shown else "  nobody may reach this node\n"
    return f"{style.paint(title, Ink.PLACE)}\n{rules}"


def _filter_rows(each: Explained, source: Source, style: Style) -> Iterator[tuple[str, ...]]:
    """Yield a row for each entry of the policy behind a rule, and for each capability."""
    src = some(each.rule.src_ips)
    protocols = some([protocol_name(n) for n in each.rule.ip_proto or DEFAULT_PROTOCOLS])
    pairs = zip(each.origins, each.rule.dst_ports, strict=False)
    for origin, entries in groupby(pairs, key=lambda pair: pair[0]):
        dst = some(list(_destinations(entry for _, entry in entries)))
        yield src, dst, protocols, rule_place(origin, source, style)
    for grant in each.rule.cap_grant:
        where = rule_place(each.origins[0], source, style)
        yield src, some(grant.dsts), some(sorted(grant.cap_map)), where


def _destinations(entries: Iterable[NetPortRange]) -> Iterator[str]:
    """Yield each address once, with its ports behind it."""
    ports: dict[str, list[str]] = {}
    for entry in entries:
        ports.setdefault(entry.ip, []).append(range_text((entry.ports.first, entry.ports.last)))
    for ip, listed in ports.items():
        host = f"[{ip}]" if ":" in ip and "/" not in ip else ip
        yield f"{host}:{','.join(listed)}"


def _ssh_row(each: ExplainedSsh, source: Source, style: Style) -> tuple[str, ...]:
    rule = each.rule
    sources = ["anybody"] if rule.anybody else [*rule.logins, *rule.principals]
    logins = [login for login, local in sorted(rule.ssh_users.items()) if local]
    verdict = "check" if rule.action.hold_and_delegate else "accept"
    if rule.action.session_duration:
        verdict += f" for {format_duration(rule.action.session_duration)}"
    where = rule_place(each.origin, source, style)
    return some(sources), f"login as {some(logins) or 'nobody'}", f"ssh {verdict}", where
