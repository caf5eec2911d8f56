"""The words of a question: `DST:PORT`, protocols, and names that the tailnet does not have."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from aclkit.cli.unusable import UnusableError, did_you_mean
from aclkit.compiled import CompiledPolicy
from aclkit.evaluator.reach import protocol_number
from aclkit.evaluator.sides import UnknownSideError, resolve_side
from aclkit.policy.ports import PORT_PROTOCOLS, split_destination, unbracketed
from aclkit.policy.text import Text
from aclkit.policy.walk import named_selectors
from aclkit.source import Span
from aclkit.target import SelectorKind

K = SelectorKind

# Several ports, or all of them, as a policy writes them.
_PORTS = re.compile(r"[0-9,*-]+")

_PREFIXES = frozenset({"autogroup", "group", "ipset", "posture", "svc", "tag", "user"})

_NAMED = frozenset({K.USER, K.GROUP, K.TAG, K.HOST, K.SERVICE, K.IPSET, K.DOMAIN, K.AUTOGROUP})


@dataclass(frozen=True, slots=True)
class Destination:
    """What stands for a destination on the command line; `port` is 0 where there are no ports."""

    word: str
    port: int


def read_protocol(proto: str | None, compiled: CompiledPolicy) -> int:
    """Return the number of a protocol, TCP where none is named.

    Raises:
        UnusableError: there is no such protocol.
    """
    try:
        return protocol_number("tcp" if proto is None else proto, compiled.rules)
    except ValueError as error:
        known = compiled.rules.policy.target.protocols
        raise UnusableError(f"{error}{did_you_mean(proto or '', known)}") from None


def read_destination(word: str, proto: int) -> Destination:
    """Return *word* split into destination and port: the port stands behind the last colon.

    Where the protocol has no ports, it may be left out.

    Raises:
        UnusableError: the port is missing, or it is none.
    """
    text = Text(word, Span(0, len(word)))
    parts = split_destination(text)
    port = parts[1].value if parts else ""
    is_number = port.isascii() and port.isdecimal() and len(port) <= 5
    if proto not in PORT_PROTOCOLS:
        if parts is None or not (is_number or port == "*"):
            return Destination(unbracketed(text).value, 0)
        return Destination(unbracketed(parts[0]).value, 0)
    if word == "":
        raise UnusableError("the destination is empty")
    if parts is None or port == "" or word.endswith("]") or not _is_whole(parts[0].value):
        raise UnusableError(f"`{word}` lacks a port{_with_port(word)}")
    if not is_number:
        if _PORTS.fullmatch(port):
            raise UnusableError(f"one port is asked about at a time, not `{port}`")
        raise UnusableError(f"`{port}` is not a port: they are written as numbers")
    if not 1 <= int(port) <= 65535:
        raise UnusableError(f"`{port}` is not a port: they run from 1 to 65535")
    return Destination(unbracketed(parts[0]).value, int(port))


def _is_whole(word: str) -> bool:
    """Return whether *word* may be a destination, and not the half of one, as `tag` or `fd7a:`."""
    if _is_address(word):
        return word.startswith("[") or not word.endswith(":") or word.endswith("::")
    return word not in _PREFIXES


def _is_address(word: str) -> bool:
    """Return whether the colons of *word* are those of an IPv6 address."""
    kind, colon, _ = word.partition(":")
    return colon != "" and kind not in _PREFIXES


def _with_port(word: str) -> str:
    """Return how *word* is written with a port; nothing where it is no destination either."""
    name = word if word.endswith("::") else word.removesuffix(":")
    if name in _PREFIXES:
        return ""
    bare = _is_address(name) and not name.startswith("[") and "/" not in name
    return f"; write it behind a colon: `{f'[{name}]' if bare else name}:443`"


def require_known(word: str, compiled: CompiledPolicy) -> None:
    """Refuse a name that neither the tailnet nor the policy has.

    A name of the policy may well stand for no device; that is an answer and no mistake.

    Raises:
        UnusableError: the name is unknown; it says what was meant perhaps.
    """
    known = dict.fromkeys(_known_names(compiled))
    try:
        side = resolve_side(word, compiled.rules)
    except UnknownSideError as error:
        raise UnusableError(f"{error}{_meant(word, known)}") from None
    selector = side.selector
    if selector is None or not side.is_empty or selector.kind not in _NAMED:
        return
    if selector.text not in known:
        raise UnusableError(f"unknown name `{word}`{_meant(word, known)}")


def _meant(word: str, known: Iterable[str]) -> str:
    """Return a hint: the name that *word* is the heart of, as `db` of `tag:db`, or the nearest.

    There is none for a name that is known, and can't be asked about.
    """
    names = list(known)
    if word in names:
        return ""
    bare = word.casefold()
    for name in names:
        if bare and bare in (name.partition(":")[2].casefold(), name.partition("@")[0].casefold()):
            return f"; did you mean `{name}`?"
    return did_you_mean(word, names)


def _known_names(compiled: CompiledPolicy) -> Iterator[str]:
    policy, tailnet = compiled.rules.policy, compiled.rules.tailnet
    for node in tailnet.nodes:
        yield node.name
        yield from node.tags
    yield from (user.login for user in tailnet.users)
    yield from tailnet.groups
    yield from (f"user:*@{domain}" for domain in tailnet.domains)
    yield from (service.name for service in tailnet.services)
    yield from (group.name.value for group in policy.groups)
    yield from (tag.name.value for tag in policy.tag_owners)
    yield from (host.name.value for host in policy.hosts)
    yield from (ipset.name.value for ipset in policy.ipsets)
    yield from (selector.text for selector in named_selectors(policy))
    yield from sorted(frozenset().union(*policy.target.autogroups.values()))
