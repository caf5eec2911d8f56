from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest

from aclkit.tailnet.importers import import_headscale, import_tailscale_status
from aclkit.tailnet.load import load_tailnet, read_tailnet
from aclkit.tailnet.model import Tailnet
from tests.command_line import GOOD, at_terminal, invoke, spawn

DATA = Path(__file__).parent / "data" / "tailnet"
STATUS = ("--from", "tailscale-status", str(DATA / "status.json"))
HEADSCALE = (
    "--from",
    "headscale",
    str(DATA / "headscale_0.25_nodes.json"),
    str(DATA / "headscale_0.25_users.json"),
)


def read(name: str) -> Any:
    return json.loads((DATA / name).read_text(encoding="utf-8"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in list(os.environ):
        if name.startswith("ACLKIT_"):
            monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def devices(*entries: dict[str, Any]) -> str:
    """Write a list of the API with *entries*, whose keys never expire; return its name."""
    fixed = {"keyExpiryDisabled": True, "authorized": True, "created": "2026-01-01T00:00:00Z"}
    Path("devices.json").write_text(
        json.dumps({"devices": [{**fixed, **entry} for entry in entries]})
    )
    return "devices.json"


GATE = {
    "nodeId": "nQ7CNTRL",
    "id": "90071992547409931",
    "name": "gate.tail0a1.ts.net",
    "tags": ["tag:gw"],
    "addresses": ["100.70.0.9"],
    "advertisedRoutes": ["10.9.0.0/16", "0.0.0.0/0", "::/0"],
    "enabledRoutes": ["10.9.0.0/16", "10.8.0.0/16"],
    "fieldOfTomorrow": {"of": ["any", "shape"]},
}


def test_what_is_printed_is_the_tailnet_that_was_imported() -> None:
    result = invoke("tailnet", "import", *STATUS)
    assert result.exit_code == 0
    imported = import_tailscale_status(read("status.json")).tailnet_dict
    assert read_tailnet(result.stdout) == Tailnet.from_dict(imported)
    assert "aclkit: left out 1 exit node of Mullvad: `se-1.mullvad.ts.net`\n" in result.stderr


def test_a_file_is_what_standard_output_would_be(here: Path) -> None:
    result = invoke("tailnet", "import", *STATUS, "--output", "tailnet.json")
    assert (result.exit_code, result.stdout) == (0, "")
    printed = invoke("tailnet", "import", *STATUS).stdout
    assert (here / "tailnet.json").read_text(encoding="utf-8") == printed
    assert load_tailnet(here / "tailnet.json").to_dict() == json.loads(printed)


def test_each_user_and_node_has_a_line() -> None:
    lines = invoke("tailnet", "import", *STATUS).stdout.splitlines()
    assert lines[0] == "{"
    assert sum(line.startswith('    {"login": ') for line in lines) == 2
    assert sum(line.startswith('    {"name": ') for line in lines) == 3


def test_an_import_gives_the_same_bytes_each_time(here: Path) -> None:
    runs = [
        spawn("tailnet", "import", *STATUS, cwd=here, environment={"PYTHONHASHSEED": seed})
        for seed in ("1", "2")
    ]
    assert runs[0] == runs[1]


def test_the_api_is_read_with_users_and_attributes(here: Path) -> None:
    (here / "attributes.json").write_text('{"nQ7CNTRL": {"attributes": {"node:os": "linux"}}}')
    args = ("--users", str(DATA / "api_users.json"), "--attributes", "attributes.json")
    result = invoke("tailnet", "import", "--from", "tailscale-api", devices(GATE), *args)
    tailnet = read_tailnet(result.stdout)

    assert [user.login for user in tailnet.users] == ["ada@corp.test", "bo@corp.test", "dee@github"]
    assert tailnet.to_dict()["nodes"] == [
        {
            "name": "gate",
            "tags": ["tag:gw"],
            "addresses": ["100.70.0.9"],
            "advertised_routes": ["10.9.0.0/16", "0.0.0.0/0", "::/0"],
            "approved_routes": ["10.9.0.0/16"],
            "created": "2026-01-01T00:00:00Z",
            "posture": {"node:os": "linux"},
            "id": "nQ7CNTRL",
        }
    ]


def test_an_id_beyond_what_a_float_holds_keeps_its_digits() -> None:
    device = {key: value for key, value in GATE.items() if key != "nodeId"}
    result = invoke("tailnet", "import", "--from", "tailscale-api", devices(device))
    assert json.loads(result.stdout)["nodes"][0]["id"] == "90071992547409931"


def test_services_and_routes_have_files_of_their_own(here: Path) -> None:
    (here / "routes.json").write_text(
        '{"nQ7CNTRL": {"advertisedRoutes": ["10.0.0.0/8"], "enabledRoutes": ["10.0.0.0/8"]}}'
    )
    (here / "hosts.json").write_text(json.dumps({"svc:wiki": read("api_wiki_hosts.json")}))
    files = ("--routes", "routes.json", "--services", str(DATA / "api_services.json"))
    more = ("--service-hosts", "hosts.json", "--tailnet-name", "corp.test")
    result = invoke("tailnet", "import", "--from", "tailscale-api", devices(GATE), *files, *more)
    data = json.loads(result.stdout)

    assert data["domains"] == ["corp.test"]
    assert data["nodes"][0]["approved_routes"] == ["10.0.0.0/8"]
    assert data["services"][1]["hosts"] == ["gate"]


def test_headscale_is_read_with_its_routes() -> None:
    routes = DATA / "headscale_0.25_routes.json"
    result = invoke("tailnet", "import", *HEADSCALE, "--routes", str(routes))
    assert result.exit_code == 0
    router = json.loads(result.stdout)["nodes"][0]
    assert (router["name"], router["approved_routes"]) == ("router", ["10.0.0.0/16"])
    assert "left out 1 node that has expired: `laptop`" in result.stderr


def test_users_may_follow_the_nodes_or_have_their_option() -> None:
    by_option = (*HEADSCALE[:3], "--users", HEADSCALE[3])
    assert (
        invoke("tailnet", "import", *by_option).stdout
        == invoke("tailnet", "import", *HEADSCALE).stdout
    )


def test_without_users_it_is_told_who_counts_as_one() -> None:
    result = invoke("tailnet", "import", *HEADSCALE[:3])
    assert result.exit_code == 0
    assert "no list of users was given" in result.stderr
    imported = import_headscale(read("headscale_0.25_nodes.json"), now=2**62).tailnet_dict
    assert read_tailnet(result.stdout) == Tailnet.from_dict(imported)


def test_a_dash_is_standard_input_once() -> None:
    text = (DATA / "status.json").read_text(encoding="utf-8")
    result = invoke("tailnet", "import", "--from", "tailscale-status", "-", stdin=text)
    assert result.stdout == invoke("tailnet", "import", *STATUS).stdout

    result = invoke("tailnet", "import", "--from", "headscale", "-", "-", stdin="[]")
    assert result.exit_code == 2
    assert "standard input can be read once only" in result.stderr


def test_quiet_leaves_out_what_is_told() -> None:
    result = invoke("tailnet", "import", *STATUS, "-q")
    assert (result.exit_code, result.stderr) == (0, "")


def test_an_import_can_be_checked_with(here: Path) -> None:
    (here / "policy.hujson").write_text(GOOD.replace("example.com", "corp.test"))
    invoke("tailnet", "import", *STATUS, "--output", "tailnet.json")
    result = invoke("check", "policy.hujson", "--tailnet", "tailnet.json")
    assert "the tailnet has no user `alice@corp.test`" in result.stdout


@pytest.mark.parametrize(
    ("args", "told"),
    [
        ((), "aclkit tailnet import --from headscale nodes.json users.json"),
        (("--from", "headscale"), "a file is missing; type"),
        (("--from", "headscale", "a", "b", "c"), "these are too many files; type"),
        (("--from", "tailscale-api", "a", "b"), "devices.json [--users users.json]"),
        (("--from", "tailscale-status", "a", "--users", "b"), "--users is nothing for --from"),
        (("--from", "headscale", "a", "--service-hosts", "b"), "--service-hosts is nothing for"),
        (("--from", "tailscale-satus", "a"), "is not one of"),
        (("--from", "headscale", "a", "--output", "-"), "leave out --output"),
        (("--from", "headscale", "a", "--output", "./a"), "would write over a, which is read"),
        (("--from", "headscale", "nowhere"), "nowhere: no such file or directory"),
        (("--from", "headscale", ""), "the name of a file is empty"),
    ],
)
def test_a_mistake_of_usage_says_what_to_type(args: tuple[str, ...], told: str) -> None:
    result = invoke("tailnet", "import", *args)
    assert result.exit_code == 2
    assert told in result.stderr
    assert result.stdout == ""


def test_a_mistyped_command_of_the_group_gets_a_hint() -> None:
    result = invoke("tailnet", "imprt")
    assert result.exit_code == 2
    assert "no command `imprt`; did you mean `import`?" in result.stderr
    result = invoke("tailnet")
    assert result.exit_code == 2
    assert "import" in result.output


STATUS_TEXT = "100.64.0.1  laptop  alice@  macOS  -\n"
TAILNET = '{"nodes": [{"name": "a", "tags": ["tag:a"], "addresses": ["100.64.0.1"]}]}'


@pytest.mark.parametrize("source", ["tailscale-api", "tailscale-status", "headscale"])
@pytest.mark.parametrize(
    ("text", "told"),
    [
        (GOOD, "found a policy"),
        (GOOD.replace(",\n}", "\n}"), "found a policy"),
        (TAILNET, "found a tailnet file"),
        (STATUS_TEXT, "found what `tailscale status` prints for people"),
        ("", "found an empty file"),
        ("nothing", "this is no JSON"),
        ('{"message": "API token invalid"}', "an API answered: `API token invalid`"),
        ("3", "found a number"),
        ("{}", "found "),
    ],
)
def test_a_file_of_another_kind_is_named(here: Path, source: str, text: str, told: str) -> None:
    (here / "given").write_text(text)
    result = invoke("tailnet", "import", "--from", source, "given", "--output", "tailnet.json")
    assert result.exit_code == 2
    assert result.stderr.startswith("given:")
    assert told in result.stderr
    assert result.stderr.endswith("aclkit: given: nothing was imported\n")
    assert not (here / "tailnet.json").exists()


def test_the_file_that_is_wrong_is_the_one_that_is_named(here: Path) -> None:
    (here / "users.json").write_text("{")
    args = (*HEADSCALE[:3], "users.json")
    assert invoke("tailnet", "import", *args).stderr.startswith("users.json:1:2: error: ")
    (here / "users.json").write_text('{"devices": []}')
    told = invoke("tailnet", "import", *args).stderr
    assert told.startswith("users.json: users: error: expected the list of `headscale users list`")


def test_a_failed_import_leaves_the_old_file_as_it_was(here: Path) -> None:
    (here / "tailnet.json").write_text(TAILNET)
    result = invoke("tailnet", "import", *STATUS[:2], "tailnet.json", "--output", "other.json")
    assert result.exit_code == 2
    assert sorted(path.name for path in here.iterdir()) == ["tailnet.json"]


def test_names_beyond_ascii_are_written_in_utf_8_wherever_it_goes(here: Path) -> None:
    (here / "users.json").write_text(
        json.dumps([{"id": 1, "name": "ada", "email": "a@x.test", "display_name": "Adá 設"}])
    )
    (here / "nodes.json").write_text("[]")
    args = ("tailnet", "import", "--from", "headscale", "nodes.json", "users.json")
    done = spawn(*args, cwd=here, environment={"PYTHONIOENCODING": "ascii"})
    assert read_tailnet(done.out).users[0].name == "Adá 設"


def test_a_control_character_of_an_inventory_reaches_no_terminal(here: Path) -> None:
    name = devices({**GATE, "name": "a\x1b[2Jb", "tags": ["tag:\x1b[31mred"]})
    done = at_terminal("tailnet", "import", "--from", "tailscale-api", name, cwd=here, columns=60)
    assert done.status == 0
    assert "\x1b" not in done.out + done.err
