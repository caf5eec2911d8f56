"""
The slow model of the control plane: what each node is sent, by loops over all pairs.

It exists to disagree with the compiler. Written from the published behaviour and the
recordings alone, it imports nothing of aclkit, shares and interns nothing, and expects a
policy that is already valid: parsed JSON with the key names `src` and `dst`.
What names stand for is in `reference_world`; here is what the rules make of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial

from tests.reference_client import admits, ssh_verdict
from tests.reference_world import (
    EXIT_ROUTES,
    INTERNET,
    JSON,
    Node,
    Ports,
    World,
    canonical,
    overlap,
    port_ranges,
    prefix,
    protocol,
    same_family,
    unbracketed,
)

Passing = Callable[[list[str]], bool]  # is one of these postures satisfied by the source?

SELF = "autogroup:self"
COMPANIONS = {
    "tailscale.com/cap/drive": "tailscale.com/cap/drive-sharer",
    "tailscale.com/cap/relay": "tailscale.com/cap/relay-target",
}
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
    proto: int | None = None
    app: JSON | None = None


@dataclass
class Piece:
    """What one rule puts on one node for one dst selector, or a capability grant."""

    rule: Rule
    src: list[str]
    dst: list[str]
    selector: str = ""
    ports: list[Ports] = field(default_factory=list)
    caps: JSON | None = None


def kind_rank(selector: str) -> int:
    """The place of a selector's kind among the destinations of one access rule."""
    for rank, kind in ((3, "group:"), (4, "tag:"), (5, "autogroup:")):
        if selector.startswith(kind):
            return rank
    return 0 if selector == "*" else 2 if "@" in selector else 1


class Model(World):
    """The answers of the control plane for one valid policy and one tailnet."""

    def __init__(self, policy: JSON, tailnet: JSON) -> None:
        super().__init__(policy, tailnet)
        self.rules = list(self.read_rules())
        self.board = {node.name: list(self.pieces(node)) for node in self.nodes}

    # Packet filters

    def read_rules(self) -> Iterator[Rule]:
        default = self.policy.get("defaultSrcPosture") or []
        acls, grants = self.policy.get("acls"), self.policy.get("grants")
        if acls is None and grants is None:
            acls = [{"src": ["*"], "dst": ["*:*"]}]
        for grant in grants or []:
            src, via = grant.get("src") or [], grant.get("via") or []
            postures = grant.get("srcPosture") or default
            dst = [unbracketed(name) for name in grant.get("dst") or []]
            by_protocol: dict[int | None, list[Ports]] = {}
            for entry in grant.get("ip") or []:
                word, _, text = entry.rpartition(":")
                by_protocol.setdefault(protocol(word), []).extend(port_ranges(text))
            for proto, ranges in by_protocol.items():
                repeated = {name: ranges * dst.count(name) for name in dst}
                yield Rule(src, postures, via, repeated, proto)
            if grant.get("app"):
                yield Rule(src, postures, via, {name: [] for name in dst}, app=grant["app"])
        for acl in acls or []:
            ports: dict[str, list[Ports]] = {}
            for entry in acl.get("dst") or []:
                name, _, text = entry.rpartition(":")
                ports.setdefault(unbracketed(name), []).extend(port_ranges(text))
            ports = {name: ports[name] for name in sorted(ports, key=kind_rank)}
            postures = acl.get("srcPosture") or default
            yield Rule(acl.get("src") or [], postures, [], ports, protocol(acl.get("proto")))

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
            return list(INTERNET) if node.is_exit else []
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
                    yield Piece(rule, src, dst, selector, ports)

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
            if dsts:
                yield Piece(rule, src, sorted(dsts), caps=rule.app)
            back = sorted(prefix(ip) for ip in node.ips if overlap([ip], src))
            for capability, companion in COMPANIONS.items():
                if back and audience and capability in (rule.app or {}):
                    yield Piece(rule, sorted(audience), back, caps={companion: None})

    def packet_filter_rules(self, node: str) -> list[JSON]:
        rendered: list[JSON] = []
        merged: dict[tuple[tuple[str, ...], int | None], list[JSON]] = {}
        for piece in self.board[node]:
            if piece.caps is not None:
                grant = {"Dsts": piece.dst, "CapMap": piece.caps}
                rendered.append({"SrcIPs": piece.src, "CapGrant": [grant]})
            elif piece.src and not piece.rule.app:
                key = (tuple(piece.src), piece.rule.proto)
                if key not in merged:
                    merged[key] = []
                    rule: JSON = {"SrcIPs": piece.src, "DstPorts": merged[key]}
                    rendered.append(rule if key[1] is None else rule | {"IPProto": [key[1]]})
                merged[key] += [
                    {"IP": token, "Ports": {"First": first, "Last": last}}
                    for token in piece.dst
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
            if node.online and route in node.subnets
            for piece in self.open_to(viewer, node)
            if overlap(piece.dst, [route])
        ]
        plain = any(not piece.rule.via for _, piece in reaching)
        if reaching and not plain:
            return peer is reaching[0][0]
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
        return [
            rule
            for action in ACTIONS
            for entry in self.policy.get("ssh") or []
            if entry["action"].strip() == action
            for rule in self.ssh_entry(self.node[node], entry, passing)
        ]

    def ssh_entry(self, node: Node, entry: JSON, passing: Passing | None) -> Iterator[JSON]:
        keys = ("src", "dst", "users")
        src, dst, words = ([word.strip() for word in entry.get(key) or []] for key in keys)
        postures = entry.get("srcPosture") or self.policy.get("defaultSrcPosture") or []
        audience = [
            source
            for source in self.nodes
            if self.names(src, source)
            and (passing(postures) if passing else self.passes(source.posture, postures))
        ]
        localparts = [word for word in words if re.match(r"localpart:\*@.", word)]
        if not self.names(dst, node):
            # control plane: localpart rules also go to their source nodes, recording ssh-e5
            if not localparts and (SELF not in dst or node.tags):
                return
            audience = [n for n in audience if (n is node if node.tags else n.user == node.user)]
        logins = {"root": ""} | {word: word for word in words if word not in localparts}
        if logins.pop("autogroup:nonroot", None):
            logins["*"] = "="
        rest: JSON = {"action": ACTIONS[entry["action"].strip()]}
        if entry.get("acceptEnv"):
            rest["acceptEnv"] = entry["acceptEnv"]
        for login in [*self.users, None] if localparts else [""]:
            nodes = [n for n in audience if login == "" or n.user == login]
            ips = [
                ip
                for source in nodes
                for ip in source.ips
                for _ in (source.tags if source.tags and "autogroup:tagged" in src else [""])
            ]
            if not ips:
                continue
            principals = [{"nodeIP": ip} for ip in sorted(ips)]
            yield {"principals": principals, "sshUsers": logins} | rest
            local, _, domain = (login or "").rpartition("@")
            if f"localpart:*@{domain}" in localparts:
                yield {"principals": principals, "sshUsers": {local: local}} | rest

    def netmap(self, node: str) -> JSON:
        return {
            "name": node,
            "addresses": self.addresses(node),
            "packet_filter_rules": self.packet_filter_rules(node),
            "ssh_rules": self.ssh_rules(node),
            "cap_map": self.cap_map(node),
            "peers": self.peers(node),
        }

    # Verdicts, from the selectors and not from the rendered rules

    def openings(
        self, src: str, dst: str, node: Node | None, passing: Passing | None = None
    ) -> Iterator[tuple[int | None, Ports]]:
        """The (protocol, ports) open from *src* to *dst* on *node*, None: in the whole policy."""
        owner = {ip: device for device in self.nodes for ip in device.ips}
        sender, receiver = owner.get(src), owner.get(dst)
        users = {device.user if device else None for device in (sender, receiver)}
        passing = passing or partial(self.passes, sender.posture if sender else None)
        for rule in self.rules:
            sources = [token for name in rule.src for token in self.tokens(name)]
            if not overlap([src], sources) or not passing(rule.postures):
                continue
            for selector, ports in rule.ports.items():
                if selector == SELF:
                    is_open = len(users) == 1 and users != {None}
                elif node:
                    is_open = overlap([dst], self.served(rule, selector, node))
                elif rule.via and selector != "autogroup:internet":
                    is_open = overlap([dst], self.literal(selector) or [])
                else:
                    is_open = selector == "*" or overlap([dst], self.tokens(selector))
                yield from [(rule.proto, pair) for pair in ports] if is_open else []

    def allows(
        self, src: str, dst: str, proto: int, port: int, passing: Passing | None = None
    ) -> bool:
        """Whether the rules as written, reduced to no node, admit a flow between addresses."""
        openings = self.openings(src, dst, None, passing)
        return same_family(src, dst) and admits(openings, dst, proto, port)

    def reaches(self, src_node: str, dst_node: str, port: int, proto: int) -> bool:
        """Whether some address of one node gets through to an address of the other's own."""
        node = self.node[dst_node]
        return any(
            same_family(src, dst) and admits(self.openings(src, dst, node), dst, proto, port)
            for src in self.node[src_node].ips
            for dst in node.ips
        )

    def test_verdicts(self) -> list[bool]:
        return [self.test_passes(test) for test in self.policy.get("tests") or []]

    def ssh_test_verdicts(self) -> list[bool]:
        return [self.ssh_test_passes(test) for test in self.policy.get("sshTests") or []]

    def test_passes(self, test: JSON) -> bool:
        sources, proto = self.test_sources(test), protocol(test.get("proto"))
        passing = partial(self.passes, test.get("srcPostureAttrs"))
        wanted = [(want, dst) for want in ("accept", "deny") for dst in test.get(want) or []]
        for want, entry in wanted:
            name, _, digits = entry.rpartition(":")
            bare = canonical(name) and (":" in name or "/" in name)
            targets = [] if bare else self.subjects(unbracketed(name))
            port = int(digits) if re.fullmatch("[0-9]{1,9}", digits) else 65536
            if not targets or port > 65535 or (port == 0 and proto not in (1, 58)):
                return False
            open_pairs = [
                any(
                    self.allows(src, dst, number, port, passing)
                    for number in ((6, 17) if proto is None else (proto,))
                )
                for src in sources
                for dst in targets
                if same_family(src, dst)
            ]
            if any(open_pairs) if want == "deny" else not (open_pairs and all(open_pairs)):
                return False
        return bool(sources and wanted)

    def ssh_test_passes(self, test: JSON) -> bool:
        sources, targets = self.test_sources(test), test.get("dst") or []
        passing = partial(self.passes, test.get("srcPostureAttrs"))
        wanted = [(want, login) for want in (*ACTIONS, "deny") for login in test.get(want) or []]
        for selector in targets:
            addresses = [] if ":" in (canonical(selector) or "") else self.subjects(selector)
            nodes = [node for node in self.nodes if set(addresses) & set(node.ips)]
            for node in nodes:
                rules = self.ssh_rules(node.name, passing)
                for want, login in wanted:
                    if any(ssh_verdict(rules, src, login) != want for src in sources):
                        return False
            if not nodes:
                return False
        return bool(sources and targets and wanted and all(login for _, login in wanted))
