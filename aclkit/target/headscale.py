"""What each version of Headscale accepts and means (docs/reference/headscale.md).

Each version is the one before it with its changes, as on that page.
"""

from __future__ import annotations

from dataclasses import replace

from aclkit.target.kinds import (
    AbsentRules,
    Brings,
    Checks,
    Duplicates,
    Effect,
    Login,
    Periods,
    Position,
    Reading,
    SelectorKind,
    TaggedNodes,
    TagNames,
    Undefined,
    UserWords,
    Wildcard,
)
from aclkit.target.model import (
    IpLanguage,
    Meaning,
    NameLanguage,
    PortLanguage,
    SshLanguage,
    Target,
    TestMeaning,
)
from aclkit.target.tailscale import ALL_SECTIONS
from aclkit.target.words import (
    HEADSCALE_0_23_WORDS,
    HEADSCALE_0_26_WORDS,
    HEADSCALE_0_27_WORDS,
    HEADSCALE_0_28_WORDS,
    HEADSCALE_0_29_WORDS,
)

K = SelectorKind
P = Position

_NAMES = frozenset({K.USER, K.GROUP, K.TAG})
_ADDRESSES = frozenset({K.HOST, K.IP, K.CIDR})
_ANY = _NAMES | _ADDRESSES | {K.WILDCARD, K.AUTOGROUP}
_INTERNET = frozenset({"autogroup:internet"})
_PEOPLE = frozenset({"autogroup:member", "autogroup:tagged"})
_SELF = frozenset({"autogroup:self"})

_KEPT = ("groups", "hosts", "tagOwners", "acls", "ssh", "autoApprovers")
_NEW = ("tests", "sshTests", "grants", "nodeAttrs", "randomizeClientPort")

# Keys of inner objects that Tailscale knows and no version of Headscale.
_NEVER = frozenset(
    {
        "acls.users", "acls.ports", "acls.srcPosture", "grants.srcPosture", "ssh.srcPosture",
        "ssh.recorder", "ssh.enforceRecorder", "nodeAttrs.app", "autoApprovers.services",
        "tests.user", "tests.allow", "tests.srcPostureAttrs", "sshTests.srcPostureAttrs",
    }
)  # fmt: skip

# Without ipv6-icmp and fc, which came with 0.29; `icmp` was both of them before.
_PROTOCOLS = {
    "icmp": (1, 58), "igmp": (2,), "ipv4": (4,), "ip-in-ip": (4,), "tcp": (6,), "egp": (8,),
    "igp": (9,), "udp": (17,), "gre": (47,), "esp": (50,), "ah": (51,), "sctp": (132,),
}  # fmt: skip

# Go's names of the kinds, as error texts show them.
_GO_KINDS = {
    K.WILDCARD: "v2.Asterix", K.USER: "*v2.Username", K.GROUP: "*v2.Group", K.TAG: "*v2.Tag",
    K.HOST: "*v2.Host", K.IP: "*v2.Prefix", K.CIDR: "*v2.Prefix", K.AUTOGROUP: "*v2.AutoGroup",
}  # fmt: skip


def _sections(new: Reading, other: Reading, **changed: Reading) -> dict[str, Reading]:
    """Return how each section is read: kept ones are, those that came with 0.29, all others."""
    readings = dict.fromkeys(ALL_SECTIONS, other)
    readings |= dict.fromkeys(_KEPT, Reading.READ) | dict.fromkeys(_NEW, new)
    return readings | changed


HEADSCALE_0_23 = Target(
    name="headscale@0.23",
    product="Headscale",
    version="0.23",
    selectors={
        P.ACL_SRC: _ANY,
        P.ACL_DST: _ANY,
        P.SSH_SRC: _ANY,
        P.SSH_DST: _ANY,
        P.TAG_OWNER: _ANY,
        P.AUTO_APPROVER: _ANY,
        P.GROUP_MEMBER: _ANY,
    },
    dead={
        P.TAG_OWNER: _ANY - {K.USER, K.GROUP},
        P.GROUP_MEMBER: _ANY - {K.USER, K.GROUP},
    },
    autogroups=dict.fromkeys(
        (P.ACL_SRC, P.ACL_DST, P.SSH_SRC, P.SSH_DST, P.AUTO_APPROVER), _INTERNET
    ),
    sections=_sections(Reading.IGNORED, Reading.IGNORED, tests=Reading.UNUSED),
    absent_keys=_NEVER | {"ssh.acceptEnv"},
    unknown_keys=Reading.IGNORED,
    duplicates=Duplicates.MERGED,
    hash_keys=True,
    empty_policies=False,
    protocols=_PROTOCOLS,
    synced_groups=False,
    owned_domains=False,
    names=NameLanguage(
        prefixes=frozenset({K.AUTOGROUP, K.GROUP, K.TAG}),
        bare_users=True,
        any_word=True,
        trims=False,
        loose_internet=True,
        undefined={
            (K.GROUP, P.SSH_SRC): Undefined.DEAD,
            (K.GROUP, P.SSH_DST): Undefined.DEAD,
            (K.GROUP, P.TAG_OWNER): Undefined.DEAD,
            (K.GROUP, P.AUTO_APPROVER): Undefined.DEAD,
            (K.TAG, P.ACL_SRC): Undefined.UNLESS_ON_A_NODE,
            (K.TAG, P.ACL_DST): Undefined.UNLESS_ON_A_NODE,
            (K.TAG, P.SSH_SRC): Undefined.UNLESS_ON_A_NODE,
            (K.TAG, P.SSH_DST): Undefined.UNLESS_ON_A_NODE,
            (K.TAG, P.AUTO_APPROVER): Undefined.DEAD,
            **{(K.HOST, position): Undefined.DEAD for position in P},
        },
        nested_groups=Effect.DEAD,
        group_names=Effect.DEAD,
        tag_names=TagNames.ANY,
        host_at_signs=True,
        bad_route_keys=Effect.DEAD,
        bare_ipv6_bits=32,
    ),
    ports=PortLanguage(
        zero=True,
        zero_first=True,
        backwards=Effect.DEAD,
        brackets=False,
        protocol_case=True,
        any_integer=True,
        zero_protocol=True,
        on_portless=False,
        told_lower=False,
    ),
    ssh=SshLanguage(
        logins={
            Login.NONE: Effect.DEAD,
            Login.BLANK: Effect.DEAD,
            Login.NONROOT: Effect.DEAD,
            Login.AUTOGROUP: Effect.DEAD,
            Login.LOCALPART: Effect.DEAD,
        },
        period_required=True,
        period_of_checks_only=True,
        always=False,
        longest_period=None,
        negative_periods=True,
        period_on_accept=Effect.DEAD,
        same_user_only=False,
        tagged_to_people=True,
    ),
    meaning=Meaning(
        absent_rules=AbsentRules.NOTHING,
        wildcard_source=Wildcard.EVERYTHING,
        host_brings=Brings.NODES_INSIDE,
        cidr_brings=Brings.NODES_INSIDE,
        user_words=UserWords.NAME,
        tagged_nodes=TaggedNodes.IN_GROUPS,
        advertised_tags=True,
        internet_as_cidrs=True,
        advertised_routes=True,
        check=Checks.LIMIT,
        ssh_forwarding=frozenset({"local"}),
        ssh_logins_as_principals=True,
        ssh_root_as_requested=True,
        policy_port_setting=False,
    ),
    output_of="Headscale 0.29",
    words=HEADSCALE_0_23_WORDS,
)

HEADSCALE_0_24 = replace(
    HEADSCALE_0_23,
    name="headscale@0.24",
    version="0.24",
    meaning=replace(
        HEADSCALE_0_23.meaning,
        empty_file=AbsentRules.EVERYTHING,
        user_words=UserWords.PLAIN,
        ssh_forwarding=frozenset({"agent", "local"}),
    ),
)

HEADSCALE_0_25 = replace(HEADSCALE_0_24, name="headscale@0.25", version="0.25")

# What the types of the second engine find wrong while they are read.
_DECODED = frozenset(
    {
        "bad-action", "bad-address", "bad-check-period", "bad-group-name", "bad-host-name",
        "bad-port", "bad-protocol", "bad-selector", "bad-tag-name", "missing-port", "nested-group",
        "selector-not-allowed",
    }
)  # fmt: skip

HEADSCALE_0_26 = replace(
    HEADSCALE_0_25,
    name="headscale@0.26",
    version="0.26",
    selectors={
        P.ACL_SRC: _ANY,
        P.ACL_DST: _ANY,
        P.SSH_SRC: _NAMES | {K.AUTOGROUP},
        P.SSH_DST: frozenset({K.USER, K.TAG, K.WILDCARD, K.AUTOGROUP}),
        P.TAG_OWNER: frozenset({K.USER, K.GROUP}),
        P.AUTO_APPROVER: _NAMES,
        P.GROUP_MEMBER: frozenset({K.USER}),
    },
    dead={},
    autogroups={P.ACL_DST: _INTERNET},
    sections=_sections(Reading.IGNORED, Reading.IGNORED),
    duplicates=Duplicates.LAST,
    empty_policies=True,
    all_errors=True,
    decoded=_DECODED,
    names=NameLanguage(
        prefixes=frozenset({K.AUTOGROUP, K.GROUP, K.TAG}),
        at_sign_first=True,
        trims=False,
        tag_names=TagNames.ANY,
        host_colons=False,
    ),
    ports=replace(
        HEADSCALE_0_25.ports,
        missing=Effect.DEAD,
        backwards=Effect.REFUSED,
        stray_dashes=True,
        on_portless=True,
    ),
    ssh=replace(
        HEADSCALE_0_25.ssh,
        logins=dict(HEADSCALE_0_25.ssh.logins) | {Login.AUTOGROUP: Effect.REFUSED},
        periods=Periods.PROMETHEUS,
        period_required=False,
        period_of_checks_only=False,
        negative_periods=False,
    ),
    meaning=replace(
        HEADSCALE_0_25.meaning,
        user_words=UserWords.AT_SIGN,
        tagged_nodes=TaggedNodes.UNLESS_FORCED,
        approves_on_change=True,
        ssh_logins_as_principals=False,
    ),
    words=HEADSCALE_0_26_WORDS,
    kind_words=_GO_KINDS,
)

HEADSCALE_0_27 = replace(
    HEADSCALE_0_26,
    name="headscale@0.27",
    version="0.27",
    selectors={
        **HEADSCALE_0_26.selectors,
        P.SSH_DST: frozenset({K.USER, K.TAG, K.WILDCARD, K.HOST, K.AUTOGROUP}),
    },
    autogroups={
        P.ACL_SRC: _PEOPLE,
        P.ACL_DST: _INTERNET | _PEOPLE | _SELF,
        P.SSH_SRC: _PEOPLE,
        P.SSH_DST: _PEOPLE | _SELF,
    },
    sections=_sections(Reading.REFUSED, Reading.REFUSED),
    unknown_keys=Reading.REFUSED,
    duplicates=Duplicates.REFUSED,
    fold_dashes=True,
    names=replace(
        HEADSCALE_0_26.names,
        undefined={(K.HOST, P.SSH_DST): Undefined.DEAD},
        tag_names=TagNames.PREFIXED,
    ),
    ports=replace(
        HEADSCALE_0_26.ports,
        missing=Effect.REFUSED,
        zero=False,
        protocol_case=False,
        any_integer=False,
        zero_protocol=False,
        leading_zeros=False,
        bare_numbers=True,
        on_portless=False,
        on_numbers=False,
        protocols_told_lower=True,
    ),
    ssh=replace(
        HEADSCALE_0_26.ssh,
        logins={
            Login.NONE: Effect.DEAD,
            Login.BLANK: Effect.DEAD,
            Login.WILDCARD: Effect.DEAD,
            Login.AUTOGROUP: Effect.REFUSED,
            Login.LOCALPART: Effect.DEAD,
        },
        missing_action=Effect.DEAD,
    ),
    meaning=replace(
        HEADSCALE_0_26.meaning,
        absent_rules=AbsentRules.EVERYTHING,
        absent_rules_beside_self=AbsentRules.NOTHING,
        default_protocols=(6, 17),
        cidr_brings=Brings.NODE_AT_BASE,
        broken_groups=True,
        ssh_forwarding=frozenset({"agent", "local", "remote"}),
        ssh_root_as_requested=False,
    ),
    words=HEADSCALE_0_27_WORDS,
)

HEADSCALE_0_28 = replace(
    HEADSCALE_0_27,
    name="headscale@0.28",
    version="0.28",
    selectors={
        **HEADSCALE_0_27.selectors,
        P.SSH_DST: frozenset({K.USER, K.TAG, K.HOST, K.AUTOGROUP}),
        P.TAG_OWNER: _NAMES,
    },
    names=replace(HEADSCALE_0_27.names, owner_cycles=False),
    ssh=replace(HEADSCALE_0_27.ssh, same_user_only=True, tagged_to_people=False),
    meaning=replace(
        HEADSCALE_0_27.meaning,
        tagged_nodes=TaggedNodes.TAG_ONLY,
        advertised_tags=False,
        broken_groups=False,
    ),
    words=HEADSCALE_0_28_WORDS,
)

_SELF_SOURCES: frozenset[K | str] = frozenset({K.USER, K.GROUP, "autogroup:member"})

HEADSCALE_0_29 = replace(
    HEADSCALE_0_28,
    name="headscale@0.29",
    version="0.29",
    selectors={
        P.ACL_SRC: _ANY,
        P.ACL_DST: _ANY,
        P.GRANT_SRC: _ANY,
        P.GRANT_DST: _ANY,
        P.VIA: frozenset({K.TAG}),
        P.SSH_SRC: _NAMES | {K.AUTOGROUP},
        P.SSH_DST: frozenset({K.USER, K.TAG, K.AUTOGROUP}),
        P.NODE_ATTR_TARGET: _ANY,
        P.TAG_OWNER: _NAMES,
        P.AUTO_APPROVER: _NAMES,
        P.GROUP_MEMBER: frozenset({K.USER}),
        P.TEST_SRC: _ANY - {K.WILDCARD, K.CIDR},
        P.TEST_DST: _NAMES | {K.HOST, K.IP, K.AUTOGROUP},
        P.SSH_TEST_SRC: _NAMES | {K.HOST, K.IP},
        P.SSH_TEST_DST: _NAMES | {K.HOST, K.IP},
    },
    autogroups={
        P.ACL_SRC: _PEOPLE | {"autogroup:danger-all"},
        P.ACL_DST: _PEOPLE | _SELF | _INTERNET,
        P.GRANT_SRC: _PEOPLE | {"autogroup:danger-all"},
        P.GRANT_DST: _PEOPLE | _SELF | _INTERNET,
        P.SSH_SRC: _PEOPLE,
        P.SSH_DST: _PEOPLE | _SELF,
        P.NODE_ATTR_TARGET: _PEOPLE,
        P.TEST_SRC: _PEOPLE,
        P.TEST_DST: _SELF,
    },
    self_sources={P.ACL_DST: _SELF_SOURCES | {K.WILDCARD}, P.GRANT_DST: _SELF_SOURCES},
    sections=_sections(Reading.READ, Reading.REFUSED),
    absent_keys=_NEVER,
    missing_action=True,
    protocols=_PROTOCOLS | {"icmp": (1,), "ipv6-icmp": (58,), "fc": (133,)},
    test_protocols=frozenset({"", "tcp", "udp", "sctp"}),
    malformed_tests_refuse=True,
    ambiguous_users=Effect.REFUSED,
    unknown_attribute_users=Effect.REFUSED,
    refused_attributes=frozenset({"funnel"}),
    ip_pools=False,
    app_names=frozenset({"drive", "relay", "webui", "kubernetes", "tsidp"}),
    app_domains=frozenset({"tailscale.com"}),
    app_connectors=False,
    free_app_names=True,
    names=replace(
        HEADSCALE_0_28.names,
        trims=True,
        trims_destinations=False,
        undefined={},
        tag_names=TagNames.LETTER,
        owner_cycles=True,
    ),
    ports=replace(
        HEADSCALE_0_28.ports,
        brackets=True,
        ipv6_in_brackets=True,
        ip=IpLanguage(
            lists=True,
            protocol_case=True,
            any_protocol=False,
            no_protocol=True,
            protocol_first=True,
        ),
        on_numbers=True,
        told_whole=True,
    ),
    ssh=SshLanguage(
        logins=dict.fromkeys((Login.NONE, Login.BLANK, Login.WILDCARD), Effect.REFUSED)
        | {Login.AUTOGROUP: Effect.DEAD},
        period_on_accept=Effect.REFUSED,
    ),
    meaning=Meaning(
        absent_rules=AbsentRules.EVERYTHING,
        empty_file=AbsentRules.EVERYTHING,
        user_words=UserWords.AT_SIGN,
        internet_as_cidrs=True,
        exits_serve_internet=True,
        app_on_routes=True,
        approves_on_change=True,
        tests=TestMeaning(
            own_and_via=False,
            protocols=(6, 17, 1, 58),
            any_destination=True,
            check_is_accept=True,
            as_clients=False,
            hosts_as_written=False,
        ),
    ),
    output_of="",
    words=HEADSCALE_0_29_WORDS,
)

HEADSCALE_0_30 = replace(
    HEADSCALE_0_29,
    name="headscale@0.30",
    version="0.30",
    app_names=HEADSCALE_0_29.app_names | {"secrets"},
)

HEADSCALES = (
    HEADSCALE_0_23, HEADSCALE_0_24, HEADSCALE_0_25, HEADSCALE_0_26, HEADSCALE_0_27,
    HEADSCALE_0_28, HEADSCALE_0_29, HEADSCALE_0_30,
)  # fmt: skip
