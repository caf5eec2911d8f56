"""The codes of access rules, grants and node attributes."""

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


def _rule(fields: str, section: str = "acls") -> str:
    """Return a policy with one rule that has *fields*."""
    return f'{{\n  "tagOwners": {{"tag:web": []}},\n  "{section}": [\n    {{{fields}}},\n  ],\n}}\n'


_ACLS = (
    _error(
        "bad-action",
        "an action that a rule can't have",
        why="The language has no rule that denies: what no rule accepts is denied. Access rules"
        " take `accept`; SSH rules take `accept` and `check`, and need one.",
        example=_rule('"action": "deny", "src": ["*"], "dst": ["tag:web:22"]'),
        repair="Remove a rule that denies, and narrow the rules that accept too much.",
        repaired=_rule('"action": "accept", "src": ["*"], "dst": ["tag:web:443"]'),
    ),
    _error(
        "missing-port",
        "a destination without ports",
        why="A destination is a name, a colon and ports. The name may hold colons, so what"
        " follows the last one is taken for ports: `autogroup:self` is read as the port `self`.",
        example=_rule('"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self"]'),
        repair="Write the ports, or `:*` for all of them.",
        repaired=_rule(
            '"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]'
        ),
    ),
    _error(
        "bad-port",
        "ports that are none",
        why="Ports are numbers from 1 to 65535, ranges such as `8000-8100`, or `*`. In `dst` of"
        " an access rule commas may stand between them, in `ip` of a grant not.",
        example=_rule('"action": "accept", "src": ["*"], "dst": ["tag:web:https"]'),
        repair="Write the number of the port.",
        repaired=_rule('"action": "accept", "src": ["*"], "dst": ["tag:web:443"]'),
    ),
    _error(
        "bad-protocol",
        "a protocol that is none",
        why="A protocol is a name such as `tcp`, or a number up to 255 as a string. A rule has"
        " one; a grant may list several in `ip`.",
        example=_rule(
            '"action": "accept", "proto": "tcp/udp", "src": ["*"], "dst": ["tag:web:53"]'
        ),
        repair="Write one protocol, or leave `proto` out for TCP, UDP and ICMP.",
        repaired=_rule('"action": "accept", "src": ["*"], "dst": ["tag:web:53"]'),
    ),
    Entry(
        code="port-on-portless-protocol",
        severity=Severity.WARNING,
        title="ports on a protocol that has none",
        why="Only TCP, UDP and SCTP have ports. A client lets another protocol through only where"
        " a rule covers all ports, so this rule gives no access. Headscale refuses it.",
        example=_rule('"action": "accept", "proto": "gre", "src": ["*"], "dst": ["tag:web:443"]'),
        repair="Write `*` as ports.",
        repaired=_rule('"action": "accept", "proto": "gre", "src": ["*"], "dst": ["tag:web:*"]'),
    ),
    _error(
        "bad-self-source",
        "a source that has no devices of its own to reach",
        why="`autogroup:self` means the devices of the user who comes. A tag, a host or an"
        " address is no user; and one such source spoils the whole list.",
        example=_rule('"action": "accept", "src": ["tag:web"], "dst": ["autogroup:self:22"]'),
        repair="Name users, groups or `autogroup:member` as sources; give tags a rule of their"
        " own.",
        repaired=_rule(
            '"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:22"]'
        ),
    ),
)

_GRANTS = (
    _error(
        "empty-grant",
        "a grant that grants nothing",
        why="A grant says what it allows in `ip`, in `app`, or in both.",
        example=_rule('"src": ["*"], "dst": ["tag:web"]', "grants"),
        repair='Write what is allowed, such as `"ip": ["tcp:443"]`.',
        repaired=_rule('"src": ["*"], "dst": ["tag:web"], "ip": ["tcp:443"]', "grants"),
    ),
    _error(
        "grant-to-everything",
        "a grant to `0.0.0.0/0` or `::/0`",
        why="It could mean the internet by way of exit nodes, or the whole tailnet. Tailscale"
        " wants the one that is meant.",
        example=_rule('"src": ["*"], "dst": ["0.0.0.0/0"], "ip": ["*"]', "grants"),
        repair="Write `autogroup:internet` for the internet, `*` for the tailnet.",
        repaired=_rule('"src": ["*"], "dst": ["autogroup:internet"], "ip": ["*"]', "grants"),
    ),
    _error(
        "app-to-internet",
        "a capability granted on the internet",
        why="Capabilities are shown to applications on nodes of the tailnet. The internet has no"
        " such node.",
        example=_rule(
            '"src": ["*"], "dst": ["autogroup:internet"], "app": {"example.com/cap/x": []}',
            "grants",
        ),
        repair="Grant the capability on the node that runs the application.",
        repaired=_rule(
            '"src": ["*"], "dst": ["tag:web"], "app": {"example.com/cap/x": []}', "grants"
        ),
    ),
    _error(
        "app-to-role",
        "a capability granted on the devices of a role",
        why="By the documentation capabilities are not granted on the devices of admins, owners"
        " and other roles.",
        example=_rule(
            '"src": ["*"], "dst": ["autogroup:admin"], "app": {"example.com/cap/x": []}', "grants"
        ),
        repair="Name the devices by a tag or by their users.",
        repaired=_rule(
            '"src": ["*"], "dst": ["tag:web"], "app": {"example.com/cap/x": []}', "grants"
        ),
    ),
    _error(
        "bad-capability",
        "a capability name that can't be granted",
        why="A name is a domain and a path, without `https://`. Of the domains of Tailscale only"
        " a few names can be granted by a policy.",
        example=_rule(
            '"src": ["*"], "dst": ["*"], "app": {"https://example.com/cap/x": []}', "grants"
        ),
        repair="Use a domain of your own; of Tailscale's, a name that the help lists.",
        repaired=_rule('"src": ["*"], "dst": ["*"], "app": {"example.com/cap/x": []}', "grants"),
    ),
)

_ATTRIBUTES = (
    _error(
        "bad-ip-pool",
        "a pool of addresses that devices can't have",
        why="Devices have addresses from 100.64.0.0/10, of which three parts are reserved for the"
        " service and for ChromeOS.",
        example='{\n  "nodeAttrs": [{"target": ["*"], "ipPool": ["10.0.0.0/8"]}],\n}\n',
        repair="Write a part of 100.64.0.0/10 outside of the reserved ones.",
        repaired='{\n  "nodeAttrs": [{"target": ["*"], "ipPool": ["100.81.0.0/16"]}],\n}\n',
    ),
    Entry(
        code="app-connectors-target",
        severity=Severity.WARNING,
        title="app connectors for a target other than `*`",
        why="Which devices are connectors is said by `connectors`; the target is documented as"
        " `*` only, and others are reported to be refused.",
        example='{\n  "tagOwners": {"tag:c": []},\n  "nodeAttrs": [\n'
        '    {"target": ["tag:c"], "app": {"tailscale.com/app-connectors": '
        '[{"connectors": ["tag:c"]}]}},\n  ],\n}\n',
        repair='Write `"target": ["*"]`.',
        repaired='{\n  "tagOwners": {"tag:c": []},\n  "nodeAttrs": [\n'
        '    {"target": ["*"], "app": {"tailscale.com/app-connectors": '
        '[{"connectors": ["tag:c"]}]}},\n  ],\n}\n',
    ),
)

RULES: tuple[Entry, ...] = (*_ACLS, *_GRANTS, *_ATTRIBUTES)
