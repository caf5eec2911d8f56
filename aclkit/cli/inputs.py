"""What a command reads: policies and the tailnet, from files or from standard input."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from aclkit.cli.unusable import UnusableError, reason
from aclkit.diagnostics import TailnetError
from aclkit.limits import Limits, TailnetLimits
from aclkit.report.style import Style
from aclkit.report.text import render_findings
from aclkit.source import Source
from aclkit.tailnet.model import Tailnet

STDIN = "-"


def read_policy(name: str) -> bytes:
    """Return the bytes of the file *name*, or of standard input for ``-``.

    At most one byte more than the limit is read; `check` then says that the text is too large.

    Raises:
        UnusableError: there is no such file, or it can't be read.
    """
    return _read(name, Limits().bytes + 1)


def read_tailnet(name: str) -> Tailnet:
    """Return the tailnet in the file *name*, or on standard input for ``-``.

    Raises:
        UnusableError: there is no such file, or it holds no tailnet; what is wrong with it has
            then been told on standard error.
    """
    # Imported here only: most policies are checked without a tailnet.
    from aclkit.tailnet import load

    data = _read(name, TailnetLimits().bytes + 1)
    try:
        return load.read_tailnet(data, name)
    except TailnetError as error:
        source = Source(name, data.decode("utf-8", "replace"))
        click.echo(render_findings(error.diagnostics, source, Style()), err=True)
        raise UnusableError(f"{name}: no tailnet can be read from this") from error


def _read(name: str, most: int) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(most)
    try:
        with Path(name).open("rb") as file:
            return file.read(most)
    except OSError as error:
        raise UnusableError(f"{name}: {reason(error)}") from error
