"""Walks over a policy: every selector, and what a login of an SSH rule names."""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.policy.model import Policy
from aclkit.policy.selectors import Selector


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
    for rule in policy.acls or ():
        yield from rule.src
        for destination in rule.dst:
            yield destination.selector
    for grant in policy.grants or ():
        yield from grant.src
        yield from grant.dst
    for ssh in policy.ssh:
        yield from ssh.src
        yield from ssh.dst
    for entry in policy.node_attrs:
        yield from entry.target


def localpart_domain(login: str) -> str | None:
    """Return `d` of the SSH user `localpart:*@d`; None for any other login."""
    prefix = "localpart:*@"
    return login[len(prefix) :] if login.startswith(prefix) and len(login) > len(prefix) else None
