"""The tailnet: a snapshot of users, nodes and services, which every later phase reads.

All of it is data: frozen, picklable, without a trace of how it was read. `Tailnet.from_dict` reads
the shape of the tailnet file; `aclkit.tailnet.load` reads texts and files.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, Literal, NamedTuple, TypeAlias

from aclkit.addresses import Address, Family, Prefix
from aclkit.limits import TailnetLimits
from aclkit.tailnet.times import time_text

PostureValue: TypeAlias = str | int | float | bool
UserType: TypeAlias = Literal["member", "shared"]

_DEFAULT_LIMITS = TailnetLimits()


class Role(StrEnum):
    """What a user may administer. It decides the autogroups of roles and nothing else."""

    OWNER = "owner"
    ADMIN = "admin"
    IT_ADMIN = "it-admin"
    NETWORK_ADMIN = "network-admin"
    BILLING_ADMIN = "billing-admin"
    AUDITOR = "auditor"
    MEMBER = "member"


class UnknownNameError(KeyError):
    """A name that the tailnet does not have. The message is one sentence, with a near miss."""

    def __str__(self) -> str:
        # KeyError shows the repr of its argument, which is for keys and not for sentences.
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class User:
    """A person.

    Attributes:
        login: what policies call the user; compared exactly.
        name: how the user is shown.
        type: `shared` users belong to another tailnet and are not in `autogroup:member`.
        provider_id: the user's id at the identity provider, which Headscale compares first.
    """

    login: str
    name: str
    role: Role = Role.MEMBER
    type: UserType = "member"
    provider_id: str | None = None


@dataclass(frozen=True, slots=True)
class Node:
    """A device. It has either a user or tags.

    Attributes:
        name: unique in the tailnet without regard to case.
        id: unique in the tailnet and compared exactly; the name where none is given.
        user: the login of the owner; None on a tagged node.
        tags: sorted, each once; empty on a user's node.
        addresses: IPv4 first, else in the order of the file.
        advertised_routes: what the node offers to route, each once, in the order of the file.
        approved_routes: the part of it that is in force. None: what the policy auto-approves is.
        online: an offline router is never primary.
        created: a number that grows with the time of creation; None when unknown. It is a rank, or
            nanoseconds since 1970 (UTC) where `Tailnet.created_as` is ``"time"``.
        posture: the attributes that posture assertions look at.
    """

    name: str
    id: str = ""
    user: str | None = None
    tags: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    advertised_routes: tuple[Prefix, ...] = ()
    approved_routes: tuple[Prefix, ...] | None = None
    online: bool = True
    created: int | None = None
    posture: Mapping[str, PostureValue] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if not self.id:
            object.__setattr__(self, "id", self.name)

    @property
    def is_tagged(self) -> bool:
        """Return whether tags, and not a user, are the identity of this node."""
        return bool(self.tags)

    @property
    def ipv4(self) -> Address | None:
        """Return the first IPv4 address."""
        return next((each for each in self.addresses if each.family is Family.V4), None)

    @property
    def ipv6(self) -> Address | None:
        """Return the first IPv6 address."""
        return next((each for each in self.addresses if each.family is Family.V6), None)


@dataclass(frozen=True, slots=True)
class Service:
    """A service with addresses of its own, served by nodes.

    Attributes:
        name: ``svc:`` and a DNS label.
        tags: sorted, each once.
        hosts: names of the nodes that serve it, as those nodes are named.
        approved: whether those nodes may serve it.
    """

    name: str
    tags: tuple[str, ...] = ()
    addresses: tuple[Address, ...] = ()
    hosts: tuple[str, ...] = ()
    approved: bool = True


def creation_order(node: Node) -> tuple[bool, int, str]:
    """Return the key that sorts nodes by creation, unknown last, then by name."""
    return node.created is None, node.created or 0, node.name


class _NodeIndex(NamedTuple):
    by_name: Mapping[str, Node]
    """By name with its case folded."""
    by_id: Mapping[str, Node]


@dataclass(frozen=True, slots=True, repr=False)
class Tailnet:
    """One state of a tailnet.

    Attributes:
        domains: what `localpart:` and `user:*@` may name.
        users: in the order of creation, which SSH rules with `localpart:` follow.
        groups: groups synced from an identity provider, to the logins of their members.
        nodes: in the order of creation (see `creation_order`), which decides elections; put into
            that order here, in whatever order they are given.
        created_as: what `Node.created` counts.
        assumed: whether a policy implied this tailnet, because none was given.
    """

    domains: tuple[str, ...] = ()
    users: tuple[User, ...] = ()
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    nodes: tuple[Node, ...] = ()
    services: tuple[Service, ...] = ()
    created_as: Literal["time", "rank"] = "rank"
    assumed: bool = False
    # Filled by the first look-up; lists, since one append is seen whole or not at all.
    _node_index: list[_NodeIndex] = field(
        default_factory=list, init=False, repr=False, compare=False
    )
    _user_index: list[Mapping[str, User]] = field(
        default_factory=list, init=False, repr=False, compare=False
    )

    def __repr__(self) -> str:
        return f"<Tailnet: {len(self.users)} users, {len(self.nodes)} nodes>"

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(sorted(self.nodes, key=creation_order)))

    @classmethod
    def from_dict(cls, data: object, *, limits: TailnetLimits = _DEFAULT_LIMITS) -> Tailnet:
        """Read what the tailnet file holds, given as dicts, lists and scalars.

        Raises:
            TailnetError: *data* has the wrong shape, names what is not there, contradicts itself,
                or is over a limit. Its diagnostics name every such place by its path.
        """
        # Imported here, as pydantic takes longer to import than all the rest of aclkit.
        from aclkit.tailnet.lower import lower_tailnet

        tailnet, findings = lower_tailnet(data, limits)
        findings.raise_if_any()
        return tailnet

    def find_node(self, name_or_id: str) -> Node | None:
        """Return the node of that name, in any case; if there is none, the node of that id.

        None if there is neither; unlike `node`, it does not look for names that are similar.
        """
        if not self._node_index:
            names = {node.name.casefold(): node for node in self.nodes}
            self._node_index.append(_NodeIndex(names, {node.id: node for node in self.nodes}))
        index = self._node_index[0]
        return index.by_name.get(name_or_id.casefold()) or index.by_id.get(name_or_id)

    def node(self, name_or_id: str) -> Node:
        """Return the node of that name, in any case; if there is none, the node of that id.

        Raises:
            UnknownNameError: there is neither.
        """
        node = self.find_node(name_or_id)
        if node is None:
            raise UnknownNameError(_unknown("node", name_or_id, [each.name for each in self.nodes]))
        return node

    def user(self, login: str) -> User:
        """Return the user with that login.

        Raises:
            UnknownNameError: there is none.
        """
        if not self._user_index:
            self._user_index.append({user.login: user for user in self.users})
        user = self._user_index[0].get(login)
        if user is None:
            raise UnknownNameError(_unknown("user", login, [each.login for each in self.users]))
        return user

    def to_dict(self) -> dict[str, Any]:
        """Return the content of a tailnet file; `from_dict` makes an equal tailnet of it.

        What `from_dict` fills in anyway is left out. That a policy implied this tailnet is too.
        """
        data: dict[str, Any] = {"domains": list(self.domains)}
        data["users"] = [_user_data(user) for user in self.users]
        if self.groups:
            data["groups"] = {name: list(members) for name, members in self.groups.items()}
        data["nodes"] = [self._node_data(node) for node in self.nodes]
        if self.services:
            data["services"] = [_service_data(service) for service in self.services]
        return data

    def _node_data(self, node: Node) -> dict[str, Any]:
        data: dict[str, Any] = {"name": node.name}
        if node.user is not None:
            data["user"] = node.user
        if node.tags:
            data["tags"] = list(node.tags)
        data["addresses"] = _texts(node.addresses)
        if node.advertised_routes:
            data["advertised_routes"] = _texts(node.advertised_routes)
        if node.approved_routes is not None:
            data["approved_routes"] = _texts(node.approved_routes)
        if not node.online:
            data["online"] = False
        if node.created is not None:
            as_time = self.created_as == "time"
            data["created"] = time_text(node.created) if as_time else node.created
        if node.posture:
            data["posture"] = dict(node.posture)
        if node.id != node.name:
            data["id"] = node.id
        return data


def _user_data(user: User) -> dict[str, Any]:
    data: dict[str, Any] = {"login": user.login, "name": user.name, "role": user.role.value}
    if user.type != "member":
        data["type"] = user.type
    if user.provider_id is not None:
        data["provider_id"] = user.provider_id
    return data


def _service_data(service: Service) -> dict[str, Any]:
    return {
        "name": service.name,
        "tags": list(service.tags),
        "addresses": _texts(service.addresses),
        "hosts": list(service.hosts),
        "approved": service.approved,
    }


def _texts(values: Iterable[Address | Prefix]) -> list[str]:
    return [str(value) for value in values]


def _unknown(kind: str, name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    hint = f"; did you mean `{near[0]}`?" if near else ""
    return f"the tailnet has no {kind} `{name}`{hint}"
