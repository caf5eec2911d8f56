"""The codes of tailnet files and inventories. None of them is about the text of a policy."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _entry(code: str, title: str, *, why: str, repair: str) -> Entry:
    return Entry(
        code=code,
        severity=Severity.ERROR,
        title=title,
        why=f"{why} It is found in the tailnet, so no policy can be an example of it.",
        example="",
        repair=repair,
    )


_SHAPE = (
    _entry(
        "tailnet-wrong-type",
        "a value of the wrong kind",
        why='A value is never bent into shape: `"false"` taken for true would approve a service.',
        repair="Write the kind of value that the message asks for.",
    ),
    _entry(
        "tailnet-missing-key",
        "an entry without a key that it needs",
        why="A user without a login or a node without a name can't be meant by any policy.",
        repair="Add the key.",
    ),
    _entry(
        "tailnet-unknown-key",
        "a key that the tailnet file does not have",
        why="A misspelt `approved_routes` that is passed over leaves the policy's approvals in"
        " force.",
        repair="Correct the spelling, or remove the key. Keys are in lower case.",
    ),
    _entry(
        "tailnet-duplicate-key",
        "a key that stands twice in one object",
        why="Readers of JSON differ in which of the two values counts.",
        repair="Remove one of the two.",
    ),
    _entry(
        "tailnet-unknown-role",
        "a role that no user can have",
        why="Roles decide who is in `autogroup:admin` and its kind.",
        repair="Write owner, admin, it-admin, network-admin, billing-admin, auditor or member.",
    ),
    _entry(
        "tailnet-unknown-user-type",
        "a type of user that there is not",
        why="The type decides who is in `autogroup:member`.",
        repair="Write `member`, or `shared` for a user of another tailnet.",
    ),
)

_VALUES = (
    _entry(
        "tailnet-bad-name",
        "a name or id that can't be used",
        why="Names are typed on command lines and printed in reports.",
        repair="Use printable characters, without blanks at the ends.",
    ),
    _entry(
        "tailnet-bad-login",
        "a login that can't be used",
        why="Policies name users by their login, and compare it exactly.",
        repair="Write the login as policies do, such as `alice@example.com`.",
    ),
    _entry(
        "tailnet-bad-domain",
        "a domain that is none",
        why="`localpart:*@` and `user:*@` name a domain, without the `@`.",
        repair="Write what follows the `@` of a login, such as `example.com`.",
    ),
    _entry(
        "tailnet-bad-group",
        "a name that is not that of a synced group",
        why="Policies name such groups as `group:ops@example.com`.",
        repair="Write `group:` and the name of the group.",
    ),
    _entry(
        "tailnet-bad-tag",
        "a tag that can't be one",
        why="A node can't have a tag that policies can't name.",
        repair="Write `tag:` and a letter, then letters, digits and dashes.",
    ),
    _entry(
        "tailnet-bad-service",
        "a name that is not that of a service",
        why="A policy names a service by `svc:` and a DNS label.",
        repair="Write a name such as `svc:web`.",
    ),
    _entry(
        "tailnet-bad-address",
        "an address that is none",
        why="Programs differ in what they make of 010.0.0.1, so only one form is read.",
        repair="Write the bare address, without a prefix length, leading zeros or a zone.",
    ),
    _entry(
        "tailnet-bad-route",
        "a route that is none",
        why="10.0.0.5/16 may mean 10.0.0.0/16 or 10.0.0.5/32, and access differs.",
        repair="Write a CIDR without address bits after its prefix length.",
    ),
    _entry(
        "tailnet-bad-created",
        "a time of creation that is none",
        why="The age of routers decides which of them carries a route.",
        repair="Write a time with its zone, such as `2026-01-31T10:00:00Z`, or a whole number.",
    ),
    _entry(
        "tailnet-bad-posture",
        "a posture attribute that can't be",
        why="Assertions compare attributes with strings, numbers, true and false.",
        repair="Write such a value, and each attribute once, in one spelling.",
    ),
)

_AGREEMENT = (
    _entry(
        "tailnet-duplicate-name",
        "two nodes or services of one name",
        why="A question about that name would have two answers. Case makes no difference.",
        repair="Rename one of the two.",
    ),
    _entry(
        "tailnet-duplicate-id",
        "two nodes of one id",
        why="A question about that id would have two answers. A node's id is its name if none"
        " is given.",
        repair="Give every node an id of its own, or none.",
    ),
    _entry(
        "tailnet-duplicate-login",
        "two users of one login",
        why="One of the two would have the other's role.",
        repair="Remove one of the two.",
    ),
    _entry(
        "tailnet-duplicate-address",
        "an address that two nodes or services have",
        why="A rule for one of them would open the other.",
        repair="Give every node and service addresses of its own.",
    ),
    _entry(
        "tailnet-no-address",
        "a node without an address",
        why="Nothing reaches such a node, so a test that denies access to it proves nothing.",
        repair="Add the addresses that the node has in the tailnet.",
    ),
    _entry(
        "tailnet-no-identity",
        "a node with neither a user nor tags",
        why="Policies name nodes by their user or their tags.",
        repair="Add `user` or `tags`.",
    ),
    _entry(
        "tailnet-user-and-tags",
        "a node with both a user and tags",
        why="Tags take the place of the user: the user's rules no longer mean the node.",
        repair="Remove `user` if the node is tagged, else `tags`.",
    ),
    _entry(
        "tailnet-unknown-user",
        "a node of a user that there is not",
        why="A misspelt login takes the node out of all its owner's rules.",
        repair="Correct the login, or add it to `users`.",
    ),
    _entry(
        "tailnet-unknown-node",
        "a change of a node that is not there",
        why="A change that finds nothing to change was meant for another state of the tailnet.",
        repair="Name a node that is there, by its id; one that is new joins.",
    ),
    _entry(
        "tailnet-user-with-nodes",
        "a user who leaves nodes behind",
        why="A node without its user would have no identity, or that of the next user of the name.",
        repair="Take the user's nodes out first, or give them tags.",
    ),
    _entry(
        "tailnet-unknown-host",
        "a service on a node that there is not",
        why="A misspelt host would leave the service unreachable.",
        repair="Name a node of the file.",
    ),
    _entry(
        "tailnet-unknown-service",
        "a service that is gone and was not there",
        why="A change that finds nothing to change was meant for another state of the tailnet.",
        repair="Name a service that is there, as it is written there.",
    ),
    _entry(
        "tailnet-unadvertised-route",
        "an approved route that the node does not advertise",
        why="A route carries traffic only when it is both.",
        repair="Add it to `advertised_routes`, or remove it from `approved_routes`.",
    ),
    _entry(
        "tailnet-mixed-created",
        "times and ranks in one file",
        why="They can't be compared, and the age of routers decides which of them carries a route.",
        repair="Use times for all nodes, or ranks for all.",
    ),
)

_WHOLE = (
    _entry(
        "limit-tailnet-nodes",
        "more nodes than allowed",
        why="Reading stops before the tailnet fills the memory.",
        repair="Raise the limit for tailnets that you trust.",
    ),
    _entry(
        "limit-tailnet-members",
        "more entries of lists than allowed",
        why="Reading stops before the tailnet fills the memory.",
        repair="Raise the limit for tailnets that you trust.",
    ),
    _entry(
        "limit-tailnet-errors",
        "more errors than anybody reads",
        why="Reading stops after the first thousand.",
        repair="Repair those that are listed, then read the file again.",
    ),
    _entry(
        "inventory-wrong-form",
        "an inventory of another form",
        why="An importer reads the answers of certain commands and calls only.",
        repair="Give it the answer that it asks for, or use another importer.",
    ),
)

TAILNET: tuple[Entry, ...] = _SHAPE + _VALUES + _AGREEMENT + _WHOLE
"""Every code of tailnet files and inventories."""
