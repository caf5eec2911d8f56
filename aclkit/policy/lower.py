"""Lowering: from the HuJSON tree to the typed policy.

Lowering accepts more than is legal: shapes, names' syntax and keys are checked here, what names
mean and where they may stand in `policy/validate`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from aclkit.diagnostics import Diagnostic, error, warning
from aclkit.hujson.tree import Document, Member, Object, Value
from aclkit.limits import Limits
from aclkit.policy.fields import read_flag
from aclkit.policy.lowering import Lowering, OverLimit, is_null
from aclkit.policy.model import (
    AclRule,
    Grant,
    NodeAttribute,
    Policy,
    PolicyTest,
    SshRule,
    SshTest,
)
from aclkit.policy.network import read_attr_config, read_derp_map
from aclkit.policy.records import canonical_members, read_record, unknown_field
from aclkit.policy.sections import (
    merged,
    read_auto_approvers,
    read_groups,
    read_hosts,
    read_ipsets,
    read_postures,
    read_tag_owners,
)
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import ALL_SECTIONS, Duplicates, Reading, Target

Record = TypeVar("Record")


def _records(record: type[Record]) -> Callable[[Lowering, Value], tuple[Record, ...] | None]:
    """Return the reader of a list of *record*; `null` is as good as no section."""

    def read(lowering: Lowering, value: Value) -> tuple[Record, ...] | None:
        if is_null(value):
            return None
        found = []
        for element in lowering.elements(value, "a list of objects"):
            lowering.charge_rule(element)
            entry = read_record(lowering, record, element)
            if entry is not None:
                found.append(entry)
        return tuple(found)

    return read


def _one_cgnat_route(lowering: Lowering, value: Value) -> str:
    if is_null(value):
        return ""
    text = lowering.text(value)
    if text is None:
        return ""
    if text.value not in ("", "mac-always", "mac-never"):
        message = f"`{text.value}` is not a value of `OneCGNATRoute`"
        help = 'write `""`, `"mac-always"` or `"mac-never"`'
        lowering.report(error("bad-value", message, text.span, help=help))
    return text.value


# Canonical key: the policy's field and its reader.
_SECTIONS: dict[str, tuple[str, Callable[[Lowering, Value], Any]]] = {
    "acls": ("acls", _records(AclRule)),
    "grants": ("grants", _records(Grant)),
    "ssh": ("ssh", _records(SshRule)),
    "groups": ("groups", read_groups),
    "hosts": ("hosts", read_hosts),
    "tagOwners": ("tag_owners", read_tag_owners),
    "autoApprovers": ("auto_approvers", read_auto_approvers),
    "nodeAttrs": ("node_attrs", _records(NodeAttribute)),
    "ipsets": ("ipsets", read_ipsets),
    "postures": ("postures", read_postures),
    "defaultSrcPosture": ("default_src_posture", Lowering.texts),
    "tests": ("tests", _records(PolicyTest)),
    "sshTests": ("ssh_tests", _records(SshTest)),
    "randomizeClientPort": ("randomize_client_port", read_flag),
    "disableIPv4": ("disable_ipv4", read_flag),
    "OneCGNATRoute": ("one_cgnat_route", _one_cgnat_route),
    "attrConfig": ("attr_config", read_attr_config),
    "derpMap": ("derp_map", read_derp_map),
}


def lower_policy(
    document: Document, target: Target, limits: Limits, diagnostics: list[Diagnostic]
) -> Policy:
    """Return the policy that *document* holds, as far as it can be read.

    What is wrong is appended to *diagnostics*; the policy is of use only if that brings no error.
    """
    lowering = Lowering(document.source, target, limits, diagnostics)
    fields: dict[str, Any] = {}
    sections: dict[str, Span] = {}
    try:
        _lower_sections(lowering, document.value, fields, sections)
    except OverLimit:
        pass  # its diagnostic is recorded, and no policy with an error is used
    else:
        _refuse_mixed_names(lowering)
    return Policy(source=document.source, target=target, sections=sections, **fields)


def _lower_sections(
    lowering: Lowering, value: Value, fields: dict[str, Any], sections: dict[str, Span]
) -> None:
    if not isinstance(value, Object):
        help = 'write `{"acls": […], …}`, or at least `{}`'
        lowering.wrong_type(value, "an object with the sections of a policy", help)
        return
    target = lowering.target
    known = [name for name in ALL_SECTIONS if target.sections[name] is not Reading.REFUSED]
    members = canonical_members(lowering, value, known)
    lowering.host_names = _host_names(members)
    names: dict[str, Text] = {}
    for member, key in members:
        if key is None:
            unknown_field(lowering, member, known, "the policy")
            continue
        name = Text.of(member.name)
        if key in names and not lowering.takes_again(name, names[key]):
            continue
        names[key] = name
        reading = target.sections[key]
        if reading is not Reading.READ:
            _tell_ignored(lowering, key, name)
        if reading is Reading.IGNORED:
            continue
        attribute, read = _SECTIONS[key]
        sections[key] = Span(member.name.span.start, member.value.span.end)
        found = read(lowering, member.value)
        if reading is Reading.UNUSED:
            continue
        if target.duplicates is Duplicates.MERGED and not is_null(member.value):
            found = merged(fields.get(attribute), found)
        if found is not None:
            fields[attribute] = found
        else:
            fields.pop(attribute, None)


def _host_names(members: Iterable[tuple[Member, str | None]]) -> frozenset[str]:
    """Return the names in `hosts`, which tell hosts from users where both are bare words."""
    values = [member.value for member, key in members if key == "hosts"]
    objects = [value for value in values if isinstance(value, Object)]
    return frozenset(str(each.name.value) for value in objects for each in value.members)


def _tell_ignored(lowering: Lowering, key: str, name: Text) -> None:
    title = lowering.target.title
    message = f"`{key}` is ignored by {title}"
    if key in ("tests", "sshTests"):
        message = f"`{key}` are not run by {title}"
    help = "it has no effect there; check the policy for a target that reads it, too"
    lowering.report(warning("ignored-section", message, name.span, help=help))


def _refuse_mixed_names(lowering: Lowering) -> None:
    if not lowering.legacy_names or not lowering.current_names:
        return
    lowering.report(
        error(
            "mixed-legacy-names",
            "old names `users` and `ports` beside `src` and `dst`",
            Text.of(lowering.legacy_names[0]).span,
            help="write `src` for `users` and `dst` for `ports` everywhere",
            control_plane=lowering.target.says("mixed-legacy-names"),
        )
    )
