"""What is built is what works: sdist, the wheel from it, and the checkout itself."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

import aclkit

ROOT = Path(__file__).resolve().parent.parent

# Parsing needs the grammar, wherever it is; the answer says which checkout or package did it.
PROBE = """
import aclkit, aclkit.hujson
aclkit.hujson.parse('{"acls": [],} // by the grammar\\n')
print(aclkit.__path__[0])
"""


@dataclass(frozen=True, slots=True)
class Built:
    """The files of one build: the sdist of the checkout, and the wheel built from that sdist."""

    sdist: Path
    wheel: Path


def run(*command: str, cwd: Path, env: dict[str, str] | None = None) -> str:
    """Run *command* with none of the caller's Python settings; return what it printed."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    done = subprocess.run(
        command, cwd=cwd, env=clean | (env or {}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    out = tmp_path_factory.mktemp("built")
    # Without --sdist or --wheel, build makes the sdist and then the wheel from it.
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", str(out), str(ROOT), cwd=out)
    (sdist,) = out.glob("*.tar.gz")
    (wheel,) = out.glob("*.whl")
    return Built(sdist, wheel)


def grammar_files() -> dict[str, bytes]:
    files = {path.name: path.read_bytes() for path in (ROOT / "grammar").glob("*.lark")}
    assert "hujson.lark" in files
    return files


def test_the_wheel_holds_every_grammar_unchanged(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        held = {
            name.removeprefix("aclkit/_grammar/"): wheel.read(name)
            for name in wheel.namelist()
            if name.startswith("aclkit/_grammar/")
        }
    assert held == grammar_files()


def test_the_wheel_holds_the_package_and_its_types_and_nothing_else(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        names = set(wheel.namelist())
    assert "aclkit/py.typed" in names
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "aclkit").rglob("*.py")}
    assert sources <= names
    assert {name.split("/")[0].split("-")[0] for name in names} == {"aclkit"}


def test_the_wheel_names_its_command_and_its_license(built: Built) -> None:
    with zipfile.ZipFile(built.wheel) as wheel:
        info = next(n for n in wheel.namelist() if n.endswith(".dist-info/entry_points.txt"))
        entry_points = wheel.read(info).decode()
        names = wheel.namelist()
    assert "aclkit = aclkit.cli.main:run" in entry_points
    assert any(name.endswith(".dist-info/licenses/LICENSE") for name in names)


def test_the_sdist_holds_what_a_packager_needs_to_run_the_tests(built: Built) -> None:
    with tarfile.open(built.sdist) as sdist:
        names = {name.partition("/")[2] for name in sdist.getnames()}
    needed = {
        "pyproject.toml",
        "Makefile",
        "README.md",
        "LICENSE",
        "CHANGELOG.md",
        "grammar/hujson.lark",
        "tests/test_packaging.py",
        "aclkit/py.typed",
    }
    assert needed <= names


def test_an_installed_wheel_finds_its_grammar(built: Built, tmp_path: Path) -> None:
    site = tmp_path / "site"
    pip = (sys.executable, "-m", "pip", "install", "--no-deps", "--no-index", "--quiet")
    run(*pip, "--target", str(site), str(built.wheel), cwd=tmp_path)
    used = run(sys.executable, "-c", PROBE, cwd=tmp_path, env={"PYTHONPATH": str(site)})
    assert Path(used.strip()) == site / "aclkit"


def test_a_checkout_finds_its_grammar_beside_the_package(tmp_path: Path) -> None:
    # The environment of `make test` is an editable install: no PYTHONPATH, another directory.
    used = run(sys.executable, "-c", PROBE, cwd=tmp_path)
    assert Path(used.strip()) == ROOT / "aclkit"
    assert not (ROOT / "aclkit" / "_grammar").exists()


def hooks() -> dict[str, dict[str, str]]:
    """Return the hooks for users by id; each line of their file is a key and its value."""
    found: dict[str, dict[str, str]] = {}
    for line in (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8").splitlines():
        key, _, value = line.removeprefix("- ").strip().partition(": ")
        if line.startswith("- "):
            found[value] = hook = {}
        else:
            hook[key] = value
    return found


@pytest.mark.parametrize("id", ["aclkit-check", "aclkit-fmt", "aclkit-test"])
def test_a_hook_runs_its_command_on_text_files(id: str) -> None:
    # `identify` has no tag for HuJSON: the file name decides, `text` keeps binary files out.
    hook = hooks()[id]
    assert (hook["language"], hook["types"]) == ("python", "[text]")
    assert hook["entry"] == id.replace("-", " ")
    assert hook["name"]
    assert hook["description"].endswith(".")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("policy.hujson", ["aclkit-check", "aclkit-fmt"]),
        ("net/doors.acltest.hujson", ["aclkit-fmt", "aclkit-test"]),
        ("policy.json", []),
        ("policy.hujson.orig", []),
    ],
)
def test_each_hook_takes_the_files_that_its_command_is_for(file: str, expected: list[str]) -> None:
    taken = [
        id
        for id, hook in hooks().items()
        if re.search(hook["files"], file)
        and not ("exclude" in hook and re.search(hook["exclude"], file))
    ]
    assert taken == expected


def test_the_version_is_told_by_the_command_line(tmp_path: Path) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = run(sys.executable, "-m", "aclkit", "--version", cwd=tmp_path)
    assert told == f"aclkit {project['version']}\n"
    assert aclkit.__version__ == project["version"]


def test_the_build_files_name_no_registry() -> None:
    for name in ("Makefile", ".ci/run", "pyproject.toml"):
        text = (ROOT / name).read_text(encoding="utf-8")
        assert "http" not in text, name
        assert "index-url" not in text, name
