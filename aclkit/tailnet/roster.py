"""The roster: a tailnet that changes one node at a time, in time that does not grow with it.

A roster is immutable; `after` returns the next one, which shares with it all that stayed. Nodes
have numbers that they keep as long as they are there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeVar, assert_never

from immutables import Map

from aclkit.addresses import Address, Family, Prefix
from aclkit.diagnostics import Diagnostic, Label, Severity, TailnetError
from aclkit.tailnet import rules
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    ServiceChanged,
    ServiceLeft,
    TailnetChange,
    UserChanged,
    UserJoined,
    UserLeft,
    check_types,
)
from aclkit.tailnet.findings import FieldError, Findings, printable
from aclkit.tailnet.layered import Layered
from aclkit.tailnet.model import Node, Service, Tailnet, User, creation_order
from aclkit.tailnet.services import Services

_V6 = Family.V6
K = TypeVar("K")
V = TypeVar("V")

_SWAP = "; two nodes that swap both leave and join in one `apply`"


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
        services_changed: whether a service came, went or changed; other names of hosts are none.
    """

    roster: Roster
    nodes: tuple[NodeStep, ...]
    logins: frozenset[str]
    groups: tuple[tuple[str, frozenset[str], frozenset[str]], ...]
    users_changed: bool
    services_changed: bool = False

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
    blocks: Mapping[int, int]
    """How many addresses of nodes lie in each block of a persistent roster: /16, or /48 of IPv6.

    By the `address_key` of a block's number."""
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
    _service_index: list[Services] = field(default_factory=list, repr=False, compare=False)

    def __repr__(self) -> str:
        return f"<Roster: {len(self.users)} users, {len(self.nodes)} nodes>"

    @classmethod
    def of(cls, tailnet: Tailnet) -> Roster:
        """Return the roster of *tailnet*; nodes are numbered in the order of creation.

        What `load_tailnet` returns is right. Of a tailnet made by hand only this is checked here,
        for time: no two nodes have a name, an id or an address in common.

        Raises:
            TailnetError: two nodes have; its places are those in `Tailnet.nodes`.
        """
        nodes = tailnet.nodes
        numbered = dict(enumerate(nodes))
        # Most names have no case to fold; then no second text is kept for them.
        by_name = {
            node.name if (name := node.name.casefold()) == node.name else name: number
            for number, node in numbered.items()
        }
        # As `address_key` has it; a call for each address would take half of all the time.
        by_address = {
            address.value << 1 | (address.family is _V6): number
            for number, node in numbered.items()
            for address in node.addresses
        }
        by_id = {node.id: number for number, node in numbered.items()}
        addresses = sum([len(node.addresses) for node in nodes])
        if not len(by_name) == len(by_id) == len(nodes) or len(by_address) != addresses:
            doubles = rules.doubles(nodes)
            raise TailnetError([_diagnostic(fault, f"nodes[{at}]") for at, fault in doubles])
        return cls(
            numbered,
            by_name,
            by_id,
            by_address,
            Counter([node.user for node in nodes if node.user is not None]),
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
        # As `_block` has it, without a call for each address.
        blocks = [k >> 80 | 1 if k & 1 else k >> 16 & ~1 for k in self.by_address]
        return replace(
            self, blocks=Map(Counter(blocks)),
            nodes=Map(self.nodes), devices=Map(self.devices), by_login=Map(self.by_login),
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
        ends = Address(prefix.family, prefix.first), Address(prefix.family, prefix.last)
        first, last = (_block(address_key(end)) for end in ends)
        inside = range(first, last + 1, 2)
        if len(inside) < len(self.blocks):
            return any(block in self.blocks for block in inside)
        return any(block in inside for block in self.blocks)

    @property
    def user_order(self) -> Mapping[str, int]:
        """Return the place of each user in the order of creation."""
        if not self._user_order:
            self._user_order.append({user.login: place for place, user in enumerate(self.users)})
        return self._user_order[0]

    @property
    def service_index(self) -> Services:
        """Return the services, found by name and address."""
        if not self._service_index:
            self._service_index.append(Services.of(self.services, self.by_name))
        return self._service_index[0]

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
            TypeError: one is no change, or an attribute in it is of another type than it should be.
        """
        draft = _Draft(self)
        for index, change in enumerate(changes):
            path = f"changes[{index}]"
            check_types(change, path)
            draft.make(change, path)
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
        self.folded_ids: dict[str, str] = {}
        self.near = Findings()
        self.nodes = _map(roster.nodes)
        self.by_name = Layered.over(roster.by_name)
        self.by_id = Layered.over(roster.by_id)
        self.by_address = Layered.over(roster.by_address)
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
        self.services = roster.service_index

    def make(self, change: TailnetChange, path: str) -> None:
        match change:
            case NodeJoined(node):
                node = rules.tidy_node(node)
                if node.id in self.by_id:
                    self._refuse(rules.id_taken(node.id), path)
                elif self._fits(node, path):
                    self._join(node)
            case NodeLeft(node_id):
                number = self._known(node_id, path)
                if number is not None:
                    self.left[node_id] = number, self.nodes[number]
                    self._take(number)
            case NodeChanged(node):
                number = self._known(node.id, path, "apply NodeJoined for a node that is new")
                if number is not None:
                    before = self.nodes[number]
                    self._take(number)
                    node = rules.tidy_node(node)
                    if self._fits(node, path):
                        self._put(number, node, before)
            case UserJoined(user):
                if user.login in self.by_login:
                    self._refuse(rules.login_taken(user.login), path)
                elif self._passes(rules.user_faults(user), path):
                    self._put_user(user)
                    self.users = (*self.users, user)
            case UserChanged(user):
                advice = "apply UserJoined for a user who is new"
                if self._known_user(user.login, path, advice) and self._passes(
                    rules.user_faults(user), path
                ):
                    self._put_user(user)
                    self.users = tuple(user if u.login == user.login else u for u in self.users)
            case UserLeft(login):
                if self._known_user(login, path):
                    self._take_user(login, path)
            case GroupChanged(name, members):
                if self._passes(rules.group_faults(name, members or ()), path):
                    self._change_group(name, members)
            case ServiceChanged(service):
                self._change_service(rules.tidy_service(service), path)
            case ServiceLeft(name):
                if name in self.services.by_name:
                    self.services = self.services.without(name)
                else:
                    message = f"there is no service `{printable(name)}`"
                    near = self.near.near_miss(name, self.services.by_name)
                    self._refuse(FieldError("tailnet-unknown-service", message, near), path)
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
        self._passes(rules.node_faults(node), path)
        number = self.by_name.get(node.name.casefold())
        if number is not None:
            self._refuse(rules.name_taken(node.name, self.nodes[number].name), path, _SWAP)
        if node.user is not None and node.user not in self.by_login:
            self._refuse(rules.unknown_user(node.user, "apply UserJoined first"), path)
        self._hold_apart(node.addresses, path)
        return len(self.findings) == before

    def _hold_apart(self, addresses: tuple[Address, ...], path: str, service: str = "") -> None:
        """Refuse addresses that a node has, or a service but *service*, or that come twice."""
        for place, address in enumerate(addresses):
            of_node = address_key(address) in self.by_address
            if (
                of_node
                or self.services.addresses.get(address, service) != service
                or address in addresses[:place]
            ):
                more = _SWAP if of_node and not service else ""
                self._refuse(rules.address_taken(address), path, more)

    def _change_service(self, service: Service, path: str) -> None:
        before = len(self.findings)
        self._passes(rules.service_faults(service), path)
        folded = service.name.casefold()
        if any(n != service.name and n.casefold() == folded for n in self.services.by_name):
            self._refuse(rules.service_given_twice(service.name), path)
        for host in service.hosts:
            if host.casefold() not in self.by_name:
                self._refuse(rules.unknown_host(host, service.name), path)
        self._hold_apart(service.addresses, path, service.name)
        if len(self.findings) == before:
            self.services = self.services.having(service, self.by_name)

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
        block = _block(address_key(address))
        left = self.blocks.get(block, 0) + more
        self.blocks = self.blocks.set(block, left) if left else self.blocks.delete(block)

    def _put_user(self, user: User) -> None:
        self.by_login = self.by_login.set(user.login, user)
        self.logins.add(user.login)
        self.users_changed = True

    def _take_user(self, login: str, path: str) -> None:
        if self.devices.get(login, 0):
            message = f"the user `{printable(login)}` still has nodes"
            advice = "its nodes leave before it, or change hands"
            self._refuse(FieldError("tailnet-user-with-nodes", message, advice), path)
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

    def _known(self, node_id: str, path: str, advice: str | None = None) -> int | None:
        number = self.by_id.get(node_id)
        if number is None:
            message = f"no node has the id `{printable(node_id)}`"
            advice = self._meant(node_id) or advice
            self._refuse(FieldError("tailnet-unknown-node", message, advice), path)
        return number

    def _meant(self, node_id: str) -> str | None:
        """Return which id may have been meant by one that no node has."""
        if not self.folded_ids:
            # Once for all changes: a thousand wrong ids must not look at every node each.
            self.folded_ids = {each.casefold(): each for each in self.by_id}
        alike = self.folded_ids.get(node_id.casefold())
        if alike is not None and alike in self.by_id:
            return f"ids are compared exactly; did you mean `{printable(alike)}`?"
        number = self.by_name.get(node_id.casefold())
        if number is not None:
            return f"the node of that name has the id `{printable(self.nodes[number].id)}`"
        near = self.near.near_miss(node_id, self.by_id)
        return f"ids are compared exactly; {near}" if near else None

    def _known_user(self, login: str, path: str, advice: str | None = None) -> bool:
        if login not in self.by_login:
            self._refuse(rules.unknown_user(login, advice), path)
            return False
        return True

    def _passes(self, faults: Iterable[FieldError], path: str) -> bool:
        """Refuse all *faults*; return whether there are none."""
        before = len(self.findings)
        for fault in faults:
            self._refuse(fault, path)
        return len(self.findings) == before

    def _refuse(self, fault: FieldError, path: str, more: str = "") -> None:
        self.findings.append(_diagnostic(fault, path, more))

    def step(self) -> Step:
        old = self.old
        services, index = old.services, old._service_index
        services_changed = self.services is not old.service_index
        if services_changed or not self.services.serving.isdisjoint(self.touched):
            services = self.services.named(self.nodes)
            index = index if services == old.services else []
        roster = replace(
            old, nodes=self.nodes, by_name=self.by_name, by_id=self.by_id,
            by_address=self.by_address, devices=self.devices, blocks=self.blocks,
            users=self.users, by_login=self.by_login, groups=self.groups, ordered=self.ordered,
            next_number=self.next_number, last=self.last, services=services, _tailnet=[],
            _service_index=index,
            _user_order=[] if self.users_changed else old._user_order,
        )  # fmt: skip
        groups = tuple(
            (name, before - after, after - before)
            for name, before in self.groups_changed.items()
            if before != (after := frozenset(self.groups.get(name, ())))
        )
        return Step(
            roster, tuple(self._node_steps()), frozenset(self.logins), groups, self.users_changed,
            services_changed,
        )  # fmt: skip

    def _node_steps(self) -> Iterator[NodeStep]:
        for number, before in self.touched.items():
            after = self.nodes.get(number)
            if before != after:
                yield NodeStep(number, before, after)


def _diagnostic(fault: FieldError, path: str, more: str = "") -> Diagnostic:
    """Return *fault* at *path*, with *more* at the end of its advice."""
    advice = f"{fault.help or ''}{more}" or None
    return Diagnostic(fault.code, Severity.ERROR, fault.message, Label(None, "", path), help=advice)


def address_key(address: Address) -> int:
    """Return a number that stands for an address; numbers are quicker keys than addresses."""
    return address.value << 1 | (address.family is Family.V6)


def _block(key: int) -> int:
    """Return the key of the block of the address with *key*."""
    return key >> 80 | 1 if key & 1 else key >> 16 & ~1


def _map(mapping: Mapping[K, V]) -> Map[K, V]:
    """Return the persistent map that *mapping* is."""
    assert isinstance(mapping, Map)
    return mapping
