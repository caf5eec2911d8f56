"""What the checks share: the policy, the names that it uses, what the tailnet has."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from aclkit.hujson.parser import pieces
from aclkit.policy.model import Policy
from aclkit.policy.text import Text
from aclkit.source import Source, Span


@dataclass(slots=True)
class Linting:
    """The state of one lint of a policy that has no errors.

    `words` are the words of all nodes of the tailnet (their users, groups, tags and autogroups);
    None where no tailnet is given.
    """

    policy: Policy
    words: frozenset[str] | None = None
    used: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        """Find what the policy uses: every name in a string that does not define a name.

        What the string is for does not matter. So a name counts as used too where it stands in a
        capability, in a test, or in a section that this target does not read.
        """
        policy = self.policy
        defining = {
            definition.name.span
            for definitions in (
                policy.groups,
                policy.hosts,
                policy.tag_owners,
                policy.ipsets,
                policy.postures,
            )
            for definition in definitions
        }
        defining.update(host.value.span for host in policy.hosts)
        self.used = frozenset(
            name
            for text in strings(policy.source)
            if text.span not in defining
            for name in _names_in(text.value)
        )


def strings(source: Source) -> Iterator[Text]:
    """Yield the strings of *source*, which need not be a policy, in order."""
    for kind, start, end in pieces(source.text):
        if kind == "STRING":
            body = source.text[start:end]
            if "\\" in body:
                yield Text(json.loads(body), Span(start, end), exact=False)
            else:
                yield Text(body[1:-1], Span(start + 1, end - 1))


def _names_in(text: str) -> Iterator[str]:
    """Yield what *text* may name: itself, without ports, without the words of an ipset entry."""
    text = text.strip()
    yield text
    # "web:443" and "add host:web"
    host, colon, _ = text.rpartition(":")
    if colon:
        yield host
    verb, blank, member = text.partition(" ")
    if blank and verb in ("add", "remove"):
        text = member.strip()
        yield text
    if text.startswith("host:"):
        yield text.removeprefix("host:")
