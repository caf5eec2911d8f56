"""What changes when a policy moves from one target to another, such as a newer Headscale.

The text is read as both targets read it. What the new one refuses is an error here; what both
accept but mean differently is a warning with both meanings, at its place.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from aclkit.diagnostics import Diagnostic, in_order, warning
from aclkit.hujson.decoding import decode
from aclkit.limits import Limits
from aclkit.policy.changed_meanings import changed_meanings
from aclkit.policy.load import read_policy
from aclkit.policy.model import Policy
from aclkit.policy.walk import named_selectors
from aclkit.source import Span
from aclkit.target import SelectorKind, Target

# Warnings that a target takes something without giving it effect, or not the effect that it has
# elsewhere.
_WITHOUT_EFFECT = frozenset(
    {
        "ignored-section", "ignored-field", "dead-selector", "dead-name", "dead-login",
        "dead-rule", "dead-destination", "dead-protocol", "dead-route", "overridden-name",
        "loose-autogroup", "missing-action",
    }
)  # fmt: skip


def differences(
    text: str | bytes,
    old: Target,
    new: Target,
    *,
    filename: str = "policy.hujson",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> tuple[Diagnostic, ...]:
    """Return what *new* refuses or means differently in a policy that *old* takes, in file order.

    Errors have the code `refused-by-other`; warnings `changed-meaning` for what means something
    else, `comes-alive` for what *old* gave no effect, and the codes of `check` for what *new* gives
    none. A text that neither can read gives the errors of `check` alone. What only *old* refuses is
    not told: that is the matter of a check for *old*.
    """
    diagnostics: list[Diagnostic] = []
    source = decode(text, filename, limits, diagnostics)
    if source is None:
        return in_order(diagnostics)
    found_old: list[Diagnostic] = []
    found_new: list[Diagnostic] = []
    old_policy = read_policy(source, old, limits, found_old)
    new_policy = read_policy(source, new, limits, found_new)
    if new_policy is None and old_policy is None:
        return in_order(found_new)
    diagnostics.extend(_refusals(found_old, found_new, new, _bare_users(old_policy)))
    diagnostics.extend(_effects(found_old, found_new, old, new))
    if old_policy is not None and new_policy is not None:
        diagnostics.extend(changed_meanings(old_policy, new_policy))
    return in_order(diagnostics)


def _bare_users(policy: Policy | None) -> dict[Span, str]:
    """Return the users whose word has no `@`, by their places."""
    found = named_selectors(policy) if policy else ()
    users = (selector for selector in found if selector.kind is SelectorKind.USER)
    return {user.span: user.text for user in users if "@" not in user.text}


def _place(found: Diagnostic) -> tuple[Span | None, str]:
    return found.primary.span, found.code


def _refusals(
    old: Iterable[Diagnostic],
    new: Iterable[Diagnostic],
    target: Target,
    bare_users: Mapping[Span, str],
) -> Iterator[Diagnostic]:
    known = {_place(found) for found in old if found.is_error}
    for found in new:
        if not found.is_error or _place(found) in known:
            continue
        span, help = found.primary.span, found.help
        if span is not None and span in bare_users:
            help = f"write `{bare_users[span]}@` for the local user, or the user's email address"
        message = f"refused by {target.title}: {found.message}"
        yield replace(found, code="refused-by-other", message=message, help=help)


def _effects(
    old: Iterable[Diagnostic], new: Iterable[Diagnostic], old_target: Target, new_target: Target
) -> Iterator[Diagnostic]:
    """Yield what has an effect for one of the two targets only."""
    before = {_place(found): found for found in old if found.code in _WITHOUT_EFFECT}
    after = {_place(found): found for found in new if found.code in _WITHOUT_EFFECT}
    refused = [span for found in new if found.is_error and (span := found.primary.span)]
    for place, found in after.items():
        if place not in before:
            yield found
    told = {span for span, _ in after}
    for (span, _), found in before.items():
        if span is None or span in told or any(_overlap(span, other) for other in refused):
            continue
        message = f"takes effect on {new_target.title}, unlike on {old_target.title}: "
        yield warning(
            "comes-alive", message + found.message, span, help="see that it says what you mean"
        )


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end
