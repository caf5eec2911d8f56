"""What an importer has gathered, made into what the tailnet file takes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from aclkit.addresses import Address, Prefix
from aclkit.tailnet import fields
from aclkit.tailnet.findings import FieldError, printable
from aclkit.tailnet.importers.notes import Notes
from aclkit.tailnet.model import Role
from aclkit.tailnet.times import time_text
from aclkit.wording import listed

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ImportResult:
    """An imported tailnet.

    Attributes:
        tailnet_dict: what `Tailnet.from_dict` takes; its order is a function of the input.
        notes: all that was left out, dropped or assumed; sentences with counts and examples.
    """

    tailnet_dict: dict[str, Any]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftUser:
    """A user as an inventory tells it."""

    login: str
    name: str = ""
    role: str = "member"
    is_shared: bool = False
    provider_id: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class DraftNode:
    """A node as an inventory tells it.

    Attributes:
        label: the name that it should have; where that is taken or no name, it gets `full_name`,
            and where that is, its id.
        user: the login of its owner; looked at only where there are no tags.
        enabled: the routes that are approved; None where the inventory does not say.
        created: nanoseconds since 1970, None when unknown.
    """

    id: str
    label: str
    full_name: str = ""
    user: str = ""
    tags: Sequence[str] = ()
    addresses: Sequence[str] = ()
    advertised: Sequence[str] = ()
    enabled: Sequence[str] | None = None
    created: int | None = None
    posture: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shown(self) -> str:
        """Return how notes call it."""
        return self.label or self.full_name or self.id or "unnamed"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A node that the result holds: its entry, but for the name."""

    draft: DraftNode
    tags: list[str]
    addresses: list[str]
    advertised: list[str]
    approved: list[str] | None
    posture: dict[str, Any]


class Draft:
    """Gathers one import. Users and nodes come in any order that the input decides."""

    def __init__(self) -> None:
        self.notes = Notes()
        self._users: dict[str, DraftUser] = {}
        self._nodes: dict[str, _Kept] = {}
        self._addresses: set[Address] = set()
        self._services: dict[str, dict[str, Any]] = {}
        self._domains: list[str] = []

    def add_domain(self, domain: str) -> None:
        """Take the name of the tailnet for one of its domains, if it is a domain."""
        if "." in domain and _is_read(domain, fields.read_domain):
            self._domains.append(domain)

    def add_user(self, user: DraftUser) -> None:
        """Take a user, in the order of creation; of several with one login the first."""
        if not _is_read(user.login, fields.read_login):
            self.notes.count("left out {} user[|s] whose login can't be read", user.login)
        elif user.login in self._users:
            self.notes.count("left out {} user[|s] with a login that is taken", user.login)
        else:
            self._users[user.login] = user

    def add_node(self, node: DraftNode) -> None:
        """Take a node, unless it has no id, no address or no owner."""
        if not _is_read(node.id, fields.read_name):
            self.notes.count("left out {} device[|s] without an id", node.shown)
            return
        if node.id in self._nodes:
            self.notes.count("left out {} device[|s] with an id that is taken", node.shown)
            return
        tags = sorted(set(self._readable(node.tags, fields.read_tag, "tag[|s]")))
        if node.tags and not tags:
            self.notes.count("left out {} device[|s] without a readable tag", node.shown)
            return
        if not node.tags and ("@" not in node.user or not _is_read(node.user, fields.read_login)):
            self.notes.count("left out {} device[|s] with neither a tag nor a person", node.shown)
            return
        addresses = self._own_addresses(node.addresses)
        if not addresses:
            self.notes.count("left out {} device[|s] without an address", node.shown)
            return
        advertised = self._readable(node.advertised, fields.read_route, "advertised route[|s]")
        self._nodes[node.id] = _Kept(
            node,
            tags,
            [str(address) for address in addresses],
            [str(route) for route in advertised],
            self._approved(node, advertised),
            self._posture(node),
        )

    def add_service(
        self, name: str, tags: Iterable[str], addresses: Iterable[str], host_ids: Iterable[str]
    ) -> None:
        """Take a service after all nodes; its hosts are those that may serve it, by their ids."""
        if not _is_read(name, fields.read_service_name) or name.casefold() in self._services:
            self.notes.count("left out {} service[|s] whose name is taken or can't be read", name)
            return
        self._services[name.casefold()] = {
            "name": name,
            "tags": sorted(set(self._readable(tags, fields.read_tag, "tag[|s]"))),
            "addresses": [str(address) for address in self._own_addresses(addresses)],
            "hosts": list(host_ids),
        }

    def result(self) -> ImportResult:
        """Return the tailnet, and all that there is to tell about it."""
        names = self._names()
        nodes = [self._nodes[node_id] for node_id in names]
        nodes.sort(key=lambda node: _creation_order(node, names))
        for node in nodes:
            if node.draft.created is None:
                self.notes.count(
                    "found no age of {} device[|s]; in elections of routers"
                    " [it comes|they come] last",
                    names[node.draft.id],
                )
        if not nodes:
            self.notes.tell("there is no device in the result")
        users = self._all_users(nodes)
        data: dict[str, Any] = {
            "domains": self._all_domains(users),
            "users": [self._user_entry(user) for user in users],
            "nodes": [_node_entry(node, names[node.draft.id]) for node in nodes],
        }
        if self._services:
            data["services"] = [
                self._service_entry(service, names) for _, service in sorted(self._services.items())
            ]
        return ImportResult(data, self.notes.sentences())

    def _readable(self, values: Iterable[str], reader: Callable[[str], T], what: str) -> list[T]:
        """Return what *reader* makes of *values*, each once; tell what it can't read."""
        read: dict[T, None] = {}
        for value in values:
            try:
                read[reader(value)] = None
            except FieldError:
                self.notes.count(f"dropped {{}} {what} that can't be read", value)
        return list(read)

    def _own_addresses(self, addresses: Iterable[str]) -> list[Address]:
        """Return those of *addresses* that nobody else has, IPv4 first."""
        bare = [address.removesuffix("/32").removesuffix("/128") for address in addresses]
        mine = []
        for address in self._readable(bare, fields.read_address, "address[|es]"):
            if address in self._addresses:
                self.notes.count("dropped {} address[|es] that [is|are] taken", str(address))
            else:
                self._addresses.add(address)
                mine.append(address)
        return sorted(mine, key=lambda address: address.family)

    def _approved(self, node: DraftNode, advertised: list[Prefix]) -> list[str] | None:
        """Return the approved routes, tell of those that carry no traffic."""
        if node.enabled is None:
            return None
        enabled = self._readable(node.enabled, fields.read_route, "approved route[|s]")
        offered = set(advertised)
        for route in enabled:
            if route not in offered:
                self.notes.count(
                    "dropped {} approved route[|s] that the device does not advertise",
                    f"{route} of {node.shown}",
                )
        return [str(route) for route in enabled if route in offered]

    def _posture(self, node: DraftNode) -> dict[str, Any]:
        posture: dict[str, Any] = {}
        folded: set[str] = set()
        for name, value in sorted(node.posture.items()):
            if (
                name.casefold() in folded
                or not _is_read(name, fields.read_name)
                or not _is_read(value, fields.read_attribute)
            ):
                self.notes.count("dropped {} posture attribute[|s] that can't be read", name)
                continue
            folded.add(name.casefold())
            posture[name] = value
        return posture

    def _names(self) -> dict[str, str]:
        """Return names by id, unique without regard to case."""
        labels = Counter(node.draft.label.casefold() for node in self._nodes.values())
        names: dict[str, str] = {}
        taken: set[str] = set()
        crowded = []
        for node_id, node in self._nodes.items():
            label = node.draft.label
            if labels[label.casefold()] == 1 and _is_read(label, fields.read_name):
                names[node_id] = label
                taken.add(label.casefold())
            else:
                crowded.append(node.draft)
        for draft in crowded:
            choices = (draft.full_name, draft.id, f"device-{draft.id}")
            for name in choices:
                if name.casefold() not in taken and _is_read(name, fields.read_name):
                    names[draft.id] = name
                    taken.add(name.casefold())
                    self.notes.count(
                        "gave {} device[|s] a longer name, as the short one is taken or missing",
                        name,
                    )
                    break
            else:
                self.notes.count("left out {} device[|s] of which every name is taken", draft.shown)
        return names

    def _all_users(self, nodes: Iterable[_Kept]) -> list[DraftUser]:
        """Return the users that belong to the tailnet, and those that own a node of it."""
        owners = {node.draft.user for node in nodes if not node.tags}
        users = []
        for user in self._users.values():
            if user.is_shared and user.login not in owners:
                self.notes.count("left out {} user[|s] of other tailnets", user.login)
            else:
                users.append(user)
        for login in sorted(owners.difference(self._users)):
            self.notes.count(
                "added {} user[|s] whom only devices name, as [a member|members]", login
            )
            users.append(DraftUser(login=login))
        return users

    def _all_domains(self, users: Iterable[DraftUser]) -> list[str]:
        """Return the domains of members' logins, and the tailnet's own; the API lists none."""
        logins = (user.login for user in users if not user.is_shared)
        found = [login.rpartition("@")[2] for login in logins]
        # Logins such as `ada@github` name a provider of logins, and not a domain.
        domains = dict.fromkeys(
            domain
            for domain in [*found, *self._domains]
            if "." in domain and _is_read(domain, fields.read_domain)
        )
        if domains:
            named = listed(printable(domain) for domain in domains)
            self.notes.tell(f"took the domains of the tailnet from its logins and name: {named}")
        return list(domains)

    def _user_entry(self, user: DraftUser) -> dict[str, Any]:
        entry: dict[str, Any] = {"login": user.login}
        if _is_read(user.name, fields.read_name):
            entry["name"] = user.name
        elif user.name:
            self.notes.count("dropped {} name[|s] of users that can't be read", user.name)
        if user.role in list(Role):
            entry["role"] = user.role
        else:
            entry["role"] = Role.MEMBER.value
            self.notes.count(
                "took {} user[|s] with an unknown role for [a member|members]", user.login
            )
        if user.is_shared:
            entry["type"] = "shared"
        if _is_read(user.provider_id, fields.read_name):
            entry["provider_id"] = user.provider_id
        return entry

    def _service_entry(self, service: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
        hosts = []
        for host in service["hosts"]:
            if host in names:
                hosts.append(names[host])
            else:
                self.notes.count("dropped {} host[|s] of services that [is|are] not here", host)
        return {**service, "hosts": sorted(set(hosts)), "approved": bool(hosts)}


def _is_read(value: Any, reader: Callable[[Any], object]) -> bool:
    try:
        reader(value)
    except FieldError:
        return False
    return True


def _creation_order(node: _Kept, names: Mapping[str, str]) -> tuple[bool, int, str]:
    created = node.draft.created
    return created is None, created or 0, names[node.draft.id]


def _node_entry(node: _Kept, name: str) -> dict[str, Any]:
    draft = node.draft
    entry: dict[str, Any] = {"name": name}
    if node.tags:
        entry["tags"] = node.tags
    else:
        entry["user"] = draft.user
    entry["addresses"] = node.addresses
    if node.advertised:
        entry["advertised_routes"] = node.advertised
        if node.approved is not None:
            entry["approved_routes"] = node.approved
    if draft.created is not None:
        entry["created"] = time_text(draft.created)
    if node.posture:
        entry["posture"] = node.posture
    entry["id"] = draft.id
    return entry
