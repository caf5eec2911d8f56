"""Writes docs/tour.md: `python -m tests.write_tour`.

`tests/data/tour.md` has the prose, and in its blocks what is typed:

    ```in office at 60 columns
    $ aclkit check
    ```

Each block begins in a folder of its own with fresh copies of the examples. What is printed there
follows in the page; `tests/test_tour.py` fails when that is out of date.
"""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from shutil import copytree
from tempfile import TemporaryDirectory

from tests.command_line import at_terminal, clean_environment

ROOT = Path(__file__).resolve().parent.parent
TOUR = ROOT / "docs" / "tour.md"
TEMPLATE = Path(__file__).resolve().parent / "data" / "tour.md"

# The folders in which a block can begin; `empty` has nothing in it.
EXAMPLES = ("company", "homelab", "import", "mistake", "office", "startup")

_BLOCK = re.compile(r"^```in ([a-z]+)(?: at ([0-9]+) columns)?\n(.*?)^```$", re.M | re.S)


@dataclass(frozen=True, slots=True)
class Typed:
    """What is typed in one block.

    Attributes:
        folder: where that begins.
        columns: the width of the terminal; None where a pipe takes the output.
        commands: one after the other, as a shell has them; `echo $?` is the last one's status.
    """

    folder: str
    columns: int | None
    commands: tuple[str, ...]

    def __str__(self) -> str:
        width = f" at {self.columns} columns" if self.columns else ""
        return f"{self.folder}{width}: {self.commands[0]}"


def blocks() -> list[Typed]:
    """Return what is typed, block by block."""
    found = []
    for match in _BLOCK.finditer(TEMPLATE.read_text(encoding="utf-8")):
        lines = match[3].splitlines()
        assert all(line.startswith("$ ") for line in lines), match[3]
        columns = int(match[2]) if match[2] else None
        found.append(Typed(match[1], columns, tuple(line[2:] for line in lines)))
    return found


def shown(typed: Typed) -> str:
    """Return the block of the page for *typed*: each command, and what it prints."""
    text = ""
    status = 0
    with TemporaryDirectory() as place:
        for name in EXAMPLES:
            copytree(ROOT / "examples" / name, Path(place, name))
        Path(place, "empty").mkdir()
        for command in typed.commands:
            out = f"{status}\n"
            if command != "echo $?":
                status, out = _run(command, Path(place, typed.folder), typed.columns)
            text += f"$ {command}\n{out}"
    return f"```text\n{text}```"


def _run(command: str, folder: Path, columns: int | None) -> tuple[int, str]:
    """Return the exit status of *command*, and what it prints on both streams."""
    if columns is not None and command.startswith("aclkit "):
        words = shlex.split(command)[1:]
        colourless = {"NO_COLOR": "1"}
        done = at_terminal(
            *words, cwd=folder, columns=columns, environment=colourless, together=True
        )
        return done.status, done.out
    function = f'aclkit() {{ {shlex.quote(sys.executable)} -m aclkit "$@"; }}'
    ended = subprocess.run(
        ["sh", "-c", f"{function}\n{command}"],
        cwd=folder,
        env=clean_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return ended.returncode, ended.stdout.decode()


def page(transcripts: list[str]) -> str:
    """Return the text of docs/tour.md with *transcripts* in the places of the blocks."""
    left = iter(transcripts)
    text = _BLOCK.sub(lambda _: next(left), TEMPLATE.read_text(encoding="utf-8"))
    assert next(left, None) is None
    return text


def main() -> None:
    """Write the page."""
    TOUR.write_text(page([shown(typed) for typed in blocks()]), encoding="utf-8")


if __name__ == "__main__":
    main()
