from __future__ import annotations

from hashlib import sha256
from pathlib import Path

import pytest

from tests.command_line import invoke

UNTIDY = '{"acls": [], // rules\n  "groups":{}  }\n'
TIDY = '{\n\t"acls":   [], // rules\n\t"groups": {},\n}\n'
TAG = sha256(TIDY.encode()).hexdigest()


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("untidy.hujson").write_text(UNTIDY)
    Path("tidy.hujson").write_text(TIDY)


def test_the_tag_is_the_hash_of_the_formatted_text() -> None:
    result = invoke("etag", "tidy.hujson")
    assert (result.exit_code, result.output) == (0, f"{TAG}\n")


def test_layout_alone_is_no_change() -> None:
    assert invoke("etag", "untidy.hujson").stdout == f"{TAG}\n"
    assert Path("untidy.hujson").read_text() == UNTIDY


def test_a_header_has_quotes() -> None:
    assert invoke("etag", "--quoted", "tidy.hujson").stdout == f'"{TAG}"\n'


def test_a_dash_is_standard_input() -> None:
    assert invoke("etag", "-", stdin=UNTIDY).stdout == f"{TAG}\n"


def test_a_syntax_error_has_no_tag() -> None:
    result = invoke("etag", "-", "--stdin-filename", "draft.hujson", stdin="{]")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("draft.hujson:1:2: error: ")


def test_a_missing_file_is_a_mistake_of_usage() -> None:
    assert invoke("etag", "nowhere").exit_code == 2
    assert invoke("etag").exit_code == 2


def test_a_small_policy_has_the_tag_of_the_control_planes_tools() -> None:
    # The SHA-256 of `{}` and a line feed, by any other tool.
    tag = "ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356"
    assert invoke("etag", "-", stdin=" { } ").stdout == f"{tag}\n"
