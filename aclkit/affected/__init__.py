"""Which nodes a change concerns: for whom the output is another one than before."""

from aclkit.affected.nodes import Affected, Kind, names_of
from aclkit.affected.policy_changes import affected_by_policy, everybody
from aclkit.affected.work import affected_by

__all__ = ["Affected", "Kind", "affected_by", "affected_by_policy", "everybody", "names_of"]
