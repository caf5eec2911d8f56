"""Finding the grammars, in a checkout and in a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

from aclkit import grammars


def test_a_checkout_has_the_grammars_beside_the_package() -> None:
    beside = Path(grammars.__file__).parent.parent / "grammar" / "hujson.lark"
    assert grammars.grammar_text("hujson") == beside.read_text(encoding="utf-8")


def test_the_grammar_inside_the_package_comes_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inside, beside = tmp_path / "inside", tmp_path / "beside"
    for folder in (inside, beside):
        folder.mkdir()
        (folder / "small.lark").write_text(f'start: "{folder.name}"\n')
    monkeypatch.setattr(grammars, "_folders", lambda: (inside, beside))
    assert grammars.grammar_text("small") == 'start: "inside"\n'
    (inside / "small.lark").unlink()
    assert grammars.grammar_text("small") == 'start: "beside"\n'


def test_a_missing_grammar_says_where_it_was_looked_for() -> None:
    with pytest.raises(FileNotFoundError, match=r"nothing\.lark is not in .*_grammar nor in "):
        grammars.grammar_text("nothing")


def test_a_grammar_builds_a_parser() -> None:
    tree = grammars.build_parser("hujson").parse('{"a": [1, /* two */ 2,]} // end\n')
    assert [str(token) for token in tree.scan_values(lambda _: True)] == [
        *("{", '"a"', ":", "[", "1", ",", "2", ",", "]", "}")
    ]


def test_the_hujson_grammar_has_no_policy_word() -> None:
    text = grammars.grammar_text("hujson").lower()
    assert not [word for word in ("policy", "acl", "tailscale", "group", "tag") if word in text]
