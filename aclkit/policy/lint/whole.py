"""Checks of the policy as a whole, and of rules that open more or less than one may think."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from aclkit.diagnostics import Diagnostic, warning
from aclkit.policy.lint.linting import Linting
from aclkit.policy.ports import ALL_PORTS, PORT_PROTOCOLS
from aclkit.policy.selectors import Selector
from aclkit.policy.walk import opening_bracket
from aclkit.target import Reading, SelectorKind

K = SelectorKind

# Selectors that name people, or all devices, without saying which.
_ANYBODY = frozenset({"*", "autogroup:member", "autogroup:members", "autogroup:tagged"})


def absent_tests(linting: Linting) -> Iterator[Diagnostic]:
    """Find a policy with rules and without tests, where the target runs tests."""
    policy = linting.policy
    if policy.target.sections["tests"] is not Reading.READ or policy.tests or policy.ssh_tests:
        return
    if policy.acls or policy.grants or policy.ssh:
        yield warning(
            "no-tests",
            "this policy has no tests, so an edit that opens or closes too much goes unnoticed",
            opening_bracket(policy),
            help='write what must hold: `"tests": [{"src": …, "accept": […], "deny": […]}]`',
        )


def dead_ip_entries(linting: Linting) -> Iterator[Diagnostic]:
    """Find entries of `ip` that name ports of a protocol without ports."""
    for grant in linting.policy.grants or ():
        for entry in grant.ip:
            protocol = entry.protocol
            if protocol is None or any(bounds == ALL_PORTS for bounds in entry.ports):
                continue
            if PORT_PROTOCOLS.isdisjoint(protocol.numbers):
                yield warning(
                    "dead-ip-entry",
                    f"protocol `{protocol.text}` has no ports, so this entry never matches",
                    entry.span,
                    help=f"write `{protocol.text}:*`",
                )


def rules_for_all(linting: Linting) -> Iterator[Diagnostic]:
    """Find rules from anywhere to anywhere on all ports."""
    policy = linting.policy
    open_rules = [
        rule.span
        for rule in policy.acls or ()
        if rule.proto is None
        and not (rule.src_posture or policy.default_src_posture)
        and _has_wildcard(rule.src)
        and any(
            destination.selector.kind is K.WILDCARD and ALL_PORTS in destination.ports
            for destination in rule.dst
        )
    ]
    open_rules += [
        grant.span
        for grant in policy.grants or ()
        if not (grant.src_posture or policy.default_src_posture)
        and _has_wildcard(grant.src)
        and _has_wildcard(grant.dst)
        and any(entry.protocol is None and ALL_PORTS in entry.ports for entry in grant.ip)
    ]
    for span in open_rules:
        yield warning(
            "allow-all",
            "this rule allows everything to every device of the tailnet",
            span,
            help="name who needs what",
        )


def _has_wildcard(selectors: Sequence[Selector]) -> bool:
    return any(selector.kind is K.WILDCARD for selector in selectors)


def roots_for_many(linting: Linting) -> Iterator[Diagnostic]:
    """Find SSH rules that let everybody log in as root, unasked, on devices not their own."""
    for rule in linting.policy.ssh:
        if rule.action is None or rule.action.value.strip() != "accept":
            continue
        sources = [selector for selector in rule.src if selector.text in _ANYBODY]
        if not sources or all(selector.is_autogroup("self") for selector in rule.dst):
            continue
        for user in rule.users:
            if user.value.strip() == "root":
                yield warning(
                    "ssh-root-for-all",
                    f"`{sources[0].text}` may log in as root without being asked",
                    user.span,
                    help='write `"action": "check"`, or name a group as source',
                )


def ownerless_tags(linting: Linting) -> Iterator[Diagnostic]:
    """Find tags without owners, which only admins can give to a device."""
    for tag in linting.policy.tag_owners:
        if not tag.owners:
            yield warning(
                "ownerless-tag",
                f"`{tag.name.value}` has no owners: only admins can give it to a device",
                tag.name.span,
                help="list its owners, such as `autogroup:admin` or the tag itself",
            )


def empty_sources(linting: Linting) -> Iterator[Diagnostic]:
    """Find rules whose sources are groups without members, all of them."""
    empty = {group.name.value for group in linting.policy.groups if not group.members}
    for sources in _sources(linting):
        if all(source.kind is K.GROUP and source.text in empty for source in sources):
            yield warning(
                "empty-source",
                f"this rule gives nobody access: `{sources[0].text}` has no members",
                sources[0].span,
                help="add members to the group, or remove the rule",
            )


def absent_sources(linting: Linting) -> Iterator[Diagnostic]:
    """Find rules of whose sources the tailnet has no device."""
    words = linting.words
    if words is None:
        return
    for sources in _sources(linting):
        if all(source.kind in _BY_NAME and source.text not in words for source in sources):
            yield warning(
                "absent-source",
                f"the tailnet has no device of `{sources[0].text}`, so this rule does nothing yet",
                sources[0].span,
                help="correct the name, or leave it until such a device joins",
            )


# What a node of the tailnet must have as one of its words. Autogroups are left out: they fill up.
_BY_NAME = frozenset({K.USER, K.DOMAIN, K.GROUP, K.TAG})


def _sources(linting: Linting) -> Iterator[Sequence[Selector]]:
    """Yield the sources of each rule that has any."""
    policy = linting.policy
    lists = [rule.src for rule in policy.acls or ()]
    lists += [grant.src for grant in policy.grants or ()]
    lists += [ssh.src for ssh in policy.ssh]
    yield from filter(None, lists)
