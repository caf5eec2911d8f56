"""The scripts of the CI examples, run here: with this checkout's aclkit in the place of theirs."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

from tests.command_line import clean_environment

CI = Path(__file__).resolve().parent.parent / "examples" / "ci"


def scripts_of(path: Path, key: str) -> list[str]:
    """Return each literal block (``key: |`` or ``- |`` right below ``key:``) of a YAML file."""
    found: list[str] = []
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines):
        above = lines[number - 1].strip() if number else ""
        if line.strip() != f"{key}: |" and (line.strip(), above) != ("- |", f"{key}:"):
            continue
        indent = len(line) - len(line.lstrip())
        block = []
        for below in lines[number + 1 :]:
            if below.strip() and len(below) - len(below.lstrip()) <= indent:
                break
            block.append(below)
        found.append(textwrap.dedent("\n".join(block)))
    return found


def install_stand_in(folder: Path) -> None:
    """Put a command `aclkit` into *folder* that runs this checkout's."""
    folder.mkdir(parents=True)
    command = folder / "aclkit"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m aclkit "$@"\n')
    command.chmod(0o755)


def environment_of(folder: Path, values: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with *values*, in which *folder* is the first to look for commands."""
    clean = clean_environment(values)
    return clean | {"PATH": f"{folder}:{clean['PATH']}"}
