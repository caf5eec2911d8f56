"""What the names in a policy stand for, by plain loops: the ground of the reference model.

Addresses are kept as wire text (tokens: `100.64.0.1`, `10.0.0.0/8`, `a-b`, `*`), and
`spans` says what a token covers. Nothing here is shared with the package under test.
"""

from __future__ import annotations

import functools
import ipaddress
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

JSON = dict[str, Any]
Span = tuple[int, int, int]  # IP version, first and last address
Ports = tuple[int, int]  # first and last

EVERYWHERE = ((4, 0, 2**32 - 1), (6, 0, 2**128 - 1))
TAILNET = ("100.64.0.0-100.115.91.255", "100.115.94.0-100.127.255.255", "fd7a:115c:a1e0::/48")
INTERNET = (
    "0.0.0.0-9.255.255.255",
    "11.0.0.0-100.63.255.255",
    "100.128.0.0-169.253.255.255",
    "169.255.0.0-172.15.255.255",
    "172.32.0.0-192.167.255.255",
    "192.169.0.0-255.255.255.255",
    "2000::-3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
)
TAILSCALE = 1000
EXIT_ROUTES = ("0.0.0.0/0", "::/0")
ROLES = ("owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor")
PROTOCOLS = {"icmp": 1, "icmpv4": 1, "igmp": 2, "ipv4": 4, "ip-in-ip": 4, "tcp": 6, "egp": 8}
PROTOCOLS |= {"igp": 9, "udp": 17, "dccp": 33, "gre": 47, "esp": 50, "ah": 51, "icmpv6": 58}
PROTOCOLS |= {"ipv6-icmp": 58, "tsmp": 99, "sctp": 132}
FUNNEL = (
    "https://tailscale.com/cap/funnel-ports?ports=443,8443,10000",
    "https://tailscale.com/cap/warn-funnel-no-https",
)


def canonical(text: str) -> str | None:
    """The wire form of an address or a CIDR, None for any other word."""
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        return None
    first = network.network_address
    mapped = first.ipv4_mapped if isinstance(first, ipaddress.IPv6Address) else None
    address = f"::ffff:{mapped}" if mapped else str(first)
    single = network.prefixlen == network.max_prefixlen
    return address if single else f"{address}/{network.prefixlen}"


def prefix(text: str) -> str:
    """The same with a length in any case, as routes and node addresses have it."""
    token = canonical(text) or text
    return token if "/" in token else token + ("/128" if ":" in token else "/32")


@functools.cache
def spans(token: str) -> tuple[Span, ...]:
    if token == "*":
        return EVERYWHERE
    if "-" in token:
        first, last = map(ipaddress.ip_address, token.split("-"))
        return ((first.version, int(first), int(last)),)
    network = ipaddress.ip_network(token)
    return ((network.version, int(network[0]), int(network[-1])),)


def overlap(left: Iterable[str], right: Iterable[str]) -> bool:
    others = [span for token in right for span in spans(token)]
    return any(
        one[0] == other[0] and one[1] <= other[2] and other[1] <= one[2]
        for token in left
        for one in spans(token)
        for other in others
    )


def covers(outer: str, inner: str) -> bool:
    (version, first, last), (other, low, high) = spans(outer)[0], spans(inner)[0]
    return version == other and first <= low and high <= last


def subtract(span: Span, gone: Span) -> list[Span]:
    version, first, last = span
    if version != gone[0] or gone[2] < first or last < gone[1]:
        return [span]
    pieces = [(version, first, gone[1] - 1), (version, gone[2] + 1, last)]
    return [piece for piece in pieces if piece[1] <= piece[2]]


def cidr_tokens(covered: list[Span]) -> list[str]:
    """The fewest CIDRs that cover *covered*, IPv4 first."""
    texts: list[str] = []
    for family, kind in ((4, ipaddress.IPv4Address), (6, ipaddress.IPv6Address)):
        networks: list[Any] = [
            network
            for version, first, last in covered
            if version == family
            for network in ipaddress.summarize_address_range(kind(first), kind(last))
        ]
        texts += map(str, ipaddress.collapse_addresses(networks))
    return [canonical(text) or text for text in texts]


def port_ranges(text: str) -> list[Ports]:
    if text == "*":
        return [(0, 65535)]
    pairs = [part.split("-") for part in text.split(",")]
    bounds = [(int(pair[0]), int(pair[-1])) for pair in pairs]
    return [(first, last) for first, last in bounds if first <= last]


def protocol(text: str | None) -> int | None:
    word = (text or "*").lower()
    return None if word == "*" else PROTOCOLS[word] if word in PROTOCOLS else int(word)


def unbracketed(selector: str) -> str:
    """Addresses in their one spelling, other selectors as they are."""
    return canonical(selector.replace("[", "").replace("]", "")) or selector


def same_family(one: str, other: str) -> bool:
    return (":" in one) == (":" in other)


def version_order(left: str, right: str) -> int:
    """Runs of digits compare as numbers, what stands between them as text."""
    runs = [re.findall(r"([^0-9]*)([0-9]*)", text) for text in (left, right)]
    for index in range(max(map(len, runs))):
        one, two = (
            (text, int(digits or 0))
            for text, digits in (run[index] if index < len(run) else ("", "") for run in runs)
        )
        if one != two:
            return -1 if one < two else 1
    return 0


def assertion_holds(assertion: str, attributes: JSON) -> bool:
    """Whether a device with *attributes* satisfies one posture assertion."""
    name, operator, rest = re.findall(
        r"^\s*([^\s=!<>]+)\s*(NOT\s+IN|NOT\s+SET|IS\s+SET|IN|[=!]=|[<>]=?|)(.*)", assertion
    )[0]
    value, operator = attributes.get(name), " ".join(operator.split())
    if operator == "NOT SET" or value is None:
        return operator == "NOT SET" and value is None
    if operator in ("", "IS SET"):
        return operator == "IS SET" or value is True
    literals = [
        text if quoted else word == "true" if word in ("true", "false") else float(word)
        for quoted, text, word in re.findall(r"('([^']*)')|([^\s,\[\]']+)", rest)
    ]
    kind = type(value) if isinstance(value, bool | str) else float  # and never int
    same = [literal for literal in literals if type(literal) is kind]
    if operator in ("==", "IN", "!=", "NOT IN"):
        return (value in same) == (operator in ("==", "IN"))
    versions = name in ("node:osVersion", "node:tsVersion")
    if not same or kind is not (str if versions else float):
        return False
    order = version_order(value, str(same[0])) if versions else value - same[0]
    return bool({"<": order < 0, "<=": order <= 0, ">": order > 0, ">=": order >= 0}[operator])


@dataclass(eq=False)
class Node:
    """A device: its addresses, IPv4 first, and its routes, both in wire form."""

    name: str
    user: str | None
    tags: list[str]
    ips: list[str]
    advertised: list[str]
    online: bool
    rank: tuple[bool, float, str]  # by creation, unknown last, then by name
    posture: JSON
    routes: list[str] = field(default_factory=list)  # in force, exit routes included

    @property
    def subnets(self) -> list[str]:
        return [route for route in self.routes if route not in EXIT_ROUTES]

    @property
    def is_exit(self) -> bool:
        return all(route in self.routes for route in EXIT_ROUTES)

    @property
    def identity(self) -> list[str]:
        return self.ips + self.subnets


def ordered(addresses: Iterable[str]) -> list[str]:
    return sorted((canonical(ip) or ip for ip in addresses), key=lambda ip: ":" in ip)


def node_of(data: JSON) -> Node:
    created = data.get("created")
    if isinstance(created, str):
        created = datetime.fromisoformat(created).timestamp()
    return Node(
        name=data["name"],
        user=data.get("user"),
        tags=data.get("tags") or [],
        ips=ordered(data["addresses"]),
        advertised=list(dict.fromkeys(map(prefix, data.get("advertised_routes") or []))),
        online=data.get("online", True),
        rank=(created is None, created or 0, data["name"]),
        posture=data.get("posture") or {},
    )


class World:
    """A policy's names over one tailnet: members, addresses, routes in force, attributes.

    `minor` is the version of Headscale, 23 for 0.23; for Tailscale it is higher than any.
    """

    def __init__(self, policy: JSON, tailnet: JSON, target: str = "tailscale") -> None:
        self.minor = TAILSCALE if target == "tailscale" else int(target.rpartition(".")[2])
        self.policy = policy
        self.users: dict[str, JSON] = {user["login"]: user for user in tailnet.get("users") or []}
        self.groups = (tailnet.get("groups") or {}) | (policy.get("groups") or {})
        self.dead: list[str] = []  # groups without effect in access rules
        if self.minor == 27 and "autogroup:self" in self.destinations():  # a fault of 0.27
            self.dead = [n for n, m in self.groups.items() if not set(self.users).issuperset(m)]
        self.services = {service["name"]: service for service in tailnet.get("services") or []}
        self.node = {data["name"]: node_of(data) for data in tailnet.get("nodes") or []}
        self.nodes = sorted(self.node.values(), key=lambda node: node.rank)
        for data in tailnet.get("nodes") or []:
            given, name = data.get("approved_routes"), data["name"]
            self.node[name].routes = (
                self.auto_approved_routes(name) if given is None else [prefix(r) for r in given]
            )
        self.caps = {node.name: self.attributes(node) for node in self.nodes}
        for node in self.nodes:
            if "disable-ipv4" in self.caps[node.name]:
                node.ips = [ip for ip in node.ips if ":" in ip]

    # Selectors

    def members(self, selector: str) -> list[Node] | None:
        """The nodes that a selector names by who they are, None for all other selectors."""
        kind, _, name = selector.partition(":")
        owned = [node for node in self.nodes if not node.tags]
        direct = [node for node in owned if self.user_field(node, "type") != "shared"]
        if kind == "tag":
            return [node for node in self.nodes if selector in node.tags]
        if kind == "group":
            listed = self.groups.get(selector, ())
            listed = [self.name_of(user) for user in listed] if self.minor == 23 else listed
            return [node for node in owned if self.name_of(node.user or "") in listed]
        if kind == "user" and name.startswith("*@") and self.minor == TAILSCALE:
            return [node for node in direct if (node.user or "").endswith(name[1:])]
        if kind != "autogroup":
            bare = self.minor < 26 and selector != "*" and self.literal(selector) is None
            is_user = "@" in selector or bare
            return [n for n in owned if self.name_of(n.user or "") == selector] if is_user else None
        if name in ROLES:
            roles = ("admin", "owner") if name == "admin" else (name,)
            return [node for node in owned if self.user_field(node, "role") in roles]
        if name in ("member", "members"):
            return direct
        if name == "shared":
            return [node for node in owned if node not in direct]
        return [node for node in self.nodes if node.tags] if name == "tagged" else None

    def name_of(self, user: str) -> str:
        """The word for a user: the login, up to 0.25 without a last `@`, in 0.23 the name."""
        if self.minor == 23:
            return user.lower().partition("@")[0]
        return user.removesuffix("@") if self.minor < 26 else user

    def destinations(self) -> list[str]:
        acls = [
            dst.rpartition(":")[0] for acl in self.policy.get("acls") or [] for dst in acl["dst"]
        ]
        return acls + [dst for entry in self.policy.get("ssh") or [] for dst in entry["dst"]]

    def stands_for(self, selectors: Iterable[str], node: Node) -> bool:
        """Whether *node* is named, by who it is or by one of its addresses."""
        literals = (["*"] if name == "*" else self.literal(name) or [] for name in selectors)
        named = [token for literal in literals for token in literal]
        return self.names(selectors, node) or overlap(named, node.ips)

    def user_field(self, node: Node, key: str) -> object:
        return self.users.get(node.user or "", {}).get(key)

    def names(self, selectors: Iterable[str], node: Node) -> bool:
        """Whether *node* is one of those that *selectors* name by who they are."""
        return any(node in (self.members(selector) or []) for selector in selectors)

    def literal(self, selector: str) -> list[str] | None:
        """The tokens of an address, a CIDR, a host or an ipset, None for all other selectors."""
        if selector.startswith("ipset:"):
            return cidr_tokens(self.ipset(selector))
        hosts = self.policy.get("hosts") or {}
        text = hosts.get(selector, selector)
        if self.minor < 26 and selector in hosts and ":" in text and "/" not in text:
            text += "/32"
        token = canonical(text)
        if token is None or self.minor >= 29:
            return None if token is None else [token]
        base = token.partition("/")[0] if self.minor > 26 and selector not in hosts else token
        inside = [node for node in self.nodes if overlap([base], node.ips)]
        brought = {ip for node in inside for ip in node.ips if not overlap([token], [ip])}
        return [token, *sorted(brought, key=spans)]

    def ipset(self, name: str) -> list[Span]:
        covered: list[Span] = []
        for operation in (self.policy.get("ipsets") or {})[name]:
            word, _, target = operation.strip().rpartition(" ")
            if target.startswith("ipset:"):
                change = self.ipset(target)
            else:
                is_range = re.fullmatch("[0-9a-f.:]+-[0-9a-f.:]+", target)
                tokens = [target] if is_range else self.tokens(target.removeprefix("host:"))
                change = [span for token in tokens for span in spans(token)]
            for gone in change:
                covered = [piece for span in covered for piece in subtract(span, gone)]
            covered += [] if word.strip() == "remove" else change
        return covered

    def tokens(self, selector: str) -> list[str]:
        """What a selector stands for anywhere in the tailnet."""
        if selector == "*" and self.minor < 29:
            return ["*"]
        if selector == "*":
            routes = [canonical(route) or "" for node in self.nodes for route in node.subnets]
            return [*TAILNET, *routes]
        if selector == "autogroup:danger-all":
            return ["*"]
        if selector == "autogroup:internet":
            ranges = [span for token in INTERNET for span in spans(token)]
            return list(INTERNET) if self.minor == TAILSCALE else cidr_tokens(ranges)
        if selector.startswith("svc:"):
            return ordered(self.services.get(selector, {}).get("addresses") or [])
        members = self.members(selector)
        if members is not None:
            return [ip for node in members for ip in node.ips]
        return self.literal(selector) or []

    def hosted(self, node: Node, selector: str) -> list[str]:
        """The virtual addresses of a service on one of its approved hosts."""
        service = self.services.get(selector, {})
        serves = service.get("approved", True) and node.name in service.get("hosts", ())
        return self.tokens(selector) if serves else []

    def passes(self, attributes: JSON | None, postures: list[str]) -> bool:
        """Whether a source with *attributes* (None: no device) satisfies a listed posture."""
        defined = self.policy.get("postures") or {}
        return not postures or any(
            attributes is not None
            and all(assertion_holds(text, attributes) for text in defined[name])
            for name in postures
        )

    # Routes, addresses and attributes

    def auto_approved_routes(self, node: str) -> list[str]:
        device, approvers = self.node[node], self.policy.get("autoApprovers") or {}
        allowed = [
            canonical(key) or key
            for key, names in (approvers.get("routes") or {}).items()
            if self.stands_for(names, device)
        ]
        exit_node = self.stands_for(approvers.get("exitNode") or [], device)
        return [
            route
            for route in device.advertised
            if (route in EXIT_ROUTES and exit_node)
            or (route not in EXIT_ROUTES and any(covers(key, route) for key in allowed))
        ]

    def primary(self, route: str) -> Node | None:
        return next((node for node in self.nodes if node.online and route in node.subnets), None)

    def primary_routes(self, node: str) -> list[str]:
        device = self.node[node]
        return [route for route in device.subnets if self.primary(route) is device]

    def addresses(self, node: str) -> list[str]:
        return [prefix(ip) for ip in self.node[node].ips]

    def attributes(self, node: Node) -> JSON:
        switches = {"randomizeClientPort": "randomize-client-port", "disableIPv4": "disable-ipv4"}
        switches = switches if self.minor >= 29 else {}  # older versions do not know the keys
        attributes = [name for key, name in switches.items() if self.policy.get(key)]
        for entry in self.policy.get("nodeAttrs") or []:
            targets = entry.get("target") or []
            if any(name == "*" or overlap(self.tokens(name), node.ips) for name in targets):
                attributes += entry.get("attr") or []
        return dict.fromkeys([*attributes, *(FUNNEL if "funnel" in attributes else ())])

    def cap_map(self, node: str) -> JSON:
        return self.caps[node]
