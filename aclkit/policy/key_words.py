"""What each key of a policy file is for, in a sentence or two, as editors show it.

Sources: docs/reference/syntax.md and the page of each section.
"""

from __future__ import annotations

from collections.abc import Mapping

SECTIONS: Mapping[str, str] = {
    "acls": (
        "Access rules: who may reach which ports of what. Rules only give access, and their order"
        " does not count. Without `acls` and `grants` everything is allowed."
    ),
    "grants": (
        "Grants: like access rules, with the ports apart from the destinations, and with"
        " application capabilities."
    ),
    "ssh": "Who may log in as whom over SSH, and whether they are asked to authenticate again.",
    "groups": 'Names for lists of users: {"group:eng": ["alice@example.com"]}.',
    "hosts": 'Names for IP addresses and CIDRs: {"office": "192.0.2.0/24"}.',
    "tagOwners": (
        "The tags, and who may give them to nodes. With an empty list only admins may:"
        ' {"tag:web": ["group:eng"]}.'
    ),
    "autoApprovers": "Whose routes, exit nodes and services need no approval by an admin.",
    "nodeAttrs": "Attributes, such as features of the client, for the nodes that match a target.",
    "ipsets": 'Named sets of addresses: {"ipset:lab": ["add 10.0.0.0/8", "remove 10.9.0.0/16"]}.',
    "postures": (
        "Conditions that a device can meet, each a list of assertions that must all hold:"
        ' {"posture:mac": ["node:os == \'macos\'"]}.'
    ),
    "defaultSrcPosture": "The postures, one of which sources of rules without `srcPosture` need.",
    "attrConfig": 'Custom attributes of devices: {"custom:tier": {"type": "string"}}.',
    "tests": ("What must be reachable and what must not. A policy whose tests fail is not taken."),
    "sshTests": "Who must be able to log in over SSH, and who must not.",
    "derpMap": "Relay servers of your own, and which of the service's to leave out.",
    "disableIPv4": "Give nodes no IPv4 addresses; the attribute `disable-ipv4` is preferred.",
    "OneCGNATRoute": (
        'Whether clients take one route for all of 100.64.0.0/10: "mac-always", "mac-never", or'
        ' "" for an automatic choice.'
    ),
    "randomizeClientPort": "Let every client use a random port in place of 41641.",
}

LEGACY = "Older name of `{}`."

_POSTURE = "The postures, one of which a source must meet."

# Of each section whose entries have keys of their own; nested objects by their path.
ENTRIES: Mapping[str, Mapping[str, str]] = {
    "acls": {
        "action": "Always `accept`: what no rule accepts is denied.",
        "src": "Who: users, groups, tags, autogroups, hosts, addresses, or `*`.",
        "dst": "What, each with its ports: `tag:web:443`, `db:5432,6379`, `10.0.0.0/8:*`.",
        "proto": "One protocol, by name or number; without it TCP, UDP and ICMP.",
        "srcPosture": _POSTURE,
    },
    "grants": {
        "src": "Who: users, groups, tags, autogroups, hosts, addresses, or `*`.",
        "dst": "What, without ports: users, groups, tags, autogroups, hosts, addresses, or `*`.",
        "ip": "Protocols and ports: `*`, `443`, `tcp:8000-8100`, `icmp:*`.",
        "app": "Capabilities for applications: their names, and lists of objects passed on as is.",
        "via": "The tags of the routers that traffic goes through.",
        "srcPosture": _POSTURE,
    },
    "ssh": {
        "action": "`accept`, or `check` to let users authenticate again first.",
        "src": "Who: users, groups, tags, autogroups.",
        "dst": "Where: tags, `autogroup:self`, or the one user who is the source; no ports.",
        "users": "The logins: names, `autogroup:nonroot`, `localpart:*@example.com`.",
        "checkPeriod": "How long a check is good for; 12 hours if it is not said.",
        "acceptEnv": "The environment variables that a client may send; `*` and `?` are wildcards.",
        "recorder": "The tags of the nodes that record the sessions.",
        "enforceRecorder": "Whether sessions end when no recorder can be reached.",
        "srcPosture": _POSTURE,
    },
    "nodeAttrs": {
        "target": "The nodes: users, groups, tags, autogroups, hosts, addresses, or `*`.",
        "attr": "The names of the attributes.",
        "app": "Settings of applications, such as `tailscale.com/app-connectors`.",
        "ipPool": "The CIDRs inside of 100.64.0.0/10 that new nodes draw their addresses from.",
    },
    "tests": {
        "src": "Whose access is tested: a user, group, tag, host or address.",
        "accept": "Destinations that must be reachable, each with one port: `tag:web:443`.",
        "deny": "Destinations that must not be reachable, each with one port: `tag:web:22`.",
        "proto": "The protocol; without it TCP and UDP.",
        "srcPostureAttrs": "The attributes that the source is taken to have.",
    },
    "sshTests": {
        "src": "Who logs in: a user, group, tag, host or address.",
        "dst": "Where: users, groups, tags, hosts or addresses, without ports.",
        "accept": "The logins that must be let in without a check.",
        "check": "The logins that must be let in after a check.",
        "deny": "The logins that must not be let in.",
        "srcPostureAttrs": "The attributes that the source is taken to have.",
    },
    "autoApprovers": {
        "routes": 'CIDRs, and whose routes inside of them are approved: {"10.0.0.0/8": ["tag:r"]}.',
        "exitNode": "Whose exit nodes are approved.",
        "services": 'Services or their tags, and who may host them: {"svc:web": ["tag:web"]}.',
    },
    "attrConfig": {
        "type": "The type of the values: `string`, `bool` or `number`.",
        "allowSetByNode": "Whether a node may set the attribute itself.",
        "broadcastToPeers": "Who is shown the attribute.",
    },
    "derpMap": {
        "regions": "Regions by their numbers; `null` leaves out one of the service's.",
        "omitDefaultRegions": "Whether to leave out all regions of the service.",
    },
    "derpMap.regions": {
        "regionID": "The number of the region; 900 to 999 are for your own.",
        "regionCode": "A short name, such as `fra`.",
        "regionName": "The name that people are shown.",
        "avoid": "Whether clients should stay away unless nothing else works.",
        "nodes": "The servers of the region.",
    },
    "derpMap.regions.nodes": {
        "name": "A unique name, such as `900a`.",
        "regionID": "The number of the region that the server belongs to.",
        "hostName": "The DNS name of the server.",
        "certName": "The name in its TLS certificate, if it is another one.",
        "ipv4": "Its IPv4 address, so that clients need no DNS.",
        "ipv6": "Its IPv6 address, so that clients need no DNS.",
        "stunPort": "The UDP port for STUN; 3478 if it is not said, -1 for none.",
        "stunOnly": "Whether the server relays nothing and answers STUN only.",
        "derpPort": "The TCP port for relaying; 443 if it is not said.",
    },
}
