"""The list of all checks, in the order in which they run."""

from __future__ import annotations

from aclkit.diagnostics import Diagnostic
from aclkit.policy.model import Policy
from aclkit.policy.validate.attributes import check_node_attributes
from aclkit.policy.validate.names import (
    check_auto_approvers,
    check_groups,
    check_hosts,
    check_ipsets,
    check_member_names,
    check_tag_owners,
)
from aclkit.policy.validate.postures import check_postures
from aclkit.policy.validate.rules import check_acls, check_grants
from aclkit.policy.validate.ssh import check_ssh, check_ssh_tests
from aclkit.policy.validate.tests import check_test_names, check_test_shapes
from aclkit.policy.validate.validation import Validation
from aclkit.policy.validate.whole import check_absent_rules, check_emptiness

CHECKS = (
    check_groups,
    check_tag_owners,
    check_hosts,
    check_ipsets,
    check_postures,
    check_auto_approvers,
    check_acls,
    check_grants,
    check_ssh,
    check_node_attributes,
    check_member_names,
    check_test_shapes,
    check_ssh_tests,
    check_test_names,
    check_emptiness,
    check_absent_rules,
)


def validate_policy(policy: Policy, diagnostics: list[Diagnostic]) -> None:
    """Append all that is wrong with *policy*, in the order of `CHECKS`."""
    validation = Validation(policy, diagnostics)
    for check in CHECKS:
        check(validation)
