"""Checks of the sections that define names: groups, hosts, tagOwners, ipsets, approvers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from aclkit.diagnostics import Label
from aclkit.policy.model import AutoApprovers
from aclkit.policy.selectors import Selector, is_service_name, is_tag_name
from aclkit.policy.text import Text
from aclkit.policy.validate.validation import Validation
from aclkit.policy.walk import named_selectors
from aclkit.target import Effect, Position, SelectorKind, TagNames

K = SelectorKind


def check_groups(validation: Validation) -> None:
    """Check group names and members; groups don't nest.

    The control plane names the lexicographically last offending group first (recordings
    ssh-group-nested-cycle, ssh-group-nested-two-deep).
    """
    refused = validation.target.names.nested_groups is Effect.REFUSED
    used = _used_groups(validation)
    for group in sorted(validation.policy.groups, key=lambda g: g.name.value, reverse=True):
        name = group.name
        if not name.value.startswith("group:") or name.value == "group:":
            _prefix(validation, name, "group")
        for member in group.members:
            if member.kind is K.GROUP:
                if not refused and name.value not in used:
                    validation.dead_selector(member, "is a group, and groups don't nest")
                    continue
                words = validation.target.says("nested-group", x=member.text, group=name.value)
                inner = validation.groups.get(member.text)
                validation.error(
                    "nested-group",
                    f"a group can't hold another group: `{member.text}`",
                    member.span,
                    words=words,
                    help="list the users of that group here",
                    related=[Label(inner.name.span, "the inner group")] if inner else [],
                )
            else:
                validation.selector(member, Position.GROUP_MEMBER)


def _used_groups(validation: Validation) -> frozenset[str]:
    """Return the groups that access rules and SSH rules name."""
    policy = validation.policy
    named = [selector for rule in policy.acls or () for selector in rule.src]
    named += [each.selector for rule in policy.acls or () for each in rule.dst]
    named += [selector for rule in policy.ssh for selector in (*rule.src, *rule.dst)]
    return frozenset(selector.text for selector in named if selector.kind is K.GROUP)


def _prefix(validation: Validation, name: Text, what: str) -> None:
    code, help = f"bad-{what}-name", f"write `{what}:` and a name"
    if what == "group" and validation.target.names.group_names is Effect.DEAD:
        _dead_name(validation, name, what, help)
        return
    message = f"`{name.value}` is not the name of {'an' if what == 'ipset' else 'a'} {what}"
    words = validation.target.says(code, x=name.value)
    validation.error(code, message, name.span, words=words, help=help)


def _dead_name(validation: Validation, name: Text, what: str, help: str) -> None:
    """Warn of a name that the target takes and never finds."""
    message = (
        f"`{name.value}` is never found as a {what}, though {validation.target.title} takes it"
    )
    validation.warning("dead-name", message, name.span, help=help)


def check_hosts(validation: Validation) -> None:
    """Check host names: no `@`, and for some targets no colon."""
    names = validation.target.names
    for host in validation.policy.hosts:
        name = host.name
        bad = not name.value or ("@" in name.value and not names.host_at_signs)
        if bad or (":" in name.value and not names.host_colons):
            validation.error(
                "bad-host-name",
                f"`{name.value}` can't be the name of a host",
                name.span,
                words=validation.target.says("bad-host-name", x=name.value),
                help="host names have no `@` and no colon",
            )


def check_tag_owners(validation: Validation) -> None:
    """Check tag names and owners.

    To most targets cycles of owners are fine (recording ssh-tag-owner-cycle).
    """
    for tag in validation.policy.tag_owners:
        _tag_name(validation, tag.name)
        validation.selectors(tag.owners, Position.TAG_OWNER)
    if not validation.target.names.owner_cycles:
        _refuse_owner_cycles(validation)


_TAG_HELP = "write `tag:`, a letter from a to z, then letters, digits and dashes"


def _tag_name(validation: Validation, name: Text) -> None:
    """Check the name of a tag as far as the target looks at it."""
    text, taken = name.value, validation.target.names.tag_names
    if not text.startswith("tag:"):
        if taken is TagNames.ANY:
            _dead_name(validation, name, "tag", _TAG_HELP)
            return
        fault = "prefix"
    elif taken in (TagNames.ANY, TagNames.PREFIXED):
        return
    elif text == "tag:":
        fault = "empty"
    elif not (text[4].isascii() and text[4].isalpha()):
        fault = "letter"
    elif taken is TagNames.STRICT and not is_tag_name(text):
        fault = "characters"
    else:
        return
    validation.error(
        "bad-tag-name",
        f"`{text}` is not the name of a tag",
        name.span,
        words=validation.target.says(f"bad-tag-name/{fault}", x=text),
        help=_TAG_HELP,
    )


def _refuse_owner_cycles(validation: Validation) -> None:
    owners = {
        name: tuple(owner for owner in tag.owners if owner.kind is K.TAG)
        for name, tag in validation.tags.items()
    }
    for owner in cycles(owners):
        validation.error(
            "tag-owner-cycle",
            f"`{owner.text}` owns itself by way of other tags",
            owner.span,
            words=validation.target.says("tag-owner-cycle", x=owner.text),
            help="remove this owner",
            related=[Label(validation.tags[owner.text].name.span, "declared here")],
        )


def check_auto_approvers(validation: Validation) -> None:
    """Check who may approve what."""
    approvers: AutoApprovers = validation.policy.auto_approvers
    for route in approvers.routes:
        validation.selectors(route.approvers, Position.AUTO_APPROVER)
    validation.selectors(approvers.exit_node, Position.AUTO_APPROVER)
    for service in approvers.services:
        if not is_service_name(service.name.value) and service.name.value not in validation.tags:
            validation.error(
                "bad-service-name",
                f"`{service.name.value}` is neither a service nor a declared tag",
                service.name.span,
                help="write `svc:` and a DNS label, or a tag from `tagOwners`",
            )
        validation.selectors(service.approvers, Position.AUTO_APPROVER)


def check_member_names(validation: Validation) -> None:
    """Refuse `autogroup:members` beside `autogroup:member`: the one is the other's old name."""
    first: dict[str, Selector] = {}
    for selector in named_selectors(validation.policy):
        if selector.is_autogroup("member", "members"):
            first.setdefault(selector.name, selector)
    if len(first) == 2 and "autogroup:members" in validation.autogroups:
        validation.error(
            "mixed-member-names",
            "`autogroup:members` beside its newer name `autogroup:member`",
            first["members"].span,
            help="write `autogroup:member` everywhere",
            related=[Label(first["member"].span, "the newer name")],
        )


def check_ipsets(validation: Validation) -> None:
    """Check ipset names and members, and that no ipset holds itself."""
    for ipset in validation.policy.ipsets:
        name = ipset.name
        if not name.value.startswith("ipset:") or name.value == "ipset:":
            _prefix(validation, name, "ipset")
        for _, member in ipset.operations:
            validation.selector(member, Position.IPSET_MEMBER)
    _refuse_ipset_cycles(validation)


def _refuse_ipset_cycles(validation: Validation) -> None:
    members = {
        name: tuple(member for _, member in ipset.operations if member.kind is K.IPSET)
        for name, ipset in validation.ipsets.items()
    }
    for member in cycles(members):
        validation.error(
            "ipset-cycle",
            f"`{member.text}` holds itself",
            member.span,
            help="remove this member",
            related=[Label(validation.ipsets[member.text].name.span, "defined here")],
        )


def cycles(members: Mapping[str, tuple[Selector, ...]]) -> Iterator[Selector]:
    """Yield one member of each cycle: the one that closes it.

    Takes time that is linear in the number of members.
    """
    done: set[str] = set()
    for start in members:
        if start in done:
            continue
        path = {start}
        walk = [(start, iter(members[start]))]
        while walk:
            name, rest = walk[-1]
            for member in rest:
                if member.text in done:
                    continue
                if member.text in path:
                    yield member
                elif member.text in members:
                    path.add(member.text)
                    walk.append((member.text, iter(members[member.text])))
                    break
            else:
                done.add(name)
                path.remove(name)
                walk.pop()
