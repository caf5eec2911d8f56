"""The user's mistakes that are no findings: a missing file, a wrong setting. Exit status 2."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import IO, Any

import click

from aclkit.report.display import visible

CLEAN, FINDINGS, UNUSABLE, BUG = range(4)


class UnusableError(click.ClickException):
    """What was asked for can't be done as asked; the message is for the person who asked."""

    exit_code = UNUSABLE

    def show(self, file: IO[Any] | None = None) -> None:
        """Tell it on standard error, in one line."""
        tell(self.message, file)


def tell(message: str, file: IO[Any] | None = None) -> None:
    """Write one line to standard error: standard output belongs to the report."""
    click.echo(f"aclkit: {visible(message)}", file=file or sys.stderr)


def did_you_mean(name: str, known: Iterable[str], likeness: float = 0.6) -> str:
    """Return ``; did you mean `...`?`` for the nearest of *known*, or nothing."""
    near = nearest(name, known, likeness)
    return f"; did you mean `{near}`?" if near else ""


def nearest(name: str, known: Iterable[str], likeness: float = 0.6) -> str | None:
    """Return the one of *known* that is most like *name*, or None if none is.

    *likeness* is the least that counts as near: 1 is equal, 0 has nothing in common.
    """
    from difflib import get_close_matches

    return next(iter(get_close_matches(name, list(known), n=1, cutoff=likeness)), None)


def reason(error: OSError) -> str:
    """Return why the system refused, in lower case, such as ``no such file or directory``."""
    words = error.strerror or str(error)
    return words[:1].lower() + words[1:]
