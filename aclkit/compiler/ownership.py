"""Tag ownership: who may give a tag to a node (docs/reference/selectors.md).

An owner that is a tag stands for the nodes that have it. Owners of owners own too, as Headscale
reads chains; cycles add nothing. All of it is linear in the owners that are reached.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from aclkit.policy.model import Policy
from aclkit.resolver import word_of
from aclkit.target import Position

# Who may give any tag on Tailscale, whoever its owners are.
_ASSIGN_ALL = frozenset({"autogroup:owner", "autogroup:admin", "autogroup:network-admin"})


@dataclass(slots=True)
class TagOwnership:
    """The owners of each tag."""

    policy: Policy
    _owners: dict[str, tuple[str, ...]] = field(init=False)
    _known: dict[str, frozenset[str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._owners = {
            tag.name.value: tuple(word_of(owner) for owner in tag.owners)
            for tag in self.policy.tag_owners
        }

    def exists(self, tag: str) -> bool:
        """Return whether `tagOwners` declares *tag*."""
        return tag in self._owners

    def owners(self, tag: str) -> frozenset[str]:
        """Return the identity words that own *tag*, also by way of owner tags."""
        found = self._known.get(tag)
        if found is None:
            seen: set[str] = set()
            waiting = list(self._owners.get(tag, ()))
            while waiting:
                word = waiting.pop()
                if word not in seen:
                    seen.add(word)
                    waiting.extend(self._owners.get(word, ()))
            found = self._known[tag] = frozenset(seen)
        return found

    def may_assign(self, words: Iterable[str], tag: str) -> bool:
        """Return whether somebody with the identity *words* may give *tag* to a node."""
        if not self.exists(tag):
            return False
        held = frozenset(words)
        roles = self.policy.target.autogroups.get(Position.TAG_OWNER, frozenset())
        return not held.isdisjoint(self.owners(tag) | (_ASSIGN_ALL & roles))

    def owned_by_tags(self, tag: str, tags: Iterable[str]) -> bool:
        """Return whether a holder of *tags*, such as an auth key, may give *tag* to a node."""
        if not self.exists(tag):
            return False
        held = set(tags)
        return tag in held or not held.isdisjoint(self.owners(tag))
