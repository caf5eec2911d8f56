"""What a policy says twice: an entry in one list, a member of a group, a test."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from typing import TypeVar

from aclkit.diagnostics import Diagnostic, Label, warning
from aclkit.policy.lint.linting import Linting
from aclkit.policy.model import PolicyTest, SshTest
from aclkit.policy.ports import Destination, IpEntry
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.source import Span

Entry = TypeVar("Entry")


def repeated_members(linting: Linting) -> Iterator[Diagnostic]:
    """Find users whom a group lists twice."""
    for group in linting.policy.groups:
        for member, first in _repeated(group.members, lambda each: each):
            yield warning(
                "repeated-member",
                f"`{member.text}` is in `{group.name.value}` twice",
                member.span,
                help="remove it; or write whom it was meant to be",
                related=[Label(first.span, "listed here already")],
            )


def repeated_entries(linting: Linting) -> Iterator[Diagnostic]:
    """Find entries that a list of a rule or definition has twice."""
    for entries in _lists(linting):
        for entry, first in _repeated(entries, lambda each: each):
            yield warning(
                "repeated-entry",
                f"`{linting.policy.source.slice(entry.span)}` is in this list twice",
                entry.span,
                help="remove it; or write what it was meant to be",
                related=[Label(first.span, "listed here already")],
            )


def _lists(linting: Linting) -> Iterator[Iterable[Selector | Destination | IpEntry | Text]]:
    """Yield the lists in which an entry counts once, however often it stands there.

    Those of tests are left out: a repeated question harms nobody.
    """
    policy = linting.policy
    for rule in policy.acls or ():
        yield from (rule.src, rule.dst, rule.src_posture)
    for grant in policy.grants or ():
        yield from (grant.src, grant.dst, grant.ip, grant.via, grant.src_posture)
    for ssh in policy.ssh:
        yield from (ssh.src, ssh.dst, ssh.users, ssh.accept_env, ssh.recorder, ssh.src_posture)
    for entry in policy.node_attrs:
        yield from (entry.target, entry.attr, entry.ip_pool)
    for tag in policy.tag_owners:
        yield tag.owners
    for route in policy.auto_approvers.routes:
        yield route.approvers
    yield policy.auto_approvers.exit_node
    for service in policy.auto_approvers.services:
        yield service.approvers
    yield policy.default_src_posture


def repeated_tests(linting: Linting) -> Iterator[Diagnostic]:
    """Find tests that ask what an earlier one asks, in whatever order."""
    policy = linting.policy
    found: list[tuple[Span, Span]] = []
    for test, earlier in _repeated(policy.tests, _question):
        found.append((test.span, earlier.span))
    for ssh_test, earlier_ssh in _repeated(policy.ssh_tests, _ssh_question):
        found.append((ssh_test.span, earlier_ssh.span))
    for span, first in found:
        yield warning(
            "repeated-test",
            "this test repeats an earlier one",
            span,
            help="remove it; or write what it was meant to ask",
            related=[Label(first, "the earlier one")],
        )


def _question(test: PolicyTest) -> Hashable:
    attributes = _attributes(test.src_posture_attrs)
    return test.src, test.proto, frozenset(test.accept), frozenset(test.deny), attributes


def _ssh_question(test: SshTest) -> Hashable:
    asked = (test.dst, test.accept, test.check, test.deny)
    return test.src, *map(frozenset, asked), _attributes(test.src_posture_attrs)


def _attributes(given: tuple[tuple[Text, str | int | float | bool], ...] | None) -> Hashable:
    # Without their types 1 would equal true.
    return given and frozenset((name, type(value), value) for name, value in given)


def _repeated(
    entries: Iterable[Entry], key: Callable[[Entry], Hashable]
) -> Iterator[tuple[Entry, Entry]]:
    """Yield each entry whose key an earlier one has, with the first such."""
    first: dict[Hashable, Entry] = {}
    for entry in entries:
        earlier = first.setdefault(key(entry), entry)
        if earlier is not entry:
            yield entry, earlier
