"""The roster: a tailnet that changes one node at a time."""

from __future__ import annotations

import pickle
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import pytest

from aclkit.addresses import parse_address, parse_prefix
from aclkit.diagnostics import TailnetError
from aclkit.tailnet.changes import (
    GroupChanged,
    NodeChanged,
    NodeJoined,
    NodeLeft,
    ServiceChanged,
    ServiceLeft,
    TailnetChange,
    UserChanged,
    UserJoined,
    UserLeft,
)
from aclkit.tailnet.model import Node, Role, Service, Tailnet, User
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
NODE: dict[str, Any] = {"name": "third", "tags": ["tag:b"], "addresses": ["100.64.0.3"]}
SERVICE: dict[str, Any] = {"name": "svc:db", "addresses": ["100.64.9.8"]}


def tailnet() -> Tailnet:
    return Tailnet.from_dict(DATA)


def roster() -> Roster:
    return Roster.of(tailnet())


def node(name: str = "third", address: str = "100.64.0.3", **parts: Any) -> Node:
    identity = {} if "user" in parts else {"tags": ("tag:b",)}
    return Node(name, **({"addresses": (parse_address(address),)} | identity | parts))


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
    step = after(NodeLeft("Old"), NodeJoined(node()))
    assert step.roster.services == tailnet().services
    assert step.roster.domains == ("example.com",)
    assert not step.services_changed


def test_a_host_of_a_service_is_one_under_another_name_and_until_it_leaves() -> None:
    renamed = NodeChanged(replace(roster().nodes[1], name="other"))
    cases: list[tuple[list[TailnetChange], tuple[str, ...]]] = [
        ([renamed], ("other",)),
        ([NodeLeft("n2")], ()),
        ([NodeLeft("n2"), NodeJoined(node("new"))], ()),
        ([NodeLeft("n2"), NodeJoined(replace(roster().nodes[1], name="back"))], ("back",)),
        ([renamed, NodeJoined(node("new"))], ("other",)),
    ]
    for changes, hosts in cases:
        step = after(*changes)
        assert [service.hosts for service in step.roster.services] == [hosts]
        assert not step.services_changed


def service(name: str = "svc:db", address: str = "100.64.9.8", **parts: Any) -> Service:
    return Service(name, addresses=(parse_address(address),), **parts)


def test_services_come_change_and_go() -> None:
    web = roster().services[0]
    step = after(
        ServiceChanged(service(hosts=("NEW", "Old", "new"), tags=("tag:b", "tag:a"))),
        NodeChanged(replace(roster().nodes[1], name="newer")),
        ServiceChanged(replace(web, addresses=(), approved=False, hosts=("newer",))),
    )
    assert step.services_changed
    assert step.roster.services == (
        replace(web, addresses=(), approved=False, hosts=("newer",)),
        service(hosts=("newer", "Old"), tags=("tag:a", "tag:b")),
    )
    again = step.roster.after([ServiceLeft("svc:web"), NodeJoined(node(address="100.64.9.9"))])
    assert [each.name for each in again.roster.services] == ["svc:db"]
    assert Tailnet.from_dict(again.roster.tailnet.to_dict()) == again.roster.tailnet


def test_a_node_stands_as_a_tailnet_file_would_have_it() -> None:
    given = node(tags=("tag:b", "tag:a", "tag:b"))
    addresses = tuple(map(parse_address, ("fd7a::3", "100.64.0.3", "fd7a::2")))
    routes = (parse_prefix("10.0.0.0/8"), parse_prefix("10.0.0.0/16"), parse_prefix("10.0.0.0/8"))
    given = replace(given, addresses=addresses, advertised_routes=routes, approved_routes=routes)
    held = after(NodeJoined(given)).roster.tailnet
    third = held.node("third")
    assert third.tags == ("tag:a", "tag:b")
    assert third.addresses == (addresses[1], addresses[0], addresses[2])
    assert third.advertised_routes == third.approved_routes == routes[:2]
    assert Tailnet.from_dict(held.to_dict()) == held


def test_advertised_routes_stand_as_they_were_given() -> None:
    routes = (parse_prefix("10.0.0.0/8"), parse_prefix("10.0.0.0/16"))
    step = after(NodeChanged(replace(roster().nodes[1], advertised_routes=routes)))
    assert step.roster.tailnet.node("new").advertised_routes == routes


SWAP = "; two nodes that swap both leave and join in one `apply`"
ROUTE = parse_prefix("10.0.0.0/16")
Parts = dict[str, Any]
# What differs from a node, or a service, that is right: as a change has it, and as a file has it.
WRONG_NODES: list[tuple[Parts, Parts]] = [
    ({"name": " third"}, {"name": " third", "id": "x"}),
    ({"name": "OLD", "id": "x"}, {"name": "OLD", "id": "x"}),
    ({"id": "n2"}, {"id": "n2"}),
    ({"id": "n\n2"}, {"id": "n\n2"}),
    ({"tags": ("web",)}, {"tags": ["web"]}),
    ({"tags": ("tag:",)}, {"tags": ["tag:"]}),
    ({"tags": ("tag:x y",)}, {"tags": ["tag:x y"]}),
    ({"tags": ()}, {"tags": []}),
    ({"tags": ("tag:b",), "user": ANN}, {"user": ANN}),
    ({"address": "fd7a::1"}, {"addresses": ["fd7a::1"]}),
    ({"address": "100.64.9.9"}, {"addresses": ["100.64.9.9"]}),
    ({"addresses": ()}, {"addresses": []}),
    ({"addresses": (parse_address("100.64.0.3"),) * 2}, {"addresses": ["100.64.0.3"] * 2}),
    ({"approved_routes": (ROUTE,)}, {"approved_routes": [str(ROUTE)]}),
    ({"posture": {" a": 1}}, {"posture": {" a": 1}}),
    ({"posture": {"a": 1, "A": 1}}, {"posture": {"a": 1, "A": 1}}),
    ({"posture": {"a": float("inf")}}, {"posture": {"a": float("inf")}}),
]
WRONG_SERVICES: list[tuple[Parts, Parts]] = [
    ({"name": "db"}, {"name": "db"}),
    ({"name": "svc:WEB"}, {"name": "svc:WEB"}),
    ({"tags": ("web",)}, {"tags": ["web"]}),
    ({"address": "100.64.0.2"}, {"addresses": ["100.64.0.2"]}),
    ({"address": "100.64.9.9"}, {"addresses": ["100.64.9.9"]}),
    ({"hosts": ("gone",)}, {"hosts": ["gone"]}),
]
WRONG_USERS = [
    (User("e v e", "eve"), {"login": "e v e", "name": "eve"}),
    (User("eve", ""), {"login": "eve", "name": ""}),
    (User("eve", "eve", provider_id=" "), {"login": "eve", "provider_id": " "}),
    (User(ANN, "ann"), {"login": ANN}),
]
WRONG_GROUPS = [("ops", ANN), ("group:", ANN), ("group:ops", "a n n")]
WRONG: list[tuple[TailnetChange, Parts]] = [
    *(
        (NodeJoined(node(**parts)), {"nodes": [*DATA["nodes"], {**NODE, **entry}]})
        for parts, entry in WRONG_NODES
    ),
    *(
        (ServiceChanged(service(**parts)), {"services": [*DATA["services"], {**SERVICE, **entry}]})
        for parts, entry in WRONG_SERVICES
    ),
    *((UserJoined(user), {"users": [*DATA["users"], entry]}) for user, entry in WRONG_USERS),
    *((GroupChanged(name, (who,)), {"groups": {name: [who]}}) for name, who in WRONG_GROUPS),
]


@pytest.mark.parametrize(("change", "entry"), WRONG)
def test_a_change_is_refused_in_the_words_in_which_a_tailnet_file_is(
    change: TailnetChange, entry: dict[str, Any]
) -> None:
    with pytest.raises(TailnetError) as of_file:
        Tailnet.from_dict({**DATA, **entry})
    with pytest.raises(TailnetError) as of_change:
        roster().after([change])
    (expected,), (found,) = of_file.value.diagnostics, of_change.value.diagnostics
    assert (found.code, found.message) == (expected.code, expected.message)
    # A file has no `apply` to do both in.
    assert (found.help or "").removesuffix(SWAP) == (expected.help or "")
    assert found.primary.path == "changes[0]"


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
        ([UserChanged(User(ANN, ""))], "tailnet-bad-name"),
        ([UserLeft("eve@example.com")], "tailnet-unknown-user"),
        ([GroupChanged("ops", None)], "tailnet-bad-group"),
        ([ServiceLeft("svc:gone")], "tailnet-unknown-service"),
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


def help_of(*changes: TailnetChange) -> str | None:
    with pytest.raises(TailnetError) as raised:
        roster().after(changes)
    (found,) = raised.value.diagnostics
    return found.help


NEAR = "ids are compared exactly; did you mean `{}`?"


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (NodeLeft("N2"), NEAR.format("n2")),
        (NodeLeft("Odl"), NEAR.format("Old")),
        (NodeLeft("NEW"), "the node of that name has the id `n2`"),
        (NodeChanged(node("new")), "the node of that name has the id `n2`"),
        (NodeChanged(node("old")), NEAR.format("Old")),
        (NodeChanged(node()), "apply NodeJoined for a node that is new"),
        (NodeJoined(node(user="eve@example.com")), "apply UserJoined first"),
        (UserChanged(User("eve", "eve")), "apply UserJoined for a user who is new"),
        (UserLeft(ANN), "its nodes leave before it, or change hands"),
        (ServiceLeft("svc:wep"), "did you mean `svc:web`?"),
        (NodeJoined(node("OLD", id="x")), "rename one of the two nodes; case makes no difference"),
        (NodeJoined(node(address="fd7a::1")), "give every node and service addresses of its own"),
    ],
)
def test_advice_says_what_the_caller_may_have_meant(change: TailnetChange, expected: str) -> None:
    assert (help_of(change) or "").removesuffix(SWAP) == expected


def test_only_nodes_that_may_swap_are_told_how() -> None:
    twice = (parse_address("100.64.0.3"),) * 2
    assert (help_of(NodeJoined(node(address="fd7a::1"))) or "").endswith(SWAP)
    assert (help_of(NodeChanged(node("Old", id="n2"))) or "").endswith(SWAP)
    assert "swap" not in (help_of(NodeJoined(node(addresses=twice))) or "")
    assert "swap" not in (help_of(NodeJoined(node(address="100.64.9.9"))) or "")
    assert "swap" not in (help_of(ServiceChanged(service(address="fd7a::1"))) or "")


def test_no_id_is_proposed_that_has_left() -> None:
    with pytest.raises(TailnetError) as raised:
        roster().after([NodeLeft("N2"), NodeLeft("n2"), NodeLeft("N2")])
    helps = [found.help for found in raised.value.diagnostics]
    assert helps == [NEAR.format("n2"), None]


MISTYPED_NODES: list[tuple[Parts, str]] = [
    ({"name": 1}, ".name is an int, not a str"),
    ({"id": 7}, ".id is an int, not a str"),
    ({"user": b"ann"}, ".user is a bytes, not a str or None"),
    ({"user": User(ANN, "ann")}, ".user is a User, not a str or None"),
    ({"tags": "tag:b"}, ".tags is a str, not a tuple or a list"),
    ({"tags": None}, ".tags is None, not a tuple or a list"),
    ({"tags": {"tag:b"}}, ".tags is a set, not a tuple or a list"),
    ({"tags": ("tag:b", 1)}, ".tags[1] is an int, not a str"),
    ({"tags": iter(["tag:b"])}, ".tags is a list_iterator, not a tuple or a list"),
    ({"addresses": "100.64.0.3"}, ".addresses is a str, not a tuple or a list"),
    (
        {"addresses": ("100.64.0.3",)},
        ".addresses[0] is a str, not an Address; read it with parse_address",
    ),
    ({"addresses": (ROUTE,)}, ".addresses[0] is a Prefix, not an Address"),
    (
        {"advertised_routes": ["10.0.0.0/8"]},
        ".advertised_routes[0] is a str, not a Prefix; read it with parse_prefix",
    ),
    ({"advertised_routes": None}, ".advertised_routes is None, not a tuple or a list"),
    (
        {"approved_routes": ("10.0.0.0/8",)},
        ".approved_routes[0] is a str, not a Prefix; read it with parse_prefix",
    ),
    ({"approved_routes": ROUTE}, ".approved_routes is a Prefix, not a tuple or a list or None"),
    ({"online": 1}, ".online is an int, not a bool"),
    ({"online": None}, ".online is None, not a bool"),
    ({"created": True}, ".created is a bool, not an int or None"),
    ({"created": 1.5}, ".created is a float, not an int or None"),
    ({"created": "2026-01-31T10:00:00Z"}, ".created is a str, not an int or None"),
    ({"posture": None}, ".posture is None, not a dict or a Mapping"),
    ({"posture": [("a", 1)]}, ".posture is a list, not a dict or a Mapping"),
    (
        {"posture": {"a": None}},
        '.posture["a"] is None, not a str or an int or a float or a bool',
    ),
]
MISTYPED_USERS: list[tuple[Parts, str]] = [
    ({"login": None}, ".login is None, not a str"),
    ({"name": None}, ".name is None, not a str"),
    ({"role": "admin"}, ".role is a str, not a Role; make it one with Role"),
    ({"role": None}, ".role is None, not a Role"),
    ({"type": "owner"}, ".type is 'owner', not 'member' or 'shared'"),
    ({"type": None}, ".type is None, not a str"),
    ({"provider_id": 1}, ".provider_id is an int, not a str or None"),
]
MISTYPED_SERVICES: list[tuple[Parts, str]] = [
    ({"name": 1}, ".name is an int, not a str"),
    ({"tags": "tag:a"}, ".tags is a str, not a tuple or a list"),
    (
        {"addresses": ("100.64.9.8",)},
        ".addresses[0] is a str, not an Address; read it with parse_address",
    ),
    ({"hosts": "new"}, ".hosts is a str, not a tuple or a list"),
    ({"hosts": (node(),)}, ".hosts[0] is a Node, not a str"),
    ({"approved": "yes"}, ".approved is a str, not a bool"),
]
GROUP = "group:ops@example.com"
MISTYPED: list[tuple[TailnetChange, str]] = [
    *(
        (kind(replace(node(id="n2"), **parts)), f".node{message}")
        for kind in (NodeJoined, NodeChanged)
        for parts, message in MISTYPED_NODES
    ),
    *(
        (kind(replace(User(ANN, "ann"), **parts)), f".user{message}")
        for kind in (UserJoined, UserChanged)
        for parts, message in MISTYPED_USERS
    ),
    *(
        (ServiceChanged(replace(service(), **parts)), f".service{message}")
        for parts, message in MISTYPED_SERVICES
    ),
]


@pytest.mark.parametrize(("change", "message"), MISTYPED)
def test_an_attribute_of_another_type_is_refused_before_anything_looks_at_it(
    change: TailnetChange, message: str
) -> None:
    with pytest.raises(TypeError) as raised:
        roster().after([NodeLeft("Old"), change])
    assert str(raised.value) == f"changes[1]{message}"


def mistyped(kind: Any, *parts: object) -> Any:
    return kind(*parts)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (mistyped(NodeLeft, 7), ".id is an int, not a str"),
        (mistyped(NodeLeft, node()), ".id is a Node, not a str"),
        (mistyped(NodeJoined, "third"), ".node is a str, not a Node"),
        (mistyped(NodeChanged, None), ".node is None, not a Node"),
        (mistyped(UserJoined, ANN), ".user is a str, not a User"),
        (mistyped(UserLeft, ["a"]), ".login is a list, not a str"),
        (mistyped(ServiceChanged, "svc:a"), ".service is a str, not a Service"),
        (mistyped(ServiceLeft, None), ".name is None, not a str"),
        (mistyped(GroupChanged, 1, ()), ".name is an int, not a str"),
        (mistyped(GroupChanged, GROUP, ANN), ".members is a str, not a tuple or a list or None"),
        (mistyped(GroupChanged, GROUP, (ANN, None)), ".members[1] is None, not a str"),
        (
            mistyped(GroupChanged, GROUP, (login for login in [ANN])),
            ".members is a generator, not a tuple or a list or None",
        ),
        ([NodeLeft("x")], " is a list, not a change of a tailnet; pass each change by itself"),
        ((), " is a tuple, not a change of a tailnet; pass each change by itself: apply(*changes)"),
        (None, " is None, not a change of a tailnet"),
        (NodeLeft, " is a type, not a change of a tailnet"),
        (node(), " is a Node, not a change of a tailnet; put it into a NodeJoined or a NodeCh"),
        (User(ANN, "a"), " is a User, not a change of a tailnet; put it into a UserJoined or a"),
        (service(), " is a Service, not a change of a tailnet; put it into a ServiceChanged"),
        ("n2", " is a str, not a change of a tailnet; a node that is gone is NodeLeft(id)"),
    ],
)
def test_what_is_no_change_is_refused_with_what_it_is(change: Any, message: str) -> None:
    with pytest.raises(TypeError) as raised:
        roster().after([change])
    assert str(raised.value).startswith(f"changes[0]{message}")


def test_a_name_in_a_posture_is_text() -> None:
    with pytest.raises(TypeError) as raised:
        after(NodeJoined(mistyped(Node, "z", "", None, (), (), (), None, True, None, {1: "a"})))
    assert str(raised.value) == "the name 1 in changes[0].node.posture is an int, not a str"


class Text(str):
    """A text of a caller's own class."""


def test_lists_and_subclasses_will_do() -> None:
    address = parse_address("100.64.0.3")
    given = mistyped(
        Node, Text("third"), "", None, [Text("tag:b")], [address], [ROUTE], [ROUTE], True, 7,
        MappingProxyType({"a": True}),
    )  # fmt: skip
    held = after(
        NodeJoined(given),
        GroupChanged(GROUP, mistyped(list, (ANN, BEN))),
        ServiceChanged(mistyped(Service, "svc:db", ["tag:a"], [parse_address("fd7a::9")], ["Old"])),
    ).roster
    third = held.tailnet.node("third")
    assert third == node(
        advertised_routes=(ROUTE,), approved_routes=(ROUTE,), created=7, posture={"a": True}
    )
    assert held.groups[GROUP] == (ANN, BEN)
    assert held.services[-1] == Service("svc:db", ("tag:a",), (parse_address("fd7a::9"),), ("Old",))
    assert pickle.loads(pickle.dumps(held)).tailnet == held.tailnet


@pytest.mark.parametrize("kind", [NodeJoined, NodeChanged])
def test_what_a_caller_does_to_a_posture_afterwards_changes_no_past(kind: Any) -> None:
    posture: dict[str, str | int | float | bool] = {}
    given = node(id="n2" if kind is NodeChanged else "third", posture=posture)
    held = after(kind(given)).roster
    posture["node:os"] = "linux"
    assert held.tailnet.node("third").posture == {}
    (step,) = held.after([NodeChanged(given)]).nodes
    assert step.before != step.after


def test_a_member_more_in_the_list_of_a_caller_changes_no_past() -> None:
    members = [ANN]
    held = after(mistyped(GroupChanged, GROUP, members)).roster
    members.append(BEN)
    assert held.groups[GROUP] == (ANN,)


@pytest.mark.parametrize(
    ("double", "code"),
    [
        (node("OLD"), "tailnet-duplicate-name"),
        (node("x", id="n2"), "tailnet-duplicate-id"),
        (node("x", "fd7a::1"), "tailnet-duplicate-address"),
        (
            node("x", addresses=(parse_address("100.64.0.3"),) * 2),
            "tailnet-duplicate-address",
        ),
    ],
)
def test_a_tailnet_made_by_hand_has_no_two_nodes_alike(double: Node, code: str) -> None:
    with pytest.raises(TailnetError) as raised:
        Roster.of(replace(tailnet(), nodes=(double, *tailnet().nodes)))
    (found,) = raised.value.diagnostics
    # A node of which nobody knows when it was made is the last.
    assert (found.code, found.primary.path) == (code, "nodes[2]")
