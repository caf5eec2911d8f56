"""Records: objects of the policy whose keys are fields, not data.

Field names fold case as Go's JSON reader does, before duplicates are looked for. The shapes say
which keys a record has and who reads each.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aclkit.diagnostics import error, warning
from aclkit.hujson.tree import Literal, Member, Object, Value
from aclkit.policy.fields import (
    Reader,
    read_attribute_targets,
    read_attributes,
    read_capabilities,
    read_destinations,
    read_flag,
    read_ip_entries,
    read_optional_text,
    read_protocol,
    read_selectors,
    read_texts,
    read_vias,
)
from aclkit.policy.lowering import Lowering
from aclkit.policy.model import AclRule, Grant, NodeAttribute, PolicyTest, SshRule, SshTest
from aclkit.policy.text import Text
from aclkit.target import Reading

Record = TypeVar("Record")


@dataclass(frozen=True, slots=True)
class Shape:
    """The keys of a record.

    `keys` maps each key of the policy file to the model's field and its reader; `legacy` maps the
    older names of keys.
    """

    section: str
    keys: Mapping[str, tuple[str, Reader]]
    legacy: Mapping[str, str] = field(default_factory=dict)


SHAPES: dict[type, Shape] = {
    AclRule: Shape(
        "acls",
        {
            "action": ("action", read_optional_text),
            "src": ("src", read_selectors),
            "dst": ("dst", read_destinations),
            "proto": ("proto", read_protocol),
            "srcPosture": ("src_posture", read_texts),
        },
        {"users": "src", "ports": "dst"},
    ),
    Grant: Shape(
        "grants",
        {
            "src": ("src", read_selectors),
            "dst": ("dst", read_selectors),
            "ip": ("ip", read_ip_entries),
            "app": ("app", read_capabilities),
            "via": ("via", read_vias),
            "srcPosture": ("src_posture", read_texts),
        },
    ),
    SshRule: Shape(
        "ssh",
        {
            "action": ("action", read_optional_text),
            "src": ("src", read_selectors),
            "dst": ("dst", read_selectors),
            "users": ("users", read_texts),
            "checkPeriod": ("check_period", read_optional_text),
            "acceptEnv": ("accept_env", read_texts),
            "recorder": ("recorder", read_selectors),
            "enforceRecorder": ("enforce_recorder", read_flag),
            "srcPosture": ("src_posture", read_texts),
        },
    ),
    NodeAttribute: Shape(
        "nodeAttrs",
        {
            "target": ("target", read_attribute_targets),
            "attr": ("attr", read_texts),
            "app": ("app", read_capabilities),
            "ipPool": ("ip_pool", read_texts),
        },
    ),
    PolicyTest: Shape(
        "tests",
        {
            "src": ("src", read_optional_text),
            "accept": ("accept", read_texts),
            "deny": ("deny", read_texts),
            "proto": ("proto", read_optional_text),
            "srcPostureAttrs": ("src_posture_attrs", read_attributes),
        },
        {"user": "src", "allow": "accept"},
    ),
    SshTest: Shape(
        "sshTests",
        {
            "src": ("src", read_optional_text),
            "dst": ("dst", read_texts),
            "accept": ("accept", read_texts),
            "check": ("check", read_texts),
            "deny": ("deny", read_texts),
            "srcPostureAttrs": ("src_posture_attrs", read_attributes),
        },
    ),
}


# The keys of access rules that had other names once; a policy may not mix the two.
_RENAMED = frozenset({"users", "ports", "src", "dst"})


def fold(lowering: Lowering, name: str) -> str:
    """Return the form of a field name in which the target compares names."""
    folded = name.casefold()
    return folded.replace("-", "").replace("_", "") if lowering.target.fold_dashes else folded


def read_record(lowering: Lowering, record: type[Record], value: Value) -> Record | None:
    """Return one entry of a rule section, or record why it is none."""
    if not isinstance(value, Object):
        lowering.wrong_type(value, "an object")
        return None
    shape = SHAPES[record]
    known = _known_keys(lowering, shape)
    names: dict[str, tuple[Literal, str]] = {}
    fields: dict[str, Any] = {"span": value.span}
    for member in value.members:
        name = member.name
        key = known.get(fold(lowering, str(name.value)))
        if key is None:
            is_comment = lowering.target.hash_keys and shape.section == "acls"
            if not (is_comment and str(name.value).startswith("#")):
                where = f"an entry of `{shape.section}`"
                unknown_field(lowering, member, known.values(), where)
            continue
        if shape.section == "acls" and key in _RENAMED:
            written = lowering.legacy_names if key in shape.legacy else lowering.current_names
            written.append(name)
        attribute, read = shape.keys[shape.legacy.get(key, key)]
        if attribute in names:
            first, first_key = names[attribute]
            if shape.section == "acls" and key != first_key:
                continue  # the old and the new name of one field, which is told as their mix
            if not lowering.takes_again(Text.of(name), Text.of(first)):
                continue
        names[attribute] = name, key
        fields[attribute] = read(lowering, member.value)
    return record(**fields)


def _known_keys(lowering: Lowering, shape: Shape) -> Mapping[str, str]:
    """Return the keys that the target knows in a record, by their folded form."""
    known = lowering.record_keys.get(shape.section)
    if known is None:
        keys = (*shape.keys, *shape.legacy)
        absent = lowering.target.absent_keys
        known = {fold(lowering, key): key for key in keys if f"{shape.section}.{key}" not in absent}
        lowering.record_keys[shape.section] = known
    return known


def canonical_members(
    lowering: Lowering, value: Object, known: Iterable[str]
) -> list[tuple[Member, str | None]]:
    """Return the members of *value*, each with the known key that its name stands for."""
    folded = {fold(lowering, key): key for key in known}
    return [(m, folded.get(fold(lowering, str(m.name.value)))) for m in value.members]


def unknown_field(lowering: Lowering, member: Member, known: Iterable[str], where: str) -> None:
    """Record that a target does not know a field."""
    name = Text.of(member.name)
    target = lowering.target
    if target.unknown_keys is Reading.IGNORED:
        message = f"`{name.value}` in {where} is ignored by {target.title}"
        lowering.report(
            warning("ignored-field", message, name.span, help="remove it: it changes nothing")
        )
        return
    keys = tuple(known)
    help = _meant(name.value, where) or lowering.spelling.hint(name.value, keys)
    help = help or f"known here: {', '.join(f'`{key}`' for key in keys)}"
    words = target.says("unknown-field", x=name.value)
    lowering.report(
        error(
            "unknown-field",
            f"unknown field `{name.value}` in {where}",
            name.span,
            help=help,
            control_plane=words,
        )
    )


def _meant(name: str, where: str) -> str | None:
    """Return what to do about a key that means something elsewhere, or to people."""
    if name.startswith(("//", "#", "_")) or "comment" in name.casefold():
        return "write comments as `// text`, outside of strings"
    return _MEANT.get((where, name.casefold()))


_PORTS_OF_GRANTS = "write protocol and ports in `ip`, such as `tcp:443`"
_MEANT = {
    ("an entry of `grants`", "proto"): _PORTS_OF_GRANTS,
    ("an entry of `grants`", "ports"): _PORTS_OF_GRANTS,
    ("an entry of `grants`", "action"): "remove it: a grant always accepts",
    ("an entry of `grants`", "users"): "write `src`",
    ("an entry of `acls`", "ip"): "write the ports in `dst`, such as `tag:web:443`",
    ("an entry of `acls`", "app"): "only an entry of `grants` has it",
    ("an entry of `acls`", "via"): "only an entry of `grants` has it",
    ("an entry of `ssh`", "ports"): "remove it: SSH rules have no ports",
    ("an entry of `ssh`", "proto"): "remove it: SSH rules have no protocol",
    ("an entry of `tests`", "dst"): "write the destinations in `accept` or `deny`",
    ("an entry of `sshTests`", "users"): "write the logins in `accept`, `check` or `deny`",
    ("the policy", "autogroups"): "autogroups are built in: remove it",
    ("the policy", "users"): "users are not declared: write their logins in rules and groups",
}
