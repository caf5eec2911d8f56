"""The codes of SSH rules and their tests."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _error(
    code: str, title: str, *, why: str, example: str, repair: str, repaired: str = ""
) -> Entry:
    return Entry(
        code=code,
        severity=Severity.ERROR,
        title=title,
        why=why,
        example=example,
        repair=repair,
        repaired=repaired,
    )


def _rule(
    src: str = "autogroup:member",
    dst: str = "autogroup:self",
    users: str = '"users": ["root"]',
    more: str = "",
    action: str = "accept",
) -> str:
    """Return a policy with one SSH rule."""
    fields = [f'"action": "{action}"', f'"src": ["{src}"]', f'"dst": ["{dst}"]', users, more]
    lines = ",\n      ".join(field for field in fields if field)
    return (
        '{\n  "tagOwners": {"tag:web": [], "tag:ci": []},\n'
        f'  "ssh": [\n    {{\n      {lines},\n    }},\n  ],\n}}\n'
    )


SSH: tuple[Entry, ...] = (
    _error(
        "missing-users",
        "an SSH rule without local users",
        why="`users` are the logins on the destination. Without them the rule lets nobody in, and"
        " the control plane refuses it, though the documentation speaks of a default.",
        example=_rule(users=""),
        repair="List the logins; `autogroup:nonroot` is every login but root.",
        repaired=_rule(users='"users": ["autogroup:nonroot"]'),
    ),
    _error(
        "bad-ssh-user",
        "an SSH login that is none",
        why="There is no wildcard for logins, and an empty login is nobody's.",
        example=_rule(users='"users": ["*"]'),
        repair="List the logins. `root` and `autogroup:nonroot` together are all of them.",
        repaired=_rule(users='"users": ["root", "autogroup:nonroot"]'),
    ),
    _error(
        "bad-ssh-destination",
        "an SSH rule to the devices of somebody else",
        why="The devices of a user can be opened to that same user only.",
        example=_rule("alice@example.com", "bob@example.com"),
        repair="Write `autogroup:self` for one's own devices, or put a tag on a device that"
        " others log in to.",
        repaired=_rule("alice@example.com", "alice@example.com"),
    ),
    _error(
        "bad-check-period",
        "a check period that can't be kept",
        why="It is a duration in hours, minutes and seconds of at most a week, or `always`."
        " There is no unit for days.",
        example=_rule(more='"checkPeriod": "7d"', action="check"),
        repair="Write `168h` for seven days.",
        repaired=_rule(more='"checkPeriod": "168h"', action="check"),
    ),
    Entry(
        code="unused-check-period",
        severity=Severity.WARNING,
        title="a check period on a rule that does not check",
        why="With the action `accept` nobody is asked to authenticate, though the rule looks as"
        " if they were. Headscale refuses it.",
        example=_rule(more='"checkPeriod": "12h"'),
        repair="Write `check` as action, or remove `checkPeriod`.",
        repaired=_rule(more='"checkPeriod": "12h"', action="check"),
    ),
    Entry(
        code="check-from-tag",
        severity=Severity.WARNING,
        title="a check of a tagged device",
        why="A tagged device has no user who could authenticate, so the session never begins.",
        example=_rule("tag:ci", "tag:web", action="check"),
        repair="Write a rule of its own with `accept` for tagged sources.",
        repaired=_rule("tag:ci", "tag:web"),
    ),
    _error(
        "bad-accept-env",
        "an empty name of an environment variable",
        why="It stands for no variable. `*` and `?` are wildcards.",
        example=_rule(more='"acceptEnv": [""]'),
        repair="Write the name, or remove the entry.",
        repaired=_rule(more='"acceptEnv": ["LANG", "LC_*"]'),
    ),
    _error(
        "bad-recorder",
        "a session recorder that is not named by a tag",
        why="Recorders are found by their tag.",
        example=_rule(more='"recorder": ["alice@example.com"]'),
        repair="Put a tag on the device that records, and name that.",
        repaired=_rule(more='"recorder": ["tag:web"]'),
    ),
    _error(
        "bad-test",
        "an SSH test that can't be asked",
        why="The source of an SSH test is one user, group, tag, host or address; a destination is"
        " the same without a port. The control plane refuses others before it runs any test.",
        example="""{
  "tagOwners": {"tag:web": []},
  "sshTests": [
    {"src": "tag:web", "dst": ["tag:web:22"], "deny": ["root"]},
  ],
}
""",
        repair="Name a single source, and destinations without ports.",
        repaired="""{
  "tagOwners": {"tag:web": []},
  "sshTests": [
    {"src": "tag:web", "dst": ["tag:web"], "deny": ["root"]},
  ],
}
""",
    ),
)
