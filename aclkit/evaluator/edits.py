"""The edits that would let something through: new rules, with no more access than was asked for.

A rule that exists is never widened: its other sources would gain access that nobody asked about.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from aclkit.addresses import Prefix
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.evaluator.reach import TCP
from aclkit.evaluator.reasons import Edit
from aclkit.evaluator.sides import Side
from aclkit.policy.ports import PORT_PROTOCOLS, protocol_name, protocol_words
from aclkit.policy.postures import unmet
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.resolver import is_identity, word_of
from aclkit.source import Span
from aclkit.target import AbsentRules, Position, SelectorKind
from aclkit.wording import listed

K = SelectorKind
P = Position


@dataclass(slots=True)
class PolicyEdit:
    """An edit of the policy, put together from additions.

    `postures` is what new rules need to ask for, where a default posture would hold them up.
    """

    rules: CompiledRules
    postures: tuple[str, ...] = ()
    _operations: list[dict[str, Any]] = field(default_factory=list)
    _words: list[str] = field(default_factory=list)
    _made: set[str] = field(default_factory=set)

    def edit(self) -> Edit:
        """Return the edit."""
        *first, last = self._words
        words = f"{', '.join(first)} and {last}" if first else last
        return Edit("policy", tuple(self._operations), words)

    def open(self, sources: list[str], targets: list[str], proto: int, port: int) -> None:
        """Add an access rule."""
        self.declare([*sources, *targets])
        policy = self.rules.policy
        ports = str(port) if proto in PORT_PROTOCOLS else "*"
        dst = [f"{_bracketed(target, self.rules)}:{ports}" for target in targets]
        rule: dict[str, Any] = {"action": "accept", "src": sources, "dst": dst}
        rule["proto"] = self._protocol(proto)
        words = f"add an access rule from {listed(sources)} to {listed(dst)}"
        words += "" if proto == TCP else f" for {protocol_words(proto)}"
        first: list[dict[str, Any]] = []
        absent = policy.acls is None and policy.grants is None
        if absent and policy.absent_rules is not AbsentRules.NOTHING:
            # With a rule section, what its absence stands for would be gone.
            first = [{"action": "accept", "src": ["*"], "dst": ["*:*"]}]
            words = "write down the rule that opens everything, then " + words
        self._append("acls", policy.acls is not None, [*first, self._conditional(rule)])
        self._words.append(self._with_postures(words))

    def log_in(self, sources: list[str], target: str, login: str) -> None:
        """Add an SSH rule, as the first where another may decide on *login* and let nobody in."""
        self.declare([*sources, target])
        held_up = [r for r in self.rules.ssh.rules if r.knows(login) and not r.lets_in(login)]
        action = "check" if any(rule.checks for rule in held_up) else "accept"  # tried before those
        rule = {"action": action, "src": sources, "dst": [target], "users": [login]}
        words = f"from {listed(sources)} to `{target}` as `{login}`"
        if held_up:
            self._add(f"/{self._key('ssh')}/0", self._conditional(rule))
            words = f"put an SSH rule {words} before all others"
        else:
            self._append("ssh", "ssh" in self.rules.policy.sections, [self._conditional(rule)])
            words = f"add an SSH rule {words}"
        self._words.append(self._with_postures(words))

    def declare(self, words: Iterable[str]) -> None:
        """Add the tags among *words* that `tagOwners` does not have; nobody owns them yet."""
        known = {tag.name.value for tag in self.rules.policy.tag_owners}
        for tag in dict.fromkeys(words):
            if not tag.startswith("tag:") or tag in known or tag in self._made:
                continue
            path = "/" + self._key("tagOwners")
            if known or self._made:
                self._add(f"{path}/{tag}", [])
            else:
                self._add(path, {tag: []})
            self._made.add(tag)
            self._words.append(f"declare `{tag}` in `tagOwners`")

    def _append(self, section: str, is_there: bool, entries: list[dict[str, Any]]) -> None:
        path = "/" + self._key(section)
        if is_there or section in self._made:
            for entry in entries:
                self._add(f"{path}/-", entry)
        else:
            self._add(path, entries)
            self._made.add(section)

    def _add(self, path: str, value: object) -> None:
        self._operations.append({"op": "add", "path": path, "value": value})

    def _key(self, section: str) -> str:
        """Return how the file spells the name of a section: case does not count there."""
        span = self.rules.policy.sections.get(section)
        if span is None:
            return section
        text = self.rules.policy.source.text
        try:
            name, _ = json.JSONDecoder().raw_decode(text, span.start)
        except ValueError:  # a name that is not written as in JSON
            return section
        return str(name)

    def _conditional(self, rule: dict[str, Any]) -> dict[str, Any]:
        return {**rule, "srcPosture": list(self.postures)} if self.postures else rule

    def _with_postures(self, words: str) -> str:
        return f"{words} with {listed(self.postures)}" if self.postures else words

    def _protocol(self, number: int) -> str:
        name = protocol_name(number)
        known = self.rules.policy.target.protocols.get(name) == (number,)
        return name if known else str(number)


def policy_edit(rules: CompiledRules, src: Side) -> PolicyEdit | None:
    """Return an empty edit for new rules from *src*.

    None where a default posture would hold them up, and no posture is met by all of *src*.
    """
    policy = rules.policy
    if not policy.default_src_posture:
        return PolicyEdit(rules)
    if src.prefixes:
        return None  # no posture is known of what has no device
    default = tuple(name.value for name in policy.default_src_posture)
    if all(meets_any(rules, node, default) for node in src.nodes):
        return PolicyEdit(rules)
    for posture in policy.postures:
        if all(meets_any(rules, node, (posture.name.value,)) for node in src.nodes):
            return PolicyEdit(rules, (posture.name.value,))
    return None


def meets_any(rules: CompiledRules, node: int, postures: Iterable[str]) -> bool:
    """Return whether a device meets one of *postures*."""
    known = {posture.name.value: posture.assertions for posture in rules.policy.postures}
    held = rules.nodes[node].posture
    return any(name in known and unmet(known[name], held) is None for name in postures)


def words_for(side: Side, position: Position, rules: CompiledRules) -> list[str]:
    """Return the selectors by which a rule names a side, at a position of the policy.

    That is the word that was asked, where it may stand there; else the user or a tag of each of the
    devices, or the addresses.
    """
    if side.selector is not None and may_stand(side.selector, position, rules):
        return [side.selector.text]
    found: dict[str, None] = {}
    for part in side.parts:
        found.update(dict.fromkeys(words_of_node(part.nodes[0], position, rules)))
    if rules.policy.target.allows(position, K.CIDR):
        found.update(dict.fromkeys(prefix.token for prefix in side.prefixes))
    return list(found)


def words_of_node(node: int, position: Position, rules: CompiledRules) -> list[str]:
    """Return the selectors by which a rule names a device: its user, a tag, or its addresses.

    None of them, where the position takes no addresses and nothing else names the device.
    """
    device = rules.nodes[node]
    declared = [tag for tag in device.tags if is_declared(tag, rules)]
    held = rules.class_of(node).words
    # Where a user is not called by login, one of the words that the node has is the user's.
    for word in [device.user or "", *declared, *device.tags, *held]:
        selector = selector_of(word, rules)
        if selector is None or not is_identity(selector) or word_of(selector) not in held:
            continue
        if may_stand(selector, position, rules):
            return [word]
    takes = rules.policy.target.allows(position, K.IP)
    return [Prefix.of(address).token for address in rules.addresses(node)] if takes else []


def may_stand(selector: Selector, position: Position, rules: CompiledRules) -> bool:
    """Return whether a rule of the policy may name *selector* at *position*, and is of effect."""
    target = rules.policy.target
    if selector.kind is K.AUTOGROUP:
        return selector.text in target.autogroups.get(position, frozenset())
    if selector.kind is K.DOMAIN and target.owned_domains:
        return selector.name in rules.roster.domains and target.allows(position, K.DOMAIN)
    dead = target.is_dead(position, selector.kind)
    return target.allows(position, selector.kind) and not dead


def selector_of(word: str, rules: CompiledRules) -> Selector | None:
    """Return the selector that *word* is; None if it is none."""
    try:
        return parse_selector(Text(word, Span(0, len(word))), rules.policy.target.names)
    except SelectorSyntaxError:
        return None


def is_declared(tag: str, rules: CompiledRules) -> bool:
    """Return whether `tagOwners` has *tag*."""
    return any(each.name.value == tag for each in rules.policy.tag_owners)


def approval(rules: CompiledRules, node: int, routes: tuple[Prefix, ...]) -> Edit:
    """Return the edit that approves *routes* of a node."""
    signature = rules.class_of(node).signature
    approved = dict.fromkeys([*signature.routes, *signature.exits, *routes])
    value = [str(route) for route in approved]
    words = f"approve {' and '.join(map(str, routes))} on {rules.nodes[node].name}"
    return Edit("tailnet", _on_node(rules, node, "approved_routes", value), words)


def tagging(rules: CompiledRules, node: int, tag: str) -> Edit:
    """Return the edit that gives a device of a user to *tag*."""
    operations = [*_on_node(rules, node, "tags", [tag])]
    operations.append({"op": "remove", "path": f"{_path(rules, node)}/user"})
    return Edit("tailnet", tuple(operations), f"give {rules.nodes[node].name} the tag `{tag}`")


def service_approval(rules: CompiledRules, service: int) -> Edit:
    """Return the edit that approves a service, by its index."""
    name = rules.roster.services[service].name
    path = f"/services/{service}"
    operations = (
        {"op": "test", "path": f"{path}/name", "value": name},
        {"op": "add", "path": f"{path}/approved", "value": True},
    )
    return Edit("tailnet", operations, f"approve the hosts of `{name}`")


def both(first: Edit, also: Edit | None) -> Edit | None:
    """Return an edit of both documents; None when there is no second one."""
    if also is None:
        return None
    return Edit(first.document, first.operations, f"{first.words}; {also.words}", also)


def _on_node(
    rules: CompiledRules, node: int, key: str, value: object
) -> tuple[dict[str, Any], ...]:
    path = _path(rules, node)
    return (
        {"op": "test", "path": f"{path}/name", "value": rules.nodes[node].name},
        {"op": "add", "path": f"{path}/{key}", "value": value},
    )


def _path(rules: CompiledRules, node: int) -> str:
    """Return where `Tailnet.to_dict` has a node: by its place in the order of creation."""
    place = next(place for place, (number, _) in enumerate(rules.in_order()) if number == node)
    return f"/nodes/{place}"


def _bracketed(target: str, rules: CompiledRules) -> str:
    if not rules.policy.target.ports.brackets:
        return target
    selector = selector_of(target, rules)
    is_ipv6 = selector is not None and selector.kind is K.IP and ":" in target
    return f"[{target}]" if is_ipv6 else target
