"""The texts of refusals, by target (docs/reference/refusals.md, docs/reference/headscale.md).

A text that is known only in part, as many of Headscale's, is given as far as it is known.
"""

from __future__ import annotations

from aclkit.target.kinds import Position
from aclkit.target.model import Words

P = Position

# What Tailscale says and Headscale says after it since 0.29, word for word.
_RECORDED: Words = {
    "nested-group": 'groups["{group}"]: "{x}": group members cannot be recursive',
    "bad-tag-name/prefix": "tagOwners[\"{x}\"]: tags must start with 'tag:'",
    "bad-tag-name/empty": 'tagOwners["{x}"]: tag names must not be empty',
    "bad-tag-name/letter": ("tagOwners[\"{x}\"]: tag names must start with a letter, after 'tag:'"),
    "bad-action/acl": 'action="{x}" is not supported',
    "bad-action/ssh": '"{x}" is not a valid action',
    "bad-action/ssh-missing": "action must be specified",
    "bad-self-source": (
        "autogroup:self can only be used with users, groups, or supported autogroups"
    ),
    ("autogroup-not-allowed/autogroup:self", P.ACL_SRC): (
        '"{x}" not valid on the src side of a rule'
    ),
    ("autogroup-not-allowed/autogroup:self", P.GRANT_SRC): (
        '"{x}" not valid on the src side of a rule'
    ),
    ("autogroup-not-allowed/autogroup:danger-all", P.ACL_DST): "cannot use {x} as a dst",
    ("autogroup-not-allowed/autogroup:danger-all", P.GRANT_DST): "cannot use {x} as a dst",
    "empty-grant": "ip and app can not both be empty",
    "grant-to-everything": (
        'dst "{x}": to allow all IP addresses, use "*" or "autogroup:internet"'
    ),
    "app-to-internet": "cannot use app grants with autogroup:internet",
    "bad-capability/form": "capability name must have the form {{domain}}/{{path}}",
    "bad-capability/domain": "capability name must not be in the {domain} domain",
    ("selector-not-allowed", P.VIA): "via can only be a tag",
    ("selector-not-allowed/host", P.SSH_DST): 'invalid dst "{x}"',
    ("undefined-tag", P.ACL_SRC): 'src=tag not found: "{x}"',
    ("undefined-tag", P.GRANT_SRC): 'src=tag not found: "{x}"',
    ("undefined-tag", P.ACL_DST): 'dst="{x}": tag not found: "{x}"',
    ("undefined-tag", P.VIA): 'tag "{x}" not found',
    ("undefined-tag", P.NODE_ATTR_TARGET): 'tag not found: "{x}"',
    "missing-users": "users must be specified",
    "bad-ssh-user": 'user "{x}" is not valid',
    "bad-accept-env": "acceptEnv values cannot be empty",
    "bad-check-period/syntax": "{reason}",
    "bad-check-period/negative": "checkPeriod {x} must be a positive duration",
    "bad-check-period/long": "checkPeriod {x} is above the max (168h)",
    "bad-test/ssh-src": 'SSH tests src contains disallowed element "{x}"',
    "bad-test/ssh-dst": 'SSH tests dst contains disallowed element "{x}"',
    "bad-test/ssh-tag": 'SSH tests dst contains unknown tag "{x}"',
    # What `{where}` stands for in an access rule; in a grant it is empty.
    "destination": 'dst="{x}": ',
    "bad-port/first": '{where}port range "{x}": invalid first integer',
    "bad-port/zero": ("{where}port range \"{x}\": first port must be >0, or use '*' for wildcard"),
}

TAILSCALE_WORDS: Words = {
    **_RECORDED,
    "unknown-field": 'json: unknown field "{x}"',
    "duplicate-name": 'duplicate name "{x}" in object (lines {first} and {second})',
    "mixed-legacy-names": (
        'ACLs contain a mix of old-style "users"/"ports" and new-style "src"/"dst"; '
        "use one or the other."
    ),
    "bad-address": '"{x}": invalid address',
    ("bad-selector", P.VIA): "via can only be a tag",
    ("bad-selector", P.NODE_ATTR_TARGET): '"{x}": invalid address',
    "bad-action/acl-missing": 'action="" is not supported',
    "missing-port": '{where}hostport must contain a colon (":")',
    "bad-port/comma": '{where}host cannot contain a comma (",")',
    "bad-port/empty": '{where}invalid port list: "{x}"',
    "bad-port/no-ports": '{where}invalid port list: ""',
    "bad-port/no-host": '{where}invalid port list: ""',
    "bad-port/first-over": '{where}port range "{x}": invalid first integer',
    "bad-port/last": '{where}port range "{x}": invalid last integer',
    "bad-port/last-over": '{where}port range "{x}": invalid last integer',
    "bad-port/dashes": '{where}port range "{x}": too many dashes(-)',
    "bad-tag-name/characters": (
        'tagOwners["{x}"]: tag names can only contain numbers, letters, or dashes'
    ),
    # The words are the wrong way round in the original.
    "bad-port/backwards": '{where}port range "{x}": first port must be >= last port',
    "bad-port/empty-entry": "empty string",
    "bad-protocol": 'proto name "{x}" not known; use protocol number 0-255',
    "bad-protocol/empty": "empty protocol",
    ("selector-not-allowed", P.SSH_SRC): '"{x}" is not allowed in src',
    ("selector-not-allowed", P.SSH_DST): 'invalid dst "{x}"',
    ("selector-not-allowed", P.NODE_ATTR_TARGET): '"{x}": invalid address',
    ("autogroup-not-allowed/autogroup:self", P.NODE_ATTR_TARGET): "internal server error",
    ("autogroup-not-allowed", P.SSH_SRC): '"{x}" is not allowed in src',
    ("autogroup-not-allowed", P.SSH_DST): 'invalid dst "{x}"',
    ("undefined-host", P.NODE_ATTR_TARGET): '"{x}": invalid address',
    ("undefined-host", P.SSH_DST): 'invalid dst "{x}"',
    "bad-ssh-destination": "users in dst are only allowed from the same user",
    "bad-ip-pool/reserved": "IPPool({x}): network within reserved range",
}

_SAME_USER = "user destination requires source to contain only that same user"
_TAGS_TO_PEOPLE = "tags in SSH source cannot access user-owned devices"
_TAGS_TO_MEMBERS = "tags in SSH source cannot access autogroup:member (user-owned devices)"
_SELF_FROM_TAGS = (
    "autogroup:self destination requires source to contain only users or groups, "
    "not tags or autogroup:tagged"
)
_NO_WILDCARD = "wildcard (*) is not supported as SSH destination"

HEADSCALE_0_23_WORDS: Words = {
    "empty-policy": "empty policy",
    "undefined-tag": ("invalid tag. {x} isn't owned by a TagOwner and no forced tags are defined"),
    "undefined-group": "group {x} isn't registered. invalid group",
    "nested-group": (
        "invalid group. A group cannot be composed of groups. "
        "https://tailscale.com/kb/1018/acls/#groups"
    ),
    "unknown-autogroup": 'unknown autogroup "{x}"',
    "autogroup-not-allowed": 'unknown autogroup "{x}"',
    "bad-action/acl": "invalid action",
    "bad-action/acl-missing": "invalid action",
    "bad-protocol": 'parsing protocol number: strconv.Atoi: parsing "{x}": invalid syntax',
    "port-on-portless-protocol": "wildcard as port is required for the protocol",
    "missing-port": "invalid port format",
    "bad-port/dashes": "invalid port format",
    "bad-port/empty": 'strconv.ParseUint: parsing "": invalid syntax',
    "bad-port": 'strconv.ParseUint: parsing "{x}": invalid syntax',
    "bad-port/first-over": 'strconv.ParseUint: parsing "{x}": value out of range',
    "bad-port/last-over": 'strconv.ParseUint: parsing "{x}": value out of range',
    "bad-check-period/syntax": "{reason}",
    "bad-check-period/missing": 'time: invalid duration ""',
    "bad-action/ssh": 'parsing SSH policy, unknown action "{x}"',
    "bad-action/ssh-missing": 'parsing SSH policy, unknown action ""',
}

_SOON = ("autogroup:self", "autogroup:member", "autogroup:tagged")
_NOT_IN = "it can only be used in ACL destinations"

HEADSCALE_0_26_WORDS: Words = {
    "bad-user-name": 'Username has to contain @, got: "{x}"',
    "bad-group-name": 'Group has to start with "group:", got: "{x}"',
    "nested-group": 'Nested groups are not allowed, found "{x}" inside "{group}"',
    "bad-address/host": 'Hostname "{host}" contains an invalid IP address: "{x}"',
    "bad-selector": 'Invalid alias "{x}"',
    "undefined-host": (
        'Host "{x}" is not defined in the Policy, please define or remove the reference to it'
    ),
    "undefined-tag": (
        'Tag "{x}" is not defined in the Policy, please define or remove the reference to it'
    ),
    "undefined-group": (
        'Group "{x}" is not defined in the Policy, please define or remove the reference to it'
    ),
    **{
        (f"unknown-autogroup/{name}", position): 'autogroup "{x}" is not supported in headscale'
        for name in _SOON
        for position in (P.ACL_SRC, P.SSH_SRC, P.SSH_DST)
    },
    ("unknown-autogroup", P.ACL_SRC): (
        'autogroup "{x}" is not supported for ACL sources, can be []'
    ),
    ("unknown-autogroup", P.ACL_DST): (
        'AutoGroup is invalid, got: "{x}", must be one of [autogroup:internet]'
    ),
    ("unknown-autogroup", P.SSH_SRC): (
        'autogroup "{x}" is not supported for SSH sources, can be []'
    ),
    ("unknown-autogroup", P.SSH_DST): (
        'autogroup "{x}" is not supported for SSH sources, can be []'
    ),
    ("autogroup-not-allowed", P.ACL_SRC): (
        'autogroup "{x}" is not supported for ACL sources, can be []'
    ),
    ("autogroup-not-allowed", P.SSH_SRC): (
        'autogroup "{x}" is not supported for SSH sources, can be []'
    ),
    ("autogroup-not-allowed", P.SSH_DST): (
        'autogroup "{x}" is not supported for SSH sources, can be []'
    ),
    ("autogroup-not-allowed", P.ACL_DST): (
        'AutoGroup is invalid, got: "{x}", must be one of [autogroup:internet]'
    ),
    ("autogroup-not-allowed/autogroup:internet", P.ACL_SRC): f'"{{x}}" used in source, {_NOT_IN}',
    ("autogroup-not-allowed/autogroup:internet", P.SSH_SRC): (
        f'"{{x}}" used in SSH source, {_NOT_IN}'
    ),
    ("autogroup-not-allowed/autogroup:internet", P.SSH_DST): (
        f'"{{x}}" used in SSH destination, {_NOT_IN}'
    ),
    "bad-action/acl": "invalid action",
    "bad-action/acl-missing": "invalid action",
    "bad-action/ssh": 'SSH action "{x}" is not valid, must be accept or check',
    "bad-action/ssh-missing": 'SSH action "" is not valid, must be accept or check',
    "bad-protocol": 'parsing protocol number: strconv.Atoi: parsing "{x}": invalid syntax',
    "bad-port/empty": "invalid port number",
    "bad-port/first": "invalid port number",
    "bad-port/last": "invalid port number",
    "bad-port/first-over": "port number out of range",
    "bad-port/last-over": "port number out of range",
    "bad-port/dashes": "invalid port range format",
    "bad-port/backwards": "invalid port range: first port is greater than last port",
    "bad-port/no-ports": "input cannot end with a colon character",
    "bad-port/no-host": "input cannot start with a colon character",
    ("bad-selector/empty", P.ACL_DST): "input cannot start with a colon character",
    "bad-check-period/syntax": "{reason}",
    "bad-ssh-user/autogroup": (
        'autogroup "{x}" is not supported for SSH user, can be [autogroup:nonroot]'
    ),
    ("selector-not-allowed", P.GROUP_MEMBER): 'Username has to contain @, got: "{x}"',
    ("selector-not-allowed", P.TAG_OWNER): 'Invalid Owner "{x}"',
    ("selector-not-allowed", P.AUTO_APPROVER): 'Invalid AutoApprover "{x}"',
    ("selector-not-allowed", P.SSH_SRC): "type {kind} not supported",
    ("selector-not-allowed", P.SSH_DST): "type {kind} not supported",
    "several": "multiple errors:",
}

_ANY_PROTOCOL = (
    'proto name "*" not known; use protocol number 0-255 or protocol name (icmp, tcp, udp, etc.)'
)
_ALL_AUTOGROUPS = (
    "[autogroup:internet autogroup:member autogroup:nonroot autogroup:tagged autogroup:self]"
)
_SRC_AUTOGROUPS = "[autogroup:member autogroup:tagged]"
_DST_AUTOGROUPS = "[autogroup:internet autogroup:member autogroup:tagged autogroup:self]"
_SSH_DST_AUTOGROUPS = "[autogroup:member autogroup:tagged autogroup:self]"
_ACL_SRC_0_27 = f'autogroup "{{x}}" is not supported for ACL sources, can be {_SRC_AUTOGROUPS}'
_SSH_SRC_0_27 = f'autogroup "{{x}}" is not supported for SSH sources, can be {_SRC_AUTOGROUPS}'
# The word "sources" for destinations is Headscale's own slip.
_SSH_DST_0_27 = f'autogroup "{{x}}" is not supported for SSH sources, can be {_SSH_DST_AUTOGROUPS}'

HEADSCALE_0_27_WORDS: Words = {
    **{
        case: text
        for case, text in HEADSCALE_0_26_WORDS.items()
        if not (isinstance(case, tuple) and case[0].startswith("unknown-autogroup"))
        and case not in ("bad-action/acl-missing", "bad-action/ssh-missing")
    },
    "unknown-field": 'unknown field "{x}"',
    "duplicate-name": 'duplicate object member name "{x}"',
    "bad-tag-name/prefix": 'tag has to start with "tag:", got: "{x}"',
    ("unknown-autogroup", P.ACL_SRC): _ACL_SRC_0_27,
    ("unknown-autogroup", P.ACL_DST): (
        f'AutoGroup is invalid, got: "{{x}}", must be one of {_ALL_AUTOGROUPS}'
    ),
    ("unknown-autogroup", P.SSH_SRC): _SSH_SRC_0_27,
    ("unknown-autogroup", P.SSH_DST): _SSH_DST_0_27,
    ("autogroup-not-allowed", P.ACL_SRC): _ACL_SRC_0_27,
    ("autogroup-not-allowed", P.ACL_DST): (
        f'autogroup "{{x}}" is not supported for ACL destinations, can be {_DST_AUTOGROUPS}'
    ),
    ("autogroup-not-allowed", P.SSH_SRC): _SSH_SRC_0_27,
    ("autogroup-not-allowed", P.SSH_DST): _SSH_DST_0_27,
    ("autogroup-not-allowed/autogroup:self", P.ACL_SRC): f'"{{x}}" used in source, {_NOT_IN}',
    "bad-action/acl": 'invalid action "{x}", must be "accept"',
    "bad-action/acl-missing": 'invalid action "", must be "accept"',
    "bad-action/ssh": 'invalid SSH action "{x}"',
    "bad-protocol": (
        'invalid protocol "{x}": must be a known protocol name or valid protocol number 0-255'
    ),
    "bad-protocol/leading-zero": 'leading 0 not permitted in protocol number "{x}"',
    "bad-protocol/zero": 'leading 0 not permitted in protocol number "{x}"',
    "bad-protocol/over": "protocol number {x} out of range (0-255)",
    "bad-protocol/wildcard": _ANY_PROTOCOL,
    "port-on-portless-protocol": (
        'protocol "{x}" does not support specific ports; only "*" is allowed'
    ),
    "missing-port": 'hostport must contain a colon (":")',
    "bad-port/zero": "first port must be >0, or use '*' for wildcard",
    ("selector-not-allowed", P.SSH_SRC): "alias {kind} is not supported for SSH source",
    ("selector-not-allowed", P.SSH_DST): "alias {kind} is not supported for SSH destination",
}

HEADSCALE_0_28_WORDS: Words = {
    **HEADSCALE_0_27_WORDS,
    "tag-owner-cycle": "circular reference detected",
    ("undefined-tag", P.TAG_OWNER): "references undefined tag",
    ("selector-not-allowed/wildcard", P.SSH_DST): _NO_WILDCARD,
    "bad-ssh-destination": _SAME_USER,
    "bad-ssh-destination/tagged": _TAGS_TO_PEOPLE,
    ("bad-self-source", P.SSH_DST): _SELF_FROM_TAGS,
    ("bad-self-source/autogroup:member", P.SSH_DST): _TAGS_TO_MEMBERS,
}

_UNSUPPORTED = 'autogroup not supported for {place}: "{{x}}"'

HEADSCALE_0_29_WORDS: Words = {
    **_RECORDED,
    "unknown-field": 'unknown field: "{x}"',
    "duplicate-name": 'duplicate object member name "{x}"',
    "bad-group-name": "group must start with 'group:', got: \"{x}\"",
    "bad-selector": 'invalid alias format: "{x}"',
    "undefined-host": 'host not defined in policy: "{x}"',
    "undefined-group": 'group not defined in policy: "{x}"',
    "undefined-tag": 'tag not found: "{x}"',
    "unknown-autogroup": 'invalid autogroup: got "{x}"',
    **{
        ("autogroup-not-allowed", position): _UNSUPPORTED.format(place=place)
        for position, place in (
            (P.ACL_SRC, "ACL sources"),
            (P.GRANT_SRC, "ACL sources"),
            (P.ACL_DST, "ACL destinations"),
            (P.GRANT_DST, "ACL destinations"),
            (P.SSH_SRC, "SSH sources"),
            (P.SSH_DST, "SSH destinations"),
        )
    },
    **{
        ("autogroup-not-allowed/autogroup:internet", position): (
            "autogroup:internet can only be used in ACL destinations"
        )
        for position in (P.ACL_SRC, P.GRANT_SRC, P.SSH_SRC, P.SSH_DST)
    },
    "wrong-type/group": 'group value must be an array of users: group "{group}" got {x}',
    "bad-user-name": 'username must contain @, got: "{x}"',
    "missing-port": "hostport must contain a colon",
    "bad-port/brackets": 'square brackets are only valid around IPv6 addresses: "{x}"',
    "bad-port/bracket": "square brackets are only valid around IPv6 addresses",
    "bad-port/no-ports": "input cannot end with a colon character",
    "bad-port/no-host": "input cannot start with a colon character",
    ("bad-selector/empty", P.ACL_DST): "input cannot start with a colon character",
    "bad-port/empty": '{where}port range "{x}": invalid first integer',
    "bad-port/empty-entry": 'port range "": invalid first integer',
    "bad-port/last": '{where}port range "{x}": invalid first integer',
    "bad-port/first-over": '{where}port range "{x}": port number out of range',
    "bad-port/last-over": '{where}port range "{x}": port number out of range',
    "bad-port/dashes": '{where}port range "{x}": invalid port range format',
    "bad-port/backwards": (
        '{where}port range "{x}": invalid port range: first port is greater than last port'
    ),
    "bad-protocol": (
        'invalid protocol number: "{x}" must be a known protocol name or valid protocol number '
        "0-255"
    ),
    "bad-protocol/leading-zero": 'leading 0 not permitted in protocol number: "{x}"',
    "bad-protocol/zero": 'leading 0 not permitted in protocol number: "{x}"',
    "bad-protocol/over": "protocol number out of range (0-255): {x}",
    "bad-protocol/wildcard": _ANY_PROTOCOL,
    "bad-protocol/colons": "expected only one colon in Internet protocol and port type",
    "port-on-portless-protocol": (
        'protocol does not support specific ports: "{x}", only "*" is allowed'
    ),
    ("selector-not-allowed", P.GROUP_MEMBER): 'username must contain @, got: "{x}"',
    ("selector-not-allowed", P.TAG_OWNER): 'invalid owner format: "{x}"',
    ("selector-not-allowed", P.AUTO_APPROVER): 'invalid auto approver format: "{x}"',
    ("selector-not-allowed", P.SSH_SRC): "alias not supported for SSH source: {kind}",
    ("selector-not-allowed", P.SSH_DST): "alias not supported for SSH destination: {kind}",
    ("selector-not-allowed/wildcard", P.SSH_DST): _NO_WILDCARD,
    "bad-ssh-destination": _SAME_USER,
    "bad-ssh-destination/tagged": _TAGS_TO_PEOPLE,
    ("bad-self-source/autogroup:member", P.SSH_DST): _TAGS_TO_MEMBERS,
    ("bad-self-source", P.SSH_DST): _SELF_FROM_TAGS,
    "unused-check-period": 'checkPeriod is only valid with action "check"',
    "ambiguous-user": "multiple users found: token {x}",
    "bad-test/ssh-no-src": "SSH tests entry must have a non-empty src",
    "bad-test/port": "test destination port must be a single port",
    "bad-test/cidr": "test destination must be a single host, not a CIDR range",
    "bad-test/internet": "autogroup:internet not valid as a test destination",
    "bad-test/no-assertion": 'test entry must have at least one of "accept" or "deny"',
    "several": "multiple errors:",
}
