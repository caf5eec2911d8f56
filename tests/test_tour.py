"""The tour shows what a new user gets to see."""

from __future__ import annotations

import re

import pytest

from aclkit.cli.main import COMMANDS
from tests.write_tour import TOUR, Typed, blocks, page, shown

TRANSCRIPT = re.compile(r"^```text\n.*?^```$", re.MULTILINE | re.DOTALL)
BLOCKS = blocks()


def transcripts() -> list[str]:
    """Return the blocks of the page."""
    return TRANSCRIPT.findall(TOUR.read_text(encoding="utf-8"))


@pytest.mark.parametrize(("at", "typed"), list(enumerate(BLOCKS)), ids=str)
def test_a_block_shows_what_is_printed(at: int, typed: Typed) -> None:
    assert transcripts()[at] == shown(typed), "run `python -m tests.write_tour`"


def test_the_prose_is_that_of_the_template() -> None:
    assert TOUR.read_text(encoding="utf-8") == page(transcripts()), (
        "run `python -m tests.write_tour`"
    )


@pytest.mark.parametrize("name", [*COMMANDS, "tailnet import"])
def test_each_command_is_tried_bare_and_in_a_narrow_terminal(name: str) -> None:
    command = f"aclkit {name}"
    bare = (command, f"{command} | head -n 4")
    assert any(each in bare for typed in BLOCKS for each in typed.commands)
    narrow = [typed for typed in BLOCKS if typed.columns == 60]
    assert any(each.startswith(command) for typed in narrow for each in typed.commands)


def test_no_place_of_this_machine_is_shown() -> None:
    text = TOUR.read_text(encoding="utf-8")
    assert "Traceback" not in text
    assert "this is a bug" not in text
    assert "/tmp" not in text
    assert "site-packages" not in text
