"""What rules make of a world: the filters, peers and SSH rules of the reference model."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from tests.reference_world import (
    EXIT_ROUTES,
    INTERNET,
    JSON,
    TAILSCALE,
    Node,
    Ports,
    World,
    covers,
    overlap,
    port_ranges,
    prefix,
    protocol,
    unbracketed,
)

Passing = Callable[[list[str]], bool]  # is one of these postures satisfied by the source?

SELF = "autogroup:self"
COMPANIONS = {
    "tailscale.com/cap/drive": "tailscale.com/cap/drive-sharer",
    "tailscale.com/cap/relay": "tailscale.com/cap/relay-target",
}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "y": 365 * 86400}
FORWARDING = ("allowAgentForwarding", "allowLocalPortForwarding", "allowRemotePortForwarding")
HOLD = "https://unused/machine/ssh/action/$SRC_NODE_ID/to/$DST_NODE_ID?local_user=$LOCAL_USER"
ACTIONS: JSON = {
    "check": {"holdAndDelegate": HOLD},
    "accept": {"accept": True} | dict.fromkeys(FORWARDING, True),
}


@dataclass
class Rule:
    """One compiled entry of `grants` or `acls`: ports of one protocol, or capabilities."""

    src: list[str]
    postures: list[str]
    via: list[str]
    ports: dict[str, list[Ports]]  # by dst selector, in wire order
    protos: tuple[int, ...] = ()
    app: JSON | None = None


@dataclass
class Piece:
    """What one rule puts on one node for one dst selector, or a capability grant.

    Peers see the node for `dst`; its filter says `sent`, to old versions more than that.
    """

    rule: Rule
    src: list[str]
    dst: list[str]
    selector: str = ""
    ports: list[Ports] = field(default_factory=list)
    sent: list[str] = field(default_factory=list)
    caps: JSON | None = None


def kind_rank(selector: str) -> int:
    """The place of a selector's kind among the destinations of one access rule."""
    for rank, kind in ((3, "group:"), (4, "tag:"), (5, "autogroup:")):
        if selector.startswith(kind):
            return rank
    return 0 if selector == "*" else 2 if "@" in selector else 1


class Rules(World):
    """What each node is sent for one valid policy and one tailnet."""

    def __init__(self, policy: JSON, tailnet: JSON, target: str = "tailscale") -> None:
        super().__init__(policy, tailnet, target)
        self.rules = list(self.read_rules())
        self.board = {node.name: list(self.pieces(node)) for node in self.nodes}

    # Packet filters

    def read_rules(self) -> Iterator[Rule]:
        default = self.policy.get("defaultSrcPosture") or []
        acls, grants = self.policy.get("acls"), self.policy.get("grants")
        if acls is None and grants is None:
            acls = [{"src": [self.anyone()], "dst": ["*:*"]}] if self.anyone() else []
        for grant in grants or []:
            src, via = grant.get("src") or [], grant.get("via") or []
            postures = grant.get("srcPosture") or default
            dst = [unbracketed(name) for name in grant.get("dst") or []]
            by_protocol: dict[tuple[int, ...], list[Ports]] = {}
            for entry in grant.get("ip") or []:
                word, _, text = entry.rpartition(":")
                by_protocol.setdefault(self.protocols(word), []).extend(port_ranges(text))
            for protos, ranges in by_protocol.items():
                repeated = {name: ranges * dst.count(name) for name in dst}
                yield Rule(src, postures, via, repeated, protos)
            if grant.get("app"):
                yield Rule(src, postures, via, {name: [] for name in dst}, app=grant["app"])
        for acl in acls or []:
            ports: dict[str, list[Ports]] = {}
            for entry in acl.get("dst") or []:
                name, colon, text = entry.rpartition(":")
                if name in self.dead:
                    continue
                if colon and (ranges := port_ranges(text)):  # old versions take entries without
                    ports.setdefault(unbracketed(name), []).extend(ranges)
            ports = {name: ports[name] for name in sorted(ports, key=kind_rank)}
            postures = acl.get("srcPosture") or default
            written = self.minor in (27, 28) and self.policy.get("acls") is not None
            protos = self.protocols(acl.get("proto")) or ((6, 17) if written else ())
            src = [name for name in acl.get("src") or [] if name not in self.dead]
            yield Rule(src, postures, [], ports, protos)

    def anyone(self) -> str | None:
        """The source of the rule that a policy without rules stands for, None: there is none."""
        if self.minor == TAILSCALE:
            return "*"
        to_self = self.minor < 29 and SELF in self.destinations()
        return None if self.minor < 27 or to_self else "autogroup:danger-all"

    def protocols(self, word: str | None) -> tuple[int, ...]:
        number = protocol(word)
        both = word == "icmp" and self.minor < 29
        return (1, 58) if both else () if number is None else (number,)

    def sources(self, rule: Rule, among: list[Node] | None = None) -> list[str]:
        """SrcIPs: all that `src` stands for, or of it the addresses of the nodes *among*."""
        tokens = {token for selector in rule.src for token in self.tokens(selector)}
        if rule.postures or among is not None:
            tokens = {
                ip
                for node in (self.nodes if among is None else among)
                if self.passes(node.posture, rule.postures)
                for ip in node.ips
                if overlap([ip], tokens)
            }
        return sorted(tokens)

    def served(self, rule: Rule, selector: str, node: Node) -> list[str]:
        """The destination tokens that *selector* leaves on *node*."""
        if rule.via and not set(rule.via) & set(node.tags):
            return []
        if selector == "autogroup:internet":
            return self.tokens(selector) if node.is_exit else []
        literal = self.literal(selector)
        if literal is not None:
            near = node.subnets if rule.via else node.identity
            return [token for token in literal if overlap([token], near)]
        if rule.via:
            return []
        if selector == "*":
            return ["*"]
        if selector.startswith("svc:"):
            return self.hosted(node, selector)
        mine = not node.tags if selector == SELF else self.names([selector], node)
        return node.ips if mine else []

    def sent(self, rule: Rule, selector: str, node: Node) -> list[str]:
        """What the filter of *node* says; up to 0.28 all that its advertised routes overlap."""
        served, literal = self.served(rule, selector, node), self.literal(selector)
        if self.minor < 29 and selector not in ("*", SELF):
            near = node.ips + node.advertised
            return [token for token in self.tokens(selector) if overlap([token], near)]
        public = literal and node.is_exit and any(covers(one, literal[0]) for one in INTERNET)
        return (literal or []) if public and self.minor < TAILSCALE and not rule.via else served

    def pieces(self, node: Node) -> Iterator[Piece]:
        owned = [] if node.tags else [n for n in self.nodes if n.user == node.user and not n.tags]
        for rule in self.rules:
            if not rule.src:
                continue
            if rule.app and not rule.via:
                yield from self.capabilities(rule, node, owned)
                continue
            for selector, ports in rule.ports.items():
                src = self.sources(rule, owned if selector == SELF else None)
                dst = self.served(rule, selector, node)
                if dst or not rule.via:
                    yield Piece(rule, src, dst, selector, ports, self.sent(rule, selector, node))

    def capabilities(self, rule: Rule, node: Node, owned: list[Node]) -> Iterator[Piece]:
        others = [selector for selector in rule.ports if selector != SELF]
        everyone = {token for selector in others for token in self.tokens(selector)}
        turns = [(self.sources(rule), others, everyone)]
        own = self.sources(rule, owned)
        if SELF in rule.ports and own:
            turns.append((own, [SELF], {ip for device in owned for ip in device.ips}))
        for src, selectors, audience in turns:
            hit = [token for selector in selectors for token in self.served(rule, selector, node)]
            virtual = [ip for name in selectors for ip in self.hosted(node, name)]
            dsts = {prefix(ip) for ip in [*node.ips, *virtual] if overlap([ip], hit)}
            if self.minor < TAILSCALE:
                routed = [self.literal(name) or [] for name in selectors]
                dsts |= {prefix(t) for one in routed for t in one if overlap([t], node.subnets)}
            if dsts:
                yield Piece(rule, src, sorted(dsts), caps=rule.app)
            back = sorted(prefix(ip) for ip in node.ips if overlap([ip], src))
            for capability, companion in COMPANIONS.items():
                if back and audience and capability in (rule.app or {}):
                    yield Piece(rule, sorted(audience), back, caps={companion: None})

    def packet_filter_rules(self, node: str) -> list[JSON]:
        rendered: list[JSON] = []
        merged: dict[tuple[tuple[str, ...], tuple[int, ...]], list[JSON]] = {}
        for piece in self.board[node]:
            if piece.caps is not None:
                grant = {"Dsts": piece.dst, "CapMap": piece.caps}
                rendered.append({"SrcIPs": piece.src, "CapGrant": [grant]})
            elif piece.src and not piece.rule.app:
                key = (tuple(piece.src), piece.rule.protos)
                if key not in merged:
                    merged[key] = []
                    rule: JSON = {"SrcIPs": piece.src, "DstPorts": merged[key]}
                    rendered.append(rule | {"IPProto": list(key[1])} if key[1] else rule)
                merged[key] += [
                    {"IP": token, "Ports": {"First": first, "Last": last}}
                    for token in piece.sent
                    for first, last in piece.ports
                ]
        return [rule for rule in rendered if "CapGrant" in rule or rule["DstPorts"]]

    # Peers

    def open_to(self, source: Node, node: Node) -> list[Piece]:
        """What *source*, or a host behind it, may use on *node*."""
        return [p for p in self.board[node.name] if p.dst and overlap(p.src, source.identity)]

    def carries(self, peer: Node, route: str, viewer: Node) -> bool:
        """Whether *viewer* is shown the approved *route* at its visible *peer*."""
        if route in EXIT_ROUTES:
            opened = {piece.selector for piece in self.open_to(viewer, peer)}
            return peer.is_exit and not opened.isdisjoint(("*", "autogroup:internet"))
        reaching = [
            (node, piece)
            for node in self.nodes
            if route in node.subnets
            for piece in self.open_to(viewer, node)
            if overlap(piece.dst, [route])
        ]
        plain = any(not piece.rule.via for _, piece in reaching)
        if reaching and not plain:  # also while the routers that via names are all away
            return peer is next((node for node, _ in reaching if node.online), None)
        answers = any(overlap(p.src, [route]) for p in self.board[viewer.name] if p.dst)
        shown = plain or answers or route in viewer.routes
        return shown and peer is self.primary(route)

    def peers(self, node: str) -> list[JSON]:
        viewer = self.node[node]
        without_ipv4 = "disable-ipv4" in self.caps[node]
        return [
            {
                "name": peer.name,
                "addresses": [prefix(ip) for ip in peer.ips if ":" in ip or not without_ipv4],
                "routes": [
                    route
                    for route in sorted(peer.routes, key=lambda route: route in EXIT_ROUTES)
                    if self.carries(peer, route, viewer)
                ],
                "cap_map": {"suggest-exit-node": None} if peer.is_exit else {},
                "granted_caps": self.granted_caps(viewer, peer),
            }
            for peer in self.nodes
            if peer is not viewer and (self.open_to(viewer, peer) or self.open_to(peer, viewer))
        ]

    def granted_caps(self, node: Node, peer: Node) -> JSON:
        granted: JSON = {}
        for piece in self.board[node.name]:
            if piece.caps is not None and overlap(piece.src, peer.ips):
                for capability, values in piece.caps.items():
                    before = granted.get(capability)
                    both = [*(before or []), *(values or [])]
                    granted[capability] = None if values is None and before is None else both
        return granted

    # SSH

    def ssh_rules(self, node: str, passing: Passing | None = None) -> list[JSON]:
        """The SSH rules of *node*; *passing* stands in for the postures of every source."""
        entries = [entry for entry in self.policy.get("ssh") or [] if entry.get("action")]
        if self.minor >= 29:
            entries.sort(key=lambda entry: entry["action"].strip() != "check")
        return [r for entry in entries for r in self.ssh_entry(self.node[node], entry, passing)]

    def ssh_action(self, entry: JSON) -> JSON:
        """Up to 0.28 a check is an accept that ends after the period."""
        action, version = entry["action"].strip(), self.minor
        if version >= 29:
            return dict(ACTIONS[action])
        granted = FORWARDING[version == 23 : 2 if version < 27 else 3]
        limit = re.findall(r"([0-9]+)([a-z]+)", entry.get("checkPeriod") or "")
        seconds = sum(int(number) * UNITS[unit] for number, unit in limit)
        limited = {"sessionDuration": seconds * 10**9} if action == "check" and seconds else {}
        return {"accept": True} | dict.fromkeys(granted, True) | limited

    def ssh_logins(self, words: list[str]) -> JSON:
        logins = {"root": ""} | {word: word for word in words}
        if self.minor > 26:
            if logins.pop("autogroup:nonroot", None):
                logins.setdefault("*", "=")
            return logins
        if "*" in words:  # any login, root too
            logins = {login: local for login, local in logins.items() if local} | {"*": "="}
        return logins | ({"root": "="} if "root" in words else {})

    def ssh_principals(self, nodes: list[Node], src: list[str]) -> list[JSON]:
        if "*" in src:
            return [{"any": True}]
        people = [name for name in src if not name.startswith(("tag:", "autogroup:"))]
        by_login = [n for n in nodes if self.minor < 26 and self.names(people, n)]
        ips = [
            ip
            for source in nodes
            if source not in by_login
            for ip in source.ips
            for _ in (source.tags if source.tags and "autogroup:tagged" in src else [""])
        ]
        logins = sorted({self.name_of(node.user or "") for node in by_login})
        return [{"userLogin": login} for login in logins] + [{"nodeIP": ip} for ip in sorted(ips)]

    def ssh_entry(self, node: Node, entry: JSON, passing: Passing | None) -> Iterator[JSON]:
        keys = ("src", "dst", "users")
        src, dst, words = (entry.get(key) or [] for key in keys)
        if self.minor >= 29:
            src, dst, words = ([word.strip() for word in listed] for listed in (src, dst, words))
        postures = entry.get("srcPosture") or self.policy.get("defaultSrcPosture") or []
        audience = [
            source
            for source in self.nodes
            if self.stands_for(src, source)
            and (passing(postures) if passing else self.passes(source.posture, postures))
        ]
        localparts = [word for word in words if re.match(r"localpart:\*@.", word)]
        localparts = localparts if self.minor >= 29 else []
        if not self.stands_for(dst, node):
            # control plane: localpart rules also go to their source nodes, recording ssh-e5
            if not localparts and (SELF not in dst or node.tags):
                return
            audience = [n for n in audience if (n is node if node.tags else n.user == node.user)]
        logins = self.ssh_logins([word for word in words if word not in localparts])
        rest: JSON = {"action": self.ssh_action(entry)}
        if entry.get("acceptEnv"):
            rest["acceptEnv"] = entry["acceptEnv"]
        for login in [*self.users, None] if localparts else [""]:
            nodes = [n for n in audience if login == "" or n.user == login]
            principals = self.ssh_principals(nodes, src)
            if not principals or not nodes:
                continue
            yield {"principals": principals, "sshUsers": logins} | rest
            local, _, domain = (login or "").rpartition("@")
            if f"localpart:*@{domain}" in localparts:
                yield {"principals": principals, "sshUsers": {local: local}} | rest
