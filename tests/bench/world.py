"""The standard world of the benchmarks: a large company, made from a seed.

2,000 users, 51 groups of 5 to 1,000 members, 200 tags, 20 hosts and 300 rules with autogroup:self,
internet and member; four in ten nodes are tagged, and every node has an IPv4 and an IPv6 address.
An identity provider keeps one more group of 200, which a rule names.
With `everything` there are also grants with capabilities, via, SSH, postures and attributes.

In the adversarial world each user has one node, so that hardly two nodes are alike, and the largest
group has half of the users.
"""

from __future__ import annotations

import json
from random import Random
from typing import Any

from aclkit.addresses import Address, Family, Prefix, parse_address, parse_prefix
from aclkit.tailnet.model import Node, Role, Tailnet, User

USERS, GROUPS, TAGS, HOSTS, RULES = 2_000, 51, 200, 20, 300
DOMAIN = "example.com"
SYNCED = f"group:staff@{DOMAIN}"
SYNCED_MEMBERS = 200
_FIRST_V6 = parse_address("fd7a:115c:a1e0::1").value


def login(number: int) -> str:
    """Return the login of a user."""
    return f"user{number}@{DOMAIN}"


def adversarial_users(nodes: int) -> int:
    """Return how many users the adversarial world has: as many as untagged nodes."""
    return nodes * 6 // 10


def adversarial_tailnet(nodes: int) -> Tailnet:
    """Return the tailnet with *nodes* nodes in which each user has one."""
    return standard_tailnet(nodes, users=adversarial_users(nodes), one_each=True)


def standard_tailnet(
    nodes: int, *, seed: int = 1, users: int = USERS, one_each: bool = False
) -> Tailnet:
    """Return the tailnet with *nodes* nodes; with *one_each* their users come in turn."""
    random = Random(seed)
    first_v4 = parse_address("100.64.0.1").value
    found = []
    for number in range(nodes):
        addresses = (
            Address(Family.V4, first_v4 + number),
            Address(Family.V6, _FIRST_V6 + number),
        )
        posture = {"node:os": random.choice(("linux", "macos", "windows"))}
        common: dict[str, Any] = {"addresses": addresses, "created": number, "posture": posture}
        if number % 10 < 4:
            tags = tuple(sorted({f"tag:t{random.randrange(TAGS)}" for _ in range(1 + number % 2)}))
            if number % 100 == 3:
                common["advertised_routes"] = common["approved_routes"] = _routes(number, random)
            found.append(Node(f"node-{number}", tags=tags, **common))
        else:
            user = (number // 10 * 6 + number % 10 - 4) % users if one_each else None
            user = random.randrange(users) if user is None else user
            found.append(Node(f"node-{number}", user=login(user), **common))
    people = tuple(
        User(login(number), f"user{number}", Role.ADMIN if number < 5 else Role.MEMBER)
        for number in range(users)
    )
    synced = {SYNCED: tuple(login(number) for number in range(min(users, SYNCED_MEMBERS)))}
    return Tailnet((DOMAIN,), people, synced, nodes=tuple(found))


def _routes(number: int, random: Random) -> tuple[Prefix, ...]:
    if number % 1000 == 3:
        return parse_prefix("0.0.0.0/0"), parse_prefix("::/0")
    return (parse_prefix(f"10.{random.randrange(200)}.0.0/16"),)


def standard_policy(*, seed: int = 1, everything: bool = False, users: int = USERS) -> str:
    """Return the policy text."""
    random = Random(seed)
    most = users // 2
    sizes = [5 + round((most - 5) * (index / (GROUPS - 1)) ** 3) for index in range(GROUPS)]
    groups = {
        f"group:g{index}": [login(member) for member in sorted(random.sample(range(users), size))]
        for index, size in enumerate(sizes)
    }
    hosts = {f"host{index}": f"10.{index}.0.0/16" for index in range(HOSTS)}
    policy: dict[str, Any] = {
        "groups": groups,
        "tagOwners": {f"tag:t{index}": ["group:g0"] for index in range(TAGS)},
        "hosts": hosts,
    }
    acls: list[dict[str, Any]] = [
        {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:self:*"]},
        {"action": "accept", "src": ["autogroup:member"], "dst": ["autogroup:internet:*"]},
    ]
    grants: list[dict[str, Any]] = []
    for number in range(RULES - len(acls) - 1):
        if everything and number % 4 == 0:
            grants.append(_grant(number, random, users))
        else:
            acls.append(_rule(random, users))
    acls.append({"action": "accept", "src": [SYNCED], "dst": ["tag:t0:443", "host0:443"]})
    policy["acls"] = acls
    if everything:
        policy["grants"] = grants
        policy["postures"] = {
            "posture:linux": ["node:os == 'linux'"],
            "posture:desktop": ["node:os IN ['macos', 'windows']"],
        }
        policy["ssh"] = [
            {
                "action": random.choice(("accept", "check")),
                "src": [f"group:g{random.randrange(GROUPS)}"],
                "dst": [f"tag:t{random.randrange(TAGS)}"],
                "users": ["autogroup:nonroot"],
            }
            for _ in range(20)
        ]
        policy["nodeAttrs"] = [
            {"target": [f"tag:t{index}"], "attr": [f"custom:a{index}"]} for index in range(10)
        ]
    return json.dumps(policy, indent=1)


def _sources(random: Random, users: int) -> list[str]:
    return random.sample(
        [
            f"group:g{random.randrange(GROUPS)}",
            f"tag:t{random.randrange(TAGS)}",
            login(random.randrange(users)),
        ],
        random.randrange(1, 4),
    )


def _port(random: Random) -> str:
    return random.choice(("22", "80,443", "5432", "8000-8100", "*"))


def _rule(random: Random, users: int) -> dict[str, Any]:
    targets = [
        f"tag:t{random.randrange(TAGS)}",
        f"host{random.randrange(HOSTS)}",
        f"tag:t{random.randrange(TAGS)}",
    ]
    dst = [f"{name}:{_port(random)}" for name in random.sample(targets, random.randrange(1, 4))]
    return {"action": "accept", "src": _sources(random, users), "dst": dst}


def _grant(number: int, random: Random, users: int) -> dict[str, Any]:
    grant: dict[str, Any] = {
        "src": _sources(random, users),
        "dst": [f"tag:t{random.randrange(TAGS)}"],
    }
    if number % 3 == 0:
        grant["app"] = {f"example.com/cap/c{number}": [{"level": number}]}
    else:
        grant["ip"] = ["tcp:443", "udp:53"]
    if number % 5 == 0:
        grant = {
            "src": grant["src"],
            "dst": [f"host{random.randrange(HOSTS)}"],
            "ip": ["*"],
            "via": [f"tag:t{random.randrange(TAGS)}"],
        }
    if number % 7 == 0:
        grant["srcPosture"] = [random.choice(("posture:linux", "posture:desktop"))]
    return grant
