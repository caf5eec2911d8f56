"""Settings from a file: `[tool.aclkit]` in pyproject.toml, or aclkit.toml.

The nearest one counts, from the working directory upward. Flags and the environment (`ACLKIT_*`)
come before it. The keys are the long names of the options; paths count from the file's directory.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from aclkit.cli.unusable import UnusableError, did_you_mean


class Kind(Enum):
    """What the value of a setting is."""

    WORD = "a string"
    PATH = "a path"
    FLAG = "true or false"
    OUTPUTS = 'a list of "FORMAT=PATH"'
    CODES = "a list of codes"
    NUMBER = "a number"


KEYS = {
    "color": Kind.WORD,
    "fail-level": Kind.WORD,
    "format": Kind.WORD,
    "ignore": Kind.CODES,
    "min": Kind.NUMBER,
    "min-mutation": Kind.NUMBER,
    "output": Kind.OUTPUTS,
    "policy": Kind.PATH,
    "quiet": Kind.FLAG,
    "select": Kind.CODES,
    "tailnet": Kind.PATH,
    "target": Kind.WORD,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one file.

    Attributes:
        path: the file, as seen from the working directory; None where there is none.
        values: the settings by the names of click's parameters, such as ``fail_level``.
    """

    path: Path | None
    values: dict[str, object]


def settings_here() -> Settings:
    """Return the settings for the working directory.

    Raises:
        UnusableError: a file can't be read, or holds a key or a value that is no setting; or the
            environment holds a name that looks like a setting and is none.
    """
    check_environment(os.environ)
    here = Path.cwd()
    up = Path()
    for directory in (here, *here.parents):
        found = [
            settings
            for settings in (_of_aclkit_toml(up, directory), _of_pyproject(up, directory))
            if settings is not None
        ]
        if len(found) > 1:
            raise UnusableError(
                f"settings in both {up / 'aclkit.toml'} and {up / 'pyproject.toml'}: keep one"
            )
        if found:
            return found[0]
        up /= ".."
    return Settings(None, {})


def check_environment(environment: Mapping[str, str]) -> None:
    """Refuse names that are a slip of the pen away from a setting.

    Other names that begin with `ACLKIT_` may belong to somebody's scripts, and are left alone.
    """
    known = [variable(key) for key in KEYS]
    for name in environment:
        if name.startswith("ACLKIT_") and name not in known:
            hint = did_you_mean(name, known, likeness=0.9)
            if hint:
                raise UnusableError(f"environment: no setting `{name}`{hint}")


def variable(key: str) -> str:
    """Return the environment variable of a setting, such as ``ACLKIT_FAIL_LEVEL``."""
    return "ACLKIT_" + key.upper().replace("-", "_")


def _of_aclkit_toml(up: Path, directory: Path) -> Settings | None:
    if not (directory / "aclkit.toml").is_file():
        return None
    path = up / "aclkit.toml"
    return _settings(_toml(path), path)


def _of_pyproject(up: Path, directory: Path) -> Settings | None:
    if not (directory / "pyproject.toml").is_file():
        return None
    path = up / "pyproject.toml"
    # Most projects have no such table: then neither parse theirs nor judge it.
    if b"aclkit" not in path.read_bytes():
        return None
    tool = _toml(path).get("tool")
    table = tool.get("aclkit") if isinstance(tool, dict) else None
    if table is None:
        return None
    if not isinstance(table, dict):
        raise UnusableError(f"{path}: `tool.aclkit` must be a table")
    return _settings(table, path)


def _toml(path: Path) -> dict[str, object]:
    import tomllib

    try:
        return tomllib.loads(path.read_bytes().decode())
    except UnicodeDecodeError as error:
        raise UnusableError(f"{path}: not UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        raise UnusableError(f"{path}: not TOML: {error}") from error


def _settings(table: Mapping[str, object], path: Path) -> Settings:
    values: dict[str, object] = {}
    for key, value in table.items():
        kind = KEYS.get(key)
        if kind is None:
            raise UnusableError(f"{path}: no setting `{key}`{did_you_mean(key, KEYS)}")
        values[key.replace("-", "_")] = _value(key, kind, value, path)
    return Settings(path, values)


def _value(key: str, kind: Kind, value: object, path: Path) -> object:
    match kind, value:
        case Kind.WORD, str():
            return value
        case Kind.PATH, str():
            return str(path.parent / value)
        case Kind.FLAG, bool():
            return value
        case Kind.OUTPUTS, list() if all(isinstance(item, str) for item in value):
            pairs = [item.partition("=") for item in value]
            return [f"{name}{sign}{path.parent / file}" for name, sign, file in pairs]
        case Kind.NUMBER, int() | float() if not isinstance(value, bool):
            return value
        case Kind.CODES, list() if all(isinstance(item, str) for item in value):
            return value
    raise UnusableError(f"{path}: `{key}` must be {kind.value}")
