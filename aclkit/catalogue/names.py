"""The codes of names: how they are written, what they stand for, where they may stand."""

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


def _rule(src: str, dst: str = "*:22", before: str = "") -> str:
    """Return a policy with one access rule, after *before*."""
    rule = f'{{"action": "accept", "src": ["{src}"], "dst": ["{dst}"]}}'
    return f'{{\n{before}  "acls": [\n    {rule},\n  ],\n}}\n'


_WRITING = (
    _error(
        "bad-selector",
        "a word that is no name and no address",
        why="Users have an `@`, addresses are IPv4, IPv6 or CIDR, other names begin with their"
        " kind: `group:`, `tag:`, `autogroup:`. A word of no kind could never match.",
        example=_rule("Group:ops", before='  "groups": {"group:ops": ["alice@example.com"]},\n'),
        repair="Write the prefix in lower case, or correct the address.",
        repaired=_rule("group:ops", before='  "groups": {"group:ops": ["alice@example.com"]},\n'),
    ),
    _error(
        "bad-group-name",
        "a group whose name does not begin with `group:`",
        why="No rule can name such a group.",
        example='{\n  "groups": {"ops": ["alice@example.com"]},\n}\n',
        repair="Put `group:` in front, here and where the group is used.",
        repaired='{\n  "groups": {"group:ops": ["alice@example.com"]},\n}\n',
    ),
    _error(
        "bad-tag-name",
        "a tag name that no device can have",
        why="A tag is `tag:`, a letter from a to z, then letters, digits and dashes.",
        example='{\n  "tagOwners": {"tag:web_server": []},\n}\n',
        repair="Write dashes for blanks and underscores, here and where the tag is used.",
        repaired='{\n  "tagOwners": {"tag:web-server": []},\n}\n',
    ),
    _error(
        "bad-host-name",
        "a host name that reads as something else",
        why="A word with an `@` is a user, so no rule could name this host.",
        example='{\n  "hosts": {"alice@laptop": "100.64.0.7"},\n}\n',
        repair="Write the name without `@`; on Headscale also without a colon.",
        repaired='{\n  "hosts": {"alice-laptop": "100.64.0.7"},\n}\n',
    ),
    _error(
        "bad-ipset-name",
        "an ipset whose name does not begin with `ipset:`",
        why="No rule can name such an ipset.",
        example='{\n  "ipsets": {"lan": ["10.0.0.0/8"]},\n}\n',
        repair="Put `ipset:` in front, here and where the ipset is used.",
        repaired='{\n  "ipsets": {"ipset:lan": ["10.0.0.0/8"]},\n}\n',
    ),
    _error(
        "bad-posture-name",
        "a posture whose name does not begin with `posture:`",
        why="No rule can ask for such a posture.",
        example='{\n  "postures": {"mac": ["node:os == \'macos\'"]},\n}\n',
        repair="Put `posture:` in front, here and where the posture is used.",
        repaired='{\n  "postures": {"posture:mac": ["node:os == \'macos\'"]},\n}\n',
    ),
    _error(
        "bad-service-name",
        "a service name that is no DNS label",
        why="A service is `svc:` and a name in lower case, as it stands in DNS.",
        example=_rule("*", "svc:My_Wiki:443"),
        repair="Use letters from a to z, digits and dashes, with no dash at either end.",
        repaired=_rule("*", "svc:my-wiki:443"),
    ),
    Entry(
        code="wildcard-in-login",
        severity=Severity.WARNING,
        title="a login with a wildcard",
        why="A login is compared as a whole, so this one is nobody and the rule gives no access.",
        example=_rule("*@example.com"),
        repair="Write `user:*@example.com` for all users of a domain.",
        repaired=_rule("user:*@example.com"),
    ),
    _error(
        "bad-posture",
        "a posture assertion that can't be read",
        why="An assertion is an attribute, an operator and a value; strings stand in single"
        " quotes. One that can't be read could let every device through, or none.",
        example='{\n  "postures": {"posture:mac": ["node:os == macos"]},\n}\n',
        repair="Write it as the help says.",
        repaired='{\n  "postures": {"posture:mac": ["node:os == \'macos\'"]},\n}\n',
    ),
)

_DEFINED = (
    _error(
        "undefined-group",
        "a group that the policy does not define",
        why="The rule would give access to nobody, and nobody would see why.",
        example=_rule("group:enng", before='  "groups": {"group:eng": ["alice@example.com"]},\n'),
        repair="Correct the name, or define the group. A group that an identity provider syncs"
        " is written `group:name@domain`.",
        repaired=_rule("group:eng", before='  "groups": {"group:eng": ["alice@example.com"]},\n'),
    ),
    _error(
        "undefined-tag",
        "a tag that `tagOwners` does not declare",
        why="A tag that nobody owns can't be on any device. Each must be declared before use.",
        example=_rule("*", "tag:web:443"),
        repair="Declare it in `tagOwners`; with an empty list of owners only admins assign it.",
        repaired=_rule("*", "tag:web:443", before='  "tagOwners": {"tag:web": []},\n'),
    ),
    _error(
        "undefined-host",
        "a bare word that `hosts` does not define",
        why="A word without `@` and colon is a host of the section `hosts`. It is neither the"
        " name of a device nor that of a user.",
        example=_rule("*", "databse:5432", before='  "hosts": {"database": "10.0.0.5"},\n'),
        repair="Correct the name, define the host, or write what was meant: `alice@example.com`,"
        " `tag:web`, `group:eng`.",
        repaired=_rule("*", "database:5432", before='  "hosts": {"database": "10.0.0.5"},\n'),
    ),
    _error(
        "undefined-ipset",
        "an ipset that the policy does not define",
        why="The rule would reach no address.",
        example=_rule("*", "ipset:lna:443", before='  "ipsets": {"ipset:lan": ["10.0.0.0/8"]},\n'),
        repair="Correct the name, or define it in `ipsets`.",
        repaired=_rule("*", "ipset:lan:443", before='  "ipsets": {"ipset:lan": ["10.0.0.0/8"]},\n'),
    ),
    _error(
        "undefined-posture",
        "a posture that the policy does not define",
        why="No device could meet it, so the rule would give no access.",
        example='{\n  "defaultSrcPosture": ["posture:mac"],\n}\n',
        repair="Correct the name, or define it in `postures`.",
        repaired='{\n  "postures": {"posture:mac": ["node:os == \'macos\'"]},\n'
        '  "defaultSrcPosture": ["posture:mac"],\n}\n',
    ),
    _error(
        "unknown-autogroup",
        "an autogroup that the target does not have",
        why="Autogroups are built in, and their names are in lower case. Headscale has fewer.",
        example=_rule("autogroup:everyone"),
        repair="Write one of the autogroups that the help lists, or `*`.",
        repaired=_rule("autogroup:member"),
    ),
    _error(
        "nested-group",
        "a group among the members of a group",
        why="Groups hold users only.",
        example='{\n  "groups": {\n    "group:eng": ["alice@example.com"],\n'
        '    "group:all": ["group:eng", "bob@example.com"],\n  },\n}\n',
        repair="List the users themselves, or name both groups in the rule.",
        repaired='{\n  "groups": {\n    "group:eng": ["alice@example.com"],\n'
        '    "group:all": ["alice@example.com", "bob@example.com"],\n  },\n}\n',
    ),
    _error(
        "ipset-cycle",
        "an ipset that holds itself",
        why="What it stands for can't be said.",
        example='{\n  "ipsets": {"ipset:a": ["ipset:b"], "ipset:b": ["ipset:a"]},\n}\n',
        repair="Remove one of the members on the way back.",
        repaired='{\n  "ipsets": {"ipset:a": ["ipset:b"], "ipset:b": ["10.0.0.0/8"]},\n}\n',
    ),
    _error(
        "bare-ipset-member",
        "an ipset member without `add` beside one with `remove`",
        why="The members of an ipset are carried out in order. Once one is removed, each has to"
        " say what it does.",
        example='{\n  "ipsets": {"ipset:lan": ["10.0.0.0/8", "remove 10.1.0.0/16"]},\n}\n',
        repair="Write `add` or `remove` in front of each.",
        repaired='{\n  "ipsets": {"ipset:lan": ["add 10.0.0.0/8", "remove 10.1.0.0/16"]},\n}\n',
    ),
    _error(
        "mixed-member-names",
        "`autogroup:members` beside `autogroup:member`",
        why="They are the old and the new name of one autogroup. Tailscale takes either, but not"
        " both in one file.",
        example='{\n  "acls": [\n'
        '    {"action": "accept", "src": ["autogroup:member"], "dst": ["*:22"]},\n'
        '    {"action": "accept", "src": ["autogroup:members"], "dst": ["*:443"]},\n  ],\n}\n',
        repair="Write `autogroup:member` everywhere.",
        repaired='{\n  "acls": [\n'
        '    {"action": "accept", "src": ["autogroup:member"], "dst": ["*:22"]},\n'
        '    {"action": "accept", "src": ["autogroup:member"], "dst": ["*:443"]},\n  ],\n}\n',
    ),
)

_PLACES = (
    _error(
        "selector-not-allowed",
        "a name of a kind that may not stand here",
        why="Each place takes some kinds of names only: a group holds users, `via` holds tags, an"
        " SSH rule leads to tags and users.",
        example='{\n  "groups": {"group:ops": ["alice"]},\n}\n',
        repair="Write a name of a kind that the help lists.",
        repaired='{\n  "groups": {"group:ops": ["alice@example.com"]},\n}\n',
    ),
    _error(
        "autogroup-not-allowed",
        "an autogroup that may not stand here",
        why="Most autogroups are for some places only: `autogroup:self` is a destination, for it"
        " means the devices of whoever comes.",
        example=_rule("autogroup:self"),
        repair="Write one of the autogroups that the help lists.",
        repaired=_rule("autogroup:member", "autogroup:self:22"),
    ),
    Entry(
        code="unproven",
        severity=Severity.WARNING,
        title="something that the target is not known to take",
        why="No document and no recording says whether the target takes this. aclkit does, so"
        " that it refuses nothing that works.",
        example=_rule("*", "0.0.0.0/0:443"),
        repair="Write what the help offers, which is known to work.",
        repaired=_rule("*", "autogroup:internet:443"),
    ),
)

_TAILNET = (
    _error(
        "foreign-domain",
        "a domain that does not belong to the tailnet",
        why="`user:*@domain` and `localpart:*@domain` work for domains of the tailnet only, and"
        " the case of letters counts. Which domains those are only the tailnet shows, so no"
        " policy alone can be an example.",
        example="",
        repair="Correct the domain, or name the users.",
    ),
    Entry(
        code="unknown-user",
        severity=Severity.WARNING,
        title="a user whom the tailnet does not have",
        why="The name gives access to nobody until that user joins. Who has joined only the"
        " tailnet shows, so no policy alone can be an example.",
        example="",
        repair="Correct the login, or wait for the user.",
    ),
    Entry(
        code="unknown-in-test",
        severity=Severity.WARNING,
        title="a name that only a test uses",
        why="The test fails. Otherwise a misspelt name would make every `deny` pass, for nobody"
        " has access under it.",
        example="""{
  "tagOwners": {"tag:db": []},
  "acls": [
    {"action": "accept", "src": ["alice@example.com"], "dst": ["tag:db:5432"]},
  ],
  "tests": [
    {"src": "alcie@example.com", "deny": ["tag:db:22"]},
  ],
}
""",
        repair="Correct the name. If it is right, give aclkit the tailnet, which has it.",
        repaired="""{
  "tagOwners": {"tag:db": []},
  "acls": [
    {"action": "accept", "src": ["alice@example.com"], "dst": ["tag:db:5432"]},
  ],
  "tests": [
    {"src": "alice@example.com", "deny": ["tag:db:22"]},
  ],
}
""",
    ),
)

NAMES: tuple[Entry, ...] = (*_WRITING, *_DEFINED, *_PLACES, *_TAILNET)
