"""Which diagnostic codes the sources of aclkit emit, found without running them."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import aclkit

PACKAGE = Path(aclkit.__path__[0])
# Rooms that explain and render codes, the engine, which lists failed tests as reports do, and the
# evaluator, whose reasons are no diagnostics.
_SILENT = {"catalogue", "engine.py", "report", "cli", "evaluator"}
_CODE = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")


def modules() -> Iterator[Path]:
    for path in sorted(PACKAGE.rglob("*.py")):
        if path.relative_to(PACKAGE).parts[0] not in _SILENT:
            yield path


def emitters(trees: list[ast.Module]) -> dict[str, int]:
    """Return the names of functions and classes whose parameter `code` makes a diagnostic.

    Each with the place of that parameter among the positional ones. A function that hands its
    `code` on is one, and a dataclass whose field it is.
    """
    found: dict[str, int] = {}
    for tree in trees:
        for node in ast.walk(tree):
            match node:
                case ast.FunctionDef(name=name, args=args):
                    names = [each.arg for each in (*args.posonlyargs, *args.args)]
                    if "code" in names:
                        bound = names[0] in ("self", "cls")
                        found[name] = names.index("code") - bound
                case ast.ClassDef(name=name, body=body):
                    for part in body:
                        if isinstance(part, ast.FunctionDef) and part.name == "__init__":
                            names = [each.arg for each in part.args.args]
                            if "code" in names:
                                found[name] = names.index("code") - 1
                    fields = [
                        part.target.id
                        for part in body
                        if isinstance(part, ast.AnnAssign) and isinstance(part.target, ast.Name)
                    ]
                    if "code" in fields:
                        found.setdefault(name, fields.index("code"))
    found.pop("__init__", None)
    return found


def named_texts(tree: ast.Module) -> dict[str, list[ast.expr]]:
    """Return what a module assigns to each name, at whatever place in it."""
    found: dict[str, list[ast.expr]] = {}
    for node in ast.walk(tree):
        if not isinstance(node, ast.Assign):
            continue
        for target in node.targets:
            names = target.elts if isinstance(target, ast.Tuple) else [target]
            values = node.value.elts if isinstance(node.value, ast.Tuple) else [node.value]
            for name, value in zip(names, values, strict=False):
                if isinstance(name, ast.Name):
                    found.setdefault(name.id, []).append(value)
    return found


def emitted() -> tuple[set[str], set[str]]:
    """Return the codes that are written out, and patterns for those that are put together."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules()]
    public = {name: at for name, at in emitters(trees).items() if not name.startswith("_")}
    codes: set[str] = set()
    patterns: set[str] = set()
    for tree in trees:
        makers = public | emitters([tree])
        names = named_texts(tree)
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call):
                continue
            for part in _texts(_code_arguments(node, makers), names):
                if isinstance(part, ast.JoinedStr):
                    patterns.add("".join(map(_pattern, part.values)))
                elif isinstance(part, ast.Constant) and _CODE.fullmatch(str(part.value)):
                    codes.add(str(part.value))
    return codes, patterns


def _code_arguments(call: ast.Call, makers: dict[str, int]) -> list[ast.expr]:
    found = [keyword.value for keyword in call.keywords if keyword.arg == "code"]
    name = call.func.attr if isinstance(call.func, ast.Attribute) else None
    if isinstance(call.func, ast.Name):
        name = call.func.id
    place = makers.get(name or "")
    # A code never comes alone: `names.add("x")` makes no diagnostic.
    if place is not None and place < len(call.args) and len(call.args) > 1:
        found.append(call.args[place])
    return found


def _texts(expressions: list[ast.expr], names: dict[str, list[ast.expr]]) -> Iterator[ast.expr]:
    """Yield the literals that *expressions* may stand for, by way of names and conditions."""
    waiting, seen = list(expressions), set()
    while waiting:
        part = waiting.pop()
        match part:
            case ast.IfExp(body=body, orelse=orelse):
                waiting += [body, orelse]
            case ast.Name(id=name) if name not in seen:
                seen.add(name)
                waiting += names.get(name, [])
            case _:
                yield part


def _pattern(part: ast.expr) -> str:
    return re.escape(str(part.value)) if isinstance(part, ast.Constant) else "[a-z0-9-]+"
