"""Ports, protocols, and the destinations and `ip` entries that hold them.

    destination = selector ":" ports               (acls, tests: split at the last colon)
    ports       = "*" | range ("," range)*
    range       = port ["-" port]
    ip          = "*" | range | protocol ":" ("*" | range)     (grants)
    protocol    = name | number

Source: docs/reference/ports-and-protocols.md.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TypeAlias

from aclkit.addresses import AddressSyntaxError, Family, parse_prefix
from aclkit.policy.selectors import Selector, SelectorSyntaxError, parse_selector
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import TAILSCALE, Effect, PortLanguage, Position, SelectorKind, Target

K = SelectorKind

PortBounds: TypeAlias = tuple[int, int]
"""First and last port, both included."""

ALL_PORTS: PortBounds = (0, 65535)
# Protocols that have ports; any other takes `*` only.
PORT_PROTOCOLS = frozenset({6, 17, 132})
# What most rules are about; others are shown by number. Of several names each has the commonest.
_PROTOCOL_NAMES = {1: "icmp", 6: "tcp", 17: "udp", 58: "ipv6-icmp", 132: "sctp"}

_DIGITS = re.compile(r"[0-9]+", re.ASCII)
LAST_PORT = 65535
_BRACKETED = re.compile(r"\[([0-9A-Fa-f:.]+)\](/[0-9]+)?", re.ASCII)


class PortSyntaxError(ValueError):
    """Text that is no port list or protocol.

    `word` is the text that is wrong, and `case` is under what targets have words for it.
    """

    def __init__(self, code: str, message: str, text: Text, case: str, help: str) -> None:
        super().__init__(message)
        self.code, self.message, self.span = code, message, text.span
        self.word, self.case, self.help = text.value, case, help


@dataclass(frozen=True, slots=True)
class Protocol:
    """A protocol as written, and the IP protocol numbers that it stands for."""

    text: str
    numbers: tuple[int, ...]
    span: Span = field(compare=False)

    @property
    def has_ports(self) -> bool:
        """Return whether a rule for this protocol may name ports."""
        return all(number in PORT_PROTOCOLS for number in self.numbers)


@dataclass(frozen=True, slots=True)
class Destination:
    """A `dst` entry of an access rule: a selector and its ports, in written order."""

    selector: Selector
    ports: tuple[PortBounds, ...]
    span: Span = field(compare=False)
    ports_span: Span = field(compare=False)


@dataclass(frozen=True, slots=True)
class IpEntry:
    """An `ip` entry of a grant. `protocol` is None when the entry names none."""

    protocol: Protocol | None
    ports: tuple[PortBounds, ...]
    span: Span = field(compare=False)


_PORTS_HELP = "ports are `*`, a number from 1 to 65535, or a range such as `8000-8100`"
_DESTINATION_HELP = "write the ports after a colon, such as `tag:web:443` or `tag:web:*`"


def parse_port_range(
    text: Text, language: PortLanguage = TAILSCALE.ports, *, lists: bool = True
) -> tuple[PortBounds, ...]:
    """Read `*`, or a port, a range, or (with *lists*) several of these with commas.

    Returns the ports in written order; `*` is 0 to 65535 and differs from `1-65535`. A range runs
    backwards only where *language* takes such a range, which then never matches.

    Raises:
        PortSyntaxError: `bad-port`, with the part of *text* that is wrong.
    """
    word = text.value
    if word == "*":
        return (ALL_PORTS,)
    if not word:
        raise PortSyntaxError("bad-port", "no port given", text, "bad-port/empty", _PORTS_HELP)
    if not lists or "," not in word:
        return (_port_bounds(text, language),)
    bounds = []
    at = 0
    for piece in word.split(","):
        try:
            bounds.append(_port_bounds(text.part(at, at + len(piece)), language))
        except PortSyntaxError as problem:
            if language.told_whole or not piece:
                problem.word = word
            raise
        at += len(piece) + 1
    return tuple(bounds)


def _port_bounds(text: Text, language: PortLanguage) -> PortBounds:
    word = text.value
    if not word:
        raise _bad_port(text, "a port is missing here", "empty")
    if language.stray_dashes and "-" in word:
        # What the dashes part counts, so `-80` and `80-` are one port and no range.
        word = "-".join(filter(None, word.split("-")))
        if "-" not in word:
            raise _bad_port(text, f"`{text.value}` is no range of two ports", "dashes")
    head, dash, tail = word.partition("-")
    if "-" in tail:
        raise _bad_port(text, f"`{word}` has too many dashes", "dashes")
    first = _integer(head)
    if first is None or first > LAST_PORT:
        message, help = f"`{word}` is not a port", None
        if word == "*":
            message, help = "`*` stands beside other ports", "write `*` alone: it is all ports"
        raise _bad_port(text, message, "first" if first is None else "first-over", help)
    last = _integer(tail) if dash else first
    if last is None or last > LAST_PORT:
        detail = "last" if last is None else "last-over"
        raise _bad_port(text, f"`{word}` does not end with a port", detail)
    if first == 0 and not (language.zero_first if dash else language.zero):
        raise _bad_port(text, f"ports begin with 1, not with `{head}`", "zero")
    if first > last and language.backwards is Effect.REFUSED:
        help = f"write `{tail}-{head}`"
        raise _bad_port(text, f"`{word}` runs backwards", "backwards", help)
    return first, last


def _bad_port(text: Text, message: str, detail: str, help: str | None = None) -> PortSyntaxError:
    word = text.value
    if help is None and (service := _WELL_KNOWN.get(word.strip().casefold())):
        help = f"ports are numbers: `{word.strip()}` is {service}"
    elif help is None and word != word.strip():
        help = "remove the blanks"
    return PortSyntaxError("bad-port", message, text, f"bad-port/{detail}", help or _PORTS_HELP)


# The names that people write in place of a number.
_WELL_KNOWN = {
    "ssh": 22, "dns": 53, "http": 80, "https": 443, "smb": 445, "nfs": 2049, "mysql": 3306,
    "rdp": 3389, "postgres": 5432, "postgresql": 5432, "redis": 6379,
}  # fmt: skip


def _integer(word: str) -> int | None:
    """Return the number of *word*, or a greater one than any port where it has many digits."""
    if _DIGITS.fullmatch(word) is None:
        return None
    return int(word.lstrip("0")[:6] or "0")


def split_destination(text: Text) -> tuple[Text, Text] | None:
    """Return what stands before and after the last colon; None without a colon.

    Tags, autogroups and IPv6 addresses contain colons, ports never do; so `autogroup:self` is the
    name `autogroup` with the port `self`, as the control plane reads it (recording acl-err03).
    """
    at = text.value.rfind(":")
    if at < 0:
        return None
    return text.part(0, at), text.part(at + 1, len(text.value))


def unbracketed(text: Text) -> Text:
    """Return an IPv6 address or CIDR without the brackets around the address."""
    match = _BRACKETED.fullmatch(text.value) if text.value[:1] == "[" else None
    if match is None:
        return text
    inner = text.part(1, 1 + len(match[1]))
    if match[2] is None:
        return inner
    return Text(match[1] + match[2], text.span, exact=False)


def parse_destination(text: Text, target: Target) -> Destination:
    """Read one `dst` entry of an access rule.

    Raises:
        SelectorSyntaxError: the part before the last colon is no selector.
        PortSyntaxError: `missing-port` or `bad-port`.
    """
    parts = split_destination(text)
    if parts is None:
        if target.ports.missing is Effect.DEAD:
            return Destination(parse_selector(text, target.names), (), text.span, text.span)
        message = f"`{text.value}` lacks a port"
        raise PortSyntaxError("missing-port", message, text, "missing-port", _DESTINATION_HELP)
    host, ports = parts
    if target.ports.ipv6_in_brackets:
        _refuse_other_brackets(text)
    if "," in host.value:
        message = "one destination names one selector; `,` separates ports only"
        help = "write each destination as a string of its own, with its ports"
        raise PortSyntaxError("bad-port", message, host, "bad-port/comma", help)
    if not ports.value:
        message = f"`{text.value}` lacks a port"
        case = "bad-port/no-ports" if host.value else "bad-port/no-host"
        empty = PortSyntaxError("missing-port", message, text, case, _DESTINATION_HELP)
        empty.word = ""
        raise empty
    if not target.ports.brackets and _BRACKETED.fullmatch(host.value):
        message = f"brackets around an address are not read by {target.title}"
        help = f"write `{unbracketed(host).value}:{ports.value}`"
        raise PortSyntaxError("bad-port", message, host, "bad-port/brackets", help)
    try:
        bounds = parse_port_range(ports, target.ports)
        selector = parse_selector(unbracketed(host), target.names, before_ports=True)
    except (PortSyntaxError, SelectorSyntaxError) as problem:
        if target.ports.told_lower and isinstance(problem, PortSyntaxError):
            problem.word = problem.word.lower()
        whole = _selector_alone(text, target)
        if whole is None:
            raise
        # The port that is missing explains the part that is wrong.
        help = f"write `{whole}:443`, or `{whole}:*` for all ports"
        message = f"`{text.value}` lacks a port"
        missing = PortSyntaxError("missing-port", message, text, "", help)
        if isinstance(problem, PortSyntaxError):
            missing.case, missing.word = problem.case, problem.word
        raise missing from None
    return Destination(selector, bounds, text.span, ports.span)


def host_of(text: Text) -> Text:
    """Return the part of a destination that ports follow, without brackets."""
    parts = split_destination(text)
    return unbracketed(parts[0]) if parts else text


def destination_words(
    text: Text, problem: PortSyntaxError | SelectorSyntaxError, target: Target
) -> str | None:
    """Return the words with which *target* refuses the destination *text*; None where not known."""
    if isinstance(problem, PortSyntaxError):
        where = target.says("destination", x=text.value) or ""
        return target.says(problem.case, x=problem.word, where=where)
    host = host_of(text).value
    return target.says("bad-selector" if host else "bad-selector/empty", Position.ACL_DST, x=host)


def _refuse_other_brackets(text: Text) -> None:
    """Refuse a destination that begins with a bracket, but not with an IPv6 address in brackets.

    Raises:
        PortSyntaxError: `bad-port`.
    """
    if text.value[:1] != "[":
        return
    end = text.value.find("]")
    inner, behind = text.part(1, max(end, 1)), text.value[end + 1 : end + 2]
    case = "bad-port/brackets"
    if end < 0:
        wrong, case = text, "bad-port/bracket"
    elif not _is_ipv6(inner.value):
        wrong = inner
    elif behind not in (":", "/"):
        wrong = text
    else:
        return
    message = "brackets stand around IPv6 addresses only"
    help = "write other names without brackets, such as `10.0.0.1:80`"
    raise PortSyntaxError("bad-port", message, wrong, case, help)


def _is_ipv6(word: str) -> bool:
    try:
        return parse_prefix(word).family is Family.V6 and "/" not in word
    except AddressSyntaxError:
        return False


def _selector_alone(text: Text, target: Target) -> str | None:
    """Return *text* as ports may follow it, when it is a selector without ports; else None."""
    try:
        selector = parse_selector(unbracketed(text), target.names, before_ports=True)
    except SelectorSyntaxError:
        return None
    match selector.kind:
        case K.IP:
            return f"[{selector.text}]"
        case K.CIDR:
            return selector.text
        case K.AUTOGROUP:
            known = frozenset().union(*target.autogroups.values())
            return selector.text if selector.text in known else None
        case K.GROUP | K.TAG | K.SERVICE | K.IPSET | K.DOMAIN:
            # `tag:web:ssh` is rather a tag with a port that is none.
            return None if ":" in selector.name else selector.text
        case _:
            return None


_PROTOCOL_HELP = "write a name such as `tcp`, `udp` or `icmp`, or a number up to 255 as a string"


def parse_protocol(text: Text, target: Target) -> Protocol:
    """Read a protocol name or number.

    Raises:
        PortSyntaxError: `bad-protocol`.
    """
    language = target.ports
    try:
        return _protocol(text, target, language.protocol_case)
    except PortSyntaxError as problem:
        if language.protocols_told_lower:
            problem.word = problem.word.lower()
        raise


def _protocol(text: Text, target: Target, case_matters: bool) -> Protocol:
    language = target.ports
    word = text.value if case_matters else text.value.lower()
    numbers = target.protocols.get(word)
    if numbers is not None:
        return Protocol(word, numbers, text.span)
    if language.any_integer and _ANY_INTEGER.fullmatch(word):
        return Protocol(word, (int(word),), text.span)
    if _DIGITS.fullmatch(word) is None:
        message = f"unknown protocol `{text.value}`"
        help = "write one rule for each protocol" if _SEVERAL.search(word) else _PROTOCOL_HELP
        if word.lower() in target.protocols:
            help = f"write `{word.lower()}`, in lower case"
        case = "bad-protocol/wildcard" if word == "*" else "bad-protocol/name"
        raise PortSyntaxError("bad-protocol", message, text, case, help)
    number = int(word.lstrip("0")[:4] or "0")
    if not language.leading_zeros and len(word) > 1 and word[0] == "0":
        message = f"protocol number `{word}` begins with 0"
        help = f"write `{number}`" if number <= _LAST_PROTOCOL else _PROTOCOL_HELP
        raise PortSyntaxError("bad-protocol", message, text, "bad-protocol/leading-zero", help)
    if number == 0 and not language.zero_protocol:
        message = "0 is no protocol"
        raise PortSyntaxError("bad-protocol", message, text, "bad-protocol/zero", _PROTOCOL_HELP)
    if number > _LAST_PROTOCOL:
        message = f"unknown protocol `{text.value}`"
        raise PortSyntaxError("bad-protocol", message, text, "bad-protocol/over", _PROTOCOL_HELP)
    return Protocol(word, (number,), text.span)


_LAST_PROTOCOL = 255
_ANY_INTEGER = re.compile(r"[+-]?[0-9]{1,18}", re.ASCII)
_SEVERAL = re.compile(r"[,/|+ ]")


def protocol_name(number: int) -> str:
    """Return how a protocol is called, such as ``tcp``, or ``47`` where it has no common name."""
    return _PROTOCOL_NAMES.get(number, str(number))


def protocol_words(number: int) -> str:
    """Return how sentences call a protocol, such as ``tcp`` or ``protocol 47``."""
    return _PROTOCOL_NAMES.get(number, f"protocol {number}")


def parse_ip_entry(text: Text, target: Target) -> IpEntry:
    """Read one `ip` entry of a grant; a bare number is a port, never a protocol.

    Raises:
        PortSyntaxError: `bad-port` or `bad-protocol`; of several errors the one that *target*
            tells.
    """
    language = target.ports
    try:
        return _ip_entry(text, target)
    except PortSyntaxError as problem:
        if language.told_lower:
            problem.word = problem.word.lower()
        raise


def _ip_entry(text: Text, target: Target) -> IpEntry:
    language = target.ports.ip
    if not text.value:
        message, help = "empty entry", "write ports, such as `443`, `tcp:443` or `*`"
        raise PortSyntaxError("bad-port", message, text, "bad-port/empty-entry", help)
    name, ports = split_destination(text) or (None, text)
    if language.protocol_first:
        protocol = _ip_protocol(name, target)
        return IpEntry(protocol, _ip_ports(text, name, ports, target), text.span)
    if name is not None and "," in name.value:
        message = f"`{name.value}` is more than one protocol"
        help = "write an entry for each protocol"
        raise PortSyntaxError("bad-port", message, name, "bad-port/comma", help)
    bounds = _ip_ports(text, name, ports, target)
    return IpEntry(_ip_protocol(name, target), bounds, text.span)


def _ip_protocol(name: Text | None, target: Target) -> Protocol | None:
    """Return the protocol that stands before the colon of an `ip` entry; None for no certain."""
    language = target.ports.ip
    if name is None or (name.value == "*" and language.any_protocol):
        return None
    if not name.value:
        if language.no_protocol:
            return None
        message, case = "no protocol given before the colon", "bad-protocol/empty"
        raise PortSyntaxError("bad-protocol", message, name, case, "remove the colon")
    if ":" in name.value:
        message, case = "an entry has one colon at most", "bad-protocol/colons"
        help = "write a protocol, a colon and ports, such as `tcp:443`"
        raise PortSyntaxError("bad-protocol", message, name, case, help)
    return _protocol(name, target, language.protocol_case)


def _ip_ports(text: Text, name: Text | None, ports: Text, target: Target) -> tuple[PortBounds, ...]:
    lists = target.ports.ip.lists
    try:
        return parse_port_range(ports, target.ports, lists=lists)
    except PortSyntaxError as problem:
        help = _ip_entry_help(name, ports, target) or problem.help
        message = problem.message
        if "," in ports.value and not lists:
            message = f"`{ports.value}` is more than one port or range"
        place = ports if ports.value else text
        again = PortSyntaxError(problem.code, message, place, problem.case, help)
        again.word = problem.word
        raise again from None


def _ip_entry_help(name: Text | None, ports: Text, target: Target) -> str | None:
    word = ports.value
    if name is None and word.lower() in target.protocols:
        return f"write `{word.lower()}:*` for all of the protocol, or its ports behind the colon"
    if "," in word:
        prefix = f"{name.value}:" if name else ""
        entries = ", ".join(f'"{prefix}{piece.strip()}"' for piece in word.split(",")[:3])
        return f"write an entry for each: `{entries}`" + (", …" if word.count(",") > 2 else "")
    return None
