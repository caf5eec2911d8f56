"""Why a device does not get through to another: the rules that come near, and what they lack."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from aclkit.compiler.bitsets import bitset
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.compiled_rules import CompiledRules
from aclkit.compiler.filters import Origin
from aclkit.evaluator.edits import (
    is_declared,
    meets_any,
    policy_edit,
    words_for,
)
from aclkit.evaluator.grounds import Ends, named_by
from aclkit.evaluator.query import Pair, Question
from aclkit.evaluator.reach import TCP
from aclkit.evaluator.reasons import Edit, WhyNot
from aclkit.evaluator.regions import Region
from aclkit.evaluator.sides import Side
from aclkit.policy.ports import protocol_words
from aclkit.policy.postures import unmet
from aclkit.policy.selectors import Selector
from aclkit.tailcfg import DEFAULT_PROTOCOLS
from aclkit.target import Position, SelectorKind
from aclkit.wording import listed

K = SelectorKind
P = Position

SSH_PORT = 22
_OF_USERS = frozenset({K.USER, K.GROUP, K.DOMAIN})


def of_devices(question: Question, pair: Pair) -> Iterator[WhyNot]:
    """Yield why the source of *pair* does not reach its destination, which is a device."""
    rules = question.rules
    edit = new_rule(question)
    near, found = Near(question, pair, edit), False
    for cell in port_cells(rules):
        for reason in near.of_cell(cell):
            found = True
            yield reason
    yield from undeclared_tags(question, pair)
    yield from _closed_to_ssh(question, pair)
    if not found:
        message = f"no rule opens {asked_for(question)} of {target_name(rules, pair)}"
        yield WhyNot("no-rule", message, None, edit)


class Near:
    """Why the rules that open the right destination do not help one source, or the reverse.

    `source` is the cells of which the source is one; *edit* is what reasons propose.
    """

    def __init__(self, question: Question, pair: Pair, edit: Edit | None) -> None:
        self._question, self._pair, self._edit = question, pair, edit
        self._rules = question.rules
        self.source = _as_source(question, pair, pair.src, pair.behind)
        self._target = _as_target(question, pair, pair.dst, pair.beyond)
        self._base = _but_for_postures(question, pair)
        back = _as_source(question, pair, pair.dst, pair.beyond)
        self._back = back & _as_target(question, pair, pair.src, pair.behind)

    def of_cell(self, cell: Cell) -> Iterator[WhyNot]:
        """Yield what keeps *cell* from letting the pair through, if it comes near."""
        bit = 1 << cell.number
        if cell.own:
            yield from self._of_own(cell)
        elif self._target & bit:
            yield from self.of_source(cell, covered=bool(self.source & bit))
        if self._back & self._question.open_cells & bit:
            source, target = (name(self._rules, self._pair) for name in (source_name, target_name))
            message = f"a rule lets {target} reach {source}, not the reverse"
            yield WhyNot("runs-the-other-way", message, origin_of(cell), self._edit)

    def of_source(self, cell: Cell, *, covered: bool) -> Iterator[WhyNot]:
        """Yield why *cell*, which has the right destination, does not help the source."""
        opened = self._question.open_cells >> cell.number & 1
        if not opened:
            if covered:
                yield self._wrong_port(cell)
            return
        origin = origin_of(cell)
        if covered:
            message = "the rule names the source by one address family and the destination by "
            yield WhyNot("no-common-family", message + "the other", origin, self._edit)
            return
        name = source_name(self._rules, self._pair)
        if cell.source.postures and self._base >> cell.number & 1:
            yield self._posture(cell)
        elif self._is_tagged() and name_users(cell.source.selectors):
            message = f"{name} is tagged, so rules for users do not apply to it"
            yield WhyNot("source-is-tagged", message, origin, self._edit)
        else:
            named = listed(dict.fromkeys(selector.text for selector in cell.source.selectors))
            message = f"{name} is not among the sources of the rule: {named}"
            yield WhyNot("source-not-in-rule", message, origin, self._edit)

    def _of_own(self, cell: Cell) -> Iterator[WhyNot]:
        """Yield why a rule to `autogroup:self` does not help."""
        pair, nodes = self._pair, self._rules.nodes
        if pair.beyond is not None or pair.dst is None or pair.src is None:
            return
        covered = bool(self.source >> cell.number & 1)
        user = nodes[pair.src].user
        if user is not None and nodes[pair.dst].user == user:
            yield from self.of_source(cell, covered=covered)
        elif covered and self._question.open_cells >> cell.number & 1:
            owner = nodes[pair.dst].user
            whose = f"belongs to {owner}" if owner else "is tagged and belongs to no user"
            message = f"the rule opens the devices of {user} to that user alone, and "
            message += f"{nodes[pair.dst].name} {whose}"
            yield WhyNot("self-of-other-user", message, origin_of(cell), self._edit)

    def _is_tagged(self) -> bool:
        src = self._pair.src
        return self._pair.behind is None and src is not None and self._rules.nodes[src].is_tagged

    def _wrong_port(self, cell: Cell) -> WhyNot:
        assert cell.entry is not None
        question, protocols = self._question, cell.ip_proto or DEFAULT_PROTOCOLS
        if question.proto not in protocols:
            names = ", ".join(map(protocol_words, protocols))
            message = f"the rule is for {names}, not for {protocol_words(question.proto)}"
            return WhyNot("wrong-protocol", message, origin_of(cell), self._edit)
        ports = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in cell.entry.ports)
        message = f"the rule opens {ports} of `{named_by(cell)}`, not {question.port}"
        return WhyNot("wrong-port", message, origin_of(cell), self._edit)

    def _posture(self, cell: Cell) -> WhyNot:
        assert self._pair.src is not None
        if self._pair.behind is not None:
            message = f"the rule asks for a posture, and none is known of {self._pair.behind}"
            return WhyNot("posture-not-met", message, origin_of(cell))
        message = unmet_postures(self._rules, self._pair.src, cell.source.postures)
        return WhyNot("posture-not-met", message, origin_of(cell))


def unmet_postures(
    rules: CompiledRules, node: int, postures: tuple[str, ...], whose: str = "the rule"
) -> str:
    """Return what a device lacks for each of *postures*, of which one would do, as a sentence."""
    device = rules.nodes[node]
    parts = []
    for posture in rules.policy.postures:
        if posture.name.value not in postures:
            continue
        assertion = unmet(posture.assertions, device.posture)
        if assertion is not None:
            value = device.posture.get(assertion.attribute)
            held = "is not set" if value is None else f"is {posture_text(value)}"
            wanted = f"`{posture.name.value}` wants `{assertion.text}`"
            parts.append(f"{wanted}, and `{assertion.attribute}` {held}")
    return f"{device.name} meets no posture of {whose}: " + "; ".join(parts)


def default_posture(side: Side, rules: CompiledRules) -> Iterator[WhyNot]:
    """Yield that the default posture would hold up each new rule for *side*, if it would."""
    if side.is_empty or policy_edit(rules, side) is not None:
        return
    postures = tuple(name.value for name in rules.policy.default_src_posture)
    message = f"`defaultSrcPosture` asks for {listed(postures)}, and none is known of {side.text}"
    for node in side.nodes:
        if not meets_any(rules, node, postures):
            message = unmet_postures(rules, node, postures, "`defaultSrcPosture`")
            break
    yield WhyNot("posture-not-met", message)


def posture_text(value: str | int | float | bool) -> str:
    """Return the value of a posture attribute as assertions write it."""
    if isinstance(value, bool):
        return "`true`" if value else "`false`"
    return f"`'{value}'`" if isinstance(value, str) else f"`{value}`"


def undeclared_tags(question: Question, pair: Pair) -> Iterator[WhyNot]:
    """Yield the ends of *pair* that no rule can name, since `tagOwners` lacks all their tags."""
    rules = question.rules
    ends = ((pair.src, pair.behind), (pair.dst, pair.beyond))
    for node, region in ends:
        if node is None or region is not None:
            continue
        tags = rules.nodes[node].tags
        if tags and not any(is_declared(tag, rules) for tag in tags):
            message = f"{listed(tags)} of {rules.nodes[node].name} is not in `tagOwners`, "
            edit = new_rule(question)
            yield WhyNot("tag-not-in-tag-owners", message + "so no rule can name it", None, edit)


def _closed_to_ssh(question: Question, pair: Pair) -> Iterator[WhyNot]:
    """Yield the SSH rules that would let somebody in if port 22 were open."""
    if question.proto != TCP or question.port != SSH_PORT:
        return
    if pair.behind is not None or pair.src is None or pair.dst is None:
        return
    rules = question.rules
    each = rules.class_of(pair.dst)
    for rule in rules.ssh.rules:
        if rules.ssh.sources_at(rule, each) >> rules.classes.class_of[pair.src] & 1:
            origin = Origin("ssh", rule.number, rule.rule.span)
            yield port_closed(question, pair, origin)


def port_closed(question: Question, pair: Pair, origin: Origin) -> WhyNot:
    """Return that port 22 is closed although the SSH rule *origin* is fine."""
    message = f"the SSH rule lets {source_name(question.rules, pair)} in, but no rule opens port "
    message += f"22 of {target_name(question.rules, pair)}"
    return WhyNot("ssh-port-closed", message, origin, new_rule(question))


def new_rule(question: Question, dst: list[str] | None = None) -> Edit | None:
    """Return the edit that adds an access rule for all that is asked.

    *dst* names the destination, where it is not what was asked for. None where a default posture
    would hold the rule up.
    """
    rules = question.rules
    edit = policy_edit(rules, question.src)
    sources = words_for(question.src, P.ACL_SRC, rules)
    targets = words_for(question.dst, P.ACL_DST, rules) if dst is None else dst
    if edit is None or not sources or not targets:
        return None
    edit.open(sources, targets, question.proto, question.port)
    return edit.edit()


def port_cells(rules: CompiledRules) -> Iterator[Cell]:
    """Yield the cells that open ports."""
    return (cell for cell in rules.cells if cell.kind is CellKind.PORTS)


def origin_of(cell: Cell) -> Origin:
    """Return the rule that a cell comes from."""
    return Origin(cell.rule.section, cell.rule.index, cell.rule.span)


def source_name(rules: CompiledRules, pair: Pair) -> str:
    """Return how messages call the source of *pair*."""
    return Ends(rules, pair).names[0]


def target_name(rules: CompiledRules, pair: Pair) -> str:
    """Return how messages call the destination of *pair*."""
    return Ends(rules, pair).names[1]


def asked_for(question: Question) -> str:
    """Return the protocol and port of a question, for messages."""
    name = protocol_words(question.proto)
    return f"{name} {question.port}" if question.port else name


def name_users(selectors: Iterable[Selector]) -> bool:
    """Return whether one of *selectors* names devices by their user."""
    return any(
        selector.kind in _OF_USERS or selector.is_autogroup("member", "members")
        for selector in selectors
    )


def _as_source(question: Question, pair: Pair, node: int | None, region: Region | None) -> int:
    """Return the cells of which an end of *pair* is a source."""
    if region is not None:
        return region.naming
    if node is None:
        return 0
    row = question.reach.row(question.rules.classes.class_of[node])
    return (row.src4 | row.own4 if pair.over4 else 0) | (row.src6 | row.own6 if pair.over6 else 0)


def _as_target(question: Question, pair: Pair, node: int | None, region: Region | None) -> int:
    """Return the cells of which an end of *pair* is a destination, `autogroup:self` aside."""
    if region is not None:
        return region.named
    if node is None:
        return 0
    row = question.reach.row(question.rules.classes.class_of[node])
    return (row.dst4 if pair.over4 else 0) | (row.dst6 if pair.over6 else 0)


def _but_for_postures(question: Question, pair: Pair) -> int:
    """Return the cells of which the source is one, or would be if it met a posture."""
    if pair.src is None or pair.behind is not None:
        return 0
    number = question.rules.classes.class_of[pair.src]
    return bitset(
        cell.number
        for cell in port_cells(question.rules)
        if (cell.source.base.covers4 | cell.source.base.covers6) >> number & 1
    )
