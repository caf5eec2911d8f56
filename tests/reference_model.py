"""
The slow model of the control plane: what each node is sent, by loops over all pairs.

It exists to disagree with the compiler. Written from the published behaviour and the
recordings alone, it imports nothing of aclkit, shares and interns nothing, and expects a
policy that is already valid: parsed JSON with the key names `src` and `dst`.
What names stand for is in `reference_world`, what rules make of them in `reference_rules`;
here are the whole answer, and verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial

from tests.reference_client import admits, ssh_verdict
from tests.reference_rules import ACTIONS, SELF, Passing, Rules
from tests.reference_world import (
    JSON,
    Node,
    Ports,
    canonical,
    overlap,
    protocol,
    same_family,
    unbracketed,
)


class Model(Rules):
    """The answers of the control plane for one valid policy and one tailnet."""

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
    ) -> Iterator[tuple[tuple[int, ...], Ports]]:
        """The (protocols, ports) open from *src* to *dst* on *node*, None: in the whole policy."""
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
                    is_open = len(users) == 1 and users != {None} and not rule.via
                elif node:
                    is_open = overlap([dst], self.served(rule, selector, node))
                elif rule.via and selector != "autogroup:internet":
                    is_open = overlap([dst], self.literal(selector) or [])
                else:
                    is_open = selector == "*" or overlap([dst], self.tokens(selector))
                yield from [(rule.protos, pair) for pair in ports] if is_open else []

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

    def subjects(self, selector: str, groups: tuple[str, ...] = ()) -> list[str]:
        """The addresses that a test speaks of; none for a selector that tests do not take."""
        text = (self.policy.get("hosts") or {}).get(selector, selector)
        refused = selector.startswith(("autogroup:", "user:", "ipset:")) and selector not in groups
        return [] if refused or selector == "*" or "/" in text else self.tokens(selector)

    def test_sources(self, test: JSON) -> list[str]:
        groups = ("autogroup:member", "autogroup:members", "autogroup:tagged")
        src = test.get("src") or ""
        return [] if src.startswith("svc:") else self.subjects(src, groups)

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
