"""The roster: a tailnet that changes one node at a time, in time that does not grow with it.

A roster is immutable; `after` returns the next one, which shares with it all that stayed. Nodes
have numbers that they keep as long as they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, assert_never

from immutables import Map

from aclkit.addresses import Address, Family, Prefix
from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    TailnetChange,
    UserChanged,
    UserJoined,
    UserLeft,
)
from aclkit.tailnet.model import Node, Service, Tailnet, User, creation_order

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class NodeStep:
    """What changes did to one node: None before it joined, and after it left."""

    number: int
    before: Node | None
    after: Node | None


@dataclass(frozen=True, slots=True)
class Step:
    """What changes did to a roster.

    Attributes:
        roster: the state after them.
        nodes: each node that joined, left or changed, once.
        logins: users who joined, left or changed, or went into a group or out of it.
        groups: groups with other members, with those whom they lost and those whom they gained.
        users_changed: whether the list of users is another one.
    """

    roster: Roster
    nodes: tuple[NodeStep, ...]
    logins: frozenset[str]
    groups: tuple[tuple[str, frozenset[str], frozenset[str]], ...]
    users_changed: bool

    @property
    def is_plain(self) -> bool:
        """Return whether nodes only joined, left, or got another owner or other tags."""
        return not self.users_changed and all(
            each.before is None
            or each.after is None
            or each.after == replace(each.before, user=each.after.user, tags=each.after.tags)
            for each in self.nodes
        )


@dataclass(frozen=True, slots=True, repr=False)
class Roster:
    """The nodes, users and groups of a tailnet.

    Attributes:
        nodes: by number. The first roster numbers them in the order of creation.
        by_name: numbers, by name with its case folded.
        by_id: numbers.
        by_address: numbers, by the `address_key` of each address.
        ordered: whether numbers ascend in the order of creation.
    """

    nodes: Mapping[int, Node]
    by_name: Mapping[str, int]
    by_id: Mapping[str, int]
    by_address: Mapping[int, int]
    devices: Mapping[str, int]
    """How many nodes a user has."""
    blocks: Mapping[tuple[Family, int], int]
    """How many addresses of nodes lie in each block of a persistent roster: /16, or /48 of IPv6."""
    users: tuple[User, ...]
    by_login: Mapping[str, User]
    groups: Mapping[str, tuple[str, ...]]
    domains: tuple[str, ...]
    services: tuple[Service, ...]
    created_as: Literal["time", "rank"]
    ordered: bool
    next_number: int
    last: tuple[bool, int, str]
    """The key of creation of the node with the last number."""
    # Filled by the first look; a list, since one append is seen whole or not at all.
    _tailnet: list[Tailnet] = field(default_factory=list, repr=False, compare=False)
    _user_order: list[Mapping[str, int]] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Roster: {len(self.users)} users, {len(self.nodes)} nodes>"

    @classmethod
    def of(cls, tailnet: Tailnet) -> Roster:
        """Return the roster of *tailnet*; nodes are numbered in the order of creation."""
        nodes = tailnet.nodes
        devices: dict[str, int] = {}
        for node in nodes:
            if node.user is not None:
                devices[node.user] = devices.get(node.user, 0) + 1
        return cls(
            dict(enumerate(nodes)),
            {node.name.casefold(): number for number, node in enumerate(nodes)},
            {node.id: number for number, node in enumerate(nodes)},
            {address_key(a): number for number, node in enumerate(nodes) for a in node.addresses},
            devices,
            {},
            tailnet.users,
            {user.login: user for user in tailnet.users},
            dict(tailnet.groups),
            tailnet.domains,
            tailnet.services,
            tailnet.created_as,
            True,
            len(nodes),
            creation_order(nodes[-1]) if nodes else (False, 0, ""),
            [tailnet],
        )

    def persistent(self) -> Roster:
        """Return this roster in a form of which the next ones cost little."""
        blocks: dict[tuple[Family, int], int] = {}
        for key in self.by_address:
            block = _block(Family.V6 if key & 1 else Family.V4, key >> 1)
            blocks[block] = blocks.get(block, 0) + 1
        return replace(
            self, blocks=Map(blocks), nodes=Map(self.nodes), by_name=Map(self.by_name),
            by_id=Map(self.by_id), by_address=Map(self.by_address), devices=Map(self.devices),
            by_login=Map(self.by_login),
        )  # fmt: skip

    @property
    def tailnet(self) -> Tailnet:
        """Return the tailnet of this moment; the first look takes time that grows with nodes."""
        if not self._tailnet:
            self._tailnet.append(
                Tailnet(
                    self.domains, self.users, dict(self.groups), tuple(self.nodes.values()),
                    self.services, self.created_as,
                )
            )  # fmt: skip
        return self._tailnet[0]

    def may_be_inside(self, prefix: Prefix) -> bool:
        """Return whether a node may have an address in *prefix*; False is certain.

        Only for a persistent roster.
        """
        first, last = _block(prefix.family, prefix.first), _block(prefix.family, prefix.last)
        if last[1] - first[1] < len(self.blocks):
            return any((prefix.family, at) in self.blocks for at in range(first[1], last[1] + 1))
        return any(first <= block <= last for block in self.blocks)

    @property
    def user_order(self) -> Mapping[str, int]:
        """Return the place of each user in the order of creation."""
        if not self._user_order:
            self._user_order.append({user.login: place for place, user in enumerate(self.users)})
        return self._user_order[0]

    def rank(self, number: int) -> Any:
        """Return the place of a node in the order of creation, for comparison only."""
        return number if self.ordered else creation_order(self.nodes[number])

    def in_order(self, numbers: Iterable[int]) -> list[int]:
        """Return *numbers* of nodes in the order of creation."""
        return sorted(numbers) if self.ordered else sorted(numbers, key=self.rank)

    def number_of(self, name_or_id: str) -> int | None:
        """Return the number of the node of that name, in any case; if there is none, of that id."""
        found = self.by_name.get(name_or_id.casefold())
        return self.by_id.get(name_or_id) if found is None else found

    def after(self, changes: Iterable[TailnetChange]) -> Step:
        """Return the roster after *changes*, in their order, and what they did.

        Raises:
            TailnetError: a change contradicts the tailnet. None of them is made then.
        """
        draft = _Draft(self)
        for index, change in enumerate(changes):
            draft.make(change, f"changes[{index}]")
        if draft.findings:
            raise TailnetError(draft.findings)
        return draft.step()


class _Draft:
    """A roster in the making, with all that was found wrong on the way."""

    def __init__(self, roster: Roster) -> None:
        if not isinstance(roster.nodes, Map):
            roster = roster.persistent()
        self.old = roster
        self.findings: list[Diagnostic] = []
        self.nodes = _map(roster.nodes)
        self.by_name = _map(roster.by_name)
        self.by_id = _map(roster.by_id)
        self.by_address = _map(roster.by_address)
        self.devices = _map(roster.devices)
        self.blocks = _map(roster.blocks)
        self.users = roster.users
        self.by_login = _map(roster.by_login)
        self.groups_changed: dict[str, frozenset[str]] = {}
        self.groups = roster.groups
        self.next_number = roster.next_number
        self.ordered, self.last = roster.ordered, roster.last
        self.touched: dict[int, Node | None] = {}
        self.left: dict[str, tuple[int, Node]] = {}
        self.logins: set[str] = set()
        self.users_changed = False

    def make(self, change: TailnetChange, path: str) -> None:
        match change:
            case NodeJoined(node):
                if node.id in self.by_id:
                    self._refuse(
                        "tailnet-duplicate-id", f"the id `{node.id}` is already taken", path
                    )
                elif self._fits(node, path):
                    self._join(node)
            case NodeLeft(node_id):
                number = self._known(node_id, path)
                if number is not None:
                    self.left[node_id] = number, self.nodes[number]
                    self._take(number)
            case NodeChanged(node):
                number = self._known(node.id, path)
                if number is not None:
                    before = self.nodes[number]
                    self._take(number)
                    if self._fits(node, path):
                        self._put(number, node, before)
            case UserJoined(user):
                if user.login in self.by_login:
                    message = f"the login `{user.login}` is already taken"
                    self._refuse("tailnet-duplicate-login", message, path)
                else:
                    self._put_user(user)
                    self.users = (*self.users, user)
            case UserChanged(user):
                if self._known_user(user.login, path):
                    self._put_user(user)
                    self.users = tuple(user if u.login == user.login else u for u in self.users)
            case UserLeft(login):
                if self._known_user(login, path):
                    self._take_user(login, path)
            case GroupChanged(name, members):
                self._change_group(name, members)
            case _:
                assert_never(change)

    def _join(self, node: Node) -> None:
        if node.id in self.left:
            # It is back before anybody could see that it was gone.
            number, before = self.left.pop(node.id)
            self._put(number, node, before)
        else:
            self._put(self.next_number, node)
            self.next_number += 1

    def _fits(self, node: Node, path: str) -> bool:
        """Refuse a node that can't be in this tailnet; return whether it can."""
        before = len(self.findings)
        if node.name.casefold() in self.by_name:
            message = f"the name `{node.name}` is already taken"
            self._refuse("tailnet-duplicate-name", message, path)
        if bool(node.tags) == (node.user is not None):
            message = f"the node `{node.name}` needs either a user or tags"
            code = "tailnet-user-and-tags" if node.tags else "tailnet-no-identity"
            self._refuse(code, message, path)
        if node.user is not None and node.user not in self.by_login:
            self._refuse("tailnet-unknown-user", f"there is no user `{node.user}`", path)
        if not node.addresses:
            self._refuse("tailnet-no-address", f"the node `{node.name}` has no address", path)
        for address in node.addresses:
            if address_key(address) in self.by_address:
                message = f"the address {address} is already taken"
                self._refuse("tailnet-duplicate-address", message, path)
        return len(self.findings) == before

    def _put(self, number: int, node: Node, before: Node | None = None) -> None:
        self.touched.setdefault(number, before)
        self.nodes = self.nodes.set(number, node)
        self.by_name = self.by_name.set(node.name.casefold(), number)
        self.by_id = self.by_id.set(node.id, number)
        for address in node.addresses:
            self.by_address = self.by_address.set(address_key(address), number)
            self._count(address, 1)
        if node.user is not None:
            self.devices = self.devices.set(node.user, self.devices.get(node.user, 0) + 1)
        key = creation_order(node)
        if before is None:
            # A node with a new number comes last in the order of numbers.
            self.ordered = self.ordered and key > self.last
            self.last = max(key, self.last)
        elif creation_order(before) != key:
            self.ordered = False

    def _take(self, number: int) -> None:
        node = self.nodes[number]
        self.touched.setdefault(number, node)
        self.nodes = self.nodes.delete(number)
        self.by_name = self.by_name.delete(node.name.casefold())
        self.by_id = self.by_id.delete(node.id)
        for address in node.addresses:
            self.by_address = self.by_address.delete(address_key(address))
            self._count(address, -1)
        if node.user is not None:
            self.devices = self.devices.set(node.user, self.devices[node.user] - 1)

    def _count(self, address: Address, more: int) -> None:
        block = _block(address.family, address.value)
        left = self.blocks.get(block, 0) + more
        self.blocks = self.blocks.set(block, left) if left else self.blocks.delete(block)

    def _put_user(self, user: User) -> None:
        self.by_login = self.by_login.set(user.login, user)
        self.logins.add(user.login)
        self.users_changed = True

    def _take_user(self, login: str, path: str) -> None:
        if self.devices.get(login, 0):
            message = f"the user `{login}` still has nodes"
            self._refuse("tailnet-user-with-nodes", message, path)
            return
        self.by_login = self.by_login.delete(login)
        self.users = tuple(user for user in self.users if user.login != login)
        self.logins.add(login)
        self.users_changed = True

    def _change_group(self, name: str, members: tuple[str, ...] | None) -> None:
        before = self.groups.get(name, ())
        self.groups_changed.setdefault(name, frozenset(before))
        self.groups = {key: value for key, value in self.groups.items() if key != name}
        if members is not None:
            self.groups = {**self.groups, name: tuple(dict.fromkeys(members))}
        self.logins.update(set(before).symmetric_difference(members or ()))

    def _known(self, node_id: str, path: str) -> int | None:
        number = self.by_id.get(node_id)
        if number is None:
            self._refuse("tailnet-unknown-node", f"no node has the id `{node_id}`", path)
        return number

    def _known_user(self, login: str, path: str) -> bool:
        if login not in self.by_login:
            self._refuse("tailnet-unknown-user", f"there is no user `{login}`", path)
            return False
        return True

    def _refuse(self, code: str, message: str, path: str) -> None:
        label = Label(None, "", path)
        self.findings.append(Diagnostic(code, Severity.ERROR, message, label))

    def step(self) -> Step:
        old = self.old
        roster = replace(
            old, nodes=self.nodes, by_name=self.by_name, by_id=self.by_id,
            by_address=self.by_address, devices=self.devices, blocks=self.blocks,
            users=self.users, by_login=self.by_login, groups=self.groups, ordered=self.ordered,
            next_number=self.next_number, last=self.last, _tailnet=[],
            _user_order=[] if self.users_changed else old._user_order,
        )  # fmt: skip
        groups = tuple(
            (name, before - after, after - before)
            for name, before in self.groups_changed.items()
            if before != (after := frozenset(self.groups.get(name, ())))
        )
        return Step(
            roster, tuple(self._node_steps()), frozenset(self.logins), groups, self.users_changed
        )

    def _node_steps(self) -> Iterator[NodeStep]:
        for number, before in self.touched.items():
            after = self.nodes.get(number)
            if before != after:
                yield NodeStep(number, before, after)


def address_key(address: Address) -> int:
    """Return a number that stands for an address; numbers are quicker keys than addresses."""
    return address.value << 1 | (address.family is Family.V6)


def _block(family: Family, value: int) -> tuple[Family, int]:
    return family, value >> (16 if family is Family.V4 else 80)


def _map(mapping: Mapping[K, V]) -> Map[K, V]:
    """Return the persistent map that *mapping* is."""
    assert isinstance(mapping, Map)
    return mapping
