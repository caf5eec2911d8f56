"""Data flows down the list of rooms, and imports point up it only."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

import aclkit

PACKAGE = Path(aclkit.__path__[0])

# In the order of docs/architecture.md. A room may import itself and the rooms above it.
ROOMS = (
    "wording",
    "source",
    "diagnostics",
    "catalogue",
    "limits",
    "addresses",
    "target",
    "grammars",
    "hujson",
    "policy",
    "tailnet",
    "resolver",
    "tailcfg",
    "compiler",
    "evaluator",
    "compiled",
    "analysis",
    "packetfilters",
    "serving",
    "checking",
    "affected",
    "subscription",
    "collector",
    "engine",
    "report",
    "cli",
    "pytest_plugin",
    "__main__",
)

# Where each package that we depend on may be imported; anywhere else it has no business.
HOMES = {
    "lark": {"grammars", "hujson", "policy"},
    "pydantic": {"policy", "tailnet"},
    "pydantic_core": {"policy", "tailnet"},
    "click": {"cli"},
    "rich": {"report", "cli"},
    "netaddr": {"tailnet"},
    "json5": {"hujson", "tailnet"},
    "pytest": {"pytest_plugin"},
    "immutables": {"tailnet", "resolver", "compiler"},
}

MODULES = sorted(path for path in PACKAGE.rglob("*.py") if path.name != "__init__.py")


def room_of(dotted: str) -> str:
    return dotted.split(".")[1] if "." in dotted else "__init__"


def name_of(path: Path) -> str:
    return ".".join(("aclkit", *path.relative_to(PACKAGE).with_suffix("").parts))


def imports_of(path: Path) -> set[str]:
    """Return the dotted names that a module imports, at whatever place in it."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            assert node.module is not None
            if node.module == "aclkit":  # from aclkit import source
                found.update(f"aclkit.{alias.name}" for alias in node.names)
            else:
                found.add(node.module)
    return found


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_module_imports_only_rooms_above_its_own(path: Path) -> None:
    room = room_of(name_of(path))
    assert room in ROOMS, f"{room} is in no list of rooms"
    above = ROOMS[: ROOMS.index(room) + 1]
    below = {
        name
        for name in imports_of(path)
        if name.split(".")[0] == "aclkit" and room_of(name) not in above
    }
    assert not below


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_a_dependency_is_imported_only_where_it_is_at_home(path: Path) -> None:
    room = room_of(name_of(path))
    strays = {
        name for name in imports_of(path) if room not in HOMES.get(name.split(".")[0], {room})
    }
    assert not strays


def test_the_clients_filter_knows_wire_rules_and_addresses_only() -> None:
    path = PACKAGE / "evaluator" / "packetfilter.py"
    if not path.exists():
        pytest.skip("the client's filter is not written yet")
    ours = {name for name in imports_of(path) if name.split(".")[0] == "aclkit"}
    assert ours <= {"aclkit.tailcfg", "aclkit.addresses"}


def test_no_module_hides_behind_a_catch_all_name() -> None:
    refused = {"utils", "util", "helpers", "helper", "common", "misc", "types"}
    assert not {path.stem for path in MODULES} & refused
