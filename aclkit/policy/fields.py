"""The readers of single fields: tree values in, typed leaves out.

A reader never raises for the user's mistake: it records a diagnostic at the exact part and gives
what it could read, so that one run finds every mistake.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeAlias

from aclkit.addresses import has_host_bits, parse_prefix
from aclkit.diagnostics import error, warning
from aclkit.hujson.tree import Array, Literal, Object, Value
from aclkit.policy.lowering import Lowering, is_null
from aclkit.policy.ports import (
    LAST_PORT,
    Destination,
    IpEntry,
    PortBounds,
    PortSyntaxError,
    Protocol,
    destination_words,
    parse_destination,
    parse_ip_entry,
    parse_protocol,
    split_destination,
    unbracketed,
)
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import Position, SelectorKind, Target, UserWords

Json: TypeAlias = Any
"""A JSON value as the standard library's json module gives it."""

Reader: TypeAlias = Callable[[Lowering, Value], Any]
"""Reads the value of one field."""

# One port at the end of a string in quotes, which every target reads alike.
_is_one_port = re.compile(r'[1-9][0-9]{0,4}"', re.ASCII).fullmatch


def read_selector(
    lowering: Lowering, text: Text, position: Position | None = None
) -> Selector | None:
    """Return one selector, or record what is wrong with it.

    *position* is where it stands, when the words of a refusal depend on it.
    """
    findings = len(lowering.diagnostics)
    try:
        selector = parse_selector(text, lowering.target.names)
    except SelectorSyntaxError as problem:
        word = text.stripped() if lowering.target.names.trims else text
        _selector_failure(lowering, problem, word, position)
        return None
    if selector.kind is SelectorKind.CIDR:
        note_host_bits(lowering, text)
    meant = _meant(lowering, selector, text)
    # What has blanks around it has another span.
    is_plain = text.exact and selector.span == text.span and meant is selector
    if is_plain and len(lowering.diagnostics) == findings:
        lowering.selectors[f'"{text.value}"'] = selector
    return meant


def _again(known: Selector, start: int, end: int) -> Selector:
    """Return the selector *known* as it stands at another place."""
    return Selector(known.kind, known.text, Span(start, end), known.prefix, known.bounds)


def _meant(lowering: Lowering, selector: Selector, text: Text) -> Selector:
    """Return *selector* as the target understands it, which for some is not as it looks."""
    names = lowering.target.names
    is_loose = names.loose_internet and selector.kind is SelectorKind.AUTOGROUP
    if is_loose and selector.text != text.value:
        lowering.report(
            warning(
                "loose-autogroup",
                f"`{text.value}` is read as `{selector.text}` by {lowering.target.title}",
                selector.span,
                help=f"write `{selector.text}`",
            )
        )
    if (
        names.bare_users
        and selector.kind is SelectorKind.HOST
        and selector.text not in lowering.host_names
        and not _no_user(lowering.target).search(selector.text)
    ):
        if near := lowering.spelling.nearest(selector.text, lowering.host_names):
            message = (
                f"`{selector.text}` is no host, so {lowering.target.title} takes it for a user"
            )
            help = f"did you mean `{near}`?"
            lowering.report(warning("host-like-user", message, selector.span, help=help))
        return as_user(selector)
    return selector


def as_user(selector: Selector) -> Selector:
    """Return the user that a bare word names."""
    return Selector(SelectorKind.USER, selector.text, selector.span)


def _no_user(target: Target) -> re.Pattern[str]:
    """Return what is found in bare words that are no users."""
    by_id = target.meaning.user_words is UserWords.PLAIN
    return _NEITHER_ID_NOR_NAME if by_id else _NO_NAME


_NO_NAME = re.compile(r"[:/]|^$")
# The id of a provider may be an address of the web, or have a slash.
_NEITHER_ID_NOR_NAME = re.compile(r"^$|^[a-z]+:(?!//)|^[0-9a-fA-F.:]+/[0-9]+$")


def _selector_failure(
    lowering: Lowering,
    problem: SelectorSyntaxError,
    text: Text,
    position: Position | None = None,
) -> None:
    words = lowering.target.says("bad-selector", position, x=text.value)
    lowering.report(
        error(problem.code, problem.message, problem.span, help=problem.help, control_plane=words)
    )


def note_host_bits(lowering: Lowering, text: Text) -> None:
    """Warn when the CIDR *text* names more than the network that it is read as."""
    text = text.stripped()
    if has_host_bits(text.value):
        network = parse_prefix(text.value)
        address = text.value.partition("/")[0]
        lowering.report(
            warning(
                "host-bits",
                f"`{text.value}` is read as all of `{network}`",
                text.span,
                help=f"write `{network}`, or `{address}` for this address alone",
            )
        )


def read_selectors(
    lowering: Lowering, value: Value, position: Position | None = None
) -> tuple[Selector, ...]:
    """Return the selectors of a list."""
    found = []
    for literal in lowering.strings(value):
        known = lowering.selectors.get(literal.text)
        if known is None:
            selector = read_selector(lowering, Text.of(literal), position)
            if selector is not None:
                found.append(selector)
        else:
            end = literal.start + len(literal.text)
            found.append(_again(known, literal.start + 1, end - 1))
    return tuple(found)


def read_vias(lowering: Lowering, value: Value) -> tuple[Selector, ...]:
    """Return the selectors of a `via`."""
    return read_selectors(lowering, value, Position.VIA)


def read_attribute_targets(lowering: Lowering, value: Value) -> tuple[Selector, ...]:
    """Return the selectors of a `target` of node attributes."""
    return read_selectors(lowering, value, Position.NODE_ATTR_TARGET)


def _port_failure(lowering: Lowering, problem: PortSyntaxError) -> None:
    words = lowering.target.says(problem.case, x=problem.word, where="")
    lowering.report(
        error(problem.code, problem.message, problem.span, help=problem.help, control_plane=words)
    )


def read_destinations(lowering: Lowering, value: Value) -> tuple[Destination, ...]:
    """Return the destinations of an access rule."""
    found = []
    for literal in lowering.strings(value):
        destination = _known_destination(lowering, literal)
        if destination is None:
            destination = _destination(lowering, Text.of(literal))
        if destination is not None:
            found.append(destination)
    return tuple(found)


def _known_destination(lowering: Lowering, literal: Literal) -> Destination | None:
    """Return a destination whose parts were read before, or end with one port; else None."""
    head, _, tail = literal.text.rpartition(":")
    host = lowering.hosts.get(head)
    if host is None:
        return None
    ports = lowering.ports.get(tail)
    if ports is None:
        port = int(tail[:-1]) if _is_one_port(tail) else LAST_PORT + 1
        if port > LAST_PORT:
            return None
        ports = lowering.ports[tail] = ((port, port),)
    start = literal.start + 1
    colon, end = literal.start + len(head), literal.start + len(literal.text) - 1
    selector = _again(host, start, colon)
    return Destination(selector, ports, Span(start, end), Span(colon + 1, end))


def _destination(lowering: Lowering, text: Text) -> Destination | None:
    """Return one destination, or record what is wrong with it."""
    findings = len(lowering.diagnostics)
    try:
        destination = parse_destination(text, lowering.target)
    except (PortSyntaxError, SelectorSyntaxError) as problem:
        words = destination_words(text, problem, lowering.target)
        lowering.report(
            error(
                problem.code,
                problem.message,
                problem.span,
                help=problem.help,
                control_plane=words,
            )
        )
        return None
    parts = split_destination(text)
    host = unbracketed(parts[0]) if parts else text
    if destination.selector.kind is SelectorKind.CIDR and parts:
        note_host_bits(lowering, host)
    selector = _meant(lowering, destination.selector, host)
    ports = _living_ports(lowering, destination)
    if selector is not destination.selector or ports != destination.ports:
        return replace(destination, selector=selector, ports=ports)
    is_plain = text.exact and parts is not None and selector.span == parts[0].span
    if parts and is_plain and len(lowering.diagnostics) == findings:
        lowering.hosts[f'"{parts[0].value}'] = selector
        lowering.ports[f'{parts[1].value}"'] = ports
    return destination


def _living_ports(lowering: Lowering, destination: Destination) -> tuple[PortBounds, ...]:
    """Return the ports that can match anything; tell of those that the target takes for nothing."""
    title = lowering.target.title
    if not destination.ports:
        message = f"without ports this destination opens nothing, though {title} takes it"
        help = "write the ports after a colon, such as `:443`, or `:*` for all"
        lowering.report(warning("dead-destination", message, destination.span, help=help))
    living = tuple(bounds for bounds in destination.ports if bounds[0] <= bounds[1])
    if len(living) < len(destination.ports):
        message = f"ports that run backwards never match, though {title} takes them"
        help = "write the smaller port first"
        lowering.report(warning("dead-destination", message, destination.ports_span, help=help))
    return living


def read_protocol(lowering: Lowering, value: Value) -> Protocol | None:
    """Return a protocol; None where none is given."""
    if is_null(value):
        return None
    text: Text | None
    if lowering.target.ports.bare_numbers and isinstance(value, Literal) and _is_whole(value):
        text = Text(value.text, value.span, exact=False)
    else:
        text = lowering.text(value, "a protocol name or number as a string")
    if text is None or not text.value:
        return None
    try:
        protocol = parse_protocol(text, lowering.target)
    except PortSyntaxError as problem:
        _port_failure(lowering, problem)
        return None
    if not 0 <= protocol.numbers[0] <= 255:
        message = f"no packet has protocol `{text.value}`, though {lowering.target.title} takes it"
        help = "write a name such as `tcp`, or a number up to 255"
        lowering.report(warning("dead-protocol", message, text.span, help=help))
    return protocol


def _is_whole(value: Literal) -> bool:
    return isinstance(value.value, int) and not isinstance(value.value, bool)


def read_ip_entries(lowering: Lowering, value: Value) -> tuple[IpEntry, ...]:
    """Return the `ip` entries of a grant."""
    found = []
    for text in lowering.texts(value):
        try:
            found.append(parse_ip_entry(text, lowering.target))
        except PortSyntaxError as problem:
            _port_failure(lowering, problem)
    return tuple(found)


def read_texts(lowering: Lowering, value: Value) -> tuple[Text, ...]:
    """Return the strings of a list."""
    return lowering.texts(value)


def read_optional_text(lowering: Lowering, value: Value) -> Text | None:
    """Return a string; `null` is None."""
    return None if is_null(value) else lowering.text(value)


def read_flag(lowering: Lowering, value: Value) -> bool | None:
    """Return `true` or `false`; `null` is None."""
    if isinstance(value, Literal) and (value.value is None or isinstance(value.value, bool)):
        return value.value
    lowering.wrong_type(value, "`true` or `false`")
    return None


def read_capabilities(lowering: Lowering, value: Value) -> tuple[tuple[Text, Json], ...]:
    """Return capabilities and their values, which are kept verbatim."""
    found = []
    for name, grants in lowering.entries(value, "an object of capabilities"):
        if not isinstance(grants, Array) and not is_null(grants):
            lowering.wrong_type(grants, "a list of objects")
            continue
        _note_repeated_names(lowering, grants)
        found.append((name, plain(grants)))
    return tuple(found)


def _note_repeated_names(lowering: Lowering, value: Value) -> None:
    """Record the names that an object in *value* has twice; iterates."""
    waiting = [value]
    while waiting:
        match waiting.pop():
            case Array(elements=elements):
                waiting.extend(reversed(elements))
            case Object(members=members):
                names: dict[str, Text] = {}
                for member in members:
                    name = Text.of(member.name)
                    if (first := names.setdefault(name.value, name)) is not name:
                        lowering.takes_again(name, first)
                waiting.extend(member.value for member in reversed(members))


def read_attributes(
    lowering: Lowering, value: Value
) -> tuple[tuple[Text, str | int | float | bool], ...]:
    """Return posture attributes and their values."""
    found = []
    for name, item in lowering.entries(value, "an object of attributes"):
        if isinstance(item, Literal) and item.value is not None:
            found.append((name, item.value))
        else:
            lowering.wrong_type(item, "a string, a number or a bool")
    return tuple(found)


def plain(value: Value) -> Json:
    """Return *value* as plain JSON data, object members in their order; iterates."""
    result: list[Json] = []
    # Each entry: a value and the place that waits for it.
    waiting: list[tuple[Value, Callable[[Json], object]]] = [(value, result.append)]
    while waiting:
        item, put = waiting.pop()
        match item:
            case Literal():
                put(item.value)
            case Array():
                array: list[Json] = [None] * len(item.elements)
                put(array)
                waiting.extend(
                    (element, _setter(array, at)) for at, element in enumerate(item.elements)
                )
            case Object():
                data: dict[str, Json] = {str(m.name.value): None for m in item.members}
                put(data)
                waiting.extend((m.value, _setter(data, str(m.name.value))) for m in item.members)
    return result[0]


def _setter(container: Any, key: Any) -> Callable[[Json], object]:
    return lambda item: container.__setitem__(key, item)
