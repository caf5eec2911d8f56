"""Texts as `fmt` and `etag` need them: read, formatted, and written back in place."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from aclkit.cli.inputs import read_policy, tell_findings
from aclkit.cli.output import write_file
from aclkit.cli.unusable import UnusableError
from aclkit.diagnostics import PolicyError
from aclkit.hujson.format import format_document
from aclkit.hujson.parser import parse
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
        tell_findings(error.diagnostics, error.source or Source.of(shown, data))
        return None
    return Formatted(document.source.text, format_document(document))


def rewrite(name: str, text: str) -> None:
    """Replace what the file *name* holds by *text* in UTF-8: all of it, or nothing.

    The file keeps its permissions; a link stays a link.

    Raises:
        UnusableError: it is no plain file, or the system refused.
    """
    path = Path(name)
    if path.exists() and not path.is_file():
        raise UnusableError(f"{name}: no plain file, so it can't be rewritten; try `-`")
    write_file(path, text)
