"""Files that are given in place of a policy or a tailnet."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aclkit.checking import check
from aclkit.diagnostics import TailnetError
from aclkit.policy.other_files import FileKind, kind_of_data, kind_of_text
from aclkit.tailnet.load import read_tailnet
from aclkit.tailnet.model import Tailnet
from aclkit.target import ALL_SECTIONS
from tests.command_line import GOOD, invoke

DATA = Path(__file__).parent / "data" / "tailnet"
TAILNET = '{"nodes": [{"name": "a", "tags": ["tag:a"], "addresses": ["100.64.0.1"]}]}'
STATUS = "100.64.0.1      laptop               alice@       macOS   -\n"


def read(name: str) -> str:
    return (DATA / name).read_text(encoding="utf-8")


KINDS = {
    "api_devices.json": FileKind.API_DEVICES,
    "api_users.json": FileKind.API_USERS,
    "api_services.json": FileKind.API_SERVICES,
    "api_attributes.json": FileKind.API_ATTRIBUTES,
    "status.json": FileKind.STATUS,
    "headscale_0.25_nodes.json": FileKind.HEADSCALE_NODES,
    "headscale_0.25_users.json": FileKind.HEADSCALE_USERS,
    "headscale_0.25_routes.json": FileKind.HEADSCALE_ROUTES,
    "headscale_0.27_nodes.json": FileKind.HEADSCALE_NODES,
    "headscale_rest_nodes.json": FileKind.HEADSCALE_NODES,
}


@pytest.mark.parametrize(("name", "kind"), KINDS.items())
def test_an_inventory_is_known_by_what_stands_in_it(name: str, kind: FileKind) -> None:
    assert kind_of_data(json.loads(read(name))) is kind


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (TAILNET, FileKind.TAILNET),
        ('{"users": [{"login": "a@x.test"}]}', FileKind.TAILNET),
        ('{"domains": []}', FileKind.TAILNET),
        ('{"SelfNode": {}, "Peers": []}', FileKind.NETMAP),
        ('{"message": "API token invalid"}', FileKind.API_ERROR),
        ('{"n1": {"advertisedRoutes": [], "enabledRoutes": []}}', FileKind.API_ROUTES),
        ('{"svc:a": {"hosts": []}}', FileKind.API_SERVICE_HOSTS),
        ('{"nodes": [], "acls": []}', FileKind.POLICY),
        ('{"policy": "policy.hujson", "tests": []}', FileKind.SCENARIO),
        ('{"policy": "policy.hujson", "sshTests": []}', FileKind.SCENARIO),
        ('{"policy": {}, "tailnet": {}, "whoCan": []}', FileKind.SCENARIO),
        ('{"policy": "{}", "updatedAt": "2026-03-01T08:00:00Z"}', None),
        ('{"groups": {}}', None),
        ('{"nodes": [], "acl": []}', None),
        ('{"attributes": {}, "more": 1}', None),
        ("{}", None),
        ("[]", None),
        ("[1]", None),
        ("3", None),
    ],
)
def test_a_document_is_known_by_its_keys_or_not_at_all(text: str, kind: FileKind | None) -> None:
    assert kind_of_data(json.loads(text)) is kind


@pytest.mark.parametrize("section", sorted(set(ALL_SECTIONS) - {"groups", "hosts"}))
def test_each_section_marks_a_policy(section: str) -> None:
    assert kind_of_data({section: []}) is FileKind.POLICY


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        (STATUS, FileKind.STATUS_TEXT),
        ("\nfd7a:115c:a1e0::1 laptop alice@ linux -", FileKind.STATUS_TEXT),
        ("Logged out.\n", FileKind.STATUS_TEXT),
        ("ID | Hostname | Name | MachineKey\n1  | a", FileKind.HEADSCALE_TEXT),
        ("- id: 1\n  machine_key: x\n", FileKind.HEADSCALE_TEXT),
        ("<!DOCTYPE html><html>", FileKind.WEB_PAGE),
        ("100.64.0.1", None),
        ("{", None),
        ("", None),
    ],
)
def test_a_text_is_known_by_its_beginning(text: str, kind: FileKind | None) -> None:
    assert kind_of_text(text) is kind


@given(st.text("109.:|ID<html- \n", max_size=40) | st.text(max_size=20))
def test_any_text_has_a_kind_or_none(text: str) -> None:
    assert kind_of_text(text) in (None, *FileKind)


@pytest.mark.parametrize("target", ["tailscale", "headscale@0.29", "headscale@0.25"])
def test_a_tailnet_file_in_place_of_a_policy_is_named(target: str) -> None:
    report = check(TAILNET, target=target)
    helps = {found.help for found in report.diagnostics if found.code.endswith("-field")}
    assert helps == {"this is a tailnet file: give it with `--tailnet`, beside a policy"}


def test_a_list_in_place_of_a_policy_is_named() -> None:
    report = check(read("headscale_0.25_nodes.json"))
    assert "this is the list of `headscale nodes list`" in str(report.diagnostics[0].help)


def test_a_policy_with_an_unknown_key_is_still_a_policy() -> None:
    (found,) = check('{"acls": [], "nodes": []}').diagnostics
    assert found.help == "did you mean `nodeAttrs`?"


def test_inside_of_a_policy_nothing_is_taken_for_another_file() -> None:
    text = '{"acls": [{"nodes": [], "action": "accept", "src": ["*"], "dst": ["*:*"]}]}'
    errors = [found for found in check(text).diagnostics if found.is_error]
    assert ["tailnet" in str(found.help) for found in errors] == [False]


def test_the_text_of_a_status_in_place_of_a_policy_is_named() -> None:
    found = check(STATUS).diagnostics[0]
    assert "`tailscale status --json`" in str(found.help)


@pytest.mark.parametrize("text", [GOOD, f"// a comment\n{GOOD}"])
def test_a_policy_in_place_of_a_tailnet_is_named_once(text: str) -> None:
    with pytest.raises(TailnetError) as raised:
        read_tailnet(text)
    (found,) = raised.value.diagnostics
    assert found.help == "this is a policy: check it with `aclkit check FILE`"


def test_an_inventory_in_place_of_a_tailnet_says_how_to_import_it() -> None:
    with pytest.raises(TailnetError) as raised:
        read_tailnet(read("status.json"))
    (found,) = raised.value.diagnostics
    assert "`aclkit tailnet import --from tailscale-status FILE`" in str(found.help)

    with pytest.raises(TailnetError) as raised:
        Tailnet.from_dict(json.loads(read("api_devices.json")))
    assert "`aclkit tailnet import --from tailscale-api FILE`" in str(
        raised.value.diagnostics[0].help
    )


def test_the_text_of_a_status_in_place_of_a_tailnet_is_named(tmp_path: Path) -> None:
    (tmp_path / "policy.hujson").write_text(GOOD)
    (tmp_path / "status.txt").write_text(STATUS)
    result = invoke("check", f"{tmp_path}/policy.hujson", "--tailnet", f"{tmp_path}/status.txt")
    assert result.exit_code == 2
    assert "help: this is what `tailscale status` prints for people" in result.stderr


def test_a_wrong_tailnet_file_keeps_all_its_findings() -> None:
    with pytest.raises(TailnetError) as raised:
        read_tailnet('{"nodes": [{"nam": "a"}], "usrs": []}')
    assert len(raised.value.diagnostics) > 2


def test_a_host_that_is_a_device_is_told_so() -> None:
    tailnet = read_tailnet(TAILNET.replace('"a"', '"Db-1"'))
    text = GOOD.replace("tag:web:443", "db-1:443")
    (found,) = (f for f in check(text, tailnet=tailnet).diagnostics if f.code == "undefined-host")
    assert found.help == (
        "`Db-1` is a device, and policies don't know devices by name: define it in `hosts`, as"
        " `100.64.0.1`, or name a tag or user of it"
    )
    (found,) = (f for f in check(text).diagnostics if f.code == "undefined-host")
    assert "device" not in str(found.help)


@pytest.mark.parametrize(
    ("target", "code"),
    [("headscale@0.29", "absent-rules"), ("headscale@0.23", "empty-policy")],
)
def test_what_a_policy_leaves_out_is_told_at_its_bracket(target: str, code: str) -> None:
    text = "// one { comment\n/* [two] */ {}"
    spans = {f.code: f.primary.span for f in check(text, target=target).diagnostics}
    span = spans[code]
    assert span is not None
    assert (span.start, text[span.start : span.end]) == (text.rindex("{"), "{")
