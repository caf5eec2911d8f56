"""What is assumed where the tailnet does not tell, as sentences for whoever reads the answers.

Each is in lower case and without a full stop.
"""

from __future__ import annotations

from collections.abc import Iterator

from aclkit.policy.model import Policy
from aclkit.tailnet.model import Tailnet
from aclkit.wording import counted, some

# Of a longer list of nodes the rest is counted.
_MOST = 3


def assumptions(policy: Policy, tailnet: Tailnet) -> tuple[str, ...]:
    """Return what is assumed of *tailnet* when *policy* is compiled for it."""
    return (*assumed_tailnet(tailnet), *assumed_routes(policy, tailnet))


def assumed_tailnet(tailnet: Tailnet) -> Iterator[str]:
    """Yield that *tailnet* is the one that the policy implies, if it is."""
    if tailnet.assumed:
        devices = counted(len(tailnet.nodes), "device")
        yield (
            f"no tailnet given: assumed one device per user and tag that the policy names"
            f" ({devices})"
        )


def assumed_routes(policy: Policy, tailnet: Tailnet) -> Iterator[str]:
    """Yield whose routes count as approved because *policy* auto-approves them, if any do."""
    routers = [
        f"`{node.name}`"
        for node in tailnet.nodes
        if node.advertised_routes and node.approved_routes is None
    ]
    if routers and not tailnet.assumed:
        told = (
            f"no `approved_routes` given for {some(routers, _MOST)}: what the policy"
            " auto-approves counts as approved"
        )
        on_change = policy.target.meaning.approves_on_change
        yield told if on_change else f"{told}, as if advertised since it was set"
