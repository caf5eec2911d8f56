"""The codes of what Headscale's versions take without effect, or mean differently."""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _warning(
    code: str, title: str, *, target: str, why: str, example: str, repair: str, repaired: str = ""
) -> Entry:
    return Entry(
        code=code,
        severity=Severity.WARNING,
        title=title,
        why=why,
        example=example,
        repair=repair,
        repaired=repaired,
        target=target,
    )


_RULE = '    {"action": "accept", "src": ["alice@example.com"], "dst": ["*:22"]},\n'
_ACLS = f'{{\n  "acls": [\n{_RULE}  ],\n}}\n'


def _ssh(fields: str) -> str:
    return f'{{\n  "acls": [],\n  "ssh": [\n    {{{fields}}},\n  ],\n}}\n'


_PASSED_OVER = (
    _warning(
        "ignored-section",
        "a section that the target passes over",
        target="headscale@0.26",
        why="What it says has no effect there; tests in it are never run.",
        example=f'{{\n  "acls": [\n{_RULE}  ],\n  "grants": [],\n}}\n',
        repair="Remove the section, or check the policy for the version that reads it, too.",
        repaired=_ACLS,
    ),
    _warning(
        "ignored-field",
        "a key that the target passes over",
        target="headscale@0.26",
        why="Up to 0.26 Headscale takes any key. One that is misspelt goes unnoticed, and what it"
        " should say is left out.",
        example='{\n  "acls": [\n    {"action": "accept", "src": ["alice@example.com"], '
        '"dst": ["*:22"], "prot": "tcp"},\n  ],\n}\n',
        repair="Correct the key, or remove it.",
        repaired=_ACLS,
    ),
    _warning(
        "overridden-name",
        "a name that one object has twice, of which the last counts",
        target="headscale@0.26",
        why="What stands under the first one is lost. Later versions refuse the file.",
        example='{\n  "acls": [],\n  "groups": {\n    "group:ops": ["alice@example.com"],\n'
        '    "group:ops": ["bob@example.com"],\n  },\n}\n',
        repair="Join the two, or remove one.",
        repaired='{\n  "acls": [],\n  "groups": {"group:ops": ["alice@example.com", '
        '"bob@example.com"]},\n}\n',
    ),
    _warning(
        "dead-name",
        "a definition that nothing can find",
        target="headscale@0.26",
        why="The target takes the definition, but no rule can name it.",
        example='{\n  "acls": [],\n  "tagOwners": {"web": ["alice@example.com"]},\n}\n',
        repair="Put the prefix in front of the name.",
        repaired='{\n  "acls": [],\n  "tagOwners": {"tag:web": ["alice@example.com"]},\n}\n',
    ),
    _warning(
        "dead-selector",
        "a name that stands for nothing",
        target="headscale@0.25",
        why="The target takes the rule, but the name matches nobody, so this part gives no access.",
        example='{\n  "acls": [\n    {"action": "accept", "src": ["alice@"], "dst": ["*:22"]},\n'
        "  ],\n}\n",
        repair="Write what was meant in the form that the target knows.",
        repaired='{\n  "acls": [\n    {"action": "accept", "src": ["alice"], "dst": ["*:22"]},\n'
        "  ],\n}\n",
    ),
    _warning(
        "dead-destination",
        "a destination that opens no port",
        target="headscale@0.26",
        why="The target takes the destination, but no connection ever matches it.",
        example='{\n  "acls": [\n    {"action": "accept", "src": ["alice@example.com"], '
        '"dst": ["10.0.0.5"]},\n  ],\n}\n',
        repair="Write the ports after a colon, the smaller one of a range first.",
        repaired='{\n  "acls": [\n    {"action": "accept", "src": ["alice@example.com"], '
        '"dst": ["10.0.0.5:22"]},\n  ],\n}\n',
    ),
    _warning(
        "dead-protocol",
        "a protocol number that no packet has",
        target="headscale@0.26",
        why="Protocols have one byte, so numbers above 255 and below 0 never match.",
        example='{\n  "acls": [\n    {"action": "accept", "proto": "300", '
        '"src": ["alice@example.com"], "dst": ["*:*"]},\n  ],\n}\n',
        repair="Write a name such as `tcp`, or a number up to 255.",
        repaired='{\n  "acls": [\n    {"action": "accept", "proto": "47", '
        '"src": ["alice@example.com"], "dst": ["*:*"]},\n  ],\n}\n',
    ),
    _warning(
        "dead-route",
        "a route approval that approves nothing",
        target="headscale@0.25",
        why="The key is no CIDR, so no route lies inside of it.",
        example=f'{{\n  "acls": [\n{_RULE}  ],\n  "autoApprovers": '
        '{"routes": {"office": ["alice@example.com"]}},\n}\n',
        repair="Write the CIDR of the routes.",
        repaired=f'{{\n  "acls": [\n{_RULE}  ],\n  "autoApprovers": '
        '{"routes": {"10.0.0.0/8": ["alice@example.com"]}},\n}\n',
    ),
    _warning(
        "dead-rule",
        "an SSH rule that lets nobody in",
        target="headscale@0.27",
        why="The target takes the rule, but without an action nobody passes it.",
        example='{\n  "acls": [\n' + _RULE + '  ],\n  "ssh": [\n    {"src": ["alice@example.com"], '
        '"dst": ["*"], "users": ["root"]},\n  ],\n}\n',
        repair='Write `"action": "accept"`.',
        repaired='{\n  "acls": [\n' + _RULE + '  ],\n  "ssh": [\n    {"action": "accept", '
        '"src": ["alice@example.com"], "dst": ["*"], "users": ["root"]},\n  ],\n}\n',
    ),
    _warning(
        "dead-login",
        "a word among SSH users that is taken for a login",
        target="headscale@0.29",
        why="The word looks like an autogroup or a pattern, but it lets in only somebody whose"
        " login is spelled just so.",
        example=_ssh(
            '"action": "accept", "src": ["alice@"], "dst": ["alice@"], '
            '"users": ["autogroup:member"]'
        ),
        repair="Name the logins, or write `autogroup:nonroot`.",
        repaired=_ssh(
            '"action": "accept", "src": ["alice@"], "dst": ["alice@"], '
            '"users": ["autogroup:nonroot"]'
        ),
    ),
)

_MEANT = (
    _warning(
        "missing-action",
        "an access rule without action, which accepts",
        target="headscale@0.29",
        why="Headscale 0.29 takes it for `accept`; everything else refuses the file.",
        example='{\n  "acls": [\n    {"src": ["alice@"], "dst": ["*:22"]},\n  ],\n}\n',
        repair='Write `"action": "accept"`.',
        repaired='{\n  "acls": [\n    {"action": "accept", "src": ["alice@"], '
        '"dst": ["*:22"]},\n  ],\n}\n',
    ),
    _warning(
        "absent-rules",
        "no access rules, which may allow everything",
        target="headscale@0.29",
        why="By version, a policy without `acls` allows nothing or everything: up to 0.26"
        " nothing, from 0.27 on everything, also beyond the tailnet.",
        example='{\n  "groups": {"group:ops": ["alice@"]},\n}\n',
        repair='Write `"acls": []` to allow nothing, or a rule from `*` to `*:*` to allow all.',
        repaired='{\n  "groups": {"group:ops": ["alice@"]},\n  "acls": [],\n}\n',
    ),
    _warning(
        "empty-file",
        "a file of no bytes, which allows everything",
        target="headscale@0.29",
        why="Headscale takes an empty file for the lack of a policy. A file that was cut short or"
        " not yet written then opens the whole tailnet. An example would be an empty text.",
        example="",
        repair='Write `{"acls": []}` to allow nothing.',
    ),
    _warning(
        "widened-host",
        "an IPv6 address that is read as a large network",
        target="headscale@0.25",
        why="Up to 0.25 Headscale takes an IPv6 address in `hosts` for a /32: 2 to the power of"
        " 96 addresses.",
        example=f'{{\n  "acls": [\n{_RULE}  ],\n  "hosts": {{"db": "fd00::1"}},\n}}\n',
        repair="Write the length: `fd00::1/128`.",
        repaired=f'{{\n  "acls": [\n{_RULE}  ],\n  "hosts": {{"db": "fd00::1/128"}},\n}}\n',
    ),
    _warning(
        "loose-autogroup",
        "a misspelt autogroup that is read as another",
        target="headscale@0.25",
        why="Up to 0.25 Headscale takes whatever begins with `autogroup:internet` for it.",
        example='{\n  "acls": [\n    {"action": "accept", "src": ["alice"], '
        '"dst": ["autogroup:internets:*"]},\n  ],\n}\n',
        repair="Correct the name.",
        repaired='{\n  "acls": [\n    {"action": "accept", "src": ["alice"], '
        '"dst": ["autogroup:internet:*"]},\n  ],\n}\n',
    ),
    _warning(
        "host-like-user",
        "a user whose name is close to that of a host",
        target="headscale@0.25",
        why="Up to 0.25 users have bare names, so a misspelt host becomes a user whom nobody is.",
        example='{\n  "hosts": {"database": "10.0.0.5"},\n  "acls": [\n'
        '    {"action": "accept", "src": ["alice"], "dst": ["databse:5432"]},\n  ],\n}\n',
        repair="Correct the name of the host.",
        repaired='{\n  "hosts": {"database": "10.0.0.5"},\n  "acls": [\n'
        '    {"action": "accept", "src": ["alice"], "dst": ["database:5432"]},\n  ],\n}\n',
    ),
    _warning(
        "ambiguous-user",
        "a word that fits two users",
        target="headscale@0.29",
        why="A word may be the id, the email or the name of a user. Where it fits two, Headscale"
        " up to 0.28 gives access to nobody, and 0.29 refuses the policy. Which users there are"
        " only the tailnet shows, so no policy alone can be an example.",
        example="",
        repair="Write the id that the identity provider gave the user.",
    ),
)

_REFUSED = (
    Entry(
        code="empty-policy",
        severity=Severity.ERROR,
        title="a policy without groups, hosts and access rules",
        why="Up to 0.25 Headscale refuses it.",
        example='{\n  "tagOwners": {},\n}\n',
        repair="Write at least one access rule.",
        repaired=_ACLS,
        target="headscale@0.25",
    ),
    Entry(
        code="tag-owner-cycle",
        severity=Severity.ERROR,
        title="a tag that owns itself by way of others",
        why="Headscale 0.28 refuses it. Tailscale and Headscale from 0.29 on take it.",
        example='{\n  "acls": [],\n  "tagOwners": {"tag:a": ["tag:b"], "tag:b": ["tag:a"]},\n}\n',
        repair="Remove one of the owners on the way back.",
        repaired='{\n  "acls": [],\n  "tagOwners": {"tag:a": ["tag:b"], '
        '"tag:b": ["alice@example.com"]},\n}\n',
        target="headscale@0.28",
    ),
    Entry(
        code="attribute-not-supported",
        severity=Severity.ERROR,
        title="an attribute that the target does not have",
        why="Headscale has neither Funnel nor pools of addresses by policy.",
        example='{\n  "acls": [],\n  "nodeAttrs": [{"target": ["*"], "attr": ["funnel"]}],\n}\n',
        repair="Remove it.",
        repaired='{\n  "acls": [],\n  "nodeAttrs": [{"target": ["*"], '
        '"attr": ["magicdns-aaaa"]}],\n}\n',
        target="headscale@0.29",
    ),
    Entry(
        code="unknown-target-user",
        severity=Severity.ERROR,
        title="an unknown user as target of attributes",
        why="Elsewhere a user may join later; in `nodeAttrs` Headscale refuses the whole policy,"
        " also when it starts. Who has joined only the tailnet shows, so no policy alone can be"
        " an example.",
        example="",
        repair="Remove the user from `nodeAttrs`, or add the user first.",
        target="headscale@0.29",
    ),
)

_MOVES = (
    Entry(
        code="refused-by-other",
        severity=Severity.ERROR,
        title="something that the new target refuses",
        why="The policy works where it is now, and would be turned down where it is to go. It is"
        " found by comparing two targets, so no check for one of them can be an example.",
        example="",
        repair="Rewrite it in a form that both take.",
    ),
    _warning(
        "changed-meaning",
        "something that the new target means differently",
        target="headscale@0.29",
        why="Both targets take the policy, but access changes with the move. It is found by"
        " comparing two targets, so no check for one of them can be an example.",
        example="",
        repair="Write it in the form that has the meaning that is wanted.",
    ),
    _warning(
        "comes-alive",
        "something without effect that has one for the new target",
        target="headscale@0.29",
        why="Nobody has seen yet what it does. It is found by comparing two targets, so no check"
        " for one of them can be an example.",
        example="",
        repair="See that it says what is meant, or remove it before the move.",
    ),
)

HEADSCALE: tuple[Entry, ...] = (*_PASSED_OVER, *_MEANT, *_REFUSED, *_MOVES)
