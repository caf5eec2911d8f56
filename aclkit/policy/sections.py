"""The readers of the sections whose keys are names: groups, hosts, owners, approvers, ..."""

from __future__ import annotations

from typing import Any

from aclkit.addresses import AddressSyntaxError, Family, Prefix, parse_prefix
from aclkit.diagnostics import error, warning
from aclkit.hujson.tree import Array, Literal, Object, Value
from aclkit.policy.fields import as_user, note_host_bits, read_selector, read_selectors
from aclkit.policy.lowering import Lowering, is_null
from aclkit.policy.model import (
    AutoApprovers,
    GroupDefinition,
    HostDefinition,
    IpSetDefinition,
    PostureDefinition,
    RouteApproval,
    ServiceApproval,
    TagDefinition,
)
from aclkit.policy.postures import Assertion, PostureSyntaxError, parse_assertion
from aclkit.policy.records import canonical_members, unknown_field
from aclkit.policy.selectors import Selector
from aclkit.policy.text import Text
from aclkit.target import Effect, SelectorKind


def read_groups(lowering: Lowering, value: Value) -> tuple[GroupDefinition, ...]:
    """Read `groups`: group names and their members."""
    found = []
    for name, members in lowering.entries(value, "an object of groups"):
        if isinstance(members, Array) or is_null(members):
            found.append(GroupDefinition(name, _members(lowering, members)))
        else:
            words = lowering.target.says("wrong-type/group", group=name.value, x=_go_value(members))
            lowering.wrong_type(members, "a list of strings", words=words)
            found.append(GroupDefinition(name, ()))
    return tuple(found)


def _go_value(value: Value) -> str:
    """Return how Headscale names a value that is no list."""
    match value:
        case Literal(value=str()):
            return f"string: {value.text}"
        case Literal(value=bool()):
            return "bool"
        case Literal():
            return "float64"
        case _:
            return "map[string]interface {}"


def _members(lowering: Lowering, value: Value) -> tuple[Selector, ...]:
    """Return the members of a group, among which a bare word may be a user."""
    found = read_selectors(lowering, value)
    if not lowering.target.names.bare_users:
        return found
    return tuple(as_user(each) if each.kind is SelectorKind.HOST else each for each in found)


def read_hosts(lowering: Lowering, value: Value) -> tuple[HostDefinition, ...]:
    """Read `hosts`: names and the address or CIDR of each."""
    found = []
    for name, item in lowering.entries(value, "an object of hosts"):
        text = lowering.text(item, "an IP address or a CIDR as a string")
        if text is None:
            continue
        prefix = read_prefix(lowering, text, name.value)
        if prefix is not None:
            found.append(HostDefinition(name, _widened(lowering, prefix, text), text))
    return tuple(found)


def _widened(lowering: Lowering, prefix: Prefix, text: Text) -> Prefix:
    """Return the prefix that the target makes of an IPv6 address without a length."""
    bits = lowering.target.names.bare_ipv6_bits
    if prefix.family is not Family.V6 or bits == 128 or "/" in text.value:
        return prefix
    network = parse_prefix(f"{text.stripped().value}/{bits}")
    lowering.report(
        warning(
            "widened-host",
            f"`{text.value}` is read as all of `{network}` by {lowering.target.title}",
            text.span,
            help=f"write `{prefix}`",
        )
    )
    return network


def read_prefix(lowering: Lowering, text: Text, host: str | None = None) -> Prefix | None:
    """Return the address or CIDR of *text*, or record that it is none.

    *host* is the name that it is the value of; without one it stands before a colon.
    """
    text = text.stripped()
    try:
        prefix = parse_prefix(text.value)
    except AddressSyntaxError as problem:
        help = "write an address such as `100.64.0.7`, or a CIDR such as `10.0.0.0/8`"
        if host is None and lowering.target.names.bad_route_keys is Effect.DEAD:
            message = f"this key approves nothing: {problem}"
            lowering.report(warning("dead-route", message, text.span, help=help))
            return None
        whose = "before the colon" if host is None else f"of host `{host}`"
        message = f"the value {whose} is neither an IP address nor a CIDR: {problem}"
        case = "bad-address/route" if host is None else "bad-address/host"
        words = lowering.target.says(case, x=text.value, host=host)
        lowering.report(error("bad-address", message, text.span, help=help, control_plane=words))
        return None
    note_host_bits(lowering, text)
    return prefix


def read_tag_owners(lowering: Lowering, value: Value) -> tuple[TagDefinition, ...]:
    """Read `tagOwners`: tags and their owners."""
    return tuple(
        TagDefinition(name, read_selectors(lowering, owners))
        for name, owners in lowering.entries(value, "an object of tags")
    )


_APPROVER_KEYS = ("routes", "exitNode", "services")


def read_auto_approvers(lowering: Lowering, value: Value) -> AutoApprovers:
    """Read `autoApprovers`: who may advertise routes, exit nodes and services unasked."""
    if not isinstance(value, Object):
        if not is_null(value):
            lowering.wrong_type(value, "an object")
        return AutoApprovers()
    absent = lowering.target.absent_keys
    known = [key for key in _APPROVER_KEYS if f"autoApprovers.{key}" not in absent]
    names: dict[str, Text] = {}
    parts: dict[str, Value] = {}
    for member, key in canonical_members(lowering, value, known):
        if key is None:
            unknown_field(lowering, member, known, "`autoApprovers`")
            continue
        name = Text.of(member.name)
        if key not in names or lowering.takes_again(name, names[key]):
            names[key], parts[key] = name, member.value
    routes, services = [], []
    if "routes" in parts:
        for name, approvers in lowering.entries(parts["routes"], "an object of routes"):
            prefix = read_prefix(lowering, name)
            if prefix is None:
                continue
            routes.append(RouteApproval(prefix, name, read_selectors(lowering, approvers)))
    if "services" in parts:
        services = [
            ServiceApproval(name, read_selectors(lowering, approvers))
            for name, approvers in lowering.entries(parts["services"], "an object of services")
        ]
    exit_node = read_selectors(lowering, parts["exitNode"]) if "exitNode" in parts else ()
    return AutoApprovers(tuple(routes), exit_node, tuple(services))


def read_postures(lowering: Lowering, value: Value) -> tuple[PostureDefinition, ...]:
    """Read `postures`: names and their assertions."""
    return tuple(
        PostureDefinition(name, _assertions(lowering, assertions))
        for name, assertions in lowering.entries(value, "an object of postures")
    )


def _assertions(lowering: Lowering, value: Value) -> tuple[Assertion, ...]:
    found = []
    for text in lowering.texts(value):
        try:
            assertion = parse_assertion(text.value)
        except PostureSyntaxError as problem:
            place = text.part(problem.start, problem.end).span
            lowering.report(error("bad-posture", problem.message, place, help=problem.help))
            continue
        lowering.charge_members(len(assertion.values), text)
        found.append(assertion)
    return tuple(found)


def read_ipsets(lowering: Lowering, value: Value) -> tuple[IpSetDefinition, ...]:
    """Read `ipsets`: names and their operations.

        operation = ["add " | "remove "] member

    A bare member means add, and is taken only where the list has no `remove`.
    """
    found = []
    for name, items in lowering.entries(value, "an object of ipsets"):
        operations, bare, removes = [], [], False
        for text in lowering.texts(items):
            word = text.stripped()
            verb, _, rest = word.value.partition(" ")
            if verb in ("add", "remove") and rest:
                member = word.part(len(verb) + 1, len(word.value)).stripped()
            else:
                verb, member = "", word
                bare.append(word)
            removes = removes or verb == "remove"
            selector = read_selector(lowering, member)
            if selector is not None:
                operations.append((verb != "remove", selector))
        if removes:
            for word in bare:
                lowering.report(
                    error(
                        "bare-ipset-member",
                        f"`{word.value}` lacks `add` or `remove`",
                        word.span,
                        help="in a list with `remove`, each entry begins with `add` or `remove`",
                    )
                )
        found.append(IpSetDefinition(name, tuple(operations), removes))
    return tuple(found)


def merged(first: Any, second: Any) -> Any:
    """Return what two sections of one name come to where maps are merged; the last entry wins."""
    match first, second:
        case AutoApprovers(), AutoApprovers():
            routes = {route.name.value: route for route in (*first.routes, *second.routes)}
            exit_node = second.exit_node or first.exit_node
            return AutoApprovers(tuple(routes.values()), exit_node)
        case tuple(), tuple() if all(isinstance(each, _DEFINITIONS) for each in first):
            return tuple({each.name.value: each for each in (*first, *second)}.values())
        case _:
            return second


_DEFINITIONS = (GroupDefinition, HostDefinition, TagDefinition)
