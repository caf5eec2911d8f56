"""The answer to one question for people and for programs: yes or no, and the reasons."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aclkit.compiled import SshVerdict, Verdict
from aclkit.compiler.filters import Origin
from aclkit.evaluator.query import Allowed, Because
from aclkit.evaluator.reasons import Edit, WhyNot
from aclkit.policy.durations import format_duration
from aclkit.policy.ports import protocol_name
from aclkit.report.answers import (
    FORMAT_VERSION,
    asked_about,
    origin_data,
    rule_lines,
    rule_place,
    shown,
)
from aclkit.report.display import wrapped
from aclkit.report.style import Ink, Style
from aclkit.source import Source
from aclkit.wording import counted, some

_ANSWERS = {Allowed.ALL: "yes", Allowed.SOME: "for some", Allowed.NONE: "no"}
_INKS = {Allowed.ALL: Ink.PASSED, Allowed.SOME: Ink.WARNING, Allowed.NONE: Ink.ERROR}


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked, as it was asked.

    `login` is None but for a question about SSH.
    """

    src: str
    dst: str
    port: int = 22
    proto: int = 6
    login: str | None = None

    def __str__(self) -> str:
        if self.login is not None:
            return f"{self.src} to {self.dst} as {self.login} by SSH"
        return f"{self.src} to {asked_about(self.dst, self.port, self.proto)}"


def can_text(
    question: Question, verdict: Verdict | SshVerdict, source: Source, style: Style
) -> str:
    """Return the answer first, then who was asked about, then the reasons; *source* is the policy.

    For a yes those are the rules, for a no the nearest misses; where only some get through, both.
    """
    answer = _ANSWERS[verdict.allowed]
    painted = style.paint(answer, _INKS[verdict.allowed])
    lines = _hanging(f"{painted}: ", str(question), style, len(answer) + 2)
    # Nobody wants to read that in prefixes.
    to = ("the internet",) if question.dst == "autogroup:internet" else verdict.destinations
    for what, names in (("from", verdict.sources), ("to", to)):
        lines += _hanging(f"  {what:4}  ", _counted(names), style)
    if isinstance(verdict, SshVerdict):
        lines += _logins(verdict)
    blocks = ["\n".join(lines)]
    if verdict.because:
        lead = style.paint("because of", Ink.PLACE)
        blocks += _blocks(lead, [_because(each, source, style) for each in verdict.because])
    if verdict.allowed is not Allowed.ALL and verdict.why_not:
        lead = style.paint("why not, the nearest miss first", Ink.PLACE)
        blocks += _blocks(lead, [_why_not(each, source, style) for each in verdict.why_not])
    return "\n\n".join(blocks) + "\n"


def _blocks(lead: str, reasons: Sequence[str]) -> Iterator[str]:
    """Yield *reasons*, the first of them under *lead*."""
    for at, reason in enumerate(reasons):
        yield reason if at else f"{lead}\n{reason}"


def _counted(names: Sequence[str]) -> str:
    """Return the first of *names* behind their number; a single address without its length."""
    plain = [name.removesuffix("/32").removesuffix("/128") for name in names]
    if not plain:
        return "no device"
    return f"{len(plain)}: {some(plain)}" if len(plain) > 1 else plain[0]


def _logins(verdict: SshVerdict) -> Iterator[str]:
    parts = [
        (verdict.accepts, "accepted"),
        (verdict.checks, f"after a check{_holds(verdict.check_period)}"),
        (verdict.refused, "refused"),
    ]
    said = [f"{counted(number, 'pair')} of devices {words}" for number, words in parts if number]
    if said:
        yield f"  ssh   {', '.join(said)}"


def _holds(period: timedelta | None) -> str:
    if period is None:
        return ""
    if not period:
        return ", asked every time"
    text = format_duration(round(period.total_seconds()) * 10**9)
    for rest in ("m0s", "h0m"):  # 12h0m0s is 12h
        if text.endswith(rest):
            text = text[:-2]
    return f", asked every {text}"


def _because(reason: Because, source: Source, style: Style) -> str:
    """Return a rule of a yes: what it lets whom, where it stands, and how its names come down."""
    src, dst = reason.devices
    said = f"{some(reason.sources)} to {reason.destination}, as for {src} to {dst}"
    if reason.action is not None:
        said += f": {reason.action}"
    if reason.router is not None:
        said += f", by way of {reason.router}"
    if reason.via is not None:
        said += f", which has {reason.via}"
    if reason.icmp_only:
        said += "; the rule is for something else, so ping passes and nothing more"
    if reason.recorders:
        said += f", recorded by {some(reason.recorders)}"
    lines = _hanging("", said, style)
    lines += _rule(reason.origin, source, style)
    for expansion in reason.expansions:
        if len(expansion) > 1:
            lines += _hanging("  ", " > ".join(expansion), style)
    return "\n".join(lines)


def _why_not(reason: WhyNot, source: Source, style: Style) -> str:
    """Return a reason of a no: what it is, the rule that comes near, and the edit."""
    lines = _hanging("", f"{reason.message} [{reason.code}]", style)
    if reason.origin is not None:
        lines += _rule(reason.origin, source, style)
    if reason.edit is not None:
        words = f"{reason.edit.words} (in the {reason.edit.document})"
        lines += _hanging(f"  {style.paint('edit:', Ink.HELP)} ", words, style, len("  edit: "))
    return "\n".join(lines)


def _rule(origin: Origin, source: Source, style: Style) -> list[str]:
    """Return where an entry of the policy stands, and its text."""
    where = style.paint(rule_place(origin, source, style), Ink.PLACE)
    return [f"  {where}", *rule_lines(origin, source, style)]


def _hanging(head: str, text: str, style: Style, width: int | None = None) -> list[str]:
    """Return *text* behind *head*; at a terminal in lines that fit it, elsewhere as one line."""
    indent = len(head) if width is None else width
    safe = shown(text, style)
    lines = wrapped(safe, style.width - indent) if style.table else [safe]
    return [f"{head}{lines[0]}", *(f"{'':{indent}}{line}" for line in lines[1:])]


def can_json(question: Question, verdict: Verdict | SshVerdict, source: Source) -> str:
    """Return the answer as one JSON object."""
    document: dict[str, Any] = {
        "format_version": FORMAT_VERSION,
        "source": question.src,
        "destination": question.dst,
    }
    if isinstance(verdict, SshVerdict):
        period = verdict.check_period
        document |= {
            "login": question.login,
            "accepts": verdict.accepts,
            "checks": verdict.checks,
            "refused": verdict.refused,
            "check_seconds": None if period is None else int(period.total_seconds()),
        }
    else:
        document |= {"port": question.port, "protocol": protocol_name(question.proto)}
    document |= {
        "allowed": verdict.allowed.value,
        "sources": list(verdict.sources),
        "destinations": list(verdict.destinations),
        "because": [because_data(each, source) for each in verdict.because],
        "why_not": [why_not_data(each, source) for each in verdict.why_not],
    }
    return json.dumps(document, indent=2) + "\n"


def because_data(reason: Because, source: Source) -> dict[str, Any]:
    """Return a rule of a yes for programs; *source* is the policy."""
    return {
        "rule": origin_data(reason.origin, source),
        "sources": list(reason.sources),
        "destination": reason.destination,
        "devices": list(reason.devices),
        "router": reason.router,
        "via": reason.via,
        "icmp_only": reason.icmp_only,
        "action": reason.action,
        "recorders": list(reason.recorders),
        "expansions": [list(expansion) for expansion in reason.expansions],
    }


def why_not_data(reason: WhyNot, source: Source) -> dict[str, Any]:
    """Return a reason of a no for programs; *source* is the policy."""
    return {
        "code": reason.code,
        "message": reason.message,
        "rule": None if reason.origin is None else origin_data(reason.origin, source),
        "edit": None if reason.edit is None else _edit_data(reason.edit),
    }


def _edit_data(edit: Edit) -> dict[str, Any]:
    return {
        "document": edit.document,
        "operations": list(edit.operations),
        "words": edit.words,
        "also": None if edit.also is None else _edit_data(edit.also),
    }
