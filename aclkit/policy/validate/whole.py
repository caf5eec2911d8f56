"""Checks of the policy as a whole: what it says by what it leaves out."""

from __future__ import annotations

from aclkit.policy.validate.validation import Validation
from aclkit.policy.walk import opening_bracket
from aclkit.target import AbsentRules, Reading


def check_emptiness(validation: Validation) -> None:
    """Refuse a policy that says nothing, where the target does."""
    policy = validation.policy
    if validation.target.empty_policies or policy.groups or policy.hosts or policy.acls:
        return
    validation.error(
        "empty-policy",
        f"a policy without groups, hosts and access rules is nothing to {validation.target.title}",
        opening_bracket(policy),
        words=validation.target.says("empty-policy"),
        help="write at least one access rule",
    )


def check_absent_rules(validation: Validation) -> None:
    """Warn where a policy without access rules means more or less than the tailnet."""
    policy = validation.policy
    if policy.acls is not None or policy.grants is not None:
        return
    meaning = policy.absent_rules
    if meaning is AbsentRules.TAILNET or any(d.is_error for d in validation.diagnostics):
        return
    reads_grants = validation.target.sections["grants"] is Reading.READ
    what = "`acls` and `grants`" if reads_grants else "`acls`"
    validation.warning(
        "absent-rules",
        f"without {what} this policy allows {meaning.value} on {validation.target.title}",
        opening_bracket(policy),
        help='write `"acls": []` to allow nothing, or a rule from `*` to `*:*` to allow all',
    )
