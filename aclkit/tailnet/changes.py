"""What can happen to a tailnet between two looks at it, as data.

A change names a node by its id, a user by its login, a group and a service by its name.
`Roster.after` applies changes, all of them or none, under the rules of the tailnet file.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from aclkit.tailnet.model import Node, Service, User


@dataclass(frozen=True, slots=True)
class NodeJoined:
    """A node that was not there before."""

    node: Node


@dataclass(frozen=True, slots=True)
class NodeLeft:
    """The node with this id is gone."""

    id: str


@dataclass(frozen=True, slots=True)
class NodeChanged:
    """The node with the id of *node* is now as *node* says, whatever it was before."""

    node: Node


@dataclass(frozen=True, slots=True)
class UserJoined:
    """A user that was not there before; stands last in the order of creation."""

    user: User


@dataclass(frozen=True, slots=True)
class UserChanged:
    """The user with the login of *user* is now as *user* says."""

    user: User


@dataclass(frozen=True, slots=True)
class UserLeft:
    """The user with this login is gone; no node of the user may be left."""

    login: str


@dataclass(frozen=True, slots=True)
class GroupChanged:
    """A group that an identity provider keeps has these members now; None when it is gone.

    A group of the same name in the policy hides it.
    """

    name: str
    members: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class ServiceChanged:
    """The service with the name of *service* is now as *service* says; it may be a new one.

    Its hosts stay its hosts when they are renamed, and until they leave.
    """

    service: Service


@dataclass(frozen=True, slots=True)
class ServiceLeft:
    """The service with this name is gone."""

    name: str


TailnetChange: TypeAlias = (
    NodeJoined
    | NodeLeft
    | NodeChanged
    | UserJoined
    | UserChanged
    | UserLeft
    | GroupChanged
    | ServiceChanged
    | ServiceLeft
)
