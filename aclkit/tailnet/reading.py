"""The state of reading one tailnet: what is wrong so far, what is taken, what it may still cost."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from aclkit.addresses import Address, Family, Prefix
from aclkit.limits import TailnetLimits
from aclkit.tailnet import fields, rules
from aclkit.tailnet.findings import FieldError, Findings, Path

T = TypeVar("T")


class OverLimitError(Exception):
    """The tailnet is larger than allowed, as a finding says."""


@dataclass(slots=True)
class Reading:
    """One reading of one tailnet.

    Attributes:
        findings: what is wrong with it.
        members: entries of lists so far, nodes apart.
        logins: those of `users`, to their indices; None when there is no such list, or when part
            of it is unreadable, so that nothing can be called unknown.
        names: names of nodes with case folded, to their spelling.
        name_at: the same, to the index of the node.
        all_names: whether each node has a name that can be read.
    """

    findings: Findings
    limits: TailnetLimits
    members: int = 0
    logins: dict[str, int] | None = None
    names: dict[str, str] = field(default_factory=dict)
    name_at: dict[str, int] = field(default_factory=dict)
    all_names: bool = True
    # Who has an address: see `own_addresses`. Integers, as the garbage collector skips those.
    _addresses: dict[int, int] = field(default_factory=dict)
    # Many nodes have one of a few lists of tags; they share one tuple.
    _tag_lists: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)
    _routes: dict[str, Prefix] = field(default_factory=dict)

    def charge(self, entries: int, path: Path) -> None:
        """Count *entries* of lists.

        Raises:
            OverLimitError: they are too many.
        """
        self.members += entries
        if self.members > self.limits.members:
            self.over("limit-tailnet-members", "list entries", self.limits.members, path)

    def over(self, code: str, what: str, most: int, path: Path) -> None:
        """Note that there are more than *most*, and raise `OverLimitError`."""
        self.findings.add(
            code,
            f"the tailnet has more than {most:,} {what}",
            path,
            help="raise the limit if the tailnet is really that large",
        )
        raise OverLimitError

    def read(self, value: Any, reader: Callable[[Any], T], path: Path) -> T | None:
        """Return what *reader* makes of *value*; note why it can't, and return None."""
        try:
            return reader(value)
        except FieldError as fault:
            self.findings.note(fault, path)
            return None

    def unique(self, texts: Iterable[str], reader: Callable[[str], T], path: Path) -> tuple[T, ...]:
        """Return what *reader* makes of the list *texts*, in its order, each value once."""
        values: dict[T, None] = {}
        for index, text in enumerate(texts):
            value = self.read(text, reader, (*path, index))
            if value is not None:
                values[value] = None
        return tuple(values)

    def tags(self, texts: list[str], path: Path) -> tuple[str, ...]:
        """Return tags in their sorted order, each once."""
        key = tuple(texts)
        tags = self._tag_lists.get(key)
        if tags is None:
            tags = tuple(sorted(self.unique(texts, fields.read_tag, path)))
            self._tag_lists[key] = tags
        return tags

    def routes(self, texts: list[str], path: Path) -> tuple[Prefix, ...]:
        """Return routes in their order, each once."""
        return self.unique(texts, self.route, path)

    def route(self, text: str) -> Prefix:
        """Return a route; one that several nodes offer is read once.

        Raises:
            FieldError: *text* is no route.
        """
        route = self._routes.get(text)
        if route is None:
            route = self._routes[text] = fields.read_route(text)
        return route

    def known_route(self, text: str) -> Prefix | None:
        """Return the route *text* if it was read before."""
        return self._routes.get(text)

    def own_addresses(
        self, texts: list[str], section: Literal["nodes", "services"], entry: int
    ) -> tuple[Address, ...]:
        """Return addresses that nobody else has, IPv4 first, else in their order.

        The entry has been charged for them.
        """
        mine: list[Address] = []
        taken = self._addresses
        in_order = True
        # Entry and index make one number, for no list is longer than this.
        longest = self.limits.members + 1
        start = (entry if section == "nodes" else ~entry) * longest
        for index, text in enumerate(texts, start):
            try:
                address = fields.read_address(text)
            except FieldError as fault:
                self.findings.note(fault, (section, entry, "addresses", index - start))
                continue
            # An IPv4 address is kept as a number below zero, clear of all IPv6 addresses.
            if address.family is Family.V6:
                first = taken.setdefault(address.value, index)
            else:
                first = taken.setdefault(~address.value, index)
                in_order = in_order and not (mine and mine[-1].family is Family.V6)
            if first == index:
                mine.append(address)
                continue
            holder, position = divmod(first, longest)
            first_path = ("nodes", holder) if holder >= 0 else ("services", ~holder)
            self.findings.note(
                rules.address_taken(address),
                (section, entry, "addresses", index - start),
                first=((*first_path, "addresses", position), "first given here"),
            )
        if not in_order:
            mine.sort(key=rules.by_family)
        return tuple(mine)


def text_at(entry: object, key: str) -> str | None:
    """Return the string at *key* of an entry whose shape is wrong, if there is one."""
    value = entry.get(key) if isinstance(entry, dict) else None
    return value if isinstance(value, str) else None
