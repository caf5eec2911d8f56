"""The rules that a coordination server sends to a node, as they stand on the wire.

Plain data: `to_dict` gives the JSON of the control plane, key by key; `from_dict` reads it back.
Addresses stay text here, since it is the text that is compared, sorted and sent. The objects are
immutable and meant to be shared: one tuple of SrcIPs may stand in the rules of 100,000 nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

LAST_PORT = 65535

DEFAULT_PROTOCOLS = (6, 17, 1, 58)
"""What a rule without IPProto lets through: TCP, UDP, ICMP for IPv4 and ICMP for IPv6."""

CapMap: TypeAlias = Mapping[str, tuple[object, ...] | None]
"""The values of each capability, JSON as the policy has it; None is null, a tuple an array."""


class WireError(ValueError):
    """JSON that is not a rule; the message names the place and what is wrong there."""


@dataclass(frozen=True, slots=True, order=True)
class PortRange:
    """Ports *first* to *last*, both inclusive; 0 to 65535 stands for no restriction."""

    first: int
    last: int

    def __post_init__(self) -> None:
        if not 0 <= self.first <= self.last <= LAST_PORT:
            raise ValueError(f"not a range of ports: {self.first}-{self.last}")

    @property
    def is_all(self) -> bool:
        """Return whether this is 0 to 65535, the only range that fits protocols without ports."""
        return self.first == 0 and self.last == LAST_PORT

    def __contains__(self, port: int) -> bool:
        return self.first <= port <= self.last

    def to_dict(self) -> dict[str, int]:
        """Return the wire JSON."""
        return {"First": self.first, "Last": self.last}

    @staticmethod
    def from_dict(data: object, place: str = "Ports") -> PortRange:
        """Read the wire JSON.

        Raises:
            WireError: *data* is not what `to_dict` writes.
        """
        fields = _object(data, place, "First", "Last")
        first = _integer(fields.get("First"), f"{place}.First")
        last = _integer(fields.get("Last"), f"{place}.Last")
        try:
            return PortRange(first, last)
        except ValueError as error:
            raise WireError(f"{place}: {error}") from None


ALL_PORTS = PortRange(0, LAST_PORT)


@dataclass(frozen=True, slots=True, order=True)
class NetPortRange:
    """An address string (address, CIDR, range or `*`) with the ports that are open there."""

    ip: str
    ports: PortRange

    def to_dict(self) -> dict[str, Any]:
        """Return the wire JSON."""
        return {"IP": self.ip, "Ports": self.ports.to_dict()}

    @staticmethod
    def from_dict(data: object, place: str = "DstPorts") -> NetPortRange:
        """Read the wire JSON.

        Raises:
            WireError: *data* is not what `to_dict` writes.
        """
        fields = _object(data, place, "IP", "Ports")
        ports = PortRange.from_dict(fields.get("Ports"), f"{place}.Ports")
        return NetPortRange(_string(fields.get("IP"), f"{place}.IP"), ports)


@dataclass(frozen=True, slots=True)
class CapGrant:
    """What peers are granted on the node's own addresses *dsts*, which are CIDRs."""

    dsts: tuple[str, ...]
    cap_map: CapMap

    def to_dict(self) -> dict[str, Any]:
        """Return the wire JSON; the values of capabilities are shared with this object."""
        values = {
            name: None if values is None else list(values)
            for name, values in sorted(self.cap_map.items())
        }
        return {"Dsts": list(self.dsts), "CapMap": values}

    @staticmethod
    def from_dict(data: object, place: str = "CapGrant") -> CapGrant:
        """Read the wire JSON.

        Raises:
            WireError: *data* is not what `to_dict` writes.
        """
        fields = _object(data, place, "Dsts", "CapMap")
        cap_map: dict[str, tuple[object, ...] | None] = {}
        for name, values in _mapping(fields.get("CapMap"), f"{place}.CapMap").items():
            cap_map[name] = (
                None if values is None else tuple(_array(values, f"{place}.CapMap[{name!r}]"))
            )
        return CapGrant(_strings(fields.get("Dsts"), f"{place}.Dsts"), cap_map)


@dataclass(frozen=True, slots=True)
class FilterRule:
    """Who (*src_ips*) may reach what: either ports (*dst_ports*) or capabilities (*cap_grant*).

    Without *ip_proto* a rule for ports means `DEFAULT_PROTOCOLS`. A rule for capabilities may have
    no source at all; on the wire it keeps its empty list.
    """

    src_ips: tuple[str, ...]
    dst_ports: tuple[NetPortRange, ...] = ()
    ip_proto: tuple[int, ...] = ()
    cap_grant: tuple[CapGrant, ...] = ()

    def __post_init__(self) -> None:
        if bool(self.dst_ports) == bool(self.cap_grant):
            raise ValueError("a rule has either DstPorts or CapGrant")

    def to_dict(self) -> dict[str, Any]:
        """Return the wire JSON: SrcIPs always, the other fields only where they say something."""
        data: dict[str, Any] = {"SrcIPs": list(self.src_ips)}
        if self.dst_ports:
            data["DstPorts"] = [dst.to_dict() for dst in self.dst_ports]
        if self.ip_proto:
            data["IPProto"] = list(self.ip_proto)
        if self.cap_grant:
            data["CapGrant"] = [grant.to_dict() for grant in self.cap_grant]
        return data

    @staticmethod
    def from_dict(data: object, place: str = "rule") -> FilterRule:
        """Read the wire JSON; null is read as an empty list, as clients do.

        Raises:
            WireError: *data* has an unknown field, a value of a wrong type, or both or neither of
                DstPorts and CapGrant.
        """
        fields = _object(data, place, "SrcIPs", "DstPorts", "IPProto", "CapGrant")
        dst_ports = _array(fields.get("DstPorts"), f"{place}.DstPorts")
        cap_grant = _array(fields.get("CapGrant"), f"{place}.CapGrant")
        if bool(dst_ports) == bool(cap_grant):
            raise WireError(f"{place}: a rule has either DstPorts or CapGrant")
        ip_proto = _array(fields.get("IPProto"), f"{place}.IPProto")
        return FilterRule(
            _strings(fields.get("SrcIPs"), f"{place}.SrcIPs"),
            tuple(
                NetPortRange.from_dict(dst, f"{place}.DstPorts[{index}]")
                for index, dst in enumerate(dst_ports)
            ),
            tuple(_integer(number, f"{place}.IPProto") for number in ip_proto),
            tuple(
                CapGrant.from_dict(grant, f"{place}.CapGrant[{index}]")
                for index, grant in enumerate(cap_grant)
            ),
        )


@dataclass(frozen=True, slots=True)
class SSHAction:
    """What happens to a session: accepted, rejected, or held until the server has decided.

    *hold_and_delegate* is the URL at which the client asks. *session_duration* is in nanoseconds:
    an accepted session ends after it; 0 for no limit.
    """

    accept: bool = False
    reject: bool = False
    allow_agent_forwarding: bool = False
    allow_local_port_forwarding: bool = False
    allow_remote_port_forwarding: bool = False
    hold_and_delegate: str = ""
    session_duration: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Return the wire JSON, which names only what is set."""
        fields = {
            "accept": self.accept,
            "reject": self.reject,
            "allowAgentForwarding": self.allow_agent_forwarding,
            "allowLocalPortForwarding": self.allow_local_port_forwarding,
            "allowRemotePortForwarding": self.allow_remote_port_forwarding,
            "holdAndDelegate": self.hold_and_delegate,
            "sessionDuration": self.session_duration,
        }
        return {name: value for name, value in fields.items() if value}


@dataclass(frozen=True, slots=True)
class SSHRule:
    """Who may log in as whom, and how.

    Who is told by IP addresses of nodes (*principals*), by names of users at the coordination
    server (*logins*), or is *anybody*. *ssh_users* maps the login that is asked for, or `*`, to the
    local user: `=` is the user of the same name, an empty string means that the rule does not
    match.
    """

    principals: tuple[str, ...]
    ssh_users: Mapping[str, str]
    action: SSHAction
    accept_env: tuple[str, ...] = ()
    logins: tuple[str, ...] = ()
    anybody: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Return the wire JSON; acceptEnv is left out when empty."""
        data: dict[str, Any] = {
            "principals": [
                *([{"any": True}] if self.anybody else ()),
                *({"userLogin": login} for login in self.logins),
                *({"nodeIP": ip} for ip in self.principals),
            ],
            "sshUsers": dict(sorted(self.ssh_users.items())),
            "action": self.action.to_dict(),
        }
        if self.accept_env:
            data["acceptEnv"] = list(self.accept_env)
        return data


# Reading. Each of these says where it stands: rule.DstPorts[3].IP


def _mapping(data: object, place: str) -> Mapping[str, object]:
    if not isinstance(data, Mapping):
        raise WireError(f"{place}: expected an object")
    return data


def _object(data: object, place: str, *names: str) -> Mapping[str, object]:
    fields = _mapping(data, place)
    for name in fields:
        if name not in names:
            raise WireError(f"{place}: unknown field `{name}`")
    return fields


def _array(data: object, place: str) -> list[Any] | tuple[Any, ...]:
    if data is None:
        return ()
    if not isinstance(data, list | tuple):
        raise WireError(f"{place}: expected an array")
    return data


def _string(data: object, place: str) -> str:
    if not isinstance(data, str):
        raise WireError(f"{place}: expected a string")
    return data


def _strings(data: object, place: str) -> tuple[str, ...]:
    return tuple(_string(item, place) for item in _array(data, place))


def _integer(data: object, place: str) -> int:
    if not isinstance(data, int) or isinstance(data, bool):
        raise WireError(f"{place}: expected an integer")
    return data
