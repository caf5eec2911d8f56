"""What a command reads: policies and the tailnet, from files or from standard input."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from itertools import islice
from pathlib import Path

import click

from aclkit.cli.unusable import UnusableError, nearest, reason
from aclkit.diagnostics import Diagnostic, TailnetError
from aclkit.limits import Limits, TailnetLimits
from aclkit.report.style import Style
from aclkit.report.text import render_findings
from aclkit.source import Source
from aclkit.tailnet.model import Tailnet

STDIN = "-"
DEFAULT_POLICY = "policy.hujson"

# A folder may be huge, and a hint is not worth waiting for.
_LOOKED_AT = 1_000


def policy_here(policy: str | None, usage: str) -> str:
    """Return *policy*, or ./policy.hujson where none was named.

    *usage* is how a policy is named, such as ``aclkit can SRC DST:PORT --policy FILE``.

    Raises:
        UsageError: none was named, and there is none here.
    """
    if policy is not None:
        return policy
    if not Path(DEFAULT_POLICY).exists():
        raise click.UsageError(
            f"no policy named, and there is no {DEFAULT_POLICY} here; type `{usage}`,"
            " with `-` for standard input"
        )
    return DEFAULT_POLICY


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
    shown = _shown(name)
    try:
        return load.read_tailnet(data, shown)
    except TailnetError as error:
        tell_findings(error.diagnostics, Source.of(shown, data))
        raise UnusableError(f"{shown}: no tailnet can be read from this") from error


def read_inventory(name: str) -> Source:
    """Return the text of an inventory, in the file *name* or on standard input for ``-``.

    Raises:
        UnusableError: there is no such file, it can't be read, or it is too large.
    """
    from aclkit.tailnet.importers import inventory_source

    most = TailnetLimits().bytes
    data = _read(name, most + 1)
    if len(data) > most:
        raise UnusableError(f"{_shown(name)}: larger than {most:,} bytes")
    return inventory_source(data, _shown(name))


def refuse_clashes(inputs: Sequence[str | None], output: Iterable[Path] = ()) -> None:
    """Refuse to read standard input twice, and to write over an input or twice over one file.

    An input that was not given is None.

    Raises:
        UsageError: that was asked for.
    """
    if inputs.count(STDIN) > 1:
        raise click.UsageError("standard input can be read once only")
    read = {Path(name).resolve() for name in inputs if name is not None and name != STDIN}
    written: set[Path] = set()
    for path in output:
        place = path.resolve()
        if place in read:
            raise click.UsageError(f"--output would write over {path}, which is read")
        if place in written:
            raise click.UsageError(f"--output names {path} twice")
        written.add(place)


def _shown(name: str) -> str:
    return "<stdin>" if name == STDIN else name


def tell_findings(
    diagnostics: Iterable[Diagnostic], source: Source, target: str | None = None
) -> None:
    """Write what is wrong with an input to standard error: standard output is for what is asked.

    *target* is the one whose words the findings cite.
    """
    click.echo(render_findings(diagnostics, source, Style(), target), err=True, nl=False)


def _read(name: str, most: int) -> bytes:
    if name == STDIN:
        return sys.stdin.buffer.read(most)
    if not name:
        raise UnusableError("the name of a file is empty; `-` is standard input")
    try:
        with Path(name).open("rb") as file:
            return file.read(most)
    except FileNotFoundError as error:
        raise UnusableError(f"{name}: {reason(error)}{_neighbour(Path(name))}") from error
    except IsADirectoryError as error:
        raise UnusableError(f"{name}: {reason(error)}{policy_within(Path(name))}") from error
    except OSError as error:
        raise UnusableError(f"{name}: {reason(error)}") from error


def policy_within(folder: Path) -> str:
    """Return a hint at the policy in *folder*, if one has the usual name."""
    policy = folder / DEFAULT_POLICY
    return f"; did you mean `{policy}`?" if policy.is_file() else ""


def _neighbour(path: Path) -> str:
    """Return a hint at the file whose name is nearest, among those in the folder of *path*."""
    if not os.access(path.parent, os.R_OK):
        return ""
    first = islice(path.parent.iterdir(), _LOOKED_AT)
    near = nearest(path.name, sorted(each.name for each in first if each.is_file()))
    return f"; did you mean `{path.with_name(near)}`?" if near else ""
