from __future__ import annotations

import json
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.diagnostics import TailnetError
from aclkit.source import Source
from aclkit.tailnet.importers import (
    ImportResult,
    import_headscale,
    import_tailscale_api,
    import_tailscale_status,
    inventory_source,
    parse_inventory,
)
from aclkit.tailnet.model import Tailnet
from aclkit.tailnet.times import parse_time

DATA = Path(__file__).parent / "data" / "tailnet"
NOW = parse_time("2026-04-01T00:00:00Z")


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


def api(**changes: Any) -> ImportResult:
    """The import of all answers of the API that the tests have, with *changes*."""
    documents: dict[str, Any] = {
        "users": read("api_users.json"),
        "services": read("api_services.json"),
        "service_hosts": {"svc:wiki": read("api_wiki_hosts.json")},
        "attributes": read("api_attributes.json"),
        "tailnet_name": "corp.test",
        "now": NOW,
    }
    return import_tailscale_api(read("api_devices.json"), **{**documents, **changes})


def status() -> ImportResult:
    return import_tailscale_status(read("status.json"))


def old_headscale() -> ImportResult:
    return import_headscale(
        read("headscale_0.25_nodes.json"),
        users=read("headscale_0.25_users.json"),
        routes=read("headscale_0.25_routes.json"),
        now=NOW,
    )


def node(result: ImportResult, name: str) -> dict[str, Any]:
    (found,) = [each for each in result.tailnet_dict["nodes"] if each["name"] == name]
    return dict(found)


def names(result: ImportResult) -> list[str]:
    return [each["name"] for each in result.tailnet_dict["nodes"]]


def logins(result: ImportResult) -> list[str]:
    return [each["login"] for each in result.tailnet_dict["users"]]


@pytest.mark.parametrize(
    "result",
    [
        api(),
        import_tailscale_api(read("api_devices.json")),
        status(),
        old_headscale(),
        import_headscale(read("headscale_0.27_nodes.json")),
        import_headscale(read("headscale_rest_nodes.json")),
    ],
)
def test_what_is_imported_is_read_as_it_stands(result: ImportResult) -> None:
    tailnet = Tailnet.from_dict(result.tailnet_dict)

    assert [each.name for each in tailnet.nodes] == names(result)
    assert result.notes


class TestTailscaleApi:
    def test_a_device_has_its_label_stable_id_and_routes_that_are_both(self) -> None:
        assert node(api(), "gate") == {
            "name": "gate",
            "tags": ["tag:gw"],
            "addresses": ["100.70.0.9"],
            "advertised_routes": ["10.9.0.0/16", "0.0.0.0/0", "::/0"],
            "approved_routes": ["10.9.0.0/16"],
            "created": "2026-02-03T04:05:06Z",
            "posture": {
                "custom:level": 80,
                "custom:ok": True,
                "custom:tier": "80",
                "node:os": "linux",
            },
            "id": "nQ7CNTRL",
        }

    def test_devices_that_take_no_part_are_left_out(self) -> None:
        assert names(api()) == ["mac", "mac.corp.beta.test", "gate", "old"]

    def test_nothing_has_expired_without_a_present(self) -> None:
        result = api(now=None)

        assert "phone" in names(result)
        assert node(result, "gate")["posture"]["custom:gone"] == 1
        assert "whether keys and attributes have expired was not looked at" in result.notes

    def test_all_that_is_left_out_or_assumed_is_told(self) -> None:
        assert sorted(api().notes) == [
            "added 1 user whom only devices name, as a member: `cy@corp.test`",
            "dropped 1 approved route that the device does not advertise: `10.8.0.0/16 of gate`",
            "dropped 1 host of services that is not here: `nB2CNTRL`",
            "dropped 1 posture attribute that has expired: `custom:gone`",
            "found no age of 1 device; in elections of routers it comes last: `old`",
            "kept 1 device that blocks all incoming connections, whatever the policy says:"
            " `mac.tail0a1.ts.net.`",
            "kept 1 user with the status suspended, who may have no access now: `bo@corp.test`",
            "left 1 service without a host, as none were given: `svc:chat`",
            "left out 1 device shared in from other tailnets: `theirs.tail0ff.ts.net`",
            "left out 1 device that waits for approval: `new.tail0a1.ts.net`",
            "left out 1 device whose key has expired: `phone.tail0a1.ts.net`",
            "left out 1 device with neither a tag nor a person: `robot`",
            "left out 1 host that may not serve its service: `nA1CNTRL`",
            "left out 1 user of other tailnets: `eve@other.test`",
            "took 1 user with an unknown role for a member: `dee@github`",
            "took the attribute node:os of 1 device from their field os: `macOS`",
            "took the domains of the tailnet from its logins and name: `corp.test`",
        ]

    def test_users_stand_in_the_order_of_creation_then_those_that_devices_name(self) -> None:
        assert api().tailnet_dict["users"] == [
            {"login": "ada@corp.test", "name": "Ada L.", "role": "owner"},
            {"login": "bo@corp.test", "name": "Bo", "role": "admin"},
            {"login": "dee@github", "name": "Dee", "role": "member"},
            {"login": "cy@corp.test", "role": "member"},
        ]

    def test_a_service_has_the_hosts_that_may_serve_it(self) -> None:
        assert api().tailnet_dict["services"] == [
            {
                "name": "svc:chat",
                "tags": [],
                "addresses": ["100.90.0.2"],
                "hosts": [],
                "approved": False,
            },
            {
                "name": "svc:wiki",
                "tags": ["tag:wiki"],
                "addresses": ["100.90.0.1", "fd7a:115c:a1e0::9"],
                "hosts": ["gate"],
                "approved": True,
            },
        ]

    def test_keys_are_matched_in_any_case_and_ids_may_be_numbers(self) -> None:
        devices = {
            "Devices": [
                {
                    "ID": 90071992547409931,
                    "NAME": "a.x.ts.net",
                    "Tags": ["tag:a"],
                    "ADDRESSES": ["1.1.1.1"],
                    "Created": "2026-01-01T00:00:00Z",
                }
            ]
        }

        assert import_tailscale_api(devices).tailnet_dict["nodes"] == [
            {
                "name": "a",
                "tags": ["tag:a"],
                "addresses": ["1.1.1.1"],
                "created": "2026-01-01T00:00:00Z",
                "id": "90071992547409931",
            }
        ]

    def test_labels_that_collide_give_way_to_full_names(self) -> None:
        def device(number: int, name: str) -> dict[str, Any]:
            address = f"1.1.1.{number}"
            return {"id": str(number), "name": name, "tags": ["tag:a"], "addresses": [address]}

        devices = [device(1, "a.x.ts.net"), device(2, "A.x.ts.net"), device(3, "b.x.ts.net")]
        result = import_tailscale_api({"devices": [*devices, device(4, "b.x.ts.net")]})

        assert names(result) == ["2", "4", "a.x.ts.net", "b.x.ts.net"]
        Tailnet.from_dict(result.tailnet_dict)

    def test_posture_of_devices_that_are_not_here_is_told(self) -> None:
        answers = {"8123": {"node:os": "linux"}, "nB2CNTRL": {"attributes": {}}, "9": {}}
        notes = api(attributes=answers).notes

        assert "found no `attributes` in the answer about 1 device: `nQ7CNTRL`" in notes
        assert "did not look at the attributes of 1 device that is not in the list: `9`" in notes

    def test_without_posture_it_is_told_what_does_not_hold(self) -> None:
        assert any(
            "no posture attributes were given" in note for note in api(attributes=None).notes
        )

    @pytest.mark.parametrize(
        ("role", "name", "kind"),
        [
            ("devices", "api_users.json", "the API's list of users"),
            ("devices", "status.json", "the answer of `tailscale status --json`"),
            ("users", "headscale_0.25_users.json", "the list of `headscale users list`"),
            ("services", "api_devices.json", "the API's list of devices"),
            ("attributes", "api_users.json", "the API's list of users"),
            ("routes", "api_attributes.json", "the attributes of devices"),
            ("service_hosts", "api_services.json", "the API's list of services"),
        ],
    )
    def test_another_document_is_named(self, role: str, name: str, kind: str) -> None:
        documents = {"devices": read("api_devices.json"), role: read(name)}
        with pytest.raises(TailnetError) as raised:
            import_tailscale_api(**documents)
        (found,) = raised.value.diagnostics
        assert found.code == "inventory-wrong-form"
        assert found.message.endswith(f"found {kind}")
        assert found.primary.path == role
        assert kind in str(found.help)

    def test_an_error_of_the_api_is_told(self) -> None:
        with pytest.raises(TailnetError, match="`API token invalid`"):
            import_tailscale_api({"message": "API token invalid"})

    def test_the_suffix_of_names_is_compared_without_case(self) -> None:
        def device(number: int, name: str) -> dict[str, Any]:
            address = f"1.1.1.{number}"
            return {"id": str(number), "name": name, "tags": ["tag:a"], "addresses": [address]}

        result = import_tailscale_api([device(1, "a.x.ts.net"), device(2, "b.X.ts.net")])
        assert names(result) == ["a", "b"]

    def test_what_can_not_be_read_is_dropped_and_told(self) -> None:
        device = {
            "id": "1",
            "name": "a",
            "tags": ["tag:a", "tag:a_b"],
            "addresses": ["1.1.1.1/32", "nonsense"],
            "advertisedRoutes": ["10.0.0.1/8", "10.0.0.0/8"],
            "enabledRoutes": ["10.0.0.0/8"],
        }
        twin = {**device, "id": "2", "name": "b"}
        result = import_tailscale_api([device, twin])

        assert node(result, "a") == {
            "name": "a",
            "tags": ["tag:a"],
            "addresses": ["1.1.1.1"],
            "advertised_routes": ["10.0.0.0/8"],
            "approved_routes": ["10.0.0.0/8"],
            "id": "1",
        }
        assert names(result) == ["a"]
        for told in (
            "dropped 2 tags that can't be read: `tag:a_b`",
            "dropped 2 addresses that can't be read: `nonsense`",
            "dropped 1 address that is taken: `1.1.1.1`",
            "dropped 1 advertised route that can't be read: `10.0.0.1/8`",
            "left out 1 device without an address: `b`",
        ):
            assert told in result.notes

    def test_a_list_without_routes_is_told(self) -> None:
        device = {"id": "1", "name": "a", "tags": ["tag:a"], "addresses": ["1.1.1.1"]}
        result = import_tailscale_api({"devices": [device]})

        assert "approved_routes" not in node(result, "a")
        assert any("fields=all" in note for note in result.notes)

    def test_routes_may_come_from_calls_of_their_own(self) -> None:
        device = {"id": "1", "nodeId": "n1", "name": "a", "tags": ["tag:a"], "addresses": ["::1"]}
        routes = {"advertisedRoutes": ["10.0.0.0/8"], "enabledRoutes": []}
        found = node(import_tailscale_api([device], routes={"1": routes}), "a")

        assert (found["advertised_routes"], found["approved_routes"]) == (["10.0.0.0/8"], [])

    def test_only_logins_with_a_domain_and_the_tailnets_name_give_domains(self) -> None:
        users = [{"loginName": name} for name in ("a@x.test", "b@github", "c@passkey", "d@y.test")]
        result = import_tailscale_api([], users=users, tailnet_name="corp.test")

        assert result.tailnet_dict["domains"] == ["x.test", "y.test", "corp.test"]
        result = import_tailscale_api([], users=users, tailnet_name="eve@mail.test")
        assert result.tailnet_dict["domains"] == ["x.test", "y.test"]

    def test_the_owner_of_a_device_stays_shared(self) -> None:
        users = [{"loginName": "a@x.test", "type": "shared"}]
        device = {"id": "1", "name": "a", "user": "a@x.test", "addresses": ["::1"]}
        result = import_tailscale_api([device], users=users)

        assert result.tailnet_dict["users"][0]["type"] == "shared"
        assert result.tailnet_dict["domains"] == []


class TestTailscaleStatus:
    def test_routes_are_what_is_allowed_but_addresses(self) -> None:
        gate = node(status(), "gate")

        assert gate["addresses"] == ["100.70.0.9", "fd7a:115c:a1e0::9"]
        assert gate["advertised_routes"] == gate["approved_routes"]
        assert gate["approved_routes"] == [
            "10.9.0.0/16",
            "192.0.2.7/32",
            "fd7a:115c:a1e0:b1a:0:1:a00:0/104",
            "fd7a:115c:a1e0:b1a::1/128",
            "0.0.0.0/0",
            "::/0",
        ]

    def test_devices_of_others_are_left_out_and_told(self) -> None:
        result = status()

        assert names(result) == ["pc", "gate", "mac"]
        assert result.notes[0].startswith("this is what one node sees")
        for told in (
            "left out 1 device shared in from other tailnets: `x.tail0ff.ts.net`",
            "left out 1 device of others that something is shared with: `funnel-ingress-node`",
            "left out 1 exit node of Mullvad: `se-1.mullvad.ts.net`",
            "left out 1 device whose key has expired: `late.tail0a1.ts.net`",
            "left out 2 addresses of services that devices host: `100.90.0.1/32`,"
            " `fd7a:115c:a1e0::77/128`",
        ):
            assert told in result.notes

    def test_the_role_of_an_untagged_self_is_known(self) -> None:
        assert status().tailnet_dict["users"] == [
            {"login": "bo@corp.test", "name": "Bo", "role": "member"},
            {"login": "ada@corp.test", "name": "Ada L.", "role": "owner"},
        ]

    def test_a_tagged_self_tells_no_role(self) -> None:
        document = read("status.json")
        document["Self"]["Tags"] = ["tag:mac"]
        result = import_tailscale_status(document)

        assert node(result, "mac")["tags"] == ["tag:mac"]
        assert logins(result) == ["bo@corp.test"]

    def test_a_name_without_a_label_gives_way_to_the_id(self) -> None:
        document = read("status.json")
        document["Peer"]["nodekey:ff"]["DNSName"] = ""

        assert "nS7CNTRL" in names(import_tailscale_status(document))

    def test_no_peers_are_told(self) -> None:
        document = {**read("status.json"), "Peer": None}

        assert any("no peers" in note for note in import_tailscale_status(document).notes)

    @pytest.mark.parametrize(
        "document", [None, [], {}, {"BackendState": "NeedsLogin", "CurrentTailnet": None}]
    )
    def test_the_status_of_no_tailnet_is_refused(self, document: object) -> None:
        with pytest.raises(TailnetError) as raised:
            import_tailscale_status(document)
        assert raised.value.diagnostics[0].code == "inventory-wrong-form"

    def test_another_document_is_named(self) -> None:
        with pytest.raises(TailnetError, match="found the API's list of devices"):
            import_tailscale_status(read("api_devices.json"))


class TestHeadscale:
    def test_0_25_is_read_with_its_list_of_routes(self) -> None:
        result = old_headscale()

        assert result.tailnet_dict["nodes"] == [
            {
                "name": "router",
                "tags": ["tag:asked", "tag:router"],
                "addresses": ["100.64.0.2", "fd7a:115c:a1e0::2"],
                "advertised_routes": ["10.0.0.0/16", "0.0.0.0/0"],
                "approved_routes": ["10.0.0.0/16"],
                "created": "2026-01-01T00:00:00.000000005Z",
                "id": "2",
            },
            {
                "name": "pc",
                "user": "ada@",
                "addresses": ["100.64.0.3"],
                "created": "2026-01-01T00:01:40Z",
                "id": "3",
            },
        ]
        assert result.tailnet_dict["users"] == [
            {"login": "ada@", "name": "ada", "role": "member"},
            {
                "login": "bo@corp.test",
                "name": "Bo B.",
                "role": "member",
                "provider_id": "https://idp.test/2",
            },
        ]
        assert result.tailnet_dict["domains"] == ["corp.test"]

    def test_the_tags_of_a_key_count_in_0_26_and_0_27_only(self) -> None:
        nodes = read("headscale_0.27_nodes.json")
        found = node(import_headscale(nodes), "gate")
        assert found["tags"] == ["tag:key"]
        assert found["approved_routes"] == ["10.0.0.0/16"]

        nodes[0]["pre_auth_key"]["user"] = "ada"
        assert node(import_headscale(nodes), "gate")["user"] == "ada@"

    @pytest.mark.parametrize("tags", [{"tags": []}, {}])
    def test_since_0_28_the_tags_of_a_key_do_not_count(self, tags: dict[str, Any]) -> None:
        (old,) = read("headscale_0.27_nodes.json")
        new = {**old, "id": 2, "given_name": "new", "ip_addresses": ["100.64.0.9"], **tags}
        other = {**new, "id": 3, "given_name": "other", "ip_addresses": ["::9"], "tags": ["tag:x"]}

        assert node(import_headscale([new, other]), "new")["user"] == "ada@"

    def test_an_untagged_node_of_the_stand_in_is_nobodys(self) -> None:
        nodes = read("headscale_rest_nodes.json")
        nodes["nodes"][0]["tags"] = []
        result = import_headscale(nodes)

        assert names(result) == ["laptop"]
        assert logins(result) == ["cy@corp.test"]
        assert "left out 1 device with neither a tag nor a person: `gate`" in result.notes

    def test_an_id_in_place_of_a_name_is_told(self) -> None:
        users = [
            {"id": 3, "name": "https://idp.test/3", "provider_id": "https://idp.test/3"},
            {"id": 4, "name": "bo"},
        ]
        notes = import_headscale(None, users=users).notes

        assert any(note.startswith("found no name of 1 user,") for note in notes)
        assert any(note.startswith("gave 1 user without an email") for note in notes)

    def test_routers_that_are_offline_are_told_where_false_is_left_out(self) -> None:
        (gate,) = read("headscale_0.27_nodes.json")
        told = "took 1 router for online that is offline now: `gate`"

        assert told in import_headscale([gate]).notes
        assert told not in import_headscale([{**gate, "online": True}]).notes
        assert told not in import_headscale([{**gate, "available_routes": []}]).notes

    def test_routes_that_are_not_looked_at_are_told(self) -> None:
        routes = [{"id": 1, "node": {"id": 9}, "prefix": "10.0.0.0/8", "enabled": True}]
        notes = import_headscale(read("headscale_0.27_nodes.json"), routes=routes).notes

        assert any(note.startswith("did not look at the routes of 1 node that") for note in notes)

    @pytest.mark.parametrize("name", ["headscale_0.25_users.json", "small_tailnet"])
    def test_another_list_is_named(self, name: str) -> None:
        tailnet = {"nodes": [{"name": "a", "addresses": []}], "users": []}
        with pytest.raises(TailnetError) as raised:
            import_headscale(tailnet if name == "small_tailnet" else read(name))
        (found,) = raised.value.diagnostics
        assert found.message.startswith("expected the list of `headscale nodes list`, found ")
        assert found.help is not None

    def test_answers_of_the_rest_api_are_read(self) -> None:
        result = import_headscale(read("headscale_rest_nodes.json"))

        assert node(result, "gate")["id"] == "9007199254740993"
        assert node(result, "gate")["tags"] == ["tag:gw"]
        assert node(result, "laptop")["user"] == "cy@corp.test"
        assert logins(result) == ["cy@corp.test"]
        assert "took 1 router for online that is offline now: `gate`" in result.notes

    def test_both_styles_of_keys_ids_and_times_mean_the_same(self) -> None:
        snake = [
            {
                "id": 7,
                "ip_addresses": ["100.64.0.1"],
                "given_name": "a",
                "user": {"id": 1, "name": "bo"},
                "created_at": {"seconds": 1767225600},
                "available_routes": ["10.0.0.0/8"],
            }
        ]
        camel = {
            "nodes": [
                {
                    "id": "7",
                    "ipAddresses": ["100.64.0.1"],
                    "givenName": "a",
                    "user": {"id": "1", "name": "bo", "email": ""},
                    "createdAt": "2026-01-01T00:00:00Z",
                    "availableRoutes": ["10.0.0.0/8"],
                    "approvedRoutes": [],
                    "tags": [],
                }
            ]
        }

        assert import_headscale(snake) == import_headscale(camel)

    def test_null_is_a_list_without_nodes(self) -> None:
        assert import_headscale(None).tailnet_dict == {"domains": [], "users": [], "nodes": []}

    def test_the_stand_in_for_tagged_devices_is_no_user(self) -> None:
        users = [{"id": 2147455555, "name": "tagged-devices"}, {"id": 1, "name": "ada"}]

        assert logins(import_headscale(None, users=users)) == ["ada@"]

    @pytest.mark.parametrize("document", [3, "nodes", {"devices": []}, {"nodes": {}}])
    def test_another_document_is_refused(self, document: object) -> None:
        with pytest.raises(TailnetError) as raised:
            import_headscale(document)
        assert raised.value.diagnostics[0].help


class TestReading:
    def test_integers_keep_their_digits(self) -> None:
        text = '[{"id": 90071992547409931234567890, "x": 9007199254740993}]'
        assert parse_inventory(Source("n", text)) == [
            {"id": 90071992547409931234567890, "x": 9007199254740993}
        ]

    @pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le"])
    def test_what_shells_of_windows_write_is_read(self, encoding: str) -> None:
        source = inventory_source('{"devices": ["é"]}'.encode(encoding), "n")
        assert parse_inventory(source) == {"devices": ["é"]}

    @pytest.mark.parametrize(
        ("text", "message", "start"),
        [
            ("", "expected JSON, found an empty file", 0),
            (" \n", "expected JSON, found an empty file", 2),
            ('{"a": }', "this is no JSON: expecting value", 6),
            ("[" * 100_000, "this is no JSON: it nests too deep", 0),
            (f"[{'1' * 5_000}]", "this is no JSON: a number is too long", 0),
            ('// c\n{"acls": [],}', "expected JSON, found a policy", 0),
            ('{"nodes": [], "domains": [],}', "expected JSON, found a tailnet file", 0),
            ("Logged out.", "expected JSON, found what `tailscale status` prints for people", 0),
        ],
    )
    def test_what_is_no_json_is_told_with_its_place(
        self, text: str, message: str, start: int
    ) -> None:
        with pytest.raises(TailnetError) as raised:
            parse_inventory(Source("n", text))
        (found,) = raised.value.diagnostics
        assert (found.code, found.message) == ("inventory-wrong-form", message)
        assert found.primary.span is not None
        assert found.primary.span.start == start


KEYS = [
    "id",
    "name",
    "user",
    "tags",
    "addresses",
    "ip_addresses",
    "given_name",
    "created",
    "attributes",
    "expiries",
    "os",
    "1",
    "TailscaleIPs",
    "AllowedIPs",
    "seconds",
    "nanos",
    "created_at",
    "email",
    "DNSName",
    "UserID",
]
JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from(["1", "a@b.c", "tag:a", "1.1.1.1", "10.0.0.0/8", "2026-01-01T00:00:00Z"]),
        st.text(max_size=3),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(KEYS),
            inner,
            max_size=6,
        ),
    ),
    max_leaves=12,
)


@given(st.lists(JSON, max_size=4), st.lists(JSON, max_size=2))
def test_whatever_lists_hold_the_result_is_a_tailnet(
    things: list[object], others: list[object]
) -> None:
    answers = {"1": others[0]} if others else {}
    status = {
        "Self": things[0] if things else {},
        "Peer": {str(each): thing for each, thing in enumerate(things)},
        "User": {"1": {"LoginName": "a@b.c"}},
        "CurrentTailnet": {"Name": "b.c"},
    }
    imports = [
        partial(import_tailscale_api, things, users=others, attributes=answers, now=NOW),
        partial(import_tailscale_api, things, services=others),
        partial(import_headscale, things, users=others, now=NOW),
        partial(import_headscale, things, routes=others),
        partial(import_tailscale_status, status),
    ]
    for each in imports:
        try:
            result = each()
        except TailnetError:
            continue  # a list that is known to be another one
        written = Tailnet.from_dict(result.tailnet_dict)
        assert Tailnet.from_dict(written.to_dict()) == written


def test_an_import_is_a_function_of_its_input() -> None:
    devices = read("api_devices.json")
    devices["devices"].reverse()
    backwards = import_tailscale_api(devices, users=read("api_users.json"), now=NOW)
    forwards = import_tailscale_api(read("api_devices.json"), users=read("api_users.json"), now=NOW)

    assert backwards.tailnet_dict == forwards.tailnet_dict
