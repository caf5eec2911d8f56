"""
Worlds for each version of Headscale: those of `strategies`, cut down to what the version accepts.

Words that a version lacks are left out, and words that it alone has are put in.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from tests.property.strategies import ACLS, LOGINS, ROUTES, policies, some, tailnets

JSON = dict[str, Any]
World = tuple[JSON, JSON]

VERSIONS = range(23, 31)
OLD = ACLS | {"ssh", "internet"}
NEW = OLD | {"grants", "app", "via", "attributes", "self"}
LITERALS = ["100.64.0.9", "100.64.0.0/24", "fd7a:115c:a1e0::/112", "db", "six"]


@st.composite
def headscale_worlds(draw: st.DrawFn, minor: int) -> World:
    """A policy that Headscale 0.*minor* accepts, and a tailnet."""
    tailnet = draw(tailnets())
    tailnet.pop("groups", None)
    tailnet.pop("services", None)
    for user in tailnet["users"]:
        user.pop("type", None)
    features = NEW if minor >= 29 else OLD | {"self"} if minor >= 27 else OLD
    policy = draw(policies(tailnet, features=features))
    if minor == 27 and draw(st.booleans()):
        policy["groups"]["group:dev"].append("nobody@example.com")
    if minor < 28:  # later, tags may own tags
        owners = policy["tagOwners"]
        policy["tagOwners"] = {tag: without(owners[tag], "tag:") for tag in owners}
    elif minor == 28:
        policy["tagOwners"] = {tag: [] for tag in policy["tagOwners"]}
    approvers = policy.get("autoApprovers", {})
    literals = ["*", *LITERALS] if minor < 26 else []
    lists = [*approvers.get("routes", {}).values(), approvers.get("exitNode", [])]
    for listed in lists:
        listed[:] = without(listed, "autogroup:") + draw(some(literals, 0, 1))
    for acl in policy.get("acls") or []:
        access_rule(acl, minor)
        if minor == 23:
            acl["src"] += [login.partition("@")[0] for login in draw(some(LOGINS, 0, 1))]
    for grant in policy.get("grants") or []:
        grant["src"] = [name for name in grant["src"] if not name.startswith("user:")]
    for entry in policy.get("nodeAttrs") or []:
        known = [name for name in entry["target"] if "@" not in name or name in LOGINS]
        entry.update(target=known, attr=without(entry["attr"], "funnel"))
    for rule in policy.get("ssh") or []:
        ssh_rule(draw, rule, minor)
    return policy, tailnet


def without(names: list[str], *starts: str) -> list[str]:
    return [name for name in names if not name.startswith(starts)]


def lacking(minor: int) -> tuple[str, ...]:
    """Return how the autogroups begin that 0.*minor* lacks."""
    if minor >= 29:
        return ("autogroup:shared",)
    newer = "autogroup:danger-all", "autogroup:shared"
    return newer if minor > 26 else (*newer, *("autogroup:member", "autogroup:tagged"))


def access_rule(acl: JSON, minor: int) -> None:
    starts = lacking(minor)
    acl["src"] = without(acl["src"], *starts)
    acl["dst"] = without(acl["dst"], *starts)
    if minor < 29:
        names = {"ipv6-icmp": "58", "6": "tcp", "17": "udp"}
        proto = acl.get("proto", "")
        acl["proto"] = names.get(proto, proto)
        acl["dst"] = [entry.replace("[", "").replace("]", "") for entry in acl["dst"]]


def ssh_rule(draw: Callable[[st.SearchStrategy[Any]], Any], rule: JSON, minor: int) -> None:
    starts = lacking(minor)
    rule["src"], rule["dst"] = without(rule["src"], *starts), without(rule["dst"], *starts)
    if minor >= 29:
        return
    rule.pop("acceptEnv", None)
    rule.pop("checkPeriod", None)
    units = ["90m", "1h30m"] if minor < 26 else ["12h", "1d", "1w2d"]
    if rule["action"] == "check" and (minor < 26 or draw(st.booleans())):
        rule["checkPeriod"] = draw(st.sampled_from(units))
    if minor < 27:
        rule["dst"] = without(rule["dst"], "autogroup:self")
    elif draw(st.integers(0, 4)) == 4:
        rule["dst"].append("db")
    if minor < 28:
        rule["dst"] += draw(some(["*", *LOGINS], 0, 1))
        rule["users"] += draw(some(["*"], 0, 1))
    if minor < 26:
        rule["src"] += draw(some(["*", *LITERALS], 0, 1))
        rule["dst"] += draw(some([*LITERALS, "group:dev", *ROUTES[:2]], 0, 1))
