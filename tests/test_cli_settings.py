from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from aclkit.cli.main import COMMANDS
from aclkit.cli.settings import KEYS, settings_here, variable
from aclkit.cli.unusable import UnusableError
from tests.command_line import GOOD, invoke


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work two directories below one that may hold settings."""
    deep = tmp_path / "net" / "prod"
    deep.mkdir(parents=True)
    (deep / "good.hujson").write_text(GOOD)
    for name in list(os.environ):
        if name.startswith("ACLKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(deep)
    return deep


def format_used(*args: str) -> str:
    out = invoke("check", "good.hujson", *args).stdout
    return "json" if out.startswith("{") else "text" if "accepted" in out else "concise"


def test_without_a_file_there_are_no_settings() -> None:
    assert settings_here().values == {}


def test_settings_come_from_aclkit_toml(here: Path) -> None:
    (here / "aclkit.toml").write_text('format = "json"')
    assert format_used() == "json"


def test_settings_come_from_pyproject(here: Path) -> None:
    (here / "pyproject.toml").write_text('[tool.aclkit]\nformat = "concise"')
    assert format_used() == "concise"


def test_settings_are_looked_for_upward(here: Path) -> None:
    (here.parent.parent / "aclkit.toml").write_text('format = "json"')
    assert format_used() == "json"


def test_the_nearest_settings_count(here: Path) -> None:
    (here.parent.parent / "aclkit.toml").write_text('format = "json"')
    (here.parent / "pyproject.toml").write_text('[tool.aclkit]\nformat = "concise"')
    assert format_used() == "concise"


def test_a_pyproject_without_our_table_is_passed_by(here: Path) -> None:
    (here.parent.parent / "aclkit.toml").write_text('format = "json"')
    (here / "pyproject.toml").write_text('[project]\nname = "uses-aclkit"')
    (here.parent / "pyproject.toml").write_text("this is not TOML and none of our business")
    assert format_used() == "json"


def test_the_environment_comes_before_the_file_and_a_flag_before_both(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "aclkit.toml").write_text('format = "json"')
    monkeypatch.setenv("ACLKIT_FORMAT", "concise")
    assert format_used() == "concise"
    assert format_used("--format", "text") == "text"


def test_paths_count_from_the_file_that_names_them(here: Path) -> None:
    top = here.parent.parent
    (top / "aclkit.toml").write_text('tailnet = "t.json"\noutput = ["json=report.json"]')
    user = {"login": "alice@example.com"}
    node = {"name": "web-1", "tags": ["tag:web"], "addresses": ["100.64.0.1"]}
    laptop = {"name": "l", "user": "alice@example.com", "addresses": ["100.64.0.2"]}
    (top / "t.json").write_text(json.dumps({"users": [user], "nodes": [node, laptop]}))
    result = invoke("check", "good.hujson")
    assert result.exit_code == 0, result.output
    assert json.loads((top / "report.json").read_text())["files"][0]["accepted"]
    assert settings_here().values["tailnet"] == "../../t.json"


def test_every_setting_is_an_option_of_the_same_name() -> None:
    options = "".join(invoke(command, "--help").stdout for command in COMMANDS)
    for key in KEYS:
        assert f"--{key}" in options
        assert variable(key) in "".join(options.split())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("tailnte = 't.json'", "no setting `tailnte`; did you mean `tailnet`?"),
        ("fail_level = 'error'", "no setting `fail_level`; did you mean `fail-level`?"),
        ("zzz = 1", "no setting `zzz`"),
        ("tailnet = 3", "`tailnet` must be a path"),
        ("quiet = 'yes'", "`quiet` must be true or false"),
        ("output = 'json=x'", '`output` must be a list of "FORMAT=PATH"'),
        ("output = [1]", '`output` must be a list of "FORMAT=PATH"'),
        ("format = ", "not TOML"),
    ],
)
def test_a_wrong_setting_is_refused(here: Path, text: str, told: str) -> None:
    (here / "aclkit.toml").write_text(text)
    result = invoke("check", "good.hujson")
    assert result.exit_code == 2
    assert result.stderr.startswith("aclkit: aclkit.toml: ")
    assert told in result.stderr


def test_a_wrong_value_names_the_file_or_the_variable_that_holds_it(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here.parent / "aclkit.toml").write_text("target = 'tailscael'")
    result = invoke("check", "good.hujson")
    assert result.exit_code == 2
    assert "target in ../aclkit.toml" in result.stderr
    monkeypatch.setenv("ACLKIT_TARGET", "tailscael")
    assert "ACLKIT_TARGET in the environment" in invoke("check", "good.hujson").stderr
    told = invoke("check", "good.hujson", "--target", "tailscael").stderr
    assert "ACLKIT_TARGET" not in told
    assert "--target" in told


def test_a_table_that_is_none_is_refused(here: Path) -> None:
    (here / "pyproject.toml").write_text("[tool]\naclkit = 3")
    with pytest.raises(UnusableError, match="must be a table"):
        settings_here()


def test_two_files_of_settings_in_one_place_are_refused(here: Path) -> None:
    (here / "aclkit.toml").write_text("quiet = true")
    (here / "pyproject.toml").write_text("[tool.aclkit]\nquiet = false")
    with pytest.raises(UnusableError, match="keep one"):
        settings_here()


def test_settings_that_are_not_utf_8_are_refused(here: Path) -> None:
    (here / "aclkit.toml").write_bytes(b"# caf\xe9")
    with pytest.raises(UnusableError, match="not UTF-8"):
        settings_here()


def test_a_slip_in_the_environment_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACLKIT_TAILNETT", "t.json")
    result = invoke("check", "good.hujson")
    assert result.exit_code == 2
    assert "no setting `ACLKIT_TAILNETT`; did you mean `ACLKIT_TAILNET`?" in result.stderr


def test_somebody_elses_variables_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACLKIT_MIRROR_URL", "x")
    assert invoke("check", "good.hujson").exit_code == 0
