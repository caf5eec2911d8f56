"""Texts as `fmt` and `etag` need them: read, formatted, and written back in place."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

import click

from aclkit.cli.inputs import read_policy
from aclkit.cli.unusable import UnusableError, reason
from aclkit.diagnostics import PolicyError
from aclkit.hujson.format import format_document
from aclkit.hujson.parser import parse
from aclkit.report.style import Style
from aclkit.report.text import render_findings
from aclkit.source import Source


@dataclass(frozen=True, slots=True)
class Formatted:
    """A text before and after formatting."""

    before: str
    after: str

    @property
    def changed(self) -> bool:
        """Return whether formatting changes the text."""
        return self.before != self.after


def read_formatted(name: str, shown: str) -> Formatted | None:
    """Return the text of file *name*, or of standard input for ``-``, as it is and formatted.

    None when it is no HuJSON: what is wrong has then been told on standard error, under the name
    *shown*. Standard output is kept for texts and diffs.

    Raises:
        UnusableError: there is no such file, or it can't be read.
    """
    data = read_policy(name)
    try:
        document = parse(data, name=shown)
    except PolicyError as error:
        source = error.source or Source(shown, data.decode("utf-8", "replace"))
        click.echo(render_findings(error.diagnostics, source, Style()), err=True, nl=False)
        return None
    return Formatted(document.source.text, format_document(document))


def rewrite(name: str, text: str) -> None:
    """Replace what the file *name* holds by *text* in UTF-8: all of it, or nothing.

    The file keeps its permissions; a link stays a link.

    Raises:
        UnusableError: it is no plain file, or the system refused.
    """
    try:
        mode = Path(name).stat().st_mode
        if not stat.S_ISREG(mode):
            raise UnusableError(f"{name}: no plain file, so it can't be rewritten; try `-`")
        _replace(Path(name).resolve(), text.encode(), stat.S_IMODE(mode))
    except OSError as error:
        raise UnusableError(f"can't write {name}: {reason(error)}") from error


def _replace(path: Path, data: bytes, mode: int) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        with draft.open("xb") as file:
            draft.chmod(mode)  # before the first byte: the text may be for its owner only
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
