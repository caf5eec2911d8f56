"""Compact packet filters: named lists that change a little at a time, and JSON from shared parts.

A map response can carry the filter as named lists of rules, `PacketFilters`, of which later
messages replace, add and delete some (docs/reference/wire.md). A client joins them in the order of
their names; order means nothing, but for that of the values of one capability.

Here each list holds one rule. Rules that open the same are seen as one set of sources, which is cut
into chunks, so that a node that joins changes one short list of each rule that it is a source of:

- A name begins with a digest of what the rule opens: ports and protocols, or capabilities. It does
  not depend on sources or on other rules, so an edit of one rule touches no other's lists.
- The sources are cut, in their order, behind each source whose checksum says so. So borders stay
  where they are when a source comes or goes; only one that is a border itself moves one.
- Where several rules open the same to one source, it stands in as many lists as before.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from json.encoder import encode_basestring_ascii
from typing import Any, TypeAlias
from zlib import crc32

from aclkit.compiled import CompiledPolicy
from aclkit.tailcfg import FilterRule, NetPortRange
from aclkit.tailnet.model import Node

CHUNK = 32
"""About how many sources a list holds; more where what they open is long itself."""

MOST_APPENDED = 8
"""How many lists may be appended to a rule before its sources are cut anew."""

FORGET = "*"
"""The name that, with null, makes a client forget all lists that it holds."""

_SEPARATORS = (",", ":")

Message: TypeAlias = dict[str, list[dict[str, Any]] | None]
"""The value of `PacketFilters` in a map response, as JSON."""


@dataclass(frozen=True, slots=True, repr=False)
class PacketFilters:
    """The named lists that a client holds; each has one rule.

    `of` and `after` make them, `full` and `delta` are what a client is sent.
    """

    lists: Mapping[str, FilterRule]

    def __repr__(self) -> str:
        return f"<PacketFilters: {len(self.lists)} lists>"

    @classmethod
    def of(cls, rules: Iterable[FilterRule]) -> PacketFilters:
        """Return the lists for the filter *rules*: the same ones for the same rules, always.

        A server that remembers which version a client was sent needs to remember no more.
        """
        lists: dict[str, FilterRule] = {}
        for name, part in _parts(rules).items():
            lists.update(_chunks(name, part))
        return cls(lists)

    def after(self, rules: Iterable[FilterRule]) -> PacketFilters:
        """Return lists for the filter *rules* that keep as many of these as they can.

        New sources stand in lists of their own, so that the delta is only what came. The result
        depends on these lists, so a server that uses this remembers what each client holds.
        """
        held: dict[str, dict[str, FilterRule]] = {}
        for name, rule in self.lists.items():
            held.setdefault(_part_of(name), {})[name] = rule
        lists: dict[str, FilterRule] = {}
        for name, part in _parts(rules).items():
            lists.update(_grown(name, part, held.get(name, {})))
        return PacketFilters(lists)

    def full(self) -> Message:
        """Return the message for a client that may hold anything."""
        return {FORGET: None, **{name: [rule.to_dict()] for name, rule in self.lists.items()}}

    def delta(self, later: PacketFilters) -> Message:
        """Return the message for a client that holds these lists and is to hold *later*.

        It is empty when they are the same; then there is nothing to send.
        """
        message: Message = {name: None for name in self.lists if name not in later.lists}
        for name, rule in later.lists.items():
            held = self.lists.get(name)
            # What a list opens is in its name; only its sources can be others.
            if held is None or held.src_ips != rule.src_ips:
                message[name] = [rule.to_dict()]
        return message


@dataclass(slots=True)
class _Part:
    """What rules open, without who may: *rule* has no sources, *sources* are in order."""

    rule: FilterRule
    sources: list[str] = field(default_factory=list)


def _parts(rules: Iterable[FilterRule]) -> dict[str, _Part]:
    """Return the sources of all that *rules* open, by name.

    The first part of a digest has each source; the second those that it has twice, and so on.
    """
    opened: dict[str, tuple[FilterRule, list[str]]] = {}
    for rule in rules:
        _, listed = opened.setdefault(_digest(rule), (replace(rule, src_ips=()), []))
        listed.extend(rule.src_ips)
    parts = {}
    for digest, (rule, listed) in opened.items():
        parts[f"{digest}.0"] = _Part(rule)
        for source, count in sorted(Counter(listed).items()):
            for layer in range(count):
                parts.setdefault(f"{digest}.{layer}", _Part(rule)).sources.append(source)
    return parts


def _digest(rule: FilterRule) -> str:
    """Return a name for what *rule* opens, long enough that no two of them are ever alike."""
    return blake2b(_json(replace(rule, src_ips=()).to_dict()), digest_size=12).hexdigest()


def _part_of(name: str) -> str:
    digest, layer, _ = name.split(".", 2)
    return f"{digest}.{layer}"


def _chunks(name: str, part: _Part) -> Iterator[tuple[str, FilterRule]]:
    """Yield the lists of a part. Each is named by the border at its end, the last by none."""
    opened = max(len(part.rule.dst_ports), sum(len(c.dsts) for c in part.rule.cap_grant))
    spread = max(CHUNK, 4 * opened)
    chunk: list[str] = []
    for source in part.sources:
        chunk.append(source)
        if crc32(source.encode()) % spread == 0:
            yield f"{name}.{source}", replace(part.rule, src_ips=tuple(chunk))
            chunk = []
    if chunk or not part.sources:
        yield f"{name}.", replace(part.rule, src_ips=tuple(chunk))


def _grown(
    name: str, part: _Part, held: Mapping[str, FilterRule]
) -> Iterable[tuple[str, FilterRule]]:
    """Return the lists of a part that keep what is *held*; what is new is appended."""
    appended = f"{name}.+"
    wanted = set(part.sources)
    known = {source for rule in held.values() for source in rule.src_ips}
    new = [source for source in part.sources if source not in known]
    count = sum(each.startswith(appended) for each in held)
    if not held or not part.sources or count + bool(new) > MOST_APPENDED:
        return _chunks(name, part)
    lists = {}
    for each, rule in held.items():
        left = rule.src_ips
        if not wanted.issuperset(left):
            left = tuple(source for source in left if source in wanted)
        if left:
            lists[each] = rule if left is rule.src_ips else replace(rule, src_ips=left)
    if new:
        taken = lists.get(appended + new[0], part.rule).src_ips
        lists[appended + new[0]] = replace(part.rule, src_ips=(*taken, *new))
    return lists.items()


@dataclass(slots=True)
class Renderer:
    """Renders the filters and netmaps of nodes as JSON. What nodes share is rendered once.

    It keeps what it rendered, so it is for one compiled policy, and for as long as that is in use.
    """

    compiled: CompiledPolicy
    _sources: dict[int, tuple[tuple[str, ...], bytes]] = field(default_factory=dict)
    _before: dict[int, tuple[tuple[str, ...], bytes]] = field(default_factory=dict)
    _heads: dict[int, tuple[Node, bytes]] = field(default_factory=dict)
    _heads_before: dict[int, tuple[Node, bytes]] = field(default_factory=dict)

    def following(self, compiled: CompiledPolicy) -> Renderer:
        """Return a renderer for the next state, which takes over what both states share.

        Two states back is forgotten, so that a long life takes no more memory than a short one.
        """
        return Renderer(compiled, _before=self._sources, _heads_before=self._heads)

    def rules(self, name_or_id: str) -> bytes:
        """Return `packet_filter_rules` of a node as JSON without spaces.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        return self.rendered(self.compiled.netmap(name_or_id).packet_filter_rules)

    def netmap(self, name_or_id: str) -> bytes:
        """Return all that a node is sent, as `Netmap.to_dict` has it, as JSON without spaces.

        Raises:
            UnknownNameError: the tailnet has no such node.
        """
        netmap = self.compiled.netmap(name_or_id)
        parts = {
            b"name": _json(netmap.name),
            b"addresses": _json(netmap.addresses),
            b"packet_filter_rules": self.rendered(netmap.packet_filter_rules),
            b"ssh_rules": _json([rule.to_dict() for rule in netmap.ssh_rules]),
            b"cap_map": _json(netmap.cap_map),
            b"peers": b"[%b]" % b",".join(self._peers(self.compiled.node_number(name_or_id))),
        }
        return b"{%b}" % b",".join([b'"%b":%b' % part for part in parts.items()])

    def _peers(self, viewer: int) -> Iterator[bytes]:
        """Yield the peers of a node. How one without routes ends is the same for its class."""
        compiled = self.compiled
        rules, class_of = compiled.rules, compiled.rules.classes.class_of
        ends: dict[int, bytes | None] = {}
        for peer in rules.roster.in_order(compiled.visibility.peers(viewer)):
            of = class_of[peer]
            if of not in ends:
                signature = rules.classes.classes[of].signature
                ends[of] = None
                if not (signature.routes or signature.exits or rules.ipv4_disabled):
                    granted = _json(compiled.reach.granted_caps(peer, viewer))
                    ends[of] = b',"routes":[],"cap_map":{},"granted_caps":%b}' % granted
            end = ends[of]
            if end is None:
                yield _json(compiled.peer(viewer, peer).to_dict())
            else:
                yield self._head(peer) + end

    def _head(self, number: int) -> bytes:
        """Return how a node with all its addresses begins as a peer, whoever sees it."""
        node = self.compiled.rules.roster.nodes[number]
        found = self._heads.get(number)
        if found is None:
            found = self._heads_before.get(number)
            if found is None or found[0] is not node:
                prefixes = [f'"{each}/{each.family.width}"' for each in node.addresses]
                name = encode_basestring_ascii(node.name)
                head = f'{{"name":{name},"addresses":[{",".join(prefixes)}]'
                found = node, head.encode("ascii")
            self._heads[number] = found
        return found[1]

    def rendered(self, rules: Iterable[FilterRule]) -> bytes:
        """Return *rules* as JSON without spaces."""
        pieces: list[bytes] = []
        for rule in rules:
            pieces.append(b',{"SrcIPs":' if pieces else b'{"SrcIPs":')
            pieces.append(self.sources(rule.src_ips))
            if rule.dst_ports:
                pieces += (b',"DstPorts":', _ports(rule.dst_ports))
            if rule.ip_proto:
                pieces += (b',"IPProto":', _json(rule.ip_proto))
            if rule.cap_grant:
                pieces += (b',"CapGrant":', _json([grant.to_dict() for grant in rule.cap_grant]))
            pieces.append(b"}")
        return b"[%b]" % b"".join(pieces)

    def sources(self, listed: tuple[str, ...]) -> bytes:
        """Return the JSON of a list of sources, rendered once for all rules that share it."""
        # The tuples themselves are shared, so that looking one up need not look through it.
        found = self._sources.get(id(listed))
        if found is None:
            found = self._before.get(id(listed)) or (listed, _texts(listed))
            self._sources[id(listed)] = found
        return found[1]


def rendered_rules(compiled: CompiledPolicy, name_or_id: str) -> bytes:
    """Return `packet_filter_rules` of one node as JSON without spaces.

    For many nodes keep a `Renderer`, which renders what they share once.

    Raises:
        UnknownNameError: the tailnet has no such node.
    """
    return Renderer(compiled).rules(name_or_id)


def _ports(ports: Iterable[NetPortRange]) -> bytes:
    texts = (
        f'{{"IP":{encode_basestring_ascii(each.ip)},'
        f'"Ports":{{"First":{each.ports.first},"Last":{each.ports.last}}}}}'
        for each in ports
    )
    return b"[%b]" % ",".join(texts).encode("ascii")


def _texts(listed: Sequence[str]) -> bytes:
    text = "".join(listed)
    if not listed or encode_basestring_ascii(text) != f'"{text}"':
        return _json(listed)
    # Nothing in any of them is written in another way, so that they need but be joined.
    return '["{}"]'.format('","'.join(listed)).encode("ascii")


def _json(data: object) -> bytes:
    return json.dumps(data, separators=_SEPARATORS).encode("ascii")
