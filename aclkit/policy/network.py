"""The sections about the network itself: `attrConfig` and `derpMap`.

They decide no access, so they are kept as plain JSON once their keys and types are checked.
Source: docs/reference/syntax.md, Top-level keys.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TypeAlias

from aclkit.diagnostics import error
from aclkit.hujson.tree import Literal, Object, Value
from aclkit.policy.fields import Json, plain, read_flag
from aclkit.policy.lowering import Lowering, is_null
from aclkit.policy.records import canonical_members, unknown_field
from aclkit.policy.text import Text

Check: TypeAlias = Callable[[Lowering, Value], object]
"""Records what is wrong with a value."""

_TYPES = ("string", "bool", "number")


def read_attr_config(lowering: Lowering, value: Value) -> Json:
    """Read `attrConfig`: the custom attributes of devices, and who sets them."""
    for _, settings in lowering.entries(value, "an object of attributes"):
        _check_fields(lowering, settings, _ATTRIBUTE, "an entry of `attrConfig`")
    return plain(value)


def read_derp_map(lowering: Lowering, value: Value) -> Json:
    """Read `derpMap`: the relay servers, by region."""
    _check_fields(lowering, value, _DERP_MAP, "`derpMap`")
    return plain(value)


def _check_fields(
    lowering: Lowering, value: Value, fields: Mapping[str, Check], where: str
) -> None:
    """Check an object whose keys are *fields*; `null` is as good as none."""
    if not isinstance(value, Object):
        if not is_null(value):
            lowering.wrong_type(value, "an object")
        return
    first: dict[str, Text] = {}
    for member, key in canonical_members(lowering, value, fields):
        if key is None:
            unknown_field(lowering, member, fields, where)
            continue
        name = Text.of(member.name)
        if key in first and not lowering.takes_again(name, first[key]):
            continue
        first[key] = name
        fields[key](lowering, member.value)


def _text(lowering: Lowering, value: Value) -> None:
    if not is_null(value):
        lowering.text(value)


def _number(lowering: Lowering, value: Value) -> None:
    is_number = isinstance(value, Literal) and type(value.value) in (int, float)
    if not is_number and not is_null(value):
        lowering.wrong_type(value, "a number")


def _type(lowering: Lowering, value: Value) -> None:
    text = None if is_null(value) else lowering.text(value)
    if text is not None and text.value not in _TYPES:
        message = f"`{text.value}` is not a type of attributes"
        help = 'write `"string"`, `"bool"` or `"number"`'
        lowering.report(error("bad-value", message, text.span, help=help))


def _regions(lowering: Lowering, value: Value) -> None:
    for name, region in lowering.entries(value, "an object of regions"):
        if not (name.value.isascii() and name.value.isdecimal()):
            message = f"`{name.value}` is not the number of a region"
            help = "regions of your own have numbers from 900 to 999"
            lowering.report(error("bad-value", message, name.span, help=help))
        _check_fields(lowering, region, _REGION, "a region of `derpMap`")


def _nodes(lowering: Lowering, value: Value) -> None:
    for node in lowering.elements(value, "a list of objects"):
        _check_fields(lowering, node, _NODE, "a node of `derpMap`")


_ATTRIBUTE: Mapping[str, Check] = {
    "type": _type,
    "allowSetByNode": read_flag,
    "broadcastToPeers": Lowering.texts,
}
_DERP_MAP: Mapping[str, Check] = {"regions": _regions, "omitDefaultRegions": read_flag}
_REGION: Mapping[str, Check] = {
    "regionID": _number,
    "regionCode": _text,
    "regionName": _text,
    "avoid": read_flag,
    "nodes": _nodes,
}
_NODE: Mapping[str, Check] = {
    "name": _text,
    "regionID": _number,
    "hostName": _text,
    "certName": _text,
    "ipv4": _text,
    "ipv6": _text,
    "stunPort": _number,
    "stunOnly": read_flag,
    "derpPort": _number,
}
