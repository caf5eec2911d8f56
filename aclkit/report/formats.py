"""The formats of a report, by name. A module is loaded when its format is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TypeAlias, cast

from aclkit.checking import Report
from aclkit.report.style import Style

Render: TypeAlias = Callable[[Sequence[Report], Style], str]

# Each is the name of a module here with a function `render`.
FORMATS = ("text", "concise", "json", "sarif", "junit", "github", "gitlab", "markdown")


def render_of(name: str) -> Render:
    """Return the function that writes reports in the format called *name*."""
    if name not in FORMATS:
        raise ValueError(f"no format `{name}`")
    return cast("Render", import_module(f"aclkit.report.{name}").render)
