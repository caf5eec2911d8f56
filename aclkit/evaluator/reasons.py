"""Why something does not get through, the nearest miss first, and the edit that would let it.

Each reason is a stable code with its evidence. An edit is data, the operations of a JSON patch on
the policy or the tailnet file; nothing is edited here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from aclkit.addresses import Prefix
from aclkit.compiler.cells import Cell, CellKind
from aclkit.compiler.filters import Origin
from aclkit.evaluator.query import Pair, Question
from aclkit.evaluator.reach import DEFAULT_PROTOCOLS
from aclkit.policy.postures import unmet
from aclkit.resolver import TAGGED
from aclkit.target import SelectorKind

K = SelectorKind
_PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}
_FOR_USERS = frozenset({K.USER, K.GROUP, K.DOMAIN})


@dataclass(frozen=True, slots=True)
class Edit:
    """A change that would let it through.

    `document` is ``policy`` or ``tailnet``; `operations` are those of a JSON patch.
    """

    document: str
    operations: tuple[dict[str, Any], ...]
    words: str


@dataclass(frozen=True, slots=True)
class WhyNot:
    """One reason of a no.

    Attributes:
        code: stable, in kebab-case; docs/answers.md explains each.
        message: one sentence.
        origin: the entry of the policy that comes near, if one does.
        edit: the change that would let it through; None where no file can: no such device, a
            posture's value, no router, a route that is not advertised.
    """

    code: str
    message: str
    origin: Origin | None = None
    edit: Edit | None = None


def why_not(question: Question) -> tuple[WhyNot, ...]:
    """Return the reasons of a no, the nearest miss first, each code and rule once."""
    found: dict[tuple[str, Origin | None], WhyNot] = {}
    for reason in _reasons(question):
        found.setdefault((reason.code, reason.origin), reason)
    order = list(_ORDER)
    return tuple(sorted(found.values(), key=lambda reason: order.index(reason.code)))


_ORDER = (
    "no-such-device", "wrong-port", "wrong-protocol", "posture-not-met", "route-not-approved",
    "no-router-online", "rule-names-other-part", "source-is-tagged", "source-not-in-rule",
    "runs-the-other-way", "via-other-tag", "exit-node-needs-internet", "no-router", "no-rule",
    "no-common-family",
)  # fmt: skip


def _reasons(question: Question) -> Iterator[WhyNot]:
    for side, what in ((question.src, "source"), (question.dst, "destination")):
        if side.is_empty:
            yield WhyNot("no-such-device", f"no device is `{side.text}`, the {what}")
    for pair in question.failing:
        if pair.address is not None:
            yield from _of_subnet(question, pair, pair.address)
        else:
            yield from _of_devices(question, pair)


def _of_devices(question: Question, pair: Pair) -> Iterator[WhyNot]:
    rules = question.rules
    assert pair.dst is not None
    class_of = rules.classes.class_of
    a, b = class_of[pair.src], class_of[pair.dst]
    shared4 = question.src.classes4 >> a & question.dst.classes4 >> b & 1
    shared6 = question.src.classes6 >> a & question.dst.classes6 >> b & 1
    if not shared4 and not shared6:
        message = f"{_name(question, pair.src)} and {_name(question, pair.dst)} have no address "
        yield WhyNot("no-common-family", message + "family in common")
        return
    found = False
    for cell in _port_cells(question):
        hits = (cell.hits4 if shared4 else 0) | (cell.hits6 if shared6 else 0)
        if cell.own:
            user = rules.nodes[pair.src].user
            if user is None or rules.nodes[pair.dst].user != user:
                continue
        elif not hits >> b & 1:
            continue
        for reason in _near(question, cell, pair, a):
            found = True
            yield reason
    for cell in _port_cells(question):
        covers = cell.source.covers4 | cell.source.covers6
        if not cell.own and covers >> b & (cell.hits4 | cell.hits6) >> a & 1:
            message = f"a rule lets {_name(question, pair.dst)} reach {_name(question, pair.src)}, "
            edit = _new_rule(question, pair)
            yield WhyNot("runs-the-other-way", message + "not the reverse", _origin(cell), edit)
    if not found:
        message = f"no rule opens {_name(question, pair.dst)} to anybody"
        yield WhyNot("no-rule", message, None, _new_rule(question, pair))


def _near(question: Question, cell: Cell, pair: Pair, a: int) -> Iterator[WhyNot]:
    """Yield why a cell that opens the right destination does not help this source."""
    opened = _is_open(question, cell)
    covers = cell.source.covers4 | cell.source.covers6
    base = cell.source.base
    if covers >> a & 1:
        if not opened:
            yield _wrong_port(question, cell, pair)
        return
    if not opened:
        return
    if cell.source.postures and (base.covers4 | base.covers6) >> a & 1:
        yield _posture(question, cell, pair)
        return
    node = question.rules.nodes[pair.src]
    for_users = any(
        selector.kind in _FOR_USERS or selector.is_autogroup("member", "members")
        for selector in cell.source.selectors
    )
    edit = _new_rule(question, pair)
    if node.tags and for_users:
        message = f"{node.name} is tagged, so rules for users do not apply to it"
        yield WhyNot("source-is-tagged", message, _origin(cell), edit)
    else:
        message = f"{_name(question, pair.src)} is not among the sources of the rule"
        yield WhyNot("source-not-in-rule", message, _origin(cell), edit)


def _wrong_port(question: Question, cell: Cell, pair: Pair) -> WhyNot:
    assert cell.entry is not None
    edit = _new_rule(question, pair)
    if question.proto not in (cell.ip_proto or DEFAULT_PROTOCOLS):
        names = ", ".join(_protocol(number) for number in cell.ip_proto or DEFAULT_PROTOCOLS)
        message = f"the rule is for {names}, not for {_protocol(question.proto)}"
        return WhyNot("wrong-protocol", message, _origin(cell), edit)
    ports = ", ".join(f"{a}" if a == b else f"{a}-{b}" for a, b in cell.entry.ports)
    message = f"the rule opens {ports}, not {question.port}"
    return WhyNot("wrong-port", message, _origin(cell), edit)


def _posture(question: Question, cell: Cell, pair: Pair) -> WhyNot:
    rules = question.rules
    node = rules.nodes[pair.src]
    parts = []
    for posture in rules.policy.postures:
        if posture.name.value in cell.source.postures:
            assertion = unmet(posture.assertions, node.posture)
            if assertion is not None:
                value = node.posture.get(assertion.attribute, "not set")
                parts.append(f"`{posture.name.value}` wants {assertion.text}, it is {value!r}")
    message = f"{node.name} meets no posture of the rule: " + "; ".join(parts)
    return WhyNot("posture-not-met", message, _origin(cell))


def _of_subnet(question: Question, pair: Pair, prefix: Prefix) -> Iterator[WhyNot]:
    rules = question.rules
    a = rules.classes.class_of[pair.src]
    offering = [
        (node, route)
        for node in rules.nodes
        for route in node.advertised_routes
        if route.contains(prefix) and not route.is_default
    ]
    in_force = [route for route in rules.classes.routes if route.contains(prefix)]
    if offering and not in_force:
        for node, route in offering:
            message = f"{node.name} offers {route}, but the route is not approved"
            yield WhyNot("route-not-approved", message, None, _approval(question, node.name, route))
        return
    if in_force and all(rules.primaries.get(route) is None for route in in_force):
        yield WhyNot("no-router-online", f"no router of {in_force[0]} is online")
        return
    exits = [node for node in rules.nodes if any(r.is_default for r in node.advertised_routes)]
    if not in_force and not exits:
        yield WhyNot("no-router", f"no device offers a route to {prefix}")
        return
    if not in_force:
        message = f"{prefix} is reached by exit nodes, for which a rule must open "
        edit = _append(question, [_word(question, pair.src)], "autogroup:internet")
        yield WhyNot("exit-node-needs-internet", message + "`autogroup:internet`", None, edit)
        return
    found = False
    for cell in _port_cells(question):
        if not cell.routes.isdisjoint(in_force) and not cell.own:
            covers = cell.source.covers4 | cell.source.covers6
            if not question.names(cell, prefix):
                message = f"the rule names `{_selector(cell)}`, which is not all of {prefix}"
                edit = _append(question, [_word(question, pair.src)], str(prefix))
                yield WhyNot("rule-names-other-part", message, _origin(cell), edit)
                found = True
                continue
            for reason in _near(question, cell, pair, a):
                found = True
                yield reason
            if cell.is_via and covers >> a & 1 and _is_open(question, cell):
                found = True
                tags = ", ".join(f"`{tag}`" for tag in cell.rule.via)
                message = f"the rule goes by way of {tags}, which no router of {prefix} has"
                edit = _append(question, [_word(question, pair.src)], str(prefix))
                yield WhyNot("via-other-tag", message, _origin(cell), edit)
    if not found:
        edit = _append(question, [_word(question, pair.src)], str(prefix))
        yield WhyNot("no-rule", f"no rule opens {prefix} to anybody", None, edit)


def _port_cells(question: Question) -> Iterable[Cell]:
    return (cell for cell in question.rules.cells if cell.kind is CellKind.PORTS)


def _is_open(question: Question, cell: Cell) -> bool:
    open4, open6 = question.reach.cells_open(question.proto, question.port)
    return bool((open4 | open6) >> cell.number & 1)


def _origin(cell: Cell) -> Origin:
    return Origin(cell.rule.section, cell.rule.index, cell.rule.span)


def _selector(cell: Cell) -> str:
    return cell.entry.selector.text if cell.entry else ""


def _name(question: Question, node: int) -> str:
    return question.rules.nodes[node].name


def _protocol(number: int) -> str:
    return _PROTOCOL_NAMES.get(number, f"protocol {number}")


def _word(question: Question, node: int) -> str:
    """Return the selector by which a rule names a device: its user or its first tag."""
    found = question.rules.nodes[node]
    return found.tags[0] if found.tags else found.user or TAGGED


def _new_rule(question: Question, pair: Pair) -> Edit | None:
    assert pair.dst is not None
    return _append(question, [_word(question, pair.src)], _word(question, pair.dst))


def _append(question: Question, src: list[str], dst: str) -> Edit | None:
    """Return the edit that adds an access rule; None where a default posture would hold it up."""
    policy = question.rules.policy
    if policy.default_src_posture:
        return None
    ported = question.proto in (6, 17, 132)
    port = str(question.port) if ported and question.port else "*"
    host = f"[{dst}]" if ":" in dst and "/" not in dst and dst[0] in "0123456789abcdef" else dst
    rule: dict[str, Any] = {"action": "accept", "src": src, "dst": [f"{host}:{port}"]}
    if question.proto not in (1, 58):
        rule["proto"] = _PROTOCOL_NAMES.get(question.proto, str(question.proto))
    path, value = ("/acls/-", rule) if policy.acls is not None else ("/acls", [rule])
    words = f"add an access rule from `{src[0]}` to `{host}:{port}`"
    return Edit("policy", ({"op": "add", "path": path, "value": value},), words)


def _approval(question: Question, name: str, route: Prefix) -> Edit:
    nodes = question.rules.tailnet.to_dict()["nodes"]
    index = next(place for place, node in enumerate(nodes) if node["name"] == name)
    routes = [*nodes[index].get("approved_routes", []), str(route)]
    operation = {"op": "add", "path": f"/nodes/{index}/approved_routes", "value": routes}
    return Edit("tailnet", (operation,), f"approve {route} on {name}")
