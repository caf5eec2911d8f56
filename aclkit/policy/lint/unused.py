"""Definitions that nothing uses, and those that were meant to be another one."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from aclkit.diagnostics import Diagnostic, Label, warning
from aclkit.policy.lint.linting import Linting
from aclkit.policy.lint.slips import Slips
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.policy.walk import named_selectors
from aclkit.target import SelectorKind

# So many users make a domain one that is meant.
COMMON = 3


def unused_groups(linting: Linting) -> Iterator[Diagnostic]:
    """Find groups that are only defined."""
    names = [group.name for group in linting.policy.groups]
    return _unused(linting, "unused-group", names, "group:")


def unused_hosts(linting: Linting) -> Iterator[Diagnostic]:
    """Find hosts that are only defined, and whose address nothing names either.

    Many write an address out where a host can't stand, and keep its name as a comment of sorts.
    """
    names = [
        host.name
        for host in linting.policy.hosts
        if linting.used.isdisjoint((host.value.value.strip(), host.prefix.token))
    ]
    return _unused(linting, "unused-host", names, "")


def unused_ipsets(linting: Linting) -> Iterator[Diagnostic]:
    """Find ipsets that are only defined."""
    names = [ipset.name for ipset in linting.policy.ipsets]
    return _unused(linting, "unused-ipset", names, "ipset:")


def unused_postures(linting: Linting) -> Iterator[Diagnostic]:
    """Find postures that are only defined."""
    names = [posture.name for posture in linting.policy.postures]
    return _unused(linting, "unused-posture", names, "posture:")


def unused_tags(linting: Linting) -> Iterator[Diagnostic]:
    """Find tags that no rule names and no node has; which nodes there are, a tailnet must tell."""
    if linting.words is None:
        return iter(())
    names = [tag.name for tag in linting.policy.tag_owners]
    free = [name for name in names if name.value not in linting.words]
    return _unused(linting, "unused-tag", free, "tag:")


def _unused(
    linting: Linting, code: str, names: Sequence[Text], prefix: str
) -> Iterator[Diagnostic]:
    # A name without its prefix is told of elsewhere.
    proper = [name for name in names if name.value.startswith(prefix)]
    unused = [name for name in proper if name.value not in linting.used]
    if not unused:
        return
    used = {name.value.removeprefix(prefix): name for name in proper if name.value in linting.used}
    slips = Slips(used)
    what = code.removeprefix("unused-")
    for name in unused:
        help, related = "remove it, or use it", []
        near = slips.nearest(name.value.removeprefix(prefix))
        if near is not None:
            help = f"did you mean `{prefix}{near}`? if not, remove it, or use it"
            related.append(Label(used[near].span, "this one is used"))
        yield warning(
            code,
            f"{what} `{name.value}` is defined but used nowhere",
            name.span,
            help=help,
            related=related,
        )


def similar_domains(linting: Linting) -> Iterator[Diagnostic]:
    """Find a login whose domain is one slip away from that of several other users.

    With a tailnet given, every login that it does not have is told of anyway.
    """
    if linting.words is not None:
        return
    logins: dict[str, Selector] = {}
    for selector in named_selectors(linting.policy):
        if selector.kind is SelectorKind.USER:
            logins.setdefault(selector.text, selector)
    counted = Counter(map(_domain, logins))
    common: dict[str, list[str]] = {}
    for (name, top), count in counted.items():
        if count >= COMMON:
            common.setdefault(top, []).append(name)
    # Under another top domain the same name is somebody else: `example.co`.
    slips = {top: Slips(names) for top, names in common.items()}
    for login, selector in logins.items():
        name, top = _domain(login)
        if counted[name, top] > 1 or top not in slips:
            continue
        near = slips[top].nearest(name)
        if near is not None:
            meant = f"{near}.{top}"
            yield warning(
                "similar-domain",
                f"`{name}.{top}` is close to `{meant}`, where {counted[near, top]} users are",
                selector.span,
                help=f"did you mean `{login.rpartition('@')[0]}@{meant}`?",
            )


def _domain(login: str) -> tuple[str, str]:
    """Return the domain of *login*: what stands before its last dot, and the top domain."""
    name, _, top = login.rpartition("@")[2].rpartition(".")
    return name, top
