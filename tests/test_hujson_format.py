"""The format, rule by rule: `tests/data/format/<rule>-<what>.hujson` becomes `.expected`."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from aclkit.hujson import parse
from aclkit.hujson.format import format_document
from aclkit.limits import Limits

CASES = sorted((Path(__file__).parent / "data" / "format").glob("*.hujson"))
HUGE = Limits(bytes=10**9, depth=10**7, tokens=10**9)


def formatted(text: str | bytes, limits: Limits = HUGE) -> str:
    return format_document(parse(text, limits=limits))


@pytest.mark.parametrize("path", CASES, ids=lambda path: path.stem)
def test_a_file_is_formatted_as_expected(path: Path) -> None:
    expected = path.with_suffix(".expected").read_bytes()
    assert formatted(path.read_bytes()).encode() == expected
    assert formatted(expected).encode() == expected


def test_each_rule_has_cases() -> None:
    cases = Counter(path.stem[:2] for path in CASES)
    assert sorted(cases) == [f"{rule:02}" for rule in range(1, 11)]
    assert min(cases.values()) >= 3


def test_a_deep_document_is_formatted_without_recursion() -> None:
    depth = 2_000
    text = formatted("[" * depth + "]" * depth)
    assert "".join(text.split()) == "[" * depth + "]" * depth
    assert formatted(text) == text


def test_a_wide_object_is_aligned_in_linear_time() -> None:
    members = ",\n".join(f'"{name}": {name}' for name in range(20_000))
    lines = formatted(f"{{\n{members}\n}}").splitlines()
    assert lines[1] == '\t"0":     0,'
    assert lines[-2] == '\t"19999": 19999'
