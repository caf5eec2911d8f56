"""Laws of access: what must hold of every policy and tailnet, whatever they are."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aclkit.addresses import AddressSet
from aclkit.evaluator.packetfilter import PacketFilter
from tests.property.strategies import ACLS, ALL, LOGINS, PORTS, TAGS, policies, tailnets
from tests.property.test_model import World, boundary_ports, compiled, plain, worlds

FLOWS = ((6, 22), (6, 80), (17, 53), (1, 0), (47, 0))
"""Protocols and ports at which access is compared."""

# Narrowing by posture, by via and by attribute is not monotone, nor is a user's device's tag.
PLAIN = ACLS | {"self", "internet", "grants"}


def access(world: World) -> set[tuple[str, str, int, int]]:
    """Every flow of `FLOWS` that is open between two nodes."""
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    return {
        (src, dst, proto, port)
        for src in names
        for dst in names
        for proto, port in FLOWS
        if fast.reaches(src, dst, port, str(proto))
    }


@given(tailnets())
def test_empty_rules_allow_nothing(tailnet: dict[str, Any]) -> None:
    assert access(({"acls": []}, tailnet)) == set()
    assert access(({"grants": []}, tailnet)) == set()


@given(tailnets())
def test_without_rule_sections_everything_in_the_tailnet_is_open(tailnet: dict[str, Any]) -> None:
    names = [node["name"] for node in tailnet["nodes"]]
    families = {
        node["name"]: {":" in address for address in node["addresses"]} for node in tailnet["nodes"]
    }
    fast = compiled(({}, tailnet))
    for src in names:
        for dst in names:
            shared = bool(families[src] & families[dst])
            assert fast.reaches(src, dst, 443) is shared


@given(worlds(PLAIN), st.sampled_from(LOGINS), st.sampled_from(TAGS), st.sampled_from(PORTS))
def test_an_accept_rule_takes_no_access_away(
    world: World, login: str, tag: str, ports: str
) -> None:
    policy, tailnet = world
    rule = {"action": "accept", "src": [login], "dst": [f"{tag}:{ports}"]}
    wider = {**policy, "acls": [*(policy.get("acls") or []), rule]}
    if "acls" not in policy and "grants" not in policy:
        return  # the first rule section ends the default, which allows everything
    assert access(world) <= access((wider, tailnet))


@given(worlds(PLAIN), st.sampled_from(LOGINS))
def test_a_group_member_takes_no_access_away(world: World, login: str) -> None:
    policy, tailnet = world
    wider = copy.deepcopy(policy)
    for name, members in wider.get("groups", {}).items():
        if login not in members and name != "group:empty":
            members.append(login)
    assert access(world) <= access((wider, tailnet))


@given(worlds(PLAIN), st.sampled_from(TAGS))
def test_a_further_tag_on_a_tagged_node_takes_no_access_away(world: World, tag: str) -> None:
    policy, tailnet = world
    wider = copy.deepcopy(tailnet)
    for node in wider["nodes"]:
        if node.get("tags") and tag not in node["tags"]:
            node["tags"].append(tag)
        if node.get("approved_routes") is None:
            node["approved_routes"] = []
    narrow = copy.deepcopy(tailnet)
    for node in narrow["nodes"]:
        if node.get("approved_routes") is None:
            node["approved_routes"] = []
    assert access((policy, narrow)) <= access((policy, wider))


@given(worlds(PLAIN))
def test_a_new_node_takes_no_access_from_the_others(world: World) -> None:
    policy, tailnet = world
    fewer = {**tailnet, "nodes": tailnet["nodes"][:-1]}
    kept = {node["name"] for node in fewer["nodes"]}
    hosts = [name for service in tailnet.get("services", []) for name in service["hosts"]]
    if not set(hosts) <= kept:
        return
    assert access((policy, fewer)) <= access(world)


@given(worlds(ALL), st.randoms(use_true_random=False))
def test_order_and_repetition_do_not_change_what_is_open(world: World, random: Any) -> None:
    policy, tailnet = world
    shuffled = copy.deepcopy(policy)
    for section in ("acls", "grants"):
        rules = shuffled.get(section)
        for rule in rules or []:
            for key in ("src", "dst"):
                rule[key] = [*rule[key], *rule[key][:1]]
                random.shuffle(rule[key])
        if rules:
            rules.append(copy.deepcopy(rules[0]))
            random.shuffle(rules)
    assert access(world) == access((shuffled, tailnet))


@given(worlds(ACLS | {"grants", "internet", "ipsets", "postures"}))
def test_the_rules_of_one_node_decide_like_the_rules_of_all(world: World) -> None:
    """Flows to a node's own addresses: what other nodes are sent opens nothing more there."""
    fast = compiled(world)
    nodes = fast.rules.nodes
    everything = [rule for node in nodes for rule in fast.netmap(node.name).packet_filter_rules]
    ports = boundary_ports(world[0])
    for number, node in enumerate(nodes):
        own = fast.rules.addresses(number)
        local = AddressSet.of(own)
        one = PacketFilter(fast.netmap(node.name).packet_filter_rules, local)
        all_rules = PacketFilter(everything, local)
        for other in range(len(nodes)):
            for src in fast.rules.addresses(other):
                for dst in own:
                    for proto in (1, 6, 17, 47):
                        for port in ports:
                            found = one.check(src, dst, proto, port).accept
                            assert found == all_rules.check(src, dst, proto, port).accept


@given(worlds(ALL))
def test_peers_see_each_other_and_reach_needs_sight(world: World) -> None:
    fast = compiled(world)
    names = [node["name"] for node in world[1]["nodes"]]
    sees = {name: {peer.name for peer in fast.netmap(name).peers} for name in names}
    for name in names:
        assert name not in sees[name]
        for other in sees[name]:
            assert name in sees[other]
    for src, dst, _, _ in access(world):
        assert src == dst or dst in sees[src]


RENAMES = {
    **{f"tag:{name}": f"tag:{new}" for name, new in
       (("web", "zz"), ("db", "aa"), ("router", "mm"), ("exit", "bb"))},
    **{f"group:{name}": f"group:{new}" for name, new in
       (("dev", "q9"), ("ops", "b1"), ("empty", "none"))},
    "alice@example.com": "zoe@example.com",
    "bob@example.com": "adam@example.com",
}  # fmt: skip


@given(worlds(ACLS | {"grants", "app", "self", "internet", "postures", "via"}))
def test_renaming_commutes_with_everything(world: World) -> None:
    renamed = json.loads(_renamed(json.dumps(world)))
    before, after = compiled(world), compiled(renamed)
    for node in world[1]["nodes"]:
        name = node["name"]
        assert plain(before.netmap(name).to_dict()) == plain(after.netmap(name).to_dict())


def _renamed(text: str) -> str:
    # By way of words that nothing else holds, so that no name is renamed twice.
    for number, old in enumerate(sorted(RENAMES, key=len, reverse=True)):
        text = text.replace(old, f"\0{number}\0")
    for number, old in enumerate(sorted(RENAMES, key=len, reverse=True)):
        text = text.replace(f"\0{number}\0", RENAMES[old])
    return text


@given(st.data())
def test_the_order_of_nodes_and_keys_in_the_input_does_not_show(data: st.DataObject) -> None:
    tailnet = data.draw(tailnets())
    policy = data.draw(policies(tailnet, features=ALL))
    turned = {
        **tailnet,
        "nodes": [dict(reversed(node.items())) for node in reversed(tailnet["nodes"])],
    }
    before, after = compiled((policy, tailnet)), compiled((dict(reversed(policy.items())), turned))
    for node in tailnet["nodes"]:
        name = node["name"]
        first = json.dumps(before.netmap(name).to_dict())
        assert first == json.dumps(after.netmap(name).to_dict())


PROBE = """
import json, sys
import aclkit
policy, tailnet = json.load(sys.stdin)
compiled = aclkit.compile_policy(aclkit.load_policy(json.dumps(policy)),
                                 aclkit.Tailnet.from_dict(tailnet))
print(json.dumps([compiled.netmap(node["name"]).to_dict() for node in tailnet["nodes"]]))
"""


def test_output_is_the_same_under_every_hash_seed() -> None:
    from tests.bench.world import standard_policy, standard_tailnet

    world = json.loads(standard_policy(everything=True)), standard_tailnet(60).to_dict()
    outputs = {
        subprocess.run(
            [sys.executable, "-c", PROBE],
            input=json.dumps(world),
            env={"PYTHONHASHSEED": seed, "PATH": ""},
            capture_output=True,
            text=True,
            check=True,
        ).stdout
        for seed in ("0", "1", "4242")
    }
    assert len(outputs) == 1
    assert "packet_filter_rules" in outputs.pop()
