"""The codes of lint: what targets take without a word.

Those that are off unless they are selected say so in `why`.
"""

from __future__ import annotations

from aclkit.catalogue.entry import Entry
from aclkit.diagnostics import Severity


def _warning(
    code: str, title: str, *, why: str, example: str, repair: str, repaired: str = ""
) -> Entry:
    return Entry(
        code=code,
        severity=Severity.WARNING,
        title=title,
        why=why,
        example=example,
        repair=repair,
        repaired=repaired,
    )


_OFF = " This check is off unless it is selected: `--select {}`."
_TEST = '  "tests": [{"src": "alice@example.com", "accept": ["tag:web:22"]}],\n'


def _policy(*lines: str, test: str = _TEST) -> str:
    """Return a policy with `tag:web`, a rule for it unless *lines* have one, and a test."""
    parts = ['  "tagOwners": {"tag:web": ["autogroup:admin"]},', *lines]
    if not any(section in line for line in lines for section in ('"acls"', '"grants"')):
        parts.append(_rules('"src": ["alice@example.com"], "dst": ["tag:web:22"]'))
    return "{\n" + "\n".join(parts) + "\n" + test + "}\n"


def _rules(*rules: str) -> str:
    """Return a section of access rules."""
    listed = "".join(f'    {{"action": "accept", {rule}}},\n' for rule in rules)
    return f'  "acls": [\n{listed}  ],'


_ALICE = '"src": ["alice@example.com"], "dst": ["tag:web:22"]'
_STAFF = '  "groups": {"group:staff": ["alice@example.com"]},'
_STAFF_RULE = '"src": ["group:staff"], "dst": ["tag:web:22"]'

_UNUSED = (
    _warning(
        "unused-group",
        "a group that nothing names",
        why="Its members get nothing by it. Often the rule that should name it is missing, or"
        " names a group that is spelt much the same.",
        example=_policy(_STAFF),
        repair="Use it, or remove it.",
        repaired=_policy(_STAFF, _rules(_STAFF_RULE)),
    ),
    _warning(
        "unused-host",
        "a host that nothing names",
        why="It is a name without effect, which the next reader has to look up for nothing.",
        example=_policy('  "hosts": {"printer": "10.0.0.9"},'),
        repair="Use it, or remove it.",
        repaired=_policy(
            '  "hosts": {"printer": "10.0.0.9"},',
            _rules('"src": ["alice@example.com"], "dst": ["tag:web:22", "printer:631"]'),
        ),
    ),
    _warning(
        "unused-ipset",
        "an ipset that nothing names",
        why="It is a name without effect, which the next reader has to look up for nothing.",
        example=_policy('  "ipsets": {"ipset:office": ["10.0.0.0/16"]},'),
        repair="Use it, or remove it.",
        repaired=_policy(
            '  "ipsets": {"ipset:office": ["10.0.0.0/16"]},',
            _rules('"src": ["alice@example.com", "ipset:office"], "dst": ["tag:web:22"]'),
        ),
    ),
    _warning(
        "unused-posture",
        "a posture that nothing asks for",
        why="It looks as if devices were asked for it, and none is.",
        example=_policy("""  "postures": {"posture:mac": ["node:os == 'macos'"]},"""),
        repair="Name it in `srcPosture` or `defaultSrcPosture`, or remove it.",
        repaired=_policy(),
    ),
    _warning(
        "unused-tag",
        "a tag that neither a rule nor a device has",
        why="It only widens what its owners may do. Which devices there are only a tailnet"
        " shows, so this is looked for where one is given, and no policy alone can be an example.",
        example="",
        repair="Use it, or remove it.",
    ),
    _warning(
        "similar-domain",
        "a login whose domain is a slip away from that of the others",
        why="The name stands for nobody, or for somebody else. With a tailnet given,"
        " `unknown-user` tells of it.",
        example=_policy(
            _rules(
                '"src": ["alice@example.com", "bob@example.com", "carol@example.com"],'
                ' "dst": ["tag:web:22"]',
                '"src": ["dave@exmaple.com"], "dst": ["tag:web:443"]',
            ),
        ),
        repair="Correct the domain.",
        repaired=_policy(
            _rules(
                '"src": ["alice@example.com", "bob@example.com", "carol@example.com"],'
                ' "dst": ["tag:web:22"]',
                '"src": ["dave@example.com"], "dst": ["tag:web:443"]',
            ),
        ),
    ),
)

_POINTLESS = (
    _warning(
        "duplicate-rule",
        "a rule that repeats an earlier one",
        why="It changes nothing. Whoever closes one of the two later has closed nothing.",
        example=_policy(_rules(_ALICE, _ALICE)),
        repair="Remove it, or write what it was meant to allow.",
        repaired=_policy(_rules(_ALICE)),
    ),
    _warning(
        "covered-rule",
        "a rule that changes nothing, since another one covers it",
        why="Either it is not needed, or the other rule allows more than it was meant to. Of SSH"
        " rules those with `check` come first, then the first one that fits.",
        example=_policy(_rules(_ALICE, '"src": ["*"], "dst": ["tag:web:*"]')),
        repair="Remove it, or narrow the other one.",
        repaired=_policy(_rules(_ALICE, '"src": ["*"], "dst": ["tag:web:443"]')),
    ),
    _warning(
        "dead-ip-entry",
        "ports of a protocol that has none, in a grant",
        why="Only TCP, UDP and SCTP have ports. A client lets another protocol through only where"
        " all ports are open, so this entry allows nothing.",
        example=_policy(
            '  "grants": [{"src": ["alice@example.com"], "dst": ["tag:web"],'
            ' "ip": ["22", "gre:443"]}],'
        ),
        repair="Write `*` for the ports.",
        repaired=_policy(
            '  "grants": [{"src": ["alice@example.com"], "dst": ["tag:web"],'
            ' "ip": ["22", "gre:*"]}],'
        ),
    ),
    _warning(
        "repeated-entry",
        "an entry that its list has twice",
        why="One of the two was often meant to be another name.",
        example=_policy(
            _rules('"src": ["alice@example.com", "alice@example.com"], "dst": ["tag:web:22"]')
        ),
        repair="Remove it, or write what was meant.",
        repaired=_policy(),
    ),
    _warning(
        "repeated-member",
        "a user whom a group lists twice",
        why="One of the two was often meant to be somebody else; and whoever removes one leaves"
        " the other.",
        example=_policy(
            '  "groups": {"group:staff": ["alice@example.com", "alice@example.com"]},',
            _rules(_STAFF_RULE),
        ),
        repair="Remove one, or write who was meant.",
        repaired=_policy(_STAFF, _rules(_STAFF_RULE)),
    ),
    _warning(
        "repeated-test",
        "a test that asks what an earlier one asks",
        why="It adds nothing. Often it was copied to be changed, and was not.",
        example=_policy(
            test='  "tests": [\n    {"src": "alice@example.com", "accept": ["tag:web:22"]},\n'
            '    {"src": "alice@example.com", "accept": ["tag:web:22"]},\n  ],\n'
        ),
        repair="Remove it, or write what it was meant to ask.",
        repaired=_policy(
            test='  "tests": [\n    {"src": "alice@example.com", "accept": ["tag:web:22"]},\n'
            '    {"src": "alice@example.com", "deny": ["tag:web:443"]},\n  ],\n'
        ),
    ),
)

_WHOLE = (
    _warning(
        "no-tests",
        "a policy with rules and without tests",
        why="Tests are checked before the policy takes effect. Without them an edit that shuts"
        " people out, or lets too many in, goes unnoticed. A test that says what must not be"
        " reachable is worth most.",
        example=_policy(test=""),
        repair="Write `tests` with what each kind of user must reach, and must not.",
        repaired=_policy(),
    ),
    _warning(
        "allow-all",
        "a rule that allows everything",
        why="Every device reaches every other one on all ports, which makes the other rules"
        " pointless. A new tailnet begins so." + _OFF.format("allow-all"),
        example=_policy(
            _rules('"src": ["*"], "dst": ["*:*"]'),
            test='  "tests": [{"src": "tag:web", "accept": ["tag:web:22"]}],\n',
        ),
        repair="Name who needs what.",
        repaired=_policy(),
    ),
    _warning(
        "ssh-root-for-all",
        "everybody may log in as root",
        why="Any member, or any tagged device, becomes root on these machines without being asked"
        " to authenticate again. In a tailnet of one person that is fine."
        + _OFF.format("ssh-root-for-all"),
        example=_policy(
            '  "ssh": [{"action": "accept", "src": ["autogroup:member"], "dst": ["tag:web"],'
            ' "users": ["root"]}],'
        ),
        repair="Write the action `check`, or name a group.",
        repaired=_policy(
            '  "ssh": [{"action": "check", "src": ["autogroup:member"], "dst": ["tag:web"],'
            ' "users": ["root"]}],'
        ),
    ),
    _warning(
        "ownerless-tag",
        "a tag without owners",
        why="Only admins can give it to a device. That is often meant."
        + _OFF.format("ownerless-tag"),
        example=_policy('  "tagowners": {"tag:web": []},').replace(
            '  "tagOwners": {"tag:web": ["autogroup:admin"]},\n', ""
        ),
        repair="List who may give it, such as `autogroup:admin`.",
        repaired=_policy(),
    ),
    _warning(
        "empty-source",
        "a rule for a group without members",
        why="It gives nobody access, until the group has members." + _OFF.format("empty-source"),
        example=_policy(
            '  "groups": {"group:guests": []},',
            _rules(_ALICE, '"src": ["group:guests"], "dst": ["tag:web:443"]'),
        ),
        repair="Add members, or remove the rule.",
        repaired=_policy(),
    ),
    _warning(
        "absent-source",
        "a rule for devices that the tailnet does not have",
        why="It gives nobody access at present. Which devices there are only a tailnet shows, so"
        " no policy alone can be an example." + _OFF.format("absent-source"),
        example="",
        repair="Correct the name, or leave the rule for the devices that will come.",
    ),
)

_CHARACTERS = (
    _warning(
        "bidirectional-control",
        "a character that turns the direction of text",
        why="Editors then show the line in another order than it is read in. So a comment can"
        " look like a rule, and a rule like another one.",
        example=_policy().replace('"acls": [', '"acls": [ // \u202e'),
        repair="Remove the character.",
        repaired=_policy(),
    ),
    _warning(
        "invisible-character",
        "a character in a string that can't be seen",
        why="The string looks like another one, and means something else.",
        example=_policy(_rules(_ALICE, _ALICE.replace("alice@", "alice\u200b@"))),
        repair="Remove the character.",
        repaired=_policy(),
    ),
    _warning(
        "lookalike-name",
        "a name that looks like another one, or mixes scripts",
        why="Letters of several scripts look the same. A name with a Cyrillic `\u0430` is not the"
        " one with a Latin `a`: a user, group or tag that no reader can tell from the right one.",
        example=_policy(_rules(_ALICE, _ALICE.replace("alice@", "\u0430lice@"))),
        repair="Retype the name.",
        repaired=_policy(),
    ),
)

LINT: tuple[Entry, ...] = (*_UNUSED, *_POINTLESS, *_WHOLE, *_CHARACTERS)
