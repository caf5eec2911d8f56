"""HuJSON: JSON with comments and trailing commas, read without losing a byte.

The parser is loaded when `parse` is first asked for. Writing and editing are in `pack`, `format`
and `edit`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aclkit.hujson.tree import Array, Document, Literal, Member, Object, Value

if TYPE_CHECKING:
    from aclkit.hujson.parser import parse, parse_source

__all__ = ["Array", "Document", "Literal", "Member", "Object", "Value", "parse", "parse_source"]


def __getattr__(name: str) -> Any:
    if name in ("parse", "parse_source"):
        from aclkit.hujson import parser

        return getattr(parser, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
