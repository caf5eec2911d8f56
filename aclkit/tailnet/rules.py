"""Rules that hold in every tailnet, whether a file describes it or a change makes it.

Here is what is wrong and the words for it; where it is wrong, the reader of the file and the roster
know. Rules of single texts are in `fields`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from operator import attrgetter
from typing import Any

from aclkit.addresses import Address, Prefix
from aclkit.tailnet import fields
from aclkit.tailnet.findings import FieldError, printable
from aclkit.tailnet.model import Node, Service, User

by_family = attrgetter("family")
"""The key that sorts addresses as nodes and services have them: IPv4 first, else as given."""


def name_taken(name: str, other: str) -> FieldError:
    """Say that a node has the name *name*, which is spelt *other* there."""
    spelling = "" if other == name else f", as `{printable(other)}`"
    return FieldError(
        "tailnet-duplicate-name",
        f"the name `{printable(name)}` is already taken{spelling}",
        "rename one of the two nodes; case makes no difference",
    )


def id_taken(node_id: str) -> FieldError:
    """Say that another node has the id *node_id*."""
    return FieldError(
        "tailnet-duplicate-id",
        f"the id `{printable(node_id)}` is already taken",
        "give every node an id of its own; the name of a node without one is its id",
    )


def login_taken(login: str) -> FieldError:
    """Say that another user has the login *login*."""
    message = f"the login `{printable(login)}` is already taken"
    return FieldError("tailnet-duplicate-login", message, "remove one of the two users")


def service_given_twice(name: str) -> FieldError:
    """Say that another service has the name *name*, perhaps in another case."""
    return FieldError(
        "tailnet-duplicate-name",
        f"the service `{printable(name)}` is given twice",
        "remove one of the two, or rename it; case makes no difference",
    )


def address_taken(address: Address) -> FieldError:
    """Say that another node or service has *address*."""
    return FieldError(
        "tailnet-duplicate-address",
        f"the address `{address}` is already taken",
        "give every node and service addresses of its own",
    )


def no_address(name: str) -> FieldError:
    """Say that the node *name* has no address."""
    return FieldError(
        "tailnet-no-address",
        f"the node `{printable(name)}` has no address",
        "give it the addresses that it has in the tailnet",
    )


def no_identity(name: str) -> FieldError:
    """Say that the node *name* belongs to nobody."""
    return FieldError(
        "tailnet-no-identity",
        f"the node `{printable(name)}` has neither a user nor tags",
        "add `user`, the login of its owner, or `tags`",
    )


def user_and_tags(name: str) -> FieldError:
    """Say that the node *name* has two identities."""
    return FieldError(
        "tailnet-user-and-tags",
        f"the node `{printable(name)}` has both a user and tags",
        "keep one of the two: a tagged node belongs to no user",
    )


def unknown_user(login: str, help: str | None = None) -> FieldError:
    """Say that no user has the login *login*."""
    return FieldError("tailnet-unknown-user", f"there is no user `{printable(login)}`", help)


def unknown_host(name: str, service: str, help: str | None = None) -> FieldError:
    """Say that there is no node *name*, which is to serve *service*."""
    message = f"there is no node `{printable(name)}` to serve `{printable(service)}`"
    return FieldError("tailnet-unknown-host", message, help or "name a node of `nodes`")


def unadvertised(route: Prefix) -> FieldError:
    """Say that an approved route is none of those that its node advertises."""
    return FieldError(
        "tailnet-unadvertised-route",
        f"the route `{route}` is approved but not advertised",
        "add it to `advertised_routes`, or remove it: alone it carries no traffic",
    )


def attributes_alike(name: str, other: str) -> FieldError:
    """Say that two posture attributes of a node differ in case only."""
    return FieldError(
        "tailnet-bad-posture",
        f"the attributes `{printable(name)}` and `{printable(other)}` differ in case only",
        "keep one of the two",
    )


def twins(attributes: Iterable[str]) -> Iterator[tuple[str, str]]:
    """Yield each attribute that differs in case only from an earlier one, and that one."""
    folded: dict[str, str] = {}
    for name in attributes:
        other = folded.setdefault(name.casefold(), name)
        if other != name:
            yield name, other


def tidy_node(node: Node) -> Node:
    """Return a copy of *node* with its lists as `Node` has them, in order and each value once.

    Addresses are put in order only: one that is given twice is a fault. The posture is copied too,
    so that nobody who holds the one that was given can change what was said of the past.
    """
    approved = node.approved_routes
    return replace(
        node,
        tags=tuple(sorted(set(node.tags))),
        addresses=tuple(sorted(node.addresses, key=by_family)),
        advertised_routes=tuple(dict.fromkeys(node.advertised_routes)),
        approved_routes=None if approved is None else tuple(dict.fromkeys(approved)),
        posture=dict(node.posture),
    )


def node_faults(node: Node) -> Iterator[FieldError]:
    """Yield what is wrong with a node, whatever else is in its tailnet."""
    for name in dict.fromkeys((node.name, node.id)):
        yield from unreadable(fields.read_name, name)
    for tag in node.tags:
        yield from unreadable(fields.read_tag, tag)
    if node.tags and node.user is not None:
        yield user_and_tags(node.name)
    elif not node.tags and node.user is None:
        yield no_identity(node.name)
    if not node.addresses:
        yield no_address(node.name)
    for route in sorted(set(node.approved_routes or ()).difference(node.advertised_routes)):
        yield unadvertised(route)
    for attribute, value in node.posture.items():
        yield from unreadable(fields.read_name, attribute)
        yield from unreadable(fields.read_attribute, value)
    for name, other in twins(node.posture):
        yield attributes_alike(name, other)


def doubles(nodes: Iterable[Node]) -> Iterator[tuple[int, FieldError]]:
    """Yield each name, id and address that an earlier node has, with the place of the later one."""
    names: dict[str, str] = {}
    ids: set[str] = set()
    addresses: set[Address] = set()
    for place, node in enumerate(nodes):
        other = names.get(node.name.casefold())
        if other is not None:
            yield place, name_taken(node.name, other)
        names[node.name.casefold()] = node.name
        if node.id in ids:
            yield place, id_taken(node.id)
        ids.add(node.id)
        for address in node.addresses:
            if address in addresses:
                yield place, address_taken(address)
            addresses.add(address)


def user_faults(user: User) -> Iterator[FieldError]:
    """Yield what is wrong with a user, whoever else is in the tailnet."""
    yield from unreadable(fields.read_login, user.login)
    yield from unreadable(fields.read_name, user.name)
    if user.provider_id is not None:
        yield from unreadable(fields.read_name, user.provider_id)


def group_faults(name: str, members: Iterable[str]) -> Iterator[FieldError]:
    """Yield what is wrong with a synced group."""
    yield from unreadable(fields.read_group, name)
    for login in members:
        yield from unreadable(fields.read_login, login)


def tidy_service(service: Service) -> Service:
    """Return *service* with its lists as `Service` has them, but for the names of its hosts."""
    return replace(
        service,
        tags=tuple(sorted(set(service.tags))),
        addresses=tuple(sorted(service.addresses, key=by_family)),
        hosts=tuple(service.hosts),
    )


def service_faults(service: Service) -> Iterator[FieldError]:
    """Yield what is wrong with a service, whatever else is in its tailnet."""
    yield from unreadable(fields.read_service_name, service.name)
    for tag in service.tags:
        yield from unreadable(fields.read_tag, tag)


def unreadable(reader: Callable[[Any], object], value: object) -> Iterator[FieldError]:
    """Yield why *reader* can't take *value*, if it can't."""
    try:
        reader(value)
    except FieldError as fault:
        yield fault
