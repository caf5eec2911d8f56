"""The roster: a tailnet that changes one node at a time."""

from __future__ import annotations

import pickle
from dataclasses import replace
from typing import Any

import pytest

from aclkit.addresses import parse_address, parse_prefix
from aclkit.diagnostics import TailnetError
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    TailnetChange,
    UserChanged,
    UserJoined,
    UserLeft,
)
from aclkit.tailnet.model import Node, Role, Tailnet, User
from aclkit.tailnet.roster import NodeStep, Roster, Step, address_key

ANN, BEN = "ann@example.com", "ben@example.com"
DATA: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [{"login": ANN}, {"login": BEN}],
    "groups": {"group:sre@example.com": [ANN]},
    "nodes": [
        {"name": "Old", "user": ANN, "addresses": ["100.64.0.1", "fd7a::1"], "created": 1},
        {"name": "new", "tags": ["tag:a"], "addresses": ["100.64.0.2"], "created": 5, "id": "n2"},
    ],
    "services": [{"name": "svc:web", "addresses": ["100.64.9.9"], "hosts": ["new"]}],
}


def tailnet() -> Tailnet:
    return Tailnet.from_dict(DATA)


def roster() -> Roster:
    return Roster.of(tailnet())


def node(name: str = "third", address: str = "100.64.0.3", **parts: Any) -> Node:
    identity = {} if "user" in parts else {"tags": ("tag:b",)}
    return Node(name, addresses=(parse_address(address),), **(identity | parts))


def after(*changes: TailnetChange) -> Step:
    return roster().after(changes)


def findings(*changes: TailnetChange) -> list[tuple[str, str]]:
    with pytest.raises(TailnetError) as raised:
        roster().after(changes)
    return [(found.code, found.primary.path) for found in raised.value.diagnostics]


def test_a_roster_gives_back_the_tailnet_that_it_was_made_of() -> None:
    assert roster().tailnet == tailnet()
    assert roster().tailnet.to_dict() == tailnet().to_dict()


def test_the_first_roster_numbers_nodes_in_the_order_of_creation() -> None:
    turned = Tailnet.from_dict({**DATA, "nodes": DATA["nodes"][::-1]})
    assert [n.name for _, n in sorted(Roster.of(turned).nodes.items())] == ["Old", "new"]
    assert Roster.of(turned).ordered


def test_an_empty_tailnet_has_a_roster() -> None:
    empty = Roster.of(Tailnet())
    assert empty.tailnet == Tailnet()
    assert repr(empty) == "<Roster: 0 users, 0 nodes>"
    assert empty.after([UserJoined(User(ANN, "ann")), NodeJoined(node(user=ANN))]).roster.ordered


def test_a_node_is_found_by_name_in_any_case_and_by_id() -> None:
    held = roster()
    assert held.number_of("OLD") == held.number_of("old") == held.number_of("Old") == 0
    assert held.number_of("n2") == held.number_of("NEW") == 1
    assert held.number_of("N2") is None
    assert held.by_address[address_key(parse_address("fd7a::1"))] == 0


def test_a_name_is_looked_for_before_an_id() -> None:
    step = after(NodeJoined(node("n2", id="x")))
    assert step.roster.number_of("n2") == 2


def test_a_roster_is_picklable() -> None:
    held = after(NodeJoined(node())).roster
    copy = pickle.loads(pickle.dumps(held))
    assert copy.tailnet == held.tailnet
    assert copy.number_of("third") == 2


def test_a_change_leaves_the_roster_before_it_as_it_was() -> None:
    held = roster()
    changes: list[TailnetChange] = [
        NodeChanged(replace(held.nodes[0], tags=("tag:b",), user=None)),
        NodeLeft("n2"),
        UserLeft(BEN),
        UserJoined(User("eve@example.com", "eve")),
        GroupChanged("group:sre@example.com", None),
    ]
    step = held.after(changes)
    assert held.tailnet == tailnet()
    assert held.devices[ANN] == 1
    assert held.number_of("n2") == 1
    assert step.roster.tailnet != tailnet()


def test_no_changes_are_no_step() -> None:
    step = after()
    assert step == Step(step.roster, (), frozenset(), (), users_changed=False)
    assert step.roster.tailnet == tailnet()


def test_a_node_that_joins_gets_a_number_that_none_had() -> None:
    step = after(NodeLeft("n2"), NodeJoined(node()))
    assert step.nodes == (
        NodeStep(1, roster().nodes[1], None),
        NodeStep(2, None, node()),
    )
    assert step.roster.number_of("third") == 2
    assert step.roster.next_number == 3
    assert step.roster.after([NodeLeft("third"), NodeJoined(node("x"))]).roster.number_of("x") == 3


def test_a_node_that_changes_keeps_its_number() -> None:
    changed = replace(roster().nodes[1], name="renamed", addresses=(parse_address("100.64.0.7"),))
    step = after(NodeChanged(changed))
    assert step.nodes == (NodeStep(1, roster().nodes[1], changed),)
    assert step.roster.number_of("renamed") == step.roster.number_of("n2") == 1
    assert step.roster.number_of("new") is None
    assert address_key(parse_address("100.64.0.2")) not in step.roster.by_address
    assert step.roster.by_address[address_key(parse_address("100.64.0.7"))] == 1


def test_each_node_stands_once_in_a_step_with_its_first_and_last_state() -> None:
    old = roster().nodes[0]
    step = after(
        NodeChanged(replace(old, online=False)),
        NodeChanged(replace(old, online=False, posture={"node:os": "linux"})),
    )
    assert step.nodes == (
        NodeStep(0, old, replace(old, online=False, posture={"node:os": "linux"})),
    )


def test_a_node_that_is_in_the_end_as_it_was_is_in_no_step() -> None:
    old = roster().nodes[0]
    assert after(NodeChanged(replace(old, online=False)), NodeChanged(old)).nodes == ()
    assert after(NodeChanged(old)).nodes == ()
    assert after(NodeJoined(node()), NodeLeft("third")).nodes == ()


def test_a_name_and_an_address_are_free_once_their_node_is_gone() -> None:
    again = node("OLD", "100.64.0.1")
    step = after(NodeLeft("Old"), NodeJoined(again))
    assert step.roster.tailnet.node("old") == again


def test_a_node_may_change_the_case_of_its_name() -> None:
    changed = replace(roster().nodes[0], name="OLD")
    assert after(NodeChanged(changed)).roster.nodes[0].name == "OLD"


@pytest.mark.parametrize(("created", "ordered"), [(6, True), (5, True), (4, False), (None, True)])
def test_numbers_ascend_in_the_order_of_creation_as_long_as_nobody_older_joins(
    created: int | None, ordered: bool
) -> None:
    assert after(NodeJoined(node("z", created=created))).roster.ordered is ordered


def test_a_change_of_the_time_of_creation_may_end_the_order() -> None:
    held = roster()
    changed = replace(held.nodes[0], created=9)
    assert not held.after([NodeChanged(changed)]).roster.ordered
    assert held.after([NodeChanged(replace(held.nodes[0], online=False))]).roster.ordered
    names = [each.name for each in held.after([NodeChanged(changed)]).roster.tailnet.nodes]
    assert names == ["new", "Old"]


def test_users_stand_in_the_order_in_which_they_joined() -> None:
    step = after(UserJoined(User("a@example.com", "a")), UserChanged(User(ANN, "Ann", Role.OWNER)))
    assert [user.login for user in step.roster.users] == [ANN, BEN, "a@example.com"]
    assert step.roster.by_login[ANN].role is Role.OWNER
    assert step.roster.tailnet.user(ANN).role is Role.OWNER
    assert step.logins == {ANN, "a@example.com"}
    assert step.users_changed
    assert step.nodes == ()


def test_a_user_with_nodes_stays() -> None:
    assert findings(UserLeft(ANN)) == [("tailnet-user-with-nodes", "changes[0]")]
    step = after(NodeLeft("Old"), UserLeft(ANN))
    assert step.roster.users == (User(BEN, "ben"),)
    again = after(NodeJoined(node(user=BEN)), NodeLeft("third"), UserLeft(BEN))
    assert BEN not in again.roster.by_login


def test_a_node_that_changes_hands_counts_for_its_new_user() -> None:
    step = after(NodeChanged(replace(roster().nodes[0], user=BEN)))
    assert step.roster.devices[ANN] == 0
    assert step.roster.devices[BEN] == 1
    assert ANN not in step.roster.after([UserLeft(ANN)]).roster.by_login


def test_a_group_edit_tells_who_went_in_and_who_out() -> None:
    name = "group:sre@example.com"
    assert after(GroupChanged(name, (ANN, BEN, BEN))).logins == {BEN}
    assert after(GroupChanged(name, (ANN, BEN, BEN))).roster.groups[name] == (ANN, BEN)
    assert after(GroupChanged(name, (BEN,))).logins == {ANN, BEN}
    assert after(GroupChanged(name, None)).logins == {ANN}
    assert name not in after(GroupChanged(name, None)).roster.groups
    assert after(GroupChanged("group:new@example.com", (BEN,))).logins == {BEN}
    assert not after(GroupChanged(name, None)).users_changed
    assert after(GroupChanged(name, (BEN,))).groups == ((name, frozenset({ANN}), frozenset({BEN})),)


def test_services_and_domains_stay() -> None:
    step = after(NodeLeft("n2"), NodeJoined(node()))
    assert step.roster.services == tailnet().services
    assert step.roster.domains == ("example.com",)


def test_advertised_routes_stand_as_they_were_given() -> None:
    routes = (parse_prefix("10.0.0.0/8"), parse_prefix("10.0.0.0/16"))
    step = after(NodeChanged(replace(roster().nodes[1], advertised_routes=routes)))
    assert step.roster.tailnet.node("new").advertised_routes == routes


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ([NodeJoined(node("OLD"))], "tailnet-duplicate-name"),
        ([NodeJoined(node(id="n2"))], "tailnet-duplicate-id"),
        ([NodeJoined(node(address="fd7a::1"))], "tailnet-duplicate-address"),
        ([NodeJoined(node(user="eve@example.com"))], "tailnet-unknown-user"),
        ([NodeJoined(node(tags=()))], "tailnet-no-identity"),
        ([NodeJoined(node(user=ANN, tags=("tag:b",)))], "tailnet-user-and-tags"),
        ([NodeJoined(replace(node(), addresses=()))], "tailnet-no-address"),
        ([NodeLeft("new")], "tailnet-unknown-node"),
        ([NodeChanged(node())], "tailnet-unknown-node"),
        ([NodeChanged(node("Old", id="n2"))], "tailnet-duplicate-name"),
        ([NodeChanged(node("new", "100.64.0.1", id="n2"))], "tailnet-duplicate-address"),
        ([UserJoined(User(BEN, "ben"))], "tailnet-duplicate-login"),
        ([UserChanged(User("eve@example.com", "eve"))], "tailnet-unknown-user"),
        ([UserLeft("eve@example.com")], "tailnet-unknown-user"),
    ],
)
def test_a_contradiction_is_refused_with_its_place(
    changes: list[TailnetChange], expected: str
) -> None:
    assert findings(*changes) == [(expected, "changes[0]")]


def test_every_contradiction_is_told() -> None:
    assert findings(NodeLeft("x"), NodeLeft("n2"), UserLeft(ANN), UserLeft("x@example.com")) == [
        ("tailnet-unknown-node", "changes[0]"),
        ("tailnet-user-with-nodes", "changes[2]"),
        ("tailnet-unknown-user", "changes[3]"),
    ]
