"""The JSON Schema of a policy file, for editors.

It says which keys there are and what kind of value each holds, key by key what lowering reads: the
keys of records come from `records.SHAPES`, those of sections and their readings from the target.
What names and ports mean, and rules between entries, are beyond it: they are the business of
`aclkit check`. Whatever that accepts, the schema accepts.

Names of fields have no case, while JSON Schema compares letter by letter. So each key stands under
its canonical name, which editors offer, and as a pattern for the others, which they merely take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from aclkit.policy import fields
from aclkit.policy.fields import Reader
from aclkit.policy.key_words import ENTRIES, LEGACY, SECTIONS
from aclkit.policy.records import SHAPES, Shape
from aclkit.target import (
    ALL_SECTIONS,
    TAILSCALE,
    Effect,
    Periods,
    Reading,
    TagNames,
    Target,
)

JsonSchema: TypeAlias = dict[str, Any]

DRAFT = "https://json-schema.org/draft/2020-12/schema"

# `null` is as good as no value nearly everywhere.
_TEXT: JsonSchema = {"type": ["string", "null"]}
_NUMBER: JsonSchema = {"type": ["number", "null"]}
_FLAG: JsonSchema = {"type": ["boolean", "null"]}


def policy_schema(target: Target = TAILSCALE) -> JsonSchema:
    """Return the JSON Schema (draft 2020-12) of the policies that *target* reads.

    Keys that the target refuses or ignores are left out; a target that ignores unknown keys has a
    schema that takes them. There is no ``$id``: references are within the schema.
    """
    sections = {
        name: {"description": SECTIONS[name], **_section(name, target)}
        for name in ALL_SECTIONS
        if target.sections[name] in (Reading.READ, Reading.UNUSED)
    }
    return {
        "$schema": DRAFT,
        "title": f"Policy file for {target.title}",
        "type": "object",
        **_closed(sections, "#", target),
    }


def _section(name: str, target: Target) -> JsonSchema:
    shape = _RECORDS.get(name)
    if shape is not None:
        return _list_of(_record(shape, target))
    return _OTHERS[name](target)


_RECORDS: Mapping[str, Shape] = {shape.section: shape for shape in SHAPES.values()}


def _record(shape: Shape, target: Target) -> JsonSchema:
    """Return the schema of an entry of a rule section."""
    keys: dict[str, JsonSchema] = {}
    for key, (_, reader) in shape.keys.items():
        if _knows(target, shape.section, key):
            special = _SPECIAL.get((shape.section, key))
            schema = special(target) if special else _READERS[reader](target)
            keys[key] = {"description": ENTRIES[shape.section][key], **schema}
    for old, key in shape.legacy.items():
        if _knows(target, shape.section, old):
            keys[old] = {**keys[key], "description": LEGACY.format(key), "deprecated": True}
    schema = _closed(keys, f"#/properties/{shape.section}/items", target)
    if target.hash_keys and shape.section == "acls":
        schema["patternProperties"]["^#"] = {"description": "A comment."}
    return {"type": "object", **schema}


def _knows(target: Target, section: str, key: str) -> bool:
    return f"{section}.{key}" not in target.absent_keys


def _closed(keys: Mapping[str, JsonSchema], place: str, target: Target) -> JsonSchema:
    """Return what holds of an object with *keys* and no others.

    *place* is where it stands in the whole schema.
    """
    patterns = {
        _other_spellings(key, target): {"$ref": f"{place}/properties/{key}"} for key in keys
    }
    schema: JsonSchema = {"properties": dict(keys), "patternProperties": patterns}
    if target.unknown_keys is not Reading.IGNORED:
        schema["additionalProperties"] = False
    return schema


def _other_spellings(key: str, target: Target) -> str:
    """Return a pattern for *key* in another case, or with the dashes that the target skips."""
    letters = [f"[{c.upper()}{c.lower()}]" if c.isalpha() else c for c in key]
    dashes = "[-_]*" if target.fold_dashes else ""
    return f"^(?!{key}$){dashes}{''.join(letter + dashes for letter in letters)}$"


def _list_of(items: JsonSchema) -> JsonSchema:
    return {"type": ["array", "null"], "items": items}


def _map_of(values: JsonSchema, names: str = "") -> JsonSchema:
    """Return an object whose names are data; *names* is a pattern that they match."""
    schema: JsonSchema = {"type": ["object", "null"], "additionalProperties": values}
    if names:
        schema["propertyNames"] = {"pattern": names}
    return schema


_TEXTS = _list_of({"type": "string"})
_ATTRIBUTES = _map_of({"type": ["string", "number", "boolean"]})
# The values of capabilities are passed on as they are.
_CAPABILITIES = _map_of({"type": ["array", "null"]})


def _protocol(target: Target) -> JsonSchema:
    if target.ports.bare_numbers:
        return {"type": ["string", "integer", "null"], "examples": ["tcp"]}
    return {**_TEXT, "examples": sorted(target.protocols)}


# What each reader of `records.SHAPES` takes.
_READERS: Mapping[Reader, Callable[[Target], JsonSchema]] = {
    fields.read_attribute_targets: lambda _: _TEXTS,
    fields.read_attributes: lambda _: _ATTRIBUTES,
    fields.read_capabilities: lambda _: _CAPABILITIES,
    fields.read_destinations: lambda _: _TEXTS,
    fields.read_flag: lambda _: _FLAG,
    fields.read_ip_entries: lambda _: _TEXTS,
    fields.read_optional_text: lambda _: _TEXT,
    fields.read_protocol: _protocol,
    fields.read_selectors: lambda _: _TEXTS,
    fields.read_texts: lambda _: _TEXTS,
    fields.read_vias: lambda _: _TEXTS,
}


def _acl_action(target: Target) -> JsonSchema:
    return {"enum": ["accept", None] if target.missing_action else ["accept"]}


def _ssh_action(target: Target) -> JsonSchema:
    words: list[JsonSchema] = [{"enum": ["accept", "check"]}]
    if target.names.trims:
        words.append({"type": "string", "pattern": r"^[ \t\r\n]*(accept|check)[ \t\r\n]*$"})
    if target.ssh.missing_action is not Effect.REFUSED:
        words.append({"enum": ["", None]})
    return {"anyOf": words}


def _check_period(target: Target) -> JsonSchema:
    days = target.ssh.periods is Periods.PROMETHEUS
    return {**_TEXT, "examples": ["1d", "12h"] if days else ["12h", "always"]}


# Keys of which more is known than what their reader takes.
_SPECIAL: Mapping[tuple[str, str], Callable[[Target], JsonSchema]] = {
    ("acls", "action"): _acl_action,
    ("ssh", "action"): _ssh_action,
    ("ssh", "checkPeriod"): _check_period,
}


def _groups(target: Target) -> JsonSchema:
    strict = target.names.group_names is Effect.REFUSED
    return _map_of(_TEXTS, r"^group:[\s\S]" if strict else "")


_TAG_NAMES = {
    TagNames.ANY: "",
    TagNames.PREFIXED: "^tag:",
    TagNames.LETTER: "^tag:[A-Za-z]",
    TagNames.STRICT: "^tag:[A-Za-z][A-Za-z0-9-]*$",
}


def _tag_owners(target: Target) -> JsonSchema:
    return _map_of(_TEXTS, _TAG_NAMES[target.names.tag_names])


def _auto_approvers(target: Target) -> JsonSchema:
    keys = {"routes": _map_of(_TEXTS), "exitNode": _TEXTS, "services": _map_of(_TEXTS)}
    known = {key: schema for key, schema in keys.items() if _knows(target, "autoApprovers", key)}
    return _described("autoApprovers", known, "#/properties/autoApprovers", target)


def _attr_config(target: Target) -> JsonSchema:
    keys = {
        "type": {"enum": ["string", "bool", "number", None]},
        "allowSetByNode": _FLAG,
        "broadcastToPeers": _TEXTS,
    }
    place = "#/properties/attrConfig/additionalProperties"
    return _map_of(_described("attrConfig", keys, place, target))


def _derp_map(target: Target) -> JsonSchema:
    place = "#/properties/derpMap"
    region_place = f"{place}/properties/regions/additionalProperties"
    node = {
        "name": _TEXT,
        "regionID": _NUMBER,
        "hostName": _TEXT,
        "certName": _TEXT,
        "ipv4": _TEXT,
        "ipv6": _TEXT,
        "stunPort": _NUMBER,
        "stunOnly": _FLAG,
        "derpPort": _NUMBER,
    }
    node_place = f"{region_place}/properties/nodes/items"
    region = {
        "regionID": _NUMBER,
        "regionCode": _TEXT,
        "regionName": _TEXT,
        "avoid": _FLAG,
        "nodes": _list_of(_described("derpMap.regions.nodes", node, node_place, target)),
    }
    regions = _map_of(_described("derpMap.regions", region, region_place, target), "^[0-9]+$")
    keys = {"regions": regions, "omitDefaultRegions": _FLAG}
    return _described("derpMap", keys, place, target)


def _described(name: str, keys: Mapping[str, JsonSchema], place: str, target: Target) -> JsonSchema:
    words = ENTRIES[name]
    described = {key: {"description": words[key], **schema} for key, schema in keys.items()}
    return {"type": ["object", "null"], **_closed(described, place, target)}


# The sections that are no lists of records.
_OTHERS: Mapping[str, Callable[[Target], JsonSchema]] = {
    "groups": _groups,
    "hosts": lambda _: _map_of({"type": "string"}),
    "tagOwners": _tag_owners,
    "autoApprovers": _auto_approvers,
    "ipsets": lambda _: _map_of(_TEXTS, r"^ipset:[\s\S]"),
    "postures": lambda _: _map_of(_TEXTS, r"^posture:[\s\S]"),
    "defaultSrcPosture": lambda _: _TEXTS,
    "randomizeClientPort": lambda _: _FLAG,
    "disableIPv4": lambda _: _FLAG,
    "OneCGNATRoute": lambda _: {"enum": ["", "mac-always", "mac-never", None]},
    "attrConfig": _attr_config,
    "derpMap": _derp_map,
}
