"""Where output goes: the screen as it is, and files that are never left half written."""

from __future__ import annotations

import io
import os
import stat
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from aclkit.cli.unusable import UnusableError, reason
from aclkit.report.style import Style

_WIDEST = 120


def screen_style(color: str, environment: Mapping[str, str], *, quiet: bool = False) -> Style:
    """Return what standard output can show.

    *color* is ``always``, ``never`` or ``auto``: then NO_COLOR decides, then FORCE_COLOR, then
    whether standard output is a terminal.
    """
    terminal = sys.stdout.isatty()
    encoding = (getattr(sys.stdout, "encoding", None) or "ascii").lower()
    return Style(
        width=_columns() if terminal else Style().width,
        colour=_is_coloured(color, environment, terminal=terminal),
        ascii=not encoding.startswith("utf"),
        table=terminal,
        quiet=quiet,
    )


def _is_coloured(color: str, environment: Mapping[str, str], *, terminal: bool) -> bool:
    if color != "auto":
        return color == "always"
    if environment.get("NO_COLOR"):
        return False
    if environment.get("FORCE_COLOR", "0") not in ("", "0"):
        return True
    return terminal and environment.get("TERM") != "dumb"


def _columns() -> int:
    """Return the width of the terminal; a very wide one does not make lines easier to read."""
    try:
        columns = os.get_terminal_size(sys.stdout.fileno()).columns
    except OSError:
        columns = 0
    return min(columns, _WIDEST) if columns else Style().width


def say(text: str) -> None:
    """Write *text* to standard output, in whatever encoding that has.

    Nobody may be reading any more (``aclkit check | head``): that changes no exit status.
    """
    say_each((text,))


def say_each(pieces: Iterable[str]) -> None:
    """Write *pieces* as `say` does, each when it comes: all together may fit no memory."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        for piece in pieces:
            sys.stdout.write(piece)
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nowhere()


def say_document(text: str) -> None:
    """Write *text* to standard output as it would stand in a file: in UTF-8, byte for byte."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8", newline="\n")
    say(text)


def flush() -> None:
    """Hand over what is still held back, before the exit status is decided."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _write_to_nowhere()


def _write_to_nowhere() -> None:
    """Let what is left, and the interpreter's last flush, fall into nothing."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def write_file(path: Path, text: str) -> None:
    """Write *text* to *path* in UTF-8: all of it, or nothing.

    A file that is there keeps its permissions, and a link stays a link. What is no plain file
    (``/dev/stderr``, a named pipe) is written to as it is.

    Raises:
        UnusableError: the system refused.
    """
    data = text.encode("utf-8", "backslashreplace")
    try:
        mode = path.stat().st_mode if path.exists() else None
        if mode is not None and not stat.S_ISREG(mode):
            path.write_bytes(data)
        else:
            _replace(path.resolve(), data, mode)
    except OSError as error:
        raise UnusableError(f"can't write {path}: {reason(error)}") from error


def _replace(path: Path, data: bytes, mode: int | None) -> None:
    """Put *data* in the place of the file *path*, with the permissions *mode* if there are any."""
    draft = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        # By hand and not with tempfile: that gives files that only their owner can read.
        with draft.open("xb") as file:
            if mode is not None:
                draft.chmod(stat.S_IMODE(mode))  # before the first byte: some texts are secret
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        draft.unlink(missing_ok=True)
        raise
