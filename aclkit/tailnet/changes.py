"""What can happen to a tailnet between two looks at it, as data.

A change names a node by its id, a user by its login, a group and a service by its name.
`Roster.after` applies changes, all of them or none, under the rules of the tailnet file. Nothing in
Python holds those who write them to the types of attributes; `check_types` does.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import NoneType
from typing import NamedTuple, TypeAlias, get_args

from aclkit.addresses import Address, Prefix
from aclkit.tailnet.findings import printable
from aclkit.tailnet.model import Node, PostureValue, Role, Service, User, UserType


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


class _Field(NamedTuple):
    """What an attribute may be; a subclass is as good as its class, but a bool is no number.

    Attributes:
        items: what each item of a list or tuple, or each value of a mapping, may be.
        parts: the attributes of the value itself.
        words: the only texts that the value may be; empty where it may be any.
    """

    name: str
    kinds: tuple[type, ...] = (str,)
    items: tuple[type, ...] = ()
    parts: tuple[_Field, ...] = ()
    words: tuple[str, ...] = ()


_NODE = (
    _Field("name"),
    _Field("id"),
    _Field("user", (str, NoneType)),
    _Field("tags", (tuple, list), (str,)),
    _Field("addresses", (tuple, list), (Address,)),
    _Field("advertised_routes", (tuple, list), (Prefix,)),
    _Field("approved_routes", (tuple, list, NoneType), (Prefix,)),
    _Field("online", (bool,)),
    _Field("created", (int, NoneType)),
    _Field("posture", (dict, Mapping), get_args(PostureValue)),
)
_USER = (
    _Field("login"),
    _Field("name"),
    _Field("role", (Role,)),
    _Field("type", words=get_args(UserType)),
    _Field("provider_id", (str, NoneType)),
)
_SERVICE = (
    _Field("name"),
    _Field("tags", (tuple, list), (str,)),
    _Field("addresses", (tuple, list), (Address,)),
    _Field("hosts", (tuple, list), (str,)),
    _Field("approved", (bool,)),
)
_CHANGES: Mapping[type, tuple[_Field, ...]] = {
    NodeJoined: (_Field("node", (Node,), parts=_NODE),),
    NodeChanged: (_Field("node", (Node,), parts=_NODE),),
    NodeLeft: (_Field("id"),),
    UserJoined: (_Field("user", (User,), parts=_USER),),
    UserChanged: (_Field("user", (User,), parts=_USER),),
    UserLeft: (_Field("login"),),
    GroupChanged: (_Field("name"), _Field("members", (tuple, list, NoneType), (str,))),
    ServiceChanged: (_Field("service", (Service,), parts=_SERVICE),),
    ServiceLeft: (_Field("name"),),
}
_READERS: Mapping[type, str] = {
    Address: "read it with parse_address",
    Prefix: "read it with parse_prefix",
    Role: "make it one with Role",
}
_ADVICE: Mapping[type, str] = {
    Node: "put it into a NodeJoined or a NodeChanged",
    User: "put it into a UserJoined or a UserChanged",
    Service: "put it into a ServiceChanged",
    str: "a node that is gone is NodeLeft(id)",
}


def check_types(change: object, place: str) -> None:
    """Hold *change* to the types of its attributes, before anything looks into it.

    A list will do where a tuple is asked for.

    Raises:
        TypeError: it is no change, or an attribute is of another type; its place begins with
            *place*, which is that of the change.
    """
    for kind, fields in _CHANGES.items():
        if isinstance(change, kind):
            _check(change, fields, place)
            return
    advice = next((words for kind, words in _ADVICE.items() if isinstance(change, kind)), "")
    if isinstance(change, Iterable) and not advice:
        advice = "pass each change by itself: apply(*changes)"
    message = f"{place} is {_kind(type(change))}, not a change of a tailnet"
    raise TypeError(f"{message}; {advice}" if advice else message)


# Most values are of just the class that is asked for, and a join is to cost little: so each check
# looks at the type itself first.


def _check(value: object, fields: tuple[_Field, ...], place: str) -> None:
    """Raise a TypeError for the first of *fields* that *value* has of another type."""
    for name, kinds, items, parts, words in fields:
        part = getattr(value, name)
        if type(part) not in kinds and not _is_any(part, kinds):
            raise _unlike(part, kinds, f"{place}.{name}")
        if items and part:
            _check_items(part, items, place, name)
        elif words and part not in words:
            wanted = " or ".join(map(repr, words))
            raise TypeError(f"{place}.{name} is {printable(part)!r}, not {wanted}")
        elif parts:
            _check(part, parts, f"{place}.{name}")


def _check_items(
    values: tuple[object, ...] | list[object] | Mapping[object, object],
    kinds: tuple[type, ...],
    place: str,
    name: str,
) -> None:
    """Raise a TypeError for the first item of another type, or name in a mapping that is no str."""
    pairs: Iterable[tuple[object, object]]
    if isinstance(values, (tuple, list)):
        pairs = enumerate(values)
    else:
        pairs = values.items()
        for at in values:
            if not isinstance(at, str):
                raise _unlike(at, (str,), f"the name {at!r} in {place}.{name}")
    for at, item in pairs:
        if type(item) not in kinds and not _is_any(item, kinds):
            step = f'["{printable(at)}"]' if isinstance(at, str) else f"[{at}]"
            raise _unlike(item, kinds, f"{place}.{name}{step}")


def _is_any(value: object, kinds: tuple[type, ...]) -> bool:
    """Return whether *value* is of a subclass of *kinds*; that a bool is an int does not count."""
    return isinstance(value, kinds) and not isinstance(value, bool)


def _unlike(value: object, kinds: tuple[type, ...], place: str) -> TypeError:
    """Return the error that says of which class *value* is, and of which it should be."""
    message = f"{place} is {_kind(type(value))}, not {' or '.join(map(_kind, kinds))}"
    reader = _READERS.get(kinds[0]) if isinstance(value, str) else None
    return TypeError(f"{message}; {reader}" if reader else message)


def _kind(kind: type) -> str:
    """Return the name of a class with its article."""
    if kind is NoneType:
        return "None"
    return f"{'an' if kind.__name__[0] in 'aeioAEIO' else 'a'} {kind.__name__}"
