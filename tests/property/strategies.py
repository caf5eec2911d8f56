"""
Small tailnets, and policies over them whose rules collide a lot.

Few names (four users in two domains, three groups, four tags, six devices) and ports at the
boundaries, so that selectors hit the same device twice, routes contain one another and rules
have equal sources. What is drawn is what Tailscale accepts; only tests may fail. All values
are plain dicts and lists: `json.dumps` of a policy is a policy file.

    tailnet = data.draw(tailnets())
    policy = data.draw(policies(tailnet, features=ACLS | {"self", "internet"}))
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from hypothesis import strategies as st

JSON = dict[str, Any]
Drawn = TypeVar("Drawn")

ACLS = frozenset({"acls"})
ALL = ACLS | {
    *("grants", "app", "via", "ssh", "attributes", "postures", "ipsets", "services", "tests"),
    *("self", "internet", "roles"),
}

DOMAINS = ["example.com", "example.org"]
LOGINS = ["alice@example.com", "bob@example.com", "carol@example.org", "dave@example.org"]
STRANGER = "erin@example.com"  # joins later: a login that no tailnet has yet
GROUPS = ["group:dev", "group:ops", "group:empty"]
SYNCED = "group:sre@example.com"
TAGS = ["tag:web", "tag:db", "tag:router", "tag:exit"]
ROLES = [f"autogroup:{role}" for role in ("admin", "owner", "it-admin", "network-admin")]

# Byte order and numeric order of these differ.
IPV4 = ["100.64.0.9", "100.64.0.10", "100.100.1.2", "100.127.0.1", "100.64.1.1", "100.70.0.7"]
IPV6 = [f"fd7a:115c:a1e0::{end}" for end in ("9", "a", "1:2", "ab12", "b:0:1", "70")]
ROUTES = [
    *("10.33.0.0/16", "10.0.0.0/8", "192.168.1.0/24", "fd00::/64", "10.33.7.7/32"),
    *("10.44.0.0/16", "100.64.1.0/24"),
]
EXIT_ROUTES = ["0.0.0.0/0", "::/0"]
LITERALS = [
    *("10.33.0.0/16", "10.0.0.0/8", "10.33.1.0/24", "192.168.1.0/24", "10.33.7.7", "fd00::/64"),
    *("fd00::5", "fd00::/16", "100.64.0.0/24", "100.64.0.0/10", "fd7a:115c:a1e0::/112"),
    *("203.0.113.7", "203.0.113.0/24", "2001:db8::/32", "100.64.0.9/32"),
]
HOSTS = ["db", "lan", "far", "six"]

PORTS = ["*", "22", "80,443", "1-65535", "22-80", "65535", "80,22-25,80", "1"]
GRANT_PORTS = [
    *("*", "22", "80", "tcp:80", "tcp:22-80", "udp:53", "icmp:*", "tcp:*", "1-65535", "65535"),
    *("sctp:80", "gre:*", "ipv6-icmp:*", "udp:1-65535"),
]
PORT_PROTOCOLS = ["", "tcp", "udp", "6", "sctp", "17"]
OTHER_PROTOCOLS = ["icmp", "gre", "1", "ipv6-icmp", "47"]

CAPABILITIES: list[JSON] = [
    {"example.com/cap/a": [{"x": 1}]},
    {"example.com/cap/a": [{"x": 2}], "example.com/cap/b": []},
    {"tailscale.com/cap/drive": [{"shares": ["*"], "access": "rw"}]},
    {"tailscale.com/cap/relay": [{}], "tailscale.com/cap/drive": []},
]
POSTURES = {
    "posture:linux": ["node:os == 'linux'"],
    "posture:fresh": ["node:tsVersion >= '1.80.2'", "node:os IN ['linux', 'macos']"],
    "posture:managed": ["custom:managed", "custom:score > 4"],
    "posture:bare": ["custom:score NOT SET", "node:os != 'windows'"],
}
ATTRIBUTES: dict[str, list[Any]] = {
    "node:os": ["linux", "macos", "windows"],
    "node:tsVersion": ["1.80.2", "1.80", "1.100.0"],
    "custom:score": [4, 5, 4.5],
    "custom:managed": [True, False],
}
NODE_ATTRIBUTES = ["custom:x", "funnel", "disable-ipv4", "suggest-exit-node", "nextdns:abc123"]


def some(values: Sequence[Drawn], least: int = 0, most: int = 3) -> st.SearchStrategy[list[Drawn]]:
    """Lists of distinct *values*, which get shorter and simpler as they shrink."""
    if not values:
        return st.just([])
    items = st.sampled_from(values)
    return st.lists(items, min_size=least, max_size=min(most, len(values)), unique_by=repr)


def attributes() -> st.SearchStrategy[JSON]:
    """Posture attributes of a device, few of them set."""
    optional = {name: st.sampled_from(values) for name, values in ATTRIBUTES.items()}
    return st.fixed_dictionaries({}, optional=optional)


@st.composite
def tailnets(draw: st.DrawFn, *, max_nodes: int = 6) -> JSON:
    """Tailnets in the format of the tailnet file, one to *max_nodes* devices."""
    roles = st.sampled_from(["member", "admin", "owner", "it-admin", "network-admin", "auditor"])
    users: list[JSON] = [
        {"login": login, "name": login.partition("@")[0], "role": draw(roles)} for login in LOGINS
    ]
    if draw(st.integers(0, 4)) == 4:
        users[-1] |= {"role": "member", "type": "shared"}
    tailnet: JSON = {"domains": DOMAINS, "users": users}
    dated = draw(st.booleans())
    count = range(draw(st.integers(1, max_nodes)))
    tailnet["nodes"] = [draw(nodes(index, dated=dated)) for index in count]
    if draw(st.booleans()):
        tailnet["groups"] = {SYNCED: draw(some(LOGINS))}
    tagged = [node["name"] for node in tailnet["nodes"] if "tags" in node]
    if draw(st.booleans()):
        service: JSON = {"name": "svc:wiki", "addresses": ["100.64.9.9", "fd7a:115c:a1e0::99"]}
        service["hosts"] = draw(some(tagged))
        details = {"approved": st.booleans(), "tags": some(TAGS, 1, 1)}
        service |= draw(st.fixed_dictionaries({}, optional=details))
        tailnet["services"] = [service]
    return tailnet


@st.composite
def nodes(draw: st.DrawFn, index: int, *, dated: bool) -> JSON:
    """The device of one *index*: its name and addresses are fixed by it, the rest is drawn."""
    families = [[IPV4[index], IPV6[index]], [IPV4[index]], [IPV6[index]]]
    addresses = draw(st.sampled_from([families[0], *families]))
    node: JSON = {"name": f"node-{index}", "addresses": addresses}
    owner = draw(st.sampled_from([*LOGINS[:3], *LOGINS, None, None, None]))
    if owner is None:
        node["tags"] = draw(some(TAGS, 1, 2))
    else:
        node["user"] = owner
    if draw(st.booleans()):
        exits = EXIT_ROUTES if draw(st.integers(0, 2)) == 2 else []
        routes = [*draw(some(ROUTES)), *exits]
        node["advertised_routes"] = routes
        approved = draw(st.sampled_from(["all", "by the policy", "some", "none"]))
        if approved == "some":
            node["approved_routes"] = draw(some(routes))
        elif approved != "by the policy":
            node["approved_routes"] = routes if approved == "all" else []
    rank = draw(st.sampled_from([None, 1, 2, 3]))
    if rank is not None:
        node["created"] = f"2026-01-0{rank}T10:00:00Z" if dated else rank
    if draw(st.integers(0, 4)) == 4:
        node["online"] = False
    node["posture"] = draw(attributes())
    return node


def acl_destination(selector: str, ports: str) -> str:
    bracketed = ":" in selector and selector[0] in "f2" and "/" not in selector
    return f"[{selector}]:{ports}" if bracketed else f"{selector}:{ports}"


@dataclass(frozen=True)
class Vocabulary:
    """The selectors that each position of a policy may draw from."""

    features: Collection[str]
    present: list[str]  # owners and tags of the tailnet's devices: the most telling names
    people: list[str]  # selectors whose sources may be asked for autogroup:self
    identities: list[str]
    literals: list[str]
    addresses: list[str]  # of the tailnet's devices

    @classmethod
    def of(cls, tailnet: JSON, features: Collection[str]) -> Vocabulary:
        roles = ROLES if "roles" in features else []
        synced = list(tailnet.get("groups", ())) if "roles" in features else []
        people = ["autogroup:member", *LOGINS, *GROUPS, *synced, *roles, STRANGER]
        identities = ["autogroup:tagged", *TAGS, "user:*@example.org"]
        owners = [
            name for node in tailnet["nodes"] for name in node.get("tags", [node.get("user")])
        ]
        addresses = [address for node in tailnet["nodes"] for address in node["addresses"]]
        ipsets = ["ipset:inner", "ipset:outer"] if "ipsets" in features else []
        literals = [*addresses, *LITERALS, *HOSTS, *ipsets]
        return cls(features, owners, people, identities, literals, addresses)

    def sources(self, *, own: bool, star: bool) -> st.SearchStrategy[list[str]]:
        """One to three sources; *own* only those that autogroup:self may have, perhaps `*`."""
        if own:
            present = [name for name in self.present if "@" in name]
            return some([*present, *self.people, *(["*"] * 4 if star else [])], 1)
        shared = ["autogroup:shared"] if "roles" in self.features else []
        frequent = ["*", *self.present, "autogroup:member", "autogroup:tagged"] * 2
        seldom = [*self.people, *self.identities, *self.literals, "autogroup:danger-all", *shared]
        return some([*frequent, *seldom], 1)

    def destinations(self, tailnet: JSON, *, app: bool = False) -> list[str]:
        people = [name for name in self.people if not (app and name in ROLES)]
        internet = ["autogroup:internet"] * 3 if "internet" in self.features and not app else []
        services = [service["name"] for service in tailnet.get("services", ())] * 3
        services = services if "services" in self.features else []
        frequent = ["*", *self.present, *self.addresses, *ROUTES[:3]] * 2
        return [*frequent, *self.identities, *people, *self.literals, *internet, *services]


@st.composite
def policies(draw: st.DrawFn, tailnet: JSON, *, features: Collection[str] = ACLS) -> JSON:
    """
    Policies over *tailnet* that Tailscale accepts but for the verdicts of their tests.

    Args:
        tailnet: what `tailnets` drew.
        features: what may appear beside groups, hosts, tag owners and auto approvers:
            some of `ALL`. `app` and `via` need `grants`; SSH tests need `ssh` and `tests`.
    """
    words = Vocabulary.of(tailnet, features)
    policy: JSON = {
        "groups": {name: draw(some(LOGINS)) for name in GROUPS[:2]} | {"group:empty": []},
        "tagOwners": {name: draw(some([*LOGINS, *GROUPS, *TAGS], 0, 2)) for name in TAGS},
        "hosts": {
            "db": draw(st.sampled_from(words.addresses)),
            "lan": draw(st.sampled_from(["10.33.0.0/16", "192.168.1.0/24"])),
            "far": "203.0.113.7",
            "six": draw(st.sampled_from(["fd00::/64", "fd00::5"])),
        },
    }
    approvers = draw(auto_approvers(tailnet, features))
    if approvers:
        policy["autoApprovers"] = approvers
    if "postures" in features:
        policy["postures"] = POSTURES
        if draw(st.integers(0, 3)) == 3:
            policy["defaultSrcPosture"] = draw(some(list(POSTURES), 1, 2))
    if "ipsets" in features:
        policy["ipsets"] = {
            "ipset:inner": draw(ipset_operations(words, inner=True)),
            "ipset:outer": draw(ipset_operations(words, inner=False)),
        }
    sections: dict[str, st.SearchStrategy[JSON]] = {}
    if "acls" in features:
        sections["acls"] = access_rules(tailnet, words)
    if "grants" in features:
        sections["grants"] = grants(tailnet, words)
    if "ssh" in features:
        sections["ssh"] = ssh_rules(words)
    if "attributes" in features:
        sections["nodeAttrs"] = node_attributes(words)
        if draw(st.integers(0, 3)) == 3:
            policy["randomizeClientPort"] = True
    if "tests" in features:
        sections["tests"] = network_tests(tailnet, words)
    if {"tests", "ssh"} <= set(features):
        sections["sshTests"] = ssh_tests(words)
    for section, entry in sections.items():
        if draw(st.integers(0, 9)) < 9:  # an absent section differs from an empty one
            policy[section] = draw(st.lists(entry, max_size=4))
    return policy


@st.composite
def auto_approvers(draw: st.DrawFn, tailnet: JSON, features: Collection[str]) -> JSON:
    names = [*TAGS, *LOGINS, *GROUPS, "autogroup:member", "autogroup:tagged"]
    keys = draw(some([*ROUTES, "0.0.0.0/0", "10.0.0.0/7", "::/0"], 0, 2))
    approvers: JSON = {}
    if keys:
        approvers["routes"] = {key: draw(some(names, 1, 2)) for key in keys}
    if draw(st.booleans()):
        approvers["exitNode"] = draw(some(names, 0, 2))
    if "services" in features and tailnet.get("services") and draw(st.booleans()):
        key = draw(st.sampled_from(["svc:wiki", *TAGS[:2]]))
        approvers["services"] = {key: draw(some(TAGS, 1, 2))}
    return approvers


@st.composite
def ipset_operations(draw: st.DrawFn, words: Vocabulary, *, inner: bool) -> list[str]:
    members = [
        *words.addresses,
        *("10.0.0.0/8", "10.33.0.0/16", "10.33.1.0/24", "fd00::/64", "100.64.0.0/10"),
        *("10.33.0.0-10.33.7.7", "fd00::1-fd00::9", "100.64.0.0-100.100.255.255"),
        *(f"host:{name}" for name in HOSTS),
        *(() if inner else ("ipset:inner",)),
        *(("autogroup:internet",) if "internet" in words.features else ()),
    ]
    chosen = draw(st.lists(st.sampled_from(members), max_size=4))
    if draw(st.booleans()):
        return chosen
    return [f"{draw(st.sampled_from(['add', 'remove']))} {member}" for member in chosen]


def posture_of_rule(words: Vocabulary) -> st.SearchStrategy[JSON]:
    if "postures" not in words.features:
        return st.just({})
    listed = st.fixed_dictionaries({"srcPosture": some(list(POSTURES), 1, 2)})
    return st.one_of(st.just({}), st.just({}), listed)


@st.composite
def access_rules(draw: st.DrawFn, tailnet: JSON, words: Vocabulary) -> JSON:
    """One entry of `acls`."""
    own = "self" in words.features and draw(st.integers(0, 3)) == 3
    rule: JSON = {"action": "accept", "src": draw(words.sources(own=own, star=True))}
    proto = draw(st.sampled_from(["", "", *PORT_PROTOCOLS, *OTHER_PROTOCOLS]))
    if proto or draw(st.booleans()):
        rule["proto"] = proto
    targets = words.destinations(tailnet)
    dst = draw(st.lists(st.sampled_from(targets), min_size=0 if own else 1, max_size=3))
    if own:
        dst.insert(draw(st.integers(0, len(dst))), "autogroup:self")
    ports = st.sampled_from(["*"] if proto in OTHER_PROTOCOLS else PORTS)
    rule["dst"] = [acl_destination(selector, draw(ports)) for selector in dst]
    return rule | draw(posture_of_rule(words))


@st.composite
def grants(draw: st.DrawFn, tailnet: JSON, words: Vocabulary) -> JSON:
    """One entry of `grants`: ports, capabilities or both, perhaps through a router."""
    kind = draw(st.sampled_from(["ip", "app", "both"] if "app" in words.features else ["ip"]))
    through = "via" in words.features and draw(st.booleans())
    own = "self" in words.features and draw(st.integers(0, 3)) == 3
    targets = words.destinations(tailnet, app=kind != "ip")
    if through:
        targets = [name for name in targets if name in ("autogroup:internet", *words.literals)]
    dst = draw(some(targets, 0 if own else 1, 3))
    if own:
        dst.insert(draw(st.integers(0, len(dst))), "autogroup:self")
    grant: JSON = {"src": draw(words.sources(own=own, star=False)), "dst": dst}
    if kind != "app":
        grant["ip"] = draw(some(GRANT_PORTS, 1, 3))
    if kind != "ip":
        grant["app"] = draw(st.sampled_from(CAPABILITIES))
    if through:
        grant["via"] = draw(some([*TAGS[2:], *TAGS], 1, 2))
    return grant | draw(posture_of_rule(words))


@st.composite
def ssh_rules(draw: st.DrawFn, words: Vocabulary) -> JSON:
    """One entry of `ssh`, of the five shapes of source and destination that are allowed."""
    roles = [name for name in words.people if name in ROLES]
    people = [name for name in words.people if name not in roles]
    shape = draw(st.sampled_from(["people to tags", "self", "same user", "tags to tags"]))
    tagged = [*TAGS, "autogroup:tagged"]
    if shape == "same user":
        src = dst = [draw(st.sampled_from(LOGINS))]
    elif shape == "self":
        src, dst = draw(some(people, 1, 3)), ["autogroup:self", *draw(some(tagged, 0, 1))]
    elif shape == "tags to tags":
        src, dst = draw(some(tagged, 1, 2)), draw(some(tagged, 1, 2))
    else:
        src = draw(some([*people, *roles, "user:*@example.org"], 1))
        dst = draw(some(tagged, 1, 2))
    localparts = [f"localpart:*@{domain}" for domain in DOMAINS]
    rule: JSON = {
        "action": draw(st.sampled_from(["accept", "check"])),
        "src": src,
        "dst": dst,
        "users": draw(some(["root", "ubuntu", "autogroup:nonroot", "alice", *localparts], 1, 3)),
    }
    if shape == "tags to tags":
        rule["action"] = "accept"
    elif rule["action"] == "check" and draw(st.booleans()):
        rule["checkPeriod"] = draw(st.sampled_from(["12h", "always", "168h"]))
    if draw(st.integers(0, 3)) == 3:
        rule["acceptEnv"] = ["LANG", "GIT_*"]
    return rule | draw(posture_of_rule(words))


@st.composite
def node_attributes(draw: st.DrawFn, words: Vocabulary) -> JSON:
    """One entry of `nodeAttrs`."""
    literals = [name for name in words.literals if not name.startswith("ipset:")]
    targets = ["*", *words.identities[:-1], *words.people, *literals]
    return {"target": draw(some(targets)), "attr": draw(some(NODE_ATTRIBUTES))}


@st.composite
def network_tests(draw: st.DrawFn, tailnet: JSON, words: Vocabulary) -> JSON:
    """One entry of `tests`; most shapes are good, some always fail."""
    names = [*LOGINS, *TAGS, *GROUPS[:2], *words.addresses]
    sources = [*names, "autogroup:member", "autogroup:tagged", "db", "far"]
    services = [service["name"] for service in tailnet.get("services", ())]
    targets = [*names, "db", "far", "10.33.7.7", "10.33.1.1", "8.8.8.8", "fd00::5", "lan"]
    targets += services if "services" in words.features else []
    proto = draw(st.sampled_from([None, "tcp", "udp", "6", "sctp", "icmp"]))
    ports = st.sampled_from(["0"] if proto == "icmp" else ["22", "80", "1", "65535", "443"])
    test: JSON = {"src": draw(st.sampled_from(sources))}
    for verdict in draw(st.sampled_from([("accept",), ("deny",), ("accept", "deny")])):
        chosen = draw(st.lists(st.sampled_from(targets), min_size=1, max_size=2))
        test[verdict] = [acl_destination(name, draw(ports)) for name in chosen]
    if proto is not None:
        test["proto"] = proto
    if "postures" in words.features and draw(st.booleans()):
        test["srcPostureAttrs"] = draw(attributes())
    return test


@st.composite
def ssh_tests(draw: st.DrawFn, words: Vocabulary) -> JSON:
    """One entry of `sshTests`."""
    ipv4 = [address for address in words.addresses if ":" not in address]
    names = [*LOGINS, *TAGS, *GROUPS[:2], *ipv4]
    test: JSON = {"src": draw(st.sampled_from(names)), "dst": draw(some(names, 1, 2))}
    for verdict in draw(some(["accept", "check", "deny"], 1, 2)):
        test[verdict] = draw(some(["root", "ubuntu", "alice", "carol"], 1, 2))
    if "postures" in words.features and draw(st.booleans()):
        test["srcPostureAttrs"] = draw(attributes())
    return test
