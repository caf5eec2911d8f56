"""From text to a validated policy."""

from __future__ import annotations

from dataclasses import replace

from aclkit.diagnostics import Diagnostic, PolicyError, warning
from aclkit.hujson.decoding import decode
from aclkit.hujson.parser import parse_source
from aclkit.limits import Limits
from aclkit.policy.ipsets import charge_ipsets
from aclkit.policy.lower import lower_policy
from aclkit.policy.model import Policy
from aclkit.policy.other_files import explain_other_file, explain_other_text
from aclkit.policy.refusal import refusal_words
from aclkit.policy.validate.checks import validate_policy
from aclkit.source import Source, Span
from aclkit.target import Target, find_target


def read_policy(
    source: Source, target: Target, limits: Limits, diagnostics: list[Diagnostic]
) -> Policy | None:
    """Return the policy that *source* holds, appending all that is wrong to *diagnostics*.

    None when the text is no HuJSON. A policy that comes with errors serves to explain them only.
    """
    if not source.text and target.meaning.empty_file is not None:
        return _of_empty_file(source, target, diagnostics)
    document = parse_source(source, limits, diagnostics)
    if document is None:
        explain_other_text(source, diagnostics)
        return None
    policy = lower_policy(document, target, limits, diagnostics)
    explain_other_file(document, diagnostics)
    validate_policy(policy, diagnostics)
    if not any(found.is_error for found in diagnostics):
        charge_ipsets(policy, limits, diagnostics)
    return policy


def _of_empty_file(source: Source, target: Target, diagnostics: list[Diagnostic]) -> Policy:
    """Return the policy of a file of zero bytes, where that is no policy instead of an error."""
    policy = Policy(source=source, target=target)
    diagnostics.append(
        warning(
            "empty-file",
            f"an empty file is no policy to {target.title}, which then allows "
            f"{policy.absent_rules.value}",
            Span(0, 0),
            help='write `{"acls": []}` to allow nothing',
        )
    )
    return policy


def load_policy(
    text: str | bytes,
    target: str = "tailscale",
    *,
    filename: str = "policy.hujson",
    limits: Limits = Limits(),  # noqa: B008 - frozen
) -> Policy:
    """Return the policy that *text* holds.

    Args:
        text: HuJSON; bytes are UTF-8.
        target: whose language it is: ``tailscale``, ``headscale`` or ``headscale@0.29``.
        filename: the name for messages.
        limits: what the text may cost.

    Raises:
        PolicyError: the text alone shows that the target would refuse it. What needs the tailnet
            or the tests is not looked at here; see `compile_policy` and `check`.
        UnknownTargetError: no such target.
    """
    found_target = find_target(target)
    diagnostics: list[Diagnostic] = []
    source = decode(text, filename, limits, diagnostics)
    policy = read_policy(source, found_target, limits, diagnostics) if source else None
    words = refusal_words(policy, diagnostics)
    if policy is None or words is not None:
        raise PolicyError(diagnostics, words, source, found_target.name)
    return replace(policy, warnings=tuple(diagnostics))
