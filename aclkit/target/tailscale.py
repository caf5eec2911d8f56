"""What Tailscale's hosted control plane accepts (docs/reference/selectors.md)."""

from __future__ import annotations

from aclkit.target.kinds import Position, Reading, SelectorKind
from aclkit.target.model import NameLanguage, PortLanguage, SshLanguage, Target
from aclkit.target.words import TAILSCALE_WORDS

K = SelectorKind
P = Position

ALL_SECTIONS = (
    "acls", "grants", "ssh", "groups", "hosts", "tagOwners", "autoApprovers", "nodeAttrs",
    "ipsets", "postures", "defaultSrcPosture", "attrConfig", "tests", "sshTests", "derpMap",
    "disableIPv4", "OneCGNATRoute", "randomizeClientPort",
)  # fmt: skip

ROLE_AUTOGROUPS = frozenset(
    f"autogroup:{role}"
    for role in ("owner", "admin", "it-admin", "network-admin", "billing-admin", "auditor")
)
_MEMBERS = frozenset({"autogroup:member", "autogroup:members"})
_TAGGED = frozenset({"autogroup:tagged"})
_PEOPLE = _MEMBERS | _TAGGED | ROLE_AUTOGROUPS

_NAMES = frozenset({K.USER, K.DOMAIN, K.GROUP, K.TAG, K.AUTOGROUP})
_ADDRESSES = frozenset({K.HOST, K.IP, K.CIDR})
_RULE_SRC = _NAMES | _ADDRESSES | {K.WILDCARD, K.IPSET}
_RULE_DST = _RULE_SRC | {K.SERVICE}
_SELF_SOURCES: frozenset[K | str] = frozenset(
    {K.USER, K.DOMAIN, K.GROUP, *_MEMBERS, *ROLE_AUTOGROUPS}
)

# Names that the control plane and the client know; igmp to sctp are documented, the others are
# in the client's table (docs/reference/ports-and-protocols.md).
_PROTOCOLS = {
    "icmp": (1,), "icmpv4": (1,), "igmp": (2,), "ipv4": (4,), "ip-in-ip": (4,), "tcp": (6,),
    "egp": (8,), "igp": (9,), "udp": (17,), "dccp": (33,), "gre": (47,), "esp": (50,),
    "ah": (51,), "ipv6-icmp": (58,), "icmpv6": (58,), "tsmp": (99,), "sctp": (132,),
}  # fmt: skip

TAILSCALE = Target(
    name="tailscale",
    product="Tailscale",
    selectors={
        P.ACL_SRC: _RULE_SRC,
        P.ACL_DST: _RULE_DST,
        P.GRANT_SRC: _RULE_SRC,
        P.GRANT_DST: _RULE_DST,
        P.VIA: frozenset({K.TAG}),
        P.SSH_SRC: _NAMES,
        P.SSH_DST: frozenset({K.USER, K.TAG, K.AUTOGROUP}),
        P.NODE_ATTR_TARGET: _NAMES | _ADDRESSES | {K.WILDCARD},
        P.TAG_OWNER: _NAMES,
        P.AUTO_APPROVER: _NAMES,
        P.GROUP_MEMBER: frozenset({K.USER}),
        P.IPSET_MEMBER: frozenset(
            {K.IP, K.CIDR, K.RANGE, K.IPSET, K.HOST_MEMBER, K.AUTOGROUP}
        ),
        P.TEST_SRC: frozenset({K.USER, K.GROUP, K.TAG, K.HOST, K.IP, K.AUTOGROUP}),
        P.TEST_DST: frozenset({K.USER, K.GROUP, K.TAG, K.HOST, K.IP, K.SERVICE}),
        P.SSH_TEST_SRC: frozenset({K.USER, K.GROUP, K.TAG, K.HOST, K.IP}),
        P.SSH_TEST_DST: frozenset({K.USER, K.GROUP, K.TAG, K.HOST, K.IP}),
    },
    autogroups={
        P.ACL_SRC: _PEOPLE | {"autogroup:danger-all", "autogroup:shared"},
        P.ACL_DST: _PEOPLE | {"autogroup:self", "autogroup:internet"},
        P.GRANT_SRC: _PEOPLE | {"autogroup:danger-all", "autogroup:shared"},
        P.GRANT_DST: _PEOPLE | {"autogroup:self", "autogroup:internet"},
        P.SSH_SRC: _PEOPLE,
        P.SSH_DST: _TAGGED | {"autogroup:self"},
        P.NODE_ATTR_TARGET: _PEOPLE,
        P.TAG_OWNER: _PEOPLE,
        P.AUTO_APPROVER: _PEOPLE,
        P.IPSET_MEMBER: frozenset({"autogroup:internet"}),
        P.TEST_SRC: _MEMBERS | _TAGGED,
    },
    self_sources={P.ACL_DST: _SELF_SOURCES | {K.WILDCARD}, P.GRANT_DST: _SELF_SOURCES},
    sections=dict.fromkeys(ALL_SECTIONS, Reading.READ),
    # The ports of access rules are looked at later, with their names.
    decoded=frozenset({"grants/bad-port", "grants/bad-protocol"}),
    protocols=_PROTOCOLS,
    app_names=frozenset(
        {"drive", "webui", "relay", "kubernetes", "tsidp", "golink", "tailsql", "secrets",
         "proxy-to-grafana"}
    ),
    names=NameLanguage(
        prefixes=frozenset(
            {K.AUTOGROUP, K.GROUP, K.TAG, K.SERVICE, K.IPSET, K.HOST_MEMBER, K.DOMAIN}
        ),
        ranges=True,
    ),
    ports=PortLanguage(zero_protocol=True),
    ssh=SshLanguage(),
    acls_to_everything=None,
    words=TAILSCALE_WORDS,
)  # fmt: skip
