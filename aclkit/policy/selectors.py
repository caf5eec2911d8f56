"""Selectors: one entry of `src`, `dst` and of the other lists of names.

    selector   = "*" | autogroup | group | tag | service | ipset | host-member | domain-users
               | user | address | range | host
    autogroup  = "autogroup:" name          service      = "svc:" label
    group      = "group:" name              ipset        = "ipset:" name
    tag        = "tag:" name                host-member  = "host:" name
    user       = any word with "@"          domain-users = "user:*@" domain
    address    = IP | CIDR                  range        = IP "-" IP
    host       = any other word without ":"

Which kinds a position allows is data of the target (docs/reference/selectors.md).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from aclkit.addresses import AddressRange, AddressSyntaxError, Prefix, parse_prefix, parse_range
from aclkit.policy.text import Text
from aclkit.source import Span
from aclkit.target import TAILSCALE, NameLanguage, SelectorKind
from aclkit.wording import listed

K = SelectorKind

_PREFIXES = (
    ("autogroup:", K.AUTOGROUP),
    ("group:", K.GROUP),
    ("tag:", K.TAG),
    ("svc:", K.SERVICE),
    ("ipset:", K.IPSET),
    ("host:", K.HOST_MEMBER),
    ("user:*@", K.DOMAIN),
)
_ADDRESS_STARTS = frozenset("0123456789abcdefABCDEF:")
_INTERNET = "autogroup:internet"
_TAG = re.compile(r"tag:[A-Za-z][A-Za-z0-9-]*", re.ASCII)
_SERVICE = re.compile(r"svc:[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)


class SelectorSyntaxError(ValueError):
    """Text that is no selector; `code` and `span` say what is wrong where."""

    def __init__(self, code: str, message: str, span: Span, help: str) -> None:
        super().__init__(message)
        self.code, self.message, self.span, self.help = code, message, span, help


@dataclass(frozen=True, slots=True)
class Selector:
    """One selector.

    Equality looks at kind and canonical text; the place does not count. `prefix` is set for an
    IP address or CIDR, `bounds` for a range.
    """

    kind: SelectorKind
    text: str
    span: Span = field(compare=False)
    prefix: Prefix | None = None
    bounds: AddressRange | None = None

    def __hash__(self) -> int:
        # The rest follows from the text, nearly; selectors are keys wherever a policy is compiled.
        return hash(self.text)

    @property
    def name(self) -> str:
        """Return the text behind the kind's prefix: `eng` of `group:eng`."""
        match self.kind:
            case K.DOMAIN:
                return self.text.removeprefix("user:*@")
            case K.AUTOGROUP | K.GROUP | K.TAG | K.SERVICE | K.IPSET | K.HOST_MEMBER:
                return self.text.partition(":")[2]
            case _:
                return self.text

    def is_autogroup(self, *names: str) -> bool:
        """Return whether this is one of the autogroups *names* (without the prefix)."""
        return self.kind is K.AUTOGROUP and self.name in names


def parse_selector(
    text: Text, names: NameLanguage = TAILSCALE.names, *, before_ports: bool = False
) -> Selector:
    """Read one selector, as *names* says that they are written.

    *before_ports* tells that it is the part of a destination that ports follow.

    Raises:
        SelectorSyntaxError: `bad-selector`.
    """
    if names.trims and (names.trims_destinations or not before_ports):
        text = text.stripped()
    word = text.value
    if word == "*":
        return Selector(K.WILDCARD, word, text.span)
    if not word and not names.any_word:
        raise SelectorSyntaxError("bad-selector", "empty name", text.span, "write a name")
    if word[:1] in _ADDRESS_STARTS and (found := _address(word)):
        kind = K.IP if "/" not in word else K.CIDR
        return Selector(kind, found.token if kind is K.IP else str(found), text.span, found)
    if names.at_sign_first and "@" in word:
        return Selector(K.USER, word, text.span)
    for prefix, kind in _PREFIXES:
        if kind in names.prefixes and word.startswith(prefix):
            if names.loose_internet and word.startswith(_INTERNET):
                word = _INTERNET
            if word == prefix and not names.any_word:
                help = f"write a {_AFTER.get(kind, 'name')} behind it"
                raise SelectorSyntaxError("bad-selector", f"`{word}` lacks a name", text.span, help)
            return Selector(kind, word, text.span)
    if names.ranges:
        if bounds := _bounds(word):
            first, last = bounds
            return Selector(K.RANGE, f"{first}-{last}", text.span, bounds=bounds)
        _refuse_misplaced(text)
    if "@" in word:
        return Selector(K.USER, word, text.span)
    if (":" in word or "/" in word) and not names.any_word:
        raise SelectorSyntaxError("bad-selector", *_no_selector(text, names))
    return Selector(K.HOST, word, text.span)


_AFTER = {K.DOMAIN: "domain"}

# Words that stand elsewhere, and where.
_ELSEWHERE = {
    "localpart:": "`users` of an SSH rule",
    "posture:": "`srcPosture` and `defaultSrcPosture`",
}


def _refuse_misplaced(text: Text) -> None:
    word = text.value
    for prefix, place in _ELSEWHERE.items():
        if word.startswith(prefix):
            message = f"`{word}` is no selector"
            raise SelectorSyntaxError("bad-selector", message, text.span, f"it stands in {place}")
    if word.startswith("user:"):
        message = f"after `user:` comes `*@` and a domain, not `{word.removeprefix('user:')}`"
        help = f"write `{word.removeprefix('user:')}` for one user"
        raise SelectorSyntaxError("bad-selector", message, text.span, help)


def _address(word: str) -> Prefix | None:
    try:
        return parse_prefix(word)
    except AddressSyntaxError:
        return None


def _bounds(word: str) -> AddressRange | None:
    if "-" not in word:
        return None
    try:
        return parse_range(word)
    except AddressSyntaxError:
        return None


def _no_selector(text: Text, names: NameLanguage) -> tuple[str, Span, str]:
    """Return message, place and help for a word with a colon or slash that is no selector."""
    word = text.value
    if "/" in word:
        try:
            parse_prefix(word)
        except AddressSyntaxError as problem:
            help = "a CIDR is an address, a slash and a length, such as `10.0.0.0/8`"
            return f"not a CIDR: {problem}", text.span, help
    head, _, name = word.partition(":")
    known = [prefix for prefix, kind in _PREFIXES if kind in names.prefixes]
    for prefix in known:
        if head.strip().casefold() == prefix[:-1]:
            help = f"write `{prefix}{name.strip()}`, in lower case and without blanks"
            return f"`{word}` is no selector", text.span, help
    help = "a name with a colon begins with " + listed(known)
    return f"`{word}` is neither a name nor an address", text.span, help


def is_tag_name(text: str) -> bool:
    """Return whether *text* is `tag:`, a letter, then letters, digits and dashes."""
    return _TAG.fullmatch(text) is not None


def is_service_name(text: str) -> bool:
    """Return whether *text* is `svc:` and a DNS label."""
    return _SERVICE.fullmatch(text) is not None
