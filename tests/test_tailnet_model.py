from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.addresses import parse_address, parse_prefix
from aclkit.tailnet.model import Node, Role, Tailnet, UnknownNameError, User
from aclkit.tailnet.times import parse_time, time_text

FULL: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [
        {"login": "alice@example.com", "name": "Alice", "role": "owner"},
        {"login": "guest@example.org", "name": "guest", "role": "member", "type": "shared"},
    ],
    "groups": {"group:ops@example.com": ["alice@example.com"]},
    "nodes": [
        {
            "name": "router-1",
            "tags": ["tag:exit", "tag:router"],
            "addresses": ["100.64.0.2", "fd7a:115c:a1e0::2"],
            "advertised_routes": ["10.0.0.0/16", "0.0.0.0/0", "::/0"],
            "approved_routes": ["10.0.0.0/16"],
            "online": False,
            "created": "2026-01-31T10:00:00.5Z",
            "posture": {"node:os": "linux", "custom:score": 80},
            "id": "n7",
        },
        {"name": "laptop", "user": "alice@example.com", "addresses": ["100.64.0.1"]},
    ],
    "services": [
        {
            "name": "svc:web",
            "tags": ["tag:web"],
            "addresses": ["100.64.0.9"],
            "hosts": ["router-1"],
            "approved": True,
        }
    ],
}


def test_a_tailnet_gives_back_what_it_was_read_from() -> None:
    tailnet = Tailnet.from_dict(FULL)

    assert tailnet.to_dict() == FULL
    assert Tailnet.from_dict(tailnet.to_dict()) == tailnet


def test_a_tailnet_is_picklable() -> None:
    tailnet = Tailnet.from_dict(FULL)
    tailnet.node("laptop")

    assert pickle.loads(pickle.dumps(tailnet)) == tailnet


def test_a_tailnet_shares_nothing_with_the_data_it_was_read_from() -> None:
    data = {
        "groups": {"group:a": ["u@x"]},
        "nodes": [{"name": "a", "user": "u@x", "addresses": ["1.1.1.1"], "posture": {"k": 1}}],
    }
    tailnet = Tailnet.from_dict(data)
    data["nodes"][0]["posture"]["k"] = 2  # type: ignore[index]
    data["groups"].clear()  # type: ignore[attr-defined]

    assert tailnet.nodes[0].posture == {"k": 1}
    assert tailnet.groups == {"group:a": ("u@x",)}


def test_what_is_left_out_has_its_default() -> None:
    tailnet = Tailnet.from_dict(
        {"nodes": [{"name": "a", "user": "u@example.com", "addresses": ["100.64.0.1"]}]}
    )

    assert tailnet.users == (User("u@example.com", "u", Role.MEMBER, "member", None),)
    assert tailnet.domains == ("example.com",)
    assert tailnet.nodes == (
        Node(name="a", id="a", user="u@example.com", addresses=(parse_address("100.64.0.1"),)),
    )
    node = tailnet.nodes[0]
    assert (node.approved_routes, node.online, node.created, node.posture) == (None, True, None, {})


def test_no_approved_routes_differ_from_routes_left_to_the_policy() -> None:
    base = {"name": "r", "tags": ["tag:r"], "addresses": ["100.64.0.1"]}

    given = Tailnet.from_dict({"nodes": [{**base, "approved_routes": []}]})
    assert given.nodes[0].approved_routes == ()
    assert given.to_dict()["nodes"][0]["approved_routes"] == []
    assert Tailnet.from_dict({"nodes": [base]}).nodes[0].approved_routes is None


def test_users_left_out_are_the_owners_of_nodes_in_the_order_of_the_file() -> None:
    nodes = [
        {"name": "1", "user": "zoe@x.org", "addresses": ["1.1.1.1"]},
        {"name": "2", "tags": ["tag:a"], "addresses": ["1.1.1.2"]},
        {"name": "3", "user": "ann@y.org", "addresses": ["1.1.1.3"]},
        {"name": "4", "user": "zoe@x.org", "addresses": ["1.1.1.4"]},
    ]
    tailnet = Tailnet.from_dict({"nodes": nodes})

    assert [user.login for user in tailnet.users] == ["zoe@x.org", "ann@y.org"]
    assert tailnet.domains == ("x.org", "y.org")


def test_shared_users_bring_no_domain() -> None:
    users = [{"login": "a@x.org"}, {"login": "b@y.org", "type": "shared"}, {"login": "c"}]

    assert Tailnet.from_dict({"users": users}).domains == ("x.org",)


def test_domains_that_are_given_are_in_force_also_when_empty() -> None:
    assert Tailnet.from_dict({"users": [{"login": "a@x.org"}], "domains": []}).domains == ()


def test_nodes_stand_in_the_order_of_creation_unknown_last_then_by_name() -> None:
    def node(number: int, name: str, **more: object) -> dict[str, object]:
        return {"name": name, "tags": ["tag:a"], "addresses": [f"1.1.1.{number}"], **more}

    data = {
        "nodes": [
            node(1, "young", created=9),
            node(2, "unknown-b"),
            node(3, "unknown-a", created=""),
            node(4, "old", created=-1),
            node(5, "middle-b", created=0),
            node(6, "middle-a", created=0),
        ]
    }
    names = [each.name for each in Tailnet.from_dict(data).nodes]

    assert names == ["old", "middle-a", "middle-b", "young", "unknown-a", "unknown-b"]


def test_a_tailnet_of_nodes_puts_them_in_order_too() -> None:
    nodes = (Node("b"), Node("c", created=1), Node("a"))

    assert [node.name for node in Tailnet(nodes=nodes).nodes] == ["c", "a", "b"]


def test_times_are_compared_across_zones_to_the_nanosecond() -> None:
    def node(number: int, created: str) -> dict[str, object]:
        name, address = str(number), f"1.1.1.{number}"
        return {"name": name, "tags": ["tag:a"], "addresses": [address], "created": created}

    data = {
        "nodes": [
            node(1, "2026-01-31T10:00:00.000000002Z"),
            node(2, "2026-01-31T12:00:00.000000001+02:00"),
            node(3, "0001-01-01T00:00:00Z"),
        ]
    }
    tailnet = Tailnet.from_dict(data)

    assert [each.name for each in tailnet.nodes] == ["2", "1", "3"]
    assert [each.created for each in tailnet.nodes][2] is None
    assert tailnet.to_dict()["nodes"][0]["created"] == "2026-01-31T10:00:00.000000001Z"


def test_addresses_stand_ipv4_first() -> None:
    addresses = ["fd7a::2", "100.64.0.2", "fd7a::1", "100.64.0.1"]
    node = {"name": "a", "tags": ["tag:a"], "addresses": addresses}
    read = Tailnet.from_dict({"nodes": [node]}).nodes[0]

    assert [str(each) for each in read.addresses] == [
        "100.64.0.2",
        "100.64.0.1",
        "fd7a::2",
        "fd7a::1",
    ]
    assert (read.ipv4, read.ipv6) == (parse_address("100.64.0.2"), parse_address("fd7a::2"))


def test_a_node_may_have_one_family_only() -> None:
    node = Node("a", tags=("tag:a",), addresses=(parse_address("fd7a::1"),))

    assert node.ipv4 is None
    assert node.ipv6 == parse_address("fd7a::1")
    assert node.is_tagged
    assert Node("b", user="u@x").ipv6 is None
    assert not Node("b", user="u@x").is_tagged


def test_repeated_tags_and_routes_count_once() -> None:
    node = {
        "name": "a",
        "tags": ["tag:b", "tag:a", "tag:b"],
        "addresses": ["1.1.1.1"],
        "advertised_routes": ["10.0.0.0/8", "192.0.2.0/24", "10.0.0.0/8"],
    }
    read = Tailnet.from_dict({"nodes": [node]}).nodes[0]

    assert read.tags == ("tag:a", "tag:b")
    assert read.advertised_routes == (parse_prefix("10.0.0.0/8"), parse_prefix("192.0.2.0/24"))


def test_a_service_names_its_hosts_as_the_nodes_are_spelt() -> None:
    data = {
        "nodes": [{"name": "Web-1", "tags": ["tag:web"], "addresses": ["1.1.1.1"]}],
        "services": [{"name": "svc:web", "hosts": ["web-1", "WEB-1"]}],
    }
    service = Tailnet.from_dict(data).services[0]

    assert service.hosts == ("Web-1",)
    assert service.approved


def test_a_node_is_found_by_its_name_in_any_case_and_by_its_exact_id() -> None:
    tailnet = Tailnet.from_dict(FULL)

    assert tailnet.node("ROUTER-1") is tailnet.node("n7")
    with pytest.raises(UnknownNameError):
        tailnet.node("N7")


def test_a_name_goes_before_an_id() -> None:
    nodes = [
        {"name": "1", "id": "2", "tags": ["tag:a"], "addresses": ["1.1.1.1"]},
        {"name": "2", "id": "1", "tags": ["tag:a"], "addresses": ["1.1.1.2"]},
    ]

    assert Tailnet.from_dict({"nodes": nodes}).node("2").id == "1"


def test_an_unknown_name_is_a_key_error_with_a_near_miss() -> None:
    tailnet = Tailnet.from_dict(FULL)

    with pytest.raises(KeyError) as raised:
        tailnet.node("route-1")
    assert str(raised.value) == "the tailnet has no node `route-1`; did you mean `router-1`?"
    with pytest.raises(UnknownNameError) as unknown:
        tailnet.user("Alice@example.com")
    assert str(unknown.value) == (
        "the tailnet has no user `Alice@example.com`; did you mean `alice@example.com`?"
    )
    assert tailnet.user("alice@example.com").role is Role.OWNER


def test_looking_up_changes_neither_equality_nor_copies() -> None:
    tailnet = Tailnet.from_dict(FULL)
    tailnet.node("laptop")
    tailnet.user("alice@example.com")

    assert tailnet == Tailnet.from_dict(FULL)
    fewer = replace(tailnet, nodes=tailnet.nodes[1:])
    with pytest.raises(UnknownNameError):
        fewer.node("n7")


def test_the_model_is_imported_without_pydantic() -> None:
    code = "import sys, aclkit.tailnet.model; print('pydantic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("1970-01-01T00:00:00.000000001Z", 1),
        ("1969-12-31T23:59:59.9Z", -100_000_000),
        ("1970-01-01T01:30:00+01:30", 0),
        ("2026-02-03T04:05:06.123456789-08:00", 1_770_120_306_123_456_789),
        ("", None),
        ("0001-01-01T00:00:00Z", None),
        ("0001-01-01T01:00:00+01:00", None),
    ],
)
def test_a_time_is_read_exactly(text: str, nanoseconds: int | None) -> None:
    assert parse_time(text) == nanoseconds


@pytest.mark.parametrize(
    "text",
    [
        "2026-01-31",
        "2026-01-31T10:00:00",
        "2026-01-31 10:00:00Z",
        "2026-02-30T10:00:00Z",
        "2026-01-31T24:00:01Z",
        "2026-01-31T10:00:60Z",
        "2026-01-31T10:00:00.1234567890Z",
        "2026-01-31T10:00:00+24:00",
        "2026-01-31T10:00:00+01:60",
        "2026-01-31T10:00:00z",
        "٢026-01-31T10:00:00Z",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        " 2026-01-31T10:00:00Z",
        "2026-01-31T10:00:00Z\n",
    ],
)
def test_what_is_no_time_with_a_zone_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not"):
        parse_time(text)


@given(st.integers(-62_135_596_800 * 10**9 + 1, 253_402_300_800 * 10**9 - 1))
def test_a_time_is_written_as_it_is_read(nanoseconds: int) -> None:
    assert parse_time(time_text(nanoseconds)) == nanoseconds
