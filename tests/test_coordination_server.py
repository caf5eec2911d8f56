"""The example server: nodes reconnect in a storm while the policy is edited; no map is left stale.

A hundred nodes by default. ACLKIT_STORM=1000 makes it a thousand.
"""

from __future__ import annotations

import asyncio
import json
import os
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

import aclkit
from examples.coordination_server.server import CoordinationServer

FOLDER = Path(__file__).resolve().parent.parent / "examples" / "coordination_server"
POLICY = (FOLDER / "policy.hujson").read_text(encoding="utf-8")
STORM = int(os.environ.get("ACLKIT_STORM") or "100")
SECONDS = max(60, STORM)
"""After this a test fails: some map is stale and stays so."""

ANN, BEN, EVE = (f"{name}@example.com" for name in ("ann", "ben", "eve"))
JSON = dict[str, Any]


def new_server() -> CoordinationServer:
    return CoordinationServer(POLICY, aclkit.load_tailnet(FOLDER / "tailnet.json"))


class Caller:
    """One connection to the server."""

    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    async def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = body.encode() if isinstance(body, str) else json.dumps(body).encode()
        head = f"{method} {path} HTTP/1.1\r\nContent-Length: {len(data)}\r\n\r\n"
        return await self.send(head.encode() + data)

    async def send(self, request: bytes) -> tuple[int, Any]:
        self.writer.write(request)
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode()
        length = head.partition("Content-Length: ")[2].partition("\r")[0]
        body = await self.reader.readexactly(int(length or 0))
        return int(head.split(" ")[1]), json.loads(body or b"null")


@asynccontextmanager
async def calling(port: int) -> AsyncIterator[Caller]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        yield Caller(reader, writer)
    finally:
        writer.close()


class Device:
    """A node: it registers, and then holds whatever map it was sent last."""

    def __init__(self, port: int, number: int) -> None:
        self.port = port
        self.name = f"node-{number}"
        self.data: JSON = {"user": (ANN, BEN, EVE)[number % 3]}
        if number % 2:
            tag = ("tag:web", "tag:db", "tag:router")[number % 3]
            self.data = {"user": ANN, "tags": [tag]}
        if number % 10 == 5:
            self.data["advertised_routes"] = ["10.0.0.0/16", f"10.{number % 250}.0.0/16"]
        self.version = 0
        self.map: JSON = {}

    async def register(self) -> None:
        async with calling(self.port) as caller:
            status, answer = await caller.ask("PUT", f"/nodes/{self.name}", self.data)
            assert status == 200, answer

    async def leave(self) -> None:
        async with calling(self.port) as caller:
            assert (await caller.ask("DELETE", f"/nodes/{self.name}"))[0] == 200

    async def follow(self, expected: JSON | None = None) -> None:
        """Take maps as they come: one, or until it is the expected one."""
        async with calling(self.port) as caller:
            while not self.map or (expected is not None and self.map != expected):
                path = f"/nodes/{self.name}/map?since={self.version}"
                status, answer = await caller.ask("GET", path)
                assert status in (200, 204), answer
                if status == 200:
                    self.version, self.map = answer["version"], answer["map"]


async def together(*work: Coroutine[Any, Any, Any]) -> None:
    async with asyncio.TaskGroup() as tasks:
        for each in work:
            tasks.create_task(each)


def run(story: Coroutine[Any, Any, None]) -> None:
    asyncio.run(asyncio.wait_for(story, SECONDS))


def test_after_a_storm_every_node_has_the_map_of_a_fresh_compile() -> None:
    async def edit(port: int) -> None:
        widened = POLICY.replace("tag:web:443", "tag:web:80,443")
        async with calling(port) as caller:
            for text in (widened, POLICY, widened.replace("5432", "6432")):
                status, answer = await caller.ask("PUT", "/policy", text)
                assert status == 200, answer
                status, answer = await caller.ask("PUT", "/policy", text.replace("dev", "dve", 1))
                assert status == 400, answer

    async def reconnect(device: Device, number: int) -> None:
        if number % 10 == 1:
            device.data = {"user": ANN, "tags": ["tag:web", "tag:db"]}
        await device.register()
        await device.follow()
        if number % 10 == 7:
            await device.leave()

    async def story() -> None:
        server = new_server()
        async with server.listening() as port:
            devices = [Device(port, number) for number in range(STORM)]
            await together(*(device.register() for device in devices[: STORM // 2]))
            storm = (reconnect(device, number) for number, device in enumerate(devices))
            await together(edit(port), *storm)
            snapshot = server.engine.snapshot
            policy = aclkit.load_policy(POLICY.replace("tag:web:443", "tag:web:80,443")
                                        .replace("5432", "6432"))  # fmt: skip
            fresh = aclkit.compile_policy(policy, snapshot.roster.tailnet)
            left = [
                device for device in devices if snapshot.roster.number_of(device.name) is not None
            ]
            assert len(left) == STORM - len(range(7, STORM, 10))
            await together(*(
                device.follow(json.loads(json.dumps(fresh.netmap(device.name).to_dict())))
                for device in left))  # fmt: skip
            assert any(device.map["peers"] for device in left)

    run(story())


def test_a_node_waits_until_its_map_is_another_one() -> None:
    async def story() -> None:
        async with new_server().listening() as port, calling(port) as caller:
            laptop, web = Device(port, 0), Device(port, 9)
            web.data = {"user": ANN, "tags": ["tag:web"]}
            await laptop.register()
            await laptop.follow()
            waiting = asyncio.create_task(
                caller.ask("GET", f"/nodes/node-0/map?since={laptop.version}")
            )
            await web.register()
            status, answer = await waiting
            assert status == 200
            assert [peer["name"] for peer in answer["map"]["peers"]] == ["node-9"]

    run(story())


def test_what_one_node_wants_wrongly_does_not_stop_the_others() -> None:
    async def wrong(port: int, body: JSON, expected: int) -> None:
        async with calling(port) as caller:
            status, answer = await caller.ask("PUT", "/nodes/wrong", body)
            assert (status, bool(answer["message"])) == (expected, True)

    async def story() -> None:
        server = new_server()
        async with server.listening() as port:
            await together(
                Device(port, 0).register(),
                wrong(port, {"user": "nobody@example.com"}, 409),
                Device(port, 1).register(),
                wrong(port, {"user": BEN, "tags": ["tag:db"]}, 403),
                Device(port, 2).register(),
                wrong(port, {"user": ANN, "colour": "red"}, 400),
                wrong(port, {"user": 5, "tags": ["tag:db"]}, 400),
                wrong(port, {}, 400),
            )
            assert len(server.engine.snapshot.roster.nodes) == 3
            async with calling(port) as caller:
                assert (await caller.ask("DELETE", "/nodes/wrong"))[0] == 409
                assert (await caller.ask("GET", "/nodes/wrong/map"))[0] == 404

    run(story())


def test_a_node_that_leaves_ends_its_own_waiting() -> None:
    async def story() -> None:
        async with new_server().listening() as port, calling(port) as caller:
            device = Device(port, 0)
            await device.register()
            await device.follow()
            path = f"/nodes/node-0/map?since={device.version}"
            waiting = asyncio.create_task(caller.ask("GET", path))
            await device.leave()
            assert (await waiting)[0] == 404

    run(story())


@pytest.mark.parametrize(
    ("request_bytes", "status"),
    [
        (b"hello\r\n\r\n", 400),
        (b"GET / HTTP/1.0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 404),
        (b"GET /nodes/x/map?since=yesterday HTTP/1.1\r\n\r\n", 404),
        (b"POST /nodes/x HTTP/1.1\r\n\r\n", 404),
        (b"GET //[ HTTP/1.1\r\n\r\n", 404),
        (b"PUT /nodes/x HTTP/1.1\r\nContent-Length: 4\r\n\r\n[1,]", 400),
        (b"PUT /nodes/x HTTP/1.1\r\nContent-Length: 2\r\n\r\n[]", 400),
        (b"PUT /policy HTTP/1.1\r\nContent-Length: 1\r\n\r\n{", 400),
        (b"PUT /policy HTTP/1.1\r\nContent-Length: -1\r\n\r\n", 411),
        (b"PUT /policy HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}", 411),
        (b"PUT /policy HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n", 411),
        (b"PUT /policy HTTP/1.1\r\nContent-Length: 999999999999\r\n\r\n", 413),
        (b"GET /" + b"x" * 2**17 + b" HTTP/1.1\r\n\r\n", 431),
    ],
    ids=lambda value: value[:40].decode().split("\r")[0] if isinstance(value, bytes) else value,
)
def test_what_is_no_request_is_answered_and_costs_nothing(
    request_bytes: bytes, status: int
) -> None:
    async def story() -> None:
        server = new_server()
        async with server.listening() as port, calling(port) as caller:
            answered, answer = await caller.send(request_bytes)
            assert answered == status
            assert answer["message"]
        assert server.engine.version == 1

    run(story())


def test_a_client_that_goes_away_in_the_middle_is_forgotten() -> None:
    async def story() -> None:
        async with new_server().listening() as port:
            async with calling(port) as caller:
                caller.writer.write(b"PUT /policy HTTP/1.1\r\nContent-Length: 10\r\n\r\n{")
            await Device(port, 0).register()

    run(story())


def test_the_example_is_small_enough_to_be_read() -> None:
    lines = [path.read_text(encoding="utf-8").count("\n") for path in FOLDER.glob("*.py")]
    assert sum(lines) < 300
