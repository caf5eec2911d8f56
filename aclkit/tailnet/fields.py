"""The texts in a tailnet: logins, names, tags, addresses, routes, times.

Each reader takes one text and returns what it means, or raises `FieldError` with a code.
"""

from __future__ import annotations

import math
import re
from contextlib import suppress

from aclkit.addresses import (
    Address,
    AddressSyntaxError,
    Prefix,
    has_host_bits,
    parse_address,
    parse_prefix,
)
from aclkit.tailnet.findings import FieldError, kind_of, printable
from aclkit.tailnet.times import parse_time

_IS_TAG = re.compile(r"tag:[A-Za-z][A-Za-z0-9-]*").fullmatch
_IS_SERVICE = re.compile(r"svc:[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?").fullmatch
_IS_DOMAIN = re.compile(r"[^\s@]+").fullmatch


def read_name(text: str) -> str:
    """Return the name or id of a node, or the name of a user: printable, no blanks around it."""
    # Of all blanks only the space is printable.
    if not text or text[0] == " " or text[-1] == " " or not text.isprintable():
        raise FieldError(
            "tailnet-bad-name",
            f"`{printable(text)}` can't be a name" if text else "a name can't be empty",
            "use printable characters, without blanks at the ends",
        )
    return text


def read_login(text: str) -> str:
    """Return a login: printable and without blanks; most have an `@`."""
    if not text or " " in text or not text.isprintable():
        raise FieldError(
            "tailnet-bad-login",
            f"`{printable(text)}` can't be a login" if text else "a login can't be empty",
            "write it as policies do: `alice@example.com`",
        )
    return text


def read_domain(text: str) -> str:
    """Return a domain such as `example.com`."""
    if not _IS_DOMAIN(text) or not text.isprintable():
        raise FieldError(
            "tailnet-bad-domain",
            f"`{printable(text)}` is not a domain",
            "write what follows the `@` of a login: `example.com`",
        )
    return text


def read_group(text: str) -> str:
    """Return the name of a synced group, such as `group:ops@example.com`."""
    if not text.startswith("group:") or text == "group:" or " " in text or not text.isprintable():
        raise FieldError(
            "tailnet-bad-group",
            f"`{printable(text)}` is not the name of a group",
            "write it as policies do: `group:ops@example.com`",
        )
    return text


def read_tag(text: str) -> str:
    """Return a tag: `tag:`, a letter, then letters, digits and dashes."""
    if not _IS_TAG(text):
        bare = not text.startswith("tag:") and _IS_TAG(f"tag:{text}")
        raise FieldError(
            "tailnet-bad-tag",
            f"`{printable(text)}` is not a tag",
            f"did you mean `tag:{text}`?"
            if bare
            else "a tag is `tag:` and a letter, then letters, digits and dashes",
        )
    return text


def read_service_name(text: str) -> str:
    """Return the name of a service: `svc:` and a DNS label."""
    if not _IS_SERVICE(text):
        bare = not text.startswith("svc:") and _IS_SERVICE(f"svc:{text}")
        raise FieldError(
            "tailnet-bad-service",
            f"`{printable(text)}` is not the name of a service",
            f"did you mean `svc:{text}`?"
            if bare
            else "it is `svc:` and up to 63 letters, digits and inner dashes",
        )
    return text


def read_address(text: str) -> Address:
    """Return a bare address."""
    try:
        return parse_address(text)
    except AddressSyntaxError:
        pass  # Said below, in words for this field.
    advice = "write an address such as `100.64.0.1` or `fd7a:115c:a1e0::1`"
    head, slash, _ = text.partition("/")
    if slash:
        with suppress(AddressSyntaxError):
            advice = f"write `{parse_address(head)}`: an address here has no prefix length"
    raise FieldError("tailnet-bad-address", f"`{printable(text)}` is not an IP address", advice)


def read_route(text: str) -> Prefix:
    """Return a CIDR, written with its length and without address bits after that."""
    try:
        prefix = parse_prefix(text)
        host_bits = has_host_bits(text)
    except AddressSyntaxError:
        raise FieldError(
            "tailnet-bad-route",
            f"`{printable(text)}` is not a route",
            "write a CIDR such as `10.0.0.0/16`",
        ) from None
    if host_bits:
        raise FieldError(
            "tailnet-bad-route",
            f"the route `{text}` has address bits set after its prefix length",
            f"did you mean `{prefix}`?",
        )
    if "/" not in text:
        raise FieldError(
            "tailnet-bad-route",
            f"the route `{text}` has no prefix length",
            f"did you mean `{prefix}`?",
        )
    return prefix


def read_created(value: object) -> int | None:
    """Return a rank as it is, and a time as nanoseconds since 1970; None is an unknown time."""
    if type(value) is int:
        return value
    if type(value) is str:
        try:
            return parse_time(value)
        except ValueError:
            pass
    shown = f"`{printable(value)}`" if isinstance(value, str) else kind_of(value)
    raise FieldError(
        "tailnet-bad-created",
        f"{shown} is neither a time nor a rank",
        "write a time with its zone, such as `2026-01-31T10:00:00Z`, or a whole number",
    )


def read_attribute(value: object) -> str | int | float | bool:
    """Return the value of a posture attribute: a string, a finite number, true or false."""
    if isinstance(value, str) and not _is_unicode(value):
        raise FieldError(
            "tailnet-bad-posture", f"`{printable(value)}` holds half of a surrogate pair"
        )
    if isinstance(value, str | int) or (isinstance(value, float) and math.isfinite(value)):
        return value
    shown = f"`{value}`" if isinstance(value, float) else kind_of(value)
    raise FieldError(
        "tailnet-bad-posture",
        f"{shown} can't be the value of a posture attribute",
        "write a string, a number, true or false",
    )


def _is_unicode(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= each <= "\udfff" for each in text)
