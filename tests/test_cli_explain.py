from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aclkit.catalogue import CATALOGUE
from aclkit.catalogue.entry import Entry
from aclkit.cli.explain import page
from aclkit.diagnostics import Severity
from aclkit.report.style import Style
from tests.command_line import at_terminal, invoke

ENTRY = Entry(
    code="empty-port",
    severity=Severity.ERROR,
    title="a destination without its ports",
    why="No rule can be made of it.",
    example='{\n  "acls": []\n}\n',
    repair="Write the ports after the last colon.",
    repaired='{\n  "acls": [1]\n}\n',
)


def test_a_page_holds_the_reason_the_example_and_the_repair() -> None:
    assert page(ENTRY, Style()) == (
        "empty-port (error): a destination without its ports\n"
        "\n"
        "No rule can be made of it.\n"
        "\n"
        "For example:\n"
        "\n"
        "    {\n"
        '      "acls": []\n'
        "    }\n"
        "\n"
        "Repair: Write the ports after the last colon.\n"
        "\n"
        "Repaired:\n"
        "\n"
        "    {\n"
        '      "acls": [1]\n'
        "    }\n"
    )


def test_an_example_for_another_target_says_so() -> None:
    assert "For example (Headscale 0.29):" in page(replace(ENTRY, target="headscale@0.29"), Style())


def test_an_entry_without_an_example_has_no_empty_headings() -> None:
    text = page(replace(ENTRY, example="", repaired=""), Style())
    assert "For example" not in text
    assert "Repaired" not in text


@pytest.mark.parametrize("code", sorted(CATALOGUE))
def test_every_code_is_explained(code: str) -> None:
    result = invoke("explain", code)
    assert result.exit_code == 0
    assert result.stdout.startswith(f"{code} ({CATALOGUE[code].severity.value}): ")


def test_a_narrow_terminal_gets_prose_that_fits_it(tmp_path: Path) -> None:
    done = at_terminal("explain", "undefined-group", cwd=tmp_path, columns=60)
    prose = [line for line in done.out.splitlines() if not line.startswith("    ")]
    assert max(map(len, prose)) <= 60
    assert done.out.split() == invoke("explain", "undefined-group").stdout.split()


def test_a_code_can_be_pasted_with_its_brackets() -> None:
    code = min(CATALOGUE)
    assert invoke("explain", f"[{code}]").stdout == invoke("explain", code).stdout


def test_without_a_code_all_are_listed_in_order() -> None:
    result = invoke("explain")
    assert result.exit_code == 0
    assert [line.split()[0] for line in result.stdout.splitlines()] == sorted(CATALOGUE)


def test_a_mistyped_code_gets_a_hint() -> None:
    code = max(CATALOGUE, key=len)
    result = invoke("explain", code[:-1])
    assert result.exit_code == 2
    assert f"did you mean `{code}`?" in result.stderr


def test_a_code_like_no_other_gets_the_way_to_the_list() -> None:
    result = invoke("explain", "0123456789")
    assert result.exit_code == 2
    assert "`aclkit explain` lists them all" in result.stderr


def test_the_code_of_a_failed_test_is_explained_too() -> None:
    result = invoke("explain", "failed-test")
    assert result.exit_code == 0
    assert "`aclkit test`" in result.stdout
