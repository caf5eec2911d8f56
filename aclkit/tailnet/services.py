"""The services of a tailnet that changes: who serves one is known by number, whatever its name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from aclkit.addresses import Address
from aclkit.tailnet.model import Node, Service


@dataclass(frozen=True, slots=True)
class Services:
    """Services, found by what nodes and other services may not have too.

    Attributes:
        by_name: each service, in order.
        hosts: the numbers of the nodes that serve it, by its name.
        addresses: the name of the service that has an address.
        serving: the numbers of all nodes that serve one.
    """

    by_name: Mapping[str, Service]
    hosts: Mapping[str, tuple[int, ...]]
    addresses: Mapping[Address, str]
    serving: frozenset[int] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "serving", frozenset().union(*self.hosts.values()))

    @classmethod
    def of(cls, services: Iterable[Service], numbers: Mapping[str, int]) -> Services:
        """Return *services*; *numbers* are those of nodes, by name with its case folded."""
        held = {service.name: service for service in services}
        hosts = {}
        for name, service in held.items():
            folded = dict.fromkeys(host.casefold() for host in service.hosts)
            hosts[name] = tuple(numbers[host] for host in folded if host in numbers)
        return cls(held, hosts, {a: name for name, each in held.items() for a in each.addresses})

    def without(self, name: str) -> Services:
        """Return all services but the one of that name."""
        return Services(
            {key: service for key, service in self.by_name.items() if key != name},
            {key: hosts for key, hosts in self.hosts.items() if key != name},
            {address: holder for address, holder in self.addresses.items() if holder != name},
        )

    def having(self, service: Service, numbers: Mapping[str, int]) -> Services:
        """Return the services with *service*: in the place of the one of its name, else last."""
        others, more = self.without(service.name), Services.of([service], numbers)
        return Services(
            {**self.by_name, **more.by_name},
            {**self.hosts, **more.hosts},
            {**others.addresses, **more.addresses},
        )

    def named(self, nodes: Mapping[int, Node]) -> tuple[Service, ...]:
        """Return the services with the present names of their hosts; who left serves no more."""
        return tuple(
            replace(service, hosts=tuple(nodes[n].name for n in self.hosts[name] if n in nodes))
            for name, service in self.by_name.items()
        )
