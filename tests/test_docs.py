"""What the pages show is what happens: their commands and their Python are run."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import pytest

from tests.command_line import clean_environment

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]

FENCE = re.compile(r"^```([a-z0-9]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, its number there, its language and where its text stands."""

    page: Path
    number: int
    language: str
    text: str
    start: int
    end: int

    @property
    def name(self) -> str:
        line = self.page.read_text(encoding="utf-8").count("\n", 0, self.start)
        return f"{self.page.relative_to(ROOT)}:{line}"


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(page, number, match[1], match[2], match.start(2), match.end(2))
        for number, match in enumerate(FENCE.finditer(text))
    ]


ALL = [block for page in PAGES for block in blocks(page)]
CONSOLE = [block for block in ALL if block.language == "console"]
PYTHON = [
    (block, following if following and following.language == "text" else None)
    for page in PAGES
    for of_page in [blocks(page)]
    for block, following in zip_longest(of_page, of_page[1:])
    if block.language == "python"
]


def run(command: list[str]) -> str:
    """Return what *command* prints on both streams, from the root of the checkout."""
    done = subprocess.run(
        command,
        cwd=ROOT,
        env=clean_environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.stdout.decode()


def compare(block: Block, text: str) -> None:
    """Compare *text* with what the page shows, or write it there: UPDATE_GOLDENS=1."""
    if os.environ.get("UPDATE_GOLDENS"):
        page = block.page.read_text(encoding="utf-8")
        block = blocks(block.page)[block.number]  # blocks before it may have grown
        block.page.write_text(page[: block.start] + text + page[block.end :], encoding="utf-8")
        return
    assert text == block.text


@pytest.mark.parametrize("block", CONSOLE, ids=lambda block: block.name)
def test_a_command_prints_what_its_page_shows(block: Block) -> None:
    shown = ""
    commands = [line[2:] for line in block.text.splitlines() if line.startswith("$ ")]
    assert commands
    for command in commands:
        words = shlex.split(command)
        assert words[0] in ("aclkit", "cat"), "only these are run"
        if words[0] == "aclkit":
            out = run([sys.executable, "-m", *words])
        else:
            out = "".join((ROOT / name).read_text(encoding="utf-8") for name in words[1:])
        shown += f"$ {command}\n{out}"
    compare(block, shown)


@pytest.mark.parametrize(("block", "shown"), PYTHON, ids=lambda block: block and block.name)
def test_a_piece_of_python_does_what_its_page_shows(block: Block, shown: Block | None) -> None:
    out = run([sys.executable, "-c", block.text])
    if shown is None:
        assert "Traceback" not in out
    else:
        compare(shown, out)


def test_every_target_of_make_that_a_page_names_exists() -> None:
    made = (ROOT / "Makefile").read_text(encoding="utf-8")
    targets = set(re.findall(r"^([a-z]+):", made, re.MULTILINE))
    for page in PAGES:
        named = re.findall(r"(?:`|^)make ([a-z]+)", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert set(named) <= targets, page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    links = re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", FENCE.sub("", text))
    missing = [link for link in links if not (page.parent / link).exists()]
    assert not missing


def test_the_readme_fits_a_screen() -> None:
    assert len(PAGES[0].read_text(encoding="utf-8").splitlines()) <= 72
