"""Walks over a policy: where it begins, every selector, what a login of an SSH rule names."""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.hujson.parser import pieces
from aclkit.hujson.scanner import OPENING
from aclkit.policy.model import AclRule, Grant, Policy
from aclkit.policy.selectors import Selector
from aclkit.source import Span


def opening_bracket(policy: Policy) -> Span:
    """Return the first bracket of *policy*, behind comments; where there is none, its start.

    It stands for the policy as a whole, of which something is to be said.
    """
    opening = next((each for each in pieces(policy.source.text) if each.kind in OPENING), None)
    return Span(opening.start, opening.end) if opening else Span(0, 0)


def named_selectors(policy: Policy) -> Iterator[Selector]:
    """Yield every selector of *policy* outside of its tests."""
    for group in policy.groups:
        yield from group.members
    for tag in policy.tag_owners:
        yield from tag.owners
    for route in policy.auto_approvers.routes:
        yield from route.approvers
    yield from policy.auto_approvers.exit_node
    for service in policy.auto_approvers.services:
        yield from service.approvers
    for ipset in policy.ipsets:
        yield from (member for _, member in ipset.operations)
    for rule in policy.acls or ():
        yield from ends(rule)
    for grant in policy.grants or ():
        yield from ends(grant)
        yield from grant.via
    for ssh in policy.ssh:
        yield from ssh.src
        yield from ssh.dst
        yield from ssh.recorder
    for entry in policy.node_attrs:
        yield from entry.target


def ends(rule: AclRule | Grant) -> Iterator[Selector]:
    """Yield the sources of *rule*, then its destinations."""
    yield from rule.src
    for each in rule.dst:
        yield each if isinstance(each, Selector) else each.selector


def localpart_domain(login: str) -> str | None:
    """Return `d` of the SSH user `localpart:*@d`; None for any other login."""
    prefix = "localpart:*@"
    return login[len(prefix) :] if login.startswith(prefix) and len(login) > len(prefix) else None
