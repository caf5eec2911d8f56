"""``aclkit explain``: what a diagnostic code means and how to repair what it tells of."""

from __future__ import annotations

import os

import click

from aclkit.catalogue import CATALOGUE
from aclkit.catalogue.entry import Entry
from aclkit.cli.help import examples
from aclkit.cli.output import say, screen_style
from aclkit.cli.unusable import CLEAN, UnusableError, did_you_mean
from aclkit.report.display import wrapped
from aclkit.report.style import Style
from aclkit.target import find_target


@click.command(epilog=examples("aclkit explain undefined-group"))
@click.argument("code", required=False)
def command(code: str | None) -> int:
    """Explain a diagnostic CODE, with an example and its repair; without CODE, list them all.

    A report has the code of each finding in brackets, as in [undefined-group].

    Exit status: 0 explained, 2 no such code, 3 a bug in aclkit.
    """
    if code is None:
        say(listing())
        return CLEAN
    entry = CATALOGUE.get(code.strip("[]`"))
    if entry is None:
        hint = did_you_mean(code, CATALOGUE)
        raise UnusableError(f"no code `{code}`{hint or '; `aclkit explain` lists them all'}")
    say(page(entry, screen_style("never", os.environ)))
    return CLEAN


def listing() -> str:
    """Return one line for each code, in order."""
    width = max(map(len, CATALOGUE))
    return "".join(f"{code:{width}}  {CATALOGUE[code].title}\n" for code in sorted(CATALOGUE))


def page(entry: Entry, style: Style) -> str:
    """Return all that is said of one code; at a terminal, its prose in lines that fit it."""
    parts = [f"{entry.code} ({entry.severity.value}): {entry.title}", entry.why]
    parts = [_filled(part, style) for part in parts]
    if entry.example:
        parts += [_heading("For example", entry), _indented(entry.example)]
    parts.append(_filled(f"Repair: {entry.repair}", style))
    if entry.repaired:
        parts += [_heading("Repaired", entry), _indented(entry.repaired)]
    return "\n\n".join(parts) + "\n"


def _filled(prose: str, style: Style) -> str:
    return "\n".join(wrapped(prose, style.width)) if style.table else prose


def _heading(words: str, entry: Entry) -> str:
    target = find_target(entry.target)
    return f"{words}:" if target.name == "tailscale" else f"{words} ({target.title}):"


def _indented(text: str) -> str:
    return "\n".join(f"    {line}".rstrip() for line in text.rstrip("\n").split("\n"))
