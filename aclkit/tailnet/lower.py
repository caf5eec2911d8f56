"""Data of the tailnet file to a `Tailnet`: what the entries mean, and whether they agree.

An entry of the wrong shape is noted and left out; the others are still read and compared, so that
one reading tells all that is wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from aclkit.limits import TailnetLimits
from aclkit.policy.other_files import FileKind, kind_of_data
from aclkit.tailnet import fields, rules
from aclkit.tailnet.findings import Findings, Path, TooManyFindingsError
from aclkit.tailnet.lower_nodes import lower_nodes
from aclkit.tailnet.model import Role, Service, Tailnet, User
from aclkit.tailnet.reading import OverLimitError, Reading, text_at
from aclkit.tailnet.shapes import SERVICE, TAILNET, USER, ServiceShape, TailnetShape, UserShape


def lower_tailnet(data: object, limits: TailnetLimits) -> tuple[Tailnet, Findings]:
    """Return the tailnet that *data* describes and what is wrong with it.

    The tailnet is of use only when nothing is.
    """
    reading = Reading(Findings(), limits)
    try:
        tailnet = _lower(data, reading)
    except (TooManyFindingsError, OverLimitError):
        tailnet = Tailnet()
    if reading.findings.found:
        _name_other_file(data, reading.findings)
    return tailnet, reading.findings


def _name_other_file(data: object, findings: Findings) -> None:
    """Leave one finding where all else follows from it: that *data* is another kind of file."""
    kind = kind_of_data(data)
    if kind is not None and kind is not FileKind.TAILNET:
        findings.found[:] = [replace(findings.found[0], help=kind.advice)]


def _lower(data: object, reading: Reading) -> Tailnet:
    sections = _sections(data, reading)
    domains = sections.get("domains", [])
    reading.charge(len(domains), ("domains",))
    own_domains = reading.unique(domains, fields.read_domain, ("domains",))
    groups = _groups(sections.get("groups", {}), reading)
    users = _users(sections["users"], reading) if "users" in sections else None
    nodes, created_as = lower_nodes(sections.get("nodes", []), reading)
    if "nodes" not in sections and isinstance(data, dict) and "nodes" in data:
        reading.all_names = False
    services = _services(sections.get("services", []), reading)
    if users is None:
        owners = dict.fromkeys(node.user for node in nodes if node.user is not None)
        users = [User(login, _name_in(login)) for login in owners]
    return Tailnet(
        domains=own_domains if "domains" in sections else _domains_of(users),
        users=tuple(users),
        groups=groups,
        nodes=tuple(nodes),
        services=tuple(services),
        created_as=created_as,
    )


def _sections(data: object, reading: Reading) -> TailnetShape:
    """Return those sections of *data* that have the right shape, their entries unread."""
    if isinstance(data, dict):
        nodes = data.get("nodes")
        if isinstance(nodes, list) and len(nodes) > reading.limits.nodes:
            reading.over("limit-tailnet-nodes", "nodes", reading.limits.nodes, ("nodes",))
    shape = TAILNET.read(data, (), reading.findings)
    if shape is not None:
        return shape
    if not isinstance(data, dict):
        return {}
    broken = {finding.place.path[:1] for finding in reading.findings.found}
    known = TailnetShape.__annotations__
    right = {key: data[key] for key in known if key in data and (key,) not in broken}
    return cast("TailnetShape", right)


def _groups(groups: Mapping[str, list[str]], reading: Reading) -> dict[str, tuple[str, ...]]:
    members = {}
    for name, logins in groups.items():
        path = ("groups", name)
        reading.charge(1 + len(logins), path)
        if reading.read(name, fields.read_group, path) is not None:
            members[name] = reading.unique(logins, fields.read_login, path)
    return members


def _users(entries: Sequence[object], reading: Reading) -> list[User]:
    reading.charge(len(entries), ("users",))
    users = []
    logins: dict[str, int] = {}
    all_readable = True
    for index, entry in enumerate(entries):
        path = ("users", index)
        shape = USER.read(entry, path, reading.findings)
        login = shape["login"] if shape else text_at(entry, "login")
        if login is None:
            all_readable = False
            continue
        first = logins.setdefault(login, index)
        if first != index:
            reading.findings.note(
                rules.login_taken(login),
                (*path, "login"),
                first=(("users", first, "login"), "first given here"),
            )
        elif shape is not None:
            users.append(_user(shape, path, reading))
    reading.logins = logins if all_readable else None
    return users


def _user(shape: UserShape, path: Path, reading: Reading) -> User:
    login = shape["login"]
    reading.read(login, fields.read_login, (*path, "login"))
    name = shape.get("name")
    if name is not None:
        reading.read(name, fields.read_name, (*path, "name"))
    provider_id = shape.get("provider_id")
    if provider_id is not None:
        reading.read(provider_id, fields.read_name, (*path, "provider_id"))
    return User(
        login=login,
        name=_name_in(login) if name is None else name,
        role=Role(shape.get("role", Role.MEMBER)),
        type=shape.get("type", "member"),
        provider_id=provider_id,
    )


def _services(entries: Sequence[Any], reading: Reading) -> list[Service]:
    reading.charge(len(entries), ("services",))
    services = []
    names: dict[str, int] = {}
    for index, entry in enumerate(entries):
        path = ("services", index)
        shape = SERVICE.read(entry, path, reading.findings)
        name = shape["name"] if shape else text_at(entry, "name")
        first = index if name is None else names.setdefault(name.casefold(), index)
        if name is not None and first != index:
            reading.findings.note(
                rules.service_given_twice(name),
                (*path, "name"),
                first=(("services", first, "name"), "first given here"),
            )
        if shape is not None:
            services.append(_service(shape, index, reading))
    return services


def _service(shape: ServiceShape, index: int, reading: Reading) -> Service:
    path: Path = ("services", index)
    name, tags, hosts = shape["name"], shape.get("tags", []), shape.get("hosts", [])
    addresses = shape.get("addresses", [])
    reading.charge(len(tags) + len(hosts) + len(addresses), path)
    reading.read(name, fields.read_service_name, (*path, "name"))
    return Service(
        name=name,
        tags=reading.tags(tags, (*path, "tags")),
        addresses=reading.own_addresses(addresses, "services", index),
        hosts=_hosts(hosts, name, (*path, "hosts"), reading),
        approved=shape.get("approved", True),
    )


def _hosts(texts: list[str], service: str, path: Path, reading: Reading) -> tuple[str, ...]:
    """Return the nodes that *texts* name, as those nodes are spelt, each once."""
    hosts: dict[str, None] = {}
    for index, text in enumerate(texts):
        node = reading.names.get(text.casefold())
        if node is not None:
            hosts[node] = None
        elif reading.all_names:
            near = reading.findings.near_miss(text, reading.names.values())
            reading.findings.note(rules.unknown_host(text, service, near), (*path, index))
    return tuple(hosts)


def _name_in(login: str) -> str:
    return login.partition("@")[0] or login


def _domains_of(users: Iterable[User]) -> tuple[str, ...]:
    """Return the domains of the logins of members, in the order of the users."""
    domains = (user.login.partition("@")[2] for user in users if user.type == "member")
    return tuple(dict.fromkeys(domain for domain in domains if domain))
