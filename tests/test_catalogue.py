from __future__ import annotations

import re
from collections import Counter

import pytest

from aclkit.catalogue import CATALOGUE, SECTIONS
from aclkit.catalogue.entry import Entry
from aclkit.catalogue.lint import LINT
from aclkit.checking import check
from aclkit.report.findings import FAILED_TEST
from tests import write_checks
from tests.emitted_codes import emitted
from tests.write_checks import report_on

CODES, PATTERNS = emitted()
ENTRIES = sorted(CATALOGUE.values(), key=lambda entry: entry.code)
WITH_EXAMPLE = [entry for entry in ENTRIES if entry.example]


def code_of(entry: Entry) -> str:
    return entry.code


def is_emitted(code: str) -> bool:
    # Formats for programs make a finding of a failed test, which `check` tells as no diagnostic.
    return code in CODES | {FAILED_TEST} or any(re.fullmatch(pattern, code) for pattern in PATTERNS)


def test_every_code_of_the_sources_is_in_the_catalogue() -> None:
    assert len(CODES) > 100
    assert sorted(CODES - set(CATALOGUE)) == []
    for pattern in PATTERNS:
        assert any(re.fullmatch(pattern, code) for code in CATALOGUE), pattern


def test_every_code_of_the_catalogue_is_in_the_sources() -> None:
    assert [code for code in CATALOGUE if not is_emitted(code)] == []


def test_a_code_has_one_entry() -> None:
    counted = Counter(entry.code for entries in SECTIONS.values() for entry in entries)
    assert [code for code, count in counted.items() if count > 1] == []
    assert set(counted) == set(CATALOGUE)


@pytest.mark.parametrize("entry", WITH_EXAMPLE, ids=code_of)
def test_an_example_gives_its_code(entry: Entry) -> None:
    found = report_on(entry.example, entry).diagnostics
    assert (entry.code, entry.severity) in {(each.code, each.severity) for each in found}
    if entry not in LINT:
        assert {each.code for each in found} == {entry.code}


@pytest.mark.parametrize("entry", WITH_EXAMPLE, ids=code_of)
def test_a_repaired_example_no_longer_gives_its_code(entry: Entry) -> None:
    assert entry.repaired
    found = report_on(entry.repaired, entry).diagnostics
    assert entry.code not in {each.code for each in found}


@pytest.mark.parametrize("entry", ENTRIES, ids=code_of)
def test_an_entry_is_written_in_the_style_of_the_house(entry: Entry) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.code)
    assert not entry.title.endswith(".")
    assert "\n" not in entry.title
    assert entry.title[0].islower() or not entry.title[0].isalpha()
    for sentences in (entry.why, entry.repair):
        assert sentences.endswith(".")
        assert not sentences[0].islower()
    if not entry.example:
        assert re.search("example|No text", entry.why), "an entry without an example says why"
        assert not entry.repaired


def test_the_pages_of_checks_and_mistakes_are_up_to_date() -> None:
    """Repair: `python -m tests.write_checks`, and read the diff."""
    assert write_checks.CHECKS.read_text(encoding="utf-8") == write_checks.checks_page()
    assert write_checks.MISTAKES.read_text(encoding="utf-8") == write_checks.mistakes_page()


def test_each_of_the_ten_mistakes_is_told_with_what_to_do() -> None:
    assert len(write_checks.EXAMPLES) == 10
    for path in write_checks.EXAMPLES:
        report = check(path.read_text(encoding="utf-8"))
        assert not report.accepted, path.name
        assert all(found.help for found in report.diagnostics), path.name
