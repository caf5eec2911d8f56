"""Baselines: the same answers by plainer algorithms, for benchmarks to compare with.

The all-pairs baseline finds peers as the open-source coordination server does: it resolves each
name by a loop over the nodes, reads addresses once, reduces the rules once for each node, and then
tries every pair of nodes until a rule matches. It takes names and approvals from the product, and
nothing of its classes and cells.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from math import log
from time import process_time
from typing import NamedTuple

import aclkit
from aclkit.addresses import AddressSet, Family, Prefix
from aclkit.compiled import CompiledPolicy
from aclkit.compiler.routes import RouteApprovals
from aclkit.compiler.rules import AccessRule, access_rules
from aclkit.policy.model import Policy
from aclkit.policy.postures import unmet
from aclkit.policy.selectors import Selector
from aclkit.resolver import Resolver, is_identity, word_of
from aclkit.tailnet.model import Node, Tailnet
from aclkit.target import SelectorKind
from tests.bench.measure import table, timed
from tests.bench.world import standard_tailnet
from tests.reference_model import Model

Peers = list[list[int]]
"""Of each node the numbers of those that it sees, ascending."""

PAIRED = (100, 300, 1_000)
MODELLED = (5, 10, 20)
"""How many nodes the baselines are given: so many as they can do in a few seconds."""

CHANGED = 1_000
"""With how many nodes the change was made that the baselines are compared with."""


@dataclass(frozen=True, slots=True)
class Device:
    """A node, with its addresses as numbers and its routes in force."""

    node: Node
    words: frozenset[str]
    v4: tuple[int, ...]
    v6: tuple[int, ...]
    routes: tuple[Prefix, ...]
    is_exit: bool


@dataclass(frozen=True, slots=True)
class WideRule:
    """What a rule opens in the whole tailnet, all of its destinations in one.

    Attributes:
        near: addresses of nodes that it opens.
        behind: addresses behind routers that it opens.
        everything, internet, own: whether it opens every node, exit nodes, and devices of a user
            to those of the same user.
        via: tags of which a router needs one; none for no condition.
    """

    sources: AddressSet
    near: AddressSet
    behind: AddressSet
    everything: bool
    internet: bool
    own: bool
    via: frozenset[str]


class AllPairs:
    """Who sees whom, pair by pair."""

    def __init__(self, policy: Policy, tailnet: Tailnet) -> None:
        self._resolver = Resolver(policy, tailnet)
        self._postures = {each.name.value: each.assertions for each in policy.postures}
        approvals = RouteApprovals(self._resolver)
        self.devices = [self._device(node, approvals) for node in tailnet.nodes]
        self._named: dict[str, list[Device]] = {}
        self._of_user: dict[str, list[Device]] = {}
        for device in self.devices:
            if device.node.user is not None:
                self._of_user.setdefault(device.node.user, []).append(device)
        self.rules = [wide for rule in access_rules(policy) for wide in self._wide(rule)]

    def peers(self, reduced: Sequence[Sequence[AddressSet]]) -> Peers:
        """Return whom each node sees, from the rules of each node."""
        devices = self.devices
        seen: Peers = [[] for _ in devices]
        for a, one in enumerate(devices):
            into_one = reduced[a]
            for b in range(a):
                if _admits(reduced[b], one) or _admits(into_one, devices[b]):
                    seen[a].append(b)
                    seen[b].append(a)
        return seen

    def reduced(self) -> list[list[AddressSet]]:
        """Return of each node the sources of each rule that says something about it."""
        return [
            [sources for wide in self.rules if (sources := self._on(wide, device))]
            for device in self.devices
        ]

    def _on(self, wide: WideRule, device: Device) -> AddressSet | None:
        if wide.via and wide.via.isdisjoint(device.node.tags):
            return None
        if wide.everything or (wide.internet and device.is_exit):
            return wide.sources
        for value in device.v4:
            if bisect_right(wide.near.v4_edges, value) & 1:
                return wide.sources
        for value in device.v6:
            if bisect_right(wide.near.v6_edges, value) & 1:
                return wide.sources
        for route in device.routes:
            if wide.behind.overlaps_prefix(route):
                return wide.sources
        if wide.own and device.node.user is not None:
            devices = self._of_user[device.node.user]
            return wide.sources & AddressSet.of(a for each in devices for a in each.node.addresses)
        return None

    def _device(self, node: Node, approvals: RouteApprovals) -> Device:
        resolver = self._resolver
        words = (
            resolver.words_of_tags(node.tags)
            if node.tags
            else resolver.words_of_user(node.user or "")
        )
        routes = approvals.in_force(node, words) if node.advertised_routes else ()
        return Device(
            node,
            frozenset(words),
            tuple(a.value for a in node.addresses if a.family is Family.V4),
            tuple(a.value for a in node.addresses if a.family is Family.V6),
            tuple(route for route in routes if not route.is_default),
            sum(route.is_default for route in routes) == len(Family),
        )

    def _wide(self, rule: AccessRule) -> Iterable[WideRule]:
        if not rule.src:
            return
        sources, via = self._sources(rule), frozenset(rule.via)
        opened = [entry.selector for stream in rule.streams for entry in stream.entries]
        for selectors, is_app in ((opened, False), (rule.dst if rule.app else (), True)):
            nodes = AddressSet.of(self._addresses(each) for each in selectors if is_identity(each))
            behind = AddressSet.of(
                self._addresses(each)
                for each in selectors
                if not is_identity(each)
                and each.kind is not SelectorKind.WILDCARD
                and not each.is_autogroup("internet")
            )
            yield WideRule(
                sources,
                AddressSet.empty() if via else nodes | behind,
                AddressSet.empty() if is_app and not via else behind,
                not via and any(each.kind is SelectorKind.WILDCARD for each in selectors),
                (not is_app or bool(via))
                and any(each.is_autogroup("internet") for each in selectors),
                any(each.is_autogroup("self") for each in selectors),
                via,
            )

    def _sources(self, rule: AccessRule) -> AddressSet:
        sources = AddressSet.of(self._addresses(selector) for selector in rule.src)
        if any(selector.kind is SelectorKind.WILDCARD for selector in rule.src):
            sources |= AddressSet.of(r for device in self.devices for r in device.routes)
        if rule.postures:
            sources &= AddressSet.of(
                address
                for device in self.devices
                if any(self._meets(device, name) for name in rule.postures)
                for address in device.node.addresses
            )
        return sources

    def _meets(self, device: Device, posture: str) -> bool:
        return unmet(self._postures.get(posture, ()), device.node.posture) is None

    def _addresses(self, selector: Selector) -> AddressSet:
        """Return the addresses of a selector; of nodes, by a loop over all of them."""
        if is_identity(selector):
            word = word_of(selector)
            if word not in self._named:
                self._named[word] = [each for each in self.devices if word in each.words]
            return AddressSet.of(a for each in self._named[word] for a in each.node.addresses)
        literal = self._resolver.literal(selector)
        return literal.addresses if literal else AddressSet.empty()


def _admits(rules: Sequence[AddressSet], device: Device) -> bool:
    """Return whether a node, or something behind it, is a source of one of *rules*."""
    for sources in rules:
        for value in device.v4:
            if bisect_right(sources.v4_edges, value) & 1:
                return True
        for value in device.v6:
            if bisect_right(sources.v6_edges, value) & 1:
                return True
        for route in device.routes:
            if sources.overlaps_prefix(route):
                return True
    return False


class Found(NamedTuple):
    """The peers that a baseline found, and the seconds of its parts."""

    peers: Peers
    seconds: tuple[float, ...]


def compare(text: str, nodes: int, change: float) -> None:
    """Print what the baselines take, beside what the product takes for a change and to compile.

    *change* is the seconds of one; *nodes* is the size for which the growth is drawn out. Stops
    with an error when a baseline finds other peers than the product.
    """
    policy = aclkit.load_policy(text)
    print("\n## All pairs of nodes, as the open-source server tries them after each change\n")
    _beside(policy, PAIRED, nodes, change, partial(_paired, policy), ("reduce rules", "pairs"))
    print("\n## The reference model\n")
    _beside(policy, MODELLED, nodes, change, partial(_modelled, text), ("all",))


def _paired(policy: Policy, tailnet: Tailnet) -> Found:
    started = process_time()
    pairs = AllPairs(policy, tailnet)
    reduced = pairs.reduced()
    between = process_time()
    peers = pairs.peers(reduced)
    return Found(peers, (between - started, process_time() - between))


def _modelled(text: str, tailnet: Tailnet) -> Found:
    started = process_time()
    model = Model(json.loads(text), tailnet.to_dict())
    numbers = {node.name: number for number, node in enumerate(tailnet.nodes)}
    peers = [
        sorted(numbers[peer["name"]] for peer in model.peers(node.name)) for node in tailnet.nodes
    ]
    return Found(peers, (process_time() - started,))


def _beside(
    policy: Policy,
    sizes: Sequence[int],
    nodes: int,
    change: float,
    baseline: Callable[[Tailnet], Found],
    parts: tuple[str, ...],
) -> None:
    rows, costs = [], []
    for size in sizes:
        tailnet = standard_tailnet(size)
        ours, compiled = timed(partial(_compiled, policy, tailnet))
        peers, seconds = baseline(tailnet)
        if peers != [sorted(compiled.visibility.peers(number)) for number in range(size)]:
            raise SystemExit(f"the baseline sees other peers at {size} nodes")
        costs.append(seconds)
        theirs = sum(seconds)
        rows.append((f"{size:,}", *(f"{part:.2f} s" for part in seconds),
                     f"{change * 1e3:.2f} ms", f"{theirs / change:,.0f}",
                     f"{ours:.3f} s", f"{theirs / ours:,.0f}"))  # fmt: skip
    table(("nodes", *parts, f"one change of {CHANGED:,} nodes", "ratio",
           "compile, and peers of all classes", "ratio"), rows)  # fmt: skip
    drawn = 0.0
    for name, before, last in zip(parts, costs[-2], costs[-1], strict=True):
        power = log(last / before) / log(sizes[-1] / sizes[-2])
        drawn += last * (nodes / sizes[-1]) ** power
        print(f"\nFrom {sizes[-2]:,} to {sizes[-1]:,} nodes, {name}: the power {power:.2f}.")
    print(f"Drawn out to {nodes:,} nodes that is {drawn:,.0f} s.")


def _compiled(policy: Policy, tailnet: Tailnet) -> CompiledPolicy:
    """Compile, and work out all that questions about peers need."""
    compiled = aclkit.compile_policy(policy, tailnet)
    for each in compiled.rules.classes.classes:
        compiled.visibility.visible_classes(each.number)
    return compiled
