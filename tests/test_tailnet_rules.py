from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import aclkit.tailnet
from aclkit.catalogue.tailnet import TAILNET
from aclkit.diagnostics import Diagnostic, TailnetError
from aclkit.limits import TailnetLimits
from aclkit.tailnet.model import Tailnet

NODE = {"name": "a", "tags": ["tag:a"], "addresses": ["100.64.0.1"]}


def node(**changes: Any) -> dict[str, Any]:
    """A right node with *changes*; a None takes the key away."""
    return {key: value for key, value in {**NODE, **changes}.items() if value is not None}


def findings(data: object, **limits: int) -> tuple[Diagnostic, ...]:
    with pytest.raises(TailnetError) as raised:
        Tailnet.from_dict(data, limits=TailnetLimits(**limits))
    return raised.value.diagnostics


def only(data: object, **limits: int) -> Diagnostic:
    found = findings(data, **limits)
    assert len(found) == 1, found
    return found[0]


def told(data: object) -> list[tuple[str, str]]:
    return [(each.code, each.primary.path) for each in findings(data)]


@pytest.mark.parametrize(
    ("data", "code", "path", "message"),
    [
        ([], "tailnet-wrong-type", "", "this must be an object, not an array"),
        (None, "tailnet-wrong-type", "", "this must be an object, not null"),
        (
            {"nodes": {}},
            "tailnet-wrong-type",
            "nodes",
            "`nodes` must be an array, not an object",
        ),
        ({"nodes": [3]}, "tailnet-wrong-type", "nodes[0]", "this must be an object, not a number"),
        (
            {"nodes": [node(name=5)]},
            "tailnet-wrong-type",
            "nodes[0].name",
            "`name` must be a string, not a number",
        ),
        (
            {"nodes": [node(tags="tag:a")]},
            "tailnet-wrong-type",
            "nodes[0].tags",
            "`tags` must be an array, not `tag:a`",
        ),
        (
            {"nodes": [node(online="1")]},
            "tailnet-wrong-type",
            "nodes[0].online",
            "`online` must be true or false, not `1`",
        ),
        (
            {"nodes": [node(online=1)]},
            "tailnet-wrong-type",
            "nodes[0].online",
            "`online` must be true or false, not a number",
        ),
        (
            {"nodes": [node(addresses=("100.64.0.1",))]},
            "tailnet-wrong-type",
            "nodes[0].addresses",
            "`addresses` must be an array, not a Python tuple",
        ),
        (
            {"groups": {"group:a": ["u@x", 3]}},
            "tailnet-wrong-type",
            'groups["group:a"][1]',
            "this must be a string, not a number",
        ),
        ({"users": [{"role": "owner"}]}, "tailnet-missing-key", "users[0]", "a user needs `login`"),
        (
            {"users": [{"login": "u@x", "role": "Owner"}]},
            "tailnet-unknown-role",
            "users[0].role",
            "`Owner` is not a role",
        ),
        (
            {"users": [{"login": "u@x", "role": 3}]},
            "tailnet-unknown-role",
            "users[0].role",
            "a number is not a role",
        ),
        (
            {"users": [{"login": "u@x", "type": "guest"}]},
            "tailnet-unknown-user-type",
            "users[0].type",
            "`guest` is not a type of user",
        ),
        ({"nodez": []}, "tailnet-unknown-key", "nodez", "a tailnet has no key `nodez`"),
        (
            {"services": [{"name": "svc:a", "ports": []}]},
            "tailnet-unknown-key",
            "services[0].ports",
            "a service has no key `ports`",
        ),
    ],
)
def test_a_value_of_the_wrong_kind_is_told_by_its_path(
    data: object, code: str, path: str, message: str
) -> None:
    found = only(data)

    assert (found.code, found.primary.path, found.message) == (code, path, message)
    assert found.primary.span is None
    assert found.help


@pytest.mark.parametrize(
    ("changes", "code", "path", "help"),
    [
        ({"name": ""}, "tailnet-bad-name", "name", "use printable"),
        ({"name": "a "}, "tailnet-bad-name", "name", "use printable"),
        ({"name": "a\x1b[2J"}, "tailnet-bad-name", "name", "use printable"),
        ({"name": "\ud800"}, "tailnet-bad-name", "name", "use printable"),
        ({"id": ""}, "tailnet-bad-name", "id", "use printable"),
        ({"tags": ["db"]}, "tailnet-bad-tag", "tags[0]", "did you mean `tag:db`?"),
        ({"tags": ["tag:9"]}, "tailnet-bad-tag", "tags[0]", "a tag is `tag:` and a letter"),
        ({"tags": ["tag:é"]}, "tailnet-bad-tag", "tags[0]", "a tag is `tag:` and a letter"),
        ({"tags": ["tag:a", "tag:"]}, "tailnet-bad-tag", "tags[1]", "a tag is"),
        ({"tags": ["tag:a\n"]}, "tailnet-bad-tag", "tags[0]", "a tag is"),
        (
            {"addresses": ["100.64.0.1/32"]},
            "tailnet-bad-address",
            "addresses[0]",
            "write `100.64.0.1`: an address here has no prefix length",
        ),
        ({"addresses": ["100.64.0.01"]}, "tailnet-bad-address", "addresses[0]", "write an address"),
        ({"addresses": ["fe80::1%eth0"]}, "tailnet-bad-address", "addresses[0]", "write an"),
        ({"addresses": []}, "tailnet-no-address", "addresses", "give it the addresses"),
        (
            {"advertised_routes": ["10.0.0.1/8"]},
            "tailnet-bad-route",
            "advertised_routes[0]",
            "did you mean `10.0.0.0/8`?",
        ),
        (
            {"advertised_routes": ["fd00::1"]},
            "tailnet-bad-route",
            "advertised_routes[0]",
            "did you mean `fd00::1/128`?",
        ),
        (
            {"advertised_routes": ["10.0.0.0/08"]},
            "tailnet-bad-route",
            "advertised_routes[0]",
            "write a CIDR",
        ),
        (
            {"advertised_routes": ["10.0.0.0/8"], "approved_routes": ["10.1.0.0/16"]},
            "tailnet-unadvertised-route",
            "approved_routes[0]",
            "add it to `advertised_routes`",
        ),
        (
            {"approved_routes": ["0.0.0.0/0"]},
            "tailnet-unadvertised-route",
            "approved_routes[0]",
            "add it to `advertised_routes`",
        ),
        ({"created": "2026-01-31T10:00:00"}, "tailnet-bad-created", "created", "write a time"),
        ({"created": True}, "tailnet-bad-created", "created", "write a time"),
        ({"created": 1.5}, "tailnet-bad-created", "created", "write a time"),
        ({"created": []}, "tailnet-bad-created", "created", "write a time"),
        ({"posture": {"k": []}}, "tailnet-bad-posture", "posture.k", "write a string"),
        ({"posture": {"k": float("nan")}}, "tailnet-bad-posture", "posture.k", "write a string"),
        ({"posture": {"": 1}}, "tailnet-bad-name", 'posture[""]', "use printable"),
        ({"posture": {"node:os": None}}, "tailnet-bad-posture", 'posture["node:os"]', "write a"),
        ({"tags": None}, "tailnet-no-identity", "", "add `user`"),
        ({"tags": []}, "tailnet-no-identity", "", "add `user`"),
        ({"user": "u@x"}, "tailnet-user-and-tags", "tags", "keep one of the two"),
        ({"tags": None, "user": "u x"}, "tailnet-bad-login", "user", "write it as policies do"),
        ({"addres": 1}, "tailnet-unknown-key", "addres", "did you mean `addresses`?"),
        ({"Name": "b"}, "tailnet-unknown-key", "Name", "did you mean `name`?"),
        ({"zzz": 1}, "tailnet-unknown-key", "zzz", "its keys are name, id, user"),
    ],
)
def test_what_a_node_can_not_be_is_told_with_help(
    changes: dict[str, Any], code: str, path: str, help: str
) -> None:
    found = only({"nodes": [node(**changes)]})

    assert found.code == code
    assert found.primary.path == f"nodes[0].{path}".rstrip(".").replace(".[", "[")
    assert found.help is not None
    assert found.help.startswith(help)


@pytest.mark.parametrize(
    ("data", "code", "path"),
    [
        ({"domains": ["a@b"]}, "tailnet-bad-domain", "domains[0]"),
        ({"domains": [""]}, "tailnet-bad-domain", "domains[0]"),
        ({"groups": {"ops": []}}, "tailnet-bad-group", "groups.ops"),
        ({"groups": {"group:a": [""]}}, "tailnet-bad-login", 'groups["group:a"][0]'),
        ({"users": [{"login": ""}]}, "tailnet-bad-login", "users[0].login"),
        ({"users": [{"login": "u", "name": "\n"}]}, "tailnet-bad-name", "users[0].name"),
        ({"services": [{"name": "web"}]}, "tailnet-bad-service", "services[0].name"),
        ({"services": [{"name": "svc:-"}]}, "tailnet-bad-service", "services[0].name"),
        (
            {"services": [{"name": "svc:a", "addresses": ["1.1.1.1", "1.1.1.1"]}]},
            "tailnet-duplicate-address",
            "services[0].addresses[1]",
        ),
        (
            {"services": [{"name": "svc:a", "hosts": ["b"]}]},
            "tailnet-unknown-host",
            "services[0].hosts[0]",
        ),
    ],
)
def test_what_other_entries_can_not_be_is_told(data: object, code: str, path: str) -> None:
    found = only(data)

    assert (found.code, found.primary.path) == (code, path)


@pytest.mark.parametrize(
    ("second", "code", "path", "first"),
    [
        ({"name": "A"}, "tailnet-duplicate-name", "nodes[1].name", "nodes[0].name"),
        ({"id": "a"}, "tailnet-duplicate-id", "nodes[1].id", "nodes[0]"),
        (
            {"addresses": ["1.1.1.1", "100.64.0.1"]},
            "tailnet-duplicate-address",
            "nodes[1].addresses[1]",
            "nodes[0].addresses[0]",
        ),
    ],
)
def test_what_is_taken_is_told_with_the_place_that_has_it(
    second: dict[str, Any], code: str, path: str, first: str
) -> None:
    other = node(**{"name": "b", "addresses": ["1.1.1.1"], **second})
    found = only({"nodes": [node(), other]})

    assert (found.code, found.primary.path) == (code, path)
    assert [label.path for label in found.related] == [first]


def test_an_address_of_a_service_may_not_be_that_of_a_node() -> None:
    data = {"nodes": [node()], "services": [{"name": "svc:a", "addresses": ["100.64.0.1"]}]}
    found = only(data)

    assert found.code == "tailnet-duplicate-address"
    assert found.related[0].path == "nodes[0].addresses[0]"


def test_an_address_is_taken_in_whatever_way_it_is_written() -> None:
    nodes = [
        node(addresses=["fd7a::1", "::100"]),
        node(name="b", addresses=["fd7a:0::0:1", "0.0.1.0"]),
    ]

    assert told({"nodes": nodes}) == [("tailnet-duplicate-address", "nodes[1].addresses[0]")]


def test_two_users_of_one_login_are_told() -> None:
    found = only({"users": [{"login": "u@x"}, {"login": "u@x"}]})

    assert (found.code, found.primary.path) == ("tailnet-duplicate-login", "users[1].login")
    assert found.related[0].path == "users[0].login"
    assert (
        Tailnet.from_dict({"users": [{"login": "u@x"}, {"login": "U@x"}]}).users[1].login == "U@x"
    )


def test_two_services_of_one_name_are_told() -> None:
    found = only({"services": [{"name": "svc:web"}, {"name": "svc:Web"}]})

    assert (found.code, found.primary.path) == ("tailnet-duplicate-name", "services[1].name")


def test_a_node_of_an_unlisted_user_is_told_with_a_near_miss() -> None:
    data = {
        "users": [{"login": "alice@example.com"}],
        "nodes": [node(tags=None, user="alcie@example.com")],
    }
    found = only(data)

    assert (found.code, found.primary.path) == ("tailnet-unknown-user", "nodes[0].user")
    assert found.help == "did you mean `alice@example.com`?"


def test_an_unreadable_user_does_not_make_others_unknown() -> None:
    data = {"users": [{"login": 3}], "nodes": [node(tags=None, user="u@x")]}
    assert told(data) == [("tailnet-wrong-type", "users[0].login")]

    data = {"users": 3, "nodes": [node(tags=None, user="u@x")]}  # type: ignore[dict-item]
    assert told(data) == [("tailnet-wrong-type", "users")]

    data = {"users": [{"login": "u@x", "role": 1}], "nodes": [node(tags=None, user="u@x")]}
    assert told(data) == [("tailnet-unknown-role", "users[0].role")]


def test_an_unreadable_node_does_not_make_a_host_unknown() -> None:
    services = [{"name": "svc:web", "hosts": ["a"]}]

    for broken in (node(online=3), node(name=3)):
        assert len(findings({"nodes": [broken], "services": services})) == 1
    assert len(findings({"nodes": 3, "services": services})) == 1


def test_times_and_ranks_do_not_mix() -> None:
    nodes = [
        node(name="a", addresses=["1.1.1.1"], created=""),
        node(name="b", addresses=["1.1.1.2"], created="2026-01-31T10:00:00Z"),
        node(name="c", addresses=["1.1.1.3"], created=1),
        node(name="d", addresses=["1.1.1.4"], created=2),
    ]
    found = only({"nodes": nodes})

    assert (found.code, found.primary.path) == ("tailnet-mixed-created", "nodes[2].created")
    assert found.related[0].path == "nodes[1].created"


def test_attributes_may_not_differ_in_case_only() -> None:
    found = only({"nodes": [node(posture={"custom:a": 1, "custom:A": 1})]})

    assert found.code == "tailnet-bad-posture"
    assert found.related[0].path == 'nodes[0].posture["custom:a"]'


def test_all_that_is_wrong_is_told_at_once() -> None:
    data = {
        "domains": [1],
        "users": [{"login": "u@x", "rol": "owner"}],
        "nodes": [
            node(online="yes"),
            node(name="b", addresses=["nonsense"], tags=["x"], color="red"),
            node(name="c", addresses=["1.1.1.1"], tags=None, user="v@x"),
        ],
        "services": [{"name": "svc:web", "hosts": ["d"], "addresses": ["1.1.1.1"]}],
    }

    assert told(data) == [
        ("tailnet-wrong-type", "domains[0]"),
        ("tailnet-wrong-type", "nodes[0].online"),
        ("tailnet-bad-address", "nodes[1].addresses[0]"),
        ("tailnet-unknown-key", "nodes[1].color"),
        ("tailnet-bad-tag", "nodes[1].tags[0]"),
        ("tailnet-unknown-user", "nodes[2].user"),
        ("tailnet-duplicate-address", "services[0].addresses[0]"),
        ("tailnet-unknown-host", "services[0].hosts[0]"),
        ("tailnet-unknown-key", "users[0].rol"),
    ]


def test_the_error_says_how_much_more_there_is() -> None:
    with pytest.raises(TailnetError) as raised:
        Tailnet.from_dict({"nodes": 3, "users": 3})

    assert str(raised.value) == "nodes: `nodes` must be an array, not a number (and 1 more)"


def test_messages_show_long_and_unprintable_text_safely() -> None:
    found = only({"nodes": [node(tags=["tag:\x1b[31m" + "x" * 10_000])]})

    assert found.message.isprintable()
    assert len(found.message) < 120
    assert only({"\ud800": 1}).message.encode()


@pytest.mark.parametrize(
    ("limits", "code"),
    [
        ({"nodes": 2}, "limit-tailnet-nodes"),
        ({"members": 5}, "limit-tailnet-members"),
    ],
)
def test_beyond_a_limit_reading_stops_with_one_error(limits: dict[str, int], code: str) -> None:
    nodes = [node(name=str(each), addresses=[f"1.1.1.{each}"]) for each in range(3)]

    assert only({"nodes": nodes}, **limits).code == code
    assert len(Tailnet.from_dict({"nodes": nodes}, limits=TailnetLimits(nodes=3, members=6)).nodes)


@pytest.mark.parametrize(
    "data",
    [
        {"domains": ["a", "b"]},
        {"users": [{"login": "a"}, {"login": "b"}]},
        {"groups": {"group:a": ["a"]}},
        {"services": [{"name": "svc:a", "addresses": ["1.1.1.1"]}]},
        {"nodes": [node(posture={"a": 1})]},
        {"nodes": [node(advertised_routes=["10.0.0.0/8"])]},
    ],
)
def test_every_list_is_charged(data: dict[str, Any]) -> None:
    assert only(data, members=1).code == "limit-tailnet-members"


def test_reading_stops_after_a_thousand_errors() -> None:
    found = findings({"users": [{"login": "u@x"}], "nodes": [{"nam": 1}] * 2_000})

    assert sum(each.code == "limit-tailnet-errors" for each in found) == 1
    assert len(found) == 1_001


def test_the_catalogue_holds_the_codes_of_this_room_and_no_others() -> None:
    room = Path(aclkit.tailnet.__file__).parent
    sources = "".join(path.read_text(encoding="utf-8") for path in room.rglob("*.py"))
    told_somewhere = re.findall(r'"((?:tailnet|limit-tailnet|inventory)-[a-z-]+)"', sources)

    assert {entry.code for entry in TAILNET} == set(told_somewhere)
    assert len(TAILNET) == len({entry.code for entry in TAILNET})


def _replace_anything(data: Any, choose: Callable[[int], int], junk: object) -> Any:
    """A copy of *data* in which one value, found by *choose*, is *junk*."""
    changed = copy.deepcopy(data)
    container = changed
    while True:
        keys = list(container) if isinstance(container, dict) else list(range(len(container)))
        if not keys:
            return changed
        key = keys[choose(len(keys))]
        if not isinstance(container[key], dict | list) or choose(3) == 0:
            container[key] = junk
            return changed
        container = container[key]


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.just("tag:a"),
    st.just("100.64.0.1"),
    st.just("\ud800"),
    st.lists(st.text(max_size=3), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
WHOLE: dict[str, Any] = {
    "domains": ["example.com"],
    "users": [{"login": "u@x", "name": "u", "role": "owner", "type": "member"}],
    "groups": {"group:a": ["u@x"]},
    "nodes": [
        node(advertised_routes=["10.0.0.0/8"], approved_routes=[], created=4, posture={"k": 1}),
        node(name="b", id="i", tags=None, user="u@x", addresses=["1.1.1.1", "::1"], online=True),
    ],
    "services": [{"name": "svc:a", "tags": ["tag:a"], "addresses": ["1.1.1.2"], "hosts": ["a"]}],
}


@given(st.data(), JUNK)
def test_any_data_gives_a_tailnet_that_reads_back_or_an_error_with_help(
    data: st.DataObject, junk: object
) -> None:
    changed = _replace_anything(WHOLE, lambda most: data.draw(st.integers(0, most - 1)), junk)
    known = {entry.code for entry in TAILNET}
    try:
        tailnet = Tailnet.from_dict(changed)
    except TailnetError as wrong:
        for each in wrong.diagnostics:
            assert each.code in known
            assert each.message.isprintable()
    else:
        assert Tailnet.from_dict(tailnet.to_dict()) == tailnet
