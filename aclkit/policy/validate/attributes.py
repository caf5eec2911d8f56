"""Checks of `nodeAttrs`."""

from __future__ import annotations

from aclkit.addresses import AddressSyntaxError, Family, Prefix, parse_prefix
from aclkit.policy.text import Text
from aclkit.policy.validate.validation import Validation
from aclkit.target import Position

_POOL = parse_prefix("100.64.0.0/10")
# Kept for the service's own use and for ChromeOS (recording nodeattrs-error-e4-reserved-ippool).
_RESERVED = tuple(
    parse_prefix(text) for text in ("100.100.0.0/24", "100.100.100.0/24", "100.115.92.0/23")
)
APP_CONNECTORS = "tailscale.com/app-connectors"


def check_node_attributes(validation: Validation) -> None:
    """Check the entries of `nodeAttrs`, in order."""
    for entry in validation.policy.node_attrs:
        validation.selectors(entry.target, Position.NODE_ATTR_TARGET)
        for name in entry.attr:
            if name.value in validation.target.refused_attributes:
                validation.error(
                    "attribute-not-supported",
                    f"{validation.target.title} has no `{name.value}`",
                    name.span,
                    help="remove it",
                )
        for text in entry.ip_pool:
            _pool(validation, text)
        for name, _ in entry.app:
            everyone = any(target.text == "*" for target in entry.target)
            if name.value == APP_CONNECTORS and not everyone:
                validation.warning(
                    "app-connectors-target",
                    f"`{APP_CONNECTORS}` is documented for the target `*` only",
                    name.span,
                    help='write `"target": ["*"]`; the connectors are chosen by their tag',
                )


def _pool(validation: Validation, text: Text) -> None:
    if not validation.target.ip_pools:
        validation.error(
            "attribute-not-supported",
            f"{validation.target.title} has no `ipPool`",
            text.span,
            help="remove it; the addresses are set by the server's `prefixes`",
        )
        return
    try:
        pool = parse_prefix(text.value.strip())
    except AddressSyntaxError as problem:
        message, case = f"not a CIDR: {problem}", "bad-ip-pool"
    else:
        if not _inside(pool):
            message, case = f"`{pool}` is not inside of `100.64.0.0/10`", "bad-ip-pool"
        elif any(reserved.contains(pool) for reserved in _RESERVED):
            message = f"`{pool}` is reserved"
            case = "bad-ip-pool/reserved"
        else:
            return
    validation.error(
        "bad-ip-pool",
        message,
        text.span,
        words=validation.target.says(case, x=text.value.strip()),
        help="write a CIDR inside of `100.64.0.0/10` that holds none of 100.100.0.0/24, "
        "100.100.100.0/24 and 100.115.92.0/23",
    )


def _inside(pool: Prefix) -> bool:
    return pool.family is Family.V4 and _POOL.contains(pool)
